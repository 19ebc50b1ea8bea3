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
more, with all their facets, so that pieces with a facet between them, on which one unit vanishes, are joined.  The
rest is brought again with all facets and points, which say the truth: joined by a facet, by a point, or not at all.

Source: the gluing step of Lezeau et al. 2024, Algorithm 4, with facets and with points.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nn_bridge.cells import plain_keys
from nn_bridge.cells.components import Components
from nn_bridge.cells.core_problem import CoreProblem
from nn_bridge.cells.map_classes import MapClasses, empty_table, larger
from nn_bridge.cells.problem import CellProblem
from nn_bridge.cells.tree import CellTree, CellTreeError, Leaves
from polyhedra.compiled_core import core, core_or_refusal

if TYPE_CHECKING:
    from nn_bridge.cells import _core as kernels
else:
    kernels = core_or_refusal("nn_bridge.cells._core")

loops: Any = core("nn_bridge.cells._core") or plain_keys  # the same functions, compiled or not

_LEAVES_AT_ONCE = 1 << 14
_FEW = 1 << 8  # so few cells of maps in several pieces are looked at once
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
    units : uint64 array
        All units, as a pattern.
    """

    def __init__(self, problem: CellProblem, words: int) -> None:
        pieces: list[tuple[int, int]] = []
        for s, size in enumerate(problem.network.hidden):
            pieces += [(s * words + q, min(64, size - 64 * q)) for q in range(-(-size // 64))]
        self.columns = [column for column, _ in pieces]
        self._columns = np.array(self.columns)
        self.units = np.zeros(len(problem.network.hidden) * words, np.uint64)
        for column, length in pieces:
            self.units[column] = (1 << length) - 1
        walls = len(problem.walls)
        lengths = [length for _, length in pieces]
        self._lengths = tuple(lengths)
        self._form = len(problem.network.hidden) * words
        lengths += [min(64, walls - 64 * q) for q in range(-(-walls // 64))]
        # first all positive bits, then all zero bits (walls are never negative, so they need no positive bit)
        bits = np.cumsum([0, *lengths[: len(pieces)], *lengths])
        self._places = bits[:-1]
        self.width = -(-int(bits[-1]) // 64)

    def pack(self, patterns: np.ndarray, rows: np.ndarray, zeros: np.ndarray) -> np.ndarray:
        """The keys of faces: face ``k`` vanishes on ``zeros[k]`` and belongs to a leaf with ``patterns[rows[k]]``."""
        keys = np.zeros((len(zeros), self.width), np.uint64)
        loops.pack(patterns, rows, zeros, self._columns, self._places, keys)
        return keys

    @property
    def pattern_width(self) -> int:
        """Words of a packed pattern."""
        return -(-sum(self._lengths) // 64)

    def pack_patterns(self, patterns: np.ndarray) -> np.ndarray:
        """Patterns, bit after bit."""
        ends = self._places[: len(self._lengths)]
        zeros = np.zeros((len(patterns), len(ends)), np.uint64)
        packed = np.zeros((len(patterns), self.pattern_width), np.uint64)
        loops.pack(patterns, np.arange(len(patterns)), zeros, self._columns, ends, packed)
        return packed

    def unpack_patterns(self, packed: np.ndarray) -> np.ndarray:
        """The patterns again, in the form of `Leaves.patterns`."""
        patterns = np.zeros((len(packed), self._form), np.uint64)
        for column, place, length in zip(self._columns.tolist(), self._places.tolist(), self._lengths, strict=False):
            word, shift = divmod(place, 64)
            bits = packed[:, word] >> np.uint64(shift)
            if shift + length > 64:
                bits = bits | packed[:, word + 1] << np.uint64(64 - shift)
            patterns[:, column] = bits & np.uint64((1 << length) - 1)
        return patterns


class _KeyTable:
    """Unites leaves that carry equal keys, among keys that come in batches.

    ``pairs``: a key occurs at most twice, and is forgotten when it has (facets); leaves of one label are united.  Else
    every key is kept once for each label (points).
    """

    def __init__(self, words: int, *, pairs: bool) -> None:
        self._pairs = pairs
        self._key = np.zeros(words + (not pairs), np.uint64)
        self._parent = np.zeros(0, np.int32)
        self._seen = np.zeros(1, np.int64)
        self._table, self._bearer = empty_table(1 << 10, len(self._key), np.dtype(np.int32))

    def add(self, keys: np.ndarray, leaf: np.ndarray, labels: np.ndarray) -> None:
        """Take keys with their leaves; ``labels`` are the labels of all leaves so far."""
        if len(self._parent) < len(labels):
            more = np.arange(len(self._parent), len(labels), dtype=labels.dtype)
            self._parent = np.concatenate([self._parent, more])
            self._bearer = self._bearer.astype(labels.dtype, copy=False)
        done = 0
        while True:
            done = kernels.join(
                keys, leaf, labels, self._pairs, self._key, self._table, self._bearer, self._seen, self._parent, done
            )
            if done == len(keys):
                return
            self._table, self._bearer = larger(self._table, self._bearer)

    @property
    def bytes(self) -> int:
        """Bytes of the keys in memory."""
        return self._table.nbytes + self._bearer.nbytes

    def roots(self, count: int) -> np.ndarray:
        """One leaf of each set of united leaves, among the first ``count``; a leaf never added is a set of its own."""
        alone = np.arange(len(self._parent), count)
        return np.concatenate([np.flatnonzero(self._parent[:count] == np.arange(min(count, len(self._parent)))), alone])

    def inherit(self, other: _KeyTable) -> None:
        """Unite also the leaves that another table has united."""
        size, known = len(other._parent), len(self._parent)
        if known < size:
            more = np.arange(known, size, dtype=other._parent.dtype)
            self._parent = np.concatenate([self._parent.astype(other._parent.dtype, copy=False), more])
        kernels.unite(other._parent.astype(self._parent.dtype, copy=False), self._parent)


# -------------------------------------------------------------------------- joining


class _Batch(NamedTuple):
    """Leaves, numbered from ``first`` on; ``generator_row`` and ``facet_row`` tell the row of each face's leaf."""

    leaves: Leaves
    first: int
    generator_row: np.ndarray
    facet_row: np.ndarray

    @classmethod
    def of(cls, leaves: Leaves, first: int) -> _Batch:
        """The leaves, numbered from ``first`` on."""
        of_facet, of_generator, numbers = leaves.facet_leaf, leaves.generator_leaf, leaves.numbers
        if numbers[-1] - numbers[0] == len(numbers) - 1:
            return cls(leaves, first, of_generator - numbers[0], of_facet - numbers[0])
        # some leaves of the run were not written
        return cls(leaves, first, np.searchsorted(numbers, of_generator), np.searchsorted(numbers, of_facet))

    def facets(self, keys: SignVectorKeys) -> tuple[np.ndarray, np.ndarray]:
        """The keys of all facets, and their leaves."""
        return keys.pack(self.leaves.patterns, self.facet_row, self.leaves.facet_zeros), self.facet_row + self.first

    def alone(self, keys: SignVectorKeys) -> np.ndarray:
        """For each leaf, as a pattern, the units that vanish alone on one of its facets."""
        zeros = self.leaves.facet_zeros
        single = ((zeros != 0).sum(axis=1) == 1) & ((zeros & (zeros - np.uint64(1))) == 0).all(axis=1)
        found = np.zeros_like(self.leaves.patterns)
        for place, column in enumerate(keys.columns):
            np.bitwise_or.at(found[:, column], self.facet_row[single], zeros[single, place])
        return found

    def points(self, keys: SignVectorKeys) -> tuple[np.ndarray, np.ndarray]:
        """The keys of the vertices, and their leaves."""
        vertex = self.leaves.generator_ray == 0
        rows = self.generator_row[vertex]
        return keys.pack(self.leaves.patterns, rows, self.leaves.generator_zeros[vertex]), rows + self.first


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
        arrays = CoreProblem(problem) if arrays is None else arrays
        self._maps = MapClasses(problem, words, lambda: arrays.whole_weights)
        self._keys = SignVectorKeys(problem, words)
        last_stage = np.zeros((1, len(problem.network.hidden) * words), np.uint64)
        last_stage[0, -words:] = ~np.uint64(0)
        self._components = Components(self._keys.pack_patterns(last_stage & self._keys.units)[0])
        self._outside: np.ndarray | None = None
        self._met = 0
        self._whole_maps: _WholeMaps | None = None
        self._waiting = 0
        self._batches: list[Leaves] = []

    @property
    def leaves(self) -> int:
        """The number of leaves added."""
        return self._components.cells + self._waiting

    @property
    def bytes(self) -> int:
        """Bytes in memory, about."""
        return self._maps.bytes + self._components.bytes

    def add(self, leaves: Leaves) -> None:
        """Take a batch of leaves with their neighbours."""
        if len(leaves.residues):
            self._batches.append(leaves)
            self._waiting += len(leaves.residues)
            if self._waiting >= _LEAVES_AT_ONCE:
                self._work_in()

    def _work_in(self) -> None:
        """Classify and join the waiting leaves (many at a time, since classifying small batches is slow)."""
        if not self._batches:
            return
        residues = np.concatenate([leaves.residues for leaves in self._batches])
        patterns = np.concatenate([leaves.patterns for leaves in self._batches])
        neighbours = np.concatenate([leaves.neighbours for leaves in self._batches])
        labels = self._maps.classify(patterns, residues)
        pack = self._keys.pack_patterns
        self._components.add(pack(patterns), pack(neighbours), labels, self._maps.count)
        self._batches, self._waiting = [], 0

    def unsettled(self) -> np.ndarray:
        """After the last leaf, or the last one brought again: the patterns of the leaves to bring now, mostly few."""
        self._work_in()
        components = self._components
        in_pieces = components.pieces > 1
        if self._whole_maps is not None or not in_pieces.any():
            return np.zeros((0, 0), np.uint64)
        whole = in_pieces[components.labels]
        if self._outside is None and np.count_nonzero(whole) > _FEW:
            self._outside = components.outside_largest()
            return self._keys.unpack_patterns(components.patterns[self._outside])
        self._check_met()
        width = self._keys.width
        self._whole_maps = _WholeMaps(in_pieces, _KeyTable(width, pairs=True), _KeyTable(width, pairs=False))
        return self._keys.unpack_patterns(components.patterns[whole])

    def add_again(self, leaves: Leaves) -> None:
        """Take a batch of unsettled leaves: all of them are to come, in any order."""
        if not len(leaves.residues):
            return
        if self._whole_maps is None and self._outside is None:
            raise CellTreeError("no leaves were to be brought again")
        pack, batch = self._keys.pack_patterns, _Batch.of(leaves, 0)
        if self._whole_maps is None:
            neighbours = pack(batch.alone(self._keys))
            assert self._outside is not None
            self._met += self._components.join_again(self._outside, pack(leaves.patterns), neighbours)
        else:
            again = self._whole_maps
            batch = batch._replace(first=len(again.labels))
            labels = self._maps.classify(leaves.patterns, leaves.residues)
            again.labels = np.concatenate([again.labels, labels.astype(np.int32)])
            again.facets.add(*batch.facets(self._keys), again.labels)
            again.points.add(*batch.points(self._keys), again.labels)

    def settle(self, tree: Callable[[], CellTree]) -> None:
        """Bring leaves again until nothing is unsettled; ``tree`` makes trees that write JOINING_FACES."""
        while len(patterns := self.unsettled()):
            again = tree()
            again.go_to(patterns)
            for leaves in again.run():
                self.add_again(leaves)

    def _check_met(self) -> None:
        if self._outside is not None and self._met != len(self._outside):
            raise CellTreeError(_OTHER_CELLS)

    def counts(self, cells: int) -> FourCounts:
        """The four counts, after the last leaf; ``cells`` are all leaves, those with residues of their own included.

        Raises
        ------
        CellTreeError
            Leaves are missing.
        """
        self._work_in()
        self._check_met()
        components, again = self._components, self._whole_maps
        singles = cells - components.cells
        by_facet = by_point = 0
        settled = components.pieces == 1
        if again is not None:
            settled = ~again.marked
            if len(again.labels) != np.count_nonzero(again.marked[components.labels]):
                raise CellTreeError(_OTHER_CELLS)
            by_facet = len(again.facets.roots(len(again.labels)))
            again.points.inherit(again.facets)
            by_point = len(again.points.roots(len(again.labels)))
        elif not settled.all():
            raise CellTreeError("the faces of some cells are missing; ask the joiner for the unsettled leaves")
        alone = singles + int(np.count_nonzero(settled))
        return FourCounts(cells, alone + by_facet, alone + by_point, singles + self._maps.count)


@dataclass
class _WholeMaps:
    """All leaves of the maps that are in several pieces to the last, brought with all their faces.

    ``marked`` are these maps, ``labels`` the numbers of the maps of the leaves that came.
    """

    marked: np.ndarray
    facets: _KeyTable
    points: _KeyTable
    labels: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
