"""Square integer systems, solved exactly in numerators over one positive denominator.

The basis of a linear program is solved twice, for the point and for the multipliers.  Up to three rows the adjugate in
Python integers is faster than any library call; beyond that flint solves.  Nothing is reduced to lowest terms here,
because most answers are only compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from flint import fmpz_mat


class Basis(Protocol):
    """A regular square matrix B of integers."""

    def point(self, right: Sequence[int]) -> tuple[list[int], int]:
        """Numerators and the positive denominator of x with B x = right."""

    def weights(self, target: Sequence[int]) -> tuple[list[int], int]:
        """Numerators and the positive denominator of y with B^T y = target."""


def basis(rows: Sequence[Sequence[int]]) -> Basis:
    """Prepare the square matrix of the leading len(rows) numbers of each row; further numbers are ignored.

    Raises
    ------
    ZeroDivisionError
        The matrix is singular (at the latest when it is solved).

    Examples
    --------
    >>> basis([(2, 0), (1, 1)]).point([3, 4])
    ([3, 5], 2)
    """
    return _Adjugate(rows) if 1 <= len(rows) <= 3 else _Flint(rows)


class _Adjugate:
    """The inverse as adjugate over determinant."""

    __slots__ = ("columns", "denominator", "rows")

    def __init__(self, rows: Sequence[Sequence[int]]) -> None:
        inverse: tuple[tuple[int, ...], ...]
        if len(rows) == 3:
            (a, b, c, *_), (d, e, f, *_), (g, h, i, *_) = rows
            p, q, r = e * i - f * h, f * g - d * i, d * h - e * g
            determinant = a * p + b * q + c * r
            inverse = (
                (p, c * h - b * i, b * f - c * e),
                (q, a * i - c * g, c * d - a * f),
                (r, b * g - a * h, a * e - b * d),
            )
        elif len(rows) == 2:
            (a, b, *_), (c, d, *_) = rows
            determinant = a * d - b * c
            inverse = (d, -b), (-c, a)
        else:
            determinant = rows[0][0]
            inverse = ((1,),)
        if determinant == 0:
            raise ZeroDivisionError("the rows are dependent")
        if determinant < 0:
            determinant = -determinant
            inverse = tuple([tuple([-value for value in row]) for row in inverse])
        self.denominator: int = determinant
        self.rows: Sequence[Sequence[int]] = inverse
        self.columns = list(zip(*inverse, strict=True))

    def point(self, right: Sequence[int]) -> tuple[list[int], int]:
        return [_product(row, right) for row in self.rows], self.denominator

    def weights(self, target: Sequence[int]) -> tuple[list[int], int]:
        return [_product(column, target) for column in self.columns], self.denominator


class _Flint:
    """Solve with flint's integer matrices."""

    __slots__ = ("matrix",)

    def __init__(self, rows: Sequence[Sequence[int]]) -> None:
        size = len(rows)
        self.matrix = fmpz_mat(size, size, [value for row in rows for value in row[:size]])

    def point(self, right: Sequence[int]) -> tuple[list[int], int]:
        return _solved(self.matrix, right)

    def weights(self, target: Sequence[int]) -> tuple[list[int], int]:
        return _solved(self.matrix.transpose(), target)


def _solved(matrix: fmpz_mat, right: Sequence[int]) -> tuple[list[int], int]:
    solution: Any = matrix.solve(fmpz_mat(len(right), 1, list(right)))
    numerators, denominator = solution.numer_denom()
    return [int(value) for value in numerators.entries()], int(denominator)


def _product(left: Sequence[int], right: Sequence[int]) -> int:
    if len(left) == 3:
        a, b, c = left
        x, y, z = right
        return a * x + b * y + c * z
    return sum([a * x for a, x in zip(left, right, strict=True)])
