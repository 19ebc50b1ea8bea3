"""``puiseux hoffman``: bounds in order, before and after pruning, and numbers that JSON can hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nn_bridge.network import Network
from nn_bridge.sampling_box import effective_radii
from puiseux import random_network, save
from puiseux.cli import run


def hoffman(capsys: pytest.CaptureFixture[str], path: Path, *options: str) -> dict[str, Any]:
    assert run(["hoffman", str(path), "--json", *options]) == 0
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    return json.loads(printed)


def test_each_output_has_its_numbers_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.npz"
    save(random_network([2, 4, 2], rng=3), path)
    outputs = hoffman(capsys, path)["outputs"]
    assert len(outputs) == 2
    for entry in outputs:
        assert entry["lower"] <= entry["exact"] <= entry["upper"]
        assert 0 < entry["minimal_radius"] <= entry["radius"]
    assert hoffman(capsys, path, "--output", "1")["outputs"] == outputs[1:]


def test_pruning_makes_it_smaller(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # max(0, 3x) + max(0, 2x - 2) expands to 0, 3x, 2x - 2 and 5x - 2, of which 2x - 2 is redundant
    path = tmp_path / "net.json"
    save(Network.from_layers([[[3], [2]], [[1, 1]]], [[0, -2], [0]]), path)
    (after,), (before,) = hoffman(capsys, path)["outputs"], hoffman(capsys, path, "--unpruned")["outputs"]
    assert (before["exact"], before["radius"]) == (1.0, 2.0)
    assert (after["exact"], after["radius"], after["minimal_radius"]) == (0.5, 1.0, 1.0)


def test_beyond_the_limit_the_exact_value_is_null(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.npz"
    save(random_network([2, 4, 1], rng=3), path)
    (entry,) = hoffman(capsys, path, "--limit", "1")["outputs"]
    assert entry["exact"] is None
    assert entry["radius"] == pytest.approx(entry["upper"] * entry["range"])
    assert run(["hoffman", str(path), "--limit", "1"]) == 0
    assert "-" in capsys.readouterr().out.splitlines()[1].split()


def test_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.json"
    save(Network.from_layers([[[1, 0], [0, 1]], [[1, 2]]], [[-1, 0], [0]]), path)
    assert run(["hoffman", str(path)]) == 0
    header, row = capsys.readouterr().out.splitlines()
    assert header.split()[:4] == ["output", "lower", "exact", "upper"]
    assert row.split() == ["0", "1", "1", "2.06532", "1", "1"]


def test_numbers_beyond_floats_stay_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.json"
    save(Network.from_layers([[["1e-400"], [1]], [[1, 1]]], [["1e-100", 0], [0]]), path)
    (entry,) = hoffman(capsys, path)["outputs"]
    assert entry["exact"] == pytest.approx(1.7976931348623157e308)


def test_radii_about_another_centre() -> None:
    network = Network.from_layers([[[1], [1]], [[1, -1]]], [[-10, -12], [0]])
    (at_origin,), (near,) = effective_radii(network), effective_radii(network, [10])
    assert (at_origin.radius, near.radius) == (12, 2)
