"""Tropical division with quotient and remainder, and homogenisation.

The quotient of f by g is the largest polynomial q with ``q + g <= f`` (ordinary addition of functions).  It is found
in the space of lifted points: write F(d) for the height of the upper hull of f over the exponent d.  Then the upper
hull of q is ``Q(d) = min_j F(d + b_j) - g_j`` over the terms (b_j, g_j) of g, a polyhedron whose vertices are the terms
of q (so the exponents of q can be fractions where those of f and g are integers).  The remainder is what of f is not
reached: ``f = max(q + g, r)`` with as few terms in r as possible.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from polyhedra.errors import AlgebraError
from polyhedra.matrix import dot
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ZERO
from tropical.polynomial import PuiseuxPolynomial
from tropical.pruning import prune, pruned_product
from tropical.semiring import finite


@dataclass(frozen=True, slots=True)
class Division:
    """The result of a division: ``dividend = max(quotient + divisor, remainder)`` as functions, all in pruned form."""

    quotient: PuiseuxPolynomial
    remainder: PuiseuxPolynomial

    @property
    def is_exact(self) -> bool:
        """Whether nothing remains."""
        return self.remainder.is_zero


def divide(dividend: PuiseuxPolynomial, divisor: PuiseuxPolynomial) -> Division:
    """Divide tropically, with the largest quotient and the smallest remainder.

    Raises
    ------
    AlgebraError
        Division by the tropical zero, or different numbers of variables.

    Examples
    --------
    >>> x, y = PuiseuxPolynomial.variables(2)
    >>> print(divide((x + y) * (x + y), x + y).quotient)
    max(x1, x2)
    """
    if dividend.dim != divisor.dim:
        raise AlgebraError(f"the dividend has {counted(dividend.dim, 'variable')}, the divisor {divisor.dim}")
    if divisor.is_zero:
        raise AlgebraError("division by the tropical zero: the divisor has no terms")
    f, g = prune(dividend), prune(divisor)
    if f.is_zero:
        return Division(f, f)
    hypograph = lifted_hull(f)
    inequalities, equalities = [], []
    for exponent, coefficient in g.terms:
        lifted = (*exponent, coefficient)
        # the hull moved by -(b_j, g_j)
        inequalities += [(row[:-1], row[-1] - dot(row[:-1], lifted)) for row in hypograph.inequalities]
        equalities += [(row[:-1], row[-1] - dot(row[:-1], lifted)) for row in hypograph.equalities]
    quotient_hull = Polyhedron(
        [a for a, _ in inequalities],
        [b for _, b in inequalities],
        [a for a, _ in equalities],
        [b for _, b in equalities],
        f.dim + 1,
    )
    if quotient_hull.is_empty():
        return Division(PuiseuxPolynomial.zero(f.dim), f)
    quotient = PuiseuxPolynomial([(v[:-1], v[-1]) for v in quotient_hull.vertices()], f.dim)
    reached = pruned_product(quotient, g)
    missing = prune(reached + f)
    known = set(reached.terms)
    remainder = PuiseuxPolynomial([term for term in missing.terms if term not in known], f.dim)
    return Division(quotient, remainder)


def lifted_hull(polynomial: PuiseuxPolynomial) -> Polyhedron:
    """The convex hull of the lifted points (a_j, c_j) and everything below them, in R^(n+1)."""
    points = [(*a, c) for a, c in polynomial.terms]
    return Polyhedron.from_generators(points, rays=[(*(0,) * polynomial.dim, -1)])


def degree(polynomial: PuiseuxPolynomial) -> Any:
    """The largest sum of exponents of a term (a rational); refused for the tropical zero."""
    if polynomial.is_zero:
        raise AlgebraError("the tropical zero has no degree")
    return max(sum(exponent, ZERO) for exponent in polynomial.exponents)


def is_homogeneous(polynomial: PuiseuxPolynomial) -> bool:
    """Whether all exponents have one sum, so that f(x + t(1, ..., 1)) = f(x) + d t."""
    return len({sum(exponent, ZERO) for exponent in polynomial.exponents}) <= 1


def homogenize(polynomial: PuiseuxPolynomial, total_degree: Any = None) -> PuiseuxPolynomial:
    """The homogeneous polynomial in one more (last) variable that is f where that variable is 0.

    Parameters
    ----------
    polynomial : PuiseuxPolynomial
    total_degree : number, optional
        The sum of exponents of every term; by default the largest of f.

    Examples
    --------
    >>> print(homogenize(PuiseuxPolynomial({(2,): 1, (0,): 0})))
    max(2x1 + 1, 2x2)
    """
    if polynomial.is_zero:
        return PuiseuxPolynomial.zero(polynomial.dim + 1)
    d = degree(polynomial) if total_degree is None else finite(total_degree, "degree")
    return PuiseuxPolynomial([((*a, d - sum(a, ZERO)), c) for a, c in polynomial.terms], polynomial.dim + 1)


def dehomogenize(polynomial: PuiseuxPolynomial) -> PuiseuxPolynomial:
    """The polynomial in one variable less that is f where the last variable is 0."""
    if polynomial.dim == 0:
        raise AlgebraError("there is no variable to leave out")
    return PuiseuxPolynomial([(a[:-1], c) for a, c in polynomial.terms], polynomial.dim - 1)


__all__ = ["Division", "degree", "dehomogenize", "divide", "homogenize", "is_homogeneous", "lifted_hull"]
