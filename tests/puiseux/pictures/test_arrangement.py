"""The arrays that pictures are drawn from hold what the exact engine says, on degenerate networks above all."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.cells.adjacency import cell_adjacency
from nn_bridge.cells.cell import iterate_cells
from nn_bridge.cells.counting.count import count_cells
from nn_bridge.cells.statistics import cell_volume
from nn_bridge.network.float_values import output_values
from nn_bridge.network.network import AffineStage, Network
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational, rationals, to_float
from puiseux.domains import pose
from puiseux.pictures.arrangement import WALL, arrange
from puiseux.pictures.plane import _clear_winners, _split_by_class, facet_stages, polygons
from puiseux.pictures.space import facet_polygons
from puiseux.pictures.views import look

weights = st.integers(-2, 2)


@st.composite
def networks(draw: st.DrawFn, inputs: int = 2) -> Network:
    sizes = [inputs, *draw(st.lists(st.integers(1, 4), min_size=1, max_size=2)), draw(st.integers(1, 2))]
    layers = [[[draw(weights) for _ in range(a)] for _ in range(b)] for a, b in pairwise(sizes)]
    return Network.from_layers(layers, [[draw(weights) for _ in range(b)] for b in sizes[1:]])


def area(points: np.ndarray) -> float:
    x, y = points[:, 0], points[:, 1]
    return float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2


@given(networks())
@settings(deadline=None, derandomize=True, max_examples=40)
def test_cells_regions_and_areas_are_those_of_the_exact_engine(network: Network) -> None:
    box = Polyhedron.box([-3, -2], [2, 3])
    found = arrange(network, box)
    counts = count_cells(network, box)
    assert (found.cells, found.regions.max() + 1, len(np.unique(found.maps))) == (
        counts.cells,
        counts.regions,
        counts.affine_maps,
    )
    exact = sorted(to_float(cell_volume(cell) or rational(0)) for cell in iterate_cells(network, box))
    assert sorted(map(area, polygons(found))) == pytest.approx(exact)
    facets = found.inner_facets
    pairs = np.sort(np.stack([found.facet_cell[facets], found.facet_cell[found.partner[facets]]], axis=1), axis=1)
    assert sorted(map(tuple, pairs.tolist())) == sorted(map(tuple, cell_adjacency(network, box).edges.tolist()))
    for facet in facets.tolist():
        one, two = (np.unique(found.facet_points(f), axis=0) for f in (facet, int(found.partner[facet])))
        assert one == pytest.approx(two)
        # on the facet some unit of the stage that it is coloured by vanishes
        stage = int(facet_stages(found)[facet])
        middle = one.mean(axis=0)
        assert np.abs(preactivations(network, middle)[stage]).min() < 1e-9
    assert (found.facet_stage[found.partner < 0] == WALL).all()


def preactivations(network: Network, point: np.ndarray) -> list[np.ndarray]:
    return [np.array([to_float(v) for v in row]) for row in network.preactivations(point.tolist())]


@given(networks(inputs=3))
@settings(deadline=None, derandomize=True, max_examples=10)
def test_facets_in_space_are_the_sides_of_the_cells(network: Network) -> None:
    box = Polyhedron.box([-1] * 3, [2, 1, 1])
    found = arrange(network, box)
    faces = facet_polygons(found, np.arange(len(found.partner)))
    centres = found.centres()
    volumes = np.zeros(found.cells)
    for face, owner in zip(faces, found.facet_cell.tolist(), strict=True):
        away = face - centres[owner]
        for k in range(1, len(face) - 1):
            volumes[owner] += abs(np.linalg.det(away[[0, k, k + 1]])) / 6
    exact = sorted(to_float(cell_volume(cell) or rational(0)) for cell in iterate_cells(network, box))
    assert sorted(volumes) == pytest.approx(exact)


@given(networks())
@settings(deadline=None, derandomize=True, max_examples=25)
def test_every_vertex_lies_in_the_window_and_regions_are_not_lost(network: Network) -> None:
    view = look(pose(network), "all", kind="cells")
    counts = count_cells(network)
    assert (view.cells.cells, view.cells.regions.max() + 1) == (counts.cells, counts.regions)
    for cell in iterate_cells(network):
        if not cell.generators.lines:
            for vertex in cell.generators.vertices:
                assert all(low < v < high for v, (low, high) in zip(vertex, view.window, strict=True))


@given(networks(), st.lists(st.tuples(weights, weights), min_size=1, max_size=3))
@settings(deadline=None, derandomize=True, max_examples=25)
def test_the_error_bounds_hold(network: Network, points: list[tuple[int, int]]) -> None:
    moved = [(x / 3, y / 7) for x, y in points]
    values, errors, _ = output_values(network, np.array(moved))
    for point, row, error in zip(moved, values, errors, strict=True):
        for value, exact, bound in zip(row.tolist(), network.evaluate(point), error.tolist(), strict=True):
            assert abs(rational(value) - exact) <= rational(bound)


def test_weights_beyond_floats_come_from_exact_vertices() -> None:
    huge = rational(10) ** 400
    network = Network.from_layers([[[1, 0], [0, 1]], [[huge, huge]], [[1]]], [[0, 0], [-huge], [0]])
    found = arrange(network, Polyhedron.box([-2, -2], [2, 2]))
    assert sorted(map(area, polygons(found))) == pytest.approx([0.5, 2, 2, 2, 2, 3.5, 4])


def test_nothing_to_cut() -> None:
    found = arrange(Network.from_layers([[[1, 2]]]), Polyhedron([[-1, 0], [0, -1], [1, 1]], [0, 0, 1]))
    assert found.cells == 1
    assert sorted(map(tuple, found.points.tolist())) == [(0, 0), (0, 1), (1, 0)]
    assert sorted(len(found.facet_points(f)) for f in range(3)) == [2, 2, 2]
    assert arrange(Network.from_layers([[[1, 2]]])).cells == 1


@given(networks(), st.integers(2, 3), st.data())
@settings(deadline=None, derandomize=True, max_examples=25)
def test_every_part_has_the_class_that_wins_there(network: Network, outputs: int, data: st.DataObject) -> None:
    rows = tuple(rationals([data.draw(weights) for _ in range(network.hidden[-1])]) for _ in range(outputs))
    bias = rationals([data.draw(weights) for _ in range(outputs)])
    network = replace(network, output=AffineStage(((len(network.hidden), rows),), bias), layers=None)
    view = look(pose(network), [(-2, 3), (-3, 2)])
    whole = _clear_winners(view)
    covered = 0.0
    for number, polygon in enumerate(polygons(view.cells)):
        parts = [(int(whole[number]), polygon)] if whole[number] >= 0 else _split_by_class(view, number, polygon)
        for winner, part in parts:
            covered += abs(area(part))
            if abs(area(part)) < 1e-9:
                continue  # corners are rounded, so an exact border may leave a sliver beside itself
            values = view.network.evaluate(part.mean(axis=0).tolist())
            assert values[winner] == max(values)
            assert all(value < values[winner] for value in values[:winner])
    assert covered == pytest.approx(4)


@pytest.mark.parametrize(
    ("rows", "bounds"),
    [([[-1, 0]], [-5]), ([[-1, 0], [0, -1]], [-5, -7]), ([[-1, 0], [1, 0]], [1, 3]), ([[-1, -1]], [1])],
)
@pytest.mark.parametrize("net", [[[[1, 2]]], [[[1, 0], [0, 1]], [[1, 1]]]], ids=["linear", "quadrants"])
def test_the_window_meets_domains_without_end(rows: list[list[int]], bounds: list[int], net: list[object]) -> None:
    network, domain = Network.from_layers(net), Polyhedron(rows, bounds)
    view = look(pose(network, domain))
    counts = count_cells(network, domain)
    assert (view.cells.cells, view.cells.regions.max() + 1) == (counts.cells, counts.regions)
