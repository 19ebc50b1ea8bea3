"""Cells of points in float64: the same as exactly, on cell borders and at the ends of the float range too."""

from __future__ import annotations

import numpy as np
import pytest

from nn_bridge.cells.location import patterns_of_points
from nn_bridge.errors import NetworkError
from nn_bridge.network.float_values import certain_signs
from nn_bridge.network.network import Network
from tests.families import ENTRIES, network_of


@pytest.mark.parametrize("entry", ENTRIES[::23], ids=lambda e: e["name"])
def test_points_of_small_networks(entry: dict) -> None:
    network = network_of(entry)
    rng = np.random.default_rng(3)
    anywhere, on_borders = rng.normal(size=(20, network.input_dim)), rng.integers(-2, 3, (12, network.input_dim)) / 1.0
    points = np.concatenate([anywhere, on_borders])
    assert patterns_of_points(network, points) == patterns_of_points(network, points.tolist())


@pytest.mark.parametrize("scale", [1e-320, 5e-324, 1e-300, 1e-160, 1e160, 1e300, 1e308])
def test_ends_of_the_float_range(scale: float) -> None:
    rng = np.random.default_rng(7)
    for _ in range(20):
        first, second = rng.integers(-1, 2, (3, 2)) * scale, rng.integers(-2, 3, (2, 3)) / 3
        network = Network.from_layers([first.tolist(), second.tolist(), [[1, 1]]], [[0, scale, -scale], [0, 0.1], [0]])
        size = rng.choice([1.0, 1 / scale if 1e-300 < scale < 1e300 else 1.0, 1e300, 1e-300])
        points = rng.integers(-2, 3, (8, 2)) * size
        points = points[np.isfinite(points).all(axis=1)]
        assert patterns_of_points(network, points) == patterns_of_points(network, points.tolist())


def test_weights_below_the_floats_prove_nothing() -> None:
    # 10^-400 x with x = 10^300 is positive; in floats the weight is 0 and the bias alone would decide
    network = Network.from_layers([[["1e-400"]], [[1]]], [["-1e-105"], [0]])
    for positive, certain in certain_signs(network, np.array([[1e300]])):
        assert positive[0][0, 0] == 0
        assert not certain[0]
    assert patterns_of_points(network, np.array([[1e300]])) == [(((True,),),)]


def test_most_points_of_a_large_network_are_decided_in_floats() -> None:
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=shape) for shape in ((40, 100), (40, 40), (3, 40))]
    network = Network.from_layers(weights)
    points = rng.normal(size=(500, 100))
    (((_, _), certain),) = certain_signs(network, points)
    assert certain.mean() > 0.99
    found = patterns_of_points(network, points)
    assert found[::50] == patterns_of_points(network, points[::50].tolist())


def test_bad_points_are_refused() -> None:
    network = Network.from_layers([[[1, 2]], [[1]]])
    with pytest.raises(NetworkError, match="finite"):
        patterns_of_points(network, np.array([[1.0, 2.0], [1.0, np.nan]]))
    with pytest.raises(NetworkError):
        patterns_of_points(network, np.ones((3, 3)))
