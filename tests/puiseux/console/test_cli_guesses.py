"""What people type without reading the help: standard input, several networks, -o, -q, -V, sizes for bounds, files."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import puiseux
from puiseux.commands import COMMANDS
from puiseux.console.cli import run

NET = puiseux.Network.from_layers([[[1, 0], [0, 1], [1, 1]], [[1, 1, -1]]], [[0, 0, -1], [0]])
LINE = puiseux.Network.from_layers([[[1, -1], [2, 1]], [[1, 1]]])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    puiseux.save(NET, "net.json")
    puiseux.save(LINE, "line.npz")
    return tmp_path


def send(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    content = Path("net.json").read_bytes()
    for words in (["count", "-", "--json"], ["lipschitz", "-"], ["reduce", "-"], ["compare", "net.json", "-"],
                  ["convert", "-", "copy.json"], ["bounds", "-"], ["simplify", "-"]):  # fmt: skip
        send(content, monkeypatch)
        assert run(words) == 0, words
    assert json.loads(capsys.readouterr().out.splitlines()[0])["counts"]["cells"] == 7
    assert puiseux.load("copy.json") == NET


@pytest.mark.parametrize(
    ("content", "words", "said"),
    [
        (b"", "count -", "-: standard input is empty (it can be read once)"),
        (b"hello", "count -", "- is not JSON"),
        (b"{}", "compare - -", "-: "),
    ],
)
def test_standard_input_that_is_no_network(
    content: bytes, words: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    send(content, monkeypatch)
    assert run(words.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1


def test_several_networks_are_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["count", "net.json", "line.npz"]) == 0
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["network", "cells", "regions", "by", "point", "affine", "maps", "seconds"]
    assert first.split()[:5] == ["net.json", "7", "7", "7", "7"]
    assert second.split()[:5] == ["line.npz", "4", "4", "4", "4"]


def test_several_networks_are_an_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["count", "net.json", "line.npz", "--json", "--domain", "box:-1,1"]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["file"], second["file"]) == ("net.json", "line.npz")
    assert first["counts"]["cells"] == 5
    assert run(["count", "net.json", "--json", "--domain", "box:-1,1"]) == 0
    alone = json.loads(capsys.readouterr().out)
    assert {**first, "seconds": 0} == {"file": "net.json", **alone, "seconds": 0}


def test_of_several_networks_the_largest_exit_code_counts(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["count", "net.json", "line.npz", "--max-cells", "5"]) == 3
    out, err = capsys.readouterr()
    assert ">= 5" in out or ">= 6" in out
    assert "net.json: " in err
    assert "line.npz: " not in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("count net.json none.npz", "none.npz: there is no such file"),
        (
            "count net.json line.npz --certificate a.cert",
            "--certificate, --checkpoint and --definitions take one network",
        ),
        (
            "count net.json line.npz --checkpoint folder",
            "--certificate, --checkpoint and --definitions take one network",
        ),
        ("count net.json line.npz --time-limit 0", "leaves no time"),
        ("count net.json line.npz --engine fast", "there is no engine 'fast'"),
        ("count net.json --output picture.png", "not 'picture.png'; to write a file: -o FILE"),
        ("lipschitz net.json --output picture.png", "not 'picture.png'; to write a file: -o FILE"),
        ("count net.json --workers two", "--workers: 'two' is not a whole number"),
        ("count net.json --time-limit soon", "--time-limit: 'soon' is not a number"),
        ("random 2,3 -o net.npz --seed -4", "--seed -4: give at least 0"),
        ("count net.json -o net.json", "net.json: this command reads it too; write to another file, or replace it"),
        ("convert net.json net.json", "net.json: this command reads it too"),
        ("reduce net.json -o ./net.json", "this command reads it too"),
        ("count net.json --domain slice:line.npz -o line.npz", "line.npz: this command reads it too"),
        ("count net.json -o nowhere/a.txt", "nowhere/a.txt: cannot be written"),
        ("bounds 2,0,1", "'2,0,1' is not an architecture"),
    ],
)
def test_refusals_are_one_line(words: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = Path("net.json").read_bytes(), Path("line.npz").read_bytes()
    assert run(words.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1
    assert "pydantic" not in err
    assert "Input should" not in err
    assert (Path("net.json").read_bytes(), Path("line.npz").read_bytes()) == before


def test_dash_o_writes_what_would_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ("count net.json --domain box:-1,1", "monomials net.json", "explain regions", "bounds net.json"):
        assert run(words.split()) == 0
        printed = capsys.readouterr().out
        assert run([*words.split(), "-o", "answer.txt"]) == 0
        out, err = capsys.readouterr()
        assert out == ""
        assert "wrote answer.txt\n" in err
        written = Path("answer.txt").read_text()
        assert [line.split(", ")[0] for line in written.splitlines()] == [
            line.split(", ")[0] for line in printed.splitlines()
        ]
    assert run(["count", "net.json", "--json", "-o", "answer.json"]) == 0
    assert json.loads(Path("answer.json").read_text())["counts"]["cells"] == 7
    assert run(["count", "net.json", "--max-cells", "3", "-o", "part.txt"]) == 3
    assert "incomplete" in Path("part.txt").read_text()


def test_a_file_that_was_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["convert", "net.json", "copy.json"]) == 0
    assert "replaced" not in capsys.readouterr().err
    assert run(["convert", "line.npz", "copy.json"]) == 0
    assert "puiseux: replaced copy.json, which was there\n" in capsys.readouterr().err
    assert puiseux.load("copy.json") == LINE
    assert run(["convert", "net.json", "net.json", "--bits", "0", "--force"]) == 0
    assert "replaced net.json" in capsys.readouterr().err


def test_quiet_and_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["-q", "simplify", "net.json"], ["simplify", "net.json", "--quiet"]):
        assert run(words) == 0
        out, err = capsys.readouterr()
        assert out.startswith("max(")
        assert err == ""
    assert run(["count", "none.json", "-q"]) == 2
    assert "none.json" in capsys.readouterr().err
    assert run(["-V"]) == 0
    assert capsys.readouterr().out == f"puiseux {puiseux.__version__}\n"


def test_every_command_has_the_options_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS:
        assert run([command.name, "--help"]) == 0
        text = capsys.readouterr().out
        for option in ("-o,", "-q,", "--force"):
            assert option in text, command.name


def test_bounds_of_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bounds", "2,3,3,3,1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    known = {"montufar-2014": 512, "raghu-2017": 448, "montufar-2017": 343, "serra-2018": 208}
    assert known.items() <= found["upper"].items()
    assert min(found["upper"].values()) == 208
    assert found["exact"] is None
    assert run(["bounds", "[2, 3, 3, 3, 1]"]) == 0
    assert capsys.readouterr().out.startswith("networks [2, 3, 3, 3, 1]\n")


def test_an_optimum_shows_its_decimal(capsys: pytest.CaptureFixture[str]) -> None:
    puiseux.save(puiseux.Network.from_layers([[["1/2097152"]], [[1]]], [["7"], [0]]), "slow.json")
    assert run(["optimize", "slow.json", "--domain", "box:0,1", "--maximize"]) == 0
    assert "greatest value 14680065/2097152 (about 7)" in capsys.readouterr().out
    assert run(["optimize", "net.json", "--domain", "box:0,1/2", "--maximize"]) == 0
    assert "greatest value 1\n" in capsys.readouterr().out


def test_one_term_is_one_term(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simplify", "line.npz"]) == 0
    assert "output 0: 4 terms - 1 term, minimal: proven" in capsys.readouterr().err


def test_a_window_in_the_plane(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    assert run(["plot", "net.json", "--window", "0,1;2,3", "-o", "part.png"]) == 0


def test_convert_takes_the_file_in_both_ways(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["convert", "line.npz", "-o", "copy.json"]) == 0
    assert puiseux.load("copy.json") == LINE
    capsys.readouterr()
    for words, said in (
        ("convert line.npz", "missing argument 'OUT'"),
        ("convert line.npz a.json -o b.json", "OUT is a.json and -o b.json; give one of them"),
        ("convert net.json -o net.json", "net.json: this command reads it too"),
    ):
        assert run(words.split()) == 2
        err = capsys.readouterr().err
        assert said in err
        assert err.count("\n") == 1
    assert not Path("a.json").exists()


def test_long_coefficients_name_the_way_to_short_ones(capsys: pytest.CaptureFixture[str]) -> None:
    puiseux.save(puiseux.Network.from_layers([[["1/2097152", 0]], [[1]]]), "slow.json")
    for words in (["simplify", "slow.json"], ["simplify", "slow.json", "--nested"]):
        assert run(words) == 0
        assert "numbers of up to 7 digits: --digits 2 rounds the weights first" in capsys.readouterr().err
    assert run(["simplify", "slow.json", "--digits", "2"]) == 0
    assert "numbers of up to" not in capsys.readouterr().err
    assert run(["simplify", "net.json"]) == 0
    assert "numbers of up to" not in capsys.readouterr().err


def test_a_formula_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    assert run(["plot", "max(0, x, y, x + y - 1)", "-o", "curve.svg", "--window", "-1,3"]) == 0
    assert "dual subdivision" in Path("curve.svg").read_text()
    assert run(["plot", "net.json", "--kind", "curve", "-o", "both.svg"]) == 0
    assert "maximum that is subtracted" in Path("both.svg").read_text()
    capsys.readouterr()
    for words, said in (
        (["max(0, x, y", "-o", "a.png"], "expected ')'"),
        (["max(0, x)", "-o", "a.png"], "this picture needs 2 variables; the polynomial has 1"),
        (["max(0, x, y, z)", "-o", "a.png"], "end the file in .html"),
        (["max(0, x, y)", "-o", "a.png", "--kind", "dual"], "leave --kind out"),
        (["max(0, x, y)", "net.json", "-o", "a.png"], "leave others out"),
        (["max(0, x, y)", "-o", "a.png", "--output", "1"], "leave --output out"),
        (["line.npz", "-o", "a.bmp", "--kind", "curve"], "a picture ends in"),
    ):
        assert run(["plot", *words]) == 2, words
        err = capsys.readouterr().err
        assert said in err
        assert err.count("\n") == 1
    assert not Path("a.png").exists()
