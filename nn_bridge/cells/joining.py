"""From cells to regions: exact classes of affine maps, and cells of a class joined by facets or by points.

The closures of the cells form a face-to-face complex in which every face is the set of points with one sign vector.
The tree writes, for a generator or facet of a leaf, the exact set ``Z`` of units and walls that vanish there; with the
leaf's pattern, ``(pattern & ~Z, Z)`` is that sign vector.  So two cells share a facet (a point) iff they carry the same
key of a facet (of a vertex, or of a minimal face where there are lines).  No coordinates, no pair tests, no tolerance.
Faces that cannot join cells of one map need not be written (`nn_bridge.cells.tree.JOINING_FACES`; ``core/faces.hpp``).

Cells come in passes.  Where few share their map, a first pass keeps eight bytes a cell, the residues of its map; those
whose residues occur once are regions of their own, and a second pass brings the facets of the others.  Where many do
(`nn_bridge.cells.repeated_maps`), the first pass brings the facets of all.  Maps are proven equal, or told apart, and
keys matched as they come: a facet is forgotten once both sides are found.  Points matter only to maps with several
pieces that no facet joins.  Few cells have such maps, and a last pass brings their points.

Source: the gluing step of Lezeau et al. 2024, Algorithm 4, with facets and with points.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nn_bridge.cells import plain_keys
from nn_bridge.cells.map_classes import MapClasses, empty_table, grown, larger
from nn_bridge.cells.problem import CellProblem
from nn_bridge.cells.tree import CellTreeError, Leaves
from polyhedra.compiled_core import core, core_or_refusal

if TYPE_CHECKING:
    from nn_bridge.cells import _core as kernels
else:
    kernels = core_or_refusal("nn_bridge.cells._core")

loops: Any = core("nn_bridge.cells._core") or plain_keys  # the same functions, compiled or not

_LEAVES_AT_ONCE = 1 << 12
_HELD_BYTES = 1 << 24


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
    """

    def __init__(self, problem: CellProblem, words: int) -> None:
        pieces: list[tuple[int, int]] = []
        for s, size in enumerate(problem.network.hidden):
            pieces += [(s * words + q, min(64, size - 64 * q)) for q in range(-(-size // 64))]
        self._columns = np.array([column for column, _ in pieces])
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

    def pack_patterns(self, patterns: np.ndarray) -> np.ndarray:
        """Patterns, bit after bit."""
        ends = self._places[: len(self._lengths)]
        zeros = np.zeros((len(patterns), len(ends)), np.uint64)
        packed = np.zeros((len(patterns), -(-sum(self._lengths) // 64)), np.uint64)
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

    def points(self, keys: SignVectorKeys) -> tuple[np.ndarray, np.ndarray]:
        """The keys of the vertices, and their leaves."""
        vertex = self.leaves.generator_ray == 0
        rows = self.generator_row[vertex]
        return keys.pack(self.leaves.patterns, rows, self.leaves.generator_zeros[vertex]), rows + self.first


class Joiner:
    """Joins the leaves with equal maps by facets and by points; fed with leaves and their faces, in any order.

    Use: give to `add` all leaves, or all but those whose residues occur once, in batches.  Then `unsettled` returns the
    patterns of leaves whose map has several pieces that no facet joins, and these go to `add_second_pass`, with their
    points.

    Parameters
    ----------
    problem : CellProblem
    words : int
        Words per stage in a pattern, as in `CellTree.words`.
    """

    def __init__(self, problem: CellProblem, words: int) -> None:
        self._maps = MapClasses(problem, words)
        self._keys = SignVectorKeys(problem, words)
        self._labels = np.zeros(1 << 10, np.int32)
        self._patterns: list[np.ndarray] = []
        self._facets = _KeyTable(self._keys.width, pairs=True)
        self._second_pass: _SecondPass | None = None
        self._added = self._waiting = 0
        self._batches: list[Leaves] = []

    @property
    def leaves(self) -> int:
        """The number of leaves added."""
        return self._added + self._waiting

    @property
    def bytes(self) -> int:
        """Bytes in memory, about."""
        kept = sum(patterns.nbytes for patterns in self._patterns)
        return self._maps.bytes + self._facets.bytes + 2 * self._labels.nbytes + kept

    def add(self, leaves: Leaves) -> None:
        """Take a batch of leaves with their faces."""
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
        end = self._added + len(residues)
        self._labels = grown(self._labels, end)
        self._labels[self._added : end] = self._maps.classify(patterns, residues)
        self._patterns.append(self._keys.pack_patterns(patterns))
        for leaves in self._batches:
            batch = _Batch.of(leaves, self._added)
            self._added += len(leaves.residues)
            self._facets.add(*batch.facets(self._keys), self._labels)
        self._batches, self._waiting = [], 0

    def _in_pieces(self) -> np.ndarray:
        """Boolean mask: maps whose cells form more than one facet-connected component so far."""
        labels = self._labels[self._facets.roots(self._added)]
        several: np.ndarray = np.bincount(labels, minlength=self._maps.count) > 1
        return several

    def unsettled(self) -> np.ndarray:
        """After the last leaf: the patterns of the leaves that a second pass has to bring (mostly few)."""
        self._work_in()
        in_pieces = self._in_pieces()
        if self._second_pass is not None or not in_pieces.any():
            return np.zeros((0, 0), np.uint64)
        width = self._keys.width
        self._second_pass = _SecondPass(in_pieces, _KeyTable(width, pairs=True), _KeyTable(width, pairs=False))
        chosen = in_pieces[self._labels[: self._added]]
        ends = np.cumsum([0, *map(len, self._patterns)])
        found = [own[chosen[at : at + len(own)]] for own, at in zip(self._patterns, ends.tolist(), strict=False)]
        self._patterns = []
        return self._keys.unpack_patterns(np.concatenate(found))

    def add_second_pass(self, leaves: Leaves) -> None:
        """Take a batch of unsettled leaves: all of them are to come, in any order."""
        if self._second_pass is None:
            raise CellTreeError("no second pass was asked for")
        if len(leaves.residues):
            labels = self._maps.classify(leaves.patterns, leaves.residues)
            batch, again = _Batch.of(leaves, len(self._second_pass.labels)), self._second_pass
            again.labels = np.concatenate([again.labels, labels.astype(np.int32)])
            again.facets.add(*batch.facets(self._keys), again.labels)
            again.points.add(*batch.points(self._keys), again.labels)

    def counts(self, cells: int) -> FourCounts:
        """The four counts, after the last leaf; ``cells`` are all leaves, those with residues of their own included.

        Raises
        ------
        CellTreeError
            Leaves are missing.
        """
        self._work_in()
        singles = cells - self._added
        labels = self._labels[: self._added]
        pieces = self._facets.roots(self._added)
        settled, again = ~self._in_pieces(), 0
        if self._second_pass is not None:
            settled = ~self._second_pass.marked
            self._second_pass.points.inherit(self._second_pass.facets)
            again = len(self._second_pass.points.roots(len(self._second_pass.labels)))
            if len(self._second_pass.labels) != np.count_nonzero(self._second_pass.marked[labels]):
                raise CellTreeError("the second pass met other cells than the first; please report this network")
        elif not settled.all():
            raise CellTreeError("the points of some cells are missing; ask the joiner for the unsettled leaves")
        by_point = int(np.count_nonzero(settled[labels[pieces]])) + again
        return FourCounts(cells, singles + len(pieces), singles + by_point, singles + self._maps.count)


@dataclass
class _SecondPass:
    """Leaves that a second pass brings, for their points.

    ``marked`` are their maps, ``labels`` the numbers of the maps of those that came.
    """

    marked: np.ndarray
    facets: _KeyTable
    points: _KeyTable
    labels: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
