"""The output of the commands: JSON objects to the letter, the same numbers for people, exit codes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import puiseux
import puiseux.questions.formula
from polyhedra.scalars import rationals
from puiseux.console.cli import run


@pytest.fixture
def net(tmp_path: Path) -> str:
    """relu(x) + relu(y) - relu(x + y - 1): seven cells, each with its own affine map."""
    path = tmp_path / "net.npz"
    np.savez(path, W0=[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], b0=[0.0, 0.0, -1.0], W1=[[1.0, 1.0, -1.0]], b1=[0.0])
    return str(path)


def printed(arguments: list[str], capsys: pytest.CaptureFixture[str], code: int = 0) -> str:
    capsys.readouterr()
    assert run(arguments) == code
    return capsys.readouterr().out


def test_count_prints_one_object(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(["count", net, "--json"], capsys)
    assert text.count("\n") == 1
    result = json.loads(text)
    assert result.pop("seconds") >= 0
    assert result == {
        "network": {"input_dim": 2, "hidden": [3], "output_dim": 1},
        "domain": "all",
        "engine": result["engine"],
        "exact": True,
        "complete": True,
        "counts": {"cells": 7, "regions": 7, "regions_by_point": 7, "affine_maps": 7},
    }
    assert result["engine"] in puiseux.questions.count.ENGINES


def test_a_formula_is_the_best_there_is_in_time(
    net: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = printed(["simplify", net], capsys)
    assert printed(["simplify", net, "--time-limit", "100"], capsys) == whole
    pruned = printed(["simplify", net, "--no-search"], capsys)

    def slow(*_: Any, **__: Any) -> Iterator[Any]:
        time.sleep(60)
        yield from ()

    monkeypatch.setattr(puiseux.questions.formula, "simplification", slow)
    assert run(["simplify", net, "--time-limit", "2"]) == 3
    out, err = capsys.readouterr()
    assert out == pruned
    stop = "stopped at the time limit of 2 s: pruned, but not searched to the end"
    assert err.endswith(f"puiseux: {stop}; --time-limit inf goes on\n")
    assert len(err.splitlines()) == 2
    partial = puiseux.simplify(net, time_limit=2)
    assert (str(partial), partial.complete, partial.reason) == (pruned.strip(), False, stop)
    assert json.loads(json.dumps(partial.to_json()))["complete"] is False
    monkeypatch.setattr(puiseux.questions.formula, "_steps", lambda *_, **__: time.sleep(60))
    assert run(["simplify", net, "--time-limit", "0.2"]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("puiseux: stopped at the time limit of 0.2 s: there is no formula yet")


def test_a_long_formula_that_nobody_asked_for_is_not_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long, short = tmp_path / "long.npz", tmp_path / "short.json"
    puiseux.save(puiseux.random_network([2, 6, 6, 1], rng=0), long)
    assert run(["simplify", str(long), "--no-search"]) == 0
    nested, advice, sizes = capsys.readouterr().err.splitlines()
    assert "output 0, shorter layer by layer: " in nested
    assert len(nested) < 200
    assert sizes.startswith("output 0: ")
    assert "--digits" in advice
    puiseux.save(puiseux.Network.from_layers([[[1, 2], [3, 1], [1, 1]], [[1, 1, 1]]], [[1, 2, 3], [0]]), short)
    assert run(["simplify", str(short), "--no-search"]) == 0
    assert "layer by layer: max(x1 + 2x2 + 1, 0) + max(3x1 + x2 + 2, 0)" in capsys.readouterr().err


def test_count_by_name_of_the_engine(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(printed(["count", net, "--engine", "tropical", "--json"], capsys))["engine"] == "tropical"


@pytest.mark.parametrize(
    ("domain", "cells"), [("box:0,1", 2), ("box:-1,1", 5), ("box:-1,1;0,2", 4), ("box:0,0.5", 1), ("box:0,0.51", 2)]
)
def test_count_on_a_box(domain: str, cells: int, net: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = json.loads(printed(["count", net, "--domain", domain, "--json"], capsys))
    assert result["domain"] == domain
    assert result["counts"]["cells"] == cells


def test_count_on_a_slice(net: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = tmp_path / "line.json"
    line.write_text('{"format": "puiseux-slice", "version": 1, "origin": [0, 0.25], "directions": [[1, 0]]}')
    result = json.loads(printed(["count", net, "--domain", f"slice:{line}", "--json"], capsys))
    assert result["network"]["input_dim"] == 1
    assert result["counts"]["cells"] == 3


def test_count_for_people(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(["count", net], capsys)
    assert f"{net}: 2 inputs, 3 units, 1 output\non all of R^2" in text
    for name in ("cells", "regions", "regions_by_point", "affine_maps"):
        assert [line.split()[1] for line in text.splitlines() if line.split()[:1] == [name]] == ["7"]
    assert "\nexact, " in text


def test_simplify_formats(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(["simplify", net], capsys)
    assert text == "max(x1 + x2, x1, x2, 0) - max(x1 + x2 - 1, 0)\n"
    assert printed(["simplify", net, "--format", "latex"], capsys).startswith(r"\max\left(x_{1} + x_{2}")
    assert printed(["simplify", net, "--format", "sympy"], capsys).count("Max(") == 2
    assert printed(["simplify", net, "--no-search"], capsys) == text


def test_simplify_json(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = json.loads(printed(["simplify", net, "--format", "json"], capsys))
    assert set(result) == {"outputs", "verified"}
    assert result["verified"] is True
    (output,) = result["outputs"]
    assert output["minimal"] == "proven"

    def terms(name: str) -> set[tuple[str, ...]]:
        return {(*term["exponent"], term["coefficient"]) for term in output[name]}

    assert terms("numerator") == {("1", "1", "0"), ("1", "0", "0"), ("0", "1", "0"), ("0", "0", "0")}
    assert terms("denominator") == {("1", "1", "-1"), ("0", "0", "0")}


def test_monomials(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    numbers = {"numerator": 4, "denominator": 2}
    result = json.loads(printed(["monomials", net, "--json"], capsys))
    assert result == {"outputs": [{"native": numbers, "pruned": numbers}]}
    assert printed(["monomials", net], capsys).splitlines()[1].split() == ["0", "4", "2", "4", "2"]


def test_monomials_of_every_unit(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = json.loads(printed(["monomials", net, "--layers", "--json"], capsys))
    assert result["outputs"] == json.loads(printed(["monomials", net, "--json"], capsys))["outputs"]
    one = {"numerator": 1, "denominator": 1}
    assert all(unit == {"native": one, "pruned": one} for unit in result["layers"][0])
    lines = printed(["monomials", net, "--layers"], capsys).splitlines()
    assert len(lines) == 1 + sum(map(len, result["layers"])) + len(result["outputs"])
    assert lines[1].split()[:3] == ["1", "unit", "0"]
    assert lines[-1].split()[:2] == ["output", "0"]


def test_native_numbers_of_any_length(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "deep.npz"
    flat = {f"W{i}": np.ones((60, 60 if i else 1)) for i in range(3)}
    np.savez(path, **flat, W3=np.ones((1, 60)))
    text = printed(["monomials", str(path), "--json"], capsys)
    assert len(text) > 5000
    assert "e" in printed(["monomials", str(path)], capsys).splitlines()[1].split()[1]


def test_compare(net: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layers = [[[1, 1], [0, 2], [2, 0]], [[-1, "1/2", "1/2"]]], [[-1, 0, 0], [0]]
    same, other = str(tmp_path / "same.json"), str(tmp_path / "other.json")
    puiseux.save(puiseux.Network.from_layers(*layers), same)
    puiseux.save(puiseux.Network.from_layers(layers[0], [[-1, 0, 0], ["1e-30"]]), other)
    assert json.loads(printed(["compare", net, same, "--json"], capsys)) == {"same_function": True, "witness": None}
    assert printed(["compare", net, same], capsys).startswith("the same function")
    result = json.loads(printed(["compare", net, other, "--json"], capsys, code=1))
    assert result["same_function"] is False
    point = rationals(result["witness"]["point"])
    values = [puiseux.load(path).evaluate(point) for path in (net, other)]
    assert [list(rationals(row)) for row in result["witness"]["outputs"]] == [list(row) for row in values]
    assert values[0] != values[1]
    assert printed(["compare", net, other], capsys, code=1).startswith("different functions")


def test_compare_refuses_other_shapes(net: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = str(tmp_path / "other.json")
    puiseux.save(puiseux.Network.from_layers([[[1]]]), other)
    assert printed(["compare", net, other], capsys, code=2) == ""


def test_random_writes_what_it_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, again, other = (str(tmp_path / name) for name in ("first.npz", "again.json", "other.npz"))
    for path, seed in ((first, "3"), (again, "3"), (other, "4")):
        assert printed(["random", "[2,4,1]", "-o", path, "--seed", seed], capsys) == ""
    nets: list[Any] = [puiseux.load(path) for path in (first, again, other)]
    assert nets[0] == nets[1] != nets[2]
    assert run(["random", "2,4,1", "-o", first, "--zero-bias", "--init", "integers"]) == 0
    assert not any(puiseux.load(first).stages[0].bias)


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_plot_writes_a_picture(ending: str, net: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / f"picture.{ending}"
    assert run(["plot", net, "-o", str(picture), "--domain", "box:-1,2"]) == 0
    assert capsys.readouterr() == ("", f"wrote {picture}\n")
    beginnings = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}
    assert picture.read_bytes().startswith(beginnings[ending])
