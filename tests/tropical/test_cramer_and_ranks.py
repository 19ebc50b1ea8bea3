"""Cramer's rule against stable intersections of hyperplanes, ranks against all factorisations of small matrices."""

import itertools
import math

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from polyhedra.errors import AlgebraError
from tests.tropical.polynomial_strategies import law
from tropical import MINUS_INFINITY, PuiseuxPolynomial
from tropical._hall import deficient_rows
from tropical.assignments import tropical_rank
from tropical.cramer import cramer, cramer_kernel
from tropical.linear_systems import Solution, solve
from tropical.matrix import TropicalMatrix
from tropical.prevariety import prevariety
from tropical.ranks import column_rank, factor_rank_bounds, ranks, row_rank
from tropical.semiring import is_finite
from tropical.stable_intersection import stable_intersection


def matrices(rows, columns, of):
    return st.lists(st.lists(of, min_size=columns, max_size=columns), min_size=rows, max_size=rows)


@given(st.integers(1, 3).flatmap(lambda n: matrices(n, n + 1, st.integers(-4, 4))))
@law(60)
def test_cramer_is_the_stable_intersection_of_hyperplanes(rows):
    n = len(rows)
    hyperplanes = [
        PuiseuxPolynomial([([int(i == j) for i in range(n)], c) for j, c in enumerate(row)], n) for row in rows
    ]
    found = cramer(TropicalMatrix([row[:-1] for row in rows]), [row[-1] for row in rows])
    ((point, multiplicity),) = stable_intersection(hyperplanes)
    assert (found.point, multiplicity) == (point, 1)
    common = prevariety(hyperplanes)
    alone = len(common.cells) == 1 and common.dimension == 0
    assert alone or not found.is_unique


@given(st.integers(1, 4).flatmap(lambda n: matrices(n, n + 1, st.one_of(st.just("-inf"), st.integers(-2, 2)))))
@law(80)
def test_each_row_attains_its_maximum_twice(rows):
    matrix = TropicalMatrix(rows)
    minors = [TropicalMatrix([[v for k, v in enumerate(row) if k != j] for row in rows]) for j in range(len(rows) + 1)]
    if all(minor.determinant() == MINUS_INFINITY for minor in minors):
        with pytest.raises(AlgebraError, match="all determinants"):
            cramer_kernel(matrix)
        return
    found = cramer_kernel(matrix)
    for row in matrix.rows:
        values = [a + x for a, x in zip(row, found.point, strict=True) if is_finite(a) and is_finite(x)]
        assert not values or sorted(values)[-1:] == sorted(values)[-2:-1]


def test_bad_systems_are_refused():
    with pytest.raises(AlgebraError, match="one column more"):
        cramer_kernel(TropicalMatrix([[1, 2], [3, 4]]))
    with pytest.raises(AlgebraError, match="as many right-hand sides"):
        cramer(TropicalMatrix([[1, 2], [3, 4]]), [1])
    with pytest.raises(AlgebraError, match="as many right-hand sides"):
        cramer(TropicalMatrix([[1, 2]]), [1])
    with pytest.raises(AlgebraError, match="no divisor"):
        cramer(TropicalMatrix([["-inf", 2], ["-inf", 4]]), [1, 2])


def test_the_ranks_of_the_matrices_of_develin_santos_and_sturmfels():
    """0 on the diagonal and 1 elsewhere: tropical and Kapranov rank 2, factor rank the least r with n <= C(r, r/2)."""
    for n, wanted in [(2, 2), (3, 3), (4, 4)]:
        matrix = TropicalMatrix([[0 if i == j else 1 for j in range(n)] for i in range(n)])
        found = ranks(matrix)
        assert (found.tropical, found.kapranov, found.factor) == (2, (2, 2), (wanted, wanted))
        assert wanted == min(r for r in range(1, n + 1) if n <= math.comb(r, r // 2))
        assert found.row == found.column == n
    low, high = factor_rank_bounds(TropicalMatrix([[0 if i == j else 1 for j in range(5)] for i in range(5)]), nodes=50)
    assert low <= 4 <= high


@given(st.tuples(st.integers(1, 3), st.integers(1, 3)).flatmap(lambda s: matrices(*s, st.integers(0, 1))))
@law(60)
def test_the_factor_rank_against_all_factorisations(rows):
    """Entries 0 and 1: factors can be taken from vectors with entries in -1, 0, 1 whose largest entry touches."""
    matrix = TropicalMatrix(rows)
    m, n = matrix.shape
    touched = set()
    for u in itertools.product(range(-2, 3), repeat=m):
        v = [min(matrix[i, j] - u[i] for i in range(m)) for j in range(n)]
        touched.add(frozenset((i, j) for i in range(m) for j in range(n) if u[i] + v[j] == matrix[i, j]))
    everything = frozenset(itertools.product(range(m), range(n)))
    least = next(
        r
        for r in range(1, min(m, n) + 1)
        if any(
            frozenset().union(*chosen) == everything for chosen in itertools.combinations(touched, min(r, len(touched)))
        )
    )
    assert factor_rank_bounds(matrix) == (least, least)
    found = ranks(matrix)
    assert found.tropical == tropical_rank(matrix)
    assert found.tropical <= found.kapranov[0] <= found.kapranov[1] <= found.factor[1]
    assert found.factor[1] <= min(found.row, found.column)


@given(st.tuples(st.integers(1, 3), st.integers(1, 4)).flatmap(lambda s: matrices(*s, st.sampled_from(["-inf", 0, 1]))))
@law(60)
def test_the_column_rank_against_all_choices_of_columns(rows):
    matrix = TropicalMatrix(rows)
    columns = list(zip(*matrix.rows, strict=True))
    zero = tuple([MINUS_INFINITY] * len(rows))

    def spans(chosen):
        if not chosen:
            return all(column == zero for column in columns)
        basis = TropicalMatrix(zip(*chosen, strict=True))
        return all(isinstance(solve(basis, column), Solution) for column in columns)

    least = next(
        r for r in range(len(columns) + 1) if any(spans(chosen) for chosen in itertools.combinations(columns, r))
    )
    assert column_rank(matrix) == least
    assert row_rank(matrix.transpose()) == least
    assert factor_rank_bounds(matrix)[1] <= least


@given(st.integers(1, 4).flatmap(lambda n: matrices(n, n, st.sampled_from(["-inf", "-inf", 0]))))
@law(100)
def test_rows_that_prove_a_determinant_of_minus_infinity(rows):
    import numpy as np

    n = len(rows)
    finite = np.array([[v != "-inf" for v in row] for row in rows])
    possible = any(all(finite[i, s[i]] for i in range(n)) for s in itertools.permutations(range(n)))
    proof = deficient_rows(finite)
    assert (proof is None) == possible
    assert TropicalMatrix(rows).determinant() == (fmpq(0) if possible else MINUS_INFINITY)
    if proof is not None:
        assert finite[proof].any(axis=0).sum() < len(proof)
