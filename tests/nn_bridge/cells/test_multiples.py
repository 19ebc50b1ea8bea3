"""Units that are multiples of others of their stage: their signs are copied, not decided."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from nn_bridge.cells import plain
from nn_bridge.cells.counting.plain_count import plain_network
from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.tree import COUNT_ONLY, PATTERNS, CellTree
from nn_bridge.network.network import Network
from nn_bridge.network.repeated_units import unrepeated

FACTORS = (1, -1, Fraction(-1, 3), 10**30)


def network_with_multiples(seed: int, factor: Fraction | int) -> Network:
    """Random numbers, exactly: of each stage the second half of the units are multiples of the first half, shuffled."""
    rng = np.random.default_rng(seed)
    sizes = [int(rng.integers(1, 4)), *rng.integers(4, 9, int(rng.integers(1, 4))).tolist(), 1]
    weights, biases = [], []
    for number, (before, units) in enumerate(pairwise(sizes)):
        rows = [list(map(Fraction, row)) for row in rng.normal(size=(units, before + 1)).tolist()]
        if number < len(sizes) - 2:
            for unit in range(units // 2, units):
                rows[unit] = [factor * value for value in rows[unit - units // 2]]
            rng.shuffle(rows)
        weights.append([row[:-1] for row in rows])
        biases.append([row[-1] for row in rows])
    return Network.from_layers(weights, biases)


@pytest.mark.parametrize("factor", FACTORS, ids=map(str, FACTORS))
def test_patterns_are_those_of_the_plain_engine_and_signs_are_copied(factor):
    """Only at the generators of the start cells are multiples of start rows decided in integers."""
    for seed in range(12):
        network = network_with_multiples(seed, factor)
        problem = cell_problem(network)
        tree = CellTree(problem, PATTERNS)
        rows = np.concatenate([found.patterns for found in tree.run()])
        patterns = sorted(tuple(map(int, row[:: tree.words])) for row in rows)
        assert patterns == sorted(leaf.pattern for leaf in plain.cells(plain_network(network), []))
        alone = CellTree(cell_problem(unrepeated(network)), PATTERNS)
        assert sum(len(found.patterns) for found in alone.run()) == len(patterns)
        dim = network.input_dim
        assert tree.exact_decisions - alone.exact_decisions <= dim * (2 * dim + 1)
        counting = CellTree(problem, COUNT_ONLY, count_last_stage=True)
        list(counting.run())
        assert counting.cells == len(patterns)


def test_units_that_are_nearly_multiples_are_no_multiples():
    """Between their two zero sets lies a cell less than 1e-16 wide."""
    least = 2.0**-52
    network = Network.from_layers([[[1, 1], [1, 1], [-1, -1]], [[1, 1, 1]]], [[1, 1 + least, -1], [0]])
    tree = CellTree(cell_problem(network), PATTERNS)
    rows = np.concatenate([found.patterns for found in tree.run()])
    assert sorted(rows[:, 0].tolist()) == [0b011, 0b100, 0b110]


def test_a_start_row_may_be_a_multiple_of_a_later_unit():
    network = Network.from_layers([[[1, 0], [-2, 0], [0, 1], [0, 3]], [[1, 1, 1, 1]]], [[0, 0, 1, 3], [0]])
    tree = CellTree(cell_problem(network), PATTERNS)
    rows = np.concatenate([found.patterns for found in tree.run()])
    assert sorted(rows[:, 0].tolist()) == [0b0001, 0b0010, 0b1101, 0b1110]
