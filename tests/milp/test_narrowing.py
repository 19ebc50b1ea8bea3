"""Narrowed domains: nothing greater is cut away, and what is found is exact."""

import itertools

import numpy as np
import pytest
from flint import fmpq

from milp.by_cells import greatest_by_cells
from milp.domain import bounded
from milp.narrowing import narrow
from milp.optimize import optimize_network
from nn_bridge.network.network import Network
from polyhedra.polyhedron import Polyhedron


def greatest(network, region):
    """The greatest value by all cells."""
    found = greatest_by_cells(network, region)
    assert found.proven
    return found.value


@pytest.mark.parametrize("kind", ["gaussian", "integer", "skip"])
def test_the_maximum_is_found_or_lies_in_what_is_left(kind, random_network):
    rng = np.random.default_rng(5)
    for shape in ((2, 6, 4, 1), (3, 5, 5, 1)):
        network = random_network(rng, shape, kind)
        region = bounded(([-1] * shape[0], [1] * shape[0]), shape[0])
        narrowed = narrow(network, region)
        most = greatest(network, region)
        found = narrowed.found
        assert found.value == network.evaluate(found.point)[0] <= most
        assert region.contains(found.point)
        if found.proven:
            assert found.value == found.bound == most
        else:
            assert max(found.value, greatest(network, narrowed.region)) == most
        assert all(
            a <= c < d <= b
            for a, b, c, d in zip(region.lower, region.upper, narrowed.region.lower, narrowed.region.upper, strict=True)
        )


def test_domains_that_stay_as_they_are():
    network = Network.from_layers([[[1, 1], [1, -1]], [[1, 1]]])
    triangle = bounded(Polyhedron([[1, 1], [-1, 0], [0, -1]], [1, 0, 0]), 2)
    thin = bounded(([0, 0], [1, 0]), 2)
    for region in (triangle, thin):
        assert narrow(network, region).region is region
        assert narrow(network, region).found.value is None
    huge = Network.from_layers([[[fmpq(10) ** 400]], [[1]]])
    assert narrow(huge, bounded(([-1], [1]), 1)).found.value is None
    assert optimize_network(huge, ([-1], [1])).value == fmpq(10) ** 400


def test_a_flat_top_and_a_narrow_peak():
    flat = Network.from_layers([[[1, 0], [0, 1], [-1, 0]], [[0, 0, 0]]], [[0, 0, 0], [7]])
    best = optimize_network(flat, ([-1, -1], [1, 1]))
    assert (best.value, best.proven) == (7, True)
    # a peak of height 1e-6 and width 2e-6 on a slope downwards
    peak = Network.from_layers(
        [[[1], [1], [1], [1]], [[-fmpq(1, 10**9), 1, -2, 1]]], [[1, "-1/2", "-0.500001", "-0.500002"], [0]]
    )
    best = optimize_network(peak, ([-1], [1]))
    assert best.proven
    assert best.point == (fmpq(500001, 10**6),)


def test_large_boxes_are_closed_by_narrowing():
    rng = np.random.default_rng(0)
    shape = (5, 20, 20, 20, 5)
    weights = [rng.normal(size=(o, i)) * np.sqrt(2 / i) for i, o in itertools.pairwise(shape)]
    network = Network.from_layers(weights, [0.5 * rng.normal(size=o) for o in shape[1:]])
    best = optimize_network(network, ([-0.5] * 5, [0.5] * 5), time_limit=60)
    assert best.proven
    assert network.evaluate(best.point)[0] == best.value == best.bound
