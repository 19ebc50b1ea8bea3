"""Random networks of a given architecture, with the initialisations that the literature counts regions of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from nn_bridge.network.network import Network
from polyhedra.errors import UsageError
from polyhedra.quoting import quoted
from polyhedra.randomness import generator_and_seed

Draw = Callable[[np.random.Generator, tuple[int, ...], int, int], np.ndarray]
"""Draws an array: generator, shape, fan-in of the layer, inputs of the network; the fan-out is ``shape[0]``."""
_MAX_WEIGHTS = 50_000_000


class Initialisation(NamedTuple):
    """How weights are drawn: the function, and one line that says from what."""

    draw: Draw
    description: str


def _normal(deviation: Callable[[int, int, int], float]) -> Draw:
    """Normal entries; the deviation is a function of fan-in, fan-out and inputs."""

    def draw(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, inputs: int) -> np.ndarray:
        return rng.normal(0.0, deviation(fan_in, shape[0], inputs), shape)

    return draw


def _uniform(limit: Callable[[int, int, int], float]) -> Draw:
    """Uniform entries within a limit of zero; the limit is a function of fan-in, fan-out and inputs."""

    def draw(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, inputs: int) -> np.ndarray:
        return rng.uniform(-1.0, 1.0, shape) * limit(fan_in, shape[0], inputs)

    return draw


def _orthogonal(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, inputs: int) -> np.ndarray:
    if len(shape) == 1:
        return rng.normal(0.0, 1.0 / np.sqrt(fan_in), shape)
    tall, wide = max(shape), min(shape)
    q, r = np.linalg.qr(rng.normal(size=(tall, wide)))
    q = q * np.where(np.diag(r) < 0, -1.0, 1.0)  # so that every orthogonal matrix is equally likely
    return q if shape[0] >= shape[1] else q.T


def _integers(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, inputs: int) -> np.ndarray:
    return rng.integers(-3, 4, shape).astype(float)


def _ternary(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, inputs: int) -> np.ndarray:
    return rng.integers(-1, 2, shape).astype(float)


def _sparse(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, inputs: int) -> np.ndarray:
    return rng.normal(0.0, np.sqrt(4.0 / fan_in), shape) * rng.integers(0, 2, shape)


INITIALISATIONS: dict[str, Initialisation] = {
    "he": Initialisation(_normal(lambda i, o, n: (2 / i) ** 0.5), "N(0, 2/fan-in)"),
    "he-input": Initialisation(_normal(lambda i, o, n: (2 / n) ** 0.5), "N(0, 2/inputs) in every layer"),
    "he-uniform": Initialisation(_uniform(lambda i, o, n: (6 / i) ** 0.5), "within sqrt(6/fan-in) of 0"),
    "glorot": Initialisation(_normal(lambda i, o, n: (2 / (i + o)) ** 0.5), "N(0, 2/(fan-in + fan-out))"),
    "glorot-uniform": Initialisation(
        _uniform(lambda i, o, n: (6 / (i + o)) ** 0.5), "within sqrt(6/(fan-in + fan-out)) of 0"
    ),
    "lecun": Initialisation(_normal(lambda i, o, n: (1 / i) ** 0.5), "N(0, 1/fan-in)"),
    "normal": Initialisation(_normal(lambda i, o, n: 1.0), "N(0, 1)"),
    "uniform": Initialisation(_uniform(lambda i, o, n: (1 / i) ** 0.5), "within 1/sqrt(fan-in) of 0"),
    "orthogonal": Initialisation(_orthogonal, "orthonormal rows or columns, biases N(0, 1/fan-in)"),
    "sparse": Initialisation(_sparse, "half of the entries 0, the others N(0, 4/fan-in)"),
    "integers": Initialisation(_integers, "-3..3, for degenerate networks"),
    "ternary": Initialisation(_ternary, "-1, 0 or 1, for very degenerate networks"),
}
"""By name: how weights and, unless said otherwise, biases are drawn."""


def random_network(
    architecture: Sequence[int],
    *,
    rng: int | np.random.Generator | None = None,
    init: str = "he",
    zero_bias: bool = False,
    relu_on_output: bool = False,
) -> Network:
    """A multilayer perceptron with random weights.

    Parameters
    ----------
    architecture : sequence of int
        The sizes, inputs first, outputs last.
    rng : int or numpy Generator, optional
        A seed or the generator to draw from; by default a seed is drawn, and a note of the network tells it.
    init : str
        A name of `INITIALISATIONS`, such as ``"he"``, ``"he-input"``, ``"glorot"``, ``"uniform"`` or ``"integers"``.
        Biases are drawn like weights.
    zero_bias : bool
        All biases zero (the weights stay those of the same seed).
    relu_on_output : bool
        ReLU after the last layer as well.

    Examples
    --------
    >>> str(random_network([2, 4, 1], rng=0))
    'Network [2, 4, 1]'
    """
    draw = _initialisation(init).draw
    sizes = list(architecture)
    if len(sizes) < 2 or any(size < 1 for size in sizes):
        raise UsageError(f"an architecture has an input and an output size, all at least 1, not {sizes}")
    if sum(a * b for a, b in pairwise(sizes)) > _MAX_WEIGHTS:
        raise UsageError(f"a network of sizes {sizes} has more than {_MAX_WEIGHTS:,} weights")
    generator, seed = generator_and_seed(rng)
    weights, biases = [], []
    for fan_in, size in pairwise(sizes):
        weights.append(draw(generator, (size, fan_in), fan_in, sizes[0]))
        bias = draw(generator, (size,), fan_in, sizes[0])
        biases.append(np.zeros(size) if zero_bias else bias)
    network = Network.from_layers(weights, biases, relu_on_output=relu_on_output)
    return _noted(network, seed) if rng is None else network


def _noted(network: Network, seed: int | None) -> Network:
    """The network with a note of the seed that was drawn for it."""
    return replace(network, notes=(f"drawn at random with the seed {seed}",))


def _initialisation(name: str) -> Initialisation:
    if name not in INITIALISATIONS:
        raise UsageError(f"there is no initialisation {quoted(name)}; take one of {', '.join(INITIALISATIONS)}")
    return INITIALISATIONS[name]


def random_invariant_network(
    inputs: int,
    channels: Sequence[int],
    *,
    rng: int | np.random.Generator | None = None,
    init: str = "he",
    zero_bias: bool = False,
) -> Network:
    """A network that no permutation of its inputs changes, of equivariant layers and a sum.

    Parameters
    ----------
    inputs : int
        ``n``; every hidden layer has ``n`` units a channel.
    channels : sequence of int
        The channels of each hidden layer.
    rng, init, zero_bias
        As in `random_network`.

    Notes
    -----
    Unit ``i`` of channel ``k`` is ``max(0, sum_c (A_kc h_ic + B_kc sum_j h_jc) + b_k)``; the output is a sum over all
    units with one weight a channel (Zaheer et al. 2017).

    Examples
    --------
    >>> str(random_invariant_network(3, [2], rng=0))
    'Network [3, 6, 1]'
    """
    draw = _initialisation(init).draw
    if inputs < 1 or not channels or any(count < 1 for count in channels):
        raise UsageError(f"an invariant network has inputs and channels, not {inputs} and {list(channels)}")
    if sum(a * b for a, b in pairwise([1, *channels])) * inputs**2 > _MAX_WEIGHTS:
        raise UsageError(f"an invariant network of {inputs} inputs and channels {list(channels)} is too large")
    generator, seed = generator_and_seed(rng)
    identity, ones = np.eye(inputs), np.ones((inputs, inputs))
    weights, biases = [], []
    for before, after in pairwise([1, *channels]):
        own = draw(generator, (after, before), before, inputs)
        shared = draw(generator, (after, before), inputs * before, inputs)
        weights.append(np.kron(identity, own) + np.kron(ones, shared))
        biases.append(np.tile(draw(generator, (after,), before, inputs), inputs))
    weights.append(np.tile(draw(generator, (1, channels[-1]), channels[-1], inputs), inputs))
    biases.append(draw(generator, (1,), channels[-1], inputs))
    network = Network.from_layers(weights, [np.zeros_like(b) for b in biases] if zero_bias else biases)
    return _noted(network, seed) if rng is None else network


def parse_architecture(text: str) -> list[int]:
    """The sizes written as ``2,16,16,1`` or ``[2, 16, 16, 1]``.

    Raises
    ------
    UsageError
        The text is something else.

    Examples
    --------
    >>> parse_architecture("[2, 16, 1]")
    [2, 16, 1]
    """
    inner = text.strip()
    if inner.startswith("[") and inner.endswith("]"):
        inner = inner[1:-1]
    parts = [part.strip() for part in inner.split(",")]
    if len(parts) < 2 or not all(part.isascii() and part.isdigit() and len(part) < 10 and int(part) for part in parts):
        raise UsageError(f"{quoted(text)} is not an architecture; write the sizes, inputs first, such as 2,16,16,1")
    return [int(part) for part in parts]
