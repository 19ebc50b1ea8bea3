"""The cell engine in plain Python: the readable statement of the algorithm, exact, and slow.

A *cell* is a convex polyhedron, kept as its homogeneous generators ``(x, w)`` with integer entries: vertices ``x / w``
(``w > 0``), rays (``w = 0``) and lines.  R^n begins as the origin and n lines.  Unit by unit, stage by stage, a cell is
split where the unit's affine form takes both signs on it; the form of a unit is known on a cell once all earlier
stages have one pattern there.  Cells that no unit of the last stage splits are the activation cells.

A split is one step of the double description method.  Where the form is not constant along some line, this line turns
into a ray on either side, and all other generators move along it into the zero set.  Otherwise new generators lie on
the edges between positive and negative ones.  Two generators span an edge iff no third one lies on all facets that they
have in common.

The module imports the standard library alone.  It runs where no compiler was found, and tests compare the compiled core
with it.

Sources: Motzkin, Raiffa, Thompson and Thrall, "The double description method", 1953; Fukuda and Prodon, "Double
description method revisited", 1996.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

Vector = tuple[int, ...]
"""Integers: a generator ``(x_1, .., x_n, w)``, or the affine form ``a_1 x_1 + .. + a_n x_n + b w``."""

Facet = tuple[int, int]
"""Where the zero set of a facet comes from: (stage, unit), (WALL, number) or INFINITY."""

WALL = -1
INFINITY: Facet = (-2, 0)


@dataclass(frozen=True, slots=True)
class Unit:
    """An affine function of the inputs and of earlier units.

    Attributes
    ----------
    weights : tuple of (source, weight)
        Sources are numbered from 0: first the inputs, then the units of all stages, one stage after another.
    bias : Fraction
    """

    weights: tuple[tuple[int, Fraction], ...]
    bias: Fraction


@dataclass(frozen=True, slots=True)
class PlainNetwork:
    """Stages of ReLU units, and outputs, over ``inputs`` numbers.

    Examples
    --------
    >>> from fractions import Fraction
    >>> one = Fraction(1)
    >>> hidden = (Unit(((0, one),), -one), Unit(((0, one),), one))
    >>> network = PlainNetwork(1, (hidden,), (Unit(((1, one), (2, -2 * one)), Fraction(0)),))
    >>> [(leaf.pattern, leaf.interior_point()) for leaf in cells(network)]
    [((0,), (Fraction(-2, 1),)), ((2,), (Fraction(0, 1),)), ((3,), (Fraction(2, 1),))]
    """

    inputs: int
    stages: tuple[tuple[Unit, ...], ...]
    outputs: tuple[Unit, ...]


# -------------------------------------------------------------------------- cells


@dataclass(frozen=True, slots=True)
class Cell:
    """A full-dimensional convex polyhedron.

    Attributes
    ----------
    generators : tuple of (vector, facets)
        Vertices and rays modulo the lines, each with the bit set of the facets that it lies on.
    lines : tuple of vectors
        A basis of the lineality space.
    facets : tuple of Facet
        The origin of each facet by its number; some may be redundant.
    """

    generators: tuple[tuple[Vector, int], ...]
    lines: tuple[Vector, ...]
    facets: tuple[Facet, ...]

    @classmethod
    def whole_space(cls, dim: int) -> Cell:
        """All of R^n."""
        origin = (0,) * dim + (1,)
        axes = tuple(tuple(int(i == c) for i in range(dim + 1)) for c in range(dim))
        return cls(((origin, 0),), axes, (INFINITY,))

    def signs(self, form: Vector) -> tuple[bool, bool]:
        """Whether a form takes positive values on the cell, and negative ones."""
        if any(dot(form, line) for line in self.lines):
            return True, True
        values = [dot(form, vector) for vector, _ in self.generators]
        return any(v > 0 for v in values), any(v < 0 for v in values)

    def split(self, form: Vector, facet: Facet) -> tuple[Cell, Cell]:
        """The parts where a form that takes both signs is negative, and where it is positive."""
        here = 1 << len(self.facets)
        facets = (*self.facets, facet)
        for line in self.lines:
            if slope := dot(form, line):
                return self._split_along(line if slope > 0 else negated(line), form, here, facets)
        values = [dot(form, vector) for vector, _ in self.generators]
        between = [
            (vector, on | here) for (vector, on), value in zip(self.generators, values, strict=True) if not value
        ]
        for i, j in self._edges(values):
            (lower, one), (upper, two) = self.generators[i], self.generators[j]
            between.append((primitive(combination(values[j], lower, -values[i], upper)), one & two | here))
        sides = [
            tuple(generator for generator, value in zip(self.generators, values, strict=True) if sign * value > 0)
            for sign in (-1, 1)
        ]
        below, above = (Cell((*side, *between), self.lines, facets) for side in sides)
        return below, above

    def _split_along(self, line: Vector, form: Vector, here: int, facets: tuple[Facet, ...]) -> tuple[Cell, Cell]:
        """The same where the form grows along a line."""
        slope = dot(form, line)

        def moved(vector: Vector) -> Vector:
            return primitive(combination(slope, vector, -dot(form, vector), line))

        between = tuple((moved(vector), on | here) for vector, on in self.generators)
        lines = tuple(moved(other) for other in self.lines if other not in (line, negated(line)))
        # all facets so far, infinity among them, contain the line
        below, above = (
            Cell((*between, (ray, here - 1)), lines, facets) for ray in (primitive(negated(line)), primitive(line))
        )
        return below, above

    def _edges(self, values: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Pairs of generators, by number, with a negative and a positive value, that span an edge."""
        on = [facets for _, facets in self.generators]
        fewest = len(self.generators[0][0]) - len(self.lines) - 2  # an edge lies on so many facets, or more
        negative = [i for i, value in enumerate(values) if value < 0]
        positive = [j for j, value in enumerate(values) if value > 0]
        for i in negative:
            for j in positive:
                common = on[i] & on[j]
                if common.bit_count() < fewest:
                    continue
                if all(common & ~other or k in (i, j) for k, other in enumerate(on)):
                    yield i, j

    def true_facets(self) -> list[int]:
        """The numbers of the irredundant facets, one for each zero set, infinity left out."""
        members = [
            frozenset(k for k, (_, on) in enumerate(self.generators) if on >> number & 1)
            for number in range(len(self.facets))
        ]
        found = []
        for number, inside in enumerate(members):
            contained = any(inside < other or (inside == other and k < number) for k, other in enumerate(members))
            if not contained and self.facets[number] != INFINITY and inside:
                found.append(number)
        return found


def dot(form: Vector, vector: Vector) -> int:
    """The value of a form at a generator, a positive multiple of that at the point."""
    return sum(a * x for a, x in zip(form, vector, strict=True) if a and x)


def combination(a: int, x: Vector, b: int, y: Vector) -> Vector:
    """``a x + b y``."""
    return tuple(a * v + b * w for v, w in zip(x, y, strict=True))


def negated(vector: Vector) -> Vector:
    """``-x``."""
    return tuple(-v for v in vector)


def primitive(vector: Vector) -> Vector:
    """The same direction without a common factor."""
    divisor = math.gcd(*vector)
    return vector if divisor == 1 else tuple(v // divisor for v in vector)


# -------------------------------------------------------------------------- networks


Row = tuple[tuple[tuple[int, int], ...], int]
"""A unit with integer weights by source, and an integer bias."""


def integer_stages(network: PlainNetwork) -> list[list[Row]]:
    """The stages and, last, the outputs, each times the least positive integer that clears its denominators.

    Units are cleared together with those that they read, so forms become integers, and signs stay.
    """
    scales = [1] * network.inputs
    cleared: list[list[Row]] = []
    for stage in (*network.stages, network.outputs):
        parts = [[(source, weight / scales[source]) for source, weight in unit.weights] for unit in stage]
        denominators = [weight.denominator for part in parts for _, weight in part]
        scale = math.lcm(*denominators, *(unit.bias.denominator for unit in stage))
        cleared.append(
            [
                (tuple((source, int(weight * scale)) for source, weight in part), int(unit.bias * scale))
                for part, unit in zip(parts, stage, strict=True)
            ]
        )
        scales += [scale] * len(stage)
    return cleared


def stage_forms(stage: Iterable[Row], sources: Sequence[Vector | None], inputs: int) -> tuple[Vector, ...]:
    """The forms of a stage's units, given those of all sources (None: the source is an inactive unit)."""
    forms = []
    for weights, bias in stage:
        total = [0] * inputs + [bias]
        for source, weight in weights:
            form = sources[source]
            if form is not None:
                for c, v in enumerate(form):
                    total[c] += weight * v
        forms.append(tuple(total))
    return tuple(forms)


# -------------------------------------------------------------------------- the engine


@dataclass(frozen=True, slots=True)
class Leaf:
    """An activation cell.

    Attributes
    ----------
    pattern : tuple of int
        For each stage the active units as bits; a unit that vanishes on the whole cell is inactive.
    cell : Cell
    forms : tuple of tuples of vectors
        For each stage the integer forms of its units on this cell.
    outputs : tuple of vectors
        The outputs as integer forms, all cells' times one common factor: equal iff the affine maps are.
    walls : tuple of vectors
        The forms of the domain's walls.
    """

    pattern: tuple[int, ...]
    cell: Cell
    forms: tuple[tuple[Vector, ...], ...]
    outputs: tuple[Vector, ...]
    walls: tuple[Vector, ...]

    def zeros(self, vector: Vector) -> Vector:
        """For each stage the units that vanish at a generator, as bits, and last the walls."""
        return tuple(
            sum(1 << i for i, form in enumerate(forms) if not dot(form, vector)) for forms in (*self.forms, self.walls)
        )

    def generator_zeros(self) -> list[tuple[bool, Vector]]:
        """For each generator whether it is a ray, and its zeros."""
        return [(vector[-1] == 0, self.zeros(vector)) for vector, _ in self.cell.generators]

    def facet_zeros(self, generators: Sequence[tuple[bool, Vector]] | None = None) -> list[Vector]:
        """For each facet the units and walls that vanish on all of it."""
        zeros = [found for _, found in generators or self.generator_zeros()]
        facets = []
        for number in self.cell.true_facets():
            inside = [z for z, (_, on) in zip(zeros, self.cell.generators, strict=True) if on >> number & 1]
            facets.append(tuple(_common(column) for column in zip(*inside, strict=True)))
        return facets

    def interior_point(self) -> tuple[Fraction, ...]:
        """The mean of the vertices plus the sum of the rays."""
        vertices = [vector for vector, _ in self.cell.generators if vector[-1]]
        rays = [vector for vector, _ in self.cell.generators if not vector[-1]]
        return tuple(
            sum((Fraction(v[c], v[-1]) for v in vertices), Fraction(0)) / len(vertices) + sum(ray[c] for ray in rays)
            for c in range(len(vertices[0]) - 1)
        )


_Open = tuple[Cell, Vector, tuple[tuple[Vector, ...], ...], list[Vector | None], tuple[Vector, ...], int, int]
"""A part still to be split: a cell, the pattern, forms and sources of the stages that are done, and the forms, the next
unit and the active units, as bits, of the present stage."""


def _common(bits: Iterable[int]) -> int:
    common = -1
    for entry in bits:
        common &= entry
    return common


def cells(
    network: PlainNetwork, walls: Sequence[Vector] = (), check: Callable[[], None] = lambda: None
) -> Iterator[Leaf]:
    """The activation cells of a network, one after another; memory stays small.

    Parameters
    ----------
    network : PlainNetwork
    walls : sequence of vectors
        Integer forms that are nonnegative on the domain (none: all of R^n).
    check : callable
        Called before each split; may raise to end the enumeration.

    Raises
    ------
    ValueError
        The domain has no interior.
    """
    *stages, outputs = integer_stages(network)
    inputs = network.inputs
    domain = Cell.whole_space(inputs)
    for number, wall in enumerate(walls):
        positive, negative = domain.signs(wall)
        if negative and not positive:
            raise ValueError("the domain has no interior")
        if negative:
            domain = domain.split(wall, (WALL, number))[1]
    axes: list[Vector | None] = [tuple(int(i == c) for i in range(inputs + 1)) for c in range(inputs)]

    first = stage_forms(stages[0], axes, inputs) if stages else ()
    stack: list[_Open] = [(domain, (), (), axes, first, 0, 0)]
    while stack:
        cell, pattern, done, sources, forms, unit, active = stack.pop()
        for number in range(unit, len(forms)):
            positive, negative = cell.signs(forms[number])
            if positive and negative:
                check()
                cell, above = cell.split(forms[number], (len(done), number))
                stack.append((above, pattern, done, sources, forms, number + 1, active | 1 << number))
            elif positive:
                active |= 1 << number
        if stages:
            pattern, done = (*pattern, active), (*done, forms)
            sources = sources + [form if active >> i & 1 else None for i, form in enumerate(forms)]
        if len(done) == len(stages):
            yield Leaf(pattern, cell, done, stage_forms(outputs, sources, inputs), tuple(walls))
        else:
            stack.append((cell, pattern, done, sources, stage_forms(stages[len(done)], sources, inputs), 0, 0))


# -------------------------------------------------------------------------- regions


class Regions:
    """Cells with one affine map, joined where they share a facet, and where they share a point.

    The closures of the cells meet face to face, and a face is the set of points with one sign for each unit and wall.
    So cells share a facet (a point) iff they have the signs of a facet (of a vertex) in common.

    Parameters
    ----------
    joined : bool
        False to count cells and maps alone.
    """

    def __init__(self, joined: bool = True) -> None:
        self.cells = 0
        self._joined = joined
        self._maps: dict[tuple[Vector, ...], int] = {}
        self._by_facet, self._by_point = _Components(), _Components()

    def add(self, leaf: Leaf) -> None:
        """Take one more cell."""
        self.cells += 1
        label = self._maps.setdefault(leaf.outputs, len(self._maps))
        if not self._joined:
            return
        generators = leaf.generator_zeros()
        self._by_facet.add((label, self._signs(leaf, zeros)) for zeros in leaf.facet_zeros(generators))
        self._by_point.add((label, self._signs(leaf, zeros)) for is_ray, zeros in generators if not is_ray)

    @staticmethod
    def _signs(leaf: Leaf, zeros: Vector) -> tuple[Vector, Vector]:
        return tuple(on & ~z for on, z in zip(leaf.pattern, zeros, strict=False)), zeros

    def counts(self) -> tuple[int, int, int, int]:
        """Cells, regions, regions by point, affine maps."""
        return self.cells, self._by_facet.count, self._by_point.count, len(self._maps)


class _Components:
    """Connected components of cells that have a key in common (union-find)."""

    def __init__(self) -> None:
        self.count = 0
        self._parent: list[int] = []
        self._first: dict[object, int] = {}

    def _root(self, cell: int) -> int:
        while self._parent[cell] != cell:
            self._parent[cell] = cell = self._parent[self._parent[cell]]
        return cell

    def add(self, keys: Iterable[object]) -> None:
        cell = len(self._parent)
        self._parent.append(cell)
        self.count += 1
        for key in keys:
            one, two = self._root(self._first.setdefault(key, cell)), self._root(cell)
            if one != two:
                self._parent[two] = one
                self.count -= 1


__all__ = ["Cell", "Leaf", "PlainNetwork", "Regions", "Unit", "cells", "integer_stages"]
