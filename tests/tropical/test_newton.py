"""Newton polytopes and dual subdivisions: Minkowski and hull laws, volumes, duality."""

import itertools
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyhedra.errors import AlgebraError
from polyhedra.polyhedron import Polyhedron
from tests.tropical.polynomial_strategies import law, polynomials
from tropical import PuiseuxPolynomial
from tropical.newton import dual_subdivision, minkowski_sum, newton_polytope, newton_vertices, zonotope


@given(polynomials(min_terms=1, max_terms=8))
@law()
def test_vertices_agree_with_the_double_description(f):
    assert newton_vertices(f) == Polyhedron.from_generators(f.exponents).vertices()


@given(polynomials(dim=2, min_terms=1, max_terms=5), polynomials(dim=2, min_terms=1, max_terms=5))
@law()
def test_newton_of_a_product_is_the_minkowski_sum_and_of_a_sum_the_hull(f, g):
    sums = [[p + q for p, q in zip(a, b, strict=True)] for a in newton_vertices(f) for b in newton_vertices(g)]
    assert newton_polytope(f * g).same_set(Polyhedron.from_generators(sums))
    assert newton_vertices(f * g) == minkowski_sum(f.exponents, g.exponents)
    union = Polyhedron.from_generators([*newton_vertices(f), *newton_vertices(g)])
    assert newton_polytope(f + g).same_set(union)


@given(polynomials(dim=2, min_terms=1, max_terms=7))
@law()
def test_cells_fill_the_newton_polytope_and_are_dual_to_points(f):
    subdivision = dual_subdivision(f)
    assert sum(cell.volume for cell in subdivision.cells) == newton_polytope(f).volume()
    for cell in subdivision.cells:
        assert f.argmax_terms(cell.point) == cell.terms


@given(st.integers(1, 3), st.lists(st.integers(-2, 2), min_size=10, max_size=10))
@law(20)
def test_full_support_of_degree_two(dim, heights):
    support = [a for a in itertools.product(range(3), repeat=dim) if sum(a) <= 2]
    f = PuiseuxPolynomial(list(zip(support, heights, strict=False)), dim)
    volumes = sum(cell.volume for cell in dual_subdivision(f).cells)
    assert volumes == newton_polytope(f).volume()


def test_a_generic_lift_triangulates():
    rng = np.random.default_rng(2)
    f = PuiseuxPolynomial([(a, c) for a, c in zip(rng.normal(size=(12, 2)), rng.normal(size=12), strict=True)])
    assert dual_subdivision(f).is_triangulation
    square = PuiseuxPolynomial({(0, 0): 0, (1, 0): 0, (0, 1): 0, (1, 1): 0})
    assert not dual_subdivision(square).is_triangulation


def test_marked_points_inside_a_cell_are_listed():
    f = PuiseuxPolynomial({(0,): 0, (1,): 0, (2,): 0, (3,): -9})
    assert [cell.terms for cell in dual_subdivision(f).cells] == [(0, 1, 2), (2, 3)]


def test_support_on_a_line_in_the_plane():
    f = PuiseuxPolynomial({(0, 0): 0, (1, 1): 1, (2, 2): 0})
    cells = dual_subdivision(f).cells
    assert sorted(cell.terms for cell in cells) == [(0, 1), (1, 2)]
    assert newton_polytope(f).dimension() == 1


@pytest.mark.parametrize(("dim", "count"), [(1, 4), (2, 6), (3, 6)])
def test_generic_zonotopes_have_the_known_number_of_vertices(dim, count):
    generators = np.random.default_rng(1).normal(size=(count, dim))
    assert len(zonotope(generators)) == 2 * sum(comb(count - 1, k) for k in range(dim))


def test_a_zonotope_without_generators_is_a_point():
    assert zonotope([], dim=2) == ((0, 0),) == zonotope([[0, 0]]) == zonotope([[0, 0]], dim=2)
    assert zonotope([], dim=0) == ((),)


def test_bad_input_is_refused_with_the_reason():
    with pytest.raises(AlgebraError, match="no support"):
        dual_subdivision(PuiseuxPolynomial.zero(2))
    with pytest.raises(AlgebraError, match="generator 1 has 1"):
        zonotope([[1, 2], [3]])
    with pytest.raises(AlgebraError, match="without generators"):
        zonotope([])
    with pytest.raises(AlgebraError, match="generator 0 has 1 coordinate, not 2"):
        zonotope([[1]], dim=2)
    with pytest.raises(AlgebraError, match="cannot have -1"):
        zonotope([], dim=-1)
    with pytest.raises(AlgebraError, match="both sides"):
        minkowski_sum([], [[1]])
    assert newton_vertices(PuiseuxPolynomial.zero(2)) == ()
    assert newton_polytope(PuiseuxPolynomial.zero(2)).is_empty()
