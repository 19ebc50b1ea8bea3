"""Rounding a network's entries to a floating-point type, on request, and what that changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import AffineStage, Matrix, Network, Row
from polyhedra.plurals import counted
from polyhedra.quoting import quoted
from polyhedra.scalars import ZERO, rational, to_float

TYPES: dict[str, Any] = {"float64": np.float64, "float32": np.float32}
"""The types to which a network can be rounded."""


@dataclass(frozen=True, slots=True)
class Rounded:
    """A network whose entries are floats, and what rounding changed.

    Attributes
    ----------
    network : Network
        Its notes tell the rounding, where there was any.
    changed : int
        How many weights and biases are not what they were.
    largest_error : fmpq
        The largest change of an entry, exactly.
    """

    network: Network
    changed: int
    largest_error: fmpq


def rounded_to(network: Network, precision: str = "float64") -> Rounded:
    """The network with every entry rounded to the nearest number of a type.

    Parameters
    ----------
    network : Network
    precision : "float64" or "float32"

    Raises
    ------
    NetworkError
        The type is unknown, or an entry is too large for it.

    Examples
    --------
    >>> result = rounded_to(Network.from_layers([[["1/3", "1/2"]]]))
    >>> result.changed, float(result.largest_error) < 2**-55
    (1, True)
    """
    if precision not in TYPES:
        raise NetworkError(f"there is no precision {quoted(precision)}; take one of {', '.join(TYPES)}")
    counter = _Counter(precision)
    stages = tuple(counter.stage(stage, f"stage {k}") for k, stage in enumerate(network.stages, 1))
    output = counter.stage(network.output, "the output")
    if not counter.changed:
        return Rounded(network, 0, ZERO)
    entries = counted(counter.changed, "entry", "entries")
    note = f"{entries} rounded to {precision}, by at most {to_float(counter.largest):.3g}"
    changed = replace(network, stages=stages, output=output, layers=None, notes=(*network.notes, note))
    return Rounded(changed, counter.changed, counter.largest)


class _Counter:
    """Rounds entries and remembers what that changed."""

    def __init__(self, precision: str) -> None:
        self.precision = precision
        self.kind = TYPES[precision]
        self.changed, self.largest = 0, ZERO

    def row(self, row: Row, place: str) -> Row:
        result = []
        for value in row:
            with np.errstate(over="ignore"):
                nearest = float(self.kind(to_float(value)))
            if not np.isfinite(nearest):
                raise NetworkError(f"{place} holds a number that is too large for {self.precision}; scale the network")
            exact = rational(nearest)
            if exact != value:
                self.changed += 1
                self.largest = max(self.largest, abs(exact - value))
            result.append(exact)
        return tuple(result)

    def stage(self, stage: AffineStage, place: str) -> AffineStage:
        blocks: list[tuple[int, Matrix]] = [
            (source, tuple(self.row(row, place) for row in matrix)) for source, matrix in stage.blocks
        ]
        return AffineStage(tuple(blocks), self.row(stage.bias, place))
