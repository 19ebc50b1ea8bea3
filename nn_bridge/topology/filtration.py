"""Pairs of a filtered chain complex, by reduction of columns over the integers or modulo 2.

High degrees come first, and a generator that destroys a class has a column that reduces to 0, which is not reduced
again (Chen and Kerber 2011).  Over the rationals columns hold integers: pivots are 1 or -1 nearly always, and where one
is not, the column is multiplied by it first, so that no fraction arises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    reduce = _reduce_modulo_two if field == "2" else _reduce_integers
    for degree in sorted(by_degree, reverse=True):
        columns = {
            number: {rank[other]: sign for other, sign in boundary[order[number]].items()}
            for number in by_degree[degree]
            if number not in destroyer
        }
        destroyer |= reduce(columns)
    destroying = set(destroyer.values())
    return [
        (generator, order[destroyer[number]] if number in destroyer else None)
        for number, generator in enumerate(order)
        if number not in destroying
    ]


def _reduce_modulo_two(columns: Mapping[int, Mapping[int, int]]) -> dict[int, int]:
    """For each lowest row the column that has it, modulo 2; columns come in their order."""
    reduced: dict[int, set[int]] = {}
    found: dict[int, int] = {}
    for number, entries in columns.items():
        check_limits()
        column = set(entries)
        while column:
            low = max(column)
            pivot = reduced.get(low)
            if pivot is None:
                reduced[low] = column
                found[low] = number
                break
            column ^= pivot
    return found


def _reduce_integers(columns: Mapping[int, Mapping[int, int]]) -> dict[int, int]:
    """The same over the rationals."""
    reduced: dict[int, dict[int, int]] = {}
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
    return found


__all__ = ["Pairs", "persistent_pairs"]
