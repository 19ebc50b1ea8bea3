"""Which solver, how long, and what its answer means: the one place that talks to cvxpy's `solve`.

HiGHS is the default, SCIP the second choice, and any solver that cvxpy knows can be named.  A solver's answer becomes a
`SolveReport`: a status from a closed list, the value, the solver's own dual bound and, where something went wrong, one
line of advice.  Nothing here is a proof: a solver works with tolerances (see `milp.branching` for proofs).
"""

from __future__ import annotations

import importlib.util
import math
import sys
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from polyhedra.errors import FormulationError, MissingExtraError, PuiseuxError
from polyhedra.quoting import quoted, shown

if TYPE_CHECKING:
    import cvxpy as cp

_MODULES = {"HIGHS": "highspy", "SCIP": "pyscipopt", "GUROBI": "gurobipy", "SCIPY": "scipy"}
"""The Python module behind a solver's name, where the extra [milp] or the user must bring it."""

_LOADING = 5.0
"""Seconds that must be left where a solver that was not asked for has to be loaded first."""

_TIME_LIMIT = {
    "HIGHS": "time_limit",
    "GUROBI": "TimeLimit",
    "COPT": "TimeLimit",
    "CLARABEL": "time_limit",
    "SCS": "time_limit_secs",
}
"""The option by which a solver hears of its time limit (SCIP and SciPy are handled apart)."""


class SolverFailure(FormulationError):
    """A solver ended with an error of its own."""


class SolveStatus(Enum):
    """How a solver's run ended."""

    OPTIMAL = "optimal within the solver's tolerances"
    FEASIBLE = "stopped by a limit with a feasible point in hand"
    LIMIT = "stopped by a limit before any feasible point was found"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    INFEASIBLE_OR_UNBOUNDED = "infeasible or unbounded"
    FAILED = "the solver failed"

    @property
    def has_point(self) -> bool:
        """Whether the variables of the model carry values."""
        return self in (SolveStatus.OPTIMAL, SolveStatus.FEASIBLE)


ADVICE: dict[SolveStatus, str | None] = {
    SolveStatus.OPTIMAL: None,
    SolveStatus.FEASIBLE: "the time limit was reached: raise time_limit, tighten the bounds or try solver='SCIP'",
    SolveStatus.LIMIT: "no feasible point within the time limit: raise time_limit or tighten the bounds",
    SolveStatus.INFEASIBLE: "the constraints contradict each other: check the domain and any bounds that were supplied",
    SolveStatus.UNBOUNDED: "the objective grows without limit: put the network's input into a bounded domain",
    SolveStatus.INFEASIBLE_OR_UNBOUNDED: "check the domain for contradictions, then that it is bounded",
    SolveStatus.FAILED: "try another solver, a smaller domain, or rescale the network's weights",
}


@dataclass(frozen=True, slots=True)
class SolveReport:
    """The answer of a solver.

    Attributes
    ----------
    status : SolveStatus
    value : float or None
        The objective at the point found (None without one).
    bound : float or None
        The solver's dual bound: no feasible point is better, up to the solver's tolerances.
    solver : str
        cvxpy's name of the solver.
    seconds : float
        Wall-clock time of compiling and solving.
    advice : str or None
        What to do about a status other than optimal.
    """

    status: SolveStatus
    value: float | None
    bound: float | None
    solver: str
    seconds: float
    advice: str | None = None


def require_cvxpy(what: str) -> Any:
    """The cvxpy module, or an error that says what to install.

    Raises
    ------
    MissingExtraError
        cvxpy is not installed.
    """
    try:
        import cvxpy
    except ImportError:
        raise MissingExtraError(what, "milp") from None
    return cvxpy


def choose_solver(name: str | None = None) -> str:
    """cvxpy's name of the solver to use: the one asked for, else HiGHS, else SCIP.

    Raises
    ------
    MissingExtraError
        The solver is one of the extra [milp] and is not installed.
    FormulationError
        cvxpy does not know the solver, or it is not installed.
    """
    if name is None:
        for candidate in ("HIGHS", "SCIP"):
            if importlib.util.find_spec(_MODULES[candidate]):
                return candidate
        raise MissingExtraError("mixed-integer solving", "milp")
    if not isinstance(name, str):
        raise FormulationError(f"solver={shown(name)} is no name of a solver; use 'HIGHS' or 'SCIP'")
    wanted = name.upper()
    if wanted in ("HIGHS", "SCIP"):  # without loading cvxpy, which takes seconds
        if not all(map(importlib.util.find_spec, ("cvxpy", _MODULES[wanted]))):
            raise MissingExtraError(f"solver={name!r}", "milp")
        return wanted
    installed = require_cvxpy(f"solver={name!r}").installed_solvers()
    if wanted not in installed:
        raise FormulationError(f"solver {quoted(name)} is not installed; cvxpy finds {', '.join(sorted(installed))}")
    return wanted


def has_scip() -> bool:
    """Whether SCIP can be loaded."""
    return importlib.util.find_spec(_MODULES["SCIP"]) is not None


def deadline_after(time_limit: float | None) -> float | None:
    """The value of ``time.monotonic`` at which a limit in seconds, counted from now, is reached; None for no limit.

    Raises
    ------
    FormulationError
        The limit is not a positive number.
    """
    if time_limit is None:
        return None
    try:
        seconds = float(time_limit)
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if not seconds > 0:
        raise FormulationError(f"time_limit={shown(time_limit)} is not a positive number of seconds")
    return time.monotonic() + seconds


def time_left(deadline: float | None) -> float | None:
    """The seconds until a deadline, a hundredth at least; None for no deadline."""
    return None if deadline is None else max(0.01, deadline - time.monotonic())


def may_load(deadline: float | None) -> bool:
    """Whether a solver may propose something before a deadline: loading cvxpy takes seconds the first time."""
    return "cvxpy" in sys.modules or deadline is None or deadline - time.monotonic() > _LOADING


def third_of(deadline: float | None) -> float | None:
    """A third of the seconds until a deadline: the share of the bounds in a question that rests on them."""
    left = time_left(deadline)
    return None if left is None else left / 3


def solver_options(solver: str, time_limit: float | None) -> dict[str, Any]:
    """The keyword arguments of ``problem.solve`` that carry a time limit in seconds.

    Raises
    ------
    FormulationError
        The limit is not positive, or how this solver takes one is not known here.
    """
    if time_limit is None:
        return {}
    deadline_after(time_limit)
    if solver == "SCIP":
        return {"scip_params": {"limits/time": float(time_limit)}}
    if solver == "SCIPY":
        return {"scipy_options": {"time_limit": float(time_limit)}}
    if solver in _TIME_LIMIT:
        return {_TIME_LIMIT[solver]: float(time_limit)}
    raise FormulationError(f"no time limit is known for solver {solver}; pass its own option and time_limit=None")


def solve(
    problem: cp.Problem,
    *,
    solver: str | None = None,
    time_limit: float | None = 60.0,
    options: Mapping[str, Any] | None = None,
) -> SolveReport:
    """Solve a cvxpy problem and say plainly how it ended.

    Parameters
    ----------
    problem : cvxpy.Problem
    solver : str, optional
        cvxpy's name of a solver; HiGHS by default.
    time_limit : float or None
        Seconds; None for no limit.
    options : mapping, optional
        Further options for the solver, as cvxpy takes them.
    """
    cp = require_cvxpy("mixed-integer solving")
    chosen = choose_solver(solver)
    arguments = solver_options(chosen, time_limit)
    for key, value in (options or {}).items():
        if key == "scip_params":
            arguments["scip_params"] = {**arguments.get("scip_params", {}), **value}
        else:
            arguments[key] = value
    start = time.perf_counter()
    reason = None
    try:
        with solver_errors(chosen):
            if chosen == "SCIP":
                refuse_large_numbers(problem.get_problem_data(cp.SCIP)[0])
            problem.solve(solver=getattr(cp, chosen, chosen), **arguments)
            status, bound = _status(cp, problem, chosen), _dual_bound(problem, chosen)
    except SolverFailure as error:
        status, bound, reason = SolveStatus.FAILED, None, str(error)
    seconds = time.perf_counter() - start
    if status is SolveStatus.FAILED and time_limit is not None and seconds >= time_limit:
        status = SolveStatus.LIMIT  # cvxpy reports "stopped without a point" as a failure
    value = float(problem.value) if status.has_point and problem.value is not None else None
    if status is SolveStatus.OPTIMAL and bound is None:
        bound = value
    advice = ADVICE[status]
    if status is SolveStatus.FAILED and reason is not None:
        advice = f"{reason}: {advice}"
    return SolveReport(status, value, bound, chosen, seconds, advice)


@contextmanager
def solver_errors(solver: str) -> Iterator[None]:
    """Turn whatever a solver or cvxpy raises into one error in one line, and keep their warnings to themselves.

    Raises
    ------
    SolverFailure
        The solver failed.
    FormulationError
        The model is no convex (mixed-integer) program, so no solver takes it.
    """
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # they say what the status says anyway
            yield
    except (PuiseuxError, MemoryError):
        raise
    except Exception as error:
        if type(error).__name__ in ("DCPError", "DGPError", "DPPError"):
            text = str(error).splitlines()[0]
            raise FormulationError(f"the model is no convex program with integers: {shown(text)}") from None
        raise SolverFailure(f"{solver} stopped with {type(error).__name__}: {shown(error)}") from None


_INFINITE = 1e20  # what SCIP takes for infinity, in coefficients too


def refuse_large_numbers(data: Mapping[str, Any]) -> None:
    """Refuse numbers of a compiled problem that SCIP would take for infinity, before it prints its own complaint.

    Raises
    ------
    SolverFailure
        A number is not finite, or has 20 digits or more; the message names the row of the model.
    """
    matrix = sparse_rows(data["A"])
    for row in range(matrix.shape[0]):
        numbers = [*matrix.data[matrix.indptr[row] : matrix.indptr[row + 1]], data["b"][row]]
        if not np.all(np.abs(numbers) < _INFINITE):
            raise SolverFailure(f"row {row} of the model has numbers of 1e20 or more, which SCIP takes for infinity")
    if not np.all(np.abs(data["c"]) < _INFINITE):
        raise SolverFailure("the objective has numbers of 1e20 or more, which SCIP takes for infinity")


def sparse_rows(matrix: Any) -> Any:
    """A matrix as scipy's compressed rows."""
    from scipy import sparse

    return sparse.csr_array(matrix)


def _status(cp: Any, problem: Any, solver: str) -> SolveStatus:
    status = problem.status
    has_point = all(variable.value is not None for variable in problem.variables())
    if status == cp.OPTIMAL:
        return SolveStatus.OPTIMAL
    if status in (cp.USER_LIMIT, cp.OPTIMAL_INACCURATE):
        return SolveStatus.FEASIBLE if has_point and _has_incumbent(problem, solver) else SolveStatus.LIMIT
    if status in (cp.INFEASIBLE, cp.INFEASIBLE_INACCURATE):
        return SolveStatus.INFEASIBLE
    if status in (cp.UNBOUNDED, cp.UNBOUNDED_INACCURATE):
        return SolveStatus.UNBOUNDED
    if status == cp.settings.INFEASIBLE_OR_UNBOUNDED:
        return SolveStatus.INFEASIBLE_OR_UNBOUNDED
    return SolveStatus.FAILED


def _extra(problem: Any) -> Any:
    return problem.solver_stats.extra_stats if problem.solver_stats is not None else None


def _has_incumbent(problem: Any, solver: str) -> bool:
    if solver != "HIGHS":
        return True
    info = _extra(problem)  # HiGHS hands back zeros when it was stopped before a feasible point
    return info is None or getattr(info, "primal_solution_status", 2) == 2


def _dual_bound(problem: Any, solver: str) -> float | None:
    """The dual bound in the sense of the problem (a maximisation is minimised by the solver, with the sign turned)."""
    extra = _extra(problem)
    if extra is None:
        return None
    if solver == "HIGHS":
        raw = getattr(extra, "mip_dual_bound", None) if problem.is_mixed_integer() else None
    elif solver == "SCIP" and isinstance(extra, dict) and "model" in extra:
        raw = extra["model"].getDualbound()
    else:
        raw = None
    if raw is None or not math.isfinite(raw) or abs(raw) >= 1e20:
        return None
    offset = _objective_offset(problem)
    if offset is None:
        return None
    bound = raw + offset
    return -bound if type(problem.objective).__name__ == "Maximize" else bound


def _objective_offset(problem: Any) -> float | None:
    """The constant that compiling takes out of the objective."""
    cache = problem._cache
    program = getattr(cache, "param_prog", None)
    if program is None:
        return None
    return float(program.apply_parameters()[1])
