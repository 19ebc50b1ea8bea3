"""Rows of weights that are long and mostly zero, kept by their entries.

A pooling layer on an image reads a few of many thousand values in each row.  A `SparseRow` stands for the same sequence
of rationals as a tuple would, and behaves like one: it has a length, can be indexed, sliced and iterated over, equals
and hashes like the tuple of its entries.  Whoever visits only what is not zero asks `entries`, which takes both kinds.

Which of the two a row is depends on nothing but its entries (`row_of`), so that equal networks hold equal rows.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from flint import fmpq

from polyhedra.scalars import ZERO

_LONG = 1024
"""Rows from this length on may be sparse; shorter ones are tuples, which are faster to index."""

_SHARE = 8
"""At most every eighth entry of a sparse row is not zero."""


@dataclass(frozen=True, slots=True, eq=False)
class SparseRow(Sequence[fmpq]):
    """A row of rationals by its entries that are not zero.

    Attributes
    ----------
    size : int
        Its length.
    columns : tuple of int
        Where it is not zero, increasing.
    values : tuple of rationals
        The entries there.

    Examples
    --------
    >>> row = SparseRow(5, (1, 3), (fmpq(1, 2), fmpq(2)))
    >>> row[1], row[2], row[-2], len(row), row == (0, fmpq(1, 2), 0, 2, 0)
    (1/2, 0, 2, 5, True)
    """

    size: int
    columns: tuple[int, ...]
    values: tuple[fmpq, ...]

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self.dense()[index]
        place = index + self.size if index < 0 else index
        if not 0 <= place < self.size:
            raise IndexError("row index out of range")
        k = bisect_left(self.columns, place)
        return self.values[k] if k < len(self.columns) and self.columns[k] == place else ZERO

    def __iter__(self) -> Iterator[fmpq]:
        return iter(self.dense())

    def __add__(self, other: Any) -> tuple[fmpq, ...]:
        return (*self.dense(), *other)

    def __radd__(self, other: Any) -> tuple[fmpq, ...]:
        return (*other, *self.dense())

    def __mul__(self, times: int) -> tuple[fmpq, ...]:
        return self.dense() * times

    def __eq__(self, other: object) -> bool:
        if isinstance(other, SparseRow):
            return (self.size, self.columns, self.values) == (other.size, other.columns, other.values)
        return self.dense() == other if isinstance(other, tuple) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.dense())

    def dense(self) -> tuple[fmpq, ...]:
        """The row as a tuple."""
        result = [ZERO] * self.size
        for column, value in zip(self.columns, self.values, strict=True):
            result[column] = value
        return tuple(result)


Row = tuple[fmpq, ...]
"""A tuple; in blocks of weights a `SparseRow` stands in for one that is long and mostly zero, and behaves alike."""

Matrix = tuple[Row, ...]


def row_of(size: int, items: Iterable[tuple[int, fmpq]]) -> Row:
    """The row with these entries, in increasing columns, and zeros elsewhere, as its entries demand it."""
    kept = [(column, value) for column, value in items if value]
    if size < _LONG or len(kept) * _SHARE > size:
        result = [ZERO] * size
        for column, value in kept:
            result[column] = value
        return tuple(result)
    sparse = SparseRow(size, tuple(column for column, _ in kept), tuple(value for _, value in kept))
    return cast(Row, sparse)


def normal_row(row: Sequence[fmpq]) -> Row:
    """The same row as `row_of` makes it."""
    if isinstance(row, SparseRow):
        sparse = row.size >= _LONG and len(row.columns) * _SHARE <= row.size
        return cast(Row, row) if sparse else row.dense()
    if len(row) < _LONG or sum(map(bool, row)) * _SHARE > len(row):
        return row if isinstance(row, tuple) else tuple(row)
    return row_of(len(row), enumerate(row))


def entries(row: Sequence[fmpq]) -> Iterator[tuple[int, fmpq]]:
    """The columns and values of a row that are not zero."""
    if isinstance(row, SparseRow):
        return zip(row.columns, row.values, strict=True)
    return ((column, value) for column, value in enumerate(row) if value)


def is_zero(row: Sequence[fmpq]) -> bool:
    """Whether all entries are zero."""
    return not row.columns if isinstance(row, SparseRow) else not any(row)
