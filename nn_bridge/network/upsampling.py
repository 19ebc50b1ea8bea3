"""Affine layers that enlarge or regroup arrays: transposed convolution, interpolation, pixel shuffle, folding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import numpy as np
from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.network.costs import Terms
from nn_bridge.network.layers import windows
from nn_bridge.network.signals import NOTHING, Arrays, SignalArray, checked_shape
from polyhedra.plurals import counted
from polyhedra.scalars import ONE, ZERO

_LONGEST = 2**31  # steps between places that are larger than any image


def transposed_convolution(
    ops: Arrays,
    x: SignalArray,
    weight: SignalArray,
    bias: SignalArray | None,
    stride: Sequence[int],
    padding: Sequence[tuple[int, int]],
    output_padding: Sequence[int],
    dilation: Sequence[int],
    groups: int = 1,
) -> SignalArray:
    """The transpose of a convolution; the weight has shape (in, out/groups, ...).

    ``padding`` is what is cut off the result before and after it along each axis; a negative number adds places.
    """
    spatial = weight.ndim - 2
    if spatial < 1 or x.ndim != spatial + 2 or groups < 1 or x.shape[1] != weight.shape[0] or x.shape[1] % groups:
        raise NetworkError(f"weights of shape {weight.shape} in {groups} groups do not fit values of shape {x.shape}")
    batch, channels, outputs = x.shape[0], x.shape[1], weight.shape[1] * groups
    sizes = transposed_sizes(x.shape[2:], weight.shape[2:], stride, padding, output_padding, dilation)
    if any(v < 1 for v in (*stride, *dilation, *sizes)) or any(v >= _LONGEST for v in (*stride, *dilation)):
        raise NetworkError("stride, dilation and the sizes of the result must be positive")
    shape = checked_shape((batch, outputs, *sizes))
    taps = math.prod(weight.shape[2:])
    ops.build.spend(math.prod(shape) + batch * channels * weight.shape[1] * math.prod(x.shape[2:]) * taps)
    kernels = weight.numbers("the kernel").reshape(channels, weight.shape[1], taps)
    shifts = [ZERO] * outputs if bias is None else bias.numbers("the bias").ravel().tolist()
    if len(shifts) != outputs:
        raise NetworkError(f"{counted(len(shifts), 'bias', 'biases')} for {counted(outputs, 'channel')}")
    # which tap of the kernel brings which place to which place of the result
    steps = [
        [(p, t, p * step + t * gap - before) for p in range(size) for t in range(k)]
        for size, k, step, gap, (before, _) in zip(
            x.shape[2:], weight.shape[2:], stride, dilation, padding, strict=True
        )
    ]
    inside = [[m for m in moves if 0 <= m[2] < size] for moves, size in zip(steps, sizes, strict=True)]
    reads: list[list[tuple[int, int]]] = [[] for _ in range(math.prod(sizes))]
    for moves in product(*inside):
        place = tap = target = 0
        for (p, t, o), size, k, out in zip(moves, x.shape[2:], weight.shape[2:], sizes, strict=True):
            place, tap, target = place * size + p, tap * k + t, target * out + o
        reads[target].append((place, tap))
    area, each = math.prod(x.shape[2:]), channels // groups
    rows: list[Terms] = []
    for n, out in product(range(batch), range(outputs)):
        group, local = divmod(out, weight.shape[1])
        sources = [((n * channels + c) * area, kernels[c, local]) for c in range(group * each, (group + 1) * each)]
        rows += [{start + place: w[tap] for start, w in sources for place, tap in pairs if w[tap]} for pairs in reads]
    return ops.combine(x, rows, [b for _ in range(batch) for b in shifts for _ in reads], shape)


def transposed_sizes(
    shape: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[tuple[int, int]],
    output_padding: Sequence[int],
    dilation: Sequence[int],
) -> list[int]:
    """The spatial sizes of the result of a transposed convolution."""
    parts = zip(shape, kernel, stride, padding, output_padding, dilation, strict=True)
    return [s * (n - 1) + d * (k - 1) + 1 + more - before - after for n, k, s, (before, after), more, d in parts]


Mixture = list[tuple[int, fmpq]]
"""An entry along one axis as a mixture of old entries: their places and weights."""


def nearest(size: int, count: int, step: fmpq) -> list[Mixture]:
    """For each of ``count`` new entries the old one at ``floor(i * step)``."""
    return [[(min(int((i * step).floor()), size - 1), ONE)] for i in range(count)]


def linear_mixtures(size: int, count: int, step: fmpq, *, corners: bool) -> list[Mixture]:
    """For each new entry the two old ones beside it, weighted by distance; the border is repeated.

    With ``corners`` the entry ``i`` lies at ``i * step``, else at ``(i + 1/2) * step - 1/2``.
    """
    result = []
    for i in range(count):
        place = i * step if corners else max((i + fmpq(1, 2)) * step - fmpq(1, 2), ZERO)
        low = min(int(place.floor()), size - 1)
        share = place - low
        high = min(low + 1, size - 1)
        mixture = {low: ONE - share}
        mixture[high] = mixture.get(high, ZERO) + share
        result.append([(p, w) for p, w in mixture.items() if w])
    return result


def mix(ops: Arrays, x: SignalArray, mixtures: Sequence[Sequence[Mixture]]) -> SignalArray:
    """The last axes of an array as mixtures along each of them."""
    kept = x.ndim - len(mixtures)
    shape = checked_shape((*x.shape[:kept], *map(len, mixtures)))
    area = math.prod(x.shape[kept:])
    strides = [math.prod(x.shape[kept + a + 1 :]) for a in range(len(mixtures))]
    ops.build.spend(math.prod(shape) * 2 ** len(mixtures))
    patterns: list[list[tuple[int, fmpq]]] = []
    for parts in product(*mixtures):
        terms = [(0, ONE)]
        for stride, part in zip(strides, parts, strict=True):
            terms = [(p + stride * q, v * w) for p, v in terms for q, w in part]
        patterns.append(terms)
    starts = range(0, x.signal.size, area) if area else range(0)
    rows: list[Terms] = [{start + p: w for p, w in terms} for start in starts for terms in patterns]
    return ops.combine(x, rows, (ZERO,) * len(rows), shape)


def pixel_shuffle(ops: Arrays, x: SignalArray, factor: int) -> SignalArray:
    """Channels spread over blocks of ``factor`` by ``factor`` places: (.., C f f, H, W) to (.., C, H f, W f)."""
    if x.ndim < 3 or factor < 1 or x.shape[-3] % factor**2:
        raise NetworkError(f"values of shape {x.shape} cannot be shuffled by {factor}")
    *rest, channels, height, width = x.shape

    def change(p: np.ndarray) -> np.ndarray:
        split = p.reshape(-1, channels // factor**2, factor, factor, height, width)
        moved = split.transpose(0, 1, 4, 2, 5, 3)
        return moved.reshape(*rest, channels // factor**2, height * factor, width * factor)

    return ops.rearrange(x, change)


def pixel_unshuffle(ops: Arrays, x: SignalArray, factor: int) -> SignalArray:
    """The inverse of `pixel_shuffle`."""
    if x.ndim < 3 or factor < 1 or x.shape[-2] % factor or x.shape[-1] % factor:
        raise NetworkError(f"values of shape {x.shape} cannot be unshuffled by {factor}")
    *rest, channels, height, width = x.shape

    def change(p: np.ndarray) -> np.ndarray:
        split = p.reshape(-1, channels, height // factor, factor, width // factor, factor)
        moved = split.transpose(0, 1, 3, 5, 2, 4)
        return moved.reshape(*rest, channels * factor**2, height // factor, width // factor)

    return ops.rearrange(x, change)


def unfold(
    ops: Arrays,
    x: SignalArray,
    kernel: Sequence[int],
    dilation: Sequence[int],
    padding: Sequence[int],
    stride: Sequence[int],
) -> SignalArray:
    """The windows of (N, C, H, W) as columns: (N, C * taps, windows)."""
    batch, channels, sizes = x.shape[0], x.shape[1], x.shape[2:]
    seen = windows(sizes, kernel, stride, [(p, p) for p in padding], dilation)
    places = seen.reshape(-1, seen.shape[-1]).T
    checked_shape((batch, channels, *places.shape))
    starts = (np.arange(batch * channels) * math.prod(sizes))[:, None, None]
    positions = np.where(places == NOTHING, NOTHING, places + starts)
    return ops.gather(x, positions.reshape(batch, channels * places.shape[0], places.shape[1]))


def fold(
    ops: Arrays,
    x: SignalArray,
    sizes: Sequence[int],
    kernel: Sequence[int],
    dilation: Sequence[int],
    padding: Sequence[int],
    stride: Sequence[int],
) -> SignalArray:
    """Columns of windows summed into the places that they came from: the transpose of `unfold`."""
    taps = math.prod(kernel)
    seen = windows(sizes, kernel, stride, [(p, p) for p in padding], dilation)
    places = seen.reshape(-1, seen.shape[-1])
    if x.ndim != 3 or x.shape[1] % taps or x.shape[2] != len(places):
        raise NetworkError(f"values of shape {x.shape} are not the windows of an image of shape {tuple(sizes)}")
    batch, channels = x.shape[0], x.shape[1] // taps
    shape = checked_shape((batch, channels, *sizes))
    ops.build.spend(x.signal.size)
    rows: list[dict[int, fmpq]] = [{} for _ in range(math.prod(shape))]
    area = math.prod(sizes)
    for image in range(batch * channels):
        for place, row in enumerate(places.tolist()):
            for tap, q in enumerate(row):
                if q != NOTHING:
                    rows[image * area + q][(image * taps + tap) * len(places) + place] = ONE
    return ops.combine(x, rows, (ZERO,) * len(rows), shape)
