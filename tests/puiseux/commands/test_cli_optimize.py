"""``puiseux optimize``: exact values, limits, and domains that are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flint import fmpq

import puiseux
from nn_bridge.network.network import Network
from polyhedra.errors import PuiseuxError
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational
from puiseux import optimize, random_network, save
from puiseux.console.cli import run


@pytest.fixture
def tent(tmp_path: Path) -> Path:
    path = tmp_path / "tent.json"
    save(Network.from_layers([[[2], [4]], [[1, -1], [-1, 1]]], [[0, -2], [0, "1/3"]]), path)
    return path


def test_values_are_exact(tent: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["optimize", str(tent), "--domain", "box:0,2", "--maximize", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["value"], found["point"], found["bound"]) == ("1", ["1/2"], "1")
    assert (found["proven"], found["complete"], found["reason"]) == (True, True, None)
    assert found["network"] == {"input_dim": 1, "hidden": [2], "output_dim": 2}
    assert found["domain"] == "box:0,2"
    assert run(["optimize", str(tent), "--domain", "box:0,2", "--output", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["value"] == "-2/3"
    assert run(["optimize", str(tent), "--domain", "box:0,2"]) == 0
    assert "least value    -2" in capsys.readouterr().out


@pytest.mark.parametrize("domain", ["all", "box:0"])
def test_domains_that_are_refused(tent: Path, domain: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["optimize", str(tent), "--domain", domain]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    if domain == "all":
        assert "--domain" in printed.err


@pytest.mark.parametrize("output", ["2", "-1"])
def test_outputs_that_are_none(tent: Path, output: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["optimize", str(tent), "--domain", "box:0,1", "--output", output]) == 2
    assert "there is no output" in capsys.readouterr().err


def test_a_limit_leaves_a_value_and_a_bound(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.npz"
    save(random_network([10, 40, 40, 1], rng=1), path)
    assert run(["optimize", str(path), "--domain", "box:-1,1", "--time-limit", "2", "--json"]) == 3
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert (found["proven"], found["complete"], found["reason"]) == (False, False, "time limit")
    network = puiseux.load(path)
    value = network.evaluate([rational(v) for v in found["point"]])[0]
    assert value == rational(found["value"])
    assert rational(found["bound"]) < value
    assert "time limit" in printed.err


def test_slices_and_polyhedra(tmp_path: Path) -> None:
    net = Network.from_layers([[[1, 0], [0, 1]], [[1, -1]]])  # relu(x) - relu(y)
    line = tmp_path / "line.json"
    line.write_text(
        json.dumps(
            {"format": "puiseux-slice", "version": 1, "origin": [0, 1], "directions": [[1, -1]], "domain": "box:-1,2"}
        )
    )
    best = optimize(net, f"slice:{line}", maximize=True)  # relu(t) - relu(1 - t)
    assert (best.value, best.point) == (2, (2,))
    triangle = Polyhedron([[1, 1], [-1, 0], [0, -1]], [1, 0, 0])
    assert optimize(net, triangle).value == -1
    with pytest.raises(PuiseuxError, match="unbounded"):
        optimize(net, Polyhedron([[1, 1]], [1]))


def test_every_way_gives_the_same(tmp_path: Path) -> None:
    for seed in range(4):
        net = random_network([2, 6, 5, 1], rng=seed)
        values = {optimize(net, "box:-1,1", solver=solver).value for solver in (None, "none", "HIGHS")}
        assert len(values) == 1
        assert isinstance(values.pop(), fmpq)
