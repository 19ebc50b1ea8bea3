"""The tropical map through cells equals the symbolic one, monomial for monomial, and the network, point for point."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.cells.tropical_map import convex_parts, tropicalize_by_cells
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.network import Network
from nn_bridge.readers import read_network
from nn_bridge.symbolic.tropicalize import tropicalize
from polyhedra.scalars import rational
from tests.families import DATA, ENTRIES


def random_network(rng, dims):
    weights = [rng.standard_normal((b, a)).tolist() for a, b in pairwise(dims)]
    return Network.from_layers(weights, [rng.standard_normal(b).tolist() for b in dims[1:]])


@pytest.mark.parametrize("dims", [[1, 6, 2], [2, 5, 1], [2, 4, 3, 2], [3, 4, 2], [2, 3, 3, 2, 1]])
def test_equals_the_symbolic_route(dims):
    network = random_network(np.random.default_rng(len(dims)), dims)
    assert tropicalize_by_cells(network) == tropicalize(network)


def test_equals_the_symbolic_route_with_the_reference_pruning():
    pytest.importorskip("cdd", reason="the reference pruning is pycddlib's")
    for entry in [e for e in ENTRIES if e["cells"] <= 12][::12]:
        network = Network.from_layers(entry["weights"], entry["biases"])
        assert tropicalize_by_cells(network) == tropicalize(network, method="cdd"), entry["name"]


def test_every_family_of_reference_networks():
    chosen = {}
    for entry in ENTRIES:
        if entry["cells"] <= 30:
            chosen.setdefault((entry["family"], len(entry["weights"])), entry)
    for entry in chosen.values():
        network = Network.from_layers(entry["weights"], entry["biases"])
        assert tropicalize_by_cells(network) == tropicalize(network), entry["name"]


small = st.integers(-2, 2)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_skip_connections_leaky_units_and_maxout(data):
    build = NetworkBuilder(2)
    x = build.input()
    rows = [[data.draw(small) for _ in range(2)] for _ in range(3)]
    first = build.leaky_relu(build.affine(x, rows, [data.draw(small) for _ in range(3)]), rational("1/2"))
    both = build.concatenate(first, x)
    rows = [[data.draw(small) for _ in range(5)] for _ in range(2)]
    second = build.maxout(build.affine(both, rows, [data.draw(small), data.draw(small)]), 2)
    network = build.finish(build.add(second, build.affine(x, [[data.draw(small), data.draw(small)]])))
    assert tropicalize_by_cells(network) == tropicalize(network)


def test_the_parts_are_the_numerator_and_the_denominator():
    network = random_network(np.random.default_rng(2), [2, 4, 3, 2])
    parts = convex_parts(network)
    maps = tropicalize(network)
    for x in ([0, 0], ["1/3", -2], [5, "7/2"]):
        values = parts.evaluate(x)
        assert values[::2] == tuple(f.numerator(x) for f in maps)
        assert values[1::2] == tuple(f.denominator(x) for f in maps)


def test_closed_form_of_one_layer():
    network = random_network(np.random.default_rng(11), [2, 14, 1])
    positive = sum(w > 0 for w in network.output.blocks[0][1][0])
    (f,) = tropicalize_by_cells(network)
    assert len(f.numerator) == 1 + positive + math.comb(positive, 2)
    assert len(f.denominator) == 1 + (14 - positive) + math.comb(14 - positive, 2)


def test_nothing_to_cut():
    network = Network.from_layers([[[0, 0], [1, 2]], [[1, 0], [0, 0]]], [[1, -1], [0, 3]])
    assert tropicalize_by_cells(network) == tropicalize(network)
    constant = Network.from_layers([[[0, 0]], [[1]]], [[1], [2]])
    assert tropicalize_by_cells(constant) == tropicalize(constant)
    affine = Network.from_layers([[[1, -2]]], [[3]])
    assert tropicalize_by_cells(affine) == tropicalize(affine)


def test_ten_outputs_of_a_wide_network():
    network = random_network(np.random.default_rng(12), [784, 4, 10])
    maps = tropicalize_by_cells(network)
    point = np.random.default_rng(13).standard_normal(784).tolist()
    assert tuple(f(point) for f in maps) == network.evaluate(point)
    assert all(len(f.numerator) * len(f.denominator) == 16 for f in maps)


def test_a_larger_network_agrees_at_points():
    network = read_network(DATA / "nets" / "d3_16_16_1_s0.npz")
    (f,) = tropicalize_by_cells(network)
    for point in np.random.default_rng(14).uniform(-3, 3, (10, 3)).tolist():
        assert (f(point),) == network.evaluate(point)
