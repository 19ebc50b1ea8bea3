"""Training a network with one hidden layer by full-batch gradient steps: plain, with weight decay, or towards sparsity.

For the lp path norm sum |v_k w_ki|^p with 0 < p <= 1 each step is a reweighted l1 step. Concavity gives |t|^p <=
|t0|^p + p |t0|^(p-1) (|t| - |t0|), so with c_ki = p (|v_k w_ki| + eps)^(p-1) from the last epoch: a gradient step on
the loss, a rescaling to |v_k| = 1, which changes no output, and soft thresholding of w and b by gamma lambda c.

Sources: Nakhleh and Nowak 2025 for the norm; Candes, Wakin, Boyd 2008 for reweighting.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from milp.training.sparse_model import OneHiddenLayer
from polyhedra.arrays import Floats
from polyhedra.errors import FormulationError
from polyhedra.randomness import generator_and_seed


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
    epsilon: float = 1e-6
    epochs: int = 2000
    reweight_from: int = 5

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
    """
    chosen = TrainingOptions() if options is None else options
    generator, seed = generator_and_seed(rng)
    N, d = X.shape
    W = generator.normal(size=(neurons, d)) * np.sqrt(2 / d)
    b = 0.1 * generator.normal(size=neurons)
    v = generator.choice([-1.0, 1.0], size=neurons) / np.sqrt(neurons)
    thresholds = np.ones((neurons, d + 1))
    for epoch in range(chosen.epochs):
        g = X @ W.T + b
        h = np.maximum(g, 0.0)
        error = 2.0 / N * (h @ v - y)
        back = error[:, None] * v * (g > 0)
        dv, dW, db = h.T @ error, back.T @ X, back.sum(axis=0)
        if chosen.regularisation == "weight-decay":
            dv, dW, db = dv + chosen.strength * v, dW + chosen.strength * W, db + chosen.strength * b
        v, W, b = v - chosen.step * dv, W - chosen.step * dW, b - chosen.step * db
        if chosen.regularisation == "path-norm":
            model = OneHiddenLayer(v, W, b).balanced()
            v = model.v
            inner = np.column_stack([model.W, model.b])
            if epoch >= chosen.reweight_from:
                thresholds = chosen.p * (np.abs(inner) + chosen.epsilon) ** (chosen.p - 1)
            shrunk = np.maximum(np.abs(inner) - chosen.step * chosen.strength * thresholds, 0.0)
            inner = np.sign(inner) * shrunk
            W, b = inner[:, :-1], inner[:, -1]
    return OneHiddenLayer(v, W, b, seed)
