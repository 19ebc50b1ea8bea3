"""The dual simplex method in doubles: by the compiled core; where there is none, nothing is proposed.

Rows are laid out as (a_1, ..., a_d, b), scaled so that max |a_j| < 1.  All arrays are C-contiguous; those that are
written are float64 or int64 exactly.  A proposal proves nothing by itself, except where it is `PROVEN`, and what
`doubtful` leaves out.  A caller solves exactly whatever has no proposal, so that without the core every answer is the
same, and takes longer.
"""

from __future__ import annotations

import numpy as np

from polyhedra.arrays import Floats, Integers
from polyhedra.compiled_core import core

OPTIMAL, UNBOUNDED, INFEASIBLE, GAVE_UP, PROVEN = 0, 1, 2, 3, 4


def propose(
    rows: Floats, n_equal: int, top: Floats, symbolic: bool, basis: Integers, point: Floats, inverse: Floats
) -> int:
    """Dual simplex method for: maximize top[:d].x over rows[:n_equal] x = b, rows[n_equal:] x <= b, top x <= cap.

    Parameters
    ----------
    rows : float64 (m, d + 1)
    n_equal : int
    top : float64 (d + 1)
        The objective, which is at the same time row number m; its last number is the cap.
    symbolic : bool
        The cap is beyond all numbers (its value is ignored).
    basis : int64 (d + 1), written
        Row numbers of the final basis, -1 - j where the variable j stayed at zero; basis[d] is the row that cannot be
        satisfied (INFEASIBLE).
    point : float64 (d), written
        The basic solution (for UNBOUNDED its part that does not grow with the cap).
    inverse : float64 (d, d), written
        The inverse of the matrix of the basis rows: column k is the edge on which only row basis[k] gets slack.

    Returns
    -------
    int
        OPTIMAL, UNBOUNDED (row m is still in the basis of a symbolic program), INFEASIBLE or GAVE_UP.
    """
    return GAVE_UP


def propose_and_prove(rows: Floats, n_equal: int, top: Floats, basis: Integers, point: Floats) -> int:
    """`propose` with a symbolic cap; PROVEN if the exact solution of the basis is proven to be the only optimum.

    Proven means: the exact rows that the float rows are roundings of have a regular basis, positive multipliers on its
    inequalities, and a positive slack in all other inequalities; all equalities are in the basis.
    """
    return GAVE_UP


def prove_many(rows: Floats, targets: Floats, names: Integers, statuses: Integers) -> None:
    """Call `propose_and_prove` without equalities for each target.

    Parameters
    ----------
    rows : float64 (m, d + 1)
    targets : float64 (k, d + 1)
        The last number of each, its right-hand side, is not read.
    names : int64 (k, d + 1), written
    statuses : int64 (k), written
    """
    statuses[:] = GAVE_UP


def doubtful(rows: Floats, n_equal: int, point: Floats, homogeneous: bool, indices: Integers) -> int:
    """The equalities, and the inequalities of which a.x < b (or a.x < 0 with `homogeneous`) is not proven.

    Every number of `rows` and `point` may be off by one rounding; NaN and infinities count as not proven.

    Parameters
    ----------
    rows : float64 (m, d + 1)
    n_equal : int
    point : float64 (d)
    homogeneous : bool
    indices : int64 (m), written

    Returns
    -------
    int
        How many numbers of `indices` were written.
    """
    indices[:] = np.arange(len(rows))
    return len(rows)


_loops = core("polyhedra._core")
COMPILED = _loops is not None
"""Whether the compiled core proposes; else every program is solved exactly from the start."""
if _loops is not None:
    for _name in ("propose", "propose_and_prove", "prove_many", "doubtful"):
        globals()[_name] = getattr(_loops, _name)

__all__ = [
    "COMPILED",
    "GAVE_UP",
    "INFEASIBLE",
    "OPTIMAL",
    "PROVEN",
    "UNBOUNDED",
    "doubtful",
    "propose",
    "propose_and_prove",
    "prove_many",
]
