"""Pairs of a filtered chain complex, by reduction of columns over the integers or modulo 2.

High degrees come first, and a generator that destroys a class has a column that reduces to 0, which is not reduced
again (Chen and Kerber 2011).  Over the rationals columns hold integers: pivots are 1 or -1 nearly always, and where one
is not, the column is multiplied by it first, so that no fraction arises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import gcd

from polyhedra.limits import check_limits

Pairs = list[tuple[int, int | None]]
"""The generators that create and destroy each class; None: it is never destroyed."""


def persistent_pairs(
    order: Sequence[int],
    degrees: Mapping[int, int] | Sequence[int],
    boundary: Mapping[int, Mapping[int, int]],
    field: str,
) -> Pairs:
    """The pairs of a filtered chain complex.

    Parameters
    ----------
    order : sequence of int
        The generators as they enter; each after those of its boundary.
    degrees : mapping or sequence
        The degree of each.
    boundary : mapping of mappings
        The boundary of each, coefficients 1 and -1.
    field : {"Q", "2"}

    Examples
    --------
    >>> persistent_pairs([0, 1, 2], [0, 0, 1], {0: {}, 1: {}, 2: {0: -1, 1: 1}}, "Q")
    [(0, None), (1, 2)]
    """
    rank = {generator: number for number, generator in enumerate(order)}
    by_degree: dict[int, list[int]] = {}
    for number, generator in enumerate(order):
        by_degree.setdefault(degrees[generator], []).append(number)
    destroyer: dict[int, int] = {}
    less = _less_modulo_two if field == "2" else _less_integers
    for degree in sorted(by_degree, reverse=True):
        columns = {
            number: {rank[other]: sign for other, sign in boundary[order[number]].items()}
            for number in by_degree[degree]
            if number not in destroyer
        }
        destroyer |= _reduce(columns, less)
    destroying = set(destroyer.values())
    return [
        (generator, order[destroyer[number]] if number in destroyer else None)
        for number, generator in enumerate(order)
        if number not in destroying
    ]


Column = dict[int, int]
"""The entries by their rows; modulo 2 all are 1."""


def _reduce(columns: Mapping[int, Mapping[int, int]], less: Callable[[Column, Column, int], Column]) -> dict[int, int]:
    """For each lowest row the column that has it; columns come in their order.

    ``less(column, pivot, low)`` is a multiple of the column less one of the pivot, without an entry in the row ``low``.
    """
    reduced: dict[int, Column] = {}
    found: dict[int, int] = {}
    for number, entries in columns.items():
        check_limits()
        column = dict(entries)
        while column:
            low = max(column)
            pivot = reduced.get(low)
            if pivot is None:
                reduced[low] = column
                found[low] = number
                break
            column = less(column, pivot, low)
    return found


def _less_modulo_two(column: Column, pivot: Column, low: int) -> Column:
    for place in pivot:
        if column.pop(place, None) is None:
            column[place] = 1
    return column


def _less_integers(column: Column, pivot: Column, low: int) -> Column:
    factor, rest = divmod(column[low], pivot[low])
    if rest:
        scale = pivot[low] // gcd(column[low], pivot[low])
        column = {place: value * scale for place, value in column.items()}
        factor = column[low] // pivot[low]
    for place, value in pivot.items():
        new = column.get(place, 0) - factor * value
        if new:
            column[place] = new
        else:
            del column[place]
    return column


__all__ = ["Pairs", "persistent_pairs"]
