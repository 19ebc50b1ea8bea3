"""Kleene stars of numbers of up to 118 bits: each is held as two int64, value = high * 2^60 + low, 0 <= low < 2^60.

Entries of floats over a common denominator are of this size, and numpy has no integers for them.  Minus infinity has
the high part -2^61; finite ones stay within 2^58, so sums of two are told apart from it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_BITS = 60
_MASK = (1 << _BITS) - 1
_INFINITE = -(1 << 61)
_LOWEST = -(1 << 60)
LARGEST = 1 << (_BITS + 57)
"""Sums of two numbers up to this size stay within the range."""


def star(values: NDArray[Any], bound: int) -> int | None:
    """Replace Python integers by their Kleene star; return the first vertex on a positive cycle, if there is one.

    Parameters
    ----------
    values : array (n, n) of Python integers
        What is below -bound is minus infinity.
    bound : int
        At least the size of all path weights, and at most `LARGEST`.
    """
    n = len(values)
    finite = values >= -bound
    high = np.where(finite, values >> _BITS, _INFINITE).astype(np.int64)
    low = np.where(finite, values & _MASK, 0).astype(np.int64)
    places = np.arange(n)
    negative = high[places, places] < 0
    high[places[negative], places[negative]] = low[places[negative], places[negative]] = 0
    vertex = None
    for k in range(n):
        sums = low[:, k, np.newaxis] + low[np.newaxis, k]
        through = high[:, k, np.newaxis] + high[np.newaxis, k] + (sums >> _BITS)
        sums &= _MASK
        better = (through > high) | ((through == high) & (sums > low))
        better &= through > _LOWEST
        np.copyto(high, through, where=better)
        np.copyto(low, sums, where=better)
        diagonal = high[places, places]
        positive = (diagonal > 0) | ((diagonal == 0) & (low[places, places] > 0))
        if positive.any():
            vertex = int(np.flatnonzero(positive)[0])
            break
    whole = high.astype(object) * (1 << _BITS) + low
    values[:] = np.where(high > _LOWEST, whole, -3 * bound)
    return vertex


__all__ = ["LARGEST", "star"]
