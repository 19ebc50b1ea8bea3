"""Standard output and error that may be closed, full, gone, or in an encoding that lacks a character.

The exit code of a command is that of its answer.  So messages that cannot be written are dropped, an answer whose
reader has gone (``| head``) ends quietly, and only an answer that cannot be written otherwise (a full disk) is an
error.
Characters that the encoding lacks are written as escapes.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

DEBUG_VARIABLE = "PUISEUX_DEBUG"
"""Set to anything, this environment variable shows the traceback of an internal error, and warnings of libraries."""


class _Forgiving:
    """A text stream that forgives some failures: then it is pointed at nowhere, and writing goes on.

    Parameters
    ----------
    stream : text stream
    everything : bool
        Forgive every failure of the system, not only a reader that has gone.
    """

    def __init__(self, stream: Any, everything: bool) -> None:
        self._stream = stream
        self._forgiven: tuple[type[Exception], ...] = (OSError,) if everything else (BrokenPipeError,)

    def write(self, text: str) -> int:
        """Write text."""
        try:
            self._stream.write(text)
        except UnicodeEncodeError:  # of a stream whose way with such characters cannot be set
            encoding = getattr(self._stream, "encoding", None) or "ascii"
            return self.write(text.encode(encoding, "backslashreplace").decode(encoding))
        except ValueError:
            return len(text)  # closed within Python
        except self._forgiven:
            self.point_nowhere()
        return len(text)

    def flush(self) -> None:
        """Write out what waits."""
        try:
            self._stream.flush()
        except ValueError:
            return
        except self._forgiven:
            self.point_nowhere()

    def point_nowhere(self) -> None:
        """Let the rest go to the null device, so that what still waits in the stream does no harm when Python ends."""
        with contextlib.suppress(OSError, ValueError, AttributeError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def guarded_streams() -> Iterator[None]:
    """Guard ``sys.stdout`` and ``sys.stderr`` while a command runs."""
    before = sys.stdout, sys.stderr
    with contextlib.ExitStack() as opened:
        for name, everything in (("stdout", False), ("stderr", True)):
            stream = getattr(sys, name)
            if stream is None:  # the command was started without it
                stream = opened.enter_context(open(os.devnull, "w"))
            with contextlib.suppress(AttributeError, ValueError, OSError):
                stream.reconfigure(errors="backslashreplace")
            setattr(sys, name, _Forgiving(stream, everything))
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before


def flush_answer() -> None:
    """Write out the answer of a command.

    Raises
    ------
    OSError
        It cannot be written, and not because its reader has gone.
    """
    sys.stdout.flush()


def drop_answer() -> None:
    """Give up an answer that cannot be written, so that Python does not complain once more when it ends."""
    if isinstance(sys.stdout, _Forgiving):
        sys.stdout.point_nowhere()


def complete_descriptors() -> None:
    """Open the null device for each of the three standard descriptors that is closed.

    Otherwise the first files that a command opens would take their numbers, and get what goes to standard error.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with contextlib.suppress(OSError):
                os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free, which is this
