"""Memory: sizes as people write them, the bytes that processes occupy, and those that are free."""

from __future__ import annotations

import mmap
import os
import re
import sys
from collections.abc import Iterable
from fractions import Fraction

from polyhedra.errors import MemorySizeError
from polyhedra.quoting import quoted

_A_THREAD = 4 << 20  # bytes, more than a thread takes before it does any work
_LONGEST = 100  # characters
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(I?)B?", re.ASCII)


def parse_bytes(size: int | str) -> int:
    """The number of bytes of ``"2GiB"``, ``"500 MB"`` or an integer.

    Raises
    ------
    MemorySizeError
        It is not a size, or not positive.

    Examples
    --------
    >>> parse_bytes("2GiB"), parse_bytes("500 MB"), parse_bytes(1 << 20)
    (2147483648, 500000000, 1048576)
    """
    if isinstance(size, int) and not isinstance(size, bool):
        bytes_ = size
    else:
        match = _SIZE.fullmatch(size.strip().upper()) if isinstance(size, str) and len(size) <= _LONGEST else None
        if match is None:
            raise MemorySizeError(f"memory {quoted(size)} is not a size; write it like 500MB or 2GiB")
        base = 1024 if match[3] else 1000
        bytes_ = int(Fraction(match[1]) * base ** " KMGT".index(match[2] or " "))
    if not 0 < bytes_ < 2**63:
        raise MemorySizeError(f"memory {quoted(size)} is not a size that a machine has; write it like 500MB or 2GiB")
    return bytes_


def readable_bytes(size: int) -> str:
    """A size for people, such as ``1.3 GB``.

    Examples
    --------
    >>> readable_bytes(62_000_000), readable_bytes(1_362_000_000), readable_bytes(10**26)
    ('62 MB', '1.4 GB', '1e+14 TB')
    """
    if size < 10**9:
        return f"{size / 1e6:.0f} MB"
    if size < 10**12:
        return f"{size / 1e9:.1f} GB"
    return f"{size / 1e12:.1f} TB" if size < 10**16 else f"{size / 1e12:.0e} TB"


def resident_bytes(others: Iterable[int] = ()) -> int:
    """The memory that this process and the processes with these ids occupy now.

    Where the system has no ``/proc``, the peak of this process stands for each of them; where it has no peak either
    (Windows), the answer is 0.
    """
    pids = ["self", *map(str, others)]
    try:
        return sum(map(_resident, pids))
    except OSError:
        try:
            import resource
        except ImportError:
            return 0
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


def free_bytes() -> int:
    """The physical memory that is available without swapping; where the system does not tell, half of all or 1 GiB."""
    try:
        # in few steps: this is asked for often
        file = os.open("/proc/meminfo", os.O_RDONLY)
        try:
            told = os.read(file, 4096)
        finally:
            os.close(file)
        _, name, rest = told.partition(b"MemAvailable:")
        if name:
            return int(rest.split(None, 1)[0]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, OSError, ValueError):
        return 1 << 30


def has_room_for_threads(number: int) -> bool:
    """Whether so many threads of Python find memory to begin with.

    Where they do not, Python waits for ever for a thread that it has started, or the system's library ends the process.

    Examples
    --------
    >>> has_room_for_threads(1)
    True
    """
    try:
        mmap.mmap(-1, number * _A_THREAD).close()  # as Python asks for it, not from what the library keeps at hand
    except OSError:
        return False
    return True
