"""From cells to regions: exact classes of affine maps, and cells of a class joined by facets or by points.

The closures of the cells form a face-to-face complex in which every face is the set of points with one sign vector.
The tree writes, for a generator or facet of a leaf, the exact set ``Z`` of units and walls that vanish there; with the
leaf's pattern, ``(pattern & ~Z, Z)`` is that sign vector.  So two cells share a facet (a point) iff they carry the same
key of a facet (of a vertex, or of a minimal face where there are lines).  No coordinates, no pair tests, no tolerance.

Two passes: the first keeps eight bytes a cell, the residues of the affine map.  Cells whose residues occur once are
regions of their own.  The second pass visits the others again, proves their maps equal (or tells them apart), and
joins them.  Keys are matched as they come: a facet is forgotten once both sides are found, a vertex is kept once for
each map.

Source: the gluing step of Lezeau et al. 2024, Algorithm 4, with facets and with points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from flint import fmpz, fmpz_mat
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from nn_bridge.cell_problem import CellProblem
from nn_bridge.cell_tree import FACES, PATTERNS, CellTree, CellTreeError, Leaves, Subtree
from nn_bridge.exact_forms import integer_stages
from nn_bridge.network import INPUT

_BUFFER = 1 << 16
_ROOTS_APART = 256
_MIXERS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93)


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


# -------------------------------------------------------------------------- exact classes of affine maps


class MapClasses:
    """Numbers affine maps: equal maps, proven equal, get one number.

    The map of a pattern depends only on its *relevant* units: the active ones from which a path of non-zero weights
    leads through active units to an output.  So patterns with equal relevant units have equal maps; only patterns that
    differ there although their residues agree are compared by their exact coefficients.

    Parameters
    ----------
    problem : CellProblem
    words : int
        Words per stage in a pattern, as in `CellTree.words`.
    """

    def __init__(self, problem: CellProblem, words: int) -> None:
        self._problem, self._words = problem, words
        network = problem.network
        self._sizes = network.hidden
        stages = (*network.stages, network.output)
        self._reads: list[list[tuple[int, np.ndarray]]] = [[] for _ in self._sizes]
        for number, stage in enumerate(stages, 1):
            for source, matrix in stage.blocks:
                if source != INPUT:
                    present = np.array([[bool(v) for v in row] for row in matrix], dtype=np.float32)
                    self._reads[source - 1].append((number - 1, present))
        self._integer = integer_stages(network)
        self._number: dict[tuple[int, bytes], int] = {}
        self._first: dict[int, tuple[bytes, int]] = {}
        self._exact: dict[tuple[int, tuple[fmpz, ...]], int] = {}
        self.count = 0

    def relevant(self, patterns: np.ndarray) -> np.ndarray:
        """The relevant units of each pattern, in the layout of the patterns: shape (leaves, stages * words)."""
        count, words = len(patterns), self._words
        result = np.zeros_like(patterns)
        reached: list[np.ndarray] = [np.zeros((0, 0), np.float32)] * len(self._sizes)
        for s in range(len(self._sizes) - 1, -1, -1):
            size = self._sizes[s]
            path = np.zeros((count, size), dtype=bool)
            for reader, present in self._reads[s]:
                if reader == len(self._sizes):
                    path |= present.any(axis=0)
                else:
                    path |= reached[reader] @ present > 0
            own = np.ascontiguousarray(patterns[:, s * words : (s + 1) * words])
            bits = np.unpackbits(own.view(np.uint8), axis=1, bitorder="little", count=size).view(bool)
            path &= bits
            reached[s] = path.astype(np.float32)
            packed = np.zeros((count, 8 * words), np.uint8)
            packed[:, : -(-size // 8)] = np.packbits(path, axis=1, bitorder="little")
            result[:, s * words : (s + 1) * words] = packed.view(np.uint64)
        return result

    def classify(self, patterns: np.ndarray, prints: np.ndarray) -> np.ndarray:
        """The number of each leaf's affine map; leaves with different residues get different numbers."""
        rows = np.column_stack([prints, self.relevant(patterns)])
        order, same = matched(rows)
        starts = np.concatenate([[True], ~same])
        firsts = order[starts]
        numbers = np.fromiter((self._classify(rows[i]) for i in firsts), np.int64, len(firsts))
        result = np.empty(len(rows), np.int64)
        result[order] = numbers[np.cumsum(starts) - 1]
        return result

    def _classify(self, row: np.ndarray) -> int:
        residue, units = int(row[0]), row[1:].tobytes()
        known = self._number.get((residue, units))
        if known is not None:
            return known
        first = self._first.get(residue)
        if first is None:
            number = self._new_class()
            self._first[residue] = units, number
        else:
            # only now a second set of relevant units asks for exact maps, the first one's included
            self._exact.setdefault((residue, self.exact_map(first[0])), first[1])
            own = residue, self.exact_map(units)
            if own not in self._exact:
                self._exact[own] = self._new_class()
            number = self._exact[own]
        self._number[residue, units] = number
        return number

    def _new_class(self) -> int:
        self.count += 1
        return self.count - 1

    def exact_map(self, units: bytes) -> tuple[fmpz, ...]:
        """The coefficients of all outputs under a pattern (its words as bytes), cleared of denominators.

        All maps of a network are cleared by the same factor, so they are equal iff these are.
        """
        width, dim = 8 * self._words, self._problem.dim
        active: list[tuple[list[int], fmpz_mat] | None] = [None]
        total = fmpz_mat(0, 0)
        for s, (blocks, bias) in enumerate(self._integer):
            total = fmpz_mat(len(bias), dim + 1)
            for j, b in enumerate(bias):
                total[j, dim] = b
            for source, matrix in blocks:
                if source == INPUT:
                    total = total + fmpz_mat([[*row, 0] for row in matrix])
                    continue
                entry = active[source]
                if entry is not None:
                    total = total + fmpz_mat([[row[i] for i in entry[0]] for row in matrix]) * entry[1]
            if s < len(self._sizes):
                bits = int.from_bytes(units[s * width : (s + 1) * width], "little")
                chosen = [i for i in range(len(bias)) if bits >> i & 1]
                table = total.table()
                active.append((chosen, fmpz_mat([table[i] for i in chosen])) if chosen else None)
        return tuple(total.entries())


# -------------------------------------------------------------------------- matching keys


def matched(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An order in which equal rows are adjacent, and whether each row in it equals the next.

    Sorts by a 64-bit mix of the words; rows are compared in full, and should different rows ever mix to one number, the
    words themselves are sorted.

    Examples
    --------
    >>> order, same = matched(np.array([[1, 2], [0, 3], [1, 2]], dtype=np.uint64))
    >>> sorted(order[k + i].item() for k in np.flatnonzero(same) for i in (0, 1))
    [0, 2]
    """
    if len(rows) == 0:
        return np.zeros(0, np.int64), np.zeros(0, bool)
    mixed = rows[:, 0].copy()
    for c in range(1, rows.shape[1]):
        mixed *= np.uint64(_MIXERS[c % 4])
        mixed ^= mixed >> np.uint64(29)
        mixed += rows[:, c]
    order = np.argsort(mixed)
    ranked = rows[order]
    same = (ranked[1:] == ranked[:-1]).all(axis=1)
    if rows.shape[1] > 1:
        mixed = mixed[order]
        if not np.array_equal(same, mixed[1:] == mixed[:-1]):
            order = np.lexsort(rows.T)
            ranked = rows[order]
            same = (ranked[1:] == ranked[:-1]).all(axis=1)
    return order, same


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


class _Components:
    """Connected components of a growing graph; edges are worked in when there are many of them."""

    def __init__(self, size: int) -> None:
        self._labels = np.arange(size, dtype=np.int32 if size < 2**31 else np.int64)
        self._edges: list[tuple[np.ndarray, np.ndarray]] = []
        self._waiting = 0

    def join(self, one: np.ndarray, two: np.ndarray) -> None:
        """Add the edges ``one[k] -- two[k]``."""
        self._edges.append((one, two))
        self._waiting += len(one)
        if self._waiting > max(_BUFFER, len(self._labels) // 2):
            self.labels()

    def labels(self) -> np.ndarray:
        """A component number for each node."""
        if self._waiting:
            size = len(self._labels)
            one = self._labels[np.concatenate([e[0] for e in self._edges])]
            two = self._labels[np.concatenate([e[1] for e in self._edges])]
            graph = coo_matrix((np.ones(len(one), np.int8), (one, two)), shape=(size, size))
            self._labels = connected_components(graph, directed=False)[1][self._labels].astype(self._labels.dtype)
        self._edges, self._waiting = [], 0
        return self._labels

    def count(self) -> int:
        """The number of components."""
        return len(np.unique(self.labels()))


class _KeyMatcher:
    """Finds leaves that carry the same key, among keys that come in batches.

    ``pairs``: a key occurs at most twice and is forgotten when its second bearer has come (facets); else one bearer of
    every key is kept.
    """

    def __init__(self, width: int, pairs: bool) -> None:
        self._keys, self._leaf = np.zeros((0, width), np.uint64), np.zeros(0, np.int32)
        self._new: list[tuple[np.ndarray, np.ndarray]] = []
        self._waiting = 0
        self._pairs = pairs

    def add(self, keys: np.ndarray, leaf: np.ndarray) -> bool:
        """Take keys with their leaves; True when it is time to call `match`."""
        self._new.append((keys, leaf.astype(np.int32 if leaf.size == 0 or leaf.max() < 2**31 else np.int64)))
        self._waiting += len(keys)
        return self._waiting > max(_BUFFER, len(self._keys))

    def match(self) -> tuple[np.ndarray, np.ndarray]:
        """The pairs of leaves found to share a key since the last call."""
        keys = np.concatenate([self._keys, *(k for k, _ in self._new)])
        leaf = np.concatenate([self._leaf, *(own for _, own in self._new)])
        self._new, self._waiting = [], 0
        order, same = matched(keys)
        leaf = leaf[order]
        one, two = leaf[:-1][same], leaf[1:][same]
        keep = np.ones(len(order), bool)
        keep[1:] &= ~same
        if self._pairs:
            if (same[1:] & same[:-1]).any():
                raise CellTreeError("a facet lies in three cells; please report this network")
            keep[:-1] &= ~same
        self._keys, self._leaf = keys[order[keep]], leaf[keep]
        return one, two

    @property
    def unmatched(self) -> int:
        """The number of keys kept."""
        return len(self._keys)


# -------------------------------------------------------------------------- joining


class Gluer:
    """Joins the leaves with equal maps by facets and by points; fed with the batches of a second pass.

    Parameters
    ----------
    problem : CellProblem
    words : int
        Words per stage in a pattern, as in `CellTree.words`.
    found : Duplicates
        From the residues of a first pass.  The second pass selects ``found.select``.

    Notes
    -----
    Batches may come in any order and from several processes: each says at which of the selected leaves it begins.
    """

    def __init__(self, problem: CellProblem, words: int, found: Duplicates) -> None:
        self._found = found
        self._maps = MapClasses(problem, words)
        self._keys = SignVectorKeys(problem, words)
        size = len(found.prints)
        self._class = np.full(size, -1, np.int32 if size < 2**31 else np.int64)
        self._facets = _KeyMatcher(self._keys.width, pairs=True)
        self._points = _KeyMatcher(self._keys.width + 1, pairs=False)
        self._by_facet, self._by_point = _Components(size), _Components(size)
        self._added = 0

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
            The batch does not belong to the first pass, or a facet lies in three cells.
        """
        count = len(leaves.patterns)
        if count == 0:
            return
        first = self._added if first is None else first
        if not np.array_equal(leaves.prints, self._found.prints[first : first + count]):
            raise CellTreeError("the second pass met other cells than the first; please report this network")
        numbers = leaves.generator_leaf[np.flatnonzero(np.diff(leaves.generator_leaf, prepend=-1))]
        classes = self._maps.classify(leaves.patterns, leaves.prints)
        self._class[first : first + count] = classes
        self._added += count
        rows = np.searchsorted(numbers, leaves.facet_leaf)
        if self._facets.add(self._keys.pack(leaves.patterns, rows, leaves.facet_zeros), first + rows):
            self._match_facets()
        vertex = leaves.generator_ray == 0
        rows = np.searchsorted(numbers, leaves.generator_leaf[vertex])
        keys = self._keys.pack(leaves.patterns, rows, leaves.generator_zeros[vertex])
        labelled = np.column_stack([keys, classes[rows].astype(np.uint64)])
        if self._points.add(labelled, first + rows):
            self._by_point.join(*self._points.match())

    def _match_facets(self) -> None:
        one, two = self._facets.match()
        equal = self._class[one] == self._class[two]
        self._by_facet.join(one[equal], two[equal])

    def counts(self) -> FourCounts:
        """The four counts, after every selected leaf was added.

        Raises
        ------
        CellTreeError
            Some selected leaves are missing.
        """
        if self._added != len(self._found.prints):
            raise CellTreeError("the second pass met fewer cells than the first; please report this network")
        self._match_facets()
        self._by_point.join(*self._points.match())
        singles = self._found.singles
        return FourCounts(
            len(self._found.select),
            singles + self._by_facet.count(),
            singles + self._by_point.count(),
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
    again = [k for k in range(len(portions)) if found.select[ends[k] : ends[k + 1]].any()]
    select = np.concatenate([found.select[ends[k] : ends[k + 1]] for k in again])
    second = CellTree(problem, FACES, select=select, arrays=tree.arrays)
    for k in again:
        for leaves in second.run(portions[k]):
            gluer.add(leaves)
    return gluer.counts()
