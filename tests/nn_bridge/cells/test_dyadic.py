"""Stages as arrays of integers over powers of two, against fractions and the integer form of the network."""

import itertools
import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from flint import fmpq

from nn_bridge.cells import core_problem
from nn_bridge.cells.dyadic import dyadic, dyadic_doubles, dyadic_stage, dyadic_stages, first_dyadic_stages
from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.tree import PATTERNS, CellTree
from nn_bridge.cells.whole_weights import whole_numbers
from nn_bridge.network.network import AffineStage, Network
from nn_bridge.network.sparse_row import SparseRow
from polyhedra.scalars import rational

pytest.importorskip("nn_bridge.cells._core", reason="the compiled core is not built")
DATA = Path(__file__).resolve().parents[2] / "data" / "cell_counts.json"


def as_fraction(value):
    return Fraction(int(value.p), int(value.q))


def entries_of(block):
    table = {}
    doubles = block.entries.doubles()
    for j in range(block.shape[0]):
        for k in range(block.begin[j], block.begin[j + 1]):
            table[j, int(block.column[k])] = Fraction(float(doubles[k]))
    return table


def assert_same_form(network, arrays):
    """The integer form is the one that is found without arrays, modulo a number of 512 bits."""
    assert whole_numbers(network, arrays).weights(8, True) == whole_numbers(network, []).weights(8, True)


def assert_same(network):
    arrays = dyadic_stages(network)
    assert arrays is not None
    for stage, given in zip(arrays, (*network.stages, network.output), strict=True):
        assert [Fraction(x) for x in stage.bias.doubles().tolist()] == [as_fraction(v) for v in given.bias]
        rows = [given.bias, *(row for _, matrix in given.blocks for row in matrix)]
        assert stage.whole == all(v.q == 1 for row in rows for v in row)
        for block, (source, matrix) in zip(stage.blocks, given.blocks, strict=True):
            assert block.source == source
            assert block.shape == (len(matrix), len(matrix[0]))
            wanted = {(j, i): as_fraction(v) for j, row in enumerate(matrix) for i, v in enumerate(row) if v}
            assert entries_of(block) == wanted
    assert_same_form(network, arrays)


def test_networks_of_the_record():
    for case in json.loads(DATA.read_text())[::9]:
        network = Network.from_layers(case["weights"], case["biases"])
        if dyadic_stages(network) is not None:
            assert_same(network)


def test_magnitudes_from_1e_200_to_1e_15():
    rng = np.random.default_rng(3)
    for _ in range(20):
        sizes = [2, 5, 4, 3]
        shapes = [(m, n) for n, m in itertools.pairwise(sizes)]
        weights = [rng.normal(size=shape) * 2.0 ** rng.integers(-660, 1, shape) for shape in shapes]
        biases = [np.round(rng.normal(size=m) * 1e15) for m in sizes[1:]]
        weights[1][rng.random(weights[1].shape) < 0.4] = 0.0
        weights[1][:, 0] = 1.0
        assert_same(Network.from_layers(weights, biases))


@pytest.mark.parametrize(
    "value",
    [
        fmpq(1, 3),
        fmpq(2**53 + 1),
        fmpq(2**53),
        fmpq(2**80),
        fmpq(1, 2**1001),
        fmpq(1, 2**60 + 1),
        fmpq(-(2**53) - 1, 2),
    ],
)
def test_others_are_left_to_the_exact_way(value):
    assert dyadic([fmpq(1), value]) is None


def test_sparse_rows():
    network = Network.from_layers([[[1] * 1, [2] * 1], [[1, -1]]], [[0, 1], [0]])
    stage = network.stages[0]
    rows = (SparseRow(1500, (3, 700), (fmpq(1, 2), fmpq(-5))), tuple([fmpq(0)] * 1499 + [fmpq(3)]))
    found = dyadic_stage(replace(stage, blocks=((0, rows),)))
    assert found is not None
    assert entries_of(found.blocks[0]) == {(0, 3): Fraction(1, 2), (0, 700): Fraction(-5), (1, 1499): Fraction(3)}


def test_arrays_are_kept_beside_the_matrices_that_they_became():
    """From arrays of doubles, from lists of the same numbers, and after a change of the matrix."""
    rng = np.random.default_rng(8)
    weights = [rng.normal(size=shape).astype(kind) for shape, kind in (((9, 3), np.float32), ((1, 9), np.float64))]
    weights[0][2] = [0.0, -0.0, 2.0**52]
    of_arrays, of_lists = Network.from_layers(weights), Network.from_layers([w.tolist() for w in weights])
    assert of_arrays == of_lists
    assert [len(stage.doubles) for stage in (*of_arrays.stages, of_arrays.output)] == [1, 1]
    assert not of_lists.stages[0].doubles
    for one, other in zip(dyadic_stages(of_arrays), dyadic_stages(of_lists), strict=True):
        for mine, its in zip(one.blocks, other.blocks, strict=True):
            assert entries_of(mine) == entries_of(its)
            assert mine.begin.tolist() == its.begin.tolist()
    stage = of_arrays.stages[0]
    changed = replace(stage, blocks=((0, stage.blocks[0][1][:-1] + ((fmpq(7),) * 3,)),))
    assert entries_of(dyadic_stage(changed).blocks[0])[8, 0] == 7


@pytest.mark.parametrize("value", [2.0**53, 1e300, 2.0**-1001, 5e-324])
def test_doubles_that_are_left_to_the_exact_way(value):
    assert dyadic_doubles(np.array([1.0, -value])) is None
    assert dyadic([fmpq(1), rational(-value)]) is None


def test_doubles_as_the_rationals_that_they_are():
    rng = np.random.default_rng(2)
    values = rng.normal(size=300) * 2.0 ** rng.integers(-900, 40, 300)
    values[::5] = np.round(rng.normal(size=60) * 1e6) * 2.0 ** rng.integers(0, 20, 60)
    values[:4] = 0.0, -0.0, 2.0**53 - 1, 2.0**-1000
    one, other = dyadic_doubles(values), dyadic(map(rational, values.tolist()))
    assert one.numerators.tolist() == other.numerators.tolist()
    assert one.halvings.tolist() == other.halvings.tolist()


def test_nearest_doubles_of_rationals():
    """All at once and one by one: also where they are too small, too large, or exact."""
    rng = np.random.default_rng(7)
    values = [fmpq(int(p), int(q)) for p, q in rng.integers(1, 2**62, (300, 2))]
    values += [
        -values[0],
        fmpq(0),
        fmpq(1, 3**700),
        fmpq(1, 2**1074),
        -fmpq(1, 2**1060) / 3,
        fmpq(10) ** 300 / 7,
        fmpq(3, 8),
    ]
    for chosen in [values, values[:1], [fmpq(3, 8), fmpq(0)], [*values, fmpq(10) ** 400 / 7], []]:
        found, exact = core_problem._doubles(chosen)
        assert exact == all(value.q & (value.q - 1) == 0 for value in chosen)
        for number, value in zip(found.tolist(), chosen, strict=True):
            if value and not 1e-290 < abs(as_fraction(value)) < 1e308:
                assert np.isnan(number) or rational(number) == value
            else:
                assert number == float(as_fraction(value))


def test_dense_and_sparse_rows_give_the_same_arrays():
    rng = np.random.default_rng(9)
    size = 1100
    table = [[fmpq(0)] * size for _ in range(3)]
    for row, column, p in rng.integers(0, [3, size, 50], (60, 3)).tolist():
        table[row][column] = fmpq(p, 7)
    dense = tuple(map(tuple, table))
    sparse = tuple(SparseRow(size, tuple(i for i, v in enumerate(row) if v), tuple(filter(None, row))) for row in dense)
    (_, _, [one]), (_, _, [other]) = (
        core_problem._rounded(AffineStage(((0, matrix),), (fmpq(1),) * 3))[0] for matrix in (dense, sparse)
    )
    for mine, yours in zip(one[1:4], other[1:4], strict=True):
        assert mine.dtype == yours.dtype
        assert mine.tolist() == yours.tolist()
    assert one[1][-1] == sum(map(bool, (v for row in dense for v in row)))


def mixed(rng, exact_stages):
    """A network of few different weights, of which the first stages consist of doubles, with skip connections."""
    n, sizes = 2, [5, 4, 4, 2]
    stages = []
    for s, size in enumerate(sizes):
        blocks = []
        for source, columns in enumerate([n, *sizes[:s]]):
            if source == s or rng.random() < 0.4:
                low = rng.integers(-2, 3, (size, columns)) * 2.0 ** -rng.integers(0, 4, (size, columns))
                blocks.append((source, tuple(tuple(rational(v) for v in row) for row in low.tolist())))
        bias = [rational(v) for v in (rng.integers(-2, 3, size) / 8).tolist()]
        if s >= exact_stages and (s == exact_stages or rng.random() < 0.5):
            bias = [v / 3 for v in bias]
            bias[0] = fmpq(1, 3)
        stages.append(AffineStage(tuple(blocks), tuple(bias)))
    return Network(n, tuple(stages[:-1]), stages[-1])


@pytest.mark.parametrize("exact_stages", [0, 1, 2, 3])
def test_stages_behind_those_of_doubles(exact_stages, monkeypatch):
    """The same residues as of the integer form, and the same signs as from integers for all stages."""
    rng = np.random.default_rng(exact_stages)
    decided = 0
    for _ in range(12):
        network = mixed(rng, exact_stages)
        arrays = first_dyadic_stages(network)
        assert len(arrays) == exact_stages
        assert_same_form(network, arrays)
        problem = cell_problem(network)
        found = []
        for first in (first_dyadic_stages, lambda _: []):
            monkeypatch.setattr(core_problem, "first_dyadic_stages", first)
            tree = CellTree(problem, PATTERNS)
            found.append([leaf for leaves in tree.run() for leaf in leaves.patterns.tolist()])
            decided += tree.exact_decisions
        assert found[0] == found[1]
    assert decided > 0 or exact_stages == 3
