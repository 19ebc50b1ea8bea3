"""`RayCell`: one cell with the facets that rays from a point inside of it meet.  Made by `RayCells`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from flint import fmpq

from nn_bridge.cells.cell import CellFacet
from nn_bridge.errors import NetworkError
from nn_bridge.exploration.first_hits import FirstHits
from nn_bridge.exploration.linear_parts import flags_of
from nn_bridge.exploration.local_cell import CellFacts, LocalCell
from nn_bridge.exploration.unit_forms import Form, Unit, side, unit_form
from nn_bridge.network.network import Row
from polyhedra.cached_values import cached_property
from polyhedra.limits import check_limits
from polyhedra.matrix import AffineMap
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ONE, ZERO, primitive, rational, to_float

if TYPE_CHECKING:
    from nn_bridge.exploration.ray_cells import RayCells


EASY = 10_000
"""Entries of the rows of facets up to which a cell is asked whether it is bounded, where rays leave that open."""


class Start(NamedTuple):
    """How a cell was come to: a point inside, or the facet of another cell; and the units that are 0 on the cell."""

    point: Row | None
    zero: frozenset[Unit]
    from_cell: RayCell | None = None
    facet: int = -1


@dataclass(frozen=True)
class RayCell(LocalCell):
    """A full-dimensional cell with some of its facets.

    Everything about it is exact, but for what is not found: `facets`, `neighbours` and `facet_count` are of the facets
    that rays met, a lower bound, and `facets_at_most` is an upper one.

    Attributes
    ----------
    home : RayCells
    active : tuple of int
        As in `LocalCell`.
    start : Start
        How it was come to; takes no part in comparisons.
    """

    start: Start = field(compare=False, repr=False, default=Start(None, frozenset()))

    @property
    def _home(self) -> RayCells:
        home: RayCells = self.home  # type: ignore[assignment]
        return home

    # ---------------------------------------------------------------- facets

    @cached_property
    def _hits(self) -> FirstHits:
        """The rays shot from the point inside."""
        return FirstHits(self._home, self.active, self.interior_point, self.start.zero)

    @cached_property
    def _met(self) -> tuple[tuple[int, ...], ...]:
        """For each facet found the numbers of the units and walls that vanish on it."""
        self._hits.run()
        return self._hits.facets()

    def keep_found(self) -> bool:
        """Be content with the facets found until a limit in time ended the search; whether there are any."""
        hits = self.__dict__.get("_hits")
        if hits is None or not hits.facets():
            return False
        self.__dict__["_met"] = hits.facets()
        return True

    @property
    def facet_count(self) -> int:
        """The number of facets found: the cell has at least so many."""
        return len(self._met)

    @cached_property
    def facets_at_most(self) -> int:
        """The number of facets found, and of units and walls that no facet found belongs to: an upper bound."""
        return self.facet_count + self._hits.unmet

    @property
    def complete(self) -> bool:
        """Whether the facets found are proven to be all."""
        return self.facet_count == self.facets_at_most

    @property
    def rays(self) -> int:
        """The number of rays looked at."""
        return self._hits.looked_at

    @cached_property
    def facets(self) -> tuple[CellFacet, ...]:
        """The facets found, each with the units and walls that vanish on it and its inequality."""
        return tuple(self._facet(numbers) for numbers in self._met)

    def _facet(self, numbers: tuple[int, ...]) -> CellFacet:
        names = [self._name(number) for number in numbers]
        units = tuple(name for name in names if name[0] >= 0)
        walls = tuple(wall for kind, wall in names if kind < 0)
        if walls:
            return CellFacet(units, walls, self._home._walls[walls[0]])
        stage, unit = units[0]
        form = unit_form(self.home.network, self.active, stage, unit)
        sign = -1 if self.active[stage] >> unit & 1 else 1
        row = [ZERO] * (self.home.network.input_dim + 1)
        for j, value in form.slope.items():
            row[j] = sign * value
        row[-1] = -sign * form.constant
        return CellFacet(units, (), tuple(map(fmpq, primitive(row))))

    @cached_property
    def facet_names(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """For each facet found the units that vanish on it, and (-1, wall): without its inequality."""
        return tuple(tuple(map(self._name, numbers)) for numbers in self._met)

    def _name(self, number: int) -> tuple[int, int]:
        for stage, size in enumerate(self.home.network.hidden):
            if number < size:
                return stage, number
            number -= size
        return -1, number

    # ---------------------------------------------------------------- beyond

    def neighbour(self, facet: int) -> RayCell | None:
        """The cell beyond a facet (by its number in `facets`); None on the boundary of the domain."""
        if facet not in self._cells_beyond:
            self._cells_beyond[facet] = self._cell_beyond(facet)
        return self._cells_beyond[facet]

    @cached_property
    def _cells_beyond(self) -> dict[int, RayCell | None]:
        return {}

    def _cell_beyond(self, facet: int) -> RayCell | None:
        names = self.facet_names[facet]
        if any(stage < 0 for stage, _ in names):
            return None
        check_limits()
        if len(names) == 1 and not self.start.zero:
            ((stage, unit),) = names
            flipped = tuple(bits ^ (1 << unit if s == stage else 0) for s, bits in enumerate(self.active))
            return RayCell(self.home, flipped, Start(None, frozenset(), self, facet))
        direction = list(map(rational, self._hits.direction(facet).tolist()))
        beside = side(self.home.network, self.active, (*names, *self.start.zero), direction)
        assert beside is not None  # units that vanish on the facet are multiples of its row beyond it
        return RayCell(self.home, beside.active, Start(None, beside.zero, self, facet))

    def neighbours(self) -> tuple[RayCell, ...]:
        """The cells across the facets found, in their order; facets on the boundary of the domain have none."""
        found = map(self.neighbour, range(self.facet_count))
        return tuple(cell for cell in found if cell is not None)

    # ---------------------------------------------------------------- points

    @cached_property
    def interior_point(self) -> Row:
        """A point strictly inside, exact."""
        if self.start.point is not None:
            return self.start.point
        before = self.start.from_cell
        if before is None:
            raise NetworkError("no point of this cell is known; take the cell from RayCells.at or from a neighbour")
        direction = list(map(rational, before._hits.direction(self.start.facet).tolist()))
        names = before.facet_names[self.start.facet]
        stage, unit = names[0]
        form = unit_form(before.home.network, before.active, stage, unit)
        return self.beyond(before.interior_point, direction, -form.at(before.interior_point) / form.along(direction))

    def beyond(self, point: Row, direction: Sequence[fmpq], time: fmpq) -> Row:
        """A point strictly inside, on the ray from ``point`` that comes into this cell at a time."""
        step = self._stay(point, direction, time) / 2
        rounding = True
        while True:
            check_limits()
            found = tuple(p + (time + step) * d for p, d in zip(point, direction, strict=True))
            floats = list(map(to_float, found))
            if rounding and np.isfinite(floats).all() and self._holds(near := tuple(map(rational, floats))):
                return near
            if self._holds(found):
                return found
            step, rounding = step / 4, not rounding

    def _holds(self, point: Row) -> bool:
        """Whether a point is strictly inside."""
        values = self.home.network.preactivations(point)[:-1]
        for stage, (row, bits) in enumerate(zip(values, self.active, strict=True)):
            for unit, value in enumerate(row):
                if value == 0 and (stage, unit) not in self.start.zero:
                    return False
                if (value > 0) != bool(bits >> unit & 1):
                    return False
        return all(wall.at(point) > 0 for wall in self._home.walls)

    def _stay(self, point: Row, direction: Sequence[fmpq], time: fmpq) -> fmpq:
        """How long the ray stays in this cell, about."""
        forward = np.array([[to_float(v) for v in direction]])
        speeds = self._home.parts.speeds(flags_of(self.active, self.home.network.hidden), forward)[0][:, 0]
        at = self.home.network.preactivations(tuple(p + time * d for p, d in zip(point, direction, strict=True)))[:-1]
        values = np.array([to_float(v) for stage in at for v in stage])
        slack = [wall.at(point) + time * wall.along(direction) for wall in self._home.walls]
        values = np.concatenate([values, [to_float(v) for v in slack]])
        with np.errstate(all="ignore"):
            times = np.where(values * speeds < 0, -values / speeds, np.inf)
        least = float(np.min(times[times > 0], initial=np.inf))
        if np.isfinite(least):
            return rational(least)
        return time if time > 0 else ONE

    # ---------------------------------------------------------------- what a cell has beside facets

    @cached_property
    def bounded(self) -> bool | None:
        """Whether the cell is bounded; None where this is not known."""
        if self._home.domain_is_bounded:
            return True
        if self._hits.unbounded or self.facets_at_most <= self.home.network.input_dim:
            return False
        small = self.facet_count * self.home.network.input_dim <= EASY
        return self._reduced.is_bounded() if small and self.complete else None

    @cached_property
    def output_rows(self) -> tuple[Row, ...]:
        """For each output the row ``(a_1, .., a_n, b)`` of its affine function on this cell."""
        network = self.home.network
        forms = [unit_form(network, self.active, len(network.stages), k) for k in range(network.output_dim)]
        return tuple(_dense(form, network.input_dim) for form in forms)

    @cached_property
    def affine_map(self) -> AffineMap:
        """The outputs as an exact affine function of the input, on this cell."""
        rows = self.output_rows
        return AffineMap(tuple(row[:-1] for row in rows), tuple(row[-1] for row in rows), self.home.network.input_dim)

    @cached_property
    def polyhedron(self) -> Polyhedron:
        """The closure of the cell, by the rows of all units and walls, whether they are facets or not."""
        return self._reduced

    def facts(self, *, full: bool = False) -> CellFacts:
        """Raise NetworkError: facets found by rays are not exchanged between processes."""
        raise NetworkError("facets found by rays are not exchanged between processes; take LocalCells")


def _dense(form: Form, dim: int) -> Row:
    row = [ZERO] * dim
    for j, value in form.slope.items():
        row[j] = value
    return (*row, form.constant)


__all__ = ["EASY", "RayCell", "Start"]
