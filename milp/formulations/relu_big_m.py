"""ReLU by big-M: y >= g, y <= g - m (1 - z), 0 <= y <= M z.

One binary and three rows a unit. The projection of its linear relaxation on (h, y) is the triangle of `relu_triangle`.
"""

from __future__ import annotations

from milp.formulations.rule import Encoded, Preactivation, indicator
from milp.solvers import require_cvxpy


def encode(pre: Preactivation) -> Encoded:
    """Encode y = max(0, g) for m < 0 < M."""
    cp = require_cvxpy("a formulation")
    (z, integer), g = indicator(pre.size), pre.value
    y = cp.Variable(pre.size, nonneg=True)
    return Encoded(y, z, integer, [y >= g, y <= g - cp.multiply(pre.lower, 1 - z), y <= cp.multiply(pre.upper, z)])
