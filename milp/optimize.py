"""Minimise or maximise over a trained network: the best input, its exact value, and whether it is proved best.

Exact branch and bound (`milp.branching`) or all cells (`milp.by_cells`) find the best input and prove that nothing is
better, or say how far a better point could be. A MILP solver, where one is asked for or where the search may be long,
proposes an input first, which is moved to the best point of its cell by an exact linear program.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from flint import fmpq

from milp.arguments import index_below, is_integer, of_any_model
from milp.bounding import check_method, interval_bounds, network_bounds
from milp.bounds import Bounds, OutOfRange
from milp.branching import Objective, SearchResult, row_of
from milp.by_cells import greatest_by_cells, maximum_by_cells
from milp.choice import (
    FIRST_CELLS,
    MAX_BOX_INPUTS,
    NO_SOLVER,
    cells_are_few,
    cells_can_win,
    cells_come_first,
    solver_helps,
)
from milp.domain import BoundedDomain, DomainLike, OutOfTime, bounded
from milp.exact import better, search_exactly
from milp.formulations import formulate
from milp.formulations.relu import relu_rule
from milp.narrowing import narrow
from milp.scip_model import SCIP_ALONE, formulate_scip
from milp.solvers import SolveReport, SolveStatus, choose_solver, deadline_after, may_load, third_of, time_left
from nn_bridge.network.network import AffineStage, Network, Row
from polyhedra.errors import FormulationError, GeometryError
from polyhedra.option_types import checked_options
from polyhedra.plurals import counted
from polyhedra.progress import Steps, with_steps
from polyhedra.quoting import quoted, shown
from polyhedra.scalars import ONE, ZERO, rational, rationals, to_float
from polyhedra.values import Value


@dataclass(frozen=True, slots=True, repr=False)
class Optimum(Value):
    """The result of an optimisation over a network.

    Attributes
    ----------
    sense : {"max", "min"}
    value : fmpq or None
        The exact objective at ``point``: reached, so never better than the optimum.
    point : tuple of fmpq or None
        The input.
    bound : fmpq or None
        Proved: no input of the domain is better than this.
    proven : bool
        Whether value and bound agree, so that the optimum is known exactly.
    solver : SolveReport or None
        What the MILP solver said.
    nodes : int
        Nodes of the proof.
    seconds : float
    reason : str or None
        Why a result is not proven.
    """

    sense: str
    value: fmpq | None
    point: Row | None
    bound: fmpq | None
    proven: bool
    solver: SolveReport | None
    nodes: int
    seconds: float
    reason: str | None = None

    @property
    def gap(self) -> float | None:
        """The distance of bound and value."""
        if self.bound is None or self.value is None:
            return None
        return abs(to_float(self.bound - self.value))


def objective_of(
    network: Network,
    output: int | Sequence[Any] | None = 0,
    inputs: Sequence[Any] | None = None,
) -> Objective:
    """One output, or weights of all outputs, plus weights of the inputs.

    Raises
    ------
    FormulationError
        There is no such output, or a wrong number of weights.
    """
    try:
        if output is None:
            weights: Row = (ZERO,) * network.output_dim
        elif is_integer(output):
            chosen = index_below(output, network.output_dim, "output")
            weights = tuple(ONE if i == chosen else ZERO for i in range(network.output_dim))
        elif isinstance(output, str):
            raise TypeError(f"{quoted(output)} is text")
        else:
            weights = rationals(output)  # type: ignore[arg-type]
        input_weights = (ZERO,) * network.input_dim if inputs is None else rationals(inputs)
    except (GeometryError, TypeError) as error:
        raise FormulationError(
            f"the objective is neither the number of an output nor a list of finite weights: {shown(error)}"
        ) from None
    if len(weights) != network.output_dim or len(input_weights) != network.input_dim:
        raise FormulationError(
            f"the objective has {len(weights)} output and {len(input_weights)} input weights, "
            f"the network {counted(network.output_dim, 'output')} and {counted(network.input_dim, 'input')}"
        )
    return Objective(weights, input_weights)


@checked_options
@of_any_model
@with_steps("Optimizing")
def optimize_network(
    network: Network,
    domain: DomainLike,
    output: int | Sequence[Any] | None = 0,
    inputs: Sequence[Any] | None = None,
    sense: str = "max",
    *,
    formulation: str = "big-m",
    tightening: str = "lp",
    solver: str | None = None,
    time_limit: float | None = 60.0,
    prove: bool = True,
    node_limit: int = 100_000,
    progress: Steps = None,
) -> Optimum:
    """Optimise ``output weights . f(x) + input weights . x`` over a bounded domain.

    Parameters
    ----------
    network : Network
    domain : Polyhedron or pair (lower, upper)
    output : int or sequence of numbers or None
        One output by number, weights for all outputs, or none of them.
    inputs : sequence of numbers, optional
        Weights of the inputs.
    sense : {"max", "min"}
    formulation, tightening
        As in `milp.formulations.formulate`; "sos1" and "indicator" as in `milp.scip_model`, by SCIP.
    solver : str, optional
        A MILP solver that proposes an input first; "none" leaves everything to the exact search. By default HiGHS is
        asked only where the exact search may be slow (`milp.choice.solver_helps`).
    time_limit : float or None
        Seconds, for everything together.
    prove : bool
        Search for a proof.
    node_limit : int
        Of the proof.
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.

    Examples
    --------
    >>> net = Network.from_layers([[[1], [-1]], [[1, 1]]])  # |x|
    >>> best = optimize_network(net, ([-1], [2]))
    >>> best.value, best.point, best.proven
    (2, (2,), True)
    """
    if sense not in ("max", "min"):
        raise FormulationError(f"sense={sense!r} is neither 'max' nor 'min'")
    start = time.monotonic()
    deadline = deadline_after(time_limit)
    objective = objective_of(network, output, inputs)
    sign = 1 if sense == "max" else -1
    try:
        region = bounded(domain, network.input_dim, deadline)
    except OutOfTime as error:
        return Optimum(sense, None, None, None, False, None, 0, time.monotonic() - start, str(error))
    _check_rule(formulation, solver)
    check_method(tightening)
    whole = region
    first = SearchResult(None, None, None, 0, False)
    if prove and _no_solver(formulation, solver) and region.dim <= MAX_BOX_INPUTS:
        first, region = _near_the_top(network, region, objective.as_stage(network), sign, node_limit, deadline)
        if first.proven:
            return _optimum(sense, first, None, start)
    try:
        known = network_bounds(network, region, tightening, time_limit=third_of(deadline))
    except OutOfRange:
        if not cells_can_win(region):
            raise
        stage = objective.as_stage(network)
        cells = maximum_by_cells(network, region, stage, 0, sign, deadline=deadline)
        return _optimum(sense, better(first, cells), None, start)
    report, proposal = None, None
    if solver is None and formulation in SCIP_ALONE:
        solver = "SCIP"
    if solver is None and not (solver_helps(region, known) and may_load(deadline)):
        solver = NO_SOLVER
    if solver != NO_SOLVER:
        chosen = choose_solver(solver)
        try:
            report, proposal = _propose(network, region, known, objective, sign, formulation, chosen, deadline)
        except FormulationError as error:  # numbers that no solver takes: the exact search answers alone
            report = SolveReport(SolveStatus.FAILED, None, None, chosen, time.monotonic() - start, str(error))
    result, _ = search_exactly(
        network,
        region,
        known,
        objective.as_stage(network),
        0,
        sign,
        start=proposal,
        node_limit=node_limit if prove else 0,
        deadline=deadline,
    )
    result = _with_a_bound(better(first, result), network, whole, objective.as_stage(network), sign)
    reason = "time limit"
    if deadline is None or time.monotonic() < deadline:
        reason = f"more than {counted(node_limit, 'node')}"
    if not prove:
        reason = "no proof was asked for"
    return _optimum(sense, result, report, start, reason)


def _optimum(
    sense: str, result: SearchResult, report: SolveReport | None, start: float, reason: str = "time limit"
) -> Optimum:
    """The optimum of a search for a maximum, of the objective or of its negative."""
    sign = 1 if sense == "max" else -1
    return Optimum(
        sense,
        None if result.value is None else sign * result.value,
        result.point,
        None if result.bound is None else sign * result.bound,
        result.proven,
        report,
        result.nodes,
        time.monotonic() - start,
        None if result.proven else reason,
    )


def _near_the_top(
    network: Network,
    region: BoundedDomain,
    stage: AffineStage,
    sign: int,
    node_limit: int,
    deadline: float | None,
) -> tuple[SearchResult, BoundedDomain]:
    """Bounds of boxes and, where they are few, of cells on a maximum, and the part of the domain that can hold it."""
    question = Network(network.input_dim, network.stages, row_of(stage, 0, sign))
    half = None if deadline is None else time.monotonic() + 0.5 * (deadline - time.monotonic())
    first, rest = SearchResult(None, None, None, 0, False), region
    if not cells_are_few(sum(network.hidden), region):
        narrowed = narrow(question, region, half)
        first, rest = narrowed.found, narrowed.region
    if first.proven or not cells_come_first(sum(network.hidden), rest):
        return first, rest
    cells = greatest_by_cells(question, rest, deadline=half, max_cells=min(FIRST_CELLS, node_limit))
    return better(first, cells), rest


def _with_a_bound(
    result: SearchResult, network: Network, region: BoundedDomain, stage: AffineStage, sign: int
) -> SearchResult:
    """The same with the bound of intervals, where a limit came before any other."""
    if result.bound is not None:
        return result
    question = Network(network.input_dim, network.stages, row_of(stage, 0, sign))
    try:
        return replace(result, bound=rational(interval_bounds(question, region).upper[-1][0]))
    except OutOfRange:
        return result


def _no_solver(formulation: str, solver: str | None) -> bool:
    """Whether no solver was asked for."""
    return solver == NO_SOLVER or (solver is None and formulation not in SCIP_ALONE)


def _check_rule(formulation: str, solver: str | None) -> None:
    if formulation not in SCIP_ALONE:
        relu_rule(formulation)
    elif solver not in (None, NO_SOLVER) and str(solver).upper() != "SCIP":
        raise FormulationError(f"{formulation} is written for SCIP alone; use solver='SCIP'")


def _propose(
    network: Network,
    region: BoundedDomain,
    known: Bounds,
    objective: Objective,
    sign: int,
    formulation: str,
    solver: str | None,
    deadline: float | None,
) -> tuple[SolveReport, Row | None]:
    """The MILP solver's answer and its input; the solver has 60 % of what is left of the time."""
    left = time_left(deadline)
    share = None if left is None else 0.6 * left
    if formulation in SCIP_ALONE:
        scip = formulate_scip(network, region, formulation, bounds_used=known)
        goal = sum((to_float(w) * v for w, v in zip(objective.weights, scip.output, strict=True) if w != 0), 0.0)
        goal += sum((to_float(w) * v for w, v in zip(objective.input_weights, scip.x, strict=True) if w != 0), 0.0)
        return scip.optimize(goal, "max" if sign > 0 else "min", time_limit=share)
    model = formulate(network, region, formulation, bounds_used=known)
    weights = np.array([to_float(w) for w in objective.weights])
    input_weights = np.array([to_float(w) for w in objective.input_weights])
    expression: Any = weights @ model.output + input_weights @ model.x
    report = model.optimize(expression, "max" if sign > 0 else "min", solver=solver, time_limit=share)
    if not report.status.has_point or not np.isfinite(model.x.value).all():
        return report, None
    return report, tuple(rational(float(v)) for v in np.atleast_1d(model.x.value))


@checked_options
@of_any_model
@with_steps("Optimizing")
def output_ranges(
    network: Network,
    domain: DomainLike,
    *,
    time_limit: float | None = 60.0,
    node_limit: int = 100_000,
    progress: Steps = None,
) -> tuple[tuple[Optimum, Optimum], ...]:
    """The exact minimum and maximum of every output, with the inputs that reach them.

    The time limit is shared equally among the outputs.
    """
    deadline = deadline_after(time_limit)
    region = bounded(domain, network.input_dim, deadline)
    questions = [(k, sense) for k in range(network.output_dim) for sense in ("min", "max")]
    answers = [
        optimize_network(
            network,
            region,
            k,
            sense=sense,
            solver="none",
            time_limit=_share(deadline, len(questions) - asked),
            node_limit=node_limit,
        )
        for asked, (k, sense) in enumerate(questions)
    ]
    return tuple(zip(answers[::2], answers[1::2], strict=True))


def _share(deadline: float | None, questions: int) -> float | None:
    """The seconds for the next of some questions that share what is left."""
    left = time_left(deadline)
    return None if left is None else left / questions


@checked_options
@of_any_model
@with_steps("Optimizing")
def reach_bounds(
    network: Network,
    domain: DomainLike,
    directions: Sequence[Sequence[Any]],
    *,
    time_limit: float | None = 60.0,
    node_limit: int = 100_000,
    progress: Steps = None,
) -> tuple[Optimum, ...]:
    """For each direction c the maximum of c . f(x): the set of outputs lies in all half-spaces c . y <= bound.

    With the unit vectors and their negatives this is the smallest box around the outputs, with more directions a
    smaller polyhedron. The time limit is shared equally among the directions.
    """
    deadline = deadline_after(time_limit)
    region = bounded(domain, network.input_dim, deadline)
    return tuple(
        optimize_network(
            network,
            region,
            c,
            solver="none",
            time_limit=_share(deadline, len(directions) - asked),
            node_limit=node_limit,
        )
        for asked, c in enumerate(directions)
    )
