"""No enumeration is made twice for one answer: how often each command walks down the whole tree of cells."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nn_bridge.cells.tree import CellTree
from nn_bridge.symbolic.realize import realize
from puiseux.console.cli import run
from puiseux.domains import pose
from puiseux.questions.count import count_and_keep, count_problem
from puiseux.random_networks import random_network
from puiseux.reading import load, save
from tropical.parsing import parse

NETS = Path(__file__).parents[1] / "data" / "nets"
SMALL = str(NETS / "d2_10_5_1_s0.npz")


@pytest.fixture
def walks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str]], int]:
    """Run a command and count the walks that begin at the root, in processes that it forks too."""
    log = tmp_path / "walks"
    log.touch()
    start = CellTree.start

    def counted(self: CellTree, subtree: object) -> None:
        if subtree.root == 0 and subtree.path == ():  # type: ignore[attr-defined]
            with open(log, "ab") as file:
                os.write(file.fileno(), b".")
        start(self, subtree)  # type: ignore[arg-type]

    monkeypatch.setattr(CellTree, "start", counted)

    def walks_of(arguments: list[str]) -> int:
        before = log.stat().st_size
        assert run(arguments) == 0
        return log.stat().st_size - before

    return walks_of


TOLD = {
    "count": (["count", SMALL], 1),
    "count a box": (["count", SMALL, "--domain", "box:-1,1", "--json"], 1),
    "statistics": (["statistics", SMALL], 1),
    "statistics in a process of its own": (["statistics", SMALL, "--by", "cells", "--time-limit", "60"], 1),
    "topology": (["topology", SMALL], 1),
    "monomials": (["monomials", SMALL], 1),
    "lipschitz": (["lipschitz", SMALL, "--domain", "box:-1,1"], 1),
}


@pytest.mark.parametrize(("arguments", "most"), TOLD.values(), ids=TOLD)
def test_cells_are_enumerated_once(arguments: list[str], most: int, walks: Callable[[list[str]], int]) -> None:
    assert walks(arguments) == most


def test_a_certificate_takes_the_cells_that_were_counted(tmp_path: Path, walks: Callable[[list[str]], int]) -> None:
    assert walks(["count", SMALL, "--certificate", str(tmp_path / "once.cert")]) == 1
    assert walks(["count", SMALL, "--certificate", str(tmp_path / "twice.cert"), "--workers", "2"]) == 2
    assert (tmp_path / "once.cert").read_bytes() == (tmp_path / "twice.cert").read_bytes()


def test_a_second_enumeration_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["count", SMALL, "--certificate", str(tmp_path / "net.cert"), "--memory", "8GiB"]) == 0
    assert "once more for the proof (memory: a count keeps fewer bytes a cell than a proof)" in capsys.readouterr().err


def test_a_picture_counts_looks_and_draws_each_window(tmp_path: Path, walks: Callable[[list[str]], int]) -> None:
    # on R^2: the guard counts, the cells choose the window, and two windows are drawn
    assert walks(["plot", SMALL, "-o", str(tmp_path / "net.png")]) == 4
    assert walks(["plot", SMALL, "-o", str(tmp_path / "net.png"), "--window", "-1,1"]) == 2


def test_a_report_enumerates_the_domain_once_and_each_window_once(
    tmp_path: Path, walks: Callable[[list[str]], int]
) -> None:
    save(random_network((2, 4, 1), rng=1), tmp_path / "net.npz")
    page = tmp_path / "net.html"
    walked = walks(["report", str(tmp_path / "net.npz"), "-o", str(page), "--domain", "box:-1,1"])
    assert "eft out" not in page.read_text()
    # the domain, its one window in the coordinates of the pictures, all of R^2 for the formula, and the complex that
    # the level of the output cuts, which three sets share
    assert walked == 4


NETWORKS = [SMALL, str(NETS / "d2_16_16_1_s0.npz"), str(NETS / "d3_16_16_1_s0.npz")]


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("domain", ["all", "box:-1,1"])
def test_the_counts_of_the_complex_are_those_of_the_stream(network: str, domain: str) -> None:
    problem = pose(load(network), domain)
    kept, found = count_and_keep(problem)
    streamed = count_problem(problem)
    assert kept.counts == streamed.counts
    assert (kept.exact, kept.complete, kept.engine, kept.domain) == (True, True, "cells", streamed.domain)
    assert found is not None
    assert found.cells == kept.cells


def test_equal_maps_that_meet_in_a_point_are_one_region_by_point() -> None:
    opposite = realize([parse("max(x1, x2, x1 + x2) - max(0, x1, x2)")])
    count, _ = count_and_keep(pose(opposite))
    assert (count.regions, count.regions_by_point) == (6, 3)


def test_a_limit_ends_the_enumeration_with_lower_bounds() -> None:
    problem = pose(load(NETS / "bunny_d2_4x32.npz"), None)
    reported: list[tuple[int, float]] = []
    count, found = count_and_keep(problem, max_cells=50, progress=lambda *told: reported.append(told))
    assert found is None
    assert (count.complete, count.exact, count.reason) == (False, False, "stopped at the limit of 50 cells")
    assert 50 < count.cells <= count_problem(problem).cells
    assert 1 <= count.affine_maps <= count.cells
    timed, none = count_and_keep(problem, time_limit=1e-6)
    assert none is None
    assert timed.reason is not None
    assert "time limit" in timed.reason


def test_progress_ends_with_the_whole() -> None:
    reported: list[tuple[int, float]] = []
    count, _ = count_and_keep(pose(load(NETWORKS[1])), progress=lambda *told: reported.append(told))
    assert reported[-1] == (count.cells, 1.0)
    assert sorted(reported) == reported
