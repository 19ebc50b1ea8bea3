"""The engine ``cells``: the four counts of a network, exactly, by subdivision, with limits, workers and checkpoints.

The first pass visits every cell and keeps the residues of its affine map, eight bytes.  Where many residues repeat, it
also brings the neighbours of the cells, which are joined as they come (`nn_bridge.cells.joining`).  Else cells whose
residues occur once are regions of their own, and a second pass brings those of the others.  If only the number of
cells is wanted, the first pass keeps nothing and counts the last stage without enumerating it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from os import PathLike
from typing import Protocol, runtime_checkable

import numpy as np

from nn_bridge.cells.core_problem import CoreProblem
from nn_bridge.cells.counting import jobs
from nn_bridge.cells.counting.budget import INTERRUPTED, Budget, Stop, check_options
from nn_bridge.cells.counting.checkpoint import Checkpoint, Record
from nn_bridge.cells.counting.found_leaves import KEPT_LEAVES
from nn_bridge.cells.counting.identity import identity_of
from nn_bridge.cells.counting.jobs import Limits, Slice, Task, count_slice, leaves_again
from nn_bridge.cells.counting.plain_count import count_plain, runs_plain
from nn_bridge.cells.counting.pool import NotStarted, Pool, Scheduler, Unanswered, WorkerLost, sensible_workers
from nn_bridge.cells.counting.subtrees import divided, weight
from nn_bridge.cells.counting.tally import Tally, selected_batches
from nn_bridge.cells.joining import FourCounts, Joiner
from nn_bridge.cells.problem import CellProblem, cell_problem
from nn_bridge.cells.repeated_maps import duplicates, sorting_bytes
from nn_bridge.cells.start_cells import TooManyVertices
from nn_bridge.cells.tree import Leaves, NoRoom, Subtree
from nn_bridge.network.network import Network
from nn_bridge.network.repeated_units import unrepeated
from nn_bridge.region_count import RegionCount
from polyhedra.limits import OutOfTime
from polyhedra.memory import parse_bytes
from polyhedra.polyhedron import Polyhedron

OUT_OF_MEMORY = "out of memory"
"""The reason of a count that found no more memory."""

Progress = Callable[[int, float], None]
"""Told the number of cells found and the share of the tree done (0 to 1)."""


@runtime_checkable
class Posed(Protocol):
    """A progress function that is told the problem, too."""

    def posed(self, problem: CellProblem, arrays: Callable[[], CoreProblem]) -> None:
        """Take the problem, reduced, and the function that gives it as the core takes it."""
        ...


# seconds a slice: the first, in this thread, before others begin; where jobs are few, so that they are soon divided;
# in threads (with longer ones a worker waits for work); in this thread alone, or where handing over takes long
_FIRST, _SHORT, _NEAR, _FAR = 0.004, 0.03, 0.2, 1.0
_JOBS_PER_WORKER = 3
_JOINING = 1 << 25, 48  # memory share of the joiner in the first pass: bytes, and bytes per cell
_MANY_CELLS = 1 << 20  # with fewer, once cells have been joined, all are: a second pass takes longer
_MANY_GENERATORS = 1 << 14  # a cell with this many generators dominates the run time: advise a slice
_ENDING = 3.0  # seconds that slices under way get to end where a limit is reached
_FEW_CELLS = 1 << 17  # a second pass over fewer is done here, before threads would have begun


def count_cells(
    network: Network,
    domain: Polyhedron | None = None,
    *,
    counts: str = "all",
    workers: int | None = None,
    executor: Executor | None = None,
    time_limit: float | None = None,
    max_cells: int | None = None,
    memory: int | str | None = None,
    checkpoint: str | PathLike[str] | None = None,
    progress: Progress | None = None,
    domain_text: str = "all",
) -> RegionCount:
    """Count cells and linear regions exactly by subdivision.

    Parameters
    ----------
    network : Network
    domain : Polyhedron, optional
        Full-dimensional; all of R^n by default.
    counts : {"all", "cells"}
        With "cells" the other three counts are None, and the number of cells is found by the fastest route.
    workers : int, optional
        Threads to work with; 1 by default.  With an executor: slices to keep in flight there.
    executor : concurrent.futures.Executor, optional
        Where to work instead of in a pool of our own, such as ``dask.distributed.Client(..).get_executor()``.
    time_limit : float, optional
        Seconds.  When a limit is reached the count ends incomplete, with lower bounds.
    max_cells : int, optional
        Give up when there are more cells than this.
    memory : int or str, optional
        Bytes, or ``"2GiB"``: what this process and its workers may occupy.
    checkpoint : path, optional
        A folder from which the same count goes on after being stopped or killed.
    progress : callable, optional
        Called with the number of cells and the share of the tree done, about once a second.
    domain_text : str
        What the result calls the domain.

    Returns
    -------
    RegionCount

    Raises
    ------
    NetworkError
        An option makes no sense, the domain doesn't fit, or the checkpoint can't be used.

    Examples
    --------
    >>> count_cells(Network.from_layers([[[1, 0], [0, 1]], [[1, -1]]])).cells
    4
    """
    begun = time.monotonic()
    check_options(counts, time_limit, max_cells)
    if runs_plain():
        return count_plain(
            network,
            domain,
            counts=counts,
            workers=workers,
            executor=executor,
            time_limit=time_limit,
            max_cells=max_cells,
            memory=memory,
            checkpoint=checkpoint,
            progress=progress,
            domain_text=domain_text,
        )
    if workers is None:
        workers = 1 if executor is None else sensible_workers(executor)
    budget = Budget(time_limit, max_cells, None if memory is None else parse_bytes(memory), begun)
    if memory is not None:
        jobs.give_back_memory()
    with Pool(workers, executor) as pool:
        count = CountRun(counts == "all", pool, budget, progress)
        count.run(network, domain, checkpoint)
    reason = count.reason
    if reason is None and counts == "cells":
        reason = "only cells were asked for"
    return RegionCount(
        *count.result,
        engine="cells",
        domain=domain_text,
        exact=count.reason is None,
        complete=count.reason is None,
        seconds=time.monotonic() - begun,
        reason=reason,
    )


class CountRun:
    """The state of one count."""

    def __init__(self, all_four: bool, pool: Pool, budget: Budget, progress: Progress | None) -> None:
        self._problem: CellProblem | None = None
        self._all_four = all_four
        self._pool, self._budget, self._progress = pool, budget, progress
        self._tally = Tally({})
        self._ends = float("inf")
        self.reason: str | None = None
        self.result: tuple[int, int | None, int | None, int | None] = (1, None, None, None)

    def run(self, network: Network, domain: Polyhedron | None, folder: str | PathLike[str] | None) -> None:
        """Run the count and set `result` and, if it stopped early, `reason`."""
        try:
            self.result = self._run(network, domain, folder)
            return
        except Stop as stop:
            self.reason = str(stop) + self._advice()
        except OutOfTime as over:
            silent = "; a worker did not answer" if isinstance(over, Unanswered) else ""
            self.reason = (self.reason or str(self._budget.out_of_time())) + silent + self._advice()
        except NoRoom:
            self.reason = str(self._budget.out_of_memory()) + self._advice()
        except KeyboardInterrupt:
            self.reason = INTERRUPTED
        except NotStarted as error:
            self.reason = str(error)
        except WorkerLost as lost:
            again = "with a checkpoint such a count can go on" if folder is None else "the same count goes on from here"
            self.reason = f"{lost}; {again}"
        except TooManyVertices as error:
            self.reason = str(error)
        except MemoryError:
            self.reason = OUT_OF_MEMORY
        maps: int | None = None
        if self._all_four:
            try:
                maps = self._tally.distinct()
            except MemoryError:  # telling residues apart takes some, too
                maps = 1
            maps = max(maps, 1)
        # a domain has a cell, even if there was no time to meet it
        self.result = (max(self._tally.found, 1), maps, maps, maps)

    def _run(
        self, network: Network, domain: Polyhedron | None, folder: str | PathLike[str] | None
    ) -> tuple[int, int | None, int | None, int | None]:
        with self._budget.watched(self._pool):
            if folder is None:  # a checkpoint names units by their numbers
                network = unrepeated(network, opposite=self._all_four)
            problem = cell_problem(network, domain)
            if problem is not None and not self._all_four:
                problem = problem.for_counting()
            self._problem = problem
            identity = None if folder is None else identity_of(network, domain, self._kind, problem)
        found: FourCounts | int
        if identity is None or folder is None:
            found = self.count(problem, None)
        else:
            with Checkpoint(folder, identity) as checkpoint:
                found = self.count(problem, checkpoint)
        return (found, None, None, None) if isinstance(found, int) else found

    @property
    def _kind(self) -> str:
        return "all" if self._all_four else "cells"

    def _advice(self) -> str:
        if self._tally.generators < _MANY_GENERATORS or self._problem is None:
            return ""
        return (
            f"; a cell in {self._problem.dim} dimensions has up to {self._tally.generators} vertices and rays here, "
            "too many for this engine: count on a slice"
        )

    def count(self, problem: CellProblem | None, checkpoint: Checkpoint | None) -> FourCounts | int:
        """Count to the end: the four counts, or the cells alone; raises the exception that stops it."""
        self._problem = problem
        if problem is None:
            return FourCounts(1, 1, 1, 1) if self._all_four else 1
        # a checkpoint names leaves by numbers, and those of earlier versions were cells
        self._task = task = Task.of(problem, merge=checkpoint is None)
        if self._progress is not None and isinstance(self._progress, Posed):
            self._progress.posed(problem, lambda: task.arrays)
        if self._pool.elsewhere:
            self._task.pack()
        self._pool.stop = self._task.stop.set
        self._tally = tally = Tally({0: (Subtree(0, (), problem.roots),)})
        self._joiner: Joiner | None = None
        self._kept: dict[int, tuple[Leaves, ...]] = {}  # leaves that were not joined, by the number of their slice
        # leaves in a checkpoint would take too much: with one, the second pass brings them
        self._joining: bool | None = None if checkpoint is None else False
        if checkpoint is not None:
            for record in checkpoint.records(problem.roots, problem.network.hidden):
                tally.add(record)
        try:
            self._first_pass(checkpoint)
            return self._joined_cells() if self._all_four else tally.cells
        finally:
            jobs.forget(task)

    # ---------------------------------------------------------------- first pass

    def _first_pass(self, checkpoint: Checkpoint | None) -> None:
        tally, pool = self._tally, self._pool
        self._check()
        if not pool.elsewhere and 0 in tally.waiting:
            # a small count is over before a thread would have begun
            limits = self._limits(_FIRST if pool.threads else _FAR)
            first = count_slice(self._task, tally.waiting[0], limits, self._all_four, self._joining, self._join)
            self._absorb(0, first, checkpoint)
        if tally.waiting and self.reason is None:
            self._work_off(checkpoint)
        if self.reason is not None:
            raise Stop(self.reason)

    def _work_off(self, checkpoint: Checkpoint | None) -> None:
        """Give the jobs that wait to the workers, slice by slice, till none is left or a limit is reached."""
        tally, pool = self._tally, self._pool
        started: set[int] = set()

        def start() -> tuple[int, Future[Slice]] | None:
            if self.reason is not None:
                return None
            ready = [key for key in reversed(tally.waiting) if key not in started]
            if not ready:
                if pool.threads and started:
                    self._task.share.set()  # slices under way end soon, and what is left of them is divided
                return None
            self._task.share.clear()
            key = ready[0]
            few = not (pool.alone or pool.threads) and len(ready) < 2 * pool.size
            usual = _FAR if pool.alone or pool.elsewhere else _NEAR
            limits = self._limits(_SHORT if few else usual)
            started.add(key)
            join = self._join if pool.alone else None
            job = tally.waiting[key]
            return key, pool.submit(count_slice, self._task, job, limits, self._all_four, self._joining, join)

        scheduler = Scheduler(pool, start, self._patience, lambda: self._budget.check_memory(pool))
        for key, result in scheduler.take():
            self._absorb(key, result, checkpoint)
            started.discard(key)
        if scheduler.interrupted:
            raise KeyboardInterrupt

    def _patience(self) -> float:
        """The seconds that an answer may take: till the time limit, and not long where another one is reached."""
        return min(self._budget.remaining, self._ends - time.monotonic())

    def _limits(self, seconds: float) -> Limits:
        most = self._budget.max_cells
        left = None if most is None else max(1, most + 1 - self._tally.cells)
        remaining = self._budget.remaining
        return Limits(min(seconds, max(0.0, remaining)), remaining, left, self._budget.room(self._pool))

    def _absorb(self, key: int, result: Slice, checkpoint: Checkpoint | None) -> None:
        tally, pool = self._tally, self._pool
        tally.generators = max(tally.generators, result.generators)
        free = 1 if pool.alone else max(1, _JOBS_PER_WORKER * pool.size - len(tally.waiting) + 1)
        rest = divided(result.rest, free)
        parts = min(free, len(rest))
        left = tuple(rest[part::parts] for part in range(parts))
        record = Record(key, result.cells, left, result.groups, result.residues)
        tally.add(record, joined=result.joining)
        tally.partial += result.partial
        if result.joining:
            for leaves in result.leaves:
                self._join(leaves)
        elif result.leaves:
            self._keep(len(tally.residues) - 1, result.leaves)
        if checkpoint is not None:
            checkpoint.append(record)
        elif self._all_four and self._joining is not False:
            self._joining = self._joining_from_here(result.repeats)
            if self._joining and self._kept:
                self._join_kept(np.ones(sum(map(len, tally.residues)), np.uint8))
        self._report()
        try:
            if result.no_room:
                raise self._budget.out_of_memory()
            self._check()
        except Stop as stop:
            if self.reason is None:  # slices in flight end soon, and count
                self.reason, self._ends = str(stop), time.monotonic() + _ENDING
        if result.interrupted:
            raise KeyboardInterrupt

    def _check(self) -> None:
        sorts = self._all_four and self._budget.memory is not None
        to_come = sorting_bytes(self._tally.leaves, self._sorters) if sorts else 0
        self._budget.check(self._tally.found, self._pool, to_come)

    @property
    def _sorters(self) -> int:
        """How many threads sort residues."""
        return self._pool.size if self._pool.threads else 1

    def _report(self) -> None:
        if self._progress is not None and self._problem is not None:
            left = sum(weight(job, self._problem) for job in self._tally.waiting.values())
            self._progress(self._tally.found, 1.0 - left / self._problem.roots)

    # ---------------------------------------------------------------- second pass

    def _joining_from_here(self, repeats: bool) -> bool | None:
        """Whether slices bring leaves to join: True, False, or None where each slice decides."""
        once, each = _JOINING
        if self._joiner is None:
            return True if repeats else None
        if self._joiner.bytes > once + each * self._tally.cells:
            return False  # the joiner is over its memory share: pay for a second enumeration
        return True if repeats or self._tally.cells < _MANY_CELLS else None

    def _keep(self, slice_number: int, batches: tuple[Leaves, ...]) -> None:
        """Keep the leaves of a slice, while they are few: their map may come again."""
        self._kept[slice_number] = batches
        if sum(len(self._tally.residues[number]) for number in self._kept) > KEPT_LEAVES:
            self._kept.clear()

    def _join_kept(self, select: np.ndarray) -> None:
        """Join those of the kept leaves that a mask over all leaves selects; few of them know their neighbours."""
        ends = np.cumsum([0, *map(len, self._tally.residues)]).tolist()
        for number, batches in self._kept.items():
            at = ends[number]
            for leaves in batches:
                own = select[at : at + len(leaves.residues)].view(bool)
                at += len(leaves.residues)
                if own.any():
                    self._join(leaves.chosen(own))
            self._tally.joined[number] = True
        self._kept.clear()

    def _join(self, leaves: Leaves) -> None:
        if self._joiner is None:
            assert self._problem is not None
            self._joiner = Joiner(self._problem, self._task.arrays.core.words, self._task.arrays)
        self._joiner.add(leaves)

    def _joined_cells(self) -> FourCounts:
        """Join the cells that may have equal maps; batches of them come from the workers in any order."""
        tally = self._tally
        cells, leaves = tally.cells, tally.leaves
        self._check()
        if not all(tally.joined) and len((again := duplicates(tally.residues, self._sorters)).residues):
            select = again.select
            self._join_kept(select)
            left = select & ~np.repeat(tally.joined, [len(residues) for residues in tally.residues])
            if left.any():
                self._feed(self._join, left)
        joiner = self._joiner
        if joiner is None:
            return FourCounts(cells, leaves, leaves, leaves)
        with self._budget.watched(self._pool):
            joiner.settle(lambda: jobs.tree_with_faces(self._task, self._budget.room(Pool())))
        return joiner.counts(cells, leaves)

    def _feed(self, take: Callable[[Leaves], None], select: np.ndarray) -> None:
        """Visit the selected leaves once more, with their neighbours."""
        tally = self._tally
        pool = self._pool if tally.cells > _FEW_CELLS else Pool()
        selected = selected_batches(tally, select)

        def start() -> tuple[None, Future[list[Leaves]]] | None:
            self._budget.check(0, pool)
            job = next(selected, None)
            return None if job is None else (None, pool.submit(leaves_again, self._task, *job, self._limits(_FAR)))

        scheduler = Scheduler(pool, start, self._patience, lambda: self._budget.check_memory(pool))
        for _, batches in scheduler.take():
            for leaves in batches:
                take(leaves)
            # tables of the joiner double where they are full: the new one is needed beside the old
            self._budget.check_memory(pool, 0 if self._joiner is None else self._joiner.bytes)
        if scheduler.interrupted:
            raise KeyboardInterrupt


def count_from_tree(problem: CellProblem | None) -> FourCounts:
    """The four counts of a problem in one process, exactly (None, nothing to cut: one cell).

    Examples
    --------
    >>> count_from_tree(cell_problem(Network.from_layers([[[1, 0], [0, 1]], [[1, -1]]])))
    FourCounts(cells=4, regions=4, regions_by_point=4, affine_maps=4)
    """
    counts = CountRun(True, Pool(), Budget(None, None, None), None).count(problem, None)
    assert isinstance(counts, FourCounts)
    return counts
