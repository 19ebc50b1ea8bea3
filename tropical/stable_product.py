"""Stable intersections of tropical cycles of any dimension: balanced complexes in, a balanced complex out.

The second cycle is moved by e v for a random integer vector v and a symbol e, positive and smaller than every number.
Cells s and t contribute if s and t + e v meet for all small e > 0, which is a linear program in the point and e; the
weight is the product of theirs and the index of the sum of their lattices in Z^n.  The limit cell is the intersection
of s and t.  That v is general is proven for each pair that matters: where the spans of s and t do not fill R^n, v is
not in their sum; elsewhere the cells meet in their relative interiors or not at all.

A. Jensen and J. Yu, *Stable intersections of tropical varieties* (2016); D. Maclagan and B. Sturmfels, *Introduction to
Tropical Geometry* (2015), section 3.6.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from flint import fmpq, fmpz_mat

from polyhedra.errors import AlgebraError
from polyhedra.limits import check_limits
from polyhedra.linear_program import InteriorPoint, Optimal, Unbounded, interior_of, maximize_over
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ONE, ZERO
from polyhedra.system import System
from tropical.polynomial import PuiseuxPolynomial
from tropical.tropical_cycle import IntegerVector, TropicalCycle, lattice_basis

_TRIES = 8
_SPREAD = 2**20  # of the entries of the displacement


class _NotGeneral(Exception):
    """The displacement lies in a special position."""


def stable_product(first: TropicalCycle, second: TropicalCycle, *, rng: int | np.random.Generator = 0) -> TropicalCycle:
    """The stable intersection of two balanced cycles in R^n.

    It has dimension k + l - n for cycles of dimensions k and l, and is 0 where that is negative.

    Parameters
    ----------
    first, second : TropicalCycle
    rng : seed or Generator
        Chooses the displacement, on which the result does not depend.

    Raises
    ------
    AlgebraError
        Cycles in different spaces, or one that is not balanced.

    Examples
    --------
    >>> x, y, z = PuiseuxPolynomial.variables(3)
    >>> plane = TropicalCycle.of_polynomial(x + y + z + PuiseuxPolynomial.constant(0, 3))
    >>> line = stable_product(plane, plane)
    >>> line.dimension, [weight for _, weight in line.cells], stable_product(line, plane).points
    (1, [1, 1, 1, 1], (((0, 0, 0), 1),))
    """
    if first.dim != second.dim:
        raise AlgebraError(f"cycles in R^{first.dim} and R^{second.dim} do not intersect")
    for name, cycle in (("first", first), ("second", second)):
        ridge = cycle.unbalanced_ridge()
        if ridge is not None:
            place = ", ".join(map(str, ridge.interior_point() or ()))
            raise AlgebraError(f"the {name} cycle is not balanced at ({place}); a stable intersection needs balance")
    return _product(first, second, np.random.default_rng(rng))


def stable_complete_intersection(
    polynomials: Iterable[PuiseuxPolynomial], *, rng: int | np.random.Generator = 0
) -> TropicalCycle:
    """The stable intersection of any number of hypersurfaces in R^n.

    `stable_intersection.stable_intersection` finds the points of n hypersurfaces faster, by mixed cells.

    Parameters
    ----------
    polynomials : polynomials in the same variables, at least one
    rng : seed or Generator
        As in `stable_product`.

    Raises
    ------
    AlgebraError
        No polynomials, different numbers of variables, or the tropical zero.

    Examples
    --------
    >>> x, y, z = PuiseuxPolynomial.variables(3)
    >>> one = PuiseuxPolynomial.constant(0, 3)
    >>> curve = stable_complete_intersection([x * x + y * z + one, x + y + z + one])
    >>> curve.dimension, curve.is_balanced()
    (1, True)
    """
    given = list(polynomials)
    if not given:
        raise AlgebraError("a stable intersection needs at least one polynomial")
    for number, polynomial in enumerate(given):
        if polynomial.dim != given[0].dim:
            raise AlgebraError(
                f"polynomial {number} has {counted(polynomial.dim, 'variable')}, polynomial 0 has {given[0].dim}"
            )
        if polynomial.is_zero:
            raise AlgebraError(f"polynomial {number} is the tropical zero, which has no hypersurface")
    generator = np.random.default_rng(rng)
    total = TropicalCycle.space(given[0].dim)
    for polynomial in given:
        total = _product(total, TropicalCycle.of_polynomial(polynomial), generator)
    return total


def _product(first: TropicalCycle, second: TropicalCycle, generator: np.random.Generator) -> TropicalCycle:
    for _ in range(_TRIES):
        vector = [int(v) for v in generator.integers(-_SPREAD, _SPREAD + 1, size=first.dim)]
        try:
            return TropicalCycle(first.dim, _displaced(first, second, vector))
        except _NotGeneral:
            continue
    raise AssertionError(f"none of {_TRIES} random displacements was general")


def _displaced(first: TropicalCycle, second: TropicalCycle, vector: list[int]) -> list[tuple[Polyhedron, fmpq]]:
    """The limits of the intersections of all pairs of cells, with weights."""
    n = first.dim
    left = [(cell, weight, lattice_basis(cell)) for cell, weight in first.cells]
    right = [(cell, weight, lattice_basis(cell)) for cell, weight in second.cells]
    found = []
    for cell, weight, lattice in left:
        check_limits()
        for other, other_weight, other_lattice in right:
            index = _index(lattice, other_lattice, n)
            if not index:
                if len(lattice) + len(other_lattice) >= n and _spanned(vector, (*lattice, *other_lattice)):
                    raise _NotGeneral
                continue
            limit = cell.intersection(other)
            if limit.dimension() != len(lattice) + len(other_lattice) - n:
                continue  # empty, or smaller than the cells of the result
            if _meet(cell, other, vector):
                found.append((limit, weight * other_weight * index))
    return found


def _index(lattice: tuple[IntegerVector, ...], other: tuple[IntegerVector, ...], n: int) -> int:
    """The index of the sum of two lattices in Z^n; 0 where it is not of full rank."""
    if len(lattice) + len(other) < n:
        return 0
    if not n:
        return 1
    table = fmpz_mat([list(row) for row in (*lattice, *other)]).hnf()
    index = 1
    for i in range(n):
        index *= int(table[i, i])
    return index


def _spanned(vector: list[int], basis: tuple[IntegerVector, ...]) -> bool:
    rows = [list(row) for row in basis]
    return bool(fmpz_mat([*rows, vector]).rank() == fmpz_mat(rows).rank()) if rows else not any(vector)


def _meet(cell: Polyhedron, other: Polyhedron, vector: list[int]) -> bool:
    """Whether a cell meets another one moved by e times the vector for all small e > 0, given that it does at 0."""
    n = cell.dim
    rows, moved = cell.system.rows(), other.system.rows()
    k, m = cell.system.n_equal, other.system.n_equal

    def lifted(row: tuple[int, ...], shift: bool) -> tuple[int, ...]:
        slope = -sum(a * v for a, v in zip(row[:-1], vector, strict=True)) if shift else 0
        return (*row[:-1], slope, row[-1])

    equal = [*(lifted(row, False) for row in rows[:k]), *(lifted(row, True) for row in moved[:m])]
    strict = [*(lifted(row, False) for row in rows[k:]), *(lifted(row, True) for row in moved[m:])]
    system = System.of_integer_rows([*equal, *strict, (*(0,) * n, -1, 0)], len(equal), n + 1)
    if isinstance(interior_of(system), InteriorPoint):
        return True
    answer = maximize_over(system, (*(ZERO,) * n, ONE))
    if isinstance(answer, Unbounded) or (isinstance(answer, Optimal) and answer.value > 0):
        raise _NotGeneral
    return False


__all__ = ["stable_complete_intersection", "stable_product"]
