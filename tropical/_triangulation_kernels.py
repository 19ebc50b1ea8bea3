"""Float kernels on the regular triangulation under max(A x + c): a proposal by Qhull, and walks through it.

Arrays in, arrays out, as in `tropical._hull_kernels`; nothing here is a proof.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tropical._hull_kernels import Floats, Indices

STEPS = 200  # of a walk, after which a query is left to the pivoting kernel


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


def triangulate(A: Floats, c: Floats) -> Triangulation | None:
    """Triangulate the upper hull; None where Qhull or the arithmetic fails (flat or too few points)."""
    from scipy.spatial import ConvexHull, QhullError

    count, rank = A.shape
    if count < rank + 2:
        return None
    # noise far below the spread of the heights makes every facet a simplex; it can only spoil a proposal
    noise = np.random.default_rng(11).uniform(-1.0, 1.0, count) * 1e-11 * (np.ptp(c) + np.abs(c).max() * 1e-3)
    lowest = c.min() - 10.0 * (np.ptp(c) + 1.0)
    scale = np.append(np.maximum(np.ptp(A, axis=0), 1e-300), max(np.ptp(c), 1e-300))
    lifted = np.column_stack([np.vstack([A, A.mean(axis=0)]), np.append(c + noise, lowest)]) / scale
    try:
        hull = ConvexHull(lifted)
    except (QhullError, ValueError):
        return None
    upper = np.flatnonzero((hull.equations[:, -2] > 0) & (hull.simplices < count).all(axis=1))
    if not len(upper):
        return None
    number = np.full(len(hull.simplices) + 1, -1, dtype=np.intp)
    number[upper] = np.arange(len(upper))
    simplices = hull.simplices[upper].astype(np.intp)
    matrix = np.concatenate([A[simplices], np.ones((*simplices.shape, 1))], axis=2)
    sign, _log = np.linalg.slogdet(matrix)
    flat = sign == 0
    matrix[flat] = np.eye(rank + 1)
    inverse = np.linalg.inv(matrix)
    inverse[flat] = np.nan
    vertices = -np.einsum("tjk,tk->tj", inverse, c[simplices])[:, :rank]
    return Triangulation(simplices, number[hull.neighbors[upper]], inverse, vertices)


def walk(triangulation: Triangulation, A: Floats, queries: Floats) -> tuple[Indices, NDArray[np.int8]]:
    """The simplex over each query exponent, by walking towards it.

    Returns
    -------
    simplex : array (Q,)
    status : array (Q,): 1 found, 0 undecided (left the triangulation, or met a flat simplex)
    """
    from scipy.spatial import cKDTree

    simplices, inverse = triangulation.simplices, triangulation.inverse
    spread = np.maximum(np.ptp(A, axis=0), 1e-300)
    _, current = cKDTree(A[simplices].mean(axis=1) / spread).query(queries / spread)
    current = current.astype(np.intp)
    status = np.zeros(len(queries), dtype=np.int8)
    target = np.column_stack([queries, np.ones(len(queries))])
    active = np.arange(len(queries))
    for step in range(STEPS):
        if not len(active):
            break
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


__all__ = ["Triangulation", "triangulate", "walk"]
