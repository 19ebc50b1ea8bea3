"""Checks of the witnesses of `nn_bridge.convexity`, by polyhedra and points alone: no facets, no keys, no adjacency."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import combinations, pairwise

from flint import fmpq

from nn_bridge.cells.cell import iterate_cells
from nn_bridge.network.network import Network
from polyhedra.polyhedron import Polyhedron


def without(whole: Polyhedron, taken: Sequence[Polyhedron]) -> list[Polyhedron]:
    """Full-dimensional polyhedra that make up a polyhedron without others."""
    left = [whole]
    for piece in taken:
        after = []
        for part in left:
            inside = part
            for row in piece.inequalities:
                beyond = Polyhedron([[-v for v in row[:-1]]], [-row[-1]])
                outer = inside.intersection(beyond)
                if outer.is_full_dimensional():
                    after.append(outer)
                inside = inside.intersection(Polyhedron([row[:-1]], [row[-1]]))
        left = after
    return left


def is_partition(network: Network, domain: Polyhedron | None, pieces: Sequence[Polyhedron]) -> bool:
    """Whether pieces have no common inner points, cover all cells, and the network is affine on each of them."""
    if any(one.intersection(two).is_full_dimensional() for one, two in combinations(pieces, 2)):
        return False
    cells = list(iterate_cells(network, domain))
    if any(without(cell.polyhedron, pieces) for cell in cells):
        return False
    return all(
        len({c.affine_map for c in cells if c.polyhedron.intersection(piece).is_full_dimensional()}) == 1
        for piece in pieces
    )


def leaves_the_map(network: Network, one: Sequence[fmpq], two: Sequence[fmpq]) -> bool:
    """Whether some point of the segment between two points of one map has other outputs.

    At all breakpoints of the segment at least: they are among the zeros of the units, which are found stage by stage on
    pieces on which the earlier stages are affine, by evaluating at two points.
    """
    times = [Fraction(0), Fraction(1)]

    def at(t: Fraction) -> tuple[fmpq, ...]:
        share = fmpq(t.numerator, t.denominator)
        return tuple(p + share * (q - p) for p, q in zip(one, two, strict=True))

    for stage in range(len(network.hidden)):
        found = set(times)
        for low, high in pairwise(times):
            before = [_fraction(v) for v in network.preactivations(at(low))[stage]]
            after = [_fraction(v) for v in network.preactivations(at(high))[stage]]
            for p, q in zip(before, after, strict=True):
                if min(p, q) < 0 < max(p, q):
                    found.add(low + (high - low) * p / (p - q))
        times = sorted(found)
    first, last = network.evaluate(one), network.evaluate(two)
    for t in times:
        share = fmpq(t.numerator, t.denominator)
        if network.evaluate(at(t)) != tuple(p + share * (q - p) for p, q in zip(first, last, strict=True)):
            return True
    return False


def are_apart(network: Network, points: Iterable[Sequence[fmpq]]) -> bool:
    """Whether no convex piece holds two of the points, which lie in one region."""
    return all(leaves_the_map(network, one, two) for one, two in combinations(points, 2))


def _fraction(value: fmpq) -> Fraction:
    return Fraction(int(value.p), int(value.q))


def meet_face_to_face(pieces: Sequence[Polyhedron]) -> bool:
    """Whether any two pieces meet in a common face of both, or not at all."""
    return all(
        common.is_empty() or (_is_face(one, common, two) and _is_face(two, common, one))
        for one, two in combinations(pieces, 2)
        for common in [one.intersection(two)]
    )


def _is_face(piece: Polyhedron, common: Polyhedron, other: Polyhedron) -> bool:
    """Whether the intersection of a piece with another is a face: that of the rows which are equations there."""
    points = common.vertices()
    directions = [*common.rays(), *common.lines()]
    tight = [
        row
        for row in piece.inequalities
        if all(_value(row, x) == row[-1] for x in points) and not any(_value(row, v) for v in directions)
    ]
    rows = [[-v for v in row] for row in tight]
    face = piece
    for row in rows:
        face = face.intersection(Polyhedron([row[:-1]], [row[-1]]))
    return all(
        all(_value(row, x) <= row[-1] for x in face.vertices())
        and all(_value(row, v) <= 0 for v in face.rays())
        and not any(_value(row, v) for v in face.lines())
        for row in other.inequalities
    )


def _value(row: Sequence[fmpq], x: Sequence[fmpq]) -> fmpq:
    return sum((a * v for a, v in zip(row[:-1], x, strict=True)), fmpq(0))
