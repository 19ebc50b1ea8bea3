"""An unbiased estimate of the number of cells, by random descents in the engine's own tree.

A subtree is *visited*: the engine counts some hundred cells in it, and where there are more, what is left is divided
into subtrees, as the decisions on its stack tell.  So the number of cells of a subtree is what was counted plus the sum
over the subtrees that are left, and a subtree with few cells is counted exactly, at once.

*Pilot.*  Cells are counted for a while, without a stop; then the heaviest subtrees that are left are visited, again and
again.  What is left in the end is the frontier.

*Descents.*  A descent visits subtrees in the order of the unit split last, and those with units in the same band form a
stratum: they have about the same units yet to come.  From a stratum with too many subtrees a number of
representatives are drawn, each with a probability proportional to its weight, and stand for the others: their weights
are the sum of all, divided by their number.  The sum of weights times cells counted has the number of cells as its
mean, whatever the strata are.  A descent that draws nothing has counted all cells.

How many descents there are, and of how many representatives, is fixed before the first one that counts: a number that
depended on the results would make the mean a biased estimate.

Source: Knuth 1975 (one representative, no strata); Chen 1992, "Heuristic sampling" (one representative a stratum).
"""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from nn_bridge.cells.core_problem import CoreProblem
from nn_bridge.cells.counting.budget import INTERRUPTED
from nn_bridge.cells.counting.subtrees import weight
from nn_bridge.cells.problem import CellProblem
from nn_bridge.cells.tree import COUNT_ONLY, CellTree, NoRoom, Subtree
from polyhedra.limits import OutOfTime

AT_ONCE = 512
"""Cells that are counted in a subtree before it is divided."""

DESCENTS = 12
"""Descents that an interval rests on, where there is time for so many."""

FEWEST = 4
"""Descents without which there is no interval."""

BAND = 4
"""Units of a stage, in a row, whose subtrees form a stratum: by trial, with 1 a descent takes too many visits."""

CONFIDENCE = 0.99
"""The nominal level of an interval."""

_POINTS, _FAR = 400, 16.0  # chi-square quantiles over which the lognormal interval is averaged, and their last logit

_LEVEL = 0.998  # of the quantile that is taken: samples of a skewed distribution seem to be less spread than it is

_COUNT, _PILOT = 0.15, 0.35  # shares of the allowance at which counting, and the pilot, end
_FULL = 0.9  # share that descents are planned to fill
_ROOM = 2 << 30  # bytes that the storage of cells may grow by
_LATE = 1.2  # times the allowance at which descents end, though more were planned

Stratum = tuple[int, int, int]


class Allowance:
    """The budget of an estimate: seconds, or visits of subtrees, which make it repeatable.

    Parameters
    ----------
    seconds : float, optional
    visits : int, optional
        One of the two.
    """

    def __init__(self, seconds: float | None = None, visits: int | None = None) -> None:
        assert (seconds is None) != (visits is None)
        self.visits, self._seconds, self._most = 0, seconds, visits
        self._begun = time.monotonic()

    @property
    def used(self) -> float:
        """The share that is used."""
        if self._most is not None:
            return self.visits / self._most
        assert self._seconds is not None
        return (time.monotonic() - self._begun) / self._seconds

    @property
    def last_second(self) -> float:
        """The seconds after which a visit is broken off."""
        return math.inf if self._seconds is None else max(0.05, self._seconds * (_LATE - self.used))

    def seconds(self, share: float) -> float:
        """The seconds until a share is used; infinite where visits are counted."""
        return math.inf if self._seconds is None else max(0.0, self._seconds * (share - self.used))

    def count(self, share: float) -> int | None:
        """The visits that a share is; None where time is measured."""
        return None if self._most is None else max(1, int(self._most * share))


class Visitor:
    """Counts in subtrees of a problem's tree.

    Parameters
    ----------
    problem : CellProblem
    allowance : Allowance
    arrays : CoreProblem, optional
        The problem as the core takes it, where it has been made already.
    at_once : int
        Cells that a visit counts at least, where there are so many.
    """

    def __init__(
        self, problem: CellProblem, allowance: Allowance, arrays: CoreProblem | None = None, at_once: int = AT_ONCE
    ) -> None:
        self.problem, self.allowance, self.at_once = problem, allowance, at_once
        self._tree = CellTree(problem, COUNT_ONLY, count_last_stage=True, arrays=arrays)
        self._tree.room = _ROOM

    def visit(self, subtree: Subtree) -> tuple[int, list[Subtree]]:
        """Count some cells of a subtree; returns how many, and the subtrees that are left.

        Raises
        ------
        OutOfTime
            A cell took more time than there was.
        NoRoom
            A cell takes too much memory.
        """
        if subtree.roots == 1:
            return self.count(subtree, self.at_once)
        self.allowance.visits += 1
        half = subtree.roots // 2
        return 0, [Subtree(subtree.root, (), half), Subtree(subtree.root + half, (), subtree.roots - half)]

    def count(self, subtree: Subtree, cells: int | None, seconds: float = math.inf) -> tuple[int, list[Subtree]]:
        """The same, until so many cells are counted, or so many seconds are over."""
        self.allowance.visits += 1
        before = self._tree.cells
        self._tree.start(subtree)
        done = self._tree.work(seconds, self.allowance.last_second, cells)
        counted = self._tree.cells - before
        if done:
            return counted, []
        if not counted:
            raise OutOfTime
        return counted, self._tree.divided().rest

    def stratum(self, subtree: Subtree) -> Stratum:
        """Subtrees in later strata lie deeper; those in one have about the same units yet to come."""
        if subtree.roots > 1:
            return -1, -subtree.roots.bit_length(), 0
        if not subtree.path:
            return 0, -1, 0
        stage, unit, _ = subtree.path[-1]
        if (
            not self.problem.generators
        ):  # hyperplanes of one stage without cells: the path names a flat, the last come first
            return sum(side for _, _, side in subtree.path), -unit, subtree.path[-1][2]
        return stage, unit // BAND, 0


@dataclass(frozen=True)
class Frontier:
    """The cells counted by a pilot, and the subtrees that are left."""

    counted: int
    rest: tuple[Subtree, ...]


def explore_first_levels(visitor: Visitor, share: float = _PILOT) -> Frontier:
    """Visit the heaviest subtrees until a share of the allowance is used."""
    problem, allowance = visitor.problem, visitor.allowance
    visits = allowance.count(_COUNT)
    cells = None if visits is None else visits * visitor.at_once
    counted, left = visitor.count(Subtree(0, (), problem.roots), cells, allowance.seconds(_COUNT))
    allowance.visits += counted // visitor.at_once
    heap = [(-weight((part,), problem), number, part) for number, part in enumerate(left)]
    heapq.heapify(heap)
    number = len(heap)
    while heap and allowance.used < share:
        _, _, subtree = heapq.heappop(heap)
        found, rest = visitor.visit(subtree)
        counted += found
        for part in rest:
            heapq.heappush(heap, (-weight((part,), problem), number, part))
            number += 1
    return Frontier(counted, tuple(subtree for _, _, subtree in sorted(heap, key=lambda entry: _place(entry[2]))))


def _place(subtree: Subtree) -> tuple[int, tuple[tuple[int, int, int], ...]]:
    return subtree.root, subtree.path


@dataclass(frozen=True)
class Descent:
    """One descent: the estimate, the cells that it counted itself, its visits, and whether it drew anything."""

    estimate: float
    counted: int
    visits: int
    drew: bool


def descend(visitor: Visitor, frontier: Frontier, rng: np.random.Generator, representatives: int) -> Descent:
    """One descent from the frontier.

    Parameters
    ----------
    visitor : Visitor
    frontier : Frontier
    rng : numpy Generator
    representatives : int
        So many subtrees of a stratum are visited at most.
    """
    strata: dict[Stratum, list[tuple[Subtree, float]]] = {}
    waiting: list[Stratum] = []

    def put(subtrees: Iterable[Subtree], each: float) -> None:
        for subtree in subtrees:
            key = visitor.stratum(subtree)
            if key not in strata:
                strata[key] = []
                heapq.heappush(waiting, key)
            strata[key].append((subtree, each))

    put(frontier.rest, 1.0)
    total, counted, visits, drew = float(frontier.counted), frontier.counted, 0, False
    while waiting:
        members = strata.pop(heapq.heappop(waiting))
        if len(members) > representatives:
            members, drew = _drawn(members, rng, representatives), True
        for subtree, each in members:
            found, rest = visitor.visit(subtree)
            visits += 1
            total += each * found
            counted += found
            put(rest, each)
    return Descent(total, counted, visits, drew)


def _drawn(
    members: list[tuple[Subtree, float]], rng: np.random.Generator, representatives: int
) -> list[tuple[Subtree, float]]:
    """Draw by weight, at equal distances along the order of the tree, so that neighbours are not drawn together."""
    members.sort(key=lambda member: _place(member[0]))
    ends = np.cumsum([each for _, each in members])
    step = ends[-1] / representatives
    places = np.searchsorted(ends, (rng.random() + np.arange(representatives)) * step, side="right")
    found: dict[int, float] = {}
    for place in np.minimum(places, len(members) - 1).tolist():
        found[place] = found.get(place, 0.0) + step
    return [(members[place][0], each) for place, each in found.items()]


@dataclass(frozen=True)
class Sample:
    """An estimate, and the descents that it rests on.

    Attributes
    ----------
    estimate : float or None
        The mean of the descents; the number of cells where all of them were counted; None where there is none.
    low, high : float or None
        The ends of the interval, with `CONFIDENCE` as its nominal level.
    counted : int
        Different cells that were counted: a proven lower bound.
    exact : bool
        Whether these are all.
    descents, representatives, visits : int
    reason : str or None
        Why there is no estimate.
    """

    estimate: float | None
    low: float | None
    high: float | None
    counted: int
    exact: bool = False
    descents: int = 0
    representatives: int = 0
    visits: int = 0
    reason: str | None = None


def sample_cells(
    problem: CellProblem | None,
    allowance: Allowance,
    rng: np.random.Generator,
    arrays: CoreProblem | None = None,
    *,
    at_once: int = AT_ONCE,
    progress: Callable[[float], None] | None = None,
) -> Sample:
    """Estimate the number of cells of a problem (None: nothing to cut, one cell).

    Parameters
    ----------
    problem : CellProblem, optional
        As `cell_problem` makes it; best after `CellProblem.for_counting`.
    allowance : Allowance
    rng : numpy Generator
    arrays : CoreProblem, optional
        The problem as the core takes it, where it has been made already.
    at_once : int
        Cells that a visit counts at least, where there are so many.
    progress : callable, optional
        Told the share of the allowance that is used.
    """
    if problem is None:
        return _all(1, allowance)
    counted = 1  # a domain has a cell, even if there was no time to meet it
    done: list[Descent] = []
    representatives = 0
    reason = None
    try:
        visitor = Visitor(problem, allowance, arrays, at_once)
        frontier = explore_first_levels(visitor)
        counted = max(counted, frontier.counted)
        if not frontier.rest:
            return _all(counted, allowance)
        before = allowance.used
        trial = descend(visitor, frontier, rng, 1)
        if not trial.drew:
            return _all(trial.counted, allowance)
        counted = max(counted, trial.counted)
        descents, representatives = planned(allowance, allowance.used - before)
        while len(done) < descents and (allowance.used < _LATE or len(done) < FEWEST):
            if progress is not None:
                progress(min(1.0, allowance.used))
            descent = descend(visitor, frontier, rng, representatives)
            if not descent.drew:
                return _all(descent.counted, allowance)
            counted = max(counted, descent.counted)
            done.append(descent)
    except OutOfTime:
        reason = f"a cell in {problem.dim} dimensions takes more than the time given: give more, or a slice"
    except NoRoom:
        reason = f"a cell in {problem.dim} dimensions takes more memory than estimates may: take a slice"
    except KeyboardInterrupt:
        reason = INTERRUPTED
    if len(done) >= FEWEST:
        return _summary(done, counted, frontier.counted, representatives, allowance, reason)
    return Sample(None, None, None, counted, visits=allowance.visits, reason=reason)


def planned(allowance: Allowance, trial: float) -> tuple[int, int]:
    """The number of descents and of representatives for the rest of the allowance.

    ``trial`` is the share of it that a descent with one representative took.
    """
    left = max(0.0, _FULL - allowance.used) / max(trial, 1e-9)  # in such descents
    representatives = int(min(left / DESCENTS, 1e6))
    if representatives >= 1:
        return DESCENTS, representatives
    return max(FEWEST, int(left)), 1


def _all(cells: int, allowance: Allowance) -> Sample:
    return Sample(float(cells), float(cells), float(cells), cells, exact=True, visits=allowance.visits)


def _summary(
    done: list[Descent], counted: int, surely: int, representatives: int, allowance: Allowance, reason: str | None
) -> Sample:
    """The mean of the descents and an interval; ``surely`` cells were counted by the pilot, and are in each of them."""
    values = np.array([descent.estimate for descent in done])
    mean = float(values.mean())
    if not math.isfinite(mean):
        reason = "the number is beyond the range of floats; the bounds are what is known"
        return Sample(None, None, None, counted, visits=allowance.visits, reason=reason)
    low, high = interval(values - surely)
    low, high = max(surely + low, float(counted)), max(surely + high, float(counted))
    return Sample(mean, low, high, counted, False, len(done), representatives, allowance.visits, reason)


def interval(values: np.ndarray) -> tuple[float, float]:
    """An interval for the mean of a distribution on positive numbers, skewed to the right, from a sample of it.

    The union of two: the usual one, with ends at equal ratios to the mean, and the generalized confidence interval of a
    lognormal distribution, which allows for a tail that the sample does not show.  With the mean m and the variance s^2
    of n logarithms, its ends are quantiles of

        m + Z s / sqrt(n V) + s^2 / (2 V),      V = U / (n - 1),

    where Z is standard normal and U has the chi-square distribution with n - 1 degrees of freedom: the pivots of both
    parameters, put together as the logarithm of the mean is.  Unlike the approximation of Cox (Olsson 2005) it keeps
    its level where the sample is small and the spread is large.

    Source: Krishnamoorthy and Mathew 2003, J. Stat. Plan. Inference 115.
    """
    from scipy.stats import t  # slow to import

    size = len(values)
    quantile = float(t.ppf((1 + _LEVEL) / 2, size - 1))
    mean = float(values.mean())
    ratio = quantile * float(values.std(ddof=1)) / math.sqrt(size) / mean
    logs = np.log(values)
    low, high = _lognormal_ends(float(logs.mean()), float(logs.std(ddof=1)), size)

    def power(exponent: float) -> float:
        return math.exp(min(exponent, 700.0))

    return min(mean / power(ratio), power(low)), max(mean * power(ratio), power(high))


def _lognormal_ends(mean: float, deviation: float, size: int) -> tuple[float, float]:
    """The two quantiles of the pivot in `interval`, which is normal where the chi-square variable is given."""
    from scipy.optimize import brentq
    from scipy.special import chdtri, expit, ndtr

    if deviation == 0:
        return mean, mean
    logits = np.linspace(-_FAR, _FAR, _POINTS)  # equal steps of the logit are fine steps in both tails
    levels = expit(logits)
    weights = levels * expit(-logits)
    weights /= weights.sum()
    share = chdtri(size - 1, levels) / (size - 1)
    centers, reaches = mean + deviation**2 / (2 * share), deviation / np.sqrt(size * share)

    def quantile(level: float) -> float:
        def excess(place: float) -> float:
            return float(weights @ ndtr((place - centers) / reaches)) - level

        return float(brentq(excess, float((centers - 9 * reaches).min()), float((centers + 9 * reaches).max())))

    return quantile((1 - _LEVEL) / 2), quantile((1 + _LEVEL) / 2)


__all__ = ["CONFIDENCE", "Allowance", "Sample", "sample_cells"]
