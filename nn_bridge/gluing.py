"""From cells to regions: exact classes of affine maps, and cells of a class joined by facets or by points.

The closures of the cells form a face-to-face complex in which every face is the set of points with one sign vector.
The tree writes, for a generator or facet of a leaf, the exact set ``Z`` of units and walls that vanish there; with the
leaf's pattern, ``(pattern & ~Z, Z)`` is that sign vector.  So two cells share a facet (a point) iff they carry the same
key of a facet (of a vertex, or of a minimal face where there are lines).  No coordinates, no pair tests, no tolerance.

Two passes: the first keeps eight bytes a cell, the residues of the affine map.  Cells whose residues occur once are
regions of their own.  The second pass visits the others again, proves their maps equal (or tells them apart), and
joins them.  Keys are matched as they come: a facet is forgotten once both sides are found, a vertex is kept once for
each map, as long as there is room.

Source: the gluing step of Lezeau et al. 2024, Algorithm 4, with facets and with points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from nn_bridge import _gluing_kernels as kernels
from nn_bridge.cell_problem import CellProblem
from nn_bridge.cell_tree import JOINS, PATTERNS, CellTree, CellTreeError, Leaves, Subtree
from nn_bridge.integer_maps import IntegerMaps, unpacked
from nn_bridge.network import INPUT

_ROOTS_APART = 256
_LEAVES_AT_ONCE = 1 << 12
_HELD_BYTES = 1 << 24


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


def distinct_rows(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of which every row is a copy, by their numbers, and for every row which of those it copies.

    Examples
    --------
    >>> [found.tolist() for found in distinct_rows(np.array([[1, 2], [0, 3], [1, 2]], dtype=np.uint64))]
    [[1, 0], [1, 0, 1]]
    """
    _, first, which = np.unique(
        np.ascontiguousarray(rows).view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel(),
        return_index=True, return_inverse=True,
    )  # fmt: skip
    return first, which


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
    prints : array of uint64
        The residues that occur.
    """

    def __init__(self, problem: CellProblem, words: int, prints: np.ndarray) -> None:
        self._words = words
        self._sizes = problem.network.hidden
        network = problem.network
        self._reads: list[list[tuple[int, np.ndarray]]] = [[] for _ in self._sizes]
        for number, stage in enumerate((*network.stages, network.output)):
            for source, matrix in stage.blocks:
                if source != INPUT:
                    present = np.array([[bool(v) for v in row] for row in matrix], dtype=np.float32)
                    self._reads[source - 1].append((number, present))
        self._maps = IntegerMaps(problem.network)
        self._prints = np.unique(prints)
        self._first = np.zeros((len(self._prints), len(self._sizes) * words), np.uint64)
        self._seen = np.zeros(len(self._prints), bool)
        self._others: dict[tuple[int, bytes], int] = {}

    @property
    def count(self) -> int:
        """The number of different maps."""
        return len(self._prints) + len(self._others)

    def classify(self, patterns: np.ndarray, prints: np.ndarray) -> np.ndarray:
        """The number of each leaf's affine map; ``prints`` are the leaves' residues."""
        labels = np.searchsorted(self._prints, prints)
        rows = self.relevant(patterns)
        met, first = np.unique(labels, return_index=True)
        new = ~self._seen[met]
        self._first[met[new]] = rows[first[new]]
        self._seen[met[new]] = True
        open_ = np.flatnonzero((rows != self._first[labels]).any(axis=1))
        if len(open_):
            # each set of relevant units is compared once
            chosen, which = distinct_rows(rows[open_])
            once = open_[chosen]
            others, place = np.unique(labels[once], return_inverse=True)
            maps = self._maps.residues(self._bits(np.concatenate([rows[once], self._first[others]])))
            equal = (maps[: len(once)] == maps[len(once) :][place]).all(axis=(1, 2))
            own = labels[once]
            for k in np.flatnonzero(~equal).tolist():
                own[k] = self._others.setdefault((int(own[k]), maps[k].tobytes()), self.count)
            labels[open_] = own[which]
        return labels

    def relevant(self, patterns: np.ndarray) -> np.ndarray:
        """The relevant units of each pattern, in the layout of the patterns: shape (leaves, stages * words)."""
        count, words = len(patterns), self._words
        result = np.zeros_like(patterns)
        active = self._bits(patterns)
        reached: list[np.ndarray] = [np.zeros((0, 0), np.float32)] * len(self._sizes)
        for s in range(len(self._sizes) - 1, -1, -1):
            path = np.zeros((count, self._sizes[s]), dtype=bool)
            for reader, present in self._reads[s]:
                if reader == len(self._sizes):
                    path |= present.any(axis=0)
                else:
                    path |= reached[reader] @ present > 0
            path &= active[s]
            reached[s] = path.astype(np.float32)
            packed = np.zeros((count, 8 * words), np.uint8)
            packed[:, : -(-self._sizes[s] // 8)] = np.packbits(path, axis=1, bitorder="little")
            result[:, s * words : (s + 1) * words] = packed.view(np.uint64)
        return result

    def _bits(self, rows: np.ndarray) -> list[np.ndarray]:
        """The bits of each stage, as booleans of shape (leaves, units)."""
        return unpacked(rows, self._sizes, self._words)


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
        self._columns = [column for column, _ in pieces]
        walls = len(problem.walls)
        lengths = [length for _, length in pieces]
        lengths += [min(64, walls - 64 * q) for q in range(-(-walls // 64))]
        self._zero_words = len(lengths)
        # first all positive bits, then all zero bits (walls are never negative, so they need no positive bit)
        self._places: list[int] = []
        at = 0
        for length in (*lengths[: len(pieces)], *lengths):
            self._places.append(at)
            at += length
        self.width = -(-at // 64)

    def pack(self, patterns: np.ndarray, rows: np.ndarray, zeros: np.ndarray) -> np.ndarray:
        """The keys of faces: face ``k`` vanishes on ``zeros[k]`` and belongs to a leaf with ``patterns[rows[k]]``."""
        keys = np.zeros((len(zeros), self.width), np.uint64)
        for piece, place in enumerate(self._places):
            if piece < len(self._columns):
                word = patterns[rows, self._columns[piece]] & ~zeros[:, piece]
            else:
                word = zeros[:, piece - len(self._columns)]
            column, shift = place >> 6, place & 63
            keys[:, column] |= word << np.uint64(shift)
            if shift and column + 1 < self.width:
                keys[:, column + 1] |= word >> np.uint64(64 - shift)
        return keys


class _KeyTable:
    """Unites leaves that carry equal keys, among keys that come in batches.

    ``pairs``: a key occurs at most twice, and is forgotten when it has (facets); leaves of one label are united.  Else
    every key is kept once for each label (points).
    """

    def __init__(self, words: int, labels: np.ndarray, pairs: bool) -> None:
        self._pairs, self._labels = pairs, labels
        self._key = np.zeros(words + (not pairs), np.uint64)
        self._parent = np.arange(len(labels), dtype=labels.dtype)
        self._seen = np.zeros(1, np.int64)
        self._allocate(1 << max(10, min(len(labels).bit_length(), 18)))

    def _allocate(self, slots: int) -> None:
        self._table = np.zeros((slots, len(self._key)), np.uint64)
        self._bearer = np.full(slots, -1, self._labels.dtype)

    def add(self, keys: np.ndarray, leaf: np.ndarray) -> None:
        """Take keys with their leaves."""
        done = 0
        while True:
            done = kernels.join(
                keys, leaf, self._labels, self._pairs, self._key, self._table, self._bearer, self._seen, self._parent,
                done,
            )  # fmt: skip
            if done == len(keys):
                return
            old = self._table, self._bearer
            self._allocate(2 * len(self._bearer))
            kernels.rehash(*old, self._table, self._bearer)

    @property
    def bytes(self) -> int:
        """What the keys in memory take."""
        return self._table.nbytes + self._bearer.nbytes

    def roots(self) -> np.ndarray:
        """One leaf of each set of united leaves."""
        return np.flatnonzero(self._parent == np.arange(len(self._parent)))

    def components(self) -> int:
        """The number of sets of united leaves."""
        return len(self.roots())

    def inherit(self, other: _KeyTable) -> None:
        """Begin with the leaves united that another table has united."""
        self._parent[:] = other._parent


# -------------------------------------------------------------------------- joining


class _Batch(NamedTuple):
    """Leaves with their numbers among the selected ones, and in the run."""

    leaves: Leaves
    leaf: np.ndarray
    run_number: np.ndarray

    def facets(self, keys: SignVectorKeys) -> tuple[np.ndarray, np.ndarray]:
        """The keys of all facets, and their leaves."""
        rows = np.searchsorted(self.run_number, self.leaves.facet_leaf)
        return keys.pack(self.leaves.patterns, rows, self.leaves.facet_zeros), self.leaf[rows]

    def points(self, keys: SignVectorKeys, chosen: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The keys of the vertices, and their leaves: of all leaves, or of those that are marked."""
        vertex = self.leaves.generator_ray == 0
        rows = np.searchsorted(self.run_number, self.leaves.generator_leaf)
        if chosen is not None:
            vertex &= chosen[self.leaf][rows]
        rows = rows[vertex]
        return keys.pack(self.leaves.patterns, rows, self.leaves.generator_zeros[vertex]), self.leaf[rows]

    @property
    def point_bytes(self) -> int:
        """What keeping the batch for its points takes."""
        return sum(a.nbytes for a in (*self.leaves, self.leaf, self.run_number))


class Gluer:
    """Joins the leaves with equal maps by facets and by points; fed with the batches of further passes over the tree.

    Use: ``while (wanted := gluer.wanted()) is not None``, walk through the tree with ``select=wanted.select`` and give
    every batch to `add`.  Mostly one pass does.  Points matter only to maps with several pieces that no facet joins;
    they are kept until those are known, as long as they take few bytes.  Else they are forgotten, and a third pass
    visits the cells with such maps.

    Parameters
    ----------
    problem : CellProblem
    words : int
        Words per stage in a pattern, as in `CellTree.words`.
    found : Duplicates
        From the residues of the first pass.
    point_memory : int, optional
        Bytes for the points of the second pass; by default 32 a cell, and 32 MiB beyond.

    Notes
    -----
    Batches may come in any order and from several processes: each says at which of the selected leaves it begins.
    """

    def __init__(self, problem: CellProblem, words: int, found: Duplicates, *, point_memory: int | None = None) -> None:
        self._found = self._wanted = found
        self._maps = MapClasses(problem, words, found.prints)
        self._keys = SignVectorKeys(problem, words)
        self._point_memory = (1 << 25) + 32 * len(found.select) if point_memory is None else point_memory
        size = len(found.prints)
        self._label = np.full(size, -1, np.int32 if size < 2**31 else np.int64)
        self._facets = _KeyTable(self._keys.width, self._label, pairs=True)
        self._points: _KeyTable | None = None
        self._held: list[_Batch] | None = []  # they wait, for their points, until the pieces are known
        self._held_bytes = 0
        self._third: np.ndarray | None = None  # in a third pass, the selected leaves that it visits
        self._added = self._waiting = 0
        self._batches: list[_Batch] = []

    def wanted(self) -> Duplicates | None:
        """The leaves that the next pass should bring, or None when the counts are there.

        Raises
        ------
        CellTreeError
            The last pass was begun and some of its leaves are missing.
        """
        if self._added == 0:
            return self._wanted if len(self._wanted.prints) else None
        self._finish_pass()
        if self._points is not None:
            return None
        chosen = self._in_pieces()
        if self._held is not None or not chosen.any():
            self._join_held(chosen)
            return None
        self._points = self._new_points()
        self._points.inherit(self._facets)
        self._third = np.flatnonzero(chosen)
        select = self._found.select.copy()
        select[select.view(bool)] = chosen
        self._wanted = Duplicates(select, self._found.prints[chosen])
        self._added = 0
        return self._wanted

    def _join_held(self, chosen: np.ndarray) -> None:
        """Join the marked leaves, on top of facets, by the points that were kept."""
        self._points = self._new_points()
        self._points.inherit(self._facets)
        for batch in self._held or ():
            if chosen[batch.leaf].any():
                self._points.add(*batch.points(self._keys, chosen))
        self._held = None

    def _in_pieces(self) -> np.ndarray:
        """Marks the leaves whose maps have several pieces that no facet joins, as far as is known."""
        pieces = self._facets.roots()
        labels = self._label[pieces]
        several = np.bincount(labels[np.greater_equal(labels, 0)], minlength=self._maps.count) > 1
        marked: np.ndarray = several[self._label] & np.greater_equal(self._label, 0)
        return marked

    def _new_points(self) -> _KeyTable:
        return _KeyTable(self._keys.width, self._label, pairs=False)

    def _keep_points(self, batch: _Batch) -> None:
        """Keep the points of a second pass: as they come, then in a table, or not at all where they take too much."""
        if self._points is not None:
            self._points.add(*batch.points(self._keys))
        elif self._held is not None:
            nothing = np.zeros(0, np.int64)
            batch = batch._replace(leaves=batch.leaves._replace(facet_leaf=nothing, facet_zeros=nothing))
            self._held.append(batch)
            self._held_bytes += batch.point_bytes
            if self._held_bytes > min(self._point_memory, _HELD_BYTES):
                waiting, self._held = self._held, None
                # a third pass pays where few cells need it
                if 4 * np.count_nonzero(self._in_pieces()) >= np.count_nonzero(np.greater_equal(self._label, 0)):
                    self._points = self._new_points()
                    for earlier in waiting:
                        self._points.add(*earlier.points(self._keys))
        if self._points is not None and self._points.bytes > self._point_memory:
            self._points = None

    def _finish_pass(self) -> None:
        if self._added != len(self._wanted.prints):
            raise CellTreeError("a later pass met fewer cells than the first; please report this network")
        self._work_in()

    def add(self, leaves: Leaves, first: int | None = None) -> None:
        """Take a batch (with faces) of selected leaves.

        Parameters
        ----------
        leaves : Leaves
        first : int, optional
            The number of selected leaves before this batch, in the order of the first pass; by default batches come in
            that order.

        Raises
        ------
        CellTreeError
            The batch does not belong to the first pass.
        """
        count = len(leaves.patterns)
        if count == 0:
            return
        first = self._added if first is None else first
        if not np.array_equal(leaves.prints, self._wanted.prints[first : first + count]):
            raise CellTreeError("a later pass met other cells than the first; please report this network")
        self._batches.append(
            _Batch(
                leaves,
                np.arange(first, first + count) if self._third is None else self._third[first : first + count],
                leaves.generator_leaf[np.flatnonzero(np.diff(leaves.generator_leaf, prepend=-1))],
            )
        )
        self._added += count
        self._waiting += count
        if self._waiting >= _LEAVES_AT_ONCE:
            self._work_in()

    def _work_in(self) -> None:
        """Classify and join the waiting leaves (many at a time, since classifying small batches is slow)."""
        if not self._batches:
            return
        if self._third is None:
            leaf = np.concatenate([batch.leaf for batch in self._batches])
            patterns = np.concatenate([batch.leaves.patterns for batch in self._batches])
            self._label[leaf] = self._maps.classify(patterns, self._found.prints[leaf])
        for batch in self._batches:
            if self._third is None:
                self._facets.add(*batch.facets(self._keys))
                self._keep_points(batch)
            elif self._points is not None:
                self._points.add(*batch.points(self._keys))
        self._batches, self._waiting = [], 0

    def counts(self) -> FourCounts:
        """The four counts, after every wanted leaf was added.

        Raises
        ------
        CellTreeError
            Some leaves are missing: `wanted` says which.
        """
        self._finish_pass()
        if self._held is not None:
            self._join_held(self._in_pieces())
        if self._points is None:
            raise CellTreeError("the points of some cells are missing; ask the gluer which leaves are wanted")
        singles = self._found.singles
        return FourCounts(
            len(self._found.select),
            singles + self._facets.components(),
            singles + self._points.components(),
            singles + self._maps.count,
        )


def count_from_tree(problem: CellProblem | None) -> FourCounts:
    """The four counts of a problem in one process, exactly (None, nothing to cut: one cell).

    Examples
    --------
    >>> from nn_bridge.cell_problem import cell_problem
    >>> from nn_bridge.network import Network
    >>> count_from_tree(cell_problem(Network.from_layers([[[1, 0], [0, 1]], [[1, -1]]])))
    FourCounts(cells=4, regions=4, regions_by_point=4, affine_maps=4)
    """
    if problem is None:
        return FourCounts(1, 1, 1, 1)
    # start cells are walked through one by one where that is cheap, so that the second pass can leave some out
    apart = 1 < problem.roots <= _ROOTS_APART
    portions: list[Subtree | None] = [Subtree(root) for root in range(problem.roots)] if apart else [None]
    tree = CellTree(problem, PATTERNS)
    prints: list[np.ndarray] = []
    ends = [0]
    for portion in portions:
        prints += [leaves.prints for leaves in tree.run(portion)]
        ends.append(tree.cells)
    found = duplicates(np.concatenate(prints))
    del prints
    if not len(found.prints):
        return FourCounts(tree.cells, tree.cells, tree.cells, tree.cells)
    gluer = Gluer(problem, tree.words, found)
    while (wanted := gluer.wanted()) is not None:
        again = [k for k in range(len(portions)) if wanted.select[ends[k] : ends[k + 1]].any()]
        select = np.concatenate([wanted.select[ends[k] : ends[k + 1]] for k in again])
        walk = CellTree(problem, JOINS, select=select, arrays=tree.arrays)
        for k in again:
            for leaves in walk.run(portions[k]):
                gluer.add(leaves)
    return gluer.counts()
