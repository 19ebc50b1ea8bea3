"""Reader of scikit-learn models: multilayer perceptrons with ReLU or identity, alone or in a pipeline after scalers.

Only live objects are read: a scikit-learn model on disk is a pickle, which runs code when it is loaded.  The weights
enter by their exact values.  A classifier's softmax or logistic function is dropped, and the notes say so.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from nn_bridge.errors import NetworkError
from nn_bridge.network import Network, layers
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.signals import Arrays, SignalArray
from nn_bridge.readers import endings
from nn_bridge.readers.verification import verify
from polyhedra.scalars import rational

_READABLE = (
    "puiseux reads MLPRegressor and MLPClassifier with activation 'relu' or 'identity', also in a Pipeline after "
    "StandardScaler, MinMaxScaler or MaxAbsScaler"
)


def network_from_sklearn(model: Any) -> Network:
    """The exact network of a fitted scikit-learn model.

    Raises
    ------
    NetworkError
        The model is of another kind or not fitted, or has another activation.

    Examples
    --------
    >>> from sklearn.neural_network import MLPRegressor
    >>> model = MLPRegressor(hidden_layer_sizes=(3,), solver="lbfgs", random_state=0)
    >>> _ = model.fit([[0, 0], [1, 0], [0, 1]], [0, 1, 2])
    >>> network_from_sklearn(model).hidden
    (3,)
    """
    steps = [step for _, step in model.steps] if type(model).__name__ == "Pipeline" else [model]
    steps = [step for step in steps if step is not None and step != "passthrough"]
    if not steps:
        raise NetworkError(f"the pipeline is empty; {_READABLE}")
    *scalers, last = steps
    kind = type(last).__name__
    if kind not in ("MLPRegressor", "MLPClassifier"):
        raise NetworkError(f"{kind} is not a network that is read; {_READABLE}")
    if last.activation not in ("relu", "identity"):
        raise NetworkError(f"{kind} has the activation {last.activation!r}, which is not piecewise linear; {_READABLE}")
    if not hasattr(last, "coefs_"):
        raise NetworkError(f"{kind} is not fitted; call fit first")
    if last.out_activation_ not in _ENDINGS:
        raise NetworkError(f"{kind} ends with {last.out_activation_!r}, which is not piecewise linear; {_READABLE}")
    inputs = int(model.n_features_in_)
    ops = Arrays(NetworkBuilder(inputs))
    x = ops.input((inputs,))
    for scaler in scalers:
        name = type(scaler).__name__
        if name not in _SCALERS:
            raise NetworkError(f"{name} before the network is not read; {_READABLE}")
        x = _SCALERS[name](ops, x, scaler)
    for number, (weights, bias) in enumerate(zip(last.coefs_, last.intercepts_, strict=True)):
        if number and last.activation == "relu":
            x = layers.relu(ops, x)
        x = ops.add(ops.matmul(x, ops.constant(weights, f"coefs_[{number}]")), ops.constant(bias))
    ending = _ENDINGS[last.out_activation_](x)
    notes = () if ending is None else (ending.note,)
    network = ops.build.finish(x.signal, notes=notes)
    _compare(network, model, last, ending)
    return network


_ENDINGS: dict[str, Callable[[SignalArray], endings.Ending | None]] = {
    "identity": lambda x: None,
    "softmax": lambda x: endings.softmax(x, -1),
    "logistic": endings.sigmoid,
}


def _standard(ops: Arrays, x: SignalArray, scaler: Any) -> SignalArray:
    if scaler.mean_ is not None and scaler.with_mean:
        x = ops.subtract(x, ops.constant(scaler.mean_, "mean_"))
    return x if scaler.scale_ is None else ops.divide(x, ops.constant(scaler.scale_, "scale_"))


def _min_max(ops: Arrays, x: SignalArray, scaler: Any) -> SignalArray:
    x = ops.add(ops.multiply(x, ops.constant(scaler.scale_, "scale_")), ops.constant(scaler.min_, "min_"))
    return layers.clip(ops, x, *map(rational, scaler.feature_range)) if scaler.clip else x


def _max_abs(ops: Arrays, x: SignalArray, scaler: Any) -> SignalArray:
    if getattr(scaler, "clip", False):
        raise NetworkError("MaxAbsScaler with clip=True is not read; take MinMaxScaler")
    return ops.divide(x, ops.constant(scaler.scale_, "scale_"))


_SCALERS = {"StandardScaler": _standard, "MinMaxScaler": _min_max, "MaxAbsScaler": _max_abs}


def _compare(network: Network, model: Any, last: Any, ending: endings.Ending | None) -> None:
    classifier = type(last).__name__ == "MLPClassifier"

    def source(x: np.ndarray) -> np.ndarray:
        with warnings.catch_warnings():  # a model that was fitted on a table warns about columns without names
            warnings.simplefilter("ignore")
            result = (model.predict_proba if classifier else model.predict)(x[None, :])
        values: np.ndarray = np.asarray(result).ravel()
        return values

    def finish(y: np.ndarray) -> np.ndarray:
        values = y if ending is None else ending.function(y)
        return np.array([1 - values[0], values[0]]) if classifier and len(values) == 1 else values

    narrow = any(np.asarray(w).dtype == np.float32 for w in last.coefs_)
    verify(network, source, unit=2.0**-24 if narrow else 2.0**-53, finish=finish if classifier else None)
