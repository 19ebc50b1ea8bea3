"""Linear regions of tropical polynomials and rational maps (Lezeau et al. 2024, Algorithm 4), exactly.

Every polynomial cuts R^n into the dominance regions of its irredundant terms.  The cells of a map are the
full-dimensional cells of the common refinement of all its numerators and denominators.  They are found by walking from
cell to cell across facets, so pairs of terms that never meet are never tested: across the hyperplane of a facet each
polynomial either keeps its term or changes to the one term that ties with it there.

Regions are cells with one affine map, joined when they share a facet (`gluing="facet"`) or any point (`"point"`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from flint import fmpq

from polyhedra.errors import AlgebraError
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron
from polyhedra.quoting import quoted
from polyhedra.scalars import primitive
from polyhedra.system import IntegerRow, integer_row
from tropical._triangulation_kernels import triangulate
from tropical.polynomial import Exponent, PuiseuxPolynomial
from tropical.pruning import prune
from tropical.rational import PuiseuxRational

Gluing = Literal["facet", "point"]
AffineRows = tuple[tuple[fmpq, ...], ...]
"""One row (a_1, ..., a_n, b) per output: the function a.x + b."""

FEW_TERMS = 16  # up to which the facets of a region are sought among all other terms at once
LOW_DIMENSION = 3  # up to which generators tell faster than linear programs which rows are redundant

Map = PuiseuxPolynomial | PuiseuxRational | Sequence[PuiseuxPolynomial | PuiseuxRational]


@dataclass(frozen=True, slots=True)
class RefinementCell:
    """A full-dimensional cell of a common refinement.

    Attributes
    ----------
    terms : tuple of int
        For each polynomial the position (in its pruned form) of the term that is maximal on the cell.
    polyhedron : Polyhedron
        The closed cell, described without redundancy.
    neighbours : tuple of (row, cell)
        For each facet its row (a, b) and the position of the cell behind it, None at the boundary of the domain.
    """

    terms: tuple[int, ...]
    polyhedron: Polyhedron
    neighbours: tuple[tuple[IntegerRow, int | None], ...]


@dataclass(frozen=True, slots=True)
class Refinement:
    """The common refinement of the dominance regions of several polynomials on a domain.

    Attributes
    ----------
    polynomials : tuple of PuiseuxPolynomial
        In pruned form.
    cells : tuple of RefinementCell
    """

    polynomials: tuple[PuiseuxPolynomial, ...]
    cells: tuple[RefinementCell, ...]

    def __len__(self) -> int:
        return len(self.cells)

    def terms(self, cell: RefinementCell) -> tuple[tuple[Exponent, fmpq], ...]:
        """The maximal terms (exponent, coefficient) on a cell, one per polynomial."""
        return tuple(f.terms[i] for f, i in zip(self.polynomials, cell.terms, strict=True))


@dataclass(frozen=True, slots=True)
class LinearRegion:
    """A linear region: a connected set on which the map is one affine map, and which cannot be made larger.

    Attributes
    ----------
    polyhedra : tuple of Polyhedron
        Closed cells with disjoint interiors whose union is the region.
    affine_map : tuple of rows (a_1, ..., a_n, b), one an output
    """

    polyhedra: tuple[Polyhedron, ...]
    affine_map: AffineRows
    _known: dict[str, bool] = field(default_factory=dict, compare=False, repr=False)

    @property
    def bounded(self) -> bool:
        """Whether the region is bounded."""
        if "bounded" not in self._known:
            self._known["bounded"] = all(p.is_bounded() for p in self.polyhedra)
        return self._known["bounded"]

    @property
    def volume(self) -> fmpq | None:
        """The exact volume, None where it is infinite."""
        volumes = [p.volume() for p in self.polyhedra]
        return None if any(v is None for v in volumes) else sum((v for v in volumes if v is not None), fmpq(0))

    def contains(self, x: Iterable[object]) -> bool:
        """Whether a point lies in the (closed) region."""
        point = tuple(x)
        return any(p.contains(point) for p in self.polyhedra)


def common_refinement(polynomials: Sequence[PuiseuxPolynomial], *, domain: Polyhedron | None = None) -> Refinement:
    """The full-dimensional cells on which each polynomial has one maximal term, and how they lie side by side.

    Parameters
    ----------
    polynomials : sequence of PuiseuxPolynomial in the same variables
    domain : Polyhedron, optional
        A full-dimensional polyhedron; R^n by default.

    Raises
    ------
    AlgebraError
        No polynomials, different numbers of variables, the tropical zero among them, or a domain that is not
        full-dimensional.

    Examples
    --------
    >>> x, y = PuiseuxPolynomial.variables(2)
    >>> len(common_refinement([x + y, x + PuiseuxPolynomial.constant(0, 2)]))
    4
    """
    if not polynomials:
        raise AlgebraError("a common refinement needs at least one polynomial")
    dim = polynomials[0].dim
    for number, f in enumerate(polynomials):
        if f.dim != dim:
            raise AlgebraError(f"polynomial {number} has {counted(f.dim, 'variable')}, polynomial 0 has {dim}")
        if f.is_zero:
            raise AlgebraError(f"polynomial {number} is the tropical zero (-inf): it has no linear regions")
    walls, inside = _domain(domain, dim)
    pruned = tuple(map(prune, polynomials))
    dominance = [_Dominance(f) for f in pruned]
    first = tuple(_lexicographic_argmax(f, inside) for f in pruned)
    order = {first: 0}
    queue = [first]
    found: list[tuple[tuple[int, ...], Polyhedron, list[tuple[IntegerRow, int | None]]]] = []
    for terms in queue:
        tables = [table.rows(i) for table, i in zip(dominance, terms, strict=True)]
        rows = dict.fromkeys((*(row for table in tables for row in table), *walls))
        cell = Polyhedron.of_integer_rows(rows, dim=dim)
        if len(tables) > 1 or walls:
            cell = cell.irredundant()
        neighbours: list[tuple[IntegerRow, int | None]] = []
        for exact in cell.system.rows():
            if exact in walls:
                neighbours.append((exact, None))
                continue
            behind = tuple(table.get(exact, i) for table, i in zip(tables, terms, strict=True))
            if behind not in order:
                order[behind] = len(queue)
                queue.append(behind)
            neighbours.append((exact, order[behind]))
        found.append((terms, cell, neighbours))
    return Refinement(pruned, tuple(RefinementCell(t, cell, tuple(n)) for t, cell, n in found))


def linear_regions(function: Map, *, domain: Polyhedron | None = None, gluing: Gluing = "facet") -> list[LinearRegion]:
    """The linear regions of a polynomial, a rational function, or several of them together.

    Parameters
    ----------
    function : PuiseuxPolynomial, PuiseuxRational, or a sequence of them (the outputs of one map)
    domain : Polyhedron, optional
        A full-dimensional polyhedron; R^n by default.
    gluing : "facet" or "point"
        Whether cells with one affine map are joined when they share a facet (the usual linear regions) or any point.

    Raises
    ------
    AlgebraError
        As `common_refinement`, or an unknown gluing.

    Examples
    --------
    >>> x, y = PuiseuxPolynomial.variables(2)
    >>> f = PuiseuxRational(x + y + x * y, x + y + PuiseuxPolynomial.constant(0, 2))
    >>> len(linear_regions(f)), len(linear_regions(f, gluing="point"))
    (6, 3)
    """
    if gluing not in ("facet", "point"):
        raise AlgebraError(f"there is no gluing {quoted(gluing)}; use 'facet' or 'point'")
    outputs = _outputs(function)
    polynomials = [p for f in outputs for p in (f.numerator, f.denominator)]
    refinement = common_refinement(polynomials, domain=domain)
    maps = [_affine_map(refinement, cell) for cell in refinement.cells]
    groups = _joined_by_facet(refinement, maps)
    if gluing == "point":
        groups = _joined_by_point(refinement, maps, groups)
    return [LinearRegion(tuple(refinement.cells[i].polyhedron for i in group), maps[group[0]]) for group in groups]


def affine_maps(function: Map, *, domain: Polyhedron | None = None) -> set[AffineRows]:
    """The distinct affine maps of a polynomial, rational function, or several outputs together."""
    return {region.affine_map for region in linear_regions(function, domain=domain)}


class _Dominance:
    """The facets of the dominance regions of a pruned polynomial: row (a, b) -> the term behind the facet."""

    def __init__(self, polynomial: PuiseuxPolynomial) -> None:
        self.polynomial = polynomial
        self._tables: dict[int, dict[IntegerRow, int]] = {}
        self._likely: list[set[int]] | None = None

    def rows(self, position: int) -> dict[IntegerRow, int]:
        table = self._tables.get(position)
        if table is None:
            f = self.polynomial
            # on one hyperplane only one term ties with an irredundant one, else the middle one would be redundant
            candidates = {dominance_row(f, position, k): k for k in range(len(f)) if k != position}
            if len(f) > FEW_TERMS and f.dim <= LOW_DIMENSION:
                chosen = self._enough(position, candidates)
            else:
                chosen = list(candidates)
            region = Polyhedron.of_integer_rows(chosen, dim=f.dim).irredundant()
            table = self._tables[position] = {row: candidates[row] for row in region.system.rows()}
        return table

    def _enough(self, position: int, candidates: dict[IntegerRow, int]) -> list[IntegerRow]:
        """Some of the rows that imply all others: those of likely neighbours, and what their generators violate."""
        if self._likely is None:
            self._likely = likely_neighbours(self.polynomial)
        likely = self._likely[position]
        chosen = [row for row, k in candidates.items() if k in likely]
        while True:
            region = Polyhedron.of_integer_rows(chosen, dim=self.polynomial.dim)
            known = set(chosen)
            missing: dict[IntegerRow, None] = {}
            for generator in _generators(region):
                # the row (a, b) holds at the generator (x, w) iff b w - a.x >= 0
                worst = min(candidates, key=lambda row: _slack(row, generator))
                if worst not in known and _slack(worst, generator) < 0:
                    missing[worst] = None
            if not missing:
                return chosen
            chosen += missing


def _slack(row: IntegerRow, generator: tuple[int, ...]) -> int:
    return row[-1] * generator[-1] - sum(map(int.__mul__, row, generator[:-1]))


def _generators(polyhedron: Polyhedron) -> list[tuple[int, ...]]:
    """Vertices (x, w) with w > 0, rays and both directions of lines (x, 0), as integers."""
    result = [primitive((*vertex, fmpq(1))) for vertex in polyhedron.vertices()]
    result += [(*primitive(ray), 0) for ray in polyhedron.rays()]
    for line in polyhedron.lines():
        direction = primitive(line)
        result += [(*direction, 0), (*(-v for v in direction), 0)]
    return result


def likely_neighbours(polynomial: PuiseuxPolynomial) -> list[set[int]]:
    """For each term the terms whose regions probably share a facet with its own (a proposal, by floating point)."""
    A, c = polynomial.float_terms()
    count, dim = A.shape
    neighbours: list[set[int]] = [set() for _ in range(count)]
    finite = bool(np.isfinite(A).all() and np.isfinite(c).all())
    triangulation = triangulate(A, c) if finite and dim <= 3 else None
    if triangulation is not None:
        for simplex in triangulation.simplices.tolist():
            for i in simplex:
                neighbours[i].update(simplex)
    for i in range(count):
        neighbours[i].discard(i)
        if finite and len(neighbours[i]) <= dim:
            with np.errstate(over="ignore"):
                distance = np.abs(A - A[i]).sum(axis=1)
            neighbours[i].update(k for k in np.argsort(distance)[: 2 * dim + 2].tolist() if k != i)
    return neighbours


def dominance_row(polynomial: PuiseuxPolynomial, position: int, other: int) -> IntegerRow:
    """The primitive row (a, b) of the half-space a.x <= b where one term is at least another."""
    e, c = polynomial.denominators
    own, row = polynomial.rows[position], polynomial.rows[other]
    *slope, height = (q - p for p, q in zip(own, row, strict=True))
    return integer_row([*(fmpq(v * c) for v in slope), fmpq(-height * e)])[0]


def _domain(domain: Polyhedron | None, dim: int) -> tuple[list[IntegerRow], Exponent]:
    if domain is None:
        return [], (fmpq(0),) * dim
    if domain.dim != dim:
        raise AlgebraError(f"the domain lies in R^{domain.dim}, the function has {counted(dim, 'variable')}")
    inside = domain.interior_point()
    if inside is None or not domain.is_full_dimensional():
        raise AlgebraError(
            f"the domain has dimension {domain.dimension()}, not {dim}; restrict the function to it (substitute_affine)"
        )
    return domain.irredundant().system.rows(), inside


def _lexicographic_argmax(polynomial: PuiseuxPolynomial, point: Exponent) -> int:
    """The term that is maximal at point + (h, h^2, ..., h^n) for all small h > 0."""
    return max(polynomial.argmax_terms(point), key=lambda i: polynomial.rows[i][:-1])


def _outputs(function: Map) -> list[PuiseuxRational]:
    functions = [function] if isinstance(function, (PuiseuxPolynomial, PuiseuxRational)) else list(function)
    if not functions:
        raise AlgebraError("a map needs at least one output")
    return [PuiseuxRational(f) if isinstance(f, PuiseuxPolynomial) else f for f in functions]


def _affine_map(refinement: Refinement, cell: RefinementCell) -> AffineRows:
    terms = refinement.terms(cell)
    rows = []
    for (a, p), (b, q) in zip(terms[::2], terms[1::2], strict=True):
        rows.append((*(u - v for u, v in zip(a, b, strict=True)), p - q))
    return tuple(rows)


def _joined_by_facet(refinement: Refinement, maps: list[AffineRows]) -> list[list[int]]:
    parent = list(range(len(maps)))
    for i, cell in enumerate(refinement.cells):
        for _, k in cell.neighbours:
            if k is not None and k < i and maps[i] == maps[k]:
                _unite(parent, i, k)
    return _classes(parent)


def _joined_by_point(refinement: Refinement, maps: list[AffineRows], groups: list[list[int]]) -> list[list[int]]:
    parent = list(range(len(groups)))
    by_map: dict[AffineRows, list[int]] = {}
    for number, group in enumerate(groups):
        by_map.setdefault(maps[group[0]], []).append(number)
    cells = [cell.polyhedron for cell in refinement.cells]
    for numbers in by_map.values():
        for position, p in enumerate(numbers):
            for q in numbers[:position]:
                if _root(parent, p) != _root(parent, q) and any(
                    cells[i].meets(cells[k]) for i in groups[p] for k in groups[q]
                ):
                    _unite(parent, p, q)
    return [sorted(i for number in joined for i in groups[number]) for joined in _classes(parent)]


def _root(parent: list[int], i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


def _unite(parent: list[int], i: int, k: int) -> None:
    i, k = _root(parent, i), _root(parent, k)
    parent[max(i, k)] = min(i, k)


def _classes(parent: list[int]) -> list[list[int]]:
    groups: dict[int, list[int]] = {}
    for i in range(len(parent)):
        groups.setdefault(_root(parent, i), []).append(i)
    return list(groups.values())


__all__ = [
    "AffineRows",
    "LinearRegion",
    "Refinement",
    "RefinementCell",
    "affine_maps",
    "common_refinement",
    "dominance_row",
    "linear_regions",
]
