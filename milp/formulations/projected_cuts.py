"""The projected ideal rows of `milp.projected_rows` as constraints: all of a unit's, or those that a point breaks."""

from __future__ import annotations

from typing import Any

import numpy as np

from milp.formulations.rule import Encoded, Preactivation
from milp.projected_rows import all_rows, least_row


def whole_list(pre: Preactivation, y: Any, units: Any) -> list[Any]:
    """All rows of some units, as cvxpy constraints."""
    result: list[Any] = []
    for i in units:
        rows = list(all_rows(pre.weights[i], float(pre.bias[i]), pre.input_lower, pre.input_upper))
        if rows:
            table = np.array([coefficients for coefficients, _ in rows])
            result.append(y[i] <= table @ pre.inputs + np.array([constant for _, constant in rows]))
    return result


def separate(pre: Preactivation, encoded: Encoded, tolerance: float = 1e-6) -> list[Any]:
    """The row of each unit that the current values of the variables break most, if any."""
    h, y = np.asarray(pre.inputs.value, dtype=float), np.asarray(encoded.output.value, dtype=float)
    found = []
    for i in range(pre.size):
        row = least_row(pre.weights[i], float(pre.bias[i]), pre.input_lower, pre.input_upper, h)
        if row is not None and y[i] - (row[0] @ h + row[1]) > tolerance * (pre.upper[i] - pre.lower[i]):
            found.append(encoded.output[i] <= row[0] @ pre.inputs + row[1])
    return found
