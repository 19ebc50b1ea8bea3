"""The cell tree: depth-first subdivision of R^n (or a domain) into activation cells, exact by a filter and a fallback.

The method (the compiled core in ``core/`` has the loops; `nn_bridge.cells._core`):

* A cell is a cone over homogeneous generators ``(x, w)``: vertices with ``w > 0``, rays with ``w = 0``.  It is split by
  one unit at a time.  A unit cuts a cell iff it is surely positive at one generator and surely negative at another.
* A split is one step of the double description method: a new generator on every edge whose ends differ in sign.  Signs
  of further units are inherited where both ends agree and evaluated where they don't, with an error bound.
* When all units of a stage have one sign on the cell, the forms of the next stage are computed and the cell goes on.
* A sign that floating point can't prove is decided in integers, from the null space of the generator's facets.

A run ends between two cells whenever it is asked to, and the decisions that led to where it stands say what is left
(`CellTree.divided`).  The order of the leaves of a subtree depends on the subtree alone.

Source: the double description method (Motzkin et al. 1953; Fukuda and Prodon 1996) with lazy exact predicates.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nn_bridge.cells.core_problem import CoreProblem
from nn_bridge.cells.problem import CellProblem
from polyhedra.compiled_core import core_or_refusal
from polyhedra.limits import check_limits

if TYPE_CHECKING:
    from nn_bridge.cells import _core
else:
    _core = core_or_refusal("nn_bridge.cells._core")

Decision = tuple[int, int, int]
"""One step down the tree: (stage, unit, 1 for the positive side or 0)."""

Miss = tuple[tuple[int, bool], ...]
"""Units of the last stage with a sign each (True: positive): a closed cell on which all hold strictly misses a set."""

COUNT_ONLY, PATTERNS, FACES, FACES_WITHOUT_COORDINATES, JOINING_FACES, NEIGHBOURS = 0, 1, 2, 3, 4, 5
"""The arrays that a leaf writes: none, its pattern and the residues of its map, or these with generators and facets.

FACES_WITHOUT_COORDINATES is FACES without coordinates and rays, which joining cells does without.  JOINING_FACES are of
these only the facets that may lie between cells of one map, and the vertices in which such cells may meet that no
facets join.  NEIGHBOURS writes no faces, but the units that surely vanish alone on facets (``core/blocks.hpp``).
"""

SECONDS_AT_ONCE = 0.1
"""Seconds between two returns of control, about, where nothing else is asked for."""

_NO_LIMIT = (1 << 62) - 1
_ALL = np.zeros(0, np.uint8)
_NO_PATH = np.zeros((0, 4), np.int32)


class NoRoom(MemoryError):
    """A run needs more memory than it was allowed."""


class CellTreeError(RuntimeError):
    """The engine contradicts itself, or a recorded path does not exist in this network."""


@dataclass(frozen=True)
class Subtree:
    """A part of the tree: a start cell and the decisions that lead down from it, or ``roots`` consecutive start cells.

    Decisions name units and sides, not positions in a run, so a subtree is the same set of cells in every process.
    Without start cells (`CellProblem.for_counting`) a decision with 1 stands for the cells whose number is that of the
    cells on the zero set of the unit, cut by the units before it, and one with 0 for all such terms of units before it.
    """

    root: int
    path: tuple[Decision, ...] = ()
    roots: int = 1


def branches(first: Subtree, before: Subtree, part: Subtree) -> bool:
    """Whether a run that begins with ``first`` meets ``part`` next, after ``before``: it branches off the first path.

    Such subtrees are best worked on in one run, since the way down to the first one leads past all of them.

    Examples
    --------
    >>> down, right, left = ((0, 3, 1), (0, 5, 0)), ((0, 3, 1), (0, 5, 1)), ((0, 3, 0),)
    >>> branches(Subtree(0, down), Subtree(0, down), Subtree(0, right))
    True
    >>> branches(Subtree(0, down), Subtree(0, right), Subtree(0, left))
    True
    >>> branches(Subtree(0, down), Subtree(0, left), Subtree(0, right))
    False
    """
    length = len(part.path)
    if part.root != first.root or part.roots > 1 or not 0 < length <= len(first.path):
        return False
    if before is not first and length >= len(before.path):
        return False
    stage, unit, side = part.path[-1]
    return part.path[:-1] == first.path[: length - 1] and first.path[length - 1] == (stage, unit, 1 - side)


def in_runs(parts: Sequence[Subtree]) -> Iterator[tuple[Subtree, ...]]:
    """The subtrees in runs, in order: each has one that others branch off, and these (`branches`)."""
    run: list[Subtree] = []
    for part in parts:
        if run and not branches(run[0], run[-1], part):
            yield tuple(run)
            run = []
        run.append(part)
    if run:
        yield tuple(run)


class Division(NamedTuple):
    """A run divided where it stands: subtrees that it has finished, and those that it has not, in order."""

    done: list[Subtree]
    rest: list[Subtree]


class Leaves(NamedTuple):
    """A batch of leaves as arrays.

    ``patterns`` has shape (leaves, stages * words) with bit ``i % 64`` of word ``stage * words + i // 64`` for unit
    ``i``; ``residues`` the residues of the affine maps; ``begins`` is 1 for the first leaf of a run and the first below
    a cell of the last stage. The others are empty unless faces were asked for: per generator the number of its leaf
    (counted over the whole run), whether it is a ray, float coordinates and the set of units (and walls) that vanish
    there, and by how much the coordinates may be off from some positive multiple of the true vector; per facet the
    number of its leaf and that set. With FACES_WITHOUT_COORDINATES and JOINING_FACES the generators are vertices alone,
    without coordinates. ``numbers`` are the numbers of the leaves. With NEIGHBOURS alone, ``neighbours`` has for each
    leaf, as a pattern, units such that a facet is certain on which this unit alone vanishes, but for units that vanish
    everywhere: not all of them, and none of the last stage, nor any behind which the leaf comes later in the run.
    """

    patterns: np.ndarray
    residues: np.ndarray
    begins: np.ndarray
    generator_leaf: np.ndarray
    generator_ray: np.ndarray
    generator_coordinates: np.ndarray
    generator_zeros: np.ndarray
    facet_leaf: np.ndarray
    facet_zeros: np.ndarray
    generator_error: np.ndarray
    numbers: np.ndarray
    neighbours: np.ndarray

    def chosen(self, marked: np.ndarray) -> Leaves:
        """The marked leaves of the batch, with what belongs to them."""
        generators = marked[np.searchsorted(self.numbers, self.generator_leaf)]
        facets = marked[np.searchsorted(self.numbers, self.facet_leaf)]
        return self._replace(
            patterns=self.patterns[marked],
            residues=self.residues[marked],
            begins=self.begins[marked],
            generator_leaf=self.generator_leaf[generators],
            generator_ray=self.generator_ray[generators],
            generator_zeros=self.generator_zeros[generators],
            facet_leaf=self.facet_leaf[facets],
            facet_zeros=self.facet_zeros[facets],
            numbers=self.numbers[marked],
            neighbours=self.neighbours[marked] if len(self.neighbours) else self.neighbours,
        )


class CellTree:
    """One run after another over (parts of) the tree.

    Parameters
    ----------
    problem : CellProblem
    emit : COUNT_ONLY, PATTERNS, FACES, FACES_WITHOUT_COORDINATES, JOINING_FACES or NEIGHBOURS
    count_last_stage : bool
        Count the cells of the last stage by deletion and restriction instead of enumerating them.
    select : array of uint8, optional
        With anything but COUNT_ONLY: write only the leaves whose number is marked.
    arrays : CoreProblem, optional
        The problem as the core takes it, where it has been made already.
    leave_out : sequence of Miss
        Find only the leaves for which none of these holds; subtrees for which one is proven are not visited.
    maps : bool
        Whether leaves have the residues of their affine maps; without, they are 0.
    merge : bool
        Leave out units of the last stage that no output reads: leaves are the cells of the network without them.  All
        cells of such a leaf have one map, and any two are joined by facets.  `cells` counts those of the whole network.
        Where a cell may contain a line, or there is one stage, nothing is merged.  Not with ``leave_out``.

    Attributes
    ----------
    words : int
        Words per stage in a pattern.
    wall_word, zero_words : int
        In a set of zeros: the first word of the walls, and the number of words (0 without faces).
    batch_leaves : int
        A batch ends with about so many leaves.
    """

    def __init__(
        self,
        problem: CellProblem,
        emit: int = COUNT_ONLY,
        *,
        count_last_stage: bool = False,
        select: np.ndarray | None = None,
        arrays: CoreProblem | None = None,
        leave_out: Sequence[Miss] = (),
        maps: bool = True,
        merge: bool = False,
    ) -> None:
        if merge and leave_out:
            raise ValueError("cells that are merged cannot be left out one by one: give merge or leave_out")
        self.problem = problem
        self.arrays = arrays if arrays is not None else CoreProblem(problem)
        self.emit = emit
        self._explorer = _core.Explorer(
            self.arrays.core, emit, count_last_stage, self.arrays.residues if maps and emit != COUNT_ONLY else None
        )
        if merge and emit != COUNT_ONLY:
            self._explorer.leave_unread(self.arrays.unread)
        if leave_out:
            self._explorer.leave_out([list(miss) for miss in leave_out])
        sizes = problem.network.hidden
        stage_words = [-(-size // 64) for size in sizes]
        self.words = max(stage_words)
        self.wall_word = sum(stage_words)
        self.zero_words = self._explorer.zero_words
        self.batch_leaves = 1 << 13
        self._running: tuple[Subtree, ...] = ()
        self._beyond = 0
        if select is not None:
            self.mark(select)

    # ---------------------------------------------------------------- running

    def run(self, subtree: Subtree | None = None, *later: Subtree) -> Iterator[Leaves]:
        """Work through the whole tree, or subtrees (`start`); yields batches of leaves (without any where COUNT_ONLY).

        Between batches, and about every tenth of a second, control comes back (a batch that may be empty), so that a
        caller can stop.
        """
        self.start(Subtree(0, (), self.problem.roots) if subtree is None else subtree, *later)
        done = False
        while not done:
            check_limits()
            done = self.work()
            yield self.take()

    def start(self, subtree: Subtree, *later: Subtree) -> None:
        """Begin with a subtree; `work` then goes on with it, and with ``later`` ones that branch off (`branches`)."""
        roots = min(subtree.roots, _NO_LIMIT)
        self._beyond = subtree.roots - roots
        self._running = (subtree, *later)
        left = {len(part.path) - 1 for part in later}
        steps = [(*step, at in left) for at, step in enumerate(subtree.path)]
        path = np.array(steps, np.int32) if steps else _NO_PATH
        size = -(-max(subtree.root.bit_length(), 1) // 8)
        self._explorer.start(subtree.root.to_bytes(size, "little"), roots, path)

    def work(
        self,
        seconds: float = SECONDS_AT_ONCE,
        last_second: float = math.inf,
        cells: int | None = None,
        stop: _core.Stop | None = None,
        share: _core.Stop | None = None,
    ) -> bool:
        """Go on until the subtree is done, a batch is full, or a limit is reached; returns whether it is done.

        Parameters
        ----------
        seconds : float
            A span after which to end at the next opportunity between two cells (but not before a cell is found).
        last_second : float
            A span after which to end at once, in the middle of a cell.
        cells : int, optional
            End once there are so many more cells.
        stop : Stop, optional
            Once another thread has set it, end at once.
        share : Stop, optional
            Once another thread has set it, end soon, at an opportunity between two cells: others wait for work.

        Raises
        ------
        NoRoom, KeyboardInterrupt
            The run can be continued, or divided, also after these.
        CellTreeError
            The subtree does not exist in this network.
        """
        limit = _NO_LIMIT if cells is None else min(_NO_LIMIT, self.cells + cells)
        self._explorer.batch_leaves = self.batch_leaves
        try:
            in_main = threading.current_thread() is threading.main_thread()  # only there Ctrl-C is heard of
            return self._explorer.work(min(seconds, 1e9), min(last_second, 1e9), limit, stop, share, in_main)
        except _core.NoRoom as error:
            raise NoRoom(str(error)) from None
        except (_core.BadPath, _core.Contradiction) as error:
            raise CellTreeError(str(error)) from None

    def take(self) -> Leaves:
        """The leaves found since the last call."""
        return Leaves(*self._explorer.take())

    def divided(self) -> Division:
        """Divide the run where it stands; it need not be continued."""
        root_bytes, left, steps = self._explorer.position()
        root = int.from_bytes(root_bytes, "little")
        if left == 0:
            return Division(list(self._running), [])
        at = 0
        if len(self._running) > 1:  # the run left the first one's path where another one branches off
            turned = (
                k for k, (old, step) in enumerate(zip(self._running[0].path, steps, strict=False)) if step[:3] != old
            )
            length = next(turned, -1) + 1
            at = next((k for k, part in enumerate(self._running) if k and len(part.path) == length), 0)
        whole = self._running[at]
        start = len(whole.path)
        path: list[Decision] = []
        done = list(self._running[:at])
        rest: list[Subtree] = []
        if root > whole.root:
            done.append(Subtree(whole.root, (), root - whole.root))
        mirrored = False
        shortened = _shortened if not self.problem.generators else tuple
        for number, (stage, unit, side, sibling) in enumerate(steps):
            if number >= start:
                other = Subtree(root, shortened([*path, (stage, unit, 1 - side)]))
                if sibling:
                    rest.append(other)
                elif bool(side) != mirrored:  # the other side comes first
                    done.append(other)
            path.append((stage, unit, side))
            mirrored = bool(side) != mirrored
        if len(path) <= start:
            rest = [Subtree(root, whole.path, left + self._beyond)]
        else:
            rest.append(Subtree(root, shortened(path)))
            rest.reverse()
            if left + self._beyond > 1:
                rest.append(Subtree(root + 1, (), left + self._beyond - 1))
        return Division(done, [*rest, *self._running[at + 1 :]])

    def mark(self, select: np.ndarray, begins: np.ndarray | None = None) -> None:
        """From here on leaves are numbered from 0, and those written that ``select`` chooses (all, if it is empty).

        ``begins`` is the mask that an earlier run over the same leaves wrote (`Leaves.begins`).  With it, cells of the
        last stage without a chosen leaf are passed over.
        """
        mask = (select != 0).astype(np.uint8) if len(select) else _ALL
        if begins is not None:
            mask = mask + 2 * (begins != 0).astype(np.uint8)
        self._explorer.mark(np.ascontiguousarray(mask), begins is not None)

    def go_to(self, patterns: np.ndarray) -> None:
        """From here on visit the leaves with these patterns alone, which have the form of `Leaves.patterns`."""
        self._explorer.go_to(np.ascontiguousarray(patterns))

    def look_for_repeats(self, on: bool) -> None:
        """Set between two batches whether the next ones end where many residues perhaps have come before."""
        self._explorer.looking = on

    def try_leaves(self, first: int, latest: int, share: int) -> None:
        """Let the next batch decide on the way whether its leaves have neighbours: whether one in ``share`` repeats.

        That is, has the residues of another one.  The ``first`` leaves have neighbours.  If few of them repeat, those
        that follow have none, till a look after ``latest`` more, or as many as there were before, finds that many do.
        """
        self._explorer.try_leaves(first, latest, share)

    def tried(self) -> bool | None:
        """Whether the leaves that follow have neighbours, as the batch has decided; None where it has not."""
        return (None, False, True)[self._explorer.tried()]

    def cover(self, on: bool) -> None:
        """Set whether leaves that differ in units alone which others cover (`covered_units`) are taken to be joined.

        Then, where a leaf follows one with its residues and its pattern but for such units, most have no neighbours.
        """
        self._explorer.cover(self.arrays.covered if on else [])

    def turn_to(self, emit: int) -> None:
        """From here on write these arrays, for all leaves: of two kinds that both have, or both lack, sets of zeros."""
        if (emit in (COUNT_ONLY, PATTERNS)) != (self.emit in (COUNT_ONLY, PATTERNS)):
            raise ValueError(f"a tree that writes {self.emit} cannot turn to {emit}")
        self.tried()  # no batch decides any more
        self.emit = emit
        self.write_faces(True)
        self.look_for_repeats(False)
        self.mark(_ALL)

    def write_faces(self, on: bool) -> None:
        """Set between two batches whether the leaves that follow have faces, or neighbours, if these were asked for."""
        self._explorer.emit = self.emit if on else PATTERNS

    # ---------------------------------------------------------------- figures

    @property
    def room(self) -> int | None:
        """Bytes by which the storage may still grow; None for any number."""
        room = int(self._explorer.room)
        return None if room >= _NO_LIMIT else room

    @room.setter
    def room(self, room: int | None) -> None:
        self._explorer.room = _NO_LIMIT if room is None else max(room, 0)

    @property
    def cells(self) -> int:
        """The number of cells found so far."""
        return int(self._explorer.cells)

    @property
    def leaves(self) -> int:
        """The number of leaves found since the beginning, or since they were marked (`mark`)."""
        return int(self._explorer.leaves)

    @property
    def partial(self) -> int:
        """The cells found in a count inside one cell that was broken off; it will begin anew."""
        return int(self._explorer.partial)

    @property
    def most_generators(self) -> int:
        """The most vertices and rays that a cell had."""
        return int(self._explorer.most_generators)

    @property
    def left_out(self) -> int:
        """Subtrees that were not visited, or leaves not written, since a miss was proven there."""
        return int(self._explorer.counters["left_out"])

    @property
    def exact_decisions(self) -> int:
        """Signs that were decided in integers."""
        return int(self._explorer.counters["exact"])


def _shortened(path: list[Decision]) -> tuple[Decision, ...]:
    """A path without start cells, without what later decisions of the same flat say again."""
    return tuple(step for number, step in enumerate(path) if step[2] or number == len(path) - 1)


def tree_counters(tree: CellTree) -> dict[str, Any]:
    """The counters of all runs so far, for benchmarks and messages."""
    return dict(tree._explorer.counters)
