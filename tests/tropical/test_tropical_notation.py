"""Tropical notation against arithmetic with `Tropical` numbers, and what is refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyhedra.errors import AlgebraError
from polyhedra.scalars import rational
from tests.tropical.polynomial_strategies import law
from tropical import parse_tropical
from tropical.semiring import Tropical

numbers = st.integers(-3, 3)


def joined(pair):
    """A formula and its value from two formulas with values."""
    (left, a), operator, (right, b) = pair
    value = {"+": a + b, "*": a * b, "/": a / b, "": a * b}[operator]
    return f"({left} {operator} {right})", value


def formulas(x, y):
    """Formulas in x and y with their values at one point, computed with tropical numbers as they are written."""
    atoms = st.one_of(
        numbers.map(lambda n: (f"({n})", Tropical.of(n))),
        st.sampled_from([("x", Tropical.of(x)), ("y", Tropical.of(y))]),
    )
    return st.recursive(
        atoms,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["+", "*", "/", ""]), inner).map(joined),
            st.tuples(inner, numbers).map(lambda t: (f"({t[0][0]})^{t[1]}", t[0][1] ** t[1])),
        ),
        max_leaves=6,
    )


@given(st.data(), numbers, numbers)
@law(50)
def test_the_value_is_that_of_arithmetic_with_tropical_numbers(data, x, y):
    text, value = data.draw(formulas(x, y))
    assert parse_tropical(text, names=["x", "y"])([x, y]) == value.value
    # minimum and maximum change places when all numbers change sign
    negated, opposite = data.draw(formulas(-x, -y))
    exchanged = re.sub(r"\((-?\d)\)", lambda match: f"({-int(match[1])})", negated)
    assert parse_tropical(exchanged, names=["x", "y"], convention="min")([x, y]) == -opposite.value


@pytest.mark.parametrize(
    ("text", "x", "value"),
    [
        ("0*x1^2 + 1*x1*x2 + 2", (3, 4), 8),
        ("x_1^(1/2) + -inf*x_2", (3, 4), "3/2"),
        ("2^3 x1", (3, 4), 9),
        ("{x1 + x2}^2/(-1)", (3, 4), 9),
        ("1/2", (3, 4), "1/2"),
        ("(-1/3)*x1 + -1//3 x2", (3, 4), "11/3"),
        ("x1/2/x2", (3, 4), -3),
        ("(1)/(2)", (3, 4), -1),
    ],
)
def test_values(text, x, value):
    assert parse_tropical(text, 2)(x) == rational(value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x1 - x2", "should end or go on"),
        ("-x1", "a sign belongs to a number"),
        ("max(x1, x2)", "read this formula with parse"),
        ("x1^x2", "an exponent is a number"),
        ("x1^(1/0)", "division by zero"),
        ("x1/-inf", "division by an infinite number"),
        ("(-inf)^-1", "an infinite number has no power"),
        ("z", "unknown"),
        ("", "too early"),
        ("+".join(f"(x{i}+x1)*(x{i}+0)" for i in range(1, 5)) + "^200000)", "should end"),
        ("*".join(f"(x{i}+0)" for i in range(1, 25)), "more than 100000 terms"),
    ],
)
def test_bad_formulas_are_refused(text, reason):
    with pytest.raises(AlgebraError, match=reason):
        parse_tropical(text)


def test_conventions():
    with pytest.raises(AlgebraError, match="'max' or 'min'"):
        parse_tropical("x1", convention="plus")
    with pytest.raises(AlgebraError, match="no number of the min convention"):
        parse_tropical("x1 + -inf", convention="min")
    with pytest.raises(AlgebraError, match="no number of the max convention"):
        parse_tropical("x1 + inf")
    with pytest.raises(AlgebraError, match="plus infinity everywhere"):
        parse_tropical("inf*x1", convention="min")
    assert str(parse_tropical("x1 + 1", convention="min")) == "0 - max(-1, -x1)"
    assert parse_tropical("infinity*x1^2 + x1 + 1 + inf", convention="min") == parse_tropical(
        "x1 + 1", convention="min"
    )
    assert parse_tropical("-inf*x1^2 + x1 + 1") == parse_tropical("x1 + 1")
    assert parse_tropical("-inf*x1").is_zero
