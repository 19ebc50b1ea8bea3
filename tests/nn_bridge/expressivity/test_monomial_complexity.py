"""Monomial complexity: native numbers against the expansion, pruned ones against pruning, closed forms, regions."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.cells.counting.count import count_cells
from nn_bridge.expressivity.complexity import monomial_complexity
from nn_bridge.network.network import Network
from nn_bridge.symbolic.monomials import MonomialCount
from nn_bridge.symbolic.tropicalize import tropical_preactivations
from tropical.regions import common_refinement


def integer_network(sizes: list[int], seed: int) -> Network:
    rng = np.random.default_rng(seed)
    weights = [rng.integers(-3, 4, (b, a)) for a, b in pairwise(sizes)]
    return Network.from_layers(weights, [rng.integers(-3, 4, b) for b in sizes[1:]])


@settings(deadline=None, derandomize=True, max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    sizes=st.sampled_from([[1, 3, 2], [2, 3, 1], [2, 2, 2, 1], [1, 2, 3, 1], [3, 2, 2]]),
)
def test_every_layer_agrees_with_the_symbolic_route(seed: int, sizes: list[int]) -> None:
    network = integer_network(sizes, seed)
    found = monomial_complexity(network)
    symbolic = tropical_preactivations(network)
    for entries, values in zip((*found.layers, found.outputs), symbolic, strict=True):
        assert [entry.pruned for entry in entries] == [MonomialCount.of(value) for value in values]
    expanded = tropical_preactivations(network, prune="none")
    for entries, values in zip((*found.layers, found.outputs), expanded, strict=True):
        for entry, value in zip(entries, values, strict=True):
            assert entry.pruned.numerator <= len(value.numerator) <= entry.native.numerator
            assert entry.pruned.denominator <= len(value.denominator) <= entry.native.denominator
            assert 0 <= entry.pruning_rate < 1


@settings(deadline=None, derandomize=True, max_examples=20)
@given(seed=st.integers(0, 10**6), sizes=st.sampled_from([[1, 4, 1], [2, 4, 1], [2, 2, 2, 1], [3, 3, 1]]))
def test_monomials_bound_the_regions_from_both_sides(seed: int, sizes: list[int]) -> None:
    network = integer_network(sizes, seed)
    (entry,) = monomial_complexity(network, layers=False).outputs
    (f,) = tropical_preactivations(network)[-1]
    refined = len(common_refinement([f.numerator, f.denominator]))
    assert entry.fewest_cells <= refined <= entry.most_cells
    counted = count_cells(network)
    assert counted.regions <= refined
    assert counted.affine_maps <= entry.most_cells


@pytest.mark.parametrize(("n", "positive", "negative"), [(2, 4, 3), (2, 1, 5), (3, 4, 2), (1, 3, 3)])
def test_one_hidden_layer_in_general_position(n: int, positive: int, negative: int) -> None:
    rng = np.random.default_rng(n)
    size = positive + negative
    network = Network.from_layers(
        [rng.normal(size=(size, n)), [[1] * positive + [-1] * negative]], [rng.normal(size=size), [0]]
    )
    ((entry,),) = (monomial_complexity(network, layers=False).outputs,)
    # numerator: relu(z) is max(z+, z-) - z- with z- a monomial, so each positive unit brings a factor of two terms
    assert (entry.native.numerator, entry.native.denominator) == (2**positive, 2**negative)
    zonotope = [sum(comb(count, k) for k in range(n + 1)) for count in (positive, negative)]
    assert [entry.pruned.numerator, entry.pruned.denominator] == zonotope
    assert entry.pruning_rate == 1 - Fraction(sum(zonotope), 2**positive + 2**negative)


def test_native_numbers_that_nobody_could_expand() -> None:
    network = integer_network([2, 8, 6, 1], 0)
    found = monomial_complexity(network)
    assert [len(entries) for entries in found.layers] == [8, 6]
    assert found.outputs[0].native.numerator > 10**6
    assert found.outputs[0].pruned.numerator < 1000
    assert found.pruning_rate > Fraction(99, 100)


def test_layers_are_left_out_on_request() -> None:
    network = integer_network([2, 3, 2, 2], 1)
    assert monomial_complexity(network, layers=False).layers == ()
    assert monomial_complexity(network, layers=False).outputs == monomial_complexity(network).outputs
    assert monomial_complexity(Network.from_layers([[[1, 2]]])).outputs[0].pruning_rate == 0
