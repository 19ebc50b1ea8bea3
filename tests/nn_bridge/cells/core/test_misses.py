"""The bounds by which cells are left out, against exact binary fractions, and wrong bounds that have to be found.

``misses.cpp`` makes random networks, cells and errors, and asks for the bounds of the last stage's units.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
CORE = ROOT / "nn_bridge" / "cells" / "core"


def compiled(compile_program, folder, *flags):
    """The program with the sources of the bounds in a folder."""
    return compile_program(HERE / "misses.cpp", *flags, *(str(folder / name) for name in ("misses.cpp", "ranges.cpp")))


def run(command: list[str], seed: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*command, str(seed), "3000"], capture_output=True, text=True, check=False)


def test_every_bound_holds(compile_program):
    command = compiled(compile_program, CORE)
    for seed in (1, 2):
        done = run(command, seed)
        assert done.returncode == 0, done.stdout + done.stderr
        lines = [line.split("\t") for line in done.stdout.splitlines()]
        found = {kind: (int(checks), float(worst)) for kind, checks, worst in lines}
        assert found.keys() == {"cells left out", "later stages", "the next stage"}
        assert found.pop("cells left out")[0] > 1000
        for checks, worst in found.values():
            assert checks > 20_000
            assert 0.9 < worst <= 1


PLANTED = {
    "roundings of sums left out": (
        "const double lost = 3 * products(int(terms.size()) + later + 8);",
        "const double lost = 0;",
    ),
    "the error of the point left out": ("f * spread + size * off", "f * spread + size * (off - off)"),
    "a weight's sign left in the radius": ("r += absolute(w) * load(wide + i)", "r += w * load(wide + i)"),
    "the same, units side by side": ("r[k] += absolute(w) * e;", "r[k] += w * e;"),
    "a lower bound above the value": (
        "chosen(follow & ~zero, low, none)",
        "chosen((follow | ~follow) & ~zero & (low > none), low, none)",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_wrong_bound_is_found(compile_program, tmp_path, name):
    right, wrong = PLANTED[name]
    for folder in (ROOT / "polyhedra" / "core", CORE):
        for path in folder.glob("*.[ch]pp"):
            shutil.copy(path, tmp_path)
    text = (tmp_path / "ranges.cpp").read_text()
    assert text.count(right) == 1
    (tmp_path / "ranges.cpp").write_text(text.replace(right, wrong))
    done = run(compiled(compile_program, tmp_path, "-O0", f"-I{tmp_path}"), 1)
    assert done.returncode == 1, done.stdout
    assert "does not hold" in done.stdout
