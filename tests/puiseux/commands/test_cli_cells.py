"""``puiseux count`` by the engine ``cells``: options, limits, interruptions, checkpoints, what is said meanwhile."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from nn_bridge.cells.counting import count as cell_count
from nn_bridge.cells.counting import found_leaves
from nn_bridge.cells.counting import jobs as cell_jobs
from puiseux.console.cli import run
from puiseux.console.waiting import CellProgress
from puiseux.reading import load

NETS = Path(__file__).parents[2] / "data" / "nets"
SMALL, LARGE, ENDLESS = (str(NETS / f"{name}_s0.npz") for name in ("d2_10_5_1", "d4_16_16_1", "d8_24_24_1"))
FOUR = {"cells": 119, "regions": 119, "regions_by_point": 119, "affine_maps": 119}


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """Compile before the test whatever is compiled at its first use, so that nothing is announced."""
    cell_count.count_cells(load(SMALL))


@pytest.fixture
def many_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(found_leaves, "LEAVES_AT_ONCE", 200)
    monkeypatch.setattr(cell_jobs, "CELLS_AT_ONCE", 200)
    monkeypatch.setattr(cell_count, "_FAR", 0.0)


def said(arguments: list[str], capsys: pytest.CaptureFixture[str], code: int = 0) -> tuple[dict[str, Any], str]:
    """The one object on stdout, and stderr."""
    assert run([*arguments, "--json"]) == code
    captured = capsys.readouterr()
    assert captured.out.count("\n") == 1
    return json.loads(captured.out), captured.err


@pytest.mark.parametrize("options", [[], ["--engine", "cells"], ["--workers", "2"], ["--counts", "all"]])
def test_four_counts(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    result, errors = said(["count", SMALL, *options], capsys)
    assert result["counts"] == FOUR
    assert (result["engine"], result["complete"], "reason" in result) == ("cells", True, False)
    assert errors == ""


def test_cells_alone(capsys: pytest.CaptureFixture[str]) -> None:
    result, _ = said(["count", SMALL, "--counts", "cells"], capsys)
    assert result["counts"] == {"cells": 119, "regions": None, "regions_by_point": None, "affine_maps": None}
    assert (result["complete"], result["reason"]) == (True, "only cells were asked for")


def test_one_output_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.json"
    layers = [
        {"weights": [[1, 0], [0, 1]], "bias": [0, 0], "activation": "relu"},
        {"weights": [[1, 1], [1, 0]], "bias": [0, 0], "activation": "linear"},
    ]
    path.write_text(json.dumps({"format": "puiseux-network", "version": 1, "input_dim": 2, "layers": layers}))
    assert said(["count", str(path)], capsys)[0]["counts"]["regions"] == 4
    second = said(["count", str(path), "--output", "1"], capsys)[0]["counts"]
    assert second == {"cells": 4, "regions": 2, "regions_by_point": 2, "affine_maps": 2}


def test_on_a_slice_and_a_polyhedron(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plane = tmp_path / "plane.json"
    content = {
        "format": "puiseux-slice",
        "version": 1,
        "origin": [0, 0, 0, 0],
        "directions": [[1, 0, 0, 0], [0, 1, 1, 0]],
    }
    plane.write_text(json.dumps(content))
    cells = said(["count", LARGE, "--domain", f"slice:{plane}"], capsys)[0]["counts"]["cells"]
    plane.write_text(json.dumps({**content, "domain": "box:-1,1"}))
    assert 10 < said(["count", LARGE, "--domain", f"slice:{plane}"], capsys)[0]["counts"]["cells"] < cells
    half = tmp_path / "half.json"
    half.write_text(json.dumps({"format": "puiseux-polyhedron", "version": 1, "A": [[1, 0]], "b": [0]}))
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"format": "puiseux-polyhedron", "version": 1, "A": [[-1, 0]], "b": [0]}))
    parts = [
        said(["count", SMALL, "--domain", f"polyhedron:{path}"], capsys)[0]["counts"]["cells"] for path in (half, other)
    ]
    assert max(parts) < 119 < sum(parts)


@pytest.mark.usefixtures("many_slices")
def test_limits_print_lower_bounds_and_return_3(capsys: pytest.CaptureFixture[str]) -> None:
    for option, value, reason in (
        ("--max-cells", "1000", "stopped at the limit of 1,000 cells"),
        ("--time-limit", "0.05", "stopped at the time limit of 0.05 s"),
        ("--memory", "1MB", "stopped at the memory limit of 1 MiB"),
    ):
        network = LARGE if option == "--max-cells" else ENDLESS
        result, errors = said(["count", network, option, value], capsys, code=3)
        assert (result["complete"], result["reason"]) == (False, reason)
        assert all(1 <= count <= result["counts"]["cells"] for count in result["counts"].values())
        assert errors == f"puiseux: {reason}: the numbers are lower bounds\n"


def test_a_table_of_lower_bounds(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["count", SMALL, "--max-cells", "20"]) == 3
    text = capsys.readouterr().out
    assert re.search(r"cells +>= \d+ ", text)
    assert "incomplete: lower bounds only (stopped at the limit of 20 cells)" in text


@pytest.mark.usefixtures("many_slices")
def test_a_checkpoint_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "saved")
    said(["count", LARGE, "--counts", "cells", "--checkpoint", folder, "--max-cells", "3000"], capsys, code=3)
    result, _ = said(["count", LARGE, "--counts", "cells", "--checkpoint", folder], capsys)
    assert (result["counts"]["cells"], result["complete"]) == (34463, True)
    assert run(["count", SMALL, "--checkpoint", folder]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        f"puiseux: {folder}: the checkpoint belongs to another network; delete the folder to start anew, or choose "
        "another one\n"
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--engine tropical --workers 2", "the engine 'tropical' has no option workers; it belongs to cells"),
        ("--engine tropical --max-cells 5", "the engine 'tropical' has no option max-cells; it belongs to cells, milp"),
        ("--workers 0", "workers=0: at least one has to work"),
        ("--workers two", "--workers"),
        ("--time-limit 0", "a time limit of 0.0 s leaves no time"),
        ("--max-cells -1", "a limit of -1 cells leaves nothing to find"),
        ("--memory much", "memory 'much' is not a size; write it like 500MB or 2GiB"),
        ("--counts some", "counts='some': take one of all, cells"),
        (f"--checkpoint {SMALL}", "can't be used as a checkpoint folder"),
    ],
)
def test_refusals(line: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["count", SMALL, *line.split()]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.fullmatch(r"puiseux: [^\n]+\n", captured.err)
    assert message in captured.err


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_prints_what_was_found_and_returns_130(workers: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "puiseux", "count", ENDLESS, "--counts", "cells", "--json", "--workers", workers]
    log = tmp_path / "saved" / "slices.log"
    process = subprocess.Popen(
        [*command, "--checkpoint", str(log.parent)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 300
    while not (log.exists() and log.stat().st_size) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    out, errors = process.communicate(timeout=100)
    assert process.returncode == 130
    result = json.loads(out)
    assert (result["complete"], result["reason"]) == (False, "interrupted")
    assert result["counts"]["cells"] > 1
    assert errors == "puiseux: interrupted\n"


# -------------------------------------------------------------------------- waiting


def test_progress_is_for_terminals(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with CellProgress() as progress:
        progress(10, 0.5)
        monkeypatch.setattr(progress, "_begun", time.monotonic() - 5)
        progress(1234567, 0.25)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    with CellProgress() as progress:
        progress(10, 0.5)
        assert capsys.readouterr().err == "", "nothing within the first second"
        monkeypatch.setattr(progress, "_begun", time.monotonic() - 5)
        progress(1234567, 0.25)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "1,234,567 cells" in captured.err
    assert "25 %" in captured.err
