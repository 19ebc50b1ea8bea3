"""Tropical polynomials: normal form, algebra as homomorphism of evaluation, exactness, bad input."""

import pickle
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from polyhedra.errors import AlgebraError
from polyhedra.scalars import rational
from tests.tropical.polynomial_strategies import exponents, law, points, polynomials, small_rationals
from tropical import MINUS_INFINITY, PuiseuxPolynomial, PuiseuxRational
from tropical.semiring import Tropical


def naive_value(terms, x):
    """The maximum of the terms with Python fractions, nothing shared with the code under test."""
    x = [Fraction(v) for v in x]
    values = [sum((Fraction(a) * v for a, v in zip(e, x, strict=True)), Fraction(c)) for e, c in terms]
    return max(values, default=None)


def as_fraction(value):
    return None if value is MINUS_INFINITY else Fraction(int(value.p), int(value.q))


@given(st.data())
@law()
def test_evaluation_agrees_with_fractions(data):
    terms = data.draw(st.lists(st.tuples(exponents(2), small_rationals), max_size=6))
    x = data.draw(points(2))
    assert as_fraction(PuiseuxPolynomial(terms, 2)(x)) == naive_value(terms, x)


@given(polynomials(dim=2), polynomials(dim=2), polynomials(dim=2))
@law()
def test_semiring_axioms(f, g, h):
    zero, one = PuiseuxPolynomial.zero(2), PuiseuxPolynomial.constant(0, 2)
    assert f + g == g + f
    assert (f + g) + h == f + (g + h)
    assert f + f == f == f + zero
    assert f * g == g * f
    assert (f * g) * h == f * (g * h)
    assert f * (g + h) == f * g + f * h
    assert f * one == f
    assert f * zero == zero


@given(polynomials(dim=2), polynomials(dim=2), points(2))
@law()
def test_evaluation_is_a_homomorphism(f, g, x):
    assert (f + g)(x) == max(f(x), g(x))
    assert (f * g)(x) == f(x) + g(x)


@given(polynomials(dim=2, min_terms=1), st.fractions(min_value=0, max_value=5, max_denominator=6), points(2))
@law()
def test_powers_are_termwise(f, r, x):
    power = f**r
    assert power(x) == rational(r) * f(x)
    if r:
        assert len(power) == len(f)


@given(polynomials(dim=2), st.lists(polynomials(dim=3, min_terms=1, max_terms=3), min_size=2, max_size=2), points(3))
@law()
def test_composition_is_substitution_of_values(f, inner, x):
    f = PuiseuxPolynomial([([abs(v) for v in a], c) for a, c in f.terms], 2)
    assert f.compose(inner)(x) == f([g(x) for g in inner])


def test_composition_with_affine_functions_allows_negative_exponents():
    f = PuiseuxPolynomial({(-2,): 1, (1,): 0})
    assert f.compose([PuiseuxPolynomial.monomial([3, 1], 5)]) == PuiseuxPolynomial({(-6, -2): -9, (3, 1): 5})


@given(polynomials(dim=2), points(2))
@law()
def test_affine_substitution(f, x):
    g = f.substitute_affine([[1, 2], [0, "1/2"]], [1, -1])
    y = [rational(x[0]) + 2 * rational(x[1]) + 1, rational(x[1]) / 2 - 1]
    assert g(x) == f(y)


@given(polynomials(dim=2), points(2))
@law()
def test_embedding_forgets_the_new_variables(f, x):
    assert f.embed(4, [3, 1])([7, x[1], -5, x[0]]) == f(x)


@given(polynomials())
@law()
def test_structural_equality_hash_and_pickle(f):
    again = PuiseuxPolynomial(list(reversed(f.terms)), f.dim)
    assert again == f
    assert hash(again) == hash(f)
    assert pickle.loads(pickle.dumps(f)) == f
    assert {f: 1}[again] == 1


def test_equal_exponents_are_merged_by_the_maximum_and_sorted():
    f = PuiseuxPolynomial([((1, 0), 2), ((0, 1), "1/2"), ((1, 0), 3), ((5, 5), float("-inf"))])
    assert f.terms == (((0, 1), fmpq(1, 2)), ((1, 0), fmpq(3)))
    assert f.coefficient((1, 0)) == fmpq(3)
    assert f.coefficient((2, 2)) is MINUS_INFINITY
    assert len(f) == 2


def test_structural_equality_is_not_equality_as_functions():
    f = PuiseuxPolynomial({(0,): 0, (1,): 0, (2,): 0})
    g = PuiseuxPolynomial({(0,): 0, (2,): 0})
    assert f != g
    assert f.same_function(g)


@given(polynomials(dim=2, max_terms=5), polynomials(dim=2, max_terms=5))
@law(60)
def test_a_point_of_difference_is_one(f, g):
    x = f.point_of_difference(g)
    assert (x is None) == (g.point_of_difference(f) is None)
    if x is None:
        assert all(f(p) == g(p) for p in [(0, 0), (1, -2), (-7, 3), (100, 1), (-1, "1/3")])
    else:
        assert f(x) != g(x)


def test_a_difference_that_touches_only_far_out_is_found():
    f = PuiseuxPolynomial({(0,): 0, (1,): 0})
    g = PuiseuxPolynomial({(0,): 0, (1,): 0, ("1001/1000",): -1000000})
    x = f.point_of_difference(g)
    assert f(x) != g(x)


@given(polynomials(dim=2, min_terms=1), points(2))
@law()
def test_argmax_terms_are_the_maximal_ones(f, x):
    value = f(x)
    chosen = f.argmax_terms(x)
    assert chosen
    for i, (a, c) in enumerate(f.terms):
        term = PuiseuxPolynomial.monomial(a, c)(x)
        assert (term == value) == (i in chosen)


def test_float_evaluation_of_many_points():
    f = PuiseuxPolynomial({(2, -1): "1/3", (0, 0): 0})
    x = np.array([[1.0, 1.0], [0.0, 5.0]])
    assert f.evaluate_float(x) == pytest.approx([4 / 3, 0.0])
    assert f.evaluate_float([1.0, 1.0]) == pytest.approx([4 / 3])
    assert PuiseuxPolynomial.zero(2).evaluate_float(x).tolist() == [-np.inf, -np.inf]
    with pytest.raises(ValueError, match="read-only"):
        f.float_terms()[0][0] = 1.0


def test_the_tropical_zero():
    zero = PuiseuxPolynomial.zero(2)
    assert zero.is_zero
    assert not zero
    assert zero([1, 2]) is MINUS_INFINITY
    assert zero.argmax_terms([1, 2]) == ()
    assert str(zero) == "-inf"
    assert zero**2 == zero
    assert zero**0 == PuiseuxPolynomial.constant(0, 2)
    assert PuiseuxPolynomial.constant("-inf", 2) == zero
    assert zero.point_of_difference(PuiseuxPolynomial.constant(0, 2)) == (0, 0)


def test_polynomials_without_variables_are_constants():
    f = PuiseuxPolynomial([((), 3), ((), 5)], 0)
    assert f(()) == fmpq(5)
    assert f.same_function(PuiseuxPolynomial.constant(5, 0))


def test_immutable():
    f = PuiseuxPolynomial.constant(0, 1)
    with pytest.raises(AttributeError, match="immutable"):
        f._dim = 3


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: PuiseuxPolynomial([]), "number of variables"),
        (lambda: PuiseuxPolynomial([((1, 2), 0), ((1,), 0)]), "term 1 has 1 exponents, not 2"),
        (lambda: PuiseuxPolynomial([((float("nan"),), 0)]), "exponent of term 0"),
        (lambda: PuiseuxPolynomial([((1,), float("inf"))]), "not finite"),
        (lambda: PuiseuxPolynomial([3]), "no pair"),
        (lambda: PuiseuxPolynomial.constant(0, 1) + PuiseuxPolynomial.constant(0, 2), "of dim 1 and of dim 2"),
        (lambda: PuiseuxPolynomial.constant(0, 1) ** -1, "PuiseuxRational"),
        (lambda: PuiseuxPolynomial.constant(0, 1) ** float("nan"), "power"),
        (lambda: PuiseuxPolynomial.constant(0, 2)([1]), r"1 coordinate\b"),
        (lambda: PuiseuxPolynomial.constant(0, 2)(7), "no point"),
        (lambda: PuiseuxPolynomial.constant(0, 2)([1, float("nan")]), "point"),
        (lambda: PuiseuxPolynomial.variable(2, 2), "no variable 2"),
        (lambda: PuiseuxPolynomial.constant(0, 2).embed(3, [0, 0]), "different variables"),
        (lambda: PuiseuxPolynomial.constant(0, 2).compose([]), "2 variables"),
        (lambda: PuiseuxPolynomial.constant(0, 1).same_function(PuiseuxPolynomial.constant(0, 2)), "compared"),
        (
            lambda: PuiseuxPolynomial({(-1,): 0}).compose([PuiseuxPolynomial({(0,): 0, (1,): 0})]),
            "exponent -1",
        ),
        (lambda: PuiseuxPolynomial.constant(0, 2).evaluate_float([[1.0, 2.0, 3.0]]), "3 coordinates"),
    ],
)
def test_bad_input_is_refused_with_the_reason(build, message):
    with pytest.raises(AlgebraError, match=message):
        build()


def test_numbers_take_the_place_of_polynomials():
    f = PuiseuxPolynomial({(2, 0): 0, (0, 1): 0})
    y = PuiseuxPolynomial.variable(0, 1)
    assert f.compose([4, y]) == PuiseuxPolynomial({(0,): 8, (1,): 0})
    assert f.compose([Tropical.of(4), "-inf"]).terms == (((), 8),)
    assert PuiseuxRational(f).compose([4, y]) == PuiseuxRational(f.compose([4, y]))
    assert PuiseuxRational(f).compose([y, PuiseuxRational(y)]) == PuiseuxRational(f.compose([y, y]))


def test_values_at_minus_infinity():
    f = PuiseuxPolynomial({(2, 0): 0, (0, 1): 0, (0, 0): -7})
    assert f([MINUS_INFINITY, Tropical.of(5)]) == 5
    assert f(["-inf", float("-inf")]) == -7
    assert PuiseuxPolynomial({(1,): 3})([MINUS_INFINITY]) is MINUS_INFINITY
    assert PuiseuxRational(f)([MINUS_INFINITY, 1]) == 1
    with pytest.raises(AlgebraError, match="a negative exponent meets minus infinity"):
        PuiseuxPolynomial({(-1,): 0})([MINUS_INFINITY])
    with pytest.raises(AlgebraError, match="the denominator is minus infinity"):
        PuiseuxRational(PuiseuxPolynomial({(0,): 0}), PuiseuxPolynomial({(1,): 0}))([MINUS_INFINITY])
    with pytest.raises(AlgebraError, match="coordinate"):
        f([MINUS_INFINITY])
