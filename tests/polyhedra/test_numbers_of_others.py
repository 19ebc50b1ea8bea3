"""Numbers of other libraries: exact values, or one clear error; never a silent rounding of an irrational number."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy

from polyhedra.errors import GeometryError
from polyhedra.scalars import rational, to_fraction


@pytest.mark.parametrize(
    ("value", "exact"),
    [
        (sympy.Rational(1, 3), Fraction(1, 3)),
        (sympy.Integer(-4), Fraction(-4)),
        (sympy.sqrt(4), Fraction(2)),
        (sympy.Float(0.1), Fraction(0.1)),
        (sympy.Float("0.1", 50) - sympy.Rational(1, 10), Fraction(0)),
        (-sympy.Float(2.5), Fraction(-5, 2)),
        (mpmath.mpf(0.1), Fraction(0.1)),
        (np.longdouble(0.5), Fraction(1, 2)),
        (np.float32(0.1), Fraction(13421773, 134217728)),
        (np.array(2), Fraction(2)),
    ],
)
def test_exact_values(value, exact):
    assert to_fraction(rational(value)) == exact


def test_a_long_float_of_sympy_is_not_rounded():
    third = to_fraction(rational(sympy.Float(sympy.Rational(1, 3), 60)))
    assert 0 < abs(third - Fraction(1, 3)) < Fraction(1, 10**60)


X = sympy.Symbol("x")


@pytest.mark.parametrize(
    "value",
    [sympy.sqrt(2), sympy.pi, sympy.E, X, X + 1, sympy.oo, sympy.nan, sympy.zoo, sympy.I, sympy.sin(1)],
    ids=str,
)
def test_other_expressions_of_sympy_are_refused_in_one_line(value):
    with pytest.raises(GeometryError, match="is not a rational number; give a fraction") as caught:
        rational(value)
    assert "\n" not in str(caught.value)


ODD = [mpmath.inf, mpmath.nan, mpmath.ldexp(1, 10**9), complex(1, 2), np.ones(1), [1], None, object()]


@pytest.mark.parametrize("value", ODD, ids=[f"{k}-{type(value).__name__}" for k, value in enumerate(ODD)])
def test_what_is_no_finite_number_is_refused(value):
    with pytest.raises(GeometryError):
        rational(value)


@pytest.mark.parametrize("text", ["1e10000", "1.e10000", "-1.5e-123456789", "+.5E+99999/3"])
def test_exponents_that_are_too_large_are_said_to_be(text: str) -> None:
    with pytest.raises(GeometryError, match="has an exponent beyond 9999"):
        rational(text)


def test_texts_that_are_too_long_are_said_to_be() -> None:
    assert rational("9" * 100_000) == 10**100_000 - 1
    with pytest.raises(GeometryError, match="has more than 100,000 characters"):
        rational("9" * 100_001)


@pytest.mark.parametrize("text", ["", ".", "+", "e10000", "xe10000", "1e", "1e+", "1 e10000"])
def test_other_texts_are_no_numbers(text: str) -> None:
    with pytest.raises(GeometryError, match="is not a number"):
        rational(text)
