"""Affine hulls and irredundant descriptions of systems, by certified linear programs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flint import fmpq

from polyhedra.boxes import point_inside
from polyhedra.facet_witnesses import alone_violated, met_by_rays
from polyhedra.limits import check_limits
from polyhedra.linear_program import (
    Infeasible,
    InteriorPoint,
    NoInterior,
    Optimal,
    Unbounded,
    interior_of,
    maximize_over,
)
from polyhedra.matrix import Matrix, Vector, reduced_echelon
from polyhedra.scalars import ZERO, primitive
from polyhedra.system import IntegerRow, System

_FEW, _CROWDED = 64, 6  # rows, and rows for each dimension, beyond which most follow from a few


@dataclass(frozen=True, slots=True)
class RelativeInterior:
    """The affine hull of a polyhedron, and a point of its relative interior.

    Attributes
    ----------
    dimension : int
        -1 for the empty set.
    point : tuple of fmpq or None
        Satisfies with strict inequality all rows but the implicit equalities.
    hull : tuple of integer rows
        Equalities (a, b) of the affine hull in reduced echelon form, primitive; () for the empty set.
    implicit : frozenset of int
        The rows of the system, equalities or not, that hold with equality everywhere.
    """

    dimension: int
    point: Vector | None
    hull: tuple[IntegerRow, ...]
    implicit: frozenset[int]


def relative_interior(
    system: System, decide: Callable[[System], InteriorPoint | NoInterior] = interior_of
) -> RelativeInterior:
    """Find affine hull and relative interior; ``decide`` answers the linear programs.

    A proof that no point satisfies all inequalities strictly names rows that always hold with equality, or it proves
    emptiness.  Rows that are constant on the hull of these are decided by their constant, so that no program sees them
    again, and each program ends the search or lowers the dimension of the hull: there are at most n + 2 of them.
    """
    inside = point_inside(system) if decide is interior_of else None
    if inside is not None:
        return RelativeInterior(system.dim, inside, (), frozenset())
    equal = list(range(system.n_equal))
    rest = list(range(system.n_equal, system.count))
    while True:
        check_limits()
        answer = decide(system.subset(equal + rest, len(equal)))
        if isinstance(answer, InteriorPoint):
            hull = hull_rows([system.row(i) for i in equal], system.dim)
            return RelativeInterior(system.dim - len(hull), answer.point, hull, frozenset(equal))
        bound = ZERO
        tight = set()
        weights = (*answer.equality_multipliers, *answer.multipliers)
        for index, weight in zip(equal + rest, weights, strict=True):
            if weight != 0:
                bound += weight / system.scale(index) * system.row(index)[-1]
                tight.add(index)
        equal += [index for index in rest if index in tight]
        hull = hull_rows([system.row(i) for i in equal], system.dim)
        constants = {} if bound < 0 else _constants(system, [i for i in rest if i not in tight], hull)
        if bound < 0 or any(not any(row[:-1]) for row in hull) or any(c < 0 for c in constants.values()):
            return RelativeInterior(-1, None, (), frozenset(range(system.count)))
        equal += [index for index, constant in constants.items() if constant == 0]
        rest = [index for index in rest if index not in tight and index not in constants]


def _constants(system: System, indices: list[int], hull: tuple[IntegerRow, ...]) -> dict[int, int]:
    """The rows that are constant on an affine hull, with the sign of what they leave: below 0 they hold nowhere."""
    pivots = [next(j for j, value in enumerate(row) if value) for row in hull]
    if pivots and pivots[-1] == system.dim:
        return {}  # no point satisfies the equalities
    found = {}
    for index in indices:
        *slope, left = _eliminated(system.row(index), hull, pivots)
        if not any(slope):
            found[index] = (left > 0) - (left < 0)
    return found


def _eliminated(row: IntegerRow, hull: tuple[IntegerRow, ...], pivots: list[int]) -> IntegerRow:
    """A positive multiple of an inequality, plus equalities of the hull, without their pivot variables."""
    for equality, pivot in zip(hull, pivots, strict=True):
        if row[pivot]:
            # the pivot entry is positive, so the inequality keeps its direction
            row = tuple(equality[pivot] * a - row[pivot] * e for a, e in zip(row, equality, strict=True))
    return row


def hull_rows(rows: list[IntegerRow], dim: int) -> tuple[IntegerRow, ...]:
    """The consistent equalities given, in reduced echelon form, as primitive integer rows."""
    matrix: Matrix = tuple(tuple(map(fmpq, row)) for row in rows if any(row))
    return tuple(primitive(row) for row in reduced_echelon(matrix, dim + 1)[0])


def irredundant(
    system: System,
    inner: RelativeInterior,
    solve: Callable[[System, Sequence[fmpq]], Optimal | Unbounded | Infeasible] = maximize_over,
) -> tuple[tuple[IntegerRow, ...], tuple[IntegerRow, ...]] | None:
    """The facets' inequalities, sorted, and the hull's equalities, all in canonical form; None for the empty set.

    ``solve`` answers the linear programs.
    """
    if inner.point is None:
        return None
    candidates = facet_candidates([system.row(i) for i in range(system.count) if i not in inner.implicit], inner.hull)
    facets = sorted(candidates)
    n_equal = len(inner.hull)
    if all(sum(map(bool, row[:-1])) == 1 for row in facets):
        return tuple(facets), inner.hull  # a box: the tightest bounds of each coordinate are its facets
    every = System.of_integer_rows([*inner.hull, *facets], n_equal, system.dim)
    every.floats()
    kept = list(range(every.count))
    needed: frozenset[int] = frozenset()
    if solve is maximize_over and not n_equal:
        if every.count > max(_FEW, _CROWDED * system.dim):
            needed = met_by_rays(every, inner.point)
            # most other rows follow from these few, which stay anyway: small programs, instead of large ones
            few = every.subset(sorted(needed), 0)
            kept = [index for index in kept if index in needed or not _follows(every.row(index), few, solve)]
        alone = alone_violated(every if len(kept) == every.count else every.subset(kept, 0), inner.point)
        needed |= {kept[place] for place in alone}
    for index in list(kept[n_equal:]):
        if index in needed:
            continue
        others = [i for i in kept if i != index]
        if _follows(every.row(index), every.subset(others, n_equal), solve):
            kept = others
    return tuple(every.row(index) for index in kept[n_equal:]), inner.hull


def _follows(
    row: IntegerRow, system: System, solve: Callable[[System, Sequence[fmpq]], Optimal | Unbounded | Infeasible]
) -> bool:
    """Whether a system implies an inequality."""
    check_limits()
    answer = solve(system, tuple(map(fmpq, row[:-1])))
    return isinstance(answer, Optimal) and bool(answer.value <= row[-1])


def facet_candidates(rows: list[IntegerRow], hull: tuple[IntegerRow, ...]) -> set[IntegerRow]:
    """Eliminate the hull's pivot variables, drop rows that say nothing, keep the tightest of parallel ones."""
    pivots = [next(j for j, value in enumerate(row) if value) for row in hull]
    tightest: dict[tuple[int, ...], tuple[fmpq, IntegerRow]] = {}
    for given in rows:
        row = _eliminated(given, hull, pivots)
        if not any(row[:-1]):
            continue
        factor, divisor = math.gcd(*row), math.gcd(*row[:-1])
        bound = fmpq(row[-1], divisor)
        direction = row[:-1] if divisor == 1 else tuple([a // divisor for a in row[:-1]])
        row = row if factor == 1 else tuple([a // factor for a in row])
        if direction not in tightest or bound < tightest[direction][0]:
            tightest[direction] = (bound, row)
    return {row for _, row in tightest.values()}
