"""``puiseux count --definitions`` and ``puiseux.count_definitions``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import puiseux
from puiseux.console.cli import run
from puiseux.questions.definitions import NAMES

LEAST = [[[0, 1], [-1, 1], [0, -1]], [[1, -1, -1]], [[1]]]
"""max(0, min(x, y)): 3 regions; it vanishes on an L, which is two convex pieces."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    puiseux.save(puiseux.as_network(LEAST), tmp_path / "least.json")
    return tmp_path / "least.json"


def test_six_numbers_of_a_network_known_by_hand() -> None:
    found = puiseux.count_definitions(LEAST)
    told = found.to_json()
    assert list(told) == [name for name, _ in NAMES]
    convex = told.pop("convex")
    assert told == {
        "patterns_any_dimension": 7,
        "cells": 5,
        "regions": 3,
        "regions_by_point": 3,
        "affine_maps": 3,
    }
    assert (convex["lower"], convex["upper"], convex["exact"]) == (4, 4, True)
    (divided,) = convex["divided"]
    assert (len(divided["pieces"]), len(divided["points"])) == (2, 2)
    assert found.complete


def test_the_command_prints_them_and_the_json_has_them(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["count", str(path), "--definitions"]) == 0
    text = capsys.readouterr().out
    lines = {line.split()[0]: line.split()[1] for line in text.splitlines() if line.startswith("  ")}
    assert lines["convex"] == "4"
    assert lines["patterns_any_dimension"] == "7"
    assert run(["count", str(path), "--definitions", "--json", "--domain", "box:-1,1"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["counts"] == {name: found["definitions"][name] for name in found["counts"]}
    assert found["definitions"]["convex"]["upper"] == 4


def test_without_the_option_nothing_is_added(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["count", str(path), "--json"]) == 0
    assert "definitions" not in json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("options", [["--counts", "cells"], ["--engine", "tropical"]])
def test_options_that_do_not_go_together(options: list[str], path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["count", str(path), "--definitions", *options]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "--definitions" in captured.err


def test_a_limit_leaves_what_is_known() -> None:
    network = puiseux.random_network([4, 20, 20, 1], rng=0)  # hours
    found = puiseux.count_definitions(network, time_limit=0.3)
    assert not found.complete
    told = found.to_json()
    assert told["patterns_any_dimension"] is None or told["convex"] is None or not told["convex"]["exact"]
    assert "-" in found.to_text() or " to " in found.to_text()


def test_the_reason_names_the_limit_that_was_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "large.json"
    puiseux.save(puiseux.random_network([4, 20, 20, 1], rng=0), path)
    assert run(["count", str(path), "--definitions", "--time-limit", "0.5"]) == 3
    assert "stopped at the time limit of 0.5 s: not every definition is exact" in capsys.readouterr().err
