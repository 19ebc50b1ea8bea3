"""Interpolation of convex data."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyhedra.errors import AlgebraError
from tests.tropical.polynomial_strategies import law, polynomials, small_rationals
from tropical.interpolation import interpolate


@given(
    polynomials(dim=2, min_terms=1, max_terms=5),
    st.lists(st.tuples(small_rationals, small_rationals), min_size=1, max_size=7, unique=True),
)
@law()
def test_values_of_a_polynomial_are_interpolated(f, x):
    g = interpolate(x, [f(p) for p in x])
    assert all(g(p) == f(p) for p in x)


def test_one_point_and_repeated_points():
    assert interpolate([[1, 2]], [3])([1, 2]) == 3
    assert interpolate([[1], [1], [2]], [3, 3, 0])([1]) == 3


@pytest.mark.parametrize(
    ("points", "values", "message"),
    [
        ([[0], [1], [2]], [0, 1, 0], r"not convex: \(1\) = 1/2 \* \(0\) \+ 1/2 \* \(2\)"),
        ([[0], [0]], [0, 1], "point 1 has the value 1 here and 0 earlier"),
        ([[0]], [0, 1], "2 values for 1 point"),
        ([], [], "no points"),
        ([[0], [0, 1]], [0, 1], "point 1 has 2 coordinates"),
        ([[float("inf")]], [0], "point 0"),
        ([[0]], ["x"], "value 0"),
    ],
)
def test_bad_data_are_refused_with_the_reason(points, values, message):
    with pytest.raises(AlgebraError, match=message):
        interpolate(points, values)
