"""Blocks of leaves that few units cut a cell into: units on whose facets no generator shows a leaf's signs."""

import numpy as np
import pytest

from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.tree import NEIGHBOURS, CellTree
from nn_bridge.network.network import Network
from polyhedra.polyhedron import Polyhedron


@pytest.mark.parametrize("turned", [1, -1])
@pytest.mark.parametrize("crossing", [1.0, 0.75, 1.9])
def test_a_leaf_at_the_middle_of_an_edge_tells_it(turned, crossing):
    """Two units cross above an edge and meet it between its ends; no output moves with the unit on it.

    In the square lies the edge y = 0.  Behind it the units have three patterns, since they cross at (0, ``crossing``).
    The leaf between them has none of the corners.  Its neighbour across the edge has the same map, and so have the
    other two; the leaf above the crossing does not touch the edge.
    """
    first = [[0, turned], [1, 0], [0, turned]]
    last = [[0, 1, -0.5], [0, 1, 0.5]]
    biases = [[0, 10, 10], [-10 + 5 + crossing / 2, -10 - 5 - crossing / 2], [0]]
    network = Network.from_layers([first, last, [[1, 1]]], biases)
    problem = cell_problem(network, Polyhedron.box([-2, -2], [2, 2]))
    assert problem is not None
    tree = CellTree(problem, NEIGHBOURS)
    leaves = [found for found in tree.run() if len(found.patterns)]
    patterns = np.concatenate([found.patterns for found in leaves])
    told = np.concatenate([found.neighbours for found in leaves])
    assert tree.cells == 7
    edge = [unit for unit in range(3) if len(set((patterns[:, 0] >> np.uint64(unit) & np.uint64(1)).tolist())) == 2]
    assert len(edge) == 1
    sides = {}
    for pattern, units in zip(patterns.tolist(), told.tolist(), strict=True):
        behind = pattern[0] ^ 1 << edge[0], pattern[1]
        sides[tuple(pattern)] = units
        assert units == [(1 << edge[0]) * (behind in sides), 0]
    assert sum(bool(units[0]) for units in sides.values()) == 3
