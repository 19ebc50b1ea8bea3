"""How long something takes, told so that the same bound holds on a slow machine and on a busy one."""

from __future__ import annotations

import os
import time

from flint import fmpq

_REFERENCE = 0.009  # seconds that `_piece` takes on the machine on which the bounds of the tests were written
_LEAST_SHARE = 1 / 20  # of the time of a processor that a busy machine leaves to the tests


def _piece() -> None:
    """Some work like that of the tests: exact numbers, in a loop of Python."""
    total = fmpq(0)
    for k in range(1, 4000):
        total = total * fmpq(k, k + 1) + fmpq(1, k)


def slowness() -> float:
    """How many times as long as on the reference machine exact work takes here and now; at least 1.

    It is measured by the time of the processor, three times: what other programs do does not count.
    """
    spent = []
    for _ in range(3):
        begun = time.process_time()
        _piece()
        spent.append(time.process_time() - begun)
    return max(1.0, min(spent) / _REFERENCE)


class Stopwatch:
    """Measures from its making on, in this process and in children that have ended.

    Other programs may keep the processors busy, so that what counts is the time of the processor, where that is less
    than the time of the clock.  A wait is no work, and counts all the same, as far as no busy machine explains it.
    """

    def __init__(self) -> None:
        self._begun, self._worked = time.monotonic(), _worked()

    @property
    def seconds(self) -> float:
        """The seconds since then."""
        passed = time.monotonic() - self._begun
        return min(passed, max(_worked() - self._worked, _LEAST_SHARE * passed))


def _worked() -> float:
    times = os.times()
    return time.process_time() + times.children_user + times.children_system
