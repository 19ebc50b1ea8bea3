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

from polyhedra.errors import PuiseuxError

PURE = "PUISEUX_PURE"

REMEDY = (
    "to get the compiled core, install a C++ compiler (Debian and Ubuntu: apt-get install g++ python3-dev) and then "
    "puiseux again: pip install --force-reinstall --no-deps --no-cache-dir puiseux, or make setup in a checkout"
)


class CoreMissingError(PuiseuxError, ImportError):
    """The compiled core is needed and not there."""


def pure() -> bool:
    """Whether ``PUISEUX_PURE`` asks for Python alone."""
    return os.environ.get(PURE, "").lower() not in ("", "0", "false", "no", "off")


def core(name: str) -> ModuleType | None:
    """An extension module of the core (``"polyhedra._core"``), or None where it was not built or is not wanted."""
    if pure() or find_spec(name) is None:
        return None
    return import_module(name)


def core_or_refusal(name: str) -> ModuleType:
    """An extension module of the core; where it is missing, a stand-in that says so when it is used, not before.

    For modules that the plain engine's users import along with it::

        if TYPE_CHECKING:
            from nn_bridge.cells import _core
        else:
            _core = core_or_refusal("nn_bridge.cells._core")
    """
    return core(name) or _Refusal(name)


class _Refusal(ModuleType):
    """Stands where an extension module is missing."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):  # what inspection asks every module for
            raise AttributeError(name)
        because = f"{PURE} is set; unset it" if pure() else REMEDY
        raise CoreMissingError(f"this needs the compiled core: {because}")


@lru_cache(maxsize=1)
def say_plain() -> None:
    """Say once in each process, on stderr, that the plain engine runs, how slow it is, and how to get the core."""
    remedy = f"unset {PURE} to use the compiled core, if it was built" if pure() else REMEDY
    print(
        "puiseux: counting by the plain engine, in Python alone: some thousand cells a second, a thousand times fewer "
        f"than the compiled core; {remedy}",
        file=sys.stderr,
    )


__all__ = ["PURE", "REMEDY", "CoreMissingError", "core", "core_or_refusal", "pure", "say_plain"]
