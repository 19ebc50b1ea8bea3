"""Running code that may hang, crash or print: in a process of its own, with a time limit, answers as they come.

Where processes cannot be forked (Windows) the code runs in this process, and the limit cannot be enforced.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import struct
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from polyhedra.errors import PuiseuxError, UsageError
from polyhedra.limits import OutOfTime as OutOfTime

_HEADER = struct.Struct(">cQ")
_ANSWER, _ERROR, _REFUSAL, _END = b"a", b"e", b"r", b"z"
_POLL = 0.5  # seconds between two looks at whether the parent still runs


class Failed(Exception):
    """The code raised or its process died; the text says how."""


class Died(Failed):
    """The process that ran the code died."""


class Refused(Failed, UsageError):
    """The code raised a `PuiseuxError`, whose message this is: what was asked for is at fault, not the code."""


def run_isolated(task: Callable[[], Iterator[Any]], seconds: float | None = None) -> Iterator[Any]:
    """Run a generator function in a child process and hand on what it yields.

    The child inherits everything, so any closure will do; what it yields must pickle.  Its stdout goes to stderr.  It
    is killed, with all that it started, when the time is over or the caller stops asking.

    Parameters
    ----------
    task : callable
        Takes nothing, returns an iterator.
    seconds : float, optional
        The time limit, for everything together.

    Raises
    ------
    OutOfTime
        The limit was reached; what was yielded before has been handed on.
    Failed
        The task raised (the message of a `PuiseuxError`, which is `Refused`, else the type as well), or its process
        died.

    Examples
    --------
    >>> list(run_isolated(lambda: iter([1, 2])))
    [1, 2]
    """
    if not hasattr(os, "fork"):
        yield from _run_here(task)
        return
    reader, writer = os.pipe()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # as where a program was started without it
            stream.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child only computes and leaves by _exit
        child = os.fork()
    if child == 0:
        os.close(reader)
        _work(task, writer)
    os.close(writer)
    try:
        yield from _answers(reader, child, None if seconds is None else time.monotonic() + seconds)
    finally:
        os.close(reader)
        for kill in (os.killpg, os.kill):
            try:
                kill(child, signal.SIGKILL)
            except OSError:
                continue  # gone already, or no group of its own yet
        os.waitpid(child, 0)


def _run_here(task: Callable[[], Iterator[Any]]) -> Iterator[Any]:
    try:
        yield from task()
    except PuiseuxError as error:
        raise Refused(_message(error)) from None
    except Exception as error:
        raise Failed(_message(error)) from None


def _message(error: BaseException) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, PuiseuxError):
        return text
    return f"raised {type(error).__name__}{': ' if text else ''}{text}"


# ---------------------------------------------------------------- the child


def _work(task: Callable[[], Iterator[Any]], writer: int) -> NoReturn:
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C, and ends us
        os.dup2(2, 1)
        sys.stdout = sys.stderr  # which need not be these two files
        threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
        try:
            for answer in task():
                _send(writer, _ANSWER, pickle.dumps(answer))
            _send(writer, _END, b"")
        except BaseException as error:
            kind = _REFUSAL if isinstance(error, PuiseuxError) else _ERROR
            _send(writer, kind, _message(error).encode(errors="replace"))
    finally:
        os._exit(0)


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL)
    os._exit(1)


def _send(writer: int, kind: bytes, content: bytes) -> None:
    data = memoryview(_HEADER.pack(kind, len(content)) + content)
    while data:
        data = data[os.write(writer, data) :]


# ---------------------------------------------------------------- the parent


def _answers(reader: int, child: int, deadline: float | None) -> Iterator[Any]:
    while True:
        kind, size = _HEADER.unpack(_receive(reader, _HEADER.size, deadline))
        content = _receive(reader, size, deadline)
        if kind == _END:
            return
        if kind == _REFUSAL:
            raise Refused(content.decode())
        if kind == _ERROR:
            raise Failed(content.decode())
        yield pickle.loads(content)


def _receive(reader: int, size: int, deadline: float | None) -> bytes:
    data = bytearray()
    while len(data) < size:
        wait = None if deadline is None else deadline - time.monotonic()
        if wait is not None and (wait <= 0 or not select.select([reader], [], [], wait)[0]):
            raise OutOfTime
        part = os.read(reader, min(size - len(data), 1 << 20))
        if not part:
            raise Died("its process died")
        data += part
    return bytes(data)
