"""Workers that stop, die or never answer: the limit holds, the reason is true, nothing hangs, what was found counts."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from nn_bridge.cells.counting import count as cell_count
from nn_bridge.cells.counting import pool as worker_pool
from nn_bridge.cells.counting.count import count_cells
from nn_bridge.cells.counting.pool import Failure, Pool, Scheduler, Unanswered
from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network
from nn_bridge.readers import read_network
from nn_bridge.region_count import RegionCount

NETS = Path(__file__).parents[3] / "data" / "nets"
HANGS = 60.0
"""Seconds within which whatever keeps a limit has ended, on a busy machine too; a hang would take for ever."""

needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds its children in /proc")


@pytest.fixture(scope="module")
def endless() -> Network:
    """A network that takes hours to count."""
    return read_network(NETS / "d8_24_24_1_s0.npz")


@pytest.fixture(scope="module")
def large() -> Network:
    """A network whose four counts take half a second."""
    return read_network(NETS / "d8_10_10_1_s0.npz")


@pytest.fixture
def processes() -> Iterator[ProcessPoolExecutor]:
    """Two processes of the caller, which run already, and are ended afterwards, stopped or not."""
    executor = ProcessPoolExecutor(2)
    assert executor.submit(int, "3").result() == 3  # so that the time limit of a count is not spent on their start
    yield executor
    for pid in workers_of(executor):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    executor.shutdown(wait=True, cancel_futures=True)


@pytest.fixture
def short_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cell_count, "_FIRST", 0.002)
    monkeypatch.setattr(cell_count, "_SHORT", 0.01)
    monkeypatch.setattr(cell_count, "_NEAR", 0.01)
    monkeypatch.setattr(cell_count, "_FAR", 0.01)


def workers_of(executor: ProcessPoolExecutor) -> list[int]:
    """The processes of an executor: a test runner may have other children."""
    return sorted(executor._processes or ())


def once(executor: ProcessPoolExecutor, act: Callable[[], None]) -> Callable[[int, float], None]:
    """Progress that does something when first told, after workers have begun."""
    waiting = [act]

    def told(cells: int, share: float) -> None:
        if waiting and workers_of(executor):
            waiting.pop()()

    return told


def send(executor: ProcessPoolExecutor, number: int, count: int = 1) -> Callable[[], None]:
    def act() -> None:
        for pid in workers_of(executor)[:count]:
            os.kill(pid, number)

    return act


# -------------------------------------------------------------------------- processes


@needs_proc
@pytest.mark.usefixtures("short_slices")
@pytest.mark.parametrize("stopped", [1, 2])
def test_a_stopped_worker_does_not_keep_the_limit_waiting(
    stopped: int, endless: Network, processes: ProcessPoolExecutor
) -> None:
    begun = time.monotonic()
    progress = once(processes, send(processes, signal.SIGSTOP, stopped))
    result = count_cells(endless, executor=processes, workers=2, time_limit=3.0, progress=progress)
    assert time.monotonic() - begun < HANGS
    assert (result.complete, result.exact) == (False, False)
    assert result.reason is not None
    assert result.reason.startswith("stopped at the time limit of 3 s")
    if stopped == 2:
        assert "a worker did not answer" in result.reason
    assert result.cells is not None
    assert result.cells >= 1


@needs_proc
@pytest.mark.usefixtures("short_slices")
def test_a_stopped_worker_does_not_keep_another_limit_waiting(
    endless: Network, processes: ProcessPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slices under way get some seconds where a number of cells is reached."""
    monkeypatch.setattr(cell_count, "_ENDING", 0.5)
    begun = time.monotonic()
    told: list[int] = []

    def progress(cells: int, share: float) -> None:
        told.append(cells)
        if len(told) == 3:
            send(processes, signal.SIGSTOP, 2)()

    result = count_cells(endless, executor=processes, workers=2, max_cells=1, progress=progress, time_limit=HANGS)
    assert time.monotonic() - begun < HANGS
    assert not result.complete
    assert result.reason is not None
    assert "limit" in result.reason


@needs_proc
@pytest.mark.usefixtures("short_slices")
@pytest.mark.parametrize("killed", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_process_is_a_lost_worker(
    number: signal.Signals, killed: int, endless: Network, processes: ProcessPoolExecutor
) -> None:
    result = count_cells(
        endless,
        executor=processes,
        workers=2,
        time_limit=HANGS,
        progress=once(processes, send(processes, number, killed)),
    )
    assert (result.complete, result.exact) == (False, False)
    assert result.reason is not None
    assert result.reason.startswith("the executor lost a worker: ")
    assert result.cells is not None
    assert result.cells >= 1


@needs_proc
@pytest.mark.usefixtures("short_slices")
def test_a_count_goes_on_after_its_workers_were_killed(large: Network, tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    killed = 0
    for _ in range(3):
        with ProcessPoolExecutor(2) as executor:
            act = once(executor, send(executor, signal.SIGKILL))
            result = count_cells(large, executor=executor, workers=2, checkpoint=folder, progress=act)
        if result.complete:
            break
        killed += 1
        assert result.reason is not None
        assert result.reason.endswith("the same count goes on from here")
    assert killed >= 1
    result = count_cells(large, workers=2, checkpoint=folder)
    assert (result.cells, result.exact, result.complete) == (110012, True, True)


def _count_in_a_daemon(connection: Any) -> None:
    network = read_network(NETS / "d3_16_16_1_s0.npz")
    try:
        connection.send(count_cells(network, workers=2))
    except BaseException as error:
        connection.send(f"{type(error).__name__}: {error}")
    with ThreadPoolExecutor(2) as threads:
        connection.send(count_cells(network, executor=threads, counts="cells").cells)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="starts a process that knows this module by forking")
def test_in_a_daemonic_process() -> None:
    """Such may not have children; a count needs none."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_count_in_a_daemon, args=(sender,), daemon=True)
    process.start()
    sender.close()
    assert receiver.poll(HANGS)
    assert receiver.recv().cells == 4279
    assert receiver.poll(HANGS)
    assert receiver.recv() == 4279
    process.join()


# -------------------------------------------------------------------------- executors of the caller


class Faulty(Executor):
    """An executor that does what a test says with the second and later jobs."""

    def __init__(self, act: Callable[[Future[Any]], None]) -> None:
        self.act, self.jobs = act, 0

    def submit(self, function: Any, /, *arguments: Any, **options: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.jobs += 1
        if self.jobs == 1:
            future.set_result(function(*arguments, **options))
        else:
            self.act(future)
        return future


def failing(error: BaseException) -> Callable[[Future[Any]], None]:
    return lambda future: future.set_exception(error)


def raising(error: BaseException) -> Callable[[Future[Any]], None]:
    def act(future: Future[Any]) -> None:
        raise error

    return act


@pytest.mark.usefixtures("short_slices")
@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (failing(BrokenExecutor("all of them")), "the executor lost a worker: all of them"),
        (failing(ModuleNotFoundError("No module named 'nn_bridge'")), "a worker can't load this package: No module"),
        (
            failing(ConnectionError("scheduler \x1b[31m gone")),
            "the executor failed: ConnectionError: scheduler \\x1b[31m",
        ),
        (lambda future: future.cancel(), "the executor gave the work up: its workers or its scheduler are gone"),
        (
            raising(RuntimeError("cannot schedule new futures after shutdown")),
            "the executor failed: RuntimeError: cannot",
        ),
        (raising(BrokenExecutor("too late")), "the executor lost a worker: too late"),
    ],
    ids=["broken", "no package", "connection", "cancelled", "shut down", "broken at submission"],
)
def test_an_executor_that_fails(act: Callable[[Future[Any]], None], reason: str, endless: Network) -> None:
    result = count_cells(endless, executor=Faulty(act), workers=2, time_limit=HANGS)
    assert (result.complete, result.exact) == (False, False)
    assert result.reason is not None
    assert result.reason.startswith(reason)
    assert result.cells is not None
    assert result.cells >= 1


@pytest.mark.usefixtures("short_slices")
def test_an_executor_that_never_answers(endless: Network) -> None:
    begun = time.monotonic()
    result = count_cells(endless, executor=Faulty(lambda future: None), workers=2, time_limit=1.0)
    assert time.monotonic() - begun < HANGS
    assert result.reason == "stopped at the time limit of 1 s; a worker did not answer"


@pytest.mark.usefixtures("short_slices")
def test_an_executor_that_is_shut_down_meanwhile(endless: Network) -> None:
    threads = ThreadPoolExecutor(2)
    result = count_cells(endless, executor=threads, progress=lambda cells, share: threads.shutdown(wait=False))
    threads.shutdown()
    assert not result.complete
    assert result.reason is not None
    assert result.reason.startswith("the executor failed: RuntimeError: cannot schedule new futures after shutdown")


def test_what_a_job_raises_is_no_fault_of_the_executor() -> None:
    with ThreadPoolExecutor(1) as threads, Pool(1, threads) as pool:
        future = pool.submit(int, "x")
        assert isinstance(future.result(), Failure)
        with pytest.raises(ValueError, match="invalid literal"):
            list(Scheduler(pool, iter([("key", future), None]).__next__).take())

        class Unsendable(Exception):
            def __reduce__(self) -> Any:
                raise TypeError

        def fail() -> None:
            raise Unsendable("words")

        with pytest.raises(RuntimeError, match="Unsendable: words"):
            list(Scheduler(pool, iter([("key", pool.submit(fail)), None]).__next__).take())


def test_the_scheduler_checks_limits_while_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_pool, "_POLL", 0.01)
    looks = 0

    class Enough(Exception):
        pass

    def watch() -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            raise Enough

    def start() -> tuple[int, Future[None]]:
        return 0, Future()

    with ThreadPoolExecutor(1) as threads, Pool(1, threads) as pool:
        with pytest.raises(Enough):
            list(Scheduler(pool, start, watch=watch).take())
        with pytest.raises(Unanswered):
            list(Scheduler(pool, start, remaining=lambda: -5.0).take())


# -------------------------------------------------------------------------- a Dask cluster


@pytest.fixture
def cluster() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed", reason="needs the extra [dask]")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", worker_dashboard_address=None
    ) as made:
        yield made


@pytest.mark.slow
@needs_proc
@pytest.mark.parametrize("what", ["all workers stop", "all workers go and none comes back", "one is killed", "client"])
def test_a_cluster_that_loses_its_workers(what: str, cluster: Any, endless: Network) -> None:
    """A lost worker's jobs are done anew by others, if there are others; the limit holds in any case."""
    from distributed import Client

    client = Client(cluster)
    pids = list(client.run(os.getpid).values())
    begun = threading.Event()

    def act() -> None:
        assert begun.wait(HANGS), "the cluster counts nothing"
        if what == "client":
            client.close()
        elif what == "all workers go and none comes back":
            cluster.scale(0)
        else:
            for pid in pids[: 1 if what == "one is killed" else 2]:
                os.kill(pid, signal.SIGKILL if what == "one is killed" else signal.SIGSTOP)

    def progress(cells: int, share: float) -> None:
        begun.set()

    saboteur = threading.Thread(target=act)
    saboteur.start()
    limit = HANGS if what == "client" else 8.0
    before = time.monotonic()
    result = count_cells(endless, executor=client.get_executor(), workers=2, time_limit=limit, progress=progress)
    seconds = time.monotonic() - before
    assert begun.is_set()
    saboteur.join()
    client.close()
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    assert seconds < HANGS
    assert (result.complete, result.exact) == (False, False)
    assert result.reason is not None
    if what == "client":  # closed while answers are awaited, or while a job is submitted
        closed = ("the executor gave the work up: ", "the executor failed: ClosedClientError: Client is closed")
        assert result.reason.startswith(closed)
    else:
        assert result.reason.startswith("stopped at the time limit of 8 s")


SCHEDULER_THAT_DIES = """
import json, os, signal, subprocess, sys, threading, time
from distributed import Client
from nn_bridge.cells.counting.count import count_cells
from nn_bridge.readers import read_network

if __name__ == "__main__":
    scheduler = subprocess.Popen([sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0",
                                  "--no-dashboard", "--no-show", "--scheduler-file", sys.argv[2]])
    while not os.path.exists(sys.argv[2]):
        time.sleep(0.1)
    worker = subprocess.Popen([sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", sys.argv[2],
                               "--no-dashboard", "--nthreads", "1", "--no-nanny"])
    client = Client(scheduler_file=sys.argv[2])
    client.wait_for_workers(1)
    threading.Timer(3.0, scheduler.kill).start()
    result = count_cells(read_network(sys.argv[1]), executor=client.get_executor(), workers=2, time_limit=15.0)
    print(json.dumps([result.complete, result.exact, result.reason, result.seconds]), flush=True)
    worker.kill()
    os._exit(0)
"""


@pytest.mark.slow
def test_a_scheduler_that_is_killed(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="needs the extra [dask]")
    import subprocess
    import sys

    script = tmp_path / "script.py"
    script.write_text(SCHEDULER_THAT_DIES)
    command = [sys.executable, str(script), str(NETS / "d8_24_24_1_s0.npz"), str(tmp_path / "scheduler.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    complete, exact, reason, seconds = json.loads(done.stdout.splitlines()[-1])
    assert (complete, exact) == (False, False)
    assert seconds < HANGS
    assert "killed" not in reason, "nothing is said of worker processes or memory, which is not what happened"
    assert reason.startswith(("the executor gave the work up", "the executor failed", "stopped at the time limit"))


# -------------------------------------------------------------------------- what a stopped run says


def test_a_stopped_run_is_never_exact(large: Network) -> None:
    result = count_cells(large, max_cells=1)
    assert (result.exact, result.complete) == (False, False)
    assert result.to_json(large)["exact"] is False
    assert RegionCount(1, 1, 1, 1, "mine", "all", exact=True, complete=False, seconds=0.0).exact is False
    assert RegionCount(1, 1, 1, 1, "mine", "all", exact=True, complete=True, seconds=0.0).exact is True


def test_workers_need_a_number() -> None:
    with pytest.raises(NetworkError, match="at least one"):
        Pool(0)
