"""Properties decided exactly: does an input of a bounded set, with the network's outputs there, satisfy a system?

For each linear system of the disjunction the rows over X are the domain. With few inputs it is split into boxes, on
which proven bounds show that a row fails (`milp.box_search`). Else the least slack of all its rows is one output
of a larger network, because min(a, b) = a - max(0, a - b): branching asks whether its maximum is negative. Where the
cells can be listed, the slacks themselves are the outputs, and a cell is passed over if one of them is negative on all
of it (`milp.by_cells`). A MILP solver only proposes points.

A strict row must be positive at the counterexample: where the greatest least slack is 0, an exact program decides on
each cell.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from os import PathLike

import numpy as np
from flint import fmpq

from milp.arguments import of_any_model
from milp.bounding import network_bounds
from milp.bounds import Bounds, OutOfRange, text_above
from milp.box_search import search_boxes
from milp.branching import Objective, SearchResult, search_maximum
from milp.by_cells import meet_by_cells, meet_by_phases
from milp.choice import (
    BOXES,
    BRANCHING,
    CELLS,
    MOST_BOXES,
    boxes_can_win,
    cells_can_win,
    order_of_methods,
    solver_helps,
)
from milp.domain import BoundedDomain, OutOfTime, UnboundedDomainError, bounded
from milp.formulations import formulate
from milp.solvers import choose_solver, deadline_after, may_load, third_of, time_left
from milp.verify import Status, Verdict, wall_stages
from milp.vnnlib import LinearRow, Property, read_vnnlib
from nn_bridge.network.joint import stacked, sum_of_stages
from nn_bridge.network.network import AffineStage, Network, Row
from polyhedra.errors import FormulationError, MissingExtraError
from polyhedra.linear_program import Infeasible, maximize_over
from polyhedra.option_types import checked_options
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron
from polyhedra.progress import Steps, with_steps
from polyhedra.rounding import round_up
from polyhedra.scalars import ONE, ZERO, rational

MILP = "milp"


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to a property: it holds, fails at a point, or is open.

    Attributes
    ----------
    verdict : Verdict
        VIOLATED with an exact counterexample, PROVEN, or OPEN with a reason.
    method : {"boxes", "branching", "cells", "milp"}
        What decided, or came last: with several systems the one that took most.
    domain : BoundedDomain or None
        The set of inputs, where all systems have the same.
    """

    verdict: Verdict
    method: str
    domain: BoundedDomain | None


@checked_options
@of_any_model
@with_steps("Verifying")
def verify_vnnlib(
    network: Network,
    spec: Property | str | PathLike[str],
    *,
    tightening: str = "lp",
    time_limit: float | None = 60.0,
    node_limit: int = 1_000_000,
    progress: Steps = None,
) -> Verdict:
    """Decide a property: VIOLATED with an exact counterexample ("sat"), PROVEN ("unsat"), or OPEN at a limit.

    Parameters
    ----------
    network : Network, path or model
    spec : path of a VNN-LIB file about one network, or a property that was read (`read_vnnlib`)
    tightening, time_limit, node_limit
        As in `verify_upper`.
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.

    Raises
    ------
    FormulationError
        The file cannot be read, the numbers of inputs and outputs differ from the network's, or the inputs of some
        system are unbounded.
    """
    asked = spec if isinstance(spec, Property) else read_vnnlib(spec)
    return decide(network, asked, tightening=tightening, time_limit=time_limit, node_limit=node_limit).verdict


def decide(
    network: Network,
    spec: Property,
    *,
    tightening: str = "lp",
    time_limit: float | None = 60.0,
    node_limit: int = 1_000_000,
) -> Decision:
    """The same, with the method that decided and the domain."""
    start = time.monotonic()
    deadline = deadline_after(time_limit)
    check_sizes(network, spec)
    reason: str | None = None
    methods: list[str] = []
    regions: list[BoundedDomain] = []
    for number, system in enumerate(spec.disjuncts):
        try:
            region = inputs_of(system, spec.inputs, deadline)
            if region is None:
                continue
            regions.append(region)
            left = time_left(deadline)
            share = None if left is None else time.monotonic() + left / (len(spec.disjuncts) - number)
            question = _Question(network, region, system, tightening, node_limit, share)
            point = question.answer()
        except OutOfTime as error:
            reason = reason or str(error)
            continue
        methods.append(question.method)
        if point is not None:
            outputs = network.evaluate(point)
            verdict = Verdict(Status.VIOLATED, point, outputs, time.monotonic() - start)
            return Decision(verdict, question.method, _one(regions))
        reason = reason or question.reason
    status = Status.PROVEN if reason is None else Status.OPEN
    method = max(methods, key=(BOXES, BRANCHING, CELLS, MILP).index, default=BRANCHING)
    return Decision(Verdict(status, None, None, time.monotonic() - start, reason=reason), method, _one(regions))


def check_sizes(network: Network, spec: Property) -> None:
    """Refuse a property that is about another number of inputs or outputs.

    Raises
    ------
    FormulationError
        It is.
    """
    if (spec.inputs, spec.outputs) != (network.input_dim, network.output_dim):
        raise FormulationError(
            f"the property has {counted(spec.inputs, 'input')} and {counted(spec.outputs, 'output')}, "
            f"the network {network.input_dim} and {network.output_dim}"
        )


def _one(regions: list[BoundedDomain]) -> BoundedDomain | None:
    return regions[0] if regions and all(other.polyhedron == regions[0].polyhedron for other in regions) else None


def inputs_of(system: tuple[LinearRow, ...], inputs: int, deadline: float | None) -> BoundedDomain | None:
    """The inputs that satisfy the rows over X; None where there are none."""
    rows = [row for row in system if not any(row.outputs)]
    if any(not any(row.inputs) and (row.right < 0 or (row.strict and row.right == 0)) for row in rows):
        return None
    if deadline is not None and time.monotonic() > deadline:
        raise OutOfTime("the time limit was reached before the inputs were looked at: raise it")
    polyhedron = Polyhedron([row.inputs for row in rows], [row.right for row in rows], dim=inputs)
    single = all(sum(1 for a in row.inputs if a != 0) <= 1 for row in rows)
    if not single and isinstance(maximize_over(polyhedron.system, (ZERO,) * inputs), Infeasible):
        return None
    if single and _empty_box(rows):
        return None
    try:
        return bounded(polyhedron, inputs, deadline)
    except UnboundedDomainError as error:
        raise FormulationError(
            f"the property leaves its input {error.coordinate} (from 0) unbounded; "
            "assert a lower and an upper bound of every input"
        ) from None


def _empty_box(rows: list[LinearRow]) -> bool:
    low: dict[int, fmpq] = {}
    high: dict[int, fmpq] = {}
    for row in rows:
        for j, a in enumerate(row.inputs):
            if a > 0:
                high[j] = min(high.get(j, row.right / a), row.right / a)
            elif a < 0:
                low[j] = max(low.get(j, row.right / a), row.right / a)
    return any(j in high and low[j] > high[j] for j in low)


class _Question:
    """One linear system: is there a point of the domain where all its rows hold?"""

    def __init__(
        self,
        network: Network,
        region: BoundedDomain,
        system: tuple[LinearRow, ...],
        tightening: str,
        node_limit: int,
        deadline: float | None,
    ) -> None:
        self.network, self.region, self.system, self.deadline = network, region, system, deadline
        self.node_limit, self.tightening = node_limit, tightening
        # rows over X alone are the domain, whose walls belong to it; strict ones must be looked at like the others
        self.rows = [row for row in system if any(row.outputs) or row.strict]
        self.strict = any(row.strict for row in self.rows)
        self.method = BRANCHING
        self.reason: str | None = None
        self._settled = False
        self._most: fmpq | None = None  # no least slack is above this, where it is known before the search

    def answer(self) -> Row | None:
        """Such a point, or None; then ``reason`` is set where the question is open."""
        if self.rows and boxes_can_win(self.region):
            point = self._by_boxes()
            if point is not None or self._settled:
                return point
        wider = least_slack_network(self.network, self.rows)
        try:
            return self._answer(wider)
        except OutOfRange as error:  # weights that floats cannot hold: only the cells have an exact way around them
            if not cells_can_win(self.region) or not self.rows:
                raise
            self.method = CELLS
            point = self._by_cells(self.deadline)
            self.reason = None if point is not None or self._settled else str(error)
            return point

    def _answer(self, wider: Network) -> Row | None:
        known = network_bounds(wider, self.region, self.tightening, time_limit=third_of(self.deadline))
        start = self._proposal(wider, known)
        if start is not None and self._holds(start):
            self.method = MILP
            return start
        nodes = 0
        bound = rational(known.upper[-1][0])
        bound = bound if self._most is None else min(bound, self._most)
        for method, limit in order_of_methods(self.region, known):
            self.method = method
            if method == CELLS:
                now = time.monotonic()
                point = self._by_cells(None if self.deadline is None else now + 0.5 * (self.deadline - now))
            else:
                result = self._by_branching(wider, known, start, limit)
                nodes, start = nodes + result.nodes, result.point or start
                bound = bound if result.bound is None else min(bound, result.bound)
                point = start if start is not None and self._holds(start) else None
                self._settled = self._settled or bound < 0
            if point is not None or self._settled:
                return point
            if self.deadline is not None and time.monotonic() > self.deadline:
                break
        if self.strict and bound == 0:  # a tie that no method above decides: programs, exactly
            point = self._by_exact_phases(known)
            if point is not None or self._settled:
                return point
        late = self.deadline is not None and time.monotonic() > self.deadline
        stop = f"{'time limit' if late else 'stopped'} after {counted(nodes, 'node')}"
        self.reason = f"{stop}; the least slack is at most {text_above(round_up(bound))}"
        return None

    def _by_boxes(self) -> Row | None:
        self.method = BOXES
        try:
            bounds = network_bounds(self.network, self.region, "deeppoly")
            share = None if self.deadline is None else time.monotonic() + 0.5 * (self.deadline - time.monotonic())
            found = search_boxes(
                self.network,
                self.region,
                bounds,
                self.slack_stages(),
                self._holds,
                deadline=share,
                max_boxes=min(self.node_limit, MOST_BOXES if self.deadline is None else 10**9),
            )
        except OutOfRange:
            return None
        self._settled = found.proven
        self._most = rational(found.bound) if np.isfinite(found.bound) else None
        return found.point

    def slack_stages(self) -> list[AffineStage]:
        """The slacks of all rows that are no ends of the region's box, each as a stage of one row."""
        stages = [slack_of(row).as_stage(self.network) for row in self.rows]
        return stages + wall_stages(self.network, self.region)

    def _holds(self, point: Row) -> bool:
        outputs = self.network.evaluate(point)
        return all(row.holds_at(point, outputs) for row in self.system)

    def _proposal(self, wider: Network, known: Bounds) -> Row | None:
        if not solver_helps(self.region, known) or not may_load(self.deadline):
            return None
        try:
            model = formulate(wider, self.region, bounds_used=known)
            left = time_left(self.deadline)
            share = 20.0 if left is None else 0.3 * left
            report = model.optimize(model.output[0], solver=choose_solver(), time_limit=share)
        except (FormulationError, MissingExtraError):
            return None
        if not report.status.has_point or not np.isfinite(model.x.value).all():
            return None
        ends = zip(np.atleast_1d(model.x.value), self.region.lower, self.region.upper, strict=True)
        point = tuple(min(max(rational(float(v)), a), b) for v, a, b in ends)
        return point if self.region.contains(point) else None

    def _by_branching(self, wider: Network, known: Bounds, start: Row | None, limit: int | None) -> SearchResult:
        nodes = self.node_limit if limit is None else min(limit, self.node_limit)
        result = search_maximum(
            wider,
            self.region,
            known,
            wider.output,
            start=start,
            threshold=ZERO,
            strict=not self.strict,  # without strict rows a slack of 0 is enough
            node_limit=nodes,
            deadline=self.deadline,
        )
        if result.proven and (result.bound is None or result.bound < 0 or self._only_strict):
            self._settled = result.value is None or result.value < 0 or self._only_strict
        return result

    @property
    def _only_strict(self) -> bool:
        """Whether every row is strict, so that a greatest least slack of 0 leaves no point."""
        return bool(self.rows) and all(row.strict for row in self.rows)

    def _by_cells(self, deadline: float | None) -> Row | None:
        if not self.rows:
            return None
        strict = tuple(row.strict for row in self.rows)
        found = meet_by_cells(self._slacks(), self.region, strict=strict, deadline=deadline)
        self._settled = found.complete
        return found.point

    def _by_exact_phases(self, known: Bounds) -> Row | None:
        strict = tuple(row.strict for row in self.rows)
        found = meet_by_phases(
            self._slacks(), self.region, known, strict=strict, deadline=self.deadline, max_nodes=self.node_limit
        )
        self._settled = found.complete
        return found.point

    def _slacks(self) -> Network:
        """The network whose outputs are the slacks of the rows."""
        stages = [slack_of(row).as_stage(self.network) for row in self.rows]
        return Network(self.network.input_dim, self.network.stages, stacked(stages))


def slack_of(row: LinearRow) -> Objective:
    """b - a.(x, f(x)) of a row as an objective."""
    return Objective(tuple(-a for a in row.outputs), tuple(-a for a in row.inputs), row.right)


def least_slack_network(network: Network, rows: list[LinearRow]) -> Network:
    """The network whose one output is the least of b - a.(x, f(x)) over some rows (1 where there are none)."""
    slacks = [slack_of(row).as_stage(network) for row in rows]
    if not slacks:
        return Network(network.input_dim, network.stages, AffineStage((), (ONE,)))
    stages = list(network.stages)
    least = slacks[0]
    for slack in slacks[1:]:
        stages.append(sum_of_stages([(ONE, least), (-ONE, slack)]))
        unit = AffineStage(((len(stages), ((ONE,),)),), (ZERO,))
        least = sum_of_stages([(ONE, least), (-ONE, unit)])
    return Network(network.input_dim, tuple(stages), least)
