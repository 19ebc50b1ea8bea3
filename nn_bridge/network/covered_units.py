"""Units that do not matter where another unit is active, as in a maximum of three numbers.

``max(p, q, r)`` is written as ``p + a + b`` with units ``a = max(0, q - p)`` and ``b = max(0, r - p - a)``.  Where
``b`` is active the sum is ``r``, whatever ``a`` is: ``b`` covers ``a``.  Cells that differ in covered units alone have
one affine map, and fill a convex set (proof: ``nn_bridge/cells/core/covers.hpp``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from flint import fmpq, fmpz

from nn_bridge.network.network import AffineStage, Network
from nn_bridge.network.sparse_row import SparseRow
from polyhedra.limits import check_limits

_MINUS_ONE = fmpq(-1)
_MOST_UNITS = 1 << 12
"""In networks with more units none is looked for: it would take long."""


class Cover(NamedTuple):
    """A unit, and a unit of an earlier stage that it covers; stages are numbered from 0."""

    stage: int
    unit: int
    of_stage: int
    of_unit: int


def covered_units(network: Network) -> list[Cover]:
    """The units that other ones cover, with these.

    A unit covers a set of units if it reads each with the weight -1, all other rows that read one of them read it with
    the weight with which they read the covering unit or belong to a unit of the set, and of these each reads another
    one with the weight 0 or -1; two that read a third one are of different stages, and the later one reads the other.

    Examples
    --------
    >>> pieces = [[[1, 0], [0, 1], [1, 1]], [[1]]]
    >>> covered_units(Network.from_layers(pieces, activations=["maxout:3", "linear"]))
    [Cover(stage=1, unit=0, of_stage=0, of_unit=0)]
    """
    stages = [*network.stages, network.output]
    if not _has_shortcuts(stages) or sum(network.hidden) > _MOST_UNITS or not _is_usual(stages):
        return []
    weights = _Weights(stages)
    found = []
    for stage in range(1, len(network.stages)):
        below = [s for s in range(stage) if weights.have_reader(s, stage)]
        for unit in range(network.hidden[stage] if below else 0):
            check_limits()
            read = [(s, i) for s in below for i in weights.subtracted(stage, unit, s)]
            found += [Cover(stage, unit, s, i) for s, i in _covered(weights, stage, unit, read)]
    return found


def _has_shortcuts(stages: Sequence[AffineStage]) -> bool:
    return any(len([source for source, _ in stage.blocks if source]) > 1 for stage in stages)


def _is_usual(stages: Sequence[AffineStage]) -> bool:
    return not any(isinstance(row, SparseRow) for stage in stages for _, matrix in stage.blocks for row in matrix)


class _Chain(NamedTuple):
    """The rows that read a unit, in order; their places; so many of the first subtract it and read all before them."""

    rows: list[tuple[int, int]]
    places: dict[tuple[int, int], int]
    length: int


class _Weights:
    """The weights of stages, the outputs last, on the units of earlier ones."""

    def __init__(self, stages: Sequence[AffineStage]) -> None:
        self._blocks = [dict(stage.blocks) for stage in stages]
        self._chains: dict[tuple[int, int], _Chain] = {}
        self._readers: dict[tuple[int, int], dict[tuple[int, int], bool]] = {}
        self._reads: dict[tuple[int, int], frozenset[tuple[int, int]]] = {}
        self._names: dict[tuple[int, tuple[tuple[fmpz, fmpz], ...], int], int] = {}
        self._behind: dict[tuple[int, int], list[int]] = {}

    def have_reader(self, stage: int, later: int) -> bool:
        """Whether a stage is read by a later one, and some stage reads both."""
        blocks = self._blocks
        return stage + 1 in blocks[later] and any({stage + 1, later + 1} <= own.keys() for own in blocks[later + 1 :])

    def subtracted(self, reader: int, row: int, stage: int) -> list[int]:
        """The units of a stage that a row reads with the weight -1."""
        return [unit for unit, weight in enumerate(self._blocks[reader][stage + 1][row]) if weight == _MINUS_ONE]

    def readers(self, stage: int, unit: int) -> dict[tuple[int, int], bool]:
        """The rows that read a unit, stage by stage, and whether with the weight -1."""
        found = self._readers.get((stage, unit))
        if found is None:
            found = self._readers[stage, unit] = {
                (reader, number): row[unit] == _MINUS_ONE
                for reader in range(stage + 1, len(self._blocks))
                for number, row in enumerate(self._blocks[reader].get(stage + 1, ()))
                if row[unit]
            }
        return found

    def _read(self, reader: int, row: int) -> frozenset[tuple[int, int]]:
        """The units that a row reads."""
        found = self._reads.get((reader, row))
        if found is None:
            found = self._reads[reader, row] = frozenset(
                (source - 1, unit)
                for source, matrix in self._blocks[reader].items()
                if source
                for unit, weight in enumerate(matrix[row])
                if weight
            )
        return found

    def chain(self, stage: int, unit: int) -> _Chain:
        """The rows that read a unit as a chain."""
        found = self._chains.get((stage, unit))
        if found is None:
            readers = self.readers(stage, unit)
            rows, length = list(readers), 0
            while length < len(rows) and readers[rows[length]] and self._read(*rows[length]).issuperset(rows[:length]):
                length += 1
            places = {row: place for place, row in enumerate(rows)}
            found = self._chains[stage, unit] = _Chain(rows, places, length)
        return found

    def are_alike(self, one: tuple[int, int], other: tuple[int, int]) -> bool:
        """Whether all stages behind the first of two units read both with the same weights."""
        begin = one[0] + 1
        return self._names_behind(*one)[begin] == self._names_behind(*other)[begin]

    def _names_behind(self, stage: int, unit: int) -> list[int]:
        """Numbers for the weights on a unit from each stage on: equal iff the weights are; 0 where all are zero."""
        found = self._behind.get((stage, unit))
        if found is None:
            found = self._behind[stage, unit] = [0] * (len(self._blocks) + 1)
            for reader in range(len(self._blocks) - 1, stage, -1):
                weights = [row[unit] for row in self._blocks[reader].get(stage + 1, ())]
                # pairs of integers: the hash of a fraction takes ten times as long
                key = reader, tuple((w.p, w.q) for w in weights) if any(weights) else (), found[reader + 1]
                if key[1] or key[2]:
                    found[reader] = self._names.setdefault(key, len(self._names) + 1)
        return found


def _covered(weights: _Weights, stage: int, unit: int, units: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those of the units that a unit covers, which reads each with the weight -1."""
    kept = [own for own in units if weights.are_alike((stage, unit), own)]
    while True:
        check_limits()
        whole = set(kept)
        fewer = [own for own in kept if _is_covered(weights, stage, unit, own, whole)]
        if len(fewer) == len(kept):
            return kept
        kept = fewer


def _is_covered(weights: _Weights, stage: int, unit: int, own: tuple[int, int], kept: set[tuple[int, int]]) -> bool:
    """Whether the rows up to a unit's stage that read another unit are those of the unit, or of others it covers.

    Each of these reads all before it, or the sum of the units would not be convex.
    """
    chain = weights.chain(*own)
    place = chain.places[stage, unit]
    if place >= chain.length or (place + 1 < len(chain.rows) and chain.rows[place + 1][0] == stage):
        return False
    return kept.issuperset(chain.rows[:place])
