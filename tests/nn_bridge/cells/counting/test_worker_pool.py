"""A pool that is broken off at any moment does not wait for pending work."""

from __future__ import annotations

import os
import signal
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

import pytest

from nn_bridge.cells.counting import pool as worker_pool
from nn_bridge.cells.counting.pool import Pool, Scheduler

LONG = 600.0  # seconds that the work would take; the tests' time limit is shorter than two of them


def gone(process: int) -> bool:
    """Whether a process has ended (and been waited for)."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("failure", [None, KeyboardInterrupt])
def test_processes_with_work_under_way_are_ended(failure: type[BaseException] | None) -> None:
    pool = Pool(2)
    begun = time.monotonic()
    try:
        with pool:
            pool.submit(time.sleep, LONG)
            processes = pool.process_ids()
            if failure is not None:
                raise failure
    except KeyboardInterrupt:
        pass
    assert time.monotonic() - begun < LONG / 2
    assert len(processes) == 2
    assert all(gone(process) for process in processes)


def test_an_executor_of_the_caller_stays_open() -> None:
    release = Event()
    with ThreadPoolExecutor(1) as executor:
        with Pool(1, executor) as pool:
            first, second = pool.submit(release.wait), pool.submit(release.wait)
        assert second.cancelled()
        release.set()
        assert first.result(timeout=LONG)
        assert executor.submit(int, "3").result() == 3


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to itself")
def test_the_flow_ends_some_seconds_after_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_pool, "_PATIENCE", 0.1)
    started: list[Future[None]] = []
    with Pool(2) as pool:

        def start() -> tuple[int, Future[None]]:
            started.append(pool.submit(time.sleep, LONG))
            if len(started) == 2:
                os.kill(os.getpid(), signal.SIGINT)
            return len(started), started[-1]

        scheduler = Scheduler(pool, start)
        assert list(scheduler.take()) == []
        assert scheduler.interrupted
    assert len(started) == 2


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="no signal masks on this platform")
def test_processes_are_started_with_sigint_blocked() -> None:
    """Else a SIGINT that comes before they ignore it would end them, with a traceback."""
    with Pool(1) as here, Pool(2) as processes:
        blocked = processes.submit(signal.pthread_sigmask, signal.SIG_BLOCK, []).result()
        assert signal.SIGINT in blocked
        assert signal.SIGINT not in here.submit(signal.pthread_sigmask, signal.SIG_BLOCK, []).result()
