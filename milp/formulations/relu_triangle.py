"""The convex hull of y = max(0, g) over m <= g <= M: y >= 0, y >= g, y <= M (g - m) / (M - m). No binaries."""

from __future__ import annotations

from milp.formulations.rule import Encoded, Preactivation
from milp.solvers import require_cvxpy


def encode(pre: Preactivation) -> Encoded:
    """Relax y = max(0, g) for m < 0 < M to its triangle."""
    cp = require_cvxpy("a formulation")
    y, g = cp.Variable(pre.size, nonneg=True), pre.value
    slope = pre.upper / (pre.upper - pre.lower)
    return Encoded(y, None, [], [y >= g, y <= cp.multiply(slope, g - pre.lower)])
