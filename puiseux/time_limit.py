"""Limits in seconds, as a person gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from numbers import Real
from typing import TypeVar

from polyhedra.errors import PuiseuxError, UsageError
from polyhedra.limits import OutOfTime
from polyhedra.quoting import quoted
from puiseux.console.exit_codes import ExitCode

Answer = TypeVar("Answer")


class Stopped(PuiseuxError):
    """A limit ended the run before there was an answer; the text says which, and the way out."""

    exit_code = ExitCode.STOPPED


def within(
    seconds: float | None, task: Callable[[], Answer], advice: str = "there is no answer yet; give more time"
) -> Answer:
    """The answer of a task, by a process of its own where time is limited: it is ended then, whatever it does.

    Parameters
    ----------
    seconds : float or None
        None: no limit, and the task runs in this process.
    task : callable
        What it returns must pickle.
    advice : str
        What the message says after naming the limit.

    Raises
    ------
    Stopped
        The time is over, or the process died.

    Examples
    --------
    >>> within(60, lambda: 6 * 7)
    42
    """
    check_time_limit(seconds)
    if seconds is None:
        return task()
    from puiseux.cross_check.isolation import Died, run_isolated

    def answers() -> Iterator[Answer]:
        yield task()

    try:
        (answer,) = run_isolated(answers, seconds)
    except OutOfTime:
        raise Stopped(f"stopped at the time limit of {seconds:g} s: {advice}") from None
    except Died as died:
        raise Stopped(f"{died}, for want of memory perhaps: there is no answer") from None
    return answer


LONGEST = 1e9
"""Seconds (31 years); clocks and waits of systems hold no more."""


def check_time_limit(seconds: float | None) -> None:
    """Refuse a limit that leaves no time, or is none.

    Raises
    ------
    UsageError
        It is no number, not positive, or too large for a clock.

    Examples
    --------
    >>> check_time_limit(0)
    Traceback (most recent call last):
    ...
    polyhedra.errors.UsageError: a time limit of 0 s leaves no time; give a positive number of seconds
    """
    if seconds is not None and not isinstance(seconds, Real):
        raise UsageError(f"a time limit is a number of seconds, not {quoted(seconds)}")
    if seconds is not None and not seconds > 0:
        raise UsageError(f"a time limit of {seconds} s leaves no time; give a positive number of seconds")
    if seconds is not None and seconds > LONGEST:
        raise UsageError(f"a time limit of {seconds:g} s is none; leave it out, or give at most {LONGEST:g} s")
