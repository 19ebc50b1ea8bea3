"""The setting in which ONNX operators are run: their attributes, values, registries and the conversions between values.

A value that depends on the input is an array of signals.  Constants stay numpy arrays until arithmetic makes exact
signals of them; tensors of integers, which hold shapes and indices, stay so for good.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.network.budget import Budget
from nn_bridge.network.signals import Arrays, SignalArray, checked_shape
from nn_bridge.readers import endings
from polyhedra.scalars import rational, to_float

Value = SignalArray | endings.Ending | np.ndarray
Operator = Callable[..., Any]

MAX_AXES = 32
"""The most axes of an array."""

OPERATORS: dict[str, Operator] = {}
"""Operators of ONNX's own domain, by name."""

CONSTANT_OPERATORS: dict[str, Operator] = {}
"""Operators of ONNX's own domain that are run where all inputs are constants; they come before `OPERATORS`."""

LEARNING_OPERATORS: dict[str, Operator] = {}
"""Operators of the domain ``ai.onnx.ml``, by name."""


def named(*names: str, table: dict[str, Operator] = OPERATORS) -> Callable[[Operator], Operator]:
    """Enter an operator in a registry."""

    def register(operator: Operator) -> Operator:
        for name in names:
            table[name] = operator
        return operator

    return register


@dataclass(frozen=True)
class Node:
    """The attributes of an operator, the number of outputs that it names, and the places of those that are used."""

    attributes: dict[str, Any]
    outputs: int
    used: tuple[int, ...] = (0,)

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
    """The operations on signals, the version of the operators, the budget, and the notes that reading leaves.

    Attributes
    ----------
    rounded : bool
        Set by an operator on constants whose result was rounded to float64 (a square root, for example).
    """

    def __init__(self, ops: Arrays, opset: int, budget: Budget) -> None:
        self.ops, self.opset, self.budget = ops, opset, budget
        self.notes: list[str] = []
        self.rounded = False

    def note(self, text: str) -> None:
        """Remember what was done, once."""
        if text not in self.notes:
            self.notes.append(text)

    # ---------------------------------------------------------------- budget

    def shape(self, sizes: Sequence[int]) -> tuple[int, ...]:
        """A shape for which memory is about to be set aside; its entries are paid from the budget."""
        shape = checked_shape(sizes)
        self.budget.spend_entries(math.prod(shape))
        return shape

    def common_shape(self, *values: Value) -> tuple[int, ...]:
        """The shape to which values are broadcast, paid from the budget."""
        shapes = [shape_of(value) for value in values]
        try:
            common = np.broadcast_shapes(*shapes)
        except ValueError:
            raise NetworkError(f"shapes {' and '.join(map(str, shapes[:8]))} do not fit together") from None
        return self.shape(common)

    def paid(self, numbers: Iterable[fmpq]) -> list[fmpq]:
        """Numbers as they are made, the digits of each paid before the next."""
        result = []
        for number in numbers:
            self.budget.spend_digits((number,))
            result.append(number)
        return result

    # ---------------------------------------------------------------- values

    def array(self, value: Value | None, what: str = "its input") -> SignalArray:
        """A floating-point value."""
        if isinstance(value, endings.Ending):
            raise value.refuse_use()
        if value is None:
            raise NetworkError(f"{what} is missing")
        if isinstance(value, SignalArray):
            return value
        self.budget.spend_float_digits(value)
        return self.ops.constant(value, what)

    def numbers(self, value: Value | None, what: str) -> list[fmpq]:
        """A constant vector of numbers."""
        numbers: list[fmpq] = self.array(value, what).numbers(what).ravel().tolist()
        return numbers

    def number(self, value: Value | None, what: str) -> fmpq:
        """A constant with one entry."""
        numbers = self.numbers(value, what)
        if len(numbers) != 1:
            raise NetworkError(f"{what} is not one number")
        return numbers[0]

    def exact(self, value: Value | None, what: str = "its input") -> np.ndarray:
        """A constant as an array of exact rationals."""
        return self.array(value, what).numbers(what)

    def floats(self, value: Value | None, what: str = "its input") -> np.ndarray:
        """A constant as an array of float64, each entry rounded to the nearest."""
        if isinstance(value, np.ndarray) and value.dtype.kind in "iubf":
            return value.astype(np.float64)
        exact = self.exact(value, what)
        result = np.array([to_float(v) for v in exact.ravel().tolist()], dtype=np.float64)
        return result.reshape(exact.shape)

    def constant(self, value: Value | None, what: str = "its input") -> np.ndarray:
        """A constant as it is: integers, float64, or exact rationals as objects."""
        return value if isinstance(value, np.ndarray) else self.exact(value, what)

    def integers(self, value: Value | None, what: str) -> list[int]:
        """A constant vector of integers."""
        return [int(v) for v in self.integer_array(value, what).ravel().tolist()]

    def integer_array(self, value: Value | None, what: str) -> np.ndarray:
        """A constant array of integers."""
        if isinstance(value, np.ndarray) and value.dtype.kind in "iub":
            return value
        exact = self.exact(value, what)
        numbers = exact.ravel().tolist()
        if any(v.q != 1 for v in numbers):
            raise NetworkError(f"{what} is not a list of integers")
        return as_integers([int(v.p) for v in numbers]).reshape(exact.shape)

    def rearrange(self, value: Value | None, change: Callable[[np.ndarray], np.ndarray]) -> Value:
        """A function of numpy's that moves entries, on integers and on signals; never makes more than it is given."""
        if isinstance(value, np.ndarray):
            return np.asarray(change(value))
        return self.ops.rearrange(self.array(value), change)

    def reshape(self, value: Value | None, change: Callable[[tuple[int, ...]], Sequence[int]]) -> Value:
        """The same entries in another shape, also after a function at the very end, which does not mind."""
        if value is None:
            raise NetworkError("its input is missing")
        shape = tuple(change(shape_of(value)))
        if len(shape) > MAX_AXES:
            raise NetworkError(f"an array of {len(shape)} axes has more than the {MAX_AXES} that are read")
        if isinstance(value, endings.Ending):
            return replace(value, array=self.ops.reshape(value.array, shape))
        if isinstance(value, np.ndarray):
            return value.reshape(shape)
        return self.ops.reshape(value, shape)

    def axis(self, value: Value, axis: int, extra: int = 0) -> int:
        """An axis of a value counted from the front; ``extra`` axes more may be named."""
        shape = shape_of(value)
        count = len(shape) + extra
        if not -count <= axis < count:
            raise NetworkError(f"there is no axis {axis} in an array of shape {shape}")
        return int(axis) % count


def shape_of(value: Value) -> tuple[int, ...]:
    """The shape of a value of any kind."""
    return value.array.shape if isinstance(value, endings.Ending) else value.shape


def size_of(value: Value | None) -> int:
    """The number of entries of a value; 0 for one that is left out."""
    return 0 if value is None else math.prod(shape_of(value))


def is_plain(*values: Value | None) -> bool:
    """Whether all are arrays of integers or truth values, which hold shapes, indices and conditions."""
    return all(isinstance(v, np.ndarray) and v.dtype.kind in "iub" for v in values)


def is_constant(value: Value | None) -> bool:
    """Whether a value does not depend on the input."""
    return value is None or isinstance(value, np.ndarray) or (isinstance(value, SignalArray) and value.is_constant)


def as_integers(values: Any) -> np.ndarray:
    """Python integers as an array of int64.

    Raises
    ------
    NetworkError
        One of them does not fit, which is an overflow in the model.
    """
    try:
        return np.array(values, dtype=object).astype(np.int64)
    except OverflowError:
        raise NetworkError("an integer overflows 64 bits") from None
