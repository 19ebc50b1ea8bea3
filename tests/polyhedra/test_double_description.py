"""Generators of cones: against brute force over all choices of rows, and bodies with known face numbers."""

import itertools
import random

import pytest
from flint import fmpq

from polyhedra import Polyhedron
from polyhedra.double_description import cone_generators
from polyhedra.matrix import dot, nullspace, rank
from polyhedra.scalars import primitive


def extreme_rays(dim, rows):
    """The rays on which rows of rank dim - 1 vanish and none is negative, for a cone without lines."""
    found = set()
    matrix = [tuple(map(fmpq, row)) for row in rows]
    for chosen in itertools.combinations(matrix, dim - 1):
        kernel = nullspace(chosen, dim)
        if len(kernel) != 1:
            continue
        for ray in (primitive(kernel[0]), primitive([-x for x in kernel[0]])):
            if all(sum(a * x for a, x in zip(row, ray, strict=True)) >= 0 for row in rows):
                found.add(ray)
    return found


@pytest.mark.parametrize("seed", range(80))
def test_pointed_cones_against_brute_force(seed):
    rng = random.Random(seed)
    dim = rng.randint(1, 4)
    rows = [tuple(rng.randint(-2, 2) for _ in range(dim)) for _ in range(rng.randint(dim, 8))]
    cone = cone_generators(dim, [], rows)
    assert len(cone.lines) == dim - rank(tuple(tuple(map(fmpq, row)) for row in rows))
    for ray, zeros in zip(cone.rays, cone.incidences, strict=True):
        values = [sum(a * x for a, x in zip(row, ray, strict=True)) for row in rows]
        assert min(values) >= 0
        assert zeros == sum(1 << i for i, value in enumerate(values) if value == 0)
    if not cone.lines:
        assert set(cone.rays) == extreme_rays(dim, rows)
        assert len(set(cone.rays)) == len(cone.rays)


@pytest.mark.parametrize("seed", range(30))
def test_equalities_are_two_inequalities(seed):
    rng = random.Random(seed)
    dim = rng.randint(2, 4)
    rows = [tuple(rng.randint(-2, 2) for _ in range(dim)) for _ in range(5)]
    equalities = [tuple(rng.randint(-2, 2) for _ in range(dim)) for _ in range(rng.randint(1, 2))]
    direct = cone_generators(dim, equalities, rows)
    doubled = cone_generators(dim, [], [*rows, *equalities, *(tuple(-a for a in row) for row in equalities)])
    assert len(direct.lines) == len(doubled.lines)
    assert len(direct.rays) == len(doubled.rays)
    if not direct.lines:
        assert direct.rays == doubled.rays


def test_a_dual_pair_of_regular_polytopes():
    """The 24-cell: 24 vertices, 24 facets, each vertex on six of them."""
    vertices = [p for p in itertools.product([-1, 0, 1], repeat=4) if sum(map(abs, p)) == 2]
    body = Polyhedron.from_generators(vertices)
    assert len(body.inequalities) == 24
    assert body.vertices() == tuple(sorted(tuple(map(fmpq, v)) for v in vertices))
    for vertex in vertices:
        tight = [row for row in body.inequalities if sum(a * x for a, x in zip(row, vertex, strict=False)) == row[-1]]
        assert len(tight) == 6
    assert body.volume() == 8


def test_a_cyclic_polytope_has_the_most_facets():
    """Eight points on the moment curve in R^4: 8 * 5 / 2 = 20 facets (Gale's evenness condition)."""
    body = Polyhedron.from_generators([[t, t**2, t**3, t**4] for t in range(8)])
    assert len(body.inequalities) == 20
    assert len(body.vertices()) == 8


@pytest.mark.parametrize("seed", range(40))
def test_adjacency_of_many_pairs_at_once(seed, monkeypatch):
    """The same rays whether pairs are looked at one by one or all at once, with few and with many rows."""
    from polyhedra import double_description

    rng = random.Random(seed)
    dim = rng.randint(2, 5)
    spread = rng.choice([1, 2, 9])  # small numbers make degenerate cones
    rows = [tuple(rng.randint(-spread, spread) for _ in range(dim)) for _ in range(rng.choice([6, 12, 20]))]
    if seed % 4 == 0:  # more inequalities than a machine word has bits
        rows = [*rows, *(tuple(2 * v for v in row) for row in rows * 6)]
    one_by_one = cone_generators(dim, [], rows)
    monkeypatch.setattr(double_description, "_MANY_PAIRS", 0)
    monkeypatch.setattr("polyhedra.adjacent_rays._ENTRIES", 7)
    assert cone_generators(dim, [], rows) == one_by_one


def test_the_vertices_of_a_large_simple_polytope_are_closed_under_neighbours():
    """Every edge leads to a vertex of the list, and the graph of a polytope is connected: no vertex is missing."""
    rng = random.Random(3)
    n = 8
    rows = [[rng.randint(-999, 999) for _ in range(n)] for _ in range(10)]
    rows += [[sign * int(i == j) for j in range(n)] for i in range(n) for sign in (1, -1)]
    polytope = Polyhedron(rows, [rng.randint(900, 1999) for _ in range(10)] + [1] * (2 * n))
    on = [
        frozenset(k for k, row in enumerate(polytope.inequalities) if dot(row[:-1], v) == row[-1])
        for v in polytope.vertices()
    ]
    assert len(on) > 1000
    assert all(len(tight) == n for tight in on)
    ends = {}
    for tight in on:
        for k in tight:
            ends.setdefault(tight - {k}, []).append(tight)
    assert all(len(pair) == 2 for pair in ends.values())
