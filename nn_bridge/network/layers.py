"""The layers of piecewise linear networks on arrays of exact signals: activations, convolution, pooling, normalisation.

Readers of torch and ONNX files share them.  Everything is rational except the factor ``gamma / sqrt(var + eps)`` of a
batch normalisation, which is rounded once to float64.  A maximum of many is folded from left to right.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
from flint import fmpq, fmpz

from nn_bridge.errors import NetworkError
from nn_bridge.network.builder import Signal
from nn_bridge.network.costs import Terms
from nn_bridge.network.signals import NOTHING, Arrays, SignalArray, checked_shape
from polyhedra.plurals import counted
from polyhedra.scalars import ONE, ZERO, rational, to_float

JUMPS = (
    "it jumps, and the normal form holds continuous functions only; put a steep ramp such as hard tanh in its place, "
    "or look at the layers before it"
)
"""Why sign functions and linear threshold units are refused, and what to do."""


# ---------------------------------------------------------------- activations


def _by_units(array: SignalArray, change: Callable[[Signal], Signal]) -> SignalArray:
    return SignalArray(change(array.signal), array.shape)


def relu(ops: Arrays, x: SignalArray) -> SignalArray:
    """``max(0, x)``."""
    return _by_units(x, ops.build.relu)


def leaky_relu(ops: Arrays, x: SignalArray, slope: fmpq) -> SignalArray:
    """``max(0, x) + slope min(0, x)``."""
    return _by_units(x, lambda signal: ops.build.leaky_relu(signal, slope))


def prelu(ops: Arrays, x: SignalArray, slopes: SignalArray) -> SignalArray:
    """Leaky ReLU with a constant slope for each entry; the slopes are broadcast to ``x``."""
    each = slopes.numbers("the slope")
    try:
        spread = np.broadcast_to(each, x.shape).ravel().tolist()
    except ValueError:
        raise NetworkError(f"slopes of shape {slopes.shape} do not fit values of shape {x.shape}") from None
    return _by_units(x, lambda signal: ops.build.leaky_relu(signal, spread))


def absolute(ops: Arrays, x: SignalArray) -> SignalArray:
    """``|x|``."""
    return _by_units(x, ops.build.absolute)


def clip(ops: Arrays, x: SignalArray, low: fmpq | None, high: fmpq | None) -> SignalArray:
    """``min(max(x, low), high)``; None: no bound on that side."""
    if low is not None and high is not None:
        return _by_units(x, lambda signal: ops.build.clip(signal, low, high))
    if low is not None:
        return _by_units(x, lambda signal: ops.build.threshold(signal, low))
    if high is not None:
        return ops.negative(clip(ops, ops.negative(x), -high, None))
    return x


def hard_sigmoid(ops: Arrays, x: SignalArray, slope: fmpq, offset: fmpq) -> SignalArray:
    """``min(max(slope x + offset, 0), 1)``."""
    scaled = ops.scale(x, slope)
    moved = SignalArray(ops.build.shift(scaled.signal, [offset] * scaled.signal.size), x.shape)
    return clip(ops, moved, ZERO, ONE)


def threshold(ops: Arrays, x: SignalArray, level: fmpq, value: fmpq) -> SignalArray:
    """``x`` where ``x > level``, else ``value``; continuous, and read, where the two are equal."""
    if level != value:
        raise NetworkError(f"a threshold at {level} with the value {value}: {JUMPS}")
    return clip(ops, x, level, None)


def soft_shrink(ops: Arrays, x: SignalArray, level: fmpq) -> SignalArray:
    """``x - level`` above ``level``, ``x + level`` below ``-level``, 0 between."""
    return ops.subtract(x, clip(ops, x, -level, level))


# ---------------------------------------------------------------- affine layers


def linear(ops: Arrays, x: SignalArray, weight: SignalArray, bias: SignalArray | None = None) -> SignalArray:
    """``x W^T + b`` over the last axis; the weight has shape (out, in)."""
    if weight.ndim != 2 or x.ndim == 0 or x.shape[-1] != weight.shape[1]:
        raise NetworkError(f"weights of shape {weight.shape} do not fit values of shape {x.shape}")
    result = ops.matmul(x, ops.rearrange(weight, np.transpose))
    return result if bias is None else ops.add(result, bias)


def batch_factor(gamma: fmpq, variance: fmpq, epsilon: fmpq) -> fmpq:
    """``gamma / sqrt(variance + epsilon)``, rounded once to the nearest float64.

    Raises
    ------
    NetworkError
        ``variance + epsilon`` is not positive.
    """
    total = variance + epsilon
    if total <= 0:
        raise NetworkError("variance + eps is not positive")
    square = gamma * gamma / total
    # the square root to 128 bits or more, so that only the step to float64 rounds
    shift = max(0, 256 - square.p.bit_length() + square.q.bit_length())
    shift += shift % 2
    root = fmpq(((square.p << shift) // square.q).isqrt(), fmpz(1) << (shift // 2))
    rounded = to_float(root)
    if math.isinf(rounded):
        raise NetworkError("gamma / sqrt(variance + eps) is larger than any float64")
    return rational(rounded if gamma >= 0 else -rounded)


def batch_norm(
    ops: Arrays,
    x: SignalArray,
    gamma: Sequence[fmpq] | None,
    beta: Sequence[fmpq] | None,
    mean: Sequence[fmpq],
    variance: Sequence[fmpq],
    epsilon: fmpq,
) -> SignalArray:
    """``gamma (x - mean) / sqrt(variance + epsilon) + beta`` by channels, which are axis 1."""
    channels = len(mean)
    if x.ndim < 2 or x.shape[1] != channels or len(variance) != channels:
        raise NetworkError(f"a normalisation of {counted(channels, 'channel')} does not fit values of shape {x.shape}")
    for values in (gamma, beta):
        if values is not None and len(values) != channels:
            raise NetworkError(f"a normalisation of {counted(channels, 'channel')} has {len(values)} factors or shifts")
    scale = gamma or [ONE] * channels
    factors = [batch_factor(g, v, epsilon) for g, v in zip(scale, variance, strict=True)]
    shifts = [b - f * m for b, f, m in zip(beta or [ZERO] * channels, factors, mean, strict=True)]
    shape = (channels, *(1,) * (x.ndim - 2))
    each = SignalArray(ops.build.constant(factors), shape)
    return ops.add(ops.multiply(x, each), SignalArray(ops.build.constant(shifts), shape))


# ---------------------------------------------------------------- windows

_LONGEST = 2**31  # positions are 64-bit integers: products of two such numbers fit


def windows(
    shape: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[tuple[int, int]],
    dilation: Sequence[int],
    ceil_mode: bool = False,
) -> np.ndarray:
    """The positions that each window of a sliding kernel sees, over spatial axes of this shape.

    Returns
    -------
    array of shape (output sizes .., taps)
        Positions in C order, `NOTHING` in the padding.  With ``ceil_mode`` the last windows may reach past the padding,
        but start before its end.
    """
    sizes = len(shape)
    if not len(kernel) == len(stride) == len(padding) == len(dilation) == sizes:
        raise NetworkError(f"a kernel of shape {tuple(kernel)} does not fit values of shape {tuple(shape)}")
    if any(v < 1 for v in (*kernel, *stride, *dilation)) or any(v < 0 for pair in padding for v in pair):
        raise NetworkError("kernel, stride and dilation must be positive, and padding must not be negative")
    if any(v >= _LONGEST for v in (*kernel, *stride, *dilation, *(v for pair in padding for v in pair))):
        raise NetworkError("kernel, stride, dilation or padding is larger than any image")
    counts = []
    for size, k, s, (before, after), d in zip(shape, kernel, stride, padding, dilation, strict=True):
        room = size + before + after - d * (k - 1) - 1
        if room < 0:
            raise NetworkError(
                f"a kernel of size {d * (k - 1) + 1} does not fit {counted(size, 'value')} padded by {before + after}"
            )
        count = (-(-room // s) if ceil_mode else room // s) + 1
        if ceil_mode and (count - 1) * s >= size + before:
            count -= 1
        counts.append(count)
    checked_shape([*counts, *kernel])  # before anything of that size is made
    starts = [
        np.arange(count) * step - before for count, step, (before, _) in zip(counts, stride, padding, strict=True)
    ]
    taps = [np.arange(k) * d for k, d in zip(kernel, dilation, strict=True)]
    result = np.zeros((*(len(s) for s in starts), *kernel), dtype=np.int64)
    outside = np.zeros(result.shape, dtype=bool)
    for axis, (first, offsets, size) in enumerate(zip(starts, taps, shape, strict=True)):
        place = first[:, None] + offsets[None, :]
        view = [1] * (2 * sizes)
        view[axis], view[sizes + axis] = place.shape
        outside |= ((place < 0) | (place >= size)).reshape(view)
        result = result * size + place.reshape(view)
    result[outside] = NOTHING
    return result.reshape(*(len(s) for s in starts), -1)


def _channels(x: SignalArray, spatial: int, what: str) -> tuple[int, int, tuple[int, ...]]:
    """Batch size, channels and spatial shape of an array (N, C, ...)."""
    if x.ndim != spatial + 2:
        raise NetworkError(f"{what} reads arrays with {spatial + 2} axes (batch, channels, ...), not shape {x.shape}")
    return x.shape[0], x.shape[1], x.shape[2:]


def convolution(
    ops: Arrays,
    x: SignalArray,
    weight: SignalArray,
    bias: SignalArray | None,
    stride: Sequence[int],
    padding: Sequence[tuple[int, int]],
    dilation: Sequence[int],
    groups: int = 1,
) -> SignalArray:
    """A convolution (cross-correlation) over any number of spatial axes; the weight has shape (out, in/groups, ...)."""
    spatial = weight.ndim - 2
    batch, channels, sizes = _channels(x, spatial, "this convolution")
    out_channels = weight.shape[0]
    if groups < 1 or weight.shape[1] * groups != channels or out_channels % groups:
        raise NetworkError(f"weights of shape {weight.shape} in {groups} groups do not fit {channels} channels")
    kernels = weight.numbers("the kernel").reshape(out_channels, weight.shape[1], -1)
    shifts = [ZERO] * out_channels if bias is None else bias.numbers("the bias").ravel().tolist()
    if len(shifts) != out_channels:
        raise NetworkError(f"{counted(len(shifts), 'bias', 'biases')} for {counted(out_channels, 'channel')}")
    seen = windows(sizes, weight.shape[2:], stride, padding, dilation)
    places = seen.reshape(-1, seen.shape[-1])
    shape = checked_shape((batch, out_channels, *seen.shape[:-1]))
    ops.build.spend(batch * out_channels * places.size * weight.shape[1])
    area = math.prod(sizes)
    reads = [[(tap, p) for tap, p in enumerate(row) if p != NOTHING] for row in places.tolist()]
    rows: list[Terms] = []
    per_group = out_channels // groups
    for n, out in product(range(batch), range(out_channels)):
        first = n * channels + out // per_group * weight.shape[1]
        layers = [((first + c) * area, kernels[out, c].tolist()) for c in range(weight.shape[1])]
        rows += [{start + p: w[tap] for start, w in layers for tap, p in taps if w[tap]} for taps in reads]
    biases = [shifts[out] for _ in range(batch) for out in range(out_channels) for _ in reads]
    return ops.combine(x, rows, biases, shape)


def max_pool(
    ops: Arrays,
    x: SignalArray,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[tuple[int, int]],
    dilation: Sequence[int],
    ceil_mode: bool = False,
) -> SignalArray:
    """The maximum over each window, what lies in the padding left out."""
    groups, shape = _pooled(x, windows(x.shape[2:], kernel, stride, padding, dilation, ceil_mode), len(kernel))
    return SignalArray(ops.build.maxima(x.signal, groups), shape)


def average_pool(
    ops: Arrays,
    x: SignalArray,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[tuple[int, int]],
    *,
    count_padding: bool,
    ceil_mode: bool = False,
    divisor: int | None = None,
) -> SignalArray:
    """The mean over each window; with ``count_padding`` zeros in the padding count, past it nothing does."""
    ones = (1,) * len(kernel)
    seen = windows(x.shape[2:], kernel, stride, padding, ones, ceil_mode)
    groups, shape = _pooled(x, seen, len(kernel))
    if divisor is not None:
        counts = [divisor] * len(groups)
    elif count_padding:
        once = _taps_inside(x.shape[2:], kernel, stride, padding, seen.shape[:-1])
        counts = once * (len(groups) // len(once))
    else:
        counts = [len(group) for group in groups]
    if not all(counts):
        raise NetworkError("the mean over an empty window is not defined")
    rows = [dict.fromkeys(group, fmpq(1, count)) for group, count in zip(groups, counts, strict=True)]
    return ops.combine(x, rows, (ZERO,) * len(rows), shape)


def _taps_inside(
    shape: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[tuple[int, int]],
    counts: Sequence[int],
) -> list[int]:
    """How many places of each window lie in the array or its padding."""
    total = np.ones(1, dtype=np.int64)
    for size, k, s, (before, after), count in zip(shape, kernel, stride, padding, counts, strict=True):
        start = np.arange(count) * s - before
        total = np.multiply.outer(total, np.minimum(start + k, size + after) - start)
    result: list[int] = total.ravel().tolist()
    return result


def adaptive_windows(size: int, count: int) -> list[range]:
    """The windows of adaptive pooling of ``size`` values to ``count``: from floor to ceiling of equal shares."""
    return [range(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


def adaptive_groups(x: SignalArray, counts: Sequence[int]) -> tuple[list[list[int]], tuple[int, ...]]:
    """The positions that each entry of an adaptive pooling sees, and the shape of the result."""
    batch, channels, sizes = _channels(x, len(counts), "this pooling")
    if any(count < 1 for count in counts):
        raise NetworkError(f"there is no pooling to shape {tuple(counts)}")
    shape = checked_shape((batch, channels, *counts))
    shares = [adaptive_windows(size, count) for size, count in zip(sizes, counts, strict=True)]
    flat = x.positions.reshape(batch * channels, *sizes)
    groups = [
        flat[(image, *np.ix_(*map(list, window)))].ravel().tolist()
        for image in range(batch * channels)
        for window in product(*shares)
    ]
    return groups, shape


def adaptive_average_pool(ops: Arrays, x: SignalArray, counts: Sequence[int]) -> SignalArray:
    """The mean over windows that share the values out to ``counts`` entries an axis."""
    groups, shape = adaptive_groups(x, counts)
    rows = [dict.fromkeys(group, fmpq(1, len(group))) for group in groups]
    return ops.combine(x, rows, (ZERO,) * len(rows), shape)


def adaptive_max_pool(ops: Arrays, x: SignalArray, counts: Sequence[int]) -> SignalArray:
    """The maximum over windows that share the values out to ``counts`` entries an axis."""
    groups, shape = adaptive_groups(x, counts)
    return SignalArray(ops.build.maxima(x.signal, groups), shape)


def _pooled(x: SignalArray, seen: np.ndarray, spatial: int) -> tuple[list[list[int]], tuple[int, ...]]:
    batch, channels, sizes = _channels(x, spatial, "this pooling")
    shape = checked_shape((batch, channels, *seen.shape[:-1]))
    checked_shape((batch, channels, *seen.shape))
    area = math.prod(sizes)
    places = [[p for p in row if p != NOTHING] for row in seen.reshape(-1, seen.shape[-1]).tolist()]
    return [[image * area + p for p in row] for image in range(batch * channels) for row in places], shape
