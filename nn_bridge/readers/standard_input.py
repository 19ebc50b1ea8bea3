"""A network that comes through standard input, as JSON text."""

from __future__ import annotations

import os
import sys

from nn_bridge.readers.files import MAX_TEXT_BYTES
from polyhedra.errors import UnreadableError


class StandardInput(os.PathLike[str]):
    """Stands for the path ``-``; the text is read once and kept."""

    def __init__(self) -> None:
        self._content: bytes | None = None

    def __fspath__(self) -> str:
        return "-"

    def __str__(self) -> str:
        return "-"

    @property
    def name(self) -> str:
        """As of a path."""
        return "-"

    @property
    def suffix(self) -> str:
        """The format that is read: ``.json``."""
        return ".json"

    def read(self) -> bytes:
        """The text.

        Raises
        ------
        UnreadableError
            It is empty (as a second reading is), too long, or cannot be read.
        """
        if self._content is None:
            stream = getattr(sys.stdin, "buffer", None)
            try:
                content = b"" if stream is None else stream.read(MAX_TEXT_BYTES + 1)
            except (OSError, ValueError):
                content = b""
            if not content:
                raise UnreadableError("-: standard input is empty (it can be read once); send a network in JSON")
            if len(content) > MAX_TEXT_BYTES:
                raise UnreadableError(f"-: more than the {MAX_TEXT_BYTES} bytes that a network in JSON may have")
            self._content = content
        return self._content


__all__ = ["StandardInput"]
