"""What a program computes at a point in floating point: by onnxruntime where it can run the file, else by numpy."""

from __future__ import annotations

import importlib.util
import warnings
from dataclasses import dataclass
from os import PathLike, fspath
from typing import Any

import numpy as np
from flint import fmpq

from nn_bridge.network.network import Network, Row, float_matrix
from polyhedra.scalars import rational, to_float

PRECISIONS = ("float64", "float32")
_TYPES = {"tensor(float)": "float32", "tensor(double)": "float64"}


@dataclass(frozen=True, slots=True)
class FloatOutputs:
    """The outputs of a network in floating point.

    Attributes
    ----------
    point : tuple of fmpq
        The input as it was rounded.
    outputs : tuple of fmpq or None
        The exact values of the floats that came out; None where one of them is not finite.
    computed_by : {"onnxruntime", "numpy"}
    """

    point: Row
    outputs: Row | None
    computed_by: str


def float_outputs(network: Network, source: Any, point: Row, precision: str) -> FloatOutputs:
    """Evaluate a network at a point in float32 or float64.

    Parameters
    ----------
    network : Network
    source : Any
        What it was read from; a path of an ONNX file is run by onnxruntime, if that is installed and the file computes
        in this precision.
    point : tuple of fmpq
    precision : {"float64", "float32"}
    """
    kind = np.dtype(precision).type
    with np.errstate(all="ignore"):
        x = np.array([kind(to_float(v)) for v in point])
        if not np.isfinite(x).all():
            return FloatOutputs(point, None, "numpy")
        found = _by_onnxruntime(source, x, precision)
        computed_by = "numpy" if found is None else "onnxruntime"
        values = _by_numpy(network, x) if found is None else found
    rounded = tuple(rational(float(v)) for v in x)
    if len(values) != network.output_dim or not np.isfinite(values).all():
        return FloatOutputs(rounded, None, computed_by)
    return FloatOutputs(rounded, tuple(rational(float(v)) for v in values), computed_by)


def _by_numpy(network: Network, x: np.ndarray) -> np.ndarray:
    values = [x]
    result = x
    for stage in (*network.stages, network.output):
        result = _rounded(stage.bias, x.dtype)
        for source, matrix in stage.blocks:
            result = result + float_matrix(matrix).astype(x.dtype) @ values[source]
        values.append(np.maximum(result, x.dtype.type(0)))
    return result


def _rounded(row: tuple[fmpq, ...], dtype: Any) -> np.ndarray:
    return np.array([to_float(v) for v in row]).astype(dtype)


def _by_onnxruntime(source: Any, x: np.ndarray, precision: str) -> np.ndarray | None:
    """The outputs by onnxruntime; None where the source is no ONNX file, or it cannot be run so."""
    if not isinstance(source, (str, PathLike)) or not fspath(source).lower().endswith(".onnx"):
        return None
    if importlib.util.find_spec("onnxruntime") is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.log_severity_level = 4
            session = onnxruntime.InferenceSession(fspath(source), options, providers=["CPUExecutionProvider"])
            (entry,) = session.get_inputs()
            if _TYPES.get(entry.type) != precision:
                return None
            shape = [d if isinstance(d, int) and d > 0 else 1 for d in entry.shape]
            outputs = session.run(None, {entry.name: x.reshape(shape)})
            return np.asarray(outputs[0]).reshape(-1)
    except Exception:  # another opset, another shape: numpy computes instead, and the answer says so
        return None
