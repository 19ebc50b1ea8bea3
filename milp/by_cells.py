"""Questions answered by looking at every cell: the greatest value, and a point where some rows hold together.

Float enclosures (`milp.cell_batches`) settle nearly all cells at once; the few that are left are settled by exact
linear programs. So the answers are exact, as fast as the cells can be listed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from milp.bounds import Bounds, OutOfRange, Stability
from milp.branching import SearchResult, row_of
from milp.cell_batches import CellBatch, TooManyCells, cell_batches, exact_cells
from milp.cell_bounds import box_of, estimates, tightened, upper_bounds
from milp.domain import BoundedDomain, OutOfTime
from nn_bridge.network.network import AffineStage, Network, Pattern, Row
from polyhedra.arrays import Floats
from polyhedra.linear_program import Optimal, maximize
from polyhedra.rounding import round_down
from polyhedra.scalars import ONE, ZERO, rational

_TRIED = 4  # vertices a batch that are evaluated exactly, for an incumbent


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A cell that the enclosures leave open for an output: what its value is at most."""

    upper: float
    pattern: Pattern
    output: int


def maximum_by_cells(
    network: Network,
    region: BoundedDomain,
    stage: AffineStage,
    index: int = 0,
    sign: int = 1,
    *,
    deadline: float | None = None,
    max_cells: int | None = None,
) -> SearchResult:
    """Maximise sign * (row ``index`` of an affine stage) over a full-dimensional domain, exactly.

    Arguments as in `milp.branching.search_maximum`; ``nodes`` of the result is the number of cells. Where the deadline
    or the number of cells ends the list, the bound is None.
    """
    question = Network(network.input_dim, network.stages, row_of(stage, index, sign))
    return greatest_by_cells(question, region, deadline=deadline, max_cells=max_cells)


def greatest_by_cells(
    question: Network, region: BoundedDomain, *, deadline: float | None = None, max_cells: int | None = None
) -> SearchResult:
    """The greatest value that any output of a network has on a full-dimensional domain, exactly."""
    best = _Best(question, region)
    box = box_of(region)
    open_cells: list[_Candidate] = []
    cells = 0
    complete = True
    try:
        for batch in cell_batches(question, region.polyhedron, deadline=deadline, max_cells=max_cells):
            cells += batch.size
            values = estimates(batch)
            best.try_vertices(batch, values)
            high = tightened(batch, upper_bounds(batch, values, box), best.floor)
            for c, r in np.argwhere(high > best.floor).tolist():
                open_cells.append(_Candidate(float(high[c, r]), batch.pattern(c), r))
            if len(open_cells) > 4096:
                open_cells = [cell for cell in open_cells if cell.upper > best.floor]
    except (OutOfTime, TooManyCells):
        complete = False
    except OutOfRange:
        return _greatest_exactly(question, region, deadline, max_cells)
    open_cells.sort(key=lambda cell: -cell.upper)
    for cell in open_cells:
        if not cell.upper > best.floor:
            break
        if deadline is not None and time.monotonic() > deadline:
            complete = False
            break
        best.try_cell(cell.pattern, cell.output)
    return SearchResult(best.value, best.point, best.value if complete else None, cells, complete)


def _greatest_exactly(
    question: Network, region: BoundedDomain, deadline: float | None, max_cells: int | None
) -> SearchResult:
    """The same by the exact vertices of every cell, for weights that floats cannot hold."""
    best = _Best(question, region)
    cells = 0
    try:
        for cell in exact_cells(question, region.polyhedron, deadline, max_cells):
            cells += 1
            for vertex in cell.generators.vertices:
                best.take(vertex)
    except (OutOfTime, TooManyCells):
        return SearchResult(best.value, best.point, None, cells, False)
    return SearchResult(best.value, best.point, best.value, cells, True)


class _Best:
    """The best exact value so far, and where it is reached."""

    def __init__(self, network: Network, region: BoundedDomain) -> None:
        self.network, self.region = network, region
        self.value: fmpq | None = None
        self.point: Row | None = None

    @property
    def floor(self) -> float:
        """A float at most the best value: a cell whose upper bound does not exceed it cannot improve on it."""
        return -np.inf if self.value is None else round_down(self.value)

    def try_vertices(self, batch: CellBatch, values: Floats) -> None:
        """Evaluate the vertices of a batch that look best, moved into the domain."""
        if not len(values):
            return
        high = values.max(axis=1)
        some = np.argpartition(-high, min(_TRIED, len(high)) - 1)[:_TRIED]
        order = some[np.argsort(-high[some])].tolist()
        for v in order:
            if not high[v] > self.floor or not np.isfinite(batch.vertices[v]).all():
                continue
            point = tuple(
                min(max(rational(float(x)), a), b)
                for x, a, b in zip(batch.vertices[v], self.region.lower, self.region.upper, strict=True)
            )
            if self.region.contains(point):
                self.take(point)

    def try_cell(self, pattern: Pattern, output: int) -> None:
        """Take the best point of the closed cell of a pattern for one output."""
        rows, right = cell_system(self.network, self.region, pattern)
        objective = self.network.affine_forms(pattern)[-1][output][:-1]
        polyhedron = self.region.polyhedron
        answer = maximize(objective, rows, right, polyhedron.A_eq, polyhedron.b_eq)
        if isinstance(answer, Optimal):
            self.take(answer.point)

    def take(self, point: Row) -> None:
        """Keep a point of the domain if it is better."""
        value = max(self.network.evaluate(point))
        if self.value is None or value > self.value:
            self.value, self.point = value, point


def cell_system(network: Network, region: BoundedDomain, pattern: Pattern) -> tuple[list[Row], list[fmpq]]:
    """The rows a.x <= b of the closed cell of a pattern in a domain."""
    rows: list[Row] = list(region.polyhedron.A)
    right: list[fmpq] = list(region.polyhedron.b)
    for forms, phases in zip(network.affine_forms(pattern), pattern, strict=False):
        for (*a, b), active in zip(forms, phases, strict=True):
            # a constant that has the phase says nothing; one that has not leaves no point, and its row says so
            if any(a) or (b < 0 if active else b > 0):
                rows.append(tuple(-v for v in a) if active else tuple(a))
                right.append(b if active else -b)
    return rows, right


@dataclass(frozen=True, slots=True)
class Meeting:
    """Whether the outputs of a network are all >= 0 at some point of a domain.

    Attributes
    ----------
    point : tuple of fmpq or None
        Such a point.
    complete : bool
        Whether the question is decided.
    cells : int
    """

    point: Row | None
    complete: bool
    cells: int


def meet_by_cells(
    slacks: Network,
    region: BoundedDomain,
    *,
    strict: Sequence[bool] | None = None,
    deadline: float | None = None,
    max_cells: int | None = None,
) -> Meeting:
    """Find a point of a full-dimensional domain where all outputs of a network are >= 0, or prove that there is none.

    Outputs marked as strict must be > 0. Of the cell where a point is found, it is one with the greatest least output
    (at most 1), of the strict ones where there are any.
    """
    strict_rows = (False,) * slacks.output_dim if strict is None else tuple(strict)
    cells = 0
    complete = True
    try:
        for batch in cell_batches(slacks, region.polyhedron, deadline=deadline, max_cells=max_cells):
            cells += batch.size
            reach = batch.extremes()[1].min(axis=1)  # no point of the cell has its least output above this
            for cell in _by_size(reach):
                if deadline is not None and time.monotonic() > deadline:
                    raise OutOfTime("time limit")
                point = _all_at_least_zero(slacks, region, batch.pattern(int(cell)), strict_rows)
                if point is not None:
                    return Meeting(point, True, cells)
    except (OutOfTime, TooManyCells):
        complete = False
    except OutOfRange:
        return _meet_exactly(slacks, region, strict_rows, deadline, max_cells)
    return Meeting(None, complete, cells)


def _meet_exactly(
    slacks: Network, region: BoundedDomain, strict_rows: tuple[bool, ...], deadline: float | None, max_cells: int | None
) -> Meeting:
    """The same by an exact program on every cell, for weights that floats cannot hold."""
    cells = 0
    try:
        for cell in exact_cells(slacks, region.polyhedron, deadline, max_cells):
            cells += 1
            point = _all_at_least_zero(slacks, region, cell.pattern, strict_rows)
            if point is not None:
                return Meeting(point, True, cells)
    except (OutOfTime, TooManyCells):
        return Meeting(None, False, cells)
    return Meeting(None, True, cells)


def meet_by_phases(
    slacks: Network,
    region: BoundedDomain,
    bounds: Bounds,
    *,
    strict: tuple[bool, ...],
    deadline: float | None = None,
    max_nodes: int | None = None,
) -> Meeting:
    """The same on a domain of any dimension, with many walls or inputs: all phases of the units that may change sign.

    Unit after unit, in the order of the stages, both phases are tried; where no point of the domain has the phases so
    far (an exact program), nothing more is. ``bounds`` hold for the units on the domain.
    """
    unstable = [(k, i) for k in range(len(slacks.stages)) for i in bounds.unstable(k)]
    base = [[bounds.stability(k, i) is Stability.ACTIVE for i in range(n)] for k, n in enumerate(slacks.hidden)]
    polyhedron = region.polyhedron
    stack: list[tuple[bool, ...]] = [()]
    nodes = 0
    while stack:
        if (deadline is not None and time.monotonic() > deadline) or (max_nodes is not None and nodes >= max_nodes):
            return Meeting(None, False, nodes)
        phases = stack.pop()
        nodes += 1
        for (k, i), active in zip(unstable, phases, strict=False):
            base[k][i] = active
        pattern = tuple(map(tuple, base))
        if len(phases) == len(unstable):
            point = _all_at_least_zero(slacks, region, pattern, strict)
            if point is not None:
                return Meeting(point, True, nodes)
            continue
        rows, right = list(polyhedron.A), list(polyhedron.b)
        forms = slacks.affine_forms(pattern)
        for (k, i), active in zip(unstable, phases, strict=False):
            *a, b = forms[k][i]
            rows.append(tuple(-v for v in a) if active else tuple(a))
            right.append(b if active else -b)
        if phases:
            nothing = (ZERO,) * region.dim
            answer = maximize(nothing, rows, right, polyhedron.A_eq, polyhedron.b_eq)
            if not isinstance(answer, Optimal):
                continue
        stack += [(*phases, False), (*phases, True)]
    return Meeting(None, True, nodes)


def _by_size(reach: NDArray[np.float64]) -> Sequence[int]:
    open_cells = np.nonzero(reach >= 0)[0]
    order: list[int] = open_cells[np.argsort(-reach[open_cells])].tolist()
    return order


def _all_at_least_zero(
    slacks: Network, region: BoundedDomain, pattern: Pattern, strict: tuple[bool, ...]
) -> Row | None:
    rows, right = cell_system(slacks, region, pattern)
    lifted = [(*row, ZERO) for row in rows]
    bounds = list(right)
    for (*a, b), mark in zip(slacks.affine_forms(pattern)[-1], strict, strict=True):
        # the least output is raised as far as possible: of the strict ones, where there are any
        lifted.append((*(-v for v in a), ONE if mark or not any(strict) else ZERO))
        bounds.append(b)
    lifted.append((*(ZERO,) * region.dim, ONE))
    bounds.append(ONE)
    polyhedron = region.polyhedron
    answer = maximize(
        (*(ZERO,) * region.dim, ONE), lifted, bounds, [(*row, ZERO) for row in polyhedron.A_eq], polyhedron.b_eq
    )
    if not isinstance(answer, Optimal) or answer.value < 0 or (answer.value == 0 and any(strict)):
        return None
    return answer.point[:-1]
