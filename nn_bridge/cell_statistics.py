"""Regions one by one: how many cells make up a region, its volume, inradius, facets, vertices and edges.

A region is a set of cells with one affine map, joined by facets; in general it is not convex.  Numbers are exact where
the docstrings don't say otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import networkx as nx
from flint import fmpq

from nn_bridge.cell_graph import cell_adjacency
from nn_bridge.cells import Cell, iterate_cells
from nn_bridge.network import Network, Row
from polyhedra import triangulation
from polyhedra.linear_program import Optimal, maximize_over
from polyhedra.matrix import AffineMap, dot
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ONE, ZERO, to_float
from polyhedra.system import System

_NORM_BITS = 64


@dataclass(frozen=True)
class Edge:
    """An edge of a cell, from a vertex to a vertex or in a direction without end.

    Attributes
    ----------
    start : point
    end : point or None
        None for an edge that goes to infinity.
    direction : primitive integer vector or None
        For an edge that goes to infinity.
    """

    start: Row
    end: Row | None
    direction: Row | None = None

    @property
    def squared_length(self) -> fmpq | None:
        """The exact square of the length; None where it is infinite."""
        if self.end is None:
            return None
        difference = [x - y for x, y in zip(self.start, self.end, strict=True)]
        return dot(difference, difference)

    @property
    def length(self) -> float:
        """The length, rounded; infinite for an edge without end."""
        square = self.squared_length
        return math.inf if square is None else math.sqrt(to_float(square))


@dataclass(frozen=True)
class RegionStatistics:
    """One linear region in numbers.

    Attributes
    ----------
    affine_map : AffineMap
    cells : tuple of Cell
        The polyhedra that it consists of.
    volume : fmpq or None
        Exact; None where it is infinite.
    inradius : (fmpq, fmpq) or None
        Proven bounds, a part in 10^18 apart, on the radius of the largest Euclidean ball in one of its cells (for a
        region of one cell: in the region); None where balls of any size fit.
    bounded : bool
    facets : int
        Facets of its cells that are not inside the region.
    vertices : tuple of points
        The vertices of its cells, without repetition, sorted.
    edges : tuple of Edge
        The edges of its cells, without repetition.
    """

    affine_map: AffineMap
    cells: tuple[Cell, ...]
    volume: fmpq | None
    inradius: tuple[fmpq, fmpq] | None
    bounded: bool
    facets: int
    vertices: tuple[Row, ...]
    edges: tuple[Edge, ...]

    @property
    def polyhedra(self) -> int:
        """The number of cells."""
        return len(self.cells)


def region_statistics(network: Network, domain: Polyhedron | None = None) -> Iterator[RegionStatistics]:
    """The linear regions of a network on a domain (None: all of R^n; a box gives volumes within the box).

    All cells are kept in memory.  Regions come in the order of their first cells.

    Raises
    ------
    NetworkError
        The domain has another dimension than the input, or no interior.

    Examples
    --------
    >>> network = Network.from_layers([[[1], [1]], [[1, -2]]], [[0, -1], [0]])
    >>> found = region_statistics(network, Polyhedron.box([-1], [3]))
    >>> sorted((float(region.volume.p), region.polyhedra) for region in found)
    [(1.0, 1), (1.0, 1), (2.0, 1)]
    """
    found = cell_adjacency(network, domain)
    cells = list(iterate_cells(network, domain))
    graph = nx.Graph()
    graph.add_nodes_from(range(len(cells)))
    inner = [(a, b) for a, b in found.edges.tolist() if cells[a].affine_map == cells[b].affine_map]
    graph.add_edges_from(inner)
    shared = dict.fromkeys(range(len(cells)), 0)
    for a, b in inner:
        shared[a] += 1
        shared[b] += 1
    for component in sorted(map(sorted, nx.connected_components(graph))):
        own = tuple(cells[k] for k in component)
        yield _statistics(own, sum(int(found.facets[k]) - shared[k] for k in component))


def _statistics(cells: tuple[Cell, ...], facets: int) -> RegionStatistics:
    bounded = all(cell.bounded for cell in cells)
    volumes = [cell_volume(cell) for cell in cells]
    volume = sum((v for v in volumes if v is not None), ZERO) if None not in volumes else None
    radii = [cell_inradius(cell) for cell in cells]
    known = [radius for radius in radii if radius is not None]
    inradius = None
    if len(known) == len(radii):
        inradius = max(low for low, _ in known), max(high for _, high in known)
    edges = dict.fromkeys(edge for cell in cells for edge in cell_edges(cell))
    vertices = {vertex for cell in cells if not cell.generators.lines for vertex in cell.generators.vertices}
    return RegionStatistics(
        cells[0].affine_map, cells, volume, inradius, bounded, facets, tuple(sorted(vertices)), tuple(edges)
    )


def cell_volume(cell: Cell) -> fmpq | None:
    """The exact volume of a cell; None where it is infinite."""
    if not cell.bounded:
        return None
    generators = cell.generators
    incidences = [sum(1 << f for f in on) for on in generators.vertex_facets]
    return triangulation.volume(generators.vertices, incidences, cell.network.input_dim)


def cell_inradius(cell: Cell) -> tuple[fmpq, fmpq] | None:
    """Proven bounds on the radius of the largest Euclidean ball in a cell; None where balls of any size fit.

    The largest r with ``a . x + |a| r <= b`` for every facet is a linear program; with the norms ``|a|`` rounded up
    (down) to rationals its exact value is a lower (upper) bound.
    """
    dim = cell.network.input_dim
    bounds = []
    for up in (1, 0):
        rows = []
        for row in cell.inequalities:
            integers = [int(v.p) for v in row]
            norm = math.isqrt(sum(v * v for v in integers[:-1]) << 2 * _NORM_BITS) + up
            rows.append((*(v << _NORM_BITS for v in integers[:-1]), norm, integers[-1] << _NORM_BITS))
        best = maximize_over(System.of_integer_rows(rows, 0, dim + 1), (*[ZERO] * dim, ONE))
        if not isinstance(best, Optimal):
            return None
        bounds.append(best.value)
    return bounds[0], bounds[1]


def cell_edges(cell: Cell) -> list[Edge]:
    """The edges of a cell (none where it contains a line)."""
    generators = cell.generators
    if generators.lines:
        return []
    on = (*generators.vertex_facets, *generators.ray_facets)
    edges = []
    for i, j in combinations(range(len(on)), 2):
        if i >= len(generators.vertices):
            break
        common = on[i] & on[j]
        if sum(common <= other for other in on) > 2:
            continue
        start = generators.vertices[i]
        if j < len(generators.vertices):
            edges.append(Edge(*sorted((start, generators.vertices[j]))))
        else:
            edges.append(Edge(start, None, generators.rays[j - len(generators.vertices)]))
    return edges
