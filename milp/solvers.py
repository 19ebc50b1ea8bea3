"""Which solver, how long, and what its answer means: the one place that talks to cvxpy's `solve`.

HiGHS is the default, SCIP the second choice, and any solver that cvxpy knows can be named.  A solver's answer becomes a
`SolveReport`: a status from a closed list, the value, the solver's own dual bound and, where something went wrong, one
line of advice.  Nothing here is a proof: a solver works with tolerances (see `milp.branching` for proofs).
"""

from __future__ import annotations

import importlib.util
import math
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from polyhedra.errors import FormulationError, MissingExtraError

if TYPE_CHECKING:
    import cvxpy as cp

_MODULES = {"HIGHS": "highspy", "SCIP": "pyscipopt", "GUROBI": "gurobipy", "SCIPY": "scipy"}
"""The Python module behind a solver's name, where the extra [milp] or the user must bring it."""

_TIME_LIMIT = {
    "HIGHS": "time_limit",
    "GUROBI": "TimeLimit",
    "COPT": "TimeLimit",
    "CLARABEL": "time_limit",
    "SCS": "time_limit_secs",
}
"""The option by which a solver hears of its time limit (SCIP and SciPy are handled apart)."""


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
    """What a solver answered.

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
    wanted = name.upper()
    if wanted in ("HIGHS", "SCIP") and not importlib.util.find_spec(_MODULES[wanted]):
        raise MissingExtraError(f"solver={name!r}", "milp")
    installed = require_cvxpy(f"solver={name!r}").installed_solvers()
    if wanted not in installed:
        raise FormulationError(f"solver {name!r} is not installed; cvxpy finds {', '.join(sorted(installed))}")
    return wanted


def deadline_after(time_limit: float | None) -> float | None:
    """The value of ``time.monotonic`` at which a limit in seconds, counted from now, is reached; None for no limit.

    Raises
    ------
    FormulationError
        The limit is not a positive number.
    """
    if time_limit is None:
        return None
    if not time_limit > 0 or math.isnan(time_limit):
        raise FormulationError(f"time_limit={time_limit} is not a positive number of seconds")
    return time.monotonic() + time_limit


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
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cvxpy warns about what the status says anyway
            problem.solve(solver=getattr(cp, chosen, chosen), **arguments)
        status, bound = _status(cp, problem, chosen), _dual_bound(problem, chosen)
    except cp.error.SolverError:
        status, bound = SolveStatus.FAILED, None
    seconds = time.perf_counter() - start
    if status is SolveStatus.FAILED and time_limit is not None and seconds >= time_limit:
        status = SolveStatus.LIMIT  # cvxpy reports "stopped without a point" as a failure
    value = float(problem.value) if status.has_point and problem.value is not None else None
    if status is SolveStatus.OPTIMAL and bound is None:
        bound = value
    return SolveReport(status, value, bound, chosen, seconds, ADVICE[status])


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
