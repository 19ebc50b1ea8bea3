"""Min-plus matrices at the border: the same calls with minimum for maximum and plus infinity for "no edge".

A min-plus matrix M enters as the max-plus matrix -M; results leave with their signs changed.  All calls as methods of
one value: `min_plus_algebra.MinPlusMatrix`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from flint import fmpq

from polyhedra.errors import AlgebraError
from tropical.linear_systems import NoSolution
from tropical.linear_systems import solve as solve_max_plus
from tropical.matrix import TropicalMatrix
from tropical.semiring import MINUS_INFINITY, Scalar, finite, is_finite

MinScalar = fmpq | float
"""A rational, or the float plus infinity."""


def from_min_plus_rows(rows: Iterable[Iterable[Any]]) -> TropicalMatrix:
    """The max-plus matrix -M of a min-plus matrix M, in which plus infinity (or ``"inf"``) means no edge.

    Raises
    ------
    AlgebraError
        Minus infinity or NaN; ragged rows.

    Examples
    --------
    >>> print(from_min_plus_rows([[1, "inf"], [0, 2]]))
    [[-1, -inf], [0, -2]]
    """
    return TropicalMatrix([to_negative(v, f"matrix, row {i}") for v in row] for i, row in enumerate(rows))


def min_plus_rows(matrix: TropicalMatrix) -> tuple[tuple[MinScalar, ...], ...]:
    """The rows of -A, with plus infinity for minus infinity.

    Examples
    --------
    >>> min_plus_rows(TropicalMatrix([[-1, "-inf"]]))
    ((1, inf),)
    """
    return tuple(tuple(map(to_min_plus_scalar, row)) for row in matrix.rows)


def shortest_distances(rows: Iterable[Iterable[Any]]) -> tuple[tuple[MinScalar, ...], ...]:
    """The min-plus Kleene star: entry (i, j) is the length of a shortest path from j to i.

    Raises
    ------
    AlgebraError
        A cycle of negative length.

    Examples
    --------
    >>> shortest_distances([["inf", 1], [2, "inf"]])
    ((0, 1), (2, 0))
    """
    return min_plus_rows(_square(rows).kleene_star())


def cheapest_assignment(rows: Iterable[Iterable[Any]]) -> tuple[MinScalar, tuple[int, ...] | None]:
    """The min-plus determinant and a permutation that attains it (None where it is plus infinity).

    Examples
    --------
    >>> cheapest_assignment([[1, 5], [2, 3]])
    (4, (0, 1))
    """
    value, permutation = from_min_plus_rows(rows).optimal_assignment()
    return to_min_plus_scalar(value), permutation


def smallest_cycle_mean(rows: Iterable[Iterable[Any]]) -> MinScalar:
    """The min-plus eigenvalue (plus infinity without cycles).

    Examples
    --------
    >>> smallest_cycle_mean([[5, 4], [0, 7]])
    2
    """
    return to_min_plus_scalar(from_min_plus_rows(rows).eigenvalue())


def solve_min_plus(rows: Iterable[Iterable[Any]], right: Sequence[Any]) -> tuple[MinScalar, ...] | None:
    """The least solution of ``min_j (m_ij + x_j) = b_i``, or None; `linear_systems.solve` of -M gives the proof.

    Examples
    --------
    >>> solve_min_plus([[0, 1], [2, 0]], [3, 4]), solve_min_plus([[0], [0]], [0, 1])
    ((3, 4), None)
    """
    answer = solve_max_plus(from_min_plus_rows(rows), [to_negative(v, "right-hand side") for v in right])
    return None if isinstance(answer, NoSolution) else tuple(map(to_min_plus_scalar, answer.principal))


def _square(rows: Iterable[Iterable[Any]]) -> TropicalMatrix:
    matrix = from_min_plus_rows(rows)
    if matrix.shape[0] != matrix.shape[1]:
        raise AlgebraError(f"shortest distances need a square matrix, not one of shape {matrix.shape}")
    return matrix


def to_negative(value: Any, place: str) -> Scalar:
    """The max-plus number of a min-plus one: its negative, minus infinity for plus infinity (or ``"inf"``)."""
    if (isinstance(value, str) and value.strip() in ("inf", "+inf")) or (
        isinstance(value, float) and value == math.inf
    ):
        return MINUS_INFINITY
    return -finite(value, place)


def to_min_plus_scalar(value: Scalar) -> MinScalar:
    """The min-plus number of a max-plus one: its negative, the float plus infinity for minus infinity."""
    return -value if is_finite(value) else math.inf


__all__ = [
    "cheapest_assignment",
    "from_min_plus_rows",
    "min_plus_rows",
    "shortest_distances",
    "smallest_cycle_mean",
    "solve_min_plus",
    "to_min_plus_scalar",
    "to_negative",
]
