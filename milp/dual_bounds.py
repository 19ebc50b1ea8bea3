"""Dual bounds of pre-activations: Wong and Kolter's dual network, and the Lagrangian dual, both evaluated in rationals.

Give every unit a multiplier ``m`` for its equation ``g = w . sources + b``.  Let ``l`` be, for each unit, what its
readers ask of its value: the sum of their multipliers times their weights on it (a row to be maximised is a reader
with multiplier 1).  Then for every point of the domain::

    row(x) = constant + sum over units of (l relu(g) - m g + m b) + l_input . x

so the greatest ``l relu(g) - m g`` on each unit's range [low, high], which lies at an end or at 0, and the greatest
``l_input . x`` on the box give an upper bound, whatever the multipliers are.  It is computed in exact rationals and
rounded up once.

* Wong and Kolter (2018): ``m = s l`` with the slope s of the line above where ``l > 0``, and a slope in [0, 1] of one's
  choice where ``l < 0``; their choice, the slope of the line above, gives the bounds of Fast-Lin.
* Lagrangian (Dvijotham et al. 2018): the best multipliers, approached by subgradient steps in floating point from
  those of DeepPoly; the best of all steps is evaluated exactly.  The infimum over all multipliers is the bound of the
  triangle relaxation.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from flint import fmpq, fmpq_mat

from milp.bounds import Bounds, FloatRow
from nn_bridge.network.network import INPUT, AffineStage, Network, float_matrix
from polyhedra.arrays import Floats
from polyhedra.rounding import round_up
from polyhedra.scalars import ZERO, rational, to_float

Multipliers = list[list[list[fmpq]]]
"""For each stage, for each row that is bounded, one number for each unit."""

Choice = Callable[[int, int, fmpq, fmpq, fmpq], fmpq]
"""Multiplier of a unit, from its stage and number, what its readers ask of it, and its range."""

STEPS = 100
"""Subgradient steps of the Lagrangian dual, for each stage."""

RATE = 0.3
"""The first step, in the size of a row's largest multiplier; the last one is a hundredth of it."""


def wong_kolter_bounds(network: Network, start: Bounds, slope: fmpq | None = None) -> Bounds:
    """Bounds by the dual network, stage by stage; never looser than they were.

    Parameters
    ----------
    network : Network
    start : Bounds
    slope : fmpq, optional
        The slope in [0, 1] of the line below every unstable unit; by default that of the line above.
    """

    def chosen(stage: int, unit: int, asked: fmpq, low: fmpq, high: fmpq) -> fmpq:
        if high <= 0:
            return ZERO
        if low >= 0:
            return asked
        above = high / (high - low)
        return asked * (above if asked > 0 or slope is None else slope)

    def multipliers(target: AffineStage, sign: int, bounds: Bounds) -> Multipliers:
        return _followed(network, target, sign, bounds, chosen)

    return _by_stages(network, start, "wong-kolter", multipliers)


def lagrangian_bounds(network: Network, start: Bounds, *, steps: int = STEPS, deadline: float | None = None) -> Bounds:
    """Bounds by the Lagrangian dual, stage by stage; never looser than they were.

    Parameters
    ----------
    network : Network
    start : Bounds
    steps : int
        Subgradient steps for each stage and side.
    deadline : float, optional
        A value of ``time.monotonic`` from which on no more steps are made.
    """

    def multipliers(target: AffineStage, sign: int, bounds: Bounds) -> Multipliers:
        ascent = _Ascent(network, target, sign, bounds)
        for step in range(steps):
            if deadline is not None and time.monotonic() > deadline:
                break
            ascent.step(step, steps)
        return ascent.best_multipliers()

    return _by_stages(network, start, "lagrangian", multipliers)


def _by_stages(
    network: Network, start: Bounds, name: str, multipliers: Callable[[AffineStage, int, Bounds], Multipliers]
) -> Bounds:
    lower, upper = list(start.lower), list(start.upper)
    for k, target in enumerate((*network.stages, network.output)):
        if k == 0:  # the first stage is exact already
            continue
        current = Bounds(start.input, tuple(lower), tuple(upper), name)
        above = _ends(dual_values(network, target, 1, current, multipliers(target, 1, current)))
        below = _ends(dual_values(network, target, -1, current, multipliers(target, -1, current)))
        upper[k] = tuple(min(a, b) for a, b in zip(upper[k], above, strict=True))
        lower[k] = tuple(max(a, -b) for a, b in zip(lower[k], below, strict=True))
    return Bounds(start.input, tuple(lower), tuple(upper), name, start.proven)


def _ends(values: Sequence[fmpq]) -> FloatRow:
    return tuple(round_up(value) for value in values)


def dual_values(
    network: Network, target: AffineStage, sign: int, bounds: Bounds, multipliers: Multipliers
) -> list[fmpq]:
    """Upper bounds of sign * (rows of a stage) over the domain for these multipliers, exactly.

    Parameters
    ----------
    network : Network
    target : AffineStage
    sign : 1 or -1
    bounds : Bounds
        Valid for all units that the stage depends on.
    multipliers : lists of rows of numbers
        For each earlier stage, one row for each row of the target.
    """
    values = [sign * b for b in target.bias]
    asked = _asked(target, sign)
    for k in range(len(multipliers) - 1, -1, -1):
        own, wanted = multipliers[k], asked.pop(k + 1, None)
        stage = network.stages[k]
        low, high = [rational(v) for v in bounds.lower[k]], [rational(v) for v in bounds.upper[k]]
        for row, numbers in enumerate(own):
            for i, m in enumerate(numbers):
                unit = ZERO if wanted is None else wanted[row][i]
                if m or unit:
                    values[row] += m * stage.bias[i] + _greatest(unit, m, low[i], high[i])
        _pass_on(stage, own, asked)
    wanted = asked.get(INPUT)
    if wanted is not None:
        ends = [(rational(a), rational(b)) for a, b in zip(*bounds.input, strict=True)]
        for row, numbers in enumerate(wanted):
            for weight, (a, b) in zip(numbers, ends, strict=True):
                values[row] += weight * (b if weight > 0 else a)
    return values


def _greatest(asked: fmpq, m: fmpq, low: fmpq, high: fmpq) -> fmpq:
    """The greatest ``asked relu(g) - m g`` for g in [low, high]."""
    values = [asked * max(g, ZERO) - m * g for g in (low, high)]
    if low < 0 < high:
        values.append(ZERO)
    return max(values)


def _asked(target: AffineStage, sign: int) -> dict[int, list[list[fmpq]]]:
    return {source: [[sign * w for w in row] for row in matrix] for source, matrix in target.blocks}


def _pass_on(stage: AffineStage, own: list[list[fmpq]], asked: dict[int, list[list[fmpq]]]) -> None:
    """Add what a stage asks of its sources, with these multipliers of its units."""
    for source, matrix in stage.blocks:
        added = (fmpq_mat(own) * fmpq_mat([list(row) for row in matrix])).tolist()
        before = asked.get(source)
        if before is not None:
            added = [[a + b for a, b in zip(p, q, strict=True)] for p, q in zip(before, added, strict=True)]
        asked[source] = added


def _followed(network: Network, target: AffineStage, sign: int, bounds: Bounds, chosen: Choice) -> Multipliers:
    """The multipliers of the dual network: each from what the readers ask, from the last stage to the first."""
    depth = network.stages.index(target) if target in network.stages else len(network.stages)
    asked = _asked(target, sign)
    rows = target.units
    result: Multipliers = [[] for _ in range(depth)]
    for k in range(depth - 1, -1, -1):
        stage = network.stages[k]
        wanted = asked.pop(k + 1, None) or [[ZERO] * stage.units for _ in range(rows)]
        ends = [(rational(a), rational(b)) for a, b in zip(bounds.lower[k], bounds.upper[k], strict=True)]
        result[k] = [[chosen(k, i, v, *ends[i]) for i, v in enumerate(numbers)] for numbers in wanted]
        _pass_on(stage, result[k], asked)
    return result


class _Ascent:
    """Subgradient steps on the multipliers, in floating point, for all rows of a stage at once."""

    def __init__(self, network: Network, target: AffineStage, sign: int, bounds: Bounds) -> None:
        self.depth = network.stages.index(target) if target in network.stages else len(network.stages)
        self.stages = [
            ([(source, float_matrix(matrix)) for source, matrix in stage.blocks], _floats(stage.bias))
            for stage in network.stages[: self.depth]
        ]
        self.target = [(source, sign * float_matrix(matrix)) for source, matrix in target.blocks]
        self.constant = sign * _floats(target.bias)
        self.low = [np.array(row) for row in bounds.lower[: self.depth]]
        self.high = [np.array(row) for row in bounds.upper[: self.depth]]
        self.input = tuple(np.array(side) for side in bounds.input)
        self.multipliers: list[Floats] = [np.zeros((target.units, len(low))) for low in self.low]
        self._start()
        self.best = [m.copy() for m in self.multipliers]
        self.least = np.full(target.units, np.inf)
        self.momentum = [np.zeros_like(m) for m in self.multipliers]
        self.square = [np.zeros_like(m) for m in self.multipliers]

    def _start(self) -> None:
        """The multipliers of DeepPoly."""
        asked = dict(self.target)
        for k in range(self.depth - 1, -1, -1):
            wanted = asked.pop(k + 1, np.zeros_like(self.multipliers[k]))
            low, high = self.low[k], self.high[k]
            with np.errstate(all="ignore"):
                above = np.where(low >= 0, 1.0, np.where(high <= 0, 0.0, high / (high - low)))
            below = np.where(low >= 0, 1.0, np.where(high <= 0, 0.0, (high >= -low).astype(float)))
            self.multipliers[k] = np.where(wanted > 0, wanted * above, wanted * below)
            self._pass_on(k, self.multipliers[k], asked)

    def _pass_on(self, k: int, own: Floats, asked: dict[int, Floats]) -> None:
        for source, matrix in self.stages[k][0]:
            asked[source] = asked.get(source, 0.0) + own @ matrix

    def step(self, number: int, steps: int) -> None:
        """Evaluate, remember the best rows, and go one step down."""
        asked: dict[int, Floats] = dict(self.target)
        value = self.constant.copy()
        points: list[Floats] = []  # the g that is greatest for each unit
        for k in range(self.depth - 1, -1, -1):
            m, (_, bias) = self.multipliers[k], self.stages[k]
            wanted = asked.pop(k + 1, np.zeros_like(m))
            low, high = np.broadcast_to(self.low[k], m.shape), np.broadcast_to(self.high[k], m.shape)
            middle = np.clip(0.0, low, high)
            trials = np.stack([low, high, middle])
            worth = wanted * np.maximum(trials, 0.0) - m * trials
            choice = worth.argmax(axis=0)
            points.insert(0, np.take_along_axis(trials, choice[None], axis=0)[0])
            value = value + m @ bias + worth.max(axis=0).sum(axis=1)
            self._pass_on(k, m, asked)
        wanted = asked.get(INPUT, np.zeros((len(value), len(self.input[0]))))
        x = np.where(wanted > 0, self.input[1], self.input[0])
        value = value + (wanted * x).sum(axis=1)
        better = value < self.least
        self.least = np.where(better, value, self.least)
        for k in range(self.depth):
            self.best[k][better] = self.multipliers[k][better]
        self._descend(number, steps, x, points)

    def _descend(self, number: int, steps: int, x: Floats, points: list[Floats]) -> None:
        """A step of Adam against ``w . sources + b - g`` at the greatest points."""
        for k, (blocks, bias) in enumerate(self.stages):
            inner = bias + np.zeros_like(self.multipliers[k])
            for source, matrix in blocks:
                read = x if source == INPUT else np.maximum(points[source - 1], 0.0)
                inner = inner + read @ matrix.T
            gradient = inner - points[k]
            self.momentum[k] = 0.9 * self.momentum[k] + 0.1 * gradient
            self.square[k] = 0.99 * self.square[k] + 0.01 * gradient**2
            mean = self.momentum[k] / (1 - 0.9 ** (number + 1))
            spread = np.sqrt(self.square[k] / (1 - 0.99 ** (number + 1))) + 1e-12
            size = RATE * 0.01 ** (number / steps) * (np.abs(self.best[k]).max(axis=1, keepdims=True) + 1e-12)
            self.multipliers[k] = self.multipliers[k] - size * mean / spread

    def best_multipliers(self) -> Multipliers:
        """The best ones so far, as the exact values of the floats; zero where they are not finite."""
        return [
            [[rational(v) if np.isfinite(v) else ZERO for v in row] for row in table.tolist()] for table in self.best
        ]


def _floats(values: Sequence[fmpq]) -> Floats:
    return np.array([to_float(v) for v in values])


__all__ = ["STEPS", "dual_values", "lagrangian_bounds", "wong_kolter_bounds"]
