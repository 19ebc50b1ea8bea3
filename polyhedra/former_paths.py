"""Documented modules that have moved: the old path still imports, with a warning, for one version."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


def forward(moved: Mapping[str, str]) -> None:
    """Let modules be imported by their old paths too.

    Parameters
    ----------
    moved : mapping of str to str
        The new path of each module by its old one.  An import by the old path gives the same module object and a
        `FutureWarning` that names the new path.
    """
    sys.meta_path.append(_FormerPaths(moved))


class _FormerPaths(MetaPathFinder):
    def __init__(self, moved: Mapping[str, str]) -> None:
        self._moved = moved

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        new = self._moved.get(fullname)
        if new is None:
            return None
        warnings.warn(f"{fullname} has moved to {new}; the old path goes away in 0.2", FutureWarning, stacklevel=2)
        return ModuleSpec(fullname, _Alias(new))


class _Alias(Loader):
    """Loads a module under its new path, and gives it back untouched."""

    def __init__(self, new: str) -> None:
        self._new = new
        self._spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = import_module(self._new)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec  # the import system has put the spec of the old path there
