"""Operators of ONNX that move, repeat or drop entries, and those that tell shapes."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from nn_bridge.errors import NetworkError
from nn_bridge.network.signals import NOTHING, SignalArray, checked_shape
from nn_bridge.readers import endings
from nn_bridge.readers.onnx.session import (
    Node,
    Session,
    Value,
    is_constant,
    is_plain,
    named,
    shape_of,
    size_of,
)  # fmt: skip
from polyhedra.plurals import counted
from polyhedra.quoting import quoted

FLOAT_TYPES = {1: "FLOAT", 10: "FLOAT16", 11: "DOUBLE", 16: "BFLOAT16"}
"""The element types that are read as real numbers, by ONNX's number."""

_INTEGER_TYPES: dict[int, type] = {
    2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32, 7: np.int64, 9: np.bool_, 12: np.uint32,
    13: np.uint64,
}  # fmt: skip


@named("Constant")
def _constant(s: Session, node: Node) -> np.ndarray:
    for name in ("value", "value_float", "value_floats", "value_int", "value_ints"):
        if name in node.attributes:
            return np.asarray(node[name])
    raise NetworkError("it holds no numbers")


@named("ConstantOfShape")
def _constant_of_shape(s: Session, node: Node, shape: Value) -> np.ndarray:
    value = np.asarray(node.get("value", np.zeros(1)))
    return np.full(s.shape(s.integers(shape, "the shape")), value.ravel()[0])


@named("Shape")
def _shape(s: Session, node: Node, x: Value) -> np.ndarray:
    return np.array(shape_of(x)[node.get("start", 0) : node.get("end")], dtype=np.int64)


@named("Size")
def _size(s: Session, node: Node, x: Value) -> np.ndarray:
    return np.array(size_of(x), dtype=np.int64)


@named("Identity")
def _identity(s: Session, node: Node, x: Value) -> Value:
    return x


@named("Dropout")
def _dropout(s: Session, node: Node, x: Value, ratio: Value | None = None, training: Value | None = None) -> Value:
    if training is not None and any(s.integers(training, "training_mode")):
        raise NetworkError("it is in training mode, in which it is random; export the model in evaluation mode")
    s.note("dropout read as the identity (evaluation mode)")
    return x if isinstance(x, np.ndarray) else s.array(x)


@named("Cast", "CastLike")
def _cast(s: Session, node: Node, x: Value, like: Value | None = None) -> Value:
    if "to" in node.attributes:
        kind = node["to"]
        if isinstance(kind, str):  # version 1
            kind = {name: number for number, name in FLOAT_TYPES.items()}.get(kind, kind)
    else:
        kind = int(next(k for k, t in _INTEGER_TYPES.items() if t == like.dtype.type)) if is_plain(like) else 1  # type: ignore[union-attr]
    if kind in FLOAT_TYPES:
        return x.astype(np.float64) if isinstance(x, np.ndarray) else x
    if kind not in _INTEGER_TYPES:
        raise NetworkError(f"it makes values of type {quoted(kind)}, which are not read")
    if isinstance(x, endings.Ending) or not is_constant(x):
        raise NetworkError("it rounds to a coarser type, which is not piecewise linear")
    if is_plain(x):
        return np.asarray(x).astype(_INTEGER_TYPES[kind])
    values = s.exact(x)
    if kind == 9:
        return np.array([bool(v) for v in values.ravel().tolist()]).reshape(values.shape)
    whole = [int(abs(v.p) // v.q) * (-1 if v < 0 else 1) for v in values.ravel().tolist()]
    try:
        return np.array(whole, dtype=_INTEGER_TYPES[kind]).reshape(values.shape)
    except OverflowError:
        raise NetworkError("a number overflows the integers to which it is converted") from None


# ---------------------------------------------------------------- the same entries


@named("Reshape")
def _reshape(s: Session, node: Node, x: Value, shape: Value | None = None) -> Value:
    wanted = list(node["shape"]) if shape is None else s.integers(shape, "the shape")

    def change(old: tuple[int, ...]) -> list[int]:
        if node.get("allowzero", 0):
            return wanted
        return [old[a] if size == 0 else size for a, size in enumerate(wanted)]

    return s.reshape(x, change)


@named("Flatten")
def _flatten(s: Session, node: Node, x: Value) -> Value:
    axis = node.get("axis", 1)
    place = axis if axis == len(shape_of(x)) else s.axis(x, axis)
    return s.reshape(x, lambda shape: (math.prod(shape[:place]), math.prod(shape[place:])))


@named("Squeeze")
def _squeeze(s: Session, node: Node, x: Value, axes: Value | None = None) -> Value:
    chosen = node.get("axes") if axes is None else s.integers(axes, "the axes")
    places = None if chosen is None else {s.axis(x, a) for a in chosen}

    def change(shape: tuple[int, ...]) -> list[int]:
        if any(shape[a] != 1 for a in places or ()):
            raise NetworkError(f"it drops axes {sorted(places or ())} of shape {shape}, which have not the size 1")
        return [n for a, n in enumerate(shape) if (n != 1 if places is None else a not in places)]

    return s.reshape(x, change)


@named("Unsqueeze")
def _unsqueeze(s: Session, node: Node, x: Value, axes: Value | None = None) -> Value:
    chosen = node["axes"] if axes is None else s.integers(axes, "the axes")
    places = {s.axis(x, a, len(chosen)) for a in chosen}
    if len(places) != len(chosen):
        raise NetworkError(f"axes {tuple(chosen)} name one axis twice")

    def change(shape: tuple[int, ...]) -> list[int]:
        rest = iter(shape)
        return [1 if a in places else next(rest) for a in range(len(shape) + len(places))]

    return s.reshape(x, change)


@named("Transpose")
def _transpose(s: Session, node: Node, x: Value) -> Value:
    return s.rearrange(x, lambda p: np.transpose(p, node.get("perm")))


@named("DepthToSpace")
def _depth_to_space(s: Session, node: Node, x: Value) -> Value:
    block, (n, c, h, w) = node["blocksize"], shape_of(x)
    if block < 1 or c % (block * block):
        raise NetworkError(f"blocks of {block} do not fit {c} channels")
    rest = c // (block * block)
    if node.get("mode", "DCR") == "CRD":
        split, order = (n, rest, block, block, h, w), (0, 1, 4, 2, 5, 3)
    else:
        split, order = (n, block, block, rest, h, w), (0, 3, 4, 1, 5, 2)
    return s.rearrange(x, lambda p: p.reshape(split).transpose(order).reshape(n, rest, h * block, w * block))


@named("SpaceToDepth")
def _space_to_depth(s: Session, node: Node, x: Value) -> Value:
    block, (n, c, h, w) = node["blocksize"], shape_of(x)
    if block < 1 or h % block or w % block:
        raise NetworkError(f"blocks of {block} do not fit shape {shape_of(x)}")
    split = (n, c, h // block, block, w // block, block)
    shape = (n, c * block * block, h // block, w // block)
    return s.rearrange(x, lambda p: p.reshape(split).transpose(0, 3, 5, 1, 2, 4).reshape(shape))


# ---------------------------------------------------------------- fewer or more entries


@named("Expand")
def _expand(s: Session, node: Node, x: Value, shape: Value) -> Value:
    wanted = s.shape(np.broadcast_shapes(shape_of(x), tuple(s.integers(shape, "the shape"))))
    if isinstance(x, np.ndarray):
        return np.broadcast_to(x, wanted)
    array = s.array(x)
    return s.ops.gather(array, np.broadcast_to(array.positions, wanted))


@named("Tile")
def _tile(s: Session, node: Node, x: Value, repeats: Value, axis: Value | None = None) -> Value:
    times, shape = s.integers(repeats, "the repeats"), shape_of(x)
    if s.opset < 6:
        if axis is None:
            raise NetworkError("its axis is missing")
        place = s.axis(x, s.integers(axis, "the axis")[0])
        times = [times[0] if a == place else 1 for a in range(len(shape))]
    s.shape([size * t for size, t in zip(shape, times, strict=True)])
    return s.rearrange(x, lambda p: np.tile(p, times))


@named("Concat")
def _concat(s: Session, node: Node, *inputs: Value) -> Value:
    axis = node.get("axis", 1) if s.opset < 4 else node["axis"]
    if all(isinstance(x, endings.Ending) for x in inputs):
        return _joined_probabilities(inputs, axis)
    if all(isinstance(x, np.ndarray) for x in inputs):
        s.budget.spend_entries(sum(map(size_of, inputs)))
        return np.concatenate([np.asarray(x) for x in inputs], axis=axis)
    return s.ops.concatenate([s.array(x) for x in inputs], axis)


def _joined_probabilities(inputs: tuple[Value, ...], axis: int) -> endings.Ending:
    """The probabilities of two classes, both made of one value: ``(1 - p, p)``."""
    first, last = inputs[0], inputs[-1]
    assert isinstance(first, endings.Ending)
    assert isinstance(last, endings.Ending)
    same = first.array == last.array and first.name == last.name == "sigmoid"
    if len(inputs) != 2 or not same or first.array.signal.size != 1:
        raise first.refuse_use()
    functions = first.function, last.function
    return endings.Ending(last.array, "sigmoid", lambda y: np.concatenate([f(y) for f in functions], axis=None))


@named("Split")
def _split(s: Session, node: Node, x: Value, sizes: Value | None = None) -> tuple[Value, ...]:
    axis = s.axis(x, node.get("axis", 0))
    total = shape_of(x)[axis]
    lengths = node.get("split") if sizes is None else s.integers(sizes, "the sizes")
    if lengths is None:
        count = node.get("num_outputs", node.outputs)
        if not 0 < count <= max(total, 1):
            raise NetworkError(f"{counted(total, 'entry', 'entries')} cannot be split into {counted(count, 'piece')}")
        each = -(-total // count)
        lengths = [min(each, max(total - k * each, 0)) for k in range(count)]
    if sum(lengths) != total or any(length < 0 for length in lengths):
        raise NetworkError(f"pieces of {list(lengths)} do not make {total}")
    ends = np.cumsum(lengths).tolist()
    pieces = list(zip([0, *ends], ends, strict=False))
    # pieces that nothing uses are not made
    return tuple(
        s.rearrange(x, partial(np.take, indices=np.arange(a, b), axis=axis)) if k in node.used else np.zeros(0)
        for k, (a, b) in enumerate(pieces)
    )


@named("Slice")
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


def indices(s: Session, value: Value | None) -> np.ndarray:
    """Constant indices."""
    if isinstance(value, endings.Ending) or not is_constant(value):
        raise NetworkError("it looks entries up by an index that is not a constant, which jumps")
    return s.integer_array(value, "the index").astype(np.int64)


@named("Gather")
def _gather(s: Session, node: Node, x: Value, index: Value) -> Value:
    places, axis, shape = indices(s, index), s.axis(x, node.get("axis", 0)), shape_of(x)
    checked_shape((*shape[:axis], *places.shape, *shape[axis + 1 :]))
    s.budget.spend_entries(places.size)
    return s.rearrange(x, lambda p: np.take(p, places, axis=axis))


@named("GatherElements")
def _gather_elements(s: Session, node: Node, x: Value, index: Value) -> Value:
    places, axis = indices(s, index), s.axis(x, node.get("axis", 0))
    size = shape_of(x)[axis]
    kept = tuple(slice(0, n) if a != axis else slice(None) for a, n in enumerate(places.shape))
    return s.rearrange(x, lambda p: np.take_along_axis(p[kept], _wrapped(places, size), axis))


@named("GatherND")
def _gather_nd(s: Session, node: Node, x: Value, index: Value) -> Value:
    places, shape = indices(s, index), shape_of(x)
    if node.get("batch_dims", 0):
        raise NetworkError("indices for each part of a batch are not read; leave batch_dims out")
    depth = places.shape[-1]
    checked_shape((*places.shape[:-1], *shape[depth:]))
    return s.rearrange(x, lambda p: p[tuple(np.moveaxis(places, -1, 0))])


def _wrapped(places: np.ndarray, size: int) -> np.ndarray:
    if np.any((places < -size) | (places >= size)):
        raise NetworkError(f"an index lies outside of {counted(size, 'entry', 'entries')}")
    return np.where(places < 0, places + size, places)


@named("ScatterND")
def _scatter_nd(s: Session, node: Node, x: Value, index: Value, updates: Value) -> SignalArray:
    places = indices(s, index)
    return _scattered(s, node, x, updates, lambda p, new: p.__setitem__(tuple(np.moveaxis(places, -1, 0)), new))


@named("ScatterElements", "Scatter")
def _scatter_elements(s: Session, node: Node, x: Value, index: Value, updates: Value) -> SignalArray:
    axis = s.axis(x, node.get("axis", 0))
    places = _wrapped(indices(s, index), shape_of(x)[axis])
    return _scattered(s, node, x, updates, lambda p, new: _put_along(p, places, new, axis))


def _put_along(p: np.ndarray, places: np.ndarray, new: np.ndarray, axis: int) -> None:
    grid = [places if a == axis else index for a, index in enumerate(np.indices(places.shape))]
    p[tuple(grid)] = new


def _scattered(
    s: Session, node: Node, x: Value, updates: Value, put: Callable[[np.ndarray, np.ndarray], None]
) -> SignalArray:
    """Entries replaced by others at constant places; with a reduction the places must differ."""
    array, new = s.array(x), s.array(updates, "the new entries")
    positions, incoming = array.positions.copy(), new.positions + array.signal.size
    put(positions, incoming)
    reduction = node.get("reduction", "none")
    both = s.ops.build.concatenate(array.signal, new.signal)
    joined = SignalArray(both, (both.size,))
    if reduction == "none":
        return s.ops.gather(joined, positions)
    if len(np.unique(positions[positions >= array.signal.size])) != new.signal.size:
        raise NetworkError("it writes several times to one place; only a plain replacement is read so")
    methods: dict[str, Callable[[SignalArray, SignalArray], SignalArray]] = {
        "add": s.ops.add, "mul": s.ops.multiply, "max": s.ops.maximum, "min": s.ops.minimum,
    }  # fmt: skip
    if reduction not in methods:
        raise NetworkError(f"the reduction {quoted(reduction)} is not known")
    touched = positions >= array.signal.size
    old = s.ops.gather(joined, array.positions[touched])
    changed = methods[reduction](old, s.ops.gather(joined, positions[touched]))
    again = s.ops.build.concatenate(array.signal, changed.signal)
    places = array.positions.copy()
    places[touched] = np.arange(changed.signal.size) + array.signal.size
    return s.ops.gather(SignalArray(again, (again.size,)), places)


@named("Trilu")
def _triangle(s: Session, node: Node, x: Value, k: Value | None = None) -> Value:
    shift = 0 if k is None else s.integers(k, "k")[0]
    rows, columns = shape_of(x)[-2:]
    shift = max(min(shift, columns + 1), -rows - 1)
    upper = bool(node.get("upper", 1))
    mask = np.tri(rows, columns, shift - 1 if upper else shift, dtype=bool) ^ upper
    if is_plain(x):
        return np.where(mask, np.asarray(x), 0)
    array = s.array(x)
    return s.ops.gather(array, np.where(mask, array.positions, NOTHING))


@named("Compress")
def _compress(s: Session, node: Node, x: Value, condition: Value) -> Value:
    chosen = np.flatnonzero(indices(s, condition))
    if "axis" not in node.attributes:
        return s.rearrange(x, lambda p: p.ravel()[chosen])
    return s.rearrange(x, lambda p: np.take(p, chosen, axis=node["axis"]))


@named("Pad")
def _pad(
    s: Session, node: Node, x: Value, pads: Value | None = None, value: Value | None = None, axes: Value | None = None
) -> SignalArray:
    array = s.array(x)
    old = "pads" if s.opset >= 2 else "paddings"
    amounts = list(node[old]) if pads is None else s.integers(pads, "the pads")
    places = list(range(array.ndim)) if axes is None else [s.ops.axis(array, a) for a in s.integers(axes, "the axes")]
    if len(amounts) != 2 * len(places):
        raise NetworkError(f"pads of {amounts[:20]} do not fit {len(places)} axes")
    widths = [(0, 0)] * array.ndim
    for k, place in enumerate(places):
        widths[place] = (amounts[k], amounts[k + len(places)])
    fill = node.number("value", 0.0) if value is None else s.number(value, "the padding")
    mode = node.get("mode", "constant")
    if mode not in ("constant", "reflect", "edge", "wrap"):
        raise NetworkError(f"padding mode {quoted(mode)} is not known")
    return s.ops.pad(array, widths, mode, fill)
