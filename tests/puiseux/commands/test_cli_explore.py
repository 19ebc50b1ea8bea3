"""``puiseux explore``: the contract of its JSON, the lines of cells, limits and bad input."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from threading import Event
from time import sleep
from typing import Any

import numpy as np
import pytest

import puiseux
from nn_bridge.exploration import LocalCells
from nn_bridge.network.network import Network
from puiseux.console.cli import run
from puiseux.console.delayed import Delayed
from puiseux.questions import outlook


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    """max(0, x) + max(0, x - 1) + max(0, y): 6 cells, all with maps of their own."""
    path = tmp_path / "grid.json"
    puiseux.save(Network.from_layers([[[1, 0], [1, 0], [0, 1]], [[1, 1, 1]]], [[0, -1, 0], [0]]), path)
    return path


def test_a_walk_without_a_cell_says_so_once(
    grid: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = LocalCells.at
    spoken = Event()

    class Noted(Delayed):
        def __init__(self, seconds: float, function: Callable[[], None]) -> None:
            super().__init__(seconds, lambda: (function(), spoken.set())[0])

    monkeypatch.setattr(outlook, "Delayed", Noted)
    for seconds, late, lines in ((60.0, False, 0), (0.05, True, 1)):
        monkeypatch.setattr(outlook, "NO_CELL", seconds)
        monkeypatch.setattr(
            LocalCells, "at", lambda home, point, late=late: (late and spoken.wait(60), found(home, point))[1]
        )
        assert run(["explore", str(grid), "--at", "1/2,1/2", "--max-cells", "1"]) == 0
        out, err = capsys.readouterr()
        assert "cells    1" in out
        assert (
            err.count("network with 2 inputs may take very long; the walk goes on. Ways out: --domain slice") == lines
        )


def test_nothing_is_said_once_there_is_a_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlook, "NO_CELL", 0.5)
    said: list[str] = []
    with outlook.told_without_cell(2, said.append) as seen:
        seen()
        sleep(0.7)
    assert said == []


def answer(capsys: pytest.CaptureFixture[str], path: Path, *options: str, code: int = 0) -> dict[str, Any]:
    assert run(["explore", str(path), "--json", *options]) == code
    return json.loads(capsys.readouterr().out)


def test_the_object(grid: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, grid, "--at", "1/2,0.5")
    assert found.pop("seconds") >= 0
    assert found == {
        "network": {"input_dim": 2, "hidden": [3], "output_dim": 1},
        "domain": "all",
        "start": ["1/2", "1/2"],
        "order": "breadth",
        "seed": None,
        "cells": 6,
        "facets": 7,
        "regions": 6,
        "facets_found": "all",
        "facets_at_most": None,
        "rays": None,
        "exhausted": True,
        "distance": 2,
        "complete": True,
        "reason": None,
    }


def test_limits_that_were_asked_for_are_no_failure(grid: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = answer(capsys, grid, "--at", "1/2,1/2", "--max-distance", "1")
    assert (few["cells"], few["facets"], few["exhausted"], few["complete"]) == (4, 7, False, True)
    two = answer(capsys, grid, "--at", "1/2,1/2", "--max-cells", "2", "--order", "random", "--seed", "3")
    assert (two["cells"], two["exhausted"], two["seed"]) == (2, False, 3)


def test_a_start_on_a_wall_starts_in_all_cells_that_hold_it(grid: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, grid, "--at", "0,0", "--max-distance", "0")["cells"] == 4


def test_lines_of_cells(grid: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "cells.jsonl"
    found = answer(capsys, grid, "--at", "1/2,1/2", "--domain", "box:0,1", "-o", str(file))
    assert (found["cells"], found["facets"], found["exhausted"]) == (1, 4, True)
    (line,) = map(json.loads, file.read_text().splitlines())
    facets = line.pop("facets")
    assert line == {"pattern": "101", "distance": 0, "bounded": True, "point": ["1/2", "1/2"]}
    assert {(tuple(facet["a"]), facet["b"]) for facet in facets} == {
        (("-1", "0"), "0"),
        (("1", "0"), "1"),
        (("0", "-1"), "0"),
        (("0", "1"), "1"),
    }


def test_regions_join_cells_of_one_map_where_all_are_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "twice.json"
    # |x| + |x| - 2 |x| = 0 on both sides: one region; then 0 on both outer parts of a hat: two regions of one map
    puiseux.save(Network.from_layers([[[1], [-1]], [[0, 0]]]), path)
    assert answer(capsys, path, "--at", "1")["regions"] == 1
    hat = Network.from_layers([[[1], [1], [1]], [[1, -2, 1]]], [[0, -1, -2], [0]])
    puiseux.save(hat, path)
    assert answer(capsys, path, "--at", "1")["regions"] == puiseux.count_regions(hat).regions == 4
    assert answer(capsys, path, "--at", "1/2", "--max-cells", "1")["regions"] == 1


def test_the_text(grid: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explore", str(grid), "--at", "1/2,1/2", "--max-distance", "1"]) == 0
    text = capsys.readouterr().out
    assert "cells around (1/2, 1/2) on all of R^2, breadth first" in text
    assert "4 (up to 1 facet away; there are more)" in text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--at", "1"], "the start has 1 number, the network reads 2"),
        (["--at", "1,x"], "'x' is not a number"),
        (["--at", "2,2", "--domain", "box:-1,1"], "outside the domain"),
        (["--at", "0,0", "--order", "deep"], "there is no order 'deep'"),
        (["--at", "0,0", "--max-cells", "0"], "max-cells"),
        (["--at", "0,0", "--facets", "few"], "there are no facets 'few'; use auto, all, some"),
        (["--at", "0,0", "--rays", "5"], "goes with some facets"),
        (["--at", "0,0", "--facets", "some", "--order", "nearest"], "do not go with order nearest"),
        (["--at", "0,0", "--facets", "some", "--workers", "2"], "do not go with workers"),
        (["--at", "0,0", "--facets", "some", "--checkpoint", "walk"], "do not go with a checkpoint"),
        (["--at", "2,2", "--domain", "box:-1,1", "--facets", "some"], "outside the domain"),
        ([], "--at"),
    ],
)
def test_bad_input(grid: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str) -> None:
    assert run(["explore", str(grid), *options]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert len(error.splitlines()) == 1


def test_a_limit_in_time_ends_the_walk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wide.npz"
    puiseux.save(puiseux.random_network([3, 40, 40, 1], rng=0), path)
    found = answer(capsys, path, "--at", "0,0,0", "--time-limit", "0.5", "--max-cells", "100000", code=3)
    assert found["complete"] is False
    assert "time limit of 0.5 s" in found["reason"]
    assert found["exhausted"] is False


def test_facets_by_rays_are_said_to_be_some(grid: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "cells.jsonl"
    found = answer(capsys, grid, "--at", "1/2,1/2", "--facets", "some", "--max-cells", "1", "-o", str(file))
    assert (found["cells"], found["facets"], found["facets_found"], found["facets_at_most"]) == (1, 3, "some", 3)
    assert found["rays"] > 0
    (line,) = map(json.loads, file.read_text().splitlines())
    assert line == {
        "pattern": "101",
        "distance": 0,
        "facets": [{"units": [[0, k]], "walls": []} for k in range(3)],
        "bounded": False,
        "point": ["1/2", "1/2"],
        "facets_at_most": 3,
    }
    few = answer(capsys, grid, "--at", "1/2,1/2", "--facets", "some", "--rays", "1", "--max-cells", "1")
    assert (few["facets"], few["facets_at_most"], few["rays"], few["exhausted"]) == (1, 3, 1, False)
    assert run(["explore", str(grid), "--at", "1/2,1/2", "--facets", "some", "--rays", "1", "--max-cells", "1"]) == 0
    assert "facets   1 (at least, met by rays; at most 3)" in capsys.readouterr().out
    # beyond x = 1 nothing proves that x = 0 is no facet: cells and facets are lower bounds, though they are all
    every = answer(capsys, grid, "--at", "1/2,1/2", "--facets", "some")
    assert (every["cells"], every["facets"], every["facets_at_most"], every["exhausted"]) == (6, 7, 11, False)
    assert run(["explore", str(grid), "--at", "1/2,1/2", "--facets", "some", "--max-distance", "0"]) == 0
    assert "facets   3 (met by rays, these are all)" in capsys.readouterr().out


def test_large_networks_have_facets_by_rays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wide.npz"
    rng = np.random.default_rng(3)
    wide = [rng.integers(-9, 10, (514, 513)) * (rng.random((514, 513)) < 0.02), rng.integers(-9, 10, (2, 514))]
    puiseux.save(Network.from_layers(wide, [[1] * 514, [0, 0]]), path)
    at = ["--at", ",".join(["1/7"] * 513), "--max-cells", "1"]
    found = answer(capsys, path, *at)
    assert (found["cells"], found["facets_found"], found["complete"]) == (1, "some", True)
    assert 400 < found["facets"] <= found["facets_at_most"] <= 514
    limited = answer(capsys, path, *at, "--time-limit", "0.001", code=3)
    assert (limited["complete"], limited["exhausted"]) == (False, False)


def test_in_python() -> None:
    bent = Network.from_layers([[[1], [1]], [[1, 1]]], [[0, -1], [0]])
    assert [visit.cell.pattern_text for visit in puiseux.explore(bent, [2], order="nearest")] == ["11", "10", "00"]
    with pytest.raises(puiseux.UsageError, match="max_cells is 0"):
        puiseux.explore(bent, [2], 0)
