"""Tropical convexity: hulls of finitely many points, membership, projections, covectors, pseudovertices, distances.

Points have d finite coordinates and count up to adding one number to all of them.  The (max-plus) hull of v_1, .., v_r
consists of the points ``max_k (l_k + v_k)``.  The covector of x has for each coordinate j the set of those k for which
``x_j - v_kj`` is the smallest coordinate of ``x - v_k``; x lies in the hull iff no set is empty, and it is a
pseudovertex iff these sets, as a graph between coordinates and points, are connected.

M. Develin and B. Sturmfels, *Tropical convexity* (2004); G. Cohen, S. Gaubert and J.-P. Quadrat, *Duality and
separation theorems in idempotent semimodules* (2004).  Develin and Sturmfels write minimum for maximum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flint import fmpq

from polyhedra.errors import AlgebraError
from polyhedra.limits import check_limits
from polyhedra.matrix import rank
from polyhedra.plurals import counted
from polyhedra.quoting import quoted
from tropical.newton import dual_subdivision
from tropical.polynomial import PuiseuxPolynomial
from tropical.pruning import pruned_product
from tropical.semiring import finite

Point = tuple[fmpq, ...]
Covector = tuple[frozenset[int], ...]


def tropical_distance(first: Sequence[Any], second: Sequence[Any]) -> fmpq:
    """The tropical distance of two points, ``max (x - y) - min (x - y)``.

    Examples
    --------
    >>> tropical_distance([0, 3, 0], [0, 1, "1/2"])
    5/2
    """
    x, y = _points([first, second])
    differences = [a - b for a, b in zip(x, y, strict=True)]
    return max(differences) - min(differences)


@dataclass(frozen=True, slots=True)
class CovectorCell:
    """A cell of the covector decomposition of a hull: the points of one covector, closed.

    Attributes
    ----------
    covector : tuple of frozenset of int
        That of the points in the relative interior.
    dimension : int
    vertices : tuple of points
        The pseudovertices on it, sorted; it is their ordinary convex hull (with first coordinates 0).
    """

    covector: Covector
    dimension: int
    vertices: tuple[Point, ...]


@dataclass(frozen=True, slots=True, init=False)
class TropicalPolytope:
    """The tropical convex hull of finitely many points.

    Attributes
    ----------
    points : tuple of points
        The given points, each shifted so that its first coordinate is 0.

    Raises
    ------
    AlgebraError
        No points, different numbers of coordinates, or a coordinate that is not finite.

    Examples
    --------
    >>> triangle = TropicalPolytope([(0, 0, 0), (0, 2, 1), (0, 1, 3)])
    >>> triangle.contains((0, 1, 1)), triangle.contains((0, 3, 3)), len(triangle.pseudovertices())
    (True, False, 6)
    """

    points: tuple[Point, ...]

    def __init__(self, points: Sequence[Sequence[Any]]) -> None:
        object.__setattr__(self, "points", tuple(map(_normal, _points(points))))

    def covector(self, x: Sequence[Any]) -> Covector:
        """For each coordinate, the points v for which ``x - v`` is smallest there."""
        return self._covector(self._read(x))

    def contains(self, x: Sequence[Any]) -> bool:
        """Whether a point lies in the hull: no set of its covector is empty."""
        return all(self.covector(x))

    def nearest_point(self, x: Sequence[Any]) -> Point:
        """The projection of x: the greatest point of the hull below x, which is one of the nearest to x.

        Its tropical distance to x is the distance of x to the hull.
        """
        target = self._read(x)
        scales = [min(a - b for a, b in zip(target, v, strict=True)) for v in self.points]
        return _normal(
            tuple(max(s + v[j] for s, v in zip(scales, self.points, strict=True)) for j in range(len(target)))
        )

    def extreme_points(self) -> tuple[Point, ...]:
        """The points that are not in the hull of the others, sorted: the smallest set with the same hull."""
        left = sorted(set(self.points))
        return tuple(v for v in left if len(left) == 1 or not TropicalPolytope([w for w in left if w != v]).contains(v))

    def pseudovertices(self) -> tuple[tuple[Point, Covector], ...]:
        """The vertices of the covector decomposition of the hull with their covectors, sorted.

        They are the vertices, inside the hull, of the arrangement of the hyperplanes ``max_j (v_kj - x_j)``.
        """
        d = len(self.points[0])
        if d == 1:
            return (((fmpq(0),), self._covector((fmpq(0),))),)
        product = PuiseuxPolynomial.constant(0, d - 1)
        for v in sorted(set(self.points)):
            slopes = [tuple(-1 if i == j else 0 for i in range(1, d)) for j in range(d)]
            product = pruned_product(product, PuiseuxPolynomial(list(zip(slopes, v, strict=True))))
        found = []
        for cell in dual_subdivision(product).cells:
            point = (fmpq(0), *cell.point)
            covector = self._covector(point)
            if all(covector):
                found.append((point, covector))
        return tuple(sorted(found, key=lambda pair: pair[0]))

    def cells(self) -> tuple[CovectorCell, ...]:
        """All cells of the covector decomposition of the hull, by dimension, then by vertices.

        The covector of a cell is the intersection of those of its vertices.

        Examples
        --------
        >>> triangle = TropicalPolytope([(0, 0, 0), (0, 2, 1), (0, 1, 3)])
        >>> [cell.dimension for cell in triangle.cells()]
        [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2]
        """
        corners = self.pseudovertices()
        found = {covector for _, covector in corners}
        waiting = list(found)
        while waiting:
            check_limits()
            one = waiting.pop()
            for _, covector in corners:
                common = tuple(a & b for a, b in zip(one, covector, strict=True))
                if all(common) and common not in found:
                    found.add(common)
                    waiting.append(common)
        cells = []
        for covector in found:
            on = [p for p, own in corners if all(a <= b for a, b in zip(covector, own, strict=True))]
            centre = tuple(sum(values, fmpq(0)) / len(on) for values in zip(*on, strict=True))
            if self._covector(centre) == covector:
                spread = rank(tuple(tuple(a - b for a, b in zip(p, on[0], strict=True)) for p in on))
                cells.append(CovectorCell(covector, spread, tuple(on)))
        return tuple(sorted(cells, key=lambda cell: (cell.dimension, cell.vertices)))

    def _covector(self, x: Point) -> Covector:
        sets: list[set[int]] = [set() for _ in x]
        for k, v in enumerate(self.points):
            differences = [a - b for a, b in zip(x, v, strict=True)]
            least = min(differences)
            for j, value in enumerate(differences):
                if value == least:
                    sets[j].add(k)
        return tuple(map(frozenset, sets))

    def _read(self, x: Sequence[Any]) -> Point:
        (point,) = _points([x])
        if len(point) != len(self.points[0]):
            raise AlgebraError(
                f"a point with {counted(len(point), 'coordinate')}, where the hull has {len(self.points[0])}"
            )
        return point


def _points(points: Sequence[Sequence[Any]]) -> list[Point]:
    found: list[Point] = []
    for number, point in enumerate(points):
        try:
            found.append(tuple(finite(v, f"point {number}") for v in point))
        except TypeError:
            raise AlgebraError(f"point {number}: {quoted(point)} is no sequence of coordinates") from None
        if len(found[number]) != len(found[0]) or not found[0]:
            raise AlgebraError(
                f"point {number} has {counted(len(found[number]), 'coordinate')}, point 0 has {len(found[0])}"
            )
    if not found:
        raise AlgebraError("a tropical polytope needs at least one point")
    return found


def _normal(point: Point) -> Point:
    return tuple(v - point[0] for v in point)


__all__ = ["CovectorCell", "TropicalPolytope", "tropical_distance"]
