"""Units that repeat others are left out of a count: the function and the cells stay the same."""

import random
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq

from nn_bridge.cells.counting import count
from nn_bridge.cells.counting.count import count_cells, count_from_tree
from nn_bridge.cells.problem import cell_problem
from nn_bridge.network import repeated_units
from nn_bridge.network.network import AffineStage, Network
from nn_bridge.network.repeated_units import unrepeated
from nn_bridge.network.sparse_row import SparseRow
from polyhedra.polyhedron import Polyhedron

NUMBERS = [0, 0, 1, -1, 2, Fraction(1, 3), Fraction(-5, 2), 0.1, 1e300, 1e-300]


def network_with_repeats(rng: random.Random) -> Network:
    """Stages that read one or two sources; some units are multiples of others, positive or negative."""
    inputs = rng.randint(1, 3)
    sizes = [inputs, *(rng.randint(2, 5) for _ in range(rng.randint(1, 3))), rng.randint(1, 2)]
    kinds = NUMBERS if rng.random() < 0.3 else NUMBERS[:7]
    stages = []
    for k in range(1, len(sizes)):
        sources = sorted({k - 1, rng.randrange(k)} if rng.random() < 0.4 else {k - 1})
        rows = [[rng.choice(kinds) for _ in range(sum(sizes[s] for s in sources) + 1)] for _ in range(sizes[k])]
        for j in range(1, sizes[k]):
            if k + 1 < len(sizes) and rng.random() < 0.5:
                factor = rng.choice([1, 1, 2, Fraction(1, 3), -1, Fraction(7, 5)])
                rows[j] = [Fraction(v) * factor for v in rng.choice(rows[:j])]
        blocks, at = [], 0
        exact = [[fmpq(*Fraction(v).as_integer_ratio()) for v in row] for row in rows]
        for source in sources:
            blocks.append((source, tuple(tuple(row[at : at + sizes[source]]) for row in exact)))
            at += sizes[source]
        kept = [(source, block) for source, block in blocks if any(any(row) for row in block)]
        stages.append(AffineStage(tuple(kept), tuple(row[-1] for row in exact)))
    return Network(inputs, tuple(stages[:-1]), stages[-1])


def multiple(stage: AffineStage, one: int, other: int) -> int:
    """The sign of the factor that makes one unit with weights of another one, by cross products; 0 if there is none."""
    a, b = ([v for _, matrix in stage.blocks for v in matrix[unit]] for unit in (one, other))
    if not any(a) or not any(b):
        return 0
    place = next(i for i, v in enumerate(a) if v)
    a, b = [*a, stage.bias[one]], [*b, stage.bias[other]]
    if not all(v * b[place] == w * a[place] for v, w in zip(a, b, strict=True)):
        return 0
    return 1 if a[place] * b[place] > 0 else -1


@pytest.mark.parametrize("share", [0, 0.25])
def test_function_and_counts_stay_the_same(monkeypatch, share) -> None:
    """Positive multiples go in any case, negative ones where they are many."""
    monkeypatch.setattr(repeated_units, "_OPPOSITE_SHARE", share)
    rng = random.Random(30)
    smaller = opposite = 0
    for trial in range(100):
        network = network_with_repeats(rng)
        found = unrepeated(network)
        smaller += sum(found.hidden) < sum(network.hidden)
        for stage in found.stages:
            signs = [multiple(stage, i, j) for i in range(stage.units) for j in range(i)]
            assert 1 not in signs
            opposite += -1 in signs
        for _ in range(5):
            point = [Fraction(rng.randint(-9, 9), rng.randint(1, 4)) for _ in range(network.input_dim)]
            assert found(point) == network(point)
        domain = Polyhedron.box([-1] * network.input_dim, [2] * network.input_dim) if trial % 3 == 0 else None
        expected = count_from_tree(cell_problem(network, domain))
        assert count_from_tree(cell_problem(found, domain)) == expected
        assert count_cells(network, domain).counts == expected._asdict()
        assert count_cells(network, domain, counts="cells").cells == expected.cells
    assert smaller > 50
    assert bool(opposite) == bool(share)


@pytest.mark.parametrize(("stages", "units"), [(4, 3), (5, 6), (60, 6)])
def test_opposite_units_of_many_stages_stay(stages, units) -> None:
    """Else the last ones would read all stages before, with numbers that grow from stage to stage."""
    rng = np.random.default_rng(3)
    weights, biases = [], []
    for k in range(stages):
        half, bias = rng.standard_normal((3, 6 if k else 1)) / 2, rng.standard_normal(3) / 4
        weights.append(np.vstack([half, -half]))
        biases.append(np.concatenate([bias, -bias]))
    network = Network.from_layers([*weights, np.ones((1, 6))], [*biases, np.zeros(1)])
    assert set(unrepeated(network).hidden) == {units}
    doubled = Network.from_layers([*weights[:-1], 2 * weights[-1][[0, 1, 2, 0, 3]], np.ones((1, 5))])
    assert unrepeated(doubled).hidden[-1] == 4  # positive multiples go in any case, one opposite unit of five stays
    if stages < 60:
        assert count_cells(network).counts == count_from_tree(cell_problem(network))._asdict()


@pytest.mark.parametrize(
    ("width", "whole", "kept"), [(32, False, 16), (96, False, 96), (96, True, 48), (256, True, 256)]
)
def test_opposite_units_of_wide_layers_stay(width, whole, kept) -> None:
    """Products of weights are no doubles, or many: they take longer than the cells.  Small whole numbers stay so."""
    rng = np.random.default_rng(6)
    halves = [rng.integers(-9, 10, (width // 2, inputs)) for inputs in (2, width)]
    first, second = (half if whole else half + rng.random(half.shape) for half in halves)
    weights = [np.vstack([first, -first]), np.vstack([second, -second]), np.ones((width, width)), np.ones((1, width))]
    bias = np.arange(1, width // 2 + 1)
    network = Network.from_layers(weights, [np.concatenate([bias, -bias])] * 2 + [np.zeros(width), np.zeros(1)])
    assert unrepeated(network).hidden[1] == kept
    assert unrepeated(network, opposite=False).hidden == (width, width, 1)  # the third stage has equal units


def test_a_count_of_cells_alone_keeps_opposite_units(monkeypatch) -> None:
    """Their signs are copied, and nothing is joined."""
    asked = []
    monkeypatch.setattr(count, "unrepeated", lambda network, opposite: asked.append(opposite) or network)
    network = Network.from_layers([[[1, 2], [-1, -2]], [[1, -1]]])
    assert count_cells(network, counts="cells").cells == count_cells(network).cells == 2
    assert asked == [False, True]


def test_a_checkpoint_keeps_all_units(tmp_path) -> None:
    """It names units by their numbers, so it is that of the network as it was given."""
    network = Network.from_layers([[[1, 2], [2, 4], [0, 1]], [[1, 1, -1]]], [[1, 2, 0], [0]])
    expected = count_cells(network).counts
    assert count_cells(network, checkpoint=tmp_path / "kept").counts == expected
    assert count_cells(network, checkpoint=tmp_path / "kept").counts == expected


@pytest.mark.parametrize(
    ("weights", "bias"),
    [
        ([[1.0], [1.0]], [0.0, 1.0]),
        ([[0.0], [0.0]], [1.0, 2.0]),
        ([[1.0], [1.0 + 2**-52]], [0.0, 2**-60]),
        ([[1e300, 1e300], [1e300, 1e299]], [0.0, 0.0]),
    ],
    ids=["parallel", "without weights", "nearly equal", "large"],
)
def test_what_repeats_nothing_stays(weights, bias) -> None:
    network = Network.from_layers([np.array(weights), np.ones((1, 2))], [np.array(bias), np.zeros(1)])
    assert unrepeated(network) is network


def test_an_opposite_unit_becomes_a_direct_connection() -> None:
    """``2 relu(z) - 3 relu(-2 z)`` with ``z = x - 1`` is ``2 relu(z) - 6 relu(z) + 6 z``."""
    found = unrepeated(Network.from_layers([[[1], [-2]], [[2, -3]]], [[-1, 2], [5]]))
    assert found.hidden == (1,)
    assert found.output == AffineStage(((0, ((fmpq(6),),)), (1, ((fmpq(-4),),))), (fmpq(-1),))


def test_opposite_units_that_cancel_leave_what_is_affine() -> None:
    """The identity is often written as ``relu(z) - relu(-z)``: nothing but ``z`` is read then."""
    found = unrepeated(Network.from_layers([[[1, 2], [-1, -2]], [[1, -1]]], [[3, -3], [0]]))
    assert found.output == AffineStage(((0, ((fmpq(1), fmpq(2)),)),), (fmpq(3),))
    assert count_cells(found).counts == {"cells": 2, "regions": 1, "regions_by_point": 1, "affine_maps": 1}


def test_numbers_beyond_doubles_are_compared_exactly() -> None:
    big = 10**400
    network = Network.from_layers([[[big, 1], [3 * big, 3], [big, 2]], [[1, 1, 1]]])
    assert unrepeated(network).hidden == (2,)


def test_sparse_rows_stay_as_they_are() -> None:
    row = SparseRow(5000, (0,), (fmpq(1),))
    stage = AffineStage(((0, (row, row)),), (fmpq(0), fmpq(0)))
    network = Network(5000, (stage,), AffineStage(((1, ((fmpq(1), fmpq(1)),)),), (fmpq(0),)))
    assert isinstance(network.stages[0].blocks[0][1][0], SparseRow)
    assert unrepeated(network) is network


def test_units_that_sparse_rows_or_very_large_stages_read_stay(monkeypatch) -> None:
    """Else a stage of sparse rows would become a dense one, of any size."""
    units = 5000
    column = tuple((fmpq(unit + 1),) for unit in range(units))
    first = AffineStage(((0, column),), (fmpq(0),) * units)
    rows = SparseRow(units, (0,), (fmpq(1),)), SparseRow(units, (1, 2), (fmpq(1), fmpq(3)))
    output = AffineStage(((2, ((fmpq(1), fmpq(1)),)),), (fmpq(0),))
    network = Network(1, (first, AffineStage(((1, rows),), (fmpq(0),) * 2)), output)
    assert all(isinstance(row, SparseRow) for row in network.stages[1].blocks[0][1])
    assert unrepeated(network) is network
    dense = Network.from_layers([[[1], [2], [0]], [[1, 2, 0]] * 4, [[1] * 4]])
    assert unrepeated(dense).hidden == (2, 1)
    monkeypatch.setattr(repeated_units, "_MOST_ENTRIES", 11)
    assert unrepeated(dense).hidden == (3, 4)
    monkeypatch.setattr(repeated_units, "_MOST_ENTRIES", 12)
    assert unrepeated(dense).hidden == (2, 1)
