"""A whole `Network` as cvxpy expressions: the conjunction of its units' formulations, stage by stage."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from flint import fmpq

from milp.arguments import of_any_model
from milp.bounding import network_bounds
from milp.bounds import Bounds, require_finite
from milp.domain import BoundedDomain, DomainLike, bounded
from milp.formulations import ideal_cuts, projected_cuts, relu
from milp.formulations.rule import Encoded, Preactivation
from milp.solvers import SolveReport, SolveStatus, deadline_after, require_cvxpy, solve, time_left
from nn_bridge.network.network import AffineStage, Network, Row, check_dense, float_matrix
from polyhedra.arrays import Floats
from polyhedra.errors import FormulationError
from polyhedra.option_types import checked_options
from polyhedra.plurals import counted
from polyhedra.scalars import rational, to_float

_LARGE = 1e9  # numbers from here on are a likely cause where a solver fails


@dataclass(frozen=True, slots=True, eq=False)
class NetworkModel:
    """A network inside an optimisation model.

    Attributes
    ----------
    x : cvxpy expression of shape (n,)
        The input.
    output : cvxpy expression of shape (outputs,)
        Equal to f(x) wherever all constraints hold.
    units : tuple of cvxpy expressions
        The values after each stage or layer.
    binaries : tuple of cvxpy expressions
        The indicators of each stage (constant for stable units; None where a formulation has none).
    constraints : list of cvxpy constraints
        Everything but integrality: alone they are the linear relaxation.
    integrality : list of cvxpy constraints
        What makes the binaries binary.
    parts : list of (Preactivation, Encoded)
        The unstable ReLUs, for separating cuts; without binaries those of ``triangle`` and ``projected``.
    bounds : Bounds or None
        The bounds that were used.
    largest : pair of float and str
        The largest number in the model and the unit or coordinate that brings it.
    """

    x: Any
    output: Any
    units: tuple[Any, ...]
    binaries: tuple[Any, ...]
    constraints: list[Any]
    integrality: list[Any]
    parts: list[tuple[Preactivation, Encoded]] = field(default_factory=list)
    bounds: Bounds | None = None
    largest: tuple[float, str] = (0.0, "")

    @property
    def n_binaries(self) -> int:
        """How many binary variables the model has."""
        return sum(v.size for row in self.integrality for v in row.variables() if v.attributes["boolean"])

    def input_value(self) -> tuple[Any, ...]:
        """The input that the last solve left behind, as exact rationals."""
        if self.x.value is None:
            raise FormulationError("the model carries no point: solve it first and check the status")
        return tuple(rational(float(v)) for v in np.atleast_1d(self.x.value))

    def optimize(
        self,
        objective: Any,
        sense: str = "max",
        *,
        relaxed: bool = False,
        extra: Sequence[Any] = (),
        separate: bool = False,
        solver: str | None = None,
        time_limit: float | None = 60.0,
    ) -> SolveReport:
        """Maximise or minimise an expression over the model, or over its linear relaxation.

        Parameters
        ----------
        objective : cvxpy expression
        sense : {"max", "min"}
        relaxed : bool
            Drop integrality.
        extra : sequence of cvxpy constraints
            The user's own.
        separate : bool
            Let SCIP separate ideal cuts at each node of its tree. For HiGHS, which takes no separators, call
            `add_ideal_cuts` first: they are separated at the root.
        solver : str, optional
            A solver that cvxpy knows; HiGHS by default.
        time_limit : float or None
            Seconds.
        """
        cp = require_cvxpy("a formulation")
        if sense not in ("max", "min"):
            raise FormulationError(f"sense={sense!r} is neither 'max' nor 'min'")
        goal = cp.Maximize(objective) if sense == "max" else cp.Minimize(objective)
        rows = [*self.constraints, *extra, *([] if relaxed else self.integrality)]
        if separate:
            report = self._separated(objective, sense, rows, solver, time_limit)
        else:
            report = solve(cp.Problem(goal, rows), solver=solver, time_limit=time_limit)
        size, place = self.largest
        if report.status is not SolveStatus.FAILED or size < _LARGE:
            return report
        advice = (
            f"{place} has numbers up to {size:.3g}, too large for {report.solver}: rescale the weights or the domain"
        )
        return replace(report, advice=advice)

    def _separated(
        self, objective: Any, sense: str, rows: list[Any], solver: str | None, time_limit: float | None
    ) -> SolveReport:
        from milp.formulations.scip_cuts import maximize_with_separator

        if solver is not None and solver.upper() != "SCIP":
            raise FormulationError("only SCIP separates cuts in its tree; for other solvers call add_ideal_cuts first")
        parts = [part for part in self.parts if part[1].binaries is not None]
        sign = 1 if sense == "max" else -1
        report, _ = maximize_with_separator(sign * objective, rows, parts, time_limit)
        if sign > 0 or report.value is None or report.bound is None:
            return report
        return replace(report, value=-report.value, bound=-report.bound)

    def add_ideal_cuts(
        self,
        objective: Any,
        sense: str = "max",
        *,
        rounds: int = 20,
        solver: str | None = None,
        time_limit: float | None = 60.0,
    ) -> tuple[int, SolveReport]:
        """Solve the relaxation, add the ideal cuts that its point breaks, and repeat.

        The cuts stay in ``constraints`` and are valid for every objective. Units without binaries get the projected
        rows.

        Returns
        -------
        added : int
            How many rounds added cuts.
        report : SolveReport
            Of the last relaxation.
        """
        added = 0
        deadline = deadline_after(time_limit)
        while True:
            left = time_left(deadline)
            report = self.optimize(objective, sense, relaxed=True, solver=solver, time_limit=left)
            late = deadline is not None and time.monotonic() > deadline
            if not report.status.has_point or added >= rounds or late:
                return added, report
            found = [
                row
                for pre, encoded in self.parts
                for row in (projected_cuts if encoded.binaries is None else ideal_cuts).separate(pre, encoded)
            ]
            if not found:
                return added, report
            self.constraints.extend(found)
            added += 1


@checked_options
@of_any_model
def formulate(
    network: Network,
    domain: DomainLike,
    formulation: str = "big-m",
    *,
    tightening: str = "deeppoly",
    bounds_used: Bounds | None = None,
    x: Any = None,
) -> NetworkModel:
    """Encode a network on a bounded domain.

    Parameters
    ----------
    network : Network
    domain : Polyhedron or pair (lower, upper)
    formulation : str
        ``big-m``, ``extended``, ``partition`` or ``partition:P``; ``triangle`` and ``projected`` are linear
        relaxations without binaries. Ideal cuts come on top of ``big-m``, projected ones on top of the last two:
        `NetworkModel.add_ideal_cuts`.
    tightening : {"interval", "deeppoly", "lp", "milp"}
        How the big-M come about.
    bounds_used : Bounds, optional
        Bounds to use in their place.
    x : cvxpy expression of shape (n,), optional
        The input, where it is part of a larger model; a new variable by default.

    Raises
    ------
    FormulationError
        An empty or unbounded domain, an unknown formulation, bounds that do not fit.
    MissingExtraError
        cvxpy is not installed.

    Examples
    --------
    >>> net = Network.from_layers([[[1], [-1]], [[1, 1]]])
    >>> model = formulate(net, ([-1], [2]))
    >>> report = model.optimize(model.output[0])
    >>> round(report.value, 6), model.n_binaries
    (2.0, 2)
    """
    check_dense(network)
    cp = require_cvxpy("a formulation")
    relu.relu_rule(formulation)
    region = bounded(domain, network.input_dim)
    known = network_bounds(network, region, tightening) if bounds_used is None else bounds_used
    sizes = [len(row) for row in known.lower]
    if sizes != [*network.hidden, network.output_dim]:
        raise FormulationError(f"the bounds are for units {sizes}, the network has {network.hidden}")
    point, constraints = input_variable(region, x)
    sources = [point]
    integrality: list[Any] = []
    binaries: list[Any] = []
    parts: list[tuple[Preactivation, Encoded]] = []
    largest = max((abs(v), f"coordinate {j} of the domain") for ends in known.input for j, v in enumerate(ends))
    for k, stage in enumerate(network.stages):
        pre = stage_preactivation(stage, k, sources, known)
        largest = max(largest, pre.largest(k), key=lambda entry: entry[0])
        whole, part, unstable = relu.encode(pre, formulation)
        constraints += whole.constraints
        integrality += whole.integrality
        binaries.append(whole.binaries)
        if part is not None:
            parts.append((pre.select(unstable), part))
        sources.append(whole.output)
    output: Any = np.array([to_float(b) for b in network.output.bias])
    for source, matrix in network.output.blocks:
        output = output + float_matrix(matrix) @ sources[source]
    if not network.output.blocks:
        output = cp.Constant(output)
    return NetworkModel(
        point, output, tuple(sources[1:]), tuple(binaries), constraints, integrality, parts, known, largest
    )


def input_variable(region: BoundedDomain, x: Any = None) -> tuple[Any, list[Any]]:
    """The input and the rows that keep it in the domain."""
    cp = require_cvxpy("a formulation")
    point = cp.Variable(region.dim) if x is None else x
    if point.shape != (region.dim,):
        raise FormulationError(f"x has shape {point.shape}, the network reads {counted(region.dim, 'input')}")
    low, high = np.array([to_float(v) for v in region.lower]), np.array([to_float(v) for v in region.upper])
    for j in range(region.dim):
        require_finite(low[j], high[j], f"coordinate {j} of the domain")
    rows = [point >= low, point <= high]
    rows += [normal @ point <= right for normal, right in map(_float_row, region.inequalities)]
    rows += [normal @ point == right for normal, right in map(_float_row, region.equalities)]
    return point, rows


def _float_row(row: Row) -> tuple[Floats, float]:
    """A row of the domain in float64, its largest coefficient between 1/2 and 1."""
    exponent = max(int(v.p).bit_length() - int(v.q).bit_length() for v in row[:-1] if v != 0)
    scale = fmpq(2) ** -exponent
    *normal, right = (to_float(scale * v) for v in row)
    require_finite(0.0, right, "a row of the domain")
    return np.array(normal), right


def stage_preactivation(stage: AffineStage, index: int, sources: Sequence[Any], known: Bounds) -> Preactivation:
    """The pre-activations of a stage over the sources that it reads, side by side."""
    cp = require_cvxpy("a formulation")
    bias = np.array([to_float(b) for b in stage.bias])
    lower, upper = np.array(known.lower[index]), np.array(known.upper[index])
    if not stage.blocks:  # constant units
        source = 0
        blocks = [(source, np.zeros((stage.units, sources[source].shape[0])))]
    else:
        blocks = [(source, float_matrix(matrix)) for source, matrix in stage.blocks]
    for i in range(stage.units):
        numbers = [bias[i], *(matrix[i] for _, matrix in blocks)]
        if not all(np.isfinite(part).all() for part in numbers):
            raise FormulationError(
                f"stage {index}, unit {i}: a weight leaves the range of float64; rescale the weights or the inputs"
            )
    boxes = [known.value_box(source) for source, _ in blocks]
    inputs = sources[blocks[0][0]] if len(blocks) == 1 else cp.hstack([sources[source] for source, _ in blocks])
    return Preactivation(
        inputs,
        np.hstack([matrix for _, matrix in blocks]),
        bias,
        lower,
        upper,
        np.concatenate([np.array(low) for low, _ in boxes]),
        np.concatenate([np.array(high) for _, high in boxes]),
    )
