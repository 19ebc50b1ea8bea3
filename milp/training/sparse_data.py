"""Data for sparse fits: random, planted by a small ReLU network, values of a function, and low-rank.

Inputs and planted weights are multiples of 2**-bits, so the planted outputs are computed without rounding and an exact
interpolation with the planted network exists. Equal inputs have equal outputs, so that every instance can be fitted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from milp.training.sparse_model import OneHiddenLayer
from polyhedra.arrays import Floats
from polyhedra.errors import FormulationError
from polyhedra.option_types import checked_options
from polyhedra.plurals import counted
from polyhedra.randomness import generator_and_seed


@dataclass(frozen=True, slots=True, eq=False)
class SparseData:
    """Inputs (N, d), outputs (N,), and the network that made them, where there is one.

    Attributes
    ----------
    X : float array of shape (N, d)
    y : float array of shape (N,)
    teacher : OneHiddenLayer or None
    seed : int or None
        That makes the same data again; None where the caller gave a generator.
    """

    X: Floats
    y: Floats
    teacher: OneHiddenLayer | None = None
    seed: int | None = None


@checked_options
def random_data(N: int, d: int, *, rng: int | np.random.Generator | None = None, bits: int = 8) -> SparseData:
    """Gaussian inputs and outputs, in general position almost surely; equal inputs have equal outputs."""
    generator, seed = _generator(N, d, rng)
    X = _rounded(generator.normal(size=(N, d)), bits)
    return SparseData(X, _of_the_inputs(X, _rounded(generator.normal(size=N), bits)), None, seed)


@checked_options
def planted_data(
    N: int, d: int, *, neurons: int = 2, weights: int = 2, rng: int | np.random.Generator | None = None, bits: int = 6
) -> SparseData:
    """Gaussian inputs, outputs of a network with few neurons that read ``weights`` inputs each and have no bias.

    Drawn again until every neuron is active on some input.
    """
    generator, seed = _generator(N, d, rng)
    if not (1 <= weights <= d and neurons >= 1):
        raise FormulationError(
            f"{counted(neurons, 'neuron')} with {counted(weights, 'weight')} each cannot be planted in "
            f"{counted(d, 'input')}"
        )
    while True:
        X = _rounded(generator.normal(size=(N, d)), bits)
        W = np.zeros((neurons, d))
        for row in W:
            row[generator.choice(d, size=weights, replace=False)] = generator.normal(size=weights)
        W = _rounded(W, bits)
        v = generator.choice([-1.0, 1.0], size=neurons)
        teacher = OneHiddenLayer(v, W, np.zeros(neurons))
        if (np.count_nonzero(W, axis=1) == weights).all() and (X @ W.T > 0).any(axis=0).all():
            return SparseData(X, teacher(X), teacher, seed)


@checked_options
def functional_data(
    N: int,
    d: int,
    *,
    function: Callable[[Floats], Any] | None = None,
    noise: float = 0.0,
    rng: int | np.random.Generator | None = None,
    bits: int = 6,
) -> SparseData:
    """Gaussian inputs, outputs of a function, with Gaussian noise if asked for.

    With noise the outputs are in general position almost surely, and no fit has fewer than N non-zeros.

    Parameters
    ----------
    N, d : int
    function : callable, optional
        Of inputs (N, d); by default ``|x_0 + x_{d-1}|``, two units with two weights each (one each for d = 1), which
        the data keep as their teacher where there is no noise.
    noise : float
        The standard deviation.
    rng : int or numpy Generator, optional
    bits : int
        Inputs and noise are multiples of ``2**-bits``.
    """
    generator, seed = _generator(N, d, rng)
    if not noise >= 0:
        raise FormulationError(f"noise={noise} is not a standard deviation: use 0 or more")
    X = _rounded(generator.normal(size=(N, d)), bits)
    added = _of_the_inputs(X, _rounded(noise * generator.normal(size=N), bits))
    if function is None:
        row = np.zeros(d)
        row[[0, -1]] = 1.0
        teacher = OneHiddenLayer(np.ones(2), np.array([row, -row]), np.zeros(2))
        return SparseData(X, teacher(X) + added, None if noise else teacher, seed)
    values = np.asarray(function(X), dtype=np.float64)
    if values.shape != (N,) or not np.isfinite(values).all():
        raise FormulationError(f"the function gives an array of shape {values.shape}, not {N} finite numbers")
    return SparseData(X, _of_the_inputs(X, values + added), None, seed)


@checked_options
def low_rank_data(
    N: int, d: int, *, rank: int = 1, rng: int | np.random.Generator | None = None, bits: int = 4
) -> SparseData:
    """Inputs of a low rank, outputs Gaussian; equal inputs, which rounding may make, have equal outputs."""
    generator, seed = _generator(N, d, rng)
    if not 1 <= rank <= d:
        raise FormulationError(f"rank {rank} is not between 1 and {d}")
    left, right = generator.normal(size=(N, rank)), generator.normal(size=(rank, d))
    X = _rounded(left, bits) @ _rounded(right, bits)
    return SparseData(X, _of_the_inputs(X, _rounded(generator.normal(size=N), bits)), None, seed)


def _of_the_inputs(X: Floats, y: Floats) -> Floats:
    """The outputs, where each row of inputs has the output of the first row that is equal to it."""
    first: dict[tuple[float, ...], int] = {}
    return y[[first.setdefault(tuple(row), n) for n, row in enumerate((X + 0.0).tolist())]]


def _generator(N: int, d: int, rng: int | np.random.Generator | None) -> tuple[np.random.Generator, int | None]:
    if N < 1 or d < 1:
        raise FormulationError(f"there are no data with N={N}, d={d}")
    return generator_and_seed(rng)


def _rounded(values: Floats, bits: int) -> Floats:
    return np.asarray(np.round(np.ldexp(values, bits)) / 2.0**bits, dtype=np.float64)
