// When a basis found in doubles is proven to be the only optimum of the exact program.
//
// Every number of the rows may be the rounding of an exact one, off by at most u = 2^-53 of itself or 2^-1075.
//
// Lemma (Rump, "Verification methods: rigorous results using floating-point arithmetic", 2010, section 10).  Let B be the
// matrix of the basis rows, R an approximate inverse, and |I - R B| <= a < 1 in the maximum norm.  Then B is regular, and
// with r = B x - b its solution is within |R| |r| + a / (1 - a) max(|R| |r|) of x.  The multipliers solve B^T y = top; for
// them the defect is the column sum norm of I - B R.
//
// A sum of d + 2 terms, each a product of two numbers that may be off by a rounding, is off by at most products(d + 7)
// of the sum of the sizes of its terms: d + 10 roundings, of which the sum takes d + 2, the numbers two, and the rest
// makes up for the rounding of the bound itself.  What subnormal numbers lose is at most 2^-1075 times a factor below
// MOST, d + 2 times: less than TINY, also after another such factor.  PERTURBED makes up for the roundings of sums of
// numbers that are not negative, up to ten thousand of them.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "bounds.hpp"
#include "program.hpp"

namespace puiseux {

template <int D>
class BasisProof {
public:
    BasisProof(const Program<D>& program, const std::int64_t* basis, const double* point, const double* inverse, Workspace& room)
        : p(program), basis(basis), point(point), inverse(inverse), residual(room.vector(3)), error(room.vector(4)), weights(room.vector(5)) {}

    /// Whether the exact rows have a regular basis, positive multipliers on its inequalities, positive slacks in all other
    /// inequalities, and all equations in the basis.
    bool holds() const { return usable() && feasible_and_only() && optimal(); }

private:
    static constexpr double TINY = PROGRAM_SLACK, MOST = PROGRAM_LARGEST;
    static constexpr double PERTURBED = 1.001, QUOTIENT = 1.02;  // more than 1 / (1 - DEFECT), rounded
    static constexpr double DEFECT = 0.01;

    const Program<D> p;
    const std::int64_t* basis;
    const double *point, *inverse;
    double *residual, *error, *weights;

    constexpr int d() const { return p.dim(); }
    double rounding() const { return products(d() + 7); }

    bool usable() const {
        std::int64_t equations = 0;
        for (int k = 0; k < d(); ++k) {
            if (basis[k] < 0 || basis[k] >= p.count) return false;
            equations += basis[k] < p.equal;
            for (int j = 0; j < d(); ++j)
                if (!(std::fabs(inverse[j * d() + k]) < MOST && std::fabs(point[j]) < MOST)) return false;
        }
        return equations == p.equal && d() < 10'000;
    }

    /// The sum of terms that is zero but for rounding, with its error bound.
    struct Residual {
        double entry, size;
        explicit Residual(double first) : entry(first), size(std::fabs(first)) {}
        void add(double term) { entry += term, size += std::fabs(term); }
        double bound(double rounding) const { return std::fabs(entry) + rounding * size + TINY; }
    };

    /// The largest row sum of |I - R B|.
    double left_defect() const {
        double worst = 0;
        for (int i = 0; i < d(); ++i) {
            double total = 0;
            for (int j = 0; j < d(); ++j) {
                Residual r(i == j);
                for (int k = 0; k < d(); ++k) r.add(-(inverse[i * d() + k] * p.row(basis[k])[j]));
                total += r.bound(rounding());
            }
            worst = std::max(worst, total);
        }
        return worst;
    }

    /// The largest column sum of |I - B R|.
    double right_defect() const {
        double worst = 0;
        for (int j = 0; j < d(); ++j) {
            double total = 0;
            for (int i = 0; i < d(); ++i) {
                Residual r(i == j);
                for (int k = 0; k < d(); ++k) r.add(-(p.row(basis[i])[k] * inverse[k * d() + j]));
                total += r.bound(rounding());
            }
            worst = std::max(worst, total);
        }
        return worst;
    }

    /// Turn |R| |r| into the distance of the exact solution.
    void widen(double defect) const {
        double largest = 0;
        for (int j = 0; j < d(); ++j) largest = std::max(largest, error[j]);
        for (int j = 0; j < d(); ++j) error[j] = PERTURBED * (error[j] + QUOTIENT * defect * largest) + TINY;
    }

    /// Whether the exact solution of the basis satisfies all other inequalities strictly.
    bool feasible_and_only() const {
        const double defect = left_defect();
        if (!(defect < DEFECT)) return false;
        for (int k = 0; k < d(); ++k) {
            const double* row = p.row(basis[k]);
            Residual r(-row[d()]);
            for (int j = 0; j < d(); ++j) r.add(row[j] * point[j]);
            residual[k] = r.bound(rounding());
        }
        for (int j = 0; j < d(); ++j) {
            error[j] = 0;
            for (int k = 0; k < d(); ++k) error[j] += std::fabs(inverse[j * d() + k]) * residual[k];
        }
        widen(defect);
        for (std::int64_t i = p.equal; i < p.count; ++i) {
            const double* row = p.row(i);
            double slack = row[d()], size = std::fabs(slack), moved = 0;
            for (int j = 0; j < d(); ++j) {
                const double term = row[j] * point[j];
                slack -= term;
                size += std::fabs(term);
                moved += std::fabs(row[j]) * error[j];
            }
            if (slack > rounding() * size + PERTURBED * moved + TINY) continue;
            if (std::find(basis, basis + d(), i) == basis + d()) return false;
        }
        return true;
    }

    /// Whether the exact multipliers of the inequalities in the basis are positive.
    bool optimal() const {
        const double defect = right_defect();
        if (!(defect < DEFECT)) return false;
        for (int k = 0; k < d(); ++k) {
            weights[k] = 0;
            for (int j = 0; j < d(); ++j) weights[k] += p.top[j] * inverse[j * d() + k];
        }
        for (int j = 0; j < d(); ++j) {
            Residual r(-p.top[j]);
            for (int k = 0; k < d(); ++k) r.add(p.row(basis[k])[j] * weights[k]);
            residual[j] = r.bound(rounding());
        }
        for (int k = 0; k < d(); ++k) {
            error[k] = 0;
            for (int j = 0; j < d(); ++j) error[k] += std::fabs(inverse[j * d() + k]) * residual[j];
        }
        widen(defect);
        for (int k = 0; k < d(); ++k)
            if (basis[k] >= p.equal && !(weights[k] > error[k])) return false;
        return true;
    }
};

/// A row that need not be strict at a point: all equations, and each inequality of which a x < b (a x < 0 with
/// `homogeneous`) is not proven; returns how many, and writes their numbers.
///
/// Every number of the rows and of the point may be off by one rounding.  The computed slack is then off by at most d + 4
/// roundings of the size of its terms; products(d + 4) takes d + 7, which covers its own.  NaN and infinities prove nothing.
template <int D>
std::int64_t doubtful_rows(const Program<D>& p, const double* point, bool homogeneous, std::int64_t* indices) {
    const int d = p.dim();
    double underflow = 1;
    for (int j = 0; j < d; ++j) underflow += std::fabs(point[j]);
    underflow *= UNDERFLOW_SLACK;
    std::int64_t found = 0;
    for (std::int64_t i = 0; i < p.count; ++i) {
        const double* row = p.row(i);
        double slack = homogeneous ? 0 : row[d], size = std::fabs(slack);
        for (int j = 0; j < d; ++j) {
            const double term = row[j] * point[j];
            slack -= term;
            size += std::fabs(term);
        }
        if (i < p.equal || !(slack > products(d + 4) * size + underflow)) indices[found++] = i;
    }
    return found;
}

}  // namespace puiseux
