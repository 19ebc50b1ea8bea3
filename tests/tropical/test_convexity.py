"""Tropical polytopes against all combinations with the coefficients that matter, and all spanning trees."""

import itertools
import math

import networkx as nx
import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from polyhedra import Polyhedron
from polyhedra.errors import AlgebraError
from tests.tropical.polynomial_strategies import law
from tropical.convexity import TropicalPolytope, tropical_distance

coordinates = st.integers(-2, 2)


def point_sets(d, largest=3):
    return st.lists(st.tuples(*[coordinates] * d), min_size=1, max_size=largest)


def shifted(point):
    return tuple(fmpq(v) - point[0] for v in point)


def combinations_equal(points, x):
    """Whether x is a combination: each coefficient may be taken from the differences, or the point be left out."""
    choices = [[None, *{a - b for a, b in zip(x, v, strict=True)}] for v in points]
    for scales in itertools.product(*choices):
        used = [(s, v) for s, v in zip(scales, points, strict=True) if s is not None]
        if used and tuple(max(s + v[j] for s, v in used) for j in range(len(x))) == tuple(x):
            return True
    return False


cases = st.integers(1, 4).flatmap(lambda d: st.tuples(point_sets(d), st.tuples(*[coordinates] * d)))


@given(cases)
@law(100)
def test_membership_by_all_combinations(case):
    points, x = case
    assert TropicalPolytope(points).contains(x) == combinations_equal(points, x)


@given(cases)
@law(60)
def test_the_projection_is_nearest(case):
    points, x = case
    hull = TropicalPolytope(points)
    nearest = hull.nearest_point(x)
    assert hull.contains(nearest)
    distance = tropical_distance(nearest, x)
    assert (distance == 0) == hull.contains(x)
    # no combination with coefficients on a grid is nearer
    for scales in itertools.product(range(-4, 5), repeat=len(points)):
        other = [max(s + v[j] for s, v in zip(scales, points, strict=True)) for j in range(len(x))]
        assert tropical_distance(other, x) >= distance


@given(cases)
@law(60)
def test_extreme_points_span_and_none_is_superfluous(case):
    points, _ = case
    extreme = TropicalPolytope(points).extreme_points()
    assert set(extreme) <= {shifted(v) for v in points}
    assert all(combinations_equal(extreme, shifted(v)) for v in points)
    for v in extreme:
        others = [w for w in extreme if w != v]
        assert not others or not combinations_equal(others, v)


def by_spanning_trees(points):
    """The points of the hull whose covector graph is connected, each read off a spanning tree."""
    d, r = len(points[0]), len(points)
    pairs = [(("x", j), ("v", k)) for j in range(d) for k in range(r)]
    found = set()
    for chosen in itertools.combinations(pairs, d + r - 1):
        tree = nx.Graph(chosen)
        if len(tree) < d + r or not nx.is_connected(tree):
            continue
        values = {("x", 0): fmpq(0)}
        for one, other in nx.bfs_edges(tree, ("x", 0)):
            j, k = (one[1], other[1]) if one[0] == "x" else (other[1], one[1])
            # x_j - v_kj = l_k
            values[other] = values[one] - points[k][j] if one[0] == "x" else values[one] + points[k][j]
        x = tuple(values["x", j] for j in range(d))
        if all(values["v", k] == min(a - b for a, b in zip(x, points[k], strict=True)) for k in range(r)):
            found.add(x)
    return {x for x in found if combinations_equal(points, x)}


@given(st.integers(1, 3).flatmap(point_sets))
@law(60)
def test_pseudovertices_by_spanning_trees(points):
    distinct = sorted({shifted(v) for v in points})
    found = TropicalPolytope(points).pseudovertices()
    assert {x for x, _ in found} == by_spanning_trees(distinct)
    for x, covector in found:
        for j, members in enumerate(covector):
            for k in range(len(points)):
                differences = [a - b for a, b in zip(x, points[k], strict=True)]
                assert (k in members) == (differences[j] == min(differences))


def test_distance_is_a_metric_up_to_scalars():
    points = [(0, 1, 2), (0, -1, 3), (2, 2, 2), (1, 1, 1)]
    assert tropical_distance(points[2], points[3]) == 0
    for a, b, c in itertools.product(points, repeat=3):
        assert tropical_distance(a, c) <= tropical_distance(a, b) + tropical_distance(b, c)
        assert tropical_distance(a, b) == tropical_distance(b, a) >= 0


def test_a_generic_arrangement_has_binomially_many_pseudovertices():
    """r points in general position in d coordinates: binomial(r + d - 2, d - 1) (Develin and Sturmfels 2004)."""
    points = [(0, 0, 0), (0, 10, 3), (0, 4, 11), (0, 17, 5)]
    assert len(TropicalPolytope(points).pseudovertices()) == 10


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: TropicalPolytope([]), "at least one point"),
        (lambda: TropicalPolytope([(0, 1), (0, 1, 2)]), "point 1 has 3 coordinates"),
        (lambda: TropicalPolytope([()]), "point 0 has 0 coordinates"),
        (lambda: TropicalPolytope([5]), "point 0: '5' is no sequence"),
        (lambda: TropicalPolytope([(0, "-inf")]), "point 0"),
        (lambda: TropicalPolytope([(0, 1)]).contains((0, 1, 2)), "3 coordinates, where the hull has 2"),
        (lambda: tropical_distance([0, 1], [0]), r"point 1 has 1 coordinate\b"),
    ],
)
def test_bad_input_is_refused_with_the_reason(build, message):
    with pytest.raises(AlgebraError, match=message):
        build()


@pytest.mark.parametrize(("n", "d"), [(1, 3), (2, 3), (4, 3), (6, 3), (3, 4), (4, 4), (3, 5), (3, 2)])
def test_generic_points_have_the_numbers_of_cells_of_develin_and_sturmfels(n, d):
    """(n + d - k - 2)! / ((n - k - 1)! (d - k - 1)! k!) cells of dimension k (corollary 25)."""
    points = np.random.default_rng(n + 10 * d).integers(-1000, 1000, (n, d)).tolist()
    cells = TropicalPolytope(points).cells()
    f = math.factorial
    for k in range(min(n, d)):
        wanted = f(n + d - k - 2) // (f(n - k - 1) * f(d - k - 1) * f(k))
        assert sum(cell.dimension == k for cell in cells) == wanted


@given(st.lists(st.tuples(st.just(0), st.integers(-2, 2), st.integers(-2, 2)), min_size=1, max_size=5))
@law(40)
def test_the_cells_of_a_plane_hull_are_its_covectors(points):
    """Each point of the hull on a grid that meets every cell lies in the relative interior of one, by its covector."""
    hull = TropicalPolytope(points)
    cells = {cell.covector: cell for cell in hull.cells()}
    thirds = [fmpq(k, 3) for k in range(-9, 10)]
    seen = {}
    for x in ((fmpq(0), a, b) for a in thirds for b in thirds):
        if hull.contains(x):
            seen.setdefault(hull.covector(x), []).append(x)
    assert set(seen) == set(cells)
    for covector, inside in seen.items():
        cell = cells[covector]
        body = Polyhedron.from_generators([v[1:] for v in cell.vertices])
        assert body.dimension() == cell.dimension
        assert all(body.contains(x[1:]) for x in inside)
        assert len(body.vertices()) == len(cell.vertices)
