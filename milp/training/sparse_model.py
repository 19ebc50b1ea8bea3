"""A ReLU network with one hidden layer and one output, in floating point, and how sparse it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nn_bridge.network.network import Network
from polyhedra.arrays import Floats


@dataclass(frozen=True, slots=True, eq=False)
class OneHiddenLayer:
    """f(x) = sum_k v_k max(0, w_k.x + b_k).

    Attributes
    ----------
    v : array of shape (K,)
    W : array of shape (K, d)
    b : array of shape (K,)
    seed : int or None
        Of the initial weights from which it was trained.
    """

    v: Floats
    W: Floats
    b: Floats
    seed: int | None = None

    def __call__(self, X: Floats) -> Floats:
        """The outputs (N,) at inputs (N, d)."""
        return np.maximum(X @ self.W.T + self.b, 0.0) @ self.v

    def balanced(self) -> OneHiddenLayer:
        """The same function with |v_k| = 1: w and b absorb |v_k|; neurons with v_k = 0 get weights 0."""
        size = np.abs(self.v)
        v = np.where(self.v < 0, -1.0, 1.0)
        return OneHiddenLayer(v, size[:, None] * self.W, size * self.b)

    def mse(self, X: Floats, y: Floats) -> float:
        """The mean squared error."""
        return float(np.mean((self(X) - y) ** 2))

    def path_norm(self, p: float = 1.0, biases: bool = True) -> float:
        """sum_k sum_i |v_k w_ki|^p, with |v_k b_k|^p added if biases count; 0 < p <= 1 favours few terms."""
        inner = np.abs(self.v[:, None] * (np.column_stack([self.W, self.b]) if biases else self.W))
        return float(np.sum(inner[inner > 0] ** p))

    def nonzeros(self, tolerance: float = 0.0) -> int:
        """How many input weights and biases of neurons with v_k != 0 exceed a tolerance in absolute value."""
        model = self.balanced()
        return int(np.count_nonzero(np.abs(np.column_stack([model.W, model.b])) > tolerance))

    def active_neurons(self, tolerance: float = 0.0) -> int:
        """How many neurons have a weight or bias above a tolerance."""
        model = self.balanced()
        return int((np.abs(np.column_stack([model.W, model.b])) > tolerance).any(axis=1).sum())

    def to_network(self) -> Network:
        """The exact network with these float64 weights."""
        return Network.from_layers([self.W, [self.v]], [self.b, [0]])
