"""The numbers of a network for the core: of its integer form it makes residues, and weights that prove maps equal.

A whole number is zero if its residue is zero and the modulus is larger than the number can be.  So derivatives of the
outputs by units are proven zero (``core/derivatives.hpp``), and the coefficients of affine maps are compared, with a
modulus that is larger than twice the number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nn_bridge.cells.dyadic import Dyadic, DyadicStage
from nn_bridge.network.dense_sizes import check_dense
from nn_bridge.network.forms import ClearedStage, cleared_stages
from nn_bridge.network.network import Network
from polyhedra.compiled_core import core_or_refusal

if TYPE_CHECKING:
    from nn_bridge.cells import _core
else:
    _core = core_or_refusal("nn_bridge.cells._core")


def least_powers(arrays: Sequence[DyadicStage]) -> list[int]:
    """By what powers of two these first stages of a network are multiplied in its integer form."""
    powers = [0]  # by source
    for stage in arrays:
        parts = (powers[block.source] + block.entries.deepest for block in stage.blocks)
        powers.append(max(stage.bias.deepest, *parts, 0))
    return powers[1:]


def whole_numbers(
    network: Network,
    arrays: Sequence[DyadicStage],
    behind: Sequence[ClearedStage] | None = None,
    places: Sequence[Sequence[tuple[np.ndarray, np.ndarray]]] = (),
) -> _core.WholeNumbers:
    """The integer form of a network in the core's own storage.

    Parameters
    ----------
    network : Network
    arrays : sequence of DyadicStage
        As from `nn_bridge.cells.dyadic.first_dyadic_stages`: no number of these stages is looked at one by one.
    behind : sequence of ClearedStage, optional
        The stages behind these in integers, where they are known.
    places : sequence of sequences of pairs, optional
        `IntegerBlock.places` of the blocks of the first of these stages, where they are known.
    """
    check_dense(network)
    stages: list[Any] = [
        (
            *_halved(stage.bias),
            [(block.source, block.begin, block.column, *_halved(block.entries)) for block in stage.blocks],
        )
        for stage in arrays
    ]
    if behind is None and len(arrays) <= len(network.stages):
        behind = cleared_stages(network, [1 << power for power in least_powers(arrays)])
    for number, (blocks, bias) in enumerate(behind or ()):
        known = places[number] if number < len(places) else [block.places() for block in blocks]
        own = [(block.source, *place, block.values, None) for block, place in zip(blocks, known, strict=True)]
        stages.append((bias, None, own))
    return _core.whole_numbers(network.input_dim, stages)


def _halved(numbers: Dyadic) -> tuple[np.ndarray, np.ndarray]:
    return numbers.numerators, numbers.halvings


__all__ = ["least_powers", "whole_numbers"]
