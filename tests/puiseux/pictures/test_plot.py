"""Pictures show what is there: areas, borders, breakpoints; the window holds every vertex."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import puiseux
from nn_bridge.cells.cell import iterate_cells
from nn_bridge.network.network import Network
from polyhedra.errors import UsageError
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational
from puiseux.pictures.palettes import class_colour
from puiseux.pictures.plot import plot_regions
from puiseux.pictures.space import padded_faces
from puiseux.questions.count import count_regions

CORNER = Network.from_layers([[[1, 0], [0, 1]], [[1, 1]]])  # relu(x) + relu(y): four quadrants
FOLD = Network.from_layers([[[1, 0], [-1, 0]], [[1, 0], [0, 1]]])  # relu(x) and relu(-x): the fold is invisible at 0


def axes() -> Axes:
    return Figure().add_subplot()


def collections(ax: Axes, kind: type, label: str | None = None) -> Any:
    (found,) = [c for c in ax.collections if type(c) is kind and (label is None or c.get_label() == label)]
    return found


def area(points: np.ndarray) -> float:
    x, y = points[:, 0], points[:, 1]
    return abs(float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))) / 2


def polygons(ax: Axes) -> list[np.ndarray]:
    return [path.vertices[:-1] for path in collections(ax, PolyCollection).get_paths()]


def borders(ax: Axes, label: str = "border") -> set[frozenset[tuple[float, float]]]:
    return {frozenset(map(tuple, line)) for line in collections(ax, LineCollection, label).get_segments()}


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
    for cell in iterate_cells(net):
        for x, y in cell.generators.vertices:
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
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["class 0", "class 1", "decision boundary"]


def test_the_sign_of_a_single_output() -> None:
    shifted = Network.from_layers([[[1, 0], [0, 1]], [[1, 1]]], [[0, 0], [-1]])
    ax = plot_regions(shifted, axes(), window=[(-1, 2), (-1, 2)], color_by="class")
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names[:3] == ["output <= 0", "output > 0", "decision boundary"]
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
    sliced = plot_regions(net, axes(), domain=f"slice:{plane}")
    assert len(borders(sliced)) == 4
    assert (sliced.get_xlabel(), sliced.get_ylabel()) == ("t1", "t2")
    assert all(
        x == 0 for side in borders(plot_regions(net, axes(), domain=f"slice:{plane}", output=1)) for x, _ in side
    )
    with pytest.raises(UsageError, match="plot_space draws this kind"):
        plot_regions(net, axes())
    with pytest.raises(UsageError, match="4 inputs cannot be drawn; draw a plane through it: slice:FILE"):
        plot_regions(Network.from_layers([[[1, 0, 5, 2]]]), axes())


def test_refusals() -> None:
    with pytest.raises(UsageError, match="no colouring 'mood'"):
        plot_regions(CORNER, axes(), color_by="mood")
    for window in ([(0, 1)], [(0, 1), (1, 1)]):
        with pytest.raises(UsageError, match="one interval"):
            plot_regions(CORNER, axes(), window=window)


def test_a_figure_is_made_where_none_is_given() -> None:
    ax = plot_regions(CORNER)
    assert isinstance(ax.figure, Figure)


def test_cells_show_where_only_the_pattern_changes() -> None:
    line = Network.from_layers([[[1, 0], [-1, 0], [0, 1]], [[1, -1, 1]]])
    ax = plot_regions(line, axes(), window=[(-1, 1), (-1, 1)], kind="cells")
    assert all(x == 0 for side in borders(ax, "cell wall") for x, _ in side)
    assert len(borders(ax, "cell wall")) == 2
    assert ax.get_title() == "4 cells, 2 regions in this window"


def test_the_dual_graph_passes_through_the_common_facets() -> None:
    ax = plot_regions(CORNER, axes(), window=[(-1, 1), (-1, 1)], kind="dual")
    paths = [list(map(tuple, line)) for line in collections(ax, LineCollection, "dual edge").get_segments()]
    assert len(paths) == 4
    centres = {(x, y) for x in (-0.5, 0.5) for y in (-0.5, 0.5)}
    assert {end for path in paths for end in (path[0], path[2])} == centres
    assert {path[1] for path in paths} == {(0, 0.5), (0, -0.5), (0.5, 0), (-0.5, 0)}
    assert ax.get_title().startswith("dual graph: 4 cells, 4 common facets")


def test_bent_hyperplanes_have_the_colours_of_their_layers() -> None:
    # the second layer's unit relu(x) + relu(y) - 1 vanishes on a bent line
    bent = Network.from_layers([[[1, 0], [0, 1]], [[1, 1]], [[1]]], [[0, 0], [-1], [0]])
    ax = plot_regions(bent, axes(), window=[(-2, 2), (-2, 2)], kind="hyperplanes")
    first, second = borders(ax, "layer 1"), borders(ax, "layer 2")
    assert all(any(p[k] == q[k] == 0 for k in (0, 1)) for p, q in map(tuple, first))
    expected = [{(-2.0, 1.0), (0.0, 1.0)}, {(0.0, 1.0), (1.0, 0.0)}, {(1.0, 0.0), (1.0, -2.0)}]
    assert second == set(map(frozenset, expected))
    colours = {to_hex(collections(ax, LineCollection, f"layer {k}").get_colors()[0]) for k in (1, 2)}
    assert len(colours) == 2
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["layer 1", "layer 2"]


def test_the_core_window_leaves_far_vertices_out() -> None:
    rows = [[1, k] for k in range(8)] + [[1, "1/1000"]]
    net = Network.from_layers([rows, [[1] * 9]], [[*range(8), -1], [0]])
    whole, core = plot_regions(net, axes(), window="all"), plot_regions(net, axes(), window="core")
    assert whole.get_xlim()[0] <= core.get_xlim()[0] < core.get_xlim()[1] <= whole.get_xlim()[1]
    regions = count_regions(net).regions
    assert whole.get_title() == f"{regions} linear regions"
    match = re.fullmatch(r"(\d+) linear regions in this window, (\d+) outside", core.get_title())
    assert match is not None
    seen, outside = map(int, match.groups())
    assert outside > 0
    assert seen + outside == regions
    assert plot_regions(net, axes()).get_title() == core.get_title()  # the default, since the whole is far larger


def test_cells_and_regions_outside_are_counted_apart() -> None:
    # x = 0 .. 9 and y = 0 .. 9 cross near the origin, x = 10^6 far away; at y = -1 only the pattern changes
    rows = [[1, 0]] * 11 + [[0, 1]] * 10 + [[0, 1], [0, -1]]
    net = Network.from_layers(
        [rows, [[1] * 21 + [1, -1]]], [[*(-k for k in range(10)), -(10**6), *range(10), 1, -1], [0]]
    )
    counts = count_regions(net)
    for kind, pattern, total in (
        ("regions", r"(\d+) linear regions in this window, (\d+) outside", counts.regions),
        ("cells", r"(\d+) cells, \d+ regions in this window, (\d+) outside", counts.cells),
    ):
        match = re.fullmatch(pattern, plot_regions(net, axes(), kind=kind).get_title())
        assert match is not None
        seen, outside = map(int, match.groups())
        assert outside >= 11
        assert seen + outside == total


def test_the_default_window_shows_the_data() -> None:
    data = np.array([[100.0, 40.0], [101.0, 41.0], [102.0, 40.5]])
    ax = plot_regions(CORNER, axes(), data=data)
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    assert 99 < left < 100 < 102 < right < 103
    assert 39 < bottom < 40 < 41 < top < 42
    assert ax.get_title().endswith(" outside")
    assert plot_regions(CORNER, axes(), data=data, window="all").get_xlim()[1] < 100
    assert plot_regions(CORNER, axes(), data=data, domain="box:-1,2").get_xlim() == (-1, 2)
    assert plot_regions(CORNER, axes(), data=[[3.0, 3.0]]).get_xlim() == (2.0, 4.0)


@pytest.mark.parametrize(
    "window",
    [
        (-1, 2),
        [-1, "2"],
        np.array([-1, 2]),
        np.array([[-1, 2], [-1, 2]], dtype=np.float32),
        [(np.int64(-1), 2), ("-1", 2.0)],
        "-1,2",
        "box:-1,2;-1,2",
        Polyhedron.box([-1, -1], [2, 2]),
    ],
    ids=["pair", "list", "array", "array of pairs", "pairs", "text", "box", "polyhedron"],
)
def test_windows_and_domains_in_every_form(window: Any) -> None:
    for given in ({"window": window}, {"domain": "box:-1,2" if isinstance(window, str) else window}):
        ax = plot_regions(CORNER, axes(), **given)
        assert (ax.get_xlim(), ax.get_ylim()) == ((-1, 2), (-1, 2))


@pytest.mark.parametrize(
    "window", [5, (1, 0), [(0, 1)] * 3, np.zeros((2, 2, 2)), "0,1;0,1;0,1", [None, 1], np.inf, [0, np.inf]]
)
def test_windows_that_are_none(window: Any) -> None:
    with pytest.raises(UsageError, match="a window is one interval"):
        plot_regions(CORNER, axes(), window=window)


def test_a_window_beyond_floats_is_refused() -> None:
    for domain in ("box:-1e320,1e320", "box:0,1e-400", "box:1e20,100000000000000000001"):
        with pytest.raises(UsageError, match="floats cannot hold this window"):
            plot_regions(CORNER, axes(), domain=domain)


def _colours_of_points(ax: Axes) -> list[str]:
    return [to_hex(c.get_facecolor()[0]).upper() for c in ax.collections if type(c) is PathCollection]


def test_points_have_the_colour_of_the_output_that_stands_for_their_class() -> None:
    three = Network.from_layers([[[1, 0], [0, 1], [-1, -1]]])
    colours = [class_colour(k).upper() for k in range(3)]
    points = np.array([[0.5, 0.1], [0.1, 0.5], [-0.5, -0.5]])
    named = (points, ["Barolo", "Grignolino", "Barbera"])
    look: dict[str, Any] = {"window": (-1, 1), "color_by": "class"}
    ax = plot_regions(three, axes(), data=named, **look)
    assert _colours_of_points(ax) == ["#FFFFFF"] * 3  # nobody said which output is Barbera
    order = ["Barolo", "Grignolino", "Barbera"]
    ax = plot_regions(three, axes(), data=named, classes=order, **look)
    assert _colours_of_points(ax) == [colours[order.index(name)] for name in ("Barbera", "Barolo", "Grignolino")]
    assert _colours_of_points(plot_regions(three, axes(), data=(points, [0, 2, 2]), **look)) == [colours[0], colours[2]]
    assert _colours_of_points(plot_regions(three, axes(), data=(points, [1, 2, 3]), **look)) == ["#FFFFFF"] * 3
    single = three.select_outputs([0])
    assert _colours_of_points(plot_regions(single, axes(), data=(points, [-1, 1, 1]), **look)) == colours[:2]
    for classes, reason in ((["Barolo"], "3 different names"), (["a", "b", "c"], "class 'Barbera', which is none")):
        with pytest.raises(UsageError, match=reason):
            plot_regions(three, axes(), data=named, classes=classes, **look)
    with pytest.raises(UsageError, match="give data too"):
        plot_regions(three, axes(), classes=order)


def test_training_points_are_drawn_with_their_classes() -> None:
    points = np.array([[0.5, 0.5], [-0.5, 0.2], [0.1, -0.7], [9, 9]])
    ax = plot_regions(CORNER, axes(), window=[(-1, 1), (-1, 1)], data=(points, ["b", "a", "b", "a"]))
    drawn = [c.get_offsets().tolist() for c in ax.collections if type(c) is PathCollection]
    assert drawn == [[[-0.5, 0.2]], [[0.5, 0.5], [0.1, -0.7]]]  # the point outside the window is left out
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["data: a (1 outside)", "data: b"]
    with pytest.raises(UsageError, match="the data has 3 inputs a point, the picture 2"):
        plot_regions(CORNER, axes(), data=(np.zeros((4, 3)), [0, 1, 0, 1]))


@pytest.mark.parametrize("color_by", ["map", "value", "class"])
def test_one_region_and_constant_outputs_are_drawn(color_by: str) -> None:
    for net in (Network.from_layers([[[1, 2]]]), Network.from_layers([[[0, 0]], [[1]]], [[-1], [3]])):
        ax = plot_regions(net, axes(), color_by=color_by)
        assert ax.get_title() == "1 linear region"
        assert not borders(ax)


def test_scales_far_from_one_are_drawn_alike() -> None:
    rows, shift = [[1, 0], [0, 1], [1, 1]], [-1, -1, -3]
    shapes = []
    for scale, far in [(1, 0), (10**150, 0), ("1e-150", 0), (1, 10**9)]:
        scale = rational(scale)
        bias = [scale * (b - far * sum(row)) for row, b in zip(rows, shift, strict=True)]
        net = Network.from_layers([[[scale * v for v in row] for row in rows], [[1, 1, -1]]], [bias, [0]])
        (left, right), (bottom, top) = (plot_regions(net, axes())).get_xlim(), plot_regions(net, axes()).get_ylim()
        shapes.append((left - far, right - far, bottom - far, top - far))
    assert all(shape == pytest.approx(shapes[0], abs=1e-6) for shape in shapes)


def test_values_beyond_floats_are_refused_and_maps_are_drawn() -> None:
    net = Network.from_layers([[[rational(10) ** 200, 0]], [[rational(10) ** 200]]])
    assert len(borders(plot_regions(net, axes()))) == 1
    with pytest.raises(UsageError, match="too large for a picture of values"):
        plot_regions(net, axes(), color_by="value")


def test_a_line_with_two_outputs_and_data() -> None:
    net = Network.from_layers([[[1], [-1]], [[1, 0], [0, 1]]])
    ax = plot_regions(net, axes(), window=[(-1, 1)], data=[[0.5], [0.25]])
    assert [line.get_label() for line in ax.lines] == ["output 0", "output 1"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["output 0", "output 1", "data"]
    single = plot_regions(net.select_outputs([0]), axes(), window=[(-1, 1)], data=[[0.5, 0.3], [0.25, 0.1]])
    (points,) = [c for c in single.collections if type(c) is PathCollection]
    assert points.get_offsets().tolist() == [[0.5, 0.3], [0.25, 0.1]]


def test_faces_are_padded_with_their_own_corners_in_order() -> None:
    rng = np.random.default_rng(3)
    faces = [rng.normal(size=(count, 3)) for count in (3, 7, 4, 5)]
    padded = padded_faces(faces)
    assert padded.shape == (4, 7, 3)
    for face, filled in zip(faces, padded, strict=True):
        new = np.concatenate([[True], (filled[1:] != filled[:-1]).any(axis=1)])
        assert np.array_equal(filled[new], face)
    assert padded_faces([]).shape == (0, 0, 3)


def test_faces_with_few_corners_raise_no_warning_of_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    art3d = pytest.importorskip("mpl_toolkits.mplot3d.art3d")

    class Unset:
        """NumPy whose new arrays hold numbers from the ends of the float range, as unset memory may."""

        def __getattr__(self, name: str) -> Any:
            return getattr(np, name)

        def empty(self, shape: Any, *given: Any, **options: Any) -> Any:
            found = np.empty(shape, *given, **options)
            found.flat[::2], found.flat[1::2] = 1e308, -1e308
            return found

    monkeypatch.setattr(art3d, "np", Unset())
    net = puiseux.random_network([3, 4, 1], rng=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = puiseux.plot_space(net, "-1/10,1/10", backend="matplotlib")
        ax.figure.canvas.draw()
    assert max(map(abs, ax.get_xlim())) < 0.2
