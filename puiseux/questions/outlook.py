"""The outlook of a long count: after some seconds the number of cells is estimated, and said with the ways out.

The estimate is to cost a hundredth of the time that the count has taken so far, four short descents at least.  Where a
single visit takes longer, the share of the tree that is done tells that a count is long, if it is tiny.  Of all four
counts it also tells the memory that they are expected to take, by what they have taken so far.  Where not one cell is
complete after some seconds, that is said, with a proven lower bound where there is one.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from polyhedra.memory import parse_bytes, readable_bytes, resident_bytes
from puiseux.console.delayed import Delayed
from puiseux.console.long_integers import readable_integer
from puiseux.console.waiting import CellProgress
from puiseux.domains import Problem

if TYPE_CHECKING:
    from nn_bridge.cells.core_problem import CoreProblem
    from nn_bridge.cells.problem import CellProblem

FIRST_LOOK = 5.0
"""Seconds after which a count is looked at; again each time it has taken four times as long."""

NO_CELL = 15.0
"""Seconds without news after which a cell is called large."""

DAY = 86_400.0

_AGAIN = 4.0
_SHARE = 0.01  # of the time so far that a look may take
_MOST_CELLS = 10**300
_SHARE_TELLS = 0.2  # of the work done: from here on it tells the number of cells better than a sample
_AT_ONCE = 64  # cells that a visit counts: a rough number is enough
_TINY = 100.0  # days by the share of the tree, which halves with each split, after which a count is long for certain
_MANY = 1e12  # cells that take more than a day to list
_SURELY_SHORT = 1 / 10_000  # of the tree in five seconds: half a day
_WAYS_OUT = (
    "--domain slice:FILE counts on a plane, puiseux explore lists the cells around a point, --estimate 60 estimates "
    "the number"
)

_LESS_MEMORY = "--counts cells takes next to none, --memory SIZE ends the count in time with lower bounds"
_IN_PYTHON = 'counts="cells" takes next to none, memory="2GiB" ends the count in time with lower bounds'

Progress = Callable[[int, float], None]


@dataclass(frozen=True)
class MemoryLimit:
    """The memory that a count may take: all that is there, or so many bytes; and the ways out of too little."""

    bytes: int | None
    text: str
    ways_out: str

    @classmethod
    def of(cls, memory: int | str | None, *, in_python: bool = False) -> MemoryLimit:
        """The limit that an option names."""
        limit = None if memory is None else parse_bytes(memory)
        return cls(limit, "" if limit is None else readable_bytes(limit), _IN_PYTHON if in_python else _LESS_MEMORY)


class Outlook:
    """A progress function that looks ahead, and says once where a count will take more than a day.

    Parameters
    ----------
    problem : Problem
    shown : callable
        The progress function that is told everything.
    say : callable
        Receives the line.
    memory : MemoryLimit, optional
        Of all four counts: also say, once, how much memory they are expected to take.
    """

    def __init__(
        self, problem: Problem, shown: Progress, say: Callable[[str], None], memory: MemoryLimit | None = None
    ) -> None:
        self._problem, self._shown, self._say, self._memory = problem, shown, say, memory
        self._before = 0
        self._begun = time.monotonic()
        self._reduced: CellProblem | None = None
        self._arrays: Callable[[], CoreProblem] | None = None
        self._look_at = FIRST_LOOK
        self._told = False
        self._watch = Delayed(NO_CELL, self._without_news)

    def posed(self, problem: CellProblem, arrays: Callable[[], CoreProblem]) -> None:
        """Take the problem as the engine has reduced it."""
        self._reduced, self._arrays = problem, arrays
        self._before = resident_bytes()

    def __call__(self, cells: int, share: float) -> None:
        """Take the number of cells and the share of the work done."""
        self._shown(cells, share)
        if cells:
            self._watch.cancel()
        spent = time.monotonic() - self._begun
        if spent < self._look_at or not cells or self._reduced is None or self._arrays is None:
            return
        self._look_at = _AGAIN * spent
        long = not self._told and share < _SURELY_SHORT * spent / FIRST_LOOK
        if long or self._memory is not None:
            self._look(self._reduced, self._arrays(), cells, share, spent, long)

    def close(self) -> None:
        """Say nothing any more."""
        self._told, self._memory = True, None
        self._watch.cancel()
        self._reduced = self._arrays = None

    def _look(
        self, problem: CellProblem, arrays: CoreProblem, cells: int, share: float, spent: float, long: bool
    ) -> None:
        from nn_bridge.cells.counting.budget import INTERRUPTED
        from nn_bridge.cells.counting.estimate import Allowance, sample_cells

        taken = resident_bytes()  # before the sample, which loads libraries of its own
        days = cells / spent * DAY  # a number of cells that takes a day
        least = _fewest(problem)
        if long and least > days:
            self._tell(f"more than {readable_integer(least)} cells, over {duration(least / days)} of work at this pace")
            self._weigh(cells, taken, float(min(least, _MOST_CELLS)), "more than")
            return
        allowance = Allowance(seconds=_SHARE * spent)
        sample = sample_cells(problem, allowance, np.random.default_rng(0), arrays, at_once=_AT_ONCE)
        if sample.reason == INTERRUPTED:
            raise KeyboardInterrupt
        if long and sample.estimate is not None:
            if sample.estimate > days:
                needed = duration(sample.estimate / days)
                self._tell(f"about {rough(sample.estimate)} cells by estimate, {needed} of work at this pace")
        elif long and spent > _TINY * DAY * share:
            done = "next to nothing" if share < 1e-300 else rough(share)
            self._tell(f"only {done} of the tree of cells is done after {spent:.0f} s, days of work are likely")
        if share > _SHARE_TELLS or sample.estimate is None:
            self._weigh(cells, taken, min(cells / share, _MOST_CELLS) if share else float(cells), "about")
        else:
            self._weigh(cells, taken, min(sample.estimate, _MOST_CELLS), "about")

    def _weigh(self, cells: int, taken: int, estimate: float, about: str) -> None:
        """Say once what all four counts are expected to take in memory."""
        from nn_bridge.cells.counting.memory import expected_by_count

        limit = self._memory
        if limit is None:
            return
        self._memory = None
        need = expected_by_count(cells, taken, self._before, estimate)
        assert need.bytes is not None
        there = f"{readable_bytes(need.free)} are there" if limit.bytes is None else f"{limit.text} are allowed"
        line = (
            f"puiseux: all four counts of {about} {rough(estimate)} cells are expected to take "
            f"{readable_bytes(need.bytes)} of memory ({need.bytes_a_cell:.0f} bytes a cell); {there}"
        )
        if need.bytes > (need.free if limit.bytes is None else limit.bytes):
            line += f", which is too little. Ways out: {limit.ways_out}"
        self._say(line)

    def _without_news(self) -> None:
        problem = self._reduced
        least = 0 if problem is None else _fewest(problem)
        if least > _MANY:
            self._tell(f"no cell in {NO_CELL:g} s, and there are more than {readable_integer(least)}")
            return
        dim = self._problem.network.input_dim
        self._tell(f"no cell in {NO_CELL:g} s: setting up, or a cell in {dim:,} dimensions, takes long")

    def _tell(self, fact: str) -> None:
        if not self._told:
            self._told = True
            self._say(f"puiseux: {fact}; the count goes on. Ways out: {_WAYS_OUT}")


def _fewest(problem: CellProblem) -> int:
    """The fewest cells that the first stage alone has; 0 where nothing is known."""
    from puiseux.questions.estimates import arrangement_bound

    return 0 if problem.walls or problem.lines else arrangement_bound(problem.network.stages[0])


@contextmanager
def told_without_cell(inputs: int, say: Callable[[str], None]) -> Iterator[Callable[[], None]]:
    """Say once, with the ways out, where a walk over cells has no cell after some seconds.

    Parameters
    ----------
    inputs : int
        The inputs of the network.
    say : callable
        Receives the line.

    Yields
    ------
    callable
        To be called when there is a cell.
    """
    slow = f"setting up, or all facets of a cell of a network with {inputs:,} inputs may take very long"
    fact = f"no cell in {NO_CELL:g} s: {slow}"
    ways_out = (
        "--domain slice:FILE explores a plane, or a slice of few dimensions, through the point, "
        "--facets some finds many facets without linear programs, --time-limit SECONDS ends the walk"
    )
    watch = Delayed(NO_CELL, lambda: say(f"puiseux: {fact}; the walk goes on. Ways out: {ways_out}"))
    try:
        yield watch.cancel
    finally:
        watch.cancel()


def duration(days: float) -> str:
    """A long time in words.

    Examples
    --------
    >>> duration(3.1), duration(1e4), duration(1e15)
    ('3 days', '27 years', '3e12 years')
    """
    if days < 1000:
        return f"{days:.0f} day{'' if round(days) == 1 else 's'}"
    years = days / 365.25
    return f"{years:.0f} years" if years < 1e4 else f"{rough(years)} years"


def rough(number: float) -> str:
    """One digit of a positive number, and a power of ten.

    Examples
    --------
    >>> rough(4.2e10), rough(1.1e-7)
    ('4e10', '1e-7')
    """
    digit, _, power = f"{number:.0e}".partition("e")
    return f"{digit}e{int(power)}"


@contextmanager
def shown_outlook(
    problem: Problem, memory: MemoryLimit | None = None, *, everywhere: bool = False
) -> Iterator[Progress]:
    """The progress function of a count: a bar on a terminal (or lines, everywhere), and the outlook on stderr.

    ``memory`` is given where all four counts are asked for.
    """
    with CellProgress(everywhere=everywhere) as shown:
        outlook = Outlook(problem, shown, lambda line: print(line, file=sys.stderr, flush=True), memory)
        try:
            yield outlook
        finally:
            outlook.close()


__all__ = ["MemoryLimit", "Outlook", "duration", "rough", "shown_outlook"]
