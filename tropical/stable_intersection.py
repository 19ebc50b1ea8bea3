"""The stable intersection of n tropical hypersurfaces in R^n: finitely many points with multiplicities.

It is the limit of the intersections of the hypersurfaces after small generic perturbations.  The coefficients are
perturbed by symbols: for heights ``w + e u`` with random u, the mixed cells at one small e are those at all smaller
ones if no point lies below a cell at e = 0, which is checked exactly.  Each mixed cell then gives a point and its
volume as the multiplicity; points that coincide at e = 0 add up.

D. Maclagan and B. Sturmfels, *Introduction to Tropical Geometry* (2015), section 3.6 and theorem 4.6.8.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from flint import fmpq

from polyhedra.errors import AlgebraError
from polyhedra.matrix import Vector, dot, solve
from polyhedra.plurals import counted
from polyhedra.scalars import ZERO
from tropical.mixed_volume import MAX_CELLS, MixedCell, lifted_cells
from tropical.polynomial import PuiseuxPolynomial, Term

_TRIES = 8


def stable_intersection(
    polynomials: Iterable[PuiseuxPolynomial], *, rng: int | np.random.Generator = 0, limit: int = MAX_CELLS
) -> tuple[tuple[Vector, fmpq], ...]:
    """The points of the stable intersection with their multiplicities, sorted.

    The multiplicities add up to the mixed volume of the Newton polytopes (Bernstein), d e for plane curves with the
    Newton polygons of degree d and e (Bezout).

    Parameters
    ----------
    polynomials : n polynomials in n variables
    rng : seed or Generator
        Chooses the perturbation, on which the result does not depend.
    limit : int
        As `mixed_volume.mixed_cells`.

    Raises
    ------
    AlgebraError
        Another number of variables than of polynomials, or the tropical zero.

    Examples
    --------
    >>> x, y = PuiseuxPolynomial.variables(2)
    >>> line = x + y + PuiseuxPolynomial.constant(0, 2)
    >>> stable_intersection([line, line])
    (((0, 0), 1),)
    """
    given = list(polynomials)
    for number, polynomial in enumerate(given):
        if polynomial.dim != len(given):
            raise AlgebraError(
                f"polynomial {number} has {counted(polynomial.dim, 'variable')}, but there are {len(given)} of them"
            )
        if polynomial.is_zero:
            raise AlgebraError(f"polynomial {number} is the tropical zero, which has no hypersurface")
    if not given:
        raise AlgebraError("a stable intersection needs at least one polynomial")
    terms = [polynomial.terms for polynomial in given]
    common = math.lcm(*(polynomial.denominators[1] for polynomial in given))
    # the maximum of c + a.x is the lower hull of -c
    heights = [[-int((c * common).p) for _, c in own] for own in terms]
    generator = np.random.default_rng(rng)
    for attempt in range(1, _TRIES + 1):
        scaled = [[h << (30 * attempt) for h in row] for row in heights]
        sets = tuple(tuple(exponent for exponent, _ in own) for own in terms)
        found = lifted_cells(sets, generator, limit, scaled)
        totals: dict[Vector, fmpq] = {}
        for cell in found.cells:
            point = _limit(cell, terms)
            if point is None:
                break
            totals[point] = totals.get(point, ZERO) + cell.volume
        else:
            return tuple(sorted(totals.items()))
    raise AlgebraError("the perturbation was too large: divide the exponents by a common factor")


def _limit(cell: MixedCell, terms: list[tuple[Term, ...]]) -> Vector | None:
    """The point at which the terms of all edges tie, or None where they are not the largest there."""
    ends = [(own[i], own[k]) for own, (i, k) in zip(terms, cell.edges, strict=True)]
    rows = tuple(tuple(b - a for a, b in zip(one[0], other[0], strict=True)) for one, other in ends)
    point = solve(rows, tuple(one[1] - other[1] for one, other in ends))
    assert point is not None
    for own, (one, _) in zip(terms, ends, strict=True):
        level = dot(one[0], point) + one[1]
        if any(dot(exponent, point) + c > level for exponent, c in own):
            return None
    return point


__all__ = ["stable_intersection"]
