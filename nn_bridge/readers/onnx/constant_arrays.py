"""Operators on whole arrays of constants: reductions, positions of extremes, ranges, one-hot rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.readers.onnx.arithmetic import chosen_axes
from nn_bridge.readers.onnx.constants import _comparable, _floor, constant_operator, exact_array, root
from nn_bridge.readers.onnx.session import (
    CONSTANT_OPERATORS,
    Node,
    Operator,
    Session,
    Value,
    as_integers,
    is_plain,
    shape_of,
    size_of,
)  # fmt: skip
from nn_bridge.readers.onnx.shapes import indices
from polyhedra.plurals import counted
from polyhedra.scalars import ZERO, rational

# ---------------------------------------------------------------- reductions


def _folded(change: Callable[[Session, list[Any]], Any]) -> Operator:
    """A reduction of exact numbers over axes."""

    def run(s: Session, node: Node, x: Value, axes: Value | None = None) -> Value:
        chosen = chosen_axes(s, node, axes)
        if chosen == []:
            return x
        array = s.constant(x)
        places = sorted({s.axis(x, a) for a in range(array.ndim)} if chosen is None else {s.axis(x, a) for a in chosen})
        kept = [a for a in range(array.ndim) if a not in places]
        table = np.transpose(array, (*kept, *places)).reshape(
            math.prod(array.shape[a] for a in kept), math.prod(array.shape[a] for a in places)
        )
        keep = bool(node.get("keepdims", 1))
        shape = tuple(1 if a in places else n for a, n in enumerate(array.shape) if keep or a not in places)
        plain = is_plain(x)
        values = [change(s, row if plain else list(map(rational, row))) for row in table.tolist()]
        if plain and all(isinstance(v, int) for v in values):
            return as_integers(values).reshape(shape)
        return exact_array([fmpq(v) for v in values], shape)

    return run


def _product(s: Session, values: list[Any]) -> Any:
    result = values[0] if values else 1
    for value in values[1:]:
        result = result * value
        if isinstance(result, fmpq):
            s.budget.spend_digits((result,))
        elif abs(result) >= 2**63:
            raise NetworkError("an integer overflows 64 bits")
    return result


def _mean(s: Session, values: list[Any]) -> Any:
    if not values:
        raise NetworkError("the mean of no values is not defined")
    total = _total(s, values)
    return total // len(values) if isinstance(total, int) else total / len(values)


def _total(s: Session, values: Iterable[Any]) -> Any:
    """A sum whose partial sums are paid: with many denominators they grow longer and longer."""
    total: Any = 0
    for value in values:
        total = total + value
        if isinstance(total, fmpq):
            s.budget.spend_digits((total,))
    return total


def _squares(s: Session, values: list[Any]) -> fmpq:
    return fmpq(_total(s, (fmpq(v) * v for v in values)))


def _extreme(choose: Callable[[list[Any]], Any]) -> Callable[[Session, list[Any]], Any]:
    def run(s: Session, values: list[Any]) -> Any:
        if not values:
            raise NetworkError("a maximum over no values is not defined")
        return choose(values)

    return run


for _name, _fold in {
    "ReduceProd": _product, "ReduceSum": _total, "ReduceMean": _mean,
    "ReduceMax": _extreme(max), "ReduceMin": _extreme(min), "ReduceL1": lambda s, v: _total(s, map(abs, v)),
    "ReduceSumSquare": _squares, "ReduceL2": lambda s, v: root(s, _squares(s, v)),
}.items():  # fmt: skip
    CONSTANT_OPERATORS[_name] = _folded(_fold)


@constant_operator("LpNormalization")
def _normalised(s: Session, node: Node, x: Value) -> Value:
    exact = s.exact(x)
    axis, power = s.axis(x, node.get("axis", -1)), node.get("p", 2)
    lines = np.moveaxis(exact, axis, -1)
    result = []
    for line in lines.reshape(-1, exact.shape[axis]).tolist():
        size = root(s, _squares(s, line)) if power == 2 else sum(map(abs, line), ZERO)
        result += s.paid(v / size if size else ZERO for v in line)
    return np.moveaxis(exact_array(result, lines.shape), -1, axis)


# ---------------------------------------------------------------- whole arrays


@constant_operator("Range")
def _range(s: Session, node: Node, start: Value, limit: Value, step: Value) -> Value:
    first, last, by = (s.number(v, "a bound") for v in (start, limit, step))
    if not by:
        raise NetworkError("its step is zero")
    count = max(0, -_floor(-(last - first) / by))
    s.shape((count,))
    values = [first + k * by for k in range(count)]
    return as_integers([int(v.p) for v in values]) if is_plain(start, limit, step) else exact_array(values, (count,))


@constant_operator("CumSum")
def _cumulated(s: Session, node: Node, x: Value, axis: Value) -> Value:
    array = s.constant(x)
    place = s.axis(x, s.integers(axis, "the axis")[0])
    lines = np.moveaxis(array, place, -1)
    result: list[Any] = []
    for line in lines.reshape(-1, array.shape[place]).tolist():
        if node.get("reverse", 0):
            line = line[::-1]
        total, sums = 0 if is_plain(x) else ZERO, []
        for value in line:
            before = total
            total = total + (value if is_plain(x) else rational(value))
            if isinstance(total, fmpq):
                s.budget.spend_digits((total,))
            sums.append(before if node.get("exclusive", 0) else total)
        result += sums[::-1] if node.get("reverse", 0) else sums
    made = as_integers(result).reshape(lines.shape) if is_plain(x) else exact_array(result, lines.shape)
    return np.moveaxis(made, -1, place)


def _best(choose: Callable[..., int]) -> Operator:
    def run(s: Session, node: Node, x: Value) -> np.ndarray:
        array = s.constant(x)
        axis = s.axis(x, node.get("axis", 0))
        lines = np.moveaxis(array, axis, -1).reshape(-1, array.shape[axis]).tolist()
        last = bool(node.get("select_last_index", 0))
        places = [choose(range(len(line)), key=lambda k, line=line: (_comparable(line[k]), 0)) for line in lines]
        if last:
            places = [len(line) - 1 - line[::-1].index(line[k]) for line, k in zip(lines, places, strict=True)]
        rest = tuple(n for a, n in enumerate(array.shape) if a != axis)
        result = np.array(places, dtype=np.int64).reshape(rest)
        return np.expand_dims(result, axis) if node.get("keepdims", 1) else result

    return run


CONSTANT_OPERATORS["ArgMax"] = _best(max)
CONSTANT_OPERATORS["ArgMin"] = _best(min)


@constant_operator("TopK")
def _top(s: Session, node: Node, x: Value, count: Value | None = None) -> tuple[Value, Value]:
    array = s.constant(x)
    axis = s.axis(x, node.get("axis", -1))
    wanted = int(node["k"]) if count is None else s.integers(count, "k")[0]
    if not 0 <= wanted <= array.shape[axis]:
        raise NetworkError(f"there are no {wanted} largest of {counted(array.shape[axis], 'value')}")
    lines = np.moveaxis(array, axis, -1)
    sign = -1 if node.get("largest", 1) else 1
    places = []
    for line in lines.reshape(-1, array.shape[axis]).tolist():
        order = sorted((sign * _comparable(value), k) for k, value in enumerate(line))
        places.append([k for _, k in order[:wanted]])
    chosen = np.moveaxis(np.array(places, dtype=np.int64).reshape(*lines.shape[:-1], wanted), -1, axis)
    return np.take_along_axis(array, chosen, axis), chosen


@constant_operator("NonZero")
def _non_zero(s: Session, node: Node, x: Value) -> np.ndarray:
    s.budget.spend_entries(size_of(x) * len(shape_of(x)))
    return np.array(np.nonzero(s.constant(x)), dtype=np.int64)


@constant_operator("OneHot")
def _one_hot(s: Session, node: Node, index: Value, depth: Value, values: Value) -> Value:
    places, length = indices(s, index), s.integers(depth, "the depth")[0]
    axis = s.axis(places, node.get("axis", -1), 1)
    s.shape((*places.shape, max(length, 0)))
    hot = np.expand_dims(np.where(places < 0, places + length, places), axis)
    line = np.arange(length).reshape([-1 if a == axis else 1 for a in range(hot.ndim)])
    off, on = s.constant(values).ravel().tolist()
    return np.where(hot == line, np.asarray(on), np.asarray(off))


@constant_operator("EyeLike")
def _eye(s: Session, node: Node, x: Value) -> np.ndarray:
    rows, columns = shape_of(x)
    shift = max(min(node.get("k", 0), columns + 1), -rows - 1)
    return np.eye(rows, columns, shift)
