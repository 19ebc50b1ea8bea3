"""Sampling: right where regions are large, at most the truth where it must be, and honest about what it rests on."""

from __future__ import annotations

import builtins
import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.cells.cell import iterate_cells
from nn_bridge.cells.counting.count import count_cells
from nn_bridge.errors import NetworkError
from nn_bridge.expressivity.constructions import deep_sets, tent
from nn_bridge.expressivity.sampling import cube_bounds, cube_points, pieces_at, sample_patterns, sample_regions
from nn_bridge.network.network import Network
from polyhedra.errors import MissingExtraError
from polyhedra.scalars import to_float

pytest.importorskip("torch", reason="sampling takes Jacobians with torch")

SQUARES = Network.from_layers([[[1, 0], [0, 1], [1, 1]], [[1, -2, 1], [0, 1, 3]]], [[0, 0, 1], [0, 0]])


def test_large_regions_are_all_found() -> None:
    estimate = sample_regions(SQUARES, n_samples=4000, cube=3, rng=1)
    exact = count_cells(SQUARES)
    assert (estimate.regions, estimate.patterns) == (exact.regions, exact.cells)


def test_pieces_with_one_slope_are_told_apart() -> None:
    network = tent(4).network
    full = sample_regions(network, n_samples=4000, cube=(0, 1), rng=2)
    assert (full.regions, full.jacobians, full.affine_maps) == (16, 2, 16)
    # as published, midpoints alone: those of two rising pieces an even number apart lie on a third one
    assert sample_regions(network, n_samples=4000, cube=(0, 1), rng=2, offsets=False).regions < 16
    assert sample_regions(network, n_samples=4000, cube=(0, 1), rng=2, offsets=False, midpoint_test=False).regions == 2


def test_midpoints_tell_apart_pieces_with_one_map() -> None:
    # 0, then up and down to 0 again: the two flat pieces have one affine map
    network = Network.from_layers([[[1], [1], [1]], [[1, -2, 1]]], [[0, -1, -2], [0]])
    assert count_cells(network).regions == 4
    assert sample_regions(network, n_samples=500, cube=(-2, 4), rng=3).regions == 4
    assert sample_regions(network, n_samples=500, cube=(-2, 4), rng=3, midpoint_test=False).regions == 3


def test_cells_with_one_affine_map_are_one_region() -> None:
    # the second unit is twice the first one shifted out again: two cells, one map
    network = Network.from_layers([[[1], [1]], [[1, 0]]], [[0, -1], [0]])
    estimate = sample_regions(network, n_samples=500, cube=2, rng=3)
    assert (estimate.patterns, estimate.regions) == (3, 2)


def test_the_slopes_are_those_of_the_cells() -> None:
    estimate = sample_regions(SQUARES, n_samples=2000, cube=3, rng=4)
    exact = {
        tuple(tuple(to_float(v) for v in row) for row in cell.affine_map.matrix) for cell in iterate_cells(SQUARES)
    }
    assert set(estimate.slopes) == exact
    for point, slope in zip(estimate.points, estimate.slopes, strict=True):
        (cell, *_) = SQUARES.cell_at(point)
        assert slope == tuple(tuple(to_float(v) for v in row[:-1]) for row in cell.affine_map)


@settings(deadline=None, derandomize=True, max_examples=15)
@given(seed=st.integers(0, 10**6), sizes=st.lists(st.integers(1, 5), min_size=1, max_size=3), dim=st.integers(1, 3))
def test_confirmed_patterns_are_patterns_of_cells(seed: int, sizes: list[int], dim: int) -> None:
    rng = np.random.default_rng(seed)
    shapes = [dim, *sizes, 1]
    weights = [rng.integers(-2, 3, (b, a)) for a, b in pairwise(shapes)]
    biases = [rng.integers(-2, 3, b) for b in shapes[1:]]
    network = Network.from_layers(weights, biases)
    confirmed = sample_patterns(network, n_samples=300, cube=4, rng=seed).confirmed()
    assert confirmed
    assert confirmed <= {cell.pattern for cell in iterate_cells(network)}


def test_a_point_on_a_hyperplane_confirms_nothing() -> None:
    from nn_bridge.expressivity.sampling import SampledPatterns

    network = Network.from_layers([[[1]], [[1]]], [[0], [0]])
    sampled = SampledPatterns(network, (((False,),),), ((0.0,),), (1,), 1, 0)
    assert sampled.confirmed() == frozenset()


def test_hits_add_up_and_the_same_seed_gives_the_same() -> None:
    first = sample_patterns(SQUARES, n_samples=1000, cube=2, rng=7, batch=64)
    again = sample_patterns(SQUARES, n_samples=1000, cube=2, rng=7, batch=1000)
    assert sum(first.hits) == 1000
    assert dict(zip(first.patterns, first.hits, strict=True)) == dict(zip(again.patterns, again.hits, strict=True))
    one, two = (sample_regions(SQUARES, n_samples=1000, cube=2, rng=7, batch=b) for b in (64, 1000))
    assert one == two


def test_an_estimate_says_what_it_rests_on() -> None:
    estimate = sample_regions(deep_sets(3).network, n_samples=123, cube=([-1, -2, -3], 4), rng=5)
    assert not estimate.exact
    assert estimate.to_json() == {
        "regions": estimate.regions,
        "jacobians": estimate.jacobians,
        "affine_maps": estimate.affine_maps,
        "patterns": estimate.patterns,
        "samples": 123,
        "cube": {"lower": [-1.0, -2.0, -3.0], "upper": [4.0, 4.0, 4.0]},
        "seed": 5,
        "device": "cpu",
        "exact": False,
    }
    generator = np.random.default_rng(5)
    assert sample_regions(deep_sets(3).network, n_samples=9, cube=1, rng=generator).seed is None


def test_networks_without_units_and_with_skips() -> None:
    affine = Network.from_layers([[[1, 2]]], [[3]])
    estimate = sample_regions(affine, n_samples=10, cube=1, rng=0)
    assert (estimate.regions, estimate.slopes) == (1, (((1.0, 2.0),),))
    constant = Network.from_layers([[[0, 0]]], [[3]])
    assert sample_regions(constant, n_samples=10, cube=1, rng=0).slopes == (((0.0, 0.0),),)
    leaky = Network.from_layers([[[1]], [[1]]], activations=["leaky:1/2", "linear"])
    assert set(sample_regions(leaky, n_samples=100, cube=1, rng=0).slopes) == {((0.5,),), ((1.0,),)}


def test_points_fill_the_cube() -> None:
    lower, upper = cube_bounds((-1, [2, 3]), 2)
    points = np.concatenate(list(cube_points(lower, upper, 5000, np.random.default_rng(0), 999)))
    assert points.shape == (5000, 2)
    assert (points >= [-1, -1]).all()
    assert (points <= [2, 3]).all()
    assert np.allclose(points.mean(axis=0), [0.5, 1.0], atol=0.1)


@pytest.mark.parametrize("cube", [0, -1, (1, 1), (0, math.inf), "wide", (1, 2, 3), ([0, 0, 0], 1), None])
def test_cubes_that_make_no_sense(cube: Any) -> None:
    with pytest.raises(NetworkError, match="cube"):
        sample_regions(SQUARES, n_samples=10, cube=cube, rng=0)


def test_requests_that_make_no_sense() -> None:
    with pytest.raises(NetworkError, match="take at least 1"):
        sample_regions(SQUARES, n_samples=0, cube=1, rng=0)
    with pytest.raises(NetworkError, match="device 'abacus' cannot be used"):
        sample_regions(SQUARES, n_samples=1, cube=1, rng=0, device="abacus")


def test_weights_beyond_floats_are_refused() -> None:
    network = Network.from_layers([[["1e400"]], [[1]]])
    with pytest.raises(NetworkError, match="stage 1 has a weight beyond the range of float64"):
        sample_regions(network, n_samples=1, cube=1, rng=0)
    with pytest.raises(NetworkError, match="beyond the range"):
        sample_patterns(network, n_samples=1, cube=1, rng=0)


def test_without_torch_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = builtins.__import__

    def refuse(name: str, *args: Any, **options: Any) -> Any:
        if name == "torch":
            raise ImportError(name)
        return genuine(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtraError, match=r"sampling Jacobians needs the optional part \[torch\]"):
        sample_regions(SQUARES, n_samples=10, cube=1, rng=0)
    assert len(sample_patterns(SQUARES, n_samples=100, cube=1, rng=0).patterns) > 1


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_given_points_on_any_device(device: str) -> None:
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no GPU here")
    found = pieces_at(SQUARES, [np.array([[1.0, 1.0], [1.0, -0.5], [2.0, 1.0]])], device=device)
    assert (found.patterns, found.jacobians, len(found.points)) == (2, 2, 2)
    assert np.allclose(found.slopes[0], [[2, -1], [3, 4]])
