"""Convolution, pooling, normalisation and resizing of ONNX."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.network import layers
from nn_bridge.network.signals import SignalArray
from nn_bridge.network.upsampling import mix, transposed_convolution, transposed_sizes
from nn_bridge.readers.onnx.session import Node, Session, Value, named
from polyhedra.quoting import quoted
from polyhedra.scalars import ONE, ZERO


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
            padding.append(_halves(total, automatic == "SAME_UPPER"))
    elif automatic in ("NOTSET", "VALID"):
        pads = list(node.get("pads", [0] * 2 * count)) if automatic == "NOTSET" else [0] * 2 * count
        padding = list(zip(pads[:count], pads[count:], strict=True))
    else:
        raise NetworkError(f"auto_pad {quoted(automatic)} is not known")
    return stride, padding, dilation


def _halves(total: int, more_behind: bool) -> tuple[int, int]:
    small, large = total // 2, total - total // 2
    return (small, large) if more_behind else (large, small)


@named("Conv")
def _conv(s: Session, node: Node, x: Value, weight: Value, bias: Value | None = None) -> SignalArray:
    array, kernel = s.array(x), s.array(weight, "the kernel")
    stride, padding, dilation = _windows(node, array.shape[2:], kernel.shape[2:])
    shift = None if bias is None else s.array(bias, "the bias")
    return layers.convolution(s.ops, array, kernel, shift, stride, padding, dilation, node.get("group", 1))


@named("ConvTranspose")
def _conv_transpose(s: Session, node: Node, x: Value, weight: Value, bias: Value | None = None) -> SignalArray:
    array, kernel = s.array(x), s.array(weight, "the kernel")
    count = kernel.ndim - 2
    if array.ndim != count + 2 or count < 1:
        raise NetworkError(f"weights of shape {kernel.shape} do not fit values of shape {array.shape}")
    stride = list(node.get("strides", [1] * count))
    dilation = list(node.get("dilations", [1] * count))
    extra = list(node.get("output_padding", [0] * count))
    pads = list(node.get("pads", [0] * 2 * count))
    none = [(0, 0)] * count
    full = transposed_sizes(array.shape[2:], kernel.shape[2:], stride, none, extra, dilation)
    automatic = node.get("auto_pad", "NOTSET")
    if automatic not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        raise NetworkError(f"auto_pad {quoted(automatic)} is not known")
    wanted = node.get("output_shape")
    if wanted is None and automatic.startswith("SAME"):
        wanted = [size * step for size, step in zip(array.shape[2:], stride, strict=True)]
    if wanted is not None:
        totals = [size - target for size, target in zip(full, list(wanted)[-count:], strict=True)]
        padding = [_halves(total, automatic == "SAME_UPPER") for total in totals]
    else:
        padding = list(zip(pads[:count], pads[count:], strict=True))
    shift = None if bias is None else s.array(bias, "the bias")
    groups = node.get("group", 1)
    return transposed_convolution(s.ops, array, kernel, shift, stride, padding, extra, dilation, groups)


# ---------------------------------------------------------------- pooling


def _indices_unused(node: Node) -> None:
    if any(k > 0 for k in node.used):
        raise NetworkError("only its first output is read; the places of maxima jump")


@named("MaxPool")
def _max_pool(s: Session, node: Node, x: Value) -> SignalArray:
    _indices_unused(node)
    array, kernel = s.array(x), node["kernel_shape"]
    stride, padding, dilation = _windows(node, array.shape[2:], kernel)
    return layers.max_pool(s.ops, array, kernel, stride, padding, dilation, bool(node.get("ceil_mode", 0)))


@named("AveragePool")
def _average_pool(s: Session, node: Node, x: Value) -> SignalArray:
    array, kernel = s.array(x), node["kernel_shape"]
    stride, padding, dilation = _windows(node, array.shape[2:], kernel)
    if any(gap != 1 for gap in dilation):
        raise NetworkError("a mean over a dilated window is not read")
    return layers.average_pool(
        s.ops, array, kernel, stride, padding, count_padding=bool(node.get("count_include_pad", 0)),
        ceil_mode=bool(node.get("ceil_mode", 0)),
    )  # fmt: skip


@named("GlobalAveragePool")
def _global_average(s: Session, node: Node, x: Value) -> SignalArray:
    array = s.array(x)
    return s.ops.mean(array, tuple(range(2, array.ndim)), keep=True)


@named("GlobalMaxPool")
def _global_maximum(s: Session, node: Node, x: Value) -> SignalArray:
    array = s.array(x)
    return s.ops.maximum_over(array, tuple(range(2, array.ndim)), keep=True)


# ---------------------------------------------------------------- normalisation


@named("BatchNormalization")
def _batch_norm(
    s: Session, node: Node, x: Value, gamma: Value, beta: Value, mean: Value, variance: Value
) -> SignalArray:
    training = node.get("training_mode", 0) or (s.opset < 7 and not node.get("is_test", 0))
    if training or not node.get("spatial", 1) or any(k > 0 for k in node.used):
        raise NetworkError("it looks at the whole batch; export the model in evaluation mode")
    s.note("batch normalisation: gamma / sqrt(var + eps) rounded once to float64")
    return layers.batch_norm(
        s.ops, s.array(x), s.numbers(gamma, "gamma"), s.numbers(beta, "beta"), s.numbers(mean, "the mean"),
        s.numbers(variance, "the variance"), node.number("epsilon", 1e-5),
    )  # fmt: skip


# ---------------------------------------------------------------- resizing


@named("Upsample")
def _upsample(s: Session, node: Node, x: Value, scales: Value | None = None) -> SignalArray:
    array = s.array(x)
    numbers = (
        [fmpq(*float(v).as_integer_ratio()) for v in node["scales"]] if scales is None else s.numbers(scales, "it")
    )
    sizes = [_scaled(n, f) for n, f in zip(array.shape, numbers, strict=True)]
    return _resized(s, node, array, sizes, numbers, "asymmetric", "floor")


@named("Resize")
def _resize(
    s: Session, node: Node, x: Value, roi: Value | None = None, scales: Value | None = None, sizes: Value | None = None
) -> SignalArray:
    array = s.array(x)
    if s.opset < 11:
        scales, roi, coordinates, nearest = roi, None, "asymmetric", "floor"
    else:
        coordinates = node.get("coordinate_transformation_mode", "half_pixel")
        nearest = node.get("nearest_mode", "round_prefer_floor")
    places = [s.ops.axis(array, a) for a in node.get("axes", range(array.ndim))]
    numbers, targets = [ONE] * array.ndim, list(array.shape)
    given = [] if scales is None else s.numbers(scales, "the scales")
    if given:
        for place, factor in zip(places, given, strict=True):
            numbers[place], targets[place] = factor, _scaled(array.shape[place], factor)
    else:
        if node.get("keep_aspect_ratio_policy", "stretch") != "stretch":
            raise NetworkError("sizes that keep the aspect ratio are not read; give the scales")
        for place, target in zip(places, s.integers(sizes, "the sizes"), strict=True):
            if array.shape[place]:
                numbers[place], targets[place] = fmpq(target, array.shape[place]), target
    if s.opset < 11 and any(f < 1 for f in numbers):
        raise NetworkError("versions before 11 do not say how to make an image smaller; export with a newer one")
    if node.get("antialias", 0) and any(f < 1 for f in numbers):
        raise NetworkError("it filters before it makes an image smaller, which is not read; leave antialias out")
    return _resized(s, node, array, targets, numbers, coordinates, nearest)


def _scaled(size: int, factor: fmpq) -> int:
    if factor <= 0:
        raise NetworkError("scales must be positive")
    scaled = size * factor
    return int(scaled.p // scaled.q)


def _resized(
    s: Session, node: Node, x: SignalArray, sizes: Sequence[int], scales: Sequence[fmpq], coordinates: str, nearest: str
) -> SignalArray:
    mode = node.get("mode", "nearest")
    if mode not in ("nearest", "linear", "bilinear"):
        raise NetworkError(f"interpolation {quoted(mode)} is not read; nearest and linear are")
    if any(n < 1 for n in (*x.shape, *sizes)):
        raise NetworkError(f"there is no resizing of shape {x.shape} to {tuple(sizes)}")
    shape = s.shape(sizes)
    axes = [
        _weights(size, target, factor, coordinates, nearest if mode == "nearest" else "")
        for size, target, factor in zip(x.shape, shape, scales, strict=True)
    ]
    if mode == "nearest":
        places = [[next(iter(part)) for part in axis] for axis in axes]
        return s.ops.gather(x, x.positions[np.ix_(*places)])
    return mix(s.ops, x, [[list(part.items()) for part in axis] for axis in axes])


def _weights(size: int, target: int, scale: fmpq, coordinates: str, nearest: str) -> list[dict[int, fmpq]]:
    """For each place of the result along one axis: the places that it is made of, with their weights."""
    half = fmpq(1, 2)
    result = []
    for k in range(target):
        if coordinates == "asymmetric":
            place = k / scale
        elif coordinates == "align_corners":
            place = fmpq(k * (size - 1), target - 1) if target > 1 else ZERO
        elif coordinates == "pytorch_half_pixel" and target == 1:
            place = ZERO
        elif coordinates in ("half_pixel", "pytorch_half_pixel"):
            place = (k + half) / scale - half
        elif coordinates == "half_pixel_symmetric":
            place = fmpq(size, 2) * (1 - target / (size * scale)) + (k + half) / scale - half
        else:
            raise NetworkError(f"the coordinate transformation {quoted(coordinates)} is not read")
        result.append(_nearest(place, size, nearest) if nearest else _linear(place, size))
    return result


def _floor(value: fmpq) -> int:
    return int(value.p // value.q)


def _nearest(place: fmpq, size: int, nearest: str) -> dict[int, fmpq]:
    half = fmpq(1, 2)
    if nearest not in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
        raise NetworkError(f"nearest_mode {quoted(nearest)} is not known")
    chosen = {
        "round_prefer_floor": -_floor(half - place), "round_prefer_ceil": _floor(place + half),
        "floor": _floor(place), "ceil": -_floor(-place),
    }[nearest]  # fmt: skip
    return {min(max(chosen, 0), size - 1): ONE}


def _linear(place: fmpq, size: int) -> dict[int, fmpq]:
    below = _floor(place)
    share = place - below
    first, second = (min(max(p, 0), size - 1) for p in (below, below + 1))
    if first == second or not share:
        return {first: ONE}
    return {first: 1 - share, second: share}
