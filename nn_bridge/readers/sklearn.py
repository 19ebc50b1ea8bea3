"""Reader of scikit-learn models: perceptrons and linear models, alone or in pipelines after affine transformers.

Only live objects are read: a scikit-learn model on disk is a pickle, which runs code when it is loaded.  The weights
enter by their exact values.  A classifier's softmax or logistic function is dropped, and the notes say so.  A fitted
search (``GridSearchCV``) stands for its ``best_estimator_``, pipelines may hold pipelines, and the steps that are read
before the model are in `nn_bridge.readers.sklearn_transformers`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from nn_bridge.errors import NetworkError
from nn_bridge.network import layers
from nn_bridge.network.budget import Budget
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.network import Network
from nn_bridge.network.signals import Arrays, SignalArray
from nn_bridge.readers import endings
from nn_bridge.readers.sklearn_transformers import TRANSFORMERS, distance, is_passthrough, name_of, transform
from nn_bridge.readers.verification import NOT_COMPARED, verify
from polyhedra.quoting import quoted
from polyhedra.rounding import SINGLE_ROUNDOFF, UNIT_ROUNDOFF

_READABLE = (
    "puiseux reads MLPRegressor and MLPClassifier with activation 'relu' or 'identity' and linear models, also in a "
    f"Pipeline after {', '.join(sorted(TRANSFORMERS))}"
)
_LINEAR = frozenset(
    (
        "LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet", "ElasticNetCV", "Lars", "LassoLars",
        "BayesianRidge", "ARDRegression", "HuberRegressor", "SGDRegressor", "TheilSenRegressor", "LinearSVR",
        "OrthogonalMatchingPursuit", "MultiTaskLasso", "MultiTaskElasticNet", "QuantileRegressor",
        "PassiveAggressiveRegressor",
    )
)  # fmt: skip
_NETWORKS = ("MLPRegressor", "MLPClassifier")


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
    steps = _steps(model)
    if not steps:
        raise NetworkError(f"the pipeline is empty; {_READABLE}")
    *before, last = steps
    kind = name_of(last)
    if kind not in _NETWORKS and kind not in _LINEAR:
        raise NetworkError(f"{kind} is not a network that is read; {_READABLE}")
    if kind in _NETWORKS and last.activation not in ("relu", "identity"):
        raise NetworkError(
            f"{kind} has the activation {quoted(last.activation)}, which is not piecewise linear; {_READABLE}"
        )
    if not hasattr(last, "coefs_" if kind in _NETWORKS else "coef_"):
        raise NetworkError(f"{kind} is not fitted; call fit first")
    if kind in _NETWORKS and last.out_activation_ not in _ENDINGS:
        raise NetworkError(
            f"{kind} ends with {quoted(last.out_activation_)}, which is not piecewise linear; {_READABLE}"
        )
    inputs = _inputs(steps)
    ops = Arrays(NetworkBuilder(inputs, Budget()))
    x = ops.input((inputs,))
    for step in before:
        x = transform(ops, x, step)
    x, ending = _perceptron(ops, x, last) if kind in _NETWORKS else (_linear_model(ops, x, last), None)
    notes = () if ending is None else (ending.note,)
    network = ops.build.finish(x.signal, notes=notes)
    compared = _compare(network, model, last, ending, max(map(distance, before), default=0.0))
    return network if compared else replace(network, notes=(*network.notes, NOT_COMPARED))


def _inputs(steps: list[Any]) -> int:
    """The number of inputs: what the first fitted step was given."""
    for step in steps:
        if hasattr(step, "n_features_in_"):
            return int(step.n_features_in_)
    raise NetworkError(f"{name_of(steps[0])} is not fitted; call fit first")


def _steps(model: Any) -> list[Any]:
    """The transformers and the model, in the order in which they are applied, without the wrappers around them."""
    kind = name_of(model)
    if kind in ("GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV"):
        if not hasattr(model, "best_estimator_"):
            raise NetworkError(f"{kind} has no best_estimator_; call fit first, with refit=True")
        return _steps(model.best_estimator_)
    if kind == "TransformedTargetRegressor":
        raise NetworkError(f"{kind} is not read; give its .regressor_, the model of the transformed target")
    if kind == "Pipeline":
        return [part for _, step in model.steps if not is_passthrough(step) for part in _steps(step)]
    return [model]


def _perceptron(ops: Arrays, x: SignalArray, last: Any) -> tuple[SignalArray, endings.Ending | None]:
    for number, (weights, bias) in enumerate(zip(last.coefs_, last.intercepts_, strict=True)):
        if number and last.activation == "relu":
            x = layers.relu(ops, x)
        x = ops.add(ops.matmul(x, ops.constant(weights, f"coefs_[{number}]")), ops.constant(bias))
    return x, _ENDINGS[last.out_activation_](x)


def _linear_model(ops: Arrays, x: SignalArray, last: Any) -> SignalArray:
    weights = last.sparse_coef_.toarray() if not isinstance(last.coef_, np.ndarray) else last.coef_
    result = ops.matmul(x, ops.constant(np.atleast_2d(weights).T, "coef_"))
    return ops.add(result, ops.constant(np.atleast_1d(last.intercept_), "intercept_"))


_ENDINGS: dict[str, Callable[[SignalArray], endings.Ending | None]] = {
    "identity": lambda x: None,
    "softmax": lambda x: endings.softmax(x, -1),
    "logistic": endings.sigmoid,
}


def _table(points: np.ndarray, columns: Any) -> Any:
    """The points as a table with named columns, for a model that was fitted on one; else as they are."""
    try:
        import pandas
    except ImportError:
        return points
    return points if columns is None else pandas.DataFrame(points, columns=columns)


def _compare(network: Network, model: Any, last: Any, ending: endings.Ending | None, origin: float) -> bool:
    classifier = name_of(last) == "MLPClassifier"
    columns = getattr(model, "feature_names_in_", None)

    def source(x: np.ndarray) -> np.ndarray:
        with warnings.catch_warnings():  # a model that was fitted on a table warns about columns without names
            warnings.simplefilter("ignore")
            result = (model.predict_proba if classifier else model.predict)(_table(x[None, :], columns))
        values: np.ndarray = np.asarray(result).ravel()
        return values

    def finish(y: np.ndarray) -> np.ndarray:
        values = y if ending is None else ending.function(y)
        return np.array([1 - values[0], values[0]]) if classifier and len(values) == 1 else values

    weights = last.coefs_ if name_of(last) in _NETWORKS else [last.coef_]
    narrow = any(w.dtype == np.float32 for w in weights)
    return verify(
        network,
        source,
        unit=SINGLE_ROUNDOFF if narrow else UNIT_ROUNDOFF,
        finish=finish if classifier else None,
        origin=origin,
    )
