"""Operands beside a polynomial in an expression, and arguments that a function is called with."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

from flint import fmpq

from tropical.semiring import MinusInfinity, Tropical


def is_number(value: Any) -> bool:
    """Whether a value is a tropical or ordinary number, which stands for a constant; text is none."""
    return isinstance(value, (numbers.Real, fmpq, Tropical, MinusInfinity)) and not isinstance(value, bool)


def is_list_of_points(values: Sequence[Any]) -> bool:
    """Whether the entries are points, not numbers: those of a list of lists, or of a two-dimensional array.

    Examples
    --------
    >>> is_list_of_points([[1, 2], [3, 4]]), is_list_of_points([1, 2]), is_list_of_points(["1/2"])
    (True, False, False)
    """
    first = values[0] if len(values) else None
    return isinstance(first, (list, tuple)) or getattr(first, "ndim", 0) > 0


def common_names(*operands: Any) -> tuple[str, ...] | None:
    """The names that all polynomials with names of their own agree on, None where there are none or two kinds.

    Examples
    --------
    >>> from tropical.polynomial import PuiseuxPolynomial
    >>> f, g = PuiseuxPolynomial("max(u, v)"), PuiseuxPolynomial("max(x, y)")
    >>> common_names(f, PuiseuxPolynomial.constant(0, 2)), common_names(f, g)
    (('u', 'v'), None)
    """
    known = {operand.names for operand in operands} - {None}
    return known.pop() if len(known) == 1 else None


__all__ = ["common_names", "is_list_of_points", "is_number"]
