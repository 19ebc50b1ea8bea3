"""Scikit-learn's transformers that are affine or piecewise linear, on arrays of exact signals.

A transformer reads columns in the order of the data that it was fitted on.  Scalers, projections (PCA), selections of
columns and compositions of these (`ColumnTransformer`, `FeatureUnion`, pipelines inside) are read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nn_bridge.errors import NetworkError
from nn_bridge.network import layers
from nn_bridge.network.signals import Arrays, SignalArray
from polyhedra.quoting import quoted, shown
from polyhedra.scalars import rational

Transformer = Callable[[Arrays, SignalArray, Any], SignalArray]


def name_of(model: Any) -> str:
    """The class of a model, for messages."""
    return shown(type(model).__name__)


def is_passthrough(step: Any) -> bool:
    """Whether a step of a pipeline does nothing."""
    return step is None or (isinstance(step, str) and step == "passthrough")


def transform(ops: Arrays, x: SignalArray, step: Any) -> SignalArray:
    """Apply a fitted transformer to a vector of signals.

    Raises
    ------
    NetworkError
        It is not read, or not fitted.
    """
    name = name_of(step)
    if is_passthrough(step):
        return x
    if name not in TRANSFORMERS:
        why = _WHY.get(name, "it is not affine or not known")
        raise NetworkError(
            f"{name} before the network is not read: {why}; puiseux reads {', '.join(sorted(TRANSFORMERS))}"
        )
    try:
        return TRANSFORMERS[name](ops, x, step)
    except AttributeError as error:
        raise NetworkError(f"{name} is not fitted, or of a version that is not known ({shown(error)})") from None


def distance(step: Any) -> float:
    """How far from 0 a transformer moves its input at most, which tells how much it may round."""
    parts = [part[1] for name in ("steps", "transformers_", "transformer_list") for part in getattr(step, name, ())]
    inner = [distance(part) for part in parts]
    for name in ("mean_", "center_", "data_min_", "data_max_"):
        values = getattr(step, name, None)
        if values is not None:
            inner.append(float(np.max(np.abs(np.asarray(values)), initial=0.0)))
    return max(inner, default=0.0)


def _standard(ops: Arrays, x: SignalArray, scaler: Any) -> SignalArray:
    if scaler.mean_ is not None and scaler.with_mean:
        x = ops.subtract(x, ops.constant(scaler.mean_, "mean_"))
    return x if scaler.scale_ is None else ops.divide(x, ops.constant(scaler.scale_, "scale_"))


def _robust(ops: Arrays, x: SignalArray, scaler: Any) -> SignalArray:
    if scaler.with_centering:
        x = ops.subtract(x, ops.constant(scaler.center_, "center_"))
    return ops.divide(x, ops.constant(scaler.scale_, "scale_")) if scaler.with_scaling else x


def _min_max(ops: Arrays, x: SignalArray, scaler: Any) -> SignalArray:
    x = ops.add(ops.multiply(x, ops.constant(scaler.scale_, "scale_")), ops.constant(scaler.min_, "min_"))
    return layers.clip(ops, x, *map(rational, scaler.feature_range)) if scaler.clip else x


def _max_abs(ops: Arrays, x: SignalArray, scaler: Any) -> SignalArray:
    x = ops.divide(x, ops.constant(scaler.scale_, "scale_"))
    return layers.clip(ops, x, rational(-1), rational(1)) if getattr(scaler, "clip", False) else x


def _principal(ops: Arrays, x: SignalArray, model: Any) -> SignalArray:
    if getattr(model, "mean_", None) is not None:
        x = ops.subtract(x, ops.constant(model.mean_, "mean_"))
    x = ops.matmul(x, ops.constant(np.asarray(model.components_).T, "components_"))
    if not getattr(model, "whiten", False):
        return x
    variance = np.asarray(model.explained_variance_)
    scale = np.sqrt(variance)  # as scikit-learn computes it
    return ops.divide(x, ops.constant(np.maximum(scale, np.finfo(scale.dtype).eps), "the deviations"))


def _projected(ops: Arrays, x: SignalArray, model: Any) -> SignalArray:
    components = model.components_
    dense = components.toarray() if hasattr(components, "toarray") else np.asarray(components)
    return ops.matmul(x, ops.constant(dense.T, "components_"))


def _selected(ops: Arrays, x: SignalArray, selector: Any) -> SignalArray:
    return _take(ops, x, selector.get_support(indices=True))


def _imputed(ops: Arrays, x: SignalArray, imputer: Any) -> SignalArray:
    if imputer.add_indicator:
        raise NetworkError("SimpleImputer with add_indicator=True is not read; inputs here are never missing")
    statistics = np.asarray(imputer.statistics_)
    kept = np.arange(len(statistics))
    if not imputer.keep_empty_features and statistics.dtype.kind == "f":
        kept = kept[~np.isnan(statistics)]
    return _take(ops, x, kept)


def _composed(ops: Arrays, x: SignalArray, pipeline: Any) -> SignalArray:
    for _, step in pipeline.steps:
        x = transform(ops, x, step)
    return x


def _columns(ops: Arrays, x: SignalArray, composer: Any) -> SignalArray:
    parts, names = [], getattr(composer, "feature_names_in_", None)
    for name, step, columns in composer.transformers_:
        if isinstance(step, str) and step == "drop":
            continue
        chosen = _numbers(columns, x.shape[0], names)
        if not len(chosen):
            continue
        part = transform(ops, _take(ops, x, chosen), step)
        weight = (composer.transformer_weights or {}).get(name)
        parts.append(part if weight is None else ops.scale(part, rational(weight)))
    return _joined(ops, parts)


def _union(ops: Arrays, x: SignalArray, union: Any) -> SignalArray:
    parts = []
    for name, step in union.transformer_list:
        if isinstance(step, str) and step == "drop":
            continue
        part = transform(ops, x, step)
        weight = (union.transformer_weights or {}).get(name)
        parts.append(part if weight is None else ops.scale(part, rational(weight)))
    return _joined(ops, parts)


def _identity(ops: Arrays, x: SignalArray, function: Any) -> SignalArray:
    if function.func is not None:
        raise NetworkError("FunctionTransformer with a function is not read, since Python code tells no formula")
    return x


def _joined(ops: Arrays, parts: list[SignalArray]) -> SignalArray:
    if not parts:
        raise NetworkError("the transformers drop every column")
    return ops.concatenate(parts, 0)


def _take(ops: Arrays, x: SignalArray, columns: np.ndarray) -> SignalArray:
    return ops.rearrange(x, lambda p: p[np.asarray(columns, dtype=np.int64)])


def _numbers(columns: Any, size: int, names: Any) -> np.ndarray:
    """The columns of a `ColumnTransformer` by number; they may be given by name, as a slice or as a mask."""
    if isinstance(columns, slice):
        if any(isinstance(end, str) for end in (columns.start, columns.stop)):
            raise NetworkError("a slice of column names is not read; list the names")
        return np.arange(size)[columns]
    values = np.atleast_1d(np.asarray(columns))
    if values.dtype.kind in "UO" and len(values) and all(isinstance(v, str) for v in values.tolist()):
        places = {name: k for k, name in enumerate([] if names is None else list(names))}
        missing = [name for name in values.tolist() if name not in places]
        if missing:
            raise NetworkError(f"the transformer names the column {quoted(missing[0])}, which the data did not have")
        return np.array([places[name] for name in values.tolist()], dtype=np.int64)
    if values.dtype.kind == "b":
        return np.flatnonzero(values)
    return np.arange(size)[values.astype(np.int64)]


TRANSFORMERS: dict[str, Transformer] = {
    "StandardScaler": _standard,
    "RobustScaler": _robust,
    "MinMaxScaler": _min_max,
    "MaxAbsScaler": _max_abs,
    "PCA": _principal,
    "IncrementalPCA": _principal,
    "TruncatedSVD": _projected,
    "GaussianRandomProjection": _projected,
    "SparseRandomProjection": _projected,
    "VarianceThreshold": _selected,
    "SelectKBest": _selected,
    "SelectPercentile": _selected,
    "SelectFromModel": _selected,
    "RFE": _selected,
    "SimpleImputer": _imputed,
    "FunctionTransformer": _identity,
    "ColumnTransformer": _columns,
    "FeatureUnion": _union,
    "Pipeline": _composed,
}
"""By the name of the class: what is affine, selects columns, or puts such transformers together."""

_WHY = {
    "Normalizer": "it divides by the norm of its input, which is not piecewise linear",
    "PolynomialFeatures": "products of inputs are not piecewise linear",
    "QuantileTransformer": "it is not read; scale with StandardScaler or RobustScaler",
    "PowerTransformer": "powers and logarithms are not piecewise linear",
    "SplineTransformer": "splines of degree 2 and more are not piecewise linear",
    "KBinsDiscretizer": "it jumps, and networks here are continuous",
    "Binarizer": "it jumps, and networks here are continuous",
    "OneHotEncoder": "it reads categories, not numbers; start after it, from the encoded columns",
    "OrdinalEncoder": "it reads categories, not numbers; start after it, from the encoded columns",
    "KernelPCA": "its kernels are not piecewise linear",
}
