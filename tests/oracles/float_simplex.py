"""The twin in Python of the loops of `polyhedra.float_simplex`: the same operations on doubles in the same order."""

import numpy as np

OPTIMAL, UNBOUNDED, INFEASIBLE, GAVE_UP, PROVEN = 0, 1, 2, 3, 4

_UNIT_ROUNDOFF = 1.2e-16  # as in polyhedra/core/bounds.hpp


def propose(rows, n_equal, top, symbolic, basis, point, inverse):
    """See `polyhedra.float_simplex.propose`."""
    m = rows.shape[0]
    d = rows.shape[1] - 1
    inverse[:] = 0.0
    alpha = np.empty(d)
    cost = np.zeros(d)  # dual values
    growth = np.zeros(d)
    for k in range(d):
        inverse[k, k] = 1.0
        basis[k] = -1 - k
    basis[d] = -1
    for i in range(n_equal):
        _enter_free(rows[i], i, 1e-9, inverse, alpha, basis)
    top_at = _enter_free(top, m, 1e-12, inverse, alpha, basis)
    if top_at >= 0:
        cost[top_at] = 1.0
    else:
        for k in range(d):
            for j in range(d):
                cost[k] += top[j] * inverse[j, k]
    free = 0
    for k in range(d):
        free += basis[k] < 0
    for threshold in (0.1, 1e-9):
        for i in range(n_equal, m):
            if free == 0:
                break
            free -= _enter_free(rows[i], i, threshold, inverse, alpha, basis) >= 0
    for k in range(d):
        # distinct small costs instead of zeros keep the method from standing still; the verification does without them
        if basis[k] >= n_equal and basis[k] != m:
            cost[k] = 1e-7 * (1.0 + 0.31 * k)
        elif basis[k] < 0:
            cost[k] = 0.0

    patience = 6 * (m + d) + 20
    for iteration in range(2 * patience):
        bland = iteration >= patience
        top_at = -1
        size = 0.0
        for j in range(d):
            point[j] = 0.0
        for k in range(d):
            if basis[k] == m:
                top_at = k
            if basis[k] >= 0 and not (basis[k] == m and symbolic):
                right = top[d] if basis[k] == m else rows[basis[k], d]
                for j in range(d):
                    point[j] += inverse[j, k] * right
        for j in range(d):
            size += abs(point[j])
        if not np.isfinite(size):
            return GAVE_UP
        leaving = -1
        grows = symbolic and top_at >= 0
        if grows:
            growth_size = 0.0
            for j in range(d):
                growth[j] = inverse[j, top_at]
                growth_size += abs(growth[j])
            worst = 0.0
            for i in range(n_equal, m):
                rate = 0.0
                for j in range(d):
                    rate -= rows[i, j] * growth[j]
                if rate < worst and rate < -1e-11 * growth_size:
                    leaving = i
                    if bland:
                        break
                    worst = rate
        if leaving < 0:
            worst = 0.0
            for i in range(n_equal, m + (not symbolic)):
                slack = 0.0
                if i < m:
                    slack = rows[i, d]
                    for j in range(d):
                        slack -= rows[i, j] * point[j]
                else:
                    slack = top[d]
                    for j in range(d):
                        slack -= top[j] * point[j]
                if slack < worst and slack < -1e-12 * (size + (abs(rows[i, d]) if i < m else abs(top[d]))):
                    if grows:
                        rate = 0.0
                        for j in range(d):
                            rate -= rows[i, j] * growth[j]
                        if rate > 1e-11 * growth_size:
                            continue
                    basic = False
                    for k in range(d):
                        basic = basic or basis[k] == i
                    if basic:
                        continue
                    leaving = i
                    if bland:
                        break
                    worst = slack
        if leaving < 0:
            return UNBOUNDED if grows else OPTIMAL
        largest = 0.0
        for k in range(d):
            alpha[k] = 0.0
            for j in range(d):
                alpha[k] += (rows[leaving, j] if leaving < m else top[j]) * inverse[j, k]
            largest = max(largest, abs(alpha[k]))
        entering = -1
        least = np.inf
        for k in range(d):
            if basis[k] < n_equal or alpha[k] <= 1e-11 * largest:
                continue
            ratio = cost[k] / alpha[k]
            better = ratio < least
            if entering >= 0 and ratio <= least * (1.0 + 1e-12) and ratio >= least * (1.0 - 1e-12):
                better = basis[k] < basis[entering] if bland else alpha[k] > alpha[entering]
            if better:
                least = ratio
                entering = k
        if entering < 0:
            basis[d] = leaving
            return INFEASIBLE
        for k in range(d):
            if k != entering and basis[k] >= 0:
                cost[k] -= least * alpha[k]
                if basis[k] >= n_equal and cost[k] < 0.0:
                    cost[k] = 0.0
        cost[entering] = least
        _exchange(inverse, alpha, entering)
        basis[entering] = leaving
    return GAVE_UP


def propose_and_prove(rows, n_equal, top, basis, point):
    """See `polyhedra.float_simplex.propose_and_prove`."""
    d = point.shape[0]
    inverse = np.empty((d, d))
    status = propose(rows, n_equal, top, True, basis, point, inverse)
    if status == OPTIMAL and _proven(rows, n_equal, top, basis, point, inverse):
        return PROVEN
    return status


def _proven(rows, n_equal, top, basis, point, inverse):
    """See polyhedra/core/basis_proof.hpp."""
    m = rows.shape[0]
    d = point.shape[0]
    rounding = (d + 10) * _UNIT_ROUNDOFF
    tiny = 1e-250
    equalities = 0
    for k in range(d):
        if basis[k] < 0 or basis[k] >= m:
            return False
        equalities += basis[k] < n_equal
        for j in range(d):
            if not (abs(inverse[j, k]) < 1e30 and abs(point[j]) < 1e30):
                return False
    if equalities != n_equal:
        return False

    left_defect = 0.0  # max row sum of |I - R B|
    for i in range(d):
        total = 0.0
        for j in range(d):
            entry = 1.0 if i == j else 0.0
            size = entry
            for k in range(d):
                term = inverse[i, k] * rows[basis[k], j]
                entry -= term
                size += abs(term)
            total += abs(entry) + rounding * size + tiny
        left_defect = max(left_defect, total)
    right_defect = 0.0  # max column sum of |I - B R|
    for j in range(d):
        total = 0.0
        for i in range(d):
            entry = 1.0 if i == j else 0.0
            size = entry
            for k in range(d):
                term = rows[basis[i], k] * inverse[k, j]
                entry -= term
                size += abs(term)
            total += abs(entry) + rounding * size + tiny
        right_defect = max(right_defect, total)
    if not (left_defect < 0.01 and right_defect < 0.01):
        return False

    residual = np.empty(d)
    for k in range(d):
        entry = -rows[basis[k], d]
        size = abs(entry)
        for j in range(d):
            term = rows[basis[k], j] * point[j]
            entry += term
            size += abs(term)
        residual[k] = abs(entry) + rounding * size + tiny
    error = np.empty(d)
    largest = 0.0
    for j in range(d):
        error[j] = 0.0
        for k in range(d):
            error[j] += abs(inverse[j, k]) * residual[k]
        largest = max(largest, error[j])
    for j in range(d):
        error[j] = 1.001 * (error[j] + 1.02 * left_defect * largest) + tiny
    for i in range(n_equal, m):
        slack = rows[i, d]
        bound = abs(slack)
        moved = 0.0
        for j in range(d):
            term = rows[i, j] * point[j]
            slack -= term
            bound += abs(term)
            moved += abs(rows[i, j]) * error[j]
        if not slack > rounding * bound + 1.001 * moved + tiny:
            basic = False
            for k in range(d):
                basic = basic or basis[k] == i
            if not basic:
                return False

    weights = np.empty(d)
    for k in range(d):
        weights[k] = 0.0
        for j in range(d):
            weights[k] += top[j] * inverse[j, k]
    for j in range(d):
        entry = -top[j]
        size = abs(entry)
        for k in range(d):
            term = rows[basis[k], j] * weights[k]
            entry += term
            size += abs(term)
        residual[j] = abs(entry) + rounding * size + tiny
    largest = 0.0
    for k in range(d):
        error[k] = 0.0
        for j in range(d):
            error[k] += abs(inverse[j, k]) * residual[j]
        largest = max(largest, error[k])
    for k in range(d):
        bound = 1.001 * (error[k] + 1.02 * right_defect * largest) + tiny
        if basis[k] >= n_equal and not weights[k] > bound:
            return False
    return True


def _enter_free(row, index, threshold, inverse, alpha, basis):
    """Give a row the place of a variable that is still free; return the place, or -1 if its pivot is too small."""
    d = inverse.shape[0]
    at = -1
    largest = threshold
    for k in range(d):
        alpha[k] = 0.0
        for j in range(d):
            alpha[k] += row[j] * inverse[j, k]
        if basis[k] < 0 and abs(alpha[k]) > largest:
            largest = abs(alpha[k])
            at = k
    if at >= 0:
        _exchange(inverse, alpha, at)
        basis[at] = index
    return at


def _exchange(inverse, alpha, at):
    """Replace basis row `at` by the row whose products with the columns of the inverse are `alpha`."""
    d = inverse.shape[0]
    pivot = 1.0 / alpha[at]
    for j in range(d):
        inverse[j, at] *= pivot
    for k in range(d):
        if k != at and alpha[k] != 0.0:
            for j in range(d):
                inverse[j, k] -= alpha[k] * inverse[j, at]


def doubtful(rows, n_equal, point, homogeneous, indices):
    """See `polyhedra.float_simplex.doubtful`."""
    m = rows.shape[0]
    d = rows.shape[1] - 1
    count = 0
    underflow = 1.0
    for j in range(d):
        underflow += abs(point[j])
    underflow *= 1e-300
    for i in range(m):
        slack = 0.0 if homogeneous else rows[i, d]
        size = abs(slack)
        for j in range(d):
            term = rows[i, j] * point[j]
            slack -= term
            size += abs(term)
        if i < n_equal or not slack > (d + 7) * _UNIT_ROUNDOFF * size + underflow:
            indices[count] = i
            count += 1
    return count
