"""From cells to regions: exact classes of affine maps, and cells of a class joined by facets or by points.

The closures of the cells form a face-to-face complex in which every face is the set of points with one sign vector.
The tree writes, for a generator or facet of a leaf, the exact set ``Z`` of units and walls that vanish there; with the
leaf's pattern, ``(pattern & ~Z, Z)`` is that sign vector.  So two cells share a facet (a point) iff they carry the same
key of a facet (of a vertex, or of a minimal face where there are lines).  No coordinates, no pair tests, no tolerance.

Cells come in passes.  Where few share their map, a first pass keeps eight bytes a cell, the residues of its map; those
whose residues occur once are regions of their own, and a second pass brings the faces of the others.  Where many do
(`repeats`), the first pass brings the faces of all.  Maps are proven equal, or told apart, and keys matched as they
come: a facet is forgotten once both sides are found, a vertex is kept once for each map, as long as there is room.

Source: the gluing step of Lezeau et al. 2024, Algorithm 4, with facets and with points.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nn_bridge.cells.problem import CellProblem
from nn_bridge.cells.tree import CellTreeError, Leaves
from nn_bridge.network.network import INPUT
from nn_bridge.network.residues import IntegerMaps, packed, unpacked
from polyhedra.compiled_core import core_or_refusal

if TYPE_CHECKING:
    from nn_bridge.cells import _core as kernels
else:
    kernels = core_or_refusal("nn_bridge.cells._core")

_LEAVES_AT_ONCE = 1 << 12
_HELD_BYTES = 1 << 24
_REPEATED, _STILL = 8, 32  # one leaf in so many


class FourCounts(NamedTuple):
    """The four counts of one network on one domain; see `nn_bridge.region_count`."""

    cells: int
    regions: int
    regions_by_point: int
    affine_maps: int


# -------------------------------------------------------------------------- cells that may have equal maps


@dataclass(frozen=True)
class Duplicates:
    """The leaves that share the residues of their affine map with another leaf.

    Attributes
    ----------
    select : array of uint8, shape (cells,)
        1 for such a leaf; what `CellTree` takes as ``select`` in the second pass.
    prints : array of uint64
        The residues of the selected leaves, in the order of the leaves.
    """

    select: np.ndarray
    prints: np.ndarray

    @property
    def singles(self) -> int:
        """The number of leaves whose map is certainly theirs alone."""
        return len(self.select) - len(self.prints)


def duplicates(prints: np.ndarray) -> Duplicates:
    """Find the leaves whose residues (uint64, one per leaf) occur more than once.

    Examples
    --------
    >>> duplicates(np.array([7, 5, 7], dtype=np.uint64)).select.tolist()
    [1, 0, 1]
    """
    order = np.argsort(prints)
    ranked = prints[order]
    same = ranked[1:] == ranked[:-1]
    select = np.zeros(len(prints), np.uint8)
    select[order[1:][same]] = 1
    select[order[:-1][same]] = 1
    return Duplicates(select, prints[select.view(bool)])


def repeats(prints: np.ndarray, with_faces: bool = False) -> bool:
    """Whether so many of some leaves share their residues that faces are best written for all leaves at once.

    A second pass costs at least what the first one did; faces of all leaves cost somewhat less than that.  Where faces
    were written so far (``with_faces``), fewer suffice to go on.
    """
    share = _STILL if with_faces else _REPEATED
    ranked = np.sort(prints)
    return len(prints) > 0 and share * int(np.count_nonzero(ranked[1:] == ranked[:-1])) >= len(prints)


def distinct_rows(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of which every row is a copy, by their numbers, and for every row which of those it copies.

    Examples
    --------
    >>> [found.tolist() for found in distinct_rows(np.array([[1, 2], [0, 3], [1, 2]], dtype=np.uint64))]
    [[0, 1], [0, 1, 0]]
    """
    return _Numbering(rows.shape[1], 2 * len(rows)).of(rows)


# -------------------------------------------------------------------------- exact classes of affine maps


class MapClasses:
    """Numbers affine maps: leaves get one number iff their maps are proven equal.

    The map of a pattern depends only on its *relevant* units: the active ones from which a path of non-zero weights
    leads through active units to an output.  So patterns with equal relevant units have equal maps; of others with
    equal residues the coefficients are compared, as integers modulo more primes than they have digits.

    Parameters
    ----------
    problem : CellProblem
    words : int
        Words per stage in a pattern, as in `CellTree.words`.
    """

    def __init__(self, problem: CellProblem, words: int) -> None:
        self._words = words
        self._sizes = problem.network.hidden
        network = problem.network
        stages = len(self._sizes)
        self._read = np.zeros((stages, 64 * words, stages * words), np.uint64)
        self._by_output = np.zeros(stages * words, np.uint64)
        for number, stage in enumerate((*network.stages, network.output)):
            for source, matrix in stage.blocks:
                if source == INPUT:
                    continue
                present: np.ndarray = np.array([[bool(v) for v in row] for row in matrix])
                if number == stages:
                    own = slice((source - 1) * words, source * words)
                    self._by_output[own] = packed(np.atleast_2d(present.any(axis=0)), words)[0]
                else:
                    columns = slice(number * words, (number + 1) * words)
                    self._read[source - 1, : present.shape[1], columns] = packed(present.T, words)
        self._network = network
        self._maps: IntegerMaps | None = None
        self._numbering = _Numbering(1)
        self._first = np.zeros((1 << 8, len(self._sizes) * words), np.uint64)
        self._others: dict[tuple[int, bytes], int] = {}

    @property
    def count(self) -> int:
        """The number of different maps so far."""
        return self._numbering.next

    @property
    def bytes(self) -> int:
        """What is kept of the maps."""
        return self._numbering.bytes + self._first.nbytes

    def classify(self, patterns: np.ndarray, prints: np.ndarray) -> np.ndarray:
        """The number of each leaf's map, in the order in which they come; ``prints`` are the leaves' residues."""
        known = self.count
        fresh, labels = self._numbering.of(prints[:, None])
        rows = self.relevant(patterns)
        self._first = _grown(self._first, self.count)
        self._first[known : self.count] = rows[fresh]
        open_ = np.empty(len(rows), np.int64)
        open_ = open_[: kernels.different(rows, self._first, labels, open_)]
        if len(open_):
            # each set of relevant units is compared once
            chosen, which = distinct_rows(rows[open_])
            once = open_[chosen]
            others, place = np.unique(labels[once], return_inverse=True)
            if self._maps is None:
                self._maps = IntegerMaps(self._network)
            maps = self._maps.residues(self._bits(np.concatenate([rows[once], self._first[others]])))
            equal = (maps[: len(once)] == maps[len(once) :][place]).all(axis=(1, 2))
            own = labels[once]
            for k in np.flatnonzero(~equal).tolist():
                key = int(own[k]), maps[k].tobytes()
                if key not in self._others:
                    self._others[key] = self._numbering.skip()
                own[k] = self._others[key]
            labels[open_] = own[which]
        return labels

    def alike(self, marked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Marks on maps, spread to all maps of the same residues, and these residues, sorted."""
        marked = marked.copy()
        for (first, _), own in self._others.items():
            marked[first] |= marked[own]
        for (first, _), own in self._others.items():
            marked[own] = marked[first]
        rows, numbers = self._numbering.rows()
        return marked, np.sort(rows[marked[numbers], 0])

    def relevant(self, patterns: np.ndarray) -> np.ndarray:
        """The relevant units of each pattern, in the layout of the patterns: shape (leaves, stages * words)."""
        result = np.empty_like(patterns)
        kernels.relevant(patterns, self._read, self._by_output, result)
        return result

    def _bits(self, rows: np.ndarray) -> list[np.ndarray]:
        """The bits of each stage, as booleans of shape (leaves, units)."""
        return unpacked(rows, self._sizes, self._words)


# -------------------------------------------------------------------------- tables of rows


_MANY = 1 << 30  # from here on numbers are kept in 64 bits


def _grown(array: np.ndarray, size: int) -> np.ndarray:
    """The array, with more rows of zeros if it has fewer than ``size``."""
    if len(array) >= size:
        return array
    larger = np.zeros((max(size, len(array) + len(array) // 4), *array.shape[1:]), array.dtype)
    if size >= _MANY and array.dtype == np.int32:
        larger = larger.astype(np.int64)
    larger[: len(array)] = array
    return larger


def _empty_table(slots: int, words: int, numbers: np.dtype[Any]) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((slots, words), np.uint64), np.full(slots, -1, numbers)


def _larger(keys: np.ndarray, bearer: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A table twice as large with the same keys."""
    numbers = np.dtype(np.int64) if len(bearer) >= _MANY else bearer.dtype
    larger = _empty_table(2 * len(bearer), keys.shape[1], numbers)
    kernels.rehash(keys, bearer, *larger)
    return larger


class _Numbering:
    """Numbers rows of ``words`` words in the order in which they first come."""

    def __init__(self, words: int, room: int = 1 << 10) -> None:
        self._table = _empty_table(1 << room.bit_length(), words, np.dtype(np.int32))
        self._state = np.zeros(2, np.int64)

    @property
    def next(self) -> int:
        """The number that comes next."""
        return int(self._state[1])

    def skip(self) -> int:
        """Take a number that no row has."""
        self._state[1] += 1
        return self.next - 1

    @property
    def bytes(self) -> int:
        """What is in memory."""
        return sum(part.nbytes for part in self._table)

    def of(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where rows come that are new, and the numbers of all rows."""
        fresh, numbers = np.empty((2, len(rows)), np.int64)
        done = 0, 0
        while True:
            done = kernels.number(rows, *self._table, self._state, numbers, fresh, done)
            if done[0] == len(rows):
                return fresh[: done[1]], numbers
            self._table = _larger(*self._table)

    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """All rows, and their numbers."""
        keys, bearer = self._table
        return keys[bearer >= 0], bearer[bearer >= 0]


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
        lengths += [min(64, walls - 64 * q) for q in range(-(-walls // 64))]
        # first all positive bits, then all zero bits (walls are never negative, so they need no positive bit)
        bits = np.cumsum([0, *lengths[: len(pieces)], *lengths])
        self._places = bits[:-1]
        self.width = -(-int(bits[-1]) // 64)

    def pack(self, patterns: np.ndarray, rows: np.ndarray, zeros: np.ndarray) -> np.ndarray:
        """The keys of faces: face ``k`` vanishes on ``zeros[k]`` and belongs to a leaf with ``patterns[rows[k]]``."""
        keys = np.zeros((len(zeros), self.width), np.uint64)
        kernels.pack(patterns, rows, zeros, self._columns, self._places, keys)
        return keys


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
        self._table, self._bearer = _empty_table(1 << 10, len(self._key), np.dtype(np.int32))

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
            self._table, self._bearer = _larger(self._table, self._bearer)

    @property
    def bytes(self) -> int:
        """What the keys in memory take."""
        return self._table.nbytes + self._bearer.nbytes

    def roots(self, count: int) -> np.ndarray:
        """One leaf of each set of united leaves, among the first ``count``; what else is there stands alone."""
        alone = np.arange(len(self._parent), count)
        return np.concatenate([np.flatnonzero(self._parent[:count] == np.arange(min(count, len(self._parent)))), alone])

    def inherit(self, other: _KeyTable) -> None:
        """Begin with the leaves united that another table has united."""
        self._parent = other._parent.copy()


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
        of_facet, of_generator = leaves.facet_leaf, leaves.generator_leaf
        if of_facet[-1] - of_facet[0] == len(leaves.prints) - 1:
            return cls(leaves, first, of_generator - of_facet[0], of_facet - of_facet[0])
        # some leaves of the run were not written
        numbers = of_facet[np.flatnonzero(np.diff(of_facet, prepend=-1))]  # every leaf has a facet
        return cls(leaves, first, np.searchsorted(numbers, of_generator), np.searchsorted(numbers, of_facet))

    def facets(self, keys: SignVectorKeys) -> tuple[np.ndarray, np.ndarray]:
        """The keys of all facets, and their leaves."""
        return keys.pack(self.leaves.patterns, self.facet_row, self.leaves.facet_zeros), self.facet_row + self.first

    def points(self, keys: SignVectorKeys, chosen: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The keys of the vertices, and their leaves: of all leaves, or of those that are marked."""
        vertex = self.leaves.generator_ray == 0
        if chosen is not None:
            vertex &= chosen[self.first : self.first + len(self.leaves.prints)][self.generator_row]
        rows = self.generator_row[vertex]
        return keys.pack(self.leaves.patterns, rows, self.leaves.generator_zeros[vertex]), rows + self.first

    def without_facets(self) -> _Batch:
        """What points need."""
        nothing = np.zeros(0, np.int64)
        leaves = self.leaves._replace(generator_leaf=nothing, facet_leaf=nothing, facet_zeros=nothing)
        return self._replace(leaves=leaves, facet_row=nothing)

    @property
    def bytes(self) -> int:
        """What keeping the batch takes."""
        return self.generator_row.nbytes + self.facet_row.nbytes + sum(a.nbytes for a in self.leaves)


class Gluer:
    """Joins the leaves with equal maps by facets and by points; fed with leaves and their faces, in any order.

    Use: give to `add` all leaves, or all but those whose residues occur once, in batches.  Points matter only to maps
    with several pieces that no facet joins; they are kept until those are known, as long as they take few bytes.  Else
    they are forgotten, `unsettled` tells the residues of such maps, and all leaves with these are given to `add_again`.

    Parameters
    ----------
    problem : CellProblem
    words : int
        Words per stage in a pattern, as in `CellTree.words`.
    point_memory : int, optional
        Bytes for points; by default 32 a leaf, and 32 MiB beyond.
    """

    def __init__(self, problem: CellProblem, words: int, *, point_memory: int | None = None) -> None:
        self._maps = MapClasses(problem, words)
        self._keys = SignVectorKeys(problem, words)
        self._limit = point_memory
        self._labels = np.zeros(1 << 10, np.int32)
        self._facets = _KeyTable(self._keys.width, pairs=True)
        self._points: _KeyTable | None = None
        self._held: list[_Batch] | None = []  # they wait, for their points, until the pieces are known
        self._held_bytes = 0
        self._again: _Again | None = None
        self._added = self._waiting = 0
        self._batches: list[Leaves] = []

    @property
    def leaves(self) -> int:
        """The number of leaves added."""
        return self._added + self._waiting

    @property
    def bytes(self) -> int:
        """About what is in memory."""
        points = self._held_bytes if self._points is None else self._points.bytes
        return self._maps.bytes + self._facets.bytes + points + 2 * self._labels.nbytes

    def add(self, leaves: Leaves) -> None:
        """Take a batch of leaves with their faces."""
        if len(leaves.prints):
            self._batches.append(leaves)
            self._waiting += len(leaves.prints)
            if self._waiting >= _LEAVES_AT_ONCE:
                self._work_in()

    def _work_in(self) -> None:
        """Classify and join the waiting leaves (many at a time, since classifying small batches is slow)."""
        if not self._batches:
            return
        prints = np.concatenate([leaves.prints for leaves in self._batches])
        patterns = np.concatenate([leaves.patterns for leaves in self._batches])
        end = self._added + len(prints)
        self._labels = _grown(self._labels, end)
        self._labels[self._added : end] = self._maps.classify(patterns, prints)
        for leaves in self._batches:
            batch = _Batch.of(leaves, self._added)
            self._added += len(leaves.prints)
            self._facets.add(*batch.facets(self._keys), self._labels)
            self._keep_points(batch)
        self._batches, self._waiting = [], 0

    def _keep_points(self, batch: _Batch) -> None:
        """Keep points as they come, then in a table, or not at all where they take too much."""
        limit = (1 << 25) + 32 * self._added if self._limit is None else self._limit
        if self._points is not None:
            self._points.add(*batch.points(self._keys), self._labels)
        elif self._held is not None:
            batch = batch.without_facets()
            self._held.append(batch)
            self._held_bytes += batch.bytes
            if self._held_bytes > min(limit, _HELD_BYTES):
                waiting, self._held = self._held, None
                self._held_bytes = 0
                # another pass pays where few cells need it
                if 4 * np.count_nonzero(self._in_pieces()[self._labels[: self._added]]) >= self._added:
                    self._points = _KeyTable(self._keys.width, pairs=False)
                    for earlier in waiting:
                        self._points.add(*earlier.points(self._keys), self._labels)
        if self._points is not None and self._points.bytes > limit:
            self._points = None

    def _in_pieces(self) -> np.ndarray:
        """Marks the maps that have several pieces that no facet joins, as far as is known."""
        labels = self._labels[self._facets.roots(self._added)]
        several: np.ndarray = np.bincount(labels, minlength=self._maps.count) > 1
        return several

    def unsettled(self) -> np.ndarray:
        """After the last leaf: the residues, sorted, whose leaves are to be brought once more (mostly none)."""
        self._work_in()
        if self._again is not None or self._points is not None or self._held is not None:
            return np.zeros(0, np.uint64)
        in_pieces = self._in_pieces()
        if not in_pieces.any():
            return np.zeros(0, np.uint64)
        marked, prints = self._maps.alike(in_pieces)
        self._again = _Again(marked, _KeyTable(self._keys.width, pairs=False))
        return prints

    def add_again(self, leaves: Leaves) -> None:
        """Take a batch of leaves with unsettled residues: all of them are to come, in any order."""
        if self._again is None:
            raise CellTreeError("no leaves were asked for once more")
        if len(leaves.prints):
            labels = self._maps.classify(leaves.patterns, leaves.prints)
            batch = _Batch.of(leaves, len(self._again.labels))
            self._again.labels = np.concatenate([self._again.labels, labels.astype(np.int32)])
            self._again.points.add(*batch.points(self._keys), self._again.labels)

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
        if self._held is not None:
            in_pieces = self._in_pieces()[labels]
            self._points = _KeyTable(self._keys.width, pairs=False)
            self._points.inherit(self._facets)
            for batch in self._held:
                if in_pieces[batch.first : batch.first + len(batch.leaves.prints)].any():
                    self._points.add(*batch.points(self._keys, in_pieces), self._labels)
            self._held = None
        if self._points is not None:
            by_point = len(self._points.roots(self._added))
        else:
            settled, again = ~self._in_pieces(), 0
            if self._again is not None:
                settled = ~self._again.marked
                again = len(self._again.points.roots(len(self._again.labels)))
                if len(self._again.labels) != np.count_nonzero(self._again.marked[labels]):
                    raise CellTreeError("a later pass met other cells than the first; please report this network")
            elif not settled.all():
                raise CellTreeError("the points of some cells are missing; ask the gluer what is unsettled")
            by_point = int(np.count_nonzero(settled[labels[pieces]])) + again
        return FourCounts(cells, singles + len(pieces), singles + by_point, singles + self._maps.count)


@dataclass
class _Again:
    """Leaves that are brought once more, for their points.

    ``marked`` are their maps, ``labels`` the numbers of the maps of those that came.
    """

    marked: np.ndarray
    points: _KeyTable
    labels: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
