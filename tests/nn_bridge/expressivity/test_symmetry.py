"""Symmetric networks: found exactly, counted by orbits, and estimated from their fundamental domain."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.cells.counting.count import count_cells
from nn_bridge.errors import NetworkError
from nn_bridge.expressivity.constructions import deep_sets
from nn_bridge.expressivity.symmetry import (
    PermutationSymmetry,
    affine_maps_by_symmetry,
    count_by_symmetry,
    is_invariant,
    permutation_symmetry,
    regions_by_symmetry,
    sample_by_symmetry,
    with_inputs_permuted,
)
from nn_bridge.network.network import Network
from polyhedra.polyhedron import Polyhedron


def equivariant(inputs: int, channels: int, seed: int) -> Network:
    """Two equivariant layers with integer weights and a sum."""
    rng = np.random.default_rng(seed)
    weights, biases, before = [], [], 1
    for _ in range(2):
        own, shared = rng.integers(-2, 3, (2, channels, before))
        weights.append(np.kron(np.eye(inputs), own) + np.kron(np.ones((inputs, inputs)), shared))
        biases.append(np.tile(rng.integers(-2, 3, channels), inputs))
        before = channels
    weights.append(np.tile(rng.integers(-2, 3, (1, channels)), inputs))
    return Network.from_layers(weights, [*biases, [1]])


@settings(deadline=None, derandomize=True, max_examples=12)
@given(inputs=st.integers(2, 3), channels=st.integers(1, 2), seed=st.integers(0, 10**6))
def test_invariant_networks_are_found_and_counted_from_their_domain(inputs: int, channels: int, seed: int) -> None:
    network = equivariant(inputs, channels, seed)
    symmetry = permutation_symmetry(network)
    assert symmetry.blocks == (tuple(range(inputs)),)
    counted = count_by_symmetry(network, symmetry)
    assert counted.affine_maps == counted.everywhere.affine_maps
    assert counted.regions == counted.everywhere.regions
    assert counted.domain.cells <= counted.everywhere.cells <= symmetry.order * counted.domain.cells


def test_every_permutation_of_inputs_is_tried() -> None:
    network = Network.from_layers([[[1, 2, 3]], [[1]]])
    for order in permutations(range(3)):
        moved = with_inputs_permuted(network, order)
        x = [5, 7, 11]
        assert moved.evaluate(x) == network.evaluate([x[i] for i in order])
        assert is_invariant(network, order) == (order == (0, 1, 2))
    with pytest.raises(NetworkError, match=r"\[0, 0, 1\] is no permutation of 0..2"):
        is_invariant(network, [0, 0, 1])


def test_blocks_of_exchangeable_coordinates() -> None:
    # max(x0, x2) + |x1 - x3| + x4
    network = Network.from_layers(
        [[[-1, 0, 1, 0, 0], [1, 0, 0, 0, 0], [-1, 0, 0, 0, 0], [0, 1, 0, -1, 0], [0, -1, 0, 1, 0], [0, 0, 0, 0, 1],
          [0, 0, 0, 0, -1]], [[1, 1, -1, 1, 1, 1, -1]]]
    )  # fmt: skip
    symmetry = permutation_symmetry(network)
    assert symmetry.blocks == ((0, 2), (1, 3), (4,))
    assert (symmetry.order, symmetry.is_full, symmetry.dim) == (4, False, 5)
    # the exchange of 0 and 2 renames no units, so the functions themselves were compared
    assert is_invariant(network, [2, 1, 0, 3, 4])
    assert affine_maps_by_symmetry(network, symmetry) == count_cells(network).affine_maps == 4
    assert regions_by_symmetry(network, symmetry) == 4


def test_regions_that_go_around_the_walls() -> None:
    """A flat cube and what lies around it: regions that cross some walls and not others."""
    n = 3
    rows = np.vstack([np.eye(n), -np.eye(n)])
    # sum_i max(0, x_i - 1) + max(0, -x_i - 1): a flat cube in the middle, 27 regions in all
    network = Network.from_layers([rows, np.ones((1, 2 * n))], [[-1] * (2 * n), [0]])
    counted = count_by_symmetry(network)
    assert (counted.regions, counted.affine_maps) == (27, 27) == (counted.everywhere.regions, 27)
    # the same clipped at 1: far away everything is flat, and the flat parts are connected
    clipped = Network.from_layers([rows, np.ones((2, 2 * n)), [[1, -1]]], [[-1] * (2 * n), [0, -1], [0]])
    counted = count_by_symmetry(clipped)
    assert counted.regions == counted.everywhere.regions
    assert counted.affine_maps == counted.everywhere.affine_maps


def test_a_network_without_symmetry() -> None:
    network = Network.from_layers([[[1, 2], [3, -1]], [[1, 1]]])
    symmetry = permutation_symmetry(network)
    assert symmetry.blocks == ((0,), (1,))
    counted = count_by_symmetry(network, symmetry)
    assert counted.domain.counts == counted.everywhere.counts
    assert symmetry.fundamental_domain() == Polyhedron.space(2)


@pytest.mark.parametrize("parameters", [(2, 1, 1, 1), (3, 1, 1, 1), (4, 1, 1, -1), (3, 3, -1, 1)])
def test_the_estimate_of_deep_sets_is_the_closed_form(parameters: tuple[int, int, int, int]) -> None:
    inputs, *_ = parameters
    construction = deep_sets(*parameters)
    estimate = sample_by_symmetry(construction.network, n_samples=3000, cube=20, rng=1)
    assert estimate.regions == construction.regions
    assert estimate.symmetry.order == {2: 2, 3: 6, 4: 24}[inputs]
    assert estimate.pieces <= inputs + 1
    assert not estimate.exact
    assert (estimate.samples, estimate.seed, estimate.lower) == (3000, 1, (-20.0,) * inputs)


def test_the_estimate_undercounts_pieces_whose_jacobian_is_more_symmetric_than_they_are() -> None:
    # min(|x - y|, 1) has two flat pieces, which are exchanged; their Jacobian 0 counts once
    clipped = Network.from_layers([[[1, -1], [-1, 1]], [[1, 1], [1, 1]], [[1, -1]]], [[0, 0], [0, -1], [0]])
    counted = count_by_symmetry(clipped)
    assert (counted.everywhere.regions, counted.everywhere.affine_maps, counted.affine_maps) == (4, 3, 3)
    assert counted.regions == 4
    assert sample_by_symmetry(clipped, n_samples=500, cube=3, rng=0).regions == 3


def test_orbits() -> None:
    symmetry = PermutationSymmetry(((0, 2), (1, 3, 4)))
    assert symmetry.order == 12
    assert symmetry.orbit_size("abbbc") == 2 * 3
    assert symmetry.orbit_size("aaaaa") == 1
    assert symmetry.canonical("dcbab") == ("b", "a", "d", "b", "c")


def test_points_are_moved_into_the_domain() -> None:
    symmetry = PermutationSymmetry(((0, 2), (1,)))
    points = np.random.default_rng(0).uniform(-1, 1, (50, 3))
    moved = symmetry.moved_into_domain(points)
    domain = symmetry.fundamental_domain()
    assert all(domain.contains(point) for point in moved.tolist())
    assert (moved[:, 1] == points[:, 1]).all()
    assert (np.sort(moved[:, [0, 2]]) == np.sort(points[:, [0, 2]])).all()


def test_the_images_of_the_domain_fill_the_space_without_overlap() -> None:
    symmetry = PermutationSymmetry(((0, 1, 2),))
    box = Polyhedron.box([0] * 3, [1] * 3)
    assert symmetry.fundamental_domain().intersection(box).volume() * symmetry.order == box.volume()


def test_a_cube_that_is_not_symmetric() -> None:
    with pytest.raises(NetworkError, match=r"different bounds for the exchangeable coordinates \[0, 1\]"):
        sample_by_symmetry(deep_sets(2).network, n_samples=10, cube=([0, -1], 1), rng=0)
