// Linear programs in doubles: rows, and what a method may say about them.
//
// Rows are laid out as (a_1, .., a_d, b), scaled so that all |a_j| < 1; the first `equal` are equations a x = b, the
// others inequalities a x <= b.  The objective `top`, to be maximized, is at the same time row number `count`, whose last
// number is a cap.  A basis names d rows: -1 - j where the variable j stays at zero.
#pragma once
#include <cstdint>
#include <vector>

namespace puiseux {

enum class Outcome : int { optimal, unbounded, infeasible, gave_up, proven };

/// A program whose dimension D is known to the compiler, or D = 0: then it is read from `dimension`.
template <int D>
struct Program {
    int dimension;
    const double* rows;
    std::int64_t count, equal;
    const double* top;
    bool symbolic;  // the cap is beyond all numbers

    constexpr int dim() const {
        if constexpr (D > 0) return D;
        return dimension;
    }
    const double* row(std::int64_t i) const { return i < count ? rows + i * (dim() + 1) : top; }
    double right_side(std::int64_t i) const { return row(i)[dim()]; }
};

/// b - a x, summed from the left.
template <int D>
double slack_at(const Program<D>& p, const double* row, const double* x) {
    double slack = row[p.dim()];
    for (int j = 0; j < p.dim(); ++j) slack -= row[j] * x[j];
    return slack;
}

/// The same without b: how fast the slack grows along a direction.
template <int D>
double rate_along(const Program<D>& p, const double* row, const double* direction) {
    double rate = 0;
    for (int j = 0; j < p.dim(); ++j) rate -= row[j] * direction[j];
    return rate;
}

/// Room for vectors of d numbers and one matrix, taken once for many programs.
struct Workspace {
    explicit Workspace(int d) : numbers(std::size_t(d) * (std::size_t(d) + 6)), dim(d) {}
    double* vector(int k) { return numbers.data() + std::size_t(k) * std::size_t(dim); }  // k = 0 .. 5
    double* matrix() { return vector(6); }

private:
    std::vector<double> numbers;
    int dim;
};

}  // namespace puiseux
