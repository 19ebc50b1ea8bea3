"""How many parts a serialised message has, counted before it is parsed.

Parsed, a part of two bytes takes up to some hundred bytes of memory: a file of 100 MB could ask for many gigabytes.
"""

from __future__ import annotations

from typing import Any

from nn_bridge.errors import NetworkError

MAX_PARTS = 500_000
"""The most parts of a message: fields, and entries of lists that are not packed."""

_FIXED = {1: 8, 5: 4}


def check_parts(content: bytes, descriptor: Any, limit: int = MAX_PARTS) -> None:
    """Walk over a message and all messages in it; a damaged one is left to the parser.

    Parameters
    ----------
    content : bytes
    descriptor : google.protobuf.descriptor.Descriptor
        Tells which fields are messages.
    limit : int
        The most messages, fields and packed numbers, all together.

    Raises
    ------
    NetworkError
        It has more parts than the limit.
    """
    waiting = [(0, len(content), descriptor)]
    parts = 0
    while waiting:
        at, end, kind = waiting.pop()
        fields = kind.fields_by_number
        while at < end:
            parts += 1
            if parts > limit:
                raise NetworkError(
                    f"the model has more than {limit:,} parts, more than a network for exact engines has"
                )
            key, at = _varint(content, at, end)
            if key < 0:
                return
            form = key & 7
            if form == 0:
                value, at = _varint(content, at, end)
                if value < 0:
                    return
            elif form == 2:
                length, at = _varint(content, at, end)
                if not 0 <= length <= end - at:
                    return
                field = fields.get(key >> 3)
                if field is not None and field.message_type is not None:
                    waiting.append((at, at + length, field.message_type))
                at += length
            elif form in _FIXED:
                at += _FIXED[form]
            elif form not in (3, 4):  # groups: what is in them is counted as fields of this message
                return


def _varint(content: bytes, at: int, end: int) -> tuple[int, int]:
    """A number of variable length and the place behind it; -1 where it is damaged."""
    value = shift = 0
    while at < end and shift < 70:
        byte = content[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    return -1, at
