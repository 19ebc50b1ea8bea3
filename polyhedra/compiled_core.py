"""Whether the compiled core is there, and what to say where it is not.

The core is built with the package where a C++ compiler is found (`docs/core.md`).  ``PUISEUX_PURE=1`` does without it,
when the package is installed and when it runs.
"""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

PURE = "PUISEUX_PURE"

REMEDY = (
    "to get the compiled core, install a C++ compiler (Debian and Ubuntu: apt-get install g++ python3-dev) and then "
    "puiseux again: pip install --force-reinstall --no-deps --no-cache-dir puiseux, or make setup in a checkout"
)


def pure() -> bool:
    """Whether ``PUISEUX_PURE`` asks for Python alone."""
    return os.environ.get(PURE, "").lower() not in ("", "0", "false", "no", "off")


def core(name: str) -> ModuleType | None:
    """An extension module of the core (``"polyhedra._core"``), or None where it was not built or is not wanted."""
    if pure() or find_spec(name) is None:
        return None
    return import_module(name)


@lru_cache(maxsize=1)
def say_plain() -> None:
    """Say once in each process, on stderr, that the plain engine runs, how slow it is, and how to get the core."""
    remedy = f"unset {PURE} to use the compiled core, if it was built" if pure() else REMEDY
    print(
        "puiseux: counting by the plain engine, in Python alone: some thousand cells a second, a thousand times fewer "
        f"than the compiled core; {remedy}",
        file=sys.stderr,
    )


__all__ = ["PURE", "REMEDY", "core", "pure", "say_plain"]
