"""The examples in the docstrings of `tropical` run and show what they say."""

import doctest
import importlib
import pkgutil

import pytest

import tropical

MODULES = [f"tropical.{module.name}" for module in pkgutil.iter_modules(tropical.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name):
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0
