"""Stability by branch and bound against brute force, and compressed networks that are equal on the domain, exactly."""

import numpy as np
import pytest
from flint import fmpq

from milp.bounding import network_bounds
from milp.branching import search_maximum
from milp.compress import compress, stability_proofs
from milp.domain import bounded
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.network import AffineStage, Network
from polyhedra.polyhedron import Polyhedron

pytest.importorskip("highspy")


def difference(first, second):
    """The network f - g of one output, side by side."""
    stages, shift = list(first.stages), len(first.stages)

    def moved(stage):
        return AffineStage(tuple((s + shift if s else 0, m) for s, m in stage.blocks), stage.bias)

    stages += [moved(stage) for stage in second.stages]
    other = moved(second.output)
    blocks = dict(first.output.blocks)
    for source, (row,) in other.blocks:
        before = blocks.get(source, (((fmpq(0),) * len(row)),))[0]
        blocks[source] = (tuple(a - b for a, b in zip(before, row, strict=True)),)
    kept = tuple((s, blocks[s]) for s in sorted(blocks) if any(blocks[s][0]))
    return Network(first.input_dim, tuple(stages), AffineStage(kept, (first.output.bias[0] - other.bias[0],)))


def equal_on(first, second, domain):
    """Whether two networks with one output agree on a domain: the exact range of their difference is {0}."""
    both = difference(first, second)
    region = bounded(domain, both.input_dim)
    known = network_bounds(both, region, "lp")
    for sign in (1, -1):
        result = search_maximum(both, region, known, both.output, 0, sign, node_limit=20_000)
        if not (result.proven and result.value == result.bound == 0):
            return False
    return True


def test_proofs_are_those_of_brute_force(random_network, unit_box, cells_by_patterns):
    rng = np.random.default_rng(33)
    for shape, kind in (((2, 4, 4, 1), "gaussian"), ((2, 3, 4, 1), "integer"), ((2, 3, 3, 1), "skip")):
        network, box = random_network(rng, shape, kind), unit_box(2, 1)
        patterns = cells_by_patterns(network, box)
        proofs = stability_proofs(network, box)
        units = [(k, i) for k, size in enumerate(network.hidden) for i in range(size)]
        assert proofs.inactive == {(k, i) for k, i in units if not any(p[k][i] for p in patterns)}
        for k, i in proofs.active:
            assert all(p[k][i] or not any(network.affine_forms(p)[k][i]) for p in patterns)
        for k, i in set(units) - proofs.active - proofs.inactive:
            assert len({p[k][i] for p in patterns}) == 2
        assert proofs.domain == box


@pytest.mark.parametrize("keep_chain", [False, True])
def test_compressed_network_is_equal_on_the_domain_and_smaller(keep_chain):
    rng = np.random.default_rng(34)
    first = np.vstack([rng.normal(size=(4, 2)), np.ones((3, 2)), -np.ones((2, 2))])
    network = Network.from_layers(
        [first, rng.normal(size=(5, 9)), rng.normal(size=(1, 5))],
        [[0.1, -0.2, 0.3, 0, 5, 6, 7, -5, -6], [3, -30, 0, 0.5, -0.5], [0]],
    )
    box = Polyhedron.box([-1, -1], [1, 1])
    result = compress(network, box, keep_chain=keep_chain)
    assert sum(result.network.hidden) <= sum(network.hidden) - (5 if not keep_chain else 4)
    assert equal_on(network, result.network, box)
    outside = [100, 100]
    assert network.evaluate(outside) != result.network.evaluate(outside)


def test_comparison_of_this_file_can_fail():
    build = NetworkBuilder(1)
    x = build.input()
    network = build.finish(build.relu(x))
    other = build.finish(build.affine(x, [[1]]))
    assert equal_on(network, other, Polyhedron.box([0], [1]))
    assert not equal_on(network, other, Polyhedron.box(["-1/1000000"], [1]))


def test_limits_leave_units_out():
    rng = np.random.default_rng(35)
    network = Network.from_layers(
        [rng.normal(size=(8, 3)), rng.normal(size=(8, 8)), rng.normal(size=(1, 8))], [[0] * 8, [-3] * 8, [0]]
    )
    box = ([-1] * 3, [1] * 3)
    all_proofs, few = stability_proofs(network, box), stability_proofs(network, box, node_limit=0)
    assert few.inactive <= all_proofs.inactive
    assert few.active <= all_proofs.active
