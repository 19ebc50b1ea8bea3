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
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any, Literal

from flint import fmpq

from polyhedra import exact_simplex
from polyhedra.errors import GeometryError
from polyhedra.exact_simplex import Answer
from polyhedra.matrix import Vector, as_vector, dot
from polyhedra.quoting import quoted
from polyhedra.scalars import ZERO
from polyhedra.system import IntegerRow, System

Backend = Literal["certified", "cdd"]


class _Deferred:
    """Numbers of a proven optimal basis, computed from the exact rows when one of them is first read."""

    __slots__ = ("_basis",)
    _basis: tuple[System, Sequence[fmpq], tuple[int, ...]]

    def __getattr__(self, name: str) -> Any:
        # only reached for attributes that are not set
        if name not in Optimal.__match_args__:
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")
        system, objective, names = self._basis
        exact = _optimal(system, objective, proposal().optimum(system, objective, names))
        for field in Optimal.__match_args__:
            object.__setattr__(self, field, getattr(exact, field))
        return getattr(self, name)


@dataclass(frozen=True, slots=True)
class Optimal(_Deferred):
    """The optimum with its dual certificate.

    Where rigorous floating-point bounds prove a basis to be optimal, its exact numbers are computed when they are first
    read.

    Attributes
    ----------
    value : fmpq
    point : tuple of fmpq
        A feasible point with that value.
    multipliers, equality_multipliers : tuple of fmpq
        y >= 0 and z, one a row, with A^T y + A_eq^T z = c and y.b + z.b_eq = value: no feasible point does better.
    """

    value: fmpq
    point: Vector
    multipliers: Vector
    equality_multipliers: Vector

    def verify(self, objective: Any, A: Any, b: Any, A_eq: Any = (), b_eq: Any = ()) -> bool:
        """Check everything that the attributes claim, by exact arithmetic alone."""
        c = as_vector(objective)
        return proves(self, System(A, b, A_eq, b_eq, len(c)), c)


@dataclass(frozen=True, slots=True)
class Unbounded:
    """A feasible point and a direction of recession along which the objective grows.

    Attributes
    ----------
    point, direction : tuple of fmpq
        A u <= 0, A_eq u = 0 and c.u > 0 for the direction u.
    """

    point: Vector
    direction: Vector

    def verify(self, objective: Any, A: Any, b: Any, A_eq: Any = (), b_eq: Any = ()) -> bool:
        """Check everything that the attributes claim, by exact arithmetic alone."""
        c = as_vector(objective)
        return proves(self, System(A, b, A_eq, b_eq, len(c)), c)


@dataclass(frozen=True, slots=True)
class Infeasible:
    """A proof that no point satisfies all rows (Farkas).

    Attributes
    ----------
    multipliers, equality_multipliers : tuple of fmpq
        y >= 0 and z with A^T y + A_eq^T z = 0 and y.b + z.b_eq < 0.
    """

    multipliers: Vector
    equality_multipliers: Vector

    def verify(self, A: Any, b: Any, A_eq: Any = (), b_eq: Any = (), dim: int | None = None) -> bool:
        """Check everything that the attributes claim, by exact arithmetic alone."""
        return proves(self, System(A, b, A_eq, b_eq, dim))


@dataclass(frozen=True, slots=True)
class InteriorPoint:
    """A point with A x < b in every row, and A_eq x = b_eq."""

    point: Vector

    def verify(self, A: Any, b: Any, A_eq: Any = (), b_eq: Any = (), dim: int | None = None) -> bool:
        """Check the claim by exact arithmetic alone."""
        return proves(self, System(A, b, A_eq, b_eq, dim))


@dataclass(frozen=True, slots=True)
class NoInterior:
    """A proof that no point satisfies all inequalities strictly.

    Attributes
    ----------
    multipliers, equality_multipliers : tuple of fmpq
        y >= 0 and z with A^T y + A_eq^T z = 0 and y.b + z.b_eq <= 0; the sum is negative (then not even the closed
        system has a solution), or y is not zero, and then the rows with y_i > 0 hold with equality in every solution.
    """

    multipliers: Vector
    equality_multipliers: Vector

    def verify(self, A: Any, b: Any, A_eq: Any = (), b_eq: Any = (), dim: int | None = None) -> bool:
        """Check the claim by exact arithmetic alone."""
        return proves(self, System(A, b, A_eq, b_eq, dim))


def proves(
    answer: Optimal | Unbounded | Infeasible | InteriorPoint | NoInterior, system: System, objective: Vector = ()
) -> bool:
    """Whether an answer proves what it claims of a prepared system, by exact arithmetic alone.

    Parameters
    ----------
    answer : one of the five
    system : System
    objective : tuple of fmpq
        Read for `Optimal` and `Unbounded`.
    """
    if isinstance(answer, InteriorPoint):
        return _holds(system, answer.point, strict=True)
    if isinstance(answer, Unbounded):
        grows = len(answer.direction) == system.dim and dot(objective, answer.direction) > 0
        return grows and _holds(system, answer.point) and _holds(_homogeneous(system), answer.direction)
    combination, bound = _combine(system, answer.multipliers, answer.equality_multipliers)
    if any(y < 0 for y in answer.multipliers):
        return False
    if isinstance(answer, Optimal):
        reached = _holds(system, answer.point) and dot(objective, answer.point) == answer.value == bound
        return reached and combination == tuple(objective)
    contradiction = bound < 0 or (isinstance(answer, NoInterior) and bound == 0 and any(answer.multipliers))
    return contradiction and not any(combination)


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
        raise GeometryError(f"the objective has {len(objective)} numbers, the rows have {system.dim}")
    if check_backend(backend) == "cdd":
        from polyhedra import cdd

        return cdd.maximize(system, objective)
    answer = proposal().maximize(system, objective)
    if isinstance(answer, tuple):
        deferred = object.__new__(Optimal)
        object.__setattr__(deferred, "_basis", (system, objective, answer))
        return deferred
    if answer is None:
        answer = exact_simplex.maximize(system.rows(), system.n_equal, objective, system.dim)
    if answer.status == "unbounded":
        return Unbounded(_far_enough(system, answer), tuple(answer.direction))
    if answer.status == "infeasible":
        return Infeasible(*_multipliers(system, answer.multipliers))
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
        return NoInterior(*_multipliers(system, proposed))
    rows = slack_rows(system)
    answer = exact_simplex.maximize(rows, system.n_equal, (0,) * system.dim + (1,), system.dim + 1)
    if answer.status == "optimal" and answer.point[-1] > 0:
        return InteriorPoint(tuple(answer.point[:-1]))
    answer.multipliers.pop(system.count, None)
    return NoInterior(*_multipliers(system, answer.multipliers))


@cache
def proposal() -> ModuleType:
    """The module that proposes and verifies, loaded with the first program."""
    return importlib.import_module("polyhedra.proposal")


def check_backend(backend: str) -> str:
    """The name of a back end, if it is one."""
    if backend not in ("certified", "cdd"):
        raise GeometryError(f"there is no backend {quoted(backend)}; use 'certified' or 'cdd'")
    return backend


def slack_rows(system: System) -> list[IntegerRow]:
    """The rows of max t subject to a.x + 2**k t <= b, t <= 1; its optimum is positive iff there is an interior point.

    The factor 2**k is about the largest ``|a_j|`` of the row, so that t is measured alike in all rows.
    """
    rows = []
    for index in range(system.count):
        *a, b = system.row(index)
        rows.append((*a, 0 if index < system.n_equal else 1 << system.exponent(index), b))
    rows.append((*(0,) * system.dim, 1, 1))
    return rows


def _optimal(system: System, objective: Sequence[fmpq], answer: Answer) -> Optimal:
    point = tuple(answer.point)
    return Optimal(dot(objective, point), point, *_multipliers(system, answer.multipliers))


def _multipliers(system: System, by_row: dict[int, fmpq]) -> tuple[Vector, Vector]:
    """Multipliers of the rows as they were given, from those of the integer rows."""
    multipliers = [ZERO] * system.count
    for index, value in by_row.items():
        multipliers[index] = value * system.scale(index)
    return tuple(multipliers[system.n_equal :]), tuple(multipliers[: system.n_equal])


def _far_enough(system: System, answer: Answer) -> Vector:
    """A feasible point on the ray of points that are feasible from some step on."""
    point, direction = answer.point, answer.direction
    step = ZERO
    for index in range(system.n_equal, system.count):
        *a, b = system.row(index)
        gain = _product(a, direction)
        if gain < 0:
            step = max(step, (_product(a, point) - b) / -gain)
    return tuple(x + step * u for x, u in zip(point, direction, strict=True))


def _product(integers: Sequence[int], vector: Sequence[fmpq]) -> fmpq:
    total = ZERO
    for a, x in zip(integers, vector, strict=True):
        if a:
            total += x * a
    return total


def _holds(system: System, point: Vector, strict: bool = False) -> bool:
    if len(point) != system.dim:
        return False
    for index in range(system.count):
        *a, b = system.row(index)
        value = _product(a, point)
        if value != b if index < system.n_equal else (value >= b if strict else value > b):
            return False
    return True


def _homogeneous(system: System) -> System:
    rows = [(*system.row(index)[:-1], 0) for index in range(system.count)]
    return System.of_integer_rows(rows, system.n_equal, system.dim)


def _combine(system: System, multipliers: Vector, equality_multipliers: Vector) -> tuple[Vector, fmpq]:
    """The combination A^T y + A_eq^T z and the number y.b + z.b_eq, for the rows as they were given."""
    weights = (*equality_multipliers, *multipliers)
    if len(weights) != system.count or len(equality_multipliers) != system.n_equal:
        raise GeometryError(f"the certificate has {len(weights)} multipliers, the system {system.count} rows")
    total = [ZERO] * (system.dim + 1)
    for index, weight in enumerate(weights):
        if weight != 0:
            factor = weight / system.scale(index)
            total = [t + factor * a for t, a in zip(total, system.row(index), strict=True)]
    return tuple(total[:-1]), total[-1]
