"""Eigenspaces of reducible matrices against a search over a grid that contains all candidates."""

import itertools
import math

import networkx as nx
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from polyhedra.errors import AlgebraError
from tests.tropical.polynomial_strategies import law
from tropical import MINUS_INFINITY
from tropical.eigenspaces import critical_graph, cycle_time, cyclicity, eigenspaces
from tropical.linear_systems import Solution, solve
from tropical.matrix import TropicalMatrix
from tropical.semiring import is_finite

entries = st.one_of(st.just("-inf"), st.just("-inf"), st.integers(0, 1))


def squares(size):
    return st.lists(st.lists(entries, min_size=size, max_size=size), min_size=size, max_size=size).map(TropicalMatrix)


def grid_eigenvectors(matrix):
    """All (value, x) with ``A x = value x`` and x on a grid, first finite entry 0 (n = 2: halves are enough)."""
    steps = [MINUS_INFINITY, *(fmpq(k, 2) for k in range(-6, 7))]
    for x in itertools.product(steps, repeat=2):
        support = [i for i, v in enumerate(x) if is_finite(v)]
        if not support or x[support[0]] != 0:
            continue
        image = matrix.apply(x)
        values = {image[i] - x[i] if is_finite(image[i]) else MINUS_INFINITY for i in support}
        if len(values) == 1 and all(image[i] == MINUS_INFINITY for i in range(2) if i not in support):
            yield values.pop(), x


@given(squares(2))
@law(150)
def test_all_eigenvalues_and_vectors_of_small_matrices(matrix):
    found = {}
    for value, x in grid_eigenvectors(matrix):
        found.setdefault(value, []).append(x)
    spaces = {space.eigenvalue: space for space in eigenspaces(matrix)}
    assert set(spaces) == set(found)
    for value, vectors in found.items():
        basis = TropicalMatrix(zip(*spaces[value].basis, strict=True))
        assert all(isinstance(solve(basis, x), Solution) for x in vectors)


@given(st.integers(1, 5).flatmap(squares))
@law(100)
def test_bases_are_eigenvectors_and_minimal(matrix):
    spaces = eigenspaces(matrix)
    assert spaces
    assert spaces[0].eigenvalue == cycle_maximum(matrix)
    for space in spaces:
        for vector in space.basis:
            assert any(map(is_finite, vector))
            image = matrix.apply(vector)
            if is_finite(space.eigenvalue):
                assert image == tuple(v + space.eigenvalue if is_finite(v) else v for v in vector)
            else:
                assert not any(map(is_finite, image))
        for k, vector in enumerate(space.basis):
            others = [v for i, v in enumerate(space.basis) if i != k]
            if others:
                assert not isinstance(solve(TropicalMatrix(zip(*others, strict=True)), vector), Solution)


def simple_cycles(matrix):
    size = matrix.shape[0]
    for length in range(1, size + 1):
        for p in itertools.permutations(range(size), length):
            edges = list(zip(p, (*p[1:], p[0]), strict=True))
            weights = [matrix[b, a] for a, b in edges]
            if p[0] == min(p) and all(map(is_finite, weights)):
                yield edges, sum(weights, fmpq(0)) / length


def cycle_maximum(matrix):
    return max((mean for _, mean in simple_cycles(matrix)), default=MINUS_INFINITY)


@given(st.integers(1, 4).flatmap(squares))
@law(80)
def test_critical_graph_and_cyclicity_by_all_cycles(matrix):
    value = cycle_maximum(matrix)
    if not is_finite(value):
        with pytest.raises(AlgebraError, match="no cycle"):
            critical_graph(matrix)
        return
    cycles = [edges for edges, mean in simple_cycles(matrix) if mean == value]
    graph = critical_graph(matrix)
    assert set(graph.edges) == {edge for edges in cycles for edge in edges}
    assert all(data["weight"] == matrix[i, j] for j, i, data in graph.edges(data=True))
    period = 1
    for part in nx.strongly_connected_components(graph):
        lengths = [len(edges) for edges in cycles if edges[0][0] in part]
        period = math.lcm(period, math.gcd(*lengths))
    assert cyclicity(matrix) == period


@given(st.integers(1, 4).flatmap(squares))
@law(60)
def test_cycle_time_is_the_growth_of_the_powers(matrix):
    """After 12 k steps beyond the transient the growth over 12 steps (a multiple of all periods) is exact."""
    size = matrix.shape[0]
    x = (fmpq(0),) * size
    for _ in range(60):
        x = matrix.apply(x)
    later = x
    for _ in range(12):
        later = matrix.apply(later)
    rates = tuple(
        (b - a) / 12 if is_finite(a) and is_finite(b) else MINUS_INFINITY for a, b in zip(x, later, strict=True)
    )
    assert cycle_time(matrix) == rates


def test_bad_input_is_refused_with_the_reason():
    for call in (eigenspaces, cycle_time, critical_graph, cyclicity):
        with pytest.raises(AlgebraError, match="square"):
            call(TropicalMatrix([[1, 2]]))
