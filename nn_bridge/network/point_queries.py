"""Questions about single points and pairs of networks: the cells at a point, a point where two networks differ.

No engine is run: the cells at a point follow from the signs of the pre-activations in its neighbourhood, and two
networks are compared through their tropical maps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Matrix, Network, Pattern, Row
from polyhedra.linear_program import InteriorPoint, interior_of
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ZERO, primitive
from polyhedra.system import IntegerRow, System

_PROBES = 40  # points tried before two networks are compared through their formulas


@dataclass(frozen=True, slots=True)
class PointCell:
    """A full-dimensional activation cell.

    Attributes
    ----------
    pattern : tuple of tuples of bool
        For each stage which units are positive inside; a pre-activation that vanishes on the cell counts as inactive.
    polyhedron : Polyhedron
        The closed cell, one row for each unit whose pre-activation is not constant on it.
    affine_map : matrix of rationals
        One row ``(a_1, .., a_n, b)`` per output, which is ``a . x + b`` on the cell.
    """

    pattern: Pattern
    polyhedron: Polyhedron
    affine_map: Matrix


def cells_at(network: Network, x: Iterable[Any]) -> tuple[PointCell, ...]:
    """The full-dimensional activation cells whose closure contains a point.

    Parameters
    ----------
    network : Network
    x : sequence of n numbers
        Floats stand for their exact values.

    Returns
    -------
    tuple of PointCell
        One cell where the point lies inside it, else all the cells that it borders, sorted by pattern.

    Raises
    ------
    NetworkError
        The point has the wrong length or is not finite.

    Examples
    --------
    >>> net = Network.from_layers([[[1, 0], [0, 1]], [[1, -1]]])
    >>> [cell.pattern for cell in cells_at(net, [2, 0])]
    [((True, False),), ((True, True),)]
    """
    point = network.point(x)
    found = []
    for pattern in _patterns_near(network, point, (), ()):
        forms = network.affine_forms(pattern)
        rows = [
            _half_space(form, active)
            for bits, stage in zip(pattern, forms, strict=False)
            for active, form in zip(bits, stage, strict=True)
            if any(form[:-1])
        ]
        polyhedron = Polyhedron.of_integer_rows(rows, dim=network.input_dim)
        found.append(PointCell(pattern, polyhedron, forms[-1]))
    return tuple(sorted(found, key=lambda cell: cell.pattern))


def _half_space(form: Row, active: bool) -> IntegerRow:
    """The row (a, b), meaning a . x <= b, of the half-space where a form is >= 0 (active) or <= 0."""
    *slope, constant = form
    return primitive([*(-v for v in slope), constant] if active else [*slope, -constant])


def _patterns_near(network: Network, point: Row, pattern: Pattern, tight: tuple[IntegerRow, ...]) -> Iterator[Pattern]:
    """The patterns of the full-dimensional cells at a point that begin with these stages.

    Around the point a cell looks like a cone: only the forms that vanish there (``tight``, moved to the origin) bound
    it, so a sign of such a form is possible iff the cone has interior points on that side.
    """
    if len(pattern) == len(network.stages):
        yield pattern
        return
    options: list[tuple[tuple[bool, ...], tuple[IntegerRow, ...]]] = [((), tight)]
    for form in network.affine_forms(pattern)[-1]:
        *slope, constant = form
        value = sum((a * v for a, v in zip(slope, point, strict=True)), constant)
        if value != 0 or not any(slope):
            options = [((*bits, value > 0), cone) for bits, cone in options]
            continue
        direction = (*slope, ZERO)
        options = [
            ((*bits, active), grown)
            for bits, cone in options
            for active in (False, True)
            for grown in [(*cone, _half_space(direction, active))]
            if isinstance(interior_of(System.of_integer_rows(grown, 0, network.input_dim)), InteriorPoint)
        ]
    for bits, cone in options:
        yield from _patterns_near(network, point, (*pattern, bits), cone)


def point_of_difference(first: Network, second: Network) -> Row | None:
    """A rational point at which two networks have different outputs, or None where they are the same function.

    A few points are tried; if the networks agree there, their tropical maps decide.

    Raises
    ------
    NetworkError
        The numbers of inputs or outputs differ.

    Examples
    --------
    >>> identity = Network.from_layers([[[1]]])
    >>> split = Network.from_layers([[[1], [-1]], [[1, -1]]])
    >>> print(point_of_difference(identity, split))
    None
    >>> point_of_difference(identity, Network.from_layers([[[1], [-1]], [[1, 0]]])) is None
    False
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
    from nn_bridge.symbolic.tropicalize import tropicalize

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
