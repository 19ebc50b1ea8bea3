"""`RayCells`: the cells of a network with some of their facets, proven by rays: for many inputs and many units.

A ray from a point inside of a cell leaves it at the first zero of a unit's form.  Where only one hyperplane is met
there, the point on it satisfies all other constraints strictly, so it lies inside of a facet: no linear program is
needed, no form of any other unit, and no coordinates.  Rays are proposed in floating point; error bounds prove the
first zero, or exact forms of the few units whose zeros the bounds do not tell apart.  A ray that meets several
hyperplanes at once proves nothing.  The facets found are facets; there may be more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.exploration.linear_parts import LinearParts
from nn_bridge.exploration.local_cell import LocalCells, walls_of
from nn_bridge.exploration.ray_cell import EASY, RayCell, Start
from nn_bridge.exploration.unit_forms import Form, Unit, side
from nn_bridge.network.network import Network, Row
from polyhedra.cached_values import cached_property
from polyhedra.limits import check_limits
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ZERO

_TRIES = 32
"""Directions from a start on a facet or on a lower face, at most."""


class RayCells(LocalCells):
    """The cells of one network on one domain, each made when it is asked for, with the facets that rays meet.

    Parameters
    ----------
    network : Network
    domain : Polyhedron, optional
        Full-dimensional; None is all of R^n.
    rays : int, optional
        Rays that are looked at for each cell; by default four for each unit and wall, and 1,000.  The first are aimed
        at units and walls in turn, the next at those that were missed, the last at random, always the same ones.

    Raises
    ------
    NetworkError
        The domain has another dimension than the input, or no interior.

    Examples
    --------
    >>> lines = Network.from_layers([[[1, 0], [0, 1]], [[1, 1]]])
    >>> (cell,) = RayCells(lines).at([3, 4])
    >>> [other.pattern_text for other in cell.neighbours()], cell.complete
    (['10', '01'], True)
    """

    def __init__(self, network: Network, domain: Polyhedron | None = None, rays: int | None = None) -> None:
        self.network, self.domain = network, domain
        self.reduced, self.coordinates = network, None
        self._walls = walls_of(network, domain)
        self.walls = tuple(_slack_of(row) for row in self._walls)
        self.parts = LinearParts(network, self.walls)
        self.rays = 4 * self.parts.count + 1000 if rays is None else rays

    @cached_property
    def domain_is_bounded(self) -> bool | None:
        """Whether the domain is bounded; None where this is not known."""
        if self.domain is None:
            return False
        ends = {(j, a > 0) for wall in self.walls if len(wall.slope) == 1 for j, a in wall.slope.items()}
        if len(ends) == 2 * self.network.input_dim:
            return True
        return self.domain.is_bounded() if len(self.walls) * self.network.input_dim <= EASY else None

    def at(self, point: Iterable[Any]) -> tuple[RayCell, ...]:
        """The cell that holds a point in its inside, or cells that hold it in their closure, sorted by pattern.

        A point on a facet, or on a lower face, is left in up to 32 directions; the cells that they lead to are given.

        Raises
        ------
        NetworkError
            The point has the wrong length, is not finite, or lies outside the domain.
        """
        exact = self.network.point(point)
        slack = [wall.at(exact) for wall in self.walls]
        if any(value < 0 for value in slack):
            raise NetworkError("the start lies outside the domain; give a point of the domain")
        values = self.network.preactivations(exact)[:-1]
        active = tuple(sum(int(v > 0) << i for i, v in enumerate(stage)) for stage in values)
        touched = [(s, i) for s, stage in enumerate(values) for i, v in enumerate(stage) if v == 0]
        tight = [wall for wall, value in zip(self.walls, slack, strict=True) if value == 0]
        if not tight:
            still = side(self.network, active, touched, (ZERO,) * self.network.input_dim)
            if still is not None:  # only units that are 0 around the point
                return (RayCell(self, active, Start(exact, still.zero)),)
        return self._around(exact, active, touched, tight)

    def _around(
        self, point: Row, active: tuple[int, ...], touched: list[Unit], tight: list[Form]
    ) -> tuple[RayCell, ...]:
        rng = np.random.default_rng(0)
        found: dict[tuple[int, ...], RayCell] = {}
        for _ in range(_TRIES):
            check_limits()
            direction = self._inwards(
                point, tight, [fmpq(v) for v in rng.integers(-(2**20), 2**20, len(point)).tolist()]
            )
            beside = side(self.network, active, touched, direction)
            if beside is not None and beside.active not in found:
                cell = RayCell(self, beside.active, Start(None, beside.zero))
                start = cell.beyond(point, direction, ZERO)
                found[beside.active] = RayCell(self, beside.active, Start(start, beside.zero))
        return tuple(found[pattern] for pattern in sorted(found, key=lambda bits: found[bits].pattern))

    def _inwards(self, point: Row, tight: list[Form], drawn: list[fmpq]) -> list[fmpq]:
        """A direction into the domain: that of a point inside of it, changed by a random one as far as it goes."""
        if not tight or self.domain is None:
            return drawn
        inside = self.domain.interior_point()
        assert inside is not None
        towards = [p - q for p, q in zip(inside, point, strict=True)]
        share = fmpq(1)
        while True:
            check_limits()
            changed = [p + share * q for p, q in zip(towards, drawn, strict=True)]
            if all(wall.along(changed) > 0 for wall in tight):
                return changed
            share /= 4


def _slack_of(row: Row) -> Form:
    """The form ``b - a . x`` of a row ``(a, b)``."""
    return Form({j: -a for j, a in enumerate(row[:-1]) if a}, row[-1])


__all__ = ["RayCells"]
