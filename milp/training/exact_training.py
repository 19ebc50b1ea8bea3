"""Training a small network with one hidden layer to a global optimum, in rationals.

K ReLU units (Arora, Basu, Mianjy and Mukherjee 2018): a unit is +-max(0, w.x + b), for the size of its output weight
can go into w and b. Its parameters lie in the closed cone of one activation pattern of the data, and on the
cone it is linear in them. So the optimum is the least of convex programs, one for each choice of K patterns and signs;
for a fixed number of features there are polynomially many. K linear threshold units (Khalife, Cheng and Basu 2023):
a unit is a multiple of its pattern, so each choice of K patterns is a convex program in the K output weights.

Least squares without the cones bounds each choice of patterns from below, exactly. The choices are looked at from the
smallest bound on, until it reaches the best loss.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement, product
from typing import Any, Literal

import numpy as np
from flint import fmpq

from milp.solvers import deadline_after
from milp.training.exact_columns import Choice, Columns, relu_columns, threshold_columns
from milp.training.exact_programs import (
    Loss,
    Signed,
    Solved,
    float_columns,
    least_squares,
    linear_loss,
    lower_bound,
    non_negative_squares,
)
from nn_bridge.network.network import Network
from polyhedra.errors import FormulationError
from polyhedra.independence import independent
from polyhedra.matrix import Matrix, Vector, as_matrix, as_vector, dot
from polyhedra.option_types import checked_options
from polyhedra.plurals import counted
from polyhedra.progress import Steps, with_steps
from polyhedra.quoting import quoted
from polyhedra.scalars import ONE, ZERO, to_float
from polyhedra.values import Value

Activation = Literal["relu", "threshold"]

LOSSES = ("squared", "absolute", "maximal")
MAX_CHOICES = 300_000
"""The most choices of patterns for all units together."""


@dataclass(frozen=True, slots=True, repr=False)
class ExactFit(Value):
    """A network of K units with the least loss on the data, exactly.

    Attributes
    ----------
    loss : fmpq
        The sum of squared errors, the sum of absolute errors, or the greatest absolute error.
    kind, activation : str
    v : tuple of fmpq
        The output weights; +-1 for ReLU units.
    W : tuple of tuples of fmpq
    b : tuple of fmpq
    lower : fmpq
        No such network with as many units has a smaller loss: equal to ``loss`` where ``proven``.
    proven : bool
    patterns, choices, looked_at : int
        The activation patterns of the data, the choices of one for each unit, and of how many the programs were solved.
    seconds : float
    reason : str or None
        Why the search ended early.
    """

    loss: fmpq
    kind: str
    activation: str
    v: Vector
    W: Matrix
    b: Vector
    lower: fmpq
    proven: bool
    patterns: int
    choices: int
    looked_at: int
    seconds: float
    reason: str | None = None

    @property
    def network(self) -> Network:
        """The exact network of ReLU units.

        Raises
        ------
        FormulationError
            Threshold units jump, and a `Network` is continuous.
        """
        if self.activation != "relu":
            raise FormulationError("threshold units jump, and a Network is continuous: call the fit itself")
        if not self.v:
            width = len(self.W[0]) if self.W else 1
            return Network.from_layers([[[ZERO] * width], [[ZERO]]])
        return Network.from_layers([self.W, [self.v]], [self.b, [0]])

    def __call__(self, x: Any) -> fmpq:
        """The output at one exact input."""
        point = as_vector(x)
        total = ZERO
        for v, w, b in zip(self.v, self.W, self.b, strict=True):
            value = dot(w, point) + b
            if value > 0:
                total += v * (value if self.activation == "relu" else ONE)
        return total


@checked_options
@with_steps("Training")
def train_exactly(
    X: Any,
    y: Any,
    units: int,
    *,
    loss: Loss = "squared",
    activation: Activation = "relu",
    bias: bool = True,
    limit: int = 2000,
    time_limit: float | None = 60.0,
    progress: Steps = None,
) -> ExactFit:
    """The network ``sum_k v_k s(w_k . x + b_k)`` of K units with the least loss, over all real weights.

    Parameters
    ----------
    X : matrix of shape (N, d)
        Floats stand for their exact values, text for exact numbers.
    y : vector of length N
    units : int
        K.
    loss : {"squared", "absolute", "maximal"}
    activation : {"relu", "threshold"}
        A threshold unit is 1 where w.x + b > 0, else 0.
    bias : bool
        Whether units have biases.
    limit : int
        The most activation patterns of the data.
    time_limit : float or None
        Seconds; then the best network so far is returned with a lower bound.
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.

    Raises
    ------
    FormulationError
        Data of the wrong shape, an unknown loss or activation, or more than `MAX_CHOICES` choices.

    Examples
    --------
    One unit cannot follow a tent; the best one is wrong by 1/2 somewhere.

    >>> fit = train_exactly([[0], [1], [2]], [0, 1, 0], 1, loss="maximal")
    >>> fit.loss, fit.proven
    (1/2, True)
    >>> train_exactly([[0], [1], [2]], [0, 1, 0], 2).loss
    0
    """
    start = time.monotonic()
    deadline = deadline_after(time_limit)
    samples, values = _data(X, y)
    if loss not in LOSSES:
        raise FormulationError(f"there is no loss {quoted(loss)}; use one of {', '.join(LOSSES)}")
    if activation not in ("relu", "threshold"):
        raise FormulationError(f"there is no activation {quoted(activation)}; use 'relu' or 'threshold'")
    if units < 0:
        raise FormulationError(f"units={units} is negative")
    rows = [(*row, ONE) for row in samples] if bias else list(samples)
    make = relu_columns if activation == "relu" else threshold_columns
    columns = make(rows, values, limit, deadline)
    patterns = len(columns.choices)
    repeated = activation == "relu"
    # more units than two of each pattern, one of each sign, or one of each threshold pattern, add nothing
    used = min(units, (2 if repeated else 1) * patterns)
    count = math.comb(patterns + used - 1, used) if repeated and used else math.comb(patterns, used)
    if count > MAX_CHOICES:
        raise FormulationError(
            f"{counted(patterns, 'activation pattern')} and {counted(units, 'unit')} make {count:,} choices, "
            f"more than {MAX_CHOICES:,}: use "
            "fewer samples, features or units"
        )
    search = _Search(columns, values, loss, repeated, deadline)
    search.run((combinations_with_replacement if repeated else combinations)(columns.choices, used))
    v, W, b = search.weights(bias)
    return ExactFit(
        search.best.loss,
        loss,
        activation,
        v,
        W,
        b,
        search.lower,
        search.reason is None,
        patterns,
        count,
        search.looked_at,
        time.monotonic() - start,
        search.reason,
    )


def _data(X: Any, y: Any) -> tuple[Matrix, Vector]:
    samples = as_matrix(X, name="X")
    values = as_vector(y, name="y")
    if not samples or len(values) != len(samples) or not samples[0]:
        raise FormulationError(
            f"{counted(len(samples), 'sample')} and {counted(len(values), 'value')} are no data (N, d) and (N,)"
        )
    return samples, values


class _Search:
    """The choices by their lower bounds, and the best loss so far."""

    def __init__(self, columns: Columns, y: Vector, loss: Loss, signed: bool, deadline: float | None) -> None:
        self.columns, self.y, self.loss, self.signed, self.deadline = columns, y, loss, signed, deadline
        self.best = Solved(_zero_loss(y, loss), ())
        self.columns_of_best: Signed = ()
        self.units_of_best: list[Signed] = []
        self.lower = ZERO
        self.looked_at = 0
        self.reason: str | None = None
        self.floats = float_columns(columns)
        self.float_y = np.array([to_float(v) for v in y])

    def run(self, choices: Iterator[tuple[Choice, ...]]) -> None:
        bounded: list[tuple[fmpq, tuple[Choice, ...]]] = []
        for choice in choices:
            if self._late():
                return
            squares, _, residual = least_squares(self.columns, self.y, [j for unit in choice for j in unit.basis])
            bounded.append((lower_bound(self.loss, squares, residual), choice))
        bounded.sort(key=lambda pair: pair[0])
        for bound, choice in bounded:
            if bound >= self.best.loss:
                break
            self.lower = bound
            if self._late():
                return
            self.looked_at += 1
            self._look_at(choice)
        self.lower = self.best.loss

    def _late(self) -> bool:
        if self.deadline is not None and time.monotonic() > self.deadline:
            self.reason = "time limit"
            return True
        return False

    def _look_at(self, choice: tuple[Choice, ...]) -> None:
        if not self.signed:
            self._solve([tuple((j, 1) for j in unit.columns) for unit in choice], free=True)
            return
        if self.loss != "squared":
            # without the cones first: one program for all signs
            free = tuple((j, 1) for j in dict.fromkeys(j for unit in choice for j in unit.basis))
            if linear_loss(self.columns, self.y, free, self.loss, free=True).loss >= self.best.loss:
                return
        for signs in product((1, -1), repeat=len(choice)):
            # equal patterns with equal signs are one unit, and their order does not matter
            if any(a is b and s <= t for a, b, s, t in zip(choice, choice[1:], signs, signs[1:], strict=False)):
                continue
            units = [tuple((j, sign) for j in unit.columns) for unit, sign in zip(choice, signs, strict=True)]
            self._solve(units, free=False)

    def _solve(self, units: list[Signed], free: bool) -> None:
        signed = tuple(pair for unit in units for pair in unit)
        if self.loss == "squared" and free:
            indices = [j for j, _ in signed]
            squares, solution, _ = least_squares(self.columns, self.y, indices)
            if len(solution) < len(signed):  # dependent columns: the same fit with the others at zero
                solution = self._spread(indices, solution)
            solved = Solved(squares, solution)
        elif self.loss == "squared":
            solved = non_negative_squares(self.columns, self.y, signed, self._proposal(signed))
        else:
            solved = linear_loss(self.columns, self.y, signed, self.loss, free=free)
        if solved.loss < self.best.loss:
            self.best, self.columns_of_best, self.units_of_best = solved, signed, units

    def _spread(self, indices: list[int], solution: Vector) -> Vector:
        kept = independent([self.columns.outputs[j] for j in indices]).rows
        result = [ZERO] * len(indices)
        for place, value in zip(kept, solution, strict=True):
            result[place] = value
        return tuple(result)

    def _proposal(self, signed: Signed) -> np.ndarray | None:
        from scipy.optimize import nnls

        table = self.floats[:, [j for j, _ in signed]] * np.array([s for _, s in signed], dtype=float)
        if not (np.isfinite(table).all() and np.isfinite(self.float_y).all()):
            return None
        try:
            return np.asarray(nnls(table, self.float_y)[0])
        except (RuntimeError, ValueError):
            return None

    def weights(self, bias: bool) -> tuple[Vector, Matrix, Vector]:
        """(v, W, b) of the best network; units without weights are left out."""
        v, W, b = [], [], []
        position = 0
        for unit in self.units_of_best:
            coefficients = self.best.coefficients[position : position + len(unit)]
            position += len(unit)
            if not any(coefficients):
                continue
            if self.signed:
                parts = [
                    [c * p for p in self.columns.parameters[j]] for (j, _), c in zip(unit, coefficients, strict=True)
                ]
                total, outer = [sum(entries, ZERO) for entries in zip(*parts, strict=True)], fmpq(unit[0][1])
            else:
                total, outer = list(self.columns.parameters[unit[0][0]]), coefficients[0]
            v.append(outer)
            W.append(tuple(total[:-1] if bias else total))
            b.append(total[-1] if bias else ZERO)
        return tuple(v), tuple(W), tuple(b)


def _zero_loss(y: Vector, loss: Loss) -> fmpq:
    """The loss of the network without units."""
    if loss == "squared":
        return dot(y, y)
    return sum((abs(v) for v in y), ZERO) if loss == "absolute" else max(abs(v) for v in y)


__all__ = ["LOSSES", "ExactFit", "train_exactly"]
