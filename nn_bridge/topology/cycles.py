"""Cycles that represent a basis of homology, as sums of simplices with exact corners.

The columns of a boundary are reduced, and the combinations of columns that vanish are kept; those that no column of one
degree more reduces to are a basis of the homology.  Each face of a cycle is then subdivided barycentrically: by the
points inside the faces of its flags.  In an open set the cells of a cycle are dual to faces: flags that go up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import gcd

from nn_bridge.topology.homology import Boundary
from polyhedra.limits import check_limits

Chain = dict[int, int]
"""Coefficients by generator."""


def basis_cycles(boundaries: Sequence[Boundary], degree: int, field: str) -> list[Chain]:
    """Cycles whose classes are a basis of the homology of a chain complex in one degree.

    Parameters
    ----------
    boundaries : sequence of mappings
        As `nn_bridge.topology.homology.homology` takes them.
    degree : int
    field : {"Q", "2"}
        Over the rationals the coefficients are integers without a common factor.

    Examples
    --------
    >>> triangle = [{0: {}, 1: {}, 2: {}}, {3: {0: -1, 1: 1}, 4: {1: -1, 2: 1}, 5: {0: -1, 2: 1}}]
    >>> basis_cycles(triangle, 1, "Q")
    [{5: 1, 4: -1, 3: -1}]
    """
    bounding = boundaries[degree + 1] if degree + 1 < len(boundaries) else {}
    destroyed, _ = _reduce(bounding, set(), field, False)
    _, cycles = _reduce(boundaries[degree], destroyed, field, True)
    return cycles


def _reduce(columns: Boundary, left_out: set[int], field: str, combine: bool) -> tuple[set[int], list[Chain]]:
    """The pivots of the columns, and, where asked, the combinations of columns that vanish."""
    reduced: dict[int, tuple[Chain, Chain]] = {}
    vanishing: list[Chain] = []
    for number in sorted(columns):
        if number in left_out:
            continue
        check_limits()
        column, made = _modulo(columns[number], field), {number: 1}
        while column and (low := max(column)) in reduced:
            pivot, pivot_made = reduced[low]
            common = gcd(column[low], pivot[low])
            scale, factor = pivot[low] // common, -column[low] // common
            column = _sum(column, scale, pivot, factor, field)
            if combine:
                made = _sum(made, scale, pivot_made, factor, field)
        if column:
            reduced[max(column)] = column, made
        elif combine:
            common = gcd(*made.values())
            vanishing.append({place: value // common for place, value in made.items()})
    return set(reduced), vanishing


def _modulo(chain: Mapping[int, int], field: str) -> Chain:
    return {place: 1 for place, value in chain.items() if value % 2} if field == "2" else dict(chain)


def _sum(one: Chain, scale: int, two: Chain, factor: int, field: str) -> Chain:
    """The combination ``scale * one + factor * two``."""
    total = dict(one) if scale == 1 else {place: scale * value for place, value in one.items()}
    for place, value in two.items():
        new = total.get(place, 0) + factor * value
        if field == "2":
            new %= 2
        if new:
            total[place] = new
        else:
            total.pop(place, None)
    return total


__all__ = ["Chain", "basis_cycles"]
