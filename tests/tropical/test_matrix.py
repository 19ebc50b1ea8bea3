"""Max-plus matrices against naive oracles: all permutations, all simple cycles, all walks."""

import itertools
import pickle

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from polyhedra.errors import AlgebraError
from tests.tropical.polynomial_strategies import law
from tropical import MINUS_INFINITY
from tropical.matrix import TropicalMatrix, float_eigenvalue, float_product, float_star
from tropical.semiring import is_finite

entries = st.one_of(st.just("-inf"), st.integers(-3, 3), st.fractions(-3, 3, max_denominator=3))


def square(size, kind=entries):
    return st.lists(st.lists(kind, min_size=size, max_size=size), min_size=size, max_size=size).map(TropicalMatrix)


squares = st.integers(1, 4).flatmap(square)


def simple_cycles(size):
    for length in range(1, size + 1):
        for vertices in itertools.permutations(range(size), length):
            if vertices[0] == min(vertices):
                yield vertices


def cycle_means(matrix):
    for vertices in simple_cycles(matrix.shape[0]):
        edges = [matrix[b, a] for a, b in zip(vertices, (*vertices[1:], vertices[0]), strict=True)]
        if all(map(is_finite, edges)):
            yield sum(edges, fmpq(0)) / len(edges)


@given(square(3), square(3), square(3))
@law()
def test_semiring_of_matrices(a, b, c):
    one = TropicalMatrix.identity(3)
    assert (a @ b) @ c == a @ (b @ c)
    assert a @ (b + c) == a @ b + a @ c
    assert (a + b) @ c == a @ c + b @ c
    assert a @ one == one @ a == a
    assert (a @ b).transpose() == b.transpose() @ a.transpose()
    assert a**3 == a @ a @ a
    assert a**0 == one


@given(squares)
@law(60)
def test_determinant_is_the_best_permutation(matrix):
    size = matrix.shape[0]
    totals = []
    for permutation in itertools.permutations(range(size)):
        values = [matrix[i, j] for i, j in enumerate(permutation)]
        if all(map(is_finite, values)):
            totals.append(sum(values, fmpq(0)))
    value, permutation = matrix.optimal_assignment()
    assert value == (max(totals) if totals else MINUS_INFINITY)
    assert matrix.determinant() == value
    if totals:
        assert sum((matrix[i, j] for i, j in enumerate(permutation)), fmpq(0)) == value


def test_determinant_of_a_larger_matrix_against_scipy():
    from scipy.optimize import linear_sum_assignment

    weights = np.random.default_rng(3).integers(-50, 50, size=(25, 25))
    rows, columns = linear_sum_assignment(weights, maximize=True)
    assert TropicalMatrix(weights.tolist()).determinant() == int(weights[rows, columns].sum())


@given(squares)
@law(60)
def test_eigenvalue_is_the_largest_cycle_mean(matrix):
    means = list(cycle_means(matrix))
    assert matrix.eigenvalue() == (max(means) if means else MINUS_INFINITY)


@given(squares)
@law(60)
def test_eigenvectors(matrix):
    value = matrix.eigenvalue()
    if not is_finite(value):
        with pytest.raises(AlgebraError, match="no cycle"):
            matrix.eigenvectors()
        return
    vectors = matrix.eigenvectors()
    assert vectors
    for vector in vectors:
        assert any(map(is_finite, vector))
        scaled = tuple(v + value if is_finite(v) else v for v in vector)
        assert matrix.apply(vector) == scaled


@given(squares)
@law(60)
def test_kleene_star_sums_all_walks(matrix):
    if any(mean > 0 for mean in cycle_means(matrix)):
        with pytest.raises(AlgebraError, match="positive weight"):
            matrix.kleene_star()
        return
    star = matrix.kleene_star()
    total = power = TropicalMatrix.identity(matrix.shape[0])
    for _ in range(matrix.shape[0]):
        power = power @ matrix
        total = total + power
    assert star == total
    assert star @ star == star


@given(square(4, st.integers(-5, 5)), square(4, st.one_of(st.just("-inf"), st.integers(-5, 5))))
@law()
def test_float_twins_agree_on_integers(a, b):
    assert float_product(a.to_float(), b.to_float()).tolist() == (a @ b).to_float().tolist()
    assert float_eigenvalue(a.to_float()) == pytest.approx(float(a.to_float().dtype.type(str_value(a.eigenvalue()))))
    lowered = a.scale(-6)
    assert float_star(lowered.to_float()).tolist() == lowered.kleene_star().to_float().tolist()


def str_value(value):
    return int(value.p) / int(value.q)


def test_two_critical_classes_give_two_eigenvectors():
    matrix = TropicalMatrix([[0, -1], [-1, 0]])
    assert matrix.eigenvalue() == 0
    assert set(matrix.eigenvectors()) == {(0, -1), (-1, 0)}


def test_value_type():
    a = TropicalMatrix([[0.5, "-inf"], ["1/3", 2]])
    assert pickle.loads(pickle.dumps(a)) == a
    assert str(a) == "[[1/2, -inf], [1/3, 2]]"
    assert r"\frac{1}{3}" in a._repr_latex_()
    assert a[0, 0] == fmpq(1, 2)
    assert float_eigenvalue([[-np.inf]]) == -np.inf
    assert a.apply([0, "-inf"]) == (fmpq(1, 2), fmpq(1, 3))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: TropicalMatrix([]), "at least one entry"),
        (lambda: TropicalMatrix([[1, 2], [3]]), r"row 1 has 1 entry\b"),
        (lambda: TropicalMatrix([[float("nan")]]), "row 0"),
        (lambda: TropicalMatrix([3]), "no row"),
        (lambda: TropicalMatrix([[1, 2]]) @ TropicalMatrix([[1, 2]]), "no product"),
        (lambda: TropicalMatrix([[1, 2]]) + TropicalMatrix([[1]]), "no maximum"),
        (lambda: TropicalMatrix([[1, 2]]).determinant(), "square"),
        (lambda: TropicalMatrix([[1]]) ** -1, "powers 0, 1, 2"),
        (lambda: TropicalMatrix([[1]]).apply([1, 2]), "length 2"),
        (lambda: float_product([[1]], [[1, 2], [3, 4]]), "no product"),
        (lambda: float_product([[float("nan")]], [[1]]), "NaN"),
        (lambda: float_star([[1.0]]), "positive weight"),
        (lambda: float_star([[1.0, 2.0]]), "square"),
        (lambda: float_eigenvalue([[1.0, 2.0]]), "square"),
    ],
)
def test_bad_input_is_refused_with_the_reason(build, message):
    with pytest.raises(AlgebraError, match=message):
        build()
