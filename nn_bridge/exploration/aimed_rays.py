"""`rays`: directions from a point inside a polyhedron that are likely to leave it through many different facets.

The rows are scaled such that a ray with direction ``d`` is at the hyperplane of row ``v`` at the time ``1 / y_v``,
where ``y = G d``; it leaves through the row with the largest ``y``.  The direction aimed at row ``u`` is the one whose
``y`` is nearest to the unit vector ``e_u`` (least squares).  Where another row is met first, that row is asked to stay
at half of the way, and so on for a few rounds.  At last there are random directions.
Before all that, rays go along the normals of the nearest hyperplanes: this is quick, and of use where time is short.

Everything here is a proposal in floating point: which facet a ray meets is proven elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from scipy import linalg, sparse

from polyhedra.arrays import Flags, Floats, Integers
from polyhedra.limits import check_limits

_MOST_SQUARE = 4096
"""Rows or inputs up to which least squares are solved, by Cholesky's decomposition; beyond, rays go along normals."""

_AT_ONCE = 256  # rays
_ROUNDS, _ADDED, _MOST_HELD = 12, 8, 64


class Proposal(NamedTuple):
    """Rays that are likely to meet rows which are not known to be facets yet.

    ``directions`` has a row for each of them; ``looked_at`` is the number of rays among which they were found.
    """

    directions: Floats
    looked_at: int


def rays(gradients: sparse.csr_array, most: int, rng: np.random.Generator, known: Flags) -> Iterator[Proposal]:
    """Propose rays.

    Parameters
    ----------
    gradients : sparse array of shape (rows, n)
        The matrix G: outward normals divided by the distances at which rows are met along them.
    most : int
        The greatest number of rays looked at.
    rng : numpy Generator
    known : bool array of shape (rows,)
        Rows that need no ray; the caller sets those that have been proven meanwhile.
    """
    m, n = gradients.shape
    targets = np.flatnonzero(np.diff(gradients.indptr))
    if not len(targets) or most < 1:
        return
    shares, directions = _normals(gradients)
    left = most

    def new(combinations: Floats, ahead: Floats) -> Proposal:
        """The first of these rays to each row that is not known."""
        first = np.argmax(ahead, axis=0)
        real = np.flatnonzero((np.max(ahead, axis=0) > 0) & ~known[first])
        places = np.unique(first[real], return_index=True)[1]
        return Proposal(directions(combinations[:, real[places]]), ahead.shape[1])

    def aimed(at: Integers) -> Proposal:
        check_limits()
        unit = np.zeros((m, len(at)))
        unit[at, np.arange(len(at))] = 1.0
        return new(unit, shares(unit))

    with np.errstate(all="ignore"):
        near = np.argsort(-np.asarray(gradients.multiply(gradients).sum(axis=1)).ravel()[targets], kind="stable")
    first = targets[near[: min(_AT_ONCE, left)]]  # the nearest hyperplane of all belongs to a facet
    left -= len(first)
    yield aimed(first)
    if min(m, n) <= _MOST_SQUARE:
        check_limits()
        shares, directions = _least_squares(gradients)
    rest = targets[~known[targets]]
    for begin in range(0, len(rest), _AT_ONCE):
        chosen = rest[begin : begin + min(_AT_ONCE, left)]
        if not len(chosen):
            return
        left -= len(chosen)
        yield aimed(chosen)
    if min(m, n) <= _MOST_SQUARE:
        for row in targets[~known[targets]].tolist():
            for combination, ahead in _held_back(shares, m, row, min(n, _MOST_HELD)):
                if left <= 0:
                    return
                left -= 1
                yield new(combination, ahead)
                if known[row]:
                    break
    while left > 0:
        check_limits()
        drawn = rng.normal(size=(m, min(_AT_ONCE, left)))
        left -= drawn.shape[1]
        yield new(drawn, shares(drawn))


_Map = Callable[[Floats], Floats]


def _least_squares(gradients: sparse.csr_array) -> tuple[_Map, _Map]:
    """Functions of combinations of targets: the shares ``y`` of the rows, and the directions."""
    m, n = gradients.shape
    dense = gradients.toarray()
    with np.errstate(all="ignore"):
        square = dense.T @ dense if n <= m else dense @ dense.T
        check_limits()
        scale = np.sqrt(np.diag(square))
        scale[~(scale > 0)] = 1.0
        square = square / scale[:, None] / scale
        factor = _factor(square)
        check_limits()
        if factor is None:
            return _normals(gradients)
        if n <= m:
            towards = linalg.cho_solve(factor, dense.T / scale[:, None], check_finite=False) / scale[:, None]
        else:
            inverse = linalg.cho_solve(factor, np.eye(m), check_finite=False) / scale[:, None] / scale
            towards = dense.T @ inverse
        check_limits()
        ahead = gradients @ towards
    return lambda combinations: ahead @ combinations, lambda combinations: (towards @ combinations).T


def _factor(square: Floats) -> tuple[Floats, bool] | None:
    """Cholesky's decomposition of a matrix with 1 on the diagonal, or with slightly more."""
    if not np.isfinite(square).all():
        return None
    for more in (1e-12, 1e-9, 1e-6):
        shifted = square.copy()
        shifted[np.diag_indices_from(shifted)] += more
        try:
            found: tuple[Floats, bool] = linalg.cho_factor(shifted, overwrite_a=True, check_finite=False)
        except linalg.LinAlgError:
            continue
        return found
    return None


def _normals(gradients: sparse.csr_array) -> tuple[_Map, _Map]:
    """The same functions with the normals in place of the solutions of least squares."""
    squares = np.asarray(gradients.multiply(gradients).sum(axis=1)).ravel()
    with np.errstate(all="ignore"):
        weights = np.where(squares > 0, 1 / squares, 0.0)[:, None]

    def directions(combinations: Floats) -> Floats:
        return np.asarray(gradients.T @ (weights * combinations)).T

    return lambda combinations: np.asarray(gradients @ directions(combinations).T), directions


def _held_back(shares: _Map, m: int, row: int, most: int) -> Iterator[tuple[Floats, Floats]]:
    """Combinations aimed at one row, with rows that were met before it held back, more of them each time."""
    held = np.array([row])
    columns = np.empty((m, 0))
    for _ in range(_ROUNDS):
        check_limits()
        unit = np.zeros((m, len(held) - columns.shape[1]))
        unit[held[columns.shape[1] :], np.arange(unit.shape[1])] = 1.0
        columns = np.concatenate([columns, shares(unit)], axis=1)
        wanted = np.full(len(held), 0.5)
        wanted[0] = 1.0
        if not np.isfinite(columns).all():
            return
        solution = np.linalg.lstsq(columns[held], wanted, rcond=None)[0]
        ahead = columns @ solution[:, None]
        combination = np.zeros((m, 1))
        combination[held, 0] = solution
        if columns.shape[1] > 1:  # the first one was looked at before
            yield combination, ahead
        order = np.argsort(-ahead[:, 0])[: _ADDED + len(held)]
        before = [v for v in order.tolist() if ahead[v, 0] >= ahead[row, 0] and v not in held][:_ADDED]
        if not before or len(held) + len(before) > most:
            return
        held = np.concatenate([held, before])


__all__ = ["Proposal", "rays"]
