"""The gradient of one combination of outputs as expressions of a mixed-integer model.

Backwards through the network: with d = the derivative by the values of a stage, the derivative by its pre-activations
is p = z d, a product of a binary and a bounded expression, which is written with four rows. On the kinks z is free,
so the model sees every gradient of a neighbouring pattern, of cells of lower dimension too: its maximum is an upper
bound of the maximum over full-dimensional cells, and a pattern that it proposes must be confirmed.

Source: Jordan and Dimakis 2020 (LipMIP).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from milp.bounds import Bounds, OutOfRange, Stability
from milp.formulations.network import NetworkModel
from milp.solvers import require_cvxpy
from nn_bridge.network.network import INPUT, AffineStage, Matrix, Network, Pattern, Row, float_matrix
from polyhedra.scalars import ZERO, to_float


def gradient_model(network: Network, model: NetworkModel, weights: Sequence[fmpq]) -> tuple[Any, list[Any]]:
    """The gradient by x of ``weights . f`` as a cvxpy expression, and the rows that define it.

    Parameters
    ----------
    network, model
        The network and its encoding, whose binaries are used.
    weights : sequence of fmpq
        One weight an output.
    """
    cp = require_cvxpy("a gradient model")
    assert model.bounds is not None
    row = np.array([to_float(w) for w in weights])
    total: dict[int, Any] = {}
    ends: dict[int, tuple[Any, Any]] = {}

    def add(source: int, expression: Any, low: Any, high: Any) -> None:
        total[source] = expression if source not in total else total[source] + expression
        old = ends.get(source)
        ends[source] = (low, high) if old is None else (old[0] + low, old[1] + high)

    for source, matrix in network.output.blocks:
        constant = row @ finite_matrix(matrix)
        add(source, cp.Constant(constant), constant, constant)
    rows: list[Any] = []
    for k in range(len(network.stages) - 1, -1, -1):
        if k + 1 not in total:
            continue
        d, (low, high) = total.pop(k + 1), ends.pop(k + 1)
        p, p_low, p_high, more = _masked(d, low, high, model.binaries[k], model.bounds, k)
        rows += more
        for source, matrix in network.stages[k].blocks:
            W = finite_matrix(matrix)
            positive, negative = np.maximum(W, 0), np.minimum(W, 0)
            add(source, W.T @ p, positive.T @ p_low + negative.T @ p_high, positive.T @ p_high + negative.T @ p_low)
    gradient = total.get(INPUT)
    return (cp.Constant(np.zeros(network.input_dim)) if gradient is None else gradient), rows


def _masked(d: Any, low: Any, high: Any, z: Any, bounds: Bounds, stage: int) -> tuple[Any, Any, Any, list[Any]]:
    """p = z d for each unit, with bounds of p and the rows of the product."""
    cp = require_cvxpy("a gradient model")
    size = len(bounds.lower[stage])
    unstable = list(bounds.unstable(stage))
    active = np.array([bounds.lower[stage][i] >= 0 for i in range(size)])
    mask = np.isin(np.arange(size), unstable)
    p_low = np.where(active, low, np.where(mask, np.minimum(low, 0), 0.0))
    p_high = np.where(active, high, np.where(mask, np.maximum(high, 0), 0.0))
    p = cp.Variable(size)
    # p = d where active, p = 0 where inactive, both switched by z where unstable
    rows = [
        p >= cp.multiply(np.minimum(low, 0), z),
        p <= cp.multiply(np.maximum(high, 0), z),
        p >= d - cp.multiply(np.maximum(high, 0), 1 - z),
        p <= d - cp.multiply(np.minimum(low, 0), 1 - z),
    ]
    return p, p_low, p_high, rows


def finite_matrix(matrix: Matrix) -> NDArray[np.float64]:
    """A matrix in float64.

    Raises
    ------
    OutOfRange
        An entry leaves the range of float64.
    """
    result = float_matrix(matrix)
    if not np.isfinite(result).all():
        raise OutOfRange("a weight leaves the range of float64; rescale the weights or the inputs")
    return result


def exact_gradient(network: Network, pattern: Pattern, weights: Sequence[fmpq]) -> Row:
    """The exact gradient of ``weights . f`` on the cell of a pattern."""
    outputs = network.affine_forms(pattern)[-1]
    return tuple(
        sum((w * form[j] for w, form in zip(weights, outputs, strict=True)), ZERO) for j in range(network.input_dim)
    )


def gradient_interval(network: Network, bounds: Bounds, weights: Sequence[fmpq]) -> tuple[Row, Row]:
    """Exact lower and upper bounds of the gradient over the domain, by intervals: unstable units switch on or off."""
    low: dict[int, list[fmpq]] = {}
    high: dict[int, list[fmpq]] = {}

    def add(stage: AffineStage, p_low: Sequence[fmpq], p_high: Sequence[fmpq]) -> None:
        for source, matrix in stage.blocks:
            least = low.setdefault(source, [ZERO] * len(matrix[0]))
            greatest = high.setdefault(source, [ZERO] * len(matrix[0]))
            for row, a, b in zip(matrix, p_low, p_high, strict=True):
                for j, w in enumerate(row):
                    if w != 0:
                        least[j] += w * (a if w > 0 else b)
                        greatest[j] += w * (b if w > 0 else a)

    add(network.output, weights, weights)
    for k in range(len(network.stages) - 1, -1, -1):
        if k + 1 not in low:
            continue
        d_low, d_high = low.pop(k + 1), high.pop(k + 1)
        for i in range(len(d_low)):
            stability = bounds.stability(k, i)
            # a unit that is 0 at its least may vanish on a cell, and then it does not pass the derivative on
            if stability is Stability.INACTIVE:
                d_low[i] = d_high[i] = ZERO
            elif stability is Stability.UNSTABLE or bounds.lower[k][i] == 0:
                d_low[i], d_high[i] = min(d_low[i], ZERO), max(d_high[i], ZERO)
        add(network.stages[k], d_low, d_high)
    zeros = [ZERO] * network.input_dim
    return tuple(low.get(INPUT, zeros)), tuple(high.get(INPUT, zeros))
