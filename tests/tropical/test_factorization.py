"""Linear factors: products are found again, what has none is recognised."""

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from polyhedra.errors import AlgebraError
from tests.tropical.polynomial_strategies import law, points, polynomials, small_rationals
from tropical import PuiseuxPolynomial, prune
from tropical.factorization import factor_linear, roots

X, Y = PuiseuxPolynomial.variables(2)
ONE = PuiseuxPolynomial.constant(0, 2)


@given(polynomials(dim=1, min_terms=1, max_terms=8))
@law()
def test_one_variable_always_factors(f):
    factored = factor_linear(f)
    assert factored.expand() == prune(f)
    found = roots(f)
    assert [r for r, _ in found] == sorted({r for r, _ in found})
    assert len(found) == len(prune(f)) - 1
    for root, _ in found:
        assert len(prune(f).argmax_terms([root])) == 2


@given(polynomials(dim=1, min_terms=1), polynomials(dim=1, min_terms=1))
@law()
def test_roots_of_a_product_are_the_roots_of_its_factors(f, g):
    total = {}
    for root, multiplicity in (*roots(f), *roots(g)):
        total[root] = total.get(root, fmpq(0)) + multiplicity
    assert dict(roots(f * g)) == total


directions = st.sampled_from([(1, 0), (0, 1), (1, 1), (1, -2), (2, 3)])


@given(st.lists(st.tuples(directions, small_rationals, st.integers(1, 3)), min_size=1, max_size=4))
@law(25)
def test_products_of_linear_factors_are_found_again(chosen):
    product = PuiseuxPolynomial.monomial([3, "-1/2"], "1/3")
    for direction, root, multiplicity in chosen:
        product = prune(product * PuiseuxPolynomial([(direction, 0), ((0, 0), root)]) ** multiplicity)
    factored = factor_linear(product)
    assert factored is not None
    assert factored.expand() == product
    assert sum(f.multiplicity for f in factored.factors) == sum(m for _, _, m in chosen)


@given(polynomials(dim=2, min_terms=1, max_terms=5), points(2))
@law(25)
def test_a_factorisation_is_the_function(f, x):
    factored = factor_linear(f)
    if factored is not None:
        assert factored.expand()(x) == f(x)


def test_a_tropical_line_is_irreducible():
    assert factor_linear(X + Y + ONE) is None
    assert factor_linear((X + Y + ONE) * (X + ONE)) is None


def test_monomials_have_no_factors():
    assert factor_linear(PuiseuxPolynomial.monomial([2, 1], 5)).factors == ()


def test_bad_input_is_refused_with_the_reason():
    with pytest.raises(AlgebraError, match="tropical zero"):
        factor_linear(PuiseuxPolynomial.zero(1))
    with pytest.raises(AlgebraError, match="one variable"):
        roots(X + Y)
    with pytest.raises(AlgebraError, match="hyperplanes"):
        _ = factor_linear(X + Y).roots
