"""What torch's functions and methods that change shapes do to arrays of exact signals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nn_bridge.errors import NetworkError
from nn_bridge.network.signals import SignalArray
from nn_bridge.readers import endings
from nn_bridge.readers.torch.operations import Reduced, Tracer, named_in_torch
from polyhedra.scalars import ZERO, rational


def _sizes(shape: Sequence[Any]) -> tuple[int, ...]:
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        return tuple(shape[0])
    return tuple(shape)


@named_in_torch("view", "reshape", "_unsafe_view")
def _reshape(t: Tracer, x: Any, *shape: Any) -> SignalArray:
    return t.ops.reshape(t.array(x), _sizes(shape))


@named_in_torch("view_as", "reshape_as")
def _reshape_as(t: Tracer, x: Any, other: Any) -> SignalArray:
    return t.ops.reshape(t.array(x), t.array(other).shape)


@named_in_torch("flatten")
def _flatten(t: Tracer, x: Any, start_dim: int = 0, end_dim: int = -1) -> SignalArray:
    return t.ops.flatten(t.array(x), start_dim, end_dim)


@named_in_torch("unflatten")
def _unflatten(t: Tracer, x: Any, dim: int, sizes: Sequence[int]) -> SignalArray:
    array = t.array(x)
    place = t.ops.axis(array, dim)
    known = math.prod(s for s in sizes if s != -1)
    full = [array.shape[place] // known if s == -1 and known else s for s in sizes]
    return t.ops.reshape(array, (*array.shape[:place], *full, *array.shape[place + 1 :]))


@named_in_torch("squeeze")
def _squeeze(t: Tracer, x: Any, dim: Any = None) -> SignalArray:
    array = t.array(x)
    chosen = t.ops.axes(array, dim)
    return t.ops.reshape(array, [s for a, s in enumerate(array.shape) if a not in chosen or s != 1])


@named_in_torch("unsqueeze")
def _unsqueeze(t: Tracer, x: Any, dim: int) -> SignalArray:
    array = t.array(x)
    place = t.ops.axis(array, dim, extra=1)
    return t.ops.reshape(array, (*array.shape[:place], 1, *array.shape[place:]))


@named_in_torch("permute")
def _permute(t: Tracer, x: Any, *dims: Any) -> SignalArray:
    return t.ops.rearrange(t.array(x), lambda p: np.transpose(p, _sizes(dims)))


@named_in_torch("transpose", "swapaxes", "swapdims")
def _transpose(t: Tracer, x: Any, dim0: int, dim1: int) -> SignalArray:
    return t.ops.rearrange(t.array(x), lambda p: np.swapaxes(p, dim0, dim1))


@named_in_torch("t", "numpy_T")
def _t(t: Tracer, x: Any) -> SignalArray:
    return t.ops.rearrange(t.array(x), np.transpose)


@named_in_torch("flip")
def _flip(t: Tracer, x: Any, *dims: Any) -> SignalArray:
    return t.ops.rearrange(t.array(x), lambda p: np.flip(p, _sizes(dims)))


@named_in_torch("roll")
def _roll(t: Tracer, x: Any, shifts: Any, dims: Any = None) -> SignalArray:
    return t.ops.rearrange(t.array(x), lambda p: np.roll(p, shifts, dims))


@named_in_torch("expand")
def _expand(t: Tracer, x: Any, *shape: Any) -> SignalArray:
    array, wanted = t.array(x), list(_sizes(shape))
    new = len(wanted) - array.ndim
    full = [array.shape[a - new] if s == -1 and a >= new else s for a, s in enumerate(wanted)]
    return t.ops.gather(array, _broadcast(array, full))


@named_in_torch("expand_as")
def _expand_as(t: Tracer, x: Any, other: Any) -> SignalArray:
    return _expand(t, x, *t.array(other).shape)


def _broadcast(array: SignalArray, shape: Sequence[int]) -> np.ndarray:
    try:
        return np.broadcast_to(array.positions, tuple(shape))
    except ValueError:
        raise NetworkError(f"an array of shape {array.shape} cannot be expanded to {tuple(shape)}") from None


@named_in_torch("repeat", "tile")
def _repeat(t: Tracer, x: Any, *sizes: Any) -> SignalArray:
    return t.ops.rearrange(t.array(x), lambda p: np.tile(p, _sizes(sizes)))


@named_in_torch("cat", "concat", "concatenate")
def _cat(t: Tracer, tensors: Any, dim: int = 0) -> SignalArray:
    return t.ops.concatenate([t.array(x) for x in tensors], dim)


@named_in_torch("stack")
def _stack(t: Tracer, tensors: Any, dim: int = 0) -> SignalArray:
    return t.ops.concatenate([_unsqueeze(t, x, dim) for x in tensors], dim)


@named_in_torch("hstack")
def _hstack(t: Tracer, tensors: Any) -> SignalArray:
    arrays = [t.array(x) for x in tensors]
    return t.ops.concatenate(arrays, 0 if arrays[0].ndim == 1 else 1)


def _pieces(t: Tracer, x: Any, ends: Sequence[int], dim: int) -> tuple[SignalArray, ...]:
    array = t.array(x)
    place = t.ops.axis(array, dim)
    starts = [0, *ends[:-1]]
    return tuple(
        t.ops.rearrange(array, lambda p, a=a, b=b: np.take(p, range(a, b), place))  # type: ignore[misc]
        for a, b in zip(starts, ends, strict=True)
    )


@named_in_torch("split", "split_with_sizes")
def _split(t: Tracer, x: Any, split_size: Any, dim: int = 0) -> tuple[SignalArray, ...]:
    array = t.array(x)
    size = array.shape[t.ops.axis(array, dim)]
    if isinstance(split_size, int):
        if split_size < 1:
            raise NetworkError(f"it splits into pieces of {split_size}")
        ends = [*range(split_size, size, split_size), size]
    else:
        ends = np.cumsum(split_size).tolist()
        if not ends or ends[-1] != size:
            raise NetworkError(f"pieces of {list(split_size)} do not make {size}")
    return _pieces(t, array, ends, dim)


@named_in_torch("chunk")
def _chunk(t: Tracer, x: Any, chunks: int, dim: int = 0) -> tuple[SignalArray, ...]:
    array = t.array(x)
    return _split(t, array, max(1, -(-array.shape[t.ops.axis(array, dim)] // chunks)), dim)


@named_in_torch("unbind")
def _unbind(t: Tracer, x: Any, dim: int = 0) -> tuple[SignalArray, ...]:
    array = t.array(x)
    size = array.shape[t.ops.axis(array, dim)]
    return tuple(_select(t, array, dim, index) for index in range(size))


@named_in_torch("select")
def _select(t: Tracer, x: Any, dim: int, index: int) -> SignalArray:
    return t.ops.rearrange(t.array(x), lambda p: np.take(p, index, dim))


@named_in_torch("narrow")
def _narrow(t: Tracer, x: Any, dim: int, start: int, length: int) -> SignalArray:
    return t.ops.rearrange(t.array(x), lambda p: np.take(p, range(start, start + length), dim))


@named_in_torch("slice")
def _slice(t: Tracer, x: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> SignalArray:
    array = t.array(x)
    place = t.ops.axis(array, dim)
    return t.ops.rearrange(array, lambda p: p[(slice(None),) * place + (slice(start, end, step),)])


@named_in_torch("index_select")
def _index_select(t: Tracer, x: Any, dim: int, index: Any) -> SignalArray:
    chosen = [int(i) for i in t.numbers(index, "the index")]
    return t.ops.rearrange(t.array(x), lambda p: np.take(p, chosen, dim))


def _index(t: Tracer, index: Any) -> Any:
    if isinstance(index, tuple):
        return tuple(_index(t, part) for part in index)
    if hasattr(index, "detach"):
        return index.detach().cpu().numpy()
    if isinstance(index, (SignalArray, endings.Ending)):
        raise NetworkError("it looks entries up by an index that depends on the input, which jumps")
    return index


@named_in_torch("getitem")
def _getitem(t: Tracer, x: Any, index: Any) -> Any:
    if isinstance(x, (tuple, list, dict)):
        return x[index]
    return t.ops.rearrange(t.array(x), lambda p: p[_index(t, index)])


@named_in_torch("size")
def _size(t: Tracer, x: Any, dim: int | None = None) -> Any:
    shape = t.array(x).shape
    return shape if dim is None else shape[dim]


@named_in_torch("dim", "ndimension")
def _dim(t: Tracer, x: Any) -> int:
    return t.array(x).ndim


@named_in_torch("numel")
def _numel(t: Tracer, x: Any) -> int:
    return t.array(x).signal.size


@named_in_torch("getattr")
def _getattr(t: Tracer, x: Any, name: str, *default: Any) -> Any:
    if name == "shape" and isinstance(x, SignalArray):
        return x.shape
    if name == "ndim" and isinstance(x, SignalArray):
        return x.ndim
    if name == "values" and isinstance(x, Reduced):
        return x.values
    if name in ("T", "mT") and isinstance(x, SignalArray):
        return t.ops.rearrange(x, np.transpose if name == "T" else lambda p: np.swapaxes(p, -1, -2))
    if name in ("dtype", "device", "data", "requires_grad"):
        return x if name == "data" else None
    raise NetworkError(f"the attribute {name!r} of a tensor is not known here")


@named_in_torch("zeros_like", "ones_like", "full_like")
def _like(t: Tracer, x: Any, fill: Any = None, **named: Any) -> SignalArray:
    raise NetworkError("constants are read where they are parameters or buffers of a module; register this one")


@named_in_torch("pad", "constant_pad_nd")
def _pad(t: Tracer, x: Any, pad: Sequence[int], mode: str = "constant", value: Any = None) -> SignalArray:
    array = t.array(x)
    widths = [(0, 0)] * array.ndim
    if len(pad) % 2 or len(pad) // 2 > array.ndim:
        raise NetworkError(f"padding {list(pad)} does not fit values of shape {array.shape}")
    for k in range(len(pad) // 2):
        widths[-1 - k] = (pad[2 * k], pad[2 * k + 1])
    modes = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    if mode not in modes:
        raise NetworkError(f"padding mode {mode!r} is not known")
    return t.ops.pad(array, widths, modes[mode], ZERO if value is None else rational(value))


@named_in_torch("channel_shuffle", "native_channel_shuffle")
def _channel_shuffle(t: Tracer, x: Any, groups: int) -> SignalArray:
    array = t.array(x)
    batch, channels, *rest = array.shape
    split = t.ops.reshape(array, (batch, groups, channels // groups, *rest))
    return t.ops.reshape(_transpose(t, split, 1, 2), array.shape)
