"""Polyhedra: laws of sets, known bodies, degenerate descriptions, values that are values."""

import itertools
import math
import pickle
import random
import subprocess
import sys

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from polyhedra import AffineMap, GeometryError, Polyhedron, rationals
from polyhedra.matrix import dot

SMALL = st.integers(-2, 2)


@st.composite
def polyhedra(draw, max_dim=3, max_rows=7):
    d = draw(st.integers(1, max_dim))
    m, k = draw(st.integers(0, max_rows)), draw(st.sampled_from([0, 0, 0, 1]))
    row = st.lists(SMALL, min_size=d, max_size=d)
    right = st.integers(-1, 2)
    return Polyhedron(
        draw(st.lists(row, min_size=m, max_size=m)),
        draw(st.lists(right, min_size=m, max_size=m)),
        draw(st.lists(row, min_size=k, max_size=k)),
        draw(st.lists(right, min_size=k, max_size=k)),
        dim=d,
    )


def cube(n):
    return Polyhedron.box([0] * n, [1] * n)


def simplex(n):
    return Polyhedron([*(-np.eye(n)), np.ones(n)], [0] * n + [1])


def cross_polytope(n):
    return Polyhedron(list(itertools.product([-1, 1], repeat=n)), [1] * 2**n)


@settings(deadline=None, derandomize=True, max_examples=250)
@given(polyhedra())
def test_generators_describe_the_same_set(polyhedron):
    back = Polyhedron.from_generators(polyhedron.vertices(), polyhedron.rays(), polyhedron.lines(), dim=polyhedron.dim)
    assert polyhedron.same_set(back)
    assert all(polyhedron.contains(x) for x in polyhedron.vertices())
    assert bool(polyhedron.rays() or polyhedron.lines()) != polyhedron.is_bounded()
    if not polyhedron.is_empty():
        assert len(polyhedron.lines()) == len(polyhedron.lineality_space())


@settings(deadline=None, derandomize=True, max_examples=250)
@given(polyhedra())
def test_dimension_hull_and_interior_point_belong_together(polyhedron):
    point, hull = polyhedron.interior_point(), polyhedron.affine_hull()
    assert polyhedron.is_empty() == (point is None) == (polyhedron.dimension() == -1)
    assert polyhedron.is_full_dimensional() == (polyhedron.dimension() == polyhedron.dim)
    if point is None:
        assert hull.is_empty()
        return
    assert polyhedron.contains(point)
    assert polyhedron.dim - len(hull.equalities) == polyhedron.dimension() == hull.dimension()
    implicit = polyhedron.implicit_equalities()
    for index, row in enumerate(polyhedron.system.rows()):
        value = dot(rationals(row[:-1]), point)
        assert (value == row[-1]) == (index in implicit)
    assert all(hull.contains(x) for x in polyhedron.vertices())


@settings(deadline=None, derandomize=True, max_examples=150)
@given(polyhedra(), st.randoms(use_true_random=False))
def test_the_irredundant_form_is_canonical_and_minimal(polyhedron, rng):
    short = polyhedron.irredundant()
    assert short.irredundant() == short
    rows = list(polyhedron.inequalities) * 2
    rng.shuffle(rows)
    factors = [rng.randint(1, 5) for _ in rows]
    shuffled = Polyhedron(
        [[factor * a for a in row[:-1]] for factor, row in zip(factors, rows, strict=True)],
        [factor * row[-1] for factor, row in zip(factors, rows, strict=True)],
        polyhedron.A_eq,
        polyhedron.b_eq,
        dim=polyhedron.dim,
    )
    assert shuffled.irredundant() == short
    for index in range(len(short.inequalities)):
        fewer = [row for i, row in enumerate(short.inequalities) if i != index]
        wider = Polyhedron(
            [row[:-1] for row in fewer], [row[-1] for row in fewer], short.A_eq, short.b_eq, dim=polyhedron.dim
        )
        assert not wider.same_set(polyhedron)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(polyhedra(max_dim=2), polyhedra(max_dim=2), st.data())
def test_intersection_meets_and_membership(left, right, data):
    if left.dim != right.dim:
        with pytest.raises(GeometryError):
            left.intersection(right)
        return
    both = left.intersection(right)
    assert left.meets(right) == right.meets(left) == (not both.is_empty())
    point = data.draw(st.lists(st.fractions(-2, 2, max_denominator=3), min_size=left.dim, max_size=left.dim))
    assert both.contains(point) == (left.contains(point) and right.contains(point))
    assert both.same_set(right.intersection(left))


@settings(deadline=None, derandomize=True, max_examples=100)
@given(polyhedra(max_dim=3, max_rows=5), st.data())
def test_images_and_preimages(polyhedron, data):
    n = polyhedron.dim
    outputs = data.draw(st.integers(1, 3))
    entries = st.lists(SMALL, min_size=n, max_size=n)
    matrix = data.draw(st.lists(entries, min_size=outputs, max_size=outputs))
    affine = AffineMap.of(matrix, data.draw(st.lists(SMALL, min_size=outputs, max_size=outputs)))
    image = polyhedron.image(affine)
    assert image.is_empty() == polyhedron.is_empty()
    if not polyhedron.is_empty():
        assert image.contains(affine(polyhedron.interior_point()))
        back = image.preimage(affine)
        assert back.intersection(polyhedron).same_set(polyhedron)
        # every vertex of the image comes from a point of the set
        for y in image.vertices():
            fibre = Polyhedron((), (), matrix, [a - c for a, c in zip(y, affine.offset, strict=True)], dim=n)
            assert fibre.meets(polyhedron)
    shift = rationals(data.draw(entries))
    moved = polyhedron.translate(shift)
    translation = AffineMap.of([[int(i == j) for j in range(n)] for i in range(n)], shift)
    assert moved.same_set(polyhedron.image(translation))
    assert moved.volume() == polyhedron.volume()


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_volumes_of_known_bodies(n):
    assert cube(n).volume() == 1
    assert simplex(n).volume() == fmpq(1, math.factorial(n))
    assert cross_polytope(n).volume() == fmpq(2**n, math.factorial(n))
    assert len(cube(n).vertices()) == 2**n
    assert len(cross_polytope(n).vertices()) == 2 * n
    assert len(cross_polytope(n).irredundant().inequalities) == (2**n if n > 1 else 2)
    assert cross_polytope(n).same_set(Polyhedron.from_generators(cross_polytope(n).vertices()))


def test_volumes_scale_with_the_determinant_and_add_up():
    shear = AffineMap.of([[2, 1, 0], [0, "1/3", 5], [0, 0, 3]], [1, 2, 3])
    assert cross_polytope(3).image(shear).volume() == 2 * cross_polytope(3).volume()
    below = Polyhedron([*cube(3).A, [1, 1, 1]], [*cube(3).b, "7/5"])
    above = Polyhedron([*cube(3).A, [-1, -1, -1]], [*cube(3).b, "-7/5"])
    assert below.volume() + above.volume() == 1
    assert Polyhedron.box([0, 0], [1, 0]).volume() == 0
    assert Polyhedron.empty(2).volume() == 0
    assert Polyhedron([[1, 0]], [0]).volume() is None
    assert Polyhedron.space(0).volume() == 1


@pytest.mark.parametrize("n", [2, 3, 4])
def test_volume_and_facets_against_qhull(n):
    rng = np.random.default_rng(n)
    for _ in range(4):
        points = rng.standard_normal((4 * n, n))
        body = Polyhedron.from_generators(points)
        hull = ConvexHull(points)
        assert float(body.volume()) == pytest.approx(hull.volume, rel=1e-9)
        assert len(body.inequalities) == len(hull.equations)
        assert body.vertices() == tuple(sorted(rationals(points[v]) for v in hull.vertices))
        assert body.irredundant() == body


def test_common_facets_of_boxes():
    left = cube(2)
    assert left.common_facet(Polyhedron.box([1, "1/2"], [2, 3])).vertices() == ((1, fmpq(1, 2)), (1, 1))
    assert left.common_facet(Polyhedron.box([1, 1], [2, 2])) is None  # a corner only
    assert left.common_facet(Polyhedron.box([1, 2], [2, 3])) is None  # on one line, apart
    assert left.common_facet(Polyhedron.box([2, 0], [3, 1])) is None
    facet = left.common_facet(Polyhedron([[-1, 0], [0, 0], [-3, 0]], [-1, 5, -3]))  # a half-plane, twice, and 0 <= 5
    assert facet.dimension() == 1
    assert facet.same_set(Polyhedron.box([1, 0], [1, 1]))
    # the wall x <= 1 of the first set is redundant, the second only touches that line
    inner = Polyhedron([*cube(2).A, [1, 1]], [*cube(2).b, "1/2"])
    assert inner.common_facet(Polyhedron.box([1, 0], [2, 1])) is None
    assert Polyhedron.box([0], [1]).common_facet(Polyhedron.box([1], [2])).vertices() == ((1,),)
    with pytest.raises(GeometryError, match="no common facet"):
        left.common_facet(cube(3))


def test_sets_without_rows_and_rows_that_say_nothing():
    plane = Polyhedron.space(2)
    assert (plane.dimension(), plane.volume(), plane.is_bounded()) == (2, None, False)
    assert plane.same_set(Polyhedron([[0, 0], [0, 0]], [0, 3]))
    nothing = Polyhedron([[0, 0], [1, 0]], [-1, 0])
    assert nothing.is_empty()
    assert nothing.same_set(Polyhedron.empty(2))
    assert nothing.vertices() == nothing.rays() == nothing.lines() == ()
    assert nothing.is_bounded()
    assert Polyhedron((), (), [[0, 0]], [1]).is_empty()
    assert Polyhedron((), (), [[0, 0]], [0]).same_set(plane)
    assert Polyhedron([[0, 0]], [0]).is_full_dimensional()
    point = Polyhedron.box([1], [1])
    assert (point.dimension(), point.vertices(), point.interior_point()) == (0, ((1,),), (1,))
    assert Polyhedron.space(0).vertices() == ((),)


def test_a_line_a_strip_and_a_wedge():
    strip = Polyhedron([[1, 1], [-1, -1]], [1, 0])
    assert len(strip.lines()) == 1
    assert len(strip.vertices()) == 2
    assert strip.rays() == ()
    wedge = Polyhedron.from_generators([[0, 0]], rays=[[1, 0], [1, 1], [2, 1]])
    assert wedge.rays() == ((1, 0), (1, 1))
    assert wedge.inequalities == ((-1, 1, 0), (0, -1, 0))
    line = Polyhedron.from_generators([[0, 1]], lines=[[1, 1]])
    assert line.equalities == ((1, -1, -1),)
    assert line.dimension() == 1


def test_equality_is_of_rows_and_same_set_of_sets():
    first, second = Polyhedron([["1/2", 1]], ["1/3"]), Polyhedron([[3, 6]], [2])
    assert first == second
    assert hash(first) == hash(second)
    assert first.inequalities == ((3, 6, 2),)
    assert Polyhedron((), (), [[-1, 2]], [3]) == Polyhedron((), (), [[2, -4]], [-6])
    longer = Polyhedron([[3, 6], [3, 6]], [2, 4])
    assert longer != first
    assert longer.same_set(first)
    assert not first.same_set(Polyhedron.space(3))
    assert pickle.loads(pickle.dumps(longer)) == longer
    longer.vertices()
    assert pickle.loads(pickle.dumps(longer)) == longer
    with pytest.raises(AttributeError):
        first.dim = 5


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Polyhedron([[1, 2], [3]], [0, 0]), "A, row 1 has 1 number, not 2"),
        (lambda: Polyhedron([[1, float("nan")]], [0]), "A, row 0: the number nan is not finite"),
        (lambda: Polyhedron([[1]], [float("inf")]), "b: the number inf is not finite"),
        (lambda: Polyhedron([[1]], [1, 2]), "b has 2 numbers, not 1"),
        (lambda: Polyhedron(), "give dim"),
        (lambda: Polyhedron.box([0], [1, 2]), "upper bounds has 2 numbers, not 1"),
        (lambda: Polyhedron.from_generators([], rays=[[1]]), "give a vertex"),
        (lambda: Polyhedron.from_generators([]), "give dim"),
        (lambda: Polyhedron.from_generators([[0, 0], [1]]), "vertices, row 1"),
        (lambda: cube(2).contains([1]), "point has 1 number, not 2"),
        (lambda: cube(2).image(AffineMap.of([[1]])), "the map begins in"),
        (lambda: cube(2).preimage(AffineMap.of([[1]])), "the map leads to"),
        (lambda: cube(2).dimension(backend="ppl"), "no backend 'ppl'"),
    ],
)
def test_bad_input_is_refused(build, words):
    with pytest.raises(GeometryError, match=words):
        build()


def test_an_integer_lattice_of_walls_through_one_point():
    """Twelve walls through the origin in R^3, duplicates among them: degenerate in every way."""
    rng = random.Random(3)
    rows = [[rng.randint(-1, 1) for _ in range(3)] for _ in range(12)]
    cone = Polyhedron(rows, [0] * 12).intersection(Polyhedron.box([-1] * 3, [1] * 3))
    assert cone.same_set(Polyhedron.from_generators(cone.vertices()))
    assert cone.contains([0, 0, 0])


def test_importing_stays_light():
    code = "import sys, polyhedra; print([m for m in ('numpy', 'cdd', 'torch') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
