"""Readable forms."""

import sympy
from hypothesis import given

from polyhedra.scalars import rational
from tests.tropical.polynomial_strategies import law, polynomials, rational_functions
from tropical import PuiseuxPolynomial, PuiseuxRational
from tropical.printing import affine_text, polynomial_json, polynomial_sympy, polynomial_text, rational_sympy

F = PuiseuxPolynomial({(2, -1): "1/3", (0, 0): 0})
G = PuiseuxPolynomial({(0, 1): 0, (0, 0): 0})


def test_text():
    assert str(F) == "max(2x1 - x2 + 1/3, 0)"
    assert str(PuiseuxRational(F, G)) == "max(2x1 - x2 + 1/3, 0) - max(x2, 0)"
    assert str(PuiseuxRational(F)) == str(F)
    assert str(PuiseuxRational(F, PuiseuxPolynomial.monomial([1, 0], -1))) == "max(2x1 - x2 + 1/3, 0) - (x1 - 1)"
    assert str(PuiseuxPolynomial({("-1/2",): "-3/4"})) == "-1/2x1 - 3/4"
    assert polynomial_text(F, ["u", "v"]) == "max(2u - v + 1/3, 0)"
    assert affine_text([rational(0)], rational(0)) == "0"


def test_latex():
    assert F._repr_latex_() == r"$\max\left(2x_{1} - x_{2} + \frac{1}{3},\, 0\right)$"
    assert PuiseuxRational(F, G)._repr_latex_().count(r"\max") == 2
    assert PuiseuxPolynomial.zero(1)._repr_latex_() == r"$-\infty$"


def test_representations_are_short():
    big = PuiseuxPolynomial([((k, -k), k) for k in range(200)])
    assert len(repr(big)) < 300
    assert "200 terms" in repr(big)
    assert "200 and 1 term" in repr(PuiseuxRational(big))
    assert repr(F) == "PuiseuxPolynomial('max(2x1 - x2 + 1/3, 0)', dim=2)"


@given(polynomials(dim=2, min_terms=1, max_terms=5))
@law(30)
def test_sympy_evaluates_to_the_same(f):
    x = sympy.symbols(["x1", "x2"], real=True)
    value = polynomial_sympy(f).subs({x[0]: sympy.Rational(1, 3), x[1]: -2})
    assert rational(sympy.Rational(value)) == f(["1/3", -2])


@given(rational_functions(dim=1, max_terms=3))
@law(20)
def test_sympy_of_rational_functions(f):
    value = rational_sympy(f).subs({sympy.Symbol("x1", real=True): 2})
    assert rational(sympy.Rational(value)) == f([2])


def test_sympy_of_the_zero_is_minus_infinity():
    assert polynomial_sympy(PuiseuxPolynomial.zero(2)) == -sympy.oo


def test_json():
    assert polynomial_json(F) == [
        {"exponent": ["0", "0"], "coefficient": "0"},
        {"exponent": ["2", "-1"], "coefficient": "1/3"},
    ]
