"""A block of weights as small dense matrices: rows that are not zero in the same columns together.

The channels of a convolution at one place of an image read the same values, so a convolution of 16 channels becomes one
matrix of 16 rows for each place, and costs what its weights cost.  Rows that are kept densely make one group.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, chain
from typing import NamedTuple

import numpy as np
from flint import fmpq, fmpz, fmpz_mat

from nn_bridge.network.sparse_row import SparseRow
from polyhedra.cached_values import cached_property


class RowGroup(NamedTuple):
    """Numbers of rows, and the columns in which they may be other than zero."""

    rows: tuple[int, ...]
    columns: tuple[int, ...]


def row_groups(matrix: Sequence[Sequence[fmpq]]) -> list[RowGroup]:
    """Group the rows of a matrix; rows without entries are left out.

    Examples
    --------
    >>> from nn_bridge.network.sparse_row import SparseRow
    >>> row_groups([[fmpq(1), fmpq(0)], [fmpq(0), fmpq(1)]])
    [RowGroup(rows=(0, 1), columns=(0, 1))]
    >>> row_groups([SparseRow(9, (4,), (fmpq(k),)) for k in (1, 2)])
    [RowGroup(rows=(0, 1), columns=(4,))]
    """
    found: dict[tuple[int, ...] | None, list[int]] = {}
    for number, row in enumerate(matrix):
        found.setdefault(row.columns if isinstance(row, SparseRow) else None, []).append(number)
    return [
        RowGroup(tuple(rows), tuple(range(len(matrix[0]))) if columns is None else columns)
        for columns, rows in found.items()
        if columns is None or columns
    ]


def group_entries(matrix: Sequence[Sequence[fmpq]], group: RowGroup) -> list[fmpq]:
    """The entries of a group, row by row."""
    found: list[fmpq] = []
    for number in group.rows:
        row = matrix[number]
        found += row.values if isinstance(row, SparseRow) else row
    return found


class IntegerBlock:
    """A block of integer weights by groups.

    Parameters
    ----------
    source : int
        The number of the stage that it reads, 0 for the input.
    shape : pair of int
    groups : list of (RowGroup, fmpz_mat)
    """

    def __init__(self, source: int, shape: tuple[int, int], groups: list[tuple[RowGroup, fmpz_mat]]) -> None:
        self.source, self.shape, self.groups = source, shape, groups

    def times(self, factor: int) -> IntegerBlock:
        """All weights times a number."""
        return IntegerBlock(self.source, self.shape, [(group, matrix * factor) for group, matrix in self.groups])

    def table(self) -> list[list[int]]:
        """The whole block, zeros included."""
        found = [[0] * self.shape[1] for _ in range(self.shape[0])]
        for group, matrix in self.groups:
            for i, row in zip(group.rows, matrix.table(), strict=True):
                own = found[i]
                for j, value in zip(group.columns, row, strict=True):
                    own[j] = int(value)
        return found

    @cached_property
    def values(self) -> list[int]:
        """The entries that are not zero, row by row."""
        found: list[list[int]] = [[] for _ in range(self.shape[0])]
        for group, matrix in self.groups:
            for i, row in zip(group.rows, matrix.table(), strict=True):
                found[i] = [int(value) for value in row if value]
        return list(chain.from_iterable(found))

    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """Where each row begins among these entries, and their columns."""
        found: list[list[int]] = [[] for _ in range(self.shape[0])]
        for group, matrix in self.groups:
            for i, row in zip(group.rows, matrix.table(), strict=True):
                found[i] = [column for column, value in zip(group.columns, row, strict=True) if value]
        begin = np.array(list(accumulate(map(len, found), initial=0)), np.int64)
        return begin, np.array(list(chain.from_iterable(found)), np.int32)

    def products(self, rows: Sequence[Sequence[fmpz]]) -> Iterator[tuple[int, list[fmpz]]]:
        """The rows of the product with a matrix, each with its number; rows without weights are left out."""
        for group, matrix in self.groups:
            chosen = fmpz_mat([rows[j] for j in group.columns])
            yield from zip(group.rows, (matrix * chosen).table(), strict=True)


__all__ = ["IntegerBlock", "RowGroup", "group_entries", "row_groups"]
