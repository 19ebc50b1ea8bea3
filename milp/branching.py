"""Branch and bound over the phases of unstable units: the exact maximum of an output, with proof.

A node fixes some units to active or inactive. Its bound is proved (`milp.relaxation`); the point that the linear
program proposes is moved, exactly, to the best point of its own cell, which gives incumbents that are exact values of
the network. A node whose units are all fixed is a linear program in the inputs alone and is solved exactly. So the
search ends with the exact optimum, or at a limit with an exact value below and a proved bound above.

The MILP solvers of `milp.solvers` are faster on larger networks but work with tolerances; this is the check of what
they say.
"""

from __future__ import annotations

import heapq
import itertools
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from milp.bounds import Bounds, Stability
from milp.domain import BoundedDomain
from milp.relaxation import Relaxation
from milp.root_cuts import add_root_cuts
from milp.solvers import third_of
from nn_bridge.network.network import AffineStage, Network, Pattern, Row
from polyhedra.linear_program import Optimal, maximize
from polyhedra.plurals import counted
from polyhedra.progress import tell
from polyhedra.scalars import ZERO, rational, to_float

CUT_ROUNDS = 3
"""Rounds of cuts at the root by default."""


@dataclass(frozen=True, slots=True)
class Objective:
    """An affine function of the network's outputs and inputs: ``weights . f(x) + input_weights . x + constant``."""

    weights: Row
    input_weights: Row
    constant: fmpq = ZERO

    def value(self, network: Network, x: Row) -> fmpq:
        """Its exact value at a point."""
        total = self.constant
        for w, v in zip(self.weights, network.evaluate(x), strict=True):
            total += w * v
        for w, v in zip(self.input_weights, x, strict=True):
            total += w * v
        return total

    def as_stage(self, network: Network) -> AffineStage:
        """The objective as a stage with one row over the inputs and units."""
        blocks = {}
        for source, matrix in network.output.blocks:
            blocks[source] = tuple(
                sum((w * row[j] for w, row in zip(self.weights, matrix, strict=True)), ZERO)
                for j in range(len(matrix[0]))
            )
        before = blocks.get(0, (ZERO,) * network.input_dim)
        blocks[0] = tuple(p + q for p, q in zip(before, self.input_weights, strict=True))
        bias = self.constant
        for w, b in zip(self.weights, network.output.bias, strict=True):
            bias += w * b
        kept = tuple((source, (blocks[source],)) for source in sorted(blocks) if any(blocks[source]))
        return AffineStage(kept, (bias,))


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The outcome of a search for a maximum.

    Attributes
    ----------
    value, point : fmpq and tuple of fmpq, or None
        The best point found and the exact objective there.
    bound : fmpq or None
        Proved: no point of the domain has more (None where nothing finite was proved).
    nodes : int
    proven : bool
        Whether value and bound agree, or the question asked with a threshold is settled.
    """

    value: fmpq | None
    point: Row | None
    bound: fmpq | None
    nodes: int
    proven: bool


def search_maximum(
    network: Network,
    region: BoundedDomain,
    bounds: Bounds,
    stage: AffineStage,
    index: int = 0,
    sign: int = 1,
    *,
    depth: int | None = None,
    start: Row | None = None,
    threshold: fmpq | None = None,
    strict: bool = False,
    node_limit: int = 10_000,
    deadline: float | None = None,
    cut_rounds: int = CUT_ROUNDS,
) -> SearchResult:
    """Maximise sign * (row ``index`` of an affine stage) over the domain, exactly.

    Parameters
    ----------
    network : Network
    region : BoundedDomain
    bounds : Bounds
        Valid on the region.
    stage, index, sign
        The objective, a row over the inputs and the units of the first ``depth`` stages.
    depth : int, optional
        How many stages the objective reads; all by default.
    start : point, optional
        A point to begin with (a MILP solver's answer).
    threshold : fmpq, optional
        Only decide whether some point has more than this: end at the first one, and drop branches that have none.
    strict : bool
        Decide whether some point has at least the threshold.
    node_limit, deadline
        Limits: nodes, and a value of ``time.monotonic``.
    cut_rounds : int
        How often projected ideal rows are added at the root (`milp.root_cuts`).
    """
    if deadline is not None and time.monotonic() > deadline:  # not even the relaxation is built
        point = start if start is not None and region.contains(start) else None
        question = Network(network.input_dim, network.stages[:depth], row_of(stage, index, sign))
        value = None if point is None else question.evaluate(point)[0]
        return SearchResult(value, point, end_by_intervals(question.output, bounds), 0, False)
    search = _Search(network, region, bounds, stage, index, sign, len(network.stages) if depth is None else depth)
    if start is not None:
        search.try_point(start)
    if node_limit > 0:
        search.add_cuts(cut_rounds, deadline)
    return search.run(threshold, strict, node_limit, deadline)


Open = tuple[float, int, tuple[tuple[int, int, bool], ...]]
"""An open node: minus its bound, a running number, and the phases fixed (stage, unit, active)."""


class _Search:
    def __init__(
        self,
        network: Network,
        region: BoundedDomain,
        bounds: Bounds,
        stage: AffineStage,
        index: int,
        sign: int,
        depth: int,
    ) -> None:
        self.network = Network(network.input_dim, network.stages[:depth], row_of(stage, index, sign))
        self.sign = sign
        self.region, self.bounds, self.depth = region, bounds, depth
        self.relaxation = Relaxation(self.network, region, bounds)
        self.relaxation.set_objective(self.network.output, 0, 1)
        self.unstable = [(k, i) for k in range(depth) for i in bounds.unstable(k)]
        self.value: fmpq | None = None
        self.point: Row | None = None
        self.cells: set[Pattern] = set()

    # ---------------------------------------------------------------- incumbents

    def try_point(self, x: Row, climb: bool = True) -> None:
        """Take a point into the domain; if it is better than the incumbent, climb to the best point of its cell.

        Without ``climb`` only a point that had to leave the domain is climbed from: its cell is all that is known of
        it.
        """
        clipped = tuple(_into(v, a, b) for v, a, b in zip(x, self.region.lower, self.region.upper, strict=True))
        value = self.network.evaluate(clipped)[0]
        if self.value is None or value > self.value:
            inside = self.region.is_box or self.region.contains(clipped)
            if inside:
                self.value, self.point = value, clipped
            if climb or not inside:
                self._climb(self.network.pattern(clipped))

    def _climb(self, pattern: Pattern) -> None:
        pattern = self._settled(pattern)
        if pattern in self.cells:
            return
        self.cells.add(pattern)
        point = self._best_of_cell(pattern)
        if point is not None:
            value = self.network.evaluate(point)[0]
            if self.value is None or value > self.value:
                self.value, self.point = value, point

    def _settled(self, pattern: Pattern) -> Pattern:
        """The pattern with the proved phases of stable units: a surely active unit may be 0, and still passes on g."""
        phase = {Stability.ACTIVE: True, Stability.INACTIVE: False}
        return tuple(
            tuple(phase.get(self.bounds.stability(k, i), active) for i, active in enumerate(phases))
            for k, phases in enumerate(pattern)
        )

    def _best_of_cell(self, pattern: Pattern) -> Row | None:
        """A point where the objective is greatest over the closed cell of a pattern; None where the cell is empty."""
        forms = self.network.affine_forms(pattern)
        rows: list[Sequence[fmpq]] = []
        right: list[fmpq] = []
        for k, phases in enumerate(pattern):
            for i, active in enumerate(phases):
                if self.bounds.stability(k, i) is not Stability.UNSTABLE:
                    continue
                *a, b = forms[k][i]
                rows.append([-v for v in a] if active else a)
                right.append(b if active else -b)
        polyhedron = self.region.polyhedron
        objective = forms[-1][0][:-1]
        if not rows and self.region.is_box:
            return tuple(
                high if c > 0 else low
                for c, low, high in zip(objective, self.region.lower, self.region.upper, strict=True)
            )
        answer = maximize(objective, [*rows, *polyhedron.A], [*right, *polyhedron.b], polyhedron.A_eq, polyhedron.b_eq)
        return answer.point if isinstance(answer, Optimal) else None

    # ---------------------------------------------------------------- the tree

    def add_cuts(self, rounds: int, deadline: float | None) -> None:
        """Add the projected ideal rows that the root's point breaks, and again at its next point.

        They take a third of the time at most, and each point is an incumbent.
        """
        box = self.relaxation.column_ends
        share = third_of(deadline)
        end = None if share is None else time.monotonic() + share
        self.relaxation.deadline = deadline
        for _ in range(rounds):
            _, point = self.relaxation.bound()
            if point is None:
                return
            self.try_point(tuple(rational(float(v)) for v in point[: self.network.input_dim]), climb=False)
            if end is not None and time.monotonic() > end:
                return
            if not add_root_cuts(self.relaxation, self.network, self.unstable, point, box):
                return

    def run(self, threshold: fmpq | None, strict: bool, node_limit: int, deadline: float | None) -> SearchResult:
        """Go down the preferred side until a branch ends, then from the open node with the largest bound.

        The bounds of open nodes are proved, so a run that is cut short still has a proved bound.
        """
        self.relaxation.deadline = deadline
        count = itertools.count()  # breaks ties: the heap never compares decisions
        heap: list[Open] = []
        following: Open | None = (-self.relaxation.objective_end, next(count), ())
        fixed: dict[tuple[int, int], bool] = {}
        dropped: fmpq | None = None  # the largest bound of a branch that was dropped for the threshold
        nodes = 0

        def reached() -> bool:
            if threshold is None or self.value is None:
                return False
            return self.value >= threshold if strict else self.value > threshold

        def excluded(bound: fmpq) -> bool:
            return threshold is not None and (bound < threshold if strict else bound <= threshold)

        while (following is not None or heap) and not reached():
            if nodes >= node_limit or (deadline is not None and time.monotonic() > deadline):
                break
            negative, _, decisions = heapq.heappop(heap) if following is None else following
            following = None
            inherited = rational(-negative)
            if self._beaten(inherited):
                continue
            if excluded(inherited):
                dropped = inherited if dropped is None else max(dropped, inherited)
                continue
            nodes += 1
            tell(partial(self._told, nodes, -negative))
            self._apply(fixed, decisions)
            found, columns = self.relaxation.bound()
            if found == -math.inf:
                continue
            bound = min(found, -negative)
            exact = rational(bound)
            if excluded(exact):
                dropped = exact if dropped is None else max(dropped, exact)
                continue
            if columns is not None:
                point = tuple(rational(float(v)) for v in columns[: self.network.input_dim])
                self.try_point(point, climb=threshold is None)
            if self._beaten(exact):
                continue
            choice = self._branching_unit(fixed, columns)
            if choice is None:
                self._leaf(fixed)
                continue
            unit, first = choice
            heapq.heappush(heap, (-bound, next(count), (*decisions, (*unit, not first))))
            following = (-bound, next(count), (*decisions, (*unit, first)))
        self._apply(fixed, ())
        if reached():
            return SearchResult(self.value, self.point, None, nodes, True)
        ends = [rational(-negative) for negative, _, _ in (*heap, *([following] if following else []))]
        settled = not ends and self.bounds.proven
        ends += [value for value in (self.value, dropped) if value is not None]
        return SearchResult(self.value, self.point, max(ends) if ends else None, nodes, settled)

    def _told(self, nodes: int, bound: float) -> str:
        best = "none yet" if self.value is None else f"{self.sign * to_float(self.value):.6g}"
        return f"Branching: {counted(nodes, 'node')}, best value {best}, bound {self.sign * bound:.6g}"

    def _beaten(self, bound: fmpq) -> bool:
        return self.value is not None and bound <= self.value

    def _apply(self, fixed: dict[tuple[int, int], bool], decisions: Sequence[tuple[int, int, bool]]) -> None:
        wanted = {(k, i): active for k, i, active in decisions}
        for unit in [u for u in fixed if u not in wanted]:
            self.relaxation.set_phase(*unit, None)
            del fixed[unit]
        for unit, active in wanted.items():
            if fixed.get(unit) != active:
                self.relaxation.set_phase(*unit, active)
                fixed[unit] = active

    def _branching_unit(
        self, fixed: dict[tuple[int, int], bool], columns: NDArray[np.float64] | None
    ) -> tuple[tuple[int, int], bool] | None:
        """The free unit whose value is furthest from its ReLU; where all agree, the one furthest from its kink.

        In the second case the point is the true optimum up to rounding, and the phase against it is soon beaten.
        """
        free = [unit for unit in self.unstable if unit not in fixed]
        if not free:
            return None
        if columns is None:
            return free[0], True
        pre = {unit: float(columns[self.relaxation.pre(*unit)]) for unit in free}
        gap = {unit: float(columns[self.relaxation.unit(*unit)]) - max(0.0, pre[unit]) for unit in free}
        unit = max(free, key=lambda u: (gap[u] > 1e-7, gap[u] if gap[u] > 1e-7 else abs(pre[u])))
        return unit, pre[unit] > 0

    def _leaf(self, fixed: dict[tuple[int, int], bool]) -> None:
        pattern = [[False] * stage.units for stage in self.network.stages]
        for (k, i), active in fixed.items():
            pattern[k][i] = active
        self._climb(tuple(map(tuple, pattern)))


_NEAR = fmpq(1, 10**9)


def _into(value: fmpq, low: fmpq, high: fmpq) -> fmpq:
    """A proposed coordinate, moved into its interval, and to an end that it nearly reaches: a guess, judged exactly."""
    near = _NEAR * (high - low)
    return high if value > high - near else low if value < low + near else value


def end_by_intervals(stage: AffineStage, bounds: Bounds) -> fmpq:
    """An upper bound of the one row of a stage, from the ends of all inputs and units, exactly."""
    total = stage.bias[0]
    for source, matrix in stage.blocks:
        for weight, low, high in zip(matrix[0], *bounds.value_box(source), strict=True):
            if weight != 0:
                total += weight * rational(high if weight > 0 else low)
    return total


def row_of(stage: AffineStage, index: int, sign: int) -> AffineStage:
    """The stage with row ``index`` alone, times ``sign``."""
    blocks = tuple((source, (tuple(sign * w for w in matrix[index]),)) for source, matrix in stage.blocks)
    kept = tuple((source, matrix) for source, matrix in blocks if any(matrix[0]))
    return AffineStage(kept, (sign * stage.bias[index],))
