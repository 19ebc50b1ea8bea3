"""The cell route and the symbolic route, which share nothing but the network, give the same four counts."""

import numpy as np
import pytest

from nn_bridge.cells.counting.count import count_from_tree
from nn_bridge.cells.problem import cell_problem
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.network import Network
from nn_bridge.symbolic.count import count_symbolic
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational


def layers(sizes, seed, activations=None, whole=False):
    """A random network; whole numbers make it degenerate."""
    rng = np.random.default_rng(seed)

    def draw(*shape):
        return rng.integers(-2, 3, shape) if whole else rng.normal(size=shape)

    weights, biases = [], []
    before = sizes[0]
    for index, size in enumerate(sizes[1:]):
        kind = activations[index] if activations else ""
        rows = size * int(kind.partition(":")[2]) if kind.startswith("maxout") else size
        weights.append(draw(rows, before))
        biases.append(draw(rows))
        before = size
    return Network.from_layers(weights, biases, activations)


def residual(seed):
    """Two residual blocks and two outputs."""
    rng = np.random.default_rng(seed)
    build = NetworkBuilder(2)
    signal = build.input()
    for _ in range(2):
        inner = build.relu(build.affine(signal, rng.integers(-2, 3, (3, 2)), rng.integers(-1, 2, 3)))
        signal = build.add(signal, build.affine(inner, rng.integers(-1, 2, (2, 3))))
    return build.finish(build.leaky_relu(signal, rational("-1/2")))


NETWORKS = {
    "deep": layers([2, 4, 3, 3, 1], 1),
    "deep, whole numbers": layers([2, 5, 4, 3, 1], 2, whole=True),
    "three inputs, two outputs": layers([3, 4, 3, 2], 3),
    "three inputs, whole numbers": layers([3, 5, 3, 1], 4, whole=True),
    "four inputs": layers([4, 5, 1], 5, whole=True),
    "bottleneck": layers([2, 6, 1, 4, 1], 6),
    "leaky": layers([2, 4, 3, 1], 7, ["leaky:1/10", "leaky:-1", "linear"]),
    "maxout": layers([2, 2, 2, 1], 8, ["maxout:3", "maxout:2", "linear"], whole=True),
    "relu on the output": layers([2, 5, 4, 1], 9, ["relu", "relu", "relu"]),
    "residual": residual(10),
    "residual too": residual(11),
}
DOMAINS = {
    "space": lambda n: None,
    "box": lambda n: Polyhedron.box([-1] * n, [1] * n),
    "half-space": lambda n: Polyhedron([[1, 2] + [0] * (n - 2)], ["1/3"]),
}


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("name", NETWORKS)
def test_two_routes_agree(name, domain):
    network = NETWORKS[name]
    where = DOMAINS[domain](network.input_dim)
    assert count_from_tree(cell_problem(network, where))._asdict() == count_symbolic(network, where).counts
