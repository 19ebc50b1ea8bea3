"""Writing a file whole or not at all: the one place where this project writes to a name that a user gave.

A regular file is written beside its place and renamed there, so that no reader ever sees half of it, and a failure
leaves what was there before.  A link is followed.  A device or a pipe (``/dev/stdout``) is written to directly, since
it must not be replaced by a file.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from typing import BinaryIO

from polyhedra.errors import UnwritableError
from polyhedra.quoting import shown_path

StrPath = str | os.PathLike[str]


def write_bytes(path: StrPath, content: bytes) -> None:
    """Write a file of this content.

    Raises
    ------
    UnwritableError
        The place cannot be written; nothing is left behind.
    """
    with whole_file(path) as file:
        file.write(content)


@contextlib.contextmanager
def whole_file(path: StrPath) -> Iterator[BinaryIO]:
    """A stream to write to; the file gets its name at the end, and after an error it is removed.

    Raises
    ------
    UnwritableError
        The place cannot be written; nothing is left behind.
    """
    with unfinished(path) as place:
        special = os.path.exists(place)
        flags = os.O_WRONLY if special else os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with open(os.open(place, flags, 0o666), "wb") as file:
            yield file
            file.flush()
            if not special:
                os.fsync(file.fileno())


@contextlib.contextmanager
def unfinished(path: StrPath) -> Iterator[str]:
    """A name to write to, for libraries that open files themselves; the file is renamed to ``path`` at the end.

    The name is that of a new file beside ``path``, or of the device or pipe itself.

    Raises
    ------
    UnwritableError
        The place cannot be written; nothing is left behind.
    """
    with _refusing(path):
        target, special = _target(path)
        if special:
            yield target
            return
        temporary = _temporary(target)
        try:
            yield temporary
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise


def require_writable(path: StrPath) -> None:
    """Refuse a place where no file can be written, before anything is computed for it.

    Raises
    ------
    UnwritableError
    """
    with _refusing(path):
        target, special = _target(path)
        if special:
            if not os.access(target, os.W_OK):
                raise PermissionError(None, "it may not be written")
            return
        temporary = _temporary(target)
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        os.unlink(temporary)


def _target(path: StrPath) -> tuple[str, bool]:
    """Where the content goes, links followed, and whether this is a device or a pipe."""
    name = os.fsdecode(path)
    if not name:
        raise UnwritableError("an empty name is no file; name the file to write")
    try:
        possible = b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:
        possible = False
    if not possible:
        raise UnwritableError(f"{shown_path(name)}: is no name that a file can have; choose another one")
    try:
        mode = os.stat(name).st_mode
    except FileNotFoundError:
        target = os.path.realpath(name)
        if not os.path.isdir(os.path.dirname(target)):
            raise
        return target, False
    if stat.S_ISDIR(mode):
        raise UnwritableError(f"{shown_path(path)}: is a directory; name the file to write")
    if stat.S_ISREG(mode):
        return os.path.realpath(name), False
    return name, True  # the name itself: what /dev/stdout leads to may have no name of its own


def _temporary(target: str) -> str:
    folder, name = os.path.split(target)
    return os.path.join(folder, f".{name[:40]}.{secrets.token_hex(6)}.tmp")


@contextlib.contextmanager
def _refusing(path: StrPath) -> Iterator[None]:
    """Let every failure of the operating system name the file and the remedy."""
    try:
        yield
    except FileNotFoundError:
        raise UnwritableError(
            f"{shown_path(path)}: cannot be written: its folder does not exist; make it first"
        ) from None
    except BrokenPipeError:
        raise  # the reader of a pipe has gone, which is its right
    except OSError as error:
        reason = error.strerror or error
        raise UnwritableError(f"{shown_path(path)}: cannot be written: {reason}; choose another place") from None
