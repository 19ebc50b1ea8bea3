"""ReLU by complements, for counting: g = y - c, 0 <= y <= M z, 0 <= c <= -m (1 - z), with a slack f below y or c.

f <= y where the unit is active and f <= c where it is inactive, so a pattern z with f > 0 has a full-dimensional
cell. Each unit is measured in units of its range, so that scaling a neuron changes nothing.

Sources: Serra, Tjandraatmadja, Ramalingam 2018; the slack on both sides: Cai et al. 2023.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from milp.formulations.rule import Encoded, Preactivation
from milp.solvers import require_cvxpy


def encode(pre: Preactivation, slack: Any, relief: dict[int, Any] | None = None) -> Encoded:
    """Encode y = max(0, g) with the slack rows; the output is y in units of ``pre.magnitude``.

    Parameters
    ----------
    pre : Preactivation
        With m < 0 < M, or m = 0 < M.
    slack : cvxpy expression
        The scalar f in [0, 1].
    relief : dict, optional
        By position, an expression r in [0, 1]: with r = 1 the unit is exempt from its slack rows (it vanishes there).

    Raises
    ------
    FormulationError
        A unit has terms out of the range of floats.
    """
    cp = require_cvxpy("a formulation")
    own = pre.in_own_units()
    y, c = cp.Variable(pre.size, nonneg=True), cp.Variable(pre.size, nonneg=True)  # in these units
    z, g = cp.Variable(pre.size, boolean=True), own.value
    free: Any = np.zeros(pre.size)
    for position, expression in (relief or {}).items():
        free = free + np.eye(1, pre.size, position)[0] * expression
    constraints = [
        g == y - c,
        y <= cp.multiply(own.upper, z),
        c <= cp.multiply(-own.lower, 1 - z),
        slack <= y + (1 - z) + free,
        slack <= c + z + free,
    ]
    return Encoded(y, z, [], constraints)
