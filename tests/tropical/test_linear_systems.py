"""Residuation, solvability, assignments and min-plus twins against searches over all small vectors and permutations."""

import itertools

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from polyhedra.errors import AlgebraError
from tests.tropical.polynomial_strategies import law
from tropical import MINUS_INFINITY
from tropical.assignments import is_nonsingular, optimal_assignments, tropical_rank
from tropical.linear_systems import (
    NoSolution,
    Solution,
    greatest_subsolution,
    left_residual,
    right_residual,
    solve,
)
from tropical.matrix import TropicalMatrix
from tropical.min_plus_matrix import (
    cheapest_assignment,
    from_min_plus_rows,
    min_plus_rows,
    shortest_distances,
    smallest_cycle_mean,
    solve_min_plus,
)
from tropical.semiring import is_finite

entries = st.one_of(st.just("-inf"), st.integers(-1, 1))
grid = (MINUS_INFINITY, *(fmpq(v) for v in range(-2, 3)))


def matrices(rows, columns, kind=entries):
    return st.lists(st.lists(kind, min_size=columns, max_size=columns), min_size=rows, max_size=rows).map(
        TropicalMatrix
    )


def at_most(left, right):
    return all(a <= b for a, b in zip(left, right, strict=True))


@given(st.integers(1, 3).flatmap(lambda m: st.tuples(matrices(m, 2), st.lists(entries, min_size=m, max_size=m))))
@law(80)
def test_solve_against_all_small_vectors(case):
    matrix, right = case
    wanted = tuple(MINUS_INFINITY if v == "-inf" else fmpq(v) for v in right)
    # entries of A and b lie in [-1, 1], so each coordinate of the principal solution lies in [-2, 2]
    below = [x for x in itertools.product(grid, repeat=2) if at_most(matrix.apply(x), wanted)]
    solutions = [x for x in below if matrix.apply(x) == wanted]
    answer = solve(matrix, right)
    if not solutions:
        assert isinstance(answer, NoSolution)
        assert all(matrix.apply(x)[answer.row] <= answer.reached < wanted[answer.row] for x in below)
        return
    assert isinstance(answer, Solution)
    assert answer.principal in solutions
    for x in solutions:
        assert all(j in answer.free or x[j] <= answer.principal[j] for j in range(2))
    assert answer.is_unique == (len(solutions) == 1)
    if not answer.free:
        assert greatest_subsolution(matrix, right) == answer.principal
        for x in below:
            attained = [answer.covers[j] for j in range(2) if x[j] == answer.principal[j]]
            rows = {i for i, v in enumerate(wanted) if is_finite(v)}
            assert (x in solutions) == (set().union(*attained) == rows)


@given(matrices(2, 2), matrices(2, 2))
@law(60)
def test_residuals_are_the_greatest(a, b):
    def finite_columns(m):
        return all(any(is_finite(row[j]) for row in m.rows) for j in range(2))

    if finite_columns(a):
        x = left_residual(a, b)
        assert a @ x + b == b
        assert a @ left_residual(a, a @ b) == a @ b
        for j, k in itertools.product(range(2), repeat=2):
            raised = [list(row) for row in x.rows]
            raised[j][k] = x[j, k] + fmpq(1, 7) if is_finite(x[j, k]) else fmpq(-50)
            assert a @ TropicalMatrix(raised) + b != b
    if finite_columns(a.transpose()):
        x = right_residual(b, a)
        assert x @ a + b == b
        assert right_residual(b @ a, a) @ a == b @ a


def naive_optima(matrix):
    size = matrix.shape[0]
    totals = {}
    for permutation in itertools.permutations(range(size)):
        values = [matrix[i, j] for i, j in enumerate(permutation)]
        if all(map(is_finite, values)):
            totals[permutation] = sum(values, fmpq(0))
    best = max(totals.values(), default=None)
    return tuple(sorted(p for p, total in totals.items() if total == best))


squares = st.integers(1, 4).flatmap(lambda n: matrices(n, n))


@given(squares)
@law(100)
def test_optimal_assignments_are_all_best_permutations(matrix):
    optima = naive_optima(matrix)
    assert optimal_assignments(matrix) == optima
    assert is_nonsingular(matrix) == (len(optima) == 1)


@given(st.integers(1, 3).flatmap(lambda m: matrices(m, 3)))
@law(40)
def test_tropical_rank_by_all_submatrices(matrix):
    rows, best = matrix.shape[0], 0
    for size in range(1, rows + 1):
        for chosen in itertools.combinations(range(rows), size):
            for places in itertools.combinations(range(3), size):
                part = TropicalMatrix([[matrix[i, j] for j in places] for i in chosen])
                best = size if len(naive_optima(part)) == 1 else best
    assert tropical_rank(matrix) == best


def test_more_optima_than_the_limit_are_refused():
    assert len(optimal_assignments(TropicalMatrix([[0] * 5] * 5))) == 120
    with pytest.raises(AlgebraError, match="more than 100"):
        optimal_assignments(TropicalMatrix([[0] * 5] * 5), limit=100)


@given(squares)
@law(60)
def test_plus_trace_and_inverse(matrix):
    size = matrix.shape[0]
    diagonal = [matrix[i, i] for i in range(size) if is_finite(matrix[i, i])]
    assert matrix.trace() == (max(diagonal) if diagonal else MINUS_INFINITY)
    lowered = matrix.scale(-1)
    total = power = lowered
    for _ in range(size):
        power = power @ lowered
        total = total + power
    assert lowered.kleene_plus() == total
    try:
        inverse = matrix.inverse()
    except AlgebraError:
        patterns = [[is_finite(v) for v in row] for row in matrix.rows]
        assert any(sum(row) != 1 for row in patterns) or any(sum(c) != 1 for c in zip(*patterns, strict=True))
    else:
        assert matrix @ inverse == inverse @ matrix == TropicalMatrix.identity(size)


@given(matrices(3, 3))
@law(40)
def test_min_plus_twins(matrix):
    rows = [["inf" if not is_finite(v) else v + 1 for v in row] for row in matrix.rows]
    exact = [[None if v == "inf" else v for v in row] for row in rows]
    assert from_min_plus_rows(min_plus_rows(from_min_plus_rows(rows))) == from_min_plus_rows(rows)
    # all lengths are at least 0: shortest paths by relaxing every edge three times
    distances = [[fmpq(0) if i == j else None for j in range(3)] for i in range(3)]
    for _ in range(3):
        for i, j, k in itertools.product(range(3), repeat=3):
            if exact[i][j] is not None and distances[j][k] is not None:
                length = exact[i][j] + distances[j][k]
                if distances[i][k] is None or length < distances[i][k]:
                    distances[i][k] = length
    expected = tuple(tuple(float("inf") if v is None else v for v in row) for row in distances)
    assert shortest_distances(rows) == expected
    costs = [
        sum((exact[i][j] for i, j in enumerate(p)), fmpq(0))
        for p in itertools.permutations(range(3))
        if all(exact[i][j] is not None for i, j in enumerate(p))
    ]
    assert cheapest_assignment(rows)[0] == min(costs, default=float("inf"))
    cycles = []
    for length in range(1, 4):
        for p in itertools.permutations(range(3), length):
            edges = [exact[b][a] for a, b in zip(p, (*p[1:], p[0]), strict=True)]
            if None not in edges:
                cycles.append(sum(edges, fmpq(0)) / length)
    assert smallest_cycle_mean(rows) == min(cycles, default=float("inf"))


def test_min_plus_system():
    assert solve_min_plus([[0, "inf"], [0, 5]], [1, 1]) == (1, -4)
    assert solve_min_plus([[0, "inf"], [0, 5]], [1, 2]) is None


@pytest.mark.parametrize("scale", [1, 2**56, 2**80, 2**1100])
def test_machine_integers_and_long_ones_agree(scale):
    """The entries leave int64 and the floats; the star, the mean, the determinant and its optimum scale with them."""
    rows = [[-3, 1, "-inf", -2], [-4, -1, 1, 0], [-2, -6, -1, "-inf"], [1, -3, -5, -2]]
    small = TropicalMatrix(rows).scale(-1)
    large = TropicalMatrix([[v * scale if is_finite(v) else v for v in row] for row in small.rows])
    assert [[v / scale for v in row] for row in large.kleene_star().rows] == [list(r) for r in small.kleene_star().rows]
    assert large.eigenvalue() == small.eigenvalue() * scale
    assert large.optimal_assignment() == (small.determinant() * scale, naive_optima(small)[0])


def test_an_optimum_that_floats_do_not_see():
    """Both permutations have the same float weight; the exact weights differ by one."""
    matrix = TropicalMatrix([[2**70, 2**70], [2**70, 2**70 + 1]])
    assert matrix.optimal_assignment() == (2**71 + 1, (0, 1))
    swapped = TropicalMatrix([[2**70, 2**70 + 1], [2**70, 2**70]])
    assert swapped.optimal_assignment() == (2**71 + 1, (1, 0))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: solve(TropicalMatrix([[1]]), [1, 2]), "length 2 does not fit"),
        (lambda: greatest_subsolution(TropicalMatrix([["-inf", 0]]), [1]), "column 0 has no finite entry"),
        (lambda: left_residual(TropicalMatrix([[1]]), TropicalMatrix([[1], [2]])), "as many rows"),
        (lambda: right_residual(TropicalMatrix([[1]]), TropicalMatrix([[1, 2]])), "as many columns"),
        (lambda: right_residual(TropicalMatrix([[1]]), TropicalMatrix([["-inf"]])), "row 0 has no finite entry"),
        (lambda: TropicalMatrix([[1, 1], ["-inf", 1]]).inverse(), "row 0 has 2 finite entries"),
        (lambda: TropicalMatrix([[1, "-inf"], [1, "-inf"]]).inverse(), "column 0 has 2 finite entries"),
        (lambda: TropicalMatrix([[1, 2]]).trace(), "square"),
        (lambda: shortest_distances([[1, 2]]), "square"),
        (lambda: shortest_distances([[-1]]), "positive weight"),
        (lambda: from_min_plus_rows([["-inf"]]), "row 0"),
        (lambda: is_nonsingular(TropicalMatrix([[1, 2]])), "square"),
        (lambda: tropical_rank(TropicalMatrix([[0] * 6] * 6), limit=10), "raise limit"),
    ],
)
def test_bad_input_is_refused_with_the_reason(build, message):
    with pytest.raises(AlgebraError, match=message):
        build()
