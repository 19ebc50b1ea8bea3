"""`Arrangement`: the cells of a network as float polytopes with exact combinatorics, in arrays, for drawing.

Which cells there are, which of them share a facet, which unit vanishes on it, and which affine maps are equal comes
from the exact engine.  Only coordinates are rounded, so that tens of thousands of cells are ready in a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nn_bridge.network.float_values import near_zero
from nn_bridge.network.network import Matrix, Network, float_matrix
from polyhedra.arrays import Flags, Floats, Integers
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import to_float

if TYPE_CHECKING:
    from nn_bridge.cells.complex import CellComplex

_NEAR = 1e-9  # for the eye alone: no decision about cells rests on it
WALL = -1
"""In place of a stage: a facet on the boundary of the domain."""


@dataclass(frozen=True, slots=True, eq=False)
class Arrangement:
    """All cells of a network on a domain.

    Attributes
    ----------
    network : Network
    points : float array of shape (generators, n)
        The vertices of the cells, cell by cell (a point that k cells share is there k times), and directions of rays.
    rays : bool array of shape (generators,)
        Which of them are directions.
    first : integer array of shape (cells + 1,)
        The generators of cell ``c`` are ``first[c] .. first[c + 1] - 1``.
    facet_cell, facet_stage : integer arrays of shape (facets,)
        The cell of a facet, and the stage (from 0) of the first unit that vanishes there, `WALL` for the boundary.
    facet_first, facet_members : integer arrays
        The generators of facet ``f`` are ``facet_members[facet_first[f] : facet_first[f + 1]]``.
    partner : integer array of shape (facets,)
        The same facet as the neighbouring cell has it; -1 on the boundary.
    patterns : tuple of bool arrays
        The activation patterns, one array of shape (cells, units) for each stage.
    maps, regions : integer arrays of shape (cells,)
        Equal numbers: equal affine maps, and cells of one linear region (equal maps, joined across facets).
    """

    network: Network
    points: Floats
    rays: Flags
    first: Integers
    facet_cell: Integers
    facet_stage: Integers
    facet_first: Integers
    facet_members: Integers
    partner: Integers
    patterns: tuple[Flags, ...]
    maps: Integers
    regions: Integers

    @property
    def cells(self) -> int:
        """The number of cells."""
        return len(self.first) - 1

    @property
    def neighbours(self) -> Integers:
        """For each facet the cell beyond it; -1 on the boundary."""
        return np.where(self.partner >= 0, self.facet_cell[self.partner], -1)

    @property
    def inner_facets(self) -> Integers:
        """The facets between two cells, each once."""
        return np.flatnonzero(self.partner > np.arange(len(self.partner)))

    def between_regions(self, facets: Integers) -> Flags:
        """Of facets between two cells: whether different regions meet there."""
        different: Flags = self.regions[self.facet_cell[facets]] != self.regions[self.facet_cell[self.partner[facets]]]
        return different

    def cell_points(self, cell: int) -> Floats:
        """The vertices (and directions) of one cell."""
        return self.points[self.first[cell] : self.first[cell + 1]]

    def facet_points(self, facet: int) -> Floats:
        """The vertices (and directions) of one facet."""
        return self.points[self.facet_members[self.facet_first[facet] : self.facet_first[facet + 1]]]

    def centres(self) -> Floats:
        """The mean of the vertices of each cell, which lies inside (of cells without rays)."""
        counts = np.diff(self.first)
        means: Floats = np.add.reduceat(self.points, self.first[:-1], axis=0) / counts[:, None]
        return means


def arrange(network: Network, domain: Polyhedron | None = None) -> Arrangement:
    """All cells of a network on a domain (None: all of R^n).

    Raises
    ------
    NetworkError
        The domain has another dimension than the input, or no interior.

    Examples
    --------
    >>> found = arrange(Network.from_layers([[[1], [2]], [[1, -1]]], [[0, -1], [0]]), Polyhedron.box([-1], [1]))
    >>> found.cells, sorted(set(found.points[:, 0].tolist()))
    (3, [-1.0, 0.0, 0.5, 1.0])
    """
    from nn_bridge.cells.complex import cell_complex

    if not network.stages:
        return _one_cell(network, domain)
    return arrangement_of(cell_complex(network, domain))


def arrangement_of(found: CellComplex) -> Arrangement:
    """The arrangement of the cells of a complex that is there already."""
    from nn_bridge.network.residues import unpacked

    network, domain, problem = found.network, found.domain, found.problem
    if not network.stages:
        return _one_cell(network, domain)
    if problem is None:
        return _one_cell(network, domain)
    first, rays = found.generator_begin, found.generator_ray
    points = _coordinates(found.generator_coordinates, rays, problem.lift)
    wall_word = sum(-(-size // 64) for size in problem.network.hidden)
    zero_units = unpacked(found.generator_zeros, (64 * wall_word,), wall_word)[0]
    unknown = ~rays & _off_their_hyperplanes(problem.network, found.generator_coordinates, zero_units)
    _replace(points, unknown | ~np.isfinite(points).all(axis=1), found)

    constant = np.bitwise_and.reduceat(found.generator_zeros, first[:-1], axis=0)
    facet_zeros = found.facet_zeros & ~constant[found.facet_cell]
    stage_of_word = [s for s, size in enumerate(problem.network.hidden) for _ in range(-(-size // 64))]
    stage_of_word += [WALL] * (facet_zeros.shape[1] - len(stage_of_word))
    # walls come last, so that a facet on one belongs to a unit only where no wall is known to be there
    on_wall = facet_zeros[:, wall_word:].any(axis=1)
    facet_stage = np.where(on_wall, WALL, np.array(stage_of_word)[(facet_zeros != 0).argmax(axis=1)])
    facet_first, facet_members = found.facet_generators
    return Arrangement(
        network,
        points,
        rays,
        first,
        found.facet_cell,
        facet_stage,
        facet_first,
        facet_members,
        found.facet_partner,
        found.patterns,
        found.maps,
        found.regions,
    )


def _coordinates(homogeneous: Floats, rays: Flags, lift: Matrix | None) -> Floats:
    """Points and directions in the original input from homogeneous reduced coordinates."""
    with np.errstate(all="ignore"):
        points: Floats = homogeneous[:, :-1] / np.where(rays, 1.0, homogeneous[:, -1])[:, None]
        if lift is not None:
            points = points @ float_matrix(lift).T
    return points


def _off_their_hyperplanes(network: Network, homogeneous: Floats, zeros: Flags) -> Flags:
    """Which vertices are too far from a hyperplane that they lie on, or cannot be told to be near.

    Near: a unit that vanishes exactly has a float value below a billionth of its terms, which no picture can show.
    """
    with np.errstate(all="ignore"):
        points = homogeneous[:, :-1] / homogeneous[:, -1:]
    off = np.zeros(len(points), bool)
    for begin, stages in near_zero(network, points, _NEAR):
        column = 0
        for near in stages:
            rows, units = near.shape
            off[begin : begin + rows] |= (zeros[begin : begin + rows, column : column + units] & ~near).any(axis=1)
            column += -(-units // 64) * 64
    return off


def _replace(points: Floats, unknown: Flags, found: CellComplex) -> None:
    """Coordinates that floating point did not hold, from exact ones."""
    first = found.generator_begin
    for number in np.unique(np.searchsorted(first, np.flatnonzero(unknown), side="right") - 1).tolist():
        generators = found.cell(number).generators
        vertices, rays = iter(generators.vertices), iter(generators.rays)
        for place in range(int(first[number]), int(first[number + 1])):
            is_ray = bool(found.generator_ray[place])
            exact = next(rays) if is_ray else next(vertices)
            top = max(map(abs, exact)) if is_ray else 1
            points[place] = [to_float(v / top) for v in exact]


def _one_cell(network: Network, domain: Polyhedron | None) -> Arrangement:
    """The arrangement where no unit cuts anything: the domain itself (without facets and points on all of R^n)."""
    n = network.input_dim
    vertices, rays, facets = [], [], []
    if domain is not None:
        irredundant = domain.irredundant()
        vertices, rays = list(irredundant.vertices()), list(irredundant.rays())
        for *a, b in irredundant.inequalities:
            on_facet = [sum(p * x for p, x in zip(a, v, strict=True)) == b for v in vertices]
            along = [sum(p * x for p, x in zip(a, ray, strict=True)) == 0 for ray in rays]
            facets.append(np.flatnonzero([*on_facet, *along]))
    count = len(facets)
    at_zero = network.pattern([0] * n)
    return Arrangement(
        network,
        np.array([[to_float(v) for v in point] for point in (*vertices, *rays)]).reshape(-1, n),
        np.array([False] * len(vertices) + [True] * len(rays), dtype=bool),
        np.array([0, len(vertices) + len(rays)]),
        np.zeros(count, np.int64),
        np.full(count, WALL),
        np.cumsum([0, *map(len, facets)]),
        np.concatenate([np.zeros(0, np.int64), *facets]),
        np.full(count, -1),
        tuple(np.array([stage]) for stage in at_zero),
        np.zeros(1, np.int64),
        np.zeros(1, np.int64),
    )
