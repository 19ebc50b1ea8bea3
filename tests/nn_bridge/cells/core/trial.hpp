// Numbers m * 2^e, random networks with their exact weights, and tallies: for the programs that try error bounds.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <string>

#include "forms.hpp"

namespace puiseux::cells::trial {

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
inline std::map<std::string, Tally> tallies;

inline void check(const char* kind, const Dyadic& error, double bound) {
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

inline void require(const char* kind, bool holds) {
    ++tallies[kind].checks;
    if (holds) return;
    std::printf("%s: does not hold\n", kind);
    std::exit(1);
}

inline std::mt19937_64 numbers;

inline int below(int n) { return int(numbers() % std::uint64_t(n)); }
inline double uniform() { return std::ldexp(double(std::int64_t(numbers() >> 10)), -53) - 1; }  // in [-1, 1)

/// A number of one of several kinds.
inline double random_double(int kind) {
    switch (kind) {
        case 0: return uniform();
        case 1: return below(7) - 3;
        case 2: return std::ldexp(uniform(), below(120) - 60);
        default: return below(3) ? 1 + std::ldexp(uniform(), -40) : -1 + std::ldexp(uniform(), -40);  // sums cancel
    }
}

/// The exact weights of a random network: doubles, or (rounded) numbers of 90 bits.
struct Exact {
    std::vector<std::vector<Dyadic>> bias;                          // by stage and unit
    std::vector<std::vector<std::vector<std::vector<Dyadic>>>> row; // by stage, source, unit and column
};

inline Exact random_problem(Problem& p, int dim, const std::vector<int>& sizes, bool rounded, int kind) {
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
inline int exponent_of(const Problem& p, const std::vector<std::vector<int>>& known, int s, int j) {
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

}  // namespace puiseux::cells::trial
