"""Data to be fitted, exactly: integer columns for the inputs and the bias, and an integer target.

A weight may be scaled by a positive number without changing which weights are zero, and so may all outputs: each column
and the target are multiplied by their common denominators, and weights are scaled back at the end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import fmpq

from polyhedra.errors import FormulationError
from polyhedra.quoting import shown
from polyhedra.scalars import ONE, common_denominator, rational, rounded_text

_DIGITS = 17  # of a number in a message


@dataclass(frozen=True, slots=True)
class FitData:
    """Samples with exact numbers, and the same in integers.

    Attributes
    ----------
    inputs : tuple of N rows of d rationals
    targets : tuple of N rationals
    columns : tuple of d + 1 columns of N integers
        Column i is that of input i times ``scales[i]``; the last is the bias's, all ones.
    goal : tuple of N integers
        The targets times ``goal_scale``.
    scales : tuple of d + 1 integers
    goal_scale : int
    """

    inputs: tuple[tuple[fmpq, ...], ...]
    targets: tuple[fmpq, ...]
    columns: tuple[tuple[int, ...], ...]
    goal: tuple[int, ...]
    scales: tuple[int, ...]
    goal_scale: int

    @property
    def samples(self) -> int:
        """N."""
        return len(self.targets)

    @property
    def features(self) -> int:
        """The number d of inputs."""
        return len(self.columns) - 1

    def useful(self, merged: bool = True) -> tuple[int, ...]:
        """The columns that are not zero; if merged, the last one alone of columns that are multiples of one another.

        A unit that reads several of these can read the one: with no more non-zeros, but perhaps a larger weight.
        """
        kept: dict[tuple[int, ...], int] = {}
        for i, column in enumerate(self.columns):
            if any(column):
                kept[_direction(column) if merged else (i,)] = i
        return tuple(sorted(kept.values()))

    def weight(self, column: int, value: fmpq) -> fmpq:
        """The weight of the data as given for one of the integer columns."""
        return value * self.scales[column] / self.goal_scale


def fit_data(X: Any, y: Any) -> FitData:
    """Read samples: numbers keep their exact value, and text such as 0.1 or 1/3 is read as the rational it denotes.

    Parameters
    ----------
    X : array or rows of shape (N, d)
    y : N numbers

    Raises
    ------
    FormulationError
        No samples, numbers that are not finite, or equal inputs with different targets (the rows are named).

    Examples
    --------
    >>> data = fit_data([["0.5", 1], [2, 0]], [1, "1/3"])
    >>> data.columns, data.goal, data.scales
    (((1, 4), (1, 0), (1, 1)), (3, 1), (2, 1, 1))
    """
    try:
        shapes = np.shape(X), np.shape(y)
    except ValueError:
        raise FormulationError("the rows of X have different lengths: give as many numbers in each") from None
    if len(shapes[0]) != 2 or shapes[1] != shapes[0][:1] or 0 in shapes[0]:
        raise FormulationError(f"X of shape {shapes[0]} and y of shape {shapes[1]} are no data (N, d) and (N,)")
    rows = tuple(tuple(_number(value, f"X[{n}][{i}]") for i, value in enumerate(row)) for n, row in enumerate(X))
    targets = tuple(_number(value, f"y[{n}]") for n, value in enumerate(y))
    _refuse_contradictions(rows, targets)
    ones = tuple(ONE for _ in rows)
    columns, scales = zip(*map(_integers, (*zip(*rows, strict=True), ones)), strict=True)
    goal, goal_scale = _integers(targets)
    return FitData(rows, targets, tuple(columns), goal, tuple(scales), goal_scale)


def _integers(values: Sequence[fmpq]) -> tuple[tuple[int, ...], int]:
    scale = common_denominator(values)
    return tuple(int((value * scale).p) for value in values), scale


def _direction(column: tuple[int, ...]) -> tuple[int, ...]:
    divisor = math.gcd(*column)
    if next(value for value in column if value) < 0:
        divisor = -divisor
    return tuple(value // divisor for value in column)


def _number(value: Any, place: str) -> fmpq:
    if isinstance(value, (float, np.floating)) and not np.isfinite(value):
        raise FormulationError(f"{place} is {value}: the data have numbers that are not finite")
    try:
        return rational(value)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise FormulationError(f"{place} is {shown(value)}: the data are not numbers ({shown(error)})") from None


def _refuse_contradictions(rows: Sequence[tuple[fmpq, ...]], targets: Sequence[fmpq]) -> None:
    first: dict[tuple[fmpq, ...], int] = {}
    for n, row in enumerate(rows):
        other = first.setdefault(row, n)
        if targets[n] != targets[other]:
            raise FormulationError(
                f"rows {other} and {n} of X are equal, but y is {rounded_text(targets[other], _DIGITS)} and "
                f"{rounded_text(targets[n], _DIGITS)}: no function fits both"
            )
