"""Ranks of a max-plus matrix: of rows and columns, the factor (Barvinok) rank, bounds of the Kapranov rank.

The tropical rank (`assignments.tropical_rank`) is at most the Kapranov rank, which is at most the factor rank, which is
at most the row rank and the column rank.  The factor rank is the least r with ``A = B C`` for B of r columns: the least
number of matrices ``u_i + v_j <= a_ij`` that together touch every finite entry.

M. Develin, F. Santos and B. Sturmfels, *On the rank of a tropical matrix* (2005), theorems 1.4, 5.5 and 6.5.
"""

from __future__ import annotations

from dataclasses import dataclass

from flint import fmpq

from polyhedra.limits import check_limits
from tropical.assignments import MAX_ASSIGNMENTS, tropical_rank
from tropical.linear_systems import Solution, solve
from tropical.matrix import TropicalMatrix, Vector
from tropical.semiring import Scalar, is_finite

MAX_NODES = 5_000
"""How many partial factorisations `factor_rank_bounds` tries by default."""

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Ranks:
    """The ranks of a matrix; pairs are the least and the largest value that is not excluded.

    Attributes
    ----------
    tropical, row, column : int
    kapranov, factor : (int, int)
    """

    tropical: int
    kapranov: tuple[int, int]
    factor: tuple[int, int]
    row: int
    column: int


def ranks(matrix: TropicalMatrix, *, limit: int = MAX_ASSIGNMENTS, nodes: int = MAX_NODES) -> Ranks:
    """All ranks.

    The Kapranov rank is known where the tropical rank is at most 2 or full and all entries are finite.

    Parameters
    ----------
    matrix : TropicalMatrix
    limit : int
        As in `assignments.tropical_rank`.
    nodes : int
        As in `factor_rank_bounds`.

    Examples
    --------
    >>> ranks(TropicalMatrix([[0, 1, 1], [1, 0, 1], [1, 1, 0]]))
    Ranks(tropical=2, kapranov=(2, 2), factor=(3, 3), row=3, column=3)
    """
    tropical = tropical_rank(matrix, limit=limit)
    factor = factor_rank_bounds(matrix, lower=tropical, nodes=nodes)
    known = tropical <= 2 or tropical == min(matrix.shape)
    entries_finite = all(is_finite(v) for row in matrix.rows for v in row)
    kapranov = (tropical, tropical if known and entries_finite else factor[1])
    return Ranks(tropical, kapranov, factor, row_rank(matrix), column_rank(matrix))


def column_rank(matrix: TropicalMatrix) -> int:
    """The smallest number of columns of which all others are max-plus combinations.

    Examples
    --------
    >>> column_rank(TropicalMatrix([[0, 1, 1], [0, 0, 1]])), row_rank(TropicalMatrix([[0, 1, 1], [0, 0, 1]]))
    (2, 2)
    """
    return len(_independent_columns(matrix))


def row_rank(matrix: TropicalMatrix) -> int:
    """The smallest number of rows of which all others are max-plus combinations."""
    return column_rank(matrix.transpose())


def _independent_columns(matrix: TropicalMatrix) -> list[Vector]:
    left = [column for column in zip(*matrix.rows, strict=True) if any(map(is_finite, column))]
    k = 0
    while k < len(left) and len(left) > 1:
        others = left[:k] + left[k + 1 :]
        if isinstance(solve(TropicalMatrix(zip(*others, strict=True)), left[k]), Solution):
            left = others
        else:
            k += 1
    return left


def factor_rank_bounds(matrix: TropicalMatrix, *, lower: int = 0, nodes: int = MAX_NODES) -> tuple[int, int]:
    """Bounds of the factor (Barvinok) rank, equal where the search ends within its budget.

    Parameters
    ----------
    matrix : TropicalMatrix
    lower : int
        A lower bound that is known, such as the tropical rank.
    nodes : int
        How many partial factorisations are tried.

    Examples
    --------
    >>> factor_rank_bounds(TropicalMatrix([[0, 1], [1, 2]])), factor_rank_bounds(TropicalMatrix([["-inf"]]))
    ((1, 1), (0, 0))
    """
    places = [(i, j) for i, row in enumerate(matrix.rows) for j, v in enumerate(row) if is_finite(v)]
    if not places:
        return 0, 0
    upper = min(row_rank(matrix), column_rank(matrix))
    low = max(lower, 1)
    budget = _Budget(nodes)
    while low < upper:
        answer = _factors(matrix, places, low, budget)
        if answer is None:
            return low, upper
        if answer:
            return low, low
        low += 1
    return upper, upper


class _Budget:
    """The partial factorisations that may still be tried."""

    def __init__(self, left: int) -> None:
        self.left = left


def _factors(matrix: TropicalMatrix, places: list[Place], count: int, budget: _Budget) -> bool | None:
    """Whether so many matrices of rank one touch all places; None where the budget ends."""
    tasks: list[tuple[tuple[frozenset[Place], ...], int]] = [((frozenset(),) * count, 0)]
    while tasks:
        check_limits()
        sets, position = tasks.pop()
        while position < len(places) and any(places[position] in chosen for chosen in sets):
            position += 1
        if position == len(places):
            return True
        for k, chosen in enumerate(sets):
            budget.left -= 1
            if budget.left < 0:
                return None
            closed = _touched(matrix, chosen | {places[position]})
            if closed is not None:
                tasks.append(((*sets[:k], closed, *sets[k + 1 :]), position + 1))
            if not chosen:
                break  # the other empty sets are the same
    return False


def _touched(matrix: TropicalMatrix, chosen: frozenset[Place]) -> frozenset[Place] | None:
    """The places where all u, v with ``u_i + v_j <= a_ij``, tight on the chosen ones, are tight; None without any."""
    rows, columns = sorted({i for i, _ in chosen}), sorted({j for _, j in chosen})
    if not all(is_finite(matrix[i, j]) for i in rows for j in columns):
        return None
    # u_i <= a_ij + w_j for w = -v, and w_j <= u_i - a_ij on the chosen places: distances in a digraph
    nodes = [*(("row", i) for i in rows), *(("column", j) for j in columns)]
    place = {node: k for k, node in enumerate(nodes)}
    size = len(nodes)
    best: list[list[fmpq | None]] = [[fmpq(0) if a == b else None for b in range(size)] for a in range(size)]

    def lower(a: int, b: int, value: Scalar) -> None:
        known = best[a][b]
        if is_finite(value) and (known is None or value < known):
            best[a][b] = value

    for i in rows:
        for j in columns:
            entry = matrix[i, j]
            lower(place["row", i], place["column", j], entry)
            if (i, j) in chosen and is_finite(entry):
                lower(place["column", j], place["row", i], -entry)
    for k in range(size):
        for a in range(size):
            for b in range(size):
                one, two = best[a][k], best[k][b]
                if one is not None and two is not None:
                    lower(a, b, one + two)
        if any((best[a][a] or fmpq(0)) < 0 for a in range(size)):
            return None
    tight = set()
    for i in rows:
        for j in columns:
            back, entry = best[place["column", j]][place["row", i]], matrix[i, j]
            if back is not None and is_finite(entry) and back == -entry:
                tight.add((i, j))
    return frozenset(tight)


__all__ = ["MAX_NODES", "Ranks", "column_rank", "factor_rank_bounds", "ranks", "row_rank"]
