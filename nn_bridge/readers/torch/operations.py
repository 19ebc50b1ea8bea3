"""What torch's functions and tensor methods do to arrays of exact signals: activations, maxima, arithmetic.

`FUNCTIONS` holds them by name, with the arguments that torch documents.  Values are arrays of signals, endings,
tensors, numbers, and tuples or lists of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.network import layers
from nn_bridge.network.signals import Arrays, SignalArray, checked_shape, exact_numbers
from nn_bridge.readers import endings
from nn_bridge.readers.torch.tensors import check_dense
from polyhedra.scalars import ZERO, rational

Operation = Callable[..., Any]


class Tracer:
    """The operations on signals, and the notes that they leave."""

    def __init__(self, ops: Arrays) -> None:
        self.ops = ops
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        """Remember what was done, once."""
        if text not in self.notes:
            self.notes.append(text)

    def array(self, value: Any, what: str = "a value") -> SignalArray:
        """Any value as an array of signals."""
        if isinstance(value, SignalArray):
            return value
        if isinstance(value, endings.Ending):
            raise value.refuse_use()
        if hasattr(value, "detach"):
            value = entries(value, what)
        if isinstance(value, (tuple, list)) and any(isinstance(v, SignalArray) for v in value):
            raise NetworkError(f"{what} is several tensors where one is needed")
        if value is None or isinstance(value, (str, dict, slice)):
            raise NetworkError(f"{what} is {value!r}, which is no tensor")
        return self.ops.constant(value, what)

    def numbers(self, value: Any, what: str) -> list[fmpq]:
        """A constant vector."""
        numbers: list[fmpq] = self.array(value, what).numbers(what).ravel().tolist()
        return numbers


def entries(tensor: Any, what: str) -> np.ndarray:
    """A torch tensor's exact entries."""
    check_dense(tensor, what)
    checked_shape(tensor.shape)
    return exact_numbers(np.array(tensor.detach().cpu().tolist(), dtype=object).reshape(tuple(tensor.shape)), what)


FUNCTIONS: dict[str, Operation] = {}
"""By torch's name of the function or method."""


def named_in_torch(*names: str) -> Callable[[Operation], Operation]:
    """Enter an operation into `FUNCTIONS` under its names in a torch.fx graph."""

    def register(operation: Operation) -> Operation:
        for name in names:
            FUNCTIONS[name] = operation
        return operation

    return register


# ---------------------------------------------------------------- activations


@named_in_torch("relu")
def _relu(t: Tracer, x: Any, inplace: bool = False) -> SignalArray:
    return layers.relu(t.ops, t.array(x))


@named_in_torch("leaky_relu")
def _leaky_relu(t: Tracer, x: Any, negative_slope: Any = 0.01, inplace: bool = False) -> SignalArray:
    return layers.leaky_relu(t.ops, t.array(x), rational(negative_slope))


@named_in_torch("rrelu")
def _rrelu(t: Tracer, x: Any, lower: Any = 1 / 8, upper: Any = 1 / 3, *switches: bool, **named: bool) -> SignalArray:
    return layers.leaky_relu(t.ops, t.array(x), (rational(lower) + rational(upper)) / 2)


@named_in_torch("prelu", "_prelu_kernel")
def _prelu(t: Tracer, x: Any, weight: Any) -> SignalArray:
    array, slopes = t.array(x), t.array(weight, "the slopes")
    if slopes.signal.size > 1 and slopes.ndim == 1:
        slopes = t.ops.reshape(slopes, (-1, *(1,) * (array.ndim - 2)))
    return layers.prelu(t.ops, array, slopes)


@named_in_torch("hardtanh")
def _hardtanh(t: Tracer, x: Any, min_val: Any = -1.0, max_val: Any = 1.0, inplace: bool = False) -> SignalArray:
    return layers.clip(t.ops, t.array(x), rational(min_val), rational(max_val))


@named_in_torch("relu6")
def _relu6(t: Tracer, x: Any, inplace: bool = False) -> SignalArray:
    return layers.clip(t.ops, t.array(x), ZERO, fmpq(6))


@named_in_torch("hardsigmoid")
def _hardsigmoid(t: Tracer, x: Any, inplace: bool = False) -> SignalArray:
    return layers.hard_sigmoid(t.ops, t.array(x), fmpq(1, 6), fmpq(1, 2))


@named_in_torch("threshold")
def _threshold(t: Tracer, x: Any, threshold: Any, value: Any, inplace: bool = False) -> SignalArray:
    return layers.threshold(t.ops, t.array(x), rational(threshold), rational(value))


@named_in_torch("softshrink")
def _softshrink(t: Tracer, x: Any, lambd: Any = 0.5) -> SignalArray:
    return layers.soft_shrink(t.ops, t.array(x), rational(lambd))


@named_in_torch("abs", "absolute")
def _abs(t: Tracer, x: Any) -> Any:
    return layers.absolute(t.ops, t.array(x)) if isinstance(x, SignalArray) else abs(x)


@named_in_torch("clamp", "clip")
def _clamp(t: Tracer, x: Any, min: Any = None, max: Any = None) -> SignalArray:
    plain = all(bound is None or isinstance(bound, (int, float)) for bound in (min, max))
    if plain:
        low, high = (None if bound is None else rational(bound) for bound in (min, max))
        return layers.clip(t.ops, t.array(x), low, high)
    result = t.array(x)
    if min is not None:
        result = t.ops.maximum(result, t.array(min))
    return result if max is None else t.ops.minimum(result, t.array(max))


@named_in_torch("clamp_min")
def _clamp_min(t: Tracer, x: Any, min: Any) -> SignalArray:
    return _clamp(t, x, min=min)


@named_in_torch("clamp_max")
def _clamp_max(t: Tracer, x: Any, max: Any) -> SignalArray:
    return _clamp(t, x, max=max)


@named_in_torch("sign", "sgn", "heaviside", "floor", "ceil", "round", "trunc", "hardshrink")
def _jump(t: Tracer, x: Any, *arguments: Any, **named: Any) -> SignalArray:
    raise NetworkError(layers.JUMPS)


@named_in_torch("gt", "ge", "lt", "le", "eq", "ne", "where", "argmax", "argmin", "masked_fill")
def _compare(t: Tracer, *arguments: Any, **named: Any) -> Any:
    raise NetworkError(
        "it compares values and chooses by the result, which can jump; write the choice as a maximum, a minimum or a "
        "clamp"
    )


# ---------------------------------------------------------------- maxima and minima


class Reduced(tuple[Any, Any]):
    """``(values, indices)`` of a maximum; the indices jump, so nothing can be done with them."""

    @property
    def values(self) -> SignalArray:
        """The maxima."""
        result: SignalArray = self[0]
        return result


class _Indices:
    """The positions of maxima, of which nothing can be read."""


def _extremum(over: str, two: str) -> Operation:
    def operation(t: Tracer, x: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
        second = other if other is not None else dim
        if second is not None and not isinstance(second, int):
            return getattr(t.ops, two)(t.array(x), t.array(second))
        values = getattr(t.ops, over)(t.array(x), second, keepdim)
        return values if second is None else Reduced((values, _Indices()))

    return operation


FUNCTIONS["max"] = _extremum("maximum_over", "maximum")
FUNCTIONS["min"] = _extremum("minimum_over", "minimum")


@named_in_torch("maximum", "fmax")
def _maximum(t: Tracer, x: Any, other: Any) -> SignalArray:
    return t.ops.maximum(t.array(x), t.array(other))


@named_in_torch("minimum", "fmin")
def _minimum(t: Tracer, x: Any, other: Any) -> SignalArray:
    return t.ops.minimum(t.array(x), t.array(other))


@named_in_torch("amax")
def _amax(t: Tracer, x: Any, dim: Any = (), keepdim: bool = False) -> SignalArray:
    return t.ops.maximum_over(t.array(x), None if dim == () else dim, keepdim)


@named_in_torch("amin")
def _amin(t: Tracer, x: Any, dim: Any = (), keepdim: bool = False) -> SignalArray:
    return t.ops.minimum_over(t.array(x), None if dim == () else dim, keepdim)


# ---------------------------------------------------------------- arithmetic


def _both_plain(*values: Any) -> bool:
    return all(isinstance(value, (int, float)) for value in values)


@named_in_torch("add", "iadd")
def _add(t: Tracer, x: Any, other: Any, alpha: Any = 1) -> Any:
    if _both_plain(x, other):
        return x + alpha * other
    if isinstance(x, (tuple, list)):
        return (*x, *other)
    right = t.array(other)
    return t.ops.add(t.array(x), right if alpha == 1 else t.ops.scale(right, rational(alpha)))


@named_in_torch("sub", "isub", "subtract")
def _sub(t: Tracer, x: Any, other: Any, alpha: Any = 1) -> Any:
    return x - alpha * other if _both_plain(x, other) else _add(t, x, other, -alpha)


@named_in_torch("rsub")
def _rsub(t: Tracer, x: Any, other: Any, alpha: Any = 1) -> Any:
    return _sub(t, other, x, alpha)


@named_in_torch("mul", "imul", "multiply")
def _mul(t: Tracer, x: Any, other: Any) -> Any:
    return x * other if _both_plain(x, other) else t.ops.multiply(t.array(x), t.array(other))


@named_in_torch("truediv", "itruediv", "div", "divide", "true_divide")
def _div(t: Tracer, x: Any, other: Any, *, rounding_mode: Any = None) -> Any:
    if rounding_mode is not None:
        raise NetworkError(layers.JUMPS)
    return x / other if _both_plain(x, other) else t.ops.divide(t.array(x), t.array(other))


@named_in_torch("floordiv", "floor_divide")
def _floordiv(t: Tracer, x: Any, other: Any) -> Any:
    if not _both_plain(x, other):
        raise NetworkError(layers.JUMPS)
    return x // other


@named_in_torch("neg", "negative")
def _neg(t: Tracer, x: Any) -> Any:
    return -x if _both_plain(x) else t.ops.negative(t.array(x))


@named_in_torch("pos", "positive")
def _pos(t: Tracer, x: Any) -> Any:
    return x


@named_in_torch("pow")
def _pow(t: Tracer, x: Any, exponent: Any) -> Any:
    if _both_plain(x, exponent):
        return x**exponent
    if exponent == 1:
        return x
    raise NetworkError(f"the power {exponent} is not piecewise linear")


@named_in_torch("matmul", "mm", "bmm", "mv", "dot")
def _matmul(t: Tracer, x: Any, other: Any) -> SignalArray:
    return t.ops.matmul(t.array(x), t.array(other))


@named_in_torch("addmm")
def _addmm(t: Tracer, x: Any, left: Any, right: Any, *, beta: Any = 1, alpha: Any = 1) -> SignalArray:
    product = t.ops.scale(_matmul(t, left, right), rational(alpha))
    return t.ops.add(t.ops.scale(t.array(x), rational(beta)), product)


@named_in_torch("sum")
def _sum(t: Tracer, x: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> SignalArray:
    return t.ops.sum(t.array(x), dim, keepdim)


@named_in_torch("mean")
def _mean(t: Tracer, x: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> SignalArray:
    return t.ops.mean(t.array(x), dim, keepdim)


@named_in_torch("linear")
def _linear(t: Tracer, x: Any, weight: Any, bias: Any = None) -> SignalArray:
    shift = None if bias is None else t.array(bias, "the bias")
    return layers.linear(t.ops, t.array(x), t.array(weight, "the weight"), shift)


# ---------------------------------------------------------------- identities


@named_in_torch(
    "contiguous", "clone", "detach", "to", "type_as", "double", "float", "cpu", "cuda", "alias", "lift_fresh_copy"
)
def _same(t: Tracer, x: Any, *arguments: Any, **named: Any) -> Any:
    return x


@named_in_torch("half", "bfloat16", "int", "long", "bool")
def _cast(t: Tracer, x: Any, *arguments: Any, **named: Any) -> Any:
    raise NetworkError("it rounds to a coarser type, which is not piecewise linear; leave the cast out")


@named_in_torch(
    "dropout", "alpha_dropout", "feature_dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"
)
def _dropout(t: Tracer, x: Any, p: Any = 0.5, training: bool = False, inplace: bool = False) -> Any:
    if p:
        t.note("dropout read as the identity (evaluation mode)")
    return x
