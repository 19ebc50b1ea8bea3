"""The adapters of other programs: what they hand over, what they refuse, and how they report."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nn_bridge.cells.counting.count import count_cells
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.network import Network
from polyhedra.errors import MissingExtraError, UsageError
from polyhedra.polyhedron import Polyhedron
from puiseux.cross_check.cross_check import crosscheck
from puiseux.cross_check.peer_oracles import RegioncamOracle, RelucentOracle, hidden_layers
from puiseux.random_networks import random_network

NET = random_network([2, 5, 4, 1], rng=1)


# ---------------------------------------------------------------- regioncam


@pytest.mark.parametrize(("lower", "upper"), [([-3, -3], [3, 3]), ([-5, 1], [0, 2]), ([10, -4], [11, 9])])
def test_regioncam_counts_in_rectangles(lower: list[int], upper: list[int]) -> None:
    pytest.importorskip("regioncam")
    box = Polyhedron.box(lower, upper)
    result = RegioncamOracle()(NET, box)
    assert not result.exact
    assert result.cells == count_cells(NET, box).cells


def test_regioncam_takes_part_in_a_cross_check() -> None:
    pytest.importorskip("regioncam")
    assert crosscheck(NET, "box:-3,3", ["regioncam"], routes=["cells"]).agree is True
    # float32 cannot tell these two units apart
    close = Network.from_layers([[[1, 0], [1, 0]], [[1, 1]]], [[0, "1/1000000000000"], [0]])
    check = crosscheck(close, "box:-3,3", ["regioncam"], routes=["cells"])
    assert check.agree is False
    assert check.witness is not None
    assert (check.witness.found_by, check.witness.missed_by) == (("cells",), ("regioncam",))


@pytest.mark.parametrize(
    ("network", "domain", "message"),
    [
        (random_network([3, 4, 1], rng=0), Polyhedron.box([0] * 3, [1] * 3), "the plane only"),
        (NET, None, "unbounded domain"),
        (NET, Polyhedron([[1, 0]], [1]), "boxes only"),
        (NET, Polyhedron.from_generators([[0, 0], [1, 0], [0, 1]]), "boxes only"),
        (NET, Polyhedron.from_generators([[1, 0], [0, 1], [-1, 0], [0, -1]]), "boxes only"),
    ],
)
def test_regioncam_refuses(network: Network, domain: Polyhedron | None, message: str) -> None:
    pytest.importorskip("regioncam")
    with pytest.raises(UsageError, match=message):
        RegioncamOracle()(network, domain)


# ---------------------------------------------------------------- relucent, played by a stand-in


class StandIn:
    """What the adapter needs of relucent; it knows the cells of NET."""

    complete, verified = True, True

    def __init__(self, network: Any) -> None:
        self.layers = network.layers
        self.dim = 2

    def bfs(self, start: np.ndarray, **options: Any) -> SimpleNamespace:
        assert start.shape == (1, 2)
        return SimpleNamespace(complete=self.complete, verified=self.verified)

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __iter__(self) -> Iterator[SimpleNamespace]:
        from nn_bridge.cells.cell import iterate_cells

        for cell in iterate_cells(NET):
            yield SimpleNamespace(ss_np=np.array([[1 if bit else -1 for stage in cell.pattern for bit in stage]]))


@pytest.fixture
def relucent(monkeypatch: pytest.MonkeyPatch) -> type[StandIn]:
    modules = {name: ModuleType(name) for name in ("relucent", "relucent.model", "relucent.model.model")}
    for name, module in modules.items():
        module.__spec__ = ModuleSpec(name, None)
        monkeypatch.setitem(sys.modules, name, module)
    found = type("Found", (StandIn,), {})
    vars(modules["relucent"]).update(Complex=found)
    vars(modules["relucent.model.model"]).update(
        LinearLayer=lambda weight, bias: ("linear", weight.shape, bias.shape),
        ReLULayer=lambda: "relu",
        ReLUNetwork=lambda layers: SimpleNamespace(layers=layers),
    )
    return found


def test_relucent_counts_and_names_cells(relucent: type[StandIn]) -> None:
    check = crosscheck(NET, None, ["relucent"], routes=["cells"])
    assert check.agree is True
    assert check.routes[1].counts["cells"] == count_cells(NET).cells
    assert set(check.routes[1].patterns or ()) == set(check.routes[0].patterns or ())


@pytest.mark.parametrize(("field", "reason"), [("complete", "incomplete"), ("verified", "did not verify")])
def test_relucent_withdraws_its_number(relucent: type[StandIn], field: str, reason: str) -> None:
    setattr(relucent, field, False)
    result = RelucentOracle()(NET, None)
    assert result.cells is None
    assert reason in str(result.reason)


def test_relucent_counts_on_all_of_space_only(relucent: type[StandIn]) -> None:
    with pytest.raises(UsageError, match="all of R"):
        RelucentOracle()(NET, Polyhedron.box([0, 0], [1, 1]))


def test_a_program_that_is_not_installed_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("puiseux.cross_check.peer_oracles.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"puiseux\[bench\]"):
        RelucentOracle()(NET, None)
    check = crosscheck(NET, None, ["relucent"], routes=["cells"])
    assert check.agree is None
    assert "puiseux[bench]" in str(check.routes[1].reason)


# ---------------------------------------------------------------- layers


def test_only_plain_chains_have_layers() -> None:
    build = NetworkBuilder(2)
    first = build.relu(build.affine(build.input(), [[1, 0]]))
    both = build.add(first, build.affine(build.input(), [[0, 1]]))
    skip = build.finish(build.relu(both))
    with pytest.raises(UsageError, match="stage 2 reads more"):
        hidden_layers(skip)
    layers = hidden_layers(Network.from_layers([[[1, 2]], [[0], [3]], [[1, 1]]], [["1/2"], [0, 1], [0]]))
    assert [(w.tolist(), b.tolist()) for w, b in layers] == [([[1, 2]], [0.5]), ([[0], [3]], [0, 1])]
