"""Floats below and above exact numbers, and the one place of the rounding constants."""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from polyhedra.rounding import SINGLE_ROUNDOFF, UNIT_ROUNDOFF, round_down, round_up
from polyhedra.scalars import rational

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("polyhedra", "tropical", "nn_bridge", "milp", "puiseux")
LITERAL = re.compile(r"2(\.0)?\s*\*\*\s*-\s*(53|24)\b|ldexp\(1(\.0)?, -53\)|1\.11?[0-9]*e-16")
KERNELS = {
    "nn_bridge/sign_vectors/_kernels/layout.py",
    "polyhedra/_kernels.py",
    "tropical/_hull_kernels.py",
}
"""Compiled kernels, which keep copies of their own."""


@given(st.fractions())
def test_rounding_encloses_in_neighbours(value):
    exact = rational(value)
    low, high = round_down(exact), round_up(exact)
    assert rational(low) <= exact <= rational(high)
    assert high in (low, math.nextafter(low, math.inf))
    assert (low == high) == (rational(float(exact)) == exact)


def test_out_of_range():
    huge = rational("1e400")
    assert (round_down(huge), round_up(huge)) == (sys.float_info.max, math.inf)
    assert (round_down(-huge), round_up(-huge)) == (-math.inf, -sys.float_info.max)
    tiny = rational("1e-400")
    assert (round_down(tiny), round_up(tiny), round_down(-tiny)) == (0.0, 5e-324, -5e-324)


def test_roundoffs_are_those_of_the_formats():
    assert sys.float_info.epsilon == 2 * UNIT_ROUNDOFF
    assert np.float32(1) + np.float32(2 * SINGLE_ROUNDOFF) == np.nextafter(np.float32(1), np.float32(2))


def test_nothing_else_defines_a_roundoff():
    found = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if LITERAL.search(re.sub(r'"""[\s\S]*?"""|#.*', "", path.read_text(encoding="utf-8")))
    }
    assert found - KERNELS == {"polyhedra/rounding.py"}
