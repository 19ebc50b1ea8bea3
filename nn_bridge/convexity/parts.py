"""Parts of cells, their common facets, and whether a union of parts is convex; exact, in any dimension.

A part is a full-dimensional polyhedron with its generators and facets.  A facet has a key that the part beyond it has
too, so that the boundary of a union of parts is found by counting keys, without comparing coordinates.

A union of parts is convex iff no part reaches beyond the hyperplane of a facet on the boundary of the union: were a
point of the intersection of these half-spaces missing, a generic segment to it from inside the union would leave the
union through the inside of such a facet, and end beyond its hyperplane.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from nn_bridge.cells.cell import Cell
from nn_bridge.cells.complex import CellComplex
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ONE, ZERO, primitive

Row = tuple[int, ...]
"""Integers (a_1, .., a_n, b): the half-space a . x <= b; or homogeneous coordinates (x_1, .., x_n, w).

A generator with w = 0 is a ray; a line is two opposite rays.
"""


@dataclass(frozen=True)
class Facet:
    """A facet of a part: its half-space, and the key that it has on both sides."""

    row: Row
    key: Hashable


@dataclass(frozen=True)
class Part:
    """A full-dimensional piece of a cell.

    Attributes
    ----------
    number : hashable
        Different for all parts of one union: that of the cell, then the cuts that the part comes from.
    facets : tuple of Facet
    generators : tuple of Row
    """

    number: Hashable
    facets: tuple[Facet, ...]
    generators: tuple[Row, ...]

    @property
    def cell(self) -> Hashable:
        """The number of the cell that the part is cut from."""
        number = self.number
        while isinstance(number, tuple):
            number = number[0]
        return number

    def on(self, row: Row) -> list[Row]:
        """The generators on the hyperplane of a half-space."""
        return [g for g in self.generators if excess(row, g) == 0]


def excess(row: Row, generator: Row) -> int:
    """How far a generator is beyond a half-space: positive beyond, 0 on its hyperplane, negative inside."""
    *slope, bound = row
    *point, weight = generator
    return sum(a * x for a, x in zip(slope, point, strict=True)) - bound * weight


def part_of_cell(found: CellComplex, number: int) -> Part:
    """A cell of a complex as a part; facets are keyed by their lower number in the complex."""
    cell = found.cell(number)
    first = int(found.facet_begin[number])
    facets = []
    for k, facet in enumerate(cell.facets):
        partner = int(found.facet_partner[first + k])
        key = first + k if partner < 0 else min(first + k, partner)
        facets.append(Facet(_integers(facet.inequality), key))
    return Part(number, tuple(facets), _cell_generators(cell))


def _cell_generators(cell: Cell) -> tuple[Row, ...]:
    known = cell.generators
    return _homogeneous(known.vertices, known.rays, known.lines)


def _homogeneous(vertices: Iterable[Sequence], rays: Iterable[Sequence], lines: Iterable[Sequence]) -> tuple[Row, ...]:
    found = [primitive([*vertex, ONE]) for vertex in vertices]
    found += [primitive([*ray, ZERO]) for ray in rays]
    for line in lines:
        found += [primitive([*line, ZERO]), primitive([*(-v for v in line), ZERO])]
    return tuple(found)


def _integers(row: Sequence) -> Row:
    return tuple(int(v.p) for v in row)


def boundary(parts: Sequence[Part]) -> list[tuple[Part, Facet]]:
    """The facets that only one of the parts has."""
    times = Counter(facet.key for part in parts for facet in part.facets)
    return [(part, facet) for part in parts for facet in part.facets if times[facet.key] == 1]


def violated(parts: Sequence[Part]) -> list[tuple[Part, Facet]]:
    """The facets on the boundary beyond whose hyperplane the union reaches; none iff the union is convex."""
    generators = {g for part in parts for g in part.generators}
    bad: dict[Row, bool] = {}
    found = []
    for part, facet in boundary(parts):
        if facet.row not in bad:
            bad[facet.row] = any(excess(facet.row, g) > 0 for g in generators)
        if bad[facet.row]:
            found.append((part, facet))
    return found


def is_convex(parts: Sequence[Part]) -> bool:
    """Whether the union of parts is convex."""
    return len(parts) == 1 or not violated(parts)


def hull(parts: Sequence[Part], dim: int) -> Polyhedron:
    """A convex union as one polyhedron."""
    rows = sorted({facet.row for _, facet in boundary(parts)})
    return Polyhedron.of_integer_rows(rows, dim=dim).irredundant()


def components(parts: Sequence[Part]) -> list[list[Part]]:
    """The parts that are joined across facets."""
    leader = list(range(len(parts)))

    def root(k: int) -> int:
        while leader[k] != k:
            leader[k] = leader[leader[k]]
            k = leader[k]
        return k

    seen: dict[Hashable, int] = {}
    for k, part in enumerate(parts):
        for facet in part.facets:
            other = seen.setdefault(facet.key, k)
            leader[root(k)] = root(other)
    groups: dict[int, list[Part]] = {}
    for k, part in enumerate(parts):
        groups.setdefault(root(k), []).append(part)
    return list(groups.values())


def cut(parts: Sequence[Part], row: Row, name: Hashable) -> tuple[list[Part], list[Part]]:
    """The parts on the inner and on the outer side of a hyperplane, those that it crosses cut in two.

    Parameters
    ----------
    parts : sequence of Part
    row : Row
    name : hashable
        Of the cut, different from those of all cuts before; it enters the keys of new facets.
    """
    inner: list[Part] = []
    outer: list[Part] = []
    for part in parts:
        values = [excess(row, g) for g in part.generators]
        if max(values) <= 0:
            inner.append(part)
        elif min(values) >= 0:
            outer.append(part)
        else:
            inner.append(_side(part, row, name, True))
            outer.append(_side(part, row, name, False))
    return inner, outer


def _side(part: Part, row: Row, name: Hashable, inside: bool) -> Part:
    """The part of a part on one side of a hyperplane that crosses it."""
    new = row if inside else tuple(-v for v in row)
    rows = [facet.row for facet in part.facets]
    polyhedron = Polyhedron.of_integer_rows([*rows, new], dim=len(row) - 1)
    kept = {_integers(r) for r in polyhedron.irredundant().inequalities}
    facets = [Facet(new, ("cut", name, part.number))]
    for facet in part.facets:
        if facet.row in kept:
            values = [excess(row, g) for g in part.on(facet.row)]
            crossed = min(values) < 0 < max(values)
            facets.append(Facet(facet.row, (facet.key, name, inside) if crossed else facet.key))
    generators = _homogeneous(polyhedron.vertices(), polyhedron.rays(), polyhedron.lines())
    return Part((part.number, name, inside), tuple(facets), generators)


__all__ = [
    "Facet",
    "Part",
    "Row",
    "boundary",
    "components",
    "cut",
    "excess",
    "hull",
    "is_convex",
    "part_of_cell",
    "violated",
]
