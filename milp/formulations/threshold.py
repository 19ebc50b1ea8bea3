"""Linear threshold unit: y = 1 where g > 0, else 0, with rows g <= M y and g >= m (1 - y) + d y.

No closed set contains the jump exactly: with the margin d > 0 the points with 0 < g < d are left out, with d = 0 the
model is the closure, in which both values are possible where g = 0.
"""

from __future__ import annotations

import numpy as np

from milp.formulations.rule import Encoded, Preactivation, indicator
from milp.solvers import require_cvxpy


def encode(pre: Preactivation, margin: float = 0.0) -> Encoded:
    """Encode y = [g > 0] for any bounds."""
    cp = require_cvxpy("a formulation")
    unstable = np.nonzero((pre.lower <= 0) & (pre.upper > 0))[0]
    constant = (pre.lower > 0).astype(float)
    if not len(unstable):
        return Encoded(cp.Constant(constant), None, [], [])
    z, integer = indicator(len(unstable))
    part = pre.select(unstable)
    g = part.value
    rows = [g <= cp.multiply(part.upper, z), g >= cp.multiply(part.lower, 1 - z) + margin * z]
    y = constant + np.eye(pre.size)[:, unstable] @ z
    return Encoded(y, y, integer, rows)
