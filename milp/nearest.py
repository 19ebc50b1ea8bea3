"""The nearest point of a polyhedron, exactly: a rational quadratic program with its optimality conditions checked.

The point x of {A x <= b} nearest to c is the only one with x = c - A'u, u >= 0 and u (A x - b) = 0. A non-negative
least squares problem in float64 proposes the rows with u > 0; one rational system gives x and u, and all conditions
are checked exactly. Where that fails, a dual active-set method in rationals finds them.

Sources: Lawson and Hanson 1974 (least distance); Goldfarb and Idnani 1983 (dual method).
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from flint import fmpq
from scipy.optimize import nnls

from milp.domain import OutOfTime
from nn_bridge.network.network import Row
from polyhedra.matrix import dot, solve
from polyhedra.scalars import ZERO, rational, to_float


@dataclass(frozen=True, slots=True)
class Nearest:
    """The nearest point, with the proof that none is nearer.

    Attributes
    ----------
    point : tuple of fmpq
    squared : fmpq
        The square of its distance.
    multipliers : dict of int to fmpq
        The rows with positive multipliers: x = c - sum u_i a_i, and each of these rows holds with equality.
    """

    point: Row
    squared: fmpq
    multipliers: dict[int, fmpq]


def nearest_point(
    center: Row,
    rows: Sequence[Row],
    right: Sequence[fmpq],
    deadline: float | None = None,
    *,
    within: fmpq | None = None,
) -> Nearest | None:
    """The point of {A x <= b} nearest to a centre in the Euclidean norm, exactly; None where the set is empty.

    Parameters
    ----------
    center : tuple of fmpq
    rows, right : A and b
    deadline : float, optional
        A value of ``time.monotonic``.
    within : fmpq, optional
        The square of a distance: None is returned too where a cheap proof shows that no point is so near.

    Raises
    ------
    OutOfTime
        The deadline has passed.

    Examples
    --------
    >>> found = nearest_point((fmpq(0), fmpq(0)), [(fmpq(-1), fmpq(-2))], [fmpq(-5)])
    >>> found.point, found.squared
    ((1, 2), 5)
    """
    proposed = _proposed(center, rows, right)
    if proposed is not None:
        if within is not None and _lies_beyond(center, rows, right, proposed, within):
            return None
        found = _checked(center, rows, right, list(proposed))
        if found is not None:
            return found
    return _by_active_sets(center, rows, right, deadline)


def _proposed(center: Row, rows: Sequence[Row], right: Sequence[fmpq]) -> dict[int, float] | None:
    """The rows that hold with equality at the nearest point, as floats see it, with multiples of their weights."""
    if not rows:
        return {}
    table = np.array([[to_float(v) for v in row] for row in rows])
    gap = np.array([to_float(dot(row, center) - b) for row, b in zip(rows, right, strict=True)])
    if not (np.isfinite(table).all() and np.isfinite(gap).all()):
        return None
    size = np.linalg.norm(table, axis=1)
    size[size == 0] = 1.0
    system = np.vstack([(-table / size[:, None]).T, gap / size])  # |x - c| least with -A (x - c) >= A c - b
    scale = float(np.abs(system[-1]).max(initial=0.0))
    if scale > 0:
        system[-1] /= scale
    target = np.zeros(len(system))
    target[-1] = 1.0
    try:
        weights, _ = nnls(system, target)
    except (RuntimeError, ValueError, np.linalg.LinAlgError):
        return None
    chosen = np.nonzero(weights > 1e-12 * weights.max(initial=0.0))[0]
    return {int(i): float(weights[i] / size[i]) for i in chosen}


def _lies_beyond(
    center: Row, rows: Sequence[Row], right: Sequence[fmpq], proposed: dict[int, float], within: fmpq
) -> bool:
    """Whether these weights u >= 0 prove that all points are further away: u.(A c - b) <= |A'u| |c - x| for each x."""
    least, normal = ZERO, [ZERO] * len(center)
    for i, weight in proposed.items():
        if not math.isfinite(weight) or weight <= 0:
            return False
        u = rational(weight)
        least += u * (dot(rows[i], center) - right[i])
        for j, a in enumerate(rows[i]):
            if a != 0:
                normal[j] += u * a
    return bool(least > 0 and least * least > within * dot(normal, normal))


def _checked(center: Row, rows: Sequence[Row], right: Sequence[fmpq], chosen: Sequence[int]) -> Nearest | None:
    """The point of these active rows, if it fulfils all conditions."""
    if not chosen:
        weights: Row | None = ()
    else:
        gram = tuple(tuple(dot(rows[i], rows[j]) for j in chosen) for i in chosen)
        weights = solve(gram, tuple(dot(rows[i], center) - right[i] for i in chosen))
    if weights is None or any(u < 0 for u in weights):
        return None
    step = [ZERO] * len(center)
    for i, u in zip(chosen, weights, strict=True):
        for j, a in enumerate(rows[i]):
            if a != 0:
                step[j] += u * a
    point = tuple(c - s for c, s in zip(center, step, strict=True))
    if any(dot(row, point) > b for row, b in zip(rows, right, strict=True)):
        return None
    positive = {i: u for i, u in zip(chosen, weights, strict=True) if u > 0}
    return Nearest(point, dot(step, step), positive)


def _by_active_sets(center: Row, rows: Sequence[Row], right: Sequence[fmpq], deadline: float | None) -> Nearest | None:
    """The dual method: the nearest point for some rows, and one violated row after another is added."""
    point, active, weights = center, [], []  # type: tuple[Row, list[int], list[fmpq]]
    while True:
        excess = [dot(row, point) - b for row, b in zip(rows, right, strict=True)]
        entering = max(range(len(rows)), key=excess.__getitem__, default=-1)
        if entering < 0 or excess[entering] <= 0:
            distance = tuple(c - x for c, x in zip(center, point, strict=True))
            positive = {i: u for i, u in zip(active, weights, strict=True) if u > 0}
            return Nearest(point, dot(distance, distance), positive)
        new, weight = rows[entering], ZERO
        while True:
            if deadline is not None and time.monotonic() > deadline:
                raise OutOfTime("time limit")
            share = _shares(rows, active, new)
            direction = list(new)
            for i, s in zip(active, share, strict=True):
                direction = [d - s * a for d, a in zip(direction, rows[i], strict=True)]
            length = dot(direction, new)
            full = None if length == 0 else (dot(new, point) - right[entering]) / length
            ratios = [(weights[k] / s, k) for k, s in enumerate(share) if s > 0]
            if full is None and not ratios:
                return None  # a combination of rows with no solution
            step, leaving = min(ratios) if ratios else (full, -1)
            if full is not None and (step is None or full <= step):
                step, leaving = full, -1
            assert step is not None
            point = tuple(x - step * d for x, d in zip(point, direction, strict=True))
            weights = [u - step * s for u, s in zip(weights, share, strict=True)]
            weight += step
            if leaving < 0:
                active.append(entering)
                weights.append(weight)
                break
            del active[leaving], weights[leaving]


def _shares(rows: Sequence[Row], active: Sequence[int], new: Row) -> Row:
    """The coefficients of the orthogonal projection of a row onto the span of the active ones."""
    if not active:
        return ()
    gram = tuple(tuple(dot(rows[i], rows[j]) for j in active) for i in active)
    found = solve(gram, tuple(dot(rows[i], new) for i in active))
    assert found is not None  # the active rows are independent
    return found
