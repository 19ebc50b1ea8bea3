"""The sparsest exact fit by enumeration: every number of non-zeros below the answer is refuted, for all real weights.

With s non-zero weights and biases the outputs on the data lie in a sum of spans of cost s in all (see
`milp.training.supports`). For s < N the determinant of these spans and the target, compressed to s + 1 rows, refutes a
sum where it is not zero modulo a prime: then the columns and the target are independent, over the rationals too. All
sums of one level are tested in arrays; units are interchangeable, and signs of units do not change a span. Where the
determinant is zero, exact ranks decide, then for each choice of supports, patterns and signs an exact linear system or
program: it gives a network, or a Farkas combination that refutes it.

That all sums of a level are refuted by ranks alone is what "general position" assumes: here it is proven, or it fails.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations_with_replacement, islice, product

import numpy as np

from milp.training.exact_weights import ExactWeights, Limits, OutOfTime, Unit
from milp.training.fit_data import FitData
from milp.training.residues import PrimeField
from milp.training.supports import Span, SpanClass, canonical, most_blocks, seconds_of_class, span_class
from polyhedra.arrays import Floats, Integers

_AT_ONCE = 1 << 16  # determinants in one array
_MOST_PARTITIONS = 10_000  # of a level that is begun
_SEED = 20  # of the random rows and columns, which no answer depends on
_PER_SYSTEM = 4e-7  # seconds, for the forecast of a level
_PER_EXACT_SYSTEM = 1e-3
_ENOUGH = 10_000  # systems after which a level says how fast the next will be


@dataclass(slots=True)
class SupportSearch:
    """Levels of a search for the sparsest fit, from few non-zeros upwards.

    Attributes
    ----------
    data : FitData
    units : int
        No more than N count: N non-negative multiples of units' outputs represent the target where any do.
    limits : pair of rationals or None
        Of weights and of biases; None for all real numbers.
    signs : (K+, K-) or None
        How many units of each sign there may be; None for free signs.
    lower_bound : int
        No network with fewer non-zeros fits.
    systems : int
        Sums of spans that were decided.
    generic : bool
        Whether ranks alone refuted all of them: the data are in general position as far as the levels went.
    exact : ExactWeights
        The exact decisions, with the Farkas combinations.
    columns : tuple of int
        The columns that a sparsest network needs.
    """

    data: FitData
    units: int
    limits: Limits | None = None
    signs: tuple[int, int] | None = None
    lower_bound: int = 0
    systems: int = 0
    generic: bool = True
    exact: ExactWeights = field(init=False)
    columns: tuple[int, ...] = field(init=False)
    _classes: dict[int, SpanClass] = field(default_factory=dict)
    _residues: dict[int, Floats] = field(default_factory=dict)
    _field: PrimeField | None = None
    _rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(_SEED))
    _touched: bool = False  # whether the target lies in some sum of spans so far
    _deadline: float = math.inf
    _in_arrays: tuple[int, float] = (0, 0.0)  # sums decided in arrays, and the seconds that it took

    def __post_init__(self) -> None:
        self.columns = self.data.useful(merged=self.limits is None)
        self.exact = ExactWeights(self.data, self.limits, self.signs, self._check_time)

    def climb(self, most: int | None = None, deadline: float = math.inf) -> tuple[Unit, ...] | None:
        """Go through the levels up to ``most`` non-zeros until one has a fit; it is a sparsest one.

        A level whose forecast ends after the deadline is not begun. ``lower_bound`` says how far the search came.
        """
        self._deadline = deadline
        last = min(self.units, self.data.samples) * len(self.columns)
        while self.lower_bound <= (last if most is None else min(most, last)):
            try:
                if self.lower_bound and self.forecast(self.lower_bound) > deadline - time.monotonic():
                    return None
                found = self._level(self.lower_bound)
            except OutOfTime:
                return None
            if found is not None:
                return found
            self.lower_bound += 1
        return None

    def look_ahead(self, deadline: float) -> tuple[Unit, ...] | None:
        """A fit with as few non-zeros as are not excluded, where a part of the next level that ends in time has one.

        Parts that take the least time come first: whether the spans are there says more than how many sums there are.
        """
        self._deadline = deadline
        level = self.lower_bound
        if not 0 < level < self.data.samples:
            return None
        left = list(islice(self.partitions(level), _MOST_PARTITIONS))
        while left:
            parts = min(left, key=self._seconds_at_most)
            left.remove(parts)
            if time.monotonic() + self._seconds_at_most(parts) > deadline:
                return None
            try:
                found = next(filter(None, map(self._decide, self._suspects(parts))), None)
            except OutOfTime:
                return None
            if found is not None:
                return found
        return None

    def _seconds_at_most(self, parts: tuple[int, ...]) -> float:
        """Seconds that all sums of these costs take, the spans that are not there yet included."""
        building = sum(self._seconds_of(cost) for cost in set(parts) - self._classes.keys())
        return building + self._rate * self._sums_at_most(parts)

    def any_fit(self, deadline: float = math.inf) -> tuple[Unit, ...] | None:
        """A fit without regard to sparsity: units with all columns, in every pattern. Empty: there is none.

        None where the deadline came first, or would.
        """
        self._deadline = deadline
        parts = (len(self.columns),) * min(self.units, self.data.samples)
        if time.monotonic() + self._seconds_of(len(self.columns)) > deadline:
            return None
        try:
            forecast = _PER_EXACT_SYSTEM * self._sums(parts)
            if not self.columns or time.monotonic() + forecast > deadline:
                return None
            for spans in self._all_sums(parts):
                found = self._decide(spans)
                if found is not None:
                    return found
        except OutOfTime:
            return None
        return ()

    def _sums_at_most(self, parts: tuple[int, ...]) -> int:
        """As `_sums`, from above where the spans are not there yet."""
        total = 1
        for cost in set(parts):
            if cost in self._classes:
                size = len(self._classes[cost].spans)
            else:
                size = most_blocks(self.data.samples, len(self.columns), cost)
            total *= math.comb(size + parts.count(cost) - 1, parts.count(cost))
        return total

    def _seconds_of(self, cost: int) -> float:
        return seconds_of_class(self.data.samples, len(self.columns), cost)

    def within(self, seconds: float) -> None:
        """Let what follows end after so many seconds, by `OutOfTime`."""
        self._deadline = time.monotonic() + seconds

    @property
    def exhausted(self) -> bool:
        """Whether all levels were refuted: no network with so many units fits."""
        return self.lower_bound > min(self.units, self.data.samples) * len(self.columns)

    def forecast(self, level: int) -> float:
        """Seconds that a level may take, from the number of its systems; infinite if even counting them is too long."""
        parts = list(islice(self.partitions(level), _MOST_PARTITIONS))
        if len(parts) == _MOST_PARTITIONS:
            return math.inf
        missing = {cost for found in parts for cost in found} - self._classes.keys()
        building = sum(self._seconds_of(cost) for cost in missing)
        if time.monotonic() + building > self._deadline:
            return math.inf
        rate = self._rate if level < self.data.samples else _PER_EXACT_SYSTEM
        return rate * sum(map(self._sums, parts))

    def partitions(self, level: int) -> Iterator[tuple[int, ...]]:
        """How a number of non-zeros may be divided among the units."""
        return _partitions(level, min(level, len(self.columns)), min(self.units, self.data.samples))

    def spans_of(self, cost: int) -> SpanClass:
        """The spans of units with so many non-zeros."""
        if cost not in self._classes:
            self._check_time()
            self._classes[cost] = span_class(self.data, self.columns, cost, self._check_time)
        return self._classes[cost]

    def _sums(self, parts: tuple[int, ...]) -> int:
        total = 1
        for cost in set(parts):
            found = self.spans_of(cost)
            size = found.blocks if sum(parts) >= self.data.samples else len(found.spans)
            total *= math.comb(size + parts.count(cost) - 1, parts.count(cost))
        return total

    @property
    def _rate(self) -> float:
        """Seconds that a sum takes in arrays, spans and their residues not included: that of this machine, now."""
        systems, seconds = self._in_arrays
        return max(_PER_SYSTEM, seconds / systems) if systems > _ENOUGH else _PER_SYSTEM

    def _check_time(self) -> None:
        if time.monotonic() > self._deadline:
            raise OutOfTime

    def _level(self, level: int) -> tuple[Unit, ...] | None:
        if not level:
            self.systems += 1
            return () if not any(self.data.goal) else None
        for parts in self.partitions(level):
            sums = self._suspects(parts) if level < self.data.samples else self._all_sums(parts)
            for spans in sums:
                found = self._decide(spans)
                if found is not None:
                    return found
        return None

    def _all_sums(self, parts: tuple[int, ...]) -> Iterator[tuple[Span, ...]]:
        classes = [
            combinations_with_replacement(self.spans_of(cost).spans, parts.count(cost)) for cost in sorted(set(parts))
        ]
        for chosen in product(*classes):
            self._check_time()
            self.systems += 1
            yield tuple(span for some in chosen for span in some)

    def _suspects(self, parts: tuple[int, ...]) -> Iterator[tuple[Span, ...]]:
        """The sums of spans of these costs that no determinant refutes."""
        if self._field is None:
            self._field = PrimeField(self.data.samples)
        if any(not self.spans_of(cost).spans for cost in set(parts)):
            return
        last = max(set(parts), key=lambda cost: len(self.spans_of(cost).spans))
        costs = list(parts)
        costs.remove(last)
        arrays = {cost: self._arrays(cost) for cost in set(parts)}
        samples = self.data.samples
        ends, goal = arrays[last], self._field.of_integers(self.data.goal)
        beside = np.ascontiguousarray(ends.transpose(1, 0, 2)).reshape(samples, -1)
        same = max((place for place, cost in enumerate(costs) if cost == last), default=None)
        step = max(1, _AT_ONCE // (len(ends) * (1 + samples // 32)))
        for indices in self._prefixes(tuple(costs)):
            for start in range(0, len(indices), step):
                self._check_time()
                begin = time.monotonic()
                some = indices[start : start + step]
                rows, regular = self._compressed(costs, some, arrays, last + 1)
                images = self._field.reduce(rows @ beside).reshape(len(some), last + 1, len(ends), last)
                matrices = np.empty((len(some), len(ends), last + 1, last + 1))
                matrices[..., :last] = images.transpose(0, 2, 1, 3)
                matrices[..., last] = self._field.reduce(rows @ goal)[:, None, :]
                zero = (self._field.determinants(matrices) == 0) | ~regular[:, None]
                if same is not None:
                    after = np.arange(len(ends)) - some[:, same, None]
                    zero &= after >= 0 if self._touched else after > 0
                self.systems += zero.size
                systems, seconds = self._in_arrays
                self._in_arrays = systems + zero.size, seconds + time.monotonic() - begin
                for row, end in np.argwhere(zero):
                    chosen = [*zip(costs, some[row], strict=True), (last, end)]
                    yield tuple(self.spans_of(cost).spans[place] for cost, place in chosen)

    def _arrays(self, cost: int) -> Floats:
        if cost not in self._residues:
            assert self._field is not None
            self._residues[cost] = self.spans_of(cost).residues(self._field, self._rng)
        return self._residues[cost]

    def _prefixes(self, costs: tuple[int, ...]) -> Iterator[Integers]:
        """All choices of spans of these costs, in arrays of indices; equal costs in increasing order.

        A span twice adds nothing to once, which an earlier level refuted; it counts where none refuted it.
        """
        if not costs:
            yield np.zeros((1, 0), dtype=np.int64)
            return
        size = len(self.spans_of(costs[-1]).spans)
        step = max(1, _AT_ONCE // size)
        for shorter in self._prefixes(costs[:-1]):
            for start in range(0, len(shorter), step):
                some = shorter[start : start + step]
                left = np.repeat(some, size, axis=0)
                right = np.tile(np.arange(size), len(some))
                if costs[-2:-1] == costs[-1:]:
                    kept = right >= left[:, -1] if self._touched else right > left[:, -1]
                    left, right = left[kept], right[kept]
                if len(right):
                    yield np.column_stack([left, right])

    def _compressed(
        self, costs: list[int], indices: Integers, arrays: dict[int, Floats], rows: int
    ) -> tuple[Floats, np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]:
        """Rows that multiply the chosen spans to zero, combined at random to so many; and whether they can be used."""
        assert self._field is not None
        samples = self.data.samples
        if not costs:
            kernels, regular = np.eye(samples)[None], np.ones(1, dtype=bool)
        else:
            chosen = [arrays[cost][indices[:, place]] for place, cost in enumerate(costs)]
            matrices = np.concatenate(chosen, axis=2)
            kernels, regular = self._field.left_kernels(matrices)
            doubtful = np.flatnonzero(~regular)
            for place in doubtful:
                matrices[place] = self._padded(costs, indices[place])
            if len(doubtful):
                again, works = self._field.left_kernels(matrices[doubtful])
                kernels[doubtful], regular[doubtful] = again, works
        if kernels.shape[1] > rows:
            mix = self._rng.integers(0, self._field.prime, size=(rows, kernels.shape[1])).astype(np.float64)
            kernels = self._field.reduce(mix @ kernels)
        return kernels, regular

    def _padded(self, costs: list[int], indices: Integers) -> Floats:
        """A basis of a sum of dependent spans, exact, and random columns up to the number of columns."""
        assert self._field is not None
        spans = [self.spans_of(cost).spans[place] for cost, place in zip(costs, indices, strict=True)]
        basis = canonical([row for span in spans for row in span.basis])
        found = self._rng.integers(0, self._field.prime, size=(self.data.samples, sum(costs))).astype(np.float64)
        found[:, : len(basis)] = self._field.of_integers(basis).T
        return found

    def _decide(self, spans: tuple[Span, ...]) -> tuple[Unit, ...] | None:
        """A fit whose units have these spans, or None: then there is none."""
        if not self.exact.holds([row for span in spans for row in span.basis]):
            return None
        self._touched = True
        seen: set[tuple[tuple[tuple[int, ...], tuple[bool, ...]], ...]] = set()
        for blocks in product(*(span.blocks for span in spans)):
            key = tuple(sorted((block.support, block.active) for block in blocks))
            if key in seen:
                continue
            seen.add(key)
            self._check_time()
            if not self.exact.holds([row for block in blocks for row in block.masked(self.data)]):
                continue
            self.generic = False
            found = self.exact.weights_of(blocks)
            if found is not None:
                return found
        return None


def _partitions(total: int, largest: int, most: int) -> Iterator[tuple[int, ...]]:
    """Ways to write a number as a sum of at most so many parts, each at most the largest; large parts first."""
    parts: list[int] = []
    rest, limit = total, largest
    if limit * most < rest:
        return
    while True:
        while rest:
            limit = min(rest, limit)
            parts.append(limit)
            rest -= limit
        yield tuple(parts)
        while parts:
            limit = parts.pop() - 1
            rest += limit + 1
            if limit * (most - len(parts)) >= rest:
                break
        else:
            return
