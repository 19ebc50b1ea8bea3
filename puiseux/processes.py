"""Processes that run trials of a study or steps of a search, and are ended where one takes too long."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import current_process, get_context
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from nn_bridge.cells.counting.pool import NotStarted, Pool, attempt, start_advice
from polyhedra.errors import UsageError
from polyhedra.quoting import shown

Result = TypeVar("Result")

MOST_WORKERS = 4096
"""Processes of a pool at most: more than any one machine can use."""

_POLL = 1.0  # seconds between two looks at the parent
_SHUTDOWN = 1.0  # seconds that idle processes get to end on their own


class ProcessPool(Pool):
    """A pool of processes; a context manager.

    Parameters
    ----------
    workers : int
        Processes.  With 1 everything happens in this process.
    apart : bool
        Use a process even for one worker, so that it can be ended.

    Raises
    ------
    NetworkError
        There is no worker.
    UsageError
        There are too many, or this process may not start others.
    """

    def __init__(self, workers: int = 1, *, apart: bool = False) -> None:
        super().__init__(workers)
        if workers > MOST_WORKERS:
            raise UsageError(f"workers={workers}: at most {MOST_WORKERS:,} processes are started; take fewer")
        self._processes: dict[int, BaseProcess] = {}
        self.alone = workers == 1 and not apart
        if not self.alone and current_process().daemon:
            raise UsageError(
                f"workers={workers}: this process is a daemon, such as a worker of multiprocessing.Pool, and may not "
                "start processes; take workers=1"
            )

    def submit(self, function: Callable[..., Result], *arguments: Any) -> Future[Result]:
        """Submit a call to a process; a pool of this process alone calls the function now.

        The arguments, results and errors are those of `Pool.submit`.
        """
        future = super().submit(function, *arguments)
        if isinstance(self._executor, ProcessPoolExecutor):
            self._processes.update(self._executor._processes or {})
        return future

    def _start(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Executor, Future[Any]]:
        processes = None
        try:
            # a forked process has all modules already, and scripts need no guard around their main part
            context = get_context("fork" if sys.platform == "linux" else "spawn")
            processes = ProcessPoolExecutor(self.size, mp_context=context, initializer=_begin_work)
            with _without_interrupts():
                return processes, processes.submit(attempt, function, arguments)
        except (OSError, RuntimeError, ImportError) as error:  # RuntimeError: no new thread; ImportError: no semaphores
            if processes is not None:  # a pool without its thread can't be shut down
                _kill((processes._processes or {}).values())
            raise NotStarted(f"worker processes can't be started: {_advice(error)}") from error

    def _close(self, executor: Executor) -> None:
        """Shut the pool down; a process that does not end in time, since it is stopped for instance, is killed."""
        processes = list(self._processes.values())
        executor.shutdown(wait=False, cancel_futures=True)
        end = time.monotonic() + _SHUTDOWN
        for process in processes:
            process.join(max(0.0, end - time.monotonic()))
        late = [process for process in processes if process.is_alive()]
        _kill(late)
        for process in late:
            process.join(_SHUTDOWN)

    def _end_work(self) -> None:
        _kill(self._processes.values())

    def reason(self, error: BaseException) -> str:
        """Why work was lost, as far as that can be known."""
        return _ended(self._processes.values()) or f"a worker process was lost: {shown(error) or 'no answer'}"

    def process_ids(self) -> list[int]:
        """The processes of the pool."""
        own = self._executor
        return [*(own._processes or {})] if isinstance(own, ProcessPoolExecutor) else []


def _begin_work() -> None:
    """Initialise a process of the pool: ignore SIGINT and watch the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of the terminal; the parent decides
    try:
        threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    except RuntimeError:
        os._exit(1)  # no memory for a thread: the parent notices, and a traceback would add nothing


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Block SIGINT while forking: the child would otherwise die before it ignores it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_parent(parent: int) -> None:
    """End this process when its parent is gone: a parent killed by SIGKILL cannot shut the pool down."""
    while os.getppid() == parent:
        time.sleep(_POLL)
    os._exit(1)


def _kill(processes: Iterable[BaseProcess]) -> None:
    """End processes, stopped ones too, which a milder signal would not reach."""
    for process in list(processes):
        process.kill()


def _ended(processes: Iterable[BaseProcess]) -> str | None:
    """How the first of some processes ended that did not end well; a pool then terminates the others."""
    codes = []
    for process in processes:
        process.join(_SHUTDOWN)
        codes.append(process.exitcode)
    bad = [code for code in codes if code]
    if not bad:
        return None
    code = next((code for code in bad if code != -signal.SIGTERM), bad[0])
    if code > 0:
        return f"a worker process ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    memory = ", by the system for want of memory perhaps" if name == "SIGKILL" else ""
    return f"a worker process was killed ({name}{memory})"


def _advice(error: BaseException) -> str:
    """The reason why processes cannot be started, with the remedy."""
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.EROFS, errno.ENOSPC, errno.ENOENT, errno.EACCES) or isinstance(error, ImportError):
        text = getattr(error, "strerror", None) or error
        return f"{shown(text)} (they need semaphores, on Linux in /dev/shm); take one worker"
    return start_advice(error)
