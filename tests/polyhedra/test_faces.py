"""Faces against all choices of tight inequalities, decided by linear programs; bodies with known numbers."""

import itertools
import random
from math import comb

import pytest

from polyhedra import GeometryError, Polyhedron
from polyhedra.faces import (
    f_vector,
    face_lattice,
    facet_adjacency,
    incidences,
    is_subset,
    point_outside,
    projection,
    vertex_adjacency,
)


def drawn(seed):
    """A small polyhedron, often degenerate: empty, unbounded, with lines, or of lower dimension."""
    rng = random.Random(seed)
    n = rng.randint(1, 3)
    rows = [[rng.randint(-1, 1) for _ in range(n)] for _ in range(rng.randint(0, 6))]
    equal = [[rng.randint(-1, 1) for _ in range(n)] for _ in range(rng.choice([0, 0, 0, 1]))]
    box = Polyhedron.box([-1] * n, [1] * n) if rng.random() < 0.5 else Polyhedron.space(n)
    own = Polyhedron(rows, [rng.randint(0, 2) for _ in rows], equal, [rng.randint(0, 1) for _ in equal], n)
    return own.intersection(box)


def naive_faces(polyhedron):
    """All non-empty faces: for each choice of facets the set where they are tight, as (facets, dimension)."""
    plain = polyhedron.irredundant()
    if polyhedron.is_empty():
        return set()
    faces = set()
    count = len(plain.inequalities)
    for size in range(count + 1):
        for chosen in itertools.combinations(range(count), size):
            tight = [plain.inequalities[i] for i in chosen]
            face = Polyhedron(
                plain.A,
                plain.b,
                [*plain.A_eq, *(r[:-1] for r in tight)],
                [*plain.b_eq, *(r[-1] for r in tight)],
                plain.dim,
            )
            point = face.interior_point()
            if point is not None:
                on = tuple(
                    i
                    for i, r in enumerate(plain.inequalities)
                    if sum((a * x for a, x in zip(r[:-1], point, strict=True)), 0) == r[-1]
                )
                faces.add((on, face.dimension()))
    return faces


@pytest.mark.parametrize("seed", range(60))
def test_the_face_lattice_against_all_choices_of_facets(seed):
    polyhedron = drawn(seed)
    lattice = face_lattice(polyhedron)
    wanted = naive_faces(polyhedron)
    assert {(face.facets, face.dimension) for face in lattice.faces} == wanted
    assert len(lattice.faces) == len(wanted)
    for number, face in enumerate(lattice.faces):
        below = {
            k
            for k, other in enumerate(lattice.faces)
            if other.dimension == face.dimension - 1 and set(face.facets) < set(other.facets)
        }
        assert set(lattice.covers[number]) == below
    assert f_vector(polyhedron) == tuple(
        sum(d == k for _, d in wanted) for k in range(1 + max((d for _, d in wanted), default=-1))
    )
    top = polyhedron.dimension()
    ridges = {on for on, d in wanted if d == top - 2 and d >= 0}
    assert set(facet_adjacency(polyhedron)) == ridges
    if not polyhedron.lines():
        edges = {face.vertices for face in lattice.faces if face.dimension == 1 and len(face.vertices) == 2}
        assert set(vertex_adjacency(polyhedron)) == edges
    for v, row in zip(polyhedron.vertices(), incidences(polyhedron), strict=True):
        tight = [r for r, on in zip(polyhedron.irredundant().inequalities, row, strict=True) if on]
        assert all(sum((a * x for a, x in zip(r[:-1], v, strict=True)), 0) == r[-1] for r in tight)


@pytest.mark.parametrize("n", range(1, 6))
def test_cubes_simplices_and_cross_polytopes(n):
    cube = Polyhedron.box([0] * n, [1] * n)
    assert f_vector(cube) == tuple(comb(n, k) * 2 ** (n - k) for k in range(n + 1))
    units = [[int(i == j) for j in range(n)] for i in range(n)]
    simplex = Polyhedron.from_generators([[0] * n, *units])
    assert f_vector(simplex) == tuple(comb(n + 1, k + 1) for k in range(n + 1))
    cross = Polyhedron.from_generators([*units, *([-v for v in unit] for unit in units)])
    assert f_vector(cross) == (*(comb(n, k + 1) * 2 ** (k + 1) for k in range(n)), 1)
    assert len(vertex_adjacency(cube)) == n * 2 ** (n - 1)


def test_the_euler_relation_of_a_cyclic_polytope():
    moment = Polyhedron.from_generators([[t, t**2, t**3, t**4] for t in range(8)])
    numbers = f_vector(moment)
    assert numbers == (8, 28, 40, 20, 1)
    assert len(vertex_adjacency(moment)) == 28  # neighbourly


@pytest.mark.parametrize("seed", range(40))
def test_inclusion_with_a_witness(seed):
    first, second = drawn(seed), drawn(seed + 1)
    if first.dim != second.dim:
        with pytest.raises(GeometryError, match="do not contain one another"):
            is_subset(first, second)
        return
    point = point_outside(first, second)
    both = first.intersection(second)
    assert (point is None) == both.same_set(first) == is_subset(first, second)
    if point is not None:
        assert first.contains(point)
        assert not second.contains(point)
    assert is_subset(both, first)
    assert is_subset(both, second)


@pytest.mark.parametrize("seed", range(40))
def test_projections_against_fibres(seed):
    polyhedron = drawn(seed)
    rng = random.Random(seed)
    kept = rng.sample(range(polyhedron.dim), rng.randint(0, polyhedron.dim))
    shadow = projection(polyhedron, kept)
    assert shadow.dim == len(kept)
    for point in itertools.product([-2, 0, 1], repeat=len(kept)):
        rows = [[int(j == k) for j in range(polyhedron.dim)] for k in kept]
        fibre = polyhedron.intersection(Polyhedron((), (), rows, point, polyhedron.dim))
        assert shadow.contains(point) != fibre.is_empty()


def test_bad_input_is_refused():
    square = Polyhedron.box([0, 0], [1, 1])
    with pytest.raises(GeometryError, match="different coordinates among"):
        projection(square, [0, 0])
    with pytest.raises(GeometryError, match="different coordinates among"):
        projection(square, [2])
    with pytest.raises(GeometryError, match="more than 5 faces"):
        face_lattice(square, limit=5)
