"""Hypersurfaces: balancing, weights, known curves, decision boundaries."""

import itertools

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given

from polyhedra.errors import AlgebraError
from polyhedra.polyhedron import Polyhedron
from tests.tropical.polynomial_strategies import law, points, polynomials, rational_functions
from tropical import PuiseuxPolynomial, PuiseuxRational, prune
from tropical.hypersurface import WeightedComplex, decision_boundary, dominance_regions, hypersurface

X, Y = PuiseuxPolynomial.variables(2)
ONE = PuiseuxPolynomial.constant(0, 2)


@given(polynomials(dim=2, min_terms=2, max_terms=7))
@law(25)
def test_curves_are_balanced(f):
    assert hypersurface(f).is_balanced()


@given(polynomials(dim=3, min_terms=2, max_terms=5))
@law(15)
def test_surfaces_are_balanced(f):
    assert hypersurface(f).is_balanced()


@given(polynomials(dim=2, min_terms=2, max_terms=6))
@law(20)
def test_facets_are_where_two_terms_are_maximal(f):
    surface = hypersurface(f)
    for facet in surface.facets:
        x = facet.polyhedron.interior_point()
        tied = {surface.polynomial.terms[i] for i in surface.polynomial.argmax_terms(x)}
        assert tied == set(facet.terms)
        assert surface.contains(x)
        assert facet.polyhedron.dimension() == 1


@given(polynomials(dim=2, min_terms=1, max_terms=5), points(2))
@law(20)
def test_dominance_regions_are_labelled_by_their_term(f, x):
    regions = dominance_regions(f)
    assert len(regions) == len(prune(f))
    value = f(x)
    for (exponent, coefficient), region in regions:
        if region.contains(x):
            assert PuiseuxPolynomial.monomial(exponent, coefficient)(x) == value


def test_a_conic_has_four_vertices_and_the_right_rays():
    f = X * X + Y * Y + X * Y.shift([0, 0], 1) + X.shift([0, 0], 1) + Y.shift([0, 0], 1) + ONE
    curve = hypersurface(f)
    assert len(curve.vertices()) == 4
    rays = [facet for facet in curve.facets if not facet.polyhedron.is_bounded()]
    assert len(rays) == 6
    assert all(facet.weight == 1 for facet in curve.facets)


def test_weights_are_lattice_lengths_of_rational_exponents():
    curve = hypersurface(PuiseuxPolynomial({(0, 0): 0, ("3/2", 3): 0}))
    assert [facet.weight for facet in curve.facets] == [fmpq(3, 2)]
    assert curve.vertices() == ()


def test_a_wrong_weight_is_unbalanced_at_its_end():
    curve = hypersurface(X + Y + ONE).complex()
    (polyhedron, _), *rest = curve.facets
    wrong = WeightedComplex(2, ((polyhedron, fmpq(2)), *rest))
    assert not wrong.is_balanced()
    assert wrong.unbalanced_ridge().vertices() == ((0, 0),)
    missing = WeightedComplex(2, tuple(rest))
    assert not missing.is_balanced()


def test_the_vertex_in_three_dimensions_is_balanced_only_as_a_whole():
    terms = [tuple(int(i == k) for i in range(3)) for k in range(3)] + [(0, 0, 0)]
    surface = hypersurface(PuiseuxPolynomial([(a, 0) for a in terms], 3))
    assert len(surface.facets) == 6
    assert surface.is_balanced()
    for removed in range(6):
        facets = surface.complex().facets
        assert not WeightedComplex(3, facets[:removed] + facets[removed + 1 :]).is_balanced()


@given(rational_functions(dim=2, max_terms=3))
@law(20)
def test_the_boundary_of_a_sign_is_its_zero_set(f):
    boundary = decision_boundary(f)
    for piece, one, other in boundary.pieces:
        assert f(piece.interior_point()) == 0
        assert one != other
    for cell, classes in boundary.undecided:
        assert classes == {0, 1}
        assert f(cell.interior_point()) == 0
    grid = list(itertools.product([-3, "-1/2", 0, "2/3", 4], repeat=2))
    for x in grid:
        if f(x) == 0:
            assert any(p.contains(x) for p, _, _ in boundary.pieces) or any(
                cell.contains(x) for cell, _ in boundary.undecided
            )


def test_three_classes_of_random_scores():
    rng = np.random.default_rng(4)

    def score():
        total = PuiseuxRational.constant(rng.normal(), 2)
        for _ in range(3):
            unit = PuiseuxPolynomial([(rng.normal(size=2), rng.normal()), ((0, 0), 0)])
            total = total * PuiseuxRational(unit) ** rng.normal()
        return total

    scores = [score() for _ in range(3)]
    boundary = decision_boundary(scores)
    assert boundary.pieces
    assert not boundary.undecided
    for piece, one, other in boundary.pieces:
        x = piece.interior_point()
        values = [s(x) for s in scores]
        assert {i for i, v in enumerate(values) if v == max(values)} == one | other


def test_inside_a_domain():
    curve = hypersurface(X + Y + ONE, domain=Polyhedron.box([1, 1], [3, 3]))
    assert len(curve.facets) == 1


def test_bad_input_is_refused_with_the_reason():
    with pytest.raises(AlgebraError, match="two scores"):
        decision_boundary([PuiseuxRational(X)])
    with pytest.raises(AlgebraError, match="different numbers"):
        decision_boundary([PuiseuxRational(X), PuiseuxRational.constant(0, 3)])
    with pytest.raises(AlgebraError, match="tropical zero"):
        hypersurface(PuiseuxPolynomial.zero(2))
