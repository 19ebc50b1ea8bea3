"""A network with shorter numbers: every entry rounded to a multiple of a unit, such as 1/100 or 2^-6."""

from __future__ import annotations

from dataclasses import replace
from operator import index
from typing import TYPE_CHECKING

from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.network.sparse_row import Matrix, entries, row_of
from polyhedra.quoting import shown

if TYPE_CHECKING:
    from nn_bridge.network.network import AffineStage, Network

MOST_PLACES = {"bits": 1074, "digits": 324}
"""Rounding to more places than this changes no float64 number."""


def rounded(network: Network, *, bits: int | None = None, digits: int | None = None) -> Network:
    """The network with every entry rounded to a multiple of ``2**-bits`` or ``10**-digits``, half to even.

    Raises
    ------
    NetworkError
        Neither or both are given, or a number that is no count of places.

    Examples
    --------
    >>> from nn_bridge.network.network import Network
    >>> net = Network.from_layers([[["1/3", "0.25"]]])
    >>> rounded(net, digits=1).evaluate([1, 0]), rounded(net, digits=1).evaluate([0, 1]), rounded(net, bits=2).notes
    ((3/10,), (1/5,), ('entries rounded to multiples of 2^-2',))
    """
    given = {name: places for name, places in (("bits", bits), ("digits", digits)) if places is not None}
    if len(given) != 1:
        raise NetworkError("round to bits or to digits: give one of the two")
    ((name, asked),) = given.items()
    try:
        places = index(asked)
    except TypeError:
        raise NetworkError(f"cannot round to {shown(asked)} {name}; give a whole number") from None
    if not 0 <= places <= MOST_PLACES[name]:
        raise NetworkError(f"cannot round to {places} {name}; give 0 to {MOST_PLACES[name]}")
    base = 2 if name == "bits" else 10
    scale = fmpq(base) ** places
    half = fmpq(1, 2)

    def entry(value: fmpq) -> fmpq:
        scaled = value * scale
        floor = scaled.floor()
        rest = scaled - floor
        up = rest > half or (rest == half and int(floor) % 2 == 1)
        return fmpq(floor + 1 if up else floor) / scale

    def rows(matrix: Matrix) -> Matrix:
        return tuple(row_of(len(row), ((j, entry(v)) for j, v in entries(row))) for row in matrix)

    def stage(old: AffineStage) -> AffineStage:
        return replace(old, blocks=tuple((s, rows(m)) for s, m in old.blocks), bias=tuple(map(entry, old.bias)))

    notes = (*network.notes, f"entries rounded to multiples of {base}^-{places}")
    stages = tuple(map(stage, network.stages))
    return replace(network, stages=stages, output=stage(network.output), layers=None, notes=notes)


__all__ = ["rounded"]
