"""Regions or cells one by one: volume, inradius, facets, edges, neighbours, data; and the complex as a whole.

A region is a set of cells with one affine map, joined by facets; in general it is not convex.  Numbers are exact where
the docstrings don't say otherwise.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import fmpq

from nn_bridge.cells.adjacency import CellAdjacency, adjacency_of
from nn_bridge.cells.cell import Cell
from nn_bridge.cells.complex import CellComplex, cell_complex
from nn_bridge.cells.edges import Edge, cell_edges
from nn_bridge.cells.graph_distances import Neighbours, diameter
from nn_bridge.cells.location import distance_to_points, points_by_cell
from nn_bridge.cells.statistics_table import RegionTable
from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network, Row
from polyhedra import triangulation
from polyhedra.linear_program import Optimal, maximize_over
from polyhedra.matrix import AffineMap
from polyhedra.polyhedron import Polyhedron
from polyhedra.quoting import quoted
from polyhedra.scalars import ONE, ZERO
from polyhedra.system import System
from polyhedra.values import Value

_NORM_BITS = 64


@dataclass(frozen=True, repr=False)
class RegionStatistics(Value):
    """One linear region (or one cell) in numbers.

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
    neighbours : int
        Its degree in the dual graph: how many other regions (cells) it shares a facet with.
    data : tuple of int or None
        The numbers of the points in it; None where no points were given.
    distance : fmpq or None
        From the nearest point, in the maximum norm; 0 where it holds one; None where no points were given.
    """

    affine_map: AffineMap
    cells: tuple[Cell, ...]
    volume: fmpq | None
    inradius: tuple[fmpq, fmpq] | None
    bounded: bool
    facets: int
    vertices: tuple[Row, ...]
    edges: tuple[Edge, ...]
    neighbours: int
    data: tuple[int, ...] | None = None
    distance: fmpq | None = None

    @property
    def polyhedra(self) -> int:
        """The number of cells."""
        return len(self.cells)


def region_statistics(
    network: Network,
    domain: Polyhedron | None = None,
    *,
    data: Iterable[Iterable[Any]] | None = None,
    by: str = "regions",
) -> RegionTable:
    """The linear regions of a network on a domain (None: all of R^n; a box gives volumes within the box).

    All cells are kept in memory.  Regions come in the order of their first cells, one after another as they are asked
    for: iterate over the table, or take its columns, ``table["volume"]``.

    Parameters
    ----------
    network : Network
    domain : Polyhedron, optional
    data : iterable of points, optional
        Which regions hold them, and how far the others are.
    by : {"regions", "cells"}
        With "cells" every activation cell on its own.

    Raises
    ------
    NetworkError
        The domain has another dimension than the input, or no interior; no data; another ``by``.

    Examples
    --------
    >>> network = Network.from_layers([[[1], [1]], [[1, -2]]], [[0, -1], [0]])
    >>> found = region_statistics(network, Polyhedron.box([-1], [3]), data=[[2]])
    >>> sorted((int(region.volume.p), region.neighbours, int(region.distance.p)) for region in found)
    [(1, 1, 2), (1, 2, 1), (2, 1, 0)]
    """
    points = points_for(network, data, by)
    listed = _statistics(lambda: cell_complex(network, domain), points, by == "regions")
    return RegionTable(listed, by, points is not None)


def statistics_of_regions(
    found: CellComplex, *, data: Iterable[Iterable[Any]] | None = None, by: str = "regions"
) -> RegionTable:
    """`region_statistics` of the cells of a complex that is there already.

    Parameters
    ----------
    found : CellComplex
    data, by
        As in `region_statistics`.

    Raises
    ------
    NetworkError
        No data; another ``by``.
    """
    points = points_for(found.network, data, by)
    return RegionTable(_statistics(lambda: found, points, by == "regions"), by, points is not None)


def points_for(network: Network, data: Iterable[Iterable[Any]] | None, by: str) -> list[Row] | None:
    """The points of the data, exact, None without data; bad data or another ``by`` is refused before any work.

    Raises
    ------
    NetworkError
        No data; another ``by``.
    """
    if by not in ("regions", "cells"):
        raise NetworkError(f"statistics are by regions or by cells, not by {quoted(by)}")
    points = None if data is None else [network.point(point) for point in data]
    if points is not None and not points:
        raise NetworkError("the data holds no points; leave it out")
    return points


def _statistics(
    enumerated: Callable[[], CellComplex], points: Sequence[Row] | None, joined: bool
) -> Iterator[RegionStatistics]:
    found = enumerated()
    cells = list(found)
    holders = None if points is None else points_by_cell(cells, points)
    owner = (found.regions if joined else np.arange(found.cells)).tolist()
    facets = found.facet_counts.tolist()
    members: dict[int, list[int]] = {}
    for k, region in enumerate(owner):
        members.setdefault(region, []).append(k)
    inner = Counter(owner[a] for a, b in found.edges.tolist() if owner[a] == owner[b])
    around: dict[int, set[int]] = {region: set() for region in members}
    for a, b in found.edges.tolist():
        if owner[a] != owner[b]:
            around[owner[a]].add(owner[b])
            around[owner[b]].add(owner[a])
    for region, own in members.items():
        outer = sum(facets[k] for k in own) - 2 * inner[region]
        inside = distance = None
        if points is not None and holders is not None:
            inside = tuple(sorted({i for k in own for i in holders[k]}))
            distance = ZERO if inside else min(distance_to_points(cells[k].polyhedron, points) for k in own)
        yield _one(tuple(cells[k] for k in own), outer, len(around[region]), inside, distance)


def _one(
    cells: tuple[Cell, ...], facets: int, neighbours: int, data: tuple[int, ...] | None, distance: fmpq | None
) -> RegionStatistics:
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
        cells[0].affine_map,
        cells,
        volume,
        inradius,
        bounded,
        facets,
        tuple(sorted(vertices)),
        tuple(edges),
        neighbours,
        data,
        distance,
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


@dataclass(frozen=True, repr=False)
class ComplexStatistics(Value):
    """All cells of a network on a domain together.

    Attributes
    ----------
    cells : int
    bounded : int
        How many of them are bounded.
    mean_facets : float
        Facets of a cell on average, walls of the domain included.
    twice_inputs : int
        2n, which the mean does not exceed for generic networks on all of R^n (Gaines and Bi 2026).
    facet_counts : dict
        For each number of facets how many cells have it.
    neighbour_counts : dict
        The same for neighbours: facets without walls.
    diameter : int
        The largest number of facets that must be crossed from one cell to another.
    """

    cells: int
    bounded: int
    mean_facets: float
    twice_inputs: int
    facet_counts: dict[int, int]
    neighbour_counts: dict[int, int]
    diameter: int


def complex_statistics(network: Network, domain: Polyhedron | None = None) -> ComplexStatistics:
    """The facets, neighbours and dual-graph diameter of the cells of a network.

    Examples
    --------
    >>> lines = Network.from_layers([[[1, 0], [0, 1], [1, 1]], [[1, 1, 1]]], [[0, 0, -1], [0]])
    >>> found = complex_statistics(lines)
    >>> found.cells, found.neighbour_counts, found.diameter
    (7, {2: 3, 3: 4}, 3)
    """
    return statistics_of_complex(cell_complex(network, domain))


def statistics_of_complex(found: CellComplex) -> ComplexStatistics:
    """The same of the cells of a complex that is there already."""
    return statistics_of_adjacency(adjacency_of(found), found.network.input_dim)


def statistics_of_adjacency(found: CellAdjacency, inputs: int) -> ComplexStatistics:
    """The same from an adjacency that is there already."""
    graph = Neighbours.of_edges(found.cells, found.edges)
    return ComplexStatistics(
        cells=found.cells,
        bounded=int(found.bounded.sum()),
        mean_facets=found.mean_facets,
        twice_inputs=2 * inputs,
        facet_counts=counted(found.facets),
        neighbour_counts=counted(graph.degrees),
        diameter=diameter(graph),
    )


def counted(numbers: np.ndarray) -> dict[int, int]:
    """How often each number occurs, by increasing numbers."""
    values, times = np.unique(numbers, return_counts=True)
    return dict(zip(values.tolist(), times.tolist(), strict=True))


__all__ = [
    "ComplexStatistics",
    "Edge",
    "RegionStatistics",
    "cell_edges",
    "cell_inradius",
    "cell_volume",
    "complex_statistics",
    "counted",
    "points_for",
    "region_statistics",
    "statistics_of_adjacency",
    "statistics_of_complex",
    "statistics_of_regions",
]
