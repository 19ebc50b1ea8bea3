// Every error bound of the cell engine that can be asked for alone, against exact binary fractions.
//
//     bounds SEED ROUNDS
//
// prints, for each kind of bound, the number of checks and the largest error in units of the bound; it ends with code 1
// where an error exceeds its bound.
#include "trial.hpp"

#include "polish.hpp"
#include "signs.hpp"

using namespace puiseux;
using namespace puiseux::cells;
using namespace puiseux::cells::trial;

namespace {

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

// --------------------------------------------------------------------------------------- signs through hidden values

class Hidden : public Signing<Shape<3, 1>> {
public:
    using Signing::Signing;
    using Signing::through_hidden;

    void follow(const Units<1>& on) {
        for (int s = 0; s < stages(); ++s) forms_[size_t(s)].follow(forms_, active_, clock_), set_active(s, s ? shape_.none() : on);
    }
};

/// Behind a stage of few units, many of which are zero: forms of the next one vanish or nearly do.
void check_hidden() {
    const int dim = 1 + below(3), hidden = 1 + below(4), units = 1 + below(6);
    Problem p;
    const Exact exact = random_problem(p, dim, {hidden, units}, below(2) == 1, below(4));
    if (!p.stages[1].chain) return;
    const Shape<3, 1> shape(dim, 1, 1, 0);
    std::vector<Word> words(size_t(2 * shape.stride()));
    Word *before = words.data(), *g = before + shape.stride();
    const bool ray = below(3) == 0;
    if (ray) shape.facets(g)[0] = 1;
    double e = 0;
    std::vector<Dyadic> point;
    for (int c = 0; c <= dim; ++c) {
        const bool w = c == dim;
        const double x = w ? (ray ? 0 : 0.1 + std::abs(uniform()) / 2) : uniform() * (below(3) ? 1 : 1e-9);
        const double off = (w && ray) || below(2) ? 0 : std::ldexp(uniform(), -20 - below(34));
        point.push_back(Dyadic::of(x) + Dyadic::of(off));
        shape.x(g)[w ? shape.last() : c] = x;
        e = std::max(e, std::abs(off));
    }
    shape.error(g) = e;
    auto value = [&](int s, int j, const std::vector<Dyadic>& inputs, const std::vector<Dyadic>& row) {
        Dyadic v = exact.bias[size_t(s)][size_t(j)] * point.back();
        for (size_t i = 0; i < row.size(); ++i) v = v + row[i] * inputs[i];
        return v;
    };
    std::vector<Dyadic> first;
    Units<1> on = shape.none();  // of the cell: those that are positive, and any that are zero
    for (int i = 0; i < hidden; ++i) {
        Dyadic v = value(0, i, point, exact.row[0][0][size_t(i)]);
        if (v.sign() > 0) shape.positive(before)[0] |= bit(i);
        if (v.sign() < 0) shape.negative(before)[0] |= bit(i);
        if (v.sign() > 0 || (v.sign() == 0 && below(2))) on.add(i);
        first.push_back(v.sign() > 0 ? v : Dyadic());
    }
    Counters counters;
    Watch watch;
    Hidden signs(p, shape, counters, watch);
    signs.follow(on);
    Units<1> asked = shape.none();
    for (int j = 0; j < units; ++j) asked.add(j);
    const Units<1> left = signs.through_hidden(before, g, 1, asked);
    for (int j = 0; j < units; ++j)
        if (!left.has(j)) require("signs through hidden values", value(1, j, first, exact.row[1][1][size_t(j)]).sign() == shape.side(g, j));
        else ++tallies["signs left open"].checks;
}

// --------------------------------------------------------------------------------------- points between two others

/// The zero of a form between two points, all of them off by as much as may be.
void check_blend() {
    const double exponents[] = {-50, -30, -12};
    const double loose = std::ldexp(1.0, int(exponents[below(3)]));
    auto off = [&](double x, double error) { return Dyadic::of(x) + Dyadic::of(below(2) ? error : -error); };
    double va = std::ldexp(0.5 + 0.5 * std::abs(uniform()), -below(30)), vb = std::ldexp(0.5 + 0.5 * std::abs(uniform()), -below(30));
    const double ea = va * loose * std::abs(uniform()), eb = vb * loose * std::abs(uniform());
    const double error_x = loose * std::abs(uniform()), error_y = loose * std::abs(uniform());
    const double inverse = 1 / (va + vb), of_x = vb * inverse, of_y = va * inverse;
    if (!(va + vb > 2 * (ea + eb))) return;
    const Dyadic true_a = off(va, ea), true_b = off(vb, eb), total = true_a + true_b, sum = Dyadic::of(of_x) + Dyadic::of(of_y);
    double apart = 0;
    Dyadic worst;
    for (int c = 0; c < 4; ++c) {
        const double x = uniform(), y = below(4) ? uniform() : x;
        const double z = of_x * x + of_y * y;
        apart = std::max(apart, std::abs(x - y));
        // weights have a common factor: their sum is not quite 1
        const Dyadic wrong = Dyadic::of(z) * total - sum * (true_b * off(x, error_x) + true_a * off(y, error_y));
        if (!(wrong.size() <= worst)) worst = wrong.size();
    }
    const double bound = blend_error(of_x, error_x, of_y, error_y, weight_shift(of_x, ea, of_y, eb, inverse), apart);
    Tally& t = tallies["points between two others"];
    ++t.checks;
    if (!(worst <= Dyadic::of(bound) * total)) {
        std::printf("points between two others: the bound is %g\n", bound);
        std::exit(1);
    }
    t.worst = std::max(t.worst, worst.rounded() / (bound * total.rounded()));
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
        check_blend(), check_blend();
        check_hidden(), check_hidden();
        check_polish();
        check_rounding();
        if (i % 8 == 0) check_forms<Shape<3, 1>>(1 + below(3), 1);
        if (i % 8 == 4) check_forms<Shape<DYNAMIC, DYNAMIC>>(1 + below(8), 1);
    }
    for (const auto& [kind, tally] : tallies) std::printf("%s\t%ld\t%g\n", kind.c_str(), tally.checks, tally.worst);
}
