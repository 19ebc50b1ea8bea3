"""`Expander`: finds facets and neighbours of the cells of a walk, in worker processes ahead of it, and records them.

A walk itself is short work: which cell comes next.  What takes time, the facets of a cell and what lies beyond them,
depends on the cell alone.  So it can be computed elsewhere for cells that are waiting, and read from a record of an
earlier run that was stopped: the walk goes the same way, whatever helps it.
"""

from __future__ import annotations

import pickle
from collections import deque
from concurrent.futures import BrokenExecutor, CancelledError, Future, TimeoutError
from typing import Any, Protocol

from nn_bridge.cells.counting.pool import Failure, WorkerLost
from nn_bridge.exploration.local_cell import CellFacts, LocalCell, LocalCells
from polyhedra.limits import check_limits

_AHEAD = 4  # cells under way for each worker
_POLL = 0.05  # seconds between two looks at the limits

_HOMES: dict[int, LocalCells] = {}  # of this process, and of those forked from it


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
    """

    def __init__(
        self,
        home: LocalCells,
        pool: Workers | None = None,
        record: Record | None = None,
        *,
        full: bool = False,
        most: int | None = None,
    ) -> None:
        self._home, self._record, self._full = home, record, full
        self._pool = None if pool is None or pool.alone else pool
        self._left = most
        self._waiting: deque[LocalCell] = deque()
        self._under_way: dict[tuple[int, ...], Future[Any]] = {}
        self._passed: set[tuple[int, ...]] = set()
        self._payload: bytes | None = None
        if self._pool is not None:
            _HOMES[id(home)] = home

    def close(self) -> None:
        """Forget the cells that were to come."""
        _HOMES.pop(id(self._home), None)
        self._waiting.clear()

    def expect(self, cell: LocalCell) -> None:
        """Note that the walk may come to a cell."""
        if self._pool is not None:
            self._waiting.append(cell)

    def expand(self, cell: LocalCell) -> None:
        """Let a cell know its facets and neighbours, where others have found them."""
        if self._pool is None and self._record is None:
            return
        facts = None if self._record is None else self._record.get(cell.active)
        if facts is None or (self._full and facts.point is None):
            facts = self._found(cell)
            if self._record is not None:
                self._record.add(cell.active, facts)
        cell.adopt(facts)

    def _found(self, cell: LocalCell) -> CellFacts:
        self._look_ahead(cell)
        if self._pool is not None:
            self._passed.add(cell.active)
        future = self._under_way.pop(cell.active, None)
        while future is not None:
            check_limits()
            try:
                answer = future.result(_POLL)
            except TimeoutError:
                continue
            except (BrokenExecutor, CancelledError, WorkerLost, OSError):
                self._pool = None  # a worker is gone: the rest is done here
                break
            if isinstance(answer, Failure):
                raise answer.error
            found: CellFacts = answer
            return found
        return cell.facts(full=self._full)

    def _look_ahead(self, first: LocalCell) -> None:
        """Keep the workers busy with cells that are waiting, the one that is asked for before all."""
        if self._pool is None:
            return
        if first.active not in self._under_way:
            self._start(first)
        while self._waiting and len(self._under_way) < _AHEAD * self._pool.size and self._left != 0:
            cell = self._waiting.popleft()
            known = self._record is not None and self._record.get(cell.active) is not None
            if not (known or cell.active in self._under_way or cell.active in self._passed):
                self._start(cell)

    def _start(self, cell: LocalCell) -> None:
        if self._pool is None:
            return
        if self._left is not None:
            self._left = max(0, self._left - 1)
        if self._payload is None:
            self._payload = pickle.dumps((self._home.network, self._home.domain))
        try:
            future = self._pool.submit(expanded, id(self._home), self._payload, cell.active, self._full)
        except (WorkerLost, BrokenExecutor):
            self._pool = None
            return
        self._under_way[cell.active] = future


def expanded(key: int, payload: bytes, active: tuple[int, ...], full: bool) -> CellFacts:
    """The facts of a cell, in a worker: of the network that it was forked with, or that the payload brings."""
    home = _HOMES.get(key)
    if home is None:
        home = _HOMES[key] = LocalCells(*pickle.loads(payload))
    return LocalCell(home, active).facts(full=full)


__all__ = ["Expander", "Record", "Workers", "expanded"]
