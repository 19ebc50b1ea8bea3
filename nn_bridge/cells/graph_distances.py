"""Distances in the dual graph of the cells: from chosen cells, eccentricities, and the exact diameter.

The diameter needs no distance between all pairs: each search from one cell bounds the eccentricity of every other from
both sides, and cells whose upper bound does not exceed the largest eccentricity known are done with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nn_bridge.errors import NetworkError
from polyhedra.arrays import Integers


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """An undirected graph as arrays.

    Attributes
    ----------
    start, members : integer arrays
        The neighbours of node ``i`` are ``members[start[i] : start[i + 1]]``.
    """

    start: Integers
    members: Integers

    @classmethod
    def of_edges(cls, nodes: int, edges: ArrayLike) -> Neighbours:
        """The graph with nodes 0, .., nodes - 1 and these edges, an array of shape (edges, 2).

        Examples
        --------
        >>> Neighbours.of_edges(3, [[0, 1], [1, 2]]).degrees.tolist()
        [1, 2, 1]
        """
        pairs = np.asarray(edges, dtype=np.int64).reshape(-1, 2)
        ends = np.concatenate([pairs, pairs[:, ::-1]])
        order = np.argsort(ends[:, 0], kind="stable")
        degrees = np.bincount(ends[:, 0], minlength=nodes)
        return cls(np.concatenate([[0], np.cumsum(degrees)]), ends[order, 1])

    @property
    def nodes(self) -> int:
        """The number of nodes."""
        return len(self.start) - 1

    @property
    def degrees(self) -> Integers:
        """The number of neighbours of each node."""
        return np.diff(self.start)

    def distances(self, sources: ArrayLike) -> Integers:
        """The number of steps from each node to the nearest of the sources; -1 where there is no way.

        Examples
        --------
        >>> Neighbours.of_edges(4, [[0, 1], [1, 2]]).distances([0]).tolist()
        [0, 1, 2, -1]
        """
        found = np.full(self.nodes, -1, dtype=np.int64)
        first = np.full(self.nodes, -1, dtype=np.int64)
        front = np.unique(np.asarray(sources, dtype=np.int64))
        steps = 0
        while len(front):
            found[front] = steps
            count = self.start[front + 1] - self.start[front]
            shift = np.cumsum(count) - count
            reached = self.members[np.repeat(self.start[front] - shift, count) + np.arange(count.sum())]
            reached = reached[found[reached] < 0]
            first[reached] = np.arange(len(reached))
            front = reached[first[reached] == np.arange(len(reached))]
            steps += 1
        return found


def diameter(graph: Neighbours) -> int:
    """The largest distance between two nodes, exactly.

    Raises
    ------
    NetworkError
        The graph has no nodes or is not connected.

    Examples
    --------
    >>> diameter(Neighbours.of_edges(4, [[0, 1], [1, 2], [2, 3]]))
    3

    Notes
    -----
    Takes and Kosters (2011), "Determining the diameter of small world networks".
    """
    if not graph.nodes:
        raise NetworkError("a graph without nodes has no diameter")
    lower = np.zeros(graph.nodes, dtype=np.int64)
    upper = np.full(graph.nodes, graph.nodes, dtype=np.int64)
    open_nodes = np.arange(graph.nodes)
    best, far = 0, True
    while len(open_nodes):
        # by turns a node that may be far out, which raises the best, and one near the middle, which lowers the rest
        node = open_nodes[upper[open_nodes].argmax() if far else lower[open_nodes].argmin()]
        far = not far
        steps = graph.distances([node])
        if steps.min() < 0:
            raise NetworkError("the graph is not connected: its diameter is infinite")
        own = int(steps.max())
        best = max(best, own)
        lower = np.maximum(lower, np.maximum(own - steps, steps))
        upper = np.minimum(upper, own + steps)
        lower[node] = upper[node] = own
        # a node whose bounds meet is known; its eccentricity may still be the largest
        best = max(best, int(lower.max()))
        open_nodes = open_nodes[upper[open_nodes] > best]
    return best
