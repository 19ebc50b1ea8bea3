// Every error bound of the cell engine that can be asked for alone, against exact binary fractions.
//
//     bounds SEED ROUNDS
//
// prints, for each kind of bound, the number of checks and the largest error in units of the bound; it ends with code 1
// where an error exceeds its bound.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <string>

#include "forms.hpp"
#include "polish.hpp"
#include "signs.hpp"

using namespace puiseux;
using namespace puiseux::cells;

namespace {

/// m * 2^e
struct Dyadic {
    Integer m;
    std::int64_t e = 0;

    static Dyadic of(double x) {
        const std::int64_t bits = Integer::fraction_bits(x);
        return {Integer::of_double(x, bits), -bits};
    }
    static Dyadic of(const Integer& m, std::int64_t e = 0) { return Dyadic{m, e}; }
    int sign() const { return m.sign(); }
    Dyadic size() const { return {abs(m), e}; }
    friend Dyadic operator+(const Dyadic& a, const Dyadic& b) {
        if (a.m.is_zero()) return b;
        if (b.m.is_zero()) return a;
        const std::int64_t e = std::min(a.e, b.e);
        return {(a.m << std::size_t(a.e - e)) + (b.m << std::size_t(b.e - e)), e};
    }
    friend Dyadic operator*(const Dyadic& a, const Dyadic& b) { return {a.m * b.m, a.e + b.e}; }
    friend Dyadic operator-(const Dyadic& a, const Dyadic& b) { return a + Dyadic{-b.m, b.e}; }
    friend bool operator<=(const Dyadic& a, const Dyadic& b) { return (a - b).sign() <= 0; }
    double rounded() const {
        const RoundedInteger r = m.rounded();
        return std::ldexp(r.mantissa, int(std::clamp<std::int64_t>(r.exponent + e, -3000, 3000)));
    }
};

struct Tally {
    long checks = 0;
    double worst = 0;
};
std::map<std::string, Tally> tallies;

void check(const char* kind, const Dyadic& error, double bound) {
    Tally& t = tallies[kind];
    ++t.checks;
    if (bound == UNKNOWN) return;
    const Dyadic size = error.size();
    if (!(bound >= 0) || !(size <= Dyadic::of(bound))) {
        std::printf("%s: an error of %g, the bound is %g\n", kind, size.rounded(), bound);
        std::exit(1);
    }
    if (bound > 0) t.worst = std::max(t.worst, size.rounded() / bound);
}

void require(const char* kind, bool holds) {
    ++tallies[kind].checks;
    if (holds) return;
    std::printf("%s: does not hold\n", kind);
    std::exit(1);
}

std::mt19937_64 numbers;

int below(int n) { return int(numbers() % std::uint64_t(n)); }
double uniform() { return std::ldexp(double(std::int64_t(numbers() >> 10)), -53) - 1; }  // in [-1, 1)

/// A number of one of several kinds.
double random_double(int kind) {
    switch (kind) {
        case 0: return uniform();
        case 1: return below(7) - 3;
        case 2: return std::ldexp(uniform(), below(120) - 60);
        default: return below(3) ? 1 + std::ldexp(uniform(), -40) : -1 + std::ldexp(uniform(), -40);  // sums cancel
    }
}

// ---------------------------------------------------------------------------------------------------------- products

void check_products() {
    const int count = 1 + below(40), kind = below(4);
    double sum = 0;
    Dyadic exact, terms;
    for (int i = 0; i < count; ++i) {
        const double a = random_double(kind), b = random_double(kind);
        sum += a * b;
        const Dyadic t = Dyadic::of(a) * Dyadic::of(b);
        exact = exact + t, terms = terms + t.size();
    }
    check("sum of products", Dyadic::of(sum) - exact, products(count) * terms.rounded() * UP + UNDERFLOW_SLACK);
}

// ------------------------------------------------------------------------------------------------------------- forms

/// The exact weights of a random network: doubles, or (rounded) numbers of 90 bits.
struct Exact {
    std::vector<std::vector<Dyadic>> bias;                          // by stage and unit
    std::vector<std::vector<std::vector<std::vector<Dyadic>>>> row; // by stage, source, unit and column
};

Exact random_problem(Problem& p, int dim, const std::vector<int>& sizes, bool rounded, int kind) {
    Exact exact;
    p.dim = dim;
    const int stages = int(sizes.size());
    for (int s = 0; s < stages; ++s) {
        StageRows rows;
        auto& bias = exact.bias.emplace_back();
        auto& by_source = exact.row.emplace_back(size_t(s) + 1);
        constexpr int SHIFT = 200;  // exact integers are multiples of 2^-200
        auto draw = [&](std::vector<double>& values, Integers& exacts) {
            Dyadic d = Dyadic::of(below(6) ? random_double(kind) : 0.0);
            if (rounded && d.sign()) d = d + Dyadic::of(Integer(std::int64_t(numbers() >> 20)), d.e - 45);
            if (rounded) {
                const std::int64_t shift = SHIFT + d.e;
                exacts.push_back(shift >= 0 ? d.m << std::size_t(shift) : d.m >> std::size_t(-shift));
                d = Dyadic::of(exacts.back(), -SHIFT);
            }
            values.push_back(d.rounded());
            return d;
        };
        for (int j = 0; j < sizes[size_t(s)]; ++j) bias.push_back(draw(rows.bias, rows.exact_bias));
        for (int source = 0; source <= s; ++source) {
            if (source != s && below(2)) continue;  // skip connections now and then
            const int columns = source ? sizes[size_t(source) - 1] : dim;
            SparseRows& block = rows.blocks.emplace_back();
            block.source = source;
            block.begin.push_back(0);
            for (int j = 0; j < sizes[size_t(s)]; ++j) {
                auto& row = by_source[size_t(source)].emplace_back();
                for (int i = 0; i < columns; ++i) {
                    row.push_back(draw(block.value, block.exact));
                    block.column.push_back(i);
                }
                block.begin.push_back(std::int64_t(block.value.size()));
            }
        }
        p.given.push_back(std::move(rows));
    }
    p.finish();
    return exact;
}

/// The power of two by which the engine multiplies the form of a unit; 0 where its numbers do not tell.
int exponent_of(const Problem& p, const std::vector<std::vector<int>>& known, int s, int j) {
    const Stage& stage = p.stages[size_t(s)];
    const StageRows& given = p.given[size_t(s)];
    auto between = [](double scaled, double value) { return std::ilogb(scaled) - std::ilogb(value); };
    const double bias = given.bias[size_t(j)];
    if (bias != 0 && stage.bias[size_t(j)] != 0) return between(stage.bias[size_t(j)], bias);
    for (const SparseRows& block : given.blocks)
        for (auto k = block.begin[size_t(j)]; k < block.begin[size_t(j) + 1]; ++k) {
            const double v = block.value[size_t(k)];
            const int i = block.column[size_t(k)];
            if (v == 0) continue;
            if (block.source == 0) {
                const double z = stage.direct[size_t(i) * size_t(stage.padded) + size_t(j)];
                if (z != 0) return between(z, v);
            } else {
                for (const Weights& w : stage.blocks)
                    if (w.source == block.source - 1 && w.at(j, i) != 0)
                        return between(w.at(j, i), v) + known[size_t(block.source) - 1][size_t(i)];
            }
        }
    return 0;
}

template <class S>
void check_forms(int dim, int words) {
    const std::vector<int> sizes{3 + below(6), 2 + below(6), 1 + below(6)};
    const int stages = int(sizes.size());
    Problem p;
    const Exact exact = random_problem(p, dim, sizes, below(2) == 1, below(4));
    std::vector<std::vector<int>> exponents;
    for (int s = 0; s < stages; ++s) {
        std::vector<int> own;
        for (int j = 0; j < sizes[size_t(s)]; ++j) own.push_back(exponent_of(p, exponents, s, j));
        exponents.push_back(std::move(own));
    }
    const S shape(dim, words, words, 0);
    std::vector<Forms<S>> forms;
    for (int s = 0; s < stages; ++s) forms.emplace_back(p, shape, s);
    std::vector<typename S::Set> active(size_t(stages), shape.none());
    std::uint64_t clock = 1;
    for (int step = 0; step < 12; ++step) {
        std::vector<std::vector<std::vector<Dyadic>>> truth;  // by stage, unit and coordinate
        for (int s = 0; s < stages; ++s) {
            forms[size_t(s)].follow(forms, active, clock);
            auto& own = truth.emplace_back();
            for (int j = 0; j < sizes[size_t(s)]; ++j) {
                std::vector<Dyadic> f(size_t(dim) + 1);
                f.back() = exact.bias[size_t(s)][size_t(j)];
                for (int source = 0; source <= s; ++source) {
                    if (exact.row[size_t(s)][size_t(source)].empty()) continue;
                    const auto& row = exact.row[size_t(s)][size_t(source)][size_t(j)];
                    for (size_t i = 0; i < row.size(); ++i) {
                        if (source == 0) f[i] = f[i] + row[i];
                        else if (active[size_t(source) - 1].has(int(i)))
                            for (size_t c = 0; c < f.size(); ++c) f[c] = f[c] + row[i] * truth[size_t(source) - 1][i][c];
                    }
                }
                own.push_back(std::move(f));
            }
            // the next pattern of this stage: now and then a few units, now and then many
            for (int i = 0; i < sizes[size_t(s)]; ++i)
                if (below(step % 3 ? 6 : 2) == 0) {
                    if (active[size_t(s)].has(i)) active[size_t(s)].drop(i);
                    else active[size_t(s)].add(i);
                }
        }
        // a point, known up to an error
        std::vector<Dyadic> point;
        std::vector<double> x(size_t(shape.last()) + 1, 0.0);
        const int lead = below(dim + 1);
        double e = 0;
        for (int c = 0; c <= dim; ++c) {
            const double nearest = c == lead ? 0.5 + 0.49 * std::abs(uniform()) : uniform() * (below(3) ? 1 : 1e-9);
            const double off = below(2) ? 0 : std::ldexp(uniform(), -20 - below(40));
            point.push_back(Dyadic::of(nearest) + Dyadic::of(off));
            x[size_t(c == dim ? shape.last() : c)] = nearest;
            e = std::max(e, std::abs(off));
        }
        for (int s = 0; s < stages; ++s) {
            const Forms<S>& f = forms[size_t(s)];
            const Signs<typename S::Set> signs = f.signs(x.data(), e);
            for (int j = 0; j < sizes[size_t(s)]; ++j) {
                const int shift = exponents[size_t(s)][size_t(j)];
                Dyadic value, norm;
                for (int c = 0; c <= dim; ++c) {
                    const int place = c == dim ? shape.last() : c;
                    const Dyadic t = truth[size_t(s)][size_t(j)][size_t(c)] * Dyadic::of(Integer(1), shift);
                    check("coefficient of a form", Dyadic::of(f.row(place)[j]) - t, f.error(j));
                    value = value + t * point[size_t(c)], norm = norm + Dyadic::of(std::abs(f.row(place)[j]));
                }
                if (f.error(j) != UNKNOWN) require("size of a form", norm <= Dyadic::of(f.size(j)));
                if (!f.live().has(j)) require("a form that is not live is zero", value.sign() == 0 && norm.sign() == 0);
                const Dyadic off = Dyadic::of(f.value(j, x.data())) - value;
                check("value of a form", off, f.live().has(j) ? f.bound(j, e) : 0);
                const double tight = f.tight_bound(j, x.data(), e);
                check("value of a form, tight", off, tight);
                if (signs.positive.has(j)) require("certain signs", value.sign() > 0);
                if (signs.negative.has(j)) require("certain signs", value.sign() < 0);
            }
        }
    }
}

// ---------------------------------------------------------------------------------------------- points from facets

void check_polish() {
    const int n = 1 + below(6), count = n + below(2);
    IntegerMatrix m(size_t(count), size_t(n) + 1);
    for (Integer& v : m.entries) v = Integer(std::int64_t(below(1 << 20)) - (1 << 19));
    for (int i = n; i < count; ++i)  // redundant rows
        for (int c = 0; c <= n; ++c) m.at(size_t(i), size_t(c)) = m.at(0, size_t(c)) + m.at(size_t(n > 1), size_t(c));
    // the rows that are handed over differ from the true ones by up to `error`
    const bool off = below(2) == 1;
    const double error = off ? 0x1p-39 : 0;  // redundant rows add up two
    Rows rows(n + 1);
    IntegerMatrix truth(size_t(count), size_t(n) + 1);
    for (int i = 0; i < count; ++i) {
        double* row = rows.add(error);
        for (int c = 0; c <= n; ++c) {
            const Integer noise = off && i < n ? Integer(std::int64_t(below(3)) - 1) : Integer();
            truth.at(size_t(i), size_t(c)) = (m.at(size_t(i), size_t(c)) << 20) + noise;  // times 2^-40
            row[c] = std::ldexp(m.at(size_t(i), size_t(c)).to_double().value, -20);
        }
    }
    for (int i = n; i < count; ++i)
        for (int c = 0; c <= n; ++c) truth.at(size_t(i), size_t(c)) = truth.at(0, size_t(c)) + truth.at(size_t(n > 1), size_t(c));
    const std::optional<Integers> v = null_vector(truth);
    if (!v) return;
    std::int64_t top = 0;
    for (const Integer& z : *v) top = std::max(top, z.rounded().exponent);
    std::vector<double> x;
    size_t lead = 0;
    for (const Integer& z : *v) {
        const RoundedInteger r = z.rounded();
        x.push_back(std::ldexp(r.mantissa, int(std::max<std::int64_t>(r.exponent - top, -1000))));
        if (abs(z) > abs((*v)[lead])) lead = x.size() - 1;
    }
    for (size_t c = 0; c < x.size(); ++c)
        if (c != lead) x[c] += std::ldexp(uniform(), -14);
    for (const double z : x)
        if (std::abs(z) > std::abs(x[lead])) return;
    const double bound = polish(rows, x);
    ++tallies["polished points"].checks;
    if (bound < 0) return;
    // the largest coordinate is fixed: compare x_c v_lead with v_c x_lead
    for (size_t c = 0; c < x.size(); ++c) {
        const Dyadic difference = Dyadic::of(x[c]) * Dyadic::of((*v)[lead]) - Dyadic::of((*v)[c]) * Dyadic::of(x[lead]);
        const Dyadic allowed = Dyadic::of(bound) * Dyadic::of(abs((*v)[lead]));
        require("polished points", difference.size() <= allowed);
        Tally& t = tallies["polished points"];
        if (allowed.sign()) t.worst = std::max(t.worst, std::exp2(std::log2(difference.size().rounded()) - std::log2(allowed.rounded())));
    }
}

void check_rounding() {
    const int n = 1 + below(5), bits = 1 + below(300);
    Integers v;
    for (int c = 0; c <= n; ++c) {
        Integer z(std::int64_t(numbers() >> 2));
        for (int k = 62; k < bits; k += 60) z = (z << 60) + Integer(std::int64_t(numbers() >> 5));
        z >>= std::size_t(below(40));
        if (below(2)) z.negate();
        v.push_back(below(5) ? z : Integer());
    }
    if (std::all_of(v.begin(), v.end(), [](const Integer& z) { return z.is_zero(); })) return;
    std::vector<double> x(size_t(n) + 1);
    const double bound = round_to_row(v, false, n, x.data());
    make_primitive(v);
    std::int64_t top = 0;
    for (const Integer& z : v) top = std::max(top, z.rounded().exponent);
    double largest = 0;
    for (int c = 0; c <= n; ++c) {
        check("rounded coordinates", Dyadic::of(x[size_t(c)]) - Dyadic::of(v[size_t(c)], -top), bound);
        largest = std::max(largest, std::abs(x[size_t(c)]));
    }
    require("the largest coordinate lies in [1/2, 1]", largest >= 0.5 && largest <= 1);
}

}  // namespace

int main(int argc, char** argv) {
    numbers.seed(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1);
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 1000;
    for (int i = 0; i < rounds; ++i) {
        check_products();
        check_polish();
        check_rounding();
        if (i % 8 == 0) check_forms<Shape<3, 1>>(1 + below(3), 1);
        if (i % 8 == 4) check_forms<Shape<DYNAMIC, DYNAMIC>>(1 + below(8), 1);
    }
    for (const auto& [kind, tally] : tallies) std::printf("%s\t%ld\t%g\n", kind.c_str(), tally.checks, tally.worst);
}
