"""Pictures show what is there: areas, borders, breakpoints; the window holds every vertex."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import fmpq
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from nn_bridge.network import Network
from polyhedra.errors import UsageError
from puiseux.pieces import linear_pieces
from puiseux.plot import plot_regions

CORNER = Network.from_layers([[[1, 0], [0, 1]], [[1, 1]]])  # relu(x) + relu(y): four quadrants
FOLD = Network.from_layers([[[1, 0], [-1, 0]], [[1, 0], [0, 1]]])  # relu(x) and relu(-x): the fold is invisible at 0


def axes() -> Axes:
    return Figure().add_subplot()


def collections(ax: Axes, kind: type) -> Any:
    (found,) = [c for c in ax.collections if type(c) is kind]
    return found


def area(points: np.ndarray) -> float:
    x, y = points[:, 0], points[:, 1]
    return abs(float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))) / 2


def polygons(ax: Axes) -> list[np.ndarray]:
    return [path.vertices[:-1] for path in collections(ax, PolyCollection).get_paths()]


def borders(ax: Axes) -> set[frozenset[tuple[float, float]]]:
    return {frozenset(map(tuple, line)) for line in collections(ax, LineCollection).get_segments()}


def test_four_quadrants_fill_the_window() -> None:
    ax = plot_regions(CORNER, axes(), window=[(-1, 2), ("-1/2", 1)])
    assert sorted(map(area, polygons(ax))) == [0.5, 1.0, 1.0, 2.0]
    assert ax.get_xlim() == (-1, 2)
    assert ax.get_ylim() == (-0.5, 1)
    assert len(borders(ax)) == 4
    fills = collections(ax, PolyCollection).get_facecolors()
    assert len({to_hex(fill) for fill in fills}) == 4


def test_no_line_where_only_cells_meet() -> None:
    # x = relu(x) - relu(-x) is linear everywhere, with a cell border at 0
    line = Network.from_layers([[[1, 0], [-1, 0], [0, 1]], [[1, -1, 1]]])
    ax = plot_regions(line, axes(), window=[(-1, 1), (-1, 1)])
    drawn = borders(ax)
    assert sum(abs(p[0] - q[0]) for p, q in map(tuple, drawn)) == 2
    assert all(y == 0 for ends in drawn for _, y in ends)


def test_the_window_holds_every_vertex_of_the_regions() -> None:
    net = Network.from_layers([[[1, 0], [0, 1], [1, 1]], [[1, 1, -1]]], [[-3, 5, -40], [0]])
    ax = plot_regions(net, axes())
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    for piece in linear_pieces(net):
        for x, y in piece.polyhedron.vertices():
            assert left < float(x.p) / float(x.q) < right
            assert bottom < float(y.p) / float(y.q) < top


def test_without_vertices_the_window_is_around_the_origin() -> None:
    ax = plot_regions(Network.from_layers([[[1, 2]]]), axes())
    assert (ax.get_xlim(), ax.get_ylim()) == ((-1, 1), (-1, 1))


def test_a_bounded_domain_is_the_window() -> None:
    ax = plot_regions(CORNER, axes(), domain="box:-1,2;0,3")
    assert (ax.get_xlim(), ax.get_ylim()) == ((-1, 2), (0, 3))
    assert sorted(map(area, polygons(ax))) == [3.0, 6.0]


def test_classes_have_exact_borders() -> None:
    ax = plot_regions(FOLD, axes(), window=[(-1, 3), (0, 1)], color_by="class")
    assert sorted(map(area, polygons(ax))) == [1.0, 3.0]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["class 0", "class 1"]


def test_the_sign_of_a_single_output() -> None:
    shifted = Network.from_layers([[[1, 0], [0, 1]], [[1, 1]]], [[0, 0], [-1]])
    ax = plot_regions(shifted, axes(), window=[(-1, 2), (-1, 2)], color_by="class")
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["output <= 0", "output > 0"]
    assert sum(map(area, polygons(ax))) == pytest.approx(9)


def test_values_are_those_of_the_first_output() -> None:
    ax = plot_regions(CORNER, axes(), window=[(-1, 1), (-1, 1)], color_by="value")
    (image,) = ax.images
    values = image.get_array()
    assert values.min() == 0
    assert values.max() == pytest.approx(2)
    assert values[0, 0] == 0


def test_one_input_is_a_graph_through_its_breakpoints() -> None:
    tent = Network.from_layers([[[2], [4]], [[1, -1]]], [[0, -2], [0]])
    ax = plot_regions(tent, axes(), window=[(-1, 1)])
    (line,) = ax.lines
    assert line.get_xdata().tolist() == [-1, 0, 0.5, 1]
    assert line.get_ydata().tolist() == [0, 0, 1, 0]
    assert len(ax.patches) == 3


def test_one_input_with_its_own_window() -> None:
    tent = Network.from_layers([[[2], [4]], [[1, -1]]], [[0, -2], [0]])
    ax = plot_regions(tent, axes())
    low, high = ax.get_xlim()
    assert low < 0
    assert high > 0.5


def test_more_inputs_through_a_slice_or_an_output(tmp_path: Any) -> None:
    plane = tmp_path / "plane.json"
    plane.write_text('{"format": "puiseux-slice", "version": 1, "origin": [0,0,0], "directions": [[1,0,0],[0,1,0]]}')
    net = Network.from_layers([[[1, 0, 5], [0, 1, 5]], [[1, 1], [1, 0]]])
    assert len(borders(plot_regions(net, axes(), domain=f"slice:{plane}"))) == 4
    assert all(
        x == 0 for side in borders(plot_regions(net, axes(), domain=f"slice:{plane}", output=1)) for x, _ in side
    )
    with pytest.raises(UsageError, match="3 inputs cannot be drawn; draw a plane through it: slice:FILE"):
        plot_regions(net, axes())


def test_refusals() -> None:
    with pytest.raises(UsageError, match="no colouring 'mood'"):
        plot_regions(CORNER, axes(), color_by="mood")
    for window in ([(0, 1)], [(0, 1), (1, 1)]):
        with pytest.raises(UsageError, match="one interval"):
            plot_regions(CORNER, axes(), window=window)


def test_a_figure_is_made_where_none_is_given() -> None:
    ax = plot_regions(CORNER)
    assert isinstance(ax.figure, Figure)


def test_pieces_cover_the_domain_once() -> None:
    net = Network.from_layers([[[1, 0], [0, 1], [1, 1]], [[1, 1, -1]]], [[0, 0, -1], [0]])
    from polyhedra.polyhedron import Polyhedron

    pieces = linear_pieces(net, Polyhedron.box([-1, -1], [1, 2]))
    assert sum((piece.polyhedron.volume() or fmpq(0) for piece in pieces), fmpq(0)) == 6
    for piece in pieces:
        point = piece.polyhedron.interior_point()
        assert point is not None
        value = tuple(sum((a * x for a, x in zip(row[:-1], point, strict=True)), row[-1]) for row in piece.affine_map)
        assert value == net.evaluate(point)
