"""The activation cells at a point, from the signs of the pre-activations in its neighbourhood; no engine is run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from nn_bridge.network.network import Matrix, Network, Pattern, Row
from polyhedra.linear_program import InteriorPoint, interior_of
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ZERO, primitive
from polyhedra.system import IntegerRow, System


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
    for pattern in patterns_near(network, point, (), ()):
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


def patterns_near(network: Network, point: Row, pattern: Pattern, tight: tuple[IntegerRow, ...]) -> Iterator[Pattern]:
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
        yield from patterns_near(network, point, (*pattern, bits), cone)
