"""Limits in seconds, as a person gives them."""

from __future__ import annotations

from polyhedra.errors import UsageError

LONGEST = 1e9
"""Seconds (31 years); clocks and waits of systems hold no more."""


def check_time_limit(seconds: float | None) -> None:
    """Refuse a limit that leaves no time, or is none.

    Raises
    ------
    UsageError
        The number is not positive, or too large for a clock.

    Examples
    --------
    >>> check_time_limit(0)
    Traceback (most recent call last):
    ...
    polyhedra.errors.UsageError: a time limit of 0 s leaves no time; give a positive number of seconds
    """
    if seconds is not None and not seconds > 0:
        raise UsageError(f"a time limit of {seconds} s leaves no time; give a positive number of seconds")
    if seconds is not None and seconds > LONGEST:
        raise UsageError(f"a time limit of {seconds:g} s is none; leave it out, or give at most {LONGEST:g} s")
