"""The weights behind the first stage as whole numbers modulo a power of two, with which derivatives are proven zero."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from nn_bridge.network.forms import IntegerStage
from nn_bridge.network.network import INPUT
from polyhedra.compiled_core import core

if TYPE_CHECKING:
    from nn_bridge.cells import _core

_LIMBS = (1, 2, 3, 4, 6, 8)
"""The lengths that the core has, in words of 64 bits."""


def whole_weights(stages: Iterable[IntegerStage], bound: int) -> _core.WholeWeights | None:
    """The weights of the stages and the outputs, for derivatives of at most ``bound``.

    None without the core, and where the bound is too large for it: a whole number is proven zero by its residue if that
    is zero and the modulus is larger than the number can be.
    """
    kernels: Any = core("nn_bridge.cells._core")
    limbs = next((limbs for limbs in _LIMBS if bound < 1 << 64 * limbs), None)
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


__all__ = ["whole_weights"]
