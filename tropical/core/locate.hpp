// Where a further term stands to the others: maximize (a x + q) - max_s (A_s x + c_s) by dual simplex steps, in doubles.
//
// A basis is n + 1 terms that tie at a vertex.  M has the rows (A_k, 1) of the basis; its inverse is kept, and the
// multipliers of a query (a, 1) are (a, 1) M^-1.  Thresholds decide only which proposal is made.
// Source: the dual simplex method (Lemke 1954).
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "terms.hpp"

namespace puiseux::tropical {

/// The inverse of an m x m matrix by Gauss and Jordan with pivots of largest size; false if one is zero or no number.
inline bool invert(std::vector<double>& matrix, std::vector<double>& inverse, int m) {
    inverse.assign(std::size_t(m * m), 0.0);
    for (int i = 0; i < m; ++i) inverse[std::size_t(i * m + i)] = 1;
    for (int k = 0; k < m; ++k) {
        int pivot = k;
        for (int i = k + 1; i < m; ++i)
            if (std::fabs(matrix[std::size_t(i * m + k)]) > std::fabs(matrix[std::size_t(pivot * m + k)])) pivot = i;
        const double size = std::fabs(matrix[std::size_t(pivot * m + k)]);
        if (!(size > 0) || !std::isfinite(size)) return false;
        for (std::vector<double>* part : {&matrix, &inverse})
            std::swap_ranges(part->begin() + k * m, part->begin() + (k + 1) * m, part->begin() + pivot * m);
        const double factor = 1 / matrix[std::size_t(k * m + k)];
        for (int j = 0; j < m; ++j) matrix[std::size_t(k * m + j)] *= factor, inverse[std::size_t(k * m + j)] *= factor;
        for (int i = 0; i < m; ++i) {
            const double f = matrix[std::size_t(i * m + k)];
            if (i == k || f == 0) continue;
            for (int j = 0; j < m; ++j) {
                matrix[std::size_t(i * m + j)] -= f * matrix[std::size_t(k * m + j)];
                inverse[std::size_t(i * m + j)] -= f * inverse[std::size_t(k * m + j)];
            }
        }
    }
    return true;
}

enum class Place : std::int8_t { undecided, optimal, unbounded, above };

class Locator {
public:
    /// `start` has n + 1 terms that tie at a vertex.
    Locator(const Terms& terms, const std::int64_t* start)
        : t(terms), m(terms.dim + 1), first(start, start + m), values(std::size_t(t.count)), slopes(std::size_t(t.count)),
          multipliers(std::size_t(m)), vertex(std::size_t(m)), move(std::size_t(m)) {
        std::vector<double> matrix;
        for (const std::int64_t s : first) {
            matrix.insert(matrix.end(), t.row(s), t.row(s) + t.dim);
            matrix.push_back(1);
        }
        regular = invert(matrix, start_inverse, m);
    }

    /// The basis (n + 1 terms), its vertex and, where unbounded, the direction are written.
    Place locate(const double* a, double q, int steps, std::int64_t* basis, double* point, double* direction) {
        std::copy(first.begin(), first.end(), basis);
        std::fill_n(point, t.dim, 0.0), std::fill_n(direction, t.dim, 0.0);
        if (!regular) return Place::undecided;
        inverse = start_inverse;
        for (int step = 0; step < steps; ++step) {
            const double height = place_vertex(basis);
            std::copy_n(vertex.data(), t.dim, point);
            multiply(a);
            const int leaving = int(std::min_element(multipliers.begin(), multipliers.end()) - multipliers.begin());
            double own = q;
            for (int j = 0; j < t.dim; ++j) own += a[j] * vertex[std::size_t(j)];
            if (own > height) return Place::above;
            if (multipliers[std::size_t(leaving)] >= -1e-11) return Place::optimal;
            const std::int64_t entering = first_above(leaving, height, basis);
            if (entering < 0) {
                std::copy_n(move.data(), t.dim, direction);
                return Place::unbounded;
            }
            multiply(t.row(entering));
            if (!(std::fabs(multipliers[std::size_t(leaving)]) > 0)) return Place::undecided;
            exchange(leaving);
            basis[leaving] = entering;
        }
        return Place::undecided;
    }

private:
    const Terms& t;
    const int m;
    std::vector<std::int64_t> first;
    std::vector<double> values, slopes, multipliers, vertex, move, start_inverse, inverse;
    bool regular = false;

    double& entry(int i, int k) { return inverse[std::size_t(i * m + k)]; }

    /// The point at which the terms of the basis tie; returns their value there.
    double place_vertex(const std::int64_t* basis) {
        for (int i = 0; i < m; ++i) {
            double sum = 0;
            for (int k = 0; k < m; ++k) sum -= entry(i, k) * t.coefficients[basis[k]];
            vertex[std::size_t(i)] = sum;
        }
        return -vertex[std::size_t(t.dim)];
    }

    /// The multipliers of (a, 1).
    void multiply(const double* a) {
        for (int k = 0; k < m; ++k) multipliers[std::size_t(k)] = entry(t.dim, k);
        for (int j = 0; j < t.dim; ++j)
            for (int k = 0; k < m; ++k) multipliers[std::size_t(k)] += a[j] * entry(j, k);
    }

    /// The term that is met first on the edge that leaves one of the basis, or -1.
    std::int64_t first_above(int leaving, double height, const std::int64_t* basis) {
        for (int i = 0; i < m; ++i) move[std::size_t(i)] = -entry(i, leaving);
        t.evaluate(vertex.data(), t.coefficients, 0, values.data());
        t.evaluate(move.data(), nullptr, move[std::size_t(t.dim)], slopes.data());
        for (int k = 0; k < m; ++k) slopes[std::size_t(basis[k])] = 0;
        double scale = 0, least = std::numeric_limits<double>::infinity();
        for (const double slope : slopes) scale = std::max(scale, std::fabs(slope));
        std::int64_t found = -1;
        for (std::int64_t s = 0; s < t.count; ++s) {
            const double slope = slopes[std::size_t(s)];
            if (!(slope > 1e-13 * scale)) continue;
            const double step = std::max(height - values[std::size_t(s)], 0.0) / slope;
            if (step < least) least = step, found = s;
        }
        return found;
    }

    /// Replace a basis row by the one whose products with the columns of the inverse are `multipliers`.
    void exchange(int at) {
        const double pivot = 1 / multipliers[std::size_t(at)];
        multipliers[std::size_t(at)] = 0;
        for (int i = 0; i < m; ++i) {
            const double moved = entry(i, at) * pivot;
            for (int k = 0; k < m; ++k) entry(i, k) -= multipliers[std::size_t(k)] * moved;
            entry(i, at) = moved;
        }
    }
};

}  // namespace puiseux::tropical
