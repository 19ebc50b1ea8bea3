"""Tropical curves in the plane: vertices with multiplicities, ends, smooth and simple curves, degree, genus.

Everything is read off the regular subdivision of the Newton polygon: vertices of the curve are dual to its polygons,
edges to its edges, and the bounded regions of the complement to its vertices inside the Newton polygon.

G. Mikhalkin, *Enumerative tropical algebraic geometry in R^2* (2005), sections 2 to 4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from polyhedra.cached_values import cached_property
from polyhedra.errors import AlgebraError
from polyhedra.quoting import quoted
from tropical.newton import dual_subdivision
from tropical.polynomial import Exponent, PuiseuxPolynomial

LatticePoint = tuple[int, int]


@dataclass(frozen=True, slots=True)
class CurveVertex:
    """A vertex of a plane curve.

    Attributes
    ----------
    point : (x, y)
    polygon : tuple of lattice points
        The vertices of the dual polygon, counterclockwise.
    marked : int
        How many terms tie at the vertex; more than the polygon has vertices if some lie inside it or on its edges.
    """

    point: Exponent
    polygon: tuple[LatticePoint, ...]
    marked: int

    @property
    def multiplicity(self) -> int:
        """The normalised (doubled) area of the dual polygon."""
        return _doubled_area(self.polygon)

    @property
    def weight_vectors(self) -> tuple[LatticePoint, ...]:
        """The outgoing edges: primitive directions times weights, which add up to zero."""
        return tuple((q[1] - p[1], p[0] - q[0]) for p, q in _sides(self.polygon))

    @property
    def is_crossing(self) -> bool:
        """Whether the dual polygon is a parallelogram: two edges cross here."""
        vectors = self.weight_vectors
        return len(vectors) == 4 and vectors[0] == (-vectors[2][0], -vectors[2][1])


@dataclass(frozen=True)
class PlaneCurve:
    """A tropical curve in the plane, `plane_curve` of a polynomial.

    Attributes
    ----------
    polynomial : PuiseuxPolynomial
    vertices : tuple of CurveVertex
        Sorted by their points.
    """

    polynomial: PuiseuxPolynomial
    vertices: tuple[CurveVertex, ...]

    @cached_property
    def newton_polygon(self) -> tuple[LatticePoint, ...]:
        """The vertices of the Newton polygon, counterclockwise."""
        return _hull([p for vertex in self.vertices for p in vertex.polygon])

    @property
    def degree(self) -> int:
        """The smallest d such that the Newton polygon fits into the triangle (0, 0), (d, 0), (0, d) after a shift.

        It is the number of stable intersections with a general line, by Bernstein's theorem.
        """
        polygon = self.newton_polygon
        return max(x + y for x, y in polygon) - min(x for x, _ in polygon) - min(y for _, y in polygon)

    @property
    def is_smooth(self) -> bool:
        """Whether the dual subdivision is a unimodular triangulation."""
        return all(vertex.multiplicity == 1 for vertex in self.vertices)

    @property
    def is_simple(self) -> bool:
        """Whether each vertex has three edges or is a crossing of two: the curves that nodal curves degenerate to."""
        return all(len(vertex.polygon) == 3 or vertex.is_crossing for vertex in self.vertices)

    @property
    def is_nodal(self) -> bool:
        """Whether the curve is simple with vertices of multiplicity 1 apart from crossings, and ends of weight 1."""
        triangles = [vertex for vertex in self.vertices if not vertex.is_crossing]
        return (
            self.is_simple
            and all(vertex.multiplicity == 1 for vertex in triangles)
            and all(math.gcd(*end) == 1 for end in self.ends)
        )

    @cached_property
    def ends(self) -> tuple[LatticePoint, ...]:
        """The unbounded edges as weight vectors, sorted."""
        _, outer = self._edges()
        return tuple(sorted(self.vertices[i].weight_vectors[k] for i, k in outer))

    @cached_property
    def cycles(self) -> int:
        """The number of independent cycles of the curve as a set: of bounded regions of the complement."""
        used = {p for vertex in self.vertices for p in vertex.polygon}
        return sum(_strictly_inside(p, self.newton_polygon) for p in used)

    @property
    def arithmetic_genus(self) -> int:
        """The number of lattice points inside the Newton polygon (Pick's formula): the genus of smooth curves."""
        polygon = self.newton_polygon
        boundary = sum(math.gcd(q[0] - p[0], q[1] - p[1]) for p, q in _sides(polygon))
        return (_doubled_area(polygon) - boundary + 2) // 2

    @cached_property
    def genus(self) -> int:
        """The number of independent cycles where edges that cross are not joined.

        Raises
        ------
        AlgebraError
            The curve is not simple, so that other vertices can be resolved in several ways.
        """
        if not self.is_simple:
            raise AlgebraError("the genus is defined for simple curves; cycles counts those of any curve")
        graph = self._resolved()
        import networkx as nx

        return graph.number_of_edges() - graph.number_of_nodes() + nx.number_connected_components(graph)

    @cached_property
    def components(self) -> int:
        """The number of parts of a simple curve where edges that cross are not joined.

        Raises
        ------
        AlgebraError
            As `genus`.
        """
        if not self.is_simple:
            raise AlgebraError("parts are defined for simple curves; this one has other vertices than crossings")
        import networkx as nx

        return int(nx.number_connected_components(self._resolved()))

    def _edges(self) -> tuple[list[tuple[tuple[int, int], tuple[int, int]]], list[tuple[int, int]]]:
        """Bounded edges as pairs of (vertex, side of its polygon), and unbounded ones."""
        sides: dict[frozenset[LatticePoint], list[tuple[int, int]]] = {}
        for i, vertex in enumerate(self.vertices):
            for k, side in enumerate(_sides(vertex.polygon)):
                sides.setdefault(frozenset(side), []).append((i, k))
        inner = [(places[0], places[1]) for places in sides.values() if len(places) == 2]
        return inner, [places[0] for places in sides.values() if len(places) == 1]

    def _resolved(self) -> Any:
        """The graph of bounded edges; a crossing counts as two nodes, one for each pair of opposite sides."""
        import networkx as nx

        def node(place: tuple[int, int]) -> tuple[int, int]:
            i, k = place
            return i, k % 2 if self.vertices[i].is_crossing else 0

        graph = nx.MultiGraph()
        graph.add_nodes_from(node((i, k)) for i, v in enumerate(self.vertices) for k in range(len(v.polygon)))
        graph.add_edges_from((node(one), node(other)) for one, other in self._edges()[0])
        return graph


def plane_curve(polynomial: PuiseuxPolynomial) -> PlaneCurve:
    """The tropical curve of a polynomial in two variables with integer exponents.

    Raises
    ------
    AlgebraError
        Another number of variables, exponents that are not integers, or all of them on a line: parallel lines have no
        vertices.

    Examples
    --------
    >>> x, y = PuiseuxPolynomial.variables(2)
    >>> curve = plane_curve(x * x + y * y + (x * y + x + y).shift([0, 0], 1) + PuiseuxPolynomial.constant(0, 2))
    >>> curve.degree, curve.is_smooth, curve.genus, len(curve.vertices), curve.ends
    (2, True, 0, 4, ((-1, 0), (-1, 0), (0, -1), (0, -1), (1, 1), (1, 1)))
    """
    if polynomial.dim != 2:
        raise AlgebraError(f"a plane curve needs a polynomial in 2 variables, not in {polynomial.dim}")
    if polynomial.denominators[0] != 1:
        raise AlgebraError(
            f"a plane curve needs integer exponents: multiply them by {quoted(polynomial.denominators[0])}"
        )
    exponents = [(row[0], row[1]) for row in polynomial.rows]
    if len(_hull(exponents)) < 3:
        raise AlgebraError("the exponents lie on a line, so the curve has no vertices: take hypersurface()")
    vertices = tuple(
        CurveVertex(cell.point, _hull([exponents[i] for i in cell.terms]), len(cell.terms))
        for cell in dual_subdivision(polynomial).cells
    )
    return PlaneCurve(polynomial, vertices)


def _sides(polygon: tuple[LatticePoint, ...]) -> list[tuple[LatticePoint, LatticePoint]]:
    return list(zip(polygon, (*polygon[1:], polygon[0]), strict=True))


def _turn(a: LatticePoint, b: LatticePoint, c: LatticePoint) -> int:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _doubled_area(polygon: tuple[LatticePoint, ...]) -> int:
    return sum(p[0] * q[1] - p[1] * q[0] for p, q in _sides(polygon))


def _strictly_inside(point: LatticePoint, polygon: tuple[LatticePoint, ...]) -> bool:
    return all(_turn(p, q, point) > 0 for p, q in _sides(polygon))


def _hull(points: list[LatticePoint]) -> tuple[LatticePoint, ...]:
    """The vertices of the convex hull, counterclockwise (Andrew's monotone chain)."""
    ordered = sorted(set(points))
    if len(ordered) < 3:
        return tuple(ordered)
    halves = []
    for line in (ordered, ordered[::-1]):
        chain: list[LatticePoint] = []
        for p in line:
            while len(chain) > 1 and _turn(chain[-2], chain[-1], p) <= 0:
                chain.pop()
            chain.append(p)
        halves += chain[:-1]
    return tuple(halves)


__all__ = ["CurveVertex", "PlaneCurve", "plane_curve"]
