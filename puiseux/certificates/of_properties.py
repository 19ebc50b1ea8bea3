"""Is a certificate one of a property, and of which?"""

from __future__ import annotations

import re
import zlib
from os import PathLike
from typing import Any


def is_of_property(path: str | PathLike[str]) -> bool:
    """Whether the first bytes of a file say that it is a certificate of a property; False where it cannot be read."""
    try:
        with open(path, "rb") as file:
            start = file.read(1 << 12)
        if start[:2] == b"\x1f\x8b":
            start = zlib.decompressobj(31).decompress(start, 1 << 12)
    except (OSError, zlib.error):
        return False
    return re.match(rb'\{"format": ?"[^"]*", ?"version": ?[0-9]+, ?"kind": ?"property"', start) is not None


def property_form(spec: Any) -> list[Any]:
    """The normal form of a property, or of a file with one."""
    from milp.property_form import normal_form  # imported when used: it reads VNN-LIB
    from milp.vnnlib import Property, read_vnnlib

    return normal_form(spec if isinstance(spec, Property) else read_vnnlib(spec))


def other_property(found: dict[str, Any], digest: str) -> str | None:
    """Why a valid certificate is not about a property."""
    if found["kind"] != "property":
        return f"is a valid certificate of {found['kind']}, not of a property"
    if found["property_digest"] != digest:
        other = found["property_digest"]
        return f"is a valid certificate of another property (digest {other[:12]}.., not {digest[:12]}..)"
    return None


__all__ = ["is_of_property", "other_property", "property_form"]
