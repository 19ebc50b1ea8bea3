"""The edges of a cell: between two vertices, or from a vertex to infinity; with lengths, directions and gradients."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

from flint import fmpq

from nn_bridge.cells.cell import Cell
from nn_bridge.network.network import Row
from polyhedra.matrix import AffineMap, dot
from polyhedra.scalars import primitive, to_float


@dataclass(frozen=True)
class Edge:
    """An edge of a cell, from a vertex to a vertex or in a direction without end.

    Attributes
    ----------
    start : point
    end : point or None
        None for an edge that goes to infinity.
    direction : primitive integer vector
        From the start to the end, or to infinity.
    """

    start: Row
    end: Row | None
    direction: Row

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

    @property
    def gradient(self) -> fmpq | None:
        """In the plane: rise over run, exactly; None for a vertical edge and in other dimensions."""
        if len(self.start) != 2 or not self.direction[0]:
            return None
        return self.direction[1] / self.direction[0]

    def slopes(self, affine_map: AffineMap) -> Row:
        """How much each output of an affine map grows in one step of `direction`, exactly."""
        return tuple(dot(row, self.direction) for row in affine_map.matrix)


def cell_edges(cell: Cell) -> list[Edge]:
    """The edges of a cell (none where it contains a line).

    Examples
    --------
    >>> from nn_bridge.cells.cell import iterate_cells
    >>> from nn_bridge.network.network import Network
    >>> corner = Network.from_layers([[[1, 0], [0, 1], [-1, -1]], [[1, 1, 1]]], [[0, 0, 1], [0]])
    >>> (triangle,) = [cell for cell in iterate_cells(corner) if cell.bounded]
    >>> sorted(edge.length for edge in cell_edges(triangle))
    [1.0, 1.0, 1.4142135623730951]
    >>> {edge.gradient for edge in cell_edges(triangle)} == {None, 0, -1}
    True
    """
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
            start, end = sorted((start, generators.vertices[j]))
            difference = [y - x for x, y in zip(start, end, strict=True)]
            edges.append(Edge(start, end, tuple(map(fmpq, primitive(difference)))))
        else:
            edges.append(Edge(start, None, generators.rays[j - len(generators.vertices)]))
    return edges
