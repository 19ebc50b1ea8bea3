"""Exact interpolation on the support and the activations of a float network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat
from numpy.typing import NDArray

from milp.training.sparse_model import OneHiddenLayer
from nn_bridge.network.network import Network
from polyhedra.linear_program import Infeasible, maximize
from polyhedra.scalars import ONE, ZERO, rational, rational_rows, rationals


def interpolate(
    X: Any,
    y: Any,
    model: OneHiddenLayer,
    active: NDArray[np.bool_],
    limits: tuple[float, float] = (math.inf, math.inf),
) -> tuple[Network, int, bool]:
    """The exact network near a float one, on its support and activations, its non-zeros, and whether it fits exactly.

    First the entries that the equations do not determine keep their float values and the others are solved for in
    rationals. Where that crosses a kink, an exact linear program looks for any entries, within the limits of weights
    and biases, that fit with these activations.
    """
    inputs, targets = rational_rows(X), rationals(y)
    exact = [rational(limit) if math.isfinite(limit) else None for limit in limits]
    found = exact_entries(inputs, targets, model, active, [exact[0]] * model.W.shape[1] + [exact[1]])
    network = Network.from_layers([found.weights, [rationals(model.v.tolist())]], [found.biases, [0]])
    return network, found.nonzeros, found.fits


@dataclass(frozen=True, slots=True)
class ExactEntries:
    """Weights and biases in rationals.

    Attributes
    ----------
    weights : rows of d rationals
    biases : list of rationals
    fits : bool
        Whether the network fits every sample exactly.
    """

    weights: list[list[fmpq]]
    biases: list[fmpq]
    fits: bool

    @property
    def nonzeros(self) -> int:
        """How many are not zero."""
        return sum(1 for row in (*self.weights, self.biases) for value in row if value != 0)


def exact_entries(
    inputs: Sequence[Sequence[fmpq]],
    targets: Sequence[fmpq],
    model: OneHiddenLayer,
    active: NDArray[np.bool_],
    limits: Sequence[fmpq | None],
) -> ExactEntries:
    """Entries near those of a float network that fit with its activations (see `interpolate`).

    Parameters
    ----------
    inputs : N rows of d rationals
    targets : N rationals
    model : OneHiddenLayer
    active : bool array of shape (N, K)
        The neurons that are active at each sample.
    limits : d + 1 rationals or None
        Of the absolute values of the weights of each input, and of the biases.
    """
    entries = entries_of(model)
    theta = [rational(float(model.b[k] if i < 0 else model.W[k, i])) for k, i in entries]
    output = [rational(float(v)) for v in model.v]
    rows = [
        [output[k] * (ONE if i < 0 else x[i]) if phases[k] else ZERO for k, i in entries]
        for x, phases in zip(inputs, active, strict=True)
    ]
    near = _solve_near([[*row, target] for row, target in zip(rows, targets, strict=True)], theta)
    first = _arranged(model, entries, theta if near is None else near, inputs, targets)
    if first.fits or near is None:
        return first
    signs: list[list[fmpq]] = []
    for x, phases in zip(inputs, active, strict=True):
        for k, on in enumerate(phases):
            sign = -1 if on else 1
            row = [sign * (ONE if i < 0 else x[i]) if neuron == k else ZERO for neuron, i in entries]
            if any(row):
                signs.append(row)
    right = [ZERO] * len(signs)
    for j, (_, i) in enumerate(entries):
        limit = limits[i]
        if limit is not None:
            for sign in (1, -1):
                signs.append([rational(sign) if place == j else ZERO for place in range(len(entries))])
                right.append(limit)
    answer = maximize([ZERO] * len(entries), signs, right, rows, targets)
    if not isinstance(answer, Infeasible):
        other = _arranged(model, entries, list(answer.point), inputs, targets)
        if other.fits:
            return other
    return first


def _arranged(
    model: OneHiddenLayer,
    entries: list[tuple[int, int]],
    values: list[fmpq],
    inputs: Sequence[Sequence[fmpq]],
    targets: Sequence[fmpq],
) -> ExactEntries:
    K, d = model.W.shape
    W: list[list[fmpq]] = [[ZERO] * d for _ in range(K)]
    b = [ZERO] * K
    for (k, i), value in zip(entries, values, strict=True):
        if i < 0:
            b[k] = value
        else:
            W[k][i] = value
    network = Network.from_layers([W, [rationals(model.v.tolist())]], [b, [0]])
    return ExactEntries(W, b, fits(network, inputs, targets))


def fits(network: Network, inputs: Sequence[Sequence[fmpq]], targets: Sequence[fmpq]) -> bool:
    """Whether a network has the exact targets at the exact inputs."""
    return all(network.evaluate(x)[0] == target for x, target in zip(inputs, targets, strict=True))


def entries_of(model: OneHiddenLayer) -> list[tuple[int, int]]:
    """The places of the non-zero entries: (k, i) is w_ki and (k, -1) is b_k."""
    entries = [(k, int(i)) for k in range(len(model.v)) for i in np.nonzero(model.W[k])[0]]
    return entries + [(int(k), -1) for k in np.nonzero(model.b)[0]]


def _solve_near(rows: list[list[fmpq]], theta: list[fmpq]) -> list[fmpq] | None:
    """An exact solution of the linear system whose free unknowns have given values; None if there is none.

    Unknowns that are solved for are those of the first pivots, in the order of the entries.
    """
    n = len(theta)
    if not n:
        return None
    reduced, rank = fmpq_mat(rows).rref()
    values = list(theta)
    for i in range(rank - 1, -1, -1):
        pivot = next(j for j in range(n + 1) if reduced[i, j] != 0)
        if pivot == n:
            return None
        total = reduced[i, n]
        for j in range(pivot + 1, n):
            total -= reduced[i, j] * values[j]
        values[pivot] = total
    return values
