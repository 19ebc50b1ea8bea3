"""Residues that occur more than once, found class by class or by a hash table, as numpy counts them."""

from pathlib import Path

import numpy as np
import pytest

from nn_bridge.cells import _core, repeated_maps
from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.repeated_maps import duplicates
from nn_bridge.cells.tree import NEIGHBOURS, CellTree, Subtree
from nn_bridge.network.network import Network
from nn_bridge.readers import read_network

NETS = Path(__file__).resolve().parents[2] / "data" / "nets"


@pytest.mark.parametrize("threads", [1, 3])
def test_duplicates_class_by_class(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many residues are sorted in classes: the same leaves are found as by counting each residue."""
    monkeypatch.setattr(repeated_maps, "_AT_ONCE", 10)
    rng = np.random.default_rng(5)
    for size in (0, 1, 9, 40, 500):
        residues = rng.integers(0, max(1, size), size).astype(np.uint64) << np.uint64(rng.integers(0, 3))
        parts = np.split(residues, np.sort(rng.integers(0, size + 1, 3)))
        _, place, counts = np.unique(residues, return_inverse=True, return_counts=True)
        found = duplicates(parts, threads)
        assert found.select.tolist() == (counts > 1)[place].astype(int).tolist()
        assert found.residues.tolist() == residues[(counts > 1)[place]].tolist()
        assert found.singles == np.count_nonzero(counts == 1)
        assert repeated_maps.distinct(parts) == len(counts)


def test_repeated_residues_are_marked() -> None:
    """As numpy counts them; the mask is told apart from one of another length."""
    rng = np.random.default_rng(6)
    for size in (0, 1, 2, 3, 15, 100, 5000):
        for most in (1, max(2, size // 3), 10 * size + 1, 1 << 62):
            residues = rng.integers(0, most, size).astype(np.uint64)
            _, place, counts = np.unique(residues, return_inverse=True, return_counts=True)
            mask = np.zeros(size, np.uint8)
            assert _core.mark_repeats(residues, mask) == size - len(counts)
            assert mask.tolist() == (counts > 1)[place].astype(int).tolist()
    with pytest.raises(ValueError, match="another length"):
        _core.mark_repeats(np.zeros(3, np.uint64), np.zeros(2, np.uint8))


def with_relu(name: str) -> Network:
    """A network of the folder with a ReLU on its output, by which many maps are zero."""
    layers = read_network(NETS / f"{name}.npz").layers
    assert layers is not None
    weights, biases = [layer.weights for layer in layers], [layer.bias for layer in layers]
    return Network.from_layers(weights, biases, relu_on_output=True)


def whole_network(seed: int) -> Network:
    """Small whole numbers: maps repeat early or late, or hardly."""
    rng = np.random.default_rng(seed)
    sizes = [2, 14, 10, 1]
    shapes = zip(sizes[1:], sizes, strict=False)
    weights = [rng.integers(-2 - seed % 3, 3 + seed % 3, shape) for shape in shapes]
    return Network.from_layers(weights, [rng.integers(-9, 10, size) for size in sizes[1:]])


def leaves_of(network: Network, trial: tuple[int, int, int] | None) -> tuple[np.ndarray, np.ndarray, bool | None]:
    """The residues and neighbours of all leaves, of one batch, and what it decided."""
    problem = cell_problem(network)
    assert problem is not None
    tree = CellTree(problem, NEIGHBOURS)
    tree.batch_leaves = 1 << 20
    tree.start(Subtree(0, (), problem.roots))
    if trial is not None:
        tree.try_leaves(*trial)
    assert tree.work()
    found = tree.take()
    return found.residues, found.neighbours, tree.tried()


@pytest.mark.parametrize("network", ["d2_32_32_1_s0", "bunny_d2_4x32", *range(12)])
@pytest.mark.parametrize("trial", [(64, 1024, 256), (20, 40, 4), (1, 30, 2)])
def test_a_batch_decides_by_its_leaves(network: str | int, trial: tuple[int, int, int]) -> None:
    """The same leaves; neighbours, if many of the latest repeat, from there on, or none; against a count by numpy."""
    first, latest, share = trial
    asked = whole_network(network) if isinstance(network, int) else with_relu(network)
    residues, neighbours, open_ = leaves_of(asked, None)
    assert open_ is None
    again, told, joined = leaves_of(asked, trial)
    assert again.tolist() == residues.tolist()
    known = np.flatnonzero(told.any(axis=1)) if len(told) else np.zeros(0, int)
    begin = int(known[0]) if len(known) else len(residues)

    def many(part: np.ndarray) -> bool:
        return share * (len(part) - len(np.unique(part))) >= len(part)

    # a look comes with the first cell after so many leaves, and a cell of the last stage may have up to 32
    early = {many(residues[:at]) for at in range(first, min(first + 40, len(residues)) + 1)}
    if joined and begin < first + latest:
        assert True in early
        assert np.array_equal(told, neighbours)
    elif joined:
        assert False in early
        assert np.array_equal(told[begin:], neighbours[begin:])
        ends = range(first + latest, begin + 1)
        assert any(many(residues[at // 2 : at]) or many(residues[at - latest : at]) for at in ends)
    else:
        assert joined is None or False in early
        assert len(told) == (0 if joined is False else len(residues))


def test_batches_decide_in_every_way() -> None:
    """With neighbours from the first leaf on, from a later one on, and with none."""
    ways = set()
    for network in (with_relu("d2_32_32_1_s0"), with_relu("bunny_d2_4x32"), read_network(NETS / "d2_32_32_1_s0.npz")):
        _, told, joined = leaves_of(network, (64, 1024, 256))
        ways.add((joined, len(told) > 0 and int(np.flatnonzero(told.any(axis=1))[0]) > 1000))
    assert ways == {(True, False), (True, True), (False, False)}
