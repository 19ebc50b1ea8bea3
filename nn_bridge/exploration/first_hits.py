"""`FirstHits`: the facets of a cell that rays from a point inside of it meet, proven."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from nn_bridge.exploration.aimed_rays import rays
from nn_bridge.exploration.linear_parts import flags_of
from nn_bridge.exploration.unit_forms import Form, Unit, unit_form
from nn_bridge.network.network import Row
from polyhedra.arrays import Floats, Integers
from polyhedra.limits import check_limits
from polyhedra.rounding import UNIT_ROUNDOFF
from polyhedra.scalars import rational, to_float

if TYPE_CHECKING:
    from nn_bridge.exploration.ray_cells import RayCells

_SMALLEST = 1e-280
"""Values below this one are left to exact numbers: relative errors hold in the range of floats only."""


class FirstHits:
    """Rays from one point inside of a cell.

    Parameters
    ----------
    home : RayCells
    active : tuple of int
        The pattern of the cell.
    inside : point
        Strictly inside.
    zero : set of (stage, unit)
        Units that are 0 on the whole cell.

    Attributes
    ----------
    looked_at : int
        Rays looked at.
    unbounded : bool
        Whether a ray was proven to meet nothing.
    """

    def __init__(self, home: RayCells, active: tuple[int, ...], inside: Row, zero: frozenset[Unit]) -> None:
        self._home, self._active = home, active
        sizes = home.network.hidden
        self._flags = flags_of(active, sizes)
        values = [v for stage in home.network.preactivations(inside)[:-1] for v in stage]
        values += [wall.at(inside) for wall in home.walls]
        self._values = values
        starts = np.cumsum([0, *sizes])
        self._names = [(s, i) for s, size in enumerate(sizes) for i in range(size)]
        self._zero = np.zeros(len(values), dtype=bool)
        self._zero[[int(starts[s]) + i for s, i in zero]] = True
        self._floats = np.array([to_float(v) for v in values])
        self._signs = np.array([(v > 0) - (v < 0) for v in values], dtype=float)
        self._proven = np.zeros(len(values), dtype=bool)
        self._found: dict[tuple[int, ...], Floats] = {}
        self._forms: dict[int, Form] = {}
        self._moves = np.zeros(len(values), dtype=bool)
        self.looked_at = 0
        self.unbounded = False

    @property
    def unmet(self) -> int:
        """Units and walls that are not constant on the cell, for all that is known, and belong to no facet found."""
        return int(np.count_nonzero(self._moves & ~self._proven))

    def facets(self) -> tuple[tuple[int, ...], ...]:
        """For each facet found the numbers of the units and walls that vanish on it, in the order of the first one."""
        return tuple(sorted(self._found))

    def direction(self, facet: int) -> Floats:
        """A ray that meets a facet first, and nothing else with it."""
        return self._found[self.facets()[facet]].astype(float)

    def run(self) -> None:
        """Shoot the rays.

        Raises
        ------
        OutOfTime
            A limit was reached; the facets found so far are kept.
        """
        gradients = self._home.parts.gradients(self._flags)
        self._moves = (np.diff(gradients.indptr) > 0) & ~self._zero
        usable = self._moves & (np.abs(self._floats) > _SMALLEST) & np.isfinite(self._floats)
        with np.errstate(all="ignore"):
            scale = np.where(usable, -1 / np.where(usable, self._floats, 1.0), 0.0)
        scaled = sparse.csr_array(sparse.diags_array(scale) @ gradients)
        scaled.eliminate_zeros()
        rng = np.random.default_rng(0)
        for proposal in rays(scaled, self._home.rays, rng, self._proven):
            self.looked_at += proposal.looked_at
            if len(proposal.directions):
                self._prove(proposal.directions)
            if not self.unmet:
                return

    def _prove(self, directions: Floats) -> None:
        """Find what rays meet first."""
        with np.errstate(all="ignore"):
            largest = np.abs(directions).max(axis=1, keepdims=True)
            short = (directions / largest).astype(np.float32)  # so that they are kept in half the memory
        short = short[np.isfinite(short).all(axis=1)]
        values, errors = self._home.parts.speeds(self._flags, short.astype(float))
        earliest, latest = self._times(values, errors)
        first = np.argmin(latest, axis=0)
        for k, row in enumerate(first.tolist()):
            check_limits()
            if not np.isfinite(latest[row, k]):
                self.unbounded |= bool((earliest[:, k] == np.inf).all())
                continue
            together = np.flatnonzero(earliest[:, k] <= latest[row, k])
            met = (row,) if len(together) == 1 else self._told_apart(together, short[k])
            if met:
                self._proven[list(met)] = True
                self._found.setdefault(met, short[k])

    def _times(self, values: Floats, errors: Floats) -> tuple[Floats, Floats]:
        """Bounds on the times at which units and walls are met: infinite where they are not met."""
        size = np.abs(self._floats)[:, None]
        margin = 8 * UNIT_ROUNDOFF
        with np.errstate(all="ignore"):
            closing = -self._signs[:, None] * values
            fastest, slowest = (closing + errors) * (1 + margin), (closing - errors) * (1 - margin)
            earliest = np.where(fastest > 0, size * (1 - margin) / fastest, np.inf)
            latest = np.where(slowest > 0, size * (1 + margin) / slowest, np.inf)
            sure = np.isfinite(values) & np.isfinite(errors) & (size > _SMALLEST) & np.isfinite(size)
            sure &= (earliest > _SMALLEST) & (fastest < 1 / _SMALLEST) & ((slowest <= 0) | (slowest > _SMALLEST))
        earliest[~sure], latest[~sure] = 0.0, np.inf
        earliest[self._zero], latest[self._zero] = np.inf, np.inf
        return earliest, latest

    def _told_apart(self, rows: Integers, direction: Floats) -> tuple[int, ...] | None:
        """The rows that are met first, if they are one hyperplane; exactly."""
        exact = [rational(float(v)) for v in direction]
        times = {}
        for row in rows.tolist():
            closing = -self._form(row).along(exact)
            if closing > 0:
                times[row] = 1 / closing
        least = min(times.values())
        first = tuple(row for row, time in times.items() if time == least)
        return first if all(self._form(row) == self._form(first[0]) for row in first) else None

    def _form(self, row: int) -> Form:
        """The form of a unit or wall divided by its value at the point inside: equal for equal half-spaces."""
        if row not in self._forms:
            if row < len(self._names):
                form = unit_form(self._home.network, self._active, *self._names[row])
            else:
                form = self._home.walls[row - len(self._names)]
            value = self._values[row]
            self._forms[row] = Form({j: a / value for j, a in form.slope.items()}, form.constant / value)
        return self._forms[row]


__all__ = ["FirstHits"]
