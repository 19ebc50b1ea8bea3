"""The small exact programs of exact training: least squares with non-negative coefficients, and linear programs.

The columns are given by index, each with a sign, and the coefficients are non-negative or free. Every answer is
exact: squared loss by the conditions of Karush, Kuhn and Tucker on the active set that scipy proposes, or by an
active-set method in rationals; the other losses by certified linear programs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from flint import fmpq, fmpq_mat

from milp.training.exact_columns import Columns
from polyhedra.arrays import Floats
from polyhedra.independence import independent
from polyhedra.linear_program import maximize
from polyhedra.matrix import Vector, dot
from polyhedra.scalars import ONE, ZERO, to_float

Loss = Literal["squared", "absolute", "maximal"]

Signed = tuple[tuple[int, int], ...]
"""Columns and their signs."""


@dataclass(frozen=True, slots=True)
class Solved:
    """The least loss over the coefficients of some columns, and coefficients that reach it."""

    loss: fmpq
    coefficients: tuple[fmpq, ...]


def least_squares(columns: Columns, y: Vector, chosen: Sequence[int]) -> tuple[fmpq, Vector, Vector]:
    """The least sum of squares over all coefficients of these columns, the coefficients and the residual."""
    chosen = list(dict.fromkeys(chosen))
    solution = _solve(columns, chosen)
    if solution is None:
        kept = independent([columns.outputs[j] for j in chosen]).rows
        chosen = [chosen[i] for i in kept]
        solution = _solve(columns, chosen)
        assert solution is not None
    residual = list(y)
    for j, coefficient in zip(chosen, solution, strict=True):
        residual = [r - coefficient * v for r, v in zip(residual, columns.outputs[j], strict=True)]
    loss = dot(y, y) - sum((columns.target[j] * c for j, c in zip(chosen, solution, strict=True)), ZERO)
    return loss, solution, tuple(residual)


def _solve(columns: Columns, chosen: Sequence[int]) -> Vector | None:
    if not chosen:
        return ()
    gram = fmpq_mat([[columns.gram[i][j] for j in chosen] for i in chosen])
    try:
        solution = gram.solve(fmpq_mat([[columns.target[i]] for i in chosen]))
    except ZeroDivisionError:
        return None
    return tuple(row[0] for row in solution.tolist())


def lower_bound(loss: Loss, squares: fmpq, residual: Vector) -> fmpq:
    """A bound on a loss over all coefficients, from least squares.

    The residual r is orthogonal to the columns, so every y - B c has the scalar product r.r with it, and by Hoelder's
    inequality a sum of absolute values of at least ``r.r / max|r|`` and a maximum of at least ``r.r / sum|r|``.
    """
    if loss == "squared" or not squares:
        return squares
    sizes = [abs(r) for r in residual]
    return squares / (max(sizes) if loss == "absolute" else sum(sizes, ZERO))


def non_negative_squares(columns: Columns, y: Vector, signed: Signed, proposal: Floats | None = None) -> Solved:
    """The least sum of squares over non-negative coefficients of signed columns.

    Parameters
    ----------
    columns : Columns
    y : vector
    signed : pairs of column and sign
    proposal : array, optional
        Approximate coefficients; those that are positive are tried first.
    """
    size = len(signed)
    if proposal is not None:
        support = [i for i in range(size) if proposal[i] > 0]
        values = _on_support(columns, signed, support)
        if values is not None and all(v >= 0 for v in values):
            coefficients = _filled(size, support, values)
            if all(g <= 0 for g in _gradient(columns, signed, coefficients)):
                return _squared(columns, y, signed, coefficients)
    return _squared(columns, y, signed, _active_set(columns, signed))


def _on_support(columns: Columns, signed: Signed, support: Sequence[int]) -> Vector | None:
    if not support:
        return ()
    picked = [signed[i] for i in support]
    gram = fmpq_mat([[columns.gram[i][j] * (s * t) for j, t in picked] for i, s in picked])
    try:
        solution = gram.solve(fmpq_mat([[columns.target[i] * s] for i, s in picked]))
    except ZeroDivisionError:
        return None
    return tuple(row[0] for row in solution.tolist())


def _filled(size: int, support: Sequence[int], values: Sequence[fmpq]) -> list[fmpq]:
    result = [ZERO] * size
    for i, value in zip(support, values, strict=True):
        result[i] = value
    return result


def _gradient(columns: Columns, signed: Signed, coefficients: Sequence[fmpq]) -> list[fmpq]:
    """By how much each column is aligned with the residual."""
    used = [(j, c * s) for (j, s), c in zip(signed, coefficients, strict=True) if c]
    return [s * (columns.target[i] - sum((columns.gram[i][j] * c for j, c in used), ZERO)) for i, s in signed]


def _active_set(columns: Columns, signed: Signed) -> list[fmpq]:
    """The method of Lawson and Hanson in rationals; the loss falls with each set of columns, so it ends."""
    size = len(signed)
    current, support = [ZERO] * size, []
    while True:
        gradient = _gradient(columns, signed, current)
        entering = max((i for i in range(size) if i not in support), key=lambda i: gradient[i], default=None)
        if entering is None or gradient[entering] <= 0:
            return current
        support.append(entering)
        while True:
            values = _on_support(columns, signed, support)
            assert values is not None  # a column that is aligned with the residual does not depend on the others
            wanted = _filled(size, support, values)
            if all(v > 0 for v in values):
                current = wanted
                break
            step = min(current[i] / (current[i] - wanted[i]) for i in support if wanted[i] <= 0)
            current = [c + step * (w - c) for c, w in zip(current, wanted, strict=True)]
            support = [i for i in support if current[i] > 0]


def _squared(columns: Columns, y: Vector, signed: Signed, coefficients: Sequence[fmpq]) -> Solved:
    # at a point that is least on its support, the residual is orthogonal to the fit
    gain = sum((columns.target[j] * (s * c) for (j, s), c in zip(signed, coefficients, strict=True)), ZERO)
    return Solved(dot(y, y) - gain, tuple(coefficients))


def linear_loss(columns: Columns, y: Vector, signed: Signed, loss: Loss, *, free: bool) -> Solved:
    """The least sum of absolute errors, or the least maximal error, over non-negative or free coefficients."""
    table = [[columns.outputs[j][n] * s for j, s in signed] for n in range(len(y))]
    if loss == "absolute":
        return _absolute(table, y, free)
    size = len(signed)
    rows = [[*row, -ONE] for row in table] + [[-v for v in row] + [-ONE] for row in table]
    ends = [*y, *(-v for v in y)]
    if not free:
        rows += [[-ONE if i == j else ZERO for j in range(size + 1)] for i in range(size)]
        ends += [ZERO] * size
    answer = maximize([ZERO] * size + [-ONE], rows, ends)
    return Solved(-answer.value, tuple(answer.point[:-1]))  # type: ignore[union-attr]


def _absolute(table: list[list[fmpq]], y: Vector, free: bool) -> Solved:
    """By its dual: max y.p with \\|p\\| <= 1 and B^T p <= 0 (or = 0); the coefficients are the multipliers."""
    count = len(y)
    conditions = [list(column) for column in zip(*table, strict=True)]
    box = [[ONE if i == j else ZERO for j in range(count)] for i in range(count)]
    rows = box + [[-v for v in row] for row in box]
    ends = [ONE] * (2 * count)
    if free:
        answer = maximize(y, rows, ends, conditions, [ZERO] * len(conditions))
        return Solved(answer.value, tuple(answer.equality_multipliers))  # type: ignore[union-attr]
    answer = maximize(y, [*conditions, *rows], [ZERO] * len(conditions) + ends)
    return Solved(answer.value, tuple(answer.multipliers[: len(conditions)]))  # type: ignore[union-attr]


def float_columns(columns: Columns) -> Floats:
    """The columns in float64, one in each column of the array, for proposals."""
    return np.array([[to_float(v) for v in column] for column in columns.outputs]).T
