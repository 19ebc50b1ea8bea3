"""The ideal cuts of a ReLU, exponentially many, separated at a fractional point in O(n) a unit.

For every set J of inputs, with Lb_j the end of the box where w_j h_j is least and Ub_j the other:
y <= sum_{j in J} w_j (h_j - Lb_j (1 - z)) + (b + sum_{j not in J} w_j Ub_j) z.
At a point the most violated J takes j where the first term is the smaller one. Together with big-M these rows describe
the convex hull of one unit over its box.

Source: Anderson, Huchette, Ma, Tjandraatmadja, Vielma 2020.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from milp.formulations.rule import Encoded, Preactivation
from milp.solvers import require_cvxpy
from polyhedra.arrays import Floats


def most_violated(pre: Preactivation, h: Floats, y: Floats, z: Floats) -> tuple[Floats, Floats]:
    """For each unit the best set J as a 0/1 row, and by how much its cut is violated at (h, y, z).

    Returns
    -------
    members : array of shape (k, n)
    violation : array of shape (k,)
        Positive where the point breaks the cut.
    """
    least, greatest = _ends(pre)
    inside = pre.weights * (h - least * (1 - z)[:, None])
    outside = pre.weights * greatest * z[:, None]
    members = (inside < outside).astype(float)
    right = np.where(members > 0, inside, outside).sum(axis=1) + pre.bias * z
    return members, y - right


def cuts(pre: Preactivation, encoded: Encoded, members: Floats, units: Any) -> list[Any]:
    """The cuts of the sets J for some units, as cvxpy constraints."""
    cp = require_cvxpy("a formulation")
    index = np.asarray(units, dtype=int)
    least, greatest = _ends(pre)
    inside = (pre.weights * members)[index]
    at_least = (pre.weights * members * least)[index].sum(axis=1)
    outside = (pre.weights * (1 - members) * greatest)[index].sum(axis=1) + pre.bias[index]
    y, z = encoded.output[index], encoded.binaries[index]
    return [y <= inside @ pre.inputs - cp.multiply(at_least, 1 - z) + cp.multiply(outside, z)]


def row(pre: Preactivation, members: Floats, unit: int) -> tuple[Floats, float, float]:
    """The cut of the set J of one unit as ``y <= terms . h + weight z + right``: terms, weight and right-hand side."""
    least, greatest = _ends(pre)
    weights = pre.weights[unit]
    terms = weights * members
    at_least = float(terms @ least[unit])
    outside = float((weights * (1 - members)) @ greatest[unit] + pre.bias[unit])
    return terms, at_least + outside, -at_least


def separate(pre: Preactivation, encoded: Encoded, tolerance: float = 1e-6) -> list[Any]:
    """The most violated cut of each unit at the current values of the variables; empty where none is violated.

    ``tolerance`` is relative to the unit's range; it decides only which cuts are worth adding, all cuts are valid.
    """
    h = np.asarray(pre.inputs.value, dtype=float)
    y = np.asarray(encoded.output.value, dtype=float)
    z = np.asarray(encoded.binaries.value, dtype=float)
    members, violation = most_violated(pre, h, y, z)
    units = np.nonzero(violation > tolerance * (pre.upper - pre.lower))[0]
    return cuts(pre, encoded, members, units) if len(units) else []


def _ends(pre: Preactivation) -> tuple[Floats, Floats]:
    """Lb and Ub: for each weight the ends of the box where its term is least and greatest."""
    positive = pre.weights >= 0
    return (
        np.where(positive, pre.input_lower, pre.input_upper),
        np.where(positive, pre.input_upper, pre.input_lower),
    )
