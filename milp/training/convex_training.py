"""Training a two-layer ReLU network to a global optimum, as a convex program over the activation patterns of the data.

The patterns D_1, .., D_P of the data are the cells of the arrangement of the hyperplanes x_n . u = 0, listed by the
exact cell engine. Then::

    min 1/2 | sum_i D_i X (v_i - w_i) - y |^2 + beta sum_i (|v_i| + |w_i|)
    subject to (2 D_i - 1) X v_i >= 0, (2 D_i - 1) X w_i >= 0

has the optimum of ``min 1/2 | sum_k a_k max(0, X u_k) - y |^2 + beta/2 sum_k (|u_k|^2 + a_k^2)`` for enough neurons,
and a best network is read off: ``u = v / sqrt(|v|), a = sqrt(|v|)``, and ``a = -sqrt(|w|)`` for w.

Source: Pilanci and Ergen 2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milp.solvers import SolveReport, deadline_after, require_cvxpy, solve, time_left
from milp.training.activation_patterns import patterns_of_rows
from milp.training.sparse_model import OneHiddenLayer
from nn_bridge.network.network import Network
from polyhedra.arrays import Floats
from polyhedra.errors import FormulationError
from polyhedra.option_types import checked_options
from polyhedra.progress import Steps, with_steps
from polyhedra.quoting import quoted
from polyhedra.values import Value

LOSSES = ("squared", "hinge")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ConvexFit(Value):
    """A globally optimal two-layer network, within the solver's tolerance.

    Attributes
    ----------
    network : OneHiddenLayer or None
        None where the solver found no point.
    objective : float or None
        The non-convex objective of that network.
    optimum : float or None
        The convex optimum; equal to ``objective`` up to the solver's tolerance.
    patterns : int
        The number of activation patterns of the data.
    report : SolveReport
    """

    network: OneHiddenLayer | None
    objective: float | None
    optimum: float | None
    patterns: int
    report: SolveReport


def data_patterns(X: Floats, bias: bool = True, limit: int = 5000, deadline: float | None = None) -> NDArray[np.bool_]:
    """All activation patterns [X u > 0] (with a bias [X u + c > 0]) of full-dimensional cells of parameters.

    Parameters
    ----------
    X : array of shape (N, d)
    bias : bool
    limit : int
        More patterns than this are refused: the convex program has a block of variables for each.
    deadline : float, optional
        A value of ``time.monotonic`` from which on the search ends.

    Returns
    -------
    array of bool, shape (P, N)
        Sorted, exact for the float64 data.
    """
    rows = _augmented(X, bias)
    return np.array(sorted(patterns_of_rows(rows, limit, deadline)), dtype=bool).reshape(-1, len(rows))


@checked_options
@with_steps("Training")
def train_convex(
    X: Any,
    y: Any,
    beta: float,
    *,
    bias: bool = True,
    limit: int = 5000,
    loss: str = "squared",
    solver: str = "CLARABEL",
    time_limit: float | None = 60.0,
    progress: Steps = None,
) -> ConvexFit:
    """Fit a two-layer network with weight decay ``beta`` to a global optimum.

    Its optimum is a lower bound of the same regularised loss of every network of any number of units, and the network
    that is returned reaches it.

    Parameters
    ----------
    X : array of shape (N, d)
    y : array of shape (N,)
        With the hinge loss, labels 1 and -1. For several outputs see `train_convex_outputs`.
    beta : float
        >= 0. The bias, if there is one, is a weight like any other and decays too.
    loss : {"squared", "hinge"}
        ``1/2 |f(X) - y|^2`` or ``sum_n max(0, 1 - y_n f(x_n))``.
    bias : bool
        Whether the hidden neurons have biases.
    limit : int
        As in `data_patterns`.
    solver : str
        Any cone solver of cvxpy.
    time_limit : float or None
        Seconds.
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.
    """
    inputs, outputs = _floats(X, "X"), _floats(y, "y")
    if inputs.ndim != 2 or outputs.shape != inputs.shape[:1] or not len(outputs):
        raise FormulationError(f"X of shape {inputs.shape} and y of shape {outputs.shape} are no data (N, d) and (N,)")
    if not (np.isfinite(inputs).all() and np.isfinite(outputs).all()):
        raise FormulationError("the data have numbers that are not finite")
    if not 0 <= beta < np.inf:
        raise FormulationError(f"beta={beta} is not a number from 0 on")
    if loss not in LOSSES:
        raise FormulationError(f"there is no loss {quoted(loss)}; use one of {', '.join(LOSSES)}")
    if loss == "hinge" and not np.isin(outputs, (-1.0, 1.0)).all():
        raise FormulationError("the hinge loss needs labels 1 and -1")
    cp = require_cvxpy("convex training")
    rows = _augmented(inputs, bias)
    deadline = deadline_after(time_limit)
    patterns = data_patterns(inputs, bias, limit, deadline)
    P, d = len(patterns), rows.shape[1]
    V, W = cp.Variable((d, P)), cp.Variable((d, P))
    active, signs = patterns.T.astype(float), 2.0 * patterns.T - 1.0
    values_v, values_w = rows @ V, rows @ W
    fitted = cp.sum(cp.multiply(active, values_v - values_w), axis=1)
    size = cp.sum(cp.norm(V, 2, axis=0)) + cp.sum(cp.norm(W, 2, axis=0))
    errors = (
        0.5 * cp.sum_squares(fitted - outputs)
        if loss == "squared"
        else cp.sum(cp.pos(1 - cp.multiply(outputs, fitted)))
    )
    problem = cp.Problem(
        cp.Minimize(errors + beta * size),
        [cp.multiply(signs, values_v) >= 0, cp.multiply(signs, values_w) >= 0],
    )
    report = solve(problem, solver=solver, time_limit=time_left(deadline))
    if not report.status.has_point:
        return ConvexFit(None, None, None, P, report)
    network = _neurons(V.value, W.value, bias)
    return ConvexFit(network, regularised_loss(network, inputs, outputs, beta, loss), report.value, P, report)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ConvexOutputsFit(Value):
    """The optimum for several outputs, with the penalty ``sum_k |u_k|_2 |v_k|_1``.

    Attributes
    ----------
    fits : tuple of ConvexFit
        One for each output.
    network : Network or None
        All units side by side, with the exact values of their float64 weights; None where a solver found no point.
    objective, optimum : float or None
        Sums over the outputs.
    """

    fits: tuple[ConvexFit, ...]
    network: Network | None
    objective: float | None
    optimum: float | None


@checked_options
@with_steps("Training")
def train_convex_outputs(
    X: Any,
    Y: Any,
    beta: float,
    *,
    bias: bool = True,
    limit: int = 5000,
    loss: str = "squared",
    solver: str = "CLARABEL",
    time_limit: float | None = 60.0,
    progress: Steps = None,
) -> ConvexOutputsFit:
    """Fit several outputs to a global optimum of the loss plus ``beta sum_k |u_k|_2 |v_k|_1``.

    ``u_k`` holds the weights and bias of unit k, ``v_k`` its weights on all outputs. A unit whose ``v_k`` has several
    entries may be split into one for each output at the same penalty, so the outputs decouple, and each is the problem
    of `train_convex`. The penalty of weight decay is ``sum_k |u_k|_2 |v_k|_2``, which is smaller by at most the root of
    the number of outputs: its problem is copositive (Sahiner et al. 2021) and not solved here, but its optimum lies
    between the optima of this one with ``beta / sqrt(outputs)`` and with ``beta``.

    Parameters
    ----------
    X : array of shape (N, d)
    Y : array of shape (N, C)
    beta, bias, limit, loss, solver, time_limit, progress
        As in `train_convex`; the time limit is for all outputs together.
    """
    table = _floats(Y, "Y")
    if table.ndim != 2 or not table.shape[1]:
        raise FormulationError(f"Y of shape {table.shape} is no table (N, C)")
    deadline = deadline_after(time_limit)
    fits = tuple(
        train_convex(X, column, beta, bias=bias, limit=limit, loss=loss, solver=solver, time_limit=time_left(deadline))
        for column in table.T
    )
    if any(fit.network is None for fit in fits):
        return ConvexOutputsFit(fits, None, None, None)
    models = [fit.network for fit in fits if fit.network is not None]
    sizes = [len(model.v) for model in models]
    outer = np.zeros((len(models), max(1, sum(sizes))))
    for row, model in enumerate(models):
        start = sum(sizes[:row])
        outer[row, start : start + sizes[row]] = model.v
    inner = np.vstack([model.W for model in models])
    shift = np.concatenate([model.b for model in models])
    if not len(inner):
        inner, shift = np.zeros((1, np.asarray(X).shape[1])), np.zeros(1)
    network = Network.from_layers([inner, outer], [shift, np.zeros(len(models))])
    objective = sum(fit.objective or 0.0 for fit in fits)
    return ConvexOutputsFit(fits, network, objective, sum(fit.optimum or 0.0 for fit in fits))


def regularised_loss(network: OneHiddenLayer, X: Floats, y: Floats, beta: float, loss: str = "squared") -> float:
    """The loss plus ``beta/2 s``, where s is the sum of squares of all weights and biases."""
    squares = sum(float(np.sum(part**2)) for part in (network.v, network.W, network.b))
    values = network(X)
    errors = np.sum((values - y) ** 2) / 2 if loss == "squared" else np.sum(np.maximum(0.0, 1 - y * values))
    return float(errors) + 0.5 * beta * squares


def _floats(values: Any, name: str) -> Floats:
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise FormulationError(f"{name}={quoted(values)} is no array of numbers") from None


def _augmented(X: Floats, bias: bool) -> Floats:
    return np.column_stack([X, np.ones(len(X))]) if bias else np.asarray(X, dtype=float)


def _neurons(V: Floats, W: Floats, bias: bool) -> OneHiddenLayer:
    """The neurons of the blocks that are not zero up to the solver's accuracy."""
    columns = np.hstack([V, W])
    signs = np.repeat([1.0, -1.0], V.shape[1])
    norms = np.linalg.norm(columns, axis=0)
    kept = norms > 1e-6 * max(1.0, float(norms.max(initial=0.0)))
    root = np.sqrt(norms[kept])
    weights = (columns[:, kept] / root).T
    if bias:
        return OneHiddenLayer(signs[kept] * root, weights[:, :-1], weights[:, -1])
    return OneHiddenLayer(signs[kept] * root, weights, np.zeros(len(root)))
