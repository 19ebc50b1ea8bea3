"""Ideal cuts as a separator inside SCIP: the point of each linear program of its tree is asked which cuts it breaks."""

from __future__ import annotations

import importlib
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from milp.formulations import ideal_cuts
from milp.formulations.rule import Encoded, Preactivation
from milp.scip_models import load_scip
from milp.solvers import ADVICE, SolveReport, SolveStatus, refuse_large_numbers, require_cvxpy, solver_errors
from polyhedra.errors import MissingExtraError

_STATUS = {
    "optimal": SolveStatus.OPTIMAL,
    "infeasible": SolveStatus.INFEASIBLE,
    "unbounded": SolveStatus.UNBOUNDED,
    "inforunbd": SolveStatus.INFEASIBLE_OR_UNBOUNDED,
}


def maximize_with_separator(
    objective: Any, constraints: Sequence[Any], parts: Sequence[tuple[Preactivation, Encoded]], time_limit: float | None
) -> tuple[SolveReport, int]:
    """Maximise a cvxpy expression with SCIP, which separates ideal cuts of these units; and how many cuts it took.

    The values of the variables of the expression are set as after any solve of cvxpy.

    Raises
    ------
    MissingExtraError
        pyscipopt is not installed.
    """
    try:
        pyscipopt: Any = importlib.import_module("pyscipopt")
    except ImportError:
        raise MissingExtraError("ideal cuts inside SCIP", "milp") from None
    cp = require_cvxpy("ideal cuts inside SCIP")
    start = time.monotonic()
    # variables of their own for what the cuts read: expressions have no columns
    mirrors = [(cp.Variable(pre.weights.shape[1]), cp.Variable(pre.size), cp.Variable(pre.size)) for pre, _ in parts]
    equal = []
    for (pre, encoded), (h, y, z) in zip(parts, mirrors, strict=True):
        equal += [h == pre.inputs, y == encoded.output, z == encoded.binaries]
    problem = cp.Problem(cp.Maximize(objective), [*constraints, *equal])
    with solver_errors("SCIP"):
        data = problem.get_problem_data(cp.SCIP)[0]
        refuse_large_numbers(data)
        scip = pyscipopt.Model()
        scip.hideOutput()
        variables = load_scip(scip, data)
        scip.setObjective(
            pyscipopt.quicksum(float(c) * v for c, v in zip(data["c"], variables, strict=True) if c), "minimize"
        )
        if time_limit is not None:
            scip.setParam("limits/time", max(1e-3, time_limit))
        columns = data["param_prob"].var_id_to_col
        units = [
            (pre, *([variables[columns[part.id] + j] for j in range(part.size)] for part in own))
            for (pre, _), own in zip(parts, mirrors, strict=True)
        ]
        separator = _separator(pyscipopt, units)
        scip.includeSepa(separator, "ideal", "ideal cuts of ReLU units", priority=1000, freq=1)
        scip.optimize()
        report = _report(scip, problem, variables, columns, start)
    return report, int(separator.added)


def _separator(pyscipopt: Any, units: list[Any]) -> Any:
    class Ideal(pyscipopt.Sepa):  # type: ignore[misc]
        """Adds the most violated ideal cut of each unit."""

        added = 0

        def sepaexeclp(self) -> dict[str, Any]:
            scip, before = self.model, self.added
            for pre, h, y, z in units:
                values = [np.array([scip.getSolVal(None, v) for v in part]) for part in (h, y, z)]
                members, violation = ideal_cuts.most_violated(pre, *values)
                for i in np.nonzero(violation > 1e-6 * (pre.upper - pre.lower))[0].tolist():
                    terms, z_weight, right = ideal_cuts.row(pre, members[i], i)
                    cut = scip.createEmptyRowSepa(self, "ideal", lhs=None, rhs=right, local=False, removable=True)
                    scip.cacheRowExtensions(cut)
                    scip.addVarToRow(cut, scip.getTransformedVar(y[i]), 1.0)
                    scip.addVarToRow(cut, scip.getTransformedVar(z[i]), -z_weight)
                    for j in np.nonzero(terms)[0].tolist():
                        scip.addVarToRow(cut, scip.getTransformedVar(h[j]), -float(terms[j]))
                    scip.flushRowExtensions(cut)
                    scip.addCut(cut)
                    scip.releaseRow(cut)
                    self.added += 1
            result = pyscipopt.SCIP_RESULT
            return {"result": result.SEPARATED if self.added > before else result.DIDNOTFIND}

    return Ideal()


def _report(scip: Any, problem: Any, variables: list[Any], columns: dict[int, int], start: float) -> SolveReport:
    status = _STATUS.get(scip.getStatus())
    value = bound = None
    if scip.getNSols() > 0:
        status = status or SolveStatus.FEASIBLE
        best = scip.getBestSol()
        x = np.array([scip.getSolVal(best, v) for v in variables])
        for variable in problem.variables():
            first = columns.get(variable.id)
            if first is not None:
                part = x[first : first + variable.size]
                variable.save_value(np.reshape(part, variable.shape, order="F"))
        value = float(problem.objective.value)
        # SCIP minimises the negative objective, without its constant
        bound = value + scip.getObjVal() - scip.getDualbound()
    status = status or SolveStatus.LIMIT
    return SolveReport(status, value, bound, "SCIP", time.monotonic() - start, ADVICE[status])
