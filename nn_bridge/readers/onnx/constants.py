"""Operators whose inputs are constants: they are computed while reading, whatever they do.

Rational results are exact.  Results that are not rational (square roots, exponentials) are rounded to float64, and so
is every constant that is computed from them; the notes of the network say so.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from flint import fmpq, fmpz
from scipy import special

from nn_bridge.errors import NetworkError
from nn_bridge.readers.onnx.arithmetic import aligned, on_integers
from nn_bridge.readers.onnx.session import (
    CONSTANT_OPERATORS,
    Node,
    Operator,
    Session,
    Value,
    as_integers,
    is_plain,
    named,
    shape_of,
)  # fmt: skip
from polyhedra.scalars import ZERO, rational, to_float

_ROOT_BITS = 128


def constant_operator(*names: str) -> Callable[[Operator], Operator]:
    """Enter a function into `CONSTANT_OPERATORS` under the names of its ONNX operators."""
    return named(*names, table=CONSTANT_OPERATORS)


def _each(s: Session, change: Callable[..., fmpq], *values: Value) -> list[fmpq]:
    """A function of numbers on every entry, with broadcasting."""
    shape = s.common_shape(*values)
    return s.paid(change(*entries) for entries in zip(*(_spread(s, v, shape) for v in values), strict=True))


def _spread(s: Session, value: Value, shape: tuple[int, ...]) -> list[Any]:
    array = s.constant(value)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise NetworkError("it compares or changes numbers that are not finite")
    spread: list[Any] = np.broadcast_to(array, shape).ravel().tolist()
    return spread


def exact_array(values: list[Any], shape: tuple[int, ...]) -> np.ndarray:
    """An object array of the given shape with the values in row-major order."""
    result = np.empty(len(values), dtype=object)
    result[:] = values
    return result.reshape(shape)


# ---------------------------------------------------------------- comparisons


def _comparison(compare: Callable[[Any, Any], bool], fast: Callable[..., Any]) -> Operator:
    def run(s: Session, node: Node, x: Value, y: Value) -> np.ndarray:
        y = aligned(s, node, x, y)
        shape = s.common_shape(x, y)
        first, second = s.constant(x), s.constant(y)
        if first.dtype == second.dtype and first.dtype.kind in "iubf":
            return np.broadcast_to(np.asarray(fast(first, second)), shape)
        pairs = zip(*(map(_comparable, _spread(s, v, shape)) for v in (x, y)), strict=True)
        return np.array([compare(a, b) for a, b in pairs], dtype=np.bool_).reshape(shape)

    return run


def _comparable(value: Any) -> Any:
    return value if isinstance(value, int) else rational(value)


for _name, _compare in {
    "Greater": (operator.gt, np.greater), "GreaterOrEqual": (operator.ge, np.greater_equal),
    "Less": (operator.lt, np.less), "LessOrEqual": (operator.le, np.less_equal), "Equal": (operator.eq, np.equal),
}.items():  # fmt: skip
    CONSTANT_OPERATORS[_name] = _comparison(*_compare)


def _logical(change: Callable[..., np.ndarray]) -> Operator:
    def run(s: Session, node: Node, *inputs: Value) -> np.ndarray:
        shape = s.common_shape(*inputs)
        return change(*(np.broadcast_to(s.integer_array(v, "a condition").astype(bool), shape) for v in inputs))

    return run


for _name, _function in {
    "And": np.logical_and, "Or": np.logical_or, "Xor": np.logical_xor, "Not": np.logical_not,
}.items():  # fmt: skip
    CONSTANT_OPERATORS[_name] = _logical(_function)


@constant_operator("Where")
def _where(s: Session, node: Node, condition: Value, x: Value, y: Value) -> Value:
    shape = s.common_shape(condition, x, y)
    chosen = np.broadcast_to(s.integer_array(condition, "the condition").astype(bool), shape)
    left, right = s.constant(x), s.constant(y)
    return np.where(chosen, np.broadcast_to(left, shape), np.broadcast_to(right, shape))


@constant_operator("IsNaN", "IsInf")
def _never(s: Session, node: Node, x: Value) -> np.ndarray:
    s.exact(x)  # refuses numbers that are not finite
    return np.zeros(shape_of(x), dtype=np.bool_)


# ---------------------------------------------------------------- exact functions of one number


def _floor(value: fmpq) -> int:
    return int(value.p // value.q)


def nearest_integer(value: fmpq) -> int:
    """The nearest integer, the even one of two."""
    low = _floor(value)
    rest = value - low
    return low + (rest > fmpq(1, 2) or (rest == fmpq(1, 2) and low % 2 == 1))


def _sign(value: fmpq) -> int:
    return (value > 0) - (value < 0)


def _exact_function(change: Callable[..., Any]) -> Operator:
    def run(s: Session, node: Node, x: Value) -> np.ndarray:
        if is_plain(x):
            return on_integers(s, lambda v: int(change(fmpq(v))), x)
        exact = s.exact(x)
        return exact_array([fmpq(change(v)) for v in exact.ravel().tolist()], exact.shape)

    return run


_EXACT: dict[str, Callable[..., Any]] = {
    "Floor": _floor, "Ceil": lambda v: -_floor(-v), "Round": nearest_integer, "Sign": _sign, "Abs": abs,
    "Relu": lambda v: max(v, ZERO),
}  # fmt: skip
for _name, _change in _EXACT.items():
    CONSTANT_OPERATORS[_name] = _exact_function(_change)


@constant_operator("LeakyRelu")
def _leaky_relu(s: Session, node: Node, x: Value) -> np.ndarray:
    slope, exact = node.number("alpha", 0.01), s.exact(x)
    return exact_array(s.paid(v if v > 0 else slope * v for v in exact.ravel().tolist()), exact.shape)


@constant_operator("Clip")
def _clip(s: Session, node: Node, x: Value, low: Value | None = None, high: Value | None = None) -> Value:
    below = s.number(low, "min") if low is not None else node.get("min")
    above = s.number(high, "max") if high is not None else node.get("max")
    exact = s.exact(x)
    values = exact.ravel().tolist()
    if below is not None:
        values = [max(v, rational(below)) for v in values]
    if above is not None:
        values = [min(v, rational(above)) for v in values]
    if is_plain(x):
        return as_integers([int(v.p) for v in values]).reshape(exact.shape)
    return exact_array(values, exact.shape)


@constant_operator("Mod")
def _mod(s: Session, node: Node, x: Value, y: Value) -> Value:
    def remainder(a: Any, b: Any) -> Any:
        if not b:
            raise NetworkError("it divides by zero")
        if not node.get("fmod", 0):
            return a - b * (a // b if isinstance(a, int) else _floor(a / b))
        size = abs(a) - abs(b) * (abs(a) // abs(b) if isinstance(a, int) else _floor(abs(a) / abs(b)))
        return size if a >= 0 else -size

    if is_plain(x, y):
        return on_integers(s, remainder, x, y)
    values = _each(s, lambda a, b: remainder(rational(a), rational(b)), x, y)
    return exact_array(values, np.broadcast_shapes(shape_of(x), shape_of(y)))


# ---------------------------------------------------------------- functions that are rounded


def _rounded_function(change: Callable[..., np.ndarray]) -> Operator:
    def run(s: Session, node: Node, x: Value) -> np.ndarray:
        s.rounded = True
        with np.errstate(all="ignore"):
            return np.asarray(change(s.floats(x)))

    return run


for _name, _real in {
    "Exp": np.exp, "Log": np.log, "Tanh": np.tanh, "Sin": np.sin, "Cos": np.cos, "Tan": np.tan, "Asin": np.arcsin,
    "Acos": np.arccos, "Atan": np.arctan, "Sinh": np.sinh, "Cosh": np.cosh, "Asinh": np.arcsinh, "Acosh": np.arccosh,
    "Atanh": np.arctanh, "Erf": special.erf, "Sigmoid": special.expit, "Softsign": lambda v: v / (1 + np.abs(v)),
    "Softplus": lambda v: np.logaddexp(v, 0.0),
}.items():  # fmt: skip
    CONSTANT_OPERATORS[_name] = _rounded_function(_real)


def root(s: Session, value: fmpq) -> fmpq:
    """The square root, exactly where it is rational, else rounded once to float64."""
    if value < 0:
        raise NetworkError("it takes the square root of a negative number")
    first, second = value.p.isqrt(), value.q.isqrt()
    if first * first == value.p and second * second == value.q:
        return fmpq(first, second)
    s.rounded = True
    shift = max(0, 2 * _ROOT_BITS - value.p.bit_length() + value.q.bit_length())
    shift += shift % 2
    result = to_float(fmpq(((value.p << shift) // value.q).isqrt(), fmpz(1) << (shift // 2)))
    if math.isinf(result):
        raise NetworkError("a square root is larger than any float64")
    return rational(result)


@constant_operator("Sqrt")
def _sqrt(s: Session, node: Node, x: Value) -> np.ndarray:
    exact = s.exact(x)
    return exact_array([root(s, v) for v in exact.ravel().tolist()], exact.shape)


_LONGEST_POWER = 10_000  # bits


@constant_operator("Pow")
def _pow(s: Session, node: Node, x: Value, exponent: Value) -> Value:
    exponent = aligned(s, node, x, exponent)
    if is_plain(x, exponent):
        return on_integers(s, _integer_power, x, exponent)

    def power(base: Any, by: Any) -> fmpq:
        number, by = rational(base), rational(by)
        bits = (number.p.bit_length() + number.q.bit_length()) * abs(by.p)
        if by.q == 1 and bits <= _LONGEST_POWER and (number or by >= 0):
            return number ** int(by.p)
        if by == fmpq(1, 2):
            return root(s, number)
        s.rounded = True
        try:
            return rational(math.pow(to_float(number), to_float(by)))
        except (ValueError, OverflowError, ZeroDivisionError):
            raise NetworkError("a power is no finite number") from None

    values = _each(s, power, x, exponent)
    return exact_array(values, np.broadcast_shapes(shape_of(x), shape_of(exponent)))


def _integer_power(base: int, by: int) -> int:
    if by < 0 or (abs(base) > 1 and by > 63):
        raise NetworkError("a power of integers is no integer of 64 bits")
    return int(base**by) if abs(base) > 1 else (1 if by % 2 == 0 and base else base if by else 1)


def _softmax(logarithm: bool) -> Operator:
    def run(s: Session, node: Node, x: Value) -> np.ndarray:
        s.rounded = True
        values = s.floats(x)
        axis = s.axis(values, node.get("axis", -1 if s.opset >= 13 else 1))
        axes: Any = axis if s.opset >= 13 else tuple(range(axis, values.ndim))
        result = special.log_softmax(values, axis=axes) if logarithm else special.softmax(values, axis=axes)
        return np.asarray(result)

    return run


CONSTANT_OPERATORS["Softmax"] = _softmax(False)
CONSTANT_OPERATORS["LogSoftmax"] = _softmax(True)
