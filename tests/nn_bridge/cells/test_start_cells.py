"""The set-up of the cell engine: wide networks in the values of their units, boxes of many dimensions, limits."""

from __future__ import annotations

import json
import pickle
import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from flint import fmpq

from nn_bridge.cells import iterate_cells, start_cells
from nn_bridge.cells.counting.count import count_cells
from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.start_cells import TooManyVertices, UnitCoordinates
from nn_bridge.network.network import Network
from polyhedra.limits import OutOfTime, time_limit
from polyhedra.polyhedron import Polyhedron
from tests.pace import Stopwatch, slowness

DATA = Path(__file__).parents[2] / "data"
ENTRIES = {entry["name"]: entry for entry in json.loads((DATA / "cell_counts.json").read_text())}
ORACLE = json.loads((DATA / "oracle_counts.json").read_text())


def network_of(name: str) -> Network:
    return Network.from_layers(ENTRIES[name]["weights"], ENTRIES[name]["biases"])


def wide(sizes: tuple[int, ...], seed: int = 0) -> Network:
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(b, a)) for a, b in pairwise(sizes)]
    return Network.from_layers(weights, [rng.normal(size=len(w)) for w in weights])


@pytest.fixture
def always_units(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the values of units as coordinates wherever that is possible, not only where it pays."""
    monkeypatch.setattr(start_cells, "_INVERTED_EASILY", 0)


@pytest.mark.usefixtures("always_units")
def test_counts_in_the_values_of_units() -> None:
    tried = 0
    for name, expected in ORACLE.items():
        network = network_of(name)
        problem = cell_problem(network)
        if problem is None or not isinstance(problem.basis, UnitCoordinates):
            continue
        tried += 1
        assert count_cells(network).counts == expected, name
    assert tried > 30


@pytest.mark.usefixtures("always_units")
def test_units_that_depend_on_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeated, opposite and combined rows, and units without weights, in a first stage that is wide enough."""
    rng = random.Random(1)
    for _ in range(20):
        rows = [[rng.randint(-3, 3) for _ in range(7)] for _ in range(4)]
        rows.insert(rng.randint(0, 4), [a - 2 * b for a, b in zip(rows[0], rows[1], strict=True)])
        rows.insert(rng.randint(0, 5), [0] * 7)
        weights = [rows, [[rng.randint(-3, 3) for _ in rows] for _ in range(3)], [[1, -1, 2]]]
        network = Network.from_layers(weights, [[rng.randint(-2, 2) for _ in row] for row in weights])
        problem = cell_problem(network)
        assert problem is not None
        in_units = count_cells(network).counts
        assert isinstance(problem.basis, UnitCoordinates) == (problem.dim == 4)
        with monkeypatch.context() as patch:
            patch.setattr(start_cells, "_INVERTED_EASILY", 100)
            assert count_cells(network).counts == in_units


@pytest.mark.usefixtures("always_units")
def test_points_are_lifted_back() -> None:
    network = wide((6, 4, 3, 1))
    problem = cell_problem(network)
    assert problem is not None
    assert isinstance(problem.basis, UnitCoordinates)
    point = [fmpq(k, 7) for k in (3, -2, 5, 1)]
    lifted = problem.lifted(point)
    assert network.preactivations(lifted) == problem.network.preactivations(point)
    assert problem.lift is not None
    assert lifted == tuple(sum((a * t for a, t in zip(row, point, strict=True)), fmpq(0)) for row in problem.lift)
    assert pickle.loads(pickle.dumps(problem)) == problem
    for cell in iterate_cells(network):
        assert network.pattern(cell.interior_point) == cell.pattern
        break


def test_inputs_that_later_stages_read_stay_inputs() -> None:
    skip = Network.from_layers([[[1, 0, 2]], [[1]]])
    stages = (*skip.stages, skip.stages[0])
    network = Network(3, stages, skip.output)
    assert start_cells.unit_coordinates(network, start_cells.independent(stages[0].block(0) or ())) is None


@pytest.mark.parametrize("sizes", [(784, 100, 10), (784, 200, 10)])
def test_a_first_cell_within_seconds(sizes: tuple[int, ...]) -> None:
    network = wide(sizes)
    watch = Stopwatch()
    result = count_cells(network, counts="cells", max_cells=1)
    assert watch.seconds < 60 * slowness(), "took 32 s and over 90 s on an idle machine, now a second"
    assert result.cells is not None
    assert result.cells > 1
    assert not result.exact


def test_the_limit_holds_in_the_set_up() -> None:
    """A matrix whose inverse has 34 million digits a row: each step of it looks at the clock."""
    network = wide((300, 320, 2))
    watch = Stopwatch()
    result = count_cells(network, time_limit=1.0)
    assert watch.seconds < 20 * slowness()
    assert result.reason == "stopped at the time limit of 1 s"
    assert result.counts == dict.fromkeys(result.counts, 1)
    assert (result.exact, result.complete) == (False, False)


@pytest.mark.parametrize("inputs", [17, 20])
def test_the_limit_holds_for_boxes_of_many_dimensions(inputs: int) -> None:
    network = wide((inputs, 4, 1))
    watch = Stopwatch()
    result = count_cells(network, Polyhedron.box([-1] * inputs, [1] * inputs), time_limit=0.05)
    assert watch.seconds < 20 * slowness()
    assert result.reason is not None
    assert result.reason.startswith("stopped at the time limit of 0.05 s")


def test_a_box_with_more_vertices_than_atoms() -> None:
    network = wide((784, 10, 1))
    box = Polyhedron.box([0] * 784, [1] * 784)
    watch = Stopwatch()
    result = count_cells(network, box)
    assert watch.seconds < 60 * slowness()
    assert (result.complete, result.cells) == (False, 1)
    assert result.reason is not None
    assert "2^784 vertices" in result.reason
    with pytest.raises(TooManyVertices, match="count on a slice"):
        cell_problem(network, box)


def test_boxes_start_from_the_same_generators_as_other_domains() -> None:
    network = wide((3, 4, 2))
    box = Polyhedron.box([-1, 0, "1/3"], [1, 2, 5])
    cut = box.intersection(Polyhedron([[1, 1, 1]], [100]))
    assert cell_problem(network, box) == cell_problem(network, cut)


def test_a_limit_ends_the_set_up_of_other_callers() -> None:
    with pytest.raises(OutOfTime), time_limit(0.2):
        cell_problem(wide((300, 320, 2)))
