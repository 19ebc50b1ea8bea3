"""Limits that long computations keep: loops ask here whether to go on, whoever set the limit.

A limit is set around a call, with :func:`limited_by` or :func:`time_limit`, and holds for all that is called inside, in
the same thread.  Loops that can take long call :func:`check_limits` in each round, which costs less than a microsecond
where there is no limit.  So a set-up step deep inside the algebra ends with the limit of a count without having its
clock passed down to it.

A single call of a compiled library cannot be ended in this way; what may take long is divided into short calls.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class OutOfTime(Exception):
    """The time limit ended the run."""


_CHECKS: ContextVar[tuple[Callable[[], None], ...]] = ContextVar("limits", default=())


def check_limits() -> None:
    """Raise what the limit that is reached raises; return where none is.

    Raises
    ------
    OutOfTime
        The time of the innermost or an outer :func:`time_limit` is over.
    """
    for check in _CHECKS.get():
        check()


@contextmanager
def limited_by(check: Callable[[], None]) -> Iterator[None]:
    """Have :func:`check_limits` call a function meanwhile, which raises where a limit is reached."""
    token = _CHECKS.set((*_CHECKS.get(), check))
    try:
        yield
    finally:
        _CHECKS.reset(token)


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """End with `OutOfTime` after so many seconds, at the next :func:`check_limits`; None or infinitely many: no limit.

    Examples
    --------
    >>> with time_limit(0):
    ...     check_limits()
    Traceback (most recent call last):
    ...
    polyhedra.limits.OutOfTime
    """
    if seconds is None or seconds == math.inf:
        yield
        return
    end = time.monotonic() + seconds

    def check() -> None:
        if time.monotonic() >= end:
            raise OutOfTime

    with limited_by(check):
        yield
