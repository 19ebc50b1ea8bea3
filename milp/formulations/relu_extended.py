"""ReLU by disjunction over copies of the input: h = h+ + h-, with h+ = 0 where z = 0 and h- = 0 where z = 1.

w.h- + b (1 - z) <= 0, y = w.h+ + b z >= 0, L (1 - z) <= h- <= U (1 - z), L z <= h+ <= U z. Locally ideal (the
relaxation of one unit over a box is its convex hull), at the price of n extra variables a unit.
"""

from __future__ import annotations

import numpy as np

from milp.formulations.rule import Encoded, Preactivation, indicator
from milp.solvers import require_cvxpy


def encode(pre: Preactivation) -> Encoded:
    """Encode y = max(0, g) for m < 0 < M."""
    cp = require_cvxpy("a formulation")
    k, n = pre.weights.shape
    z, integer = indicator(k)
    on, off = cp.Variable((k, n)), cp.Variable((k, n))
    chosen = cp.reshape(z, (k, 1), order="C") @ np.ones((1, n))
    low, high = np.tile(pre.input_lower, (k, 1)), np.tile(pre.input_upper, (k, 1))
    inputs = np.ones((k, 1)) @ cp.reshape(pre.inputs, (1, n), order="C")
    y = cp.sum(cp.multiply(pre.weights, on), axis=1) + cp.multiply(pre.bias, z)
    rest = cp.sum(cp.multiply(pre.weights, off), axis=1) + cp.multiply(pre.bias, 1 - z)
    constraints = [
        on + off == inputs,
        rest <= 0,
        y >= 0,
        on >= cp.multiply(low, chosen),
        on <= cp.multiply(high, chosen),
        off >= cp.multiply(low, 1 - chosen),
        off <= cp.multiply(high, 1 - chosen),
        # the unit's own bounds, which may be tighter than those of the box
        y <= cp.multiply(pre.upper, z),
        rest >= cp.multiply(pre.lower, 1 - z),
    ]
    return Encoded(y, z, integer, constraints)
