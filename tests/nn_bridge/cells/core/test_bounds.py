"""The error bounds of the cell engine against exact binary fractions, and wrong bounds that have to be found.

``bounds.cpp`` checks forms, their values and signs, points solved from their facets, and rounded coordinates.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
CORE = ROOT / "nn_bridge" / "cells" / "core"

pytestmark = pytest.mark.skipif(not (CORE / "forms.hpp").exists(), reason="the cell engine's headers are not here yet")

KINDS = {
    # kind of bound: fewest checks, least ratio of error and bound that has to occur (a bound must not be far too wide)
    "a form that is not live is zero": (50, 0.0),
    "certain signs": (10_000, 0.0),
    "coefficient of a form": (50_000, 0.05),
    "points between two others": (1_000, 0.3),
    "polished points": (1_000, 0.1),
    "rounded coordinates": (1_000, 0.2),
    "size of a form": (10_000, 0.0),
    "sum of products": (1_000, 0.05),
    "the largest coordinate lies in [1/2, 1]": (500, 0.0),
    "value of a form": (10_000, 0.1),
    "value of a form, tight": (10_000, 0.1),
}


def compiled(compile_program, folder, *flags):
    """The program with the sources of what it calls, in a folder."""
    return compile_program(HERE / "bounds.cpp", *flags, *(str(folder / name) for name in ("exact.cpp", "polish.cpp")))


def run(command: list[str], seed: int, rounds: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*command, str(seed), str(rounds)], capture_output=True, text=True, check=False)


def test_every_bound_holds(compile_program):
    command = compiled(compile_program, CORE)
    for seed in (1, 2):
        done = run(command, seed, 1000)
        assert done.returncode == 0, done.stdout + done.stderr
        lines = [line.split("\t") for line in done.stdout.splitlines()]
        found = {kind: (int(checks), float(worst)) for kind, checks, worst in lines}
        assert found.keys() == KINDS.keys()
        for kind, (checks, worst) in found.items():
            fewest, least = KINDS[kind]
            assert checks >= fewest, kind
            assert least <= worst <= 1, kind


PLANTED = {
    "errors of the ends left out": (
        "bounds.hpp",
        "(of_x * error_x + of_y * error_y + shift",
        "(0 * of_x * error_x + 0 * of_y * error_y + shift",
    ),
    "errors of the values left out": (
        "bounds.hpp",
        "(of_x * ea + of_y * eb) * inverse_total",
        "0 * (of_x * ea + of_y * eb) * inverse_total",
    ),
    "a smaller unit roundoff": ("bounds.hpp", "UNIT_ROUNDOFF = 1.2e-16", "UNIT_ROUNDOFF = 1.2e-17"),
    "errors of the forms below left out": (
        "forms.hpp",
        "below.error(i) + rounding * below.size(i)",
        "rounding * below.size(i)",
    ),
    "a twentieth of the rounding of a sum of forms": (
        "forms.hpp",
        "+ int(stage_.rounded) + 2)",
        "+ int(stage_.rounded) + 2) * 0.05",
    ),
    "the error of the point left out": (
        "forms.hpp",
        "return size(j) * (e + products(last() + 1)) + slack(j);",
        "return size(j) * (0 * e + products(last() + 1)) + slack(j);",
    ),
    "errors of the facets left out": ("polish.cpp", "given.error(k) * norm * UP", "0 * given.error(k) * norm * UP"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_wrong_bound_is_found(compile_program, tmp_path, name):
    file, right, wrong = PLANTED[name]
    for folder in (ROOT / "polyhedra" / "core", CORE):
        for path in folder.glob("*.[ch]pp"):
            shutil.copy(path, tmp_path)
    text = (tmp_path / file).read_text()
    assert right in text
    (tmp_path / file).write_text(text.replace(right, wrong))
    done = run(compiled(compile_program, tmp_path, "-O0", f"-I{tmp_path}"), 1, 2000)
    assert done.returncode == 1, done.stdout
    assert "the bound is" in done.stdout or "does not hold" in done.stdout
