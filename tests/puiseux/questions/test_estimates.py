"""`estimate_cells` and ``count --estimate``: an estimate between proven bounds; what long counts say of themselves."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import puiseux
from nn_bridge.cells.core_problem import CoreProblem
from nn_bridge.cells.counting.estimate import AT_ONCE
from nn_bridge.cells.problem import cell_problem
from polyhedra.errors import PuiseuxError, UsageError
from polyhedra.memory import parse_bytes
from puiseux.console.cli import run
from puiseux.console.delayed import Delayed
from puiseux.domains import Problem
from puiseux.questions import estimates, outlook
from puiseux.questions.estimates import arrangement_bound
from puiseux.questions.outlook import MemoryLimit, Outlook, shown_outlook
from puiseux.random_networks import random_network
from tests.families import ENTRIES, NETS, network_of

LARGE = random_network([4, 24, 24, 24, 1], rng=1)
CELLS = 1_151_078


@pytest.mark.parametrize("entry", ENTRIES[::11], ids=lambda entry: str(entry["name"]))
def test_bounds_meet_where_all_cells_are_counted(entry: dict[str, object]) -> None:
    found = puiseux.estimate_cells(network_of(entry), probes=200, rng=0)
    assert found.exact
    assert (found.lower, found.upper, found.estimate) == (entry["cells"], entry["cells"], entry["cells"])
    assert found.interval == (entry["cells"], entry["cells"])


@pytest.mark.parametrize("entry", ENTRIES[::7], ids=lambda entry: str(entry["name"]))
def test_an_arrangement_has_at_least_the_cells_of_its_rank(entry: dict[str, int]) -> None:
    network = network_of(entry)
    assert arrangement_bound(network.stages[0]) <= entry["cells"]


@pytest.mark.parametrize("later", [[], [[[1, 2], [3, -4]]]], ids=["alone", "before another layer"])
def test_a_first_layer_without_weights_cuts_nothing(later: list[list[list[int]]]) -> None:
    weights = [[[0, 0], [0, 0]], *later, [[1, 1]]]
    found = puiseux.estimate_cells(puiseux.Network.from_layers(weights, [[1, -1]] * len(weights[:-1]) + [[0]]))
    assert found.exact
    assert (found.lower, found.upper) == (1, 1)


def test_an_estimate_lies_between_proven_bounds() -> None:
    found = puiseux.estimate_cells(LARGE, probes=400, rng=4)
    assert found.lower < CELLS < found.upper
    assert found.lower <= found.interval[0] <= CELLS <= found.interval[1] <= found.upper
    assert found.seed == 4
    assert found == puiseux.estimate_cells(LARGE, probes=400, rng=4)


def test_many_inputs_have_a_proven_lower_bound() -> None:
    found = puiseux.estimate_cells(random_network([40, 30, 20, 2], rng=1), seconds=0.3)
    assert 2**30 <= found.lower <= found.upper


def test_cells_of_the_first_stage_are_a_lower_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    network = random_network([5, 60, 20, 1], rng=1)
    found = puiseux.estimate_cells(network, probes=50, rng=1)
    assert found.lower_reason.startswith("cells of the first stage")
    assert 50 * AT_ONCE <= found.lower <= 5_985_198  # the cells of 60 hyperplanes in general position in R^5


def test_options_that_make_no_sense_are_refused() -> None:
    for options in ({"seconds": 1, "probes": 1}, {"seconds": 0}, {"seconds": float("nan")}, {"probes": 0}):
        with pytest.raises(UsageError):
            puiseux.estimate_cells(LARGE, **options)  # type: ignore[arg-type]


# ---------------------------------------------------------------- the command


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = run(list(words))
    out, err = capsys.readouterr()
    return code, out, err


def test_the_command_prints_one_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    puiseux.save(LARGE, tmp_path / "net.npz")
    code, out, _ = said(capsys, "count", str(tmp_path / "net.npz"), "--estimate", "0.5", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["confidence"] == 0.99
    assert found["lower"] <= CELLS <= found["upper"]
    assert found["counts"] == {"cells": found["lower"], "regions": None, "regions_by_point": None, "affine_maps": None}
    assert found["complete"] == found["exact"] == (found["lower"] == found["upper"])
    low, high = found["interval"]
    assert found["lower"] <= low <= high <= found["upper"]
    code, out, _ = said(capsys, "count", str(tmp_path / "net.npz"), "--estimate", "0.3", "--domain", "box:-1,1")
    assert code == 0
    assert "activation cells on box:-1,1" in out


def test_a_bound_by_parity_constraints_stands_beside_the_estimate(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("highspy")
    path = str(NETS / "d2_10_5_1_s0.npz")
    code, out, _ = said(capsys, "count", path, "--estimate", "1.5", "--domain", "box:-1,1", "--parity", "0.9", "--json")
    found = json.loads(out)
    cells = puiseux.count_regions(path, "box:-1,1").cells
    assert code == 0
    assert found["lower"] == found["upper"] == cells
    assert 1 <= found["parity"]["certain"] <= min(cells, found["parity"]["cells"])
    assert found["parity"]["confidence"] == 0.9
    large = puiseux.estimate_cells(LARGE, "box:-1,1", probes=10, parity=0.95, rng=1)
    assert large.parity is not None
    assert large.lower >= large.parity.certain
    assert "with probability 0.95, by parity constraints" in estimates.describe(large, "net")
    assert puiseux.estimate_cells(LARGE, "box:-1,1", probes=10, rng=1).to_json().keys().isdisjoint({"parity"})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--parity", "0.9"], "goes with --estimate"),
        (["--estimate", "1", "--parity", "1", "--domain", "box:-1,1"], "between 0 and 1"),
        (["--estimate", "1", "--parity", "0.9"], "bounded domain"),
        (["--estimate", "0"], "positive number of seconds"),
        (["--estimate", "soon"], "--estimate"),
        (["--estimate", "1", "--workers", "2"], "without --workers"),
        (["--estimate", "1", "--time-limit", "2"], "without --time-limit"),
        (["--estimate", "1", "--definitions"], "without --definitions"),
        (["--estimate", "1", "--engine", "tropical"], "--engine cells"),
        (["--estimate", "1", "--counts", "all"], "--counts"),
        ([str(NETS / "d2_16_16_1_s0.npz"), "--estimate", "1"], "one network"),
    ],
)
def test_the_command_refuses_in_one_line(options: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(capsys, "count", str(NETS / "d2_10_5_1_s0.npz"), *options)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words in err


def test_without_the_core_there_is_no_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimates, "runs_plain", lambda: True)
    with pytest.raises(PuiseuxError, match="compiled core"):
        puiseux.estimate_cells(LARGE, probes=10)


# ---------------------------------------------------------------- what a long count says


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at a count as soon as it has cells, whatever share of it seems to be done."""
    monkeypatch.setattr(outlook, "FIRST_LOOK", 1e-6)
    monkeypatch.setattr(outlook, "_SURELY_SHORT", 1.0)
    monkeypatch.setattr(outlook, "_SHARE", 0.5)


# Neither count ends within its two seconds on a machine a hundred times as fast, and neither line rests on the pace: in
# a bounded domain no number of cells is proven, and the estimate of 3e8 cells is more than a "day" of a millisecond
# allows at any pace; a first stage with 2^60 cells takes real days at any pace.
@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("sizes", "domain", "day", "words"),
    [
        (
            [4, 100, 100, 100, 1],
            "box:-9,9",
            1e-3,
            r"about \de\d+ cells by estimate, \d\S* years of work at this pace",
        ),
        ([60, 60, 20, 1], "all", None, r"more than 1.15e18 cells, over \d\S* (days|years) of work at this pace"),
    ],
    ids=["by a sample", "by a proven minimum"],
)
def test_a_count_of_more_than_a_day_says_so_once(
    sizes: list[int],
    domain: str,
    day: float | None,
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outlook, "_AGAIN", 1.0)  # each report is looked at
    if day is not None:
        monkeypatch.setattr(outlook, "DAY", day)
    path = tmp_path / "net.npz"
    puiseux.save(random_network(sizes, rng=1), path)
    code, out, err = said(
        capsys, "count", str(path), "--domain", domain, "--counts", "cells", "--time-limit", "2", "--json"
    )
    assert code == 3
    assert json.loads(out)["complete"] is False
    (line,) = [line for line in err.splitlines() if "the count goes on" in line]
    assert re.search(words, line)
    assert all(way in line for way in ("--domain slice", "puiseux explore", "--estimate"))


@pytest.mark.usefixtures("at_once")
def test_all_four_counts_say_their_memory_beforehand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    puiseux.save(LARGE, tmp_path / "net.npz")
    _, _, err = said(capsys, "count", str(tmp_path / "net.npz"), "--time-limit", "2", "--memory", "9GB")
    lines = [line for line in err.splitlines() if "are expected to take" in line]
    assert len(lines) == 1
    told = re.search(r"about ([\de]+) cells are expected to take ([\d.]+ [MG]B)", lines[0])
    assert told is not None
    assert CELLS / 30 < float(told[1]) < 30 * CELLS
    assert parse_bytes(told[2]) > 50_000_000
    assert lines[0].endswith("; 9.0 GB are allowed")


@pytest.mark.usefixtures("at_once")
def test_too_little_memory_is_said_with_the_ways_out() -> None:
    problem = cell_problem(LARGE)
    assert problem is not None
    lines: list[str] = []
    limit = MemoryLimit.of("20MB")
    watched = Outlook(Problem(LARGE, None, "all"), lambda cells, share: None, lines.append, limit)
    watched.posed(problem, lambda: CoreProblem(problem))
    for share in (0.4, 0.5):
        time.sleep(0.06)
        watched(400_000, share)
        time.sleep(0.3)  # more than four times as long: it is looked at again
    watched.close()
    (line,) = lines
    assert "about 1e6 cells are expected to take" in line
    assert "20 MB are allowed, which is too little. Ways out: --counts cells" in line
    assert "--memory SIZE" in line


@pytest.mark.usefixtures("at_once")
def test_the_sample_for_an_outlook_is_no_memory_of_the_count(monkeypatch: pytest.MonkeyPatch) -> None:
    import nn_bridge.cells.counting.estimate

    problem = cell_problem(LARGE)
    assert problem is not None
    held = [100_000_000]  # bytes of the process; the count then takes 8 MB, and the sample, with its libraries, 64 MB
    sample = nn_bridge.cells.counting.estimate.sample_cells

    def costly(*given: Any, **options: Any) -> object:
        held[0] += 64_000_000
        return sample(*given, **options)

    monkeypatch.setattr(outlook, "resident_bytes", lambda: held[0])
    monkeypatch.setattr(nn_bridge.cells.counting.estimate, "sample_cells", costly)
    lines: list[str] = []
    watched = Outlook(Problem(LARGE, None, "all"), lambda cells, share: None, lines.append, MemoryLimit.of("9GB"))
    watched.posed(problem, lambda: CoreProblem(problem))
    held[0] += 8_000_000
    time.sleep(0.06)  # of which the sample may take a half
    watched(800_000, 0.8)
    watched.close()
    (line,) = lines
    assert held[0] == 172_000_000
    each = re.search(r"\((\d+) bytes a cell\)", line)
    assert each is not None
    assert 10 <= int(each[1]) <= 50  # 10 of the count, the rest for sorting; 90 more with those of the sample


@pytest.mark.usefixtures("at_once")
def test_python_is_told_the_memory_where_progress_is_on(capsys: pytest.CaptureFixture[str]) -> None:
    puiseux.count_regions(LARGE, progress=True, max_cells=400_000)
    lines = [line for line in capsys.readouterr().err.splitlines() if "are expected to take" in line]
    assert len(lines) == 1
    assert "GB are there" in lines[0]
    puiseux.count_regions(LARGE, progress=True, max_cells=400_000, counts="cells")
    assert "are expected to take" not in capsys.readouterr().err


def test_an_estimate_says_the_memory_of_the_four_counts() -> None:
    found = puiseux.estimate_cells(LARGE, probes=300, rng=2)
    memory = found.to_json()["memory"]
    assert 8 < memory["bytes_a_cell"] < 40
    assert found.estimate is not None
    assert abs(memory["bytes"] - memory["bytes_a_cell"] * found.estimate) < 100_000_000
    assert memory["free"] > 0
    assert "for all four counts" in estimates.describe(found, "net")


@pytest.mark.usefixtures("at_once")
def test_short_counts_say_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    puiseux.save(LARGE, tmp_path / "net.npz")
    code, out, err = said(capsys, "count", str(tmp_path / "net.npz"), "--counts", "cells", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["counts"]["cells"] == CELLS


def posed_outlook(sizes: list[int], lines: list[str]) -> Outlook:
    network = random_network(sizes, rng=1)
    problem = cell_problem(network)
    assert problem is not None
    watched = Outlook(Problem(network, None, "all"), lambda cells, share: None, lines.append)
    watched.posed(problem, lambda: CoreProblem(problem))
    return watched


def test_a_tiny_share_is_said_where_a_cell_is_too_large_for_an_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(outlook, "time", SimpleNamespace(monotonic=lambda: now))
    lines: list[str] = []
    watched = posed_outlook([60, 60, 60, 1], lines)  # a cell of the second stage has more rays than can be listed
    now += outlook.FIRST_LOOK - 0.01
    watched(10**30, 1e-12)  # a pace at which the first stage alone, 2^60 cells, takes no day
    assert lines == []
    now += 0.02
    watched(10**30, 1e-12)
    watched.close()
    assert len(lines) == 1
    assert "only 1e-12 of the tree of cells is done after 5 s" in lines[0]


def test_no_news_has_a_proven_bound_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting: list[tuple[float, Callable[[], None]]] = []

    class ByHand(Delayed):
        def __init__(self, seconds: float, function: Callable[[], None]) -> None:
            super().__init__(3600.0, function)
            waiting.append((seconds, function))

    monkeypatch.setattr(outlook, "Delayed", ByHand)
    lines: list[str] = []
    watched = posed_outlook([40, 60, 1], lines)
    ((seconds, speak),) = waiting
    assert seconds == 15
    speak()
    watched.close()
    (line,) = lines
    assert f"no cell in 15 s, and there are more than {2**39 * 22:,}" in line  # 2^(r - 1) (N - r + 2)


def test_no_news_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlook, "NO_CELL", 0.02)
    lines: list[str] = []
    watched = Outlook(Problem(LARGE, None, "all"), lambda cells, share: None, lines.append)
    last = time.monotonic() + 60
    while not lines and time.monotonic() < last:
        time.sleep(0.01)
    watched.close()
    assert len(lines) == 1
    assert "no cell" in lines[0]
    with shown_outlook(Problem(LARGE, None, "all")) as progress:
        progress(1, 0.0)
