"""Certified linear programs: every answer carries an exact witness or an exact proof.

A program is proposed in floating point, its final basis is verified in exact arithmetic, and where that fails it is
solved again by an exact simplex method.  So the answers are exact whatever the floating point did:

* `Optimal`: a point and dual multipliers with the same value;
* `Unbounded`: a point and a direction in which the objective grows for ever;
* `Infeasible`: multipliers that combine the rows to a contradiction (Farkas);
* `InteriorPoint` or `NoInterior` for the question whether all inequalities can hold strictly at once.

`maximize` and `interior` take rows; `maximize_over` and `interior_of` take a prepared `System`, which is the fast way
when many programs share their rows.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import cache
from types import ModuleType
from typing import Any, Literal

from flint import fmpq

from polyhedra import exact_simplex
from polyhedra.answers import (
    Infeasible,
    InteriorPoint,
    NoInterior,
    Optimal,
    Unbounded,
    deferred_optimum,
    multipliers_of,
    product,
    proves,
    slack_rows,
)
from polyhedra.errors import GeometryError
from polyhedra.exact_simplex import Answer
from polyhedra.matrix import Vector, as_vector, dot
from polyhedra.plurals import counted
from polyhedra.quoting import quoted
from polyhedra.scalars import ZERO
from polyhedra.system import System

Backend = Literal["certified", "cdd"]


def maximize(
    objective: Any, A: Any, b: Any, A_eq: Any = (), b_eq: Any = (), *, backend: Backend = "certified"
) -> Optimal | Unbounded | Infeasible:
    """Maximize c.x subject to A x <= b, A_eq x = b_eq, with x free, exactly.

    Parameters
    ----------
    objective : sequence of n numbers
    A, A_eq : sequences of rows of n numbers (anything that `rational` takes), or float64 arrays
    b, b_eq : sequences of numbers
    backend : "certified" or "cdd"
        "cdd" asks pycddlib's simplex method, a second witness; its answer is taken with its certificate only.

    Raises
    ------
    GeometryError
        Shapes that do not fit, or a number that is not finite.
    MissingExtraError
        ``backend="cdd"`` without pycddlib.

    Examples
    --------
    >>> answer = maximize([1, 1], [[1, 2], [3, 1], [-1, 0]], [4, 6, 0])
    >>> answer.value, answer.point, answer.multipliers
    (14/5, (8/5, 6/5), (2/5, 1/5, 0))
    """
    c = as_vector(objective, name="objective")
    return maximize_over(System(A, b, A_eq, b_eq, len(c)), c, backend=backend)


def maximize_over(
    system: System, objective: Sequence[fmpq], *, backend: Backend = "certified"
) -> Optimal | Unbounded | Infeasible:
    """Like `maximize`, over a prepared system and with an exact objective."""
    if len(objective) != system.dim:
        raise GeometryError(f"the objective has {counted(len(objective), 'number')}, the rows have {system.dim}")
    if check_backend(backend) == "cdd":
        from polyhedra import cdd

        return cdd.maximize(system, objective)
    answer = proposal().maximize(system, objective)
    if isinstance(answer, tuple):
        names = answer
        return deferred_optimum(lambda: _optimal(system, objective, proposal().optimum(system, objective, names)))
    if answer is None:
        answer = exact_simplex.maximize(system.rows(), system.n_equal, objective, system.dim)
    if answer.status == "unbounded":
        return Unbounded(_far_enough(system, answer), tuple(answer.direction))
    if answer.status == "infeasible":
        return Infeasible(*multipliers_of(system, answer.multipliers))
    return _optimal(system, objective, answer)


def interior(
    A: Any, b: Any, A_eq: Any = (), b_eq: Any = (), dim: int | None = None, *, backend: Backend = "certified"
) -> InteriorPoint | NoInterior:
    """Decide whether {x : A x < b, A_eq x = b_eq} is non-empty, with a witness or a proof.

    Parameters
    ----------
    A, b, A_eq, b_eq
        As in `maximize`.
    dim : int, optional
        n, needed only where there are no rows.
    backend : {"certified", "cdd"}
        As in `maximize`.

    Examples
    --------
    >>> interior([[1], [-1]], [1, 0])
    InteriorPoint(point=(1/2,))
    >>> interior([[1], [-1]], [0, 0])
    NoInterior(multipliers=(1/4, 1/4), equality_multipliers=())
    """
    return interior_of(System(A, b, A_eq, b_eq, dim), backend=backend)


def interior_of(system: System, *, backend: Backend = "certified") -> InteriorPoint | NoInterior:
    """Like `interior`, over a prepared system."""
    if check_backend(backend) == "cdd":
        from polyhedra import cdd

        return cdd.interior(system)
    proposed = proposal().interior(system)
    if isinstance(proposed, tuple):
        return InteriorPoint(proposed)
    if proposed is not None:
        return NoInterior(*multipliers_of(system, proposed))
    rows = slack_rows(system)
    answer = exact_simplex.maximize(rows, system.n_equal, (0,) * system.dim + (1,), system.dim + 1)
    if answer.status == "optimal" and answer.point[-1] > 0:
        return InteriorPoint(tuple(answer.point[:-1]))
    answer.multipliers.pop(system.count, None)
    return NoInterior(*multipliers_of(system, answer.multipliers))


@cache
def proposal() -> ModuleType:
    """The module that proposes and verifies, loaded with the first program."""
    return importlib.import_module("polyhedra.proposal")


def check_backend(backend: str) -> str:
    """The name of a back end, if it is one."""
    if backend not in ("certified", "cdd"):
        raise GeometryError(f"there is no backend {quoted(backend)}; use 'certified' or 'cdd'")
    return backend


def _optimal(system: System, objective: Sequence[fmpq], answer: Answer) -> Optimal:
    point = tuple(answer.point)
    return Optimal(dot(objective, point), point, *multipliers_of(system, answer.multipliers))


def _far_enough(system: System, answer: Answer) -> Vector:
    """A feasible point on the ray of points that are feasible from some step on."""
    point, direction = answer.point, answer.direction
    step = ZERO
    for index in range(system.n_equal, system.count):
        *a, b = system.row(index)
        gain = product(a, direction)
        if gain < 0:
            step = max(step, (product(a, point) - b) / -gain)
    return tuple(x + step * u for x, u in zip(point, direction, strict=True))


__all__ = [
    "Backend",
    "Infeasible",
    "InteriorPoint",
    "NoInterior",
    "Optimal",
    "Unbounded",
    "check_backend",
    "interior",
    "interior_of",
    "maximize",
    "maximize_over",
    "proposal",
    "proves",
]
