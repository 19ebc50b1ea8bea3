"""Convex pieces that meet face to face: partitions that are polyhedral complexes.

In a polyhedral complex two pieces meet in a face of both. For finitely many convex pieces of a convex domain it is
enough that every facet inside the domain is a whole facet of the piece beyond it (Gruber and Ryshkov 1989): let y be a
point inside the intersection of two pieces. Near y one comes from one piece to the other through facets that contain
y, and on the way the least face that contains y stays the same, since it is the least face of each common facet. So it
is a face of both pieces; it is all of their intersection.

The cells of a network are such a complex. It is made coarser by joining two cells whose union is convex, together with
all joins that this calls for: where a facet of the union borders on several pieces, these are joined too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence

import numpy as np

from nn_bridge.convexity.parts import Part, Row, boundary, cut, excess, is_convex
from nn_bridge.convexity.search import Pieces
from polyhedra.limits import check_limits

_ORDERS = 8
"""In how many orders joins are tried; the first is that of the parts."""


def is_face_to_face(pieces: Sequence[Sequence[Part]]) -> bool:
    """Whether convex pieces that make up a convex domain meet face to face.

    Parameters
    ----------
    pieces : sequence of convex unions of parts
        Without common inner points, together convex.
    """
    rows = [sorted({facet.row for _, facet in boundary(piece)}) for piece in pieces]
    generators = {g for piece in pieces for part in piece for g in part.generators}
    owners: dict[Row, list[int]] = {}
    for number, own in enumerate(rows):
        for row in own:
            owners.setdefault(row, []).append(number)
    facets = {(number, row): _on(pieces[number], row) for number, own in enumerate(rows) for row in own}
    for (number, row), facet in facets.items():
        check_limits()
        opposite = tuple(-v for v in row)
        matched = any(
            _inside(facet, rows[other]) and _inside(facets[other, opposite], rows[number])
            for other in owners.get(opposite, ())
        )
        if not matched and any(excess(row, g) > 0 for g in generators):
            return False
    return True


def _on(piece: Sequence[Part], row: Row) -> set[Row]:
    return {g for part in piece for g in part.on(row)}


def _inside(generators: set[Row], rows: Sequence[Row]) -> bool:
    return all(excess(row, g) <= 0 for row in rows for g in generators)


def coarsened(parts: Sequence[Part], regions: Sequence[int], orders: int = _ORDERS) -> Iterator[Pieces]:
    """Convex pieces that meet face to face, from parts that do: each result has fewer than the one before.

    Parameters
    ----------
    parts : sequence of Part
        A polyhedral complex whose common facets have common keys, such as all cells of a network.
    regions : sequence of int
        Parts with different numbers are not joined.
    orders : int
        In how many orders joins are tried.
    """
    fewest = len(parts)
    yield [[part] for part in parts]
    rng = np.random.default_rng(0)
    pairs = _neighbours(parts, regions)
    for turn in range(orders if pairs else 0):
        order = pairs if not turn else [pairs[k] for k in rng.permutation(len(pairs))]
        found = _Coarsening(parts, regions).by(order)
        if len(found) < fewest:
            fewest = len(found)
            yield found


def refined(parts: Sequence[Part], regions: Sequence[int], rows: Sequence[Row]) -> tuple[list[Part], list[int]]:
    """All parts of a complex cut along hyperplanes, and their regions: a complex again."""
    parts, regions = list(parts), list(regions)
    for name, row in enumerate(rows):
        check_limits()
        sides = [(cut([part], row, ("all", name)), region) for part, region in zip(parts, regions, strict=True)]
        parts = [part for (inner, outer), _ in sides for part in (*inner, *outer)]
        regions = [region for (inner, outer), region in sides for _ in (*inner, *outer)]
    return parts, regions


def _neighbours(parts: Sequence[Part], regions: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of parts of one region with a common facet."""
    seen: dict[Hashable, int] = {}
    found = []
    for k, part in enumerate(parts):
        for facet in part.facets:
            other = seen.setdefault(facet.key, k)
            if other != k and regions[other] == regions[k]:
                found.append((other, k))
    return found


class _Coarsening:
    """Groups of parts that are convex and meet face to face, before and after every join."""

    def __init__(self, parts: Sequence[Part], regions: Sequence[int]) -> None:
        self.parts, self.regions = parts, regions
        self.home = list(range(len(parts)))
        self.groups: dict[int, list[int]] = {k: [k] for k in range(len(parts))}
        self.owners: dict[Hashable, list[int]] = {}
        for k, part in enumerate(parts):
            for facet in part.facets:
                self.owners.setdefault(facet.key, []).append(k)

    def by(self, order: Sequence[tuple[int, int]]) -> Pieces:
        """Join in this order, again and again, as long as a join succeeds."""
        more = True
        while more:
            more = False
            for one, two in order:
                check_limits()
                if self.home[one] != self.home[two] and self._join(one, two):
                    more = True
        return [[self.parts[k] for k in group] for group in self.groups.values()]

    def _join(self, one: int, two: int) -> bool:
        """Join the groups of two parts, with all joins that follow; all of them or none."""
        wanted, changed = [(one, two)], list[int]()
        done: list[tuple[int, int, int]] = []
        while wanted or changed:
            if not wanted:
                wanted = self._called_for(self.home[changed.pop()])
                continue
            first, second = (self.home[k] for k in wanted.pop())
            if first == second:
                continue
            union = [*self.groups[first], *self.groups[second]]
            if self.regions[union[0]] != self.regions[union[-1]] or not is_convex([self.parts[k] for k in union]):
                self._take_back(done)
                return False
            done.append((first, second, len(self.groups[first])))
            for k in self.groups.pop(second):
                self.home[k] = first
            self.groups[first] = union
            changed.append(union[0])
        return True

    def _take_back(self, done: Sequence[tuple[int, int, int]]) -> None:
        for first, second, size in reversed(done):
            self.groups[second] = self.groups[first][size:]
            self.groups[first] = self.groups[first][:size]
            for k in self.groups[second]:
                self.home[k] = second

    def _called_for(self, name: int) -> list[tuple[int, int]]:
        """Parts whose groups are to be joined so that each facet of a group is a whole facet of the group beyond."""
        found: list[tuple[int, int]] = []
        first: dict[Row, int] = {}
        for row, _, beyond in self._borders(name):
            other = first.setdefault(row, beyond)
            if self.home[other] != self.home[beyond]:
                found.append((other, beyond))
        for row, other in first.items():
            opposite = tuple(-v for v in row)
            back = (mine for side, _, mine in self._borders(self.home[other]) if side == opposite)
            found += [(self.groups[name][0], mine) for mine in back if self.home[mine] != name]
        return found

    def _borders(self, name: int) -> list[tuple[Row, int, int]]:
        """The facets of a group inside the domain: the half-space, the part on this side and the part beyond."""
        members = self.groups[name]
        times = Counter(facet.key for k in members for facet in self.parts[k].facets)
        return [
            (facet.row, k, beyond)
            for k in members
            for facet in self.parts[k].facets
            if times[facet.key] == 1
            for beyond in self.owners[facet.key]
            if beyond != k
        ]


def new_rows(pieces: Sequence[Sequence[Part]], parts: Sequence[Part]) -> list[Row]:
    """Hyperplanes of facets of pieces that are no facets of any part, each once."""
    known = {facet.row for part in parts for facet in part.facets}
    known |= {tuple(-v for v in row) for row in known}
    found: dict[Row, None] = {}
    for piece in pieces:
        for _, facet in boundary(piece):
            if facet.row not in known:
                found[max(facet.row, tuple(-v for v in facet.row))] = None
    return list(found)


__all__ = ["coarsened", "is_face_to_face", "new_rows", "refined"]
