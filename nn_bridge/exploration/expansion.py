"""`Expander`: finds facets and neighbours of the cells of a walk, in worker processes ahead of it, and records them.

A walk itself is short work: which cell comes next.  What takes time, the facets of a cell, depends on the cell alone.
So it can be computed elsewhere for cells that are waiting, and read from a record of an earlier run that was stopped:
the walk goes the same way, whatever helps it.

Workers get several cells at once, fewer towards the end, and answer by the names of units; what follows from these is
found here, when it is asked for.
"""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Future, TimeoutError
from dataclasses import replace
from itertools import count
from typing import Any, Protocol

from nn_bridge.cells.counting.pool import Failure, WorkerLost, attempt
from nn_bridge.exploration.local_cell import CellFacts, LocalCell, LocalCells
from polyhedra.limits import check_limits

_AHEAD = 2  # calls under way for each worker
_BATCH = 8  # cells of a call at most
_KEPT = 24  # cells for each worker, at most, that are found and not yet come to
_POLL = 0.05  # seconds between two looks at the limits

_HOMES: dict[int, LocalCells] = {}  # of this process, and of those forked from it
_NUMBERS = count()


class Record(Protocol):
    """The facts that earlier runs have found out, by cell."""

    def get(self, active: tuple[int, ...]) -> CellFacts | None:
        """The facts of a cell, if they are known."""
        ...

    def add(self, active: tuple[int, ...], facts: CellFacts) -> None:
        """Keep the facts of a cell."""
        ...


class Workers(Protocol):
    """Where cells are expanded, such as `nn_bridge.cells.counting.pool.Pool`."""

    size: int
    alone: bool

    def submit(self, function: Any, *arguments: Any) -> Future[Any]:
        """Submit a call."""
        ...


class Expander:
    """Expands the cells of one walk.

    Parameters
    ----------
    home : LocalCells
    pool : Workers, optional
        By default everything happens here, when it is asked for.
    record : Record, optional
        Facts that are known already; what is found is added.
    full : bool
        Find boundedness and a point inside of each cell too.
    most : int, optional
        The greatest number of cells that the walk will come to.
    note : callable, optional
        A function of a module that makes a text of a cell, in workers; it becomes `LocalCell.note`.
    """

    def __init__(
        self,
        home: LocalCells,
        pool: Workers | None = None,
        record: Record | None = None,
        *,
        full: bool = False,
        most: int | None = None,
        note: Callable[[LocalCell], str] | None = None,
    ) -> None:
        self._home, self._record, self._full, self._note = home, record, full, note
        self._pool = None if pool is None or pool.alone else pool
        self._number = next(_NUMBERS)  # an address may be that of another walk's cells in a worker forked before
        self._left = most
        self._waiting: deque[LocalCell] = deque()
        self._under_way: dict[tuple[int, ...], tuple[Future[Any], int]] = {}  # the call, and which answer of it
        self._calls: list[Future[Any]] = []  # those that are not done
        self._passed: set[tuple[int, ...]] = set()
        self._payload = b""
        if self._pool is not None:
            _HOMES[self._number] = home

    def close(self) -> None:
        """Forget the cells that were to come."""
        _HOMES.pop(self._number, None)
        self._waiting.clear()

    def expect(self, cell: LocalCell) -> None:
        """Note that the walk may come to a cell."""
        if self._pool is not None:
            self._waiting.append(cell)

    def expand_all(self, cells: Sequence[LocalCell]) -> None:
        """Let cells know their facets and neighbours, before the walk chooses among them."""
        if self._pool is not None:
            new = [cell for cell in cells if self._record is None or self._record.get(cell.active) is None]
            size = max(1, min(_BATCH, len(new) // (2 * _AHEAD * self._pool.size)))
            for first in range(0, len(new), size):
                self._start(new[first : first + size], None)  # most of these never come up
        for cell in cells:
            self.expand(cell)

    def expand(self, cell: LocalCell) -> None:
        """Let a cell know its facets and neighbours, where others have found them."""
        if cell.told or (self._pool is None and self._record is None):
            return
        facts = None if self._record is None else self._record.get(cell.active)
        recorded = facts is not None
        if facts is None or (self._full and facts.point is None):
            facts, recorded = self._found(cell), False
            if self._record is not None:
                self._record.add(cell.active, facts)
        cell.adopt(facts, recorded=recorded)

    def _found(self, cell: LocalCell) -> CellFacts:
        if self._pool is not None:
            self._passed.add(cell.active)
            if cell.active not in self._under_way:
                self._start([cell], self._note)
        future, place = self._under_way.pop(cell.active, (None, 0))
        while future is not None:
            self._look_ahead()
            check_limits()
            try:
                answer = future.result(_POLL)
            except TimeoutError:
                continue
            except (BrokenExecutor, CancelledError, WorkerLost, OSError):
                self._pool = None  # a worker is gone: the rest is done here
                break
            if answer is None:  # the worker was not forked from here: from now on each call brings the network
                self._payload = self._payload or pickle.dumps((self._home.network, self._home.domain))
                self._start([cell], self._note)
                future, place = self._under_way.pop(cell.active, (None, 0))
                continue
            found: CellFacts | Failure = answer if isinstance(answer, Failure) else answer[place]
            if isinstance(found, Failure):
                raise found.error
            return found
        return cell.facts(full=self._full)

    def _look_ahead(self) -> None:
        """Keep the workers busy with cells that are waiting."""
        while self._pool is not None and self._waiting and self._left != 0:
            self._calls = [call for call in self._calls if not call.done()]
            if len(self._calls) >= _AHEAD * self._pool.size or len(self._under_way) >= _KEPT * self._pool.size:
                return
            left = len(self._waiting) if self._left is None else min(self._left, len(self._waiting))
            batch: list[LocalCell] = []
            while self._waiting and len(batch) < min(_BATCH, max(1, left // (2 * _AHEAD * self._pool.size))):
                cell = self._waiting.popleft()
                known = self._record is not None and self._record.get(cell.active) is not None
                if not (known or cell.active in self._under_way or cell.active in self._passed):
                    batch.append(cell)
            if batch:
                self._start(batch, self._note)

    def _start(self, cells: Sequence[LocalCell], note: Callable[[LocalCell], str] | None) -> None:
        """Send cells to a worker."""
        if self._pool is None:
            return
        if self._left is not None:
            self._left = max(0, self._left - len(cells))
        patterns = [cell.active for cell in cells]
        try:
            future = self._pool.submit(expanded, self._number, self._payload, patterns, self._full, note)
        except (WorkerLost, BrokenExecutor):
            self._pool = None
            return
        self._calls.append(future)
        self._under_way.update((active, (future, place)) for place, active in enumerate(patterns))


def expanded(
    number: int,
    payload: bytes,
    cells: list[tuple[int, ...]],
    full: bool,
    note: Callable[[LocalCell], str] | None = None,
) -> list[CellFacts | Failure] | None:
    """The facts of cells, in a worker: of the network that it was forked with, or that the payload brings, else None.

    The walk may never come to a cell that fails, so that its error is the answer for this cell alone.
    """
    home = _HOMES.get(number)
    if home is None:
        if not payload:
            return None
        home = _HOMES[number] = LocalCells(*pickle.loads(payload))
    return [attempt(_facts, (home, active, full, note)) for active in cells]


def _facts(home: LocalCells, active: tuple[int, ...], full: bool, note: Callable[[LocalCell], str] | None) -> CellFacts:
    cell = LocalCell(home, active)
    facts = cell.facts(full=full)
    return facts if note is None else replace(facts, note=note(cell))


__all__ = ["Expander", "Record", "Workers", "expanded"]
