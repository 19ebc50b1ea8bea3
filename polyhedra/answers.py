"""Answers of linear programs: values that carry an exact witness or an exact proof, and their check.

Which back end gives them is chosen in `polyhedra.linear_program`; `proves` checks any of them by
exact arithmetic alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flint import fmpq

from polyhedra.errors import GeometryError
from polyhedra.matrix import Vector, as_vector, dot
from polyhedra.plurals import counted
from polyhedra.scalars import ZERO
from polyhedra.system import IntegerRow, System


class _Deferred:
    """Numbers of a proven optimal basis, computed when one of them is first read."""

    __slots__ = ("_compute",)
    _compute: Callable[[], Optimal]

    def __getattr__(self, name: str) -> Any:
        # only reached for attributes that are not set
        if name not in Optimal.__match_args__:
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")
        exact = self._compute()
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


def deferred_optimum(compute: Callable[[], Optimal]) -> Optimal:
    """An optimum whose basis is proven, and whose numbers are computed when one of them is first read."""
    optimum = object.__new__(Optimal)
    object.__setattr__(optimum, "_compute", compute)
    return optimum


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


def multipliers_of(system: System, by_row: dict[int, fmpq]) -> tuple[Vector, Vector]:
    """Multipliers of the rows as they were given, from those of the integer rows."""
    multipliers = [ZERO] * system.count
    for index, value in by_row.items():
        multipliers[index] = value * system.scale(index)
    return tuple(multipliers[system.n_equal :]), tuple(multipliers[: system.n_equal])


def product(integers: Sequence[int], vector: Sequence[fmpq]) -> fmpq:
    """The scalar product of an integer vector and a rational one, which skips zeros."""
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
        value = product(a, point)
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
        raise GeometryError(
            f"the certificate has {counted(len(weights), 'multiplier')}, the system {counted(system.count, 'row')}"
        )
    total = [ZERO] * (system.dim + 1)
    for index, weight in enumerate(weights):
        if weight != 0:
            factor = weight / system.scale(index)
            total = [t + factor * a for t, a in zip(total, system.row(index), strict=True)]
    return tuple(total[:-1]), total[-1]
