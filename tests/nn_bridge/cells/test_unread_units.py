"""Units of the last stage that no output reads: left out of leaves, while all cells are counted."""

import itertools
from fractions import Fraction

import numpy as np
import pytest

from nn_bridge.cells.dyadic import first_dyadic_stages
from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.tree import PATTERNS, CellTree
from nn_bridge.cells.whole_weights import whole_numbers
from nn_bridge.network.network import AffineStage, Network
from nn_bridge.network.sparse_row import SparseRow, entries
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational


def test_cells_that_differ_in_unread_units_are_one_leaf():
    """Leaves are the patterns of all cells without these units, and all cells count; not where there are lines."""
    rng = np.random.default_rng(8)
    merged = plain = 0
    for seed in range(90):
        inputs, straight = int(rng.integers(1, 4)), seed % 3 == 2  # such a network has lines until its last stage
        sizes = [inputs, *rng.integers(2, 6, 1 + seed % 2).tolist(), int(rng.integers(2, 7)), 1]
        stages = []
        for k, (before, units) in enumerate(itertools.pairwise(sizes)):
            rows = rng.integers(-2, 3, (units, before + 1))
            rows[-1] = -rows[0] if k < len(sizes) - 2 else rows[-1]
            if straight and k == 0:
                rows[:, 1:-1] = 0
            if k == len(sizes) - 2:
                rows[0, :-1][rng.random(before) < 0.5] = 0
            blocks = [(k, rows[:, :-1])]
            if straight and k == len(sizes) - 3:
                blocks = [(0, rng.integers(-2, 3, (units, inputs))), *blocks]
            own = tuple(
                (source, tuple(tuple(map(rational, row)) for row in matrix.tolist())) for source, matrix in blocks
            )
            stages.append(AffineStage(own, tuple(map(rational, rows[:, -1].tolist()))))
        network = Network(inputs, tuple(stages[:-1]), stages[-1])
        problem = cell_problem(network, Polyhedron.box([-1] * inputs, [2] * inputs) if seed % 3 == 1 else None)
        if problem is None:
            continue
        every, tree = CellTree(problem, PATTERNS), CellTree(problem, PATTERNS, merge=True)
        patterns, leaves = (np.concatenate([found.patterns for found in run.run()]) for run in (every, tree))
        assert every.leaves == every.cells == tree.cells
        assert tree.leaves == len(leaves)
        if not problem.lines:
            mask = sum(1 << unit for unit in tree.arrays.unread)
            patterns[:, -tree.words] &= np.uint64(~mask & (1 << 64) - 1)
        assert {row.tobytes() for row in leaves} == {row.tobytes() for row in patterns}
        assert len({row.tobytes() for row in leaves}) == tree.leaves
        merged += tree.leaves < tree.cells
        plain += bool(problem.lines and tree.arrays.unread) and tree.leaves == tree.cells > 1
    assert merged > 15
    assert plain > 3


def unread_plainly(network: Network) -> list[int]:
    """The units of the last stage whose weights in the outputs are all zero."""
    last = len(network.stages)
    units = network.stages[-1].units if last else 0
    rows = [row for source, matrix in network.output.blocks if source == last > 0 for row in matrix]
    return [unit for unit in range(units) if not any(dict(entries(row)).get(unit) for row in rows)]


def test_found_are_the_units_without_a_weight():
    """With shortcuts, dense rows and sparse ones, several outputs, and numbers that are no doubles."""
    rng = np.random.default_rng(4)
    some = none = 0
    for seed in range(120):
        inputs, *sizes = rng.integers(1, 70 if seed % 10 == 0 else 6, int(rng.integers(2, 4))).tolist()
        outputs = int(rng.integers(1, 3))
        size = [1, Fraction(1, 3), 2**70, Fraction(1, 2**600)][seed % 4]

        def block(rows, columns, *, sparse=seed % 3 == 0, size=size):
            matrix = [
                [rational(size * v) for v in row] for row in rng.choice([0, 0, 0, -1, 2], (rows, columns)).tolist()
            ]
            if not sparse:
                return tuple(map(tuple, matrix))
            kept = [[(i, v) for i, v in enumerate(row) if v] for row in matrix]
            return tuple(SparseRow(columns, tuple(i for i, _ in row), tuple(v for _, v in row)) for row in kept)

        stages, below = [], inputs
        for number, units in enumerate(sizes):
            stages.append(AffineStage(((number, block(units, below)),), (rational(1),) * units))
            below = units
        blocks = [(len(sizes), block(outputs, below))]
        if seed % 2:
            blocks.insert(0, (0, block(outputs, inputs)))
        network = Network(inputs, tuple(stages), AffineStage(tuple(blocks), (rational(0),) * outputs))
        found = whole_numbers(network, first_dyadic_stages(network)).unread_units()
        assert found == unread_plainly(network)
        some += 0 < len(found) < sizes[-1]
        none += not found
    assert min(some, none) > 10
    straight = Network(1, (), AffineStage(((0, ((rational(0),),)),), (rational(0),)))
    assert whole_numbers(straight, first_dyadic_stages(straight)).unread_units() == unread_plainly(straight) == []


def test_cells_are_merged_or_left_out():
    problem = cell_problem(Network.from_layers([[[1, 0], [0, 1]], [[1, 1], [1, -1]], [[1, 0]]], [[0, 0], [-1, 1], [0]]))
    assert CellTree(problem, PATTERNS, leave_out=[[(0, True)]]).problem is problem
    with pytest.raises(ValueError, match="give merge or leave_out"):
        CellTree(problem, PATTERNS, leave_out=[[(0, True)]], merge=True)
