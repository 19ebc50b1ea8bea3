"""A skipped test fails where everything is required; a missing GPU alone excuses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PLANTED = """
import pytest

def test_wants_a_solver():
    pytest.skip("no solver here")

def test_wants_a_gpu():
    pytest.skip("no GPU here")

@pytest.mark.xfail(reason="known")
def test_fails_as_known():
    assert False
"""


@pytest.mark.parametrize(("required", "failed", "skipped"), [("all", 1, 1), ("", 0, 2)])
def test_skips_are_judged(tmp_path: Path, required: str, failed: int, skipped: int) -> None:
    (tmp_path / "test_planted.py").write_text(PLANTED)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.plugin_required", "-p", "no:cacheprovider"]
    environment = os.environ | {"PUISEUX_REQUIRE": required, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""}
    done = subprocess.run(
        [*command, str(tmp_path)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == (1 if failed else 0)
    words = ([f"{failed} failed"] if failed else []) + [f"{skipped} skipped", "1 xfailed"]
    assert all(word in done.stdout for word in words), done.stdout


def test_a_module_that_is_skipped_is_judged(tmp_path: Path) -> None:
    (tmp_path / "test_planted.py").write_text('import pytest\npytest.importorskip("no_such_module")\n')
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.plugin_required", "-p", "no:cacheprovider"]
    environment = os.environ | {"PUISEUX_REQUIRE": "all", "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""}
    done = subprocess.run(
        [*command, str(tmp_path)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "lets nothing be skipped" in done.stdout
