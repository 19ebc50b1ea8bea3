"""``puiseux bounds``: the exact count lies below every upper bound, and the reasons are said."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from nn_bridge.network.network import Network
from puiseux import random_network, save
from puiseux.commands.long_numbers import readable
from puiseux.console.cli import run


@pytest.fixture
def net(tmp_path: Path) -> Path:
    path = tmp_path / "net.npz"
    save(random_network([2, 3, 3, 3, 1], rng=0), path)
    return path


def test_the_object_holds_lower_exact_and_upper(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bounds", str(net), "--json"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    found = json.loads(printed)
    assert found["exact"]["complete"]
    assert found["exact"]["counts"]["cells"] <= min(found["upper"].values())
    assert found["upper"]["serra-ramalingam-2020"] == 86
    assert (found["upper"]["serra-2018"], found["upper"]["montufar-2014"]) == (208, 512)
    assert found["lower"]["montufar-2014"] == 7
    assert found["not_applicable"]["lower serra-2018"] == "needs n_l >= 3 n_0 = 6, layer 1 has 3"


@pytest.mark.parametrize("digits", range(1, 40))
def test_long_numbers_keep_their_column(digits: int) -> None:
    text = readable(10**digits - 1)
    assert len(text) <= 20
    assert text == f"{10**digits - 1:,}" or text == f"9.99e{digits - 1}"


def test_the_table_for_people(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bounds", str(net)]) == 0
    text = capsys.readouterr().out
    assert "2 inputs" in text or "[2, 3, 3, 3, 1]" in text
    order = [text.index(part) for part in ("lower bounds", "this network, exactly", "upper bounds", "not applicable")]
    assert order == sorted(order)
    assert "208  serra-2018" in text


def test_without_the_count_large_networks_are_quick(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wide.npz"
    save(random_network([3, 15000, 1], rng=0, zero_bias=True), path)
    assert run(["bounds", str(path), "--no-count", "--json"]) == 0
    found = json.loads(capsys.readouterr().out, parse_int=str)
    assert found["exact"] is None
    assert len(found["upper"]["montufar-2014"]) == 4516  # 2^15000 has more digits than Python prints by default
    assert found["expected"]["generic"] == str(2 * (1 + 14999 + 14999 * 14998 // 2))


def test_a_stopped_count_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "large.npz"
    save(random_network([6, 40, 40, 1], rng=0), path)
    assert run(["bounds", str(path), "--time-limit", "0.01"]) == 3
    text = capsys.readouterr().out
    assert "this network, stopped early" in text
    assert ">= " in text


def test_a_file_that_is_no_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.npz"
    path.write_bytes(b"nothing")
    assert run(["bounds", str(path), "--json"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1


def test_names_that_are_lower_and_upper_bounds_say_which(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bounds", "64,12,8,10"]) == 0
    told = capsys.readouterr().out.split("not applicable\n")[1].splitlines()
    assert [line.split("  ")[1] for line in told if "pascanu-2014" in line] == [
        "lower pascanu-2014",
        "upper pascanu-2014",
    ]
    assert len({line.index("needs") for line in told}) == 1
    assert run(["bounds", "64,12,8,10", "--json"]) == 0
    names = json.loads(capsys.readouterr().out)["not_applicable"]
    assert [line.split("  ")[1] for line in told] == [
        name.replace("upper_regions", "upper on regions") for name in names if name != "expected generic"
    ]


def test_bounds_that_read_weights_are_not_said_of_all_networks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "zero.json"
    save(Network.from_layers([[[0, 0]] * 4, [[0] * 4]]), path)  # one cell; others of these sizes have 11
    assert run(["bounds", str(path)]) == 0
    told = capsys.readouterr().out
    assert re.search(r"^ +1  rank ", told, re.MULTILINE)
    assert "of these weights where a bound reads them" in told
