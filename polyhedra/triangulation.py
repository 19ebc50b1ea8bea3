"""Exact volume of a polytope from its vertices and their incidences with the inequalities.

Pulling triangulation: a face is the join of its first vertex with the triangulated facets that do not contain that
vertex (Cohen and Hickey 1979).  Facets of a face are its maximal proper intersections with the inequalities' faces, so
the combinatorics needs no arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from flint import fmpq

from polyhedra.matrix import Vector, determinant
from polyhedra.scalars import ZERO


def simplices(incidences: Sequence[int], dim: int) -> list[tuple[int, ...]]:
    """The simplices of a triangulation, each as dim + 1 vertex numbers.

    Parameters
    ----------
    incidences : sequence of int
        For each vertex the bit set of the inequalities that it satisfies with equality.
    dim : int
        Dimension of the polytope.
    """
    used = 0
    for zeros in incidences:
        used |= zeros
    faces = [sum(1 << v for v, zeros in enumerate(incidences) if zeros >> i & 1) for i in range(used.bit_length())]
    whole = (1 << len(incidences)) - 1
    cache: dict[int, list[tuple[int, ...]]] = {}
    return _pull(whole, [face for face in faces if face not in (0, whole)], dim, cache)


def _pull(face: int, cuts: Sequence[int], dim: int, cache: dict[int, list[tuple[int, ...]]]) -> list[tuple[int, ...]]:
    if face in cache:
        return cache[face]
    apex = (face & -face).bit_length() - 1
    if dim == 0:
        return [(apex,)]
    proper = {face & cut for cut in cuts} - {0, face}
    facets = [part for part in proper if not any(part != other and part & ~other == 0 for other in proper)]
    result = [
        (apex, *simplex)
        for facet in sorted(facets)
        if not facet >> apex & 1
        for simplex in _pull(facet, cuts, dim - 1, cache)
    ]
    cache[face] = result
    return result


def volume(points: Sequence[Vector], incidences: Sequence[int], dim: int) -> fmpq:
    """The volume of a full-dimensional polytope.

    Parameters
    ----------
    points : sequence of vertices
    incidences : sequence of int
        As in `simplices`, in the order of the vertices.
    dim : int
        The dimension of the polytope and of the space.
    """
    total = ZERO
    for simplex in simplices(incidences, dim):
        apex = points[simplex[0]]
        edges = tuple(tuple(x - y for x, y in zip(points[v], apex, strict=True)) for v in simplex[1:])
        total += abs(determinant(edges))
    return total / math.factorial(dim)
