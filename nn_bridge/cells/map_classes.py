"""Exact classes of affine maps: leaves get one number iff their maps are proven equal."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn_bridge.cells import plain_keys
from nn_bridge.cells.core_problem import PRIME, residues_of
from nn_bridge.cells.problem import CellProblem
from nn_bridge.cells.whole_weights import whole_weights
from nn_bridge.network.network import INPUT
from nn_bridge.network.residues import IntegerMaps, packed, unpacked
from polyhedra.compiled_core import core

kernels: Any = core("nn_bridge.cells._core")
loops: Any = kernels or plain_keys  # the same functions, compiled or not


def distinct_rows(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of which every row is a copy, by their numbers, and for every row which of those it copies.

    Examples
    --------
    >>> [found.tolist() for found in distinct_rows(np.array([[1, 2], [0, 3], [1, 2]], dtype=np.uint64))]
    [[0, 1], [0, 1, 0]]
    """
    return RowNumbering(rows.shape[1], 2 * len(rows)).of(rows)


class MapClasses:
    """Numbers affine maps: leaves get one number iff their maps are proven equal.

    The map of a pattern depends only on its *relevant* units: the active ones from which a path of non-zero weights
    leads through active units to an output.  So patterns with equal relevant units have equal maps.  In fact it depends
    only on the units *with which the outputs move*, whose derivative is not zero: from the last stage back these
    determine all derivatives.  These are whole numbers, found modulo a number that they do not reach: a
    prime where they are small, else a power of two.  Of other patterns with equal residues the coefficients are
    compared, as integers modulo more primes than they have digits.

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
                given = next((array for own, array in stage.doubles if own is matrix), None)
                present: np.ndarray = (
                    np.array([[bool(v) for v in row] for row in matrix]) if given is None else given != 0
                )
                if number == stages:
                    own = slice((source - 1) * words, source * words)
                    self._by_output[own] = packed(np.atleast_2d(present.any(axis=0)), words)[0]
                else:
                    columns = slice(number * words, (number + 1) * words)
                    self._read[source - 1, : present.shape[1], columns] = packed(present.T, words)
        self._network = network
        self._maps: IntegerMaps | None = None
        self._derivatives: Any = None  # how derivatives are found, and the network modulo what they do not reach
        self._numbering = RowNumbering(1)
        self._first = np.zeros((1 << 8, len(self._sizes) * words), np.uint64)
        self._moving, self._known = self._first[:0], np.zeros(0, bool)  # .. with which the outputs move, where known
        self._others: dict[tuple[int, bytes], int] = {}

    @property
    def count(self) -> int:
        """The number of different maps so far."""
        return self._numbering.next

    @property
    def bytes(self) -> int:
        """Bytes that the kept maps take."""
        return self._numbering.bytes + self._first.nbytes + self._moving.nbytes + self._known.nbytes

    def classify(self, patterns: np.ndarray, residues: np.ndarray) -> np.ndarray:
        """The number of each leaf's map, in the order in which they come; ``residues`` are the leaves' residues."""
        known = self.count
        fresh, labels = self._numbering.of(residues[:, None])
        rows = self.relevant(patterns)
        self._first = grown(self._first, self.count)
        self._first[known : self.count] = rows[fresh]
        open_ = np.empty(len(rows), np.int64)
        open_ = open_[: loops.different(rows, self._first, labels, open_)]
        if len(open_):
            # each set of relevant units is compared once
            chosen, which = distinct_rows(rows[open_])
            once = open_[chosen]
            same = self._moving_alike(rows[once], labels[once])
            once = once[~same]
            which = np.where(same, -1, np.cumsum(~same) - 1)[which]
            open_, which = open_[which >= 0], which[which >= 0]
            others, place = np.unique(labels[once], return_inverse=True)
        if len(open_):
            assert self._maps is not None
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

    def _moving_alike(self, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Boolean mask: rows whose outputs move with the same units as those of the first row of their label.

        None where that is unknown.
        """
        if self._maps is None:
            self._maps = IntegerMaps(self._network)
            bound = self._maps.derivative_bound()
            if kernels is not None and bound < PRIME:
                self._derivatives = kernels.moving, residues_of(self._network)
            elif (weights := whole_weights(self._maps.stages, bound)) is not None:
                self._derivatives = kernels.surely_moving, weights
        if self._derivatives is None:
            return np.zeros(len(rows), bool)
        find, network = self._derivatives
        self._moving, self._known = grown(self._moving, len(self._first)), grown(self._known, len(self._first))
        unknown = labels[~self._known[labels]]
        if len(unknown):
            firsts = np.empty((len(unknown), rows.shape[1]), np.uint64)
            find(self._first[unknown], network, firsts)
            self._moving[unknown], self._known[unknown] = firsts, True
        moving = np.empty_like(rows)
        find(rows, network, moving)
        alike = np.ones(len(rows), bool)
        different = np.empty(len(rows), np.int64)
        alike[different[: loops.different(moving, self._moving, labels, different)]] = False
        return alike

    def relevant(self, patterns: np.ndarray) -> np.ndarray:
        """The relevant units of each pattern, in the layout of the patterns: shape (leaves, stages * words)."""
        result = np.empty_like(patterns)
        loops.relevant(patterns, self._read, self._by_output, result)
        return result

    def _bits(self, rows: np.ndarray) -> list[np.ndarray]:
        """The bits of each stage, as booleans of shape (leaves, units)."""
        return unpacked(rows, self._sizes, self._words)


_MANY = 1 << 30  # from here on numbers are kept in 64 bits


def grown(array: np.ndarray, size: int) -> np.ndarray:
    """The array, with more rows of zeros if it has fewer than ``size``."""
    if len(array) >= size:
        return array
    larger = np.zeros((max(size, len(array) + len(array) // 4), *array.shape[1:]), array.dtype)
    if size >= _MANY and array.dtype == np.int32:
        larger = larger.astype(np.int64)
    larger[: len(array)] = array
    return larger


def empty_table(slots: int, words: int, numbers: np.dtype[Any]) -> tuple[np.ndarray, np.ndarray]:
    """A hash table without entries: the keys, and the number that each slot bears, -1 for none."""
    return np.zeros((slots, words), np.uint64), np.full(slots, -1, numbers)


def larger(keys: np.ndarray, bearer: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A table twice as large with the same keys."""
    numbers = np.dtype(np.int64) if len(bearer) >= _MANY else bearer.dtype
    larger = empty_table(2 * len(bearer), keys.shape[1], numbers)
    loops.rehash(keys, bearer, *larger)
    return larger


class RowNumbering:
    """Numbers rows of ``words`` words in the order in which they first come."""

    def __init__(self, words: int, room: int = 1 << 10) -> None:
        self._table = empty_table(1 << room.bit_length(), words, np.dtype(np.int32))
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
        """Bytes in memory."""
        return sum(part.nbytes for part in self._table)

    def of(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where rows come that are new, and the numbers of all rows."""
        fresh, numbers = np.empty((2, len(rows)), np.int64)
        done = 0, 0
        while True:
            done = loops.number(rows, *self._table, self._state, numbers, fresh, done)
            if done[0] == len(rows):
                return fresh[: done[1]], numbers
            self._table = larger(*self._table)
