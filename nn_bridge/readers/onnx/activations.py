"""Activations of ONNX, and the operators that jump."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable

import numpy as np
from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.network import layers
from nn_bridge.network.signals import SignalArray
from nn_bridge.readers import endings
from nn_bridge.readers.onnx.session import OPERATORS, Node, Operator, Session, Value, is_constant, named
from polyhedra.plurals import counted
from polyhedra.scalars import ZERO, rational


@named("Relu")
def _relu(s: Session, node: Node, x: Value) -> SignalArray:
    return layers.relu(s.ops, s.array(x))


@named("LeakyRelu")
def _leaky_relu(s: Session, node: Node, x: Value) -> SignalArray:
    return layers.leaky_relu(s.ops, s.array(x), node.number("alpha", 0.01))


@named("PRelu")
def _prelu(s: Session, node: Node, x: Value, slope: Value) -> SignalArray:
    array, slopes = s.array(x), s.array(slope, "the slope")
    if s.opset < 7 and slopes.signal.size != 1:  # one slope a channel, and channels are axis 1
        if slopes.ndim != 1 or array.ndim < 2 or slopes.shape[0] != array.shape[1]:
            raise NetworkError(f"slopes of shape {slopes.shape} do not fit the channels of shape {array.shape}")
        slopes = s.ops.reshape(slopes, (slopes.shape[0], *(1,) * (array.ndim - 2)))
    return layers.prelu(s.ops, array, slopes)


@named("Clip")
def _clip(s: Session, node: Node, x: Value, low: Value | None = None, high: Value | None = None) -> SignalArray:
    bounds = []
    for value, name in ((low, "min"), (high, "max")):
        if value is not None:
            bounds.append(_unbounded(s.number(value, f"the bound {name}")))
        else:
            bounds.append(_unbounded(rational(node.get(name))) if name in node.attributes else None)
    return layers.clip(s.ops, s.array(x), bounds[0], bounds[1])


def _unbounded(bound: fmpq) -> fmpq | None:
    """None for the largest float32 in size, with which exporters write that there is no bound."""
    return None if abs(bound) >= rational(float(np.finfo(np.float32).max)) else bound


@named("HardSigmoid")
def _hard_sigmoid(s: Session, node: Node, x: Value) -> SignalArray:
    return layers.hard_sigmoid(s.ops, s.array(x), node.number("alpha", 0.2), node.number("beta", 0.5))


@named("ThresholdedRelu")
def _thresholded(s: Session, node: Node, x: Value) -> SignalArray:
    return layers.threshold(s.ops, s.array(x), node.number("alpha", 1.0), ZERO)


@named("Shrink")
def _shrink(s: Session, node: Node, x: Value) -> SignalArray:
    level = node.number("lambd", 0.5)
    if node.number("bias", 0.0) != level:
        raise NetworkError(layers.JUMPS)
    return layers.soft_shrink(s.ops, s.array(x), level)


@named("Abs")
def _abs(s: Session, node: Node, x: Value) -> SignalArray:
    return layers.absolute(s.ops, s.array(x))


@named("Sign", "Floor", "Ceil", "Round", "Mod", "ArgMax", "ArgMin", "Greater", "GreaterOrEqual", "Less", "LessOrEqual",
       "Equal", "Not", "And", "Or", "Xor", "Hardmax", "NonZero", "OneHot", "QuantizeLinear")  # fmt: skip
def _jump(s: Session, node: Node, *inputs: Value | None) -> SignalArray:
    raise NetworkError(layers.JUMPS)


@named("Where")
def _where(s: Session, node: Node, condition: Value, x: Value, y: Value) -> SignalArray:
    if not is_constant(condition):
        raise NetworkError(layers.JUMPS)
    chosen = s.integer_array(condition, "the condition")
    left, right = s.array(x), s.array(y)
    shape = s.common_shape(chosen, left, right)
    positions = np.where(
        chosen.astype(bool),
        np.broadcast_to(left.positions, shape),
        np.broadcast_to(right.positions, shape) + left.signal.size,
    )
    both = s.ops.build.concatenate(left.signal, right.signal)
    return s.ops.gather(SignalArray(both, (both.size,)), positions)


# ---------------------------------------------------------------- the very end


def _softmax_ending(kind: Callable[[SignalArray, int], endings.Ending]) -> Operator:
    def run(s: Session, node: Node, x: Value) -> endings.Ending:
        array = s.array(x)
        axis = s.ops.axis(array, node.get("axis", -1 if s.opset >= 13 else 1))
        if s.opset < 13:  # all axes from this one on together
            flat = s.ops.reshape(array, (math.prod(array.shape[:axis]), math.prod(array.shape[axis:])))
            ending = kind(flat, 1)
            return endings.Ending(array, ending.name, ending.function)
        return kind(array, axis)

    return run


OPERATORS["Softmax"] = _softmax_ending(endings.softmax)
OPERATORS["LogSoftmax"] = _softmax_ending(endings.log_softmax)


@named("Sigmoid")
def _sigmoid(s: Session, node: Node, x: Value) -> endings.Ending:
    return endings.sigmoid(s.array(x))


# ---------------------------------------------------------------- sorting


_COMPARISON = 1000  # entries that one comparison costs: each is a stage of its own


@named("TopK")
def _top(s: Session, node: Node, x: Value, count: Value | None = None) -> tuple[Value, ...]:
    """The largest (or smallest) values; their places jump, and are refused where they are used."""
    array = s.array(x)
    axis = s.ops.axis(array, node.get("axis", -1))
    wanted = int(node["k"]) if count is None else s.integers(count, "k")[0]
    length = array.shape[axis]
    if not 0 < wanted <= length:
        raise NetworkError(f"there are no {wanted} largest of {counted(length, 'value')}")
    s.budget.spend_entries(_COMPARISON * length)
    pairs = comparators(length, wanted)
    s.budget.spend_entries(_COMPARISON * len(pairs))
    largest = bool(node.get("largest", 1))
    source = s.ops.rearrange(array, lambda p: np.moveaxis(p, axis, 0))
    rows = [s.ops.rearrange(source, operator.itemgetter(k)) for k in range(length)]
    for first, second in pairs:
        pair = rows[first], rows[second]
        high, low = s.ops.maximum(*pair), s.ops.minimum(*pair)
        rows[first], rows[second] = (high, low) if largest else (low, high)
    chosen = [s.ops.reshape(row, (1, *row.shape)) for row in rows[:wanted]]
    result = s.ops.concatenate(chosen, 0)
    return (s.ops.rearrange(result, lambda p: np.moveaxis(p, 0, axis)),)


def comparators(length: int, wanted: int) -> list[tuple[int, int]]:
    """Pairs of places whose comparison, one after another, brings the ``wanted`` first ones in order to the front.

    By selection where few are wanted, else by Batcher's merge-exchange sort (Knuth, volume 3, algorithm 5.2.2M).
    """
    if wanted * 2 <= length.bit_length() ** 2:
        return [(k, j) for k in range(wanted) for j in range(k + 1, length)]
    pairs = []
    top = 1 << max(length - 1, 1).bit_length() - 1
    p = top
    while p:
        q, r, d = top, 0, p
        while True:
            pairs += [(i, i + d) for i in range(length - d) if i & p == r]
            if q == p:
                break
            q, r, d = q // 2, p, q - p
        p //= 2
    return pairs
