"""Max-pooling: y = max of the values in a window: maxout whose pieces read one value each, M_j = max_l U_l - L_j."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from milp.formulations import maxout
from milp.formulations.rule import Encoded, Preactivation
from milp.solvers import require_cvxpy
from polyhedra.arrays import Floats
from polyhedra.errors import FormulationError


def encode(values: Any, windows: Sequence[Sequence[int]], lower: Floats, upper: Floats) -> Encoded:
    """Encode one maximum a window.

    Parameters
    ----------
    values : cvxpy expression of shape (n,)
    windows : sequence of sequences of int
        The positions that each maximum reads.
    lower, upper : arrays of shape (n,)
        Bounds of the values.

    Raises
    ------
    FormulationError
        There are no windows, a window is empty or names a position that does not exist.
    """
    cp = require_cvxpy("a formulation")
    n = len(lower)
    for number, window in enumerate(windows):
        if not len(window) or not all(0 <= j < n for j in window):
            raise FormulationError(f"max-pooling window {number} is empty or leaves the positions 0..{n - 1}")
    if not windows:
        raise FormulationError("max-pooling needs at least one window")
    parts = []
    for window in windows:
        index = np.array(window)
        pick = np.eye(n)[index]
        pre = Preactivation(values, pick, np.zeros(len(index)), lower[index], upper[index], lower, upper)
        parts.append(maxout.encode(pre, len(index)))
    return Encoded(
        cp.hstack([part.output for part in parts]),
        None,
        [row for part in parts for row in part.integrality],
        [row for part in parts for row in part.constraints],
    )
