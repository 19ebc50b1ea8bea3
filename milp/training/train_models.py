"""Training one model with each regularisation from one start: none, weight decay, and path norms, by torch.

All steps are full-batch steps in float64 on the mean squared error. Without regularisation Adam takes them, for weight
decay AdamW (the decay is decoupled from the gradient), for a path norm a plain gradient step, a rescaling to
``|v_k| = 1``, and the soft thresholding of `milp.training.sparse_train`.

Sources: Loshchilov and Hutter 2019 for AdamW; Nakhleh and Nowak 2025 for the path norm.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from milp.training.interpolation import fits
from milp.training.sparse_model import OneHiddenLayer
from milp.training.sparse_train import REWEIGHT_FROM, checked_loss, initial_model, shrink, thresholds_of, training_data
from nn_bridge.network.network import Network
from polyhedra.arrays import Floats
from polyhedra.errors import FormulationError, MissingExtraError
from polyhedra.option_types import checked_options
from polyhedra.quoting import shown
from polyhedra.randomness import generator_and_seed
from polyhedra.scalars import rational_rows, rationals, to_float
from polyhedra.values import Value


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TrainedModel(Value):
    """A model after its training, and how it went.

    Attributes
    ----------
    name : str
        "none", "weight decay" or "path norm 0.4".
    p : float or None
        The exponent of the path norm.
    epochs : int
        Steps that were taken.
    losses : float array of shape (epochs + 1,)
        The mean squared error before the first step and after each.
    metrics : dict
        "mse", "max_error", "nonzeros" (entries of absolute value above 1e-3), "active_neurons", "path_norm" (p = 1) and
        "fits": whether all samples are fitted exactly.
    model : OneHiddenLayer
    seed : int or None
        Of the start.
    """

    name: str
    p: float | None
    epochs: int
    losses: Floats = field(repr=False)
    metrics: dict[str, float]
    model: OneHiddenLayer = field(repr=False)
    seed: int | None


class MaxParams(NamedTuple):
    """The largest absolute values of a model's hidden weights, hidden biases and output weights."""

    weight: float
    bias: float
    output: float


NEGLIGIBLE = 1e-3
"""Entries up to this size count as zero in the metrics of a trained model."""


@checked_options
def train_models(
    X: Any,
    y: Any,
    neurons: int,
    *,
    exponents: Sequence[float] = (0.4, 0.7, 1.0),
    epochs: int = 2000,
    step: float = 0.01,
    strength: float = 0.005,
    decay: float = 0.01,
    rng: int | np.random.Generator | None = None,
) -> tuple[TrainedModel, ...]:
    """Train a network with one hidden layer without regularisation, with weight decay, and with path norms.

    Parameters
    ----------
    X : array of shape (N, d)
    y : array of shape (N,)
    neurons : int
    exponents : sequence of float
        p of the path norms ``sum |v_k w_ki|^p``, 0 < p <= 1.
    epochs : int
    step : float
        Of every optimiser.
    strength : float
        Of the path norm.
    decay : float
        AdamW's weight decay.
    rng : int or numpy Generator, optional
        For the one start of all models.

    Returns
    -------
    tuple of TrainedModel
        In this order; `best_model` takes the best.

    Raises
    ------
    FormulationError
        Bad data or options, or a training that diverges (its name and epoch are in the message).
    MissingExtraError
        torch is not installed.

    Examples
    --------
    >>> models = train_models([[-1.0], [0.0], [1.0]], [1.0, 0.0, 1.0], 4, epochs=50, rng=0)
    >>> [model.name for model in models]
    ['none', 'weight decay', 'path norm 0.4', 'path norm 0.7', 'path norm 1']
    >>> models[0].losses.shape, bool(models[0].losses[-1] < models[0].losses[0])
    ((51,), True)
    """
    inputs, outputs = training_data(X, y)
    for option, value in (("step", step), ("strength", strength), ("decay", decay)):
        if not (math.isfinite(value) and value >= 0 and (value or option != "step")):
            raise FormulationError(f"{option}={shown(value)} is not a positive number")
    if neurons < 1 or epochs < 0:
        raise FormulationError(f"neurons={shown(neurons)} and epochs={shown(epochs)} must be positive")
    for exponent in exponents:
        if not 0 < exponent <= 1:
            raise FormulationError(f"p={shown(exponent)} is not in (0, 1]")
    generator, seed = generator_and_seed(rng)
    start = initial_model(inputs.shape[1], neurons, generator, seed)
    plans: list[tuple[str, float | None]] = [("none", None), ("weight decay", None)]
    plans += [(f"path norm {p:g}", p) for p in exponents]
    found = []
    with _torch() as torch:
        for name, p in plans:
            trainer = _Trainer(torch, name, start, inputs, outputs, step)
            model, losses = trainer.run(epochs, None if p is None else (p, strength), decay)
            found.append(TrainedModel(name, p, epochs, losses, metrics(model, inputs, outputs), model, seed))
    return tuple(found)


@checked_options
def best_model(models: Sequence[TrainedModel], *, within: float = 0.05) -> TrainedModel:
    """The model with the fewest non-zeros among those whose error is small, else the one with the smallest error.

    Parameters
    ----------
    models : sequence of TrainedModel
    within : float
        The mean squared error that counts as small, relative to the largest loss before training.
    """
    if not models:
        raise FormulationError("there is no model to choose from: train one first")
    most = within * max(float(model.losses[0]) for model in models)
    good = [model for model in models if model.metrics["mse"] <= most]
    if good:
        return min(good, key=lambda model: (model.metrics["nonzeros"], model.metrics["mse"]))
    return min(models, key=lambda model: model.metrics["mse"])


def metrics(model: OneHiddenLayer, X: Floats, y: Floats) -> dict[str, float]:
    """The measures of a model; see `TrainedModel`."""
    error = model(X) - y
    exact = fits(model.to_network(), rational_rows(X.tolist()), rationals(y.tolist()))
    return {
        "mse": float(np.mean(error**2)),
        "max_error": float(np.abs(error).max()),
        "nonzeros": model.nonzeros(NEGLIGIBLE),
        "active_neurons": model.active_neurons(NEGLIGIBLE),
        "path_norm": model.path_norm(1.0),
        "fits": float(exact),
    }


def get_max_params(model: Any) -> MaxParams:
    """The largest |w|, |b| of the hidden layers and |v| of the last layer, for the bounds of a mixed-integer program.

    The program of the sparsest fit has |v| = 1: ask for the parameters of ``model.balanced()`` there.

    Parameters
    ----------
    model : OneHiddenLayer, TrainedModel, or whatever `puiseux.as_network` takes

    Examples
    --------
    >>> get_max_params([([[1, -3], [0, 2]], [0, "1/2"]), ([[-4, 1]], [9])])
    MaxParams(weight=3.0, bias=0.5, output=4.0)
    """
    if isinstance(model, TrainedModel):
        model = model.model
    if isinstance(model, OneHiddenLayer):
        parts = (model.W, model.b, model.v)
        return MaxParams(*(float(np.abs(part).max(initial=0.0)) for part in parts))
    from milp.arguments import exact_network

    network: Network = exact_network(model)
    weights = [v for stage in network.stages for _, block in stage.blocks for row in block for v in row]
    biases = [v for stage in network.stages for v in stage.bias]
    last = [v for _, block in network.output.blocks for row in block for v in row]
    return MaxParams(*(max((abs(to_float(v)) for v in part), default=0.0) for part in (weights, biases, last)))


class _Trainer:
    """One training by torch from a given start."""

    def __init__(
        self, torch: Any, name: str, start: OneHiddenLayer, inputs: Floats, outputs: Floats, step: float
    ) -> None:
        self.torch, self.name, self.step, self.start = torch, name, step, start
        self.X = torch.from_numpy(inputs)
        self.y = torch.from_numpy(outputs)
        self.W, self.b, self.v = (
            torch.tensor(part, dtype=torch.float64, requires_grad=True) for part in (start.W, start.b, start.v)
        )

    def loss(self) -> Any:
        return ((self.torch.relu(self.X @ self.W.T + self.b) @ self.v - self.y) ** 2).mean()

    def run(self, epochs: int, path: tuple[float, float] | None, decay: float) -> tuple[OneHiddenLayer, Floats]:
        optim, parameters = self.torch.optim, [self.W, self.b, self.v]
        if path is not None:
            optimizer = optim.SGD(parameters, lr=self.step)
        elif self.name == "weight decay":
            optimizer = optim.AdamW(parameters, lr=self.step, weight_decay=decay)
        else:
            optimizer = optim.Adam(parameters, lr=self.step)
        losses: list[float] = []
        for epoch in range(epochs + 1):
            loss = self.loss()
            losses.append(
                checked_loss(float(loss.detach()), losses[0] if losses else None, self.name, epoch, self.step)
            )
            if epoch == epochs:
                break
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if path is not None:
                self._shrink(epoch, *path)
        return self.model(), np.array(losses)

    def model(self) -> OneHiddenLayer:
        v, W, b = (part.detach().numpy().copy() for part in (self.v, self.W, self.b))
        return OneHiddenLayer(v, W, b, self.start.seed)

    def _shrink(self, epoch: int, p: float, strength: float) -> None:
        model = self.model().balanced()
        size = thresholds_of(model, p) if epoch >= REWEIGHT_FROM else 1.0
        model = shrink(model, self.step * strength * size)
        with self.torch.no_grad():
            for part, value in ((self.v, model.v), (self.W, model.W), (self.b, model.b)):
                part.copy_(self.torch.from_numpy(value))


@contextmanager
def _torch() -> Iterator[Any]:
    """Torch with one thread, as it was afterwards."""
    try:
        torch = import_module("torch")
    except ImportError:
        raise MissingExtraError("training models", "torch") from None
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield torch
    finally:
        torch.set_num_threads(threads)
