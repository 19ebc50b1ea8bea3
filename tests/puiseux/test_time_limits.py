"""Every command that can take long ends with its limit: exit code 3, one line, no answer on stdout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nn_bridge.network.network import Network
from polyhedra.errors import UsageError
from puiseux.commands.count import _certify
from puiseux.console.cli import run
from puiseux.console.exit_codes import ExitCode
from puiseux.domains import pose
from puiseux.questions.count import count_problem, count_regions
from puiseux.random_networks import parse_architecture, random_network
from puiseux.reading import load, save
from puiseux.studies.runner import run_study
from puiseux.time_limit import Stopped, within
from tests.pace import Stopwatch, slowness

NETS = Path(__file__).parents[1] / "data" / "nets"
LARGE = str(NETS / "d4_16_16_1_s0.npz")
MIDDLE = str(NETS / "d3_16_16_1_s0.npz")
ENDLESS = str(NETS / "d8_24_24_1_s0.npz")
SMALL = str(NETS / "d2_10_5_1_s0.npz")
HANGS = 60.0

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="limits of these commands need fork")


@needs_fork
@pytest.mark.parametrize("command", ["monomials", "statistics"])
def test_a_command_out_of_time(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    begun = time.monotonic()
    assert run([command, ENDLESS, "--time-limit", "0.5", "--json"]) == ExitCode.STOPPED
    assert time.monotonic() - begun < HANGS
    captured = capsys.readouterr()
    assert captured.out == ""
    said = [line for line in captured.err.splitlines() if "compiling the kernels" not in line]
    assert [line.startswith("puiseux: stopped at the time limit of 0.5 s: ") for line in said] == [True]


@needs_fork
def test_a_comparison_out_of_time(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Two forms of one function, which takes long to see."""
    network = random_network(parse_architecture("4,16,16,1"), rng=5)
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    save(network, first)
    weights = [[list(row) for row in layer.weights] for layer in network.layers or ()]
    biases = [list(layer.bias) for layer in network.layers or ()]
    weights[0].reverse()
    biases[0].reverse()
    weights[1] = [row[::-1] for row in weights[1]]
    save(Network.from_layers(weights, biases), second)
    assert run(["compare", str(first), str(second), "--time-limit", "0.5", "--json"]) == ExitCode.STOPPED
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "stopped at the time limit of 0.5 s" in captured.err


@needs_fork
def test_a_certificate_that_takes_too_long_is_neither(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "large.cert")
    assert run(["count", MIDDLE, "--certificate", path]) == ExitCode.DONE
    capsys.readouterr()
    assert run(["verify", path, "--time-limit", "0.1", "--json"]) == ExitCode.STOPPED
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "neither found valid nor invalid" in captured.err


def test_a_certificate_that_is_not_written_in_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The count is not lost with it, and no part of a file stays."""
    problem = pose(load(Path(SMALL)))
    target = tmp_path / "net.cert"
    assert not _certify(problem, count_problem(problem), None, target, 0.0)
    assert "not written: the time limit was reached" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    assert _certify(problem, count_problem(problem), None, target, 300.0)
    assert target.exists()


@needs_fork
@pytest.mark.parametrize("engine", ["tropical", "sign-vectors"])
def test_engines_without_a_clock(engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    begun = time.monotonic()
    command = ["count", ENDLESS, "--engine", engine, "--domain", "box:-1,1", "--time-limit", "0.3", "--json"]
    assert run(command) == ExitCode.STOPPED
    assert time.monotonic() - begun < HANGS
    captured = capsys.readouterr()
    answer = json.loads(captured.out)
    assert (answer["exact"], answer["complete"], answer["counts"]["cells"]) == (False, False, None)
    assert captured.err.endswith("stopped at the time limit of 0.3 s: there are no numbers yet\n")


@needs_fork
@pytest.mark.parametrize(
    "command",
    [["monomials", SMALL], ["statistics", SMALL], ["compare", SMALL, SMALL]],
    ids=["monomials", "statistics", "compare"],
)
def test_the_answer_within_a_limit_is_that_without(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command, "--json"]) == ExitCode.DONE
    without = json.loads(capsys.readouterr().out)
    assert run([*command, "--json", "--time-limit", "300"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out) == without


def test_a_study_out_of_time(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = str(tmp_path / "records")
    begun = time.monotonic()
    assert run(["study", "geometry", "--time-limit", "1.5", "-o", folder, "--json"]) == ExitCode.STOPPED
    assert time.monotonic() - begun < HANGS
    captured = capsys.readouterr()
    assert json.loads(captured.out)["complete"] is False
    assert "stopped at the time limit of 1.5 s" in captured.err
    assert captured.err.rstrip().endswith("run it again to go on")
    done = json.loads(captured.out)["trials"]
    again = run_study("geometry", time_limit=1.5, folder=folder)
    assert len(again.trials) >= done
    assert again.reason in (None, "stopped at the time limit of 1.5 s")


@pytest.mark.parametrize("command", ["monomials", "statistics", "verify", "study"])
@pytest.mark.parametrize("seconds", ["0", "-1", "nan"])
def test_a_limit_that_leaves_no_time(
    command: str, seconds: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    target = {"study": "depth", "verify": str(tmp_path / "none.cert")}.get(command, SMALL)
    assert run([command, target, "--time-limit", seconds]) == ExitCode.BAD_INPUT
    assert "leaves no time" in capsys.readouterr().err


@needs_fork
def test_whatever_the_task_does() -> None:
    with pytest.raises(Stopped, match=r"stopped at the time limit of 0\.2 s: wait longer"):
        within(0.2, lambda: time.sleep(HANGS), "wait longer")
    with pytest.raises(Stopped, match="its process died, for want of memory perhaps"):
        within(HANGS, lambda: os._exit(1))
    with pytest.raises(UsageError, match="wrong"):
        within(HANGS, lambda: _refuse())
    assert within(None, lambda: 7) == 7


def _refuse() -> None:
    raise UsageError("wrong")


def test_wide_networks_and_their_bounds_at_once(tmp_path: Path) -> None:
    """784,100,10 took 37 s and 33 s before any limit; 784,200,10 was silent for more than 90 s."""
    net = tmp_path / "wide.npz"
    save(random_network(parse_architecture("784,200,10"), rng=0), net)
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
    for arguments, code in ((["count", "--time-limit", "5"], 3), (["bounds", "--no-count"], 0)):
        watch = Stopwatch()
        command = [sys.executable, "-m", "puiseux", arguments[0], str(net), *arguments[1:], "--json"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)
        assert done.returncode == code, done.stderr
        assert watch.seconds < HANGS * slowness()
        answer = json.loads(done.stdout)
        if code:
            assert answer["exact"] is answer["complete"] is False
            assert answer["counts"]["cells"] > 1
        else:
            assert answer["upper"]["rank"] == 2**200


def test_a_stopped_count_says_so_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["count", LARGE, "--max-cells", "1", "--json"]) == ExitCode.STOPPED
    answer = json.loads(capsys.readouterr().out)
    assert (answer["exact"], answer["complete"]) == (False, False)
    assert run(["count", LARGE, "--max-cells", "1"]) == ExitCode.STOPPED
    text = capsys.readouterr().out
    assert "incomplete: lower bounds only" in text
    assert "\nexact" not in text
    assert run(["bounds", LARGE, "--time-limit", "0.001", "--json"]) == ExitCode.STOPPED
    answer = json.loads(capsys.readouterr().out)["exact"]
    assert (answer["exact"], answer["complete"]) == (False, False)
    result = count_regions(LARGE, max_cells=1)
    assert (result.exact, result.complete) == (False, False)
