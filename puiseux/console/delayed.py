"""`Delayed`: a call after some seconds, in a thread of its own, unless it is cancelled before."""

from __future__ import annotations

import _thread
from collections.abc import Callable

from polyhedra.memory import has_room_for_threads


class Delayed:
    """Call a function once, after some seconds, unless `cancel` is called before.

    `threading.Timer` waits until its thread has begun, for ever where memory ends in between.  This one waits for
    nothing: where no thread can be had, the function is not called.

    Parameters
    ----------
    seconds : float
    function : callable
        Takes no arguments.

    Examples
    --------
    >>> import threading
    >>> called = threading.Event()
    >>> Delayed(3600.0, called.set).cancel()
    >>> called.is_set()
    False
    >>> kept = Delayed(1e-3, called.set); called.wait(60)
    True
    """

    def __init__(self, seconds: float, function: Callable[[], None]) -> None:
        self._seconds, self._function = seconds, function
        self._waiting = _thread.allocate_lock()
        self._waiting.acquire()
        try:  # where no thread can be had, the function is not called
            if has_room_for_threads(1):
                _thread.start_new_thread(self._run, ())
        except RuntimeError:
            pass

    def cancel(self) -> None:
        """Do not call the function any more."""
        if self._waiting.locked():
            self._waiting.release()

    def _run(self) -> None:
        if not self._waiting.acquire(timeout=self._seconds):
            self._function()
