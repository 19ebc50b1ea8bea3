"""A system of linear equalities and inequalities, exact and in floating point side by side.

Row i is known twice: exactly, as integers ``(a_1, ..., a_n, b)``, and as float64 numbers that are that row divided by a
power of two and rounded once, with the largest |a_j| in [1/2, 1).  The float side only proposes and filters.
Rows given as float64 arrays become integers one by one when an exact decision needs them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from polyhedra.errors import GeometryError
from polyhedra.matrix import as_matrix, as_vector
from polyhedra.quoting import quoted
from polyhedra.scalars import ONE

IntegerRow = tuple[int, ...]
Row = TypeVar("Row", bound=Sequence[Any])


class System:
    """The rows of {x : A x <= b, A_eq x = b_eq}; equalities come first.

    Build one when many linear programs run over the same rows.

    Parameters
    ----------
    A, A_eq : sequence of rows of numbers, or float64 array, shape (m, n)
    b, b_eq : sequence of numbers, or float64 array, length m
    dim : int, optional
        n, needed only where there are no rows.

    Raises
    ------
    GeometryError
        A wrong shape or a number that is not finite; the message names the row.

    Attributes
    ----------
    dim, n_equal, count : int
        Variables, equalities, rows in all.
    """

    __slots__ = ("_floats", "_lifted", "_rows", "_scales", "_source", "count", "dim", "n_equal")

    dim: int
    n_equal: int
    count: int
    _rows: list[IntegerRow | None]
    _scales: list[fmpq | None]
    _source: NDArray[np.float64] | None
    _floats: NDArray[np.float64] | None
    _lifted: NDArray[np.float64] | None

    def __init__(self, A: Any, b: Any, A_eq: Any = (), b_eq: Any = (), dim: int | None = None) -> None:
        if _is_float_array(A) and _is_float_array(b) and len(A_eq) == 0:
            self._init_floats(A, b, dim)
            return
        if dim is None:
            first = next((row for rows in (A, A_eq) if hasattr(rows, "__iter__") for row in rows), None)
            if first is None:
                raise GeometryError("a system without rows has no dimension of its own; give dim")
            if not hasattr(first, "__len__"):
                raise GeometryError(f"{quoted(first)} is no row of numbers; A and A_eq are lists of rows")
            dim = len(first)
        inequalities = _joined(A, b, dim, "A", "b")
        equalities = _joined(A_eq, b_eq, dim, "A_eq", "b_eq")
        self.dim, self.n_equal, self.count = dim, len(equalities), len(equalities) + len(inequalities)
        self._rows, self._scales = [], []
        for row in (*equalities, *inequalities):
            integers, scale = integer_row(row)
            self._rows.append(integers)
            self._scales.append(scale)
        self._source = self._floats = self._lifted = None

    def _init_floats(self, A: NDArray[np.float64], b: NDArray[np.float64], dim: int | None) -> None:
        if A.ndim != 2 or b.shape != (A.shape[0],) or (dim is not None and A.shape[1] != dim):
            raise GeometryError(f"A of shape {A.shape} and b of shape {b.shape} are no system A x <= b")
        source = np.column_stack([A, b])
        finite = np.isfinite(source).all(axis=1)
        if not finite.all():
            raise GeometryError(f"row {int(np.argmin(finite))} of A x <= b has a number that is not finite")
        self.dim, self.n_equal, self.count = int(A.shape[1]), 0, int(A.shape[0])
        self._rows, self._scales = [None] * self.count, [None] * self.count
        self._source, self._floats, self._lifted = source, None, None

    @classmethod
    def of_integer_rows(
        cls, rows: Sequence[IntegerRow], n_equal: int, dim: int, floats: NDArray[np.float64] | None = None
    ) -> System:
        """Trust integer rows (a_1, ..., a_dim, b), equalities first."""
        system = cls.__new__(cls)
        system.dim, system.n_equal, system.count = dim, n_equal, len(rows)
        system._rows, system._scales = list(rows), [ONE] * len(rows)
        system._source, system._floats, system._lifted = None, floats, None
        return system

    def row(self, index: int) -> IntegerRow:
        """The exact integer row (a_1, ..., a_n, b)."""
        row = self._rows[index]
        if row is None:
            assert self._source is not None
            row, scale = _integers_of_floats(self._source[index].tolist())
            self._rows[index], self._scales[index] = row, scale
        return row

    def scale(self, index: int) -> fmpq:
        """The positive number by which the row that was given had to be multiplied to become integer."""
        self.row(index)
        scale = self._scales[index]
        assert scale is not None
        return scale

    def rows(self) -> list[IntegerRow]:
        """All exact rows, equalities first."""
        return [self.row(index) for index in range(self.count)]

    def exponent(self, index: int) -> int:
        """k such that the float row is the integer row divided by 2**k."""
        largest = max(map(abs, self.row(index)[: self.dim]), default=0)
        try:
            return math.frexp(float(largest))[1]
        except OverflowError:
            return largest.bit_length()

    def floats(self) -> NDArray[np.float64]:
        """The float rows, shape (count, dim + 1); an entry out of range is infinite."""
        if self._floats is None:
            if self._source is not None:
                self._floats = _scaled(self._source)
            else:
                rows = self.rows()
                try:
                    self._floats = _normalized(np.array(rows, dtype=np.float64).reshape(self.count, self.dim + 1))
                except OverflowError:
                    values = [float_row(row, 1 << self.exponent(index)) for index, row in enumerate(rows)]
                    self._floats = np.array(values)
        return self._floats

    def lifted_floats(self) -> NDArray[np.float64]:
        """The float rows with a column for a common slack t, before b: 1 for inequalities, 0 for equalities."""
        if self._lifted is None:
            column = np.ones(self.count)
            column[: self.n_equal] = 0.0
            self._lifted = np.insert(self.floats(), self.dim, column, axis=1)
        return self._lifted

    def subset(self, indices: Sequence[int], n_equal: int) -> System:
        """The system of the named rows, of which the first `n_equal` are now equalities."""
        rows = [self.row(i) for i in indices]
        floats = None if self._floats is None else self._floats[list(indices)]
        part = System.of_integer_rows(rows, n_equal, self.dim, floats)
        part._scales = [self.scale(i) for i in indices]
        return part


def without_zero_rows(rows: Iterable[Row]) -> list[Row]:
    """The rows (a, b) that say something: 0 x <= b with b >= 0 holds everywhere, but is never strict where b = 0.

    Whoever asks `polyhedra.linear_program.interior` for points inside a set leaves such rows out.  A row 0 x <= b with
    b < 0 stays: it makes the set empty.

    Examples
    --------
    >>> without_zero_rows([(1, 0, 3), (0, 0, 0), (0, 0, 5), (0, 0, -1)])
    [(1, 0, 3), (0, 0, -1)]
    """
    return [row for row in rows if row[-1] < 0 or any(row[:-1])]


def integer_row(row: Sequence[fmpq]) -> tuple[IntegerRow, fmpq]:
    """The primitive integer multiple of a rational row, and the positive factor."""
    denominator = None  # stands for 1, which is what most rows have
    for value in row:
        q = value.q
        if q != 1:
            denominator = q if denominator is None else denominator.lcm(q)
    if denominator is None:
        integers = [int(value.p) for value in row]
        factor = ONE
    else:
        integers = [int((value * denominator).p) for value in row]
        factor = fmpq(denominator)
    divisor = math.gcd(*integers)
    if divisor <= 1:
        return tuple(integers), factor
    return tuple([value // divisor for value in integers]), factor / divisor


def float_row(row: Sequence[int], divisor: int) -> list[float]:
    """An integer row divided by a positive integer, each entry rounded once (infinite where out of range)."""
    try:
        return [value / divisor for value in row]
    except OverflowError:
        return [_quotient(value, divisor) for value in row]


def _quotient(numerator: int, denominator: int) -> float:
    try:
        return numerator / denominator
    except OverflowError:
        return math.inf if numerator > 0 else -math.inf


def _integers_of_floats(values: Sequence[float]) -> tuple[IntegerRow, fmpq]:
    ratios = [value.as_integer_ratio() for value in values]
    denominator = max([q for _, q in ratios])  # all are powers of two
    return tuple([p * (denominator // q) for p, q in ratios]), fmpq(denominator)


def _scaled(source: NDArray[np.float64]) -> NDArray[np.float64]:
    """Float rows that were given, normalized; a row without variables gets the scale of its integer row."""
    without = np.flatnonzero(~source[:, :-1].any(axis=1))
    if without.size:
        source = source.copy()
        for index in without:
            source[index] = _integers_of_floats(source[index].tolist())[0]
    return _normalized(source)


def _normalized(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide each row by the power of two that brings its largest |a_j| into [1/2, 1)."""
    exponents = np.frexp(np.abs(rows[:, :-1]).max(axis=1, initial=0.0))[1]
    with np.errstate(over="ignore"):
        return np.ldexp(rows, -exponents[:, np.newaxis])


def _is_float_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == np.float64


def _joined(A: Iterable[Iterable[Any]], b: Iterable[Any], dim: int, name: str, right: str) -> list[tuple[fmpq, ...]]:
    matrix = as_matrix(A, dim, name)
    vector = as_vector(b, len(matrix), right)
    return [(*row, value) for row, value in zip(matrix, vector, strict=True)]


__all__ = ["IntegerRow", "System", "float_row", "integer_row", "without_zero_rows"]
