// When a term is proven to lie on or under the simplex of n + 1 others.
//
// The multipliers l with sum l_k (A_k, 1) = (a, 1) are enclosed: with an approximate inverse R of the matrix M, the
// solution differs from an approximate one by at most max |R r| / (1 - |I - R M|), r its residual (Rump, "Verification
// methods", 2010, section 10).  Proven means that l >= 0 and sum l_k c_k >= c hold for all numbers in the enclosure and all
// exact entries within one rounding of the doubles.
//
// A sum of m + 1 products of rounded numbers is off by at most products(m + 4) of the sizes of its terms; bounds take twice
// that, which makes up for their own rounding, and PROGRAM_SLACK for whatever underflows.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "locate.hpp"

namespace puiseux::tropical {

class Enclosure {
public:
    explicit Enclosure(const Terms& terms) : t(terms), m(terms.dim + 1) {}

    bool redundant(const double* a, double own, const std::int64_t* basis) {
        matrix.resize(std::size_t(m * m));
        for (int k = 0; k < m; ++k) {
            for (int j = 0; j < t.dim; ++j) matrix[std::size_t(j * m + k)] = t.row(basis[k])[j];
            matrix[std::size_t(t.dim * m + k)] = 1;
        }
        reduced = matrix;
        if (!invert(reduced, inverse, m)) return false;
        const double bound = 2 * products(m + 4);
        values.assign(std::size_t(m), 0.0), residual.assign(std::size_t(m), 0.0);
        for (int i = 0; i < m; ++i)
            for (int j = 0; j < m; ++j) values[std::size_t(i)] += R(i, j) * target(a, j);
        double norm = 0, spread = 0;
        for (int i = 0; i < m; ++i) {
            double entry = -target(a, i), size = std::fabs(entry), row = 0;
            for (int j = 0; j < m; ++j) {
                entry += M(i, j) * values[std::size_t(j)];
                size += (std::fabs(M(i, j)) + UNDERFLOW_SLACK) * std::fabs(values[std::size_t(j)]);
                double defect = i == j, sizes = defect;
                for (int k = 0; k < m; ++k) {
                    defect -= R(i, k) * M(k, j);
                    sizes += std::fabs(R(i, k)) * (std::fabs(M(k, j)) + UNDERFLOW_SLACK);
                }
                row += std::fabs(defect) + bound * sizes + PROGRAM_SLACK;
            }
            residual[std::size_t(i)] = std::fabs(entry) + bound * size + PROGRAM_SLACK;
            if (!(row < 0.49)) return false;
            norm = std::max(norm, row);
        }
        norm *= UP;
        double slack = -own, sizes = std::fabs(own), heights = 0, least = values[0];
        for (int i = 0; i < m; ++i) {
            double moved = 0;
            for (int j = 0; j < m; ++j) moved += std::fabs(R(i, j)) * residual[std::size_t(j)];
            if (!std::isfinite(moved)) return false;
            spread = std::max(spread, moved);
            const double height = t.coefficients[basis[i]], value = values[std::size_t(i)];
            slack += value * height;
            sizes += std::fabs(value) * (std::fabs(height) + UNDERFLOW_SLACK);
            heights += std::fabs(height);
            least = std::min(least, value);
        }
        const double radius = spread * UP / (1 - norm) * UP + PROGRAM_SLACK;
        const double error = bound * sizes + radius * (heights + PROGRAM_SLACK) * UP + PROGRAM_SLACK;
        return std::isfinite(error) && least > radius && slack > error * 1.01;
    }

private:
    const Terms& t;
    const int m;
    std::vector<double> matrix, reduced, inverse, values, residual;

    double M(int i, int j) const { return matrix[std::size_t(i * m + j)]; }
    double R(int i, int j) const { return inverse[std::size_t(i * m + j)]; }
    double target(const double* a, int j) const { return j < t.dim ? a[j] : 1; }
};

}  // namespace puiseux::tropical
