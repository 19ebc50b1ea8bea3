"""Formulas as MathML, which browsers set without any library: max-plus polynomials and their differences.

Exact numbers with many digits are shown rounded, and then the formula says ≈; the
exact formula is for other forms (`tropical.printing`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from flint import fmpq

from polyhedra.scalars import rounded_text
from tropical.polynomial import PuiseuxPolynomial
from tropical.rational import PuiseuxRational

_MOST_DIGITS = 6  # of a numerator or denominator that is written out
_IN_A_ROW = 3  # terms; more stand below one another


def number_mathml(value: fmpq) -> str:
    """A non-negative rational: a whole number, a short fraction, or a rounded decimal.

    Examples
    --------
    >>> number_mathml(fmpq(1, 3))
    '<mfrac><mn>1</mn><mn>3</mn></mfrac>'
    """
    top, bottom = str(value.p), str(value.q)
    if max(len(top), len(bottom)) > _MOST_DIGITS:
        return _rounded(value)
    return f"<mn>{top}</mn>" if bottom == "1" else f"<mfrac><mn>{top}</mn><mn>{bottom}</mn></mfrac>"


def _rounded(value: fmpq) -> str:
    """Four digits, with a power of ten where the number is large or small, of any size."""
    size = math.log10(int(value.p)) - math.log10(int(value.q))
    if -4 <= size < 6:
        return f"<mn>{rounded_text(value, 4)}</mn>"
    power = math.floor(size)
    return f"<mn>{10 ** (size - power):.4g}</mn><mo>·</mo><msup><mn>10</mn><mn>{power}</mn></msup>"


def is_rounded(value: fmpq) -> bool:
    """Whether `number_mathml` rounds a number."""
    return max(len(str(abs(value.p))), len(str(value.q))) > _MOST_DIGITS


def affine_mathml(exponent: Sequence[fmpq], coefficient: fmpq, variable: str = "x") -> str:
    """One affine function."""
    parts = []
    for number, value in enumerate(exponent, 1):
        if value:
            name = f"<msub><mi>{variable}</mi><mn>{number}</mn></msub>"
            parts.append((value < 0, name if abs(value) == 1 else f"{number_mathml(abs(value))}{name}"))
    if coefficient or not parts:
        parts.append((coefficient < 0, number_mathml(abs(coefficient))))
    text = ""
    for place, (negative, part) in enumerate(parts):
        sign = "−" if negative else "+" if place else ""
        text += f"<mo>{sign}</mo>{part}" if sign else part
    return f"<mrow>{text}</mrow>"


def polynomial_mathml(polynomial: PuiseuxPolynomial, variable: str = "x") -> str:
    """A maximum; its terms in a row where they are few, else below one another."""
    terms = [affine_mathml(*term, variable) for term in sorted(polynomial.terms, reverse=True)]
    if not terms:
        return "<mrow><mo>−</mo><mi>∞</mi></mrow>"
    if len(terms) == 1:
        return terms[0]
    if len(terms) <= _IN_A_ROW:
        inside = "<mo>,</mo>".join(terms)
        return f"<mrow><mi>max</mi><mo>(</mo>{inside}<mo>)</mo></mrow>"
    rows = "".join(f'<mtr><mtd style="text-align: left">{term}</mtd></mtr>' for term in terms)
    return f'<mrow><mi>max</mi><mspace width="0.3em"/><mtable class="terms" displaystyle="true">{rows}</mtable></mrow>'


def rational_mathml(rational: PuiseuxRational, name: str = "<mi>y</mi>", variable: str = "x") -> str:
    """``name = numerator - denominator`` as a block formula; the name is MathML."""
    right = polynomial_mathml(rational.numerator, variable)
    if not rational.denominator_is_one:
        below = polynomial_mathml(rational.denominator, variable)
        right += f"<mo>−</mo>{below}" if len(rational.denominator) > 1 else f"<mo>−</mo><mo>(</mo>{below}<mo>)</mo>"
    equal = "≈" if any(map(is_rounded, _numbers(rational))) else "="
    return f'<math display="block"><mrow>{name}<mo>{equal}</mo>{right}</mrow></math>'


def _numbers(rational: PuiseuxRational) -> list[fmpq]:
    polynomials = (rational.numerator, rational.denominator)
    return [value for p in polynomials for exponent, constant in p.terms for value in (*exponent, constant)]
