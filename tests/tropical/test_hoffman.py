"""Hoffman constants: two exact algorithms that agree, bounds on both sides, and the definition itself."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from polyhedra.errors import AlgebraError
from polyhedra.linear_program import Optimal, maximize
from polyhedra.matrix import dot, rank
from polyhedra.scalars import rational, rational_rows
from tropical.hoffman import hoffman_constant, hoffman_lower, hoffman_over, hoffman_upper

SIMPLEX = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, -1, -1]]
LAW = settings(deadline=None, derandomize=True, max_examples=60)


@st.composite
def matrices(draw: st.DrawFn, rows: int = 6, columns: int = 3) -> list[list[Any]]:
    m, n = draw(st.integers(1, rows)), draw(st.integers(1, columns))
    entry = st.one_of(st.integers(-3, 3), st.sampled_from(["1/2", "-1/3", "7/5", "0.01"]))
    return [[draw(entry) for _ in range(n)] for _ in range(m)]


def naive(matrix: list[list[Any]]) -> object:
    """By the primal definition of t(J) over all linearly independent sets, each a program in v."""
    A = rational_rows(matrix)
    best = rational(0)
    for size in range(1, len(A) + 1):
        for chosen in combinations(A, size):
            if rank(chosen) < size:
                continue
            # min sum(p + q) over v, p, q >= 0 with A_J^T v = p - q, sum v = 1
            n, width = len(A[0]), size + 2 * len(A[0])
            equations = [
                [*(row[j] for row in chosen), *(-int(i == j) for i in range(n)), *(int(i == j) for i in range(n))]
                for j in range(n)
            ]
            answer = maximize(
                [0] * size + [-1] * (2 * n),
                [[-int(i == k) for i in range(width)] for k in range(width)],
                [0] * width,
                [*equations, [1] * size + [0] * (2 * n)],
                [0] * n + [1],
            )
            assert isinstance(answer, Optimal)
            best = max(best, -1 / answer.value)
    return best


def test_the_simplex() -> None:
    assert hoffman_constant(SIMPLEX).value == 3
    assert hoffman_constant(SIMPLEX, method="brute-force").value == 3
    assert hoffman_constant(SIMPLEX, method="pvz").value == 3
    upper = hoffman_upper(SIMPLEX)
    assert 3.3460 < float(upper.p) / float(upper.q) < 3.3461
    # 1 / sigma_min of the worst basis, the published upper bound, is smaller than the constant
    worst = min(np.linalg.svd(np.array(SIMPLEX)[list(J)])[1][-1] for J in combinations(range(4), 3))
    assert 1 / worst == pytest.approx(1.932, abs=1e-3)


@LAW
@given(matrices())
def test_all_methods_agree_with_the_definition(matrix: list[list[Any]]) -> None:
    by_bases = hoffman_constant(matrix, method="brute-force")
    by_obstructions = hoffman_constant(matrix, method="pvz")
    assert by_bases.value == by_obstructions.value == hoffman_constant(matrix).value == naive(matrix)
    assert by_bases.verify(matrix)
    assert by_obstructions.verify(matrix)


@LAW
@given(matrices(), st.integers(0, 100))
def test_lower_exact_upper(matrix: list[list[Any]], seed: int) -> None:
    lower, exact, upper = hoffman_lower(matrix, n_samples=3, rng=seed), hoffman_constant(matrix), hoffman_upper(matrix)
    assert lower.value <= exact.value <= upper
    assert lower.verify(matrix)
    assert exact.value <= hoffman_upper(matrix, limit=0)  # the a-priori bound


@LAW
@given(matrices(rows=4, columns=2), st.data())
def test_the_inequality_that_defines_it(matrix: list[list[Any]], data: st.DataObject) -> None:
    n = len(matrix[0])
    numbers = st.integers(-4, 4)
    inside = [data.draw(numbers) for _ in range(n)]
    A = rational_rows(matrix)
    b = [dot(row, rational_rows([inside])[0]) + data.draw(st.integers(0, 2)) for row in A]
    x = [rational(data.draw(numbers)) for _ in range(n)]
    excess = max([rational(0)] + [dot(row, x) - c for row, c in zip(A, b, strict=True)])
    # the distance in the infinity norm, as a program in (y, s)
    rows = [[*row, 0] for row in A]
    bounds = list(b)
    for j in range(n):
        for sign in (1, -1):
            rows.append([sign * int(i == j) for i in range(n)] + [-1])
            bounds.append(sign * x[j])
    answer = maximize([0] * n + [-1], rows, bounds)
    assert isinstance(answer, Optimal)
    assert -answer.value <= hoffman_constant(matrix).value * excess


@LAW
@given(matrices(), st.integers(1, 5))
def test_scaling_and_permuting(matrix: list[list[Any]], factor: int) -> None:
    value = hoffman_constant(matrix).value
    A = rational_rows(matrix)
    assert hoffman_constant([[factor * v for v in row] for row in A]).value == value / factor
    assert hoffman_constant(A[::-1]).value == value
    assert hoffman_constant([row[::-1] for row in A]).value == value
    assert hoffman_constant([*A, A[0], [0] * len(A[0]), [2 * v for v in A[0]]]).value == value


def test_more_rows_never_make_it_smaller() -> None:
    rng = np.random.default_rng(3)
    A = rng.integers(-4, 5, (9, 3)).tolist()
    values = [hoffman_constant(A[:m]).value for m in range(1, 10)]
    assert values == sorted(values)


def test_rows_that_cannot_be_violated() -> None:
    assert hoffman_constant([[0, 0], [0, 0]]).value == 0
    assert hoffman_constant([]).value == 0
    assert hoffman_lower([[0, 0]]).value == 0
    assert hoffman_upper([[0, 0]]) == 0
    assert hoffman_constant([["1/2"]]).value == 2


@pytest.mark.parametrize("kind", ["normal", "integers"])
def test_twelve_rows_of_seven_numbers(kind: str) -> None:
    rng = np.random.default_rng(84)
    A = (rng.normal(size=(12, 7)) if kind == "normal" else rng.integers(-3, 4, (12, 7))).tolist()
    by_bases, by_obstructions = (hoffman_constant(A, method=m) for m in ("brute-force", "pvz"))
    assert by_bases.value == by_obstructions.value
    assert by_bases.verify(A)
    assert hoffman_lower(A).value <= by_bases.value <= hoffman_upper(A)


def test_nearly_dependent_rows() -> None:
    A = [[1, 0], [1, "0.0000000000000000000001"], [-1, "0.00000000000000000001"]]
    exact, upper = hoffman_constant(A), hoffman_upper(A)
    assert exact.value == hoffman_constant(A, method="pvz").value > 10**19
    assert exact.verify(A)
    assert exact.value <= upper


def test_a_wrong_certificate_is_refused() -> None:
    from dataclasses import replace

    found = hoffman_constant(SIMPLEX)
    assert found.verify(SIMPLEX)
    assert not replace(found, value=found.value + 1).verify(SIMPLEX)
    assert not replace(found, point=tuple(2 * x for x in found.point)).verify(SIMPLEX)
    assert not replace(found, multipliers=tuple(-v for v in found.multipliers)).verify(SIMPLEX)


def test_the_largest_of_several() -> None:
    found = hoffman_over([rational_rows([[1, 0]]), rational_rows(SIMPLEX), rational_rows([[2]])])
    assert found.value == 3
    assert found.verify(SIMPLEX)
    assert hoffman_over([]).value == 0


def test_limits_and_methods() -> None:
    A = np.random.default_rng(0).normal(size=(14, 3)).tolist()
    for method in ("brute-force", "pvz", "auto"):
        with pytest.raises(AlgebraError, match="more linear programs than the limit allows; take the lower and upper"):
            hoffman_constant(A, method=method, limit=2)  # type: ignore[arg-type]
    with pytest.raises(AlgebraError, match="no method 'guess'"):
        hoffman_constant(A, method="guess")  # type: ignore[arg-type]


def test_a_sharp_wedge_is_far_from_points_just_outside() -> None:
    # (0, 1) violates both rows by 1/10, and every point of the wedge is at a distance of at least 1
    assert hoffman_constant([[1, "0.1"], [-1, "0.1"]]).value == 10


@pytest.mark.parametrize(
    "scale", [fmpq(10) ** -320, fmpq(10) ** -160, fmpq(10) ** -20, fmpq(10) ** 160, fmpq(10) ** 320]
)
@pytest.mark.parametrize(
    "rows", [[[3], [-1]], [[1, 2], [-3, 1], [0, 5]], [[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, -1, -1]]]
)
def test_constants_and_bounds_scale_out_of_the_range_of_floats_too(rows, scale):
    scaled = [[scale * v for v in row] for row in rows]
    truth = hoffman_constant(rows).value / scale
    for method in ("auto", "brute-force", "pvz"):
        found = hoffman_constant(scaled, method=method)
        assert found.value == truth, method
        assert found.verify(scaled)
    assert hoffman_lower(scaled).value <= truth <= hoffman_upper(scaled)
    assert truth <= hoffman_upper(scaled, limit=1)


def test_rows_of_very_different_length():
    rows = [["3e-320"], ["-1e-320"], ["1e300"], ["-2e310"]]
    assert hoffman_constant(rows).value == hoffman_constant(rows, method="brute-force").value == fmpq(10) ** 320
    assert hoffman_upper(rows) >= fmpq(10) ** 320
    assert hoffman_constant([[3e-320], [-1e-320]], method="brute-force").value == 1 / rational(1e-320)
    assert hoffman_upper([[3e-160], [-1e-160]]) >= 1 / rational(1e-160)
