"""Normal forms of integer rows."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

from polyhedra.system import IntegerRow


def without_common_factor(row: Sequence[int]) -> IntegerRow:
    """The row divided by the greatest common divisor of its entries."""
    divisor = gcd(*row)
    return tuple(row) if divisor <= 1 else tuple([value // divisor for value in row])


def first_positive(row: IntegerRow) -> IntegerRow:
    """The row or its negative, whichever has a positive first non-zero entry: one form for both sides of a plane."""
    first = next((value for value in row if value), 0)
    return tuple(-value for value in row) if first < 0 else row
