"""The compiled kernels against plain-Python twins on integers, where floating point is exact."""

import random
from fractions import Fraction

import numpy as np
import pytest

from polyhedra import _kernels as kernels
from polyhedra import exact_simplex


def doubtful_twin(rows, n_equal, point, homogeneous):
    """The rows without a strict inequality, in exact arithmetic."""
    slacks = [
        (0 if homogeneous else Fraction(row[-1]))
        - sum(Fraction(a) * Fraction(x) for a, x in zip(row, point, strict=False))
        for row in rows
    ]
    return [i for i, slack in enumerate(slacks) if i < n_equal or slack <= 0]


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


def test_doubtful_takes_infinities_and_nan_for_unproven():
    rows = np.array([[1.0, np.inf], [1.0, np.nan], [np.inf, 1.0], [1.0, 5.0]])
    indices = np.empty(4, dtype=np.int64)
    assert kernels.doubtful(rows, 0, np.array([1.0]), False, indices) == 3
    assert kernels.doubtful(rows, 0, np.array([np.nan]), False, indices) == 4


STATUS = {"optimal": kernels.OPTIMAL, "unbounded": kernels.UNBOUNDED, "infeasible": kernels.INFEASIBLE}


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
