"""Sums, products and reductions of ONNX."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.network import layers
from nn_bridge.network.signals import SignalArray
from nn_bridge.readers import endings
from nn_bridge.readers.onnx.session import (
    OPERATORS,
    Node,
    Operator,
    Session,
    Value,
    as_integers,
    is_constant,
    is_plain,
    named,
    shape_of,
)  # fmt: skip
from polyhedra.plurals import counted
from polyhedra.scalars import ONE, ZERO


def _quotient(x: int, y: int) -> int:
    """The quotient of integers, rounded towards zero."""
    if y == 0:
        raise NetworkError("it divides an integer by zero")
    size = abs(x) // abs(y)
    return size if (x < 0) == (y < 0) else -size


_INTEGERS: dict[str, Callable[[int, int], int]] = {
    "add": lambda x, y: x + y, "subtract": lambda x, y: x - y, "multiply": lambda x, y: x * y, "divide": _quotient,
    "maximum": max, "minimum": min,
}  # fmt: skip


_FAST: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "maximum": np.maximum, "minimum": np.minimum,
}  # fmt: skip
_SLOW = 4  # entries that one integer costs in Python


def _small(value: Value) -> bool:
    """Whether sums and products with another such array fit in 64 bits."""
    array = np.asarray(value)
    return not array.size or max(-int(array.min()), int(array.max())) < 2**31


def on_integers(s: Session, change: Callable[..., int] | str, *values: Value) -> np.ndarray:
    """A function of Python integers, or an operation by name, on arrays; overflow is refused, not wrapped."""
    shape = s.common_shape(*values)
    if isinstance(change, str):
        if change in _FAST and len(values) == 2 and all(map(_small, values)):
            first, second = (np.asarray(v).astype(np.int64) for v in values)
            return np.asarray(np.broadcast_to(_FAST[change](first, second), shape))
        change = _INTEGERS[change]
    s.budget.spend_entries(_SLOW * math.prod(shape))
    spread = [np.broadcast_to(np.asarray(v), shape).ravel().tolist() for v in values]
    return as_integers([change(*map(int, entries)) for entries in zip(*spread, strict=True)]).reshape(shape)


def aligned(s: Session, node: Node, x: Value, y: Value) -> Value:
    """The second operand by the rule of operators before version 7: broadcast where asked, from an axis on.

    Raises
    ------
    NetworkError
        The shapes differ, and the operator does not ask for broadcasting.
    """
    first, second = shape_of(x), shape_of(y)
    if s.opset >= 7 or first == second:
        return y
    if not node.get("broadcast", 0):
        raise NetworkError(
            f"shapes {first} and {second} differ, which version {s.opset} of the operators allows with broadcast=1 only"
        )
    if "axis" not in node.attributes:
        return y
    axis = s.axis(x, node["axis"])
    behind = len(first) - axis - len(second)
    if behind < 0:
        raise NetworkError(f"shape {second} does not fit shape {first} from axis {axis} on")
    return s.reshape(y, lambda shape: (*shape, *(1,) * behind))


def _arithmetic(method: str) -> Operator:
    def operator(s: Session, node: Node, x: Value, y: Value) -> Value:
        y = aligned(s, node, x, y)
        if is_plain(x, y):
            return on_integers(s, method, x, y)
        if method == "subtract" and isinstance(y, endings.Ending):
            return _complement(s, x, y)
        result: SignalArray = getattr(s.ops, method)(s.array(x), s.array(y))
        return result

    return operator


def _complement(s: Session, one: Value, ending: endings.Ending) -> endings.Ending:
    """One minus a probability of two classes, which says the same."""
    if ending.name != "sigmoid" or not is_constant(one) or any(v != 1 for v in s.numbers(one, "the number")):
        raise ending.refuse_use()
    function = ending.function
    return replace(ending, function=lambda y: 1.0 - function(y))


for _name, _method in {"Add": "add", "Sub": "subtract", "Mul": "multiply", "Div": "divide"}.items():
    OPERATORS[_name] = _arithmetic(_method)


@named("Neg")
def _neg(s: Session, node: Node, x: Value) -> Value:
    return on_integers(s, lambda v: -v, x) if is_plain(x) else s.ops.negative(s.array(x))


@named("Reciprocal")
def _reciprocal(s: Session, node: Node, x: Value) -> SignalArray:
    return s.ops.divide(s.ops.constant(np.ones(())), s.array(x))


@named("Pow")
def _pow(s: Session, node: Node, x: Value, exponent: Value) -> Value:
    powers = set(s.numbers(exponent, "the exponent"))
    if powers == {ONE}:
        return x
    if powers == {ZERO}:
        return s.ops.constant(np.ones(shape_of(x)))
    raise NetworkError("this power is not piecewise linear")


@named("Sum")
def _sum(s: Session, node: Node, *inputs: Value) -> SignalArray:
    total = s.array(inputs[0])
    for value in inputs[1:]:
        total = s.ops.add(total, s.array(value))
    return total


@named("Mean")
def _mean(s: Session, node: Node, *inputs: Value) -> SignalArray:
    return s.ops.scale(_sum(s, node, *inputs), fmpq(1, len(inputs)))


def _extreme(method: str) -> Operator:
    def operator(s: Session, node: Node, *inputs: Value) -> Value:
        if is_plain(*inputs):
            return on_integers(s, method if len(inputs) > 1 else int, *inputs)
        result: SignalArray = getattr(s.ops, method)(*map(s.array, inputs))
        return result

    return operator


OPERATORS["Max"] = _extreme("maximum")
OPERATORS["Min"] = _extreme("minimum")


# ---------------------------------------------------------------- products


@named("MatMul")
def _matmul(s: Session, node: Node, x: Value, y: Value) -> SignalArray:
    return product(s, s.array(x), s.array(y))


def product(s: Session, x: SignalArray, y: SignalArray) -> SignalArray:
    """A matrix product; the sums are paid before, since one weighs more than an entry, even of one term."""
    if x.ndim and y.ndim:
        s.budget.spend_entries(2 * (x.signal.size // max(x.shape[-1], 1)) * y.shape[-1] if y.ndim > 1 else 0)
    return s.ops.matmul(x, y)


@named("Gemm")
def _gemm(s: Session, node: Node, x: Value, y: Value, shift: Value | None = None) -> SignalArray:
    left, right = s.array(x), s.array(y)
    if left.ndim != 2 or right.ndim != 2:
        raise NetworkError(f"it multiplies matrices, not arrays of shapes {left.shape} and {right.shape}")
    left = s.ops.rearrange(left, np.transpose) if node.get("transA", 0) else left
    right = s.ops.rearrange(right, np.transpose) if node.get("transB", 0) else right
    result = s.ops.scale(product(s, left, right), node.number("alpha", 1.0))
    if shift is None:
        return result
    return s.ops.add(result, s.ops.scale(s.array(shift), node.number("beta", 1.0)))


@named("Einsum")
def _einsum(s: Session, node: Node, *inputs: Value) -> SignalArray:
    """Sums of products by letters, two operands at a time, all but one of which are constants."""
    equation = node["equation"].replace(" ", "")
    left, arrow, result = equation.partition("->")
    terms = left.split(",")
    if (
        len(terms) != len(inputs)
        or not (left.replace(",", "") + result).isalpha()
        or any(len(set(term)) != len(term) for term in (*terms, result))
    ):
        raise NetworkError("this equation is not read; write it with letters, none twice in one operand")
    if not arrow:
        result = "".join(sorted(c for c in set(left) - {","} if left.count(c) == 1))
    array, letters = s.array(inputs[0]), terms[0]
    for k, value in enumerate(inputs[1:], 1):
        keep = set(result).union(*terms[k + 1 :])
        array, letters = _contracted(s, array, letters, s.array(value), terms[k], keep)
    array, letters = _summed(s, array, letters, set(result))
    if len(letters) != array.ndim or set(letters) != set(result):
        raise NetworkError("the letters of this equation do not fit its operands")
    return s.ops.rearrange(array, lambda p: np.transpose(p, [letters.index(c) for c in result]))


def _summed(s: Session, array: SignalArray, letters: str, keep: set[str]) -> tuple[SignalArray, str]:
    axes = [k for k, letter in enumerate(letters) if letter not in keep]
    if len(letters) != array.ndim:
        raise NetworkError(f"the letters of this equation do not fit an operand of shape {array.shape}")
    return (s.ops.sum(array, axes) if axes else array), "".join(c for c in letters if c in keep)


def _contracted(
    s: Session, x: SignalArray, first: str, y: SignalArray, second: str, keep: set[str]
) -> tuple[SignalArray, str]:
    """The product of two operands, summed over the letters that nothing else has, as a product of matrices."""
    x, first = _summed(s, x, first, keep | set(second))
    y, second = _summed(s, y, second, keep | set(first))
    batch = "".join(c for c in first if c in second and c in keep)
    inner = "".join(c for c in first if c in second and c not in keep)
    rows = "".join(c for c in first if c not in second)
    columns = "".join(c for c in second if c not in first)
    sizes = dict(zip(first, x.shape, strict=True))
    for letter, size in zip(second, y.shape, strict=True):
        if sizes.setdefault(letter, size) != size:
            raise NetworkError(
                f"the letter {letter!r} stands for axes of {sizes[letter]} and {counted(size, 'entry', 'entries')}"
            )

    def matrix(array: SignalArray, letters: str, *groups: str) -> SignalArray:
        moved = s.ops.rearrange(array, lambda p: np.transpose(p, [letters.index(c) for c in "".join(groups)]))
        shape = [sizes[c] for c in groups[0]]
        return s.ops.reshape(moved, (*shape, *(int(np.prod([sizes[c] for c in g], dtype=object)) for g in groups[1:])))

    result = product(s, matrix(x, first, batch, rows, inner), matrix(y, second, batch, inner, columns))
    letters = batch + rows + columns
    return s.ops.reshape(result, [sizes[c] for c in letters]), letters


# ---------------------------------------------------------------- reductions


def chosen_axes(s: Session, node: Node, axes: Value | None) -> list[int] | None:
    """The axes of a reduction, from an attribute or an input; None for all, an empty list for none."""
    chosen = node.get("axes") if axes is None else s.integers(axes, "the axes")
    if not chosen:
        return [] if node.get("noop_with_empty_axes", 0) else None
    return list(chosen)


def _reduction(name: str) -> Operator:
    def operator(s: Session, node: Node, x: Value, axes: Value | None = None) -> SignalArray:
        chosen = chosen_axes(s, node, axes)
        array = s.array(x)
        if name == "absolute":
            array = layers.absolute(s.ops, array)
        if chosen == []:
            return array
        method = "sum" if name == "absolute" else name
        result: SignalArray = getattr(s.ops, method)(array, chosen, bool(node.get("keepdims", 1)))
        return result

    return operator


for _name, _method in {
    "ReduceSum": "sum", "ReduceMean": "mean", "ReduceMax": "maximum_over", "ReduceMin": "minimum_over",
    "ReduceL1": "absolute",
}.items():  # fmt: skip
    OPERATORS[_name] = _reduction(_method)


@named("CumSum")
def _cumulated(s: Session, node: Node, x: Value, axis: Value) -> SignalArray:
    array = s.array(x)
    place = s.ops.axis(array, s.integers(axis, "the axis")[0])
    length = array.shape[place]
    s.budget.spend_entries(array.signal.size * length)
    lines = np.moveaxis(array.positions, place, -1).reshape(-1, length)
    rows = []
    for line in lines.tolist():
        for k in range(length):
            below, above = (line[:k], line[k + 1 :]) if node.get("exclusive", 0) else (line[: k + 1], line[k:])
            rows.append(dict.fromkeys(above if node.get("reverse", 0) else below, ONE))
    moved = s.ops.combine(array, rows, (ZERO,) * len(rows), np.moveaxis(array.positions, place, -1).shape)
    return s.ops.rearrange(moved, lambda p: np.moveaxis(p, -1, place))
