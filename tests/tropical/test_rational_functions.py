"""Tropical rational functions: algebra, composition, equality as functions, bad input."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyhedra.errors import AlgebraError
from polyhedra.scalars import rational
from tests.tropical.polynomial_strategies import law, points, rational_functions
from tropical import MINUS_INFINITY, PuiseuxPolynomial, PuiseuxRational


@given(rational_functions(dim=2), rational_functions(dim=2), points(2))
@law()
def test_evaluation_is_a_homomorphism(f, g, x):
    assert (f + g)(x) == max(f(x), g(x))
    assert (f * g)(x) == f(x) + g(x)
    assert (f / g)(x) == f(x) - g(x)


@given(rational_functions(dim=2), st.fractions(min_value=-3, max_value=3, max_denominator=4), points(2))
@law()
def test_powers_multiply_the_value(f, r, x):
    assert (f**r)(x) == rational(r) * f(x)


@given(rational_functions(dim=2, max_terms=3), st.lists(rational_functions(dim=1, max_terms=2), min_size=2, max_size=2))
@law()
def test_composition_is_substitution_of_values(f, inner):
    composed = f.compose(inner)
    for x in ([0], ["1/3"], [-2], [5]):
        assert composed(x) == f([g(x) for g in inner])


@given(rational_functions(dim=2, max_terms=3))
@law(50)
def test_equality_as_functions(f):
    one = PuiseuxPolynomial({(1, 0): 1, (0, -1): 0})
    expanded = PuiseuxRational(f.numerator * one, f.denominator * one)
    assert f.same_function(expanded)
    assert f.pruned().same_function(f)
    moved = PuiseuxRational(f.numerator.shift((0, 0), 1), f.denominator)
    assert f(f.point_of_difference(moved)) != moved(f.point_of_difference(moved))


@given(rational_functions(dim=2), rational_functions(dim=2))
@law(50)
def test_a_point_of_difference_is_one(f, g):
    x = f.point_of_difference(g)
    if x is None:
        assert all(f(p) == g(p) for p in [(0, 0), (1, -2), (-7, 3), (100, 1)])
    else:
        assert f(x) != g(x)


def test_a_negative_power_swaps_numerator_and_denominator():
    x = PuiseuxPolynomial.variable(0, 1)
    f = PuiseuxRational(x + PuiseuxPolynomial.constant(0, 1), x)
    assert f**-1 == PuiseuxRational(f.denominator, f.numerator)


def test_value_type():
    f = PuiseuxRational.affine([1, 2], "1/2")
    assert pickle.loads(pickle.dumps(f)) == f
    assert {f: 1}[PuiseuxRational.affine([1, 2], 0.5)] == 1
    assert PuiseuxRational.constant(3, 2)([1, 1]) == rational(3)
    assert [v([4, 7]) for v in PuiseuxRational.variables(2)] == [4, 7]
    assert PuiseuxRational.constant("-inf", 1)([1]) is MINUS_INFINITY


def test_float_evaluation():
    x, y = PuiseuxRational.variables(2)
    f = x + y / PuiseuxRational.constant(1, 2)
    grid = np.random.default_rng(0).normal(size=(20, 2))
    assert f.evaluate_float(grid) == pytest.approx(np.maximum(grid[:, 0], grid[:, 1] - 1))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: PuiseuxRational(PuiseuxPolynomial.constant(0, 1), PuiseuxPolynomial.zero(1)), "tropical zero"),
        (lambda: PuiseuxRational(PuiseuxPolynomial.constant(0, 1), PuiseuxPolynomial.constant(0, 2)), r"1 variable\b"),
        (lambda: PuiseuxRational.constant(0, 1) / PuiseuxRational.constant("-inf", 1), "tropical zero"),
        (lambda: PuiseuxRational.constant("-inf", 1) ** -1, "no power"),
        (lambda: PuiseuxRational.constant(0, 2).compose([PuiseuxRational.constant(0, 1)]), "2 variables"),
        (lambda: PuiseuxRational.constant(0, 1).compose([PuiseuxRational.constant("-inf", 1)]), "put in"),
        (lambda: PuiseuxRational.constant(0, 1).same_function(PuiseuxRational.constant(0, 2)), "compared"),
    ],
)
def test_bad_input_is_refused_with_the_reason(build, message):
    with pytest.raises(AlgebraError, match=message):
        build()


@pytest.mark.parametrize("wrong", ["max(x1, 0) - max(x1, 1)", 3, [((1,), 0)]])
def test_numerator_and_denominator_are_polynomials(wrong: object) -> None:
    x = PuiseuxPolynomial.variables(1)[0]
    for arguments in ((wrong,), (x, wrong)):
        with pytest.raises(AlgebraError, match=r"are polynomials, not .*; tropical\.parse reads a formula"):
            PuiseuxRational(*arguments)  # type: ignore[arg-type]
