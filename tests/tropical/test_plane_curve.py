"""Plane curves against the hypersurface as a set of polyhedra, whose vertices, edges and weights are counted."""

import itertools
import math

import networkx as nx
import pytest
from flint import fmpq
from hypothesis import assume, given
from hypothesis import strategies as st

from polyhedra.errors import AlgebraError
from tests.tropical.polynomial_strategies import law
from tropical import PuiseuxPolynomial
from tropical.hypersurface import hypersurface
from tropical.mixed_volume import mixed_volume
from tropical.plane_curve import plane_curve


def curves(largest=3):
    exponents = st.tuples(st.integers(0, largest), st.integers(0, largest))
    terms = st.dictionaries(exponents, st.integers(-3, 3), min_size=3, max_size=8)
    return terms.map(lambda found: PuiseuxPolynomial(found, 2))


def drawn(polynomial):
    first, *others = polynomial.exponents
    steps = [(p[0] - first[0], p[1] - first[1]) for p in others]
    assume(any(a[0] * b[1] != a[1] * b[0] for a, b in itertools.combinations(steps, 2)))
    return plane_curve(polynomial)


@given(curves())
@law(60)
def test_vertices_edges_and_cycles_of_the_hypersurface(polynomial):
    curve = drawn(polynomial)
    whole = hypersurface(polynomial)
    assert tuple(vertex.point for vertex in curve.vertices) == whole.vertices()
    graph, ends = nx.MultiGraph(), []
    graph.add_nodes_from(whole.vertices())
    for facet in whole.facets:
        found = facet.polyhedron.vertices()
        if len(found) == 2:
            graph.add_edge(*found)
        else:
            (ray,) = facet.polyhedron.rays()
            scale = facet.weight / _lattice_length(ray)
            ends.append(tuple(int((v * scale).p) for v in ray))
    assert curve.ends == tuple(sorted(ends))
    betti = graph.number_of_edges() - graph.number_of_nodes() + nx.number_connected_components(graph)
    assert curve.cycles == betti
    assert mixed_volume([curve.newton_polygon, [(0, 0), (1, 0), (0, 1)]]) == curve.degree
    for vertex in curve.vertices:
        assert tuple(map(sum, zip(*vertex.weight_vectors, strict=True))) == (0, 0)
        assert len(polynomial.argmax_terms(vertex.point)) == vertex.marked
    if len(whole.vertices()) > 0 and all(len(v.polygon) == 3 for v in curve.vertices):
        assert curve.genus == curve.cycles


def _lattice_length(vector):
    denominator = math.lcm(*(int(v.q) for v in vector))
    return fmpq(math.gcd(*(int((v * denominator).p) for v in vector)), denominator)


@given(curves())
@law(60)
def test_smooth_curves_and_areas(polynomial):
    curve = drawn(polynomial)
    inside = [
        p
        for p in itertools.product(range(-1, 5), repeat=2)
        if all((q[0] - o[0]) * (p[1] - o[1]) > (q[1] - o[1]) * (p[0] - o[0]) for o, q in _around(curve.newton_polygon))
    ]
    assert curve.arithmetic_genus == len(inside)
    area = abs(sum(o[0] * q[1] - o[1] * q[0] for o, q in _around(curve.newton_polygon)))
    assert sum(vertex.multiplicity for vertex in curve.vertices) == area
    assert curve.is_smooth == (len(curve.vertices) == area)
    if curve.is_smooth:
        assert curve.is_simple
        assert curve.is_nodal
        assert curve.genus == curve.arithmetic_genus
        assert curve.components == 1


def _around(polygon):
    return zip(polygon, (*polygon[1:], polygon[0]), strict=True)


def honeycomb(degree):
    """The coefficients -(i^2 + ij + j^2) subdivide the triangle into unit triangles."""
    points = [(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]
    return plane_curve(PuiseuxPolynomial({(i, j): -(i * i + i * j + j * j) for i, j in points}))


@pytest.mark.parametrize("degree", [1, 2, 3, 4, 5])
def test_honeycombs_are_smooth_of_the_genus_of_plane_curves(degree):
    curve = honeycomb(degree)
    assert (curve.degree, curve.genus, curve.is_smooth) == (degree, (degree - 1) * (degree - 2) // 2, True)
    assert len(curve.ends) == 3 * degree


def test_two_lines_cross_and_stay_two():
    x, y = PuiseuxPolynomial.variables(2)
    one = x + y + PuiseuxPolynomial.constant(0, 2)
    other = x + y.shift([0, 0], 3) + PuiseuxPolynomial.constant(1, 2)
    curve = plane_curve(one * other)
    assert (curve.genus, curve.components, curve.cycles, curve.degree) == (0, 2, 0, 2)
    assert sorted(vertex.multiplicity for vertex in curve.vertices) == [1, 1, 2]
    assert curve.is_simple
    assert curve.is_nodal
    assert not curve.is_smooth
    assert sum(vertex.is_crossing for vertex in curve.vertices) == 1


def test_a_crossing_inside_a_cycle_lowers_the_genus():
    """Two conics in general position: 4 crossings by Bezout, counted with multiplicity, and two parts of genus 0."""
    x, y = PuiseuxPolynomial.variables(2)
    zero = PuiseuxPolynomial.constant(0, 2)
    conic = x * x + y * y + (x * y + x + y).shift([0, 0], 2) + zero
    moved = PuiseuxPolynomial([(e, c + fmpq(1, 3) * e[0] - fmpq(1, 5) * e[1]) for e, c in conic.terms])
    curve = plane_curve(conic * moved)
    crossings = [vertex for vertex in curve.vertices if vertex.is_crossing]
    assert curve.is_simple
    assert sum(vertex.multiplicity for vertex in crossings) // 2 == 4
    assert (curve.components, curve.genus) == (2, 0)
    assert curve.cycles == curve.genus + len(crossings) - 1


def test_a_fat_vertex_is_neither_simple_nor_smooth():
    curve = plane_curve(PuiseuxPolynomial({(0, 0): 0, (1, 0): 0, (0, 1): 0, (2, 1): 0, (1, 2): 0}))
    assert not curve.is_simple
    assert not curve.is_nodal
    assert curve.vertices[0].multiplicity == 5
    with pytest.raises(AlgebraError, match="simple"):
        _ = curve.genus
    with pytest.raises(AlgebraError, match="simple"):
        _ = curve.components


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({(0,): 1, (1,): 2}, "2 variables, not in 1"),
        ({("1/2", 0): 1, (0, 1): 0, (0, 0): 0}, "integer exponents: multiply them by '2'"),
        ({(0, 0): 1, (1, 1): 2, (2, 2): 0}, "on a line"),
        ({(3, 1): 1}, "on a line"),
    ],
)
def test_bad_input_is_refused_with_the_reason(terms, message):
    with pytest.raises(AlgebraError, match=message):
        plane_curve(PuiseuxPolynomial(terms))
