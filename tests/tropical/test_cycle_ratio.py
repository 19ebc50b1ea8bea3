"""Largest cycle ratios against all simple cycles, against Karp's formula, and as growth rates of a simulation."""

import networkx as nx
import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from polyhedra.errors import AlgebraError
from tests.tropical.polynomial_strategies import law
from tropical import MINUS_INFINITY
from tropical._integer_arrays import cycle_mean, floyd_warshall, integer_array, karp_cycle_mean
from tropical.cycle_ratio import critical_cycles
from tropical.eigenspaces import cycle_time
from tropical.matrix import TropicalMatrix
from tropical.semiring import is_finite

entries = st.one_of(st.just("-inf"), st.integers(-3, 3), st.fractions(-3, 3, max_denominator=4))


def squares(of, size):
    return st.lists(st.lists(of, min_size=size, max_size=size), min_size=size, max_size=size)


def best_ratios(matrix, tokens):
    """The largest ratio over all simple cycles of each strong component that has one."""
    graph = nx.DiGraph()
    graph.add_nodes_from(range(matrix.shape[0]))
    graph.add_edges_from((j, i) for i, row in enumerate(matrix.rows) for j, v in enumerate(row) if is_finite(v))
    best = {}
    for cycle in nx.simple_cycles(graph):
        edges = list(zip(cycle, (*cycle[1:], cycle[0]), strict=True))
        count = sum(tokens[i][j] for j, i in edges)
        if not count:
            return None
        ratio = sum((matrix[i, j] for j, i in edges), fmpq(0)) / count
        part = next(tuple(sorted(c)) for c in nx.strongly_connected_components(graph) if cycle[0] in c)
        best[part] = max(best.get(part, ratio), ratio)
    return best


@given(st.integers(1, 5).flatmap(lambda n: st.tuples(squares(entries, n), squares(st.integers(0, 3), n))))
@law(150)
def test_ratios_of_all_simple_cycles(pair):
    rows, tokens = pair
    matrix = TropicalMatrix(rows)
    wanted = best_ratios(matrix, tokens)
    if wanted is None:
        with pytest.raises(AlgebraError, match="has no token"):
            critical_cycles(matrix, tokens)
    else:
        found = critical_cycles(matrix, tokens)
        assert {cycle.component: cycle.ratio for cycle in found} == wanted
        assert all(cycle.verify(matrix, tokens) for cycle in found)
    plain = critical_cycles(matrix)
    ones = [[1] * len(rows)] * len(rows)
    assert {cycle.component: cycle.ratio for cycle in plain} == best_ratios(matrix, ones)
    assert all(cycle.verify(matrix) for cycle in plain)


@pytest.mark.parametrize("n", [39, 40, 60])
@pytest.mark.parametrize("kind", ["integers", "floats", "huge", "equal"])
def test_policy_iteration_agrees_with_karp(n, kind):
    rng = np.random.default_rng(n)
    values = {
        "integers": rng.integers(-50, 50, (n, n)),
        "floats": rng.normal(size=(n, n)),
        "huge": np.exp(60 * rng.normal(size=(n, n))),
        "equal": np.full((n, n), 7),
    }[kind].tolist()
    for i in range(n):  # sparse, but with a cycle through all vertices
        for j in range(n):
            if rng.random() < 0.7 and (i - j) % n != 1:
                values[i][j] = "-inf"
    matrix = TropicalMatrix(values)
    array = integer_array(matrix.rows, n)
    assert cycle_mean(array) == karp_cycle_mean(array) == matrix.eigenvalue()
    (found,) = critical_cycles(matrix)
    assert found.verify(matrix)
    assert not found.verify(matrix.scale(1))


@given(st.integers(1, 4).flatmap(lambda n: st.tuples(squares(entries, n), squares(st.integers(1, 3), n))))
@law(60)
def test_cycle_times_with_tokens_are_the_growth_of_the_recurrence(pair):
    """The recurrence is one of first order on the events and their 2 predecessors in time, whose growth is known."""
    rows, tokens = pair
    n = len(rows)
    large = [["-inf"] * (3 * n) for _ in range(3 * n)]
    for i in range(n):
        for j in range(n):
            large[i][(tokens[i][j] - 1) * n + j] = rows[i][j]
    for k in range(2 * n):
        large[n + k][k] = 0
    assert cycle_time(TropicalMatrix(rows), tokens) == cycle_time(TropicalMatrix(large))[:n]


def test_bad_tokens_are_refused():
    matrix = TropicalMatrix([[1, "-inf"], [0, 2]])
    for tokens, reason in [
        ([[1, 1]], "the shape of the matrix"),
        (5, "the shape of the matrix"),
        ([[1, 0], [-1, 1]], "row 1, column 0"),
        ([[1, 0], [0.5, 1]], "row 1, column 0"),
        ([[1, 0], [1, 10**9]], "row 1, column 1"),
        ([[0, 1], [1, 1]], r"vertices 0 has no token"),
    ]:
        with pytest.raises(AlgebraError, match=reason):
            critical_cycles(matrix, tokens)
    with pytest.raises(AlgebraError, match="square"):
        critical_cycles(TropicalMatrix([[1, 2]]))
    assert critical_cycles(TropicalMatrix([["-inf"]])) == ()


@pytest.mark.parametrize("bits", [30, 61, 62, 100, 117, 150])
@pytest.mark.parametrize("seed", range(4))
def test_stars_of_long_integers_against_plain_loops(bits, seed):
    rng = np.random.default_rng(seed)
    n = 7
    rows = [
        [
            "-inf" if rng.random() < 0.3 else fmpq(-int.from_bytes(rng.bytes(19), "big") >> (152 - bits + 3))
            for _ in range(n)
        ]
        for _ in range(n)
    ]
    if seed == 3:
        rows[2][5], rows[5][2] = 3, -2  # a positive cycle
    best = [[fmpq(0) if i == j else MINUS_INFINITY for j in range(n)] for i in range(n)]
    matrix = TropicalMatrix(rows)
    for i in range(n):
        for j in range(n):
            v = matrix[i, j]
            if is_finite(v) and v > best[i][j]:
                best[i][j] = v
    for k in range(n):
        for i in range(n):
            for j in range(n):
                if is_finite(best[i][k]) and is_finite(best[k][j]):
                    best[i][j] = max(best[i][j], best[i][k] + best[k][j])
    if any(best[i][i] > 0 for i in range(n)):
        assert floyd_warshall(integer_array(matrix.rows, n)) is not None
        with pytest.raises(AlgebraError, match="positive weight"):
            matrix.kleene_star()
    else:
        assert matrix.kleene_star() == TropicalMatrix(best)
