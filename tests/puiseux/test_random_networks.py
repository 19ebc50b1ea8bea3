"""Random networks: reproducible, of the shape asked for, drawn as documented."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from flint import fmpq

from nn_bridge.network.network import Network, float_matrix
from polyhedra.errors import UsageError
from puiseux.random_networks import INITIALISATIONS, parse_architecture, random_invariant_network, random_network


@pytest.mark.parametrize("init", INITIALISATIONS)
def test_the_same_seed_gives_the_same_network(init: str) -> None:
    first, again = (random_network([3, 4, 2], rng=5, init=init) for _ in range(2))
    assert first == again
    assert first != random_network([3, 4, 2], rng=6, init=init)
    assert (first.input_dim, first.hidden, first.output_dim) == (3, (4,), 2)


def test_a_generator_goes_on() -> None:
    rng = np.random.default_rng(0)
    assert random_network([2, 3, 1], rng=rng) != random_network([2, 3, 1], rng=rng)


def weights(network: Network, stage: int) -> np.ndarray:
    layer = (*network.stages, network.output)[stage]
    (block,) = layer.blocks
    return float_matrix(block[1])


def test_the_spread_is_the_documented_one() -> None:
    he = random_network([50, 200, 300], rng=1)
    assert weights(he, 0).std() == pytest.approx(np.sqrt(2 / 50), rel=0.05)
    assert weights(he, 1).std() == pytest.approx(np.sqrt(2 / 200), rel=0.05)
    by_input = random_network([50, 200, 300], rng=1, init="he-input")
    assert weights(by_input, 1).std() == pytest.approx(np.sqrt(2 / 50), rel=0.05)
    uniform = weights(random_network([50, 200, 300], rng=1, init="uniform"), 1)
    assert 0.9 / np.sqrt(200) < abs(uniform).max() <= 1 / np.sqrt(200)
    assert set(weights(random_network([50, 200, 300], rng=1, init="integers"), 0).ravel()) == set(range(-3, 4))


@pytest.mark.parametrize(
    ("init", "deviation"),
    [
        ("he-uniform", (2 / 200) ** 0.5),
        ("glorot", (2 / 500) ** 0.5),
        ("glorot-uniform", (2 / 500) ** 0.5),
        ("lecun", (1 / 200) ** 0.5),
        ("normal", 1.0),
        ("uniform", (1 / 600) ** 0.5),
        ("sparse", (2 / 200) ** 0.5),
        ("ternary", (2 / 3) ** 0.5),
    ],
)
def test_the_deviation_of_the_second_layer(init: str, deviation: float) -> None:
    assert weights(random_network([50, 200, 300], rng=1, init=init), 1).std() == pytest.approx(deviation, rel=0.02)


def test_orthogonal_weights_have_orthonormal_rows_or_columns() -> None:
    network = random_network([4, 7, 3], rng=1, init="orthogonal")
    first, second = weights(network, 0), weights(network, 1)
    assert np.allclose(first.T @ first, np.eye(4))
    assert np.allclose(second @ second.T, np.eye(3))


def test_the_help_of_the_command_names_every_initialisation() -> None:
    import inspect

    from puiseux.commands.random import random

    text = inspect.signature(random, eval_str=True).parameters["init"].annotation.__metadata__[0].help
    assert all(name in text for name in INITIALISATIONS)


@pytest.mark.parametrize("channels", [[1], [2, 1], [1, 2, 2]])
@pytest.mark.parametrize("zero_bias", [False, True])
def test_invariant_networks_are_invariant_and_random(channels: list[int], zero_bias: bool) -> None:
    network = random_invariant_network(3, channels, rng=4, zero_bias=zero_bias)
    assert network.hidden == tuple(3 * c for c in channels)
    values = {network.evaluate(p) for p in permutations(("1/2", -3, 2))}
    assert len(values) == 1
    assert network != random_invariant_network(3, channels, rng=5, zero_bias=zero_bias)
    assert network == random_invariant_network(3, channels, rng=4, zero_bias=zero_bias)
    assert any(any(stage.bias) for stage in network.stages) != zero_bias


def test_invariant_networks_that_cannot_be() -> None:
    with pytest.raises(UsageError, match="has inputs and channels"):
        random_invariant_network(3, [], rng=0)
    with pytest.raises(UsageError, match="too large"):
        random_invariant_network(10**5, [1], rng=0)
    with pytest.raises(UsageError, match="no initialisation"):
        random_invariant_network(3, [1], rng=0, init="none")


def test_zero_bias_keeps_the_weights() -> None:
    free, zero = random_network([2, 3, 1], rng=2), random_network([2, 3, 1], rng=2, zero_bias=True)
    assert [stage.blocks for stage in free.stages] == [stage.blocks for stage in zero.stages]
    assert not any(zero.stages[0].bias)
    assert any(free.stages[0].bias)


def test_relu_on_the_output_is_one_more_stage() -> None:
    assert random_network([2, 3, 1], rng=2, relu_on_output=True).hidden == (3, 1)


@pytest.mark.parametrize("text", ["2,16,16,1", "[2,16,16,1]", " [ 2, 16, 16, 1 ] "])
def test_architectures(text: str) -> None:
    assert parse_architecture(text) == [2, 16, 16, 1]


@pytest.mark.parametrize("text", ["", "2", "2,,1", "2,0,1", "2,-1,1", "2;3", "[2,3", "2,3.5,1", "two,one", "2,1e3,1"])
def test_text_that_is_no_architecture(text: str) -> None:
    with pytest.raises(UsageError, match="is not an architecture"):
        parse_architecture(text)


def test_requests_that_make_no_sense() -> None:
    with pytest.raises(UsageError, match="no initialisation 'zero'"):
        random_network([2, 1], rng=0, init="zero")
    with pytest.raises(UsageError, match="an input and an output size"):
        random_network([2], rng=0)
    with pytest.raises(UsageError, match="more than"):
        random_network([10**6, 10**6, 1], rng=0)


def test_hidden_units_by_name_are_what_they_say() -> None:
    x = [fmpq(1, 3), fmpq(-2)]

    def pre_activations(network: Network) -> list[fmpq]:
        assert network.layers is not None
        first = network.layers[0]
        return [
            sum((w * v for w, v in zip(row, x, strict=True)), b)
            for row, b in zip(first.weights, first.bias, strict=True)
        ]

    def output(network: Network, hidden: list[fmpq]) -> fmpq:
        assert network.layers is not None
        last = network.layers[1]
        return sum((w * v for w, v in zip(last.weights[0], hidden, strict=True)), last.bias[0])

    relu = random_network([2, 4, 1], rng=3)
    for activation, unit in [
        ("relu", lambda z: max(z, fmpq(0))),
        ("leaky:1/10", lambda z: z if z >= 0 else z / 10),
        ("threshold:1/2", lambda z: max(z, fmpq(1, 2))),
        ("threshold:-3", lambda z: max(z, fmpq(-3))),
    ]:
        network = random_network([2, 4, 1], rng=3, activation=activation)
        assert network.evaluate(x) == (output(relu, [unit(z) for z in pre_activations(relu)]),)
    network = random_network([2, 4, 1], rng=3, activation="maxout:3")
    rows = pre_activations(network)
    assert network.evaluate(x) == (output(network, [max(rows[i : i + 3]) for i in range(0, 12, 3)]),)


@pytest.mark.parametrize("bad", ["linear", "maxout:0", "maxout", "threshold:", "leaky:x", "tanh", "relu:1"])
def test_units_that_are_not_piecewise_linear_are_refused(bad: str) -> None:
    with pytest.raises(UsageError, match=f"activation '{bad}'"):
        random_network([2, 3, 1], rng=0, activation=bad)


def test_an_architecture_as_text_and_what_is_none() -> None:
    assert random_network("2,4,1", rng=3) == random_network([2, 4, 1], rng=3)
    assert random_network(np.array([2, 4, 1]), rng=3) == random_network([2, 4, 1], rng=3)
    for wrong in ([2, 1.5, 1], [2, "4", 1]):
        with pytest.raises(UsageError, match="list of whole numbers, inputs first"):
            random_network(wrong, rng=0)  # type: ignore[arg-type]
    for none in (3, None):
        with pytest.raises(UsageError, match=f"^architecture={none} is of type .*: give a list or a text$"):
            random_network(none, rng=0)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="is too large: a network has at most 50,000,000 weights"):
        parse_architecture("2,3000000000,1")
