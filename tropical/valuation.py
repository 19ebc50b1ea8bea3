"""Polynomials over a valued field: tropicalization, initial forms, and the valuations of roots.

Three valuations: p-adic and trivial on Q, and the order in t on Q(t) and on Puiseux series with finitely
many terms.  The tropical polynomial of ``f = sum c_a x^a`` is ``min_a (v(c_a) + a.w)`` in the min convention and
``max_a (-v(c_a) + a.w)`` in the max convention; w in the one is -w in the other, and callers say which they mean.

D. Maclagan and B. Sturmfels, *Introduction to Tropical Geometry* (2015), sections 2.1, 2.4 and 3.1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from flint import fmpq, fmpz

from polyhedra.errors import AlgebraError
from polyhedra.plurals import counted
from polyhedra.quoting import quoted
from polyhedra.scalars import ZERO
from tropical.min_plus import from_min_plus
from tropical.polynomial import Exponent, PuiseuxPolynomial
from tropical.rational import PuiseuxRational
from tropical.semiring import finite

Convention = Literal["min", "max"]

Valued = tuple[fmpq, fmpq]
"""The valuation of a number that is not 0, and its leading coefficient (an integer 0 < r < p for p-adic ones)."""


@dataclass(frozen=True, slots=True)
class Trivial:
    """The trivial valuation on Q: 0 for every number but 0."""

    def read(self, value: Any, place: str = "coefficient") -> Valued | None:
        """The valuation and the number itself; None for 0."""
        number = _number(value, place)
        return (ZERO, number) if number else None


@dataclass(frozen=True, slots=True)
class PAdic:
    """The p-adic valuation on Q.

    Raises
    ------
    AlgebraError
        p is no prime number.

    Examples
    --------
    >>> PAdic(3).read("18/5")
    (2, 1)
    """

    p: int

    def __post_init__(self) -> None:
        if not isinstance(self.p, int) or self.p < 2 or not fmpz(self.p).is_prime():
            raise AlgebraError(f"a p-adic valuation needs a prime number, not {quoted(self.p)}")

    def read(self, value: Any, place: str = "coefficient") -> Valued | None:
        """The valuation v and the residue of ``value / p^v`` modulo p; None for 0."""
        number = _number(value, place)
        if not number:
            return None
        up, numerator = self._remove(int(number.p))
        down, denominator = self._remove(int(number.q))
        return fmpq(up - down), fmpq(numerator * pow(denominator, -1, self.p) % self.p)

    def _remove(self, number: int) -> tuple[int, int]:
        count = 0
        while number % self.p == 0:
            number //= self.p
            count += 1
        return count, number


@dataclass(frozen=True, slots=True)
class TAdic:
    """The order at t = 0 on Q(t) and on finite Puiseux series.

    Parameters
    ----------
    variable : sympy.Symbol or None
        The symbol t of coefficients that are sympy expressions; pairs and plain numbers need none.

    Examples
    --------
    >>> import sympy
    >>> t = sympy.Symbol("t")
    >>> TAdic(t).read((3 * t**2 + t**3) / (2 * sympy.sqrt(t))), TAdic().read([(5, "1/2"), (1, 2)])
    ((3/2, 3/2), (1/2, 5))
    """

    variable: Any = None

    def read(self, value: Any, place: str = "coefficient") -> Valued | None:
        """The order and the leading coefficient of a number, an expression in t, or pairs (coefficient, exponent)."""
        if getattr(value, "free_symbols", None):
            return self._of_expression(value, place)
        if isinstance(value, list | tuple):
            totals: dict[fmpq, fmpq] = {}
            for pair in value:
                if not isinstance(pair, list | tuple) or len(pair) != 2:
                    raise AlgebraError(f"{place}: {quoted(pair)} is no pair (coefficient, exponent)")
                exponent = finite(pair[1], place)
                totals[exponent] = totals.get(exponent, ZERO) + finite(pair[0], place)
            left = [exponent for exponent, total in totals.items() if total]
            return (min(left), totals[min(left)]) if left else None
        number = _number(value, place)
        return (ZERO, number) if number else None

    def _of_expression(self, value: Any, place: str) -> Valued | None:
        import sympy

        t = self.variable
        strangers = sorted(str(symbol) for symbol in value.free_symbols if symbol != t)
        if strangers:
            raise AlgebraError(f"{place}: {quoted(strangers[0])} is not the variable of the valuation, {quoted(t)}")
        exact = value.xreplace({x: sympy.Rational(x) for x in value.atoms(sympy.Float)})
        powers = [power.exp for power in exact.atoms(sympy.Pow) if power.base == t]
        root = math.lcm(*(int(e.q) for e in powers if e.is_Rational))
        s = sympy.Symbol("s", positive=True)
        top, bottom = sympy.fraction(sympy.together(exact.subs(t, s**root)))
        try:
            numerator, denominator = (sympy.Poly(part, s, domain="QQ") for part in (top, bottom))
        except sympy.PolynomialError:
            raise AlgebraError(
                f"{place}: {quoted(value)} is no quotient of sums of rational powers of {quoted(t)} with rational "
                "coefficients"
            ) from None
        except sympy.polys.polyerrors.CoercionFailed:
            raise AlgebraError(f"{place}: {quoted(value)} has a coefficient that is not rational") from None
        if denominator.is_zero:
            raise AlgebraError(f"{place}: {quoted(value)} divides by zero")
        if numerator.is_zero:
            return None
        (up, a), (down, b) = ((part.monoms()[-1][0], part.coeffs()[-1]) for part in (numerator, denominator))
        return fmpq(int(up) - int(down), root), finite(a, place) / finite(b, place)


Valuation = Trivial | PAdic | TAdic


def valued_terms(
    polynomial: Any, valuation: Valuation, variables: Sequence[Any] | None = None
) -> dict[Exponent, Valued]:
    """The terms of a polynomial whose coefficients are not 0, each with its valuation and leading coefficient.

    Parameters
    ----------
    polynomial : mapping from exponent to coefficient, iterable of such pairs, or sympy expression or Poly
        Text is not read: parse it with sympy where its source is trusted.
    valuation : Trivial, PAdic or TAdic
    variables : sequence of sympy symbols
        The variables of a sympy expression, in order.
    """
    if not isinstance(valuation, Trivial | PAdic | TAdic):
        raise AlgebraError(f"{quoted(valuation)} is no valuation; take Trivial(), PAdic(p) or TAdic(t)")
    result: dict[Exponent, Valued] = {}
    for number, (exponent, coefficient) in enumerate(_pairs(polynomial, variables)):
        read = valuation.read(coefficient, f"coefficient of term {number}")
        key = tuple(finite(v, f"exponent of term {number}") for v in exponent)
        if key in result:
            raise AlgebraError(f"term {number} repeats the exponent {quoted(key)}; add its coefficients first")
        if read is not None:
            result[key] = read
    if not result:
        raise AlgebraError("the polynomial 0 has no tropical polynomial; give a coefficient that is not 0")
    return result


def tropicalize_max(polynomial: Any, valuation: Valuation, variables: Sequence[Any] | None = None) -> PuiseuxPolynomial:
    """The tropical polynomial in the max convention, ``max_a (-v(c_a) + a.w)``; parameters as `valued_terms`.

    Examples
    --------
    >>> print(tropicalize_max({(1, 0): 6, (0, 1): "1/2", (0, 0): 1}, PAdic(2)))
    max(x1 - 1, x2 + 1, 0)
    """
    terms = valued_terms(polynomial, valuation, variables)
    return PuiseuxPolynomial([(exponent, -value) for exponent, (value, _) in terms.items()])


def tropicalize_min(polynomial: Any, valuation: Valuation, variables: Sequence[Any] | None = None) -> PuiseuxRational:
    """The tropical polynomial in the min convention, ``min_a (v(c_a) + a.w)``; parameters as `valued_terms`.

    Examples
    --------
    >>> from tropical.min_plus import min_plus_text
    >>> f = tropicalize_min({(1, 0): 6, (0, 1): "1/2", (0, 0): 1}, PAdic(2))
    >>> f([0, 0]), f([0, 5])
    (-1, 0)
    """
    terms = valued_terms(polynomial, valuation, variables)
    return from_min_plus([(exponent, value) for exponent, (value, _) in terms.items()])


def initial_form(
    polynomial: Any,
    point: Sequence[Any],
    valuation: Valuation,
    variables: Sequence[Any] | None = None,
    *,
    convention: Convention,
) -> dict[Exponent, fmpq]:
    """The initial form at a point: the terms that attain the optimum, with the leading parts of their coefficients.

    For a p-adic valuation these are residues modulo p, otherwise rational numbers.  The point lies on the tropical
    hypersurface iff there are at least two terms.

    Parameters
    ----------
    polynomial, valuation, variables
        As `valued_terms`.
    point : sequence of numbers
    convention : "min" or "max"
        Which tropical polynomial the point belongs to.

    Examples
    --------
    >>> initial_form({(1,): 6, (0,): 4}, [1], PAdic(2), convention="min")
    {(0,): 1, (1,): 1}
    """
    if convention not in ("min", "max"):
        raise AlgebraError(f"there is no convention {quoted(convention)}; take 'min' or 'max'")
    terms = valued_terms(polynomial, valuation, variables)
    sign = 1 if convention == "min" else -1
    w = [sign * finite(v, "point") for v in point]
    values = {}
    for exponent, (value, _) in terms.items():
        if len(exponent) != len(w):
            raise AlgebraError(
                f"a point with {counted(len(w), 'coordinate')} does not fit exponents of length {len(exponent)}"
            )
        values[exponent] = sum((a * x for a, x in zip(exponent, w, strict=True)), value)
    least = min(values.values())
    return {exponent: terms[exponent][1] for exponent in sorted(values) if values[exponent] == least}


def root_valuations(
    polynomial: Any, valuation: Valuation, variables: Sequence[Any] | None = None
) -> tuple[tuple[fmpq | float, int], ...]:
    """The valuations of the roots of a polynomial in one variable with their multiplicities, by the Newton polygon.

    The roots are those in an algebraic closure; the root 0 has the valuation plus infinity.

    Examples
    --------
    >>> root_valuations({(2,): 1, (1,): -6, (0,): 8}, PAdic(2))
    ((1, 1), (2, 1))
    """
    terms = valued_terms(polynomial, valuation, variables)
    if any(len(exponent) != 1 or exponent[0].q != 1 or exponent[0] < 0 for exponent in terms):
        raise AlgebraError("roots need a polynomial in one variable with exponents 0, 1, 2, ...")
    hull: list[tuple[fmpq, fmpq]] = []
    for (x,), (y, _) in sorted(terms.items()):
        while len(hull) > 1 and _turns_down(hull[-2], hull[-1], (x, y)):
            hull.pop()
        hull.append((x, y))
    found: list[tuple[fmpq | float, int]] = [
        ((a[1] - b[1]) / (b[0] - a[0]), int((b[0] - a[0]).p)) for a, b in pairwise(hull)
    ]
    found.reverse()
    return (*found, (math.inf, int(hull[0][0].p))) if hull[0][0] else tuple(found)


def _number(value: Any, place: str) -> fmpq:
    """A rational number; sympy's irrational ones, which have a float value too, are refused."""
    if hasattr(value, "free_symbols") and not (value.is_Rational or value.is_Float):
        raise AlgebraError(f"{place}: {quoted(value)} is not rational")
    return finite(value, place)


def _turns_down(a: tuple[fmpq, fmpq], b: tuple[fmpq, fmpq], c: tuple[fmpq, fmpq]) -> bool:
    """Whether b lies on or above the segment from a to c."""
    return bool((b[1] - a[1]) * (c[0] - a[0]) >= (c[1] - a[1]) * (b[0] - a[0]))


def _pairs(polynomial: Any, variables: Sequence[Any] | None) -> Iterable[tuple[Sequence[Any], Any]]:
    if isinstance(polynomial, Mapping):
        return list(polynomial.items())
    if hasattr(polynomial, "free_symbols"):
        import sympy

        if isinstance(polynomial, sympy.Poly) and variables is None:
            return list(zip(polynomial.monoms(), polynomial.coeffs(), strict=True))
        if not variables:
            raise AlgebraError("a sympy expression needs its variables: give variables=[x, ..]")
        try:
            poly = sympy.Poly(sympy.expand(sympy.sympify(polynomial).as_expr()), *variables)
        except sympy.PolynomialError:
            raise AlgebraError(f"{quoted(polynomial)} is no polynomial in {quoted(list(variables))}") from None
        return list(zip(poly.monoms(), poly.coeffs(), strict=True))
    if isinstance(polynomial, str | bytes) or not isinstance(polynomial, Iterable):
        raise AlgebraError(
            f"{quoted(polynomial)} is no polynomial; give {{exponent: coefficient}} or a sympy expression"
        )
    pairs = list(polynomial)
    for number, pair in enumerate(pairs):
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not isinstance(pair[0], list | tuple):
            raise AlgebraError(f"term {number}: {quoted(pair)} is no pair (exponent, coefficient)")
    return pairs


__all__ = [
    "PAdic",
    "TAdic",
    "Trivial",
    "initial_form",
    "root_valuations",
    "tropicalize_max",
    "tropicalize_min",
    "valued_terms",
]
