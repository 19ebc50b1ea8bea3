"""The processes of studies: ended when broken off, started with care, and lost workers are told truly."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pytest

from nn_bridge.cells.counting import pool as worker_pool
from nn_bridge.cells.counting.pool import NotStarted, Pool, Scheduler, WorkerLost
from puiseux import processes as study_processes
from puiseux.processes import ProcessPool

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
    pool = ProcessPool(2)
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


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to itself")
def test_the_flow_ends_some_seconds_after_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_pool, "_PATIENCE", 0.1)
    started: list[Future[None]] = []
    with ProcessPool(2) as pool:

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
    with Pool(1) as here, ProcessPool(2) as processes:
        blocked = processes.submit(signal.pthread_sigmask, signal.SIG_BLOCK, []).result()
        assert signal.SIGINT in blocked
        assert signal.SIGINT not in here.submit(signal.pthread_sigmask, signal.SIG_BLOCK, []).result()


def test_a_pool_that_breaks_while_a_task_is_handed_over() -> None:
    with ProcessPool(2) as pool:
        with pytest.raises(WorkerLost, match="ended with exit code 3"):
            list(Scheduler(pool, lambda: (0, pool.submit(os._exit, 3))).take())
        with pytest.raises(WorkerLost, match="ended with exit code 3"):
            pool.submit(int, "3")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(30, "Read-only file system"), "Read-only file system (they need semaphores"),
        (OSError(28, "No space left on device"), "No space left on device (they need semaphores"),
        (FileNotFoundError(2, "No such file or directory"), "No such file or directory (they need semaphores"),
        (ImportError("This platform lacks a functioning sem_open implementation"), "sem_open"),
        (OSError(11, "Resource temporarily unavailable"), "out of memory, perhaps"),
        (RuntimeError("can't start new thread"), "out of memory, perhaps"),
    ],
)
def test_processes_that_cannot_be_started(error: Exception, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(Executor):
        def __init__(self, *_: Any, **__: Any) -> None:
            raise error

    monkeypatch.setattr(study_processes, "ProcessPoolExecutor", Refusing)
    with pytest.raises(NotStarted) as caught, ProcessPool(2) as pool:
        pool.submit(int, "3")
    assert str(caught.value).startswith("worker processes can't be started: ")
    assert words in str(caught.value)
    assert "take " in str(caught.value)


def _work_for_long() -> None:
    with ProcessPool(2) as pool:
        for future in [pool.submit(time.sleep, 600.0) for _ in range(2)]:
            future.result()


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")
def test_workers_end_when_their_leader_is_killed(tmp_path: Path) -> None:
    """Otherwise they would wait for work forever."""
    if not Path("/proc/self/task").exists():
        pytest.skip("finds the workers in /proc")
    process = multiprocessing.get_context("fork").Process(target=_work_for_long)
    process.start()
    workers: list[str] = []
    deadline = time.monotonic() + 60
    while len(workers) < 2 and time.monotonic() < deadline:
        children = Path(f"/proc/{process.pid}/task").glob("*/children")
        workers = [pid for file in children for pid in file.read_text().split()]
        time.sleep(0.01)
    assert len(workers) == 2
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < deadline, "the workers are still there"
        time.sleep(0.05)
