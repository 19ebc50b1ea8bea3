"""`rays`: directions from a point inside a polyhedron that are likely to leave it through many different facets.

The rows are scaled such that a ray with direction ``d`` is at the hyperplane of row ``v`` at the time ``1 / y_v``,
where ``y = G d``; it leaves through the row with the largest ``y``.  The direction aimed at row ``u`` is the one whose
``y`` is nearest to the unit vector ``e_u`` (least squares).  Where another row is met first, that row is asked to stay
at half of the way, and so on for a few rounds.  At last there are random directions.
Before all that, rays go along normals, the nearest hyperplanes first: this is quick, and of use where time is short.

Everything here is a proposal in floating point: which facet a ray meets is proven elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    with np.errstate(all="ignore"):
        squares = np.asarray(gradients.multiply(gradients).sum(axis=1)).ravel()
    targets = np.flatnonzero(squares > 0)
    targets = targets[np.argsort(-squares[targets], kind="stable")]  # the nearest hyperplane first
    left = most

    def new(directions: Floats) -> Proposal:
        """The first of these rays to each row that is not known."""
        check_limits()
        with np.errstate(all="ignore"):
            ahead = gradients @ directions
        first = np.argmax(ahead, axis=0)
        real = np.flatnonzero((np.max(ahead, axis=0) > 0) & ~known[first])
        places = np.unique(first[real], return_index=True)[1]
        return Proposal(directions[:, real[places]].T, ahead.shape[1])

    for normals in (True, False):
        rest = targets[~known[targets]]
        if not len(rest):
            return
        aims = _normals if normals or min(m, n) > _MOST_SQUARE else _least_squares
        towards = aims(gradients, rest)
        for begin in range(0, len(rest), _AT_ONCE):
            chosen = towards[:, begin : begin + min(_AT_ONCE, left)]
            if not chosen.shape[1]:
                return
            left -= chosen.shape[1]
            yield new(chosen if isinstance(chosen, np.ndarray) else chosen.toarray())
    if isinstance(towards, np.ndarray):
        for place in np.flatnonzero(~known[rest]).tolist():
            for direction in _held_back(gradients, towards, rest, place):
                if left <= 0:
                    return
                left -= 1
                yield new(direction)
                if known[rest[place]]:
                    break
    while left > 0:
        drawn = rng.normal(size=(len(rest), min(_AT_ONCE, left)))
        left -= drawn.shape[1]
        yield new(np.asarray(towards @ drawn))


def _least_squares(gradients: sparse.csr_array, targets: Integers) -> Floats:
    """The directions aimed at rows, as columns."""
    m, n = gradients.shape
    with np.errstate(all="ignore"):
        square = _product(gradients.T if n <= m else gradients)
        check_limits()
        scale = np.sqrt(np.diag(square))
        scale[~(scale > 0)] = 1.0
        factor = _factor(square / scale[:, None] / scale)
        check_limits()
        if factor is None:
            return np.asarray(_normals(gradients, targets).toarray())
        if n <= m:
            right = gradients[targets].toarray().T
            return np.asarray(linalg.cho_solve(factor, right / scale[:, None], check_finite=False) / scale[:, None])
        unit = np.zeros((m, len(targets)))
        unit[targets, np.arange(len(targets))] = 1 / scale[targets]
        return np.asarray(gradients.T @ (linalg.cho_solve(factor, unit, check_finite=False) / scale[:, None]))


def _product(matrix: sparse.csr_array) -> Floats:
    """A matrix times its transpose: by entries where these are few, which takes some twenty times as long for each."""
    per_column = np.diff(sparse.csc_array(matrix).indptr).astype(float)
    if 20 * (per_column**2).sum() < float(matrix.shape[0]) ** 2 * matrix.shape[1]:
        return np.asarray((matrix @ matrix.T).toarray())
    dense = matrix.toarray()
    return np.asarray(dense @ dense.T)


def _normals(gradients: sparse.csr_array, targets: Integers) -> sparse.csc_array:
    """The normals of rows, as columns; each as long as it takes to come to the hyperplane."""
    chosen = gradients[targets]
    with np.errstate(all="ignore"):
        squares = np.asarray(chosen.multiply(chosen).sum(axis=1)).ravel()
        return sparse.csc_array((sparse.diags_array(1 / squares) @ chosen).T)


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


def _held_back(gradients: sparse.csr_array, towards: Floats, targets: Integers, place: int) -> Iterator[Floats]:
    """Directions aimed at one row, with rows that were met before it held back, more of them each time."""
    place_of = {row: k for k, row in enumerate(targets.tolist())}
    row = int(targets[place])
    held, columns, ahead = [row], towards[:, [place]], gradients @ towards[:, [place]]
    for _ in range(_ROUNDS):
        check_limits()
        order = np.argsort(-ahead[:, -1])[: _ADDED + len(held)].tolist()
        before = [v for v in order if ahead[v, -1] >= ahead[row, -1] and v not in held][:_ADDED]
        if not before or len(held) + len(before) > min(towards.shape[0], _MOST_HELD) or not np.isfinite(ahead).all():
            return
        held += before
        more = [towards[:, place_of[v]] if v in place_of else _dense_row(gradients, v) for v in before]
        columns = np.column_stack([columns, *more])
        wanted = np.full(len(held), 0.5)
        wanted[0] = 1.0
        shares = gradients @ columns
        if not np.isfinite(shares).all():
            return
        direction = columns @ np.linalg.lstsq(shares[held], wanted, rcond=None)[0]
        ahead = np.asarray(gradients @ direction)[:, None]
        yield direction[:, None]


def _dense_row(gradients: sparse.csr_array, row: int) -> Floats:
    return np.asarray(gradients[[row]].toarray()[0])


__all__ = ["Proposal", "rays"]
