"""Exact affine forms of single units on a cell, by entries that are not zero, and the pattern beside a face.

The form of one unit is found backwards, from its weights to the input, through active units alone.  So it costs the
weights that lie between, and no other unit's form is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from flint import fmpq

from nn_bridge.network.network import INPUT, Network
from nn_bridge.network.sparse_row import entries
from polyhedra.limits import check_limits
from polyhedra.scalars import ZERO

Unit = tuple[int, int]
"""Stage and unit, from 0."""


class Form(NamedTuple):
    """The affine form ``slope . x + constant``; the slope has the entries that are not zero."""

    slope: Mapping[int, fmpq]
    constant: fmpq

    def at(self, point: Sequence[fmpq]) -> fmpq:
        """The value at a point."""
        return self.constant + self.along(point)

    def along(self, direction: Sequence[fmpq]) -> fmpq:
        """The derivative along a direction."""
        return sum((a * direction[j] for j, a in self.slope.items()), ZERO)

    @property
    def vanishes(self) -> bool:
        """Whether it is 0 everywhere."""
        return not self.slope and self.constant == 0


def unit_form(network: Network, active: Sequence[int], stage: int, unit: int) -> Form:
    """The form of a unit's pre-activation, or of an output, where units before it are active as told.

    Parameters
    ----------
    network : Network
    active : sequence of int
        Bit ``i`` of ``active[s]``: unit ``i`` of stage ``s`` is active; stages before ``stage`` are enough.
    stage, unit : int
        From 0; the stage behind the last one has the outputs.

    Examples
    --------
    >>> net = Network.from_layers([[[1, 0], [2, 1]], [[3, 4]]], [[5, 6], [7]])
    >>> unit_form(net, [0b11], 1, 0), unit_form(net, [0b01], 1, 0)
    (Form(slope={0: 11, 1: 4}, constant=46), Form(slope={0: 3}, constant=22))
    """
    stages = (*network.stages, network.output)
    constant = stages[stage].bias[unit]
    weights: dict[int, dict[int, fmpq]] = {}

    def add(source_stage: int, row: int, factor: fmpq) -> None:
        for source, matrix in stages[source_stage].blocks:
            kept = weights.setdefault(source, {})
            bits = -1 if source == INPUT else active[source - 1]
            for j, value in entries(matrix[row]):
                if bits >> j & 1:
                    kept[j] = kept.get(j, ZERO) + factor * value

    add(stage, unit, fmpq(1))
    for source in range(stage, 0, -1):
        check_limits()
        for j, factor in weights.pop(source, {}).items():
            if factor:
                constant += factor * stages[source - 1].bias[j]
                add(source - 1, j, factor)
    slope = weights.get(INPUT, {})
    return Form({j: slope[j] for j in sorted(slope) if slope[j]}, constant)


class Side(NamedTuple):
    """The pattern on one side of a face, and which of the units that vanish on the face are 0 on the whole side."""

    active: tuple[int, ...]
    zero: frozenset[Unit]


def side(network: Network, active: Sequence[int], touched: Iterable[Unit], direction: Sequence[fmpq]) -> Side | None:
    """The pattern just beyond a point, along a direction; None where a unit is 0 along the direction, and not around.

    Parameters
    ----------
    network : Network
    active : sequence of int
        The signs at the point of all units that are not 0 there.
    touched : iterable of (stage, unit)
        The units that are 0 at the point.
    direction : vector

    Examples
    --------
    >>> net = Network.from_layers([[[1, 0], [0, 1]], [[1, -1]], [[1]]])
    >>> side(net, [0, 0], [(0, 0), (0, 1), (1, 0)], [fmpq(1), fmpq(2)])
    Side(active=(3, 0), zero=frozenset())
    >>> side(net, [0, 0], [(0, 0), (0, 1), (1, 0)], [fmpq(-1), fmpq(-2)])
    Side(active=(0, 0), zero=frozenset({(1, 0)}))
    """
    found, zero = list(active), set()
    for stage, unit in sorted(touched):
        form = unit_form(network, found, stage, unit)
        speed = form.along(direction)
        if form.slope and speed == 0:
            return None
        if not form.slope:
            zero.add((stage, unit))
        bit = 1 << unit
        found[stage] = found[stage] | bit if speed > 0 else found[stage] & ~bit
    return Side(tuple(found), frozenset(zero))


__all__ = ["Form", "Side", "Unit", "side", "unit_form"]
