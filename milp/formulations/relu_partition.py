"""ReLU by partition: the terms of w.h in P groups, each group's sum split into an active and an inactive copy.

P = 1 is as strong as big-M, P = n as strong as the extended formulation, P = 2 or 4 is between at little cost. The
groups are equal shares of the terms sorted by weight.

Source: Tsay, Kronqvist, Thebelt, Misener 2021.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from milp.formulations.rule import Encoded, Preactivation, indicator
from milp.solvers import require_cvxpy
from polyhedra.arrays import Floats


def encode(pre: Preactivation, parts: int = 2) -> Encoded:
    """Encode y = max(0, g) for m < 0 < M with at most ``parts`` groups a unit."""
    cp = require_cvxpy("a formulation")
    z, integer = indicator(pre.size)
    count = max(1, min(parts, pre.weights.shape[1]))
    member = _groups(pre.weights, count)
    y: Any = cp.multiply(pre.bias, z)
    rest: Any = cp.multiply(pre.bias, 1 - z)
    constraints: list[Any] = []
    for p in range(count):
        weights = np.where(member == p, pre.weights, 0.0)
        low = np.maximum(weights, 0) @ pre.input_lower + np.minimum(weights, 0) @ pre.input_upper
        high = np.maximum(weights, 0) @ pre.input_upper + np.minimum(weights, 0) @ pre.input_lower
        on = cp.Variable(pre.size)
        off = weights @ pre.inputs - on
        constraints += [
            on >= cp.multiply(low, z),
            on <= cp.multiply(high, z),
            off >= cp.multiply(low, 1 - z),
            off <= cp.multiply(high, 1 - z),
        ]
        y, rest = y + on, rest + off
    constraints += [rest <= 0, y >= 0, y <= cp.multiply(pre.upper, z), rest >= cp.multiply(pre.lower, 1 - z)]
    return Encoded(y, z, integer, constraints)


def _groups(weights: Floats, count: int) -> NDArray[np.int_]:
    """For each unit and input the number of its group: equal shares of the inputs sorted by weight."""
    k, n = weights.shape
    order = np.argsort(weights, axis=1, kind="stable")
    share = np.arange(n) * count // n
    member = np.empty((k, n), dtype=int)
    np.put_along_axis(member, order, np.tile(share, (k, 1)), axis=1)
    return member
