"""A pool that is broken off at any moment does not wait for pending work."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

from nn_bridge.cells.counting.pool import Pool

LONG = 600.0  # seconds that the work would take; the tests' time limit is shorter than two of them


def test_an_executor_of_the_caller_stays_open() -> None:
    release = Event()
    with ThreadPoolExecutor(1) as executor:
        with Pool(1, executor) as pool:
            first, second = pool.submit(release.wait), pool.submit(release.wait)
        assert second.cancelled()
        release.set()
        assert first.result(timeout=LONG)
        assert executor.submit(int, "3").result() == 3
