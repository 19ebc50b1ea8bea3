"""Pictures tell the truth: legends, data outside, notes, the decision boundary, cells that answer to the pointer."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import puiseux
from nn_bridge.cells.complex import cell_complex
from nn_bridge.network.network import Network
from puiseux.domains import pose
from puiseux.pictures.plot import picture_of, space_picture_of

NET: Any = [([[1, 0], [0, 1], [1, 1]], [0, 0, -1]), ([[1, 1, -1]], [0])]
CROSS = Network.from_layers([[[1, 0], [-1, 0], [0, 1], [0, -1]], [[1, 1, -1, -1]]])
"""|x| - |y|: four regions; zero on both diagonals."""
FAR = puiseux.random_network([2, 8, 8, 1], rng=3)
"""Its bounded regions are tiny in the window of all of them."""


def labels(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def lines_of(ax: Any, label: str) -> Any:
    return next(found for found in ax.collections if found.get_label() == label)


def test_the_decision_boundary_is_a_line_of_its_own_where_the_output_vanishes() -> None:
    ax = puiseux.plot_regions(CROSS, window=(-1, 1), color_by="class")
    assert "decision boundary" in labels(ax)
    assert "shades of a colour: linear regions" in labels(ax)
    segments = lines_of(ax, "decision boundary").get_segments()
    ends = np.array([segment[[0, -1]] for segment in segments])
    assert np.allclose(CROSS.evaluate_float(ends.reshape(-1, 2)), 0)
    # both diagonals of the square, of length 2 sqrt 2 each
    assert np.isclose(np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1).sum(), 4 * np.sqrt(2))


def test_a_boundary_along_borders_of_regions_is_drawn_too() -> None:
    step = Network.from_layers([[[1, 0]], [[1], [0]]])  # max(0, x) against 0: they part at x = 0
    ax = puiseux.plot_regions(step, window=(-1, 1), color_by="class")
    # where both are 0 the first wins: there is one class, and no boundary
    assert "decision boundary" not in labels(ax)
    tent = Network.from_layers([[[1, 0], [-1, 0]], [[1, 0], [0, 1]]])  # max(0, x) against max(0, -x)
    ax = puiseux.plot_regions(tent, window=(-1, 1), color_by="class")
    (segment,) = lines_of(ax, "decision boundary").get_segments()
    assert np.allclose(segment[:, 0], 0)


def test_points_outside_the_window_are_counted() -> None:
    points = np.array([[0, 0], [0.5, 0], [5, 0], [0, 7]])
    ax = puiseux.plot_regions(CROSS, window=(-1, 1), data=points)
    assert labels(ax) == ["data (2 outside)"]
    ax = puiseux.plot_regions(CROSS, window=(-1, 1), data=(points, ["a", "b", "b", "b"]), color_by="class")
    assert labels(ax)[-2:] == ["data: a", "data: b (2 outside)"]


def test_a_column_of_values_is_a_colour() -> None:
    points = np.array([[0, 0.5], [0.5, 0], [-0.5, 0.25]])
    values = np.array([0.25, 7.5, -3.25])
    ax = puiseux.plot_regions(CROSS, window=(-1, 1), data=(points, values))
    assert labels(ax) == ["data, by value"]
    (shown,) = [found for found in ax.collections if found.get_array() is not None]
    assert sorted(shown.get_array().tolist()) == sorted(values.tolist())
    assert "value of the data" in [other.get_xlabel() for other in ax.figure.axes]
    over = puiseux.plot_regions(CROSS, window=(-1, 1), data=(points, values), color_by="value")
    (image,) = over.get_images()
    assert image.get_clim() == (-3.25, 7.5)  # one scale for the picture and the data


def test_whole_and_core_share_a_legend_and_a_frame() -> None:
    figure = picture_of(pose(FAR), None, None, "class")
    left, right = figure.axes[:2]
    assert left.get_legend() is None
    assert {"output <= 0", "output > 0", "decision boundary"} <= set(labels(right))
    assert left.get_title().endswith("the frame is the part on the right")
    assert right.get_title().startswith("the core: ")
    frame = next(patch for patch in left.patches if type(patch).__name__ == "Rectangle")
    assert np.allclose((frame.get_x(), frame.get_x() + frame.get_width()), right.get_xlim())
    assert np.allclose((frame.get_y(), frame.get_y() + frame.get_height()), right.get_ylim())


def test_data_beside_all_regions_is_inside_the_whole() -> None:
    points = np.array([[-400.0, -400.0], [-399.5, -399.5]])
    figure = picture_of(pose(FAR), None, None, "map", points)
    left = figure.axes[0]
    assert left.get_xlim()[0] <= -400
    assert left.get_ylim()[0] <= -400


def test_margins_are_less_than_a_tenth() -> None:
    points = np.array([[0.0, 0.0], [1.0, 2.0]])
    ax = puiseux.plot_regions(CROSS, data=points)
    assert 0 < -ax.get_ylim()[0] / np.ptp(ax.get_ylim()) < 0.1


def test_pictures_in_space_say_what_is_cut_and_have_a_colour_bar() -> None:
    many = puiseux.random_network([3, 8, 8, 1], rng=3)
    figure = space_picture_of(pose(many, "box:-1,1"), "3d", "value")
    assert figure.axes[0].get_title().endswith("the front corner is cut away")
    assert figure.axes[1].get_ylabel() == "output"
    figure = space_picture_of(pose(many, "box:-1,1"), "hyperplanes")
    assert figure.axes[0].get_title().endswith("the front corner is cut away")
    few = puiseux.random_network([3, 3, 1], rng=3)
    assert space_picture_of(pose(few, "box:-1,1")).axes[0].get_title().endswith("cells drawn apart")
    page = puiseux.plot_space(many, "box:-1,1", "value")
    assert page.data[-1].marker.colorbar.title.text == "output"


def test_slices_from_a_file_have_marked_points(tmp_path: Path) -> None:
    path = tmp_path / "plane.json"
    path.write_text(
        '{"format": "puiseux-slice", "version": 1, "origin": [0, 0, 0], "directions": [[1, 0, 0], [0, 1, 1]], '
        '"domain": "box:-2,2"}'
    )
    network = puiseux.random_network([3, 4, 1], rng=1)
    ax = puiseux.plot_regions(network, domain=f"slice:{path}")
    assert [text.get_text() for text in ax.texts] == ["origin", "origin + direction 1", "origin + direction 2"]


class Cells(HTMLParser):
    """The outlines and words of the cells that answer to the pointer."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.outlines: list[str] = []
        self.words: list[str] = []
        self._open = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "path" and ("class", "cell") in attrs:
            self.outlines.append(dict(attrs)["d"] or "")
            self._open = True
        elif tag == "title" and self._open:
            self.words.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "path":
            self._open = False

    def handle_data(self, data: str) -> None:
        if self._open and self.words:
            self.words[-1] += data


def test_cells_answer_to_the_pointer(tmp_path: Path) -> None:
    path = tmp_path / "cells.html"
    puiseux.save_picture(FAR, path, window=(-3, 3), kind="cells")
    page = path.read_text()
    found = Cells(page)
    complex_ = cell_complex(FAR)
    known = {
        "|".join("".join(str(int(on)) for on in stage) for stage in complex_.pattern(k)): (
            f"{complex_.facet_counts[k]} facets, {'bounded' if complex_.bounded[k] else 'unbounded'}"
        )
        for k in range(len(complex_))
    }
    areas = 0.0
    for words in found.words:
        assert known[re.search(r"pattern (\S+)", words)[1]] in words  # type: ignore[index]
        assert "output = " in words
        areas += float(re.search(r"about (\S+)", words)[1])  # type: ignore[index]
    assert len(found.words) == len(found.outlines) > 50
    assert areas == pytest.approx(36, rel=1e-2)
    # the outlines tile the axes: the same area as that of their frame
    outlines = [np.array([pair.split() for pair in text[1:-2].split(" L")], dtype=float) for text in found.outlines]
    corners = np.concatenate(outlines)
    frame = np.ptp(corners, axis=0).prod()
    assert sum(_area(outline) for outline in outlines) == pytest.approx(frame, rel=1e-2)
    assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"|<!DOCTYPE[^>]*>', "", page)


def _area(outline: Any) -> float:
    x, y = outline.T
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2


def test_the_words_of_cells_hold_no_markup_of_a_user(tmp_path: Path) -> None:
    path = tmp_path / "odd<b>name.html"
    puiseux.save_picture(CROSS, path, window=(-1, 1), data=([[0, 0]], ["<script>alert(1)</script>"]))
    assert "<script>alert" not in path.read_text()


def test_pictures_of_very_many_cells_have_no_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("puiseux.pictures.pointer.MOST_CELLS", 3)
    path = tmp_path / "many.html"
    puiseux.save_picture(CROSS, path, window=(-1, 1))
    assert 'class="pointer"' not in path.read_text()


@pytest.mark.parametrize(
    "draw",
    [
        lambda: puiseux.plot_regions(NET),
        lambda: puiseux.plot_decision_region(NET, level="1/2"),
        lambda: puiseux.plot_betti_growth([NET]),
        lambda: puiseux.plot_space([[[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[1, 1, 1]]], backend="matplotlib"),
    ],
)
def test_axes_that_are_returned_belong_to_the_session(draw: Callable[[], Any]) -> None:
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    ax = draw()
    (new,) = set(pyplot.get_fignums()) - set(before)
    assert pyplot.figure(new) is ax.figure, "plt.show() and notebooks show figures of pyplot only"


@pytest.mark.parametrize("color_by", ["class", "value", "map"])
def test_a_legend_hides_nothing_of_the_regions(color_by: str) -> None:
    ax = puiseux.plot_regions(NET, color_by=color_by)
    ax.figure.canvas.draw()
    if ax.get_legend() is not None:
        assert not ax.get_legend().get_window_extent().overlaps(ax.get_window_extent())


def test_a_legend_covers_no_neighbour() -> None:
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2)
    for ax in (left, right):
        puiseux.plot_regions(NET, ax, color_by="class")
    figure.canvas.draw()
    assert not left.get_legend().get_window_extent().overlaps(right.get_window_extent())


@pytest.mark.parametrize("kind", ["regions", "3d"])
def test_saved_pictures_have_margins_below_a_tenth(kind: str, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    puiseux.save_picture(CROSS, str(tmp_path / "a.png"), window=[(0, 1), (0, 3)], kind=kind)
    with image.open(tmp_path / "a.png") as opened:
        drawn = np.asarray(opened.convert("L")) < 250
    for axis in (0, 1):
        used = np.flatnonzero(drawn.any(axis=axis))
        assert used[0] < 0.1 * drawn.shape[1 - axis]
        assert used[-1] > 0.9 * drawn.shape[1 - axis]


def test_a_page_crops_its_picture_around_the_cells_that_answer(tmp_path: Path) -> None:
    puiseux.save_picture(CROSS, str(tmp_path / "a.html"), window=[(0, 2), (0, 3)])
    page = (tmp_path / "a.html").read_text()
    left, top, width, height = map(float, re.search(r'viewBox="([^"]+)"', page)[1].split())  # type: ignore[index]
    assert width < 400 < 6.6 * 72  # the picture is higher than wide, and the figure is not
    layer = page[page.index('<g class="pointer">') :]
    points = np.array([[float(v) for v in pair] for pair in re.findall(r"[ML]([-\d.]+) ([-\d.]+)", layer)])
    assert len(points) > 2
    assert (points >= (left, top)).all()
    assert (points <= (left + width, top + height)).all()


def test_the_bar_of_data_values_leaves_room_for_the_legend(tmp_path: Path) -> None:
    data = (np.array([[0.1, 0.2], [0.5, 0.1]]), np.array([1.5, 2.5]))
    ax = puiseux.plot_regions(CROSS, window=(-1, 1), color_by="class", data=data)
    ax.figure.canvas.draw()
    bar = next(other for other in ax.figure.axes if other is not ax)
    assert bar.get_xlabel() == "value of the data"
    assert bar.get_window_extent().y1 < ax.get_window_extent().y0
