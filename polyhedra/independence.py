"""Ranks of large exact matrices: found modulo a prime, proven over the rationals.

The rank modulo a prime is never larger than the rank over the rationals.  So a full rank modulo a prime is a proof, and
rows and columns that are independent modulo a prime are independent.  Where the rank modulo a prime is not full, the
other rows (or columns) are written as exact combinations of those found; where that fails, the prime was an unlucky
one, and the next is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from flint import fmpq, fmpq_mat, fmpz_mat, nmod_mat

from polyhedra.lifting import Solver, primes
from polyhedra.limits import check_limits
from polyhedra.scalars import ONE, ZERO

_SMALL = 24
"""Up to this rank all combinations are found by one elimination, which is then the fastest."""


class Independent(NamedTuple):
    """A largest set of independent rows, and of independent columns of them: their submatrix is invertible."""

    rows: tuple[int, ...]
    columns: tuple[int, ...]


def independent(matrix: Sequence[Sequence[fmpq]]) -> Independent:
    """Find a basis of the row space among the rows, and pivot columns.

    Parameters
    ----------
    matrix : sequence of rows of rationals, all of one length

    Returns
    -------
    Independent
        As many as the rank.  Columns are the first ones that are independent modulo a prime, and so are the rows: but
        for one matrix in a million million million these are the first ones that are independent.

    Raises
    ------
    OutOfTime
        A limit was reached (see `polyhedra.limits`).

    Examples
    --------
    >>> from polyhedra.scalars import rational_rows
    >>> independent(rational_rows([[1, 2, 3], ["1/2", 1, "3/2"], [0, 0, 1]]))
    Independent(rows=(0, 2), columns=(0, 2))
    """
    if not matrix or not matrix[0]:
        return Independent((), ())
    width = len(matrix[0])
    integers = fmpq_mat(len(matrix), width, [v for row in matrix for v in row]).numer_denom()[0]
    for prime in primes():
        check_limits()
        modular = nmod_mat(integers, prime)
        columns = _pivots(modular)
        if len(columns) == width == len(matrix):
            return Independent(tuple(range(width)), columns)
        rows = _pivots(_columns(modular, columns).transpose()) if len(columns) < len(matrix) else range(len(matrix))
        found = Independent(tuple(rows), columns)
        if len(columns) == min(width, len(matrix)) or _spans(integers, found):
            return found
    raise AssertionError("there are infinitely many primes")


def is_invertible(matrix: Sequence[Sequence[fmpq]]) -> bool:
    """Whether a square matrix is invertible.

    Examples
    --------
    >>> from polyhedra.scalars import rational_rows
    >>> is_invertible(rational_rows([[1, 2], [2, 4]])), is_invertible(rational_rows([[1, 2], [2, 5]]))
    (False, True)
    """
    return len(independent(matrix).rows) == len(matrix)


def _pivots(matrix: nmod_mat) -> tuple[int, ...]:
    """The pivot columns of the reduced row echelon form."""
    echelon, rank = matrix.rref()
    pivots: list[int] = []
    column = 0
    for row in range(rank):
        while not echelon[row, column]:
            column += 1
        pivots.append(column)
        column += 1
    return tuple(pivots)


def _columns(matrix: nmod_mat, columns: Sequence[int]) -> nmod_mat:
    """Some of the columns."""
    if len(columns) == matrix.ncols():
        return matrix
    entries = [matrix[i, j] for i in range(matrix.nrows()) for j in columns]
    return nmod_mat(matrix.nrows(), len(columns), entries, matrix.modulus())


def _spans(matrix: fmpz_mat, found: Independent) -> bool:
    """Whether all rows are combinations of those found, exactly.

    The other rows are combinations iff the other columns are, so the smaller of the two sets is tried, without zero
    rows or columns.
    """
    rows, columns = found
    if not rows:
        return all(v == 0 for v in matrix.entries())
    other_rows, other_columns = _others(matrix.nrows(), rows), _others(matrix.ncols(), columns)
    if len(other_rows) < len(other_columns):
        return _spans(matrix.transpose(), Independent(columns, rows))
    table = matrix.table()
    square = fmpz_mat([[table[i][j] for j in columns] for i in rows])
    below = fmpz_mat([[table[i][j] for j in columns] for i in other_rows]) if other_rows else None
    vectors = [j for j in other_columns if any(table[i][j] for i in range(len(table)))]
    if below is None or not vectors:
        return True
    if len(rows) <= _SMALL:
        right = fmpz_mat([[table[i][j] for j in vectors] for i in rows])
        expected = fmpq_mat([[table[i][j] for j in vectors] for i in other_rows])
        return bool(fmpq_mat(below) * fmpq_mat(square).solve(fmpq_mat(right)) == expected)
    solver = Solver(square)
    for j in vectors:
        combination = fmpq_mat([[v] for v in solver.solve([table[i][j] for i in rows])])
        if fmpq_mat(below) * combination != fmpq_mat([[table[i][j]] for i in other_rows]):
            return False
    return True


def kernel(matrix: Sequence[Sequence[fmpq]], found: Independent) -> list[list[fmpq]]:
    """The basis of {x : M x = 0} in which every vector has 1 at one dependent column and 0 at the others.

    Parameters
    ----------
    matrix : sequence of rows of rationals
    found : Independent
        What `independent` says of it.

    Examples
    --------
    >>> from polyhedra.scalars import rational_rows
    >>> rows = rational_rows([[1, 1, 0]])
    >>> kernel(rows, independent(rows))
    [[-1, 1, 0], [0, 0, 1]]
    """
    width = len(matrix[0])
    integers = fmpq_mat([list(matrix[i]) for i in found.rows]).numer_denom()[0] if found.rows else fmpz_mat(0, width)
    solver = Solver(fmpz_mat([[integers[i, j] for j in found.columns] for i in range(len(found.rows))]))
    basis = []
    for free in _others(width, found.columns):
        vector = [ZERO] * width
        vector[free] = ONE
        if found.rows:
            combination = solver.solve([-integers[i, free] for i in range(len(found.rows))])
            for column, value in zip(found.columns, combination, strict=True):
                vector[column] = value
        basis.append(vector)
    return basis


def _others(count: int, chosen: Sequence[int]) -> list[int]:
    return sorted(set(range(count)) - set(chosen))


def inverse_columns(matrix: Sequence[Sequence[fmpq]]) -> Iterator[list[fmpq]]:
    """The columns of the inverse of an invertible matrix, one after another.

    Raises
    ------
    OutOfTime
        A limit was reached between two columns.

    Examples
    --------
    >>> from polyhedra.scalars import rational_rows
    >>> list(inverse_columns(rational_rows([[1, 2], [0, 4]])))
    [[1, 0], [-1/2, 1/4]]
    """
    size = len(matrix)
    exact = fmpq_mat(size, size, [v for row in matrix for v in row])
    if size <= _SMALL:
        inverse = exact.inv()
        for j in range(size):
            yield [inverse[i, j] for i in range(size)]
        return
    numerators, denominator = exact.numer_denom()
    solver = Solver(numerators)
    for j in range(size):
        yield solver.solve([denominator if i == j else 0 for i in range(size)])


__all__ = ["Independent", "independent", "inverse_columns", "is_invertible", "kernel"]
