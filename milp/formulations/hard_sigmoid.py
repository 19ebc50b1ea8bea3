"""Hard sigmoid: y = min(max(alpha g + beta, 0), 1), with alpha = 1/6 and beta = 1/2 unless said otherwise."""

from __future__ import annotations

import numpy as np

from milp.formulations import hard_tanh
from milp.formulations.rule import Encoded, Preactivation


def encode(pre: Preactivation, alpha: float = 1 / 6, beta: float = 0.5, rule: str = "big-m") -> Encoded:
    """Encode the hard sigmoid, as a clipping of g to [-beta/alpha, (1 - beta)/alpha], moved and scaled; alpha > 0."""
    clipped = hard_tanh.encode(pre, -beta / alpha, (1 - beta) / alpha, rule)
    output = alpha * clipped.output + beta * np.ones(pre.size)
    return Encoded(output, clipped.binaries, clipped.integrality, clipped.constraints)
