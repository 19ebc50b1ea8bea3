"""The engine ``cells`` against the oracle and the symbolic route; workers, executors, limits and interruptions."""

from __future__ import annotations

import itertools
import os
import random
import signal
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest

from nn_bridge.cells.counting import count as cell_count
from nn_bridge.cells.counting import found_leaves
from nn_bridge.cells.counting import jobs as cell_jobs
from nn_bridge.cells.counting.count import INTERRUPTED, count_cells
from nn_bridge.cells.joining import Joiner
from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network
from nn_bridge.readers import read_network
from nn_bridge.symbolic.count import count_symbolic
from polyhedra.limits import time_limit
from polyhedra.memory import resident_bytes
from polyhedra.polyhedron import Polyhedron
from puiseux.random_networks import random_network
from tests.families import BY_NAME as ENTRIES
from tests.families import COUNTS as ORACLE
from tests.families import DATA
from tests.pace import Stopwatch, slowness

CELLS = 34463
"""Of the network d4_16_16_1_s0."""


def network_of(name: str) -> Network:
    return Network.from_layers(ENTRIES[name]["weights"], ENTRIES[name]["biases"])


@pytest.fixture(scope="module")
def large() -> Network:
    return read_network(DATA / "nets" / "d4_16_16_1_s0.npz")


@pytest.fixture(scope="module")
def endless() -> Network:
    """A network that takes hours to count."""
    return read_network(DATA / "nets" / "d8_24_24_1_s0.npz")


@pytest.fixture
def many_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of some hundred cells, however fast they are found, and small groups: a short count has many of them."""
    monkeypatch.setattr(found_leaves, "LEAVES_AT_ONCE", 200)
    monkeypatch.setattr(cell_jobs, "CELLS_AT_ONCE", 200)
    monkeypatch.setattr(cell_jobs, "GROUP_LEAVES", 1000)
    monkeypatch.setattr(cell_count, "_FIRST", 0.0)
    monkeypatch.setattr(cell_count, "_SHORT", 0.0)
    monkeypatch.setattr(cell_count, "_NEAR", 0.0)
    monkeypatch.setattr(cell_count, "_FAR", 0.0)
    monkeypatch.setattr(cell_count, "_FEW_CELLS", 0)


class ShuffledExecutor(Executor):
    """Does its work at once, but tells of it late and in random order."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._untold: list[tuple[Future[Any], Any]] = []
        self.calls = 0

    def submit(self, function: Any, /, *arguments: Any, **options: Any) -> Future[Any]:
        self.calls += 1
        future: Future[Any] = Future()
        self._untold.append((future, function(*arguments, **options)))
        threading.Timer(0.001, self._tell).start()
        return future

    def _tell(self) -> None:
        future, result = self._untold.pop(self._rng.randrange(len(self._untold)))
        future.set_result(result)


# -------------------------------------------------------------------------- the right numbers


def test_four_counts_of_every_small_network() -> None:
    for name, expected in ORACLE.items():
        result = count_cells(network_of(name))
        assert (result.counts, result.complete, result.exact) == (expected, True, True), name


def test_cells_alone_of_every_small_network() -> None:
    for name, entry in ENTRIES.items():
        result = count_cells(network_of(name), counts="cells")
        assert (result.cells, result.complete, result.exact) == (entry["cells"], True, True), name
        assert (result.regions, result.affine_maps, result.reason) == (None, None, "only cells were asked for")


@pytest.mark.parametrize("name", [name for name in list(ORACLE)[5::17] if ORACLE[name]["cells"] < 15])
def test_boxes_and_half_spaces_as_the_symbolic_route(name: str) -> None:
    network = network_of(name)
    n = network.input_dim
    box = Polyhedron.box([-1] * n, [2] * n)
    half = Polyhedron([[1, *[-1] * (n - 1)]], [1])
    for domain in (box, half):
        assert count_cells(network, domain).counts == count_symbolic(network, domain).counts


def test_nothing_to_cut_is_one_cell() -> None:
    constant = Network.from_layers([[[0, 0]], [[1]]], [[1], [0]])
    assert set(count_cells(constant).counts.values()) == {1}
    assert count_cells(constant, counts="cells").cells == 1


# -------------------------------------------------------------------------- whoever does it


@pytest.mark.usefixtures("many_slices")
@pytest.mark.parametrize("name", ["d3_16_16_1_s0", "bunny_d2_2x50"])
def test_the_same_for_any_workers_and_any_order(name: str) -> None:
    network = read_network(DATA / "nets" / f"{name}.npz")
    expected = count_cells(network).counts
    for seed in range(3):
        executor = ShuffledExecutor(seed)
        assert count_cells(network, executor=executor, workers=4).counts == expected
        assert executor.calls > 4
        assert count_cells(network, executor=executor, workers=3, counts="cells").cells == expected["cells"]


@pytest.mark.usefixtures("many_slices")
def test_many_cells_with_one_map(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks whose cells mostly share maps, so that the second pass has many jobs."""
    monkeypatch.setattr(cell_jobs, "GROUP_LEAVES", 30)
    rng = np.random.default_rng(4)
    weights = [rng.normal(size=(12, 2)), rng.normal(size=(10, 12)), -np.ones((1, 10))]
    weights[2][0, 3:] = 0
    network = Network.from_layers(weights, [rng.normal(size=12), rng.normal(size=10) - 1, [0]])
    expected = count_cells(network)
    assert expected.regions is not None
    assert expected.regions < expected.cells // 2
    assert expected.counts == count_symbolic(network).counts
    with ThreadPoolExecutor(3) as threads:
        for executor in (ShuffledExecutor(1), threads):
            assert count_cells(network, executor=executor).counts == expected.counts


@pytest.mark.usefixtures("many_slices")
@pytest.mark.parametrize("when", ["never", "always", "by turns", "until there is no room"])
def test_joined_now_or_later(when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which slices bring their leaves changes no count."""
    answers = {"never": [False], "by turns": [True, False, False]}.get(when, [True])
    turn = itertools.cycle(answers)
    monkeypatch.setattr(found_leaves, "repeats", lambda residues, joining=False: next(turn))
    monkeypatch.setattr(found_leaves, "LEAVES_AT_ONCE", 20)
    monkeypatch.setattr(cell_jobs, "CELLS_AT_ONCE", 20)
    monkeypatch.setattr(found_leaves, "JOINED_LEAVES", 25)
    if when == "until there is no room":
        monkeypatch.setattr(cell_count, "_JOINING", (0, 0))
    largest = sorted(ORACLE, key=lambda name: ORACLE[name]["affine_maps"] - ORACLE[name]["cells"])
    for name in (*largest[:40], *largest[40::9]):
        assert count_cells(network_of(name)).counts == ORACLE[name], name
    for name in largest[:6]:
        assert count_cells(network_of(name), executor=ShuffledExecutor(2), workers=3).counts == ORACLE[name], name


@pytest.mark.usefixtures("many_slices")
def test_a_pool_of_threads(large: Network) -> None:
    one, two = count_cells(large), count_cells(large, workers=2)
    assert one.counts == two.counts
    assert one.cells == CELLS
    assert count_cells(large, workers=3, counts="cells").cells == CELLS


@pytest.mark.slow
def test_a_dask_cluster(large: Network) -> None:
    distributed = pytest.importorskip("distributed", reason="needs the extra [dask]")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", worker_dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
        client.get_executor() as executor,
    ):
        assert len(client.nthreads()) == 2
        assert count_cells(large, executor=executor, workers=3).counts == count_cells(large).counts
        assert count_cells(large, executor=executor, workers=3, counts="cells").cells == CELLS


def test_progress_goes_from_nothing_to_everything(large: Network, many_slices: None) -> None:
    told: list[tuple[int, float]] = []
    count_cells(large, progress=lambda cells, share: told.append((cells, share)))
    assert len(told) > 3
    assert all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(told))
    assert told[-1] == (CELLS, 1.0)
    assert 0.0 <= told[0][1] < 1.0


# -------------------------------------------------------------------------- limits


@pytest.mark.parametrize("counts", ["all", "cells"])
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.usefixtures("many_slices")
def test_a_limit_of_cells(counts: str, workers: int, large: Network) -> None:
    result = count_cells(large, counts=counts, workers=workers, max_cells=2000)
    assert not result.complete
    assert result.reason == "stopped at the limit of 2,000 cells"
    assert result.cells is not None
    assert 2000 < result.cells < CELLS
    if counts == "all":
        assert result.affine_maps is not None
        assert 1 <= result.affine_maps == result.regions == result.regions_by_point <= result.cells
    else:
        assert result.regions is None


def test_a_limit_that_is_just_enough() -> None:
    name = max(ORACLE, key=lambda name: ORACLE[name]["cells"])
    cells = ORACLE[name]["cells"]
    assert count_cells(network_of(name), max_cells=cells).complete
    assert not count_cells(network_of(name), max_cells=cells - 1).complete


@pytest.mark.usefixtures("many_slices")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_limit_of_time(workers: int, endless: Network) -> None:
    result = count_cells(endless, time_limit=0.3, workers=workers)
    assert not result.complete
    assert result.reason == "stopped at the time limit of 0.3 s"
    assert result.cells is not None
    assert result.cells >= 1
    assert result.seconds < 60


def test_a_limit_of_memory(large: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    result = count_cells(large, memory=1 << 20)
    assert (result.complete, result.reason) == (False, "stopped at the memory limit of 1 MiB")
    assert count_cells(large, memory="100GiB").complete
    # as if every cell took a lot: the limit is met on the way
    monkeypatch.setattr(cell_count, "sorting_bytes", lambda leaves, threads: leaves << 20)
    monkeypatch.setattr(found_leaves, "LEAVES_AT_ONCE", 200)
    monkeypatch.setattr(cell_jobs, "CELLS_AT_ONCE", 200)
    monkeypatch.setattr(cell_count, "_NEAR", 0.0)
    monkeypatch.setattr(cell_count, "_FAR", 0.0)
    result = count_cells(large, memory=resident_bytes() + (8 << 30))
    assert not result.complete
    assert result.cells is not None
    assert 1 < result.cells < CELLS
    # residues are those of leaves: units that no output reads cut these into many cells
    rng = np.random.default_rng(0)
    network = Network.from_layers(
        [rng.normal(size=(6, 2)), rng.normal(size=(120, 6)), [[1] + [0] * 119]],
        [rng.normal(size=6), rng.normal(size=120), [0]],
    )
    result = count_cells(network, memory=resident_bytes() + (8 << 30))
    assert result.complete
    assert result.cells is not None
    assert result.cells > 8 << 10


@pytest.mark.usefixtures("many_slices")
def test_a_limit_of_memory_in_the_second_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Joining cells takes memory, too: as if it took a lot, the count ends with what the first pass has found."""
    name = max(ORACLE, key=lambda name: ORACLE[name]["cells"] - ORACLE[name]["affine_maps"])
    network = network_of(name)
    monkeypatch.setattr(Joiner, "bytes", property(lambda self: 1 << 50))
    monkeypatch.setattr(found_leaves, "KEPT_LEAVES", 0)
    monkeypatch.setattr(found_leaves, "repeats", lambda residues, joining=False: False)
    assert count_cells(network).counts == ORACLE[name]
    result = count_cells(network, memory="100GiB")
    assert (result.complete, result.exact) == (False, False)
    assert result.reason == "stopped at the memory limit of 102400 MiB"
    assert result.cells == ORACLE[name]["cells"]
    assert result.affine_maps == ORACLE[name]["affine_maps"]


def with_many_inputs(inputs: int) -> Network:
    """A network whose cells have tens of thousands of vertices and rays, so that one step can take minutes."""
    rng = np.random.default_rng(inputs)
    dims = (inputs, 48, 24, 1)
    weights = [rng.standard_normal((b, a)) / np.sqrt(a) for a, b in pairwise(dims)]
    return Network.from_layers(weights, [0.3 * rng.standard_normal(b) for b in dims[1:]])


@pytest.mark.parametrize("counts", ["all", "cells"])
@pytest.mark.parametrize(("inputs", "workers"), [(14, 1), (18, 1), (18, 2)])
def test_a_limit_of_time_inside_one_step(inputs: int, workers: int, counts: str) -> None:
    result = count_cells(with_many_inputs(inputs), counts=counts, time_limit=0.5, workers=workers)
    assert not result.complete
    assert result.reason is not None
    assert result.reason.startswith("stopped at the time limit of 0.5 s")
    assert result.cells is not None
    assert result.cells >= 1
    assert result.seconds < 60


@pytest.mark.parametrize("inputs", [60, 66])  # sets of facets in one word, and in several
def test_a_limit_of_time_inside_a_search_for_edges(inputs: int) -> None:
    """A cut of 10^5 generators looks at 10^9 pairs: 19 s, and minutes, where the search went on to its end."""
    rng = np.random.default_rng(1)
    units = inputs + 10
    weights = [rng.normal(size=(units, inputs)), rng.normal(size=(1, units))]
    watch = Stopwatch()
    result = count_cells(Network.from_layers(weights, [rng.normal(size=units), [0]]), time_limit=0.5)
    assert (result.complete, result.cells) == (False, 1)
    assert watch.seconds < 1 + 5 * slowness()


def test_cells_with_too_many_vertices_are_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cell_count, "_MANY_GENERATORS", 16)
    result = count_cells(with_many_inputs(18), time_limit=0.5)
    assert result.reason is not None
    assert "a cell in 18 dimensions has up to" in result.reason


def test_a_limit_of_memory_inside_one_step() -> None:
    result = count_cells(with_many_inputs(18), memory=resident_bytes() + (16 << 20), time_limit=120.0)
    assert not result.complete
    assert result.reason is not None
    assert result.reason.startswith("stopped at the memory limit")


def test_ctrl_c_inside_one_step() -> None:
    timer = threading.Timer(1.0, signal.raise_signal, [signal.SIGINT])
    timer.start()
    result = count_cells(with_many_inputs(18), time_limit=120.0)
    assert (result.complete, result.reason) == (False, INTERRUPTED)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"counts": "some"}, "take one of all, cells"),
        ({"workers": 0}, "at least one has to work"),
        ({"time_limit": 0}, "leaves no time"),
        ({"time_limit": float("nan")}, "leaves no time"),
        ({"max_cells": 0}, "leaves nothing to find"),
        ({"memory": "lots"}, "is not a size"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        count_cells(network_of(next(iter(ENTRIES))), **options)


# -------------------------------------------------------------------------- interruptions


@pytest.mark.usefixtures("many_slices")
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("counts", ["all", "cells"])
def test_ctrl_c_ends_with_what_was_found(workers: int, counts: str, large: Network) -> None:
    told: list[int] = []

    def press(cells: int, share: float) -> None:
        told.append(cells)
        if len(told) == 3:
            signal.raise_signal(signal.SIGINT)

    result = count_cells(large, workers=workers, counts=counts, progress=press)
    assert (result.complete, result.reason) == (False, INTERRUPTED)
    assert result.cells is not None
    assert told[2] <= result.cells < CELLS
    assert result.affine_maps is None if counts == "cells" else 1 <= result.affine_maps <= result.cells


def test_ctrl_c_inside_a_slice(large: Network, endless: Network) -> None:
    reasons = []
    for delay in (0.02, 0.1, 0.5, 2.5, 12.5):  # again, and later, where the signal came before the count began
        with suppress(KeyboardInterrupt):
            timer = threading.Timer(delay, signal.raise_signal, [signal.SIGINT])
            timer.start()
            reasons.append(count_cells(endless, counts="cells", time_limit=60.0).reason)
            break
    assert reasons[-1:] == [INTERRUPTED]
    assert count_cells(large, counts="cells").cells == CELLS


@pytest.mark.usefixtures("many_slices")
def test_a_worker_that_dies(large: Network) -> None:
    def kill(cells: int, share: float) -> None:
        for worker in executor._processes or ():  # and no other children, such as the resource tracker
            os.kill(worker, signal.SIGKILL)

    with ProcessPoolExecutor(2, mp_context=get_context("fork")) as executor:
        result = count_cells(large, executor=executor, counts="cells", progress=kill)
    assert not result.complete
    assert result.reason is not None
    assert "the executor lost a worker" in result.reason


def test_more_start_cells_than_can_be_listed() -> None:
    network = Network.from_layers([np.eye(70).tolist(), np.ones((1, 70)).tolist()])
    result = count_cells(network, counts="cells", max_cells=1000)
    assert not result.complete
    assert result.cells is not None
    assert result.cells > 1000


@pytest.mark.parametrize("counts", ["all", "cells"])
def test_a_count_within_the_time_limit_of_its_caller(counts: str) -> None:
    network = read_network(DATA / "nets" / "d4_16_16_1_s0.npz")
    with time_limit(0):
        result = count_cells(network, counts=counts)
    assert not result.exact
    assert result.reason == "stopped at the time limit in which the count ran"
    assert 1 <= result.cells < CELLS


def test_a_memory_limit_after_a_large_count() -> None:
    """What a count leaves for the next one is freed before a count with a limit, which would take it for its own."""
    count_cells(random_network([3, 60, 60, 1], rng=1, init="ternary"))
    before = resident_bytes()
    small = network_of(next(iter(ENTRIES)))
    assert count_cells(small).exact
    assert resident_bytes() > before - (1 << 20)
    assert count_cells(small, memory="10GiB").exact
    assert resident_bytes() < before - (2 << 20)
