"""Small exact matrices: laws of linear algebra on random and degenerate matrices."""

import pickle

import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from polyhedra import AffineMap, GeometryError, rationals
from polyhedra.matrix import (
    apply,
    as_matrix,
    determinant,
    dot,
    identity,
    inverse,
    multiply,
    nullspace,
    rank,
    row_space_basis,
    solve,
    transpose,
)

ENTRY = st.one_of(st.integers(-2, 2), st.fractions(-3, 3, max_denominator=4))


@st.composite
def matrices(draw, square=False):
    columns = draw(st.integers(1, 4))
    rows = columns if square else draw(st.integers(0, 4))
    return as_matrix(draw(st.lists(st.lists(ENTRY, min_size=columns, max_size=columns), min_size=rows, max_size=rows)))


@settings(deadline=None, derandomize=True, max_examples=150)
@given(matrices())
def test_rank_and_nullspace_add_up(matrix):
    width = len(matrix[0]) if matrix else 3
    kernel = nullspace(matrix, 3)
    assert rank(matrix) + len(kernel) == width
    assert rank(kernel) == len(kernel)
    assert not any(dot(row, vector) for row in matrix for vector in kernel)
    assert rank((*matrix, *row_space_basis(matrix))) == len(row_space_basis(matrix)) == rank(matrix)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(matrices(), st.data())
def test_a_solution_solves_and_none_means_inconsistent(matrix, data):
    right = rationals(data.draw(st.lists(ENTRY, min_size=len(matrix), max_size=len(matrix))))
    solution = solve(matrix, right, 3)
    if solution is None:
        augmented = tuple((*row, value) for row, value in zip(matrix, right, strict=True))
        assert rank(augmented) == rank(matrix) + 1
    else:
        assert apply(matrix, solution) == right


@settings(deadline=None, derandomize=True, max_examples=100)
@given(matrices(square=True))
def test_inverse_and_determinant(matrix):
    size = len(matrix)
    if rank(matrix) < size:
        assert determinant(matrix) == 0
        with pytest.raises(GeometryError, match="singular"):
            inverse(matrix)
    else:
        assert multiply(matrix, inverse(matrix)) == identity(size)
        assert determinant(matrix) * determinant(inverse(matrix)) == 1
    assert determinant(transpose(matrix)) == determinant(matrix)


def test_matrices_without_rows_or_columns():
    assert nullspace((), 2) == identity(2)
    assert solve((), (), 2) == (0, 0)
    assert transpose((), 2) == ((), ())
    assert multiply(((), ()), ()) == ((), ())
    assert determinant(()) == 1
    assert inverse(()) == ()


def test_affine_maps_compose_like_functions():
    inner = AffineMap.of([[1, 2], [0, "1/2"], [3, -1]], [1, 0, -1])
    outer = AffineMap.of([[1, 1, 1]], ["1/3"])
    point = rationals([2, "1/5"])
    assert outer.after(inner)(point) == outer(inner(point))
    assert AffineMap.identity(2)(point) == point
    assert pickle.loads(pickle.dumps(inner)) == inner
    with pytest.raises(GeometryError, match="cannot follow"):
        inner.after(outer)


@pytest.mark.parametrize(
    ("rows", "words"),
    [([[1, 2], [1]], "row 1 has 1 number, not 2"), ([[1], [float("nan")]], "row 1: the number nan"), ([1], "row 0")],
)
def test_a_bad_matrix_is_refused_with_its_row(rows, words):
    with pytest.raises(GeometryError, match=words):
        as_matrix(rows)


def test_entries_are_exact():
    assert as_matrix([[0.1, "0.1"]]) == ((fmpq(3602879701896397, 2**55), fmpq(1, 10)),)
