"""Leaky and parametric ReLU: y = a g + (1 - a) max(0, g), one slope a each, through any ReLU rule.

With the big-M rule and 0 <= a < 1 these are the rows y >= g, y >= a g, y <= g - (1 - a) m (1 - z), y <= a g + (1 - a)
M z; written through max(0, g) the slope may be any number.
"""

from __future__ import annotations

from milp.formulations import relu
from milp.formulations.rule import Encoded, Preactivation
from milp.solvers import require_cvxpy
from polyhedra.arrays import Floats


def encode(pre: Preactivation, slopes: Floats, rule: str = "big-m") -> Encoded:
    """Encode the leaky ReLU with one slope an entry."""
    cp = require_cvxpy("a formulation")
    whole, _, _ = relu.encode(pre, rule)
    y = cp.multiply(slopes, pre.value) + cp.multiply(1 - slopes, whole.output)
    return Encoded(y, whole.binaries, whole.integrality, whole.constraints)
