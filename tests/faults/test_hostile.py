"""The short form of `tools/hostile.py`: hostile files of every format cost little and are refused in one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "hostile.py"
NEEDS = {"onnx": "onnx", "pt": "torch"}
KINDS = ("npz", "json", "onnx", "pt", "nnet", "domain", "vnnlib", "certificate", "checkpoint", "other", "name")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads from /proc what a process occupies")
@pytest.mark.parametrize("kind", KINDS)
def test_hostile_files_are_refused_within_their_budget(kind: str) -> None:
    if kind in NEEDS:
        pytest.importorskip(NEEDS[kind], reason=f"reads {kind} files")
    done = subprocess.run(
        [sys.executable, str(TOOL), "--short", "--kind", kind], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("0 of ")
