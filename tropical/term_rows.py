"""Terms of polynomials as integer rows over common denominators."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from flint import fmpq

from polyhedra.errors import AlgebraError
from polyhedra.quoting import shown
from tropical.semiring import Scalar, finite, scalar

Exponent = tuple[fmpq, ...]
Term = tuple[Exponent, fmpq]
Row = tuple[int, ...]
"""(a_1, ..., a_n, c) of one term, over the polynomial's two denominators."""


def read_term(pair: Any, number: int) -> tuple[Exponent, Scalar]:
    """The exponent and the coefficient of a pair; ``number`` names the term in messages."""
    try:
        exponent, coefficient = pair
        values = list(exponent)
    except (TypeError, ValueError):
        raise AlgebraError(f"term {number} is no pair (exponent, coefficient): {shown(pair)}") from None
    return tuple(finite(v, f"exponent of term {number}") for v in values), scalar(coefficient)


def scaled(value: fmpq, denominator: int) -> int:
    """The numerator of a rational over a multiple of its denominator."""
    return int(value.p) * (denominator // int(value.q))


def divisors(rows: Sequence[Row], e: int, c: int) -> tuple[int, int]:
    """The common factors of all rows by which the denominators ``e`` and ``c`` can be divided."""
    for row in rows:
        if e == 1 and c == 1:
            break
        e = math.gcd(e, *row[:-1])
        c = math.gcd(c, row[-1])
    return e, c


def ratio(numerator: int, denominator: int) -> float:
    """The nearest float of a quotient of integers, infinite where it is out of range."""
    try:
        return numerator / denominator
    except OverflowError:
        return math.inf if numerator > 0 else -math.inf
