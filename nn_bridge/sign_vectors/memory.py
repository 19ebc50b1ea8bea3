"""The memory budget of an extraction."""

from __future__ import annotations

from polyhedra.memory import free_bytes, parse_bytes, resident_bytes
from polyhedra.quoting import quoted

SHARE = 0.6
"""The part of the free memory that an extraction may take where no budget is given."""


def memory_budget(memory: str | int | None) -> int:
    """Bytes from a number, a text such as ``"4GiB"`` or ``"500MB"``, or (None) 60 % of the memory that is free.

    Raises
    ------
    MemorySizeError
        It is not a size.

    Examples
    --------
    >>> memory_budget("4GiB"), memory_budget("1kB")
    (4294967296, 1000)
    """
    return int(SHARE * free_bytes()) if memory is None else parse_bytes(memory)


def room_for(memory: str | int | None) -> int:
    """Bytes that new arrays may take: the budget minus the resident memory, but at least half the budget."""
    budget = memory_budget(memory)
    return budget if memory is None else budget - min(resident_bytes(), budget // 2)


def budget_name(memory: str | int | None) -> str:
    """The name of the budget in a message that says that it is too small."""
    return f"{SHARE:.0%} of the free memory" if memory is None else f"memory={quoted(memory)}"
