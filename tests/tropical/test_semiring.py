"""The max-plus semiring: axioms, conversions, bad numbers."""

import pickle
from fractions import Fraction

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from polyhedra.errors import AlgebraError
from tests.tropical.polynomial_strategies import law
from tropical.semiring import MINUS_INFINITY, MinusInfinity, Tropical, finite, scalar, tropical_product, tropical_sum

scalars = st.one_of(st.just(float("-inf")), st.fractions(max_denominator=9), st.floats(-9, 9, allow_nan=False)).map(
    Tropical.of
)


@given(scalars, scalars, scalars)
@law()
def test_semiring_axioms(a, b, c):
    zero, one = Tropical.zero(), Tropical.one()
    assert (a + b) + c == a + (b + c)
    assert a + b == b + a
    assert a + a == a
    assert a + zero == a
    assert (a * b) * c == a * (b * c)
    assert a * b == b * a
    assert a * one == a
    assert a * zero == zero
    assert a * (b + c) == a * b + a * c


@given(scalars, scalars)
@law()
def test_division_undoes_multiplication_and_order_is_the_sum(a, b):
    assert (a <= b) == (a + b == b)
    if b != Tropical.zero():
        assert a * b / b == a


def test_powers_are_multiples():
    assert Tropical.of("1/2") ** 3 == Tropical.of("3/2")
    assert Tropical.of(2) ** "-1/2" == Tropical.of(-1)
    assert Tropical.zero() ** 2 == Tropical.zero()
    assert Tropical.zero() ** 0 == Tropical.one()


def test_minus_infinity_is_one_value_below_all_numbers():
    assert MinusInfinity() is MINUS_INFINITY
    assert pickle.loads(pickle.dumps(MINUS_INFINITY)) is MINUS_INFINITY
    assert fmpq(-(10**30)) > MINUS_INFINITY
    assert fmpq(-(10**30)) > MINUS_INFINITY
    assert not MINUS_INFINITY < MINUS_INFINITY
    assert MINUS_INFINITY + fmpq(5) is MINUS_INFINITY
    assert fmpq(5) + MINUS_INFINITY is MINUS_INFINITY
    assert MINUS_INFINITY == float("-inf") == float(MINUS_INFINITY)


def test_sums_and_products_of_nothing_are_the_neutral_elements():
    assert tropical_sum([]) is MINUS_INFINITY
    assert tropical_product([]) == fmpq(0)
    assert tropical_sum([fmpq(1), MINUS_INFINITY, fmpq(3)]) == fmpq(3)
    assert tropical_product([fmpq(1), MINUS_INFINITY]) is MINUS_INFINITY


def test_floats_enter_by_their_exact_value():
    assert scalar(0.1) == fmpq(*(0.1).as_integer_ratio())
    assert scalar("0.1") == fmpq(1, 10)
    assert scalar(Fraction(1, 3)) == fmpq(1, 3)
    assert scalar("-inf") is scalar(float("-inf")) is MINUS_INFINITY


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), "seven", None, "inf"])
def test_what_is_no_number_of_the_semiring_is_refused(bad):
    with pytest.raises(AlgebraError):
        scalar(bad)


def test_finite_names_the_culprit():
    with pytest.raises(AlgebraError, match=r"exponent of term 3.*not finite"):
        finite(float("inf"), "exponent of term 3")


def test_no_division_by_the_tropical_zero():
    with pytest.raises(AlgebraError, match="tropical zero"):
        Tropical.of(1) / Tropical.zero()
    with pytest.raises(AlgebraError, match="negative power"):
        Tropical.zero() ** -1


def test_ordinary_numbers_are_operands_too():
    two = Tropical.of(2)
    assert two + 3 == 3 + two == Tropical.of(3)
    assert two * Fraction(1, 2) == "1/2" * two == Tropical.of("5/2")
    assert two / 3 == Tropical.of(-1)
    assert 3 / two == Tropical.of(1)
    assert two + float("-inf") == two
    assert two < 3 <= Tropical.of(3)
    assert two > 1
    assert two >= MINUS_INFINITY
    with pytest.raises(AlgebraError, match="division by the tropical zero"):
        two / "-inf"
    for operation in (two.__add__, two.__mul__, two.__truediv__, two.__lt__, two.__le__):
        with pytest.raises(AlgebraError, match="not a max-plus number"):
            operation([1])


def test_a_tropical_number_is_a_number_elsewhere():
    assert finite(Tropical.of(5)) == 5
    with pytest.raises(AlgebraError, match="point: minus infinity is not finite"):
        finite(MINUS_INFINITY, "point")


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=5))
@law()
def test_the_sum_of_python_is_the_maximum_or_is_refused(values):
    tropical = [Tropical.of(v) for v in values]
    assert sum(tropical, Tropical.zero()) == Tropical.of(max(values))
    if values[0] >= 0:
        assert sum(tropical) == max(values)
    else:
        with pytest.raises(AlgebraError, match=r"write sum\(values, Tropical.zero\(\)\)"):
            sum(tropical)


def test_plain_numbers_compare_and_hash_like_tropical_ones():
    assert Tropical.of(1) == 1 == Tropical.of("1")
    assert Tropical.of("1/2") == Fraction(1, 2) == Tropical.of(0.5)
    assert Tropical.of(1) != 2
    assert Tropical.of(1) != "1"
    assert Tropical.of(1) != float("nan")
    assert Tropical.zero() == float("-inf")
    assert Tropical.zero() == MINUS_INFINITY
    assert {1: "a"}[Tropical.of(1)] == "a"
    assert {Tropical.of("1/2"): "b"}[Fraction(1, 2)] == "b"
    assert float(Tropical.of("1/4")) == 0.25
    assert float(Tropical.zero()) == float("-inf")
    assert 0 + Tropical.of(2) == 2
    assert 0.5 + Tropical.of(-1) == 0.5
    assert Tropical.of(-1) + 0 == 0
