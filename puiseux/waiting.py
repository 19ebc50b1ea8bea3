"""What a person sees while a count takes its time: all of it on stderr, progress on a terminal only."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

CELL_KERNELS: tuple[tuple[str, str], ...] = ()
"""The functions that the engine ``cells`` compiles when it is first used: none, its core is compiled."""


def announce_compilation(kernels: Sequence[tuple[str, str]] = CELL_KERNELS) -> None:
    """Say so where kernels have to be compiled first, which happens once after each installation or update."""
    if not all(_is_compiled(module, name) for module, name in kernels):
        print("puiseux: compiling the kernels, once; this takes about a minute ..", file=sys.stderr, flush=True)


def _is_compiled(module: str, name: str) -> bool:
    """Whether the cache on disk has a compiled function that is newer than its source."""
    home = import_module(module)
    source = Path(str(home.__file__))
    try:
        cache = Path(getattr(home, name).stats.cache_path)
        entries = [entry.stat().st_mtime for entry in cache.glob(f"{source.stem}.{name}-*.nbi")]
        return max(entries, default=0.0) >= source.stat().st_mtime
    except (OSError, AttributeError, TypeError):
        return True  # compilation is switched off, or the location of the cache is unknown: do not announce


class StepProgress(AbstractContextManager["StepProgress"]):
    """What is being worked on, as a turning mark on the terminal.

    Silent where stderr is not a terminal.
    """

    def __init__(self) -> None:
        self._status: Any = None

    def __call__(self, step: str) -> None:
        """Name the step."""
        if not sys.stderr.isatty():
            return
        if self._status is None:
            from rich.console import Console

            self._status = Console(stderr=True).status("")
            self._status.start()
        self._status.update(f"{step} ..")

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        if self._status is not None:
            self._status.stop()


class CellProgress(AbstractContextManager["CellProgress"]):
    """A line on the terminal with the cells found and the share of the work done; it appears after a second.

    Silent where stderr is not a terminal.

    Parameters
    ----------
    what : str
        What is counted, if not cells.
    """

    def __init__(self, what: str = "cells") -> None:
        self._what = what
        self._begun = time.monotonic()
        self._bar: Any = None
        self._row: Any = None

    def __call__(self, cells: int, share: float) -> None:
        """Show numbers."""
        if not sys.stderr.isatty() or (self._bar is None and time.monotonic() - self._begun < 1.0):
            return
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            columns = [BarColumn(), TextColumn("{task.percentage:3.0f} %  {task.description}"), TimeElapsedColumn()]
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._row = self._bar.add_task("", total=1.0)
            self._bar.start()
        self._bar.update(self._row, completed=share, description=f"{cells:,} {self._what}")

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()
