"""Exact planar geometry for pictures: clip a polygon by half-planes; colours for neighbours.

Polygons are tuples of exact points in cyclic order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from flint import fmpq

T = TypeVar("T")
Point = tuple[fmpq, ...]
Polygon = tuple[Point, ...]
HalfPlane = tuple[Sequence[fmpq], fmpq]
"""The pair (a, b) stands for a . x <= b."""


def clip(polygon: Polygon, half_planes: Iterable[HalfPlane]) -> Polygon:
    """The part of a convex polygon in all half-planes; empty where no area is left.

    Examples
    --------
    >>> square = tuple((fmpq(x), fmpq(y)) for x, y in [(0, 0), (1, 0), (1, 1), (0, 1)])
    >>> clip(square, [((1, 1), fmpq(1))])
    ((0, 0), (1, 0), (0, 1))
    """
    for normal, bound in half_planes:
        if not polygon:
            return ()
        values = [normal[0] * x + normal[1] * y - bound for x, y in polygon]
        kept: list[Point] = []
        for p, q, value, following in zip(polygon, _next(polygon), values, _next(values), strict=True):
            if value <= 0:
                kept.append(p)
            if value * following < 0:
                share = value / (value - following)
                kept.append((p[0] + share * (q[0] - p[0]), p[1] + share * (q[1] - p[1])))
        polygon = tuple(kept) if len(kept) >= 3 and twice_area(kept) != 0 else ()
    return polygon


def _next(items: Sequence[T]) -> list[T]:
    """The items, each replaced by the one that follows it in the cycle."""
    return [*items[1:], *items[:1]]


def twice_area(polygon: Sequence[Point]) -> fmpq:
    """Twice the signed area."""
    return sum((p[0] * q[1] - q[0] * p[1] for p, q in zip(polygon, _next(polygon), strict=True)), fmpq(0))


def colouring(
    nodes: Iterable[int],
    neighbours: Iterable[tuple[int, int]],
    colours: int,
    wanted: Mapping[int, int] | None = None,
) -> dict[int, int]:
    """A colour for each node, different ones for neighbours where the greedy choice manages with so many colours.

    A node gets the colour that is wanted for it where no neighbour has it, else the one that is used least.
    """
    around: dict[int, set[int]] = {node: set() for node in nodes}
    for one, other in neighbours:
        if one != other:
            around[one].add(other)
            around[other].add(one)
    chosen: dict[int, int] = {}
    used = [0] * colours
    for node in sorted(around, key=lambda node: (-len(around[node]), node)):
        taken = {chosen[other] for other in around[node] if other in chosen}
        free = [colour for colour in range(colours) if colour not in taken] or list(range(colours))
        favourite = wanted.get(node) if wanted else None
        chosen[node] = favourite if favourite in free else min(free, key=lambda colour: (used[colour], colour))
        used[chosen[node]] += 1
    return chosen
