"""``puiseux hoffman``: bounds in order, before and after pruning, limits, and numbers that JSON can hold."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nn_bridge.expressivity.sampling_box import effective_radii
from nn_bridge.network.network import Network
from puiseux import random_network, save
from puiseux.console.cli import run
from puiseux.questions.hoffman import hoffman_report


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


def test_a_time_limit_leaves_what_was_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.npz"
    save(random_network([3, 12, 12, 1], rng=0), path)
    assert run(["hoffman", str(path), "--time-limit", "0.3", "--json"]) == 3
    captured = capsys.readouterr()
    answer = json.loads(captured.out)
    assert answer["complete"] is False
    assert answer["reason"] == "stopped at the time limit of 0.3 s"
    assert [entry["exact"] for entry in answer["outputs"]] == [None]
    assert captured.err == f"puiseux: {answer['reason']}: what is missing was not reached\n"
    assert run(["hoffman", str(path), "--time-limit", "0"]) == 2
    assert "give a positive number of seconds" in capsys.readouterr().err


def test_within_a_time_limit_the_answer_is_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.npz"
    save(random_network([2, 4, 2], rng=3), path)
    assert hoffman(capsys, path, "--time-limit", "100") == hoffman(capsys, path)


def test_an_interrupted_run_keeps_its_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(matrices: object, **options: object) -> object:
        raise KeyboardInterrupt

    network = random_network([2, 4, 2], rng=3)
    whole = hoffman_report(network)
    monkeypatch.setattr("tropical.effective_radius.hoffman_over", interrupted)
    found = hoffman_report(network)
    assert (found.complete, found.reason) == (False, "interrupted")
    for known, full in zip(found.outputs, whole.outputs, strict=True):
        assert known.constant == replace(full.constant, exact=None)
        assert known.smallest == full.smallest


def test_an_expansion_that_is_too_large_is_refused_within_a_time_limit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.npz"
    save(random_network([1, 6, 6, 6, 1], rng=3), path)
    assert run(["hoffman", str(path), "--unpruned", "--time-limit", "100"]) == 2
    within = capsys.readouterr()
    assert run(["hoffman", str(path), "--unpruned"]) == 2
    assert capsys.readouterr() == within


def test_radii_about_another_centre() -> None:
    network = Network.from_layers([[[1], [1]], [[1, -1]]], [[-10, -12], [0]])
    (at_origin,), (near,) = effective_radii(network), effective_radii(network, [10])
    assert (at_origin.radius, near.radius) == (12, 2)
