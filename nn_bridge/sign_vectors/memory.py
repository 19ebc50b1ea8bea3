"""How much memory an extraction may take."""

from __future__ import annotations

import os
import re

from nn_bridge.errors import NetworkError
from polyhedra.quoting import quoted

SHARE = 0.6
"""The part of the free memory that is taken where no budget is given."""
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_LONGEST = 100  # characters
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?\s*", re.IGNORECASE | re.ASCII)


def memory_budget(memory: str | int | None) -> int:
    """Bytes from a number, a text such as ``"4GiB"`` or ``"500MB"``, or (None) 60 % of the memory that is free.

    Raises
    ------
    NetworkError
        It is no size.

    Examples
    --------
    >>> memory_budget("4GiB"), memory_budget("1kB")
    (4294967296, 1000)
    """
    if memory is None:
        return int(SHARE * free_memory())
    if isinstance(memory, int) and not isinstance(memory, bool) and memory > 0:
        return memory
    match = _SIZE.fullmatch(memory) if isinstance(memory, str) and len(memory) <= _LONGEST else None
    if match is None or not 0 < float(match[1]) < 2**63:
        raise NetworkError(f"memory={quoted(memory)} is not a size; write for example 4GiB")
    unit = match[2].upper()
    factor = _UNITS[unit] if match[3] or not unit else 1000 ** "KMGT".index(unit) * 1000
    return int(float(match[1]) * factor)


def room_for(memory: str | int | None) -> int:
    """Bytes that new arrays may take within a budget: what the process holds already counts, up to half of it."""
    budget = memory_budget(memory)
    return budget if memory is None else budget - min(resident_memory(), budget // 2)


def budget_name(memory: str | int | None) -> str:
    """What a message calls a budget that is too small."""
    return f"{SHARE:.0%} of the free memory" if memory is None else f"memory={quoted(memory)}"


def resident_memory() -> int:
    """Bytes of physical memory that this process holds (0 where the system does not tell)."""
    try:
        with open("/proc/self/statm", encoding="ascii") as line:
            return int(line.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, IndexError, OSError, ValueError):
        return 0


def free_memory() -> int:
    """Bytes of physical memory that can be had without swapping (1 GiB where the system does not tell)."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, OSError, ValueError):
        return 1 << 30
