"""The examples in the docstrings of the expressivity modules are run."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = [
    "nn_bridge.bounds",
    "nn_bridge.constructions",
    "nn_bridge.maximum_coverage",
    "nn_bridge.monomial_complexity",
    "nn_bridge.sampling",
    "nn_bridge.sampling_box",
    "nn_bridge.symmetry",
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings_hold(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name))
    assert results.attempted > 0
    assert results.failed == 0
