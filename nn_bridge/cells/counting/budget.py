"""The limits of a count by cells: seconds, cells and memory."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from nn_bridge.cells.counting.pool import Pool
from nn_bridge.errors import NetworkError
from polyhedra.limits import limited_by
from polyhedra.memory import resident_bytes
from polyhedra.plurals import counted
from polyhedra.quoting import quoted

_BETWEEN_LOOKS = 0.1  # seconds between two looks at the memory in the set-up


INTERRUPTED = "interrupted"
"""The reason of a count that Ctrl-C ended."""

COUNTS = ("all", "cells")
"""The choices of ``counts``: the four counts, or the number of cells alone."""


class Stop(Exception):
    """A limit is reached; the text says which."""


def check_options(counts: str, time_limit: float | None, max_cells: int | None) -> None:
    """Refuse options of a count that make no sense.

    Raises
    ------
    NetworkError
        Another choice of counts, or a limit that leaves nothing to do.
    """
    if counts not in COUNTS:
        raise NetworkError(f"counts={quoted(counts)}: take one of {', '.join(COUNTS)}")
    if time_limit is not None and not time_limit > 0:
        raise NetworkError(f"a time limit of {time_limit} s leaves no time; give a positive number of seconds")
    if max_cells is not None and max_cells < 1:
        raise NetworkError(f"a limit of {max_cells} cells leaves nothing to find; give a positive number")


@dataclass
class Budget:
    """The limits of one count."""

    time_limit: float | None
    max_cells: int | None
    memory: int | None
    begun: float = field(default_factory=time.monotonic)

    @property
    def remaining(self) -> float:
        """Seconds left."""
        return float("inf") if self.time_limit is None else self.time_limit - (time.monotonic() - self.begun)

    def check(self, cells: int, pool: Pool, to_come: int = 0) -> None:
        """Raise `Stop` where a limit is reached; ``to_come`` bytes will be needed beside what is occupied."""
        self.check_cells(cells)
        if self.remaining <= 0:
            raise self.out_of_time()
        self.check_memory(pool, to_come)

    def check_cells(self, cells: int) -> None:
        """Raise `Stop` where there are too many cells."""
        if self.max_cells is not None and cells > self.max_cells:
            raise Stop(f"stopped at the limit of {counted(self.max_cells, 'cell')}")

    def check_memory(self, pool: Pool, to_come: int = 0) -> None:
        """Raise `Stop` where too much memory is occupied, or will be."""
        if self.memory is not None and resident_bytes() + to_come > self.memory:
            raise self.out_of_memory()

    def watched(self, pool: Pool) -> AbstractContextManager[None]:
        """Have `polyhedra.limits.check_limits` meanwhile raise `Stop` where time or memory has run out."""
        if self.time_limit is None and self.memory is None:
            return nullcontext()
        looked = self.begun

        def check() -> None:
            nonlocal looked
            now = time.monotonic()
            if self.time_limit is not None and now - self.begun >= self.time_limit:
                raise self.out_of_time()
            if self.memory is not None and now - looked > _BETWEEN_LOOKS:
                looked = now
                self.check_memory(pool)

        return limited_by(check)

    def room(self, pool: Pool) -> int | None:
        """The bytes that each of the workers may still take; None for any number."""
        if self.memory is None or pool.elsewhere:
            return None
        return max(0, self.memory - resident_bytes()) // pool.size

    def out_of_time(self) -> Stop:
        """The exception to raise when the time is over: that of the count, or of a limit in which it runs."""
        if self.time_limit is None:
            return Stop("stopped at the time limit in which the count ran")
        return Stop(f"stopped at the time limit of {self.time_limit:g} s")

    def out_of_memory(self) -> Stop:
        """The exception to raise when the processes occupy more memory than the limit."""
        assert self.memory is not None
        return Stop(f"stopped at the memory limit of {self.memory / 2**20:.0f} MiB")
