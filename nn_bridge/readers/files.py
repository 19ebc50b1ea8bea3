"""Opening a file that a user named: every way this can fail becomes one clear line."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from nn_bridge.errors import NetworkError
from polyhedra.quoting import shown, shown_path

MAX_BYTES = 256 * 2**20
"""The most bytes of arrays that a binary network file may hold, after inflation (33 million float64 weights)."""

MAX_TEXT_BYTES = 64 * 2**20
"""The most bytes of a text network file."""


def read_bytes(path: str | os.PathLike[str], limit: int) -> bytes:
    """The content of a regular file of at most ``limit`` bytes.

    Raises
    ------
    NetworkError
        The file is missing, a directory, no regular file, unreadable, empty or too large.
    """
    name = Path(path)
    try:
        status = os.stat(name)
        if stat.S_ISDIR(status.st_mode):
            raise NetworkError(f"{shown_path(name)} is a directory; give the network file itself")
        if not stat.S_ISREG(status.st_mode):
            raise NetworkError(f"{shown_path(name)} is not a regular file; copy the network into one first")
        if status.st_size == 0:
            raise NetworkError(f"{shown_path(name)} is empty; save the network again")
        if status.st_size > limit:
            raise NetworkError(
                f"{shown_path(name)} has {status.st_size} bytes, more than the {limit} that a network file may have"
            )
        with open(name, "rb") as file:
            content = file.read(min(limit, status.st_size) + 1)  # asked for more, Python sets that much memory aside
    except NetworkError:
        raise
    except FileNotFoundError:
        raise NetworkError(f"{shown_path(name)}: there is no such file; check the path") from None
    except PermissionError:
        raise NetworkError(f"{shown_path(name)} may not be read; check its permissions") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        reason = getattr(error, "strerror", None) or error
        raise NetworkError(f"{shown_path(name)} cannot be read: {shown(reason)}; check the path") from None
    if len(content) > status.st_size:
        raise NetworkError(f"{shown_path(name)} grew while it was read; wait until it is written")
    return content
