"""Does some point of a box satisfy all rows?  Decided by splitting the box, with proven bounds of many boxes at once.

A box is closed where a row is negative on all of it (`milp.box_bounds`).  Of an open box a vertex and the centre are
looked at exactly if floats make them a counterexample, and it is halved across the coordinate that accounts for most of
the bound.  Few inputs are needed, but neither few units nor few cells.  Rows that are 0 at best are not decided here:
the search says that it is stuck as soon as a box shows it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from milp.bounds import Bounds
from milp.box_bounds import BoxBounds, Known
from milp.domain import BoundedDomain
from nn_bridge.network.joint import stacked
from nn_bridge.network.network import AffineStage, Network, Row
from polyhedra.arrays import Floats, Integers
from polyhedra.progress import tell
from polyhedra.scalars import rational

BOXES_AT_ONCE = 64
_MEMORY = 1 << 29  # bytes of bounds of open boxes
_SAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Cut:
    """A box halved: where coordinate ``coordinate`` is at most ``at`` lies box ``below``, box ``above`` elsewhere."""

    coordinate: int
    at: float
    below: int
    above: int


@dataclass(frozen=True, slots=True)
class BoxSearch:
    """The outcome of a search.

    Attributes
    ----------
    point : tuple of fmpq or None
        A counterexample, exact.
    proven : bool
        Whether there is none.
    boxes : int
        How many were looked at.
    cuts : dict from a number of a box to a Cut
        The tree; the root is box 0.
    closed : dict from a number of a box to a row
        The row that is negative on a closed box.
    bound : float
        The least slack is at most this (infinite where nothing is known).
    """

    point: Row | None
    proven: bool
    boxes: int
    cuts: dict[int, Cut]
    closed: dict[int, int]
    bound: float


def search_boxes(
    network: Network,
    region: BoundedDomain,
    bounds: Bounds,
    rows: list[AffineStage],
    holds: Callable[[Row], bool],
    *,
    deadline: float | None = None,
    max_boxes: int = 1_000_000,
    grain: int | None = None,
) -> BoxSearch:
    """Look for a point of the domain where all rows are >= 0, or prove that there is none.

    Parameters
    ----------
    network : Network
    region : BoundedDomain
        Its walls that are not ends of its box should be among the rows.
    bounds : Bounds
        Of the units, on the region's box, proven.
    rows : stages of one row each
    holds : function of an exact point
        Whether it is a counterexample.
    deadline : float, optional
        A value of ``time.monotonic``.
    max_boxes : int
    grain : int, optional
        Search for a certificate: cuts and bounds are multiples of 2^-grain, and the bounds of a box rest on those of
        the root box and nothing else.
    """
    return _Search(network, region, bounds, rows, holds, grain).run(deadline, max_boxes)


class _Search:
    def __init__(
        self,
        network: Network,
        region: BoundedDomain,
        bounds: Bounds,
        rows: list[AffineStage],
        holds: Callable[[Row], bool],
        grain: int | None,
    ) -> None:
        self.network, self.region, self.holds = network, region, holds
        self.bounds = BoxBounds(network, stacked(rows), bounds, grain)
        self.low, self.high = np.array(bounds.input[0]), np.array(bounds.input[1])
        self.cuts: dict[int, Cut] = {}
        self.closed: dict[int, int] = {}
        self.boxes = 1

    def run(self, deadline: float | None, max_boxes: int) -> BoxSearch:
        """Depth first, so that few boxes are open at a time."""
        point = self._attack()
        if point is not None:
            return self._outcome(point, False, np.inf)
        number = np.zeros(1, dtype=np.int64)
        low, high = self.low[None], self.high[None]
        known: Known = [(least[None], greatest[None]) for least, greatest in self.bounds.root]
        room = max(4 * BOXES_AT_ONCE, _MEMORY // (16 * (1 + sum(self.network.hidden))))
        worst = np.inf
        root: Known = []
        while len(number):
            late = deadline is not None and time.monotonic() > deadline
            if late or self.boxes > max_boxes or len(number) > room:
                return self._outcome(None, False, worst)
            tell(partial("Splitting boxes: {:,} looked at, {:,} open".format, self.boxes, len(number)))
            batch, rest = slice(-BOXES_AT_ONCE, None), slice(None, -BOXES_AT_ONCE)
            names, lows, highs = number[batch], low[batch], high[batch]
            first = self.bounds.grain is not None and self.boxes == 1
            found = self.bounds.bound(
                lows, highs, None if first else [(least[batch], greatest[batch]) for least, greatest in known]
            )
            reach = found.upper.min(axis=1)
            if self.boxes == 1:
                worst = float(reach[0])
            still = reach >= 0.0
            for name, row in zip(names[~still].tolist(), np.argmin(found.upper[~still], axis=1).tolist(), strict=True):
                self.closed[name] = row
            names, lows, highs = names[still], lows[still], highs[still]
            point = self._look(lows, highs, found.slopes[still])
            if point is not None:
                return self._outcome(point, False, np.inf)
            halves = self._halved(names, lows, highs, found.score[still])
            if halves is None:
                return self._outcome(None, False, worst)
            if first:
                root = found.known
            if self.bounds.grain is None:
                kept: Known = [(least[still], greatest[still]) for least, greatest in found.known]
            else:
                kept = [(np.repeat(a, len(names), axis=0), np.repeat(b, len(names), axis=0)) for a, b in root]
            number = np.concatenate([number[rest], halves[0]])
            low, high = np.concatenate([low[rest], halves[1]]), np.concatenate([high[rest], halves[2]])
            known = [
                (np.concatenate([old[0][rest], new[0], new[0]]), np.concatenate([old[1][rest], new[1], new[1]]))
                for old, new in zip(known, kept, strict=True)
            ]
        return self._outcome(None, True, worst)

    def _halved(
        self, names: Integers, low: Floats, high: Floats, score: Floats
    ) -> tuple[Integers, Floats, Floats] | None:
        """Both halves of each box; None where one is too narrow, or nothing is left to gain: the search is stuck."""
        boxes = np.arange(len(low))
        coordinate = np.argmax(np.where(np.isfinite(score), score, 0.0), axis=1)
        middle = low[boxes, coordinate] + 0.5 * (high[boxes, coordinate] - low[boxes, coordinate])
        if self.bounds.grain is not None:
            middle = np.floor(np.ldexp(middle, self.bounds.grain)) * 2.0**-self.bounds.grain
        narrow = 2.0**-40 * (self.high - self.low)[coordinate]
        wide = high[boxes, coordinate] - low[boxes, coordinate] > narrow
        if not (wide & (low[boxes, coordinate] < middle)).all():
            return None
        below, above = high.copy(), low.copy()
        below[boxes, coordinate], above[boxes, coordinate] = middle, middle
        first = self.boxes + np.arange(len(low))
        for place, name in enumerate(names.tolist()):
            b = int(first[place])
            self.cuts[int(name)] = Cut(int(coordinate[place]), float(middle[place]), b, b + len(low))
        self.boxes += 2 * len(low)
        numbers = np.concatenate([first, first + len(low)])
        return numbers, np.concatenate([low, above]), np.concatenate([below, high])

    def _outcome(self, point: Row | None, proven: bool, bound: float) -> BoxSearch:
        return BoxSearch(point, proven, self.boxes, self.cuts, self.closed, bound)

    # ---------------------------------------------------------------- counterexamples

    def _least(self, points: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return np.nan_to_num(self.bounds.values(points).min(axis=1), nan=-np.inf)

    def _look(self, low: Floats, high: Floats, slopes: Floats) -> Row | None:
        """A counterexample among the centres, and the vertices where the bounding function is greatest."""
        if not len(low):
            return None
        points = np.concatenate([0.5 * (low + high), np.where(slopes > 0, high, low)])
        return self._best(points, self._least(points))

    def _best(self, points: Floats, least: Floats) -> Row | None:
        for number in np.argsort(-least)[:2].tolist():
            if least[number] < 0.0:
                return None
            point = tuple(
                min(max(rational(float(v)), a), b)
                for v, a, b in zip(points[number], self.region.lower, self.region.upper, strict=True)
            )
            if self.region.contains(point) and self.holds(point):
                return point
        return None

    def _attack(self) -> Row | None:
        """Random points, and the best of them moved at random by less and less."""
        random = np.random.default_rng(0)
        width = self.high - self.low
        points = self.low + width * random.random((_SAMPLES, len(self.low)))
        least = self._least(points)
        for step in 0.2 * 0.75 ** np.arange(30):
            best = points[np.argsort(-least)[:20]]
            moved = best[:, None, :] + step * width * random.normal(size=(20, 20, len(width)))
            points = np.concatenate([best, np.clip(moved, self.low, self.high).reshape(-1, len(width))])
            least = self._least(points)
            if least.max() >= 0.0:
                break
        return self._best(points, least)
