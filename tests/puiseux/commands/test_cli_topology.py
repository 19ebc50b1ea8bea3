"""``puiseux topology``: every kind of set, the JSON object, limits, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flint import fmpq

from nn_bridge.network.network import Network
from polyhedra.errors import UsageError
from puiseux import boundary_pieces, decision_boundary, random_network, save, topology, vertex_persistence
from puiseux.console.cli import run
from tests.nn_bridge.topology.test_sets import ANNULUS


def answer(capsys: pytest.CaptureFixture[str], path: Path, *options: str, code: int = 0) -> dict[str, Any]:
    assert run(["topology", str(path), "--json", *options]) == code
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def absolute(tmp_path: Path) -> Path:
    path = tmp_path / "absolute.json"
    save(Network.from_layers([[[1], [-1]], [[1, 1]]]), path)
    return path


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    # |x|, 1 and |y|: class 1 is a square, the others touch in the diagonals outside of it
    path = tmp_path / "classes.json"
    weights = [[[1, 0], [-1, 0], [0, 1], [0, -1]], [[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 1]]]
    save(Network.from_layers(weights, [[0] * 4, [0, 1, 0]]), path)
    return path


def test_the_object(absolute: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, absolute, "--level", "1")
    assert found.pop("seconds") >= 0
    assert found == {
        "network": {"input_dim": 1, "hidden": [2], "output_dim": 1},
        "domain": "all",
        "set": "above",
        "output": 0,
        "level": "1",
        "classes": None,
        "closed": True,
        "homology": "set",
        "field": "Q",
        "betti": [2, 0],
        "euler": 2,
        "faces": [2, 2],
        "components": [{"point": ["-2"]}, {"point": ["2"]}],
        "complete": True,
        "reason": None,
    }


def test_sets_of_a_level(absolute: Path, capsys: pytest.CaptureFixture[str]) -> None:
    below = answer(capsys, absolute, "--level", "1/2", "--set", "below", "--open")
    # the two cells and the kink between them
    assert (below["set"], below["closed"], below["betti"], below["faces"]) == ("below", False, [1, 0], [1, 2])
    level = answer(capsys, absolute, "--set", "level", "--level", "0.5", "--field", "2")
    assert (level["betti"], level["euler"], level["field"], level["level"]) == ([2, 0], 2, "2", "1/2")
    assert [entry["point"] for entry in level["components"]] == [["-1/2"], ["1/2"]]
    empty = answer(capsys, absolute, "--set", "below", "--level", "-1")
    assert (empty["betti"], empty["euler"], empty["faces"], empty["components"]) == ([0, 0], 0, [0, 0], [])
    assert answer(capsys, absolute, "--set", "below", "--level", "-1", "--compactify")["betti"] == [1, 0]
    closed = answer(capsys, absolute, "--level", "1", "--compactify")
    assert (closed["homology"], closed["betti"], closed["euler"]) == ("one-point", [1, 0], 1)
    assert len(closed["components"]) == 2
    boxed = answer(capsys, absolute, "--level", "1", "--domain", "box:-3/2,1/2")
    assert (boxed["betti"], boxed["domain"]) == ([1, 0], "box:-3/2,1/2")


def test_classes_and_boundaries(classes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    square = answer(capsys, classes, "--class", "1")
    assert (square["set"], square["classes"], square["output"], square["level"]) == ("class", [1], None, None)
    assert square["betti"] == [1, 0, 0]
    sides = answer(capsys, classes, "--class", "0")
    assert (sides["betti"], sides["closed"]) == ([2, 0, 0], True)
    assert answer(capsys, classes, "--class", "0", "--open", "--compactify")["betti"] == [1, 0, 2]
    edges = answer(capsys, classes, "--boundary", "1,0")
    assert (edges["set"], edges["classes"], edges["betti"]) == ("boundary", [1, 0], [2, 0, 0])
    diagonals = answer(capsys, classes, "--boundary", "2,0")
    assert (diagonals["betti"], diagonals["faces"]) == ([4, 0, 0], [4, 4, 0])


def test_the_whole_decision_boundary(classes: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    whole = answer(capsys, classes, "--boundary", "all")
    assert (whole["set"], whole["classes"], whole["output"]) == ("boundary", [0, 1, 2], None)
    line = tmp_path / "line.json"  # max(x, y, 0): three rays that meet
    save(Network.from_layers([[[1, 0], [0, 1], [0, 0]]]), line)
    found = answer(capsys, line, "--boundary", "all")
    assert (found["betti"], found["faces"], found["euler"]) == ([1, 0, 0], [1, 3, 0], 1)
    assert answer(capsys, line, "--boundary", "all", "--compactify")["betti"] == [1, 2, 0]
    same = tmp_path / "same.json"  # all outputs are equal everywhere
    save(Network.from_layers([[[1, 0], [1, 0], [1, 0]]]), same)
    assert answer(capsys, same, "--boundary", "all")["betti"] == [1, 0, 0]
    assert run(["topology", str(classes), "--boundary", "all", "--pieces"]) == 2
    assert "pieces are those between two classes" in capsys.readouterr().err
    for boundary in ("none", 3):
        with pytest.raises(UsageError, match=r"^boundary=.*: give a pair of whole numbers, .all. or None$"):
            topology(str(classes), boundary=boundary)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="decision_boundary lists all of them"):
        boundary_pieces(str(classes), boundary="all")  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(6))
def test_the_whole_boundary_is_what_the_open_classes_leave(seed: int) -> None:
    sizes = [(2, 5, 3), (2, 4, 4, 4), (1, 5, 3), (3, 4, 3), (2, 3, 3, 2), (2, 6, 4)][seed]
    net = random_network(sizes, rng=seed)
    box = "box:-2,2"

    def compact_euler(**which: Any) -> int:  # the Euler characteristic that adds up over disjoint sets
        return sum((-1) ** k * count for k, count in enumerate(topology(net, box, **which).faces or ()))

    parts = sum(compact_euler(of_class=k, open=True) for k in range(net.output_dim))
    assert compact_euler(boundary="all") == 1 - parts  # 1: of the box
    pieces = decision_boundary(net, box).pieces
    assert (topology(net, box, boundary="all").faces or ())[net.input_dim - 1] >= len(pieces)


def test_holes_on_a_slice_and_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, line = tmp_path / "annulus.json", tmp_path / "line.json"
    save(ANNULUS, path)
    assert answer(capsys, path)["betti"] == [1, 1, 0]
    line.write_text(json.dumps({"format": "puiseux-slice", "version": 1, "origin": [0, 0], "directions": [[2, 0]]}))
    sliced = answer(capsys, path, "--domain", f"slice:{line}")
    assert (sliced["betti"], [entry["point"] for entry in sliced["components"]]) == ([2, 0], [["-7/8"], ["7/8"]])
    assert run(["topology", str(path), "--set", "level"]) == 0
    text = capsys.readouterr().out
    assert "output 0 = 0" in text
    assert "2, 2, 0 over Q" in text


def test_limits_leave_an_object_without_an_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "large.json"
    save(random_network([6, 30, 30, 1], rng=1), path)
    found = answer(capsys, path, "--time-limit", "1", code=3)
    assert (found["betti"], found["faces"], found["components"], found["complete"]) == (None, None, None, False)
    assert found["reason"] == "stopped at the time limit of 1 s"


def test_persistence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "annulus.json"
    save(ANNULUS, path)
    found = answer(capsys, path, "--persistence")
    assert found["pairs"] == [
        {"dimension": 0, "birth": "-inf", "death": "inf"},
        {"dimension": 0, "birth": "-1", "death": "1/2"},
        {"dimension": 1, "birth": "-inf", "death": "1/2"},
    ]
    assert [found[key] for key in ("set", "level", "betti", "euler", "faces", "components")] == [None] * 6
    assert (found["output"], found["field"], found["complete"]) == (0, "Q", True)
    assert answer(capsys, path, "--persistence", "--field", "2")["pairs"] == found["pairs"]
    assert run(["topology", str(path), "--persistence"]) == 0
    assert "sublevel sets of output 0" in capsys.readouterr().out
    for options in (["--set", "below"], ["--level", "0"], ["--class", "0"], ["--boundary", "0,1"], ["--open"]):
        assert run(["topology", str(path), "--persistence", *options]) == 2
        assert f"leave {options[0]} out" in capsys.readouterr().err


def test_more_where_it_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "annulus.json"
    save(ANNULUS, path)
    found = answer(capsys, path, "--torsion", "--cycles")
    assert (found["betti"], found["torsion"]) == ([1, 1, 0], [[], [], []])
    (hole,) = found["cycles"]
    ends = [tuple(point) for simplex in hole["simplices"] for point in simplex["points"]]
    assert (hole["dimension"], {ends.count(end) for end in ends}) == (1, {2})
    assert {abs(simplex["coefficient"]) for simplex in hole["simplices"]} == {1}
    assert "cycles" not in answer(capsys, path)
    critical = answer(capsys, path, "--critical-points")
    assert [(p["kind"], p["level"], p["index"], p["euler"]) for p in critical["critical"]] == [
        ("critical", "-1", 0, 1),
        ("flat", "1/2", None, 0),
    ]
    assert (critical["set"], critical["betti"], critical["output"], critical["complete"]) == (None, None, 0, True)
    unit = answer(capsys, path, "--unit", "0,2", "--level", "1", "--set", "level")
    assert (unit["unit"], unit["output"], unit["level"], unit["betti"]) == ([0, 2], None, "1", [1, 0, 0])
    for options, words in (
        (["--critical-points"], "critical points of output 0"),
        (["--unit", "0,2"], "unit 2 of stage 0 >= 0"),
        (["--cycles", "--torsion"], "hole of degree 1"),
    ):
        assert run(["topology", str(path), *options]) == 0
        assert words in capsys.readouterr().out


def test_distances_to_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, data = tmp_path / "annulus.json", tmp_path / "points.csv"
    save(ANNULUS, path)
    data.write_text("2,2\n-2,-2\n")
    found = answer(capsys, path, "--persistence", "--distances", str(data), "--set", "above")
    assert (found["set"], found["level"]) == ("above", "0")
    assert [pair for pair in found["pairs"] if pair["dimension"] == 0] == [
        {"dimension": 0, "birth": "0", "death": "10"},
        {"dimension": 0, "birth": "0", "death": "inf"},
    ]
    assert [pair["dimension"] for pair in found["pairs"] if pair["death"] == "inf"] == [0, 1]
    assert all("/" in pair["death"] or pair["death"].isdecimal() or pair["death"] == "inf" for pair in found["pairs"])
    whole = answer(capsys, path, "--persistence", "--distances", str(data))
    assert [pair["dimension"] for pair in whole["pairs"] if pair["death"] == "inf"] == [0]
    for options, words in (
        (["--distances", str(data)], "add --persistence"),
        (["--persistence", "--distances", str(data), "--open"], "leave --open out"),
        (["--persistence", "--distances", str(tmp_path / "none.csv")], "none.csv"),
    ):
        assert run(["topology", str(path), *options]) == 2
        assert words in capsys.readouterr().err


def test_values_at_vertices_in_python() -> None:
    found = vertex_persistence(ANNULUS, lambda point: 0.5 * float(point[0]), which="above")
    # the hole is closed where x reaches 3/2: the inner side of the ring is at 1, the outer one at 2
    assert [(pair.dimension, pair.birth, pair.death) for pair in found.pairs if pair.death is None] == [
        (0, -1, None),
        (1, fmpq(1, 2), None),
    ]
    with pytest.raises(UsageError, match="no finite number"):
        vertex_persistence(ANNULUS, lambda point: float("nan"))
    with pytest.raises(UsageError, match="give one of them"):
        vertex_persistence(ANNULUS)
    with pytest.raises(UsageError, match="the data has 1 input"):
        vertex_persistence(ANNULUS, data=[[1.0]])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--set", "level", "--open"), "no open form"),
        (("--unit", "0,5"), "no unit 5 in stage 0"),
        (("--unit", "1,0"), "no hidden stage 1"),
        (("--unit", "0"), "give S,U"),
        (("--unit", "0,0", "--output", "0"), "leave --output out"),
        (("--cycles", "--compactify"), "leave --compactify out"),
        (("--critical-points", "--persistence"), "two questions"),
        (("--critical-points", "--level", "0"), "leave --level out"),
        (("--persistence", "--cycles"), "leave --cycles out"),
        (("--set", "inside"), "take above, below, level"),
        (("--output", "1"), "no output 1"),
        (("--class", "0"), "needs two or more"),
        (("--class", "0", "--boundary", "0,1"), "give one of them"),
        (("--class", "0", "--level", "1"), "leave --level out"),
        (("--boundary", "0,1", "--set", "above"), "leave --set out"),
        (("--boundary", "0"), "give I,J"),
        (("--level", "high"), "the level 'high' is not a number"),
        (("--level", "1e10000"), "the level '1e10000' has an exponent beyond 9999"),
        (("--field", "3"), "take Q or 2"),
        (("--time-limit", "0"), "leaves no time"),
        (("--pieces", "--cycles"), "leave --cycles out"),
        (("--pieces", "--persistence"), "leave --persistence out"),
        (("--pieces", "--set", "below"), "give --set level"),
        (("--pieces", "-o", "set.png"), "give -o a name such as pieces.jsonl"),
        (("--pieces", "-o", "pieces.jsonl", "--window", "0,1"), "leave it out with --pieces"),
    ],
)
def test_refusals_are_one_line(
    absolute: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], words: str
) -> None:
    assert run(["topology", str(absolute), *options]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert words in printed.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--boundary", "0,1", "--open"), "no open form"),
        (("--boundary", "1,1"), "two different outputs"),
        (("--boundary", "0,3"), "no output 3"),
        (("--class", "3"), "no output 3"),
    ],
)
def test_refusals_about_classes(
    classes: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], words: str
) -> None:
    assert run(["topology", str(classes), *options]) == 2
    assert words in capsys.readouterr().err


def test_python_takes_the_same() -> None:
    found = topology(ANNULUS, "box:-3,3", which="below", field="2")
    assert (found.betti, found.euler, found.classes) == ((2, 1, 0), 1, ())
    assert all(ANNULUS.evaluate(point)[0] <= 0 for point in found.components)


def test_pieces_alone_are_the_largest_faces_of_the_level(absolute: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["topology", str(absolute), "--pieces", "--level", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["pieces"] == {"count": 2, "flat": 0, "touching": 0}
    assert (found["set"], found["betti"], found["faces"], found["complete"]) == ("level", None, None, True)
    assert run(["topology", str(absolute), "--pieces"]) == 0
    assert "pieces              1 of dimension 0" in capsys.readouterr().out
    whole = topology(ANNULUS, level="1/2", which="level")
    alone = topology(ANNULUS, level="1/2", pieces=True)
    assert alone.pieces is not None
    assert whole.faces is not None
    assert alone.pieces.pieces == whole.faces[1] == len(boundary_pieces(ANNULUS, level="1/2"))
