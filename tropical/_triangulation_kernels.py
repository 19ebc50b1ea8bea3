"""Float kernels on the regular triangulation under max(A x + c): a proposal by Qhull, and walks through it.

Arrays in, arrays out, as in `tropical._hull_kernels`; nothing here is a proof.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from polyhedra.arrays import Floats
from tropical._hull_kernels import Indices

STEPS = 200  # of a walk, after which a query is left to the pivoting kernel
SMALLEST_WIDTH = 1e-250  # points that spread less in a coordinate are flat for Qhull
NEXT_TO_NOTHING = 2.0**-60  # of the width


@dataclass(frozen=True, slots=True)
class Triangulation:
    """The upper hull of lifted points, projected: simplices (T, n + 1) of positions, their neighbours (-1 outside).

    ``inverse`` (T, n + 1, n + 1) maps (a, 1) to barycentric coordinates: l = (a, 1) @ inverse.  ``vertices`` (T, n) are
    the points at which the terms of a simplex tie.
    """

    simplices: Indices
    neighbours: Indices
    inverse: Floats
    vertices: Floats


@dataclass(frozen=True, slots=True)
class UpperHull:
    """The facets of the upper hull of lifted points by Qhull.

    ``simplices`` (T, n + 1) are positions of points, ``neighbours`` (T, n + 1) the facets opposite to them, -1 for one
    that is no upper facet; ``normals`` (T, n + 1) point upwards, in the coordinates of the points.
    """

    simplices: Indices
    neighbours: Indices
    normals: Floats


def qhull_upper(A: Floats, c: Floats) -> UpperHull | None:
    """The upper hull of the points (A, c), None where Qhull can not be asked or fails: the only place that asks it.

    Qhull ends the process on numbers of very different scale.  So it gets each coordinate moved and scaled to [0, 1],
    and numbers next to nothing as 0: what comes back is a proposal in any case.
    """
    from scipy.spatial import ConvexHull, QhullError

    count, rank = A.shape
    if count < rank + 2:
        return None
    with np.errstate(all="ignore"):
        points = np.column_stack([A, c])
        low, width = points.min(axis=0), np.ptp(points, axis=0)
        if not (np.isfinite(points).all() and np.isfinite(width).all() and (width > SMALLEST_WIDTH).all()):
            return None
        moderate = (points - low) / width
        moderate[moderate < NEXT_TO_NOTHING] = 0.0
        # one more point far below all others, whose facets are not asked for
        lowest = np.append(moderate[:, :-1].mean(axis=0), -10.0)
        try:
            hull = ConvexHull(np.vstack([moderate, lowest]))
        except (QhullError, ValueError):
            return None
        upper = np.flatnonzero((hull.equations[:, -2] > 0) & (hull.simplices < count).all(axis=1))
        normals = hull.equations[upper, :-1] / width
    number = np.full(len(hull.simplices) + 1, -1, dtype=np.intp)
    number[upper] = np.arange(len(upper))
    return UpperHull(hull.simplices[upper].astype(np.intp), number[hull.neighbors[upper]], normals)


def triangulate(A: Floats, c: Floats) -> Triangulation | None:
    """Triangulate the upper hull; None where Qhull or the arithmetic fails (flat or too few points)."""
    count = len(c)
    with np.errstate(all="ignore"):
        # noise far below the spread of the heights makes every facet a simplex; it can only spoil a proposal
        noise = np.random.default_rng(11).uniform(-1.0, 1.0, count) * 1e-11 * (np.ptp(c) + np.abs(c).max() * 1e-3)
        hull = qhull_upper(A, c + noise)
    return None if hull is None else _triangulation(hull, A, c)


def _triangulation(hull: UpperHull, A: Floats, c: Floats) -> Triangulation | None:
    simplices, rank = hull.simplices, A.shape[1]
    if not len(simplices):
        return None
    with np.errstate(all="ignore"):
        matrix = np.concatenate([A[simplices], np.ones((*simplices.shape, 1))], axis=2)
        sign, _log = np.linalg.slogdet(matrix)
        flat = ~(np.abs(sign) > 0)
        matrix[flat] = np.eye(rank + 1)
        try:
            inverse = np.linalg.inv(matrix)
        except np.linalg.LinAlgError:
            return None
        inverse[flat] = np.nan
        vertices = -np.einsum("tjk,tk->tj", inverse, c[simplices])[:, :rank]
    return Triangulation(simplices, hull.neighbours, inverse, vertices)


def walk(triangulation: Triangulation, A: Floats, queries: Floats) -> tuple[Indices, NDArray[np.int8]]:
    """The simplex over each query exponent, by walking towards it.

    Returns
    -------
    simplex : array (Q,)
    status : array (Q,): 1 found, 0 undecided (left the triangulation, or met a flat simplex)
    """
    from scipy.spatial import cKDTree

    simplices, inverse = triangulation.simplices, triangulation.inverse
    status = np.zeros(len(queries), dtype=np.int8)
    with np.errstate(all="ignore"):
        spread = np.maximum(np.ptp(A, axis=0), 1e-300)
        middles, places = A[simplices].mean(axis=1) / spread, queries / spread
    if not (np.isfinite(middles).all() and np.isfinite(places).all()):
        return np.zeros(len(queries), dtype=np.intp), status
    _, current = cKDTree(middles).query(places)
    current = current.astype(np.intp)
    target = np.column_stack([queries, np.ones(len(queries))])
    active = np.arange(len(queries))
    for step in range(STEPS):
        if not len(active):
            break
        with np.errstate(all="ignore"):
            values = np.einsum("qk,qkj->qj", target[active], inverse[current[active]])
        leaving = values.argmin(axis=1)
        least = values[np.arange(len(active)), leaving]
        inside = least >= -1e-12 * (1.0 + step)
        status[active[inside]] = 1
        following = triangulation.neighbours[current[active], leaving]
        going = ~inside & (following >= 0) & np.isfinite(least)
        current[active[going]] = following[going]
        active = active[going]
    return current, status


__all__ = ["Triangulation", "UpperHull", "qhull_upper", "triangulate", "walk"]
