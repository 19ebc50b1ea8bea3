"""Equality as functions, with a point of difference when two functions differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flint import fmpq

from polyhedra.errors import AlgebraError
from polyhedra.plurals import counted
from tropical.lifted import Irredundant, LiftedPoints
from tropical.polynomial import Exponent, PuiseuxPolynomial
from tropical.pruning import prune, pruned_product

if TYPE_CHECKING:
    from tropical.rational import PuiseuxRational


def point_of_difference(first: PuiseuxPolynomial, second: PuiseuxPolynomial) -> Exponent | None:
    """A rational point at which two polynomials differ, or None where they are the same function.

    The pruned form of a polynomial is unique, so the functions are equal iff the pruned forms are.

    Raises
    ------
    AlgebraError
        Different numbers of variables.
    """
    if first.dim != second.dim:
        raise AlgebraError(f"functions of {first.dim} and of {counted(second.dim, 'variable')} cannot be compared")
    if first == second:
        return None
    left, right = prune(first), prune(second)
    if left == right:
        return None
    if left.is_zero or right.is_zero:
        return (fmpq(0),) * first.dim
    only = sorted(set(left.terms) - set(right.terms))
    if not only:
        left, right = right, left
        only = sorted(set(left.terms) - set(right.terms))
    return _separate(left, left.terms.index(only[0]), right)


def _separate(f: PuiseuxPolynomial, position: int, g: PuiseuxPolynomial) -> Exponent:
    """A point of difference, given an irredundant term of f that is no term of g."""
    points = LiftedPoints.of(f)
    proof = points.decide(position, [i for i in range(len(f)) if i != position])
    assert isinstance(proof, Irredundant)
    x = points.full_point(proof.point)
    if f(x) != g(x):
        return x
    # f is affine around x, and there g has a maximal term of another slope: along it g leaves f
    slope = f.exponents[position]
    other = g.terms[g.argmax_terms(x)[0]][0]
    direction = [b - a for a, b in zip(slope, other, strict=True)]
    step = fmpq(1)
    while True:
        y = tuple(v + step * d for v, d in zip(x, direction, strict=True))
        if f(y) != g(y):
            return y
        step /= 2


def rational_point_of_difference(first: PuiseuxRational, second: PuiseuxRational) -> Exponent | None:
    """The same for rational functions ``f - g`` and ``f' - g'``: they are equal iff f + g' and f' + g are."""
    if first.dim != second.dim:
        raise AlgebraError(f"functions of {first.dim} and of {counted(second.dim, 'variable')} cannot be compared")
    if first == second:
        return None
    return point_of_difference(
        pruned_product(first.numerator, second.denominator), pruned_product(second.numerator, first.denominator)
    )


__all__ = ["point_of_difference", "rational_point_of_difference"]
