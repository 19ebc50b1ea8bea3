"""Opening a file that a user named: every way this can fail becomes one clear line."""

from __future__ import annotations

import os
import stat

from polyhedra.errors import UnreadableError
from polyhedra.quoting import shown, shown_path

MAX_BYTES = 256 * 2**20
"""The most bytes of arrays that a binary network file may hold, after inflation (33 million float64 weights)."""

MAX_TEXT_BYTES = 64 * 2**20
"""The most bytes of a text network file."""


def read_bytes(path: str | os.PathLike[str], limit: int, kind: str = "network") -> bytes:
    """The content of a regular file of at most ``limit`` bytes.

    Parameters
    ----------
    path : path
    limit : int
    kind : str
        How messages call what is read.

    Raises
    ------
    UnreadableError
        The file is missing, a directory, no regular file, unreadable, empty or too large.
    """
    if not isinstance(path, str | os.PathLike):  # a number is a descriptor to Python
        raise UnreadableError(f"a {kind} is read from a path, not from {shown(path)} (of type {type(path).__name__})")
    name = shown_path(path)
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise UnreadableError(f"{name} is a directory; give the {kind} file itself")
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableError(f"{name} is not a regular file; copy the {kind} into one first")
        if status.st_size == 0:
            raise UnreadableError(f"{name} is empty; save the {kind} again")
        if status.st_size > limit:
            raise UnreadableError(
                f"{name} has {status.st_size} bytes, more than the {limit} that a {kind} file may have"
            )
        with open(path, "rb") as file:
            content = file.read(min(limit, status.st_size) + 1)  # asked for more, Python sets that much memory aside
    except UnreadableError:
        raise
    except FileNotFoundError:
        raise UnreadableError(f"{name}: there is no such file; check the path") from None
    except PermissionError:
        raise UnreadableError(f"{name} may not be read; check its permissions") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        reason = getattr(error, "strerror", None) or error
        raise UnreadableError(f"{name} cannot be read: {shown(reason)}; check the path") from None
    if len(content) > status.st_size:
        raise UnreadableError(f"{name} grew while it was read; wait until it is written")
    return content
