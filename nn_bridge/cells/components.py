"""Components of the cells with one map: cells joined by their patterns alone, where a facet between them is certain.

The loop is compiled; ``core/components.hpp`` has the method.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nn_bridge.cells.map_classes import grown
from polyhedra.compiled_core import core_or_refusal

if TYPE_CHECKING:
    from nn_bridge.cells import _core as kernels
else:
    kernels = core_or_refusal("nn_bridge.cells._core")

_Arrays = tuple[
    np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray
]  # fmt: skip


class Components:
    """Cells, each with the number of its map, in components that grow together.

    Parameters
    ----------
    last_stage : uint64 array of shape (width,)
        The units of the last stage, packed as patterns are.
    """

    def __init__(self, last_stage: np.ndarray) -> None:
        self.cells = 0
        self._maps = 0
        self._last_stage = last_stage
        self._patterns = np.zeros((1 << 10, len(last_stage)), np.uint64)
        # by cell its map, its parent and the earlier cell of its map; by map the latest cell, the cells and the pieces
        self._labels, self._parent, self._before = np.zeros((3, 1 << 10), np.int32)
        self._by_map = np.zeros((1 << 8, 3), np.int32)
        self._slots, self._taken = np.full(1 << 10, -1, np.int32), np.zeros(1, np.int64)

    @property
    def _arrays(self) -> _Arrays:
        """The arguments with which the functions of the core begin."""
        return (
            self._patterns, self._last_stage, self._labels, self._parent, self._before, self._by_map, self._slots,
            self._taken,
        )  # fmt: skip

    @property
    def bytes(self) -> int:
        """Bytes in memory, about."""
        arrays = self._patterns, self._labels, self._parent, self._before, self._by_map, self._slots
        return sum(array.nbytes for array in arrays)

    @property
    def patterns(self) -> np.ndarray:
        """The packed patterns of all cells: shape (cells, width)."""
        return self._patterns[: self.cells]

    @property
    def labels(self) -> np.ndarray:
        """The map of each cell."""
        return self._labels[: self.cells]

    @property
    def pieces(self) -> np.ndarray:
        """The number of components of each map: at least as many as facets leave."""
        return self._by_map[: self._maps, 2]

    def add(self, patterns: np.ndarray, neighbours: np.ndarray, labels: np.ndarray, maps: int) -> None:
        """Take cells, and join them with earlier ones.

        Parameters
        ----------
        patterns : uint64 array of shape (cells, width)
            Packed.
        neighbours : uint64 array of shape (cells, width), or (0, width)
            Units that surely vanish alone on facets of each cell, packed likewise; those of the last stage need not be
            told.
        labels : integer array of shape (cells,)
            The map of each cell.
        maps : int
            The number of maps so far.
        """
        begin, end = self.cells, self.cells + len(patterns)
        self._patterns = grown(self._patterns, end)
        self._patterns[begin:end] = patterns
        self._labels = grown(self._labels, end)
        self._labels[begin:end] = labels
        kind = self._labels.dtype
        self._parent, self._before = grown(self._parent, end), grown(self._before, end)
        self._by_map = grown(self._by_map, maps).astype(kind, copy=False)
        self._slots = self._slots.astype(kind, copy=False)
        self.cells, self._maps = end, maps
        while begin < end:
            begin = kernels.join_neighbours(
                *self._arrays,
                neighbours,
                begin,
                end,
            )
            if begin < end:
                slots = np.full(2 * len(self._slots), -1, kind)
                kernels.rehash_cells(self._patterns, self._slots, slots)
                self._slots = slots

    def outside_largest(self) -> np.ndarray:
        """The cells of maps in several components that are not in the largest one of their map, by their numbers."""
        cells = np.flatnonzero(self.pieces[self.labels] > 1)
        root = self._parent[cells]
        while (above := self._parent[root]).tolist() != root.tolist():
            root = above
        roots, place, size = np.unique(root, return_inverse=True, return_counts=True)
        order = np.lexsort((roots, size, self._labels[roots]))  # by map, and the largest last
        largest = np.append(self._labels[roots[order]][1:] != self._labels[roots[order]][:-1], True)
        outside = np.ones(len(roots), bool)
        outside[order[largest]] = False
        chosen: np.ndarray = cells[outside[place]].astype(self._labels.dtype)
        return chosen

    def join_again(self, chosen: np.ndarray, patterns: np.ndarray, neighbours: np.ndarray) -> int:
        """Join cells once more, by units that vanish alone on their facets; returns how many are among the chosen ones.

        Parameters
        ----------
        chosen : integer array
            Numbers of cells.
        patterns, neighbours : uint64 array of shape (cells, width)
            Packed: the patterns, which tell the cells, and these units.
        """
        return kernels.join_again(
            *self._arrays,
            patterns,
            neighbours,
            chosen,
        )


__all__ = ["Components"]
