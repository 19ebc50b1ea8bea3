"""The memory that the four counts of a network will take: by what some of its cells take, or by a count under way.

Eight bytes a cell are kept in any case, and equal ones are found among them by sorting a part at a time.  Cells that
may share their map are joined, which takes some more bytes each.  A sample of cells tells how many these are.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from nn_bridge.cells.counting.jobs import Limits, Task, count_slice
from nn_bridge.cells.problem import CellProblem
from nn_bridge.cells.repeated_maps import distinct, repeats, sorting_bytes
from nn_bridge.cells.tree import Subtree
from polyhedra.memory import free_bytes

LIBRARIES = 62_000_000
"""Bytes, about, that Python and the libraries take whatever the number of cells is."""

_SAMPLE = 1 << 15  # cells
_ROOM = 1 << 28  # bytes by which the storage of a cell may grow meanwhile
_ALONE = 8.5  # bytes of a cell with a map of its own, sorting aside
_JOINED, _WORD, _MAP = 12.0, 8.0, 36.0  # more bytes of a leaf that is joined, of each word of its pattern, and of its map
_BUFFERS = 10_000_000  # bytes of leaves under way, and of points that wait, where cells are joined


class ExpectedMemory(NamedTuple):
    """The memory that all four counts are expected to take.

    Attributes
    ----------
    bytes_a_cell : float
    bytes : int or None
        In all, with what the libraries take; None where the number of cells is not known at all.
    free : int
        Bytes that are free on this machine.
    """

    bytes_a_cell: float
    bytes: int | None
    free: int

    @property
    def fits(self) -> bool:
        """Whether there is so much memory."""
        return self.bytes is None or self.bytes <= self.free


def expected_memory(problem: CellProblem | None, cells: float | None, seconds: float = 0.5) -> ExpectedMemory:
    """The memory that all four counts of a problem with so many cells will take, by a sample of its cells.

    Parameters
    ----------
    problem : CellProblem or None
        As `cell_problem` makes it.
    cells : float or None
        The number of cells, as far as it is known.
    seconds : float
        The sample takes no longer, about.
    """
    each, fixed = (0.0, 0) if problem is None else _bytes_of(problem, seconds)
    if cells is None or not math.isfinite(cells):
        return ExpectedMemory(each + _ALONE, None, free_bytes())
    return ExpectedMemory(*_in_all(each + _ALONE, cells, LIBRARIES + fixed), free_bytes())


def expected_by_count(cells: int, taken: int, before: int, estimate: float) -> ExpectedMemory:
    """The same of a count under way, by what it has taken so far.

    Parameters
    ----------
    cells : int
        Found so far.
    taken, before : int
        Bytes that the process occupies, and those that it occupied before.
    estimate : float
        The number of cells, as far as it is known.
    """
    each = max(_ALONE, (taken - before) / max(cells, 1))
    return ExpectedMemory(*_in_all(each, max(estimate, cells), before), taken + free_bytes())


def _in_all(each: float, cells: float, fixed: int) -> tuple[float, int]:
    """The bytes a cell, sorting included, and in all."""
    each += sorting_bytes(int(cells)) / max(cells, 1)
    return each, int(fixed + each * cells)


def _bytes_of(problem: CellProblem, seconds: float) -> tuple[float, int]:
    """More than a map of its own takes: bytes a cell, by a sample, and bytes whatever the number of cells is."""
    whole = (Subtree(0, (), problem.roots),)
    found = count_slice(Task.of(problem), whole, Limits(seconds, seconds, _SAMPLE, _ROOM), True, False)
    if found.interrupted:
        raise KeyboardInterrupt
    total = len(found.residues)
    if total == 0:
        return 0.0, 0
    different = distinct([found.residues]) / total
    joined = _JOINED + _WORD * -(-sum(problem.network.hidden) // 64) + _MAP * different
    if repeats(found.residues):
        return joined * total / found.cells, _BUFFERS
    return joined * 2 * (1 - different), 0
