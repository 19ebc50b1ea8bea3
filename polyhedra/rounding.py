"""Rounding: the unit roundoff of each float format, and floats on a given side of an exact number.

Every error bound in Python is a multiple of these constants.  (Compiled kernels keep copies of their own, since what
they read from other modules is frozen into them.)
"""

from __future__ import annotations

import math
import sys

from flint import fmpq

from polyhedra.scalars import rational, to_float

UNIT_ROUNDOFF = 2.0**-53
"""The largest relative error of one rounded operation in float64."""

SINGLE_ROUNDOFF = 2.0**-24
"""The same in float32."""


def round_down(value: fmpq) -> float:
    """A float64 that is at most an exact number: the nearest float, or the one below it.

    Examples
    --------
    >>> round_down(rational("1/3")) < rational("1/3"), round_down(rational("1e999")), round_down(rational("-1e999"))
    (True, 1.7976931348623157e+308, -inf)
    """
    nearest = to_float(value)
    if math.isinf(nearest):
        return min(nearest, sys.float_info.max)
    return nearest if rational(nearest) <= value else math.nextafter(nearest, -math.inf)


def round_up(value: fmpq) -> float:
    """A float64 that is at least an exact number: the nearest float, or the one above it.

    Zero is 0.0, never -0.0, which numpy would not take as an upper end of [0, 0].
    """
    return 0.0 - round_down(-value)
