"""Distances and diameters of graphs against networkx, and of dual graphs with known diameters."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.cells.adjacency import cell_adjacency
from nn_bridge.cells.graph_distances import Neighbours, diameter
from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network


def connected_graph(seed: int, nodes: int, more: int) -> nx.Graph:
    """A random tree with more edges thrown in."""
    rng = np.random.default_rng(seed)
    graph = nx.Graph()
    graph.add_nodes_from(range(nodes))
    graph.add_edges_from((k, int(rng.integers(k))) for k in range(1, nodes))
    graph.add_edges_from((a, b) for a, b in rng.integers(nodes, size=(more, 2)).tolist() if a != b)
    return graph


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(0, 40))
def test_against_networkx(seed: int, nodes: int, more: int) -> None:
    graph = connected_graph(seed, nodes, more)
    found = Neighbours.of_edges(nodes, list(graph.edges))
    assert found.degrees.tolist() == [graph.degree(k) for k in range(nodes)]
    sources = sorted({seed % nodes, (seed // 7) % nodes})
    expected = nx.multi_source_dijkstra_path_length(graph, set(sources))
    assert found.distances(sources).tolist() == [expected[k] for k in range(nodes)]
    assert diameter(found) == nx.diameter(graph)


@pytest.mark.parametrize("size", [1, 2, 3, 50])
def test_paths_and_cycles(size: int) -> None:
    path = [[k, k + 1] for k in range(size - 1)]
    assert diameter(Neighbours.of_edges(size, path)) == size - 1
    around = size + 3
    cycle = [[k, (k + 1) % around] for k in range(around)]
    assert diameter(Neighbours.of_edges(around, cycle)) == around // 2


def test_a_graph_in_parts_has_no_diameter() -> None:
    with pytest.raises(NetworkError, match="not connected"):
        diameter(Neighbours.of_edges(3, [[0, 1]]))
    with pytest.raises(NetworkError, match="without nodes"):
        diameter(Neighbours.of_edges(0, []))


@pytest.mark.parametrize("units", [1, 4, 7])
def test_opposite_cells_of_an_arrangement_are_as_far_apart_as_there_are_hyperplanes(units: int) -> None:
    rng = np.random.default_rng(units)
    network = Network.from_layers([rng.normal(size=(units, 3)), np.ones((1, units))], [rng.normal(size=units), [0.0]])
    found = cell_adjacency(network)
    assert diameter(Neighbours.of_edges(found.cells, found.edges)) == units
