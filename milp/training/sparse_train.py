"""Training a network with one hidden layer by full-batch gradient steps: plain, with weight decay, or towards sparsity.

For the lp path norm sum |v_k w_ki|^p with 0 < p <= 1 each step is a reweighted l1 step. Concavity gives |t|^p <=
|t0|^p + p |t0|^(p-1) (|t| - |t0|), so with c_ki = p (|v_k w_ki| + eps)^(p-1) from the last epoch: a gradient step on
the loss, a rescaling to |v_k| = 1, which changes no output, and soft thresholding of w and b by gamma lambda c.

Sources: Nakhleh and Nowak 2025 for the norm; Candes, Wakin, Boyd 2008 for reweighting.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from milp.training.sparse_model import OneHiddenLayer
from polyhedra.arrays import Floats
from polyhedra.errors import FormulationError
from polyhedra.randomness import generator_and_seed

EPSILON = 1e-6
"""Keeps the weights of the reweighted step finite."""

REWEIGHT_FROM = 5
"""The epoch from which the thresholds follow the weights; before it they are all 1."""

_EXPLODED = 1e8  # times the first loss (or 1): no step of a training that goes well comes there


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """How to train.

    Attributes
    ----------
    regularisation : {"none", "weight-decay", "path-norm"}
    p : float
        The exponent of the path norm, 0 < p <= 1.
    step, strength : float
        gamma and lambda.
    epsilon : float
        Keeps the weights of the reweighted step finite.
    epochs : int
    reweight_from : int
        The epoch from which the thresholds follow the weights; before it they are all 1.
    """

    regularisation: str = "none"
    p: float = 0.4
    step: float = 0.01
    strength: float = 0.005
    epsilon: float = EPSILON
    epochs: int = 2000
    reweight_from: int = REWEIGHT_FROM

    def __post_init__(self) -> None:
        if self.regularisation not in ("none", "weight-decay", "path-norm"):
            raise FormulationError(
                f"there is no regularisation {self.regularisation!r}; use none, weight-decay or path-norm"
            )
        if not 0 < self.p <= 1:
            raise FormulationError(f"p={self.p} is not in (0, 1]")


def train(
    X: Floats,
    y: Floats,
    neurons: int,
    options: TrainingOptions | None = None,
    *,
    rng: int | np.random.Generator | None = None,
) -> OneHiddenLayer:
    """Fit a network with one hidden layer to data (mean squared error).

    Parameters
    ----------
    X : array of shape (N, d)
    y : array of shape (N,)
    neurons : int
    options : TrainingOptions, optional
    rng : int or numpy Generator, optional
        For the initial weights; a seed is drawn where there is none, and remembered.

    Raises
    ------
    FormulationError
        Data that cannot be fitted, or a training that diverges.
    """
    chosen = TrainingOptions() if options is None else options
    X, y = training_data(X, y)
    generator, seed = generator_and_seed(rng)
    N, d = X.shape
    start = initial_model(d, neurons, generator, seed)
    W, b, v = start.W, start.b, start.v
    thresholds: Floats | float = 1.0
    first: float | None = None
    for epoch in range(chosen.epochs):
        with np.errstate(over="ignore", invalid="ignore"):
            g = X @ W.T + b
            h = np.maximum(g, 0.0)
            error = 2.0 / N * (h @ v - y)
            loss = N / 4.0 * float(error @ error)
        checked = checked_loss(loss, first, chosen.regularisation, epoch, chosen.step)
        first = checked if first is None else first
        back = error[:, None] * v * (g > 0)
        dv, dW, db = h.T @ error, back.T @ X, back.sum(axis=0)
        if chosen.regularisation == "weight-decay":
            dv, dW, db = dv + chosen.strength * v, dW + chosen.strength * W, db + chosen.strength * b
        v, W, b = v - chosen.step * dv, W - chosen.step * dW, b - chosen.step * db
        if chosen.regularisation == "path-norm":
            model = OneHiddenLayer(v, W, b).balanced()
            if epoch >= chosen.reweight_from:
                thresholds = thresholds_of(model, chosen.p, chosen.epsilon)
            model = shrink(model, chosen.step * chosen.strength * thresholds)
            v, W, b = model.v, model.W, model.b
    return OneHiddenLayer(v, W, b, seed)


def training_data(X: Any, y: Any) -> tuple[Floats, Floats]:
    """The data as float arrays.

    Raises
    ------
    FormulationError
        Shapes that do not fit, or numbers that are not finite.
    """
    try:
        inputs, outputs = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise FormulationError(f"the data are not numbers: {error}") from None
    if inputs.ndim != 2 or outputs.shape != inputs.shape[:1] or not len(outputs):
        raise FormulationError(f"X of shape {inputs.shape} and y of shape {outputs.shape} are no data (N, d) and (N,)")
    for name, part in (("X", inputs), ("y", outputs)):
        if not np.isfinite(part).all():
            row = int(np.argwhere(~np.isfinite(part))[0][0])
            raise FormulationError(f"row {row} of {name} has a number that is not finite: remove or mend the row")
    return inputs, outputs


def initial_model(features: int, neurons: int, generator: np.random.Generator, seed: int | None) -> OneHiddenLayer:
    """Gaussian weights of variance 2/d, small biases, output weights of one size and random sign."""
    W = generator.normal(size=(neurons, features)) * np.sqrt(2 / features)
    b = 0.1 * generator.normal(size=neurons)
    v = generator.choice([-1.0, 1.0], size=neurons) / np.sqrt(neurons)
    return OneHiddenLayer(v, W, b, seed)


def thresholds_of(model: OneHiddenLayer, p: float, epsilon: float = EPSILON) -> Floats:
    """The weights (K, d + 1) of the reweighted l1 step for a model with |v_k| = 1; biases come last."""
    inner = np.column_stack([model.W, model.b])
    return np.asarray(p * (np.abs(inner) + epsilon) ** (p - 1))


def shrink(model: OneHiddenLayer, size: Floats | float) -> OneHiddenLayer:
    """Soft thresholding of the hidden weights and biases."""
    inner = np.column_stack([model.W, model.b])
    inner = np.sign(inner) * np.maximum(np.abs(inner) - size, 0.0)
    return OneHiddenLayer(model.v, inner[:, :-1], inner[:, -1], model.seed)


def checked_loss(loss: float, first: float | None, name: str, epoch: int, step: float) -> float:
    """The loss of an epoch.

    Raises
    ------
    FormulationError
        It is not finite, or far above the first one: the training diverges.
    """
    if not math.isfinite(loss) or (first is not None and loss > _EXPLODED * max(first, 1.0)):
        raise FormulationError(
            f"training ({name}) diverges: the loss is {loss:.3g} in epoch {epoch}; use a smaller step than {step:g}, "
            "or rescale the data"
        )
    return loss
