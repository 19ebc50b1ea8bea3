"""Quantised constants of ONNX: integers with a scale and a zero point."""

from __future__ import annotations

import math

import numpy as np

from nn_bridge.readers.onnx.constants import constant_operator, exact_array, nearest_integer
from nn_bridge.readers.onnx.session import Node, Session, Value, shape_of
from polyhedra.scalars import ZERO


def _levels(s: Session, node: Node, x: Value, value: Value | None, what: str) -> np.ndarray:
    """Scales or zero points in the shape of the values: one, one for each entry of an axis, or one a block."""
    shape = shape_of(x)
    if value is None:
        return exact_array([ZERO] * math.prod(shape), shape)
    exact, axis = s.exact(value, what), node.get("axis", 1)
    block = node.get("block_size", 0)
    if block > 0:
        return np.repeat(exact, block, axis=axis)[tuple(slice(0, n) for n in shape)]
    if exact.ndim == 1 and exact.size > 1:
        place = s.axis(x, axis)
        exact = exact.reshape([-1 if a == place else 1 for a in range(len(shape))])
    return np.broadcast_to(exact if exact.ndim != 1 else exact.reshape(()), shape)


@constant_operator("DequantizeLinear")
def _dequantized(s: Session, node: Node, x: Value, scale: Value, zero: Value | None = None) -> Value:
    exact = s.exact(x)
    factors, shift = _levels(s, node, x, scale, "the scale"), _levels(s, node, x, zero, "the zero point")
    values = zip(exact.ravel().tolist(), factors.ravel().tolist(), shift.ravel().tolist(), strict=True)
    return exact_array(s.paid((v - z) * f for v, f, z in values), exact.shape)


@constant_operator("QuantizeLinear")
def _quantized(s: Session, node: Node, x: Value, scale: Value, zero: Value | None = None) -> Value:
    exact = s.exact(x)
    factors, shift = _levels(s, node, x, scale, "the scale"), _levels(s, node, x, zero, "the zero point")
    kind = zero.dtype if isinstance(zero, np.ndarray) and zero.dtype.kind in "iu" else np.dtype(np.uint8)
    low, high = int(np.iinfo(kind).min), int(np.iinfo(kind).max)
    values = zip(exact.ravel().tolist(), factors.ravel().tolist(), shift.ravel().tolist(), strict=True)
    levels = [min(max(nearest_integer(v / f) + int(z.p), low), high) for v, f, z in values]
    return np.array(levels, dtype=kind).reshape(exact.shape)
