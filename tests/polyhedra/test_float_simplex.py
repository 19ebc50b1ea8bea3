"""The loops of linear programs in doubles: against exact twins, and against the same operations in Python."""

import os
import random
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from polyhedra import exact_simplex
from polyhedra import float_simplex as kernels
from tests.oracles import float_simplex as twin

needs_core = pytest.mark.skipif(not kernels.COMPILED, reason="the compiled core is not there")


def doubtful_twin(rows, n_equal, point, homogeneous):
    """The rows without a strict inequality, in exact arithmetic."""
    slacks = [
        (0 if homogeneous else Fraction(row[-1]))
        - sum(Fraction(a) * Fraction(x) for a, x in zip(row, point, strict=False))
        for row in rows
    ]
    return [i for i, slack in enumerate(slacks) if i < n_equal or slack <= 0]


@needs_core
@pytest.mark.parametrize("seed", range(60))
def test_doubtful_rows_on_integers_are_the_tight_and_violated_ones(seed):
    rng = random.Random(seed)
    d, m = rng.randint(0, 5), rng.randint(0, 12)
    rows = [[rng.randint(-9, 9) for _ in range(d + 1)] for _ in range(m)]
    point = [rng.randint(-9, 9) for _ in range(d)]
    n_equal, homogeneous = rng.randint(0, m), rng.random() < 0.3
    indices = np.empty(m, dtype=np.int64)
    array = np.array(rows, dtype=np.float64).reshape(m, d + 1)
    count = kernels.doubtful(array, n_equal, np.array(point, dtype=np.float64), homogeneous, indices)
    assert indices[:count].tolist() == doubtful_twin(rows, n_equal, point, homogeneous)


@needs_core
@pytest.mark.parametrize("seed", range(60))
def test_a_row_that_is_not_doubtful_is_proven_for_every_rounding_of_its_numbers(seed):
    """Numbers a little off the floats, slacks of a few roundings: what passes the filter holds exactly."""
    rng = random.Random(seed)
    d = rng.randint(1, 6)
    passed = 0
    for _ in range(40):
        exact_row = [Fraction(rng.getrandbits(90) - 2**89, 2**89) for _ in range(d)]
        exact_point = [Fraction(rng.getrandbits(90) - 2**89, 2 ** rng.randint(80, 92)) for _ in range(d)]
        right = sum(a * x for a, x in zip(exact_row, exact_point, strict=True))
        right += rng.choice([-1, 0, 1]) * abs(right) * Fraction(rng.randint(0, 60), 2**54)
        row = np.array([[float(a) for a in exact_row] + [float(right)]])
        point = np.array([float(x) for x in exact_point])
        if kernels.doubtful(row, 0, point, False, np.empty(1, dtype=np.int64)) == 0:
            passed += 1
            assert sum(a * x for a, x in zip(exact_row, exact_point, strict=True)) < right
    assert passed < 40


@needs_core
def test_doubtful_takes_infinities_and_nan_for_unproven():
    rows = np.array([[1.0, np.inf], [1.0, np.nan], [np.inf, 1.0], [1.0, 5.0]])
    indices = np.empty(4, dtype=np.int64)
    assert kernels.doubtful(rows, 0, np.array([1.0]), False, indices) == 3
    assert kernels.doubtful(rows, 0, np.array([np.nan]), False, indices) == 4


STATUS = {"optimal": kernels.OPTIMAL, "unbounded": kernels.UNBOUNDED, "infeasible": kernels.INFEASIBLE}


@needs_core
@pytest.mark.parametrize("seed", range(300))
def test_propose_finds_what_the_exact_twin_finds(seed):
    """The exact simplex method is the twin: the same dual method with the same start, in rationals."""
    rng = random.Random(seed)
    d, m = rng.randint(1, 4), rng.randint(0, 12)
    rows = [[rng.randint(-3, 3) for _ in range(d + 1)] for _ in range(m)]
    n_equal = rng.choice([0, 0, 1]) if m else 0
    if n_equal and not any(rows[0][:d]):
        n_equal = 0
    objective = [rng.randint(-3, 3) for _ in range(d)]
    exact = exact_simplex.maximize(rows, n_equal, objective, d)
    basis, point = np.empty(d + 1, dtype=np.int64), np.empty(d)
    status = kernels.propose(
        np.array(rows, dtype=np.float64).reshape(m, d + 1) / 4,
        n_equal,
        np.array([*objective, 0.0]) / 4,
        True,
        basis,
        point,
        np.empty((d, d)),
    )
    assert status == STATUS[exact.status]
    if status == kernels.OPTIMAL:
        value = sum(c * x for c, x in zip(objective, point.tolist(), strict=True))
        expected = sum(c * x for c, x in zip(objective, exact.point, strict=True))
        assert value == pytest.approx(int(expected.p) / int(expected.q), abs=1e-9)
        assert all(-d <= name < m for name in basis[:d].tolist())
        assert len(set(basis[:d].tolist())) == d


def random_program(rng):
    """Rows of doubles or of small integers, which are degenerate, with an objective."""
    d, m = int(rng.integers(1, 9)), int(rng.integers(0, 40))
    n_equal = int(rng.integers(0, min(m, d) + 1)) if rng.random() < 0.3 else 0
    rows = rng.standard_normal((m, d + 1)) if rng.random() < 0.5 else rng.integers(-3, 4, (m, d + 1)).astype(float)
    return rows / 8, n_equal, np.append(rng.standard_normal(d), 1.0) / 8


@needs_core
@pytest.mark.parametrize("seed", range(40))
def test_the_core_computes_bit_for_bit_what_its_twin_computes(seed):
    rng = np.random.default_rng(seed)
    rows, n_equal, top = random_program(rng)
    d = rows.shape[1] - 1
    symbolic = bool(rng.random() < 0.5)
    found = []
    for loops in (kernels, twin):
        basis, point, inverse = np.empty(d + 1, dtype=np.int64), np.empty(d), np.empty((d, d))
        status = loops.propose(rows, n_equal, top, symbolic, basis, point, inverse)
        again, where, left = np.empty(d + 1, dtype=np.int64), np.empty(d), np.empty(len(rows), dtype=np.int64)
        proven = loops.propose_and_prove(rows, n_equal, top, again, where)
        count = loops.doubtful(rows, n_equal, point, symbolic, left)
        found.append(
            (
                status,
                *map(np.ndarray.tolist, (basis, point, inverse)),
                proven,
                *map(list, (again, where)),
                list(left[:count]),
            )
        )
    assert found[0] == found[1]


@needs_core
@pytest.mark.parametrize("seed", range(30))
def test_a_proven_basis_is_the_only_optimum_of_every_program_that_rounds_to_the_same_floats(seed):
    """Rows near ties: what is proven holds exactly for numbers of 90 bits that are not doubles."""
    rng = random.Random(seed)
    proven = 0
    for _ in range(40):
        d = rng.randint(1, 4)
        exact = [[Fraction(rng.getrandbits(90) - 2**89, 2**90) for _ in range(d + 1)] for _ in range(d + 4)]
        for row in exact[d:]:  # these matter seldom
            row[:] = [*[a / 64 for a in row[:d]], abs(row[d])]
        weights = [1 if rng.random() < 0.7 else Fraction(rng.randint(-1, 1), 2**60) for _ in range(d)]
        objective = [sum(w * row[j] for w, row in zip(weights, exact, strict=False)) for j in range(d)]
        if rng.random() < 0.8:  # one more row next to the vertex of the first ones
            chosen = exact[: rng.randint(1, d)]
            near = [sum(row[j] for row in chosen) / d for j in range(d + 1)]
            near[d] += abs(near[d]) * Fraction(rng.randint(-9, 9), 2**53)
            exact.append(near)
        floats = np.array([[float(a) for a in row] for row in exact])
        top = np.array([float(c) / (2 * d) for c in objective] + [0.0])
        basis = np.empty(d + 1, dtype=np.int64)
        if kernels.propose_and_prove(floats, 0, top, basis, np.empty(d)) != kernels.PROVEN:
            continue
        proven += 1
        names = basis[:d].tolist()
        point = solved([exact[i][:d] for i in names], [exact[i][d] for i in names])
        assert all(sum(map(Fraction.__mul__, row[:d], point)) < row[d] for i, row in enumerate(exact) if i not in names)
        columns = [[exact[i][j] for i in names] for j in range(d)]
        assert min(solved(columns, objective)) > 0
    assert proven > 0


def solved(matrix, right):
    """The solution of a regular system of fractions."""
    rows = [[*row, b] for row, b in zip(matrix, right, strict=True)]
    for k in range(len(rows)):
        pivot = next(i for i in range(k, len(rows)) if rows[i][k])
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [a / rows[k][k] for a in rows[k]]
        for i, row in enumerate(rows):
            if i != k:
                rows[i] = [a - row[k] * b for a, b in zip(row, rows[k], strict=True)]
    return [row[-1] for row in rows]


@needs_core
def test_many_programs_are_those_programs_one_by_one():
    rng = np.random.default_rng(3)
    rows = np.column_stack([rng.standard_normal((20, 3)), rng.uniform(0.1, 1, 20)]) / 8
    targets = rng.standard_normal((15, 4)) / 8
    names, statuses = np.empty((15, 4), dtype=np.int64), np.empty(15, dtype=np.int64)
    kernels.prove_many(rows, targets, names, statuses)
    for target, found, status in zip(targets, names, statuses.tolist(), strict=True):
        basis = np.empty(4, dtype=np.int64)
        assert kernels.propose_and_prove(rows, 0, target, basis, np.empty(3)) == status
        assert basis.tolist() == found.tolist()
    assert kernels.PROVEN in statuses


@needs_core
def test_arrays_that_do_not_fit_together_are_refused():
    rows, basis, point = np.zeros((3, 3)), np.empty(3, dtype=np.int64), np.empty(2)
    with pytest.raises(ValueError, match="do not fit together"):
        kernels.propose_and_prove(rows, 0, np.zeros(4), basis, point)
    with pytest.raises(ValueError, match="do not fit together"):
        kernels.propose_and_prove(rows, 4, np.zeros(3), basis, point)
    with pytest.raises(TypeError):
        kernels.propose_and_prove(rows, 0, np.zeros(3), basis.astype(np.int32), point)


PROGRAM = """
from polyhedra import System, float_simplex, interior_of, maximize_over
from polyhedra.implied_rows import implying_rows
from polyhedra.scalars import rationals
import numpy as np

system = System([[-1, 0], [0, -1], [1, 1], [1, 3]], [0, 0, 2, 5])
print(maximize_over(system, rationals([1, 1])).value, type(interior_of(system)).__name__)
half_plane = System([[1, 1]], [1])
print(maximize_over(system, rationals([-1, -2])).value, type(maximize_over(half_plane, rationals([1, 0]))).__name__)
rows = [(-1, -2, 5), (2, 2, 4)]
print(implying_rows(System([[-1, 0], [0, -1], [1, 1]], [0, 0, 2]), np.array(rows) / 4, rows.__getitem__))
print(float_simplex.COMPILED)
"""


def test_without_the_core_every_program_is_solved_exactly():
    answers = []
    for pure in ("1", ""):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], env={**os.environ, "PUISEUX_PURE": pure}, capture_output=True, text=True
        )
        assert done.stderr == ""
        answers.append(done.stdout.splitlines())
    assert answers[0][:-1] == answers[1][:-1] == ["2 InteriorPoint", "0 Unbounded", "[(0, 1), (2,)]"]
    assert answers[0][-1] == "False"
