"""The examples in the docstrings of `polyhedra` are true."""

import doctest
import importlib

import pytest

MODULES = [
    "scalars",
    "matrix",
    "double_description",
    "linear_program",
    "polyhedron",
    "subdivision",
    "triangulation",
    "system",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = importlib.import_module(f"polyhedra.{name}")
    assert doctest.testmod(module).failed == 0
