"""Points of one affine map of which no two lie in one convex piece: a lower bound on the number of pieces.

A piece is a full-dimensional convex set on which the network is affine.  If a piece holds two points that lie inside
cells of one map, the network has this map on the whole segment between them; so a point of the segment with other
outputs proves that every piece holds one of the two at most.  Points of different regions need no such proof: the
inside of a piece joins the cells that it meets across facets, so that they lie in one region.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import networkx as nx
from flint import fmpq

from nn_bridge.convexity.parts import Part, Row, violated
from nn_bridge.network.network import Network
from nn_bridge.network.network import Row as Point
from nn_bridge.network.segments import segment
from polyhedra.limits import OutOfTime, check_limits
from polyhedra.scalars import ZERO

MOST_POINTS = 40
_DEPTH = 256
"""Candidates lie next to facets: this part of the way from the facet to an inner point of its cell."""


def apart(network: Network, one: Point, two: Point) -> bool:
    """Whether the network leaves, between two points inside cells of one map, the map that it has at both."""
    before, after = network.evaluate(one), network.evaluate(two)
    expected = tuple((q - p, p) for p, q in zip(before, after, strict=True))
    return any(piece.outputs != expected for piece in segment(network, one, two).pieces)


def points_apart(network: Network, parts: Sequence[Part], enough: int) -> list[Point]:
    """Points inside one region of which no two lie in one convex piece: as many as were found, one at least.

    At a time limit the best among the pairs looked at so far.

    Parameters
    ----------
    network : Network
    parts : sequence of Part
        The cells of the region.
    enough : int
        A number of pieces that suffice, so that there are no more points.
    """
    points = candidates(parts)
    graph = nx.Graph()
    graph.add_nodes_from(range(len(points)))
    try:
        for one, two in combinations(range(len(points)), 2):
            check_limits()
            if apart(network, points[one], points[two]):
                graph.add_edge(one, two)
    except OutOfTime:
        return [points[k] for k in sorted(_quick_clique(graph))]
    chosen = _quick_clique(graph)
    if len(chosen) < enough:
        chosen, _ = nx.max_weight_clique(graph, weight=None)
    return [points[k] for k in sorted(chosen)]


def candidates(parts: Sequence[Part]) -> list[Point]:
    """Points next to the facets beyond which the region reaches, then a point inside each part."""
    inner = {part.number: inside(part.generators) for part in parts}
    found: dict[Point, None] = {}
    for part, facet in violated(parts):
        centre, middle = inner[part.number], inside(part.on(facet.row))
        found[tuple(m + (c - m) / _DEPTH for c, m in zip(centre, middle, strict=True))] = None
    for point in inner.values():
        found[point] = None
    return list(found)[:MOST_POINTS]


def inside(generators: Sequence[Row]) -> Point:
    """A point of the relative interior of what the generators span: the mean of vertices, plus the rays shortened."""
    vertices = [g for g in generators if g[-1]]
    point = [
        sum((fmpq(x, g[-1]) for x, g in zip(column, vertices, strict=True)), ZERO) / len(vertices)
        for column in zip(*(g[:-1] for g in vertices), strict=True)
    ]
    for ray in (g for g in generators if not g[-1]):
        largest = max(map(abs, ray))
        point = [x + fmpq(r, largest) for x, r in zip(point, ray[:-1], strict=True)]
    return tuple(point)


def _quick_clique(graph: nx.Graph) -> list[int]:
    """A clique by taking, again and again, the node with the most neighbours among those left."""
    best: list[int] = []
    for start in graph:
        left, chosen = set(graph[start]), [start]
        while left:
            node = max(left, key=lambda k: (len(left & set(graph[k])), -k))
            chosen.append(node)
            left &= set(graph[node])
        best = max(best, chosen, key=len)
    return best


__all__ = ["apart", "candidates", "inside", "points_apart"]
