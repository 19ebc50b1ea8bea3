"""Pieces of a cell tree as independent jobs: worked on for a slice of time, divided where they stand, done anywhere.

A job is a list of subtrees.  A worker takes one, works for a second or so and hands back what it found together with
the subtrees that are left, read off its stack.  So no job is too large, no work is lost, and limits, progress and
interruptions are a matter between slices.  Subtrees are told by decisions (stage, unit, side), so any process on any
machine can take over any of them, and the sum of all slices does not depend on who did what.
"""

from __future__ import annotations

import os
import pickle
import threading
import time
import uuid
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from nn_bridge.cells.core_problem import CoreProblem
from nn_bridge.cells.counting import found_leaves
from nn_bridge.cells.counting.found_leaves import joined
from nn_bridge.cells.counting.subtrees import Job
from nn_bridge.cells.problem import CellProblem
from nn_bridge.cells.tree import (
    COUNT_ONLY,
    JOINING_FACES,
    NEIGHBOURS,
    CellTree,
    CellTreeError,
    Division,
    Leaves,
    NoRoom,
    Subtree,
    branches,
    in_runs,
)
from polyhedra.compiled_core import core_or_refusal
from polyhedra.limits import OutOfTime, time_limit

if TYPE_CHECKING:
    from nn_bridge.cells import _core
else:
    _core = core_or_refusal("nn_bridge.cells._core")

GROUP_LEAVES = 1 << 14
"""A second pass visits groups of about this many leaves at once."""

WORTH = 0.002
"""Seconds of work that are worth a division, where a thread is idle."""

CELLS_AT_ONCE = 1 << 20
"""Cells that are counted between two looks at the limits."""

_KEEP = 4  # trees that a worker keeps
_GRACE = 0.5  # hard limit = time limit + so many seconds, for a step or a count inside one cell
_NO_LIMIT = 1 << 62
_THIS = uuid.uuid4().hex  # begins the names of tasks made here
_NUMBERS = count()


# -------------------------------------------------------------------------- questions to a worker and its answers


class Task:
    """A problem under a name: packed once, if it travels, and unpacked once in every process that works on it."""

    def __init__(self, key: str, problem: CellProblem | None, packed: bytes = b"", merge: bool = True) -> None:
        self.key, self._problem, self._packed = key, problem, packed
        self.merge = merge  # leaves are cells of the network without units of the last stage that no output reads
        self.stop = _core.Stop()  # ends slices in other threads of this process
        self.share = _core.Stop()  # ends them softly: a thread is idle
        self._making = threading.Lock()
        self._arrays: CoreProblem | None = None

    @property
    def arrays(self) -> CoreProblem:
        """The problem as the core takes it, for all threads."""
        with self._making:
            if self._arrays is None:
                self._arrays = CoreProblem(self.problem)
            return self._arrays

    @classmethod
    def of(cls, problem: CellProblem, merge: bool = True) -> Task:
        """Name a problem; names differ between machines and processes, even if a forked one has a number once more."""
        return cls(f"{_THIS}-{os.getpid()}-{time.time_ns()}-{next(_NUMBERS)}", problem, merge=merge)

    @property
    def problem(self) -> CellProblem:
        """The problem."""
        if self._problem is None:
            self._problem = pickle.loads(zlib.decompress(self._packed))
        return self._problem

    def pack(self) -> None:
        """Make ready to travel: while there is memory, since an executor sends from a thread of its own at any time."""
        if not self._packed:
            self._packed = zlib.compress(pickle.dumps(self._problem), 1)

    def __reduce__(self) -> tuple[type[Task], tuple[str, None, bytes, bool]]:
        self.pack()
        return Task, (self.key, None, self._packed, self.merge)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Task) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@dataclass(frozen=True)
class Limits:
    """When a slice ends: after ``seconds``, or ``cells`` found; ``last_second`` is the hard limit.

    ``memory`` are the bytes by which the storage of the worker may grow.
    """

    seconds: float
    last_second: float = float("inf")
    cells: int | None = None
    memory: int | None = None


@dataclass(frozen=True)
class Group:
    """Subtrees that were worked off one after another, and the number of their leaves.

    ``begins`` is the packed mask `Leaves.begins`, or None where they are not known.
    """

    parts: Job
    leaves: int
    begins: bytes | None = None


@dataclass(frozen=True)
class Slice:
    """The result of one slice of a job.

    Attributes
    ----------
    cells : int
        Cells found.
    rest : Job
        What is left of the job.
    groups : tuple of Group
        What was done, in order (only where residues were asked for).
    residues : array of uint64
        The residues of the leaves' affine maps, in the order of the groups.
    leaves : tuple of Leaves
        All leaves that have not been joined yet, or none.
    joining : bool
        Whether they are to be joined; else few have their neighbours.
    repeats : bool
        Whether the residues of the latest leaves are such that all are best brought and joined
        (`nn_bridge.cells.repeated_maps.repeats`).
    partial : int
        Beside ``cells``: cells met in the count of one cell that was broken off, which ``rest`` begins anew.
    interrupted : bool
        The slice was ended by Ctrl-C.
    no_room : bool
        It was ended because a cell takes more memory than is left.
    generators : int
        The most vertices and rays that a cell had.
    """

    cells: int
    rest: Job = ()
    groups: tuple[Group, ...] = ()
    residues: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint64))
    leaves: tuple[Leaves, ...] = ()
    joining: bool = False
    repeats: bool = False
    partial: int = 0
    interrupted: bool = False
    no_room: bool = False
    generators: int = 0


class _Trees(threading.local):
    """The trees of one thread: a worker may have several, and a run has the tree to itself."""

    def __init__(self) -> None:
        self.by_key: OrderedDict[tuple[str, int, bool], CellTree] = OrderedDict()


_TREES = _Trees()


def _tree(task: Task, emit: int, count_last_stage: bool = False) -> CellTree:
    """This thread's tree for a task: building one can take longer than a slice."""
    trees = _TREES.by_key
    key = task.key, emit, count_last_stage
    tree = trees.pop(key, None)
    if tree is None:
        known = next((tree for (task_key, _, _), tree in trees.items() if task_key == task.key), None)
        arrays = task.arrays if known is None else known.arrays  # a task that has travelled comes anew with each job
        tree = CellTree(arrays.problem, emit, count_last_stage=count_last_stage, arrays=arrays, merge=task.merge)
    trees[key] = tree
    while len(trees) > _KEEP:
        trees.popitem(last=False)
    return tree


def tree_with_faces(task: Task, room: int | None = None) -> CellTree:
    """A tree for leaves that are brought once more, with facets and points: this thread's own, if it has one.

    Its storage may grow by ``room`` bytes.
    """
    trees = _TREES.by_key
    if (tree := trees.pop((task.key, NEIGHBOURS, False), None)) is not None:
        tree.turn_to(JOINING_FACES)
        trees[task.key, JOINING_FACES, False] = tree
    tree = _tree(task, JOINING_FACES)
    tree.room = room
    return tree


def give_back_memory() -> None:
    """Free the memory that earlier runs of this process have left for later ones."""
    _core.give_back_memory()


def forget(task: Task) -> None:
    """Give up this thread's trees for a task that is over."""
    for key in [key for key in _TREES.by_key if key[0] == task.key]:
        del _TREES.by_key[key]


def count_slice(
    task: Task,
    job: Job,
    limits: Limits,
    residues: bool,
    joining: bool | None = False,
    join: Callable[[Leaves], None] | None = None,
) -> Slice:
    """Work on a job for a slice of time; runs in any process.

    Parameters
    ----------
    task : Task
    job : tuple of Subtree
    limits : Limits
    residues : bool
        Record the residues of the leaves' affine maps; else only count the cells, by the fastest route.
    joining : bool, optional
        With ``residues``: bring the leaves with their neighbours, of which a slice then has few.  None: if residues
        repeat.
    join : callable, optional
        Joins a batch of leaves in this process, at once; the slice then does not bring those that are to be joined.
    """
    begun = time.monotonic()
    try:
        with time_limit(limits.last_second):
            tree = _tree(task, NEIGHBOURS if residues else COUNT_ONLY, count_last_stage=not residues)
    except OutOfTime:
        return Slice(0, job)
    tree.room = limits.memory
    found = found_leaves.FoundLeaves(tree, joining, join) if residues else None
    before, grouped = tree.cells, tree.leaves
    most = _NO_LIMIT if limits.cells is None else limits.cells
    groups: list[Group] = []
    parts: list[Subtree] = []
    work = list(reversed(job))
    cut_off: type[BaseException] | None = None
    partial, over = 0, False
    while work and not over:
        run = [work.pop()]
        while work and tree.problem.generators and branches(run[0], run[-1], work[-1]):
            run.append(work.pop())
        tree.start(*run)
        division = None
        while division is None:
            tree.batch_leaves = found_leaves.LEAVES_AT_ONCE if found is None else found.begin_batch()
            at_once = tree.batch_leaves if residues else CELLS_AT_ONCE
            spent = time.monotonic() - begun
            try:
                last_second = limits.last_second + _GRACE - spent
                done = tree.work(
                    limits.seconds - spent, last_second, min(at_once, before + most - tree.cells), task.stop, task.share
                )
            except (KeyboardInterrupt, NoRoom) as error:
                cut_off, done = type(error), False
            except BaseException:
                _TREES.by_key.clear()  # they may have been left in the middle of anything
                raise
            cells, partial = tree.cells - before, tree.partial
            if found is not None:
                found.add(tree.take(), cells)
                if found.joining is None and cells >= found_leaves.TRIAL_LEAVES:
                    found.decide()
            over = (
                cut_off is not None
                or task.stop.is_set()
                or time.monotonic() - begun > (min(limits.seconds, WORTH) if task.share.is_set() else limits.seconds)
                or cells >= most
            )
            over = over or (found is not None and found.enough)
            if done or over or (residues and tree.leaves - grouped >= GROUP_LEAVES):
                division = Division(run, []) if done else tree.divided()
        parts += division.done
        work += reversed(division.rest)
        if found is not None and parts and (over or not work or tree.leaves - grouped >= GROUP_LEAVES):
            own = tree.leaves - grouped
            groups.append(Group(tuple(parts), own, found.begins_of(own)))
            parts, grouped = [], tree.leaves
    rest = tuple(reversed(work))
    brought: dict[str, Any] = {}
    if found is not None:
        brought = {
            "groups": tuple(groups),
            "residues": joined(found.residues),
            "repeats": found.repeat(bool(rest)),  # which may decide whether leaves are joined
            "leaves": tuple(found.leaves),
            "joining": bool(found.joining),
        }
    return Slice(
        tree.cells - before,
        rest,
        partial=partial,
        interrupted=cut_off is KeyboardInterrupt,
        no_room=cut_off is NoRoom,
        generators=tree.most_generators,
        **brought,
    )


def leaves_again(
    task: Task,
    groups: tuple[Group, ...],
    select: np.ndarray,
    keys: np.ndarray,
    limits: Limits = Limits(float("inf")),
) -> list[Leaves]:
    """The marked leaves of some groups once more, with their neighbours.

    Parameters
    ----------
    task : Task
    groups : tuple of Group
        From the first pass.
    select : array of uint8
        Marks leaves, in the order of the first pass.
    keys : array of uint64
        The residues of the marked leaves.  Leaves with other residues are not among the marked ones, and all with
        these residues are.
    limits : Limits
        Of which ``last_second`` and ``memory`` matter.

    Raises
    ------
    OutOfTime, NoRoom
        A limit was reached.
    CellTreeError
        The groups have other leaves.
    """
    try:
        return _leaves_again(task, groups, select, keys, limits)
    except BaseException:
        _TREES.by_key.clear()  # they may have been left in the middle of anything
        raise


def _leaves_again(
    task: Task, groups: tuple[Group, ...], select: np.ndarray, keys: np.ndarray, limits: Limits
) -> list[Leaves]:
    deadline = time.monotonic() + limits.last_second + _GRACE
    tree = _tree(task, NEIGHBOURS)
    tree.room = limits.memory
    tree.batch_leaves = found_leaves.LEAVES_AT_ONCE
    tree.write_faces(True)
    tree.cover(False)
    parts = [part for group in groups for part in group.parts]
    tree.mark(select, _begins(groups))
    batches = [leaves for leaves in _until(deadline, tree, parts) if len(leaves.residues)]
    if np.array_equal(joined([leaves.residues for leaves in batches]), keys):
        return batches
    # signs that were open in the first pass may be known by now, and units split in another order: choose by residues
    tree.mark(np.zeros(0, np.uint8))
    wanted = np.unique(keys)
    batches = [leaves.chosen(np.isin(leaves.residues, wanted)) for leaves in _until(deadline, tree, parts)]
    batches = [leaves for leaves in batches if len(leaves.residues)]
    if not np.array_equal(np.sort(joined([leaves.residues for leaves in batches])), np.sort(keys)):
        raise CellTreeError("a later pass met other cells than the first; please report this network")
    return batches


def _until(deadline: float, tree: CellTree, parts: list[Subtree]) -> Iterator[Leaves]:
    for run in in_runs(parts):
        for leaves in tree.run(*run):
            if time.monotonic() > deadline:
                raise OutOfTime
            yield leaves


def _begins(groups: tuple[Group, ...]) -> np.ndarray | None:
    """The masks ``Leaves.begins`` of the groups as one, if all are known."""
    masks = []
    for group in groups:
        if group.begins is None:
            return None
        masks.append(np.unpackbits(np.frombuffer(group.begins, np.uint8), count=group.leaves))
    return np.concatenate(masks)
