"""``puiseux injective``: objects, exit codes and witnesses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import puiseux
from puiseux.console.cli import run


def asked(tmp_path: Path, capsys: pytest.CaptureFixture[str], last: Any, *options: str) -> tuple[int, dict[str, Any]]:
    path = tmp_path / "net.npz"
    np.savez(path, W0=[[1.0], [-1.0]], b0=[0.0, 0.0], W1=last, b1=np.zeros(len(last)))
    code = run(["injective", str(path), *options, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_witness_pair(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = asked(tmp_path, capsys, [[1.0, 1.0]])
    assert code == 1
    assert (found["injective"], found["complete"]) == (False, True)
    network = puiseux.load(tmp_path / "net.npz")
    first, second = (network.evaluate(point) for point in found["points"])
    assert first == second
    assert found["points"][0] != found["points"][1]
    assert [str(value) for value in first] == found["output"]
    assert run(["injective", str(tmp_path / "net.npz")]) == 1
    assert "have the same outputs" in capsys.readouterr().out
    assert asked(tmp_path, capsys, [[1.0, 1.0]], "--domain", "box:0,1")[0] == 0


def test_onto(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = asked(tmp_path, capsys, [[1.0, -2.0]], "--onto")
    assert code == 0
    assert (found["injective"], found["surjective"], found["target"], found["unreached"]) == (True, True, "R^m", None)
    assert run(["injective", str(tmp_path / "net.npz"), "--onto"]) == 0
    assert "onto R^m" in capsys.readouterr().out
    code, found = asked(tmp_path, capsys, [[1.0, -2.0]], "--onto", "--domain", "box:-1,3")
    assert code == 1
    assert found["injective"] is True
    assert not -2 <= puiseux.rational(found["unreached"][0]) <= 3
    assert run(["injective", str(tmp_path / "net.npz"), "--onto", "--domain", "box:-1,3"]) == 1
    assert "no input has the outputs" in capsys.readouterr().out


def test_open_at_a_limit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "big.npz")
    puiseux.save(puiseux.random_network([3, 24, 24, 9], rng=1), path)
    assert run(["injective", path, "--time-limit", "0.01", "--json"]) == 3
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert (found["injective"], found["complete"], found["reason"]) == (None, False, "time limit")
    assert "time limit: open" in captured.err
    assert run(["injective", path, "--time-limit", "0"]) == 2
