"""Building networks in normal form: affine signals in, ReLU stages out.

Every reader and every activation goes through here.  A `Signal` is a vector of affine functions of the input and of the
units made so far; a piecewise linear activation turns a signal into another one by adding stages of ReLU units:

* ReLU: one unit per entry;
* leaky ReLU with slope ``a``: ``a g + (1 - a) max(0, g)``;
* maximum: ``max(a, b) = a + max(0, b - a)``, folded from left to right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flint import fmpq, fmpq_mat

from nn_bridge.errors import NetworkError
from nn_bridge.network import INPUT, AffineStage, LayerRecord, Matrix, Network, Row, exact_row
from polyhedra.errors import GeometryError
from polyhedra.scalars import ONE, ZERO, rational, to_text


@dataclass(frozen=True, slots=True)
class Signal:
    """A vector of affine functions of the sources: rows per source, and a constant.

    ``rows[s]`` has shape (size of the signal, size of source ``s``); absent sources have zero weight.
    """

    rows: dict[int, Matrix]
    bias: Row

    @property
    def size(self) -> int:
        """The number of entries."""
        return len(self.bias)


def _identity(size: int) -> Matrix:
    return tuple(tuple(ONE if i == j else ZERO for j in range(size)) for i in range(size))


def _is_zero(matrix: Matrix) -> bool:
    return not any(any(row) for row in matrix)


def _product(left: Matrix, right: Matrix) -> Matrix:
    if len(left[0]) == len(right) == len(right[0]) and right == _identity(len(right)):
        return left
    product = fmpq_mat([list(row) for row in left]) * fmpq_mat([list(row) for row in right])
    return tuple(map(tuple, product.tolist()))


def _sum(left: Matrix, right: Matrix) -> Matrix:
    return tuple(tuple(p + q for p, q in zip(a, b, strict=True)) for a, b in zip(left, right, strict=True))


class NetworkBuilder:
    """Collects stages; its methods map signals to signals.

    Examples
    --------
    >>> build = NetworkBuilder(2)
    >>> x = build.input()
    >>> build.finish(build.relu(build.affine(x, [[1, -1]], [0]))).evaluate([3, 1])
    (2,)
    """

    def __init__(self, input_dim: int) -> None:
        if input_dim < 1:
            raise NetworkError("the network has no inputs")
        self._sizes = [input_dim]
        self._stages: list[AffineStage] = []

    def input(self) -> Signal:
        """The input itself."""
        size = self._sizes[INPUT]
        return Signal({INPUT: _identity(size)}, (ZERO,) * size)

    def affine(self, signal: Signal, weights: Any, bias: Any = None, place: str = "layer") -> Signal:
        """``weights @ signal + bias``; weights of shape (out, size), bias of length out (zero by default)."""
        matrix = tuple(exact_row(row, f"{place}, row {i}") for i, row in enumerate(weights))
        if not matrix:
            raise NetworkError(f"{place} has no rows")
        for i, row in enumerate(matrix):
            if len(row) != signal.size:
                raise NetworkError(f"{place}, row {i} has {len(row)} weights, but {signal.size} values come in")
        shift = (ZERO,) * len(matrix) if bias is None else exact_row(bias, f"{place}, bias")
        if len(shift) != len(matrix):
            raise NetworkError(f"{place} has {len(matrix)} rows but {len(shift)} biases")
        if any(signal.bias):
            column = tuple((b,) for b in signal.bias)
            shift = tuple(b + c[0] for b, c in zip(shift, _product(matrix, column), strict=True))
        return self._signal({source: _product(matrix, rows) for source, rows in signal.rows.items()}, shift)

    def add(self, *signals: Signal) -> Signal:
        """The sum of signals of one size (residual connections)."""
        first, *rest = signals
        rows, bias = dict(first.rows), first.bias
        for signal in rest:
            if signal.size != first.size:
                raise NetworkError(f"cannot add {signal.size} values to {first.size}")
            for source, matrix in signal.rows.items():
                rows[source] = _sum(rows[source], matrix) if source in rows else matrix
            bias = tuple(p + q for p, q in zip(bias, signal.bias, strict=True))
        return self._signal(rows, bias)

    def scale(self, signal: Signal, factor: fmpq) -> Signal:
        """The signal times a rational number."""
        rows = {s: tuple(tuple(factor * v for v in row) for row in m) for s, m in signal.rows.items()}
        return self._signal(rows, tuple(factor * b for b in signal.bias))

    def shift(self, signal: Signal, constants: Sequence[fmpq]) -> Signal:
        """The signal plus one constant per entry."""
        return Signal(signal.rows, tuple(b + c for b, c in zip(signal.bias, constants, strict=True)))

    def take(self, signal: Signal, indices: Sequence[int]) -> Signal:
        """The chosen entries, in this order (repetitions allowed)."""
        rows = {s: tuple(m[i] for i in indices) for s, m in signal.rows.items()}
        return self._signal(rows, tuple(signal.bias[i] for i in indices))

    def concatenate(self, *signals: Signal) -> Signal:
        """One signal after another."""
        sources = sorted(set().union(*(signal.rows for signal in signals)))
        rows: dict[int, Matrix] = {}
        for source in sources:
            blank = (ZERO,) * self._sizes[source]
            rows[source] = tuple(row for signal in signals for row in signal.rows.get(source, (blank,) * signal.size))
        return self._signal(rows, tuple(b for signal in signals for b in signal.bias))

    def relu(self, signal: Signal) -> Signal:
        """``max(0, signal)``: one new stage."""
        self._stages.append(self._stage(signal))
        self._sizes.append(signal.size)
        return Signal({len(self._stages): _identity(signal.size)}, (ZERO,) * signal.size)

    def leaky_relu(self, signal: Signal, slope: fmpq | Sequence[fmpq]) -> Signal:
        """``max(0, g) + slope * min(0, g)``, any rational slope, one for all entries or one each (PReLU)."""
        slopes = [slope] * signal.size if isinstance(slope, fmpq) else list(slope)
        if all(s == 0 for s in slopes):
            return self.relu(signal)
        if all(s == 1 for s in slopes):
            return signal
        units = self.relu(signal)
        return self.add(self._scale_rows(signal, slopes), self._scale_rows(units, [ONE - s for s in slopes]))

    def maximum(self, left: Signal, right: Signal) -> Signal:
        """The entrywise maximum of two signals, ``left + max(0, right - left)``."""
        return self.add(left, self.relu(self.add(right, self.scale(left, fmpq(-1)))))

    def threshold(self, signal: Signal, level: fmpq) -> Signal:
        """``max(signal, level)``: a ReLU with another threshold, ``level + max(0, signal - level)``."""
        return self.shift(self.relu(self.shift(signal, [-level] * signal.size)), [level] * signal.size)

    def minimum(self, left: Signal, right: Signal) -> Signal:
        """The entrywise minimum of two signals, ``left - max(0, left - right)``."""
        return self.add(left, self.scale(self.relu(self.add(left, self.scale(right, fmpq(-1)))), fmpq(-1)))

    def maxout(self, signal: Signal, pieces: int, place: str = "layer") -> Signal:
        """The maximum of each group of ``pieces`` consecutive entries, folded from left to right."""
        if pieces < 1 or signal.size % pieces:
            raise NetworkError(f"{place}: maxout of {pieces} pieces does not divide {signal.size} rows")
        result = self.take(signal, range(0, signal.size, pieces))
        for k in range(1, pieces):
            result = self.maximum(result, self.take(signal, range(k, signal.size, pieces)))
        return result

    def finish(
        self, output: Signal, layers: tuple[LayerRecord, ...] | None = None, notes: tuple[str, ...] = ()
    ) -> Network:
        """The network whose outputs are this signal."""
        return Network(self._sizes[INPUT], tuple(self._stages), self._stage(output), layers, notes)

    # ---------------------------------------------------------------- inside

    def _signal(self, rows: dict[int, Matrix], bias: Row) -> Signal:
        return Signal({s: m for s, m in rows.items() if not _is_zero(m)}, bias)

    def _stage(self, signal: Signal) -> AffineStage:
        return AffineStage(tuple((s, signal.rows[s]) for s in sorted(signal.rows)), signal.bias)

    def _scale_rows(self, signal: Signal, factors: Sequence[fmpq]) -> Signal:
        rows = {
            s: tuple(tuple(f * v for v in row) for f, row in zip(factors, m, strict=True))
            for s, m in signal.rows.items()
        }
        return self._signal(rows, tuple(f * b for f, b in zip(factors, signal.bias, strict=True)))


def chain(weights: Sequence[Any], biases: Sequence[Any], activations: Sequence[str]) -> Network:
    """A chain of layers (see `Network.from_layers`)."""
    if not len(weights):
        raise NetworkError("the network has no layers")
    if not len(weights) == len(biases) == len(activations):
        raise NetworkError(
            f"{len(weights)} weight matrices, {len(biases)} biases and {len(activations)} activations do not match"
        )
    try:
        build = NetworkBuilder(len(weights[0][0]))
    except (TypeError, IndexError):
        raise NetworkError("layer 0: the weights are not a matrix with rows and columns") from None
    signal = build.input()
    records = []
    for index, (matrix, bias, activation) in enumerate(zip(weights, biases, activations, strict=True)):
        place = f"layer {index}"
        try:
            rows = tuple(exact_row(row, f"{place}, row {i}") for i, row in enumerate(matrix))
        except TypeError:
            raise NetworkError(f"{place}: the weights are not a matrix with rows and columns") from None
        shift = (ZERO,) * len(rows) if bias is None else exact_row(bias, f"{place}, bias")
        signal = activate(build, build.affine(signal, rows, shift, place), activation, place)
        records.append(LayerRecord(rows, shift, canonical_activation(activation, place)))
    return build.finish(signal, tuple(records))


def canonical_activation(activation: str, place: str) -> str:
    """The one spelling of an activation: ``relu``, ``linear``, ``leaky:p/q``, ``maxout:k``."""
    kind, _, argument = activation.partition(":")
    try:
        if kind in ("relu", "linear") and not argument:
            return kind
        if kind == "leaky":
            return f"leaky:{to_text(rational(argument))}"
        if kind == "maxout" and argument.isascii() and argument.isdigit() and 1 <= len(argument) <= 6:
            return f"maxout:{int(argument)}"
    except GeometryError as error:
        raise NetworkError(f"{place}: activation {activation!r}: {error}") from None
    raise NetworkError(
        f"{place}: activation {activation!r} is not one of relu, linear, leaky:SLOPE, maxout:PIECES; "
        "puiseux reads piecewise linear networks only"
    )


def activate(build: NetworkBuilder, signal: Signal, activation: str, place: str) -> Signal:
    """Apply an activation, given by name, to a signal."""
    kind, _, argument = canonical_activation(activation, place).partition(":")
    if kind == "relu":
        return build.relu(signal)
    if kind == "leaky":
        return build.leaky_relu(signal, rational(argument))
    if kind == "maxout":
        return build.maxout(signal, int(argument), place)
    return signal
