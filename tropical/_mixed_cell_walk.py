"""The walk that finds all mixed cells of a lifting, many cells at a time, in integer arithmetic.

Each support A_i lies in a simplex ``S_i = conv(0, d_i e_1, .., d_i e_n)``.  The points of A_i have the heights
``w + H``, the vertices of S_i fixed ones.  For H = +infinity the only mixed cell is the sum of the edges [0, d_i e_i];
for H = -infinity the cells with all edges in A_i are the mixed cells of the lifting w.  As H sinks, a cell ends where
one more point c of some support i comes down to it.  The cell's edges and c form a circuit, and the cell is replaced by
those on its other side: with ``c = a_i + sum_k l_k (b_k - a_k)``, the edge {a_i, b_i} becomes {b_i, c} if l_i < 1, and
{a_i, c} if l_i > 0.  The interval of H that a cell occupies follows from its edges, so cells are known by their edges.

A. Jensen, *Tropical homotopy continuation* (2016).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from flint import fmpz_mat
from numpy.typing import NDArray

from polyhedra.limits import check_limits

_BATCH = 2048  # cells that are advanced together

_SAFE = float(2**62)


class Configuration(NamedTuple):
    """All points, those of the simplices included: int64 coordinates (M, n), and for each the support, the height w,
    and 1 where H is added."""

    points: NDArray[Any]
    owner: NDArray[Any]
    heights: NDArray[Any]
    moving: NDArray[Any]


class NotGeneric(Exception):
    """Two points reach a cell at once: the lifting is not generic."""


class TooManyCells(Exception):
    """The limit on visited cells is reached."""


def walk(configuration: Configuration, start: NDArray[Any], limit: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """The cells for H = -infinity and their volumes.

    Parameters
    ----------
    configuration : Configuration
    start : array (n, 2)
        The edges of the one cell for H = +infinity, as point numbers.
    limit : int
        How many cells may be visited.

    Returns
    -------
    cells : array (K, n, 2)
    volumes : array (K,)
    """
    seen = {start.tobytes()}
    waiting = start[np.newaxis]
    cells, volumes = [], []
    while len(waiting):
        check_limits()
        batch, waiting = waiting[:_BATCH], waiting[_BATCH:]
        ends, found, size = _advance(configuration, batch)
        cells.append(batch[ends])
        volumes.append(size)
        new = []
        for cell in found:
            key = cell.tobytes()
            if key not in seen:
                seen.add(key)
                new.append(cell)
        if len(seen) > limit:
            raise TooManyCells
        if new:
            waiting = np.concatenate([waiting, np.array(new)])
    return np.concatenate(cells), np.concatenate(volumes)


def _advance(configuration: Configuration, cells: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Which cells live for ever, the successors of the others, and the volumes of the former."""
    points, owner = configuration.points, configuration.owner
    a, b = cells[:, :, 0], cells[:, :, 1]
    edges = points[b] - points[a]
    adjugates, volumes = _adjugates(edges, int(points.max(initial=0)))
    rows = np.arange(len(a))
    fixed, sinking = _slacks(configuration, cells, adjugates, volumes)
    # a point that is no end of an edge, and moves along with the cell, must lie above it
    flat = sinking == 0
    flat[rows[:, np.newaxis], a] = flat[rows[:, np.newaxis], b] = False
    if (fixed[flat] <= 0).any():
        raise NotGeneric
    falls = sinking > 0
    goes_on: NDArray[Any] = np.asarray(falls.any(axis=1))
    first = _first(fixed, sinking, falls, goes_on)
    at = rows[goes_on]
    c = first[at]
    i = owner[c]
    # l_i times the volume
    share = ((points[c] - points[a[at, i]]) * adjugates[at, :, i]).sum(axis=1)
    successors = []
    for kept, chosen in ((b, share < volumes[at]), (a, share > 0)):
        new = cells[at[chosen]]
        pair = np.sort(np.stack([kept[at, i], c], axis=1)[chosen], axis=1)
        new[np.arange(len(new)), i[chosen]] = pair
        successors.append(new)
    return ~goes_on, np.concatenate(successors), volumes[~goes_on]


def _adjugates(edges: NDArray[Any], span: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Integer matrices C and numbers v > 0 with ``E C = v I``, proposed in floats and checked.

    They are int64 if their products with n coordinates up to ``span`` are, and Python integers otherwise.
    """
    n = edges.shape[1]
    floats = edges.astype(float)
    signed = np.rint(np.linalg.det(floats))
    with np.errstate(all="ignore"):
        try:
            proposed = np.rint(np.linalg.inv(floats) * signed[:, np.newaxis, np.newaxis])
        except np.linalg.LinAlgError:
            proposed = np.full_like(floats, np.nan)
    bound = n * np.abs(proposed).max(initial=0) * float(span)
    if bound < _SAFE and np.abs(signed).max(initial=0) < _SAFE:
        integers, v = proposed.astype(np.int64), signed.astype(np.int64)
        identity = np.eye(n, dtype=np.int64)
        if (v != 0).all() and (edges @ integers == v[:, np.newaxis, np.newaxis] * identity).all():
            sign = np.sign(v)
            return integers * sign[:, np.newaxis, np.newaxis], np.abs(v)
    matrices, sizes = [], []
    for matrix in edges.tolist():
        exact = fmpz_mat(matrix)
        size = int(exact.det())
        if not size:
            raise NotGeneric
        inverse = exact.inv()
        sign_of = 1 if size > 0 else -1
        matrices.append([[int((inverse[r, k] * size).p) * sign_of for k in range(n)] for r in range(n)])
        sizes.append(abs(size))
    return np.array(matrices, dtype=object), np.array(sizes, dtype=object)


def _slacks(
    configuration: Configuration, cells: NDArray[Any], adjugates: NDArray[Any], volumes: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Numbers p and q, one a cell and point: the point lies ``(p + q H) / volume`` above the cell."""
    points, owner, heights, moving = configuration
    a, b = cells[:, :, 0], cells[:, :, 1]
    n = points.shape[1]
    sizes = [float(np.abs(x).max(initial=0)) for x in (adjugates, volumes, points, heights)]
    largest = 2 * sizes[1] * sizes[3] + 4 * n * n * sizes[2] * sizes[0] * sizes[3]
    if 2 * largest * (2 * sizes[1] + 4 * n * n * sizes[2] * sizes[0]) >= _SAFE:
        adjugates, volumes, points = (x.astype(object) for x in (adjugates, volumes, points))
        heights, moving = heights.astype(object), moving.astype(object)
    results = []
    for w in (heights, moving):
        slope = (adjugates @ (w[b] - w[a])[:, :, np.newaxis])[:, :, 0]
        level = w[a] * volumes[:, np.newaxis] - (points[a] * slope[:, np.newaxis, :]).sum(axis=2)
        results.append(volumes[:, np.newaxis] * w[np.newaxis] - slope @ points.T - level[:, owner])
    return results[0], results[1]


def _first(fixed: NDArray[Any], sinking: NDArray[Any], falls: NDArray[Any], goes_on: NDArray[Any]) -> NDArray[Any]:
    """For each cell the point that reaches it first: the largest -p / q over q > 0, compared exactly."""
    numerators = fixed
    if fixed.dtype == object:
        # the leading bits do for a proposal, and stay within the range of floats
        longest = max((abs(v).bit_length() for v in fixed.flat), default=0)
        numerators = fixed >> max(longest - 900, 0)
    ratios = np.full(fixed.shape, -np.inf)
    ratios[falls] = (-numerators[falls] / sinking[falls]).astype(float)
    first = ratios.argmax(axis=1)
    rows = np.arange(len(fixed))
    while True:
        p, q = fixed[rows, first], sinking[rows, first]
        later = fixed * q[:, np.newaxis] - p[:, np.newaxis] * sinking
        earlier = falls & (later < 0)
        wrong = goes_on & earlier.any(axis=1)
        if not wrong.any():
            break
        first[wrong] = earlier[wrong].argmax(axis=1)
    tied = falls & (later == 0)
    tied[rows, first] = False
    if tied[goes_on].any():
        raise NotGeneric
    return first
