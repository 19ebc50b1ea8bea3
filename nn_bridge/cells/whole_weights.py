"""The integer form of a network modulo a power of two, with which maps are proven equal, or compared.

A whole number is zero if its residue is zero and the modulus is larger than the number can be.  So derivatives of the
outputs by units are proven zero (``core/derivatives.hpp``), and the coefficients of affine maps are compared, with a
modulus that is larger than twice the number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from nn_bridge.cells.dyadic import Dyadic, DyadicStage
from nn_bridge.network.dense_sizes import check_dense
from nn_bridge.network.forms import IntegerStage, integer_stages
from nn_bridge.network.network import INPUT, AffineStage, Matrix, Network
from nn_bridge.network.sparse_row import entries
from polyhedra.compiled_core import core

if TYPE_CHECKING:
    from nn_bridge.cells import _core

_LIMBS = (1, 2, 3, 4, 6, 8)
"""The lengths that the core has, in words of 64 bits."""


@dataclass(frozen=True)
class _Integers:
    """The integers ``numerators * 2**shifts``: an array of int64, or a list of any integers."""

    numerators: np.ndarray | list[int]
    shifts: np.ndarray

    @cached_property
    def sizes(self) -> np.ndarray:
        """Doubles that their sizes do not exceed; infinite where these are too large."""
        if isinstance(self.numerators, np.ndarray):
            # they are below 2**53, so nothing is rounded
            return np.ldexp(np.abs(self.numerators).astype(np.float64), self.shifts)
        try:
            nearest = np.array(list(map(float, self.numerators)), np.float64)
        except OverflowError:
            return np.full(len(self.numerators), np.inf)
        return np.ldexp(np.nextafter(np.abs(nearest), np.inf), self.shifts)

    def modulo(self, limbs: int) -> np.ndarray:
        """In two's complement: an array of shape (numbers, limbs)."""
        if not isinstance(self.numerators, np.ndarray):
            modulus = 1 << 64 * limbs
            numbers = zip(self.numerators, self.shifts.tolist(), strict=True)
            residues = b"".join(
                ((number << shift) % modulus).to_bytes(8 * limbs, "little") for number, shift in numbers
            )
            return np.frombuffer(residues, "<u8").astype(np.uint64).reshape(-1, limbs)
        if limbs == 1:
            own = np.where(self.shifts < 64, self.numerators << (self.shifts & 63), 0)
            return own.view(np.uint64).reshape(-1, 1)
        words, bits = np.divmod(self.shifts, 64)
        low = self.numerators.view(np.uint64) << bits.astype(np.uint64)
        high = self.numerators >> 1 >> 63 - bits  # by 64 - bits, which may be 64
        sign = self.numerators >> 63
        found = np.zeros((len(low), limbs), np.uint64)
        for limb in range(limbs):
            own = np.where(words + 1 == limb, high, np.where(words + 1 < limb, sign, 0)).view(np.uint64)
            found[:, limb] = np.where(words == limb, low, own)
        return found


@dataclass(frozen=True)
class _Block:
    """A matrix by its entries that are not zero."""

    source: int
    row: np.ndarray
    column: np.ndarray
    entries: _Integers


_Stage = tuple[list[_Block], _Integers]
"""The blocks of a stage, or of the outputs, and its biases, all times one positive factor."""


def integer_form(network: Network, arrays: Sequence[DyadicStage]) -> list[_Stage]:
    """The stages and, last, the outputs in integers: each is multiplied by one positive factor.

    Parameters
    ----------
    network : Network
    arrays : sequence of DyadicStage
        As from `nn_bridge.cells.dyadic.first_dyadic_stages`: no number of these stages is looked at one by one.
    """
    check_dense(network)
    halved = [_of_arrays(stage) for stage in arrays]
    for stage in (*network.stages, network.output)[len(arrays) :]:
        own = _of_powers_of_two(stage)
        if own is None:
            return [_of_integers(whole) for whole in integer_stages(network)]
        halved.append(own)
    found: list[_Stage] = []
    scales = [0]  # by source: its integer form is two to this power times its forms
    for blocks, (numerators, halvings) in halved:
        deepest = [scales[source] + int(own.max(initial=0)) for source, _, _, (_, own) in blocks]
        scale = max(int(halvings.max(initial=0)), *deepest, 0)
        scales.append(scale)
        found.append(
            (
                [
                    _Block(source, row, column, _Integers(own, scale - scales[source] - powers))
                    for source, row, column, (own, powers) in blocks
                ],
                _Integers(numerators, scale - halvings),
            )
        )
    return found


_Halved = tuple[np.ndarray | list[int], np.ndarray]
"""Numerators, and the powers of two by which they are divided."""
_HalvedStage = tuple[list[tuple[int, np.ndarray, np.ndarray, _Halved]], _Halved]


def _of_arrays(stage: DyadicStage) -> _HalvedStage:
    def parts(numbers: Dyadic) -> _Halved:
        return numbers.numerators, numbers.halvings

    blocks = [(own.source, own.row.astype(np.int32), own.column, parts(own.entries)) for own in stage.blocks]
    return blocks, parts(stage.bias)


def _of_powers_of_two(stage: AffineStage) -> _HalvedStage | None:
    """A stage whose denominators are powers of two; None if one is none."""

    def parts(values: Sequence[Any]) -> _Halved | None:
        denominators = [int(value.q) for value in values]
        halvings = {q: q.bit_length() - 1 for q in set(denominators)}
        if any(q & (q - 1) for q in halvings):
            return None
        return [int(value.p) for value in values], np.array([halvings[q] for q in denominators], np.int64)

    bias = parts(stage.bias)
    blocks = []
    for source, matrix in stage.blocks:
        row, column, values = _kept(matrix)
        own = parts(values)
        if own is None:
            return None
        blocks.append((source, row, column, own))
    return None if bias is None else (blocks, bias)


def _kept(matrix: Matrix) -> tuple[np.ndarray, np.ndarray, list[Any]]:
    """The rows, columns and values of the entries that are not zero."""
    rows: list[int] = []
    columns: list[int] = []
    values: list[Any] = []
    for j, row in enumerate(matrix):
        for i, value in entries(row):
            rows.append(j)
            columns.append(i)
            values.append(value)
    return np.array(rows, np.int32), np.array(columns, np.int32), values


def _of_integers(stage: IntegerStage) -> _Stage:
    def whole(values: list[int]) -> _Integers:
        return _Integers(values, np.zeros(len(values), np.int64))

    blocks = []
    for source, matrix in stage[0]:
        kept = [(j, i, int(value)) for j, row in enumerate(matrix) for i, value in enumerate(row) if value]
        row, column = np.array([place[:2] for place in kept], np.int32).reshape(-1, 2).T.copy()
        blocks.append(_Block(source, row, column, whole([value for _, _, value in kept])))
    return blocks, whole([int(value) for value in stage[1]])


# -------------------------------------------------------------------------- bounds


def derivative_bound(stages: Sequence[_Stage]) -> float:
    """A double that no derivative of an output by a unit exceeds, whatever the pattern; NaN or infinite if too large.

    All terms are positive, so a sum of n products is smaller than the true one by the factor ``1 - (n + 1) 2**-53`` at
    most, which ``1 + (n + 3) 2**-52`` makes up for, the rounding of this product included.
    """
    flow = [np.zeros(len(bias.shifts)) for _, bias in stages[:-1]]
    flow.append(np.ones(len(stages[-1][1].shifts)))
    terms = 0
    with np.errstate(over="ignore", invalid="ignore"):
        for number in range(len(stages) - 1, -1, -1):
            # what reads this stage has been worked in
            flow[number] *= 1 + (terms + 3) * 2.0**-52
            for block in stages[number][0]:
                if block.source != INPUT:
                    own, products = flow[block.source - 1], flow[number][block.row] * block.entries.sizes
                    own += np.bincount(block.column, products, len(own))
                    terms += len(block.column)
    return max((float(own.max(initial=0.0)) for own in flow[:-1]), default=0.0)


def coefficient_bound(stages: Sequence[_Stage]) -> float:
    """The same for the coefficients of the outputs, as affine functions of the input."""
    sizes: list[np.ndarray] = []
    with np.errstate(over="ignore", invalid="ignore"):
        for blocks, bias in stages:
            own, terms = bias.sizes, 0
            for block in blocks:
                if block.source == INPUT:
                    np.maximum.at(own, block.row, block.entries.sizes)
            for block in blocks:
                if block.source != INPUT:
                    products = sizes[block.source - 1][block.column] * block.entries.sizes
                    own += np.bincount(block.row, products, len(own))
                    terms += len(block.column)
            sizes.append(own * (1 + (terms + 3) * 2.0**-52))
    return float(sizes[-1].max())


def limbs_for(bound: float) -> int | None:
    """The least length whose modulus exceeds the bound; None where there is none.

    Examples
    --------
    >>> limbs_for(2.0**63), limbs_for(2.0**64), limbs_for(2.0**512), limbs_for(float("nan"))
    (1, 2, None, None)
    """
    return next((limbs for limbs in _LIMBS if bound < 1 << 64 * limbs), None)


# -------------------------------------------------------------------------- for the core


def paths_of(network: Network, arrays: Sequence[DyadicStage]) -> _core.WholeWeights:
    """The places of the weights that are not zero, without the weights: with them paths are told, and no derivatives.

    Parameters
    ----------
    network : Network
    arrays : sequence of DyadicStage
        As from `nn_bridge.cells.dyadic.first_dyadic_stages`.
    """
    kernels: Any = core("nn_bridge.cells._core")
    check_dense(network)
    packed = []
    for stage in arrays:
        read = [block for block in stage.blocks if block.source != INPUT]
        blocks = [(block.source - 1, block.row.astype(np.int32), block.column) for block in read]
        packed.append((len(stage.bias.numerators), blocks))
    for rest in (*network.stages, network.output)[len(arrays) :]:
        blocks = []
        for source, matrix in rest.blocks:
            if source != INPUT:
                blocks.append((source - 1, *_kept(matrix)[:2]))
        packed.append((rest.units, blocks))
    nothing = [
        (units, [(source, row, column, np.zeros((len(row), 0), np.uint64)) for source, row, column in blocks])
        for units, blocks in packed
    ]
    found: _core.WholeWeights = kernels.whole_weights(nothing, 0)
    return found


def whole_weights(stages: Sequence[_Stage], limbs: int | None) -> _core.WholeWeights | None:
    """The weights behind the first stage modulo ``2**(64 * limbs)``; None without limbs, and without the core."""
    return None if limbs is None else _packed(stages, limbs, None)


def whole_maps(stages: Sequence[_Stage], limbs: int | None, inputs: int) -> _core.WholeWeights | None:
    """All weights, for the comparison of affine maps of so many inputs; None as for `whole_weights`."""
    return None if limbs is None else _packed(stages, limbs, inputs)


def _packed(stages: Iterable[_Stage], limbs: int, inputs: int | None) -> _core.WholeWeights | None:
    kernels: Any = core("nn_bridge.cells._core")
    if kernels is None:
        return None
    packed: list[Any] = []
    for blocks, bias in stages:
        own = [
            (block.source - 1, block.row, block.column, block.entries.modulo(limbs))
            for block in blocks
            if block.source != INPUT
        ]
        if inputs is None:
            packed.append((len(bias.shifts), own))
            continue
        constants = np.zeros((len(bias.shifts), inputs + 1, limbs), np.uint64)
        constants[:, inputs] = bias.modulo(limbs)
        for block in blocks:
            if block.source == INPUT:
                constants[block.row, block.column] = block.entries.modulo(limbs)
        packed.append((len(bias.shifts), own, constants.reshape(-1, limbs)))
    found: _core.WholeWeights = kernels.whole_weights(packed, limbs)
    return found


__all__ = [
    "coefficient_bound",
    "derivative_bound",
    "integer_form",
    "limbs_for",
    "paths_of",
    "whole_maps",
    "whole_weights",
]
