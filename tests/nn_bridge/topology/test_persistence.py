"""Persistence of sublevel sets: known shapes, and the Betti numbers of sublevel sets at levels in between."""

from __future__ import annotations

from itertools import pairwise

import pytest
from flint import fmpq

from nn_bridge.network.network import Network
from nn_bridge.topology.persistence import sublevel_persistence
from polyhedra.polyhedron import Polyhedron
from tests.families import network_of
from tests.nn_bridge.topology.test_sets import ANNULUS, OCTAHEDRON, SMALL, STRIP, TENT, the_set


def pairs(network: Network, domain: Polyhedron | None = None, field: str = "Q") -> list[tuple]:
    """The pairs as tuples."""
    return [(pair.dimension, pair.birth, pair.death) for pair in sublevel_persistence(network, 0, domain, field)]


def test_known_shapes() -> None:
    assert pairs(TENT) == [(0, None, 0), (0, None, None)]
    assert pairs(STRIP) == [(0, 0, None)]
    assert pairs(OCTAHEDRON, None, "2") == [(0, 0, None)]
    # the outside from the start, the inner square at -1; at 1/2 the ridge joins them and fills the hole of the outside
    assert pairs(ANNULUS) == [(0, None, None), (0, -1, fmpq(1, 2)), (1, None, fmpq(1, 2))]
    # in this box the outside is a ring, from -2 on
    box = Polyhedron.box([-4, -4], [4, 4])
    assert pairs(ANNULUS, box) == [(0, -2, None), (0, -1, fmpq(1, 2)), (1, -2, fmpq(1, 2))]
    upside_down = Network.from_layers([[[1, 0], [-1, 0], [0, 1], [0, -1]], [[-1] * 4]])
    assert pairs(upside_down) == [(0, None, None), (1, None, 0)]


@pytest.mark.parametrize("entry", SMALL[::2], ids=lambda e: e["name"])
@pytest.mark.parametrize("boxed", [False, True])
def test_betti_numbers_between_the_ends_agree(entry: dict, boxed: bool) -> None:
    network = network_of(entry)
    n = network.input_dim
    domain = Polyhedron.box([-1] * n, [2] * n) if boxed else None
    found = pairs(network, domain)
    assert found == pairs(network, domain, "2") or n > 3
    ends = sorted({value for _, *both in found for value in both if value is not None})
    between = [(a + b) / 2 for a, b in pairwise(ends)]
    levels = [ends[0] - 1, *between, ends[-1] + 1] if ends else [fmpq(0)]
    for level in levels[:2] + levels[-2:]:
        alive = [0] * (n + 1)
        for dimension, birth, death in found:
            alive[dimension] += (birth is None or birth < level) and (death is None or level < death)
        assert the_set(network, "open below", level, domain).homology.rational == tuple(alive)
        assert the_set(network, "below", level, domain).homology.rational == tuple(alive)
