"""The symbolic route: the tropical maps are the networks, however they are pruned."""

import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.errors import NetworkError
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.network import Network
from nn_bridge.symbolic.monomials import MAX_BITS, MonomialCount, native_monomials
from nn_bridge.symbolic.tropicalize import tropical_preactivations, tropicalize
from tropical.pruning import prune

small = st.integers(-3, 3).map(fmpq)


@st.composite
def networks(draw):
    """Small networks with skip connections, thresholds, leaky ReLU and maxout, integer weights."""
    n = draw(st.integers(1, 2))
    build = NetworkBuilder(n)
    signals = [build.input()]
    for _ in range(draw(st.integers(1, 2))):
        source = build.concatenate(*signals) if draw(st.booleans()) else signals[-1]
        rows = draw(st.lists(st.lists(small, min_size=source.size, max_size=source.size), min_size=2, max_size=2))
        signal = build.affine(source, rows, draw(st.lists(small, min_size=2, max_size=2)))
        kind = draw(st.sampled_from(["relu", "threshold", "leaky", "maxout"]))
        if kind == "relu":
            signal = build.relu(signal)
        elif kind == "threshold":
            signal = build.threshold(signal, draw(small))
        elif kind == "leaky":
            signal = build.leaky_relu(signal, fmpq(draw(st.integers(-2, 2)), 4))
        else:
            signal = build.maxout(signal, 2)
        signals.append(signal)
    return build.finish(signals[-1])


points = st.lists(
    st.fractions(-5, 5, max_denominator=9).map(lambda v: fmpq(v.numerator, v.denominator)), min_size=2, max_size=2
)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(networks(), st.lists(points, min_size=3, max_size=3))
def test_every_preactivation_is_its_tropical_map(network, where):
    stages = tropical_preactivations(network)
    for x in where:
        point = x[: network.input_dim]
        values = network.preactivations(point)
        assert [[f(point) for f in stage] for stage in stages] == [list(row) for row in values]


@settings(deadline=None, derandomize=True, max_examples=25)
@given(networks())
def test_pruning_early_late_or_never_is_the_same_map(network):
    if max(c.numerator + c.denominator for c in native_monomials(network)[-1]) > 300:
        return
    early, late, never = (tropicalize(network, prune=when) for when in ("layer", "end", "none"))
    assert early == late
    for f, g in zip(early, never, strict=True):
        assert prune(g.numerator) == f.numerator
        assert prune(g.denominator) == f.denominator


def test_exponents_and_pairs_of_a_net_by_hand():
    # output h1 / 2 - h2 with h1 = max(0, x - y + 1), h2 = max(0, 2x)
    net = Network.from_layers([[[1, -1], [2, 0]], [["1/2", -1]]], [[1, 0], [3]])
    (first, second), (output,) = tropical_preactivations(net)
    assert dict(first.numerator.terms) == {(1, 0): 1}
    assert dict(first.denominator.terms) == {(0, 1): 0}
    assert dict(second.numerator.terms) == {(2, 0): 0}
    assert dict(output.numerator.terms) == {(fmpq(1, 2), fmpq(0)): fmpq(7, 2), (fmpq(0), fmpq(1, 2)): fmpq(3)}
    assert dict(output.denominator.terms) == {(fmpq(2), fmpq(1, 2)): fmpq(0), (fmpq(0), fmpq(1, 2)): fmpq(0)}


@pytest.mark.parametrize("method", ["certified", "hull"])
def test_methods_agree(method):
    net = Network.from_layers([[[1, 2], [3, -1], [-2, 1], [1, 1]], [[1, -2, 3, 1]]], [[1, 0, 2, -1], [0]])
    assert tropicalize(net, method=method) == tropicalize(net, prune="end", method=method) == tropicalize(net)


def expand(network):
    """Numerator and denominator of every output as lists of (exponent, coefficient), with nothing merged."""
    n = network.input_dim
    one = [((fmpq(0),) * n, fmpq(0))]
    sources = [[([(tuple(fmpq(i == j) for j in range(n)), fmpq(0))], one) for i in range(n)]]

    def product(left, right, power):
        return [
            (tuple(p + power * q for p, q in zip(a, b, strict=True)), c + power * d) for a, c in left for b, d in right
        ]

    for stage in (*network.stages, network.output):
        values = []
        for unit, bias in enumerate(stage.bias):
            above, below = [((fmpq(0),) * n, bias)], one
            for source, matrix in stage.blocks:
                for weight, (f, g) in zip(matrix[unit], sources[source], strict=True):
                    if weight:
                        above = product(above, f if weight > 0 else g, abs(weight))
                        below = product(below, g if weight > 0 else f, abs(weight))
            values.append((above, below))
        sources.append([(above + below, below) for above, below in values])
    return values


def test_native_numbers_are_those_of_the_unmerged_expansion():
    net = Network.from_layers(
        [[[1, 10], [100, -1000], [-3, 7]], [[2, -3, 5], [1, 1, -7]], [[1, -11], [0, 3]]], [[1, 2, 3], [1, 1], [0, 0]]
    )
    expansion = expand(net)
    assert native_monomials(net)[-1] == tuple(MonomialCount(len(f), len(g)) for f, g in expansion)
    assert native_monomials(net)[1] == (MonomialCount(4, 2), MonomialCount(4, 2))
    for (f, g), found in zip(expansion, tropicalize(net, prune="none"), strict=True):
        for terms, polynomial in ((f, found.numerator), (g, found.denominator)):
            assert dict(sorted(terms)) == dict(polynomial.terms)  # the largest of equal exponents comes last


def test_zero_weights_are_left_out_and_skip_connections_count():
    net = Network.from_layers([[[1], [1]], [[0, 1]]])
    assert native_monomials(net)[-1] == (MonomialCount(2, 1),)
    build = NetworkBuilder(1)
    x = build.input()
    unit = build.relu(x)
    later = build.relu(build.affine(build.concatenate(x, unit), [[1, -2]]))
    assert native_monomials(build.finish(build.add(x, unit, later)))[-1] == (MonomialCount(2 * 3, 2),)


def test_what_cannot_be_expanded_or_written_is_refused():
    deep = Network.from_layers([[[1, -1]] * 12] + [[[1, -1] * 6] * 12] * 3 + [[[1] * 12]])
    for when in ("end", "none"):
        with pytest.raises(NetworkError, match="prune after each layer"):
            tropicalize(deep, prune=when)
    deeper = Network.from_layers([[[1, -1]] * 12] + [[[1, -1] * 6] * 12] * 7 + [[[1] * 12]])
    with pytest.raises(NetworkError, match=r"stage 8.*binary digits"):
        native_monomials(deeper)
    assert MAX_BITS > 10**6
    with pytest.raises(NetworkError, match="'never'"):
        tropicalize(deep, prune="never")
