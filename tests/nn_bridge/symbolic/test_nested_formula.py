"""Nested formulas: read back they are the network, exactly."""

import itertools

import numpy as np
import pytest
import sympy

from nn_bridge.errors import NetworkError
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.network import Network
from nn_bridge.symbolic.nested_formula import nested_latex, nested_sympy, nested_text
from nn_bridge.symbolic.tropicalize import tropicalize
from polyhedra.scalars import rational
from tropical.parsing import parse


def small_network(sizes, seed):
    rng = np.random.default_rng(seed)
    weights = [(rng.integers(-3, 4, size=(b, a)) / 2).tolist() for a, b in itertools.pairwise(sizes)]
    return Network.from_layers(weights, [rng.integers(-2, 3, size=b).tolist() for b in sizes[1:]])


@pytest.mark.parametrize("sizes", [[1, 2, 2, 1], [2, 3, 1], [2, 2, 2, 2], [3, 2, 1]])
@pytest.mark.parametrize("seed", [0, 1])
def test_read_back_it_is_the_network(sizes, seed):
    net = small_network(sizes, seed)
    for output in range(net.output_dim):
        text = nested_text(net, output)
        again = parse(text, net.input_dim)
        for x in itertools.product((-2, "1/3", 1), repeat=net.input_dim):
            assert again(x) == net.evaluate(x)[output]
    if sum(sizes) < 7:
        assert parse(nested_text(net), net.input_dim).same_function(tropicalize(net)[0])


def test_skip_connections_and_unused_units():
    build = NetworkBuilder(2)
    x = build.input()
    first = build.relu(build.affine(x, [[1, 0], [0, 1]], [0, -1]))
    second = build.relu(build.affine(build.concatenate(first, x), [[2, 0, 0, -1]], [1]))
    net = build.finish(build.add(second, build.take(x, [0])))
    assert nested_text(net) == "max(2max(x1, 0) - x2 + 1, 0) + x1"
    assert nested_text(net, names=["u", "v"]) == "max(2max(u, 0) - v + 1, 0) + u"


def test_sympy_and_latex():
    net = Network.from_layers([[[1, -1]], [["1/2"]]], [[0], [3]])
    x = sympy.symbols(["x1", "x2"], real=True)
    assert rational(sympy.Rational(nested_sympy(net).subs({x[0]: 5, x[1]: 2}))) == net.evaluate([5, 2])[0]
    assert nested_latex(net) == r"\frac{1}{2}\max\left(x_{1} - x_{2},\, 0\right) + 3"


def test_a_constant_and_bad_input():
    net = Network.from_layers([[[0]]], [[0]])
    assert nested_text(net) == "0"
    with pytest.raises(NetworkError, match="no output 1"):
        nested_text(net, 1)
    with pytest.raises(NetworkError, match="2 names"):
        nested_text(net, names=["a", "b"])
    deep = Network.from_layers([[[1]] * 4, *[[[1] * 4] * 4] * 9, [[1] * 4]])
    with pytest.raises(NetworkError, match="flat form"):
        nested_text(deep)
