"""A network with one hidden layer and output weights 1 or -1, exact, as a fit of data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flint import fmpq

from nn_bridge.network.network import Network
from polyhedra.scalars import ZERO


@dataclass(frozen=True, slots=True)
class Candidate:
    """Hidden units, and whether they fit.

    Attributes
    ----------
    features : int
        The number d of inputs.
    signs : sequence of 1 or -1
        The output weights.
    weights : sequence of rows of d rationals
    biases : sequence of rationals
    verified : bool
        Whether the network fits all samples exactly.
    """

    features: int
    signs: Sequence[int]
    weights: Sequence[Sequence[fmpq]]
    biases: Sequence[fmpq]
    verified: bool

    @property
    def nonzeros(self) -> int:
        """Hidden weights and biases that are not zero."""
        return sum(1 for row in (*self.weights, self.biases) for value in row if value != 0)

    @property
    def network(self) -> Network:
        """The network; units without any non-zero are left out, but for one."""
        used = [k for k, row in enumerate(self.weights) if any(row) or self.biases[k] != 0]
        rows = [self.weights[k] for k in used] or [[ZERO] * self.features]
        biases = [self.biases[k] for k in used] or [ZERO]
        return Network.from_layers([rows, [[self.signs[k] for k in used] or [1]]], [biases, [0]])

    def allowed(self, neurons: int | tuple[int, int], limits: tuple[fmpq | None, fmpq | None] | None) -> bool:
        """Whether it has no more units, and no larger weights and biases, than it may have."""
        used = [sign for sign, row, b in zip(self.signs, self.weights, self.biases, strict=True) if any(row) or b != 0]
        if isinstance(neurons, int):
            if len(used) > neurons:
                return False
        elif used.count(1) > neurons[0] or used.count(-1) > neurons[1]:
            return False
        groups = ([value for row in self.weights for value in row], self.biases)
        pairs = zip(groups, limits or (None, None), strict=True)
        return all(limit is None or abs(value) <= limit for values, limit in pairs for value in values)
