"""Keep only the cells that a level set can meet: proven bounds of an output on every cell of a 1-skeleton.

On a cell everything up to the stage just cut is affine, so it is known through the cell's vertices.  A later unit whose
sign is open lies between two lines (Zhang et al. 2018, "CROWN"); a bound of a later stage is then affine in what is
known, and least at a vertex.  Cells are bounded in groups of neighbours, which share the ranges of their units and so
the coefficients of their bounds.  Where an interval proves the sign of a unit, nothing better is asked for.  Rounding
is part of the bounds: no sum deviates by more than its number of terms times the rounding of the sum of magnitudes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nn_bridge.network.network import INPUT
from nn_bridge.sign_vectors.plan import Plan
from nn_bridge.sign_vectors.skeleton import Layout, OverBudget, Skeleton
from nn_bridge.sign_vectors.start import HEAD
from polyhedra.arrays import Integers

CELLS = 16
"""Cells in a group: on bunny_d3_8x32 8 and 32 take a fifth more time."""
SAMPLE, WORTH = 64, 0.25
"""Groups to try first; the part of their cells that must go for the others to be worth bounding."""
BITS = 10
"""Bits of each coordinate, for the order of cells in space."""
TOGETHER = 1 << 14
"""Rows that are moved at once."""
INCIDENCE_BYTES = 64
"""Bytes for one incidence of a cell and a vertex while cells are dropped."""


def drop_cells(skeleton: Skeleton, index: int, layout: Layout) -> None:
    """Remove vertices and edges all of whose cells have an output (the plan's last stage) of one proven sign.

    Called after stage ``index`` is cut; the last stage must be the output alone.  Does nothing where a sample says that
    few cells would go.

    Raises
    ------
    OverBudget
        The incidences do not fit the limit of the skeleton.
    """
    from nn_bridge.sign_vectors import kernels

    start, members = incident_cells(skeleton)
    cells = len(start) - 1
    low, high = skeleton.points.min(axis=0), skeleton.points.max(axis=0)
    factor = ((1 << BITS) - 1) / np.maximum(high - low, 1e-300)  # where the extent is lost in rounding
    codes = np.empty(cells, dtype=np.int64)
    kernels.curve_codes(np.ascontiguousarray(skeleton.points), start, members, low, factor, BITS, codes)
    order = np.argsort(codes, kind="stable")
    later = _later_stages(skeleton.plan, index, layout)

    def may_be_zero(chosen: Integers) -> NDArray[np.bool_]:
        result = np.empty(len(chosen), dtype=np.bool_)
        kernels.open_cells(
            chosen, start, members, CELLS, skeleton.rows, skeleton.scaled, skeleton.vertices, later, result
        )
        return result

    groups = cells // CELLS
    if groups > 4 * SAMPLE:
        first = np.arange(SAMPLE) * groups // SAMPLE * CELLS
        if may_be_zero(order[(first[:, None] + np.arange(CELLS)).reshape(-1)]).mean() > 1 - WORTH:
            return
    open_cells = np.empty(cells, dtype=np.bool_)
    open_cells[order] = may_be_zero(order)
    kept = np.zeros(skeleton.vertices, dtype=np.bool_)
    kept[members[np.repeat(open_cells, np.diff(start))]] = True
    if not kept.all():
        _keep(skeleton, kept)


def incident_cells(skeleton: Skeleton) -> tuple[Integers, Integers]:
    """For each cell the vertices ``members[start[i] : start[i + 1]]``.

    Raises
    ------
    OverBudget
        The incidences do not fit the limit of the skeleton.
    """
    from nn_bridge.sign_vectors import kernels

    plan, v = skeleton.plan, skeleton.vertices
    zeros = skeleton.zeros[:v]
    incidences = int((np.int64(1) << (zeros >= 0).sum(axis=1)).sum())
    if skeleton.limit is not None:
        used = skeleton.used_bytes(v, skeleton.edges) + INCIDENCE_BYTES * incidences
        if used > skeleton.limit:
            raise OverBudget
    base = skeleton.fingerprint[:v] - skeleton.face_word[skeleton.faces[:v]] + skeleton.face_word[-1]
    cell = np.empty(incidences, dtype=np.int64)
    size = 1 << (2 * v + 16).bit_length()  # there are about as many cells as vertices
    while True:
        slots = np.zeros((size, 2), dtype=np.uint64)
        cells = kernels.number_cells(base, zeros, plan.zero, plan.positive, cell, slots)
        if cells >= 0:
            break
        size *= 2
    start, members = np.zeros(cells + 1, dtype=np.int64), np.empty(incidences, dtype=np.int64)
    kernels.gather_members(cell, zeros, start, members)
    return start, members


def _later_stages(plan: Plan, index: int, layout: Layout) -> Any:
    """The stages after ``index`` in the form of the kernels."""
    from nn_bridge.sign_vectors import kernels

    stages = plan.stages[index + 1 :]
    columns = {INPUT: (HEAD, plan.network.input_dim), index + 1: (layout.column, plan.stages[index].units)}
    columns |= {k: (place, plan.stages[k - 1].units) for k, place in layout.carried.items()}
    wanted = {source for stage in stages for source, _ in stage.reads}
    place: dict[int, int] = {}
    known: list[int] = []
    positive: list[bool] = []
    for source, (first, size) in columns.items():
        if source in wanted:
            place[source] = len(known)
            known += range(first, first + size)
            positive += [source != INPUT] * size
    offset = [len(known)]
    for number, stage in enumerate(stages, index + 2):
        place[number] = offset[-1]
        offset.append(offset[-1] + stage.units)
    blocks: list[tuple[int, int, int]] = []
    first_block, flat, begin = [0], [np.zeros(0)], 0
    for stage in stages:
        for source, weights in stage.reads:
            blocks.append((place[source], weights.shape[1], begin))
            flat.append(weights.reshape(-1))
            begin += weights.size
        first_block.append(len(blocks))
    weights = np.concatenate(flat)
    return kernels.Later(
        np.array(known, dtype=np.int64),
        np.array(positive, dtype=np.bool_),
        np.array(offset, dtype=np.int64),
        np.concatenate([stage.bias for stage in stages]),
        np.array(first_block, dtype=np.int64),
        np.array(blocks, dtype=np.int64).reshape(-1, 3),
        weights,
        np.maximum(weights, 0.0),
        np.minimum(weights, 0.0),
    )


def _keep(skeleton: Skeleton, kept: NDArray[np.bool_]) -> None:
    """Remove all other vertices, and the edges that end in them."""
    e = skeleton.edges
    number = np.cumsum(kept, dtype=np.int32) - np.int32(1)
    rows = np.nonzero(kept)[0]
    edges = np.nonzero(kept[skeleton.e32[:e, 0]] & kept[skeleton.e32[:e, 1]])[0]
    for name in ("rows", "signs", "fingerprint", "zeros", "faces"):
        _move_up(getattr(skeleton, name), rows)
    _move_up(skeleton.e64, edges)
    ends = skeleton.e32[: len(edges), :2]
    ends[:] = number[ends]
    skeleton.vertices, skeleton.edges = len(rows), len(edges)


def _move_up(array: NDArray[Any], rows: Integers) -> None:
    """Write these rows, in increasing order, to the front; a few at a time, so that a copy of all needs no room."""
    for low in range(0, len(rows), TOGETHER):
        part = rows[low : low + TOGETHER]
        array[low : low + len(part)] = array[part]
