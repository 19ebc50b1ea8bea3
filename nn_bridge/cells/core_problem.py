"""A problem as the compiled core takes it: sparse rows of doubles, and exact integers where doubles do not suffice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from flint import fmpq

from nn_bridge.cells.dyadic import DyadicStage, first_dyadic_stages
from nn_bridge.cells.problem import CellProblem
from nn_bridge.cells.whole_weights import least_powers, whole_numbers
from nn_bridge.network.forms import ClearedStage, cleared_stages
from nn_bridge.network.network import AffineStage
from nn_bridge.network.row_groups import IntegerBlock
from nn_bridge.network.sparse_row import SparseRow, entries
from polyhedra.cached_values import cached_property
from polyhedra.compiled_core import core_or_refusal
from polyhedra.limits import check_limits

if TYPE_CHECKING:
    from nn_bridge.cells import _core
else:
    _core = core_or_refusal("nn_bridge.cells._core")

PRIME = 2**31 - 1
"""Residues of affine maps are taken modulo this prime."""

_WHOLE = 2**53
_COARSE = 1e-290  # doubles in this neighbourhood of 0 have few digits


@dataclass(frozen=True)
class CoreProblem:
    """A problem in the core's own storage, immutable, for any number of runs in any threads.

    Attributes
    ----------
    problem : CellProblem
        In rationals.
    """

    problem: CellProblem

    @cached_property
    def dyadic(self) -> list[DyadicStage]:
        """The stages and, last, the outputs as arrays, up to the first with a number that is no usual double."""
        return first_dyadic_stages(self.problem.network)

    @cached_property
    def core(self) -> _core.Problem:
        """The core's problem."""
        problem = self.problem
        stages = problem.network.stages
        arrays = self.dyadic[: len(stages)]
        rows = [_as_doubles(stage) for stage in arrays] + self._as_rationals(arrays)
        whole = all(stage.whole for stage in arrays) and all(_is_whole(stage) for stage in stages[len(arrays) :])
        return _core.problem(
            problem.dim,
            len(problem.lines),
            whole,
            rows,
            [list(map(int, wall)) for wall in problem.walls],
            list(problem.slots),
            [([*map(int, g.vector)], sorted(g.slots)) for g in problem.generators],
            list(problem.start_rows),
        )

    @cached_property
    def unread(self) -> list[int]:
        """The units of the last stage that no output reads: all their weights in the outputs are zero."""
        return self.numbers.unread_units()

    def _as_rationals(self, arrays: list[DyadicStage]) -> list[Rows]:
        """The stages behind the first ones in doubles, with integers beside them where doubles are not exact."""
        network, stages = self.problem.network, self._rounded
        if all(exact for _, exact in stages):
            return [stage for stage, _ in stages]
        powers = _powers_of_core(arrays)
        same = powers == least_powers(arrays)
        cleared = self._integers if same else cleared_stages(network, [1 << power for power in powers])
        return [_with_integers(stage, *own) for (stage, _), own in zip(stages, cleared, strict=False)]

    @cached_property
    def _rounded(self) -> list[tuple[Rows, bool]]:
        """The stages behind the first ones in doubles, and whether these are the exact values."""
        return [_rounded(stage) for stage in self.problem.network.stages[len(self.dyadic) :]]

    @cached_property
    def _integers(self) -> list[ClearedStage]:
        """The stages behind the first ones and, last, the outputs in the network's integer form."""
        if len(self.dyadic) > len(self.problem.network.stages):
            return []
        return cleared_stages(self.problem.network, [1 << power for power in least_powers(self.dyadic)])

    @cached_property
    def numbers(self) -> _core.WholeNumbers:
        """All numbers of the network in its integer form; only where affine maps are asked for."""
        places = [[(begin, column) for _, begin, column, *_ in blocks] for (_, _, blocks), _ in self._rounded]
        found = whole_numbers(self.problem.network, self.dyadic, self._integers, places)
        self.__dict__.pop("_integers", None)  # long numbers take much memory, and the core has them now
        return found

    @cached_property
    def covered(self) -> list[tuple[int, int, int, int]]:
        """The units that do not matter where others are active: stage and number of the latter, then of the unit."""
        return self.numbers.covered_units()

    @cached_property
    def residues(self) -> _core.Residues:
        """The network modulo a prime, in its integer form.

        Forms are evaluated at two random points and outputs combined at random.  Equal affine maps have equal residues
        (all of it is a ring homomorphism applied to integers); equal residues are confirmed exactly elsewhere.
        """
        inputs, outputs = self.problem.dim, self.problem.network.output_dim
        points = _random_residues(20011, inputs), _random_residues(70001, inputs)
        return self.numbers.residues(*points, _random_residues(31337, outputs))


def _as_doubles(stage: DyadicStage) -> Rows:
    blocks: list[Block] = [
        (block.source, block.begin, block.column, block.entries.doubles(), []) for block in stage.blocks
    ]
    return stage.bias.doubles(), [], blocks


def _powers_of_core(arrays: list[DyadicStage]) -> list[int]:
    """By what powers of two the core multiplies stages of doubles to make them integers (``make_exact``)."""
    powers = [0]  # by source
    for stage in arrays:
        below = max((powers[block.source] for block in stage.blocks), default=0)
        deepest = [0, stage.bias.deepest - below, *(block.entries.deepest for block in stage.blocks)]
        powers.append(below + max(deepest))
    return powers[1:]


def _is_whole(stage: AffineStage) -> bool:
    if not all(v.q == 1 and abs(v.p) < _WHOLE for v in stage.bias):
        return False
    rows = (row for _, matrix in stage.blocks for row in matrix)
    return all(v.q == 1 and abs(v.p) < _WHOLE for row in rows for _, v in entries(row))


Block = tuple[int, np.ndarray, np.ndarray, np.ndarray, list[int]]
Rows = tuple[np.ndarray, list[int], list[Block]]


def _rounded(stage: AffineStage) -> tuple[Rows, bool]:
    """A stage in doubles, sparse, and whether these are the exact values."""
    bias, exact = _doubles(stage.bias)
    blocks: list[Block] = []
    for source, matrix in stage.blocks:
        check_limits()
        if any(isinstance(row, SparseRow) for row in matrix):
            kept = [list(entries(row)) for row in matrix]
            values, own = _doubles([value for row in kept for _, value in row])
            begin = np.cumsum([0, *map(len, kept)])
            column = np.array([i for row in kept for i, _ in row], np.int32)
        else:
            width = len(matrix[0])
            table, own = _doubles(list(chain.from_iterable(matrix)))
            places = np.flatnonzero(table)
            values, column = table[places], (places % width).astype(np.int32)
            begin = np.searchsorted(places, np.arange(len(matrix) + 1) * width)
        exact = exact and own
        blocks.append((source, begin.astype(np.int64), column, values, []))
    return (bias, [], blocks), exact


def _doubles(values: Sequence[fmpq]) -> tuple[np.ndarray, bool]:
    """The nearest doubles (not a number where they are too coarse), and whether they are the exact values.

    Examples
    --------
    >>> _doubles([fmpq(1, 2), fmpq(0)]), _doubles([fmpq(1, 3) ** 999, fmpq(1, 3)])
    ((array([0.5, 0. ]), True), (array([       nan, 0.33333333]), False))
    """
    if all(_is_power_of_two(int(value.q)) for value in values):
        return _doubles_one_by_one(values)
    try:
        found = np.array(list(map(float, values)))
    except OverflowError:
        return _doubles_one_by_one(values)
    tiny = np.flatnonzero(np.abs(found) <= _COARSE)
    found[tiny] = _doubles_one_by_one([values[i] for i in tiny.tolist()])[0]
    return found, False


def _is_power_of_two(number: int) -> bool:
    return not number & (number - 1)


def _doubles_one_by_one(values: Sequence[fmpq]) -> tuple[np.ndarray, bool]:
    found, all_exact = [], True
    for value in values:
        p, q = int(value.p), int(value.q)
        try:
            nearest = p / q
        except OverflowError:
            nearest = math.nan
        exact = math.isfinite(nearest) and nearest.as_integer_ratio() == (p, q)
        found.append(nearest if exact or abs(nearest) > _COARSE else math.nan)
        all_exact = all_exact and exact
    return np.array(found, np.float64), all_exact


def _with_integers(stage: Rows, blocks: list[IntegerBlock], bias: list[int]) -> Rows:
    """A stage with its integers: the same entries times one positive factor."""
    floats, _, rounded = stage
    whole = [(*block[:4], own.values) for block, own in zip(rounded, blocks, strict=True)]
    return floats, bias, whole


@lru_cache(maxsize=64)
def _random_residues(seed: int, size: int) -> np.ndarray:
    found = np.random.default_rng(seed).integers(1, PRIME, size).astype(np.uint64)
    found.flags.writeable = False
    return found


__all__ = ["PRIME", "CoreProblem"]
