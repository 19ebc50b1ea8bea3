"""No Python file has more than 450 lines: a file is one idea."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("benchmarks", "docs", "milp", "nn_bridge", "polyhedra", "puiseux", "tests", "tools", "tropical")
MOST = 450
LONGER = {
    "nn_bridge/cells/_kernels.py": "compiled kernels, which the core replaces",
    "nn_bridge/cells/numba_tree.py": "the driver of these kernels, which the core replaces",
    "nn_bridge/sign_vectors/_kernels/cut.py": "compiled kernels, which the core replaces",
}


def python_files() -> list[Path]:
    return [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]


def test_files_are_short() -> None:
    files = python_files()
    lines = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert len(files) > 100
    assert {name: count for name, count in lines.items() if count > MOST and name not in LONGER} == {}
