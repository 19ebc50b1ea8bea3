// Terms of a max-plus polynomial max_s (A_s x + c_s) in doubles, and which of them is the largest at a point.
//
// Each entry is an exact number rounded once.  A value A_s x + c_s is a sum of n + 1 terms of which one factor is rounded:
// it is off by at most products(n + 4) of the sum of the sizes of its terms, of which the sum takes n + 2 roundings, the
// entries one, and the rest makes up for the rounding of the bound.  Sizes of entries are raised by UNDERFLOW_SLACK first,
// which covers the larger relative error of subnormal ones.  What is not a number proves nothing.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "bounds.hpp"

namespace puiseux::tropical {

/// The terms, with the exponents once more variable by variable: sums over all terms then run side by side.
struct Terms {
    std::int64_t count;
    int dim;
    const double *exponents, *coefficients;
    std::vector<double> by_variable, widest;
    double highest = 0;

    Terms(std::int64_t terms, int variables, const double* a, const double* c)
        : count(terms), dim(variables), exponents(a), coefficients(c), by_variable(std::size_t(terms) * std::size_t(variables)),
          widest(std::size_t(variables), 0.0) {
        for (std::int64_t s = 0; s < count; ++s) {
            highest = std::max(highest, std::fabs(c[s]));
            for (int j = 0; j < dim; ++j) {
                by_variable[std::size_t(j * count + s)] = a[s * dim + j];
                widest[std::size_t(j)] = std::max(widest[std::size_t(j)], std::fabs(a[s * dim + j]));
            }
        }
        for (double& w : widest) w += UNDERFLOW_SLACK;
    }

    const double* row(std::int64_t s) const { return exponents + s * dim; }

    /// values[s] = start[s] + A_s x, or without a start constant + A_s x.
    void evaluate(const double* x, const double* start, double constant, double* values) const {
        for (std::int64_t s = 0; s < count; ++s) values[s] = start ? start[s] : constant;
        for (int j = 0; j < dim; ++j) {
            const double* column = by_variable.data() + std::size_t(j * count);
            for (std::int64_t s = 0; s < count; ++s) values[s] += x[j] * column[s];
        }
    }
};

/// The first largest term at a point, and whether it is proven to be alone there: 3 errors above all others.
struct Winner {
    std::int64_t term;
    bool alone;
};

inline Winner winner_at(const Terms& t, const double* x, double* values) {
    t.evaluate(x, t.coefficients, 0, values);
    if (t.count == 1) return {0, true};
    std::int64_t best = 0;
    double top = values[0], second = -std::numeric_limits<double>::infinity();
    bool numbers = !std::isnan(values[0]);
    for (std::int64_t s = 1; s < t.count; ++s) {
        numbers = numbers && !std::isnan(values[s]);
        if (values[s] > top) {
            second = top, top = values[s], best = s;
        } else if (values[s] > second) {
            second = values[s];
        }
    }
    double size = t.highest;
    for (int j = 0; j < t.dim; ++j) size += std::fabs(x[j]) * t.widest[std::size_t(j)];
    const double error = products(t.dim + 4) * size + UNDERFLOW_SLACK;
    return {best, numbers && std::isfinite(top) && top - second > 3 * error};
}

}  // namespace puiseux::tropical
