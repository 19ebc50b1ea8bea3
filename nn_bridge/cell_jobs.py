"""Pieces of a cell tree as independent jobs: worked on for a slice of time, divided where they stand, done anywhere.

A job is a list of subtrees.  A worker takes one, works for a second or so and hands back what it found together with
the subtrees that are left, read off its stack.  So no job is too large, no work is lost, and limits, progress and
interruptions are a matter between slices.  Subtrees are told by decisions (stage, unit, side), so any process on any
machine can take over any of them, and the sum of all slices does not depend on who did what.
"""

from __future__ import annotations

import hashlib
import pickle
import threading
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from nn_bridge import _cell_kernels as kernels
from nn_bridge.cell_problem import CellProblem, cell_arrays
from nn_bridge.cell_tree import COUNT_ONLY, JOINS, PATTERNS, CellTree, CellTreeError, Decision, Leaves, Subtree

Job = tuple[Subtree, ...]

GROUP_LEAVES = 1 << 14
"""A second pass visits groups of about this many leaves at once."""

STEPS_AT_ONCE = 1 << 12
"""Steps of a run between two looks at the clock: some hundredths of a second."""

_KEEP = 4  # trees that a worker remembers
_GRACE = 0.5  # seconds that a count inside one cell may go on when time is up
_FEWEST_STEPS = 64
_NO_LIMIT = 1 << 62


def weight(job: Job) -> float:
    """The share of the tree that a job covers, in units where a start cell is 1 and each split halves."""
    return sum(part.roots * 0.5 ** len(part.path) for part in job)


class Division(NamedTuple):
    """A run divided where it stands: subtrees that it has finished, and those that it has not."""

    done: list[Subtree]
    rest: list[Subtree]


def divide(tree: CellTree, subtree: Subtree) -> Division:
    """Divide a run that has just given back control; it then ends without working on the rest.

    A count inside the last stage of a cell can't be divided: what is left of it stays on the stack, and the run
    finishes it (as part of what is done) when it is continued.

    Parameters
    ----------
    tree : CellTree
        With a run in progress.
    subtree : Subtree
        What it was started on.
    """
    size = int(tree.st[kernels.SP])
    cells = int(np.count_nonzero(tree.node[:size, kernels.N_KIND] <= 0))  # the others count inside one cell, on top
    depths = tree.node[:cells, kernels.N_DEPTH].tolist()
    start = len(subtree.path)
    if start:
        division = _divided(tree, subtree, depths) if cells else Division([subtree], [])
    else:
        division = _divided_roots(tree, subtree, depths)
    tree.node[: size - cells] = tree.node[cells:size].copy()
    tree.node_mask[: size - cells] = tree.node_mask[cells:size].copy()
    tree.st[kernels.SP] = size - cells
    tree.roots_left = range(0)
    return division


def _divided_roots(tree: CellTree, subtree: Subtree, depths: list[int]) -> Division:
    """`divide` for start cells, which are visited in blocks, from the last of a block to its first."""
    waiting = depths.count(0)
    current = tree.block.start + waiting
    done, rest = [], []
    if tree.block.start > subtree.root:
        done.append(Subtree(subtree.root, (), tree.block.start - subtree.root))
    if len(depths) == waiting:
        if current < tree.block.stop:
            done.append(Subtree(current, (), tree.block.stop - current))
    else:
        if current + 1 < tree.block.stop:
            done.append(Subtree(current + 1, (), tree.block.stop - current - 1))
        inside = _divided(tree, Subtree(current), depths[waiting:], waiting)
        done += inside.done
        rest += inside.rest
    if waiting:
        rest.append(Subtree(tree.block.start, (), waiting))
    if tree.roots_left:
        # there may be more start cells than a length can say
        rest.append(Subtree(tree.roots_left.start, (), tree.roots_left.stop - tree.roots_left.start))
    return Division(done, rest)


def _divided(tree: CellTree, subtree: Subtree, depths: list[int], first: int = 0) -> Division:
    """`divide` inside one start cell, whose nodes lie on the stack from ``first`` on."""
    start = len(subtree.path)
    if depths[-1] <= start:
        return Division([], [subtree])  # still on the way there
    columns = [kernels.N_DSTAGE, kernels.N_DUNIT, kernels.N_DSIGN]
    steps: list[Decision] = [(s, u, side) for s, u, side in tree.node[first : first + len(depths), columns].tolist()]
    trace: list[Decision] = [(s, u, side) for s, u, side in tree.trace[: depths[-1] - 1].tolist()]
    path = (*trace, steps[-1])
    # a node's positive side is visited first: where the path to the top turned to the negative one, it is done
    done = [Subtree(subtree.root, (*path[:i], (*path[i][:2], 1))) for i in range(start, len(path)) if path[i][2] == 0]
    rest = [Subtree(subtree.root, (*path[: d - 1], step)) for d, step in zip(depths, steps, strict=True)]
    return Division(done, rest[::-1])


def _on_the_way(tree: CellTree, subtree: Subtree) -> bool:
    """Whether a run has not yet come past its first cell, so that stopping it would gain nothing."""
    top = int(tree.st[kernels.SP]) - 1
    return top >= 0 and 0 < len(subtree.path) >= int(tree.node[top, kernels.N_DEPTH])


# -------------------------------------------------------------------------- what a worker is asked and answers


@dataclass(frozen=True)
class Task:
    """A problem, packed once and unpacked once in every process that works on it."""

    key: str
    packed: bytes

    @classmethod
    def of(cls, problem: CellProblem) -> Task:
        """Pack a problem."""
        content = pickle.dumps(problem)
        return cls(hashlib.sha256(content).hexdigest(), zlib.compress(content, 1))


@dataclass(frozen=True)
class Limits:
    """When a slice ends: after ``seconds``, or ``cells`` found; ``last_second`` is when time is up for everybody."""

    seconds: float
    last_second: float = float("inf")
    cells: int | None = None


@dataclass(frozen=True)
class Group:
    """Subtrees that were worked off one after another, and the number of their leaves."""

    parts: Job
    leaves: int


@dataclass(frozen=True)
class Slice:
    """What came of a job in one slice.

    Attributes
    ----------
    cells : int
        Cells found.
    rest : Job
        What is left of the job.
    groups : tuple of Group
        What was done, in order (only where prints were asked for).
    prints : array of uint64
        The residues of the leaves' affine maps, in the order of the groups.
    abandoned : bool
        The slice was cut off: ``cells`` and ``prints`` were found, but the job must be done again from its start.
    interrupted : bool
        It was cut off by Ctrl-C.
    """

    cells: int
    rest: Job = ()
    groups: tuple[Group, ...] = ()
    prints: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint64))
    abandoned: bool = False
    interrupted: bool = False


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
        problem = pickle.loads(zlib.decompress(task.packed)) if known is None else known.problem
        arrays = cell_arrays(problem) if known is None else known.arrays
        tree = CellTree(problem, emit, count_last_stage=count_last_stage, arrays=arrays)
    trees[key] = tree
    while len(trees) > _KEEP:
        trees.popitem(last=False)
    return tree


def count_slice(task: Task, job: Job, limits: Limits, prints: bool) -> Slice:
    """Work on a job for a slice of time; runs in any process.

    Parameters
    ----------
    task : Task
    job : tuple of Subtree
    limits : Limits
    prints : bool
        Record the residues of the leaves' affine maps; else only count the cells, by the fastest route.
    """
    begun = time.monotonic()
    tree = _tree(task, PATTERNS if prints else COUNT_ONLY, count_last_stage=not prints)
    most = _NO_LIMIT if limits.cells is None else limits.cells
    tree.par[kernels.WORK_LIMIT] = min(STEPS_AT_ONCE, max(most, _FEWEST_STEPS))
    before = grouped = tree.cells
    found: list[np.ndarray] = []
    groups: list[Group] = []
    parts: list[Subtree] = []
    work = list(reversed(job))
    over = False
    try:
        while work and not over:
            subtree = work.pop()
            division = None
            for leaves in tree.run(subtree):
                if prints:
                    found.append(leaves.prints)
                spent = time.monotonic() - begun
                over = spent > limits.seconds or tree.cells - before >= most
                wanted = over or (prints and tree.cells - grouped >= GROUP_LEAVES)
                if division is None and wanted and not _on_the_way(tree, subtree):
                    division = divide(tree, subtree)
                if spent > limits.last_second + _GRACE and tree.st[kernels.SP] > 0:
                    return Slice(tree.cells - before, prints=_joined(found), abandoned=True)
            over = over or time.monotonic() - begun > limits.seconds
            if division is None:
                parts.append(subtree)
            else:
                parts += division.done
                work += reversed(division.rest)
            if prints and parts and (over or not work or tree.cells - grouped >= GROUP_LEAVES):
                groups.append(Group(tuple(parts), tree.cells - grouped))
                parts, grouped = [], tree.cells
    except BaseException as error:
        _TREES.by_key.clear()  # they may have been left in the middle of anything
        if not isinstance(error, KeyboardInterrupt):
            raise
        return Slice(tree.cells - before, prints=_joined(found), abandoned=True, interrupted=True)
    return Slice(tree.cells - before, tuple(reversed(work)), tuple(groups), _joined(found))


def faces_of(
    task: Task, groups: tuple[Group, ...], select: np.ndarray, keys: np.ndarray, by_pattern: bool = False
) -> list[Leaves]:
    """The marked leaves of some groups with their faces, such that ``keys`` are their residues, in this order.

    Parameters
    ----------
    task : Task
    groups : tuple of Group
        From the first pass.
    select : array of uint8
        Marks leaves, in the order of the first pass.
    keys : array of uint64
        The residues of the marked leaves.  Leaves with other residues are not among the marked ones.
    by_pattern : bool
        ``keys`` are `pattern_numbers` instead, so that each place gets the very leaf that it got in an earlier pass.
    """
    if by_pattern and len(np.unique(keys)) < len(keys):
        raise CellTreeError("two patterns have one number")
    keys_of = _pattern_keys if by_pattern else _print_keys
    try:
        return _faces_of(task, groups, select, keys, keys_of)
    except BaseException:
        _TREES.by_key.clear()  # they may have been left in the middle of anything
        raise


def _print_keys(leaves: Leaves) -> np.ndarray:
    return leaves.prints


def _pattern_keys(leaves: Leaves) -> np.ndarray:
    return pattern_numbers(leaves.patterns)


def pattern_numbers(patterns: np.ndarray) -> np.ndarray:
    """A number for each activation pattern, the same everywhere: different ones rarely share it."""
    numbers = np.zeros(len(patterns), np.uint64)
    for column in patterns.T:
        numbers ^= column
        numbers *= np.uint64(0x9E3779B97F4A7C15)
        numbers ^= numbers >> np.uint64(31)
    return numbers


def _faces_of(
    task: Task,
    groups: tuple[Group, ...],
    select: np.ndarray,
    keys: np.ndarray,
    keys_of: Callable[[Leaves], np.ndarray],
) -> list[Leaves]:
    tree = _tree(task, JOINS)
    parts = [part for group in groups for part in group.parts]
    tree.mark(select)
    batches = [leaves for part in parts for leaves in tree.run(part) if len(leaves.prints)]
    if np.array_equal(_joined([keys_of(leaves) for leaves in batches]), keys):
        return batches
    # signs that were open in the first pass may be known by now, and units split in another order: match by key
    tree.mark(np.zeros(0, np.uint8))
    wanted = np.unique(keys)
    batches = [_chosen(leaves, np.isin(keys_of(leaves), wanted)) for part in parts for leaves in tree.run(part)]
    merged = _merged([leaves for leaves in batches if len(leaves.prints)])
    order = np.empty(len(keys), np.int64)
    met = keys_of(merged)
    ranked, expected = np.argsort(met, kind="stable"), np.argsort(keys, kind="stable")
    if not np.array_equal(met[ranked], keys[expected]):
        raise CellTreeError("a later pass met other cells than the first")
    order[expected] = ranked
    return [_reordered(merged, order)]


def _joined(found: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(found) if found else np.zeros(0, np.uint64)


def _numbers(leaves: Leaves) -> np.ndarray:
    """The number in the run of each leaf of a batch; every leaf has a generator."""
    return np.unique(leaves.generator_leaf)


def _chosen(leaves: Leaves, marked: np.ndarray) -> Leaves:
    """The marked leaves of a batch."""
    numbers = _numbers(leaves)
    generators = marked[np.searchsorted(numbers, leaves.generator_leaf)]
    facets = marked[np.searchsorted(numbers, leaves.facet_leaf)]
    return Leaves(
        leaves.patterns[marked],
        leaves.prints[marked],
        leaves.generator_leaf[generators],
        leaves.generator_ray[generators],
        leaves.generator_coordinates,
        leaves.generator_zeros[generators],
        leaves.facet_leaf[facets],
        leaves.facet_zeros[facets],
    )


def _merged(batches: list[Leaves]) -> Leaves:
    return Leaves(*(np.concatenate(columns) for columns in zip(*batches, strict=True)))


def _reordered(leaves: Leaves, order: np.ndarray) -> Leaves:
    """The leaves ``order[0], order[1], ..``, with their numbers and faces in this order."""
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    numbers = _numbers(leaves)
    generator_leaf = place[np.searchsorted(numbers, leaves.generator_leaf)]
    facet_leaf = place[np.searchsorted(numbers, leaves.facet_leaf)]
    g, f = np.argsort(generator_leaf, kind="stable"), np.argsort(facet_leaf, kind="stable")
    return Leaves(
        leaves.patterns[order],
        leaves.prints[order],
        generator_leaf[g],
        leaves.generator_ray[g],
        leaves.generator_coordinates,
        leaves.generator_zeros[g],
        facet_leaf[f],
        leaves.facet_zeros[f],
    )
