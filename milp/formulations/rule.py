"""What a formulation rule gets and gives.

A rule encodes y = activation(g) for a vector of pre-activations g = W h + b, given valid bounds m <= g <= M and a box
around h. Rules return constraints; they never solve.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milp.solvers import require_cvxpy
from polyhedra.errors import FormulationError

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Preactivation:
    """A vector g = W h + b of pre-activations.

    Attributes
    ----------
    inputs : cvxpy expression of shape (n,)
        h, the values that are read.
    weights, bias : arrays of shape (k, n) and (k,)
    lower, upper : arrays of shape (k,)
        Valid bounds m <= g <= M.
    input_lower, input_upper : arrays of shape (n,)
        A box around h.
    """

    inputs: Any
    weights: Array
    bias: Array
    lower: Array
    upper: Array
    input_lower: Array
    input_upper: Array

    @property
    def size(self) -> int:
        """The number of pre-activations."""
        return len(self.bias)

    @property
    def value(self) -> Any:
        """g as a cvxpy expression."""
        return self.weights @ self.inputs + self.bias

    @property
    def magnitude(self) -> Array:
        """|b| + |W| max |h|: what the terms of g can reach before they cancel, hence the scale of its rounding."""
        reach = np.maximum(np.abs(self.input_lower), np.abs(self.input_upper))
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(np.abs(self.bias) + np.abs(self.weights) @ reach)

    def in_own_units(self) -> Preactivation:
        """Every pre-activation, with its bounds, in units of its `magnitude`.

        Raises
        ------
        FormulationError
            A quotient is no float64: the terms of a unit are too small, too large or too different in size.
        """
        size = self.magnitude
        with np.errstate(all="ignore"):  # what is no number is refused below
            weights, bias = self.weights / size[:, None], self.bias / size
            lower, upper = self.lower / size, self.upper / size
        if not all(np.isfinite(table).all() for table in (weights, bias, lower, upper)):
            raise FormulationError("the weights of a unit leave the range in which a solver works; use engine 'cells'")
        return replace(self, weights=weights, bias=bias, lower=lower, upper=upper)

    def largest(self, stage: int) -> tuple[float, str]:
        """The largest number of the unit formulations, and the unit that has it."""
        sizes = np.maximum(np.abs(self.weights).max(axis=1, initial=0.0), np.abs(self.bias))
        sizes = np.maximum(sizes, np.maximum(np.abs(self.lower), np.abs(self.upper)))
        unit = int(np.argmax(sizes)) if len(sizes) else 0
        return (float(sizes[unit]) if len(sizes) else 0.0), f"stage {stage}, unit {unit}"

    def select(self, rows: Any) -> Preactivation:
        """Some of the pre-activations."""
        index = np.asarray(rows, dtype=int)
        return Preactivation(
            self.inputs,
            self.weights[index],
            self.bias[index],
            self.lower[index],
            self.upper[index],
            self.input_lower,
            self.input_upper,
        )

    def affine(self, scale: Array, shift: Array) -> Preactivation:
        """scale * g + shift, entry by entry, with scale > 0; the bounds are moved outwards by their rounding."""
        return Preactivation(
            self.inputs,
            scale[:, None] * self.weights,
            scale * self.bias + shift,
            np.nextafter(np.nextafter(scale * self.lower, -np.inf) + shift, -np.inf),
            np.nextafter(np.nextafter(scale * self.upper, np.inf) + shift, np.inf),
            self.input_lower,
            self.input_upper,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """What a rule makes of a pre-activation.

    Attributes
    ----------
    output : cvxpy expression of shape (k,)
        y.
    binaries : cvxpy expression or None
        The indicators z (z = 1: active), in [0, 1]; None where none are needed.
    integrality : list of cvxpy constraints
        What makes z binary; leaving them out gives the linear relaxation, over the same variables.
    constraints : list of cvxpy constraints
        All the others.
    """

    output: Any
    binaries: Any
    integrality: list[Any] = field(default_factory=list)
    constraints: list[Any] = field(default_factory=list)


def indicator(shape: int | tuple[int, ...]) -> tuple[Any, list[Any]]:
    """Variables z in [0, 1], and apart from them the constraint z = binary.

    Kept apart so that one model is at once the mixed-integer program and its relaxation, as cutting planes need it.
    """
    cp = require_cvxpy("a formulation")
    z = cp.Variable(shape, bounds=[0, 1])
    return z, [z == cp.Variable(shape, boolean=True)]
