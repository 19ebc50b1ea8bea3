"""`iterate_cells`: the activation cells of a network one after another, each with exact answers on demand.

A `Cell` keeps only what the cell tree proved about it: its activation pattern and, for each generator and facet, the
set of units and walls that vanish there.  Inequalities, the affine map, generators and an interior point are computed
from these, exactly and in the original input coordinates, when they are first asked for.  Nothing forces the cells to
stay in memory together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from flint import fmpq, fmpz, fmpz_mat

from nn_bridge.cells.plain_tree import leaf_tree
from nn_bridge.cells.problem import CellProblem, cell_problem
from nn_bridge.cells.tree import FACES, CellTreeError, Leaves
from nn_bridge.network.forms import ExactForms, dot
from nn_bridge.network.network import Matrix, Network, Pattern, Row
from polyhedra.cached_values import cached_property
from polyhedra.matrix import AffineMap, identity, nullspace
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron
from polyhedra.quoting import shown
from polyhedra.scalars import ZERO, primitive
from polyhedra.values import html_table


@dataclass(frozen=True)
class CellFacet:
    """A facet of a cell: the units and walls of the domain that vanish on it, and its inequality.

    Attributes
    ----------
    units : tuple of (stage, unit)
        From 0; several where hyperplanes coincide.
    walls : tuple of int
        Rows of ``domain.irredundant().inequalities``.
    inequality : tuple of fmpq
        The primitive integer row ``(a_1, .., a_n, b)`` with ``a . x <= b`` on the cell.
    """

    units: tuple[tuple[int, int], ...]
    walls: tuple[int, ...]
    inequality: Row


@dataclass(frozen=True)
class Generators:
    """A cell as the convex hull of vertices plus the cone of rays plus the span of lines.

    Where there are lines, ``vertices`` holds one point of each minimal face, and rays are meant modulo the lines.  The
    sets of facets (by number) that contain a vertex or a ray are in ``vertex_facets`` and ``ray_facets``.
    """

    vertices: Matrix
    rays: Matrix
    lines: Matrix
    vertex_facets: tuple[frozenset[int], ...]
    ray_facets: tuple[frozenset[int], ...]


class CellSource:
    """The data that all cells of one network on one domain share: the reduced problem, and exact forms for both.

    Parameters
    ----------
    network : Network
    domain : Polyhedron, optional
    """

    def __init__(self, network: Network, domain: Polyhedron | None = None) -> None:
        self.network, self.domain = network, domain
        self.problem = cell_problem(network, domain)
        walls = domain.irredundant().inequalities if domain is not None else ()
        # as a . x + b >= 0, to be asked for as stage -1
        self._forms = ExactForms(network, tuple(primitive([*(-a for a in row[:-1]), row[-1]]) for row in walls))
        if self.problem is not None:
            self._reduced = ExactForms(self.problem.network, self.problem.walls)
        sizes = (self.problem or self).network.hidden
        self._places: list[tuple[int, int]] = []
        at = 0
        for size in (*sizes, len(walls)):
            self._places.append((at, size))
            at += 64 * -(-size // 64)

    def cells(self) -> Iterator[Cell]:
        """All cells, in the order of the tree."""
        if self.problem is None:
            point = (ZERO,) * self.network.input_dim
            pattern = self.network.pattern(point)
            active = tuple(sum(int(on) << i for i, on in enumerate(stage)) for stage in pattern)
            yield Cell(self.network, self.domain, active, (), (), self)
            return
        tree = leaf_tree(self.problem, FACES)
        for leaves in tree.run():
            yield from self.cells_of(leaves, tree.words)

    def cells_of(self, leaves: Leaves, words: int) -> Iterator[Cell]:
        """The cells of a batch of leaves with faces; ``words`` as in `CellTree.words`."""
        stages = len(self.network.hidden)
        width = 8 * leaves.generator_zeros.shape[1]
        pattern_bytes = leaves.patterns.tobytes()
        generator_bytes, facet_bytes = leaves.generator_zeros.tobytes(), leaves.facet_zeros.tobytes()
        of_generator, of_facet = leaves.generator_leaf.tolist(), leaves.facet_leaf.tolist()
        rays = leaves.generator_ray.tolist()
        g = f = 0
        for k in range(len(leaves.patterns)):
            number, begin = of_generator[g], 8 * words * stages * k
            active = tuple(
                int.from_bytes(pattern_bytes[begin + 8 * words * s : begin + 8 * words * (s + 1)], "little")
                for s in range(stages)
            )
            generators = []
            while g < len(of_generator) and of_generator[g] == number:
                zeros = int.from_bytes(generator_bytes[g * width : (g + 1) * width], "little")
                generators.append((bool(rays[g]), zeros))
                g += 1
            facets = []
            while f < len(of_facet) and of_facet[f] == number:
                facets.append(int.from_bytes(facet_bytes[f * width : (f + 1) * width], "little"))
                f += 1
            yield Cell(self.network, self.domain, active, tuple(generators), tuple(facets), self)

    def split(self, zeros: int) -> tuple[list[tuple[int, int]], list[int]]:
        """The units and walls of a set of zeros."""
        *stages, (wall_place, walls) = self._places
        units = [(s, i) for s, (at, size) in enumerate(stages) for i in range(size) if zeros >> (at + i) & 1]
        return units, [i for i in range(walls) if zeros >> (wall_place + i) & 1]

    def form(self, active: tuple[int, ...], stage: int, unit: int) -> list[fmpz]:
        """A unit's (or, stage -1, a wall's) integer form ``(a, b)`` in the original input."""
        return self._forms.row(active, stage, unit)

    def reduced_form(self, active: tuple[int, ...], stage: int, unit: int) -> list[fmpz]:
        """The same in reduced coordinates."""
        return self._reduced.row(active, stage, unit)


@dataclass(frozen=True, repr=False)
class Cell:
    """A full-dimensional set of inputs with one activation pattern.

    Cells are equal iff network, domain and pattern are.  Everything but the pattern is computed when first read.

    Attributes
    ----------
    network : Network
    domain : Polyhedron or None
    active : tuple of int
        The pattern as integers: bit ``i`` of ``active[s]`` is unit ``i`` of stage ``s``.
    """

    network: Network
    domain: Polyhedron | None
    active: tuple[int, ...]
    _generator_zeros: tuple[tuple[bool, int], ...] = field(compare=False, repr=False)
    _facet_zeros: tuple[int, ...] = field(compare=False, repr=False)
    _source: CellSource = field(compare=False, repr=False)

    def __repr__(self) -> str:
        kind = "bounded" if self.bounded else "unbounded"
        return f"<Cell {shown(self.pattern_text, 60)}: {counted(len(self._facet_zeros), 'facet')}, {kind}>"

    def to_dict(self) -> dict[str, Any]:
        """Pattern, facets (their number), boundedness, an interior point, affine map and inequalities, by name."""
        return {
            "pattern": self.pattern_text,
            "facets": len(self._facet_zeros),
            "bounded": self.bounded,
            "point": self.interior_point,
            "affine_map": self.affine_map,
            "inequalities": self.inequalities,
        }

    def _repr_html_(self) -> str:
        return html_table(self.to_dict().items(), caption="Cell")

    @cached_property
    def pattern(self) -> Pattern:
        """For each stage, which of its units are active."""
        return tuple(
            tuple(bool(bits >> i & 1) for i in range(size))
            for bits, size in zip(self.active, self.network.hidden, strict=True)
        )

    @property
    def pattern_text(self) -> str:
        """``"0110|01"``: one digit per unit, a bar between stages."""
        return "|".join("".join(str(int(on)) for on in stage) for stage in self.pattern)

    @cached_property
    def facets(self) -> tuple[CellFacet, ...]:
        """The facets, each with its inequality."""
        constant = self._constant_zeros
        found = []
        for zeros in self._facet_zeros:
            units, walls = self._source.split(zeros & ~constant)
            stage, number = units[0] if units else (-1, walls[0])
            row = self._source.form(self.active, stage, number)
            if units and not self.active[stage] >> number & 1:
                row = [-v for v in row]
            inequality = primitive([*(fmpq(-v) for v in row[:-1]), fmpq(row[-1])])
            found.append(CellFacet(tuple(units), tuple(walls), tuple(map(fmpq, inequality))))
        return tuple(found)

    @property
    def _constant_zeros(self) -> int:
        """The units that vanish on the whole cell."""
        common = -1
        for _, zeros in self._generator_zeros:
            common &= zeros
        return common if self._generator_zeros else 0

    @property
    def inequalities(self) -> Matrix:
        """The irredundant rows ``(a_1, .., a_n, b)``, ``a . x <= b``, one a facet; primitive integers."""
        return tuple(facet.inequality for facet in self.facets)

    @cached_property
    def polyhedron(self) -> Polyhedron:
        """The closure of the cell."""
        rows = [[int(v.p) for v in row] for row in self.inequalities]
        return Polyhedron.of_integer_rows(rows, dim=self.network.input_dim)

    @cached_property
    def affine_map(self) -> AffineMap:
        """The outputs as an exact affine function of the input, on this cell."""
        rows = self.network.affine_forms(self.pattern)[-1]
        return AffineMap(tuple(row[:-1] for row in rows), tuple(row[-1] for row in rows), self.network.input_dim)

    @cached_property
    def generators(self) -> Generators:
        """Exact vertices, rays and lines."""
        facets = self._facet_zeros
        if self._source.problem is None:
            origin = (ZERO,) * self.network.input_dim
            return Generators((origin,), (), identity(self.network.input_dim), (frozenset(),), ())
        vertices: list[Row] = []
        rays: list[Row] = []
        vertex_facets: list[frozenset[int]] = []
        ray_facets: list[frozenset[int]] = []
        for is_ray, zeros in self._generator_zeros:
            on = frozenset(i for i, facet in enumerate(facets) if facet & ~zeros == 0)
            (rays if is_ray else vertices).append(self._lifted_generator(is_ray, zeros))
            (ray_facets if is_ray else vertex_facets).append(on)
        return Generators(tuple(vertices), tuple(rays), self.lines, tuple(vertex_facets), tuple(ray_facets))

    def generator(self, number: int) -> Row:
        """One exact vertex, or ray as a primitive vector, by its number among the generators of the cell.

        The cells of a `CellComplex` number theirs as its arrays do.
        """
        if self._source.problem is None:
            return (ZERO,) * self.network.input_dim
        return self._lifted_generator(*self._generator_zeros[number])

    def _lifted_generator(self, is_ray: bool, zeros: int) -> Row:
        vector = self._exact_generator(is_ray, zeros)
        if is_ray:
            return tuple(map(fmpq, primitive(self._problem.lifted([fmpq(v) for v in vector[:-1]]))))
        return self._problem.lifted([fmpq(v, vector[-1]) for v in vector[:-1]])

    @property
    def generator_count(self) -> int:
        """The number of vertices and rays."""
        return len(self._generator_zeros)

    def is_ray(self, number: int) -> bool:
        """Whether a generator is a ray."""
        return self._generator_zeros[number][0]

    def generators_on(self, facet: int) -> tuple[int, ...]:
        """The numbers of the generators on a facet, which is given by its number."""
        zeros = self._facet_zeros[facet]
        return tuple(k for k, (_, own) in enumerate(self._generator_zeros) if zeros & ~own == 0)

    @cached_property
    def lines(self) -> Matrix:
        """A basis of the directions in which the cell contains lines."""
        return nullspace(tuple(row[:-1] for row in self.inequalities), self.network.input_dim)

    @cached_property
    def _reduced_lines(self) -> list[list[fmpz]]:
        """The lines of the cell in reduced coordinates."""
        problem = self._problem
        if not problem.lines:
            return []
        rows = []
        for zeros in self._facet_zeros:
            units, walls = self._source.split(zeros & ~self._constant_zeros)
            stage, number = units[0] if units else (-1, walls[0])
            rows.append(tuple(map(fmpq, self._source.reduced_form(self.active, stage, number)[:-1])))
        return [[fmpz(v) for v in primitive(line)] for line in nullspace(tuple(rows), problem.dim)]

    @property
    def _problem(self) -> CellProblem:
        assert self._source.problem is not None
        return self._source.problem

    def _exact_generator(self, is_ray: bool, zeros: int) -> list[fmpz]:
        """Homogeneous reduced coordinates: the null vector of the forms that vanish there, oriented."""
        dim = self._problem.dim
        units, walls = self._source.split(zeros)
        rows = [self._source.reduced_form(self.active, s, i) for s, i in units]
        rows += [self._source.reduced_form(self.active, -1, i) for i in walls]
        rows += [[*line, fmpz(0)] for line in self._reduced_lines]
        if is_ray:
            rows.append([fmpz(0)] * dim + [fmpz(1)])
        if not rows:
            basis, nullity = fmpz_mat([[1]]), dim + 1
        else:
            basis, nullity = fmpz_mat(rows).nullspace()
        if nullity != 1:
            raise CellTreeError(f"a generator has a null space of dimension {nullity}; please report this network")
        vector = [basis[c, 0] for c in range(dim + 1)]
        if not is_ray:
            return vector if vector[-1] > 0 else [-v for v in vector]
        for zero_set in self._facet_zeros:
            rest, wall_rest = self._source.split(zero_set & ~zeros)
            for stage, number in (*rest, *((-1, i) for i in wall_rest)):
                value = dot(self._source.reduced_form(self.active, stage, number), vector)
                if value != 0:
                    inside = stage < 0 or bool(self.active[stage] >> number & 1)
                    return vector if (value > 0) == inside else [-v for v in vector]
        raise CellTreeError("a ray lies on every facet of its cell; please report this network")

    @cached_property
    def interior_point(self) -> Row:
        """An exact point strictly inside: the mean of the vertices plus the sum of the rays."""
        generators = self.generators
        count = fmpq(len(generators.vertices))
        point = [sum(column, ZERO) / count for column in zip(*generators.vertices, strict=True)]
        for ray in generators.rays:
            # rays may have large integer coordinates; any positive multiple serves
            largest = max(abs(v) for v in ray)
            point = [x + v / largest for x, v in zip(point, ray, strict=True)]
        return tuple(point)

    @property
    def bounded(self) -> bool:
        """Whether the cell is bounded."""
        if self._source.problem is None or any(is_ray for is_ray, _ in self._generator_zeros):
            return False
        problem = self._source.problem
        return not problem.unbounded_lineality and not (problem.lines and self._reduced_lines)

    def __call__(self, point: Iterable[object]) -> Row:
        """The outputs by the cell's affine map, exact (right for points of the closure)."""
        return self.affine_map(point)


def iterate_cells(network: Network, domain: Polyhedron | None = None) -> Iterator[Cell]:
    """The activation cells of a network on a domain (None: all of R^n), exactly, one after another.

    Memory is bounded by the depth of the subdivision, not by the number of cells; keep only what you need.

    Raises
    ------
    NetworkError
        The domain has another dimension than the input, or no interior.

    Examples
    --------
    >>> network = Network.from_layers([[[1], [1]], [[1, -2]]], [[0, -1], [0]])
    >>> for cell in sorted(iterate_cells(network), key=lambda cell: cell.interior_point):
    ...     print(cell.pattern_text, cell.inequalities, cell.affine_map.matrix, cell.bounded)
    00 ((1, 0),) ((0,),) False
    10 ((-1, 0), (1, 1)) ((1,),) True
    11 ((-1, -1),) ((-1,),) False
    """
    return CellSource(network, domain).cells()


def group_by_affine_map(cells: Iterable[Cell]) -> dict[AffineMap, list[Cell]]:
    """The cells of each affine map."""
    groups: dict[AffineMap, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(cell.affine_map, []).append(cell)
    return groups


__all__ = ["Cell", "CellFacet", "CellSource", "Generators", "group_by_affine_map", "iterate_cells"]
