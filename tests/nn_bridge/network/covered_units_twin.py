"""The twin of the core's `covered_units`, in rationals: units that do not matter where another one is active.

``max(p, q, r)`` is written as ``p + a + b`` with units ``a = max(0, q - p)`` and ``b = max(0, r - p - a)``.  Where
``b`` is active the sum is ``r``, whatever ``a`` is: ``b`` covers ``a``.  Cells that differ in covered units alone have
one affine map, and fill a convex set (proof: ``nn_bridge/cells/core/covers.hpp``).
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import NamedTuple

from flint import fmpq

from nn_bridge.network.network import AffineStage, Network
from nn_bridge.network.sparse_row import SparseRow

_MINUS_ONE = fmpq(-1)
_Columns = tuple[tuple[fmpq, ...], ...]


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
    """
    stages = [*network.stages, network.output]
    if not _has_shortcuts(stages) or not _is_usual(stages):
        return []
    weights = _Weights(stages)
    found = []
    for stage in range(1, len(network.stages)):
        below = [s for s in range(stage) if weights.have_reader(s, stage)]
        for unit in range(network.hidden[stage] if below else 0):
            read = [(s, i) for s in below for i in weights.subtracted(stage, unit, s)]
            found += [Cover(stage, unit, s, i) for s, i in _covered(weights, stage, unit, read)]
    return found


def _has_shortcuts(stages: Sequence[AffineStage]) -> bool:
    return any(len([source for source, _ in stage.blocks if source]) > 1 for stage in stages)


def _is_usual(stages: Sequence[AffineStage]) -> bool:
    return not any(isinstance(row, SparseRow) for stage in stages for _, matrix in stage.blocks for row in matrix)


class _Weights:
    """The weights of stages, the outputs last, on the units of earlier ones."""

    def __init__(self, stages: Sequence[AffineStage]) -> None:
        self._blocks = [dict(stage.blocks) for stage in stages]
        self._columns: list[dict[int, _Columns]] = [{} for _ in stages]
        self._readers: dict[tuple[int, int], dict[tuple[int, int], fmpq]] = {}

    def have_reader(self, stage: int, later: int) -> bool:
        """Whether a stage is read by a later one, and some stage reads both."""
        blocks = self._blocks
        return stage + 1 in blocks[later] and any({stage + 1, later + 1} <= own.keys() for own in blocks[later + 1 :])

    def subtracted(self, reader: int, row: int, stage: int) -> list[int]:
        """The units of a stage that a row reads with the weight -1."""
        own = self._blocks[reader][stage + 1][row]
        if _MINUS_ONE not in own:
            return []
        return [unit for unit, weight in enumerate(own) if weight == _MINUS_ONE]

    def readers(self, stage: int, unit: int) -> dict[tuple[int, int], fmpq]:
        """The rows that read a unit, stage by stage, with their weights."""
        found = self._readers.get((stage, unit))
        if found is None:
            found = self._readers[stage, unit] = {
                (reader, number): weight
                for reader in range(stage + 1, len(self._blocks))
                if (columns := self._columns_of(stage, reader)) is not None
                for number, weight in enumerate(columns[unit])
                if weight
            }
        return found

    def are_alike(self, one: tuple[int, int], other: tuple[int, int]) -> bool:
        """Whether all stages behind the first of two units read both with the same weights."""
        (stage, unit), (source, own) = one, other
        for reader in range(stage + 1, len(self._blocks)):
            first, second = self._columns_of(stage, reader), self._columns_of(source, reader)
            if first is not None and second is not None:
                if first[unit] != second[own]:
                    return False
            elif (first is not None and any(first[unit])) or (second is not None and any(second[own])):
                return False
        return True

    def _columns_of(self, stage: int, reader: int) -> _Columns | None:
        """The weights with which a stage reads an earlier one, unit by unit; None if it does not."""
        known = self._columns[reader]
        if stage not in known:
            matrix = self._blocks[reader].get(stage + 1)
            if matrix is None:
                return None
            known[stage] = tuple(zip(*matrix, strict=True))
        return known[stage]


def _covered(weights: _Weights, stage: int, unit: int, units: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those of the units that a unit covers, which reads each with the weight -1."""
    kept = [own for own in units if weights.are_alike((stage, unit), own)]
    while True:
        whole = set(kept)
        fewer = [own for own in kept if _is_covered(weights, stage, unit, own, whole)]
        if len(fewer) == len(kept):
            return kept
        kept = fewer


def _is_covered(
    weights: _Weights, stage: int, unit: int, own: tuple[int, int], kept: Container[tuple[int, int]]
) -> bool:
    """Whether the rows up to a unit's stage that read another unit are those of the unit, or of others it covers.

    Each of these reads all before it, or the sum of the units would not be convex.
    """
    rows = []
    for row, weight in weights.readers(*own).items():
        if row[0] > stage:
            break
        if row == (stage, unit):
            continue
        if row not in kept or weight != _MINUS_ONE:
            return False
        rows.append(row)
    return all(weights.readers(*row).keys() >= set(rows[number + 1 :]) for number, row in enumerate(rows))
