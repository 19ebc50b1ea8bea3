"""The part of a box where a maximum can be: boxes that are surely below the best value found are cut away.

A box is halved again and again, all its parts bounded at once (`milp.box_bounds`); parts that do not reach the best
exact value so far are dropped. What is left lies in a smaller box, often a thousandth of the first, on which the exact
search goes on: its cells are few and its units mostly stable.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from milp.bounding import interval_bounds
from milp.bounds import OutOfRange
from milp.box_bounds import BoxBounds, Known
from milp.branching import SearchResult
from milp.deeppoly import deeppoly_bounds
from milp.domain import BoundedDomain, bounded
from nn_bridge.network.network import Network, Row
from polyhedra.arrays import Floats
from polyhedra.polyhedron import Polyhedron
from polyhedra.progress import tell
from polyhedra.rounding import round_down
from polyhedra.scalars import rational, to_float

_MOST_BOXES = 1024
_ROUNDS = 64
_ROUNDS_OF_HOPE = 5  # 32 boxes
_FEW_UNSTABLE = 8  # with no more units that change sign in what is left, the exact search is fast


NOTHING_FOUND = SearchResult(None, None, None, 0, False)


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Where the maximum can be.

    Attributes
    ----------
    found : SearchResult
        The best point so far; proven where nothing else is left.
    region : BoundedDomain
        Every point of the domain with a greater value lies here.
    """

    found: SearchResult
    region: BoundedDomain


def narrow(
    question: Network,
    region: BoundedDomain,
    deadline: float | None = None,
    *,
    best: SearchResult = NOTHING_FOUND,
    hopeless: float | None = None,
) -> Narrowed:
    """Cut away parts of a domain where the one output of a network cannot be greatest.

    A domain that is no box, and a network whose weights leave the range of floats, stay as they are.

    Parameters
    ----------
    question : Network
    region : BoundedDomain
    deadline : float, optional
        A value of ``time.monotonic``.
    best : SearchResult, optional
        A value that must be surpassed, with or without its point.
    hopeless : float, optional
        Give up where the bounds of most boxes are so many times the best value.

    Examples
    --------
    >>> net = Network.from_layers([[[1], [-1]], [[1, 1]]])  # |x|
    >>> narrow(net, bounded(([-1], [4]), 1)).found.value
    4
    """
    nothing = Narrowed(best, region)
    if not region.is_box or not region.polyhedron.is_full_dimensional():
        return nothing
    try:
        known = deeppoly_bounds(question, interval_bounds(question, region))
        bounds = BoxBounds(question, question.output, known)
    except OutOfRange:
        return nothing
    ends = np.array(known.input[0]), np.array(known.input[1])
    return _Narrowing(question, region, bounds, ends, best).run(deadline, hopeless)


class _Narrowing:
    def __init__(
        self,
        question: Network,
        region: BoundedDomain,
        bounds: BoxBounds,
        ends: tuple[Floats, Floats],
        best: SearchResult,
    ) -> None:
        self.question, self.region, self.bounds = question, region, bounds
        self.low, self.high = ends[0][None], ends[1][None]
        self.found = best

    def run(self, deadline: float | None, hopeless: float | None) -> Narrowed:
        """Halve what is left until it is nothing, too much, or small enough."""
        known = [(least[None], greatest[None]) for least, greatest in self.bounds.root]
        for number in range(_ROUNDS):
            if len(self.low) > _MOST_BOXES or (deadline is not None and time.monotonic() > deadline):
                break
            tell(partial("Cutting boxes away: {:,} left".format, len(self.low)))
            with np.errstate(all="ignore"):
                found = self.bounds.bound(self.low, self.high, known)
                self._try(
                    np.concatenate([0.5 * (self.low + self.high), np.where(found.slopes > 0, self.high, self.low)])
                )
            left = np.full(len(self.low), True)
            if self.found.value is not None:
                left = found.upper[:, 0] > round_down(self.found.value)
            self.low, self.high = self.low[left], self.high[left]
            if not left.any():
                best = self.found
                return Narrowed(SearchResult(best.value, best.point, best.value, number + 1, True), self.region)
            best_value = 0.0 if self.found.value is None else to_float(self.found.value)
            if hopeless and number >= _ROUNDS_OF_HOPE and np.median(found.upper[:, 0]) > hopeless * best_value:
                break
            if number + 1 == _ROUNDS or self._unstable(found.known, left) <= _FEW_UNSTABLE:
                break
            self._halve(found.score[left])
            known = [(np.tile(least[left], (2, 1)), np.tile(most[left], (2, 1))) for least, most in found.known]
        return Narrowed(self.found, self._around())

    @staticmethod
    def _unstable(known: Known, left: NDArray[np.bool_]) -> int:
        """The units that may be active in one of the boxes that are left, and inactive in one."""
        return sum(int(((least[left].min(axis=0) < 0) & (most[left].max(axis=0) > 0)).sum()) for least, most in known)

    def _halve(self, score: Floats) -> None:
        boxes = np.arange(len(score))
        coordinate = np.argmax(np.where(np.isfinite(score), score, 0.0), axis=1)
        low, high = self.low[boxes, coordinate], self.high[boxes, coordinate]
        middle = low + 0.5 * (high - low)
        below, above = self.high.copy(), self.low.copy()
        below[boxes, coordinate], above[boxes, coordinate] = middle, middle
        self.low, self.high = np.concatenate([self.low, above]), np.concatenate([below, self.high])

    def _try(self, points: Floats) -> None:
        """Evaluate the point that looks best, if it looks better than the best one."""
        values = np.nan_to_num(self.bounds.values(points)[:, 0], nan=-np.inf)
        number = int(np.argmax(values))
        if self.found.value is not None and not values[number] > round_down(self.found.value):
            return
        point: Row = tuple(
            min(max(rational(float(v)), a), b)
            for v, a, b in zip(points[number], self.region.lower, self.region.upper, strict=True)
        )
        value = self.question.evaluate(point)[0]
        if self.found.value is None or value > self.found.value:
            self.found = SearchResult(value, point, None, 0, False)

    def _around(self) -> BoundedDomain:
        """The smallest box around what is left, within the domain."""
        low = [max(rational(float(v)), a) for v, a in zip(self.low.min(axis=0), self.region.lower, strict=True)]
        high = [min(rational(float(v)), b) for v, b in zip(self.high.max(axis=0), self.region.upper, strict=True)]
        if any(a >= b for a, b in zip(low, high, strict=True)):  # too thin for floats
            return self.region
        return bounded(Polyhedron.box(low, high), len(low))
