"""Rationals to floats: always the nearest."""

import math
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from polyhedra.scalars import rational, to_float


@given(st.integers(-(10**40), 10**40), st.integers(1, 10**40))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_the_nearest_float(numerator, denominator):
    exact = Fraction(numerator, denominator)
    assert to_float(rational(exact)) == float(exact)


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_floats_come_back(value):
    assert to_float(rational(value)) == value


def test_out_of_range():
    assert to_float(rational(10) ** 400) == math.inf
    assert to_float(-(rational(10) ** 400)) == -math.inf
    assert to_float(1 / rational(10) ** 400) == 0.0
