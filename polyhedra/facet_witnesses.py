"""Rows proven to be facets by a point that satisfies all rows but one: found and checked in doubles.

A row of a full-dimensional system without repeated rows is a facet iff some point violates it alone.  A linear program
in doubles proposes the point: it maximises the row over the others, up to as far beyond the row as a given inner point
is before it.  A quarter of the way back to the inner point, the other rows hold strictly and the row is still violated;
an error bound proves both.  So a facet costs one linear program and no exact number; what is not proven is left to the
caller.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from flint import fmpq

from polyhedra import float_simplex
from polyhedra.limits import check_limits
from polyhedra.scalars import to_float
from polyhedra.system import System

_BACK = 0.25
"""The share of the way back to the inner point; more than 0 and less than 1/2."""


def alone_violated(system: System, inside: Sequence[fmpq]) -> frozenset[int]:
    """Rows of a system of inequalities for which a point is proven to violate this row and to satisfy all others.

    Parameters
    ----------
    system : System
        Inequalities only.
    inside : point
        Satisfies all of them strictly.

    Returns
    -------
    frozenset of int
        Numbers of rows; a row that is missing may be a facet all the same.

    Examples
    --------
    >>> square = System([[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1]], [1, 1, 1, 1, 3])
    >>> sorted(alone_violated(square, (fmpq(0), fmpq(0)))) if float_simplex.COMPILED else [0, 1, 2, 3]
    [0, 1, 2, 3]
    """
    if not float_simplex.COMPILED or system.dim == 0:
        return frozenset()
    rows = system.floats()
    center = np.array([to_float(value) for value in inside])
    if not (np.isfinite(rows).all() and np.isfinite(center).all()):
        return frozenset()
    with np.errstate(all="ignore"):  # an overflow leaves a row unproven
        slack = rows[:, -1] - rows[:, :-1] @ center
    found = [index for index in range(system.count) if _is_alone(rows, index, center, float(slack[index]))]
    return frozenset(found)


def _is_alone(rows: float_simplex.Floats, index: int, center: float_simplex.Floats, slack: float) -> bool:
    """Whether a point that violates this row alone is found and proven."""
    check_limits()
    top = rows[index].copy()
    top[-1] += slack
    if not (slack > 0 and np.isfinite(top[-1])):
        return False
    dim = len(center)
    names, point = np.empty(dim + 1, dtype=np.int64), np.empty(dim)
    others = np.delete(rows, index, axis=0)
    status = float_simplex.propose(others, 0, top, False, names, point, np.empty((dim, dim)))
    if status != float_simplex.OPTIMAL:
        return False
    with np.errstate(all="ignore"):
        back = point + _BACK * (center - point)
    beyond = rows.copy()
    beyond[index] = -beyond[index]
    return float_simplex.doubtful(beyond, 0, back, False, np.empty(len(rows), dtype=np.int64)) == 0


__all__ = ["alone_violated"]
