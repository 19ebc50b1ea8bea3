"""Proofs that units keep one sign on a domain: by the signs of weights, and by the cells.

The signs of weights prove a little everywhere and cost nothing: units are never negative, so a unit that adds up units
with weights of one sign is stable.  The cells prove everything there is to prove, where they can be listed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from flint import fmpq

from nn_bridge.cells.cell import iterate_cells
from nn_bridge.network.network import AffineStage, Network
from nn_bridge.reduction.superfluous_units import StabilityProofs, Unit
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ZERO

_Range = tuple[fmpq | None, fmpq | None]
"""Bounds from below and above; None where there is none."""


def sign_proofs(network: Network) -> StabilityProofs:
    """Prove stable units by the signs of weights, on all of R^n: exact interval arithmetic with unbounded inputs.

    Examples
    --------
    >>> net = Network.from_layers([[[1], [-1]], [[1, 2], [-1, -1]], [[1, 1]]], [[0, 0], [1, 0], [0]])
    >>> proofs = sign_proofs(net)
    >>> sorted(proofs.active), sorted(proofs.inactive)
    ([(1, 0)], [(1, 1)])
    """
    ranges: list[list[_Range]] = [[(None, None)] * network.input_dim]
    inactive: set[Unit] = set()
    active: set[Unit] = set()
    for k, stage in enumerate(network.stages):
        own: list[_Range] = []
        for i in range(stage.units):
            low, high = _range_of(stage, i, ranges)
            if high is not None and high <= 0:
                inactive.add((k, i))
            elif low is not None and low >= 0:
                active.add((k, i))
            own.append((ZERO if low is None else max(low, ZERO), None if high is None else max(high, ZERO)))
        ranges.append(own)
    return StabilityProofs(frozenset(inactive), frozenset(active), None, "signs of weights")


def _range_of(stage: AffineStage, row: int, ranges: list[list[_Range]]) -> _Range:
    low: fmpq | None = stage.bias[row]
    high: fmpq | None = stage.bias[row]
    for source, matrix in stage.blocks:
        for weight, (below, above) in zip(matrix[row], ranges[source], strict=True):
            if weight:
                first, second = (below, above) if weight > 0 else (above, below)
                low = None if low is None or first is None else low + weight * first
                high = None if high is None or second is None else high + weight * second
    return low, high


@dataclass(frozen=True, slots=True)
class CellProofs:
    """The units that the cells prove stable, None where not all were visited; and the number of visited cells."""

    proofs: StabilityProofs | None
    cells: int


def cell_proofs(
    network: Network,
    domain: Polyhedron | None = None,
    *,
    time_limit: float | None = None,
    max_cells: int | None = None,
) -> CellProofs:
    """The units that keep their sign on every cell: all that are stable on the domain.

    The search ends as soon as no unit can be stable any more.

    Parameters
    ----------
    network : Network
    domain : Polyhedron, optional
        All of R^n by default.
    time_limit, max_cells : optional
        Seconds and cells after which it gives up.

    Examples
    --------
    >>> net = Network.from_layers([[[1], [1]], [[1, -1]]], [[0, 5], [0]])
    >>> found = cell_proofs(net, Polyhedron.box([-1], [1]))
    >>> sorted(found.proofs.active), found.cells
    ([(0, 1)], 2)
    """
    start: float | None = None
    never_active = {(k, i) for k, size in enumerate(network.hidden) for i in range(size)}
    never_inactive = set(never_active)
    seen = 0
    for cell in iterate_cells(network, domain):
        if max_cells is not None and seen >= max_cells:
            return CellProofs(None, seen)
        seen += 1
        start = time.monotonic() if start is None else start  # compiling the kernels is not the search's time
        # inside a cell a unit is 0 at one point only where it is 0 on the whole cell
        for unit, sign in _signs(network, cell.interior_point):
            if sign > 0:
                never_active.discard(unit)
            elif sign < 0:
                never_inactive.discard(unit)
        if not never_active and not never_inactive:
            break
        if time_limit is not None and time.monotonic() - start > time_limit:
            return CellProofs(None, seen)
    inactive = frozenset(never_active)
    return CellProofs(StabilityProofs(inactive, frozenset(never_inactive) - inactive, domain, "cells"), seen)


def _signs(network: Network, x: tuple[fmpq, ...]) -> Iterator[tuple[Unit, int]]:
    for k, values in enumerate(network.preactivations(x)[:-1]):
        for i, value in enumerate(values):
            yield (k, i), (value > 0) - (value < 0)


def joined(first: StabilityProofs, second: StabilityProofs) -> StabilityProofs:
    """The union of two proofs; the domain is that of the second, which must lie in that of the first."""
    inactive = first.inactive | second.inactive
    active = (first.active | second.active) - inactive
    named = [proofs.source for proofs in (first, second) if proofs.inactive or proofs.active]
    return replace(second, inactive=inactive, active=active, source=" and ".join(dict.fromkeys(named)))
