"""Inner loops compiled once and kept on disk, or compiled by every process where no folder can be written."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from numba import njit


def cached(reads: tuple[str, ...] = (), **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """``numba.njit(cache=True, **options)`` that does without the cache where there is no place for it.

    The places that numba tries are ``$NUMBA_CACHE_DIR``, the folder of the module, and the cache folder of the user.

    Parameters
    ----------
    reads : tuple of str
        Files, other than its own, whose constants and functions are compiled into the function.  Numba compiles anew
        when the function's own file has changed, and would go on with old machine code when these have; so a hash of
        them becomes part of the name under which it is kept.
    **options
        Keyword arguments of ``numba.njit``.

    Examples
    --------
    >>> @cached(nogil=True)
    ... def double(x):
    ...     return 2 * x
    >>> double(21)
    42
    """

    def compiled(function: Callable[..., Any]) -> Any:
        if reads:
            function.__qualname__ += "-" + _digest(reads)
        try:
            return njit(cache=True, **options)(function)
        except RuntimeError:  # numba's way to say that it found no place
            _complain()
            return njit(**options)(function)

    return compiled


@lru_cache
def _digest(files: tuple[str, ...]) -> str:
    """A short hash of the contents of files."""
    total = sha256()
    for file in files:
        total.update(sha256(Path(file).read_bytes()).digest())
    return total.hexdigest()[:12]


@lru_cache(maxsize=1)
def _complain() -> None:
    """Say it once: not for each function, and not in each worker process."""
    if multiprocessing.parent_process() is None:
        print(
            "puiseux: no folder for compiled kernels can be written, so every process compiles them anew (about a "
            "minute); set NUMBA_CACHE_DIR to a folder that can",
            file=sys.stderr,
        )
