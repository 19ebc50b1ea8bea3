"""The border to the min convention: everything inside the library is max-plus.

``min_j (a_j.x + c_j) = -max_j (-a_j.x - c_j)``, so a min-plus polynomial enters as a rational function with numerator
0, and a min-plus rational function as a quotient of two such.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from polyhedra.errors import AlgebraError
from tropical.polynomial import PuiseuxPolynomial, Term
from tropical.printing import affine_text
from tropical.rational import PuiseuxRational
from tropical.semiring import finite


def from_min_plus(
    terms: Mapping[Any, Any] | Iterable[tuple[Sequence[Any], Any]], dim: int | None = None
) -> PuiseuxRational:
    """The function ``min_j (a_j.x + c_j)``.

    Raises
    ------
    AlgebraError
        No finite term: the min-plus zero is plus infinity, which the library does not have.  (A term with the
        coefficient plus infinity says nothing and is left out.)

    Examples
    --------
    >>> print(from_min_plus({(1, 0): 2, (0, 1): 0}))
    0 - max(-x2, -x1 - 2)
    """
    pairs = list(terms.items() if isinstance(terms, Mapping) else terms)
    negated = []
    for number, pair in enumerate(pairs):
        exponent, coefficient = pair
        place = f"term {number}"
        slope = [-finite(v, place) for v in exponent]
        dim = len(slope) if dim is None else dim
        if not _is_plus_infinity(coefficient):
            negated.append((slope, -finite(coefficient, place)))
    if not negated:
        raise AlgebraError("a min-plus polynomial without finite terms is plus infinity: give at least one term")
    denominator = PuiseuxPolynomial(negated, dim)
    return PuiseuxRational(PuiseuxPolynomial.constant(0, denominator.dim), denominator)


def _is_plus_infinity(value: Any) -> bool:
    """Whether a coefficient is the min-plus zero."""
    if isinstance(value, str):
        return value.strip().lower() in ("inf", "+inf")
    return isinstance(value, float) and value == math.inf


def to_min_plus(function: PuiseuxRational) -> tuple[tuple[Term, ...], tuple[Term, ...]]:
    """The same function as a difference of two min-plus polynomials: ``min(first) - min(second)``.

    Since f - g = (-g) - (-f), the first holds the negated terms of the denominator, the second those of the numerator.
    """
    first, second = (
        tuple((tuple(-v for v in exponent), -c) for exponent, c in polynomial.terms)
        for polynomial in (function.denominator, function.numerator)
    )
    if not second:
        raise AlgebraError("the function minus infinity has no min-plus form")
    return first, second


def min_plus_text(function: PuiseuxRational, names: Sequence[str] | None = None) -> str:
    """The min-plus form as text, ``"min(..) - min(..)"``; `tropical.parsing.parse` reads it back.

    Examples
    --------
    >>> x = PuiseuxPolynomial.variable(0, 1)
    >>> min_plus_text(PuiseuxRational(x + PuiseuxPolynomial.constant(0, 1)))
    'min(0) - min(0, -x1)'
    """
    return " - ".join(
        f"min({', '.join(affine_text(*term, names) for term in terms)})" for terms in to_min_plus(function)
    )


__all__ = ["from_min_plus", "min_plus_text", "to_min_plus"]
