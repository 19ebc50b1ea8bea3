"""Cut a region into few convex pieces: along hyperplanes that mend the places where it is not convex.

Candidates are the hyperplanes of the facets beyond which the region reaches, which extend these facets into it, and the
hyperplanes through two ridges where it is not convex, which mend both at once and need be no unit's hyperplane.  Small
regions are searched further, within a budget of cuts; the pieces are joined again where unions are convex.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, count, islice

from flint import fmpq

from nn_bridge.convexity.parts import Facet, Part, Row, components, cut, excess, is_convex, violated
from polyhedra.limits import check_limits
from polyhedra.matrix import nullspace, rank
from polyhedra.scalars import primitive

CUTS = 3000
"""Parts cut on trial for one region; then the best cut at sight is taken."""
MOST_RIDGES = 14
MOST_CANDIDATES = 60

Pieces = list[list[Part]]


class Search:
    """Few convex pieces of one region.

    Parameters
    ----------
    cuts : int
        The budget of parts cut on trial; with 0 the best cut at sight is taken from the start, which is fast.
    """

    def __init__(self, cuts: int = CUTS) -> None:
        self._left = cuts
        self._names = count()

    def pieces(self, parts: Sequence[Part]) -> Pieces:
        """Convex unions that make up the region; as many as the parts at most."""
        found = joined(self._divide(list(parts), len(parts)))
        if len(found) > len(parts):
            return [[part] for part in parts]
        return found

    def _divide(self, parts: list[Part], most: int) -> Pieces:
        """Convex pieces of a union of parts, by the best of the cuts tried."""
        check_limits()
        if is_convex(parts):
            return [parts]
        ranked: list[tuple[int, int, int, Pieces]] = []
        for row in islice(candidates(parts), MOST_CANDIDATES if self._left > 0 else 6):
            self._left -= len(parts)
            sides = [group for side in cut(parts, row, next(self._names)) for group in components(side)]
            if len(sides) > 1:
                ranked.append((sum(1 + len(violated(group)) for group in sides), len(sides), len(ranked), sides))
        if not ranked:
            return [[part] for part in parts]
        ranked.sort(key=lambda entry: entry[:3])
        best: Pieces | None = None
        for _, _, _, sides in ranked[: 4 if self._left > 0 else 1]:
            limit = most if best is None else len(best) - 1
            found: Pieces = []
            for group in sides:
                found += self._divide(group, limit)
                if best is not None and len(found) >= len(best):
                    break
            else:
                found = joined(found)
                if best is None or len(found) < len(best):
                    best = found
            if best is not None and (len(best) == 2 or self._left <= 0):
                break
        assert best is not None
        return best


def joined(pieces: Pieces) -> Pieces:
    """Join two convex pieces where their union is convex, as long as there are such."""
    pieces = list(pieces)
    k = 0
    while k < len(pieces):
        for other in range(k + 1, len(pieces)):
            union = [*pieces[k], *pieces[other]]
            if len(components(union)) == 1 and is_convex(union):
                pieces[k] = union
                del pieces[other]
                k = -1  # the larger piece may fit to an earlier one
                break
        k += 1
    return pieces


def candidates(parts: Sequence[Part]) -> Iterator[Row]:
    """Hyperplanes to cut along, each once."""
    bad = violated(parts)
    seen = set()
    ridges = _reflex_ridges(bad)
    through = (row for one, two in combinations(ridges, 2) for row in _common(one, two))
    for row in (*(facet.row for _, facet in bad), *islice(through, 200)):
        plane = row if next(v for v in row if v) > 0 else tuple(-v for v in row)
        if plane not in seen:
            seen.add(plane)
            yield row


def _reflex_ridges(bad: Sequence[tuple[Part, Facet]]) -> list[tuple[Row, Row]]:
    """Pairs of facets that meet in a ridge where the union is not convex."""
    found: list[tuple[Row, Row]] = []
    sides = [(facet.row, set(part.on(facet.row))) for part, facet in bad]
    for (one, first), (two, second) in combinations(sides, 2):
        dim = len(one) - 1
        ridge = first & second
        if len(ridge) < dim - 1 or one == two:
            continue
        if not any(excess(one, g) > 0 for g in second) or not any(excess(two, g) > 0 for g in first):
            continue
        if rank(tuple(tuple(map(fmpq, g)) for g in ridge)) == dim - 1:
            found.append((one, two))
            if len(found) == MOST_RIDGES:
                break
    return found


def _common(one: tuple[Row, Row], two: tuple[Row, Row]) -> list[Row]:
    """The hyperplane through two ridges, each given by two facets, where there is exactly one."""
    rows = [tuple(map(fmpq, row)) for row in (*one, *two)]
    relations = nullspace(tuple(zip(*rows, strict=True)), 4)
    if len(relations) != 1:
        return []
    first, second = relations[0][:2]
    row = primitive([first * a + second * b for a, b in zip(*rows[:2], strict=True)])
    return [row] if any(row[:-1]) else []


__all__ = ["CUTS", "Search", "candidates", "joined"]
