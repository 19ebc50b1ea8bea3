"""A problem as the compiled core takes it: sparse rows of doubles, and exact integers where doubles do not suffice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from flint import fmpq

from nn_bridge.cells.dyadic import Dyadic, DyadicStage, first_dyadic_stages
from nn_bridge.cells.problem import CellProblem
from nn_bridge.cells.whole_weights import paths_of
from nn_bridge.network.covered_units import Cover, covered_units
from nn_bridge.network.dense_sizes import check_dense
from nn_bridge.network.forms import integer_entries, integer_stages_modulo
from nn_bridge.network.network import INPUT, AffineStage, Network
from nn_bridge.network.sparse_row import SparseRow, entries
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
        rows = [_as_doubles(stage) for stage in arrays] + _as_rationals(problem.network, arrays)
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
        stages = self.problem.network.stages
        if not stages:
            return []
        if len(self.dyadic) > len(stages):
            read = {i for block in self.dyadic[-1].blocks if block.source == len(stages) for i in block.read}
        else:
            blocks = [matrix for source, matrix in self.problem.network.output.blocks if source == len(stages)]
            read = {i for matrix in blocks for row in matrix for i, weight in entries(row) if weight}
        return [unit for unit in range(len(stages[-1].bias)) if unit not in read]

    @cached_property
    def covered(self) -> list[Cover]:
        """The units that do not matter where others are active, with these."""
        return covered_units(self.problem.network)

    @cached_property
    def residues(self) -> _core.Residues:
        """The network modulo a prime, with all zeros; only where affine maps are asked for."""
        check_dense(self.problem.network)
        return residues_of(self.problem.network, self.dyadic)

    @cached_property
    def paths(self) -> _core.WholeWeights:
        """The places of the weights that are not zero, behind the first stage."""
        return paths_of(self.problem.network, self.dyadic)


def _as_doubles(stage: DyadicStage) -> Rows:
    blocks: list[Block] = [
        (block.source, block.begin, block.column, block.entries.doubles(), []) for block in stage.blocks
    ]
    return stage.bias.doubles(), [], blocks


def _as_rationals(network: Network, arrays: list[DyadicStage]) -> list[Rows]:
    """The stages behind the first ones in doubles, with integers beside them where doubles are not exact."""
    stages = [_rounded(stage) for stage in network.stages[len(arrays) :]]
    if all(exact for _, exact in stages):
        return [stage for stage, _ in stages]
    cleared = integer_entries(network, [1 << power for power in _powers_of_core(arrays)])[:-1]
    return [_with_integers(stage, *own) for (stage, _), own in zip(stages, cleared, strict=True)]


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


def _with_integers(stage: Rows, matrices: list[tuple[int, list[list[int]]]], bias: list[int]) -> Rows:
    """A stage with its integers: the same entries times one positive factor."""
    floats, _, blocks = stage
    tables = dict(matrices)
    whole = []
    for source, begin, column, values, _ in blocks:
        own = [value for row in tables[source] for value in row]
        whole.append((source, begin, column, values, own))
    return floats, bias, whole


def residues_of(network: Network, arrays: Sequence[DyadicStage] = ()) -> _core.Residues:
    """The network modulo a prime, in the integer form that clears denominators stage by stage.

    Forms are evaluated at two random points and outputs combined at random.  Equal affine maps have equal residues (all
    of it is a ring homomorphism applied to integers); equal residues are confirmed exactly elsewhere.
    """
    points = [_random_residues(seed, network.input_dim) for seed in (20011, 70001)]
    mix = _random_residues(31337, network.output_dim)
    *stages, (output_blocks, output_bias) = residue_stages(network, arrays)

    def combined(factors: np.ndarray, rows: np.ndarray) -> np.ndarray:
        # products are below 2**62, and so many residues don't add up to 2**63
        result: np.ndarray = (factors * rows % PRIME).sum(axis=-1) % PRIME
        return result

    def at_points(blocks: dict[int, np.ndarray], bias: np.ndarray) -> list[np.ndarray]:
        if INPUT not in blocks:
            return [bias.astype(np.uint64)] * 2
        rows = blocks[INPUT]
        return [((bias + combined(point, rows)) % PRIME).astype(np.uint64) for point in points]

    packed: list[Any] = []
    for number, (blocks, bias) in enumerate(stages, 1):
        weights = [(source - 1, m.astype(np.uint32).T.ravel()) for source, m in blocks.items() if source != INPUT]
        out = combined(mix, output_blocks[number].T) if number in output_blocks else np.zeros(len(bias))
        packed.append((*at_points(blocks, bias), out.astype(np.uint64), number in output_blocks, weights))
    one, two = (int(combined(mix, values.astype(np.int64))) for values in at_points(output_blocks, output_bias))
    return _core.residues(packed, one, two)


@lru_cache(maxsize=64)
def _random_residues(seed: int, size: int) -> np.ndarray:
    found = np.random.default_rng(seed).integers(1, PRIME, size)
    found.flags.writeable = False
    return found


def residue_stages(
    network: Network, arrays: Sequence[DyadicStage] = ()
) -> list[tuple[dict[int, np.ndarray], np.ndarray]]:
    """Of each stage and, last, the outputs: the blocks by source and the bias of the integer form modulo the prime.

    The first stages may be given as arrays.
    """
    found = []
    scales = [0]  # by source: its integer form is two to this power times its forms
    for stage in arrays:
        parts = [stage.bias.deepest, *(scales[block.source] + block.entries.deepest for block in stage.blocks)]
        scales.append(max(parts))
        blocks = {}
        for block in stage.blocks:
            residues = _modulo(block.entries, scales[-1] - scales[block.source])
            if len(residues) == block.shape[0] * block.shape[1]:
                blocks[block.source] = residues.reshape(block.shape)
                continue
            table = np.zeros(block.shape, np.int64)
            table[block.row, block.column] = residues
            blocks[block.source] = table
        found.append((blocks, _modulo(stage.bias, scales[-1])))
    if len(arrays) <= len(network.stages):
        for whole_blocks, bias in integer_stages_modulo(network, PRIME, [1 << scale for scale in scales[1:]]):
            tables = {source: np.array(m, np.int64) for source, m in whole_blocks}
            found.append((tables, np.array(bias, np.int64)))
    return found


def _modulo(numbers: Dyadic, scale: int) -> np.ndarray:
    """The residues of numbers times two to the power ``scale``, which makes them integers."""
    powers = np.int64(1) << (scale - numbers.halvings) % 31  # 2**31 is 1 modulo the prime
    residues: np.ndarray = numbers.numerators % PRIME * powers % PRIME
    return residues


__all__ = ["PRIME", "CoreProblem", "residue_stages", "residues_of"]
