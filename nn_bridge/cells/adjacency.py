"""The dual graph: one node a cell, one edge for every facet that two cells share, exactly.

Facets are paired by the sign vector on them (`nn_bridge.cells.complex`), so that no two cells are compared, and
cells whose patterns differ in one unit but touch in less than a facet are no neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx
import numpy as np

from nn_bridge.cells.complex import CellComplex, cell_complex
from nn_bridge.network.network import Network
from polyhedra.polyhedron import Polyhedron


@dataclass(frozen=True, eq=False)
class CellAdjacency:
    """All cells and which of them share facets, as arrays.

    Attributes
    ----------
    patterns : list of bool arrays
        For each stage an array of shape (cells, units).
    edges : array of int, shape (shared facets, 2)
        The two cells of each facet inside the domain.
    facets : array of int, shape (cells,)
        The number of facets of each cell, walls of the domain included.
    bounded : array of bool, shape (cells,)
    """

    patterns: list[np.ndarray]
    edges: np.ndarray
    facets: np.ndarray
    bounded: np.ndarray

    @property
    def cells(self) -> int:
        """The number of cells."""
        return len(self.facets)

    @property
    def mean_facets(self) -> float:
        """The mean number of facets of a cell."""
        return float(self.facets.mean())


def cell_adjacency(network: Network, domain: Polyhedron | None = None) -> CellAdjacency:
    """The cells of a network on a domain (None: all of R^n) and their common facets.

    All cells are kept in memory meanwhile (`nn_bridge.cells.complex` says how much that is).  The errors are those of
    `cell_complex`.

    Examples
    --------
    >>> lines = Network.from_layers([[[1, 0], [0, 1], [1, 1]], [[1, 1, 1]]], [[0, 0, -1], [0]])
    >>> found = cell_adjacency(lines)
    >>> found.cells, len(found.edges), found.mean_facets
    (7, 9, 2.5714285714285716)
    """
    return adjacency_of(cell_complex(network, domain))


def adjacency_of(found: CellComplex) -> CellAdjacency:
    """The adjacency of the cells of a complex that is there already."""
    return CellAdjacency(list(found.patterns), found.edges, found.facet_counts, found.bounded)


def dual_graph(network: Network, domain: Polyhedron | None = None) -> nx.Graph:
    """The dual graph of the cells of a network on a domain (None: all of R^n).

    Returns
    -------
    networkx.Graph
        Nodes 0, 1, .. with the attributes ``pattern`` (a tuple of tuples of bool), ``facets`` (their number, walls of
        the domain included) and ``bounded``; an edge for each common facet.

    Examples
    --------
    >>> import networkx as nx
    >>> tent = Network.from_layers([[[2], [4]], [[1, -1]]], [[0, -2], [0]])
    >>> graph = dual_graph(tent)
    >>> nx.diameter(graph), sorted(graph.nodes[node]["pattern"] for node in graph)[0]
    (2, ((False, False),))
    """
    return cell_complex(network, domain).dual_graph
