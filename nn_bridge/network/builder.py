"""Building networks in normal form: affine signals in, ReLU stages out.

Every reader and every activation goes through here.  A `Signal` is a vector of affine functions of the input and of the
units made so far; a piecewise linear activation turns a signal into another one by adding stages of ReLU units:

* ReLU: one unit per entry;
* leaky ReLU with slope ``a``: ``a g + (1 - a) max(0, g)``;
* maximum: ``max(a, b) = a + max(0, b - a)``, folded from left to right;
* clipping: ``min(max(g, l), h) = l + max(0, g - l) - max(0, g - h)`` for ``l <= h``.

Signals are sparse, so that convolutions and pooling cost what their kernels cost; in a `Network` long rows with few
entries are (`nn_bridge.network.sparse_row`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flint import fmpq, fmpq_mat

from nn_bridge.errors import NetworkError
from nn_bridge.network.costs import PRODUCTS, SUM, Terms, bits, length, product_cost, words
from nn_bridge.network.network import INPUT, AffineStage, LayerRecord, Matrix, Network, Row, exact_row
from nn_bridge.network.rows import kept_doubles
from nn_bridge.network.sparse_row import entries, row_of
from polyhedra.plurals import counted
from polyhedra.scalars import ONE, ZERO

if TYPE_CHECKING:
    from nn_bridge.network.budget import Budget

MAX_ENTRIES = 100_000_000
"""The most weights that the rows of one network may store (800 MB of references); sparse rows store no zeros."""

# entries that these cost while a file is read (see `nn_bridge.network.budget`)
_UNIT = 20  # a unit: rows of its stage, and of every check of it
_PART = 12  # the weights of one unit on one stage, apart from the weights themselves


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

    Parameters
    ----------
    input_dim : int
    budget : Budget, optional
        What the file that is read may use up: every method spends from it before it makes entries.

    Examples
    --------
    >>> build = NetworkBuilder(2)
    >>> x = build.input()
    >>> build.finish(build.relu(build.affine(x, [[1, -1]], [0]))).evaluate([3, 1])
    (2,)
    """

    def __init__(self, input_dim: int, budget: Budget | None = None) -> None:
        if input_dim < 1:
            raise NetworkError("the network has no inputs")
        self._budget = budget
        self.spend(input_dim)
        self._starts = [0, input_dim]  # source s has the variables starts[s] .. starts[s + 1] - 1
        self._stages: list[AffineStage] = []
        self._entries = 0

    def spend(self, entries: int) -> None:
        """Count entries that are about to be made (see `nn_bridge.network.budget`)."""
        if self._budget is not None:
            self._budget.spend_entries(entries)

    def spend_digits(self, values: Iterable[fmpq]) -> None:
        """Count the digits of numbers that were just made."""
        if self._budget is not None:
            self._budget.spend_digits(values)

    def input(self) -> Signal:
        """The input itself."""
        return self._variables(INPUT)

    def units(self) -> Signal:
        """The units of the last stage, or the input where there is no stage yet."""
        return self._variables(len(self._stages))

    def dense_stage(self, weights: Matrix, bias: Row, place: str, given: Any = None) -> AffineStage:
        """An affine function of `units`, which `relu_of` makes a stage and `finish_with` the outputs.

        ``given`` is what the weights were made of, which is kept if it is an array of doubles.
        """
        source = len(self._stages)
        _check_layer(weights, bias, self._starts[source + 1] - self._starts[source], place)
        self.spend(len(bias))
        return AffineStage(((source, weights),), bias, kept_doubles(weights, given))

    def relu_of(self, stage: AffineStage) -> None:
        """``max(0, stage)``: one new stage, whose units are `units` from now on."""
        self._stages.append(stage)
        self._starts.append(self._starts[-1] + stage.units)

    def finish_with(self, output: AffineStage, layers: tuple[LayerRecord, ...]) -> Network:
        """The network with these outputs."""
        return Network(self._starts[1], tuple(self._stages), output, layers)

    def constant(self, values: Sequence[fmpq]) -> Signal:
        """A signal that does not depend on the input."""
        self.spend(len(values))
        return Signal(({},) * len(values), tuple(values))

    def affine(self, signal: Signal, weights: Any, bias: Any = None, place: str = "layer") -> Signal:
        """``weights @ signal + bias``; weights of shape (out, size), bias of length out (zero by default)."""
        matrix = tuple(exact_row(row, f"{place}, row {i}") for i, row in enumerate(weights))
        shift = (ZERO,) * len(matrix) if bias is None else exact_row(bias, f"{place}, bias")
        _check_layer(matrix, shift, signal.size, place)
        return self.combine(signal, [dict(entries(row)) for row in matrix], shift)

    def combine(self, signal: Signal, rows: Sequence[Terms], bias: Sequence[fmpq]) -> Signal:
        """The same for sparse exact rows: entry ``i`` is ``sum of rows[i][j] * signal[j], plus bias[i]``."""
        constants = list(bias)
        if any(signal.bias):
            longest = max(map(bits, signal.bias)) // 128
            self.spend(sum(bool(signal.bias[j]) for row in rows for j in row) * (1 + longest**2 // PRODUCTS))
            for i, row in enumerate(rows):
                for j, w in row.items():
                    if signal.bias[j]:
                        constants[i] += w * signal.bias[j]
                self.spend_digits((constants[i],))
        names = _variables_of(signal)
        if names is not None:
            self.spend(len(rows) + sum(map(len, rows)) // 2)
            return Signal(tuple({names[j]: w for j, w in row.items()} for row in rows), tuple(constants))
        self.spend(len(rows) + len(signal.rows))
        self._foresee_digits(signal, rows)
        dense, cost = product_cost(signal.rows, rows)
        self.spend(cost)
        if dense:
            linear = _dense_product(rows, signal.rows)
            for row in linear:
                self.spend_digits(row.values())
        else:
            linear = tuple(self._sum((signal.rows[j], w) for j, w in row.items()) for row in rows)
        return Signal(linear, tuple(constants))

    def constant_product(self, left: Sequence[Row], right: Sequence[Row]) -> list[Row] | None:
        """The product of two matrices of numbers; None where their common denominators are too long for it."""
        sizes = length(left), length(right)
        if not all(sizes):
            return None
        self.spend(len(left) * len(right[0]) * (1 + len(right) * (words(*sizes) + 2) // PRODUCTS))
        product = [tuple(row) for row in (fmpq_mat(list(map(list, left))) * fmpq_mat(list(map(list, right)))).tolist()]
        for row in product:
            self.spend_digits(row)
        return product

    def add(self, *signals: Signal) -> Signal:
        """The sum of signals of one size (residual connections)."""
        first, *rest = signals
        for signal in rest:
            if signal.size != first.size:
                raise NetworkError(f"cannot add {counted(signal.size, 'value')} to {first.size}")
        if not rest:
            return first
        self.spend(SUM * sum(len(row) for signal in signals for row in signal.rows) + first.size)
        rows = tuple(self._sum((row, ONE) for row in rows) for rows in zip(*(s.rows for s in signals), strict=True))
        return Signal(rows, tuple(sum(parts, ZERO) for parts in zip(*(s.bias for s in signals), strict=True)))

    def scale(self, signal: Signal, factor: fmpq) -> Signal:
        """The signal times a rational number."""
        return self.scale_each(signal, [factor] * signal.size)

    def scale_each(self, signal: Signal, factors: Sequence[fmpq]) -> Signal:
        """Every entry times a rational number of its own."""
        lengths = [len(row) if f and f != 1 else 0 for f, row in zip(factors, signal.rows, strict=True)]
        self.spend(SUM * sum(lengths) + signal.size)
        rows = tuple(
            row if f == 1 else (self._scaled(row, f) if f else {}) for f, row in zip(factors, signal.rows, strict=True)
        )
        return Signal(rows, tuple(self._product(f, b) for f, b in zip(factors, signal.bias, strict=True)))

    def shift(self, signal: Signal, constants: Sequence[fmpq]) -> Signal:
        """The signal plus one constant per entry."""
        self.spend(signal.size)
        return Signal(signal.rows, tuple(b + c for b, c in zip(signal.bias, constants, strict=True)))

    def take(self, signal: Signal, indices: Iterable[int]) -> Signal:
        """The chosen entries, in this order (repetitions allowed)."""
        chosen = list(indices)
        self.spend(len(chosen))
        return Signal(tuple(signal.rows[i] for i in chosen), tuple(signal.bias[i] for i in chosen))

    def concatenate(self, *signals: Signal) -> Signal:
        """One signal after another."""
        self.spend(sum(signal.size for signal in signals))
        return Signal(tuple(r for s in signals for r in s.rows), tuple(b for s in signals for b in s.bias))

    def relu(self, signal: Signal) -> Signal:
        """``max(0, signal)``: one new stage."""
        self.spend(_UNIT * signal.size)
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
            raise NetworkError(
                f"{place}: maxout of {counted(pieces, 'piece')} does not divide {counted(signal.size, 'row')}"
            )
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

    def _sum(self, parts: Iterable[tuple[Terms, fmpq]]) -> Terms:
        """The sum of linear parts times factors, its digits counted."""
        total = _weighted_sum(parts)
        self.spend_digits(total.values())
        return total

    def _scaled(self, row: Terms, factor: fmpq) -> Terms:
        return self._sum(((row, factor),))

    def _product(self, factor: fmpq, value: fmpq) -> fmpq:
        result = factor * value
        if self._budget is not None and value and factor != 1:
            self._budget.spend_digits((result,))
        return result

    def _foresee_digits(self, signal: Signal, rows: Sequence[Terms]) -> None:
        """Count the digits of sums of fractions before they are made, where their denominators differ much."""
        if self._budget is None:
            return
        read = {j for row in rows for j in row}
        self.spend(sum(len(signal.rows[j]) for j in read))
        inner = [[*signal.rows[j].values(), signal.bias[j]] for j in read]
        if length(row.values() for row in rows) and length(inner):
            return
        own = {j: max(map(bits, values)) * len(values) for j, values in zip(read, inner, strict=True)}
        for row in rows:  # the sums grow one by one to the sum of all lengths
            longest = sum(bits(weight) * (len(signal.rows[j]) + 1) + own[j] for j, weight in row.items())
            self._budget.spend_bits(longest * (len(row) + 1) // 2)

    def _variables(self, source: int) -> Signal:
        start, end = self._starts[source], self._starts[source + 1]
        self.spend(2 * (end - start))
        return Signal(tuple({v: ONE} for v in range(start, end)), (ZERO,) * (end - start))

    def _stage(self, signal: Signal, name: str) -> AffineStage:
        """The signal as blocks of rows, one for each source that it reads."""
        blocks: dict[int, list[Row]] = {}
        blank: dict[int, Row] = {}
        for i, row in enumerate(signal.rows):
            parts: dict[int, dict[int, fmpq]] = {}
            self.spend(len(row) // 2)
            for variable, weight in row.items():
                source = bisect_right(self._starts, variable) - 1
                parts.setdefault(source, {})[variable - self._starts[source]] = weight
            self.spend(_PART * len(parts))
            for source, weights in parts.items():
                size = self._starts[source + 1] - self._starts[source]
                if source not in blocks:
                    self.spend(signal.size)
                    self._reserve(signal.size, name)
                    blank[source] = row_of(size, ())
                    blocks[source] = [blank[source]] * i
                made = row_of(size, sorted(weights.items()))
                self._reserve(size if isinstance(made, tuple) else 2 * len(weights), name)
                blocks[source].append(made)
            for source in blocks.keys() - parts.keys():
                blocks[source].append(blank[source])
        return AffineStage(tuple((s, tuple(blocks[s])) for s in sorted(blocks)), signal.bias)

    def _reserve(self, references: int, name: str) -> None:
        self._entries += references
        if self._entries > MAX_ENTRIES:
            raise NetworkError(
                f"{name} brings the network above {MAX_ENTRIES:,} weights; exact engines cannot use a network of this "
                "size, so take a smaller input or fewer channels"
            )


def _variables_of(signal: Signal) -> list[int] | None:
    """The variables that the entries of a signal are, where they are different single variables."""
    names = [next(iter(row)) for row in signal.rows if len(row) == 1]
    if len(names) < signal.size or len(set(names)) < len(names):
        return None
    return names if all(row[v] == 1 for row, v in zip(signal.rows, names, strict=True)) else None


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


def _check_layer(weights: Matrix, bias: Row, size: int, place: str) -> None:
    if not weights:
        raise NetworkError(f"{place} has no rows")
    for i, row in enumerate(weights):
        if len(row) != size:
            raise NetworkError(
                f"{place}, row {i} has {counted(len(row), 'weight')}, for an input of {counted(size, 'value')}"
            )
    if len(bias) != len(weights):
        raise NetworkError(f"{place} has {counted(len(weights), 'row')} but {counted(len(bias), 'bias', 'biases')}")


def _dense_product(rows: Sequence[Terms], inner: Sequence[Terms]) -> tuple[Terms, ...]:
    reads = sorted({j for row in rows for j in row})
    variables = sorted({v for j in reads for v in inner[j]})
    left = fmpq_mat([[row.get(j, ZERO) for j in reads] for row in rows])
    right = fmpq_mat([[inner[j].get(v, ZERO) for v in variables] for j in reads])
    return tuple({v: w for v, w in zip(variables, row, strict=True) if w} for row in (left * right).tolist())
