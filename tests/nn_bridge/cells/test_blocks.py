"""Units that leaves tell: where no generator shows a leaf's signs on the facet, and in runs that were divided."""

import numpy as np
import pytest

from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.tree import NEIGHBOURS, CellTree, Subtree
from nn_bridge.network.network import Network
from polyhedra.polyhedron import Polyhedron


@pytest.mark.parametrize("deeper", [False, True])
@pytest.mark.parametrize("turned", [1, -1])
@pytest.mark.parametrize(("crossing", "weight"), [(1.0, 0), (0.75, 0), (1.9, 0), (1.0, 0.25), (0.75, -0.125)])
def test_a_leaf_at_the_middle_of_an_edge_tells_it(deeper, turned, crossing, weight):
    """Two units cross above an edge and meet it between its ends; no output moves with the unit on it, where one is on.

    That one may read the unit on the edge with a weight, which a third one, always on, makes up for in the output.

    In the square lies the edge y = 0.  Behind it the units have three patterns, since they cross at (0, ``crossing``).
    The leaf between them has none of the corners.  Its neighbour across the edge has the same map; the leaf above the
    crossing does not touch the edge.
    """
    first = [[0, turned], [1, 0], [0, turned]]
    last = [[weight, 1, -0.5], [0, 1, 0.5], [1, 0, 0]]
    biases = [[0, 10, 10], [-10 + 5 + crossing / 2, -10 - 5 - crossing / 2, 10], [0]]
    layers = [first, last, [[1, 1, -weight]]]
    if deeper:  # a stage between, whose units are the same numbers plus one
        layers.insert(1, np.eye(3).tolist())
        biases.insert(1, [1, 1, 1])
        biases[2] = (np.array(biases[2]) - np.sum(last, axis=1)).tolist()
    network = Network.from_layers(layers, biases)
    problem = cell_problem(network, Polyhedron.box([-2, -2], [2, 2]))
    assert problem is not None
    tree = CellTree(problem, NEIGHBOURS)
    leaves = [found for found in tree.run() if len(found.patterns)]
    patterns = np.concatenate([found.patterns for found in leaves])
    told = np.concatenate([found.neighbours for found in leaves])
    assert (tree.cells, patterns.shape[1]) == (7, 2 + deeper)
    edge = [unit for unit in range(3) if len(set((patterns[:, 0] >> np.uint64(unit) & np.uint64(1)).tolist())) == 2]
    assert len(edge) == 1
    sides = {}
    for pattern, units in zip(patterns.tolist(), told.tolist(), strict=True):
        behind = pattern[0] ^ 1 << edge[0], *pattern[1:]
        sides[tuple(pattern)] = units
        assert units == [(1 << edge[0]) * (behind in sides), *[0] * (len(units) - 1)]
    assert sum(bool(units[0]) for units in sides.values()) == 3


def told_by(leaves):
    return {pattern.tobytes(): units for pattern, units in zip(leaves.patterns, leaves.neighbours, strict=True)}


def problems_in_a_square(seed):
    rng = np.random.default_rng(seed)
    for _ in range(12):
        weights = [rng.integers(-2, 3, shape) for shape in ((7, 2), (6, 7), (1, 6))]
        biases = [rng.integers(-2, 3, len(matrix)).tolist() for matrix in weights]
        network = Network.from_layers([matrix.tolist() for matrix in weights], biases)
        yield cell_problem(network, Polyhedron.box([-3, -3], [3, 3]))


@pytest.mark.parametrize("at_once", [1, 7, 20])
def test_what_is_told_across_the_border_of_divided_runs(at_once):
    """A unit behind which another run has been is told as in one run; a run that stops and goes on tells the same."""
    told = runs = 0
    for problem in problems_in_a_square(at_once):
        expected = {
            name: units for found in CellTree(problem, NEIGHBOURS).run() for name, units in told_by(found).items()
        }
        tree, parts, found = CellTree(problem, NEIGHBOURS), [Subtree(0, (), problem.roots)], {}
        tree.batch_leaves = at_once
        while parts:
            tree.start(parts.pop(0))
            runs += 1
            if not tree.work():
                parts = tree.divided().rest + parts
            found |= told_by(tree.take())
        again = CellTree(problem, NEIGHBOURS)
        again.batch_leaves = at_once
        stopped = {name: units for batch in again.run() for name, units in told_by(batch).items()}
        assert found.keys() == expected.keys() == stopped.keys()
        assert all(np.array_equal(stopped[name], units) for name, units in expected.items())
        for name, units in expected.items():
            assert not (units & ~found[name]).any()
            told += bool(units.any())
    assert told > 50
    assert runs > 20


def test_runs_in_any_order_tell_nothing_of_leaves_to_come():
    """What a run notes of its path ends with it, though it stopped midway and another one, elsewhere, comes next."""
    rng = np.random.default_rng(1)
    within = 0
    for problem in problems_in_a_square(2):
        tree, parts = CellTree(problem, NEIGHBOURS), [Subtree(0, (), problem.roots)]
        while parts:
            tree.batch_leaves = int(rng.integers(1, 30))
            tree.start(parts.pop(rng.integers(len(parts))))
            if not tree.work():
                parts += tree.divided().rest
            leaves = tree.take()
            first = leaves.patterns[:, 0].tolist()
            places = {pattern.tobytes(): place for place, pattern in enumerate(leaves.patterns)}
            for place, (pattern, units) in enumerate(zip(leaves.patterns, leaves.neighbours, strict=True)):
                for unit in range(7):
                    if int(units[0]) >> unit & 1 and unit not in problem.start_rows:
                        behind = np.array([first[place] ^ 1 << unit, *pattern[1:]], np.uint64).tobytes()
                        assert places.get(behind, -1) < place
                        within += behind in places
    assert within > 50
