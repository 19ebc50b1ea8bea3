"""Names of a package that are loaded when they are first asked for, so that importing the package is light."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def late_names(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the ``__getattr__`` and ``__dir__`` of a package whose names are loaded late.

    Parameters
    ----------
    package : str
    homes : mapping of str to str
        The module of each public name.

    Examples
    --------
    >>> get, names = late_names("polyhedra", {"rational": "polyhedra.scalars"})
    >>> get("rational")("1/2")
    1/2
    >>> names()
    ['rational']
    """

    def get(name: str) -> Any:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(home), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted(homes)

    return get, names


__all__ = ["late_names"]
