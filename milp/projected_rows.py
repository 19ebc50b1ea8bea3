"""The projected ideal rows of a ReLU: its convex hull over a box in the inputs and the value alone, without a binary.

With Lb_j the end of the box where w_j h_j is least, Ub_j the other, and ell(I) = b + sum_{j in I} w_j Lb_j + sum_{j not
in I} w_j Ub_j: for every set I and every p not in I with ell(I) >= 0 > ell(I + p)::

    y <= sum_{j in I} w_j (h_j - Lb_j) + ell(I) / (Ub_p - Lb_p) (h_p - Lb_p)

Together with y >= 0 and y >= g they describe the hull. The right-hand side is a sum of the shares t_j = (h_j - Lb_j) /
(Ub_j - Lb_j), each with a weight of at most \\|w_j\\| times the width of its interval, and weights ell({}) together; so
the least one at a point takes the smallest shares first.

Source: Anderson, Huchette, Ma, Tjandraatmadja, Vielma 2020.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from polyhedra.arrays import Floats

WHOLE_LIST = 12
"""Units that read at most so many inputs get the whole list; others rows where a point breaks one."""

Row = tuple[Floats, float]
"""Coefficients of the inputs and a constant: the row says y <= coefficients . h + constant."""


def least_row(weights: Floats, bias: float, low: Floats, high: Floats, h: Floats) -> Row | None:
    """The row of one unit whose right-hand side is least at a point; None where the unit is stable on the box."""
    least, sizes, room = _sizes(weights, bias, low, high)
    moving = np.nonzero(sizes > 0)[0]
    if room < 0 or room >= sizes.sum():
        return None
    shares = np.abs(h - least)[moving] / (high - low)[moving]
    chosen: list[int] = []
    for j in moving[np.argsort(shares, kind="stable")].tolist():
        if room - sizes[j] < 0:
            return _row(weights, least, sizes, chosen, j, room)
        room -= sizes[j]
        chosen.append(j)
    return None


def all_rows(weights: Floats, bias: float, low: Floats, high: Floats) -> Iterator[Row]:
    """Every row of one unit; their number grows exponentially with the inputs that it reads."""
    least, sizes, room = _sizes(weights, bias, low, high)
    moving = np.nonzero(sizes > 0)[0].tolist()
    for count in range(len(moving)):
        for chosen in combinations(moving, count):
            left = room - float(sizes[list(chosen)].sum())
            if left < 0:
                continue
            for p in moving:
                if p not in chosen and left - sizes[p] < 0:
                    yield _row(weights, least, sizes, list(chosen), p, left)


def _sizes(weights: Floats, bias: float, low: Floats, high: Floats) -> tuple[Floats, Floats, float]:
    """Lb, \\|w_j\\| times the widths, and ell({})."""
    positive = weights >= 0
    return (
        np.where(positive, low, high),
        np.abs(weights) * (high - low),
        float(bias + np.where(positive, high, low) @ weights),
    )


def _row(weights: Floats, least: Floats, sizes: Floats, chosen: list[int], p: int, left: float) -> Row:
    coefficients = np.zeros(len(weights))
    coefficients[chosen] = weights[chosen]
    coefficients[p] = weights[p] * (left / sizes[p])
    return coefficients, -float(coefficients @ least)
