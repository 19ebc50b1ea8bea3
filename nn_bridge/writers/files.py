"""Writing a file whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator

from nn_bridge.errors import NetworkError


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file next to its place and rename it there, so that no reader ever sees half of it.

    A link is followed; a device or a pipe (``/dev/stdout``) is written to directly, since it cannot be renamed onto.

    Raises
    ------
    NetworkError
        The place cannot be written; nothing is left behind.
    """
    try:
        target = os.path.realpath(path)
        if os.path.isdir(target):
            raise NetworkError(f"{path} is a directory; name the file to write")
        if os.path.exists(target) and not stat.S_ISREG(os.stat(target).st_mode):
            with open(target, "wb") as device:
                device.write(content)
            return
        _replace(target, content)
    except NetworkError:
        raise
    except FileNotFoundError:
        raise NetworkError(f"{path} cannot be written: its folder does not exist; make it first") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        reason = getattr(error, "strerror", None) or error
        raise NetworkError(f"{path!s:.200} cannot be written: {reason}; choose another place") from None


def _replace(target: str, content: bytes) -> None:
    with unfinished(target) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)


@contextlib.contextmanager
def unfinished(path: str | os.PathLike[str]) -> Iterator[str]:
    """A name beside ``path`` to write to: at the end the file is renamed, and after an error it is removed."""
    folder, name = os.path.split(os.fspath(path))
    temporary = os.path.join(folder, f".{name[:100]}.{secrets.token_hex(6)}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
