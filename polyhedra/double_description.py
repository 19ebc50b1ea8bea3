"""The double description method in exact integers: from the inequalities of a cone to its generators.

The cone {y : r.y = 0 for equalities r, r.y >= 0 for inequalities r} is kept as lines and rays while the rows are added
one by one (Motzkin, Raiffa, Thompson and Thrall 1953; Fukuda and Prodon 1996).  Vectors are integers without common
factor, incidences are bit sets, and adjacency is the combinatorial test, so degenerate input is nothing special.  The
other direction, from generators to inequalities, is the same computation on the dual cone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import gcd

from polyhedra.limits import check_limits

IntegerVector = tuple[int, ...]

_MANY_PAIRS = 2_000  # from here on adjacency is decided for all pairs at once, in numpy


@dataclass(frozen=True, slots=True)
class Generators:
    """A cone as the sum of the lines' span and the rays' non-negative combinations.

    Attributes
    ----------
    lines, rays : tuple of integer vectors
        Minimal: the lines are independent, and each ray spans an extreme ray modulo the lines.
    incidences : tuple of int
        For each ray the bit set of the inequalities (by index) that it satisfies with equality.
    """

    lines: tuple[IntegerVector, ...]
    rays: tuple[IntegerVector, ...]
    incidences: tuple[int, ...]


def cone_generators(dim: int, equalities: Iterable[Sequence[int]], inequalities: Sequence[Sequence[int]]) -> Generators:
    """The generators of {y in R^dim : equalities y = 0, inequalities y >= 0}.

    Parameters
    ----------
    dim : int
    equalities, inequalities : sequences of integer vectors of length dim

    Examples
    --------
    >>> cone_generators(2, [], [(1, 0), (-1, 1)]).rays
    ((0, 1), (1, 1))
    """
    lines: list[IntegerVector] = [tuple(int(i == j) for j in range(dim)) for i in range(dim)]
    for row in equalities:
        pivot = next((line for line in lines if _dot(row, line)), None)
        if pivot is not None:
            lines = [_onto(row, line, pivot) for line in lines if line is not pivot]
    linear_span = len(lines)
    rays: list[tuple[IntegerVector, int]] = []
    done = 0
    for index in _insertion_order(inequalities):
        row, bit = inequalities[index], 1 << index
        pivot = next((line for line in lines if _dot(row, line)), None)
        if pivot is not None:
            if _dot(row, pivot) < 0:
                pivot = tuple(-value for value in pivot)
            lines = [_onto(row, line, pivot) for line in lines if _dot(row, line) == 0 or not _parallel(line, pivot)]
            rays = [(_onto(row, ray, pivot), zeros | bit) for ray, zeros in rays]
            rays.append((pivot, done))
        else:
            rays = _cut(rays, row, index, len(inequalities), linear_span - len(lines))
        done |= bit
    rays.sort()
    return Generators(tuple(lines), tuple(ray for ray, _ in rays), tuple(zeros for _, zeros in rays))


def _cut(
    rays: list[tuple[IntegerVector, int]], row: Sequence[int], index: int, rows: int, dim: int
) -> list[tuple[IntegerVector, int]]:
    """Keep the part of a pointed cone (modulo its lines) where row.y >= 0; the row is number ``index`` of ``rows``."""
    bit = 1 << index
    positive, zero, negative = [], [], []
    for ray, zeros in rays:
        value = _dot(row, ray)
        if value > 0:
            positive.append((ray, zeros, value))
        elif value < 0:
            negative.append((ray, zeros, value))
        else:
            zero.append((ray, zeros))
    result = [(ray, zeros) for ray, zeros, _ in positive] + [(ray, zeros | bit) for ray, zeros in zero]
    if len(positive) * len(negative) < _MANY_PAIRS:
        pairs = _few_pairs([zeros for _, zeros in rays], [r[1] for r in positive], [r[1] for r in negative], dim)
    else:
        from polyhedra.adjacent_rays import adjacent_pairs

        found = adjacent_pairs([r[1] for r in positive], [r[1] for r in negative], [r[1] for r in zero], rows, dim)
        pairs = (pair for one, other in found for pair in zip(one.tolist(), other.tolist(), strict=True))
    for i, k in pairs:
        ray, zeros, value = positive[i]
        other, other_zeros, other_value = negative[k]
        combined = [value * b - other_value * a for a, b in zip(ray, other, strict=True)]
        result.append((_reduced(combined), (zeros & other_zeros) | bit))
    return result


def _few_pairs(all_zeros: list[int], positive: list[int], negative: list[int], dim: int) -> Iterator[tuple[int, int]]:
    """The adjacent pairs of positive and negative rays, one after another."""
    for i, zeros in enumerate(positive):
        check_limits()
        for k, other_zeros in enumerate(negative):
            common = zeros & other_zeros
            if common.bit_count() >= dim - 2 and _adjacent(common, all_zeros):
                yield i, k


def _adjacent(common: int, all_zeros: list[int]) -> bool:
    """Two rays are adjacent iff no third ray lies on all the facets that they share."""
    found = 0
    for zeros in all_zeros:
        if common & ~zeros == 0:
            found += 1
            if found > 2:
                return False
    return True


def _insertion_order(inequalities: Sequence[Sequence[int]]) -> list[int]:
    """Lexicographic order of the directions, which keeps the intermediate cones small in practice."""
    return sorted(range(len(inequalities)), key=lambda index: _reduced(inequalities[index]))


def _onto(row: Sequence[int], vector: IntegerVector, pivot: IntegerVector) -> IntegerVector:
    """Move a vector along a line into the hyperplane row.y = 0, up to a positive factor."""
    value = _dot(row, vector)
    if value == 0:
        return vector
    at_pivot = _dot(row, pivot)
    if at_pivot < 0:
        value, at_pivot = -value, -at_pivot
    return _reduced([at_pivot * a - value * b for a, b in zip(vector, pivot, strict=True)])


def _parallel(vector: IntegerVector, other: IntegerVector) -> bool:
    return vector == other or all(a == -b for a, b in zip(vector, other, strict=True))


def _dot(left: Sequence[int], right: Sequence[int]) -> int:
    return sum([a * b for a, b in zip(left, right, strict=True)])


def _reduced(vector: Sequence[int]) -> IntegerVector:
    divisor = gcd(*vector)
    return tuple(vector) if divisor <= 1 else tuple([value // divisor for value in vector])
