"""Exact classes of affine maps: leaves get one number iff their maps are proven equal.

Leaves that are joined have their numbers from ``core/components.hpp``, which asks here where it can prove nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nn_bridge.cells import plain_keys
from nn_bridge.cells.core_problem import CoreProblem
from nn_bridge.cells.problem import CellProblem
from nn_bridge.network.network import INPUT
from nn_bridge.network.residues import IntegerMaps, packed, unpacked
from polyhedra.cached_values import cached_property
from polyhedra.compiled_core import core

kernels: Any = core("nn_bridge.cells._core")
loops: Any = kernels or plain_keys  # the same functions, compiled or not


class MapComparison:
    """Compares the affine maps of patterns with equal residues exactly, and tells which are different.

    The coefficients are compared as integers: modulo a power of two that they do not reach, or, where that is too
    large, modulo more primes than they have digits.

    Parameters
    ----------
    problem : CellProblem
    words : int
        Words per stage in a pattern, as in `CellTree.words`.
    arrays : CoreProblem, optional
        The problem as the core takes it, where it has been made already.
    """

    def __init__(self, problem: CellProblem, words: int, arrays: CoreProblem | None = None) -> None:
        self._words = words
        self._problem = CoreProblem(problem) if arrays is None else arrays
        self._network = problem.network
        self._others: dict[tuple[int, bytes], int] = {}

    @cached_property
    def weights(self) -> Any:
        """The weights behind the first stage, modulo what derivatives do not reach; None where that is too much."""
        return None if kernels is None else self._problem.numbers.derivative_weights()

    @cached_property
    def _weights_of_maps(self) -> Any:
        """All weights, modulo what coefficients do not reach; None where that is too much."""
        return None if kernels is None else self._problem.numbers.map_weights()

    @cached_property
    def _maps(self) -> IntegerMaps:
        return IntegerMaps(self._network)

    def _coefficients(self, patterns: np.ndarray) -> np.ndarray:
        """The coefficients of the maps of patterns modulo some number: equal rows are equal maps."""
        weights = self._weights_of_maps
        if weights is None:
            bits = unpacked(self.relevant(patterns), self._network.hidden, self._words)
            return self._maps.residues(bits).reshape(len(patterns), -1)
        result = np.empty((len(patterns), weights.size), np.uint64)
        kernels.whole_maps(patterns, weights, result)
        return result

    @cached_property
    def reads(self) -> tuple[np.ndarray, np.ndarray]:
        """By stage and unit the units of later stages that read it; the units that outputs read."""
        network, words = self._network, self._words
        stages = len(network.hidden)
        read = np.zeros((stages, 64 * words, stages * words), np.uint64)
        by_output = np.zeros(stages * words, np.uint64)
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
                    by_output[own] = packed(np.atleast_2d(present.any(axis=0)), words)[0]
                else:
                    columns = slice(number * words, (number + 1) * words)
                    read[source - 1, : present.shape[1], columns] = packed(present.T, words)
        return read, by_output

    def relevant(self, patterns: np.ndarray) -> np.ndarray:
        """The relevant units of each pattern, in the layout of the patterns: shape (leaves, stages * words)."""
        result = np.empty_like(patterns)
        loops.relevant(patterns, *self.reads, result)
        return result

    def numbers(
        self,
        patterns: np.ndarray,
        own: np.ndarray,
        first: Callable[[np.ndarray], np.ndarray],
        new: Callable[[], int],
    ) -> np.ndarray:
        """The numbers of the maps of patterns with the residues of given maps.

        Parameters
        ----------
        patterns : uint64 array of shape (patterns, stages * words)
        own : integer array of shape (patterns,)
            For each the number of the map that first came with its residues.
        first : callable
            The pattern with which each of some maps first came.
        new : callable
            A number for one more map.
        """
        numbers = own.copy()
        others, place = np.unique(own, return_inverse=True)
        maps = self._coefficients(np.concatenate([patterns, first(others)]))
        equal = (maps[: len(own)] == maps[len(own) :][place]).all(axis=1)
        for k in np.flatnonzero(~equal).tolist():
            key = int(own[k]), maps[k].tobytes()
            if key not in self._others:
                self._others[key] = new()
            numbers[k] = self._others[key]
        return numbers


class MapClasses:
    """Numbers affine maps: leaves get one number iff their maps are proven equal.

    The map of a pattern depends only on its *relevant* units: the active ones from which a path of non-zero weights
    leads through active units to an output.  So patterns with equal relevant units have equal maps.  In fact two
    patterns have equal maps if no output *moves* with a unit in which they differ: if its derivative is zero, a
    whole number that is found modulo a power of two which it does not reach (``core/derivatives.hpp``).  Other maps are
    compared exactly (`MapComparison`).

    Parameters
    ----------
    problem : CellProblem
    words : int
        Words per stage in a pattern, as in `CellTree.words`.
    arrays : CoreProblem, optional
        The problem as the core takes it, where it has been made already.
    """

    def __init__(self, problem: CellProblem, words: int, arrays: CoreProblem | None = None) -> None:
        self._comparison = MapComparison(problem, words, arrays)
        self._numbering = RowNumbering(1)
        self._first = np.zeros((1 << 8, len(problem.network.hidden) * words), np.uint64)  # a map's first pattern

    @property
    def count(self) -> int:
        """The number of different maps so far."""
        return self._numbering.next

    def classify(self, patterns: np.ndarray, residues: np.ndarray) -> np.ndarray:
        """The number of each leaf's map, in the order in which they come; ``residues`` are the leaves' residues."""
        known = self.count
        fresh, labels = self._numbering.of(residues[:, None])
        self._first = grown(self._first, self.count)
        self._first[known : self.count] = patterns[fresh]
        open_ = np.empty(len(patterns), np.int64)
        open_ = open_[: loops.unlike(patterns, self._first, labels, *self._comparison.reads, open_)]
        if len(open_):
            open_ = open_[~self._alike(patterns[open_], self._first[labels[open_]])]
        if len(open_):
            first, new = self._first.__getitem__, self._numbering.skip
            labels[open_] = self._comparison.numbers(patterns[open_], labels[open_], first, new)
        return labels

    def _alike(self, patterns: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Boolean mask: patterns that differ from others in units with which no output moves; none where unknown."""
        alike, weights = np.zeros(len(patterns), bool), self._comparison.weights
        if weights is not None:
            kernels.alike(patterns, others, weights, alike)
        return alike


_MANY = 1 << 30  # from here on numbers are kept in 64 bits
_FEW = 1 << 18  # up to here arrays double where they grow


def grown(array: np.ndarray, size: int) -> np.ndarray:
    """The array, with more rows of zeros if it has fewer than ``size``."""
    if len(array) >= size:
        return array
    more = len(array) if len(array) < _FEW else len(array) // 4
    kind = np.dtype(np.int64) if size >= _MANY and array.dtype == np.int32 else array.dtype
    larger = np.zeros((max(size, len(array) + more), *array.shape[1:]), kind)
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
