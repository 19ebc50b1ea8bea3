"""Projected ideal rows in the exact search: added where the relaxation's point breaks them, each proved on its own.

For any coefficients ``a`` the row ``u <= a . h + c`` holds for ``u = max(0, w . h + b)`` on a box if c is at least both
the greatest ``-a . h`` and the greatest ``w . h + b - a . h`` there. The set of inputs comes from floating point
(`milp.projected_rows`); c is computed from it in rationals, so a row is valid however it was found.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from flint import fmpq

from milp.projected_rows import least_row
from milp.relaxation import Relaxation
from nn_bridge.network.network import Network
from polyhedra.arrays import Floats
from polyhedra.scalars import ZERO, rational, to_float

WORTH = 1e-4
"""A row is added where it is broken by more than this share of the unit's range."""


def add_root_cuts(
    relaxation: Relaxation, network: Network, units: list[tuple[int, int]], point: Floats, box: tuple[Floats, Floats]
) -> int:
    """Add, for each of these unstable units, the projected row that a point breaks most; and say how many there were.

    Parameters
    ----------
    relaxation : Relaxation
    network : Network
    units : list of (stage, unit)
    point : array
        A point of the relaxation, all columns.
    box : pair of arrays
        Ends of all columns that hold at every node.
    """
    cuts: list[tuple[dict[int, fmpq], fmpq]] = []
    for k, i in units:
        terms = relaxation.terms(network.stages[k], i)
        columns = list(terms)
        if len(columns) < 2:
            continue  # of one input the row is the line of the triangle
        low, high = box[0][columns], box[1][columns]
        weights, bias = np.array([to_float(w) for w in terms.values()]), to_float(network.stages[k].bias[i])
        if not (np.isfinite(weights).all() and np.isfinite(bias)):
            continue
        with np.errstate(all="ignore"):
            row = least_row(weights, bias, low, high, point[columns])
        if row is None or not np.isfinite(row[0]).all():
            continue
        coefficients, constant = row
        size = relaxation.bounds.upper[k][i] - relaxation.bounds.lower[k][i]
        if not point[relaxation.unit(k, i)] - (coefficients @ point[columns] + constant) > WORTH * size:
            continue
        chosen = {column: rational(float(a)) for column, a in zip(columns, coefficients, strict=True)}
        ends = {column: (rational(float(box[0][column])), rational(float(box[1][column]))) for column in columns}
        right = least_constant(terms, network.stages[k].bias[i], chosen, ends)
        cuts.append(({relaxation.unit(k, i): rational(1), **{j: -a for j, a in chosen.items() if a}}, right))
    if cuts:
        relaxation.add_rows(cuts)
    return len(cuts)


def least_constant(
    weights: Mapping[int, fmpq],
    bias: fmpq,
    coefficients: Mapping[int, fmpq],
    ends: Mapping[int, tuple[fmpq, fmpq]],
) -> fmpq:
    """The least c with ``max(0, w . h + b) <= a . h + c`` on a box, exactly."""
    silent, active = ZERO, bias
    for column, weight in weights.items():
        a, (low, high) = coefficients[column], ends[column]
        silent += max(-a * low, -a * high)
        active += max((weight - a) * low, (weight - a) * high)
    return max(silent, active)
