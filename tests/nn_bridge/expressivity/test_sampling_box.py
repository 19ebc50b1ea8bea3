"""`sampling_box`: on the box there are as many cells and affine maps as on all of R^n."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.cells.cell import iterate_cells
from nn_bridge.cells.counting.count import count_cells
from nn_bridge.errors import NetworkError
from nn_bridge.expressivity.sampling import sample_patterns
from nn_bridge.expressivity.sampling_box import sampling_box
from nn_bridge.network.network import Network
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational

COUNTED = json.loads((Path(__file__).parents[2] / "data" / "cell_counts.json").read_text())


@pytest.mark.parametrize("entry", COUNTED[::20], ids=lambda entry: entry["name"])
def test_every_cell_meets_the_box_in_its_interior(entry: dict) -> None:
    network = Network.from_layers(entry["weights"], entry["biases"])
    box = sampling_box(network, margin="1/1000")
    everywhere, inside = count_cells(network), count_cells(network, box.polyhedron)
    assert (inside.cells, inside.affine_maps) == (everywhere.cells, everywhere.affine_maps)
    assert inside.regions >= everywhere.regions
    # a cube of the effective radius itself is the smallest one: any smaller one misses a cell
    if box.effective_radius > 0:
        small = box.effective_radius * rational("0.999")
        cube = Polyhedron.box([c - small for c in box.centre], [c + small for c in box.centre])
        assert count_cells(network, cube).cells < everywhere.cells


@settings(deadline=None, derandomize=True, max_examples=12)
@given(
    seed=st.integers(0, 10**6),
    sizes=st.sampled_from([[1, 3, 1], [2, 3, 1], [2, 2, 2, 1], [1, 3, 2, 2], [3, 3, 2]]),
    centre=st.integers(-2, 2),
)
def test_the_box_by_hoffman_constants(seed: int, sizes: list[int], centre: int) -> None:
    rng = np.random.default_rng(seed)
    weights = [rng.integers(-3, 4, (b, a)) for a, b in pairwise(sizes)]
    network = Network.from_layers(weights, [rng.integers(-3, 4, b) for b in sizes[1:]])
    middle = [centre] * sizes[0]
    box = sampling_box(network, middle, method="hoffman")
    everywhere, inside = count_cells(network), count_cells(network, box.polyhedron)
    assert inside.affine_maps == everywhere.affine_maps
    assert box.radius > box.effective_radius
    assert list(box.centre) == middle


def test_the_box_is_a_cube_to_sample_in() -> None:
    network = Network.from_layers([[[1, 0], [0, 1], [1, 1]], [[1, -2, 1]]], [[-30, -40, -50], [0]])
    box = sampling_box(network)
    cells = {cell.pattern for cell in iterate_cells(network)}
    assert sample_patterns(network, n_samples=3000, cube=box.bounds, rng=0).confirmed() == cells
    assert len(sample_patterns(network, n_samples=3000, cube=5, rng=0).patterns) < len(cells)


def test_bounds_round_outwards() -> None:
    network = Network.from_layers([[[3], [1]], [[1, 1]]], [[-1, 0], [0]])
    box = sampling_box(network, margin="0.1")
    (low,), (high,) = box.bounds
    assert rational(low) < -box.radius < 0 < box.radius < rational(high)
    assert box.effective_radius == rational("1/3")
    assert box.radius == rational("11/30")


def test_where_everything_meets_at_the_centre_the_radius_is_one() -> None:
    cone = Network.from_layers([[[1, 0], [0, 1]], [[1, 1]]])
    box = sampling_box(cone)
    assert (box.effective_radius, box.radius) == (0, 1)
    assert sampling_box(Network.from_layers([[[1, 0]]])).radius == 1


def test_requests_that_make_no_sense() -> None:
    network = Network.from_layers([[[1]], [[1]]])
    with pytest.raises(NetworkError, match="take a positive one"):
        sampling_box(network, margin=0)
    with pytest.raises(NetworkError, match="the margin: 'wide' is not a number"):
        sampling_box(network, margin="wide")
    with pytest.raises(NetworkError, match="no method 'guess'"):
        sampling_box(network, method="guess")  # type: ignore[arg-type]
    with pytest.raises(NetworkError, match="has 2 coordinates"):
        sampling_box(network, [0, 0])
