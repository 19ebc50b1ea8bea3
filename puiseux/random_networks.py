"""Random networks of a given architecture, with the initialisations that the literature counts regions of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from nn_bridge.network import Network
from polyhedra.errors import UsageError

Draw = Callable[[np.random.Generator, tuple[int, ...], int, int], np.ndarray]
_MAX_WEIGHTS = 50_000_000


def _he(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, inputs: int) -> np.ndarray:
    return rng.normal(0.0, np.sqrt(2.0 / fan_in), shape)


def _he_input(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, inputs: int) -> np.ndarray:
    return rng.normal(0.0, np.sqrt(2.0 / inputs), shape)


def _uniform(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, inputs: int) -> np.ndarray:
    return rng.uniform(-1.0, 1.0, shape) / np.sqrt(fan_in)


def _integers(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, inputs: int) -> np.ndarray:
    return rng.integers(-3, 4, shape).astype(float)


INITIALISATIONS: dict[str, Draw] = {"he": _he, "he-input": _he_input, "uniform": _uniform, "integers": _integers}
"""By name: how weights and biases are drawn (generator, shape, fan-in of the layer, inputs of the network)."""


def random_network(
    architecture: Sequence[int],
    *,
    rng: int | np.random.Generator,
    init: str = "he",
    zero_bias: bool = False,
    relu_on_output: bool = False,
) -> Network:
    """A multilayer perceptron with random weights.

    Parameters
    ----------
    architecture : sequence of int
        The sizes, inputs first, outputs last.
    rng : int or numpy Generator
        A seed or the generator to draw from.
    init : str
        ``"he"``: normal with variance 2/fan-in; ``"he-input"``: normal with variance 2/inputs in every layer;
        ``"uniform"``: within 1/sqrt(fan-in) of zero; ``"integers"``: -3..3, which makes degenerate networks.
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
    if init not in INITIALISATIONS:
        raise UsageError(f"there is no initialisation {init!r}; take one of {', '.join(INITIALISATIONS)}")
    sizes = list(architecture)
    if len(sizes) < 2 or any(size < 1 for size in sizes):
        raise UsageError(f"an architecture has an input and an output size, all at least 1, not {sizes}")
    if sum(a * b for a, b in pairwise(sizes)) > _MAX_WEIGHTS:
        raise UsageError(f"a network of sizes {sizes} has more than {_MAX_WEIGHTS:,} weights")
    generator = np.random.default_rng(rng)
    draw = INITIALISATIONS[init]
    weights, biases = [], []
    for fan_in, size in pairwise(sizes):
        weights.append(draw(generator, (size, fan_in), fan_in, sizes[0]))
        bias = draw(generator, (size,), fan_in, sizes[0])
        biases.append(np.zeros(size) if zero_bias else bias)
    return Network.from_layers(weights, biases, relu_on_output=relu_on_output)


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
        raise UsageError(f"{text!r} is not an architecture; write the sizes, inputs first, such as 2,16,16,1")
    return [int(part) for part in parts]
