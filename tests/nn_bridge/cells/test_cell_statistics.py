"""Neighbours, data, distances and edges of regions and cells, against plain definitions."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.cells.adjacency import cell_adjacency
from nn_bridge.cells.cell import iterate_cells
from nn_bridge.cells.location import cells_with_points, distance_to_points, patterns_of_points, points_by_cell
from nn_bridge.cells.statistics import complex_statistics, region_statistics
from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rationals

SQUARE = Polyhedron.box([-2, -2], [2, 2])


def integer_network(seed: int) -> Network:
    """Degenerate on purpose: small integers, many hyperplanes through one point."""
    rng = np.random.default_rng(seed)
    return Network.from_layers(
        [rng.integers(-2, 3, (4, 2)), rng.integers(-2, 3, (3, 4)), rng.integers(-1, 2, (1, 3))],
        [rng.integers(-1, 2, 4), rng.integers(-1, 2, 3), [0]],
    )


@settings(deadline=None, derandomize=True, max_examples=10)
@given(st.integers(0, 10**6))
def test_by_regions_and_by_cells_agree(seed: int) -> None:
    network = integer_network(seed)
    points = np.random.default_rng(seed).integers(-3, 4, (6, 2)).tolist()
    regions = list(region_statistics(network, SQUARE, data=points))
    cells = list(region_statistics(network, SQUARE, data=points, by="cells"))
    assert sum(region.polyhedra for region in regions) == len(cells)
    by_pattern = {cell.cells[0].pattern: cell for cell in cells}
    for region in regions:
        own = [by_pattern[cell.pattern] for cell in region.cells]
        assert region.volume == sum((cell.volume for cell in own), fmpq(0))
        assert set(region.data) == {i for cell in own for i in cell.data}
        assert region.distance == min(cell.distance for cell in own)
    for cell in cells:
        inside = [i for i, point in enumerate(points) if cell.cells[0].polyhedron.contains(rationals(point))]
        assert list(cell.data) == inside
        assert (cell.distance == 0) == bool(inside)
    listed = [cell.cells[0].polyhedron for cell in cells]
    touching = [(a, b) for a, b in combinations(range(len(cells)), 2) if listed[a].common_facet(listed[b]) is not None]
    for k, cell in enumerate(cells):
        assert cell.neighbours == sum(k in pair for pair in touching)


@settings(deadline=None, derandomize=True, max_examples=15)
@given(st.integers(0, 10**6))
def test_the_distance_to_a_box_is_the_largest_excess(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lower = rng.integers(-4, 0, 3).tolist()
    upper = rng.integers(1, 5, 3).tolist()
    points = [rationals(point) for point in rng.integers(-9, 10, (5, 3)).tolist()]
    excess = [
        max(fmpq(0), *(max(fmpq(low) - x, x - fmpq(high)) for low, high, x in zip(lower, upper, point, strict=True)))
        for point in points
    ]
    assert distance_to_points(Polyhedron.box(lower, upper), points) == min(excess)


def test_the_distance_to_a_corner_and_to_a_line() -> None:
    # x + y <= 0 from (1, 1): both coordinates move by 1
    half_plane = Polyhedron([[1, 1]], [0])
    assert distance_to_points(half_plane, [rationals([1, 1])]) == 1
    # a wedge: the bound from single rows (1/2) is less than the distance
    wedge = Polyhedron([[1, 3], [1, -3]], [0, 0])
    assert distance_to_points(wedge, [rationals([2, 0])]) == 2 / fmpq(1)
    line = Polyhedron([], [], [[1, -1]], [0], dim=2)
    assert distance_to_points(line, [rationals([0, 4]), rationals([-3, 0])]) == fmpq(3, 2)
    with pytest.raises(NetworkError, match="no points"):
        distance_to_points(line, [])


def test_points_on_borders_are_in_every_cell_that_they_touch() -> None:
    cross = Network.from_layers([[[1, 0], [0, 1]], [[1, -1]]])
    assert [len(patterns) for patterns in patterns_of_points(cross, [[1, 1], [1, 0], [0, 0]])] == [1, 2, 4]
    cells = list(iterate_cells(cross, Polyhedron.box([0, -1], [1, 1])))
    holders = points_by_cell(cells, [[0, 0], [-1, 0], [1, -1]])
    assert sorted(map(sorted, holders)) == [[0], [0, 2]]


def test_cells_of_an_adjacency_that_hold_points() -> None:
    network = integer_network(5)
    points = np.random.default_rng(1).integers(-4, 5, (20, 2)).tolist()
    cells = list(iterate_cells(network))
    expected = [k for k, cell in enumerate(cells) if any(cell.polyhedron.contains(rationals(p)) for p in points)]
    assert cells_with_points(network, cell_adjacency(network), points) == expected
    assert 1 < len(expected) < len(cells)
    affine = Network.from_layers([[[1, 2]]])
    assert cells_with_points(affine, cell_adjacency(affine), [[0, 0]]) == [0]


def test_edges_have_directions_gradients_and_slopes() -> None:
    network = Network.from_layers([[[2, 1], [1, 0], [0, 1]], [[1, 1, -1]]], [[-2, 0, 0], [0]])
    (triangle,) = [region for region in region_statistics(network) if region.bounded]
    assert triangle.volume == 1
    edges = {edge.gradient: edge for edge in triangle.edges}
    assert set(edges) == {None, fmpq(0), fmpq(-2)}
    assert edges[fmpq(-2)].direction == (1, -2)
    assert edges[None].direction == (0, 1)
    assert edges[fmpq(-2)].squared_length == 5
    # on the triangle the network is x - y
    assert edges[fmpq(-2)].slopes(triangle.affine_map) == (3,)
    rays = [edge for region in region_statistics(network) for edge in region.edges if edge.end is None]
    assert all(any(edge.direction) and edge.squared_length is None for edge in rays)


def test_the_complex_as_a_whole() -> None:
    rng = np.random.default_rng(3)
    network = Network.from_layers([rng.normal(size=(5, 2)), rng.normal(size=(1, 5))], [rng.normal(size=5), [0.0]])
    found = complex_statistics(network)
    # five lines in general position: 16 cells, 25 segments and rays, each in two cells
    assert (found.cells, found.bounded, found.mean_facets, found.twice_inputs) == (16, 6, 50 / 16, 4)
    assert found.diameter == 5
    assert found.facet_counts == found.neighbour_counts
    boxed = complex_statistics(network, Polyhedron.box([-1, -1], [1, 1]))
    assert sum(k * v for k, v in boxed.neighbour_counts.items()) < sum(k * v for k, v in boxed.facet_counts.items())
    assert boxed.bounded == boxed.cells


@pytest.mark.parametrize(("options", "message"), [({"by": "units"}, "not by 'units'"), ({"data": []}, "no points")])
def test_refusals(options: dict, message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        region_statistics(integer_network(0), **options)
