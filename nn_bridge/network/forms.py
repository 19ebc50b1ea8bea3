"""Exact integer forms of a network's pre-activations under an activation pattern: the predicates behind the filter.

Every stage is cleared of denominators once, with a positive factor of its own, so that forms are integer rows and signs
are unchanged.  Forms of a pattern prefix are cached, since the subdivision asks for neighbours of the last one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from flint import fmpq_mat, fmpz, fmpz_mat

from nn_bridge.network.dense_sizes import check_dense, check_forms
from nn_bridge.network.network import INPUT, AffineStage, Network
from nn_bridge.network.row_groups import IntegerBlock, group_entries, row_groups
from polyhedra.scalars import common_denominator

_CACHE_LIMIT = 4096


class ExactForms:
    """Integer forms ``(a_1, .., a_n, b)``, positive multiples of the exact pre-activations.

    Parameters
    ----------
    network : Network
    walls : sequence of integer rows
        Rows ``(a, b)`` with ``a . x + b >= 0`` on the domain, asked for as stage -1.
    """

    def __init__(self, network: Network, walls: tuple[tuple[int, ...], ...] = ()) -> None:
        check_forms(network)
        self.dim = network.input_dim
        self.walls = walls
        self._network = network
        self._stages: list[ClearedStage] = []  # when first asked for
        self._scales = [1]
        self._cache: dict[tuple[int, ...], fmpz_mat] = {}

    def __reduce__(self) -> tuple[type[ExactForms], tuple[Network, tuple[tuple[int, ...], ...]]]:
        return ExactForms, (self._network, self.walls)  # integer matrices can't be pickled, and are soon made again

    def units(self, stage: int) -> int:
        """The number of units of a stage (from 0)."""
        return self._network.stages[stage].units

    def _stage(self, number: int) -> ClearedStage:
        while len(self._stages) <= number:
            blocks, bias, scale = _cleared(self._network.stages[len(self._stages)], self._scales)
            self._stages.append((blocks, bias))
            self._scales.append(scale)
        return self._stages[number]

    def forms(self, prefix: tuple[int, ...]) -> fmpz_mat:
        """The forms of stage ``len(prefix)``; bit ``i`` of ``prefix[s]``: unit ``i`` of stage ``s`` is active."""
        found = self._cache.get(prefix)
        if found is not None:
            return found
        blocks, bias = self._stage(len(prefix))
        zero = [fmpz(0)] * (self.dim + 1)
        total = [[*zero[:-1], fmpz(b)] for b in bias]
        for block in blocks:
            if block.source == INPUT:
                for group, matrix in block.groups:
                    for i, row in zip(group.rows, matrix.table(), strict=True):
                        own = total[i]
                        for j, value in zip(group.columns, row, strict=True):
                            own[j] = value
                continue
            bits = prefix[block.source - 1]
            if bits:
                lower = self.forms(prefix[: block.source - 1]).table()
                rows = [row if bits >> i & 1 else zero for i, row in enumerate(lower)]
                for i, added in block.products(rows):
                    total[i] = [p + q if q else p for p, q in zip(total[i], added, strict=True)]
        result = fmpz_mat(total)
        if len(self._cache) >= _CACHE_LIMIT:
            self._cache.clear()
        self._cache[prefix] = result
        return result

    def change(self, stage: int, outputs: Sequence[Sequence[fmpz]]) -> list[fmpz]:
        """By how much the forms of a stage change with the outputs of earlier stages, each by a multiple of one form.

        Parameters
        ----------
        stage : int
        outputs : sequence of sequences of integers
            For each earlier stage the multiples for its units, in the scale of their forms.
        """
        blocks, bias = self._stage(stage)
        total = [fmpz(0)] * len(bias)
        for block in blocks:
            if block.source != INPUT and any(outputs[block.source - 1]):
                for i, (added,) in block.products([[value] for value in outputs[block.source - 1]]):
                    total[i] += added
        return total

    def row(self, prefix: tuple[int, ...], stage: int, unit: int) -> list[fmpz]:
        """One form: of a unit; with stage -1 of a wall, or of infinity (unit -1); with stage -2 of an axis."""
        if stage == -2:
            return [fmpz(int(c == unit)) for c in range(self.dim + 1)]
        if stage == -1:
            if unit < 0:
                return [fmpz(0)] * self.dim + [fmpz(1)]
            return [fmpz(v) for v in self.walls[unit]]
        forms = self.forms(prefix[:stage])
        return [forms[unit, c] for c in range(self.dim + 1)]


IntegerStage = tuple[list[tuple[int, list[list[int]]]], list[int]]
"""Integer blocks by source, and integer biases, of one stage."""

ClearedStage = tuple[list[IntegerBlock], list[int]]
"""The same by blocks without zeros."""


def integer_stages(network: Network) -> list[IntegerStage]:
    """The stages and, last, the outputs with denominators cleared: each by one positive factor for the whole stage.

    Zeros are written out.
    """
    check_dense(network)
    return [([(block.source, block.table()) for block in blocks], bias) for blocks, bias in _all_cleared(network)[0]]


def cleared_stages(network: Network, first: Sequence[int] = ()) -> list[ClearedStage]:
    """The same without zeros.

    Of the ``first`` stages only their factors are given; the list begins with the stage behind them.
    """
    return _all_cleared(network, first)[0]


def output_scale(network: Network) -> int:
    """The factor by which `integer_stages` multiplies the outputs."""
    return _all_cleared(network)[1][-1]


def _all_cleared(network: Network, first: Sequence[int] = ()) -> tuple[list[ClearedStage], list[int]]:
    stages: list[ClearedStage] = []
    scales = [1, *first]
    for stage in (*network.stages, network.output)[len(first) :]:
        blocks, bias, scale = _cleared(stage, scales)
        stages.append((blocks, bias))
        scales.append(scale)
    return stages, scales


def _cleared(stage: AffineStage, scales: list[int]) -> tuple[list[IntegerBlock], list[int], int]:
    """A stage times the least factor for all of it that makes it integer, given those of the stages it reads."""
    parts = []
    scale = common_denominator(stage.bias)
    for source, matrix in stage.blocks:
        groups, denominator = [], 1
        for group in row_groups(matrix):
            entries = group_entries(matrix, group)
            numerators, own = fmpq_mat(len(group.rows), len(group.columns), entries).numer_denom()
            groups.append((group, numerators, int(own)))
            denominator = math.lcm(denominator, int(own))
        shape = len(matrix), len(matrix[0])
        whole = IntegerBlock(source, shape, [(group, m * (denominator // own)) for group, m, own in groups])
        parts.append((whole, scales[source] * denominator))
        scale = math.lcm(scale, parts[-1][1])
    blocks = [block.times(scale // own) for block, own in parts]
    return blocks, [int(b.p) * (scale // int(b.q)) for b in stage.bias], scale


def dot(left: list[fmpz], right: list[fmpz]) -> fmpz:
    """The scalar product of two integer vectors."""
    return sum((a * b for a, b in zip(left, right, strict=True)), fmpz(0))
