"""Who does the jobs: threads of this process, a pool of processes, or any executor, such as a Dask cluster's.

Slices of work are short, so whoever is free takes the next one, and a job that turns out large is divided while others
wait.  The loop here hands out jobs and takes results; what a result means is the caller's business.
"""

from __future__ import annotations

import errno
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import current_process, get_context
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, TypeVar

from nn_bridge.errors import NetworkError
from polyhedra.limits import OutOfTime
from polyhedra.quoting import shown

Result = TypeVar("Result")

_PATIENCE = 3.0  # seconds that slices under way get to end after Ctrl-C
_OVERTIME = 1.0  # seconds past the time limit after which an answer is no longer waited for
_LOOK_ROUND = 1.0
_FAREWELL = 1.0  # seconds that idle processes get to end on their own


class WorkerLost(RuntimeError):
    """A worker ended before its work did, or none could be started; the text says why."""


class NotStarted(WorkerLost):
    """No process can be started."""


class Unanswered(OutOfTime):
    """Time is over, and a worker has not answered: it is stopped, cut off, or in the middle of something long."""


@dataclass(frozen=True)
class Failure:
    """An exception that a job raised, as the answer of the job.

    So whatever an executor itself raises is known to be about the executor: a worker that was killed or cannot load
    the package, a scheduler that is gone.
    """

    error: BaseException


def _attempt(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Call a function in a worker; an exception is an answer, too."""
    try:
        return function(*arguments)
    except Exception as error:
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:
            return Failure(RuntimeError(f"{type(error).__name__}: {error}"))
        return Failure(error)


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
    apart : bool
        Use a process even for one worker, so that it can be ended.
    threads : bool
        A pool of threads of this process, for work that leaves the interpreter alone, instead of processes.

    Attributes
    ----------
    stop : callable, optional
        Asks work under way in threads to end at once.

    Raises
    ------
    NetworkError
        There is no worker, or this process may not start others.
    """

    def __init__(
        self, workers: int = 1, executor: Executor | None = None, *, apart: bool = False, threads: bool = False
    ) -> None:
        if workers < 1:
            raise NetworkError(f"workers={workers}: at least one has to work")
        self.size = workers
        self._given = executor
        self._pool: Executor | None = executor
        self._processes: dict[int, BaseProcess] = {}
        self._under_way: set[Future[Any]] = set()
        self.alone = workers == 1 and executor is None and not apart
        self.elsewhere = executor is not None
        self.threads = threads and executor is None
        self.stop: Callable[[], None] | None = None
        if not (self.alone or self.threads) and executor is None and current_process().daemon:
            raise NetworkError(
                f"workers={workers}: this process is a daemon, such as a worker of multiprocessing.Pool, and may not "
                "start processes; take workers=1, or an executor of threads"
            )

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.give_up()  # work is under way only where the count was broken off, and then nobody wants it
        if self.threads and self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        if self._given is None and isinstance(self._pool, ProcessPoolExecutor):
            _close(self._pool, list(self._processes.values()))

    def submit(self, function: Callable[..., Result], *arguments: Any) -> Future[Result]:
        """Have a worker call a function; alone, call it now.

        Returns
        -------
        Future
            Its result is that of the function, or a `Failure`.

        Raises
        ------
        WorkerLost
            No process can be started, or the executor takes no more work.
        """
        if self.alone:
            done: Future[Result] = Future()
            done.set_result(function(*arguments))
            return done
        future: Future[Any]
        if self._pool is None:
            future = self._start(function, arguments)
        else:
            try:
                future = self._pool.submit(_attempt, function, arguments)
            except Exception as error:  # whatever an executor raises; the function's own exceptions are answers
                raise WorkerLost(self.reason(error)) from error
        if self._given is None and isinstance(self._pool, ProcessPoolExecutor):
            self._processes.update(self._pool._processes or {})
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        return future

    def _start(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Future[Any]:
        """Start threads or processes with their first work."""
        pool = None
        if self.threads:
            self._pool = ThreadPoolExecutor(self.size, "puiseux")
            try:
                return self._pool.submit(_attempt, function, arguments)
            except RuntimeError as error:
                raise NotStarted(f"threads can't be started: {shown(error)}; take fewer workers") from error
        try:
            # a forked process has all modules already, and scripts need no guard around their main part
            context = get_context("fork" if sys.platform == "linux" else "spawn")
            pool = ProcessPoolExecutor(self.size, mp_context=context, initializer=_begin_work)
            with _without_interrupts():
                future = pool.submit(_attempt, function, arguments)
        except (OSError, RuntimeError, ImportError) as error:  # RuntimeError: no new thread; ImportError: no semaphores
            if pool is not None:  # a pool without its thread can't be shut down
                _kill((pool._processes or {}).values())
            raise NotStarted(f"worker processes can't be started: {_start_advice(error)}") from error
        self._pool = pool
        return future

    def reason(self, error: BaseException) -> str:
        """Why work was lost, as far as that can be known."""
        if self.threads:
            return f"a thread was lost: {shown(error)}"
        if self._given is None:
            return _ended(self._processes.values()) or f"a worker process was lost: {shown(error) or 'no answer'}"
        if isinstance(error, ImportError):
            return f"a worker can't load this package: {shown(error)}; install the same version there"
        if isinstance(error, BrokenExecutor):
            return f"the executor lost a worker: {shown(error)}"
        if isinstance(error, CancelledError):
            return "the executor gave the work up: its workers or its scheduler are gone, or it was shut down"
        return f"the executor failed: {type(error).__name__}: {shown(error)}"

    def process_ids(self) -> list[int]:
        """The processes of our own pool."""
        own = self._pool if self._given is None else None
        return [*(own._processes or {})] if isinstance(own, ProcessPoolExecutor) else []

    def give_up(self) -> None:
        """Leave work that is under way: in an executor of the caller's to itself, in processes of ours by killing them.

        A count inside one cell can take very long, so waiting for it would not do.
        """
        under_way = [future for future in list(self._under_way) if not future.done()]
        if self._given is not None:
            # a scheduler that is gone may keep this waiting
            leave = threading.Thread(target=_cancel, args=(under_way,), daemon=True)
            leave.start()
            leave.join(_FAREWELL)
            return
        _cancel(under_way)
        if under_way and self.stop is not None:
            self.stop()
        if under_way:
            _kill(self._processes.values())


def _cancel(futures: list[Future[Any]]) -> None:
    for future in futures:
        future.cancel()


def _kill(processes: Iterable[BaseProcess]) -> None:
    """End processes, stopped ones too, which a milder signal would not reach."""
    for process in list(processes):
        process.kill()


def _close(pool: ProcessPoolExecutor, processes: list[BaseProcess]) -> None:
    """Shut a pool down; a process that does not end in time, since it is stopped for instance, is killed."""
    pool.shutdown(wait=False, cancel_futures=True)
    end = time.monotonic() + _FAREWELL
    for process in processes:
        process.join(max(0.0, end - time.monotonic()))
    late = [process for process in processes if process.is_alive()]
    _kill(late)
    for process in late:
        process.join(_FAREWELL)


def _ended(processes: Iterable[BaseProcess]) -> str | None:
    """How the first of some processes ended that did not end well; a pool then terminates the others."""
    codes = []
    for process in processes:
        process.join(_FAREWELL)
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


def _start_advice(error: BaseException) -> str:
    """What keeps processes from being started, and the way out."""
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.EROFS, errno.ENOSPC, errno.ENOENT, errno.EACCES) or isinstance(error, ImportError):
        text = getattr(error, "strerror", None) or error
        return f"{shown(text)} (they need semaphores, on Linux in /dev/shm); take one worker"
    return f"{shown(error)}; out of memory, perhaps: take fewer workers"


@dataclass
class Flow:
    """Jobs that are handed out and taken back one by one, as `take` is iterated.

    Attributes
    ----------
    crew : Crew
    start : callable
        Submits the next job and returns its key and its future, or None where there is none (for now).
    remaining : callable
        The seconds left, which jobs know too; where they are over by more than a second, no answer is waited for.
    watch : callable
        Called about once a second while answers are waited for; what it raises ends the flow.
    interrupted : bool
        Ctrl-C was pressed; nothing new is started, and what was under way was waited for a little.
    """

    crew: Crew
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
                while limit is None and len(self.running) < self.crew.size:
                    started = self.start()
                    if started is None:
                        break
                    self.running[started[1]] = started[0]
                if not self.running:
                    return
                patience = self.remaining() + _OVERTIME if limit is None else limit - time.monotonic()
                done, _ = wait(self.running, min(max(patience, 0.0), _LOOK_ROUND), return_when=FIRST_COMPLETED)
            except KeyboardInterrupt:
                if self.interrupted:
                    raise
                self.interrupted, limit = True, time.monotonic() + _PATIENCE
                continue
            # a future that was cancelled, and of which the executor tells nobody, is done but not waited for
            done = done or {future for future in self.running if future.done()}
            if not done:
                if patience > _LOOK_ROUND:
                    self.watch()
                    continue
                self.crew.give_up()
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
            if self.crew.alone:
                raise
            raise WorkerLost(self.crew.reason(error)) from error
        if isinstance(result, Failure):
            raise result.error
        return result


def sensible_workers(executor: Executor) -> int:
    """How many slices to keep in flight in an executor of the caller's."""
    return int(getattr(executor, "_max_workers", 0) or os.cpu_count() or 1)
