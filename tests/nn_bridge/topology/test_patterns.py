"""Patterns of any dimension from faces, against trying every sign of every unit by linear programs."""

from __future__ import annotations

import pytest

from nn_bridge.cells.cell import iterate_cells
from nn_bridge.network.network import Network
from nn_bridge.topology.patterns import patterns_of_any_dimension
from polyhedra.polyhedron import Polyhedron
from puiseux import random_network
from tests.families import COUNTS, network_of
from tests.oracles import patterns_by_programs


def check(network: Network, domain: Polyhedron | None = None) -> None:
    found = patterns_of_any_dimension(network, domain)
    assert [one.pattern for one in found] == sorted(patterns_by_programs.patterns_of_any_dimension(network, domain))
    for one in found:
        assert network.pattern(one.point) == one.pattern
        assert domain is None or domain.contains(one.point)
    cells = {cell.pattern_text for cell in iterate_cells(network, domain)}
    assert {one.text for one in found if one.dimension == network.input_dim} == cells


@pytest.mark.parametrize("name", [name for name in sorted(COUNTS) if COUNTS[name]["cells"] <= 12][::6])
def test_small_networks_in_general_and_special_position(name: str) -> None:
    check(network_of(name))


@pytest.mark.parametrize("seed", range(3))
def test_in_a_box_whose_walls_units_meet(seed: int) -> None:
    check(random_network([2, 3, 2, 1], rng=seed, init="ternary"), Polyhedron.box([-1, 0], [1, 1]))


def test_the_pattern_of_a_point_may_be_that_of_no_cell() -> None:
    cross = Network.from_layers([[[1, 0], [-1, 0], [0, 1], [0, -1]], [[1] * 4]])  # |x| + |y|
    found = {one.text: one.dimension for one in patterns_of_any_dimension(cross)}
    assert len(found) == 9
    assert found["0000"] == 0
    assert sorted(found.values()) == [0, 1, 1, 1, 1, 2, 2, 2, 2]


def test_a_network_without_units_has_one_pattern() -> None:
    (one,) = patterns_of_any_dimension(Network.from_layers([[[1, 2]]]))
    assert (one.pattern, one.dimension, one.text) == ((), 2, "")
