"""Operators of the domain ``ai.onnx.ml``, as skl2onnx writes them."""

from __future__ import annotations

import numpy as np
from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.network.signals import SignalArray
from nn_bridge.readers import endings
from nn_bridge.readers.onnx.session import LEARNING_OPERATORS, Node, Session, Value, named, shape_of
from nn_bridge.readers.onnx.shapes import indices
from polyhedra.plurals import counted
from polyhedra.quoting import quoted
from polyhedra.scalars import rational

_ENDINGS = {"SOFTMAX": lambda array: endings.softmax(array, 1), "LOGISTIC": endings.sigmoid}


def _numbers(node: Node, name: str) -> list[fmpq]:
    return [rational(float(v)) for v in node.get(name, ())]


def _operator(name: str):  # type: ignore[no-untyped-def]
    return named(name, table=LEARNING_OPERATORS)


@_operator("Scaler")
def _scaler(s: Session, node: Node, x: Value) -> SignalArray:
    array = s.array(x)
    offset = s.ops.constant(np.array(_numbers(node, "offset"), dtype=object))
    scale = s.ops.constant(np.array(_numbers(node, "scale"), dtype=object))
    return s.ops.multiply(s.ops.subtract(array, offset), scale)


def _rows(s: Session, x: Value) -> SignalArray:
    array = s.array(x)
    return s.ops.reshape(array, (1, array.signal.size)) if array.ndim == 1 else array


def _scores(s: Session, node: Node, x: Value, outputs: int) -> SignalArray:
    array, numbers = _rows(s, x), _numbers(node, "coefficients")
    if array.ndim != 2 or len(numbers) != outputs * array.shape[1]:
        raise NetworkError(
            f"there are {len(numbers)} coefficients, not those of {counted(outputs, 'output')} of values of shape "
            f"{array.shape}"
        )
    weights = np.array(numbers, dtype=object).reshape(outputs, array.shape[1]).transpose()
    result = s.ops.matmul(array, s.ops.constant(weights))
    shift = _numbers(node, "intercepts")
    return s.ops.add(result, s.ops.constant(np.array(shift, dtype=object))) if shift else result


@_operator("LinearRegressor")
def _linear_regressor(s: Session, node: Node, x: Value) -> Value:
    if node.get("post_transform", "NONE") != "NONE":
        raise NetworkError(f"the transformation {quoted(node['post_transform'])} is not piecewise linear")
    return _scores(s, node, x, int(node.get("targets", 1)))


@_operator("LinearClassifier")
def _linear_classifier(s: Session, node: Node, x: Value) -> tuple[Value, Value]:
    """The scores, or the probabilities made of them; the label jumps, and is refused where it is used."""
    if 0 in node.used:
        raise NetworkError("its label jumps; read the scores or probabilities")
    outputs = len(node.get("classlabels_ints", ()) or node.get("classlabels_strings", ()))
    intercepts = len(node.get("intercepts", ()))
    if outputs == 2 and intercepts == 1:
        raise NetworkError("it makes two probabilities of one score; export the model with options raw_scores=True")
    scores = _scores(s, node, x, outputs)
    transformation = node.get("post_transform", "NONE")
    if transformation == "NONE":
        return np.zeros(0), scores
    if transformation not in _ENDINGS:
        raise NetworkError(f"the transformation {quoted(transformation)} is not piecewise linear")
    return np.zeros(0), _ENDINGS[transformation](scores)


@_operator("ArrayFeatureExtractor")
def _extract(s: Session, node: Node, x: Value, index: Value) -> Value:
    places = indices(s, index).ravel()
    array = _rows(s, x)
    s.budget.spend_entries(places.size)
    return s.rearrange(array, lambda p: np.take(p, places, axis=-1))


@_operator("FeatureVectorizer")
def _concatenated(s: Session, node: Node, *inputs: Value) -> SignalArray:
    return s.ops.concatenate([_rows(s, x) for x in inputs], 1)


@_operator("ZipMap")
def _zip_map(s: Session, node: Node, x: Value) -> Value:
    """Names for the columns of an array, which are left out."""
    return x


@_operator("Normalizer")
def _normalizer(s: Session, node: Node, x: Value) -> Value:
    """Probabilities divided by their sum, which keeps their order."""
    if not isinstance(x, endings.Ending) or node.get("norm", "MAX") != "L1" or shape_of(x)[0] != 1:
        raise NetworkError("this operator is not piecewise linear")
    function = x.function

    def change(y: np.ndarray) -> np.ndarray:
        values: np.ndarray = function(y)
        result: np.ndarray = values / np.abs(values).sum()
        return result

    return endings.Ending(x.array, x.name, change)
