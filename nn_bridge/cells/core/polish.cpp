// The step of polish.hpp.
#include "polish.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

namespace puiseux::cells {

double polish(const Rows& given, std::span<double> x) {
    const int n = given.width() - 1, count = given.count();
    int lead = 0;
    for (int c = 1; c <= n; ++c)
        if (std::abs(x[size_t(c)]) > std::abs(x[size_t(lead)])) lead = c;
    std::vector<int> column, chosen;
    for (int c = 0; c <= n; ++c)
        if (c != lead) column.push_back(c);
    Rows work = given;
    std::vector<char> used(size_t(count), 0);
    for (int s = 0; s < n; ++s) {
        double best = 1e-13;  // a guess: what is verified below does not rest on it
        int bi = -1, bq = -1;
        for (int i = 0; i < count; ++i)
            for (int q = s; q < n && !used[size_t(i)]; ++q)
                if (std::abs(work[i][column[size_t(q)]]) > best) best = std::abs(work[i][column[size_t(q)]]), bi = i, bq = q;
        if (bi < 0) return -1;
        used[size_t(bi)] = 1, chosen.push_back(bi);
        std::swap(column[size_t(s)], column[size_t(bq)]);
        const int pivot = column[size_t(s)];
        for (int i = 0; i < count; ++i)
            if (!used[size_t(i)]) {
                const double f = work[i][pivot] / work[bi][pivot];
                for (int c = 0; c <= n; ++c) work[i][c] -= f * work[bi][c];
            }
    }
    Rows a(n), m(n), r(n);  // the square system, its elimination, and its approximate inverse
    for (int i = 0; i < n; ++i) {
        double *at = a.add(0), *mt = m.add(0), *rt = r.add(0);
        rt[i] = 1;
        for (int q = 0; q < n; ++q) at[q] = mt[q] = given[chosen[size_t(i)]][column[size_t(q)]];
    }
    for (int s = 0; s < n; ++s) {
        int p = s;
        for (int i = s + 1; i < n; ++i)
            if (std::abs(m[i][s]) > std::abs(m[p][s])) p = i;
        if (!(std::abs(m[p][s]) > 1e-200)) return -1;
        if (p != s) std::swap_ranges(m[p], m[p] + n, m[s]), std::swap_ranges(r[p], r[p] + n, r[s]);
        const double scale = 1 / m[s][s];
        for (int q = 0; q < n; ++q) m[s][q] *= scale, r[s][q] *= scale;
        for (int i = 0; i < n; ++i) {
            const double f = m[i][s];
            if (i == s || f == 0) continue;
            for (int q = 0; q < n; ++q) m[i][q] -= f * m[s][q], r[i][q] -= f * r[s][q];
        }
    }
    const double sign = x[size_t(lead)] > 0 ? 1 : -1, size = std::abs(x[size_t(lead)]);
    std::vector<double> y(size_t(n), 0), residual(y), doubt(y);
    for (int q = 0; q < n; ++q) y[size_t(q)] = x[size_t(column[size_t(q)])] / size;
    for (int step = 0; step < 2; ++step) {
        for (int i = 0; i < n; ++i) {
            const int k = chosen[size_t(i)];
            double sum = given[k][lead] * sign, terms = std::abs(sum), norm = 1;
            for (int q = 0; q < n; ++q) {
                const double t = a[i][q] * y[size_t(q)];
                sum += t, terms += std::abs(t), norm += std::abs(y[size_t(q)]);
            }
            residual[size_t(i)] = sum, doubt[size_t(i)] = products(n + 1) * terms * UP + given.error(k) * norm * UP + UNDERFLOW_SLACK;
        }
        for (int q = 0; q < n && step == 0; ++q)
            for (int i = 0; i < n; ++i) y[size_t(q)] -= r[q][i] * residual[size_t(i)];
    }
    double contraction = 0, error = 0;
    for (int q = 0; q < n; ++q) {
        double row_sum = 0, e = 0;
        for (int p = 0; p < n; ++p) {
            double t = 0, slack = UNIT_ROUNDOFF;
            for (int i = 0; i < n; ++i) {
                const double z = r[q][i] * a[i][p];
                t += z, slack += products(n) * std::abs(z) + std::abs(r[q][i]) * given.error(chosen[size_t(i)]) + UNDERFLOW_SLACK;
            }
            row_sum += std::abs(t - (p == q)) + slack * UP;
        }
        for (int i = 0; i < n; ++i) e += std::abs(r[q][i]) * (std::abs(residual[size_t(i)]) + doubt[size_t(i)]);
        if (!(row_sum < 0.5)) return -1;  // also where it is not a number
        contraction = std::max(contraction, row_sum * UP), error = std::max(error, e);
        if (!(e < LARGEST)) return -1;
    }
    double top = 1;
    for (const double t : y) top = std::max(top, std::abs(t));
    const double scale = std::ldexp(1.0, -std::ilogb(top) - 1);
    x[size_t(lead)] = sign * scale;
    for (int q = 0; q < n; ++q) x[size_t(column[size_t(q)])] = y[size_t(q)] * scale;
    return error * UP / (1 - contraction) * UP * scale + UNDERFLOW_SLACK;
}

}  // namespace puiseux::cells
