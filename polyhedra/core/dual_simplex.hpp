// The dual simplex method in doubles.  It proposes a basis and proves nothing; `basis_proof.hpp` proves some of them.
//
// The inverse of the basis matrix is kept: entry (j, k) is at j * d + k, and its column k is the edge on which only the
// basis row k gets slack.  Thresholds in here decide only which proposal is made.
// Sources: Lemke 1954, The dual method of solving the linear programming problem; Bland 1977 for the rule that ends.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "program.hpp"

namespace puiseux {

template <int D>
class DualSimplex {
public:
    /// `basis` has d + 1 numbers (the last: the row that cannot be satisfied), `point` d, `inverse` d * d; all are written.
    DualSimplex(const Program<D>& program, std::int64_t* basis, double* point, double* inverse, Workspace& room)
        : p(program), basis(basis), point(point), inverse(inverse), alpha(room.vector(0)), cost(room.vector(1)), growth(room.vector(2)) {}

    /// For `unbounded` the point is the part of the solution that does not grow with the cap.
    Outcome run() {
        start();
        const std::int64_t patience = 6 * (p.count + d()) + 20;
        for (std::int64_t iteration = 0; iteration < 2 * patience; ++iteration) {
            bland = iteration >= patience;  // the first row that fits: slow, but it comes to an end
            if (!place_point()) return Outcome::gave_up;
            const bool grows = p.symbolic && top_at >= 0;
            std::int64_t leaving = grows ? falling_row() : -1;
            if (leaving < 0) leaving = violated_row(grows);
            if (leaving < 0) return grows ? Outcome::unbounded : Outcome::optimal;
            const int entering = entering_place(leaving);
            if (entering < 0) {
                basis[d()] = leaving;
                return Outcome::infeasible;
            }
            exchange(entering);
            basis[entering] = leaving;
        }
        return Outcome::gave_up;
    }

private:
    const Program<D> p;
    std::int64_t* basis;
    double *point, *inverse, *alpha, *cost, *growth;
    bool bland = false;
    int top_at = -1;  // where the objective stands in the basis
    double size = 0, growth_size = 0;

    constexpr int d() const { return p.dim(); }

    /// A basis whose multipliers are not negative: equations, the objective, then whatever rows have good pivots.
    void start() {
        for (int k = 0; k < d(); ++k) {
            for (int j = 0; j < d(); ++j) inverse[j * d() + k] = j == k;
            cost[k] = 0;
            basis[k] = -1 - k;
        }
        basis[d()] = -1;
        for (std::int64_t i = 0; i < p.equal; ++i) enter_free(p.row(i), i, 1e-9);
        const int at = enter_free(p.top, p.count, 1e-12);
        if (at >= 0) {
            cost[at] = 1;
        } else {
            multiply(p.top, cost);
        }
        int free = int(std::count_if(basis, basis + d(), [](std::int64_t name) { return name < 0; }));
        for (const double threshold : {0.1, 1e-9})
            for (std::int64_t i = p.equal; i < p.count && free > 0; ++i) free -= enter_free(p.row(i), i, threshold) >= 0;
        for (int k = 0; k < d(); ++k) {
            // distinct small costs instead of zeros keep the method from standing still
            if (basis[k] >= p.equal && basis[k] != p.count) {
                cost[k] = 1e-7 * (1 + 0.31 * k);
            } else if (basis[k] < 0) {
                cost[k] = 0;
            }
        }
    }

    /// The products of a row with the columns of the inverse.
    void multiply(const double* row, double* products) const {
        for (int k = 0; k < d(); ++k) products[k] = 0;
        for (int j = 0; j < d(); ++j)
            for (int k = 0; k < d(); ++k) products[k] += row[j] * inverse[j * d() + k];
    }

    /// Give a row the place of a variable that is still free; the place, or -1 if its pivot is too small.
    int enter_free(const double* row, std::int64_t index, double threshold) {
        multiply(row, alpha);
        int at = -1;
        for (int k = 0; k < d(); ++k)
            if (basis[k] < 0 && std::fabs(alpha[k]) > threshold) threshold = std::fabs(alpha[k]), at = k;
        if (at >= 0) {
            exchange(at);
            basis[at] = index;
        }
        return at;
    }

    /// Replace the basis row at a place by the row whose products are `alpha`.
    void exchange(int at) {
        const double pivot = 1 / alpha[at];
        alpha[at] = 0;
        for (int j = 0; j < d(); ++j) {
            double* line = inverse + j * d();
            const double moved = line[at] * pivot;
            for (int k = 0; k < d(); ++k) line[k] -= alpha[k] * moved;
            line[at] = moved;
        }
    }

    /// The basic solution; false if it is not finite.
    bool place_point() {
        for (int j = 0; j < d(); ++j) point[j] = 0;
        top_at = -1, size = 0;
        for (int k = 0; k < d(); ++k) {
            if (basis[k] == p.count) top_at = k;
            if (basis[k] < 0 || (basis[k] == p.count && p.symbolic)) continue;
            const double right = p.right_side(basis[k]);
            for (int j = 0; j < d(); ++j) point[j] += inverse[j * d() + k] * right;
        }
        for (int j = 0; j < d(); ++j) size += std::fabs(point[j]);
        return std::isfinite(size);
    }

    /// The row whose slack falls fastest as the cap grows, or -1.
    std::int64_t falling_row() {
        growth_size = 0;
        for (int j = 0; j < d(); ++j) {
            growth[j] = inverse[j * d() + top_at];
            growth_size += std::fabs(growth[j]);
        }
        double worst = 0;
        std::int64_t found = -1;
        for (std::int64_t i = p.equal; i < p.count; ++i) {
            const double rate = rate_along(p, p.row(i), growth);
            if (rate < worst && rate < -1e-11 * growth_size) {
                found = i;
                if (bland) break;
                worst = rate;
            }
        }
        return found;
    }

    /// The inequality that is violated most, or -1; with `grows` only among rows whose slack does not grow.
    std::int64_t violated_row(bool grows) {
        double worst = 0;
        std::int64_t found = -1;
        for (std::int64_t i = p.equal; i < p.count + !p.symbolic; ++i) {
            const double* row = p.row(i);
            const double slack = slack_at(p, row, point);
            if (!(slack < worst && slack < -1e-12 * (size + std::fabs(row[d()])))) continue;
            if (grows && rate_along(p, row, growth) > 1e-11 * growth_size) continue;
            if (std::find(basis, basis + d(), i) != basis + d()) continue;
            found = i;
            if (bland) break;
            worst = slack;
        }
        return found;
    }

    /// The place that a row takes so that no multiplier becomes negative, or -1; the multipliers are updated.
    int entering_place(std::int64_t row) {
        multiply(p.row(row), alpha);
        double largest = 0;
        for (int k = 0; k < d(); ++k) largest = std::max(largest, std::fabs(alpha[k]));
        int entering = -1;
        double least = std::numeric_limits<double>::infinity();
        for (int k = 0; k < d(); ++k) {
            if (basis[k] < p.equal || alpha[k] <= 1e-11 * largest) continue;
            const double ratio = cost[k] / alpha[k];
            bool better = ratio < least;
            if (entering >= 0 && ratio <= least * (1 + 1e-12) && ratio >= least * (1 - 1e-12))
                better = bland ? basis[k] < basis[entering] : alpha[k] > alpha[entering];
            if (better) least = ratio, entering = k;
        }
        if (entering < 0) return -1;
        for (int k = 0; k < d(); ++k) {
            if (k == entering || basis[k] < 0) continue;
            cost[k] -= least * alpha[k];
            if (basis[k] >= p.equal && cost[k] < 0) cost[k] = 0;
        }
        cost[entering] = least;
        return entering;
    }
};

}  // namespace puiseux
