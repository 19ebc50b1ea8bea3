"""The Python front door: whatever a user has can be counted, and says what was counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import puiseux
from polyhedra.errors import PuiseuxError, UsageError
from puiseux.questions.count import ENGINES, count_regions

WEIGHTS = [np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), np.array([[1.0, 1.0, -1.0]])]
BIASES = [np.array([0.0, 0.0, -1.0]), np.array([0.0])]
NET = puiseux.Network.from_layers(WEIGHTS, BIASES)


def test_a_network_a_path_a_list_and_a_module_count_alike(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    puiseux.save(NET, path)
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
    with torch.no_grad():
        for layer, weight, bias in zip((module[0], module[2]), WEIGHTS, BIASES, strict=True):
            layer.weight.copy_(torch.tensor(weight))
            layer.bias.copy_(torch.tensor(bias))
    for source in (NET, path, str(path), list(zip(WEIGHTS, BIASES, strict=True)), module):
        result = count_regions(source)
        assert set(result.counts.values()) == {7}
        assert (result.exact, result.complete, result.domain) == (True, True, "all")


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_says_its_name_and_the_domain(engine: str) -> None:
    result = count_regions(NET, "box:-1,1", engine)
    assert (result.engine, result.domain) == (engine, "box:-1,1")
    assert result.cells in (5, None)


def test_a_polyhedron_is_a_domain() -> None:
    triangle = puiseux.Polyhedron([[-1, 0], [0, -1], [1, 1]], [0, 0, 2])
    result = count_regions(NET, triangle)
    assert (result.cells, result.domain) == (2, "polyhedron")


def test_one_output_alone() -> None:
    both = puiseux.Network.from_layers([WEIGHTS[0], [[1, 1, -1], [1, 0, 0]]], [BIASES[0], [0, 0]])
    assert count_regions(both).regions == 7
    assert count_regions(both, output=1).regions == 2
    assert count_regions(both, output=1).cells == 7


def test_requests_that_make_no_sense() -> None:
    with pytest.raises(UsageError, match="there is no engine 'magic'; take one of auto, "):
        count_regions(NET, engine="magic")
    with pytest.raises(PuiseuxError, match="there is no output 3"):
        count_regions(NET, output=3)
    with pytest.raises(PuiseuxError, match="cannot read a network from an object of type int"):
        count_regions(3)
