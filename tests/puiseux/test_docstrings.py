"""The examples in the docstrings of this package run."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import puiseux

HOME = Path(str(puiseux.__file__)).parent
MODULES = sorted(
    ".".join(path.relative_to(HOME).with_suffix("").parts)
    for path in HOME.rglob("*.py")
    if ">>> " in path.read_text() and path.parent.name != "commands"  # those quote examples in their help texts
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_the_module(name: str) -> None:
    module = puiseux if name == "__init__" else import_module(f"puiseux.{name}")
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0
