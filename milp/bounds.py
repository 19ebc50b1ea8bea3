"""Bounds of every pre-activation on a domain, as a value: the m and M of big-M, valid for certain.

The methods that find them, and the choice among them, are in `milp.bounding`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context
from enum import Enum

from nn_bridge.network.network import INPUT
from polyhedra.errors import FormulationError
from polyhedra.values import Value

FloatRow = tuple[float, ...]


class OutOfRange(FormulationError):
    """Numbers that leave the range of float64, in which bounds and models live."""


class Stability(Enum):
    """The sign of a unit on the whole domain, as far as the bounds tell."""

    INACTIVE = "inactive"
    ACTIVE = "active"
    UNSTABLE = "unstable"


@dataclass(frozen=True, slots=True, repr=False)
class Bounds(Value):
    """Valid bounds of all pre-activations and outputs of one network on one domain.

    Attributes
    ----------
    input : pair of tuples of float
        A box around the domain.
    lower, upper : tuples of tuples of float
        One tuple per stage of units, and the outputs last.
    method : str
        Where they come from.
    proven : bool
        Whether they are proved for the exact network (False for bounds that a user supplied).
    """

    input: tuple[FloatRow, FloatRow]
    lower: tuple[FloatRow, ...]
    upper: tuple[FloatRow, ...]
    method: str
    proven: bool = True

    def __post_init__(self) -> None:
        for stage, (low, high) in enumerate(zip(self.lower, self.upper, strict=True)):
            for unit, (m, M) in enumerate(zip(low, high, strict=True)):
                require_finite(m, M, place_of(stage, unit, len(self.lower)))
                if m > M:
                    raise FormulationError(
                        f"stage {stage + 1}, unit {unit}: the lower bound {m} exceeds the upper bound {M}; "
                        "check the bounds that were supplied"
                    )

    def stability(self, stage: int, unit: int) -> Stability:
        """Tell the sign of one unit (stages counted from 0): inactive where M <= 0, active where m >= 0."""
        if self.upper[stage][unit] <= 0:
            return Stability.INACTIVE
        return Stability.ACTIVE if self.lower[stage][unit] >= 0 else Stability.UNSTABLE

    def unstable(self, stage: int) -> tuple[int, ...]:
        """The units of a stage that may be active at one point of the domain and inactive at another."""
        return tuple(i for i in range(len(self.lower[stage])) if self.stability(stage, i) is Stability.UNSTABLE)

    @property
    def n_unstable(self) -> int:
        """The number of units that need a binary variable."""
        return sum(len(self.unstable(stage)) for stage in range(len(self.lower) - 1))

    def value_box(self, source: int) -> tuple[FloatRow, FloatRow]:
        """The box of a source's values: source 0 the input, source k the units of stage k after their ReLU."""
        if source == INPUT:
            return self.input
        low, high = self.lower[source - 1], self.upper[source - 1]
        return tuple(max(0.0, v) for v in low), tuple(max(0.0, v) for v in high)


def text_above(bound: float) -> str:
    """An upper bound in six digits, rounded up.

    Examples
    --------
    >>> text_above(2 / 3), text_above(-2 / 3), text_above(250.0)
    ('0.666667', '-0.666666', '250')
    """
    return f"{float(Context(prec=6, rounding=ROUND_CEILING).create_decimal_from_float(bound)):.6g}"


def place_of(stage: int, unit: int, stages: int) -> str:
    """A unit or output in words, for messages; both are counted from 0, the outputs are the last stage."""
    return f"stage {stage}, unit {unit}" if stage + 1 < stages else f"output {unit}"


def require_finite(low: float, high: float, place: str) -> None:
    """Refuse bounds that leave the range of float64.

    Raises
    ------
    OutOfRange
        One of them is infinite or NaN; the message names the place.
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        raise OutOfRange(
            f"{place}: the values between {low:.6g} and {high:.6g} leave the range of float64; "
            "take a smaller domain, or rescale the weights"
        )
