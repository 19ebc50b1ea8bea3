"""The number field: exact rationals, and the one border at which floats become rationals.

A float enters by its exact dyadic value (0.1 is 3602879701896397/2**55), a decimal or fraction written as text by the
value it denotes ("0.1" is 1/10).  Everything else in the project that needs an exact number asks here, so that no other
module decides what a number is.
"""

from __future__ import annotations

import math
import numbers
import re
import sys
from collections.abc import Iterable, Sequence
from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, Context, Decimal, localcontext
from fractions import Fraction
from typing import Any

from flint import fmpq, fmpz

from polyhedra.errors import GeometryError
from polyhedra.quoting import quoted, shown

Rational = fmpq
"""The exact rational type of the project (python-flint's ``fmpq``)."""

ZERO = fmpq(0)
ONE = fmpq(1)

_TEXT = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?(?:/(\d+))?", re.ASCII)
_MAX_TEXT = 100_000  # characters; a number longer than this in a file is an attack or an accident


def rational(value: Any) -> fmpq:
    """Convert one number to an exact rational.

    Parameters
    ----------
    value : int, float, str, Fraction, Decimal, numpy scalar, sympy Rational or fmpq
        A float (of any width) stands for its exact binary value, a string for the decimal or fraction that it denotes.

    Raises
    ------
    GeometryError
        The value is NaN or infinite, irrational, or no number.

    Examples
    --------
    >>> rational("0.1"), rational(0.5), rational(0.1) == rational("0.1")
    (1/10, 1/2, False)
    """
    kind = type(value)
    if kind is fmpq:
        return value
    if kind is int:
        return fmpq(value)
    if kind is float:
        return _from_float(value)
    if isinstance(value, str):
        return _from_text(value)
    if isinstance(value, fmpz):
        return fmpq(value)
    if isinstance(value, (bool, numbers.Integral)):
        return fmpq(int(value))
    if isinstance(value, (Fraction, numbers.Rational)):
        return fmpq(int(value.numerator), int(value.denominator))
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise GeometryError(f"the number {shown(value)} is not finite")
        return fmpq(*value.as_integer_ratio())
    if hasattr(value, "as_integer_ratio"):
        try:
            numerator, denominator = value.as_integer_ratio()
        except (OverflowError, ValueError):
            raise GeometryError(f"the number {shown(value)} is not finite") from None
        return fmpq(int(numerator), int(denominator))
    if hasattr(value, "p") and hasattr(value, "q"):  # sympy.Rational, without importing sympy
        return fmpq(int(value.p), int(value.q))
    if hasattr(value, "_mpf_"):  # sympy.Float and mpmath.mpf, binary numbers of any precision
        return _from_mpf(value)
    if hasattr(value, "is_rational"):  # any other expression of sympy: sqrt(2), pi, x, an infinity
        raise GeometryError(f"{shown(value)} (of sympy) is not a rational number; give a fraction, or float(..) of it")
    if hasattr(value, "__float__"):
        try:
            return _from_float(float(value))
        except (TypeError, ValueError, OverflowError):
            pass
    raise GeometryError(
        f"{quoted(value) if isinstance(value, str) else shown(value)} (of type {kind.__name__}) is not a number"
    )


def _from_float(value: float) -> fmpq:
    if not math.isfinite(value):
        raise GeometryError(f"the number {shown(value)} is not finite")
    return fmpq(*value.as_integer_ratio())


def _from_mpf(value: Any) -> fmpq:
    sign, mantissa, exponent, _ = value._mpf_
    if not mantissa and exponent:
        raise GeometryError(f"the number {shown(value)} is not finite")
    if abs(exponent) > _MAX_TEXT:
        raise GeometryError(f"the number {shown(value)} has an exponent of more than {_MAX_TEXT:,}")
    size = fmpq(int(mantissa)) * fmpq(2) ** int(exponent)
    return -size if sign else size


def _from_text(text: str) -> fmpq:
    stripped = text.strip()
    match = _TEXT.fullmatch(stripped) if len(stripped) <= _MAX_TEXT else None
    if match is None or not (match[2] or match[3]):
        raise GeometryError(f"{quoted(stripped, 40)} {_refusal(stripped)}")
    sign, whole, decimals, exponent, denominator = match.groups(default="")
    # fmpz reads digits of any length; int() refuses more than 4300 of them
    divisor = fmpz(denominator or "1")
    if divisor == 0:
        raise GeometryError(f"{quoted(stripped, 40)} divides by zero")
    value = fmpq(fmpz(whole + decimals), divisor)
    shift = int(exponent or 0) - len(decimals)
    value = value * fmpz(10) ** shift if shift >= 0 else value / fmpz(10) ** -shift
    return -value if sign == "-" else value


def _refusal(text: str) -> str:
    """Why a text is no number that is read."""
    if len(text) > _MAX_TEXT:
        return f"has more than {_MAX_TEXT:,} characters; no number that is read has"
    shorter, found = re.subn(r"([\d.][eE][+-]?)\d{5,}", r"\g<1>1", text, count=1)
    if found and _TEXT.fullmatch(shorter):
        return "has an exponent beyond 9999; no number that is read has"
    return "is not a number; write an integer, a decimal or a fraction such as -3/4"


def rationals(values: Iterable[Any]) -> tuple[fmpq, ...]:
    """Convert a sequence of numbers, exactly: a tuple of rationals."""
    return tuple(rational(value) for value in values)


def rational_rows(rows: Iterable[Iterable[Any]]) -> tuple[tuple[fmpq, ...], ...]:
    """Convert a matrix, given row by row, exactly: a tuple of tuples of rationals."""
    return tuple(rationals(row) for row in rows)


def to_float(value: fmpq) -> float:
    """The nearest float64 (round half to even); infinite where the rational is out of range."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def rounded_text(value: fmpq, digits: int) -> str:
    """A rational rounded to so many digits, as ``format(.., ".4g")`` writes floats, of any size.

    Examples
    --------
    >>> rounded_text(rational("1/3"), 4), rounded_text(rational("-1e400") / 3, 4), rounded_text(rational("1e-999"), 4)
    ('0.3333', '-3.333e+399', '1e-999')
    """
    number = to_float(value)
    if value == 0 or sys.float_info.min <= abs(number) < math.inf:
        return f"{number:.{digits}g}"
    with localcontext(Context(prec=digits, Emax=MAX_EMAX, Emin=MIN_EMIN)):
        quotient = Decimal(int(value.p)) / Decimal(int(value.q))
        return str(quotient.normalize()).replace("E", "e")


def rounded_up(value: fmpq, digits: int) -> str:
    """The least decimal of so many digits that is at least a rational.

    Examples
    --------
    >>> rounded_up(rational("1/3"), 3), rounded_up(rational("-1/3"), 3), rounded_up(rational("1/4"), 3)
    ('0.334', '-0.333', '0.25')
    """
    with localcontext(Context(prec=digits, Emax=MAX_EMAX, Emin=MIN_EMIN, rounding=ROUND_CEILING)):
        quotient = Decimal(int(value.p)) / Decimal(int(value.q))
        return f"{quotient.normalize():f}" if -6 <= quotient.adjusted() <= digits else str(quotient).replace("E", "e")


def to_fraction(value: fmpq) -> Fraction:
    """The same number as a ``fractions.Fraction`` (for the borders of the library only)."""
    return Fraction(int(value.p), int(value.q))


def to_text(value: fmpq) -> str:
    """The canonical text of a rational, ``"-3/4"`` or ``"2"``, which `rational` reads back."""
    return str(value)


def decimal_text(value: fmpq) -> str:
    """A rational as an exact decimal where it has one, else as a fraction.

    Examples
    --------
    >>> decimal_text(fmpq(-5, 4)), decimal_text(fmpq(3)), decimal_text(fmpq(1, 3))
    ('-1.25', '3', '1/3')
    """
    rest, places = int(value.q), 0
    for prime in (2, 5):
        count = 0
        while rest % prime == 0:
            rest, count = rest // prime, count + 1
        places = max(places, count)
    if rest != 1 or not places:
        return to_text(value)
    digits = str(abs(value.p) * (10**places // value.q)).rjust(places + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def common_denominator(values: Iterable[fmpq]) -> int:
    """The least common multiple of the denominators (1 for no values)."""
    return math.lcm(1, *(int(value.q) for value in values))


def primitive(values: Sequence[fmpq]) -> tuple[int, ...]:
    """The integer vector without common factor that is a positive multiple of a rational vector.

    Examples
    --------
    >>> primitive(rationals(["1/2", "-3/4", 0]))
    (2, -3, 0)
    """
    scale = common_denominator(values)
    return coprime([int(value.p) * (scale // int(value.q)) for value in values])


def coprime(integers: Sequence[int]) -> tuple[int, ...]:
    """An integer vector divided by its greatest common factor.

    Examples
    --------
    >>> coprime([4, -6, 0])
    (2, -3, 0)
    """
    divisor = math.gcd(*integers)
    return tuple(integers) if divisor <= 1 else tuple(value // divisor for value in integers)
