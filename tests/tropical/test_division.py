"""Division, homogenisation: identities and the universal property of the quotient."""

import pytest
from hypothesis import given

from polyhedra.errors import AlgebraError
from polyhedra.scalars import rational
from tests.tropical.polynomial_strategies import law, points, polynomials
from tropical import PuiseuxPolynomial, prune
from tropical.division import degree, dehomogenize, divide, homogenize, is_homogeneous

X, Y = PuiseuxPolynomial.variables(2)
ONE = PuiseuxPolynomial.constant(0, 2)


@given(polynomials(dim=2, max_terms=5), polynomials(dim=2, min_terms=1, max_terms=4))
@law()
def test_the_division_identity(f, g):
    result = divide(f, g)
    assert (result.quotient * g + result.remainder).same_function(f)
    assert prune(result.quotient) == result.quotient


@given(polynomials(dim=2, max_terms=4), polynomials(dim=2, min_terms=1, max_terms=4))
@law()
def test_a_product_divides_exactly(f, g):
    result = divide(f * g, g)
    assert result.is_exact
    assert result.quotient == prune(f)


@given(polynomials(dim=1, max_terms=5), polynomials(dim=1, min_terms=1, max_terms=3), points(1))
@law()
def test_the_quotient_is_below_the_difference_and_nothing_larger_is(f, g, x):
    quotient = divide(f, g).quotient
    if f.is_zero:
        assert quotient.is_zero
        return
    if not quotient.is_zero:
        assert quotient(x) <= f(x) - g(x)
    # raising any monomial of the quotient breaks q + g <= f somewhere
    for exponent, coefficient in quotient.terms:
        raised = quotient + PuiseuxPolynomial.monomial(exponent, coefficient + rational("1/1000"))
        assert not (raised * g + f).same_function(f)


def test_what_does_not_fit_remains():
    result = divide(X + ONE, X * X + ONE)
    assert result.quotient.is_zero
    assert result.remainder == X + ONE
    assert not result.is_exact


def test_remainder_of_the_plane_by_a_line():
    result = divide(X * X + Y + ONE, X + ONE)
    # x2/2 is no term of an integer polynomial, but the largest quotient has it
    assert str(result.quotient) == "max(x1, 1/2x2, 0)"
    assert str(result.remainder) == "x2"


@given(polynomials(dim=2, min_terms=1), points(2))
@law()
def test_homogenisation(f, x):
    h = homogenize(f)
    assert is_homogeneous(h)
    assert dehomogenize(h) == f
    assert h([*x, 0]) == f(x)
    t = rational("5/3")
    moved = [rational(v) + t for v in (*x, 0)]
    assert h(moved) == f(x) + degree(f) * t


def test_bad_input_is_refused_with_the_reason():
    with pytest.raises(AlgebraError, match="tropical zero"):
        divide(X, PuiseuxPolynomial.zero(2))
    with pytest.raises(AlgebraError, match="1"):
        divide(X, PuiseuxPolynomial.constant(0, 1))
    with pytest.raises(AlgebraError, match="no degree"):
        degree(PuiseuxPolynomial.zero(2))
    with pytest.raises(AlgebraError, match="no variable"):
        dehomogenize(PuiseuxPolynomial.constant(0, 0))
    assert divide(PuiseuxPolynomial.zero(2), X).is_exact
    assert homogenize(PuiseuxPolynomial.zero(2)).is_zero
