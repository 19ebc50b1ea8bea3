"""Simplification: the function stays, nothing grows, one variable is minimal, common factors cancel."""

import itertools
import json

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from polyhedra.errors import AlgebraError
from polyhedra.scalars import rational
from tests.tropical.polynomial_strategies import law, points, polynomials, rational_functions
from tropical import PuiseuxPolynomial, PuiseuxRational, prune
from tropical.decomposition import WallComplex
from tropical.minimality import bends_up, components
from tropical.parsing import parse
from tropical.regions import linear_regions
from tropical.simplify import SimplifiedFormula, simplification, simplify

X, Y = PuiseuxPolynomial.variables(2)
ONE = PuiseuxPolynomial.constant(0, 2)

# the output of a network with two hidden layers of two units and small integer weights
DEEP = "max(3x1 + 6x2 - 1, x1 + 2x2 - 1) - max(3x1 + 9x2 - 6, 3x1 + 7x2, 3x1 + 6x2 + 2, 2x1 + 7x2 - 6, x2, 2)"


def kinks(f):
    """How often a function of one variable bends up and down, from its sorted pieces."""
    regions = linear_regions(f)
    pieces = sorted((p.interior_point()[0], r.affine_map[0][0]) for r in regions for p in r.polyhedra)
    slopes = [slope for _, slope in pieces]
    up = sum(a < b for a, b in itertools.pairwise(slopes))
    down = sum(a > b for a, b in itertools.pairwise(slopes))
    return up, down


@given(rational_functions(dim=1, max_terms=6))
@law(40)
def test_one_variable_is_always_minimal(f):
    result = simplify(f)
    up, down = kinks(f)
    assert (len(result.rational.numerator), len(result.rational.denominator)) == (up + 1, down + 1)
    assert result.minimal == "proven"
    assert result.rational.same_function(f)


@given(rational_functions(dim=2, max_terms=4))
@law(30)
def test_two_variables_keep_the_function_and_never_grow(f):
    result = simplify(f)
    assert result.rational.same_function(f)
    before, after = result.sizes["pruned"], result.sizes["simplified"]
    assert sum(after) <= sum(before)
    assert all(low <= n for low, n in zip(result.lower_bound, after, strict=True))


@given(polynomials(dim=2, min_terms=1, max_terms=5), polynomials(dim=2, min_terms=1, max_terms=4))
@law(30)
def test_a_hidden_factor_is_divided_out(f, h):
    result = simplify(PuiseuxRational(f * h, h))
    assert len(result.rational.numerator) == len(prune(f))
    assert len(result.rational.denominator) == 1
    assert result.minimal == "proven"


def test_common_minkowski_summands_cancel():
    result = simplify(PuiseuxRational((X + Y) * (X + ONE), (X + ONE) * (Y + ONE)))
    assert str(result) == "max(x1, x2) - max(x2, 0)"
    assert result.minimal == "proven"


def test_a_convex_function_in_disguise_becomes_a_polynomial():
    f = PuiseuxRational((X + ONE) * (Y + ONE), ONE)
    disguised = PuiseuxRational(f.numerator * (X + Y + ONE), f.denominator * (X + Y + ONE))
    result = simplify(disguised)
    assert result.sizes["simplified"] == (4, 1)
    assert result.rational.denominator_is_one


def test_the_common_affine_part_is_taken_out():
    f = PuiseuxRational((X + Y).shift([7, -3], "1/3"), (X + ONE).shift([7, -3], "1/3"))
    assert str(simplify(f)) == "max(x1, x2) - max(x1, 0)"


def test_without_search_only_pruning_and_the_affine_part():
    f = PuiseuxRational((X + Y) * (X + ONE), (X + ONE) * (Y + ONE))
    assert simplify(f, search=False).sizes["simplified"] == simplify(f).sizes["pruned"]
    assert simplify(f, search=False).minimal == "not proven"


def test_the_six_region_example_is_proven_not_to_shrink_below_its_bound():
    f = PuiseuxRational(X + Y + X * Y, X + Y + ONE)
    result = simplify(f)
    assert result.rational.same_function(f)
    assert result.sizes["simplified"] == (3, 3)


def test_polynomials_and_constants_and_the_zero():
    assert simplify(PuiseuxPolynomial({(0,): 0, (1,): 0, (2,): 0})).sizes["simplified"] == (2, 1)
    assert str(simplify(PuiseuxRational.constant("1/2", 3))) == "1/2"
    zero = simplify(PuiseuxPolynomial.zero(2))
    assert (str(zero), zero.minimal) == ("-inf", "proven")


@given(rational_functions(dim=2, max_terms=4))
@law(25)
def test_no_pair_is_smaller_than_the_lower_bound(f):
    # any pair with this difference will do as a witness: here with a factor multiplied in
    result = simplify(f)
    factor = PuiseuxPolynomial({(1, 1): 0, (0, 0): 1, (-1, 2): 0})
    for pair in (f, result.rational, PuiseuxRational(f.numerator * factor, f.denominator * factor)):
        sizes = len(prune(pair.numerator)), len(prune(pair.denominator))
        assert all(low <= n for low, n in zip(result.lower_bound, sizes, strict=True))


def test_a_pair_is_proven_minimal_by_separated_points():
    # the walls that bend up leave too few components; points near the vertices prove the rest
    result = simplify(parse(DEEP))
    assert result.sizes == {"original": (2, 6), "pruned": (2, 6), "simplified": (2, 5)}
    assert result.minimal == "proven"
    walls = WallComplex.of(parse(DEEP).pruned())
    assert (components(walls, 1), components(walls, -1)) != result.lower_bound


@given(rational_functions(dim=2, max_terms=4), points(2), points(2))
@law(40)
def test_bending_up_is_found_exactly(f, p, q):
    p, q = tuple(map(rational, p)), tuple(map(rational, q))
    bends = bends_up(f.numerator, f.denominator, p, q)
    values = [f([a + (b - a) * fmpq(k, 24) for a, b in zip(p, q, strict=True)]) for k in range(25)]
    seen = any(u + w > 2 * v for u, v, w in zip(values, values[1:], values[2:], strict=False))
    assert bends or not seen


def test_renderings():
    result = simplify(PuiseuxRational(X.shift([0, 0], "1/2") + ONE, Y + ONE))
    assert result.to_text() == "max(x1 + 1/2, 0) - max(x2, 0)"
    assert (
        result.render("latex")
        == result.to_latex()
        == r"\max\left(x_{1} + \frac{1}{2},\, 0\right) - \max\left(x_{2},\, 0\right)"
    )
    assert str(result.to_sympy()).count("Max") == 2
    assert json.loads(result.render("json")) == {
        "numerator": [
            {"exponent": ["0", "0"], "coefficient": "0"},
            {"exponent": ["1", "0"], "coefficient": "1/2"},
        ],
        "denominator": [
            {"exponent": ["0", "0"], "coefficient": "0"},
            {"exponent": ["0", "1"], "coefficient": "0"},
        ],
        "minimal": "proven",
    }
    with pytest.raises(AlgebraError, match="no form 'html'"):
        result.render("html")


@given(st.integers(1, 5), st.integers(0, 1))
@law(10)
def test_tiny_weights_are_not_rounded_away(k, sign):
    tiny = fmpq(1, 10 ** (12 * k))
    bump = PuiseuxPolynomial({(0, 0): 0, (tiny, 0): 0})
    f = PuiseuxRational((X + Y) * bump, bump if sign else Y + ONE)
    result = simplify(f)
    assert result.rational.same_function(f)


def test_the_search_tells_its_steps_and_each_formula_is_the_function():
    function = parse(DEEP)
    items = list(simplification(function, partial=True))
    told = [item for item in items if isinstance(item, str)]
    found = [item for item in items if isinstance(item, SimplifiedFormula)]
    assert told[0] == "finding the walls between 2 terms - 6 terms"
    assert any(text.startswith("linear program 2 of at most ") for text in told)
    assert told[-1].startswith("proving how short it can be: ")
    assert items[-1] == simplify(function)
    lengths = [sum(each.sizes["simplified"]) for each in found]
    assert lengths[0] <= 8
    assert lengths == sorted(lengths, reverse=True)
    assert all(each.rational.same_function(function) for each in found)
    assert [text for text in simplification(function) if isinstance(text, str)] == told
