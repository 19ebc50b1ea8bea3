"""`walk`: the cells around a start, one after another, across facets: breadth first, at random, or nearest first."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Protocol

import numpy as np
from flint import fmpq

from nn_bridge.exploration.expansion import Expander
from nn_bridge.exploration.local_cell import LocalCell, LocalCells
from nn_bridge.network.network import Row
from polyhedra.errors import UsageError
from polyhedra.limits import check_limits
from polyhedra.polyhedron import Polyhedron
from polyhedra.quoting import quoted
from polyhedra.scalars import ZERO
from tropical.effective_radius import nearest_point

ORDERS = ("breadth", "random", "nearest")


@dataclass(frozen=True)
class Visit:
    """A cell that a walk came to.

    Attributes
    ----------
    cell : LocalCell
    distance : int
        Facets crossed on the way from the start on which it was found; in breadth-first order the fewest possible.
    norm_distance : fmpq or None
        In the order "nearest": the distance of the cell from the start point, in the maximum norm.
    """

    cell: LocalCell
    distance: int
    norm_distance: fmpq | None = None


def walk(
    home: LocalCells,
    start: Row,
    *,
    max_distance: int | None = None,
    order: str = "breadth",
    rng: np.random.Generator | None = None,
    meeting: Polyhedron | None = None,
    expander: Expander | None = None,
    most: int | None = None,
) -> Iterator[Visit]:
    """The cells of a network from a start on, each once.

    Parameters
    ----------
    home : LocalCells
        The network and the domain.
    start : point
        A start on a facet, or on a lower face, begins in every cell that holds it.
    max_distance : int, optional
        The greatest number of facets crossed.
    order : {"breadth", "random", "nearest"}
        By facets crossed; a facet of the cells found, chosen at random with equal chances, is crossed next; or by the
        distance from the start in the maximum norm (a segment from the start to the nearest point of a cell only meets
        cells that are no further, so that nearer cells always come first).
    rng : numpy Generator, optional
        For "random".
    meeting : Polyhedron, optional
        Only cells whose interior meets the interior of this set, which has to hold the start.  The cells are not cut.
    expander : Expander, optional
        Finds facets and neighbours, ahead of the walk or from a record; the walk is the same.
    most : int, optional
        The greatest number of cells that are asked for: breadth first, no more are kept waiting.

    Raises
    ------
    UsageError
        An unknown order, or "random" without a generator.
    NetworkError
        The start is no point of the domain.

    Examples
    --------
    >>> from nn_bridge.network.network import Network
    >>> bent = Network.from_layers([[[1], [1], [1]], [[1, 1, 1]]], [[0, -1, -2], [0]])
    >>> [(visit.cell.pattern_text, visit.distance) for visit in walk(LocalCells(bent), bent.point([-1]))]
    [('000', 0), ('100', 1), ('110', 2), ('111', 3)]
    """
    waiting = _queue(order, start, rng)
    seen: set[tuple[int, ...]] = set()
    kept = most if order == "breadth" and meeting is None else None

    early = order == "nearest" or meeting is not None  # facets are needed before a cell waits

    def offer(cells: Iterable[LocalCell], distance: int) -> None:
        new = []
        for cell in cells:
            if (kept is None or len(seen) < kept) and cell.active not in seen:
                seen.add(cell.active)
                new.append(cell)
        if early and expander is not None:
            expander.expand_all(new)
        for cell in new:
            if meeting is None or cell.polyhedron.intersection(meeting).is_full_dimensional():
                waiting.put(cell, distance)
                if expander is not None and not early and (order == "breadth" or most is None):
                    expander.expect(cell)  # at random, most of the cells that wait never come up

    offer(home.at(start), 0)
    while (visit := waiting.take()) is not None:
        check_limits()
        if expander is not None:
            expander.expand(visit.cell)
        yield visit
        if (max_distance is None or visit.distance < max_distance) and (kept is None or len(seen) < kept):
            offer(visit.cell.neighbours(), visit.distance + 1)


class _Queue(Protocol):
    def put(self, cell: LocalCell, distance: int) -> None: ...
    def take(self) -> Visit | None: ...


class _Breadth:
    """First come, first served."""

    def __init__(self) -> None:
        self._waiting: deque[Visit] = deque()

    def put(self, cell: LocalCell, distance: int) -> None:
        self._waiting.append(Visit(cell, distance))

    def take(self) -> Visit | None:
        return self._waiting.popleft() if self._waiting else None


class _Random:
    """Each waiting cell with equal chances."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._waiting: list[Visit] = []
        self._rng = rng

    def put(self, cell: LocalCell, distance: int) -> None:
        self._waiting.append(Visit(cell, distance))

    def take(self) -> Visit | None:
        if not self._waiting:
            return None
        chosen = int(self._rng.integers(len(self._waiting)))
        self._waiting[chosen], self._waiting[-1] = self._waiting[-1], self._waiting[chosen]
        return self._waiting.pop()


class _Nearest:
    """The cell at the least distance from the start; among equals the one found first."""

    def __init__(self, start: Row) -> None:
        self._start = start
        self._waiting: list[tuple[fmpq, int, Visit]] = []
        self._number = count()

    def put(self, cell: LocalCell, distance: int) -> None:
        away = ZERO if cell.polyhedron.contains(self._start) else nearest_point(cell.polyhedron, self._start)[0]
        heapq.heappush(self._waiting, (away, next(self._number), Visit(cell, distance, away)))

    def take(self) -> Visit | None:
        return heapq.heappop(self._waiting)[2] if self._waiting else None


def _queue(order: str, start: Row, rng: np.random.Generator | None) -> _Queue:
    if order == "random" and rng is None:
        raise UsageError("a random walk needs a generator of random numbers; give rng")
    queues: dict[str, Callable[[], _Queue]] = {
        "breadth": _Breadth,
        "random": lambda: _Random(rng),  # type: ignore[arg-type]
        "nearest": lambda: _Nearest(start),
    }
    if order not in queues:
        raise UsageError(f"there is no order {quoted(order)}; use {', '.join(ORDERS)}")
    return queues[order]()


__all__ = ["ORDERS", "Visit", "walk"]
