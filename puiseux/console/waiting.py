"""Messages while a count takes its time: all of them on stderr, progress on a terminal only."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Any

from polyhedra.plurals import counted
from polyhedra.progress import StepProgress as StepProgress
from polyhedra.progress import shown_steps as shown_steps

_BETWEEN_LINES = 2.0  # seconds


@contextmanager
def shown_counts(
    progress: bool | Callable[[int, float], None] | None, what: str = "cell"
) -> Iterator[Callable[[int, float], None] | None]:
    """The function to call with numbers and the share of the work done: ``progress`` itself, or for True a bar."""
    if callable(progress):
        yield progress
    elif progress:
        with CellProgress(what, everywhere=True) as shown:
            yield shown
    else:
        yield None


class CellProgress(AbstractContextManager["CellProgress"]):
    """A line on the terminal with the cells found and the share of the work done; it appears after a second.

    Silent where stderr is not a terminal.

    Parameters
    ----------
    what : str
        The name of one that is counted, if not a cell.
    everywhere : bool
        Write a line every two seconds where stderr is no terminal.
    """

    def __init__(self, what: str = "cell", *, everywhere: bool = False) -> None:
        self._what, self._everywhere = what, everywhere
        self._told = 0.0
        self._begun = time.monotonic()
        self._bar: Any = None
        self._row: Any = None

    def __call__(self, cells: int, share: float) -> None:
        """Show numbers."""
        if sys.stderr is None:
            return
        if self._everywhere and not sys.stderr.isatty():
            self._tell(cells, share)
            return
        if not sys.stderr.isatty() or (self._bar is None and time.monotonic() - self._begun < 1.0):
            return
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            columns = [BarColumn(), TextColumn("{task.percentage:3.0f} %  {task.description}"), TimeElapsedColumn()]
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._row = self._bar.add_task("", total=1.0)
            self._bar.start()
        self._bar.update(self._row, completed=share, description=counted(cells, self._what))

    def _tell(self, cells: int, share: float) -> None:
        now = time.monotonic()
        if now - self._told >= _BETWEEN_LINES or (share >= 1.0 and self._told):
            self._told = now
            print(f"{counted(cells, self._what)}, {share:.0%} of the work", file=sys.stderr)

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()
