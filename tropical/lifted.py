"""The lifted points (a_j, c_j) of a polynomial, made ready for pruning: exact integers and rounded floats side by side.

Which terms are redundant depends only on the lifted points up to an affine change of the exponents.  So the exponents
are moved by one of them and reduced to as many coordinates as their affine hull has dimensions; a polynomial in ten
variables whose exponents lie on a line is pruned as one in one variable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from flint import fmpq, fmpq_mat, fmpz_mat

from polyhedra.arrays import Floats
from polyhedra.linear_program import Optimal, maximize_over
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import common_denominator
from polyhedra.system import System
from tropical.polynomial import Exponent, PuiseuxPolynomial, Row

Multipliers = tuple[tuple[int, fmpq], ...]
"""Convex-combination weights (position of a term, weight > 0)."""

MANY = 120  # terms from which on a linear program is built up from a part of its rows


@dataclass(frozen=True, slots=True)
class Redundant:
    """A proof that a term is nowhere above the others.

    Attributes
    ----------
    multipliers : tuple of (position, weight)
        Weights l > 0 with sum 1 such that the affine function sum l_i (a_i.x + c_i) is at least the term's on the
        domain; on R^n that means a = sum l_i a_i and c <= sum l_i c_i.
    walls, equalities : tuple of fmpq
        On a domain A x <= b, A_eq x = b_eq: mu >= 0 and nu with a - sum l_i a_i = A^T mu + A_eq^T nu and
        c - sum l_i c_i + mu.b + nu.b_eq <= 0.  Empty on R^n.
    """

    multipliers: Multipliers
    walls: tuple[fmpq, ...] = ()
    equalities: tuple[fmpq, ...] = ()


@dataclass(frozen=True, slots=True)
class Irredundant:
    """A point of the domain at which a term is above all other terms that were kept."""

    point: Exponent


@dataclass(frozen=True, slots=True)
class LiftedPoints:
    """The terms of one polynomial in reduced coordinates.

    Attributes
    ----------
    rows : tuple of integer rows (p_1, ..., p_r, c), one a term, over the polynomial's denominators
    coordinates : tuple of int
        The r variables that were kept.
    dim : int
        The number of variables of the polynomial.
    denominators : pair of int
        The common denominator of all exponents, and that of all coefficients, of the polynomial.
    """

    rows: tuple[Row, ...]
    coordinates: tuple[int, ...]
    dim: int
    denominators: tuple[int, int]
    _cache: dict[str, Floats] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, polynomial: PuiseuxPolynomial, reduce: bool = True) -> LiftedPoints:
        """The lifted points of a polynomial with at least one term; without `reduce` in all its variables."""
        rows, dim = polynomial.rows, polynomial.dim
        if not reduce:
            return cls(rows, tuple(range(dim)), dim, polynomial.denominators)
        base = rows[len(rows) // 2]
        moved = [tuple(map(int.__sub__, row, base)) for row in rows]
        kept = _independent_coordinates(moved, dim)
        if len(kept) < dim:
            moved = [(*(row[k] for k in kept), row[-1]) for row in moved]
        return cls(tuple(moved), kept, dim, polynomial.denominators)

    @property
    def rank(self) -> int:
        """The dimension r of the affine hull of the exponents."""
        return len(self.coordinates)

    def floats(self) -> tuple[Floats, Floats]:
        """Reduced exponents (m, r) and coefficients (m,), each entry rounded once.

        Each column is divided by the power of two that brings its largest number into [1/2, 1): that changes no answer,
        and numbers of any size are in the range of floats.
        """
        if "A" not in self._cache:
            columns = [_scaled_column(column) for column in zip(*self.rows, strict=True)]
            self._cache["A"] = np.array(columns[:-1], dtype=float).reshape(self.rank, len(self.rows)).T.copy()
            self._cache["c"] = np.array(columns[-1], dtype=float)
        return self._cache["A"], self._cache["c"]

    def full_point(self, reduced: Sequence[fmpq]) -> Exponent:
        """A point of R^n at which the terms compare as at the reduced point."""
        point = [fmpq(0)] * self.dim
        for coordinate, value in zip(self.coordinates, reduced, strict=True):
            point[coordinate] = value
        return tuple(point)

    def values(self, point: Sequence[fmpq], indices: Sequence[int]) -> list[int]:
        """The exact values of some terms at a reduced point, up to a common positive factor."""
        e, c = self.denominators
        d = common_denominator(point)
        weights = [int(v.p) * (d // int(v.q)) * c for v in point] + [d * e]
        return [sum(map(int.__mul__, self.rows[i], weights)) for i in indices]

    def combination(self, query: int, basis: Sequence[int]) -> Multipliers | None:
        """The convex combination of the basis that lies on or over the query, or None where there is none."""
        size = self.rank + 1
        matrix = fmpz_mat(
            size, size, [v for k in range(self.rank) for v in (self.rows[i][k] for i in basis)] + [1] * size
        )
        right = fmpz_mat(size, 1, [*self.rows[query][:-1], 1])
        try:
            weights = [row[0] for row in fmpq_mat(matrix).solve(fmpq_mat(right)).tolist()]
        except ZeroDivisionError:
            return None
        if any(w < 0 for w in weights):
            return None
        height = sum((w * self.rows[i][-1] for w, i in zip(weights, basis, strict=True)), fmpq(0))
        if height < self.rows[query][-1]:
            return None
        return tuple((int(i), w) for w, i in zip(weights, basis, strict=True) if w)

    def decide(self, query: int, others: Sequence[int]) -> Redundant | Irredundant:
        """Like `compare` on R^n, through few of the others at a time when there are many.

        Redundant among a part is redundant; a point found for a part is checked exactly against all, and those above
        the query join the part.
        """
        if len(others) <= MANY:
            return self.compare(query, others)
        A, _ = self.floats()
        candidates = np.asarray(others, dtype=np.intp)
        with np.errstate(all="ignore"):
            distance = np.abs(A[candidates] - A[query]).sum(axis=1)
        part = candidates[np.argsort(distance, kind="stable")[: MANY // 2]].tolist()
        while True:
            answer = self.compare(query, part)
            if isinstance(answer, Redundant):
                return answer
            own, *values = self.values(answer.point, (query, *others))
            above = sorted((own - value, i) for i, value in zip(others, values, strict=True) if value >= own)
            if not above:
                return answer
            part += [i for _, i in above[: MANY // 4]]

    def compare(self, query: int, others: Sequence[int], domain: Polyhedron | None = None) -> Redundant | Irredundant:
        """Decide exactly whether a term is redundant among others; the witness point is in reduced coordinates.

        A domain needs unreduced coordinates, and must not be empty.
        """
        own = self.rows[query]
        r = self.rank
        e, c = self.denominators
        # maximise t subject to (a_i - a).y + t <= c - c_i, with y = x c/e so that all rows are integers.  Exponents and
        # coefficients have denominators of their own: powers of two make the columns of y, t and the right-hand sides
        # alike, else t would be lost in floating point and every program would go to the exact simplex method.
        differences = [tuple(map(int.__sub__, self.rows[i], own)) for i in others]
        low = max((abs(v).bit_length() for row in differences for v in row[:-1]), default=0)
        high = max((abs(row[-1]).bit_length() for row in differences), default=0)
        up, down, unit = max(high - low, 0), max(low - high, 0), 1 << max(low, high)
        equalities: list[Row] = []
        rows: list[Row] = []
        if domain is not None:
            walls = domain.system.rows()
            scaled = [(*(a * e << up for a in row[:-1]), 0, row[-1] * c << down) for row in walls]
            equalities, rows = scaled[: domain.system.n_equal], scaled[domain.system.n_equal :]
        wall_count = len(rows)
        rows += [(*(v << up for v in row[:-1]), unit, -row[-1] << down) for row in differences]
        rows.append((*(0,) * r, 1, 1))
        objective = (*(fmpq(0),) * r, fmpq(1))
        system = System.of_integer_rows([*equalities, *rows], len(equalities), r + 1)
        answer = maximize_over(system, objective)
        assert isinstance(answer, Optimal), "t is at most 1, and feasible when small, unless the domain is empty"
        if answer.value > 0:
            return Irredundant(tuple(v * fmpq(e << up, c << down) for v in answer.point[:r]))
        weights = answer.multipliers[wall_count:-1]
        return Redundant(
            tuple((int(i), w * unit) for i, w in zip(others, weights, strict=True) if w),
            tuple(mu * unit for mu in answer.multipliers[:wall_count]),
            tuple(mu * unit for mu in answer.equality_multipliers),
        )


def _independent_coordinates(rows: Sequence[Row], dim: int) -> tuple[int, ...]:
    """The first coordinates in which the exponents, moved to 0, are independent (rank exactly)."""
    for count in (4 * dim + 8, len(rows)):
        chosen = rows[:: max(1, len(rows) // count)]
        if not chosen or dim == 0:
            return ()
        matrix = fmpz_mat(len(chosen), dim, [v for row in chosen for v in row[:dim]])
        echelon, _, rank = matrix.rref()
        if rank == dim or len(chosen) == len(rows):
            table = echelon.tolist()
            return tuple(next(j for j in range(dim) if table[i][j] != 0) for i in range(rank))
    raise AssertionError("the last pass takes all rows")


def _scaled_column(column: Sequence[int]) -> list[float]:
    divisor = 1 << max(abs(value).bit_length() for value in column)
    return [value / divisor for value in column]


__all__ = ["Irredundant", "LiftedPoints", "Multipliers", "Redundant"]
