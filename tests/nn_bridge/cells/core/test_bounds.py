"""The error bounds of the cell engine against exact binary fractions, and wrong bounds that have to be found.

``bounds.cpp`` checks forms, their values and signs (also through hidden values), new generators, points solved from
their facets, and rounded coordinates.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent

KINDS = {
    # kind of bound: fewest checks, least ratio of error and bound that has to occur (a bound must not be far too wide)
    "a form that is not live is zero": (50, 0.0),
    "certain signs": (10_000, 0.0),
    "coefficient of a form": (50_000, 0.05),
    "points between two others": (1_000, 0.3),
    "polished points": (1_000, 0.1),
    "rounded coordinates": (1_000, 0.2),
    "signs left open": (50, 0.0),
    "signs through hidden values": (1_000, 0.0),
    "size of a form": (10_000, 0.0),
    "sum of products": (1_000, 0.05),
    "the largest coordinate lies in [1/2, 1]": (500, 0.0),
    "value of a form": (10_000, 0.1),
    "value of a form, tight": (10_000, 0.1),
}


PLANTED = (
    # what is wrong: the expression in the core, and what stands there instead
    (
        "errors of the ends left out",
        "of_x * error_x + of_y * error_y + shift * (apart + error_x + error_y)",
        "shift * (apart + error_x + error_y)",
    ),
    ("errors of the values left out", "(of_x * ea + of_y * eb) * inverse_total", "0.0"),
    ("a tenth of the unit roundoff", "(count + 3) * UNIT_ROUNDOFF", "0.1 * (count + 3) * UNIT_ROUNDOFF"),
    ("errors of the forms below left out", "below.error(i) + rounding * below.size(i)", "rounding * below.size(i)"),
    (
        "a twentieth of the rounding of a sum of forms",
        "products(int(changes_.size()) + int(stage_.rounded) + 2)",
        "0.05 * products(int(changes_.size()) + int(stage_.rounded) + 2)",
    ),
    ("the error of the point left out", "size(j) * (e + products(last() + 1))", "size(j) * products(last() + 1)"),
    (
        "the error of the point left out of the tight bound",
        re.compile(r"(size\(j\)|row\(last \+ 1\)\[j\]) \* e(?=\) \* UP)"),
        "0.0",
    ),
    ("errors of the facets left out", "given.error(k) * norm * UP", "0.0"),
    ("the rounding of weights left out", "UNIT_ROUNDOFF * std::abs(z)", "0.0"),
    ("the rounding of exact vectors left out", "exact ? 0 : UNIT_ROUNDOFF", "0.0"),
    ("errors of hidden values left out", "std::abs(z) * below.tight_bound(i, x, e)", "0.0"),
)


@pytest.fixture(scope="module")
def program(compile_planted):
    return compile_planted(HERE / "bounds.cpp", [where for _, *where in PLANTED])


def run(command: list[str], seed: int, rounds: int, planted: int = 0) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PUISEUX_PLANTED": str(planted)}
    return subprocess.run(
        [*command, str(seed), str(rounds)], env=environment, capture_output=True, text=True, check=False
    )


def test_every_bound_holds(program):
    for seed in (1, 2):
        done = run(program, seed, 1000)
        assert done.returncode == 0, done.stdout + done.stderr
        lines = [line.split("\t") for line in done.stdout.splitlines()]
        found = {kind: (int(checks), float(worst)) for kind, checks, worst in lines}
        assert found.keys() == KINDS.keys()
        for kind, (checks, worst) in found.items():
            fewest, least = KINDS[kind]
            assert checks >= fewest, kind
            assert least <= worst <= 1, kind


@pytest.mark.parametrize("number", range(1, len(PLANTED) + 1), ids=[name for name, *_ in PLANTED])
def test_a_wrong_bound_is_found(program, number):
    done = run(program, 1, 2000, number)
    assert done.returncode == 1, done.stdout
    assert "the bound is" in done.stdout or "does not hold" in done.stdout
