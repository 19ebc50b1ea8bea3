"""Values for the variables of a polynomial: affine functions, or other polynomials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flint import fmpq

from polyhedra.errors import AlgebraError
from polyhedra.plurals import counted
from tropical.semiring import finite, scalar

if TYPE_CHECKING:
    from tropical.polynomial import PuiseuxPolynomial


def substitute_affine(
    outer: PuiseuxPolynomial, matrix: Sequence[Sequence[Any]], offset: Sequence[Any]
) -> PuiseuxPolynomial:
    """The polynomial ``y -> f(M y + v)``; M has one row per variable of f."""
    if len(matrix) != outer.dim or len(offset) != outer.dim:
        raise AlgebraError(f"the substitution needs {counted(outer.dim, 'row')} and offsets, one a variable")
    rows = [tuple(finite(v, "substitution") for v in row) for row in matrix]
    vector = [finite(v, "substitution") for v in offset]
    if len({len(row) for row in rows}) > 1 or not rows:
        raise AlgebraError("the rows of the substitution have different lengths, or there are none")
    dim = len(rows[0])
    terms = []
    for exponent, coefficient in outer.terms:
        new = tuple(sum((a * row[k] for a, row in zip(exponent, rows, strict=True)), fmpq(0)) for k in range(dim))
        terms.append((new, sum((a * v for a, v in zip(exponent, vector, strict=True)), coefficient)))
    return type(outer)(terms, dim)


def compose(outer: PuiseuxPolynomial, inner: Sequence[Any]) -> PuiseuxPolynomial:
    """The polynomial ``f(g_1, ..., g_n)``; a number stands for a constant (numbers alone: in 0 variables).

    Raises
    ------
    AlgebraError
        Not one polynomial per variable, or a negative exponent meets a polynomial of several terms (that is a
        rational function: `PuiseuxRational.compose`).
    """
    kind = type(outer)
    if len(inner) != outer.dim:
        raise AlgebraError(f"{counted(len(inner), 'polynomial')} cannot replace {counted(outer.dim, 'variable')}")
    if not inner:
        return outer
    dim = next((g.dim for g in inner if isinstance(g, kind)), 0)
    inner = [g if isinstance(g, kind) else kind.constant(scalar(g), dim) for g in inner]
    total = kind.zero(dim)
    for exponent, coefficient in outer.terms:
        product = kind.constant(coefficient, dim)
        for power, factor in zip(exponent, inner, strict=True):
            if power < 0 and len(factor) == 1:
                (only,) = factor.terms
                product = product.shift([power * a for a in only[0]], power * only[1])
            elif power < 0:
                raise AlgebraError(
                    f"the exponent {power} meets a polynomial of {len(factor)} terms; use PuiseuxRational.compose"
                )
            else:
                product = product * factor**power
        total = total + product
    return total
