"""What ONNX's operators do to arrays of exact signals.

What depends on the input is an array of signals.  Constants stay numpy arrays until arithmetic makes exact signals of
them; tensors of integers, which hold shapes and indices, stay so for good.  Operators whose attributes became inputs in
later versions take both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.network import layers
from nn_bridge.network.signals import Arrays, SignalArray, checked_shape
from nn_bridge.readers import endings
from polyhedra.scalars import ONE, ZERO, rational

Value = SignalArray | endings.Ending | np.ndarray
Operator = Callable[..., Any]


@dataclass(frozen=True)
class Node:
    """The attributes of an operator and how many outputs it names."""

    attributes: dict[str, Any]
    outputs: int

    def __getitem__(self, name: str) -> Any:
        if name not in self.attributes:
            raise NetworkError(f"it has no attribute {name!r}")
        return self.attributes[name]

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute, or its default."""
        return self.attributes.get(name, default)

    def number(self, name: str, default: float) -> fmpq:
        """A number: attributes are float32, so a default is the float32 next to it."""
        return rational(float(np.float32(self.get(name, default))))


class Session:
    """The operations on signals, the version of the operators, and the notes that reading leaves."""

    def __init__(self, ops: Arrays, opset: int) -> None:
        self.ops, self.opset = ops, opset
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        """Remember what was done, once."""
        if text not in self.notes:
            self.notes.append(text)

    def array(self, value: Value | None, what: str = "its input") -> SignalArray:
        """A floating-point value."""
        if isinstance(value, endings.Ending):
            raise value.refuse_use()
        if value is None:
            raise NetworkError(f"{what} is missing")
        return value if isinstance(value, SignalArray) else self.ops.constant(value, what)

    def numbers(self, value: Value | None, what: str) -> list[fmpq]:
        """A constant vector of numbers."""
        numbers: list[fmpq] = self.array(value, what).numbers(what).ravel().tolist()
        return numbers

    def integers(self, value: Value | None, what: str) -> list[int]:
        """A constant vector of integers."""
        if isinstance(value, np.ndarray) and value.dtype.kind in "iub":
            return [int(v) for v in value.ravel().tolist()]
        numbers = self.numbers(value, what)
        if any(v.q != 1 for v in numbers):
            raise NetworkError(f"{what} is not a list of integers")
        return [int(v.p) for v in numbers]

    def rearrange(self, value: Value | None, change: Callable[[np.ndarray], np.ndarray]) -> Value:
        """A function of numpy's that moves entries, on integers and on signals."""
        if isinstance(value, np.ndarray):
            return np.asarray(change(value))
        return self.ops.rearrange(self.array(value), change)


OPERATORS: dict[str, Operator] = {}
"""By ONNX's name of the operator."""


def _named(*names: str) -> Callable[[Operator], Operator]:
    def register(operator: Operator) -> Operator:
        for name in names:
            OPERATORS[name] = operator
        return operator

    return register


def _is_plain(*values: Value | None) -> bool:
    return all(isinstance(v, np.ndarray) and v.dtype.kind in "iub" for v in values)


# ---------------------------------------------------------------- activations


@_named("Relu")
def _relu(s: Session, node: Node, x: Value) -> SignalArray:
    return layers.relu(s.ops, s.array(x))


@_named("LeakyRelu")
def _leaky_relu(s: Session, node: Node, x: Value) -> SignalArray:
    return layers.leaky_relu(s.ops, s.array(x), node.number("alpha", 0.01))


@_named("PRelu")
def _prelu(s: Session, node: Node, x: Value, slope: Value) -> SignalArray:
    return layers.prelu(s.ops, s.array(x), s.array(slope, "the slope"))


@_named("Clip")
def _clip(s: Session, node: Node, x: Value, low: Value | None = None, high: Value | None = None) -> SignalArray:
    bounds = []
    for value, name in ((low, "min"), (high, "max")):
        if value is not None:
            bound = s.numbers(value, f"the bound {name}")
            bounds.append(_unbounded(bound[0]))
        else:
            bounds.append(_unbounded(rational(node.get(name))) if name in node.attributes else None)
    return layers.clip(s.ops, s.array(x), bounds[0], bounds[1])


def _unbounded(bound: fmpq) -> fmpq | None:
    """None for the largest float32 in size, with which exporters write that there is no bound."""
    return None if abs(bound) >= rational(float(np.finfo(np.float32).max)) else bound


@_named("HardSigmoid")
def _hard_sigmoid(s: Session, node: Node, x: Value) -> SignalArray:
    return layers.hard_sigmoid(s.ops, s.array(x), node.number("alpha", 0.2), node.number("beta", 0.5))


@_named("ThresholdedRelu")
def _thresholded(s: Session, node: Node, x: Value) -> SignalArray:
    return layers.threshold(s.ops, s.array(x), node.number("alpha", 1.0), ZERO)


@_named("Shrink")
def _shrink(s: Session, node: Node, x: Value) -> SignalArray:
    level = node.number("lambd", 0.5)
    if node.number("bias", 0.0) != level:
        raise NetworkError(layers.JUMPS)
    return layers.soft_shrink(s.ops, s.array(x), level)


@_named("Abs")
def _abs(s: Session, node: Node, x: Value) -> SignalArray:
    return layers.absolute(s.ops, s.array(x))


@_named("Sign", "Floor", "Ceil", "Round", "Mod", "ArgMax", "ArgMin", "Greater", "GreaterOrEqual", "Less", "LessOrEqual",
        "Equal", "Where", "TopK", "Not", "And", "Or")  # fmt: skip
def _jump(s: Session, node: Node, *inputs: Value | None) -> SignalArray:
    raise NetworkError(layers.JUMPS)


def _softmax_ending(kind: Callable[[SignalArray, int], endings.Ending]) -> Operator:
    def operator(s: Session, node: Node, x: Value) -> endings.Ending:
        array = s.array(x)
        axis = s.ops.axis(array, node.get("axis", -1 if s.opset >= 13 else 1))
        if s.opset < 13:  # all axes from this one on together
            array = s.ops.reshape(array, (math.prod(array.shape[:axis]), math.prod(array.shape[axis:])))
            axis = 1
        return kind(array, axis)

    return operator


OPERATORS["Softmax"] = _softmax_ending(endings.softmax)
OPERATORS["LogSoftmax"] = _softmax_ending(endings.log_softmax)


@_named("Sigmoid")
def _sigmoid(s: Session, node: Node, x: Value) -> endings.Ending:
    return endings.sigmoid(s.array(x))


# ---------------------------------------------------------------- arithmetic


def _arithmetic(signals: str, integers: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Operator:
    def operator(s: Session, node: Node, x: Value, y: Value) -> Value:
        if _is_plain(x, y):
            return np.asarray(integers(x, y))  # type: ignore[arg-type]
        result: SignalArray = getattr(s.ops, signals)(s.array(x), s.array(y))
        return result

    return operator


OPERATORS["Add"] = _arithmetic("add", np.add)
OPERATORS["Sub"] = _arithmetic("subtract", np.subtract)
OPERATORS["Mul"] = _arithmetic("multiply", np.multiply)
OPERATORS["Div"] = _arithmetic("divide", np.floor_divide)


@_named("Neg")
def _neg(s: Session, node: Node, x: Value) -> Value:
    return -x if isinstance(x, np.ndarray) else s.ops.negative(s.array(x))


@_named("Pow")
def _pow(s: Session, node: Node, x: Value, exponent: Value) -> Value:
    if s.numbers(exponent, "the exponent") == [ONE]:
        return x
    raise NetworkError("this power is not piecewise linear")


@_named("Sum")
def _sum(s: Session, node: Node, *inputs: Value) -> SignalArray:
    total = s.array(inputs[0])
    for value in inputs[1:]:
        total = s.ops.add(total, s.array(value))
    return total


@_named("Mean")
def _mean(s: Session, node: Node, *inputs: Value) -> SignalArray:
    return s.ops.scale(_sum(s, node, *inputs), fmpq(1, len(inputs)))


@_named("Max")
def _max(s: Session, node: Node, *inputs: Value) -> SignalArray:
    return s.ops.maximum(*map(s.array, inputs))


@_named("Min")
def _min(s: Session, node: Node, *inputs: Value) -> SignalArray:
    return s.ops.minimum(*map(s.array, inputs))


@_named("MatMul")
def _matmul(s: Session, node: Node, x: Value, y: Value) -> SignalArray:
    return s.ops.matmul(s.array(x), s.array(y))


@_named("Gemm")
def _gemm(s: Session, node: Node, x: Value, y: Value, shift: Value | None = None) -> SignalArray:
    left, right = s.array(x), s.array(y)
    if left.ndim != 2 or right.ndim != 2:
        raise NetworkError(f"it multiplies matrices, not arrays of shapes {left.shape} and {right.shape}")
    left = s.ops.rearrange(left, np.transpose) if node.get("transA", 0) else left
    right = s.ops.rearrange(right, np.transpose) if node.get("transB", 0) else right
    result = s.ops.scale(s.ops.matmul(left, right), node.number("alpha", 1.0))
    if shift is None:
        return result
    return s.ops.add(result, s.ops.scale(s.array(shift), node.number("beta", 1.0)))


def _reduction(name: str) -> Operator:
    def operator(s: Session, node: Node, x: Value, axes: Value | None = None) -> SignalArray:
        chosen = node.get("axes") if axes is None else s.integers(axes, "the axes")
        if not chosen:
            if node.get("noop_with_empty_axes", 0):
                return s.array(x)
            chosen = None
        result: SignalArray = getattr(s.ops, name)(s.array(x), chosen, bool(node.get("keepdims", 1)))
        return result

    return operator


for _name, _method in {
    "ReduceSum": "sum", "ReduceMean": "mean", "ReduceMax": "maximum_over", "ReduceMin": "minimum_over",
}.items():  # fmt: skip
    OPERATORS[_name] = _reduction(_method)


# ---------------------------------------------------------------- shapes and constants


@_named("Constant")
def _constant(s: Session, node: Node) -> np.ndarray:
    for name in ("value", "value_float", "value_floats", "value_int", "value_ints"):
        if name in node.attributes:
            return np.asarray(node[name])
    raise NetworkError("it holds no numbers")


@_named("ConstantOfShape")
def _constant_of_shape(s: Session, node: Node, shape: Value) -> np.ndarray:
    value = np.asarray(node.get("value", np.zeros(1)))
    return np.full(checked_shape(s.integers(shape, "the shape")), value.ravel()[0])


@_named("Shape")
def _shape(s: Session, node: Node, x: Value) -> np.ndarray:
    shape = x.shape if isinstance(x, np.ndarray) else s.array(x).shape
    return np.array(shape[node.get("start", 0) : node.get("end")], dtype=np.int64)


@_named("Size")
def _size(s: Session, node: Node, x: Value) -> np.ndarray:
    return np.array(math.prod(x.shape if isinstance(x, np.ndarray) else s.array(x).shape), dtype=np.int64)


@_named("Identity")
def _identity(s: Session, node: Node, x: Value) -> Value:
    return x


@_named("Dropout")
def _dropout(s: Session, node: Node, x: Value, ratio: Value | None = None, training: Value | None = None) -> Value:
    if training is not None and any(s.integers(training, "training_mode")):
        raise NetworkError("it is in training mode, in which it is random; export the model in evaluation mode")
    s.note("dropout read as the identity (evaluation mode)")
    return s.array(x)


@_named("Cast")
def _cast(s: Session, node: Node, x: Value) -> Value:
    to_float = node["to"] in (1, 11)  # FLOAT, DOUBLE
    if isinstance(x, np.ndarray):
        return x.astype(np.float64) if to_float else x.astype(np.int64) if node["to"] in (6, 7, 9) else x
    if not to_float:
        raise NetworkError("it rounds to a coarser type, which is not piecewise linear")
    return s.array(x)


@_named("Reshape")
def _reshape(s: Session, node: Node, x: Value, shape: Value | None = None) -> Value:
    wanted = list(node["shape"]) if shape is None else s.integers(shape, "the shape")
    old = x.shape if isinstance(x, np.ndarray) else s.array(x).shape
    if not node.get("allowzero", 0):
        wanted = [old[a] if size == 0 else size for a, size in enumerate(wanted)]
    return x.reshape(wanted) if isinstance(x, np.ndarray) else s.ops.reshape(s.array(x), wanted)


@_named("Flatten")
def _flatten(s: Session, node: Node, x: Value) -> SignalArray:
    array, axis = s.array(x), node.get("axis", 1)
    place = axis if axis == array.ndim else s.ops.axis(array, axis)
    return s.ops.reshape(array, (math.prod(array.shape[:place]), math.prod(array.shape[place:])))


@_named("Transpose")
def _transpose(s: Session, node: Node, x: Value) -> Value:
    return s.rearrange(x, lambda p: np.transpose(p, node.get("perm")))


@_named("Squeeze")
def _squeeze(s: Session, node: Node, x: Value, axes: Value | None = None) -> Value:
    chosen = node.get("axes") if axes is None else s.integers(axes, "the axes")
    return s.rearrange(x, lambda p: np.squeeze(p, None if chosen is None else tuple(chosen)))


@_named("Unsqueeze")
def _unsqueeze(s: Session, node: Node, x: Value, axes: Value | None = None) -> Value:
    chosen = node["axes"] if axes is None else s.integers(axes, "the axes")
    return s.rearrange(x, lambda p: np.expand_dims(p, tuple(chosen)))


@_named("Expand")
def _expand(s: Session, node: Node, x: Value, shape: Value) -> Value:
    array = s.array(x)
    wanted = checked_shape(np.broadcast_shapes(array.shape, tuple(s.integers(shape, "the shape"))))
    return s.ops.gather(array, np.broadcast_to(array.positions, wanted))


@_named("Tile")
def _tile(s: Session, node: Node, x: Value, repeats: Value) -> Value:
    array, times = s.array(x), s.integers(repeats, "the repeats")
    checked_shape([size * t for size, t in zip(array.shape, times, strict=True)])
    return s.ops.rearrange(array, lambda p: np.tile(p, times))


@_named("Concat")
def _concat(s: Session, node: Node, *inputs: Value) -> Value:
    if _is_plain(*inputs):
        return np.concatenate([np.asarray(x) for x in inputs], axis=node["axis"])
    return s.ops.concatenate([s.array(x) for x in inputs], node["axis"])


@_named("Split")
def _split(s: Session, node: Node, x: Value, sizes: Value | None = None) -> tuple[Value, ...]:
    array = s.array(x)
    axis = s.ops.axis(array, node.get("axis", 0))
    total = array.shape[axis]
    lengths = node.get("split") if sizes is None else s.integers(sizes, "the sizes")
    if lengths is None:
        count = node.get("num_outputs", node.outputs)
        each = -(-total // count)
        lengths = [min(each, total - k * each) for k in range(count)]
    if sum(lengths) != total or any(length < 0 for length in lengths):
        raise NetworkError(f"pieces of {list(lengths)} do not make {total}")
    ends = np.cumsum(lengths).tolist()
    pieces = zip([0, *ends], ends, strict=False)
    return tuple(s.rearrange(array, lambda p, a=a, b=b: np.take(p, range(a, b), axis)) for a, b in pieces)  # type: ignore[misc]


@_named("Slice")
def _slice(
    s: Session, node: Node, x: Value, starts: Value | None = None, ends: Value | None = None,
    axes: Value | None = None, steps: Value | None = None,
) -> Value:  # fmt: skip
    first = node["starts"] if starts is None else s.integers(starts, "the starts")
    last = node["ends"] if ends is None else s.integers(ends, "the ends")
    places = node.get("axes") if axes is None else s.integers(axes, "the axes")
    strides = [1] * len(first) if steps is None else s.integers(steps, "the steps")

    def change(p: np.ndarray) -> np.ndarray:
        index = [slice(None)] * p.ndim
        for place, a, b, step in zip(
            range(len(first)) if places is None else places, first, last, strides, strict=True
        ):
            # an end far below zero asks for everything down to the first entry
            index[place] = slice(a, None if step < 0 and b < -p.shape[place] else b, step)
        return p[tuple(index)]

    return s.rearrange(x, change)


@_named("Gather")
def _gather(s: Session, node: Node, x: Value, indices: Value) -> Value:
    if not _is_plain(indices):
        raise NetworkError("it looks entries up by an index that is not a constant, which jumps")
    return s.rearrange(x, lambda p: np.take(p, indices, axis=node.get("axis", 0)))  # type: ignore[arg-type]


@_named("Pad")
def _pad(
    s: Session, node: Node, x: Value, pads: Value | None = None, value: Value | None = None, axes: Value | None = None
) -> SignalArray:
    array = s.array(x)
    amounts = list(node["pads"]) if pads is None else s.integers(pads, "the pads")
    places = list(range(array.ndim)) if axes is None else [s.ops.axis(array, a) for a in s.integers(axes, "the axes")]
    if len(amounts) != 2 * len(places):
        raise NetworkError(f"pads of {amounts} do not fit {len(places)} axes")
    widths = [(0, 0)] * array.ndim
    for k, place in enumerate(places):
        widths[place] = (amounts[k], amounts[k + len(places)])
    fill = node.number("value", 0.0) if value is None else s.numbers(value, "the padding")[0]
    mode = node.get("mode", "constant")
    if mode not in ("constant", "reflect", "edge", "wrap"):
        raise NetworkError(f"padding mode {mode!r:.40} is not known")
    return s.ops.pad(array, widths, mode, fill)


# ---------------------------------------------------------------- convolution, pooling, normalisation


def _windows(
    node: Node, sizes: Sequence[int], kernel: Sequence[int]
) -> tuple[list[int], list[tuple[int, int]], list[int]]:
    """Stride, padding and dilation of a sliding kernel."""
    count = len(sizes)
    stride = list(node.get("strides", [1] * count))
    dilation = list(node.get("dilations", [1] * count))
    automatic = node.get("auto_pad", "NOTSET")
    if automatic in ("SAME_UPPER", "SAME_LOWER"):
        padding = []
        for size, k, step, gap in zip(sizes, kernel, stride, dilation, strict=True):
            total = max((-(-size // step) - 1) * step + gap * (k - 1) + 1 - size, 0)
            small, large = total // 2, total - total // 2
            padding.append((small, large) if automatic == "SAME_UPPER" else (large, small))
    elif automatic in ("NOTSET", "VALID"):
        pads = list(node.get("pads", [0] * 2 * count)) if automatic == "NOTSET" else [0] * 2 * count
        padding = list(zip(pads[:count], pads[count:], strict=True))
    else:
        raise NetworkError(f"auto_pad {automatic!r:.40} is not known")
    return stride, padding, dilation


@_named("Conv")
def _conv(s: Session, node: Node, x: Value, weight: Value, bias: Value | None = None) -> SignalArray:
    array, kernel = s.array(x), s.array(weight, "the kernel")
    stride, padding, dilation = _windows(node, array.shape[2:], kernel.shape[2:])
    shift = None if bias is None else s.array(bias, "the bias")
    return layers.convolution(s.ops, array, kernel, shift, stride, padding, dilation, node.get("group", 1))


@_named("MaxPool")
def _max_pool(s: Session, node: Node, x: Value) -> SignalArray:
    array, kernel = s.array(x), node["kernel_shape"]
    stride, padding, dilation = _windows(node, array.shape[2:], kernel)
    return layers.max_pool(s.ops, array, kernel, stride, padding, dilation, bool(node.get("ceil_mode", 0)))


@_named("AveragePool")
def _average_pool(s: Session, node: Node, x: Value) -> SignalArray:
    array, kernel = s.array(x), node["kernel_shape"]
    stride, padding, dilation = _windows(node, array.shape[2:], kernel)
    if any(gap != 1 for gap in dilation):
        raise NetworkError("a mean over a dilated window is not read")
    return layers.average_pool(
        s.ops, array, kernel, stride, padding, count_padding=bool(node.get("count_include_pad", 0)),
        ceil_mode=bool(node.get("ceil_mode", 0)),
    )  # fmt: skip


@_named("GlobalAveragePool")
def _global_average(s: Session, node: Node, x: Value) -> SignalArray:
    array = s.array(x)
    return s.ops.mean(array, tuple(range(2, array.ndim)), keep=True)


@_named("GlobalMaxPool")
def _global_maximum(s: Session, node: Node, x: Value) -> SignalArray:
    array = s.array(x)
    return s.ops.maximum_over(array, tuple(range(2, array.ndim)), keep=True)


@_named("BatchNormalization")
def _batch_norm(
    s: Session, node: Node, x: Value, gamma: Value, beta: Value, mean: Value, variance: Value
) -> SignalArray:
    if node.get("training_mode", 0) or not node.get("spatial", 1):
        raise NetworkError("it looks at the whole batch; export the model in evaluation mode")
    s.note("batch normalisation: gamma / sqrt(var + eps) rounded once to float64")
    return layers.batch_norm(
        s.ops,
        s.array(x),
        s.numbers(gamma, "gamma"),
        s.numbers(beta, "beta"),
        s.numbers(mean, "the mean"),
        s.numbers(variance, "the variance"),
        node.number("epsilon", 1e-5),
    )
