"""Hypothesis strategies for small tropical polynomials, degenerate ones included."""

from fractions import Fraction

from hypothesis import settings
from hypothesis import strategies as st

from tropical import PuiseuxPolynomial, PuiseuxRational


def law(examples: int = 30) -> settings:
    """Settings of a property test: reproducible, no deadline on a busy machine."""
    return settings(max_examples=examples, deadline=None, derandomize=True)


small_rationals = st.one_of(
    st.integers(-3, 3).map(Fraction), st.fractions(min_value=-3, max_value=3, max_denominator=4)
)
floats = st.floats(-4, 4, allow_subnormal=False)
numbers = st.one_of(small_rationals, floats)


def exponents(dim: int, kind: st.SearchStrategy = small_rationals) -> st.SearchStrategy:
    return st.tuples(*[kind] * dim)


@st.composite
def polynomials(draw, dim: int | None = None, min_terms: int = 0, max_terms: int = 7, values=None):
    n = draw(st.integers(1, 3)) if dim is None else dim
    kind = (
        values
        if values is not None
        else draw(st.sampled_from([st.integers(-2, 2).map(Fraction), small_rationals, numbers]))
    )
    terms = draw(st.lists(st.tuples(exponents(n, kind), kind), min_size=min_terms, max_size=max_terms))
    return PuiseuxPolynomial(terms, n)


@st.composite
def rational_functions(draw, dim: int | None = None, max_terms: int = 4):
    n = draw(st.integers(1, 3)) if dim is None else dim
    top = draw(polynomials(dim=n, min_terms=1, max_terms=max_terms))
    bottom = draw(polynomials(dim=n, min_terms=1, max_terms=max_terms))
    return PuiseuxRational(top, bottom)


def points(dim: int) -> st.SearchStrategy:
    return st.tuples(*[numbers] * dim)
