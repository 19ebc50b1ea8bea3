"""Whatever text a user hands over, no message sends control characters to the terminal, and none is long."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from puiseux.commands import NAMES
from puiseux.console.cli import application, run

HOSTILE = {
    "escapes": "a\x1b[31m\x1b]0;owned\x07\n\r\tb\u202e\u2066\u200f\x85\x9b1m",
    "200,000 characters": "1" * 200_000,
    "no UTF-8": "a\udcff\udc80",
    "a number": "9" * 400,
    "braces": "{net} %s {0} $x^$",
}
LONGEST = 2200  # characters of a line

VALID = {
    "count": ["NET"], "crosscheck": ["NET", "--time-limit", "5"], "simplify": ["NET"], "monomials": ["NET"],
    "bounds": ["NET"], "hoffman": ["NET"], "compare": ["NET", "NET"], "explain": ["regions"],
    "convert": ["NET", "out.json"], "reduce": ["NET"], "plot": ["NET", "-o", "p.svg"],
    "report": ["NET", "-o", "r.html", "--time-limit", "1"], "random": ["2,3,1", "-o", "r.npz"], "statistics": ["NET"],
    "study": ["no study"], "suite": ["run", "no suite", "--command", "true {net}"], "verify": ["proof.cert"],
    "lipschitz": ["NET", "--time-limit", "5"], "optimize": ["NET", "--domain", "box:-1,1", "--time-limit", "5"],
    "explore": ["NET", "--at", "0,0", "--max-cells", "3", "--time-limit", "5"],
    "fit": ["data.csv", "--units", "1", "--time-limit", "5"],
    "injective": ["NET", "--time-limit", "5"], "property": ["NET", "none.vnnlib", "NET"],
    "topology": ["NET", "--time-limit", "5"],
}  # fmt: skip
"""Command lines that are right, or end at once."""


def _inputs() -> list[tuple[str, str]]:
    """Every argument (by position) and option of every command that takes a text."""
    found = []
    for name, command in typer.main.get_command(application(NAMES)).commands.items():  # type: ignore[attr-defined]
        position = 0
        for parameter in command.params:
            if parameter.param_type_name == "argument":
                found.append((name, str(position)))
                position += 1
            elif not parameter.is_flag and parameter.name != "help":
                found.append((name, parameter.opts[0]))
    return found


def check(text: str) -> None:
    """Every line is short and shows no control character."""
    for line in text.split("\n"):
        assert line.isprintable(), ascii(line[:300])
        assert len(line) <= LONGEST, line[:300]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    np.savez("net.npz", W0=[[1.0, -1.0], [2.0, 1.0]], b0=[0.0, 0.5], W1=[[1.0, -1.0]], b1=[0.0])
    Path("proof.cert").write_text("no proof\n")
    return tmp_path


def test_every_command_is_among_them() -> None:
    assert set(VALID) == {command for command, _ in _inputs()}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize(("command", "place"), _inputs())
def test_every_text_of_every_command(
    command: str, place: str, kind: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["net.npz" if word == "NET" else word for word in VALID[command]]
    if place.isdigit():
        line[int(place)] = HOSTILE[kind]
    elif place in line:
        line[line.index(place) + 1] = HOSTILE[kind]
    else:
        line += [place, HOSTILE[kind]]
    code = run([command, *line])
    captured = capsys.readouterr()
    check(captured.out)
    check(captured.err)
    assert code in (0, 1, 2, 3), captured.err
    if code == 2:
        assert captured.out == ""
        assert captured.err.startswith("puiseux: ")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=list(HOSTILE))
def test_words_of_the_command_itself(text: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for line in ([text], [f"--{text}"], ["count", f"--{text}"], ["count", "net.npz", text]):
        assert run(line) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1
        check(captured.err)


def _network(**changes: Any) -> dict[str, Any]:
    layer = {"weights": [["1", "2"]], "bias": ["0"], "activation": "linear"}
    return {"format": "puiseux-network", "version": 1, "input_dim": 2, "layers": [layer], **changes}


@pytest.mark.parametrize("text", [*HOSTILE.values(), "\x00"], ids=[*HOSTILE, "null"])
def test_texts_in_files(text: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plane = {"format": "puiseux-slice", "version": 1, "origin": [0, 0], "directions": [[1, 0]]}
    half = {"format": "puiseux-polyhedron", "version": 1, "A": [[1, 0]], "b": [1]}
    domains = [
        {**plane, "domain": text},
        {**plane, text: 1},
        {**plane, "origin": [f"{text}x", 0]},
        {**plane, "version": text},
    ]
    domains += [{**half, "b": [f"{text}x"]}, {**half, text: 0}, {**half, "format": text}, {**half, "A": text}]
    for number, domain in enumerate(domains):
        Path("domain.json").write_text(json.dumps(domain))
        kind = "slice" if number < 3 else "polyhedron"
        assert run(["count", "net.npz", "--domain", f"{kind}:domain.json"]) == 2
    header = '{"format":"puiseux-certificate","version":1,'
    for field in (
        '"kind":%s',
        '"kind":"cells","digest":%s,"network":0,"walls":0',
        '"kind":"cells",%s:1',
        '"version":%s',
    ):
        Path("proof.cert").write_text(header + field % json.dumps(text) + "}\n")
        assert run(["verify", "proof.cert"]) in (1, 2)
    Path("data.csv").write_text(f"1,2,{json.dumps(text)}\n{json.dumps(text)},2,3\n", encoding="utf-8", errors="replace")
    assert run(["statistics", "net.npz", "--data", "data.csv"]) == 2
    assert capsys.readouterr().out == ""
    Path("net.json").write_text(json.dumps(_network(notes=[text, "a note"])))
    for line in (["count", "net.json"], ["convert", "net.json", "again.json"], ["bounds", "net.json"]):
        assert run(line) == 0
    captured = capsys.readouterr()
    check(captured.out)
    check(captured.err)
    assert "note: " in captured.err


@pytest.mark.parametrize("text", ["a\x1b[31m\n\u202e", "$x^$", "1" * 5000], ids=["escapes", "formula", "long"])
def test_names_of_classes_in_pictures(text: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib", reason="draws")
    Path("data.csv").write_text(f'0.1,0.2,"{text}"\n0.3,0.4,other\n')
    line = ["plot", "net.npz", "-o", "p.svg", "--data", "data.csv", "--color", "class"]
    assert run(line) == 0
    assert "\x1b" not in Path("p.svg").read_text()
    assert "\u202e" not in Path("p.svg").read_text()
    assert run([*line, "--classes", "one,two"]) == 2
    captured = capsys.readouterr()
    check(captured.err)
    assert "which is none of those named" in captured.err
