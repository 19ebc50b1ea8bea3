"""A point where two networks differ: at a few given points, or through their tropical maps, which decide."""

from __future__ import annotations

from collections.abc import Iterator

from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network, Row
from nn_bridge.symbolic.tropicalize import tropicalize
from polyhedra.scalars import ZERO

_PROBES = 40  # points tried before two networks are compared through their formulas


def difference_at_probes(first: Network, second: Network) -> Row | None:
    """One of a few points at which two networks have different outputs; None proves nothing.

    Raises
    ------
    NetworkError
        The numbers of inputs or outputs differ.
    """
    for what, one, two in (
        ("inputs", first.input_dim, second.input_dim),
        ("outputs", first.output_dim, second.output_dim),
    ):
        if one != two:
            raise NetworkError(f"the networks have {one} and {two} {what}; they cannot be compared")
    if first == second:
        return None
    for point in _probes(first.input_dim):
        if first.evaluate(point) != second.evaluate(point):
            return point
    return None


def difference_of_formulas(first: Network, second: Network) -> Row | None:
    """A point at which two networks have different outputs, by their tropical maps; None proves that there is none."""
    for f, g in zip(tropicalize(first), tropicalize(second), strict=True):
        difference = f.point_of_difference(g)
        if difference is not None:
            return tuple(difference)
    return None


def _probes(dim: int) -> Iterator[Row]:
    """Points with short coordinates at growing distances from the origin, always the same."""
    yield (ZERO,) * dim
    state = 1
    for number in range(_PROBES):
        coordinates = []
        for _ in range(dim):
            state = state * 48271 % (2**31 - 1)
            coordinates.append(fmpq((state % 2001 - 1000) * (1 + number**2), 1000))
        yield tuple(coordinates)
