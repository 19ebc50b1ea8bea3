"""The dual graph: one node a cell, one edge for every facet that two cells share, exactly.

Facets are recognised by the sign vector on them (`nn_bridge.cells.joining`), so that no two cells are compared, and
cells whose patterns differ in one unit but touch in less than a facet are no neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx
import numpy as np

from nn_bridge.cells.cell import iterate_cells
from nn_bridge.cells.joining import SignVectorKeys
from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.tree import FACES, CellTree, CellTreeError
from nn_bridge.network.network import Network
from nn_bridge.network.residues import unpacked
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

    All facets are kept in memory: some 50 bytes each for up to 64 units.

    Raises
    ------
    NetworkError
        The domain has another dimension than the input, or no interior.
    CellTreeError
        A facet lies in more than two cells, or in one and on no wall (a contradiction, never seen).

    Examples
    --------
    >>> lines = Network.from_layers([[[1, 0], [0, 1], [1, 1]], [[1, 1, 1]]], [[0, 0, -1], [0]])
    >>> found = cell_adjacency(lines)
    >>> found.cells, len(found.edges), found.mean_facets
    (7, 9, 2.5714285714285716)
    """
    problem = cell_problem(network, domain)
    if problem is None:
        at_zero = network.pattern([0] * network.input_dim)
        alone = [np.array([stage]) for stage in at_zero]
        return CellAdjacency(alone, np.zeros((0, 2), np.int64), np.zeros(1, np.int64), np.zeros(1, bool))
    tree = CellTree(problem, FACES)
    layout = SignVectorKeys(problem, tree.words)
    patterns, keys, owners, on_wall = [], [], [], []
    with_rays = []
    before = 0
    for leaves in tree.run():
        count = len(leaves.patterns)
        if not count:
            continue
        rows = leaves.facet_leaf - before
        patterns.append(leaves.patterns)
        keys.append(layout.pack(leaves.patterns, rows, leaves.facet_zeros))
        owners.append(leaves.facet_leaf)
        on_wall.append(leaves.facet_zeros[:, tree.wall_word :].any(axis=1))
        with_rays.append(np.bincount(leaves.generator_leaf - before, leaves.generator_ray, count) > 0)
        before += count
    owner, all_keys = np.concatenate(owners), np.concatenate(keys)
    order = np.lexsort(all_keys.T)
    ranked = all_keys[order]
    same = (ranked[1:] == ranked[:-1]).all(axis=1)
    if (same[1:] & same[:-1]).any():
        raise CellTreeError("a facet lies in more than two cells; please report this network")
    alone_mask = np.ones(len(order), bool)
    alone_mask[1:] &= ~same
    alone_mask[:-1] &= ~same
    if not np.array_equal(alone_mask, np.concatenate(on_wall)[order]):
        raise CellTreeError("a facet lies in one cell only, and on no wall; please report this network")
    edges = np.column_stack([owner[order[:-1][same]], owner[order[1:][same]]])
    edges.sort(axis=1)
    bounded = ~np.concatenate(with_rays)
    if problem.lines:
        # a cell without rays may still contain lines that no unit has cut
        bounded = np.array([cell.bounded for cell in iterate_cells(network, domain)])
    elif problem.unbounded_lineality:
        bounded[:] = False
    return CellAdjacency(
        unpacked(np.concatenate(patterns), network.hidden, tree.words),
        edges[np.lexsort((edges[:, 1], edges[:, 0]))],
        np.bincount(owner, minlength=before),
        bounded,
    )


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
    found = cell_adjacency(network, domain)
    graph = nx.Graph()
    stages = [stage.tolist() for stage in found.patterns]
    for node, (facets, bounded) in enumerate(zip(found.facets.tolist(), found.bounded.tolist(), strict=True)):
        graph.add_node(node, pattern=tuple(tuple(stage[node]) for stage in stages), facets=facets, bounded=bounded)
    graph.add_edges_from(found.edges.tolist())
    return graph
