"""The examples in the docstrings of the expressivity modules are run."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = [
    "nn_bridge.expressivity.region_bounds",
    "nn_bridge.expressivity.constructions",
    "nn_bridge.expressivity.maximum_coverage",
    "nn_bridge.expressivity.complexity",
    "nn_bridge.expressivity.sampling",
    "nn_bridge.expressivity.sampling_box",
    "nn_bridge.expressivity.symmetry",
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings_hold(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name))
    assert results.attempted > 0
    assert results.failed == 0
