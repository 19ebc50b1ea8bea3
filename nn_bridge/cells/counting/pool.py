"""Who does the jobs: this process, a pool of processes, or any executor of the caller, such as a Dask cluster's.

Slices of work are short, so whoever is free takes the next one, and a job that turns out large is divided while others
wait.  The loop here hands out jobs and takes results; what a result means is the caller's business.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from types import TracebackType
from typing import Any, TypeVar

from nn_bridge.errors import NetworkError

Result = TypeVar("Result")

_PATIENCE = 3.0  # seconds that slices under way get to end after Ctrl-C
_LOOK_ROUND = 1.0


class WorkerLost(RuntimeError):
    """A worker process ended before its work did, or none could be started."""


def _begin_work() -> None:
    """What a process of the pool does first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; the leader decides what to do
    try:
        threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    except RuntimeError:
        os._exit(1)  # not even memory for a thread: the leader notices, and a traceback would help nobody


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Ctrl-C waits meanwhile: a process born here starts with it held back, before it can say that it ignores it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_parent(parent: int) -> None:
    """End this process when its parent is gone: if that was killed, it could not say good-bye."""
    while os.getppid() == parent:
        time.sleep(_LOOK_ROUND)
    os._exit(1)


class Crew:
    """The workers of one count; a context manager.

    Parameters
    ----------
    workers : int
        Slices in flight at once.  With 1 and no executor everything happens in this process.
    executor : concurrent.futures.Executor, optional
        Where to work; it is left open.  By default a pool of processes is started when it is first needed.
    """

    def __init__(self, workers: int = 1, executor: Executor | None = None) -> None:
        if workers < 1:
            raise NetworkError(f"workers={workers}: at least one has to work")
        self.size = workers
        self._given = executor
        self._pool: Executor | None = executor
        self._under_way: set[Future[Any]] = set()
        self.alone = workers == 1 and executor is None
        self.elsewhere = executor is not None

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.give_up()  # work is under way only where the count was broken off, and then nobody wants it
        if self._given is None and self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def submit(self, function: Callable[..., Result], *arguments: Any) -> Future[Result]:
        """Have a worker call a function; alone, call it now.

        Raises
        ------
        WorkerLost
            No process can be started.
        """
        if self.alone:
            done: Future[Result] = Future()
            done.set_result(function(*arguments))
            return done
        if self._pool is None:
            # a forked process has the kernels already, and scripts need no guard around their main part
            context = get_context("fork" if sys.platform == "linux" else "spawn")
            self._pool = ProcessPoolExecutor(self.size, mp_context=context, initializer=_begin_work)
            try:
                with _without_interrupts():
                    future = self._pool.submit(function, *arguments)
            except (OSError, RuntimeError) as error:  # RuntimeError: no new thread
                _terminate(self._pool)
                self._pool = None  # a pool without its thread can't be shut down
                raise WorkerLost(f"worker processes can't be started: {error}; out of memory, perhaps") from error
        else:
            future = self._pool.submit(function, *arguments)
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        return future

    def process_ids(self) -> list[int]:
        """The processes of our own pool."""
        own = self._pool if self._given is None else None
        return [*(own._processes or {})] if isinstance(own, ProcessPoolExecutor) else []

    def give_up(self) -> None:
        """Leave work that is under way: in an executor of the caller's to itself, in processes of ours by ending them.

        A count inside one cell can take very long, so waiting for it would not do.
        """
        under_way = [future for future in list(self._under_way) if not future.done()]
        for future in under_way:
            future.cancel()
        if under_way and self._given is None and isinstance(self._pool, ProcessPoolExecutor):
            _terminate(self._pool)


def _terminate(pool: ProcessPoolExecutor) -> None:
    for process in list((pool._processes or {}).values()):
        process.terminate()


@dataclass
class Flow:
    """Jobs that are handed out and taken back one by one, as `take` is iterated.

    Attributes
    ----------
    crew : Crew
    start : callable
        Submits the next job and returns its key and its future, or None where there is none (for now).
    interrupted : bool
        Ctrl-C was pressed; nothing new is started, and what was under way was waited for a little.
    """

    crew: Crew
    start: Callable[[], tuple[Any, Future[Any]] | None]
    interrupted: bool = False
    running: dict[Future[Any], Any] = field(default_factory=dict)

    def take(self) -> Iterator[tuple[Any, Any]]:
        """Key and result of each job, as they come.

        Raises
        ------
        WorkerLost
            A worker process was killed.
        """
        limit = None
        while True:
            try:
                while limit is None and len(self.running) < self.crew.size:
                    started = self.start()
                    if started is None:
                        break
                    self.running[started[1]] = started[0]
                if not self.running:
                    return
                patience = None if limit is None else max(0.0, limit - time.monotonic())
                done, _ = wait(self.running, timeout=patience, return_when=FIRST_COMPLETED)
            except KeyboardInterrupt:
                if self.interrupted:
                    raise
                self.interrupted, limit = True, time.monotonic() + _PATIENCE
                continue
            if not done:
                self.crew.give_up()
                return
            for future in done:
                key = self.running.pop(future)
                try:
                    result = future.result()
                except (BrokenProcessPool, CancelledError) as error:
                    raise WorkerLost("a worker process was killed, by want of memory perhaps") from error
                if getattr(result, "interrupted", False):
                    self.interrupted, limit = True, time.monotonic() + _PATIENCE
                yield key, result


def sensible_workers(executor: Executor) -> int:
    """How many slices to keep in flight in an executor of the caller's."""
    return int(getattr(executor, "_max_workers", 0) or os.cpu_count() or 1)
