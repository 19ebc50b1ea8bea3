"""Rows proven to be facets by a point that satisfies all rows but one: found and checked in doubles.

A row of a full-dimensional system without repeated rows is a facet iff some point violates it alone.  A linear program
in doubles proposes the point: it maximises the row over the others, up to as far beyond the row as a given inner point
is before it.  A quarter of the way back to the inner point, the other rows hold strictly and the row is still violated;
an error bound proves both.  So a facet costs one linear program and no exact number; what is not proven is left to the
caller.

A variable that one row alone reads makes this row a facet: moved far enough along the variable, an inner point violates
it and no other.  For the same reason the others do not depend on it: whatever they ask for, the variable can be chosen
such that the row holds.  Such rows are left out first, with their variables; the inactive units of a network make many.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from flint import fmpq

from polyhedra import float_simplex
from polyhedra.arrays import Floats
from polyhedra.limits import check_limits
from polyhedra.scalars import to_float
from polyhedra.system import System

_BACK = 0.25
"""The share of the way back to the inner point; more than 0 and less than 1/2."""

_RAYS = 256  # at once


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
    single, left, variables = _set_apart(system)
    rows = np.ascontiguousarray(system.floats()[np.ix_(left, [*variables, system.dim])])
    center = np.array([to_float(inside[j]) for j in variables])
    if not (variables and np.isfinite(rows).all() and np.isfinite(center).all()):
        return frozenset(single)
    with np.errstate(all="ignore"):  # an overflow leaves a row unproven
        slack = rows[:, -1] - rows[:, :-1] @ center
    found = [number for index, number in enumerate(left) if _is_alone(rows, index, center, float(slack[index]))]
    return frozenset([*single, *found])


def _set_apart(system: System) -> tuple[list[int], list[int], list[int]]:
    """Rows with a variable that no row left reads, one after another; the rows and the variables that are left."""
    reads = system.floats()[:, :-1] != 0
    single: list[int] = []
    rows, variables = np.ones(system.count, bool), np.ones(system.dim, bool)
    while True:
        counts = reads[rows].sum(axis=0)
        variables &= counts > 0
        found = np.flatnonzero(variables & (counts == 1))
        progress = False
        for j in found.tolist():
            (row,) = np.flatnonzero(rows & reads[:, j]) if (rows & reads[:, j]).sum() == 1 else (None,)
            # a float may be 0 where the exact number is not
            if row is not None and not any(system.row(i)[j] for i in np.flatnonzero(rows).tolist() if i != row):
                single.append(int(row))
                rows[row] = variables[j] = False
                progress = True
        if not progress:
            return single, np.flatnonzero(rows).tolist(), np.flatnonzero(variables).tolist()


def _is_alone(rows: Floats, index: int, center: Floats, slack: float) -> bool:
    """Whether a point that violates this row alone is found and proven."""
    check_limits()
    top = rows[index].copy()
    with np.errstate(over="ignore"):  # left unproven below
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


def met_by_rays(system: System, inside: Sequence[fmpq]) -> frozenset[int]:
    """Rows proven to be facets by rays from an inner point, one along the normal of each row.

    Between the first row that a ray meets and the second one, points violate the first alone.

    Parameters
    ----------
    system : System
        Inequalities only.
    inside : point
        Satisfies all of them strictly.

    Returns
    -------
    frozenset of int
        Numbers of rows; many facets may be missing.

    Examples
    --------
    >>> square = System([[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1]], [1, 1, 1, 1, 3])
    >>> sorted(met_by_rays(square, (fmpq(0), fmpq(0)))) if float_simplex.COMPILED else [0, 1, 2, 3]
    [0, 1, 2, 3]
    """
    rows = np.ascontiguousarray(system.floats())
    center = np.array([to_float(v) for v in inside])
    if not (float_simplex.COMPILED and system.dim and np.isfinite(rows).all() and np.isfinite(center).all()):
        return frozenset()
    normals = rows[:, :-1]
    found: dict[int, Floats] = {}
    with np.errstate(all="ignore"):  # what is not a number proves nothing below
        slack = rows[:, -1] - normals @ center
        for begin in range(0, len(rows), _RAYS):
            check_limits()
            directions = normals[begin : begin + _RAYS]
            speeds = directions @ normals.T
            times = np.where(speeds > 0, slack / speeds, np.inf)
            first = np.argmin(times, axis=1)
            ray = np.arange(len(directions))
            reach = times[ray, first]
            times[ray, first] = np.inf
            beyond = np.minimum(reach + (times.min(axis=1) - reach) / 2, 2 * reach)
            for k in np.flatnonzero(np.isfinite(beyond) & (beyond > reach)).tolist():
                found.setdefault(int(first[k]), center + beyond[k] * directions[k])
    scratch = np.empty(len(rows), dtype=np.int64)
    proven = []
    for row, point in found.items():
        turned = rows[row].copy()
        rows[row] = -turned
        if float_simplex.doubtful(rows, 0, point, False, scratch) == 0:
            proven.append(row)
        rows[row] = turned
    return frozenset(proven)


__all__ = ["alone_violated", "met_by_rays"]
