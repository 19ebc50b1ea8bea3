"""Random networks of a given architecture, with the initialisations that the literature counts regions of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from operator import index
from typing import NamedTuple

import numpy as np
from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.network.chains import canonical_activation
from nn_bridge.network.network import Network
from polyhedra.errors import GeometryError, UsageError
from polyhedra.option_types import checked_options
from polyhedra.quoting import quoted, shown
from polyhedra.randomness import generator_and_seed
from polyhedra.scalars import ZERO, rational

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


@checked_options
def random_network(
    architecture: Sequence[int] | str,
    *,
    rng: int | np.random.Generator | None = None,
    init: str = "he",
    zero_bias: bool = False,
    relu_on_output: bool = False,
    activation: str = "relu",
) -> Network:
    """A multilayer perceptron with random weights.

    Parameters
    ----------
    architecture : sequence of int, or text
        The sizes, inputs first, outputs last: ``[2, 4, 1]`` or ``"2,4,1"``.
    rng : int or numpy Generator, optional
        A seed or the generator to draw from; by default a seed is drawn, and a note of the network tells it.
    init : str
        A name of `INITIALISATIONS`, such as ``"he"``, ``"he-input"``, ``"glorot"``, ``"uniform"`` or ``"integers"``.
        Biases are drawn like weights.
    zero_bias : bool
        All biases zero (the weights stay those of the same seed).
    relu_on_output : bool
        ReLU after the last layer as well.
    activation : str
        Of the hidden layers: ``"relu"``, ``"leaky:SLOPE"``, ``"maxout:PIECES"`` (so many rows of weights a unit) or
        ``"threshold:LEVEL"``, the maximum with another number than 0.

    Raises
    ------
    UsageError
        An unknown initialisation or activation, or sizes that are no architecture.

    Examples
    --------
    >>> str(random_network([2, 4, 1], rng=0))
    'Network [2, 4, 1]'
    >>> network = random_network([2, 4, 1], rng=0, activation="maxout:3")
    >>> network.layers[0].activation, len(network.layers[0].weights)
    ('maxout:3', 12)
    """
    draw = _initialisation(init).draw
    kind, pieces, level = _hidden_activation(activation)
    sizes = _sizes(architecture)
    if pieces * sum(a * b for a, b in pairwise(sizes)) > _MAX_WEIGHTS:
        raise UsageError(f"a network of sizes {sizes} has more than {_MAX_WEIGHTS:,} weights")
    generator, seed = generator_and_seed(rng)
    weights, biases = [], []
    for place, (fan_in, size) in enumerate(pairwise(sizes), 2):
        rows = size * pieces if place < len(sizes) else size
        weights.append(draw(generator, (rows, fan_in), fan_in, sizes[0]))
        bias = draw(generator, (rows,), fan_in, sizes[0])
        biases.append(np.zeros(rows) if zero_bias else bias)
    shifted = _with_threshold(weights, biases, level) if level else biases
    activations = [kind] * (len(weights) - 1) + ["relu" if relu_on_output else "linear"]
    network = Network.from_layers(weights, shifted, activations)
    return _noted(network, seed) if rng is None else network


def _sizes(architecture: Sequence[int] | str) -> list[int]:
    if isinstance(architecture, str):
        return parse_architecture(architecture)
    try:
        sizes = [index(size) for size in architecture]
    except TypeError:
        raise UsageError(
            f"an architecture is a list of whole numbers, inputs first, such as [2, 16, 1], not {shown(architecture)}"
        ) from None
    if len(sizes) < 2 or any(size < 1 for size in sizes):
        raise UsageError(f"an architecture has an input and an output size, all at least 1, not {sizes}")
    return sizes


def _noted(network: Network, seed: int | None) -> Network:
    """The network with a note of the seed that was drawn for it."""
    return replace(network, notes=(f"drawn at random with the seed {seed}",))


def _initialisation(name: str) -> Initialisation:
    if name not in INITIALISATIONS:
        raise UsageError(f"there is no initialisation {quoted(name)}; take one of {', '.join(INITIALISATIONS)}")
    return INITIALISATIONS[name]


def _hidden_activation(text: str) -> tuple[str, int, fmpq]:
    """The activation of the layers that are made, the rows of weights a unit, and the threshold (0 for none)."""
    kind, _, argument = text.partition(":")
    if kind == "threshold":
        try:
            return "relu", 1, rational(argument)
        except GeometryError as error:
            raise UsageError(f"activation {quoted(text)}: {error}") from None
    try:
        name = canonical_activation(text, "hidden layers")
    except NetworkError:
        raise UsageError(
            f"activation {quoted(text)} is not one of relu, leaky:SLOPE, maxout:PIECES, threshold:LEVEL"
        ) from None
    pieces = int(argument) if kind == "maxout" else 1
    if kind == "linear" or pieces < 1:
        raise UsageError(f"activation {quoted(text)} makes no hidden units; take relu, leaky:SLOPE or maxout:PIECES")
    return name, pieces, ZERO


def _with_threshold(weights: Sequence[np.ndarray], biases: Sequence[np.ndarray], level: fmpq) -> list[list[fmpq]]:
    """Biases that make ``max(level, .)`` of ``max(0, .)``: lower before a hidden layer, higher after it, exactly."""
    exact = [[rational(value) for value in bias] for bias in biases]
    for place, matrix in enumerate(weights[1:]):
        exact[place] = [value - level for value in exact[place]]
        sums = [sum((rational(v) for v in row), ZERO) for row in matrix]
        exact[place + 1] = [value + level * total for value, total in zip(exact[place + 1], sums, strict=True)]
    return exact


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
    if len(parts) < 2 or not all(part.isascii() and part.isdigit() and part.strip("0") for part in parts):
        raise UsageError(f"{quoted(text)} is not an architecture; write the sizes, inputs first, such as 2,16,16,1")
    if max(map(len, parts)) >= 10:
        raise UsageError(
            f"the architecture {quoted(text)} is too large: a network has at most {_MAX_WEIGHTS:,} weights"
        )
    return [int(part) for part in parts]
