"""Betti numbers and torsion of chain complexes with integer boundaries, exactly.

Boundaries are reduced by pivots 1 and -1 over the integers, sparsely; rows that held a pivot are left out as columns
one degree below, where they are integer combinations of others.  What has no such pivot left is small; its Smith form
gives the rank over the rationals and torsion, and elimination modulo 2 the rank there.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flint import fmpz, fmpz_mat, nmod_mat

from polyhedra.limits import check_limits

Boundary = Mapping[int, Mapping[int, int]]
"""The boundary of each generator of one degree: coefficients by the generators one degree below."""

FIELDS = ("Q", "2")


@dataclass(frozen=True, slots=True)
class Homology:
    """The homology of a chain complex of free groups.

    Attributes
    ----------
    rational, modulo_two : tuple of int
        The Betti numbers over Q and over the field with two elements, by degree.
    torsion : tuple of tuple of int
        For each degree the torsion coefficients, each a divisor of the next.
    """

    rational: tuple[int, ...]
    modulo_two: tuple[int, ...]
    torsion: tuple[tuple[int, ...], ...]

    def betti(self, field: str) -> tuple[int, ...]:
        """The Betti numbers over ``"Q"`` or ``"2"``."""
        return self.rational if field == "Q" else self.modulo_two


def homology(boundaries: Sequence[Boundary]) -> Homology:
    """The homology of a chain complex.

    Parameters
    ----------
    boundaries : sequence of mappings
        For each degree from 0 every generator with its boundary, empty in degree 0.

    Examples
    --------
    >>> projective_plane = [{0: {}}, {1: {}}, {2: {1: 2}}]
    >>> homology(projective_plane)
    Homology(rational=(1, 0, 0), modulo_two=(1, 1, 1), torsion=((), (2,), ()))
    """
    top = len(boundaries)
    ranks, ranks_two = [0] * (top + 1), [0] * (top + 1)
    torsion: list[tuple[int, ...]] = [()] * top
    cleared: set[int] = set()
    for degree in range(top - 1, 0, -1):
        columns = {c: dict(rows) for c, rows in boundaries[degree].items() if c not in cleared and rows}
        cleared = _eliminate(columns)
        ranks[degree] = ranks_two[degree] = len(cleared)
        rest = _dense(columns)
        if rest is not None:
            factors = _invariant_factors(rest)
            ranks[degree] += len(factors)
            ranks_two[degree] += nmod_mat(rest, 2).rank()
            torsion[degree - 1] = tuple(factor for factor in factors if factor > 1)

    def betti(found: list[int]) -> tuple[int, ...]:
        return tuple(len(boundaries[k]) - found[k] - found[k + 1] for k in range(top))

    return Homology(betti(ranks), betti(ranks_two), tuple(torsion))


def _eliminate(columns: dict[int, dict[int, int]]) -> set[int]:
    """Take pivots 1 and -1 as long as there are any, changing the columns in place; return the rows of the pivots."""
    holding: dict[int, set[int]] = {}
    for column, entries in columns.items():
        for row in entries:
            holding.setdefault(row, set()).add(column)
    queue = [(len(held), row) for row, held in holding.items()]
    heapq.heapify(queue)
    done: set[int] = set()
    while queue:
        count, row = heapq.heappop(queue)
        held = holding.get(row)
        if not held or len(held) != count:
            continue  # the row was pushed again when it changed
        candidates = [column for column in held if abs(columns[column][row]) == 1]
        if not candidates:
            continue
        check_limits()
        pivot = min(candidates, key=lambda column: (len(columns[column]), column))
        entries = columns.pop(pivot)
        unit = entries[row]
        changed: set[int] = set()
        for other in held - {pivot}:
            target = columns[other]
            factor = -target[row] * unit
            for place, value in entries.items():
                new = target.get(place, 0) + factor * value
                if new:
                    target[place] = new
                    holding[place].add(other)
                else:
                    del target[place]
                    holding[place].discard(other)
                changed.add(place)
        for place in entries:
            holding[place].discard(pivot)
            changed.add(place)
        del holding[row]
        done.add(row)
        for place in changed - {row}:
            if holding[place]:
                heapq.heappush(queue, (len(holding[place]), place))
    return done


def _dense(columns: dict[int, dict[int, int]]) -> fmpz_mat | None:
    """The columns that are left as a matrix (one row for each column); None where none is."""
    left = [entries for entries in columns.values() if entries]
    if not left:
        return None
    rows = sorted({row for entries in left for row in entries})
    return fmpz_mat([[entries.get(row, 0) for row in rows] for entries in left])


def _invariant_factors(matrix: fmpz_mat) -> list[int]:
    """The nonzero diagonal of the Smith form."""
    form = matrix.snf()
    diagonal: list[fmpz] = [form[k, k] for k in range(min(form.nrows(), form.ncols()))]
    return [abs(int(value)) for value in diagonal if value]


__all__ = ["FIELDS", "Boundary", "Homology", "homology"]
