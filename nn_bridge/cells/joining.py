"""From cells to regions: exact classes of affine maps, and cells of a class joined by facets or by points.

The closures of the cells form a face-to-face complex in which every face is the set of points with one sign vector.
The tree writes, for a generator or facet of a leaf, the exact set ``Z`` of units and walls that vanish there; with the
leaf's pattern, ``(pattern & ~Z, Z)`` is that sign vector.  So two cells share a facet (a point) iff they carry the same
key of a facet (of a vertex, or of a minimal face where there are lines).  No coordinates, no pair tests, no tolerance.
Faces that cannot join cells of one map need not be written (`nn_bridge.cells.tree.JOINING_FACES`; ``core/faces.hpp``).

Most facets need not even be found.  If one unit alone vanishes on a facet of a cell, the cell on its other side has the
same pattern but for this unit, so a cell that brings such units is joined by its pattern (``core/components.hpp``).

Cells come in passes.  Where few share their map, a first pass keeps eight bytes a cell, the residues of its map; those
whose residues occur once are regions of their own, and a second pass brings the others again, with their neighbours.
Where more do (`nn_bridge.cells.repeated_maps`), the first pass brings the neighbours of all.  Maps are proven equal, or
told apart, as they come.  Few maps are left in several pieces.  Their cells outside the largest piece are brought once
more, with all their facets and points, and what vanishes on these says the truth: joined to another cell of the map by
a facet, by a point, or not at all (``core/map_pieces.hpp``).  Where maps of many cells are in pieces, facets alone come
first, and if such maps are in pieces still, all cells of maps in pieces are brought, and joined by the names of faces.

Source: the gluing step of Lezeau et al. 2024, Algorithm 4, with facets and with points.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nn_bridge.cells import plain_keys
from nn_bridge.cells.core_problem import CoreProblem
from nn_bridge.cells.map_classes import MapComparison
from nn_bridge.cells.problem import CellProblem
from nn_bridge.cells.tree import CellTree, CellTreeError, Leaves
from nn_bridge.errors import NetworkError
from polyhedra.cached_values import cached_property
from polyhedra.compiled_core import core, core_or_refusal

if TYPE_CHECKING:
    from nn_bridge.cells import _core as kernels
else:
    kernels = core_or_refusal("nn_bridge.cells._core")

loops: Any = core("nn_bridge.cells._core") or plain_keys  # the same functions, compiled or not

_MOST_CELLS = (1 << 32) - 2  # numbers of cells have 32 bits
_OPEN_AT_ONCE = 1 << 10  # so many cells are compared at once
_FEW = 1 << 7  # maps of so few cells are joined by the faces of some: each face is held against all cells of its map
_OTHER_CELLS = "a later pass met other cells than the first; please report this network"


class FourCounts(NamedTuple):
    """The four counts of one network on one domain; see `nn_bridge.region_count`."""

    cells: int
    regions: int
    regions_by_point: int
    affine_maps: int


# -------------------------------------------------------------------------- matching keys


class SignVectorKeys:
    """Packs the sign vectors of faces into as few words as they need.

    Parameters
    ----------
    problem : CellProblem
    words : int
        Words per stage in a pattern, as in `CellTree.words`.

    Attributes
    ----------
    width : int
        Words of a key.
    columns : list of int
        The columns of patterns that have units, in the order of the words of sets of zeros.
    places : list of int
        Where the positive bits of each of these begin in a key, then the zero bits of each word of a set of zeros.
    """

    def __init__(self, problem: CellProblem, words: int) -> None:
        pieces: list[tuple[int, int]] = []
        for s, size in enumerate(problem.network.hidden):
            pieces += [(s * words + q, min(64, size - 64 * q)) for q in range(-(-size // 64))]
        self.columns = [column for column, _ in pieces]
        walls = len(problem.walls)
        lengths = [length for _, length in pieces]
        lengths += [min(64, walls - 64 * q) for q in range(-(-walls // 64))]
        # first all positive bits, then all zero bits (walls are never negative, so they need no positive bit)
        *self.places, bits = accumulate((*lengths[: len(pieces)], *lengths), initial=0)
        self.width = -(-bits // 64)

    def whole_maps(self) -> kernels.WholeMaps:
        """A table that joins cells by faces with these keys."""
        return kernels.WholeMaps(self.columns, self.places, self.width)

    def pack(self, patterns: np.ndarray, rows: np.ndarray, zeros: np.ndarray) -> np.ndarray:
        """The keys of faces: face ``k`` vanishes on ``zeros[k]`` and belongs to a leaf with ``patterns[rows[k]]``."""
        keys = np.zeros((len(zeros), self.width), np.uint64)
        loops.pack(patterns, rows, zeros, np.array(self.columns), np.array(self.places), keys)
        return keys


# -------------------------------------------------------------------------- joining


class Joiner:
    """Joins the leaves with equal maps by facets and by points; fed with leaves and their neighbours, in any order.

    Use: give to `add` all leaves, or all but those whose residues occur once, in batches.  Then call `settle`: until
    `unsettled` returns no patterns of leaves any more, it gives these leaves to `add_again`, with facets and points.

    Parameters
    ----------
    problem : CellProblem
    words : int
        Words per stage in a pattern, as in `CellTree.words`.
    arrays : CoreProblem, optional
        The problem as the core takes it, where it has been made already.
    """

    def __init__(self, problem: CellProblem, words: int, arrays: CoreProblem | None = None) -> None:
        self._problem, self._words = problem, words
        self._arrays = CoreProblem(problem) if arrays is None else arrays
        self._cells = kernels.Components(self._arrays.numbers, words, _MOST_CELLS)
        self._cells.cover(self._arrays.covered)
        self._open: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []  # cells, their patterns and neighbours
        self._comparison = MapComparison(problem, words, self._arrays)
        self._pieces: kernels.MapPieces | None = None
        self._whole_maps: kernels.WholeMaps | None = None
        self._chosen = self._met = 0  # so many leaves are to come again, and have

    @property
    def leaves(self) -> int:
        """The number of leaves added."""
        return self._cells.cells

    @property
    def bytes(self) -> int:
        """Bytes in memory, about."""
        return self._cells.bytes

    def add(self, leaves: Leaves) -> None:
        """Take a batch of leaves with their neighbours."""
        if not len(leaves.residues):
            return
        told = leaves.neighbours if len(leaves.neighbours) else None
        first = self._cells.cells
        try:
            open_ = self._cells.add(leaves.patterns, leaves.residues, told)
        except OverflowError as error:
            raise NetworkError(str(error)) from None
        if len(open_):
            patterns = leaves.patterns[open_]
            self._open.append((first + open_, patterns, np.zeros_like(patterns) if told is None else told[open_]))
            if sum(len(cells) for cells, *_ in self._open) >= _OPEN_AT_ONCE:
                self._compare()

    def _compare(self) -> None:
        """Tell cells of which nothing was proven the numbers of their maps: many at a time, since few take as long."""
        if self._open:
            cells, patterns, told = (np.concatenate(parts) for parts in zip(*self._open, strict=True))
            maps = self._comparison.numbers(patterns, self._cells.maps_of(cells), self._first, self._cells.add_map)
            self._cells.settle(cells, maps, told)
            self._open = []

    @cached_property
    def _keys(self) -> SignVectorKeys:
        return SignVectorKeys(self._problem, self._words)

    def _first(self, maps: np.ndarray) -> np.ndarray:
        """The patterns with which maps first came."""
        return self._cells.patterns_of(self._cells.firsts_of(maps))

    def unsettled(self) -> np.ndarray:
        """After the last leaf, or the last one brought again: the patterns of the leaves to bring now, mostly few."""
        self._compare()
        self._check_met()
        cells = self._cells
        if not cells.divided or self._pieces is not None or self._whole_maps is not None:
            return np.zeros((0, 0), np.uint64)
        pieces = kernels.MapPieces(cells)
        if pieces.most <= _FEW:
            self._pieces = pieces
        elif self._chosen:  # facets of the others have joined what they join
            self._whole_maps = self._keys.whole_maps()
        chosen = pieces.outside() if self._whole_maps is None else cells.in_pieces()
        cells.choose(chosen)
        self._chosen, self._met = len(chosen), 0
        return cells.patterns_of(chosen)

    def add_again(self, leaves: Leaves) -> None:
        """Take a batch of unsettled leaves: all of them are to come, in any order."""
        if not len(leaves.residues):
            return
        facets, points = (leaves.facet_leaf, leaves.facet_zeros), (leaves.generator_leaf, leaves.generator_zeros)
        if self._pieces is not None:
            self._met += self._pieces.add(leaves.numbers, leaves.patterns, *facets, *points)
        elif self._whole_maps is not None:
            try:
                maps = self._cells.maps_of(self._cells.cells_again(leaves.patterns))
            except IndexError:
                raise CellTreeError(_OTHER_CELLS) from None
            self._whole_maps.add(leaves.numbers, maps, leaves.patterns, *facets, *points)
            self._met += len(maps)
        elif self._chosen:
            self._met += self._cells.join_again(leaves.numbers, leaves.patterns, *facets)
        else:
            raise CellTreeError("no leaves were to be brought again")

    def settle(self, tree: Callable[[], CellTree]) -> None:
        """Bring leaves again until nothing is unsettled; ``tree`` gives a tree that writes JOINING_FACES."""
        while len(patterns := self.unsettled()):
            again = tree()
            again.go_to(patterns)
            for leaves in again.run():
                self.add_again(leaves)

    def _check_met(self) -> None:
        if self._met != self._chosen:
            raise CellTreeError(_OTHER_CELLS)

    def counts(self, cells: int, leaves: int | None = None) -> FourCounts:
        """The four counts, after the last leaf.

        Parameters
        ----------
        cells : int
        leaves : int, optional
            All leaves, those with residues of their own included; as many as cells, if it is not given.

        Raises
        ------
        CellTreeError
            Leaves are missing.
        """
        self._compare()
        self._check_met()
        joined, again = self._cells, self._pieces or self._whole_maps
        singles = (cells if leaves is None else leaves) - joined.cells
        settled = joined.maps - joined.divided
        by_facet = by_point = 0
        if again is not None:
            by_facet, by_point = again.pieces()
        elif joined.divided:
            raise CellTreeError("the faces of some cells are missing; ask the joiner for the unsettled leaves")
        alone = singles + settled
        return FourCounts(cells, alone + by_facet, alone + by_point, singles + joined.maps)
