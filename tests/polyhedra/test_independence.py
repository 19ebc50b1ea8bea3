"""Ranks modulo a prime and systems solved in steps, against elimination over the rationals."""

from __future__ import annotations

import random
import time
from itertools import product

import numpy as np
import pytest
from flint import fmpq_mat, fmpz_mat

from polyhedra.boxes import box_generators, point_inside
from polyhedra.double_description import cone_generators
from polyhedra.independence import independent, inverse_columns, is_invertible, kernel
from polyhedra.lifting import FIRST_PRIME, Solver
from polyhedra.limits import OutOfTime, check_limits, limited_by, time_limit
from polyhedra.matrix import Matrix, inverse, nullspace, reduced_echelon
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational_rows

ENTRIES = (0, 0, 1, -1, 2, 0.5, 0.1, 3.7)


def random_matrix(rng: random.Random, entries: tuple[float, ...]) -> Matrix:
    rows, columns = rng.randint(1, 6), rng.randint(1, 6)
    matrix = rational_rows([[rng.choice(entries) for _ in range(columns)] for _ in range(rows)])
    if rows > 2 and rng.random() < 0.5:
        matrix = (*matrix[:-1], tuple(2 * a - b for a, b in zip(*matrix[:2], strict=True)))
    return matrix


@pytest.mark.parametrize("seed", range(300))
def test_the_first_independent_rows_and_columns(seed: int) -> None:
    matrix = random_matrix(random.Random(seed), ENTRIES)
    found = independent(matrix)
    assert found.columns == reduced_echelon(matrix)[1]
    assert found.rows == reduced_echelon(tuple(zip(*matrix, strict=True)))[1]
    assert tuple(map(tuple, kernel(matrix, found))) == nullspace(matrix)


@pytest.mark.parametrize("seed", range(300))
def test_unlucky_primes_change_no_rank(seed: int) -> None:
    """Entries that are multiples of the first prime: its ranks are too small, and its pivots others."""
    matrix = random_matrix(random.Random(seed), (*ENTRIES, FIRST_PRIME, -FIRST_PRIME, FIRST_PRIME + 1))
    rows, columns = independent(matrix)
    rank = len(reduced_echelon(matrix)[0])
    assert len(rows) == len(columns) == rank
    if rank:
        assert fmpq_mat([[matrix[i][j] for j in columns] for i in rows]).det() != 0


def test_a_prime_that_divides_is_not_believed() -> None:
    """Modulo the first prime these have rank 1: it is confirmed by exact combinations, or the next prime is taken."""
    assert independent(rational_rows([[FIRST_PRIME, 0], [0, 1]])).rows == (0, 1)
    assert independent(rational_rows([[1, 1, 0], [1, 1 + FIRST_PRIME, 0], [2, 2 + FIRST_PRIME, 0]])).columns == (0, 1)
    assert is_invertible(rational_rows([[FIRST_PRIME]]))
    assert not is_invertible(rational_rows([[0]]))


def test_a_rank_that_large_combinations_hide() -> None:
    """More than a handful of rows, of which some are combinations of others, and zero rows and columns."""
    rng = np.random.default_rng(4)
    rows = rational_rows(rng.normal(size=(30, 40)))
    factors = (3, -2, 7)
    mixed = [
        tuple(sum(c * a for c, a in zip(factors, column, strict=True)) for column in zip(*rows[k : k + 3], strict=True))
        for k in range(5)
    ]
    matrix = [(*row, 0 * row[0], row[0] + row[1]) for row in (*rows, *mixed, tuple(0 * v for v in rows[0]))]
    found = independent(matrix)
    assert found.rows == tuple(range(30))
    assert found.columns == tuple(range(30))
    assert len(independent(matrix[:29]).rows) == 29


@pytest.mark.parametrize("seed", range(200))
def test_systems_solved_in_steps(seed: int) -> None:
    rng = random.Random(seed)
    size, bits = rng.randint(1, 7), rng.choice((2, 8, 53, 200))
    matrix = fmpz_mat([[rng.choice((0, rng.randint(-(2**bits), 2**bits))) for _ in range(size)] for _ in range(size)])
    if matrix.det() == 0:
        return
    right = [rng.randint(-(2 ** rng.choice((1, 50, 300))), 2**40) for _ in range(size)]
    solution = Solver(matrix, at_once=0).solve(right)
    assert fmpq_mat(matrix) * fmpq_mat([[v] for v in solution]) == fmpq_mat([[v] for v in right])


def test_inverses_column_by_column() -> None:
    for size in (1, 3, 30):
        matrix = rational_rows(np.random.default_rng(size).normal(size=(size, size)))
        assert tuple(zip(*inverse_columns(matrix), strict=True)) == inverse(matrix)


@pytest.mark.parametrize("seed", range(30))
def test_boxes_as_by_double_description_and_linear_programs(seed: int) -> None:
    rng = random.Random(seed)
    dim = rng.randint(1, 5)
    low = [rng.choice((0, -1, 0.1, "1/3", -(10**400))) for _ in range(dim)]
    high = [rng.choice((1, 2, "7/3", 10**400)) for _ in range(dim)]
    box = Polyhedron.box(low, high)
    found = box_generators(box.system)
    rows = [(row[-1], *(-a for a in row[:-1])) for row in box.system.rows()]
    assert found == cone_generators(dim + 1, [], [*rows, (1, *(0,) * dim)])
    point = point_inside(box.system)
    assert point is not None
    assert box.contains(point, strict=True)
    more = box.intersection(Polyhedron([[1] + [0] * (dim - 1)], [10**401]), box)
    assert more.irredundant() == box.irredundant()
    assert len(box.irredundant().inequalities) == 2 * dim
    assert set(box.vertices()) == set(product(*zip(*rational_rows([low, high]), strict=True)))


def test_what_is_no_box() -> None:
    assert point_inside(Polyhedron.box([0], [0]).system) is None
    assert not Polyhedron([[1], [-1]], [0, -1]).is_full_dimensional()
    assert box_generators(Polyhedron([[1, 1], [-1, 0], [0, -1], [1, 0]], [1, 0, 0, 1]).system) is None
    half = Polyhedron([[1, 0]], [3])
    assert half.is_full_dimensional()
    assert half.contains(point_inside(half.system), strict=True)
    assert box_generators(half.system) is None
    assert box_generators(Polyhedron([[1], [2], [-1]], [1, 1, 0]).system) is None


# -------------------------------------------------------------------------- limits


def test_limits_are_kept_deep_inside() -> None:
    matrix = rational_rows(np.random.default_rng(0).normal(size=(150, 150)))
    begun = time.monotonic()
    with pytest.raises(OutOfTime), time_limit(0.1):
        list(inverse_columns(matrix))
    assert time.monotonic() - begun < 20
    with pytest.raises(OutOfTime), time_limit(0.02):  # a minute without a limit
        Polyhedron.box([0] * 20, [1] * 20).vertices()
    check_limits()  # no limit is left behind


def test_limits_of_any_kind() -> None:
    class Enough(Exception):
        pass

    def stop() -> None:
        raise Enough

    with limited_by(stop), pytest.raises(Enough):
        Polyhedron.box([0], [1]).vertices()
    with time_limit(None):
        check_limits()
    with time_limit(1000), time_limit(0), pytest.raises(OutOfTime):
        check_limits()
