"""Tropical polynomials of polynomials over valued fields: roots by factoring, values by substituting."""

import math
from fractions import Fraction

import pytest
import sympy
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from polyhedra.errors import AlgebraError
from tests.tropical.polynomial_strategies import law
from tropical.hypersurface import hypersurface
from tropical.valuation import (
    PAdic,
    TAdic,
    Trivial,
    initial_form,
    root_valuations,
    tropicalize_max,
    tropicalize_min,
    valued_terms,
)

t, x, y = sympy.symbols("t x y")


def naive_order(value, p):
    """The p-adic valuation of a fraction by its definition: the largest v with value / p^v free of p below."""
    v = -50
    while (value / Fraction(p) ** (v + 1)).denominator % p:
        v += 1
    return v


fractions = st.builds(
    lambda sign, a, b, c: sign * Fraction(2) ** a * Fraction(3) ** b * c,
    st.sampled_from([1, -1]),
    st.integers(-3, 3),
    st.integers(-3, 3),
    st.sampled_from([Fraction(1), Fraction(5), Fraction(7, 5)]),
)


def from_roots(roots):
    """The coefficients of the product of (x - r), by multiplying out."""
    coefficients = [Fraction(1)]
    for r in roots:
        shifted = [Fraction(0), *coefficients]
        for k, c in enumerate(coefficients):
            shifted[k] -= r * c
        coefficients = shifted
    return {(k,): c for k, c in enumerate(coefficients)}


def counted(valuations):
    return tuple((v, list(valuations).count(v)) for v in sorted(set(valuations)))


@given(st.lists(st.one_of(fractions, st.just(Fraction(0))), min_size=1, max_size=6), st.sampled_from([2, 3, 5]))
@law(80)
def test_roots_of_a_factored_polynomial_p_adically(roots, p):
    expected = counted([naive_order(r, p) if r else math.inf for r in roots])
    assert root_valuations(from_roots(roots), PAdic(p)) == expected
    # the bends of the tropical polynomial are the same, in both conventions
    bends = [v for v, _ in expected if v != math.inf]
    polynomial = tropicalize_max(from_roots(roots), PAdic(p))
    assert [v for (v,) in hypersurface(polynomial).vertices()] == sorted(-v for v in bends)


@given(st.lists(st.tuples(st.integers(-2, 3), st.integers(1, 3)), min_size=1, max_size=4))
@law(25)
def test_roots_of_a_factored_polynomial_over_rational_functions(roots):
    product = sympy.Integer(1)
    for k, (order, factor) in enumerate(roots):
        product *= x - factor * t**order / (1 + k * t)
    assert root_valuations(sympy.expand(product), TAdic(t), [x]) == counted([order for order, _ in roots])


@given(fractions, st.sampled_from([2, 3, 5]))
@law(60)
def test_p_adic_value_and_residue(value, p):
    order, residue = PAdic(p).read(value)
    assert order == naive_order(value, p)
    unit = value / Fraction(p) ** int(order.p)
    assert 0 < residue < p
    assert (unit.numerator - int(residue.p) * unit.denominator) % p == 0


def test_puiseux_series_in_all_spellings():
    expression = sympy.sqrt(t) * (5 + t) + t ** sympy.Rational(2, 3)
    pairs = [(5, "1/2"), (1, "3/2"), (1, "2/3")]
    assert TAdic(t).read(expression) == TAdic().read(pairs) == (fmpq(1, 2), 5)
    assert TAdic().read([(1, 2), (-1, 2), (7, 3)]) == (3, 7)
    assert TAdic(t).read((t**2 - t) / (t - t**3)) == (0, -1)
    assert TAdic(t).read((1 + t) ** 2 - 1 - 2 * t) == (2, 1)
    assert TAdic(t).read(sympy.Float(0.5) * t) == (1, fmpq(1, 2))
    assert TAdic(t).read((t + 1) ** 2 - t**2 - 2 * t - 1) is None
    assert TAdic(t).read(1 / sympy.sqrt(t)) == (fmpq(-1, 2), 1)


def test_conventions_mirror_each_other():
    terms = {(2, 0): 4, (1, 1): "3/2", (0, 0): 5, (0, 3): 12}
    top, bottom = tropicalize_max(terms, PAdic(2)), tropicalize_min(terms, PAdic(2))
    for point in ([0, 0], ["1/2", 3], [-2, 1], [5, -7]):
        mirrored = [-Fraction(v) for v in point]
        assert bottom(point) == -top(mirrored)
        first = initial_form(terms, point, PAdic(2), convention="min")
        assert first == initial_form(terms, mirrored, PAdic(2), convention="max")
        values = {(2, 0): 2, (1, 1): -1, (0, 0): 0, (0, 3): 2}
        totals = {e: v + e[0] * Fraction(point[0]) + e[1] * Fraction(point[1]) for e, v in values.items()}
        assert set(first) == {e for e, v in totals.items() if v == min(totals.values())}


def test_initial_form_of_a_sympy_polynomial():
    f = t * x**2 + (3 + t) * x * y + 2 * y + t**2
    assert initial_form(f, [0, 0], TAdic(t), [x, y], convention="min") == {(1, 1): 3, (0, 1): 2}
    assert initial_form(f, [-2, 0], TAdic(t), [x, y], convention="min") == {(2, 0): 1}
    assert valued_terms(sympy.Poly(6 * x + 1, x), Trivial()) == {(1,): (0, 6), (0,): (0, 1)}
    assert len(tropicalize_max(f - 2 * y, TAdic(t), [x, y])) == 3


def test_an_initial_form_is_the_reduction_after_substitution():
    """f(p^w y) / p^m reduced modulo p, for an integer point w."""
    p, w = 3, (1, -2)
    terms = {(2, 0): 5, (0, 1): 54, (1, 1): "9/2", (3, 2): 4}
    moved = {e: Fraction(c) * Fraction(p) ** (e[0] * w[0] + e[1] * w[1]) for e, c in terms.items()}
    least = min(naive_order(c, p) for c in moved.values())
    reduced = {}
    for e, c in moved.items():
        unit = c / Fraction(p) ** least
        residue = unit.numerator * pow(unit.denominator, -1, p) % p
        if residue:
            reduced[e] = residue
    assert initial_form(terms, w, PAdic(p), convention="min") == reduced


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: PAdic(6), "prime number, not '6'"),
        (lambda: PAdic(-3), "prime number"),
        (lambda: PAdic(2.0), "prime number"),
        (lambda: tropicalize_max({(1,): 0}, Trivial()), "polynomial 0"),
        (lambda: tropicalize_max({(1,): 1}, "2"), "no valuation"),
        (lambda: tropicalize_max("x + 1", Trivial()), "no polynomial"),
        (lambda: tropicalize_max(7, Trivial()), "no polynomial"),
        (lambda: tropicalize_max([3], Trivial()), "term 0"),
        (lambda: tropicalize_max([((1,), 2), ((1,), 3)], Trivial()), "repeats the exponent"),
        (lambda: tropicalize_max({(1,): float("nan")}, PAdic(2)), "coefficient of term 0"),
        (lambda: tropicalize_max(x + 1, Trivial()), "variables"),
        (lambda: tropicalize_max(sympy.sin(x), Trivial(), [x]), "no polynomial"),
        (lambda: tropicalize_max(x + y, Trivial(), [x]), "coefficient of term 1"),
        (lambda: TAdic(t).read(x * t), "'x' is not the variable"),
        (lambda: TAdic(t).read(sympy.sin(t)), "no quotient"),
        (lambda: TAdic(t).read(t ** sympy.sqrt(2)), "no quotient"),
        (lambda: TAdic(t).read(sympy.sqrt(2) * t), "not rational"),
        (lambda: PAdic(2).read(sympy.sqrt(2)), "'sqrt\\(2\\)' is not rational"),
        (lambda: TAdic(t).read(sympy.pi), "is not rational"),
        (lambda: TAdic().read([3]), "no pair"),
        (lambda: initial_form({(1,): 1}, [0, 0], Trivial(), convention="min"), "2 coordinates"),
        (lambda: initial_form({(1,): 1}, [0], Trivial(), convention="sum"), "no convention"),
        (lambda: root_valuations({(1, 0): 1}, Trivial()), "one variable"),
        (lambda: root_valuations({(-1,): 1}, Trivial()), "one variable"),
    ],
)
def test_bad_input_is_refused_with_the_reason(build, message):
    with pytest.raises(AlgebraError, match=message):
        build()
