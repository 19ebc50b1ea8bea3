"""Building networks in normal form: affine signals in, ReLU stages out.

Every reader and every activation goes through here.  A `Signal` is a vector of affine functions of the input and of the
units made so far; a piecewise linear activation turns a signal into another one by adding stages of ReLU units:

* ReLU: one unit per entry;
* leaky ReLU with slope ``a``: ``a g + (1 - a) max(0, g)``;
* maximum: ``max(a, b) = a + max(0, b - a)``, folded from left to right;
* clipping: ``min(max(g, l), h) = l + max(0, g - l) - max(0, g - h)`` for ``l <= h``.

Signals are sparse, so that convolutions and pooling cost what their kernels cost; the stages of a `Network` are dense.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flint import fmpq, fmpq_mat

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import INPUT, AffineStage, LayerRecord, Network, Row, exact_row
from polyhedra.errors import GeometryError
from polyhedra.scalars import ONE, ZERO, rational, to_text

MAX_ENTRIES = 100_000_000
"""The most weights, zeros included, that the stages of one network may have (800 MB of references)."""

_DENSE_WORK = 50_000  # multiplications from which a product of matrices is faster than sparse sums

Terms = Mapping[int, fmpq]
"""The linear part of one entry: weights by variable, without zeros; variables are the inputs, then the units."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A vector of affine functions of the inputs and units: a sparse linear part and a constant for each entry."""

    rows: tuple[Terms, ...]
    bias: Row

    @property
    def size(self) -> int:
        """The number of entries."""
        return len(self.bias)


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
        self._starts = [0, input_dim]  # source s has the variables starts[s] .. starts[s + 1] - 1
        self._stages: list[AffineStage] = []
        self._entries = 0

    def input(self) -> Signal:
        """The input itself."""
        return self._variables(INPUT)

    def constant(self, values: Sequence[fmpq]) -> Signal:
        """A signal that does not depend on the input."""
        return Signal(({},) * len(values), tuple(values))

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
        return self.combine(signal, [{j: w for j, w in enumerate(row) if w} for row in matrix], shift)

    def combine(self, signal: Signal, rows: Sequence[Terms], bias: Sequence[fmpq]) -> Signal:
        """The same for sparse exact rows: entry ``i`` is ``sum of rows[i][j] * signal[j], plus bias[i]``."""
        constants = list(bias)
        if any(signal.bias):
            for i, row in enumerate(rows):
                for j, w in row.items():
                    if signal.bias[j]:
                        constants[i] += w * signal.bias[j]
        if self._is_dense(signal, rows):
            linear = _dense_product(rows, signal.rows)
        else:
            linear = tuple(_weighted_sum((signal.rows[j], w) for j, w in row.items()) for row in rows)
        return Signal(linear, tuple(constants))

    def add(self, *signals: Signal) -> Signal:
        """The sum of signals of one size (residual connections)."""
        first, *rest = signals
        for signal in rest:
            if signal.size != first.size:
                raise NetworkError(f"cannot add {signal.size} values to {first.size}")
        if not rest:
            return first
        rows = tuple(_weighted_sum((row, ONE) for row in rows) for rows in zip(*(s.rows for s in signals), strict=True))
        return Signal(rows, tuple(sum(parts, ZERO) for parts in zip(*(s.bias for s in signals), strict=True)))

    def scale(self, signal: Signal, factor: fmpq) -> Signal:
        """The signal times a rational number."""
        return self.scale_each(signal, [factor] * signal.size)

    def scale_each(self, signal: Signal, factors: Sequence[fmpq]) -> Signal:
        """Every entry times a rational number of its own."""
        rows = tuple(
            row if f == 1 else ({v: f * w for v, w in row.items()} if f else {})
            for f, row in zip(factors, signal.rows, strict=True)
        )
        return Signal(rows, tuple(f * b for f, b in zip(factors, signal.bias, strict=True)))

    def shift(self, signal: Signal, constants: Sequence[fmpq]) -> Signal:
        """The signal plus one constant per entry."""
        return Signal(signal.rows, tuple(b + c for b, c in zip(signal.bias, constants, strict=True)))

    def take(self, signal: Signal, indices: Iterable[int]) -> Signal:
        """The chosen entries, in this order (repetitions allowed)."""
        chosen = list(indices)
        return Signal(tuple(signal.rows[i] for i in chosen), tuple(signal.bias[i] for i in chosen))

    def concatenate(self, *signals: Signal) -> Signal:
        """One signal after another."""
        return Signal(tuple(r for s in signals for r in s.rows), tuple(b for s in signals for b in s.bias))

    def relu(self, signal: Signal) -> Signal:
        """``max(0, signal)``: one new stage."""
        self._stages.append(self._stage(signal, f"stage {len(self._stages) + 1}"))
        self._starts.append(self._starts[-1] + signal.size)
        return self._variables(len(self._stages))

    def leaky_relu(self, signal: Signal, slope: fmpq | Sequence[fmpq]) -> Signal:
        """``max(0, g) + slope * min(0, g)``, any rational slope, one for all entries or one each (PReLU)."""
        slopes = [slope] * signal.size if isinstance(slope, fmpq) else list(slope)
        if all(s == 0 for s in slopes):
            return self.relu(signal)
        if all(s == 1 for s in slopes):
            return signal
        units = self.relu(signal)
        return self.add(self.scale_each(signal, slopes), self.scale_each(units, [ONE - s for s in slopes]))

    def absolute(self, signal: Signal) -> Signal:
        """``|g| = 2 max(0, g) - g``."""
        return self.add(self.scale(self.relu(signal), fmpq(2)), self.scale(signal, fmpq(-1)))

    def maximum(self, left: Signal, right: Signal) -> Signal:
        """The entrywise maximum of two signals, ``left + max(0, right - left)``."""
        return self.add(left, self.relu(self.add(right, self.scale(left, fmpq(-1)))))

    def threshold(self, signal: Signal, level: fmpq) -> Signal:
        """``max(signal, level)``: a ReLU with another threshold, ``level + max(0, signal - level)``."""
        return self.shift(self.relu(self.shift(signal, [-level] * signal.size)), [level] * signal.size)

    def clip(self, signal: Signal, low: fmpq, high: fmpq) -> Signal:
        """``min(max(signal, low), high)``, two units an entry in one stage; ``high`` everywhere where low >= high."""
        if low >= high:
            return self.constant([high] * signal.size)
        shifted = [self.shift(signal, [-level] * signal.size) for level in (low, high)]
        units = self.relu(self.concatenate(*shifted))
        lower, upper = (self.take(units, range(k * signal.size, (k + 1) * signal.size)) for k in (0, 1))
        return self.shift(self.add(lower, self.scale(upper, fmpq(-1))), [low] * signal.size)

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

    def maxima(self, signal: Signal, groups: Sequence[Sequence[int]]) -> Signal:
        """The maximum of each group of entries, folded from left to right; the groups may differ in length.

        Where the difference of two entries is a constant, no unit is needed and none is made.
        """
        if any(not group for group in groups):
            raise NetworkError("a maximum over no values is not defined")
        result = self.take(signal, [group[0] for group in groups])
        for k in range(1, max((len(group) for group in groups), default=0)):
            longer = [g for g, group in enumerate(groups) if len(group) > k]
            next_ones = self.take(signal, [groups[g][k] for g in longer])
            change = self.add(next_ones, self.scale(self.take(result, longer), fmpq(-1)))
            moving = [i for i, row in enumerate(change.rows) if row]
            steps = list(self.constant([max(b, ZERO) for b in change.bias]).rows)
            constants = [max(b, ZERO) for b in change.bias]
            if moving:
                units = self.relu(self.take(change, moving))
                for i, row in zip(moving, units.rows, strict=True):
                    steps[i], constants[i] = row, ZERO
            gain = dict(zip(longer, zip(steps, constants, strict=True), strict=True))
            none: tuple[Terms, fmpq] = ({}, ZERO)
            added = [gain.get(g, none) for g in range(len(groups))]
            result = self.add(result, Signal(tuple(row for row, _ in added), tuple(c for _, c in added)))
        return result

    def finish(
        self, output: Signal, layers: tuple[LayerRecord, ...] | None = None, notes: tuple[str, ...] = ()
    ) -> Network:
        """The network whose outputs are this signal."""
        stage = self._stage(output, "the output")
        return Network(self._starts[1], tuple(self._stages), stage, layers, notes)

    # ---------------------------------------------------------------- inside

    @staticmethod
    def _is_dense(signal: Signal, rows: Sequence[Terms]) -> bool:
        """Whether a product of dense matrices is faster than sums of sparse rows."""
        work = sum(len(signal.rows[j]) for row in rows for j in row)
        if work < _DENSE_WORK:
            return False
        reads = {j for row in rows for j in row}
        variables = {v for j in reads for v in signal.rows[j]}
        return any(len(signal.rows[j]) > 1 for j in reads) and 4 * work > len(rows) * len(reads) * len(variables)

    def _variables(self, source: int) -> Signal:
        start, end = self._starts[source], self._starts[source + 1]
        return Signal(tuple({v: ONE} for v in range(start, end)), (ZERO,) * (end - start))

    def _stage(self, signal: Signal, name: str) -> AffineStage:
        """The signal as dense blocks, one for each source that it reads."""
        blocks: dict[int, list[Row]] = {}
        blank: dict[int, Row] = {}
        for i, row in enumerate(signal.rows):
            parts: dict[int, list[fmpq]] = {}
            for variable, weight in row.items():
                source = bisect_right(self._starts, variable) - 1
                if source not in parts:
                    parts[source] = [ZERO] * (self._starts[source + 1] - self._starts[source])
                parts[source][variable - self._starts[source]] = weight
            for source, entries in parts.items():
                if source not in blocks:
                    self._reserve(signal.size, len(entries), name)
                    blank[source] = (ZERO,) * len(entries)
                    blocks[source] = [blank[source]] * i
                blocks[source].append(tuple(entries))
            for source in blocks.keys() - parts.keys():
                blocks[source].append(blank[source])
        return AffineStage(tuple((s, tuple(blocks[s])) for s in sorted(blocks)), signal.bias)

    def _reserve(self, rows: int, columns: int, name: str) -> None:
        self._entries += rows * columns
        if self._entries > MAX_ENTRIES:
            raise NetworkError(
                f"{name} needs {rows} x {columns} weights and the whole network more than {MAX_ENTRIES:,}; "
                "exact engines cannot use a network of this size, so take a smaller input or fewer channels"
            )


def _weighted_sum(parts: Iterable[tuple[Terms, fmpq]]) -> Terms:
    """The sum of linear parts times factors that are not zero; a part that stays as it is is shared, not copied."""
    total: dict[int, fmpq] | None = None
    shared: Terms = {}
    for row, factor in parts:
        if total is None:
            if not shared:
                shared = row if factor == 1 else {v: factor * w for v, w in row.items()}
                continue
            if not row:
                continue
            total = dict(shared)
        for variable, weight in row.items():
            value = factor * weight
            known = total.get(variable)
            if known is not None:
                value += known
            if value:
                total[variable] = value
            else:
                del total[variable]
    return shared if total is None else total


def _dense_product(rows: Sequence[Terms], inner: Sequence[Terms]) -> tuple[Terms, ...]:
    reads = sorted({j for row in rows for j in row})
    variables = sorted({v for j in reads for v in inner[j]})
    left = fmpq_mat([[row.get(j, ZERO) for j in reads] for row in rows])
    right = fmpq_mat([[inner[j].get(v, ZERO) for v in variables] for j in reads])
    return tuple({v: w for v, w in zip(variables, row, strict=True) if w} for row in (left * right).tolist())


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
