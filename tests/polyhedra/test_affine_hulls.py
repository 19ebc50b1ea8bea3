"""Affine hulls of degenerate systems: against a linear program for every row, and with few programs."""

import random

import pytest

from polyhedra.linear_program import Infeasible, Optimal, interior_of, maximize
from polyhedra.polyhedron import Polyhedron
from polyhedra.redundancy import relative_interior
from polyhedra.scalars import ZERO, rational
from polyhedra.system import System


def degenerate(rng, dim, rows):
    """Inequalities through common points, in both directions, and a few that leave room, contradict or say nothing."""
    points = [[rng.randint(-2, 2) for _ in range(dim)] for _ in range(rng.choice((1, 1, 2)))]
    A, b = [], []
    for _ in range(rows):
        a = [rng.randint(-2, 2) for _ in range(dim)]
        highest = max(sum(u * v for u, v in zip(a, p, strict=True)) for p in points)
        A.append(a)
        b.append(highest + rng.choice((0, 0, 0, 0, 1) if rng.random() < 0.97 else (-1,)))
    return A, b


@pytest.mark.parametrize("seed", range(60))
def test_implied_equalities_are_those_that_a_program_for_each_row_finds(seed):
    rng = random.Random(seed)
    dim = rng.randint(1, 3)
    A, b = degenerate(rng, dim, rng.randint(1, 8))
    polyhedron = Polyhedron(A, b, dim=dim)
    lowest = [maximize([-v for v in row], A, b) for row in A]
    if not any(isinstance(answer, Optimal) for answer in lowest) and polyhedron.is_empty():
        assert polyhedron.interior_point() is None
        assert all(isinstance(answer, Infeasible) for answer in lowest)
        return
    tight = {i for i, answer in enumerate(lowest) if isinstance(answer, Optimal) and -answer.value == b[i]}
    assert polyhedron.implicit_equalities() == tight
    point = polyhedron.interior_point()
    for i, row in enumerate(A):
        value = sum((rational(u) * v for u, v in zip(row, point, strict=True)), ZERO)
        assert value == b[i] if i in tight else value < b[i]


@pytest.mark.parametrize("dim", [1, 2, 4])
def test_rows_through_a_point_take_few_programs(dim):
    rng = random.Random(dim)
    point = list(range(1, dim + 1))
    A = [[rng.randint(-(10**15), 10**15) for _ in range(dim)] for _ in range(300)]
    b = [sum(u * v for u, v in zip(a, point, strict=True)) for a in A]
    asked = []

    def decide(system):
        asked.append(system.count)
        return interior_of(system)

    found = relative_interior(System(A, b), decide)
    assert len(asked) <= dim + 2
    assert found.point == tuple(point)
    assert found.dimension == 0
    assert found.implicit == frozenset(range(300))
    empty = relative_interior(System([*A, [1] * dim], [*b, sum(point) - 1]), decide)
    assert (empty.dimension, empty.point) == (-1, None)
    line = relative_interior(System([[*a, 0] for a in A] + [[0] * dim + [1]], [*b, 7]), decide)
    assert line.dimension == 1
    assert line.point[-1] < 7
