"""Cramer's rule: the stable solution of a square max-plus system, each of whose rows attains its maximum twice.

For an n x (n+1) matrix M, the vector of the determinants of M without one column makes the largest number of every row
of ``M x`` occur twice; it is the stable intersection of the hyperplanes that the rows define.

J. Richter-Gebert, B. Sturmfels and T. Theobald, *First steps in tropical geometry* (2005), section 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from polyhedra.errors import AlgebraError
from tropical.assignments import is_nonsingular
from tropical.matrix import TropicalMatrix, Vector
from tropical.semiring import MINUS_INFINITY, is_finite, scalar


@dataclass(frozen=True, slots=True)
class CramerSolution:
    """The stable solution of a system.

    Attributes
    ----------
    point : tuple
    is_unique : bool
        Whether every determinant in the rule is attained by one permutation only; then this is the only solution (up to
        a scalar, for a homogeneous system).
    """

    point: Vector
    is_unique: bool


def cramer_kernel(matrix: TropicalMatrix) -> CramerSolution:
    """A vector x such that each row of ``M x`` attains its maximum twice, for n rows and n + 1 columns.

    Raises
    ------
    AlgebraError
        Another shape, or all determinants are minus infinity.

    Examples
    --------
    >>> cramer_kernel(TropicalMatrix([[0, 1, 2], [3, 0, 1]]))
    CramerSolution(point=(2, 5, 4), is_unique=False)
    """
    rows, columns = matrix.shape
    if columns != rows + 1:
        raise AlgebraError(f"Cramer's rule needs one column more than rows, not a matrix of shape {matrix.shape}")
    minors = [TropicalMatrix([[v for k, v in enumerate(row) if k != j] for row in matrix.rows]) for j in range(columns)]
    point = tuple(minor.determinant() for minor in minors)
    if not any(map(is_finite, point)):
        raise AlgebraError("all determinants of the rule are minus infinity: the rows say too little about x")
    return CramerSolution(point, all(map(is_nonsingular, minors)))


def cramer(matrix: TropicalMatrix, right: Sequence[Any]) -> CramerSolution:
    """The stable solution of ``A x`` against b: in each row the largest among ``a_ij + x_j`` and b_i occurs twice.

    ``x_j = det(A with column j replaced by b) - det(A)``.

    Parameters
    ----------
    matrix : square TropicalMatrix
    right : sequence of n numbers, minus infinity allowed

    Raises
    ------
    AlgebraError
        Shapes that do not fit, or a matrix whose determinant is minus infinity.

    Examples
    --------
    >>> cramer(TropicalMatrix([[0, 1], [3, 0]]), [2, 1])
    CramerSolution(point=(-2, 1), is_unique=False)
    """
    size = matrix.shape[0]
    values = tuple(map(scalar, right))
    if matrix.shape != (size, size) or len(values) != size:
        raise AlgebraError(
            f"Cramer's rule needs a square matrix and as many right-hand sides, not {matrix.shape} and {len(values)}"
        )
    divisor = matrix.determinant()
    if not is_finite(divisor):
        raise AlgebraError("the determinant is minus infinity, so Cramer's rule has no divisor")
    found = cramer_kernel(TropicalMatrix([(*row, b) for row, b in zip(matrix.rows, values, strict=True)]))
    point = tuple(v - divisor if is_finite(v) else MINUS_INFINITY for v in found.point[:-1])
    return CramerSolution(point, found.is_unique)


__all__ = ["CramerSolution", "cramer", "cramer_kernel"]
