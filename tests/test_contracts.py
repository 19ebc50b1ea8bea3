"""The import contracts of pyproject.toml say what they mean: each is broken by a violation that is planted."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("polyhedra", "tropical", "nn_bridge", "milp", "puiseux")
VIOLATIONS = {
    "packages: arrows one way": ("polyhedra/planted.py", "from tropical.semiring import Tropical"),
    "heavy optional libraries stay out of the core": ("nn_bridge/network/planted.py", "import torch"),
    "rooms of nn_bridge: arrows one way, and the routes know nothing of one another": (
        "nn_bridge/cells/planted.py",
        "def late():\n    from nn_bridge.sign_vectors import extract\n    return extract",
    ),
    "counting routes share no code but Network and polyhedra": (
        "nn_bridge/symbolic/planted.py",
        "import nn_bridge.cells.counting.count",
    ),
    "counting routes other than the symbolic one reach no tropical algebra": (
        "nn_bridge/cells/counting/planted.py",
        "from nn_bridge.cells.tropical_map import tropicalize_by_cells",
    ),
    "bounds: the value below the methods that find them": ("milp/bounds.py", "import milp.bounding"),
    "rooms of puiseux: arrows one way": (
        "puiseux/questions/planted.py",
        "def late():\n    from puiseux.pictures.plot import plot_regions\n    return plot_regions",
    ),
    "the plain cell engine needs the standard library alone": ("nn_bridge/cells/plain.py", "import numpy"),
    "the checker of fit certificates shares no code with anything": (
        "milp/training/fit_checker.py",
        "import numpy",
    ),
    "the certificate checker shares no code with anything": ("puiseux/certificates/checker.py", "import numpy"),
}


def lint(folder: Path) -> str:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300).stdout


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The answer of the linter for a copy of the packages with one violation of each contract."""
    folder = tmp_path_factory.mktemp("planted")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    for place, line in VIOLATIONS.values():
        path = folder / place
        earlier = path.read_text() if path.exists() else '"""Planted."""\n'
        path.write_text(f"{earlier}\n{line}\n")
    return lint(folder)


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_a_planted_violation_breaks_the_contract(contract: str, verdicts: str) -> None:
    assert f"{contract} BROKEN" in verdicts


def test_every_contract_is_tried(verdicts: str) -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert sorted(contract["name"] for contract in contracts) == sorted(VIOLATIONS)
    assert all(f"{contract['name']} BROKEN" in verdicts for contract in contracts)
