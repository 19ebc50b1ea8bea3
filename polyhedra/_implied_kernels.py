"""The compiled loop over many programs with one system of rows; the programs are those of `polyhedra._kernels`."""

from __future__ import annotations

from typing import Any

import numpy as np

from polyhedra._kernels import propose_and_prove
from polyhedra.compiled import cached


@cached()
def prove_many(rows: Any, targets: Any, names: Any, statuses: Any) -> None:
    """Call `propose_and_prove` without equalities for each target.

    Parameters
    ----------
    rows : float64 (m, d + 1)
    targets : float64 (k, d + 1)
        The last number of each, its right-hand side, is not read.
    names : int64 (k, d + 1), written
    statuses : int64 (k), written
    """
    d = rows.shape[1] - 1
    top = np.zeros(d + 1)
    point = np.empty(d)
    for i in range(targets.shape[0]):
        for j in range(d):
            top[j] = targets[i, j]
        statuses[i] = propose_and_prove(rows, 0, top, names[i], point)
