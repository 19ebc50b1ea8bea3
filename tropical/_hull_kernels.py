"""Float loops behind pruning: arrays in, arrays out.  They propose; what they call proven is proven.

`winners`, `locate` and `proven_redundant` run on the compiled core; without it, and as its twins, in numpy.

Throughout, a set of S terms is a pair of arrays: exponents ``A`` of shape (S, n) and coefficients ``c`` of shape (S,).
Each entry is an exact number rounded once, so it carries a relative error of at most 2**-53; `ROUNDING` times a sum of
absolute values bounds that error and the rounding of a scalar product of length n together (n + 5 roundings are
counted, more than any order of summation makes).  Absolute values of entries are raised by `SMALL` first, which covers
the larger relative error of numbers below the normal range.  Infinite or NaN entries make comparisons false, hence
nothing proven.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from polyhedra.arrays import Flags, Floats
from polyhedra.compiled_core import core
from polyhedra.rounding import UNIT_ROUNDOFF

Indices = NDArray[np.intp]

TINY = 1e-290  # above every underflow that a product of a few numbers can lose
SMALL = 1e-300  # times one rounding this exceeds the error of any subnormal number
CHUNK = 2_000_000  # entries of a temporary array

_core = core("tropical._core")
COMPILED = _core is not None
"""Whether the compiled core is there; without it numpy does the same, several times slower."""


def rounding(dim: int) -> float:
    """The factor of the error bound of a scalar product of length dim + 1 of rounded numbers."""
    return (dim + 6) * UNIT_ROUNDOFF * 1.01


def winners(A: Floats, c: Floats, points: Floats) -> tuple[Indices, Flags]:
    """The maximal term at each point, and whether it is proven to be alone there.

    Parameters
    ----------
    A, c : the terms, S >= 1
    points : array (N, n)

    Returns
    -------
    winner : array (N,)
    alone : array (N,) of bool
    """
    if _core is None:
        return winners_in_numpy(A, c, points)
    winner, alone = np.empty(len(points), dtype=np.int64), np.empty(len(points), dtype=bool)
    _core.winners(A, c, points, winner, alone)
    return winner.astype(np.intp, copy=False), alone


def locate(
    A: Floats, c: Floats, query_a: Floats, query_c: Floats, start: Indices, max_steps: int
) -> tuple[Indices, Floats, Floats, NDArray[np.int8]]:
    """Solve one linear program per query by dual simplex steps: maximise (a.x + c_q) - max_S(A x + c).

    Parameters
    ----------
    A, c : the S terms; query_a, query_c : the Q queries
    start : array (n + 1,), the first basis (terms that tie at a vertex)
    max_steps : pivots after which a query is left undecided

    Returns
    -------
    basis : array (Q, n + 1), the last basis
    point : array (Q, n), its vertex
    direction : array (Q, n), where status is 2 the direction in which the query escapes
    status : array (Q,): 0 undecided, 1 optimal, 2 unbounded, 3 the query is above all terms at the point
    """
    if _core is None:
        return locate_in_numpy(A, c, query_a, query_c, start, max_steps)
    queries, dim = query_a.shape
    basis, status = np.empty((queries, dim + 1), dtype=np.int64), np.empty(queries, dtype=np.int8)
    point, direction = np.empty((queries, dim)), np.empty((queries, dim))
    first = start.astype(np.int64, copy=False)
    _core.locate(A, c, query_a, query_c, first, max_steps, basis, point, direction, status)
    return basis.astype(np.intp, copy=False), point, direction, status


def proven_redundant(A: Floats, c: Floats, query_a: Floats, query_c: Floats, basis: Indices) -> Flags:
    """Which queries are proven to lie on or under the simplex of their basis.

    For each query the multipliers l with sum l_i a_i = a, sum l_i = 1 are enclosed: with an approximate inverse R of
    the matrix M, any solution differs from the approximation by at most |R r| / (1 - |I - R M|) in the maximum norm,
    where r is the residual.  Proven means l >= 0 and sum l_i c_i >= c hold for every number in the enclosure, for all
    exact entries within one rounding of the arrays.
    """
    if _core is None:
        return proven_redundant_in_numpy(A, c, query_a, query_c, basis)
    proven = np.empty(len(query_c), dtype=bool)
    _core.proven_redundant(A, c, query_a, query_c, basis.astype(np.int64, copy=False), proven)
    return proven


def winners_in_numpy(A: Floats, c: Floats, points: Floats) -> tuple[Indices, Flags]:
    """The same in numpy."""
    count, dim = A.shape
    winner = np.empty(len(points), dtype=np.intp)
    alone = np.zeros(len(points), dtype=bool)
    widest = np.abs(A).max(axis=0, initial=0.0) + SMALL
    step = max(1, CHUNK // count)
    for start in range(0, len(points), step):
        x = points[start : start + step]
        with np.errstate(all="ignore"):
            values = x @ A.T
            values += c
        rows = np.arange(len(x))
        best = values.argmax(axis=1)
        top = values[rows, best]
        winner[start : start + step] = best
        if count == 1:
            alone[start : start + step] = True
            continue
        values[rows, best] = -np.inf
        with np.errstate(all="ignore"):
            error = rounding(dim) * (np.abs(x) @ widest + np.abs(c).max()) + TINY
            alone[start : start + step] = np.isfinite(top) & (top - values.max(axis=1) > 3.0 * error)
    return winner, alone


def first_vertex(A: Floats, c: Floats, point: Floats) -> Indices | None:
    """A basis of the terms: n + 1 terms that tie at a vertex of max(A x + c), reached by ray shooting from a point."""
    dim = A.shape[1]
    x = point.copy()
    basis = [int(np.argmax(A @ x + c))]
    for _ in range(dim):
        differences = A[basis[1:]] - A[basis[0]]
        try:
            free = np.linalg.svd(differences)[2][len(basis) - 1 :] if len(basis) > 1 else np.eye(dim)
        except np.linalg.LinAlgError:
            return None
        found = None
        for direction in (*free, *-free):
            with np.errstate(all="ignore"):
                slopes = (A - A[basis[0]]) @ direction
                gaps = A[basis[0]] @ x + c[basis[0]] - (A @ x + c)
                slopes[basis] = 0.0
                steps = np.where(slopes > 1e-12 * (1.0 + np.abs(A).max()), np.maximum(gaps, 0.0) / slopes, np.inf)
            entering = int(np.argmin(steps))
            if np.isfinite(steps[entering]) and (found is None or steps[entering] < found[0]):
                found = (float(steps[entering]), entering, direction)
        if found is None:
            return None
        with np.errstate(all="ignore"):
            x = x + found[0] * found[2]
        if not np.isfinite(x).all():
            return None
        basis.append(found[1])
    return np.array(basis, dtype=np.intp)


def locate_in_numpy(
    A: Floats, c: Floats, query_a: Floats, query_c: Floats, start: Indices, max_steps: int
) -> tuple[Indices, Floats, Floats, NDArray[np.int8]]:
    """The same in numpy, for all queries at once."""
    count, dim = A.shape
    queries = len(query_c)
    basis = np.array(np.broadcast_to(start, (queries, dim + 1)))
    point = np.zeros((queries, dim))
    direction = np.zeros((queries, dim))
    status = np.zeros(queries, dtype=np.int8)
    step = max(1, CHUNK // count)
    for first in range(0, queries, step):
        part = slice(first, min(first + step, queries))
        _locate_chunk(
            A, c, query_a[part], query_c[part], basis[part], point[part], direction[part], status[part], max_steps
        )
    return basis, point, direction, status


def _locate_chunk(
    A: Floats,
    c: Floats,
    query_a: Floats,
    query_c: Floats,
    basis: Indices,
    point: Floats,
    direction: Floats,
    status: NDArray[np.int8],
    max_steps: int,
) -> None:
    dim = A.shape[1]
    active = np.arange(len(query_c))
    with np.errstate(all="ignore"):
        for _ in range(max_steps):
            if not len(active):
                return
            chosen = basis[active]
            matrix = np.concatenate([A[chosen], np.ones((len(active), dim + 1, 1))], axis=2)
            sign, _log = np.linalg.slogdet(matrix)
            regular = np.abs(sign) > 0  # NaN is not
            active, chosen, matrix = active[regular], chosen[regular], matrix[regular]
            if not len(active):
                return
            inverse = np.linalg.inv(matrix)
            target = np.concatenate([query_a[active], np.ones((len(active), 1))], axis=1)
            multipliers = np.einsum("qk,qkj->qj", target, inverse)
            vertex = -np.einsum("qjk,qk->qj", inverse, c[chosen])
            x, height = vertex[:, :dim], -vertex[:, dim]
            point[active] = x
            leaving = multipliers.argmin(axis=1)
            rows = np.arange(len(active))
            optimal = multipliers[rows, leaving] >= -1e-11
            above = np.einsum("qj,qj->q", query_a[active], x) + query_c[active] > height
            values = x @ A.T
            values += c
            gaps = np.maximum(height[:, np.newaxis] - values, 0.0)
            move = -inverse[rows, :, leaving]
            slopes = move[:, :dim] @ A.T
            slopes += move[:, dim:]
            slopes[rows[:, np.newaxis], chosen] = 0.0
            scale = np.abs(slopes).max(axis=1, keepdims=True)
            steps = np.where(slopes > 1e-13 * scale, gaps / slopes, np.inf)
            entering = steps.argmin(axis=1)
            unbounded = ~np.isfinite(steps[rows, entering]) & ~optimal & ~above
            status[active] = np.select([optimal, above, unbounded], [1, 3, 2], 0)
            # at an optimal basis the query may still be above: that is status 3 as well
            status[active[optimal & above]] = 3
            direction[active[unbounded]] = move[unbounded, :dim]
            going = ~(optimal | above | unbounded)
            chosen[rows[going], leaving[going]] = entering[going]
            basis[active] = chosen
            active = active[going]


def proven_redundant_in_numpy(A: Floats, c: Floats, query_a: Floats, query_c: Floats, basis: Indices) -> Flags:
    """The same in numpy."""
    queries, size = basis.shape
    proven = np.zeros(queries, dtype=bool)
    step = max(1, CHUNK // (4 * size * size))
    for first in range(0, queries, step):
        part = slice(first, min(first + step, queries))
        chosen = basis[part]
        matrix = np.concatenate([A[chosen], np.ones((len(chosen), size, 1))], axis=2).transpose(0, 2, 1)
        sign, _log = np.linalg.slogdet(matrix)
        good = np.flatnonzero(np.abs(sign) > 0)
        if not len(good):
            continue
        matrix, chosen = matrix[good], chosen[good]
        target = np.concatenate([query_a[part][good], np.ones((len(good), 1))], axis=1)
        heights, own = c[chosen], query_c[part][good]
        inverse = np.linalg.inv(matrix)
        bound = rounding(size)
        with np.errstate(all="ignore"):
            values = np.einsum("qij,qj->qi", inverse, target)
            size_m, size_r = np.abs(matrix) + SMALL, np.abs(inverse)
            residual = np.abs(np.einsum("qij,qj->qi", matrix, values) - target)
            residual += 2.0 * bound * (np.einsum("qij,qj->qi", size_m, np.abs(values)) + np.abs(target)) + TINY
            defect = np.abs(np.eye(size) - inverse @ matrix) + 2.0 * bound * (size_r @ size_m) + TINY
            norm = defect.sum(axis=2).max(axis=1) * (1.0 + bound)
            spread = np.einsum("qij,qj->qi", size_r, residual).max(axis=1) * (1.0 + 4.0 * bound)
            radius = spread / (1.0 - norm) * (1.0 + 8.0 * UNIT_ROUNDOFF) + TINY
            slack = np.einsum("qi,qi->q", values, heights) - own
            error = 2.0 * bound * (np.einsum("qi,qi->q", np.abs(values), np.abs(heights)) + np.abs(own))
            error += radius * np.abs(heights).sum(axis=1) * (1.0 + 4.0 * bound) + TINY
            # the last condition keeps the bounds themselves away from overflow
            fine = (norm < 0.5) & (values.min(axis=1) > radius) & (slack > error * 1.01) & np.isfinite(error)
        proven[first + good] = fine
    return proven


__all__ = ["COMPILED", "first_vertex", "locate", "proven_redundant", "rounding", "winners"]
