"""A crew that is broken off: whatever the moment, nobody waits for work that nobody wants."""

from __future__ import annotations

import os
import signal
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

import pytest

from nn_bridge.cells.counting import pool as cell_crew
from nn_bridge.cells.counting.pool import Crew, Flow

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
    crew = Crew(2)
    begun = time.monotonic()
    try:
        with crew:
            crew.submit(time.sleep, LONG)
            processes = crew.process_ids()
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
        with Crew(1, executor) as crew:
            first, second = crew.submit(release.wait), crew.submit(release.wait)
        assert second.cancelled()
        release.set()
        assert first.result(timeout=LONG)
        assert executor.submit(int, "3").result() == 3


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to itself")
def test_the_flow_ends_some_seconds_after_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cell_crew, "_PATIENCE", 0.1)
    started: list[Future[None]] = []
    with Crew(2) as crew:

        def start() -> tuple[int, Future[None]]:
            started.append(crew.submit(time.sleep, LONG))
            if len(started) == 2:
                os.kill(os.getpid(), signal.SIGINT)
            return len(started), started[-1]

        flow = Flow(crew, start)
        assert list(flow.take()) == []
        assert flow.interrupted
    assert len(started) == 2


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="no signal masks on this platform")
def test_processes_are_born_deaf_to_ctrl_c() -> None:
    """Else one that comes before they have said that they ignore it would end them, with a traceback."""
    with Crew(1) as crew, Crew(2) as pool:
        blocked = pool.submit(signal.pthread_sigmask, signal.SIG_BLOCK, []).result()
        assert signal.SIGINT in blocked
        assert signal.SIGINT not in crew.submit(signal.pthread_sigmask, signal.SIG_BLOCK, []).result()
