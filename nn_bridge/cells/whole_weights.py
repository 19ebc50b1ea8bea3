"""The weights behind the first stage as whole numbers modulo a power of two, with which derivatives are proven zero."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nn_bridge.cells.dyadic import Dyadic, DyadicStage
from nn_bridge.network.dense_sizes import check_dense
from nn_bridge.network.forms import IntegerStage
from nn_bridge.network.network import INPUT, Network
from nn_bridge.network.residues import IntegerMaps
from nn_bridge.network.sparse_row import entries
from polyhedra.compiled_core import core

if TYPE_CHECKING:
    from nn_bridge.cells import _core

_LIMBS = (1, 2, 3, 4, 6, 8)
"""The lengths that the core has, in words of 64 bits."""


def paths_of(network: Network, arrays: Sequence[DyadicStage]) -> _core.WholeWeights:
    """The places of the weights that are not zero, without the weights: with them paths are told, and no derivatives.

    Parameters
    ----------
    network : Network
    arrays : sequence of DyadicStage
        As from `nn_bridge.cells.dyadic.first_dyadic_stages`.
    """
    kernels: Any = core("nn_bridge.cells._core")
    packed = []
    for stage in arrays:
        read = [block for block in stage.blocks if block.source != INPUT]
        blocks = [(block.source - 1, block.row.astype(np.int32), block.column) for block in read]
        packed.append((len(stage.bias.numerators), blocks))
    for rest in (*network.stages, network.output)[len(arrays) :]:
        blocks = []
        for source, matrix in rest.blocks:
            if source != INPUT:
                places = [(j, i) for j, row in enumerate(matrix) for i, value in entries(row) if value]
                row, column = np.array(places, np.int32).reshape(-1, 2).T.copy()
                blocks.append((source - 1, row, column))
        packed.append((rest.units, blocks))
    nothing = [
        (units, [(source, row, column, np.zeros((len(row), 0), np.uint64)) for source, row, column in blocks])
        for units, blocks in packed
    ]
    found: _core.WholeWeights = kernels.whole_weights(nothing, 0)
    return found


def whole_weights_of(network: Network, arrays: Sequence[DyadicStage]) -> _core.WholeWeights | None:
    """The weights of a network's integer form, for derivatives of any size that they can have.

    None without the core, and where derivatives may be too large for it.

    Parameters
    ----------
    network : Network
    arrays : sequence of DyadicStage
        As from `nn_bridge.cells.dyadic.first_dyadic_stages`: where all stages and the outputs are there, no number is
        looked at one by one.
    """
    check_dense(network)
    if len(arrays) > len(network.stages):
        return whole_weights_of_arrays(arrays)
    maps = IntegerMaps(network)
    return whole_weights(maps.stages, maps.derivative_bound())


def whole_weights(stages: Iterable[IntegerStage], bound: int) -> _core.WholeWeights | None:
    """The weights of the stages and the outputs, for derivatives of at most ``bound``.

    None without the core, and where the bound is too large for it: a whole number is proven zero by its residue if that
    is zero and the modulus is larger than the number can be.
    """
    kernels: Any = core("nn_bridge.cells._core")
    limbs = _limbs_for(bound)
    if kernels is None or limbs is None:
        return None
    modulus = 1 << 64 * limbs
    packed = []
    for blocks, bias in stages:
        own = []
        for source, matrix in blocks:
            if source == INPUT:
                continue
            kept = [(j, i, int(value)) for j, row in enumerate(matrix) for i, value in enumerate(row) if value]
            places = np.array([place[:2] for place in kept], np.int32).reshape(-1, 2).T.copy()
            residues = b"".join((value % modulus).to_bytes(8 * limbs, "little") for *_, value in kept)
            weights = np.frombuffer(residues, "<u8").astype(np.uint64).reshape(-1, limbs)
            own.append((source - 1, places[0], places[1], weights))
        packed.append((len(bias), own))
    found: _core.WholeWeights = kernels.whole_weights(packed, limbs)
    return found


def whole_weights_of_arrays(stages: Sequence[DyadicStage]) -> _core.WholeWeights | None:
    """The same of stages (and, last, the outputs) as arrays, by operations on whole arrays."""
    kernels: Any = core("nn_bridge.cells._core")
    scales = [0]  # by source: its integer form is two to this power times its forms
    for stage in stages:
        parts = [stage.bias.deepest, *(scales[block.source] + block.entries.deepest for block in stage.blocks)]
        scales.append(max(parts))
    blocks = [
        [
            (block.source - 1, block.row, block.column, block.entries, scales[number] - scales[block.source])
            for block in stage.blocks
            if block.source != INPUT
        ]
        for number, stage in enumerate(stages, 1)
    ]
    sizes = [len(stage.bias.numerators) for stage in stages]
    limbs = _limbs_for(_derivative_bound(blocks, sizes))
    if kernels is None or limbs is None:
        return None
    packed = [
        (
            size,
            [
                (source, row.astype(np.int32), column, _modulo(entries, scale, limbs))
                for source, row, column, entries, scale in own
            ],
        )
        for size, own in zip(sizes, blocks, strict=True)
    ]
    found: _core.WholeWeights = kernels.whole_weights(packed, limbs)
    return found


_Blocks = list[list[tuple[int, np.ndarray, np.ndarray, Dyadic, int]]]
"""By stage that reads: the number of the stage that is read, rows, columns and entries, and the power of two with which
these are multiplied."""


def _derivative_bound(blocks: _Blocks, sizes: list[int]) -> float:
    """A double that no derivative of an output by a unit exceeds, whatever the pattern; NaN or infinite if too large.

    All terms are positive, so a sum of n products is smaller than the true one by the factor ``1 - (n + 1) 2**-53`` at
    most, which ``1 + (n + 3) 2**-52`` makes up for, the rounding of this product included.
    """
    flow = [*(np.zeros(size) for size in sizes[:-1]), np.ones(sizes[-1])]
    terms = 0
    with np.errstate(over="ignore", invalid="ignore"):
        for number in range(len(blocks) - 1, -1, -1):
            # what reads this stage has been worked in
            flow[number] *= 1 + (terms + 3) * 2.0**-52
            for source, row, column, entries, scale in blocks[number]:
                weights = np.ldexp(np.abs(entries.numerators).astype(np.float64), scale - entries.halvings)
                flow[source] += np.bincount(column, flow[number][row] * weights, len(flow[source]))
                terms += len(column)
    return max((float(own.max(initial=0.0)) for own in flow[:-1]), default=0.0)


def _limbs_for(bound: float) -> int | None:
    """The least length whose modulus exceeds the bound; None where there is none."""
    return next((limbs for limbs in _LIMBS if bound < 1 << 64 * limbs), None)


def _modulo(numbers: Dyadic, scale: int, limbs: int) -> np.ndarray:
    """The numbers times two to the power ``scale``, which makes them integers, in two's complement."""
    words, bits = np.divmod(scale - numbers.halvings, 64)
    low = numbers.numerators.view(np.uint64) << bits.astype(np.uint64)
    high = numbers.numerators >> 1 >> 63 - bits  # by 64 - bits, which may be 64
    sign = numbers.numerators >> 63
    found = np.zeros((len(low), limbs), np.uint64)
    for limb in range(limbs):
        own = np.where(words + 1 == limb, high, np.where(words + 1 < limb, sign, 0)).view(np.uint64)
        found[:, limb] = np.where(words == limb, low, own)
    return found


__all__ = ["paths_of", "whole_weights", "whole_weights_of", "whole_weights_of_arrays"]
