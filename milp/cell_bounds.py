"""Proven upper bounds of the outputs over each cell of a batch, by one small linear system a cell and output.

At the vertex where the float estimate of an output c.x + d is greatest, n rows g_i(x) >= 0 of the cell vanish. With
multipliers y from c + sum y_i a_i = 0, clipped to y >= 0, the output is at most (c + sum y_i a_i).x + d + sum y_i b_i
everywhere on the cell: valid for any y, and equal to the maximum up to rounding where the vertex is the best one. So
one system a cell does where `CellBatch.extremes` encloses every vertex; it is the fallback.

Source: Neumaier and Shcherbina 2004 for bounds from approximate multipliers.
"""

from __future__ import annotations

import numpy as np

from milp.cell_batches import CellBatch, Geometry
from milp.domain import BoundedDomain
from polyhedra.arrays import Floats, Integers
from polyhedra.rounding import UNIT_ROUNDOFF, round_down, round_up

_FEW = 64  # cells that are enclosed vertex by vertex where the multipliers leave them open


def estimates(batch: CellBatch) -> Floats:
    """The outputs at the vertices in floating point, without proof: array (vertices, outputs)."""
    n = batch.vertices.shape[1]
    with np.errstate(all="ignore"):
        rows = batch.rows[batch.vertex_cell]
        found = np.einsum("vrn,vn->vr", rows[:, :, :n], batch.vertices) + rows[:, :, n]
        return np.where(np.isfinite(found), found, -np.inf)


def box_of(region: BoundedDomain) -> tuple[Floats, Floats]:
    """The box around a domain in float64, rounded outwards."""
    return np.array([round_down(v) for v in region.lower]), np.array([round_up(v) for v in region.upper])


def upper_bounds(batch: CellBatch, values: Floats, box: tuple[Floats, Floats]) -> Floats:
    """For each cell and output a number that the output does not exceed on the cell: array (cells, outputs).

    Parameters
    ----------
    batch : CellBatch
    values : array
        The `estimates`.
    box : pair of arrays
        Around the domain of the cells.
    """
    upper = np.full((batch.size, batch.rows.shape[1]), np.inf)
    geometry = batch.geometry
    if geometry is None or not len(batch.vertices):
        return upper
    starts = np.searchsorted(batch.vertex_cell, np.arange(batch.size))
    with np.errstate(all="ignore"):
        for output in range(upper.shape[1]):
            vertices = _best_vertices(values[:, output], batch.vertex_cell, starts)
            upper[:, output] = _bounds_at(batch, geometry, vertices, output, box)
    return upper


def _best_vertices(values: Floats, cells: Integers, starts: Integers) -> Integers:
    """For each cell the last vertex with the greatest value."""
    greatest = np.maximum.reduceat(values, starts)
    best = np.nonzero(values == greatest[cells])[0]
    found = np.array(starts)
    found[cells[best]] = best
    return found


def _bounds_at(
    batch: CellBatch, geometry: Geometry, vertices: Integers, output: int, ends: tuple[Floats, Floats]
) -> Floats:
    upper = np.full(batch.size, np.inf)
    for chosen, rows, error, sign in geometry.rows(vertices):
        cells = batch.vertex_cell[chosen]
        upper[cells] = _from_multipliers(
            batch.rows[cells, output], batch.rows_error[cells, output], rows, error, sign, batch.vertices[chosen], ends
        )
    return upper


def _from_multipliers(
    goal: Floats,
    goal_error: Floats,
    rows: Floats,
    error: Floats,
    sign: Floats,
    at: Floats,
    ends: tuple[Floats, Floats],
) -> Floats:
    """max of goal . (x, 1) over the box where sign * rows . (x, 1) >= 0, from above; one problem an entry."""
    n = at.shape[1]
    rows = rows * sign[:, :, None]
    y = _multipliers(rows[:, :, :n], goal[:, :n])
    gamma = 2.0 * (rows.shape[1] + n + 8) * UNIT_ROUNDOFF
    total = goal + np.einsum("vmn,vm->vn", rows, y)  # (c + sum y a, d + sum y b)
    doubt = gamma * np.abs(goal) + goal_error + np.einsum("vmn,vm->vn", gamma * np.abs(rows) + error, y)
    width = np.maximum(np.abs(ends[1] - at), np.abs(at - ends[0])) * (1.0 + 4.0 * UNIT_ROUNDOFF)
    value = np.einsum("vn,vn->v", total[:, :n], at) + total[:, n]  # at the vertex; elsewhere at most what follows more
    spread = np.einsum("vn,vn->v", doubt[:, :n] + gamma * np.abs(total[:, :n]), np.abs(at))
    spread += doubt[:, n] + gamma * np.abs(total[:, n])
    spread += ((np.abs(total[:, :n]) + doubt[:, :n]) * width).sum(axis=1)
    found = value + (1.0001 * spread + 1e-290)
    found += UNIT_ROUNDOFF * 4.0 * np.abs(found)
    return np.where(np.isfinite(found), found, np.inf)


def _multipliers(A: Floats, goal: Floats) -> Floats:
    """y >= 0 with goal + A'y near 0; zeros where there are none."""
    transposed = np.swapaxes(A, 1, 2)
    try:
        if A.shape[1] == A.shape[2]:
            y = np.linalg.solve(transposed, -goal[:, :, None])[:, :, 0]
        else:
            y = -np.einsum("vmn,vn->vm", np.linalg.pinv(transposed), goal)
    except np.linalg.LinAlgError:
        return np.zeros(A.shape[:2])
    return np.where(np.isfinite(y) & (y > 0), y, 0.0)


def tightened(batch: CellBatch, upper: Floats, floor: float) -> Floats:
    """The same bounds, where cells stay above a value also by the enclosures of their vertices, if these are few."""
    open_cells = np.nonzero((upper > floor).any(axis=1))[0]
    geometry = batch.geometry
    if geometry is None or len(open_cells) < _FEW:
        return upper
    return np.minimum(upper, batch.extremes()[1])
