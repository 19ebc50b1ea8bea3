"""The workers of a count: threads of this process, or any executor, such as a Dask cluster's; and their schedule.

Slices of work are short, so each free worker takes the next one, and a large job is divided while workers are idle.
`Scheduler` submits jobs and yields their results; the caller interprets these.
"""

from __future__ import annotations

import os
import pickle
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ThreadPoolExecutor,
    wait,
)
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeVar

from nn_bridge.errors import NetworkError
from polyhedra.limits import OutOfTime
from polyhedra.memory import has_room_for_threads
from polyhedra.quoting import shown

Result = TypeVar("Result")

_PATIENCE = 3.0  # seconds that slices under way get to end after Ctrl-C
_OVERTIME = 1.0  # seconds past the time limit after which an answer is no longer waited for
_POLL = 1.0  # seconds between two looks at the limits
_SHUTDOWN = 1.0  # seconds that an executor gets to cancel work
_ADVICE = "out of memory, perhaps: take fewer workers"


class WorkerLost(RuntimeError):
    """A worker ended before its work did, or none could be started; the text says why."""


class NotStarted(WorkerLost):
    """No worker can be started."""


class Unanswered(OutOfTime):
    """The time limit has passed and a worker has not answered: it is stopped, unreachable, or in a long step."""


@dataclass(frozen=True)
class Failure:
    """An exception that a job raised, as the answer of the job.

    So whatever an executor itself raises is known to be about the executor: a worker that was killed or cannot load
    the package, a scheduler that is gone.
    """

    error: BaseException


def attempt(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Call a function in a worker; an exception is an answer, too."""
    try:
        return function(*arguments)
    except Exception as error:
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:
            return Failure(RuntimeError(f"{type(error).__name__}: {error}"))
        return Failure(error)


class Pool:
    """Where the work of one count is done: here, in threads of this process, or in an executor; a context manager.

    Parameters
    ----------
    workers : int
        Slices in flight at once.  With 1 and no executor everything happens in this process.
    executor : concurrent.futures.Executor, optional
        Where to work; it is left open.  By default threads are started when they are first needed.

    Attributes
    ----------
    alone, threads, elsewhere : bool
        Whether calls run at once in this thread, in threads of this process, or in an executor of the caller's.
    stop : callable, optional
        Asks work under way in threads to end at once.

    Raises
    ------
    NetworkError
        There is no worker.
    """

    def __init__(self, workers: int = 1, executor: Executor | None = None) -> None:
        if workers < 1:
            raise NetworkError(f"workers={workers}: at least one has to work")
        self.size = workers
        self._given = executor
        self._executor: Executor | None = executor
        self._under_way: set[Future[Any]] = set()
        self.alone = workers == 1 and executor is None
        self.elsewhere = executor is not None
        self.threads = not (self.alone or self.elsewhere)
        self.stop: Callable[[], None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.give_up()  # futures are pending only where the count was broken off
        if self._given is None and self._executor is not None:
            self._close(self._executor)

    def submit(self, function: Callable[..., Result], *arguments: Any) -> Future[Result]:
        """Submit a call to a worker; a pool of this process alone calls the function now.

        Parameters
        ----------
        function : callable
        *arguments
            Of the function.

        Returns
        -------
        Future
            Its result is that of the function, or a `Failure`.

        Raises
        ------
        WorkerLost
            No worker can be started, or the executor takes no more work.
        """
        if self.alone:
            done: Future[Result] = Future()
            done.set_result(function(*arguments))
            return done
        future: Future[Any]
        if self._executor is None:
            self._executor, future = self._start(function, arguments)
        else:
            try:
                future = self._executor.submit(attempt, function, arguments)
            except Exception as error:  # whatever an executor raises; the function's own exceptions are answers
                raise WorkerLost(self.reason(error)) from error
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        return future

    def _start(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Executor, Future[Any]]:
        """Start the workers with their first work."""
        if not has_room_for_threads(self.size):
            raise NotStarted(f"threads can't be started: {_ADVICE}")
        threads = ThreadPoolExecutor(self.size, "puiseux")
        try:
            return threads, threads.submit(attempt, function, arguments)
        except RuntimeError as error:
            raise NotStarted(f"threads can't be started: {start_advice(error)}") from error

    def _close(self, executor: Executor) -> None:
        """Shut our own executor down."""
        executor.shutdown(cancel_futures=True)

    def reason(self, error: BaseException) -> str:
        """Why work was lost, as far as that can be known."""
        if self._given is None:
            return f"a thread was lost: {shown(error)}"
        if isinstance(error, ImportError):
            return f"a worker can't load this package: {shown(error)}; install the same version there"
        if isinstance(error, BrokenExecutor):
            return f"the executor lost a worker: {shown(error)}"
        if isinstance(error, CancelledError):
            return "the executor gave the work up: its workers or its scheduler are gone, or it was shut down"
        return f"the executor failed: {type(error).__name__}: {shown(error)}"

    def give_up(self) -> None:
        """Leave work that is under way: in an executor of the caller's to itself, in our own by ending it.

        A count inside one cell can take very long, so waiting for it would not do.
        """
        under_way = [future for future in list(self._under_way) if not future.done()]
        if self._given is not None:
            # a scheduler that is gone may keep this waiting
            leave = threading.Thread(target=_cancel, args=(under_way,), daemon=True)
            leave.start()
            leave.join(_SHUTDOWN)
            return
        _cancel(under_way)
        if under_way:
            self._end_work()

    def _end_work(self) -> None:
        """End work under way in our own executor."""
        if self.stop is not None:
            self.stop()


def _cancel(futures: list[Future[Any]]) -> None:
    for future in futures:
        future.cancel()


def start_advice(error: BaseException) -> str:
    """The reason why workers cannot be started, with the remedy."""
    return f"{shown(error)}; {_ADVICE}"


@dataclass
class Scheduler:
    """Submits jobs and yields their results one by one, as `take` is iterated.

    Attributes
    ----------
    pool : Pool
    start : callable
        Submits the next job and returns its key and its future, or None where there is none (for now).
    remaining : callable
        The seconds left, which jobs know too; where they are over by more than a second, no answer is waited for.
    watch : callable
        Called about once a second while answers are awaited; an exception that it raises ends the iteration.
    interrupted : bool
        Ctrl-C was pressed; nothing new is started, and what was under way was waited for a little.
    running : dict of future to key
        The jobs whose answers are awaited.
    """

    pool: Pool
    start: Callable[[], tuple[Any, Future[Any]] | None]
    remaining: Callable[[], float] = lambda: float("inf")
    watch: Callable[[], None] = lambda: None
    interrupted: bool = False
    running: dict[Future[Any], Any] = field(default_factory=dict)

    def take(self) -> Iterator[tuple[Any, Any]]:
        """Key and result of each job, as they come.

        Raises
        ------
        WorkerLost
            A worker was killed, or the executor failed.
        Unanswered
            Time is over, and a worker has not answered.
        """
        limit = None
        while True:
            try:
                while limit is None and len(self.running) < self.pool.size:
                    started = self.start()
                    if started is None:
                        break
                    self.running[started[1]] = started[0]
                if not self.running:
                    return
                patience = self.remaining() + _OVERTIME if limit is None else limit - time.monotonic()
                done = {future for future in self.running if future.done()}
                if not done:
                    done, _ = wait(self.running, min(max(patience, 0.0), _POLL), return_when=FIRST_COMPLETED)
            except KeyboardInterrupt:
                if self.interrupted:
                    raise
                self.interrupted, limit = True, time.monotonic() + _PATIENCE
                continue
            # a future that was cancelled, and that the executor does not report, is done but not waited for
            done = done or {future for future in self.running if future.done()}
            if not done:
                if patience > _POLL:
                    self.watch()
                    continue
                self.pool.give_up()
                if limit is None:
                    raise Unanswered
                return
            for future in done:
                key = self.running.pop(future)
                result = self._answer(future)
                if getattr(result, "interrupted", False):
                    self.interrupted, limit = True, time.monotonic() + _PATIENCE
                yield key, result

    def _answer(self, future: Future[Any]) -> Any:
        """The result of a job; its exception is raised."""
        try:
            result = future.result()
        except (Exception, CancelledError) as error:
            if self.pool.alone:
                raise
            raise WorkerLost(self.pool.reason(error)) from error
        if isinstance(result, Failure):
            raise result.error
        return result


def sensible_workers(executor: Executor) -> int:
    """How many slices to keep in flight in an executor of the caller's."""
    return int(getattr(executor, "_max_workers", 0) or os.cpu_count() or 1)
