"""Solving a cvxpy problem from a known point: the values that its variables carry become the solver's first solution.

cvxpy hands a start to HiGHS and SCIP only after an earlier solve of the same problem, so the compiled problem is
passed to the solver here. Variables must carry no attribute but ``boolean``, so that compiling leaves them as they
are.
"""

from __future__ import annotations

import importlib
import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from milp.scip_models import load_scip
from milp.solvers import (
    ADVICE,
    SolveReport,
    SolverFailure,
    SolveStatus,
    choose_solver,
    deadline_after,
    refuse_large_numbers,
    require_cvxpy,
    solver_errors,
)
from polyhedra.errors import FormulationError


def solve_from(problem: Any, *, solver: str | None = None, time_limit: float | None = 60.0) -> SolveReport:
    """Minimise with HiGHS or SCIP, beginning at the variables' values if all have one; set them to the answer.

    Raises
    ------
    FormulationError
        Another solver was asked for, or the problem is a maximisation.
    """
    cp = require_cvxpy("a warm start")
    chosen = choose_solver(solver)
    if chosen not in ("HIGHS", "SCIP") or not isinstance(problem.objective, cp.Minimize):
        raise FormulationError("warm starts are for minimising with HiGHS or SCIP")
    deadline = deadline_after(time_limit)
    begin = time.perf_counter()
    try:
        with solver_errors(chosen):
            return _solve_from(problem, cp, chosen, deadline, begin)
    except SolverFailure as error:
        failed = SolveStatus.FAILED
        return SolveReport(failed, None, None, chosen, time.perf_counter() - begin, f"{error}: {ADVICE[failed]}")


def _solve_from(problem: Any, cp: Any, chosen: str, deadline: float | None, begin: float) -> SolveReport:
    data = problem.get_problem_data(cp.SCIP)[0]  # one layout for both: A x <= b, equalities first
    columns = data["param_prob"].var_id_to_col
    start = np.zeros(len(data["c"]))
    complete = True
    for variable in problem.variables():
        if variable.value is None:
            complete = False
        else:
            flat = np.asarray(variable.value).flatten(order="F")
            start[columns[variable.id] : columns[variable.id] + variable.size] = flat
    left = None if deadline is None else max(1e-3, deadline - time.monotonic())
    run = _highs if chosen == "HIGHS" else _scip
    status, point, value, bound = run(data, start if complete else None, left)
    offset = float(data["param_prob"].apply_parameters()[1])
    if point is not None:
        for variable in problem.variables():
            part = point[columns[variable.id] : columns[variable.id] + variable.size]
            if variable.attributes["boolean"]:  # cvxpy takes 0 and 1 only, a solver's tolerance leaves less or more
                part = np.round(np.clip(part, 0.0, 1.0))
            variable.value = np.reshape(part, variable.shape, order="F")
    seconds = time.perf_counter() - begin
    return SolveReport(
        status,
        None if value is None else value + offset,
        None if bound is None or not math.isfinite(bound) or abs(bound) >= 1e20 else bound + offset,
        chosen,
        seconds,
        ADVICE[status],
    )


Answer = tuple[SolveStatus, Any, float | None, float | None]


def _highs(data: dict[str, Any], start: Any, time_limit: float | None) -> Answer:
    highspy: Any = importlib.import_module("highspy")
    from scipy import sparse

    matrix = sparse.csr_array(data["A"])
    n, m, equalities = len(data["c"]), matrix.shape[0], data["dims"].zero
    binary = sorted(data["bool_vars_idx"])
    low, high = np.full(n, -np.inf), np.full(n, np.inf)
    low[binary], high[binary] = 0.0, 1.0
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = n, m
    program.col_cost_, program.col_lower_, program.col_upper_ = np.asarray(data["c"], dtype=float), low, high
    program.row_lower_ = np.where(np.arange(m) < equalities, data["b"], -np.inf)
    program.row_upper_ = np.asarray(data["b"], dtype=float)
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    program.a_matrix_.start_, program.a_matrix_.index_ = matrix.indptr, matrix.indices
    program.a_matrix_.value_ = matrix.data
    kinds = [highspy.HighsVarType.kContinuous] * n
    for j in binary:
        kinds[j] = highspy.HighsVarType.kInteger
    program.integrality_ = kinds
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    if time_limit is not None:
        solver.setOptionValue("time_limit", float(time_limit))
    solver.passModel(program)
    if start is not None:
        first = highspy.HighsSolution()
        first.col_value = list(start)
        solver.setSolution(first)
    solver.run()
    status, info = solver.getModelStatus(), solver.getInfo()
    has_point = info.primal_solution_status == 2
    bound = float(info.mip_dual_bound)
    names = highspy.HighsModelStatus
    if status == names.kInfeasible:
        return SolveStatus.INFEASIBLE, None, None, None
    if status in (names.kUnbounded, names.kUnboundedOrInfeasible):
        return SolveStatus.INFEASIBLE_OR_UNBOUNDED, None, None, None
    if not has_point:
        limit = status == names.kTimeLimit
        return (SolveStatus.LIMIT if limit else SolveStatus.FAILED), None, None, bound
    point = np.array(solver.getSolution().col_value)
    kind = SolveStatus.OPTIMAL if status == names.kOptimal else SolveStatus.FEASIBLE
    return kind, point, float(info.objective_function_value), bound


def _scip(data: dict[str, Any], start: Any, time_limit: float | None) -> Answer:
    pyscipopt: Any = importlib.import_module("pyscipopt")
    refuse_large_numbers(data)
    scip = pyscipopt.Model()
    scip.hideOutput()
    variables = load_scip(scip, data)
    scip.setObjective(
        pyscipopt.quicksum(float(c) * v for c, v in zip(data["c"], variables, strict=True) if c != 0), "minimize"
    )
    if time_limit is not None:
        scip.setParam("limits/time", float(time_limit))
    if start is not None:
        first = scip.createSol()
        for variable, value in zip(variables, start, strict=True):
            scip.setSolVal(first, variable, float(value))
        scip.addSol(first)
    scip.optimize()
    return scip_answer(scip, variables)


def scip_answer(scip: Any, variables: Sequence[Any]) -> Answer:
    """The status of a model that SCIP has run on, the point it found, its value, and the bound."""
    status = scip.getStatus()
    if status == "infeasible":
        return SolveStatus.INFEASIBLE, None, None, None
    if status in ("unbounded", "inforunbd"):
        return SolveStatus.INFEASIBLE_OR_UNBOUNDED, None, None, None
    bound = float(scip.getDualbound())
    if scip.getNSols() == 0:
        return (SolveStatus.LIMIT if status == "timelimit" else SolveStatus.FAILED), None, None, bound
    best = scip.getBestSol()
    point = np.array([scip.getSolVal(best, v) for v in variables])
    kind = SolveStatus.OPTIMAL if status == "optimal" else SolveStatus.FEASIBLE
    return kind, point, float(scip.getSolObjVal(best)), bound
