"""``puiseux topology``: every kind of set, the JSON object, limits, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nn_bridge.network.network import Network
from puiseux import random_network, save, topology
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


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--set", "level", "--open"), "no open form"),
        (("--set", "inside"), "take above, below, level"),
        (("--output", "1"), "no output 1"),
        (("--class", "0"), "needs two or more"),
        (("--class", "0", "--boundary", "0,1"), "give one of them"),
        (("--class", "0", "--level", "1"), "leave --level out"),
        (("--boundary", "0,1", "--set", "above"), "leave --set out"),
        (("--boundary", "0"), "give I,J"),
        (("--level", "high"), "is no number"),
        (("--field", "3"), "take Q or 2"),
        (("--time-limit", "0"), "leaves no time"),
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
