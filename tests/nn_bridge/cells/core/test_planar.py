"""What counting tells from values alone, against exact binary fractions, and wrong bounds that have to be found.

``planar.cpp`` asks for quadrants, zeros on an edge and the cells of polygons, where ties are near.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


PLANTED = (
    # what is wrong: the expression in the core, and what stands there instead
    ("errors of ratios left out", "(e_above + ratio * e_below) / below * 2", "0.0"),
    ("errors of places on an edge or a side left out", "(va / total * eb + vb / total * ea) / room * UP", "0.0"),
    ("errors of the lines left out", "std::max(rows.error, error * scale)", "0.0"),
    ("a table of places too far off", "least * (doubt - 5 * UNIT_ROUNDOFF) > 2 * UP * forms.error", "least > 0"),
    ("errors of crossings left out", "(2 * forms.error / s + 5 * UNIT_ROUNDOFF) * UP", "0.0"),
)


@pytest.fixture(scope="module")
def program(compile_planted):
    return compile_planted(HERE / "planar.cpp", [where for _, *where in PLANTED])


def run(command: list[str], planted: int = 0) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PUISEUX_PLANTED": str(planted)}
    return subprocess.run([*command, "1", "10000"], env=environment, capture_output=True, text=True, check=False)


def test_every_answer_is_right(program):
    done = run(program)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert {kind for kind, _, _ in lines} == {"polygons", "quadrants", "zeros on an edge"}
    for kind, checks, told in lines:
        assert int(checks) == 10_000, kind
        assert 0.1 < float(told) < 0.95, kind


@pytest.mark.parametrize("number", range(1, len(PLANTED) + 1), ids=[name for name, *_ in PLANTED])
def test_a_wrong_bound_is_found(program, number):
    done = run(program, number)
    assert done.returncode == 1, done.stdout
    assert "does not hold" in done.stdout
