"""Pictures in files: space, slices, growth, endings, training data."""

from __future__ import annotations

import re
import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from nn_bridge.network.network import Network
from polyhedra.errors import PuiseuxError, UsageError
from polyhedra.scalars import to_float
from puiseux.console.cli import run
from puiseux.cross_check.isolation import OutOfTime
from puiseux.data import as_data
from puiseux.domains import pose
from puiseux.pictures.limits import count_before_drawing, draw_within, looked_at
from puiseux.pictures.palettes import CLASS_COLOURS, LAYER_COLOURS, REGION_COLOURS
from puiseux.pictures.plot import picture_of, plot_slice, plot_space, save_growth, save_picture
from puiseux.pictures.slices import slice_through
from puiseux.random_networks import random_network
from puiseux.reading import save

CORNER = Network.from_layers([[[1, 0], [0, 1]], [[1, 1]]])
OCTANTS = Network.from_layers([[[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[1, 2, 3]]])
MANY = Network.from_layers([[[k, 1, k * k % 5] for k in range(1, 13)], [[1] * 12]], [list(range(-6, 6)), [0]])


def test_few_cells_in_space_are_apart_and_complete() -> None:
    figure = plot_space(OCTANTS)
    mesh = figure.data[0]
    assert len(mesh.i) == 8 * 6 * 2
    assert len(set(mesh.facecolor)) == 8
    points = np.stack([mesh.x, mesh.y, mesh.z], axis=1)
    assert not (np.abs(points) < 0.05).any()  # the octants have moved away from the planes between them
    assert "8 linear regions" in figure.layout.title.text


def test_of_many_cells_the_corner_before_the_viewer_is_taken_out() -> None:
    figure = plot_space(MANY, window=[(-9, 9)] * 3)
    mesh = figure.data[0]
    points = np.stack([mesh.x, mesh.y, mesh.z], axis=1)
    assert not ((points[:, 0] > 8.99) & (points[:, 1] < -8.99) & (points[:, 2] > 8.99)).any()
    assert ((points[:, 0] < -8.99) & (points[:, 1] > 8.99) & (points[:, 2] < -8.99)).any()


def test_hyperplanes_in_space_have_their_layers_colour() -> None:
    figure = plot_space(OCTANTS, kind="hyperplanes")
    mesh = figure.data[0]
    assert len(mesh.i) == 12 * 2  # three planes, four quarters each
    red, green, blue = (round(255 * v) for v in to_rgb(LAYER_COLOURS[0]))
    assert set(mesh.facecolor) == {f"rgb({red},{green},{blue})"}
    assert [trace.name for trace in figure.data[2:]] == ["layer 1"]


def test_the_graph_over_two_inputs_is_the_function() -> None:
    ax = plot_space(CORNER, window=[(-1, 2), (-1, 2)], backend="matplotlib")
    (surface,) = ax.collections
    corners = {tuple(point) for face in surface._faces for point in np.asarray(face)[:, :3].tolist()}
    assert len(corners) == 9
    for x, y, z in corners:
        assert z == pytest.approx(to_float(CORNER.evaluate([x, y])[0]))


def test_a_slice_goes_through_its_points_exactly() -> None:
    points = [[0.1, 2, 3, 4], [5, 0.7, 7, 8], [1, 1, -1, 0.3]]
    plane = slice_through(points, 4)
    for point, anchor in zip(points, plane.anchors, strict=True):
        exact = [
            o + sum(t * d[i] for t, d in zip(anchor, plane.directions, strict=True)) for i, o in enumerate(plane.origin)
        ]
        assert [to_float(v) for v in exact] == point
    one, two = (np.array([to_float(v) for v in d]) for d in plane.directions)
    assert abs(one @ two) < 1e-5 * np.linalg.norm(one) * np.linalg.norm(two)
    net = Network.from_layers([[[1, 0, 0, 0], [0, 1, 1, -1]], [[1, 1]]])
    ax = plot_slice(net, points, names=["a", "b", "c"])
    assert [text.get_text() for text in ax.texts] == ["a", "b", "c"]
    assert ax.get_aspect() == pytest.approx(plane.aspect)
    assert plot_slice(net, points[:2]).get_xlabel() == "from point 0 to point 1"


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([[0, 0], [1, 1], [2, 2]], "lie on one line"),
        ([[0, 0], [0, 0], [2, 2]], "the first two points of the slice are equal"),
        ([[0, 0]], "two or three points, not 1"),
        ([[0, 0], [1, 1, 1]], "point 1 of the slice has 3 numbers"),
        ("nothing.csv", "nothing.csv: there is no such file"),
    ],
)
def test_points_that_span_no_slice(points: object, message: str) -> None:
    with pytest.raises(PuiseuxError, match=message):
        slice_through(points, 2)


@pytest.mark.parametrize("ending", ["png", "svg", "pdf", "html"])
def test_every_ending_holds_a_picture(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"picture.{ending}"
    save_picture(CORNER, path, kind="dual")
    content = path.read_bytes()
    assert content.startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF", "html": b"<!doctype html>"}[ending])
    if ending == "html":
        text = content.decode()
        ElementTree.fromstring(text[text.index("<svg") : text.index("</svg>") + 6])
        assert not re.search(r'(?:src|href)="(?!#|data:)', text)


def test_a_page_to_turn_holds_all_it_needs(tmp_path: Path) -> None:
    path = tmp_path / "turn.html"
    save_picture(OCTANTS, path)
    text = path.read_text()
    assert "8 linear regions" in text
    assert "<script src=" not in text


def test_the_core_is_drawn_beside_the_whole_where_far_vertices_squeeze_it() -> None:
    rows = [[1, k] for k in range(12)] + [[1, "1/1000"]]
    far = Network.from_layers([rows, [[1] * 13]], [[*range(12), -1], [0]])
    titles = [ax.get_title() for ax in picture_of(pose(far)).axes]
    assert len(titles) == 2
    assert "in this window, " in titles[1]
    assert "window" not in titles[0]
    assert len(picture_of(pose(CORNER)).axes) == 1
    assert len(picture_of(pose(far, "box:-1,1")).axes) == 1


def grown(steps: int) -> list[Network]:
    return [Network.from_layers([[[1, k], [-k, 1], [1, 1]], [[1, 1, k]]], [[0, 0, -1], [0]]) for k in range(steps)]


@pytest.mark.parametrize("ending", ["gif", "html"])
def test_growth_has_a_frame_for_each_network(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"growth.{ending}"
    save_growth(grown(3), path, window=[(-2, 2), (-2, 2)], names=["<first>", "b", "c"])
    if ending == "gif":
        with Image.open(path) as image:
            assert image.n_frames == 3
            frames = []
            for k in range(3):
                image.seek(k)
                frames.append(image.convert("RGB").tobytes())
        assert len(set(frames)) == 3
    else:
        text = path.read_text()
        assert text.count("<img ") == 3
        assert "&lt;first&gt;" in text
        assert "<first>" not in text


def test_growth_keeps_the_colours_of_patterns_that_live(tmp_path: Path) -> None:
    from puiseux.pictures.growth import _steady_colours
    from puiseux.pictures.views import look

    memory: dict[bytes, int] = {}
    views = [look(pose(net), [(-2, 2), (-2, 2)]) for net in grown(3)]
    seen: dict[bytes, int] = {}
    kept = 0
    for view in views:
        colours = _steady_colours(view.cells, memory)
        for *bits, colour in zip(*view.cells.patterns, colours.tolist(), strict=True):
            key = np.concatenate(bits).tobytes()
            kept += int(seen.get(key) == colour)
            seen[key] = colour
    assert kept >= 8


def test_growth_refuses_what_has_no_common_window(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="different numbers of inputs"):
        save_growth([CORNER, OCTANTS], tmp_path / "g.gif")
    with pytest.raises(UsageError, match="a slice:FILE as the domain"):
        save_growth([OCTANTS], tmp_path / "g.gif")
    with pytest.raises(UsageError, match=r"ends in \.gif, \.html"):
        save_growth([CORNER], tmp_path / "g.png")
    with pytest.raises(UsageError, match="positive number"):
        save_growth([CORNER], tmp_path / "g.gif", seconds=0)
    assert not list(tmp_path.iterdir())


def test_the_command_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nets = []
    for number, net in enumerate(grown(2)):
        nets.append(str(tmp_path / f"epoch{number}.json"))
        save(net, nets[-1])
    data = tmp_path / "train.csv"
    data.write_text("a,b,kind\n0.5,0.5,yes\n-0.5,1,no\n")
    for more in (["--color", "class", "--data", str(data)], ["--kind", "hyperplanes", "--window", "-1,1"]):
        assert run(["plot", nets[0], "-o", str(tmp_path / "p.png"), *more]) == 0
    assert run(["plot", *nets, "-o", str(tmp_path / "g.gif")]) == 0
    assert (tmp_path / "g.gif").read_bytes().startswith(b"GIF")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith(f"wrote {tmp_path / 'g.gif'}\n")


def test_limits_leave_no_picture_and_say_how_to_draw_less(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net, picture = tmp_path / "net.npz", tmp_path / "p.png"
    save(random_network([2, 12, 12, 1], rng=0), net)
    for option, value, reason in (
        ("--max-cells", "9", "stopped at the limit of 9 cells"),
        ("--time-limit", "0.001", "stopped at the time limit of 0.001 s"),
    ):
        assert run(["plot", str(net), "-o", str(picture), option, value]) == 3
        out, err = capsys.readouterr()
        assert out == ""
        assert re.fullmatch(rf"puiseux: {re.escape(str(picture))}: not written, {reason}; to draw less: .+\n", err)
        assert list(tmp_path.iterdir()) == [net]
    window = ["--window", "0,0.001", "--max-cells", "9", "--time-limit", "100"]
    assert run(["plot", str(net), "-o", str(picture), *window]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert run(["plot", str(net), "-o", str(picture), "--data", str(tmp_path / "no.csv"), "--time-limit", "100"]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"puiseux: {tmp_path / 'no.csv'}: there is no such file")


def test_a_drawing_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    def forever(path: Path) -> None:
        path.write_bytes(b"half")
        time.sleep(60)

    with pytest.raises(OutOfTime):
        draw_within(0.3, forever, tmp_path / "p.png")
    assert not list(tmp_path.iterdir())


def test_many_cells_are_announced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("puiseux.pictures.limits.MANY", 3)
    save(CORNER, tmp_path / "net.json")
    assert run(["plot", str(tmp_path / "net.json"), "-o", str(tmp_path / "p.png")]) == 0
    warned = capsys.readouterr().err.splitlines()[0]
    assert re.fullmatch(r"puiseux: \d+ cells, whose drawing takes a while; to draw less: .+", warned)


@pytest.mark.parametrize("color_by", ["map", "class"])
def test_what_is_counted_before_is_what_is_drawn(color_by: str, tmp_path: Path) -> None:
    network = random_network([3, 6, 6, 1], rng=2)
    points = [[0, 0, 0], [1, 0, "1/2"], [0, 1, 1]]
    before = count_before_drawing(looked_at(network, through=points))
    title = plot_slice(network, points, color_by=color_by, kind="cells").get_title()
    assert before is not None
    assert title.startswith(f"{before.cells} cells, ")
    assert count_before_drawing(looked_at(random_network([4, 3, 1], rng=0))) is None


@pytest.mark.parametrize(
    ("name", "content", "points", "classes"),
    [
        ("a.csv", "x,y,kind\n1,2,b\n3,4,a\n", [[1, 2], [3, 4]], ("a", "b")),
        ("a.csv", "1 2\n3 4\n", [[1, 2], [3, 4]], ()),
        ("a.tsv", "1\t2\t0\n3\t4\t1\n", [[1, 2], [3, 4]], ("0", "1")),
        ("a.csv", "1;2;0.5\n3;4;0.25\n", [[1, 2], [3, 4]], ()),
    ],
)
def test_data_files(
    name: str, content: str, points: list[list[float]], classes: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)
    data = as_data(tmp_path / name, 2)
    assert data is not None
    assert data.points.tolist() == points
    assert data.classes == classes
    assert (data.target is not None) == ("0" in classes or "0.5" in content)


def test_data_from_arrays_in_files(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", X=[[1.0, 2.0]], y=[1])
    np.save(tmp_path / "d.npy", [[1.0, 2.0, 0.5]])
    for name in ("d.npz", "d.npy"):
        data = as_data(tmp_path / name, 2)
        assert data is not None
        assert data.points.tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("d.csv", b"1,2,3,4\n", "has 4 columns; 2 inputs"),
        ("d.csv", b"1,2\n1\n", "row 1 has 1 entry"),
        ("d.csv", b"1,two\n", "no number"),
        ("d.csv", b"x,y\n", "holds no points"),
        ("d.csv", b"\xff\xfe\x00", "is no text"),
        ("d.csv", b"1,nan\n", "row 0 is not finite"),
        ("d.npy", b"rubbish", "no array file"),
        ("d.txt", b"", "is empty"),
        ("d.xls", b"1", "data is read from .csv"),
    ],
)
def test_data_that_cannot_be_read(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(PuiseuxError, match=message) as caught:
        as_data(tmp_path / name, 2)
    assert "\n" not in str(caught.value)


def test_pickled_data_is_not_run(tmp_path: Path) -> None:
    np.save(tmp_path / "d.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(UsageError, match="no array file"):
        as_data(tmp_path / "d.npy", 2)


def without_green(colour: str) -> np.ndarray:
    """How a reader without green-sensitive cones sees a colour (Viénot, Brettel and Mollon 1999), in linear light."""
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in to_rgb(colour)]
    matrix = np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]])
    return np.clip(matrix @ linear, 0, 1) ** (1 / 2.2)


@pytest.mark.parametrize(
    "palette", [REGION_COLOURS, CLASS_COLOURS[:6], LAYER_COLOURS], ids=["region", "class", "layer"]
)
def test_colours_differ_without_green_cones(palette: tuple[str, ...]) -> None:
    seen = [without_green(colour) for colour in palette]
    apart = [np.abs(one - two).max() for k, one in enumerate(seen) for two in seen[:k]]
    assert min(apart) > 0.04
