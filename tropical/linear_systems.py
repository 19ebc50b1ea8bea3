"""Max-plus linear systems by residuation: ``A x <= b``, ``A x = b``, ``A X <= B`` and ``X A <= B``.

The greatest x with ``A x <= b`` is ``x_j = min_i (b_i - a_ij)``.  It solves ``A x = b`` whenever any x does, since
every solution lies below it and the product is monotone; a row in which it stays below b therefore proves that there is
no solution.

R. A. Cuninghame-Green, *Minimax Algebra* (1979); P. Butkovic, *Max-linear Systems* (2010), chapter 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flint import fmpq

from polyhedra.errors import AlgebraError
from tropical.matrix import TropicalMatrix, Vector
from tropical.semiring import MINUS_INFINITY, Scalar, is_finite, scalar


@dataclass(frozen=True, slots=True)
class Solution:
    """The solutions of a solvable system ``A x = b``.

    Attributes
    ----------
    principal : tuple
        The greatest solution; minus infinity at the free coordinates.
    free : tuple of int
        The coordinates whose column is the tropical zero: any value does.
    covers : tuple of frozenset of int
        For each column, the rows with a finite right-hand side that it attains at the principal solution.  A vector
        x <= principal is a solution iff the columns with x_j = principal_j attain all such rows.
    """

    principal: Vector
    free: tuple[int, ...]
    covers: tuple[frozenset[int], ...]

    @property
    def is_unique(self) -> bool:
        """Whether there is one solution only: no column can be lowered, and none is free."""
        if self.free:
            return False
        for j, value in enumerate(self.principal):
            others = frozenset[int]().union(*(rows for k, rows in enumerate(self.covers) if k != j))
            if is_finite(value) and self.covers[j] <= others:
                return False
        return True


@dataclass(frozen=True, slots=True)
class NoSolution:
    """The proof that ``A x = b`` has no solution.

    Attributes
    ----------
    greatest : tuple
        The greatest x with ``A x <= b``.
    row : int
        A row in which ``A x`` stays below b for this x, hence for every x with ``A x <= b``.
    reached : number or minus infinity
        The entry of ``A x`` in this row.
    """

    greatest: Vector
    row: int
    reached: Scalar


def greatest_subsolution(matrix: TropicalMatrix, right: Sequence[Any]) -> Vector:
    r"""The greatest x with ``A x <= b``, the residual ``A \ b``.

    Raises
    ------
    AlgebraError
        A column without finite entries, which bounds nothing; a right-hand side of another length.

    Examples
    --------
    >>> greatest_subsolution(TropicalMatrix([[0, 1], [2, 0]]), [3, 4])
    (2, 2)
    """
    values = _right_side(matrix, right)
    found = []
    for j, column in enumerate(zip(*matrix.rows, strict=True)):
        greatest = _quotient(column, values)
        if greatest is None:
            raise AlgebraError(f"column {j} has no finite entry, so nothing bounds x[{j}]; leave the column out")
        found.append(greatest)
    return tuple(found)


def solve(matrix: TropicalMatrix, right: Sequence[Any]) -> Solution | NoSolution:
    """Solve ``A x = b``: the principal solution, or a row that proves that there is none.

    Parameters
    ----------
    matrix : TropicalMatrix of shape (m, n)
    right : sequence of m numbers, minus infinity allowed

    Examples
    --------
    >>> A = TropicalMatrix([[0, 1], [2, 0]])
    >>> solve(A, [3, 4]).principal, solve(A, [3, 4]).is_unique
    ((2, 2), True)
    >>> solve(A, [9, 0]).row
    0
    """
    values = _right_side(matrix, right)
    columns = list(zip(*matrix.rows, strict=True))
    quotients = [_quotient(column, values) for column in columns]
    free = tuple(j for j, value in enumerate(quotients) if value is None)
    principal = tuple(MINUS_INFINITY if value is None else value for value in quotients)
    reached = matrix.apply(principal)
    for i, (value, wanted) in enumerate(zip(reached, values, strict=True)):
        if value != wanted:
            return NoSolution(principal, i, value)
    covers = tuple(
        frozenset(i for i, a in enumerate(column) if is_finite(a) and is_finite(x) and a + x == values[i])
        for column, x in zip(columns, principal, strict=True)
    )
    return Solution(principal, free, covers)


def left_residual(matrix: TropicalMatrix, right: TropicalMatrix) -> TropicalMatrix:
    r"""The greatest X with ``A X <= B``, written ``A \ B``: X[j, k] = min_i (B[i, k] - A[i, j]).

    Raises
    ------
    AlgebraError
        A column of A without finite entries; different numbers of rows.

    Examples
    --------
    >>> A = TropicalMatrix([[0, 1], [2, 0]])
    >>> A @ left_residual(A, A) == A
    True
    """
    if matrix.shape[0] != right.shape[0]:
        raise AlgebraError(f"a left residual needs as many rows on both sides, not {matrix.shape} and {right.shape}")
    return TropicalMatrix(
        [greatest_subsolution(matrix, column) for column in zip(*right.rows, strict=True)]
    ).transpose()


def right_residual(right: TropicalMatrix, matrix: TropicalMatrix) -> TropicalMatrix:
    """The greatest X with ``X A <= B``, written ``B / A``.

    Raises
    ------
    AlgebraError
        A row of A without finite entries; different numbers of columns.
    """
    if matrix.shape[1] != right.shape[1]:
        raise AlgebraError(
            f"a right residual needs as many columns on both sides, not {right.shape} and {matrix.shape}"
        )
    for i, row in enumerate(matrix.rows):
        if not any(map(is_finite, row)):
            raise AlgebraError(f"row {i} has no finite entry, so nothing bounds column {i} of X; leave the row out")
    return left_residual(matrix.transpose(), right.transpose()).transpose()


def _right_side(matrix: TropicalMatrix, right: Sequence[Any]) -> Vector:
    values = tuple(map(scalar, right))
    if len(values) != matrix.shape[0]:
        raise AlgebraError(f"a right-hand side of length {len(values)} does not fit a matrix of shape {matrix.shape}")
    return values


def _quotient(column: Sequence[Scalar], right: Sequence[Scalar]) -> Scalar | None:
    """The greatest number whose product with a column is at most the right-hand side; None where nothing bounds it."""
    least: fmpq | None = None
    for a, b in zip(column, right, strict=True):
        if not is_finite(a):
            continue
        if not is_finite(b):
            return MINUS_INFINITY
        if least is None or b - a < least:
            least = b - a
    return least


__all__ = ["NoSolution", "Solution", "greatest_subsolution", "left_residual", "right_residual", "solve"]
