"""What processes really occupy in memory."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable


def resident_bytes(others: Iterable[int] = ()) -> int:
    """The memory that this process and the processes with these ids occupy now.

    Where the system doesn't tell (no ``/proc``), the peak of this process stands for each of them.
    """
    pids = ["self", *map(str, others)]
    try:
        return sum(map(_resident, pids))
    except OSError:
        import resource  # here, since Windows has none

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return len(pids) * peak * (1 if sys.platform == "darwin" else 1024)


def _resident(pid: str) -> int:
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (FileNotFoundError, ProcessLookupError):
        if pid == "self":
            raise
        return 0  # it has just ended
