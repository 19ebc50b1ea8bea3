"""Argmax as a one-hot vector: z_j = 1 for one greatest value u_j, with rows u_l - u_j <= M_jl (1 - z_j).

Where several values are greatest, any one of them may be chosen: a closed model contains all of these points. M_jl is
the greatest difference u_l - u_j on the box, or between the bounds of the rows, whichever is less.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from milp.formulations.rule import Encoded, Preactivation, indicator
from milp.solvers import require_cvxpy


def encode(pre: Preactivation) -> Encoded:
    """Encode the one-hot vector of a greatest entry."""
    cp = require_cvxpy("a formulation")
    size = pre.size
    z, integer = indicator(size)
    u = pre.value
    constraints: list[Any] = [cp.sum(z) == 1]
    leader = int(np.argmax(pre.lower))
    for j in range(size):
        if j != leader and pre.upper[j] < pre.lower[leader]:
            constraints.append(z[j] == 0)
            continue
        constraints += [u[k] - u[j] <= reach(pre, k, j) * (1 - z[j]) for k in range(size) if k != j]
    return Encoded(z, z, integer, constraints)


def reach(pre: Preactivation, above: int, below: int) -> float:
    """A number that u_above - u_below does not exceed, at least 0."""
    row = pre.weights[above] - pre.weights[below]
    on_box = np.maximum(row, 0) @ pre.input_upper + np.minimum(row, 0) @ pre.input_lower
    gap = min(on_box + pre.bias[above] - pre.bias[below], pre.upper[above] - pre.lower[below])
    size = np.abs(row) @ np.maximum(np.abs(pre.input_lower), np.abs(pre.input_upper))
    return max(0.0, float(gap + 1e-12 * (size + abs(pre.bias[above]) + abs(pre.bias[below]))))  # outwards
