"""Hard tanh, and any clipping: y = min(max(g, low), high) = low + max(0, g - low) - max(0, g - high).

Two ReLUs a unit; what reaches the second kink has passed the first, so z_second <= z_first. A ReLU whose sign the
bounds settle costs no binary.
"""

from __future__ import annotations

import numpy as np

from milp.formulations import relu
from milp.formulations.rule import Encoded, Preactivation


def encode(pre: Preactivation, low: float = -1.0, high: float = 1.0, rule: str = "big-m") -> Encoded:
    """Encode the clipping to [low, high], entry by entry; low < high."""
    one = np.ones(pre.size)
    first, _, kinked_low = relu.encode(pre.affine(one, -low * one), rule)
    second, _, kinked_high = relu.encode(pre.affine(one, -high * one), rule)
    constraints = [*first.constraints, *second.constraints]
    both = [i for i in kinked_low if i in set(kinked_high)]
    if both and first.binaries is not None and second.binaries is not None:
        constraints.append(second.binaries[both] <= first.binaries[both])
    return Encoded(
        low + first.output - second.output,
        first.binaries,
        [*first.integrality, *second.integrality],
        constraints,
    )
