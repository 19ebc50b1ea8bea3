"""Arrays of exact affine signals: the shapes and the arithmetic in which torch and ONNX write networks.

A `SignalArray` is a signal of a `NetworkBuilder` with a shape, entries in C order.  Whatever only moves entries around
(reshaping, transposing, slicing, padding) is done by numpy on an array of positions.  Constants are arrays whose
entries depend on nothing; arithmetic between them is exact too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.network.builder import NetworkBuilder, Signal
from nn_bridge.network.costs import Terms
from polyhedra.errors import GeometryError
from polyhedra.plurals import counted
from polyhedra.scalars import ONE, ZERO, rational

MAX_SIZE = 4_000_000
"""The most entries that one array may have: a file can ask for any shape in a few bytes."""

NOTHING = -1
"""The position of an entry that is not there, in arrays of positions."""


@dataclass(frozen=True, slots=True)
class SignalArray:
    """A signal with a shape; ``shape == ()`` is a single number."""

    signal: Signal
    shape: tuple[int, ...]

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def is_constant(self) -> bool:
        """Whether no entry depends on the input."""
        return not any(self.signal.rows)

    @property
    def positions(self) -> np.ndarray:
        """The positions of the entries in the signal, in the array's shape."""
        return np.arange(self.signal.size).reshape(self.shape)

    def numbers(self, what: str) -> np.ndarray:
        """The entries of a constant, as an array of exact rationals.

        Raises
        ------
        NetworkError
            It depends on the input; ``what`` names it in the message.
        """
        if not self.is_constant:
            raise NetworkError(f"{what} depends on the input, so the result is not piecewise linear")
        values = np.empty(self.signal.size, dtype=object)
        values[:] = self.signal.bias
        return values.reshape(self.shape)


def checked_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """The shape as a tuple, refused before anything of that size is made."""
    sizes = tuple(int(size) for size in shape)
    if any(size < 0 for size in sizes):
        raise NetworkError(f"there is no array of shape {sizes}")
    if math.prod(sizes) > MAX_SIZE:
        raise NetworkError(f"an array of shape {sizes} has more than the {MAX_SIZE:,} entries that are read")
    return sizes


def exact_numbers(values: Any, what: str) -> np.ndarray:
    """An array of exact rationals of numbers (any numpy array, nested lists, or one number)."""
    array = np.asarray(values)
    if array.dtype.kind not in "iufbO":
        raise NetworkError(f"{what} holds entries of type {array.dtype}, not real numbers")
    checked_shape(array.shape)
    result = np.empty(array.size, dtype=object)
    try:
        result[:] = [rational(value) for value in array.ravel().tolist()]
    except GeometryError as error:
        raise NetworkError(f"{what}: {error}") from None
    return result.reshape(array.shape)


class Arrays:
    """Exact operations on arrays of signals of one builder.

    Examples
    --------
    >>> ops = Arrays(NetworkBuilder(4))
    >>> x = ops.input((2, 2))
    >>> y = ops.add(ops.rearrange(x, np.transpose), ops.constant([[1, 2], [3, 4]]))
    >>> ops.build.finish(y.signal).evaluate([10, 20, 30, 40])
    (11, 32, 23, 44)
    """

    def __init__(self, build: NetworkBuilder) -> None:
        self.build = build

    # ---------------------------------------------------------------- entries

    def input(self, shape: Sequence[int]) -> SignalArray:
        """The input of the network, of this shape."""
        signal = self.build.input()
        if math.prod(shape) != signal.size:
            raise NetworkError(f"shape {tuple(shape)} does not hold the {counted(signal.size, 'input')}")
        return SignalArray(signal, tuple(shape))

    def constant(self, values: Any, what: str = "a constant") -> SignalArray:
        """Numbers by their exact values."""
        if isinstance(values, SignalArray):
            return values
        numbers = exact_numbers(values, what)
        return SignalArray(self.build.constant(tuple(numbers.ravel().tolist())), numbers.shape)

    def gather(self, array: SignalArray, positions: np.ndarray, fill: fmpq = ZERO) -> SignalArray:
        """The entries at these positions; ``fill`` at positions `NOTHING`."""
        shape = checked_shape(positions.shape)
        flat = positions.ravel().tolist()
        if NOTHING in flat:
            self.build.spend(len(flat))
            rows, bias = array.signal.rows, array.signal.bias
            signal = Signal(
                tuple(rows[p] if p >= 0 else {} for p in flat), tuple(bias[p] if p >= 0 else fill for p in flat)
            )
            return SignalArray(signal, shape)
        return SignalArray(self.build.take(array.signal, flat), shape)

    def rearrange(self, array: SignalArray, change: Callable[[np.ndarray], np.ndarray]) -> SignalArray:
        """Whatever numpy function moves, drops or repeats entries without looking at them."""
        try:
            positions = np.asarray(change(array.positions))
        except (ValueError, IndexError, TypeError) as error:
            raise NetworkError(f"it does not fit an array of shape {array.shape}: {error}") from None
        return self.gather(array, positions)

    def reshape(self, array: SignalArray, shape: Sequence[int]) -> SignalArray:
        """Another shape, one entry of which may be -1."""
        if sum(size == -1 for size in shape) > 1 or any(size < -1 for size in shape):
            raise NetworkError(f"shape {tuple(shape)} is not a shape")
        known = math.prod(size for size in shape if size != -1)
        if -1 in shape and (known == 0 or array.signal.size % known):
            raise NetworkError(f"an array of shape {array.shape} has no shape {tuple(shape)}")
        full = tuple(array.signal.size // known if size == -1 else int(size) for size in shape)
        if math.prod(full) != array.signal.size:
            raise NetworkError(f"an array of shape {array.shape} has no shape {tuple(shape)}")
        return SignalArray(array.signal, full)

    def flatten(self, array: SignalArray, start: int = 0, end: int = -1) -> SignalArray:
        """The axes from ``start`` to ``end`` (included) as one."""
        if array.ndim == 0:
            return self.reshape(array, (1,))
        first, last = self.axis(array, start), self.axis(array, end)
        if first > last:
            raise NetworkError(f"axis {start} comes after axis {end}")
        return self.reshape(
            array, (*array.shape[:first], math.prod(array.shape[first : last + 1]), *array.shape[last + 1 :])
        )

    def axis(self, array: SignalArray, axis: int, extra: int = 0) -> int:
        """An axis counted from the front; ``extra`` axes more may be named."""
        count = array.ndim + extra
        if not -count <= axis < count:
            raise NetworkError(f"there is no axis {axis} in an array of shape {array.shape}")
        return int(axis) % count

    def axes(self, array: SignalArray, axes: int | Sequence[int] | None) -> tuple[int, ...]:
        """Different axes, counted from the front and sorted; all of them for None."""
        if axes is None:
            return tuple(range(array.ndim))
        named = [axes] if isinstance(axes, int) else axes
        chosen = sorted({self.axis(array, int(a)) for a in named})
        if len(chosen) != len(named):
            raise NetworkError(f"axes {tuple(named)} name one axis twice")
        return tuple(chosen)

    def concatenate(self, arrays: Sequence[SignalArray], axis: int) -> SignalArray:
        """Arrays joined along an axis that they have."""
        if not arrays:
            raise NetworkError("there is nothing to concatenate")
        together = self.build.concatenate(*(array.signal for array in arrays))
        positions, start = [], 0
        for array in arrays:
            positions.append(array.positions + start)
            start += array.signal.size
        try:
            joined = np.concatenate(positions, axis=axis)
        except ValueError as error:
            raise NetworkError(f"arrays of shapes {[a.shape for a in arrays]} cannot be joined: {error}") from None
        return self.gather(SignalArray(together, (together.size,)), joined)

    def pad(
        self, array: SignalArray, widths: Sequence[tuple[int, int]], mode: str = "constant", value: fmpq = ZERO
    ) -> SignalArray:
        """Entries added (or cut off, by negative widths) around each axis.

        ``mode`` is ``"constant"``, ``"reflect"``, ``"edge"`` or ``"wrap"``, as numpy names them.
        """
        cut = tuple(slice(max(-a, 0), size - max(-b, 0)) for (a, b), size in zip(widths, array.shape, strict=True))
        grow = [(max(a, 0), max(b, 0)) for a, b in widths]
        inner = array.positions[cut]
        checked_shape([size + a + b for size, (a, b) in zip(inner.shape, grow, strict=True)])
        if mode == "constant":
            return self.gather(array, np.pad(inner, grow, constant_values=NOTHING), value)
        try:
            return self.gather(array, np.pad(inner, grow, mode=mode))  # type: ignore[call-overload]
        except ValueError as error:
            raise NetworkError(f"padding {mode!r} does not fit an array of shape {array.shape}: {error}") from None

    def broadcast(self, *arrays: SignalArray) -> list[SignalArray]:
        """The arrays repeated to one common shape."""
        try:
            shape = checked_shape(np.broadcast_shapes(*(array.shape for array in arrays)))
        except ValueError:
            raise NetworkError(f"shapes {' and '.join(str(a.shape) for a in arrays)} do not fit together") from None
        return [a if a.shape == shape else self.gather(a, np.broadcast_to(a.positions, shape)) for a in arrays]

    # ---------------------------------------------------------------- arithmetic

    def add(self, left: SignalArray, right: SignalArray) -> SignalArray:
        """The sum, with broadcasting."""
        a, b = self.broadcast(left, right)
        return SignalArray(self.build.add(a.signal, b.signal), a.shape)

    def negative(self, array: SignalArray) -> SignalArray:
        """The array times -1."""
        return self.scale(array, -ONE)

    def scale(self, array: SignalArray, factor: fmpq) -> SignalArray:
        """The array times a number."""
        return SignalArray(self.build.scale(array.signal, factor), array.shape)

    def subtract(self, left: SignalArray, right: SignalArray) -> SignalArray:
        """The difference, with broadcasting."""
        return self.add(left, self.negative(right))

    def multiply(self, left: SignalArray, right: SignalArray) -> SignalArray:
        """The product, one factor of which must be constant, with broadcasting."""
        a, b = self.broadcast(left, right)
        if a.is_constant:
            a, b = b, a
        if not b.is_constant:
            raise NetworkError("two values that depend on the input are multiplied, which is not piecewise linear")
        return SignalArray(self.build.scale_each(a.signal, b.signal.bias), a.shape)

    def divide(self, left: SignalArray, right: SignalArray) -> SignalArray:
        """The quotient by a constant without zeros, with broadcasting."""
        numbers = right.numbers("the divisor")
        if not all(numbers.ravel().tolist()):
            raise NetworkError("it divides by zero")
        inverse = tuple(1 / value for value in numbers.ravel().tolist())
        return self.multiply(left, SignalArray(self.build.constant(inverse), right.shape))

    def combine(
        self, array: SignalArray, rows: Sequence[Terms], bias: Sequence[fmpq], shape: Sequence[int]
    ) -> SignalArray:
        """New entries as exact affine functions of the old ones, row by row over their positions."""
        return SignalArray(self.build.combine(array.signal, rows, bias), checked_shape(shape))

    def matmul(self, left: SignalArray, right: SignalArray) -> SignalArray:
        """The matrix product as numpy and torch define it, one factor constant; batches broadcast."""
        if left.ndim == 0 or right.ndim == 0:
            raise NetworkError("a matrix product needs arrays with axes")
        a = self.reshape(left, (1, *left.shape)) if left.ndim == 1 else left
        b = self.reshape(right, (*right.shape, 1)) if right.ndim == 1 else right
        if a.shape[-1] != b.shape[-2]:
            raise NetworkError(f"shapes {left.shape} and {right.shape} do not fit in a matrix product")
        if not (a.is_constant or b.is_constant):
            raise NetworkError("two values that depend on the input are multiplied, which is not piecewise linear")
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        rows, columns = a.shape[-2], b.shape[-1]
        checked_shape((*batch, rows, columns))
        over_a = np.broadcast_to(a.positions, (*batch, *a.shape[-2:])).reshape(-1, *a.shape[-2:])
        over_b = np.broadcast_to(b.positions, (*batch, *b.shape[-2:])).reshape(-1, *b.shape[-2:])
        if fixed_product := self._constant_product(a, b, over_a, over_b):
            result = SignalArray(self.build.constant(fixed_product), (*batch, rows, columns))
        else:
            self.build.spend(math.prod((*batch, rows, columns)) * (1 + a.shape[-1] // 2))
            moving, table = self._product_table(a, b, over_a, over_b)
            result = self.combine(moving, table, (ZERO,) * len(table), (*batch, rows, columns))
        shape = list(result.shape)
        if right.ndim == 1:
            del shape[-1]
        if left.ndim == 1:
            del shape[len(batch)]
        return self.reshape(result, shape)

    def _constant_product(self, a: SignalArray, b: SignalArray, over_a: np.ndarray, over_b: np.ndarray) -> list[fmpq]:
        """The entries of a product of constants; none where it is none, or has numbers too long for a fast product."""
        if not (a.is_constant and b.is_constant and over_a.size and over_b.size):
            return []
        left, right = a.numbers("a factor").ravel()[over_a], b.numbers("a factor").ravel()[over_b]
        entries: list[fmpq] = []
        for first, second in zip(left.tolist(), right.tolist(), strict=True):
            product = self.build.constant_product(first, second)
            if product is None:
                return []
            entries += [value for row in product for value in row]
        return entries

    @staticmethod
    def _product_table(
        a: SignalArray, b: SignalArray, over_a: np.ndarray, over_b: np.ndarray
    ) -> tuple[SignalArray, list[Terms]]:
        """The factor that depends on the input, and each entry of the product as a sum of its entries."""
        moving, fixed = (b, a.signal.bias) if a.is_constant else (a, b.signal.bias)
        table: list[Terms] = []
        for first, second in zip(over_a, over_b, strict=True):
            down = second.T.tolist()
            for across in first.tolist():
                for line in down:
                    pairs = zip(line, across, strict=True) if a.is_constant else zip(across, line, strict=True)
                    table.append({p: fixed[q] for p, q in pairs if fixed[q]})
        return moving, table

    # ---------------------------------------------------------------- reductions

    def groups(self, array: SignalArray, axes: int | Sequence[int] | None) -> np.ndarray:
        """Positions by what remains of the shape (flat) and by what is reduced: a matrix."""
        chosen = self.axes(array, axes)
        kept = [a for a in range(array.ndim) if a not in chosen]
        moved = np.transpose(array.positions, (*kept, *chosen))
        return moved.reshape(math.prod(array.shape[a] for a in kept), math.prod(array.shape[a] for a in chosen))

    def reduced_shape(self, array: SignalArray, axes: int | Sequence[int] | None, keep: bool) -> tuple[int, ...]:
        """The shape after a reduction; with ``keep`` the reduced axes stay, with size 1."""
        chosen = self.axes(array, axes)
        return tuple(1 if a in chosen else s for a, s in enumerate(array.shape) if keep or a not in chosen)

    def sum(self, array: SignalArray, axes: int | Sequence[int] | None, keep: bool = False) -> SignalArray:
        """The sum over axes."""
        groups = self.groups(array, axes).tolist()
        rows = [dict.fromkeys(group, ONE) for group in groups]
        return self.combine(array, rows, (ZERO,) * len(rows), self.reduced_shape(array, axes, keep))

    def mean(self, array: SignalArray, axes: int | Sequence[int] | None, keep: bool = False) -> SignalArray:
        """The mean over axes."""
        count = self.groups(array, axes).shape[1]
        if not count:
            raise NetworkError("the mean of no values is not defined")
        return self.scale(self.sum(array, axes, keep), fmpq(1, count))

    def maximum_over(self, array: SignalArray, axes: int | Sequence[int] | None, keep: bool = False) -> SignalArray:
        """The maximum over axes, folded from left to right."""
        groups = self.groups(array, axes).tolist()
        return SignalArray(self.build.maxima(array.signal, groups), self.reduced_shape(array, axes, keep))

    def minimum_over(self, array: SignalArray, axes: int | Sequence[int] | None, keep: bool = False) -> SignalArray:
        """The minimum over axes."""
        return self.negative(self.maximum_over(self.negative(array), axes, keep))

    def maximum(self, *arrays: SignalArray) -> SignalArray:
        """The entrywise maximum, with broadcasting, folded from left to right."""
        same = self.broadcast(*arrays)
        size = same[0].signal.size
        together = self.build.concatenate(*(array.signal for array in same))
        groups = [[k * size + i for k in range(len(same))] for i in range(size)]
        return SignalArray(self.build.maxima(together, groups), same[0].shape)

    def minimum(self, *arrays: SignalArray) -> SignalArray:
        """The entrywise minimum, with broadcasting."""
        return self.negative(self.maximum(*map(self.negative, arrays)))
