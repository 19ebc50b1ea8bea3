"""Who does the jobs: threads of this process, a pool of processes, or any executor, such as a Dask cluster's.

Slices of work are short, so each free worker takes the next one, and a large job is divided while workers are idle.
`Scheduler` submits jobs and yields their results; the caller interprets these.
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
_POLL = 1.0  # seconds between two looks at the parent, and at the limits
_SHUTDOWN = 1.0  # seconds that idle processes get to end on their own


class WorkerLost(RuntimeError):
    """A worker ended before its work did, or none could be started; the text says why."""


class NotStarted(WorkerLost):
    """No process can be started."""


class Unanswered(OutOfTime):
    """The time limit has passed and a worker has not answered: it is stopped, unreachable, or in a long step."""


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


class Pool:
    """A pool of workers for one count; a context manager.

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
        self._executor: Executor | None = executor
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

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.give_up()  # futures are pending only where the count was broken off
        if self.threads and self._executor is not None:
            self._executor.shutdown(cancel_futures=True)
        if self._given is None and isinstance(self._executor, ProcessPoolExecutor):
            _close(self._executor, list(self._processes.values()))

    def submit(self, function: Callable[..., Result], *arguments: Any) -> Future[Result]:
        """Submit a call to a worker; a pool of this process alone calls the function now.

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
        if self._executor is None:
            future = self._start(function, arguments)
        else:
            try:
                future = self._executor.submit(_attempt, function, arguments)
            except Exception as error:  # whatever an executor raises; the function's own exceptions are answers
                raise WorkerLost(self.reason(error)) from error
        if self._given is None and isinstance(self._executor, ProcessPoolExecutor):
            self._processes.update(self._executor._processes or {})
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        return future

    def _start(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Future[Any]:
        """Start threads or processes with their first work."""
        processes = None
        if self.threads:
            self._executor = ThreadPoolExecutor(self.size, "puiseux")
            try:
                return self._executor.submit(_attempt, function, arguments)
            except RuntimeError as error:
                raise NotStarted(f"threads can't be started: {shown(error)}; take fewer workers") from error
        try:
            # a forked process has the kernels already, and scripts need no guard around their main part
            context = get_context("fork" if sys.platform == "linux" else "spawn")
            processes = ProcessPoolExecutor(self.size, mp_context=context, initializer=_begin_work)
            with _without_interrupts():
                future = processes.submit(_attempt, function, arguments)
        except (OSError, RuntimeError, ImportError) as error:  # RuntimeError: no new thread; ImportError: no semaphores
            if processes is not None:  # a pool without its thread can't be shut down
                _kill((processes._processes or {}).values())
            raise NotStarted(f"worker processes can't be started: {_start_advice(error)}") from error
        self._executor = processes
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
        own = self._executor if self._given is None else None
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
            leave.join(_SHUTDOWN)
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


def _close(executor: ProcessPoolExecutor, processes: list[BaseProcess]) -> None:
    """Shut a pool down; a process that does not end in time, since it is stopped for instance, is killed."""
    executor.shutdown(wait=False, cancel_futures=True)
    end = time.monotonic() + _SHUTDOWN
    for process in processes:
        process.join(max(0.0, end - time.monotonic()))
    late = [process for process in processes if process.is_alive()]
    _kill(late)
    for process in late:
        process.join(_SHUTDOWN)


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


def _start_advice(error: BaseException) -> str:
    """The reason why processes cannot be started, with the remedy."""
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.EROFS, errno.ENOSPC, errno.ENOENT, errno.EACCES) or isinstance(error, ImportError):
        text = getattr(error, "strerror", None) or error
        return f"{shown(text)} (they need semaphores, on Linux in /dev/shm); take one worker"
    return f"{shown(error)}; out of memory, perhaps: take fewer workers"


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
                done, _ = wait(self.running, min(max(patience, 0.0), _POLL), return_when=FIRST_COMPLETED)
            except KeyboardInterrupt:
                if self.interrupted:
                    raise
                self.interrupted, limit = True, time.monotonic() + _PATIENCE
                continue
            # a future that was cancelled, and of which the executor tells nobody, is done but not waited for
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
