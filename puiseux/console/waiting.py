"""What a person sees while a count takes its time: all of it on stderr, progress on a terminal only."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any


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
