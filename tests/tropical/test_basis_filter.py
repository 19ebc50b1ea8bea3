"""The floating-point bounds for bases hold, by exact arithmetic, and are close where bases are well conditioned."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from polyhedra.matrix import determinant, multiply, solve, transpose
from polyhedra.scalars import ONE, rational, rational_rows
from tropical.basis_filter import basis_bounds


def holds(rows: np.ndarray, basis: tuple[int, ...], size: float, ratio: float) -> bool:
    """Whether both bounds of one basis are true, exactly."""
    exact = rational_rows([rows[i].tolist() for i in basis])
    r = len(basis)
    if np.isfinite(size):
        # the smallest solution of A_J x = 1 in the Euclidean norm is A_J^T G^-1 1
        gram = multiply(exact, transpose(exact))
        weights = solve(gram, (ONE,) * r)
        if weights is None:
            return False
        x = [sum((w * row[j] for w, row in zip(weights, exact, strict=True)), fmpq(0)) for j in range(rows.shape[1])]
        if max(map(abs, x)) > rational(size):
            return False
    if np.isfinite(ratio):
        # sigma_min^2 >= r / ratio iff the shifted Gram matrix is positive semidefinite: all principal minors >= 0
        shift = r / rational(ratio)
        gram = multiply(exact, transpose(exact))
        moved = [[v - (shift if i == j else 0) for j, v in enumerate(row)] for i, row in enumerate(gram)]
        for k in range(1, r + 1):
            for chosen in combinations(range(r), k):
                if determinant(tuple(tuple(moved[i][j] for j in chosen) for i in chosen)) < 0:
                    return False
    return True


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 4),
    near=st.sampled_from([0.0, 1e-3, 1e-8, 1e-14, 1e-20]),
    scale=st.sampled_from([1e-9, 1.0, 1e9]),
)
def test_bounds_hold_near_and_far_from_singular(seed: int, n: int, near: float, scale: float) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n + 2, n)) * scale
    if near:
        rows[1] = rows[0] * (1 + near) + near * scale * rng.normal(size=n)
    for r in range(1, n + 1):
        bases = np.array(list(combinations(range(len(rows)), r)))
        sizes, ratios = basis_bounds(rows, bases)
        for basis, size, ratio in zip(bases.tolist(), sizes.tolist(), ratios.tolist(), strict=True):
            assert holds(rows, tuple(basis), size, ratio)


def test_bounds_are_close() -> None:
    rows = np.random.default_rng(1).normal(size=(9, 4))
    bases = np.array(list(combinations(range(9), 4)))
    sizes, ratios = basis_bounds(rows, bases)
    solutions = np.linalg.solve(rows[bases], np.ones((len(bases), 4, 1)))[:, :, 0]
    assert np.allclose(sizes, np.abs(solutions).max(axis=1), rtol=1e-6)
    smallest = np.linalg.svd(rows[bases], compute_uv=False)[:, -1]
    assert (ratios / (4 / smallest**2)).max() < 4**0.25 + 1e-6
    assert (ratios >= 4 / smallest**2 * (1 - 1e-12)).all()


def test_dependent_rows_are_never_called_independent() -> None:
    rows = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.1, 0.2, 0.3], [3.0, 6.0, 9.0], [0.0, 0.0, 0.0]])
    for size in (2, 3):
        bases = np.array(list(combinations(range(5), size)))
        sizes, ratios = basis_bounds(rows, bases)
        assert np.isinf(sizes).all()
        assert np.isinf(ratios).all()


@pytest.mark.parametrize("entry", [1e200, 1e-200, np.inf, np.nan, 5e-324])
def test_numbers_that_floating_point_cannot_handle_are_left_alone(entry: float) -> None:
    sizes, ratios = basis_bounds(np.array([[1.0, 0.0], [0.0, entry]]), np.array([[0, 1]]))
    assert (sizes[0], ratios[0]) == (np.inf, np.inf)
