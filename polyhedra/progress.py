"""Progress of one long question, told in words: on stderr, or to a function of the caller."""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

Steps = bool | Callable[[str], None] | None
"""The values of ``progress=`` where steps have names: True shows them on stderr, a callable gets each as a text."""

_FIRST_WORD, _SHARE = 1.0, 0.1
"""A loop is told of after so many seconds, and again after this share of the time that has passed."""

_P = ParamSpec("_P")
_R = TypeVar("_R")


@contextmanager
def shown_steps(progress: Steps) -> Iterator[Callable[[str], None]]:
    """The function to call with steps: ``progress`` itself, or for True a mark on stderr."""
    if callable(progress):
        yield progress
    elif progress:
        with StepProgress(everywhere=True) as shown:
            yield shown
    else:
        yield lambda step: None


class _Listener:
    """A function that is called with the state of loops, not too often."""

    def __init__(self, step: Callable[[str], None]) -> None:
        self._step = step
        self._begun = time.monotonic()
        self._next = self._begun + _FIRST_WORD

    def tell(self, step: Callable[[], str]) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + max(_FIRST_WORD, _SHARE * (now - self._begun))
            self._step(step())


_LISTENER: ContextVar[_Listener | None] = ContextVar("listener", default=None)


@contextmanager
def _heard_by(step: Callable[[str], None]) -> Iterator[None]:
    mark = _LISTENER.set(_Listener(step))
    try:
        yield
    finally:
        _LISTENER.reset(mark)


def tell(step: Callable[[], str]) -> None:
    """Report the state of a loop to the ``progress`` that was given further out; without one it costs next to nothing.

    Parameters
    ----------
    step : callable
        Makes the text; it is called about once a second.
    """
    listener = _LISTENER.get()
    if listener is not None:
        listener.tell(step)


def with_steps(first: str) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """A decorator for functions with the keyword ``progress``, which inside them is always a callable.

    Parameters
    ----------
    first : str
        The step that is told when the function begins.

    Examples
    --------
    >>> @with_steps("Adding")
    ... def add(a: int, b: int, *, progress: Steps = None) -> int:
    ...     return a + b
    >>> add(1, 2), add(1, 2, progress=print)
    Adding
    (3, 3)
    """

    def decorated(function: Callable[_P, _R]) -> Callable[_P, _R]:
        @functools.wraps(function)
        def shown(*given: _P.args, **options: _P.kwargs) -> _R:
            asked = options.pop("progress", None)
            with shown_steps(asked) as step:  # type: ignore[arg-type]
                step(first)
                options["progress"] = step
                with _heard_by(step) if asked else nullcontext():
                    return function(*given, **options)

        return shown

    return decorated


class StepProgress(AbstractContextManager["StepProgress"]):
    """The current step, as a turning mark on the terminal.

    Silent where stderr is not a terminal.

    Parameters
    ----------
    everywhere : bool
        Write a line for each step where stderr is no terminal.
    """

    def __init__(self, *, everywhere: bool = False) -> None:
        self._everywhere = everywhere
        self._status: Any = None

    def __call__(self, step: str) -> None:
        """Name the step."""
        if sys.stderr is None or not sys.stderr.isatty():
            if self._everywhere and sys.stderr is not None:
                print(f"{step} ..", file=sys.stderr)
            return
        if self._status is None:
            from rich.console import Console

            self._status = Console(stderr=True).status("")
            self._status.start()
        self._status.update(f"{step} ..")

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        if self._status is not None:
            self._status.stop()
