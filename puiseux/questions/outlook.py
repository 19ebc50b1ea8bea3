"""What a long count is in for: after some seconds the number of cells is estimated, and said with the ways out.

The estimate costs a hundredth of the time that the count has taken so far.  Where not one cell is complete after some
seconds, that is said instead.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from puiseux.console.waiting import CellProgress
from puiseux.domains import Problem

FIRST_LOOK = 5.0
"""Seconds after which a count is looked at; again each time it has taken four times as long."""

NO_CELL = 15.0
"""Seconds without news after which a cell is called large."""

DAY = 86_400.0

_AGAIN = 4.0
_SHARE = 0.01  # of the time so far that a look may take
_SURELY_SHORT = 1 / 10_000  # of the tree in five seconds: half a day
_WAYS_OUT = (
    "--domain slice:FILE counts on a plane, puiseux explore lists the cells around a point, --estimate 60 estimates "
    "the number"
)

Progress = Callable[[int, float], None]


class Outlook:
    """A progress function that looks ahead, and says once where a count will take more than a day.

    Parameters
    ----------
    problem : Problem
    shown : callable
        The progress function that is told everything.
    say : callable
        Receives the line.
    """

    def __init__(self, problem: Problem, shown: Progress, say: Callable[[str], None]) -> None:
        self._problem, self._shown, self._say = problem, shown, say
        self._begun = time.monotonic()
        self._set_up: float | None = None  # seconds until the first news
        self._look_at = FIRST_LOOK
        self._told = False
        self._watch = threading.Timer(NO_CELL, self._without_news)
        self._watch.daemon = True
        self._watch.start()

    def __call__(self, cells: int, share: float) -> None:
        """Take the number of cells and the share of the work done."""
        self._shown(cells, share)
        spent = time.monotonic() - self._begun
        if self._set_up is None:
            self._set_up = spent
            self._watch.cancel()
        if self._told or spent < self._look_at or not cells:
            return
        self._look_at = _AGAIN * spent
        if share < _SURELY_SHORT * spent / FIRST_LOOK and self._set_up < _SHARE * spent:
            self._look(cells, spent)

    def close(self) -> None:
        """Say nothing any more."""
        self._told = True
        self._watch.cancel()

    def _look(self, cells: int, spent: float) -> None:
        from nn_bridge.cells.counting.budget import INTERRUPTED
        from nn_bridge.cells.counting.estimate import Allowance, sample_cells
        from nn_bridge.cells.problem import cell_problem

        reduced = cell_problem(self._problem.network, self._problem.domain)
        if reduced is None:
            return
        allowance = Allowance(seconds=_SHARE * spent)
        sample = sample_cells(reduced.for_counting(), allowance, np.random.default_rng(0))
        if sample.reason == INTERRUPTED:
            raise KeyboardInterrupt
        if sample.estimate is None or sample.low is None or sample.high is None:
            return
        seconds = (sample.estimate - cells) / (cells / spent)
        if seconds > DAY:
            self._tell(f"about {sample.estimate:.1g} cells, which takes {duration(seconds)} at this pace")

    def _without_news(self) -> None:
        if self._set_up is None:
            dim = self._problem.network.input_dim
            self._tell(f"no news for {NO_CELL:g} s: setting up, or a cell in {dim} dimensions, takes long")

    def _tell(self, fact: str) -> None:
        if not self._told:
            self._told = True
            self._say(f"puiseux: {fact}; the count goes on. Ways out: {_WAYS_OUT}")


def duration(seconds: float) -> str:
    """A long time in words.

    Examples
    --------
    >>> duration(3 * DAY), duration(1e9), duration(1e20)
    ('3 days', '32 years', '3e+12 years')
    """
    days = seconds / DAY
    if days < 1000:
        return f"{days:.0f} days"
    years = days / 365.25
    return f"{years:.0f} years" if years < 1e4 else f"{years:.0e} years"


@contextmanager
def shown_outlook(problem: Problem) -> Iterator[Progress]:
    """The progress function of a count in a command: a bar on a terminal, and the outlook on stderr."""
    with CellProgress() as shown:
        outlook = Outlook(problem, shown, lambda line: print(line, file=sys.stderr, flush=True))
        try:
            yield outlook
        finally:
            outlook.close()


__all__ = ["Outlook", "duration", "shown_outlook"]
