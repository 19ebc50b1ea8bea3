"""Torch's transposed convolutions, interpolations, pixel shuffles and folds on arrays of exact signals."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.network import upsampling
from nn_bridge.network.signals import SignalArray
from nn_bridge.readers.torch.layers import MODULES, spread, with_batch, without_batch
from nn_bridge.readers.torch.operations import FUNCTIONS, Operation, Tracer, named_in_torch
from polyhedra.scalars import rational


def _transposed(spatial: int) -> Operation:
    def operation(
        t: Tracer, x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
        groups: int = 1, dilation: Any = 1,
    ) -> SignalArray:  # fmt: skip
        array, added = with_batch(t, x, spatial)
        steps, around, more, gaps = (spread(v, spatial) for v in (stride, padding, output_padding, dilation))
        shift = None if bias is None else t.array(bias, "the bias")
        kernel = t.array(weight, "the kernel")
        result = upsampling.transposed_convolution(t.ops, array, kernel, shift, steps, around, more, gaps, groups)
        return without_batch(t, result, added)

    return operation


def _transposing(spatial: int) -> Callable[[Tracer, Any, Any], Any]:
    def run(t: Tracer, module: Any, x: Any) -> Any:
        return FUNCTIONS[f"conv_transpose{spatial}d"](
            t, x, module.weight, module.bias, module.stride, module.padding, module.output_padding, module.groups,
            module.dilation,
        )  # fmt: skip

    return run


for _count in (1, 2, 3):
    FUNCTIONS[f"conv_transpose{_count}d"] = _transposed(_count)
    MODULES[f"ConvTranspose{_count}d"] = _transposing(_count)


@named_in_torch("interpolate", "upsample")
def _interpolate(
    t: Tracer, x: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: Any = None,
    recompute_scale_factor: Any = None, antialias: bool = False,
) -> SignalArray:  # fmt: skip
    array = t.array(x)
    spatial = array.ndim - 2
    if antialias or mode not in ("nearest", "linear", "bilinear", "trilinear"):
        raise NetworkError(f"interpolation {mode!r} is affine, but not read; take 'nearest' or 'bilinear', or .onnx")
    old = array.shape[2:]
    if size is not None:
        sizes, factors = spread(size, spatial), None
    else:
        values = list(scale_factor) if isinstance(scale_factor, (tuple, list)) else [scale_factor] * spatial
        sizes = [math.floor(n * float(f)) for n, f in zip(old, values, strict=True)]
        factors = None if recompute_scale_factor else values
    mixtures = []
    for axis, (n, count) in enumerate(zip(old, sizes, strict=True)):
        if n < 1 or count < 1:
            raise NetworkError(f"there is no interpolation from shape {old} to {tuple(sizes)}")
        step = fmpq(n, count) if factors is None else 1 / rational(float(factors[axis]))
        if mode == "nearest":
            mixtures.append(upsampling.nearest(n, count, step))
        elif align_corners:
            between = fmpq(n - 1, count - 1) if count > 1 else fmpq(0)
            mixtures.append(upsampling.linear_mixtures(n, count, between, corners=True))
        else:
            mixtures.append(upsampling.linear_mixtures(n, count, step, corners=False))
    return upsampling.mix(t.ops, array, mixtures)


def _upsampling(t: Tracer, module: Any, x: Any) -> Any:
    corners, again = module.align_corners, getattr(module, "recompute_scale_factor", None)
    return _interpolate(t, x, module.size, module.scale_factor, module.mode, corners, again)


MODULES["Upsample"] = MODULES["UpsamplingNearest2d"] = MODULES["UpsamplingBilinear2d"] = _upsampling


@named_in_torch("pixel_shuffle")
def _pixel_shuffle(t: Tracer, x: Any, upscale_factor: int) -> SignalArray:
    return upsampling.pixel_shuffle(t.ops, t.array(x), upscale_factor)


@named_in_torch("pixel_unshuffle")
def _pixel_unshuffle(t: Tracer, x: Any, downscale_factor: int) -> SignalArray:
    return upsampling.pixel_unshuffle(t.ops, t.array(x), downscale_factor)


MODULES["PixelShuffle"] = lambda t, module, x: _pixel_shuffle(t, x, module.upscale_factor)
MODULES["PixelUnshuffle"] = lambda t, module, x: _pixel_unshuffle(t, x, module.downscale_factor)


@named_in_torch("unfold")
def _unfold(t: Tracer, x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> SignalArray:
    array = t.array(x)
    if array.ndim != 4:
        raise NetworkError(f"it reads arrays of shape (batch, channels, height, width), not {array.shape}")
    return upsampling.unfold(t.ops, array, *(spread(v, 2) for v in (kernel_size, dilation, padding, stride)))


@named_in_torch("fold")
def _fold(
    t: Tracer, x: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> SignalArray:
    pairs = (spread(v, 2) for v in (output_size, kernel_size, dilation, padding, stride))
    return upsampling.fold(t.ops, t.array(x), *pairs)


MODULES["Unfold"] = lambda t, m, x: _unfold(t, x, m.kernel_size, m.dilation, m.padding, m.stride)
MODULES["Fold"] = lambda t, m, x: _fold(t, x, m.output_size, m.kernel_size, m.dilation, m.padding, m.stride)
