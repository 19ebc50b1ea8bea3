"""Enumerating activation patterns by mixed-integer programming: the model, and two ways to run through its patterns.

The model has the complement formulation of every unit that is not stable and a slack f: a pattern is a
full-dimensional cell iff f can be positive. Where a unit is identically zero on a prefix cell no slack is possible;
such pairs of prefix and unit are handed in as *vanishing* and the unit is exempt there, and counted as inactive.

* `run_scip`: one SCIP tree with f >= slack, in which a constraint handler records each pattern and cuts it off;
* `run_loop`: maximise f, record the pattern, cut it off, solve again, with any solver that cvxpy knows. The reference.

Sources: Serra, Tjandraatmadja, Ramalingam 2018; Cai et al. 2023 for the slack on both sides.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from milp.bounds import Bounds
from milp.domain import BoundedDomain
from milp.formulations import relu_complement
from milp.formulations.network import input_variable, stage_preactivation
from milp.formulations.rule import Preactivation
from milp.scip_models import load_scip
from milp.solvers import SolveStatus, refuse_large_numbers, require_cvxpy, solve, solver_errors
from nn_bridge.network.network import AffineStage, Network, Pattern
from polyhedra.arrays import Floats
from polyhedra.errors import MissingExtraError

Vanishing = dict[tuple[Pattern, int], None]
"""Pairs of a prefix pattern and a unit of the next stage that is identically zero on its cell (an ordered set)."""

Found = Callable[[Pattern, tuple[float, ...]], bool]
"""Called with each pattern and a point near its cell; False stops the run."""


@dataclass(frozen=True, slots=True, eq=False)
class PatternModel:
    """The cvxpy model of the patterns of the first stages.

    Attributes
    ----------
    x, slack : cvxpy variables
    binaries : cvxpy variables, one vector a stage, or None where no unit of it is free
    free : tuple of tuples of int
        The units behind the binaries, stage by stage.
    fixed : pattern
        The phases of the other units.
    sizes : tuple of tuples of float
        What the slack of each unit is relative to: the magnitude of its terms.
    constraints : list of cvxpy constraints
    """

    x: Any
    slack: Any
    binaries: tuple[Any, ...]
    free: tuple[tuple[int, ...], ...]
    fixed: Pattern
    sizes: tuple[tuple[float, ...], ...]
    constraints: list[Any]

    def pattern(self, values: Iterable[bool]) -> Pattern:
        """The whole pattern, from the values of the binaries one after another."""
        stages = [list(phases) for phases in self.fixed]
        rest = iter(values)
        for stage, units in zip(stages, self.free, strict=True):
            for i in units:
                stage[i] = next(rest)
        return tuple(map(tuple, stages))


def pattern_model(
    network: Network, region: BoundedDomain, bounds: Bounds, depth: int, vanishing: Vanishing
) -> PatternModel:
    """Build the model of the first ``depth`` stages."""
    cp = require_cvxpy("counting by mixed-integer programs")
    x, constraints = input_variable(region)
    slack = cp.Variable(bounds=[0, 1])
    sources, scales = [x], [np.ones(network.input_dim)]  # units are held in units of the magnitude of their terms
    binaries: list[Any] = []
    free: list[tuple[int, ...]] = []
    fixed: list[tuple[bool, ...]] = []
    sizes: list[tuple[float, ...]] = []
    for k, stage in enumerate(network.stages[:depth]):
        pre = _rescaled(stage_preactivation(stage, k, sources, bounds), stage, scales)
        sizes.append(tuple(float(v) for v in pre.magnitude))
        # a unit whose least value is 0 may still vanish on some cells: only a positive one is surely active
        units = tuple(i for i in range(stage.units) if bounds.lower[k][i] <= 0 < bounds.upper[k][i])
        sure = [i for i in range(stage.units) if bounds.lower[k][i] > 0]
        value: Any = np.zeros(stage.units)
        z: Any = None
        if units:
            relief: dict[int, Any] = {}
            own: list[tuple[Any, int]] = []
            for prefix, unit in vanishing:
                if len(prefix) == k and unit in units:
                    exempt = cp.Variable(bounds=[0, 1])  # 1 on the prefix only, and only for an inactive unit
                    constraints += _one_only_on(exempt, prefix, binaries, free)
                    place = units.index(unit)
                    relief[place] = relief.get(place, 0) + exempt
                    own.append((exempt, place))
            encoded = relu_complement.encode(pre.select(units), slack, relief)
            constraints += encoded.constraints
            z = encoded.binaries
            constraints += [exempt <= 1 - z[place] for exempt, place in own]
            value = value + np.eye(stage.units)[:, list(units)] @ encoded.output
        if sure:
            value = value + np.eye(stage.units)[:, sure] @ pre.select(sure).in_own_units().value
        y = cp.Variable(stage.units)
        constraints.append(y == value)
        sources.append(y)
        scales.append(np.where(pre.magnitude > 0, pre.magnitude, 1.0))
        binaries.append(z)
        free.append(units)
        fixed.append(tuple(i in sure for i in range(stage.units)))
    return PatternModel(x, slack, tuple(binaries), tuple(free), tuple(fixed), tuple(sizes), constraints)


def _rescaled(pre: Preactivation, stage: AffineStage, scales: list[Floats]) -> Preactivation:
    """The same pre-activations, read from sources that are held in other units."""
    scale = np.concatenate([scales[source] for source, _ in stage.blocks] or [scales[0]])
    with np.errstate(over="ignore"):  # what is infinite has no quotient by its magnitude either, and is refused there
        return replace(
            pre, weights=pre.weights * scale, input_lower=pre.input_lower / scale, input_upper=pre.input_upper / scale
        )


def _one_only_on(exempt: Any, prefix: Pattern, binaries: list[Any], free: list[tuple[int, ...]]) -> list[Any]:
    rows = []
    for phases, z, units in zip(prefix, binaries, free, strict=True):
        for place, unit in enumerate(units):
            rows.append(exempt <= (z[place] if phases[unit] else 1 - z[place]))
    return rows


def run_scip(model: PatternModel, smallest: float, found: Found, deadline: float | None) -> bool:
    """Run through all patterns with slack at least ``smallest`` in one SCIP tree; whether the tree was finished.

    Raises
    ------
    MissingExtraError
        pyscipopt is not installed.
    """
    try:
        pyscipopt: Any = importlib.import_module("pyscipopt")
    except ImportError:
        raise MissingExtraError("method='scip'", "milp", "or use method='loop' with HiGHS") from None
    cp = require_cvxpy("counting by mixed-integer programs")
    problem = cp.Problem(cp.Minimize(0), [*model.constraints, model.slack >= smallest])
    with solver_errors("SCIP"):
        return _run_scip(pyscipopt, model, problem.get_problem_data(cp.SCIP)[0], found, deadline)


def _run_scip(pyscipopt: Any, model: PatternModel, data: dict[str, Any], found: Found, deadline: float | None) -> bool:
    refuse_large_numbers(data)
    columns = data["param_prob"].var_id_to_col
    scip = pyscipopt.Model()
    scip.hideOutput()
    scip.setParam("numerics/feastol", 1e-9)
    scip.setParam("misc/allowstrongdualreds", False)  # every solution counts, not only one of the best
    scip.setParam("misc/allowweakdualreds", False)
    scip.setPresolve(pyscipopt.SCIP_PARAMSETTING.OFF)
    scip.setHeuristics(pyscipopt.SCIP_PARAMSETTING.OFF)
    scip.setSeparating(pyscipopt.SCIP_PARAMSETTING.OFF)
    variables = load_scip(scip, data)
    binaries = [variables[columns[z.id] + j] for z in model.binaries if z is not None for j in range(z.size)]
    inputs = [variables[columns[model.x.id] + j] for j in range(model.x.size)]
    if deadline is not None:
        scip.setParam("limits/time", max(1e-3, deadline - time.monotonic()))

    class Recorder(pyscipopt.Conshdlr):  # type: ignore[misc]
        """Accepts no solution: records each pattern that the tree reaches and cuts it off."""

        def _record(self) -> dict[str, Any]:
            bits = tuple(scip.getSolVal(None, z) > 0.5 for z in binaries)
            point = tuple(scip.getSolVal(None, v) for v in inputs)
            if not found(model.pattern(bits), point):
                scip.interruptSolve()
            if not binaries:
                return {"result": pyscipopt.SCIP_RESULT.CUTOFF}
            other = pyscipopt.quicksum((1 - z) if bit else z for z, bit in zip(binaries, bits, strict=True))
            scip.addCons(other >= 1)
            return {"result": pyscipopt.SCIP_RESULT.CONSADDED}

        def consenfolp(self, constraints: Any, useful: int, infeasible: bool) -> dict[str, Any]:
            return self._record()

        def consenfops(self, constraints: Any, useful: int, infeasible: bool, objinfeasible: bool) -> dict[str, Any]:
            # without a solved LP there is no point to read: ask for the LP
            return {"result": pyscipopt.SCIP_RESULT.SOLVELP}

        def conscheck(self, *arguments: Any) -> dict[str, Any]:
            return {"result": pyscipopt.SCIP_RESULT.INFEASIBLE}

        def conslock(self, constraint: Any, locktype: int, positive: int, negative: int) -> None:
            for z in binaries:
                scip.addVarLocks(z, positive + negative, positive + negative)

    scip.includeConshdlr(
        Recorder(),
        "patterns",
        "records activation patterns",
        enfopriority=-9_000_000,
        chckpriority=-9_000_000,
        needscons=False,
    )
    scip.optimize()
    return scip.getStatus() == "infeasible"


def run_loop(model: PatternModel, smallest: float, found: Found, deadline: float | None, solver: str | None) -> bool:
    """Solve, record, cut off, again; whether all patterns with slack above ``smallest`` were seen."""
    cp = require_cvxpy("counting by mixed-integer programs")
    cuts: list[Any] = []
    options = {"HIGHS": {"mip_feasibility_tolerance": 1e-9, "primal_feasibility_tolerance": 1e-9}}
    name = (solver or "HIGHS").upper()
    while True:
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            return False
        problem = cp.Problem(cp.Maximize(model.slack), [*model.constraints, *cuts])
        report = solve(problem, solver=solver, time_limit=left, options=options.get(name))
        if report.status is SolveStatus.INFEASIBLE:
            return True
        if report.status is not SolveStatus.OPTIMAL or report.value is None:
            return False
        if report.value < smallest:
            return True
        bits = [bool(v > 0.5) for z in model.binaries if z is not None for v in z.value]
        if not found(model.pattern(bits), tuple(float(v) for v in np.atleast_1d(model.x.value))):
            return False
        if not bits:
            return True
        rest = iter(bits)
        different: Any = 0
        for z in model.binaries:
            if z is not None:
                signs = np.array([1.0 if next(rest) else -1.0 for _ in range(z.size)])
                different = different + float((signs > 0).sum()) - signs @ z
        cuts.append(different >= 1)
