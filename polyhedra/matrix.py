"""Small exact matrices: tuples of rows of rationals, and the linear algebra that polyhedra need.

A matrix is a tuple of rows, a row a tuple of ``fmpq``.  A matrix without rows has no width of its own, so functions
that need one take ``columns``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flint import fmpq, fmpq_mat

from polyhedra.errors import GeometryError
from polyhedra.independence import independent
from polyhedra.plurals import counted
from polyhedra.quoting import shown
from polyhedra.scalars import ONE, ZERO, rational_rows, rationals
from polyhedra.values import Value

Vector = tuple[fmpq, ...]
Matrix = tuple[Vector, ...]


def as_vector(values: Iterable[Any], length: int | None = None, name: str = "vector") -> Vector:
    """An exact vector, its length checked.

    Raises
    ------
    GeometryError
        A number is not finite, or there are not `length` of them.
    """
    if not hasattr(values, "__iter__"):
        raise GeometryError(f"{name}: {shown(values)} is no sequence of numbers")
    try:
        vector = rationals(_listed(values))
    except GeometryError as error:
        raise GeometryError(f"{name}: {error}") from None
    except TypeError:
        raise GeometryError(f"{name}: {shown(values)} is no sequence of numbers") from None
    if length is not None and len(vector) != length:
        raise GeometryError(f"{name} has {counted(len(vector), 'number')}, not {length}")
    return vector


def as_matrix(rows: Iterable[Iterable[Any]], columns: int | None = None, name: str = "matrix") -> Matrix:
    """An exact matrix; every row must have the same width (`columns` where given).

    Raises
    ------
    GeometryError
        Ragged rows, a wrong width, or a number that is not finite; the message names the row.
    """
    if not hasattr(rows, "__iter__"):
        raise GeometryError(f"{name}: {shown(rows)} is no sequence of rows")
    matrix = []
    for index, row in enumerate(rows):
        try:
            vector = rationals(_listed(row))
        except GeometryError as error:
            raise GeometryError(f"{name}, row {index}: {error}") from None
        except TypeError:
            raise GeometryError(f"{name}, row {index}: {shown(row)} is no row of numbers") from None
        if columns is None:
            columns = len(vector)
        if len(vector) != columns:
            raise GeometryError(f"{name}, row {index} has {counted(len(vector), 'number')}, not {columns}")
        matrix.append(vector)
    return tuple(matrix)


def _listed(values: Any) -> Any:
    """The Python numbers of an array: the same values, converted much faster than numpy's scalars."""
    return values.tolist() if hasattr(values, "tolist") else values


def dot(left: Sequence[fmpq], right: Sequence[fmpq]) -> fmpq:
    """The scalar product of two exact vectors of one length."""
    total = ZERO
    for a, b in zip(left, right, strict=True):
        total += a * b
    return total


def identity(size: int) -> Matrix:
    """The identity matrix."""
    return tuple(tuple(ONE if i == j else ZERO for j in range(size)) for i in range(size))


def transpose(matrix: Matrix, columns: int | None = None) -> Matrix:
    """The transposed matrix; `columns` is the width of a matrix without rows."""
    if not matrix:
        return ((),) * (columns or 0)
    return tuple(zip(*matrix, strict=True))


def multiply(left: Matrix, right: Matrix) -> Matrix:
    """The product of two exact matrices, shapes (p, q) and (q, r)."""
    if not left or not right or not right[0]:
        width = len(right[0]) if right else 0
        return tuple((ZERO,) * width for _ in left)
    if len(left[0]) != len(right):
        raise GeometryError(
            f"a matrix of width {len(left[0])} cannot be multiplied with one of {counted(len(right), 'row')}"
        )
    return _rows(_flint(left) * _flint(right))


def apply(matrix: Matrix, vector: Sequence[fmpq]) -> Vector:
    """The product of a matrix and a vector."""
    return tuple(dot(row, vector) for row in matrix)


def reduced_echelon(matrix: Matrix, columns: int | None = None) -> tuple[Matrix, tuple[int, ...]]:
    """The non-zero rows of the reduced row echelon form, and their pivot columns."""
    if not matrix or not matrix[0]:
        return (), ()
    echelon, rank_ = _flint(matrix).rref()
    rows = _rows(echelon)[:rank_]
    return rows, tuple(next(j for j, value in enumerate(row) if value != 0) for row in rows)


def rank(matrix: Matrix) -> int:
    """The rank of an exact matrix.

    Examples
    --------
    >>> rank(as_matrix([[1, 2], ["1/2", 1]]))
    1
    """
    return len(independent(matrix).rows)


def row_space_basis(matrix: Matrix) -> Matrix:
    """The canonical basis of the row space: the non-zero rows of the reduced row echelon form."""
    return reduced_echelon(matrix)[0]


def nullspace(matrix: Matrix, columns: int | None = None) -> Matrix:
    """A basis of {x : M x = 0}, one vector a row; `columns` is the width of a matrix without rows.

    Examples
    --------
    >>> nullspace(as_matrix([[1, 1, 0]]))
    ((-1, 1, 0), (0, 0, 1))
    """
    width = len(matrix[0]) if matrix else (columns or 0)
    rows, pivots = reduced_echelon(matrix)
    basis = []
    for free in sorted(set(range(width)) - set(pivots)):
        vector = [ZERO] * width
        vector[free] = ONE
        for row, pivot in zip(rows, pivots, strict=True):
            vector[pivot] = -row[free]
        basis.append(tuple(vector))
    return tuple(basis)


def solve(matrix: Matrix, right: Sequence[fmpq], columns: int | None = None) -> Vector | None:
    """One exact solution of M x = right (free variables at zero), or None where there is none.

    Examples
    --------
    >>> solve(as_matrix([[2, 1], [1, 1]]), rationals([3, 2]))
    (1, 1)
    """
    if len(matrix) != len(right):
        raise GeometryError(f"{counted(len(right), 'right-hand side')} for {counted(len(matrix), 'equation')}")
    width = len(matrix[0]) if matrix else (columns or 0)
    augmented = tuple((*row, value) for row, value in zip(matrix, right, strict=True))
    rows, pivots = reduced_echelon(augmented)
    if width in pivots:
        return None
    solution = [ZERO] * width
    for row, pivot in zip(rows, pivots, strict=True):
        solution[pivot] = row[width]
    return tuple(solution)


def inverse(matrix: Matrix) -> Matrix:
    """The inverse of a square matrix.

    Raises
    ------
    GeometryError
        The matrix is singular or not square.
    """
    size = len(matrix)
    if any(len(row) != size for row in matrix):
        raise GeometryError("only a square matrix has an inverse")
    if size == 0:
        return ()
    try:
        return _rows(_flint(matrix).inv())
    except ZeroDivisionError:
        raise GeometryError("the matrix is singular: it has no inverse") from None


def determinant(matrix: Matrix) -> fmpq:
    """The determinant of a square matrix (1 for the empty one)."""
    return _flint(matrix).det() if matrix else ONE


@dataclass(frozen=True, slots=True, repr=False)
class AffineMap(Value):
    """The exact map x -> M x + c.

    Attributes
    ----------
    matrix : tuple of rows, shape (outputs, inputs)
    offset : tuple of fmpq, length outputs
    input_dim : int

    Examples
    --------
    >>> AffineMap.of([[1, 2]], ["1/2"])(rationals([1, 1]))
    (7/2,)
    """

    matrix: Matrix
    offset: Vector
    input_dim: int

    @classmethod
    def of(
        cls, matrix: Iterable[Iterable[Any]], offset: Iterable[Any] | None = None, input_dim: int | None = None
    ) -> AffineMap:
        """Build the map from any numbers; without `offset` it is linear."""
        rows = as_matrix(matrix, input_dim, "matrix of the affine map")
        vector = (ZERO,) * len(rows) if offset is None else as_vector(offset, len(rows), "offset of the affine map")
        return cls(rows, vector, len(rows[0]) if rows else (input_dim or 0))

    @classmethod
    def identity(cls, dim: int) -> AffineMap:
        """The identity of R^dim."""
        return cls(identity(dim), (ZERO,) * dim, dim)

    @property
    def output_dim(self) -> int:
        """The number of coordinates of a value."""
        return len(self.matrix)

    def __call__(self, point: Iterable[Any]) -> Vector:
        """The exact value at a point."""
        x = as_vector(point, self.input_dim, "point")
        return tuple(dot(row, x) + c for row, c in zip(self.matrix, self.offset, strict=True))

    def after(self, inner: AffineMap) -> AffineMap:
        """The composition x -> self(inner(x))."""
        if inner.output_dim != self.input_dim:
            raise GeometryError(
                f"an affine map of {counted(self.input_dim, 'input')} cannot follow one of "
                f"{counted(inner.output_dim, 'output')}"
            )
        columns = transpose(inner.matrix, inner.input_dim)
        matrix = tuple(tuple(dot(row, column) for column in columns) for row in self.matrix)
        offset = tuple(dot(row, inner.offset) + c for row, c in zip(self.matrix, self.offset, strict=True))
        return AffineMap(matrix, offset, inner.input_dim)


def _flint(matrix: Matrix) -> fmpq_mat:
    return fmpq_mat(len(matrix), len(matrix[0]), [value for row in matrix for value in row])


def _rows(matrix: fmpq_mat) -> Matrix:
    return tuple(tuple(row) for row in matrix.table())


__all__ = [
    "AffineMap",
    "Matrix",
    "Vector",
    "apply",
    "as_matrix",
    "as_vector",
    "determinant",
    "dot",
    "identity",
    "inverse",
    "multiply",
    "nullspace",
    "rank",
    "rational_rows",
    "reduced_echelon",
    "row_space_basis",
    "solve",
    "transpose",
]
