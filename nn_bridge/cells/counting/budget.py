"""The limits of a count by cells: seconds, cells and memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from nn_bridge.cells.counting.pool import Pool
from polyhedra.memory import resident_bytes

_BETWEEN_LOOKS = 0.1  # seconds between two looks at the memory in the set-up


class Stop(Exception):
    """A limit is reached; the text says which."""


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
        if self.max_cells is not None and cells > self.max_cells:
            raise Stop(f"stopped at the limit of {self.max_cells} cells")
        if self.remaining <= 0:
            raise self.out_of_time()
        self.check_memory(pool, to_come)

    def check_memory(self, pool: Pool, to_come: int = 0) -> None:
        """Raise `Stop` where too much memory is occupied, or will be."""
        if self.memory is not None and resident_bytes() + to_come > self.memory:
            raise self.out_of_memory()

    def watch(self, pool: Pool) -> Callable[[], None]:
        """A check for `polyhedra.limits`: raises `Stop` where time or memory has run out."""
        looked = self.begun

        def check() -> None:
            nonlocal looked
            now = time.monotonic()
            if self.time_limit is not None and now - self.begun >= self.time_limit:
                raise self.out_of_time()
            if self.memory is not None and now - looked > _BETWEEN_LOOKS:
                looked = now
                self.check_memory(pool)

        return check

    def room(self, pool: Pool) -> int | None:
        """The bytes that each of the workers may still take; None for any number."""
        if self.memory is None or pool.elsewhere:
            return None
        return max(0, self.memory - resident_bytes()) // pool.size

    def out_of_time(self) -> Stop:
        """The exception to raise when the time is over."""
        return Stop(f"stopped at the time limit of {self.time_limit:g} s")

    def out_of_memory(self) -> Stop:
        """The exception to raise when the processes occupy more memory than the limit."""
        assert self.memory is not None
        return Stop(f"stopped at the memory limit of {self.memory / 2**20:.0f} MiB")
