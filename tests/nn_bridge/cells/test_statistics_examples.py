"""The examples in the docstrings of statistics, graph distances and segments run."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = [
    "nn_bridge.cells.edges",
    "nn_bridge.cells.statistics",
    "nn_bridge.cells.graph_distances",
    "nn_bridge.cells.location",
    "nn_bridge.network.segments",
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings_hold(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name))
    assert results.attempted > 0
    assert results.failed == 0
