"""Which part of the input space a picture shows: what the user says, where the data are, or where most vertices are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from flint import fmpq

from polyhedra.arrays import Floats, Integers
from polyhedra.cached_values import cached_property
from polyhedra.errors import UsageError
from polyhedra.polyhedron import Polyhedron
from polyhedra.quoting import quoted
from polyhedra.scalars import rational
from puiseux.domains import Problem, box_of, intervals_of
from puiseux.pictures.arrangement import Arrangement, arrange, arrangement_of

if TYPE_CHECKING:
    from nn_bridge.cells.complex import CellComplex
    from nn_bridge.network.network import Network

Window = tuple[tuple[fmpq, fmpq], ...]
"""One interval per input."""

ALL, CORE = "all", "core"
_MARGIN = 1 / 12
_CORE_SHARE = 0.1  # of the vertices, on each side, that the core leaves out
_FEW = 8  # vertices; of fewer the core leaves out none
_SQUEEZED = 3
"""How many times larger than a window the whole must be for the two to be worth two pictures."""
_SQUARE = 2.5
"""Chosen windows are made square where one side is no more than this many times the other."""
LARGEST = 1e290
"""Of a coordinate in a picture."""


@dataclass(frozen=True, eq=False)
class Arrangements:
    """The arrangements of one problem that pictures look at: on the whole domain and in windows, each made once.

    Attributes
    ----------
    problem : Problem
    found : CellComplex or None
        All cells on the whole domain, where they are there already.
    """

    problem: Problem
    found: CellComplex | None = None
    _in_windows: dict[Window, Arrangement] = field(default_factory=dict, repr=False)

    @cached_property
    def whole(self) -> Arrangement:
        """The arrangement on the whole domain."""
        if self.found is None:
            return arrange(self.problem.network, self.problem.domain)
        return arrangement_of(self.found)

    def within(self, window: Window, network: Network, domain: Polyhedron) -> Arrangement:
        """The arrangement in a window, whose network and domain are given in the coordinates of the picture."""
        if window not in self._in_windows:
            self._in_windows[window] = arrange(network, domain)
        return self._in_windows[window]


@dataclass(frozen=True, eq=False)
class Landscape:
    """All cells of a problem, arranged when they are first asked for, to choose windows by.

    Attributes
    ----------
    problem : Problem
    kind : {"regions", "cells"}
        Whose vertices count: those of regions lie on borders between regions.
    made : Arrangements, optional
        Of this problem; shared by pictures of several kinds.
    """

    problem: Problem
    kind: str = "regions"
    made: Arrangements | None = None

    @cached_property
    def arrangements(self) -> Arrangements:
        """The arrangements that are made already."""
        return Arrangements(self.problem) if self.made is None else self.made

    @cached_property
    def cells(self) -> Arrangement:
        """The arrangement on the whole domain."""
        return self.arrangements.whole

    @cached_property
    def bounded(self) -> bool:
        """Whether the domain is bounded, and so is the window."""
        return self.problem.domain is not None and self.problem.domain.is_bounded()

    @cached_property
    def vertices(self) -> Floats:
        """The vertices of the arrangement; those of a vertex of k cells are there k times."""
        wanted = ~self.cells.rays
        if self.kind == "regions":
            on_border = np.zeros(len(self.cells.points), bool)
            facets = self.cells.inner_facets
            walls = np.flatnonzero(self.cells.partner < 0)
            between = facets[self.cells.between_regions(facets)]
            on_border[_members(self.cells, np.concatenate([walls, between]))] = True
            wanted &= on_border
        found: Floats = np.nan_to_num(self.cells.points[wanted], nan=np.inf, posinf=np.inf, neginf=-np.inf)
        return found

    @cached_property
    def whole(self) -> Window:
        """The bounding box of a bounded domain, else of all vertices with a margin around it.

        Raises
        ------
        UsageError
            Some vertices are beyond the range of floats.
        """
        if self.bounded:
            assert self.problem.domain is not None
            return tuple((min(values), max(values)) for values in zip(*self.problem.domain.vertices(), strict=True))
        if not len(self.vertices):
            return ((fmpq(-1), fmpq(1)),) * self.problem.network.input_dim
        return _around(self.vertices.min(axis=0), self.vertices.max(axis=0))

    @cached_property
    def can_be_whole(self) -> bool:
        """Whether floats can hold the window of all vertices."""
        try:
            return bool(self.whole)
        except UsageError:
            return False

    @cached_property
    def core(self) -> Window:
        """Where most vertices are, in each coordinate; the whole window where there are few."""
        if len(self.vertices) < _FEW:
            return self.whole
        with np.errstate(all="ignore"):
            low, high = np.quantile(np.clip(self.vertices, -LARGEST, LARGEST), [_CORE_SHARE, 1 - _CORE_SHARE], axis=0)
        window = _around(low, high)
        if not self.bounded:
            return window
        kept = tuple((max(a, c), min(b, d)) for (a, b), (c, d) in zip(window, self.whole, strict=True))
        return kept if all(low < high for low, high in kept) else self.whole

    def default(self, points: Floats | None = None) -> Window:
        """The bounding box of a bounded domain; else the data with a margin; else where most vertices are."""
        if self.bounded:
            return self.whole
        if points is not None and len(points):
            window = _around(points.min(axis=0), points.max(axis=0))
            domain = self.problem.domain
            if domain is None or domain.intersection(box_of(window)).is_full_dimensional():
                return window
        return self.core if self.squeezed(self.core) else self.whole

    def squeezed(self, window: Window) -> bool:
        """Whether far vertices make what is in a window tiny in the one that holds all of them."""
        if self.bounded:
            return False
        if not self.can_be_whole:
            return True
        pairs = zip(self.whole, window, strict=True)
        return any((b - a) > _SQUEEZED * (d - c) for (a, b), (c, d) in pairs)

    def outside(self, seen: Arrangement) -> int:
        """How many regions (or cells) have no part among those that a window shows, exactly."""
        patterns = {row.tobytes() for row in _packed(seen)}
        hit = np.array([row.tobytes() in patterns for row in _packed(self.cells)])
        if self.kind == "cells":
            return int((~hit).sum())
        regions = self.cells.regions
        return int(regions.max()) + 1 - len(np.unique(regions[hit]))


def _packed(cells: Arrangement) -> Any:
    if not cells.patterns:
        return np.zeros((cells.cells, 1), np.uint8)
    return np.packbits(np.concatenate(cells.patterns, axis=1), axis=1)


def _members(found: Arrangement, facets: Integers) -> Integers:
    marked = np.zeros(len(found.partner), bool)
    marked[facets] = True
    counts = np.diff(found.facet_first)
    members: Integers = found.facet_members[np.repeat(marked, counts)]
    return members


def _around(low: Floats, high: Floats) -> Window:
    """A box with a margin; sides of no length get that of the longest, and so do those that are hardly shorter."""
    if not max(abs(low).max(), abs(high).max()) < LARGEST:
        raise UsageError("some vertices lie beyond what a picture can hold; give a window")
    sides = high - low
    longest = float(sides.max()) or 2.0 / (1 + 2 * _MARGIN)
    alike = (sides == 0) | (sides * _SQUARE >= longest)
    margins = np.where(alike, (longest - sides) / 2 + longest * _MARGIN, sides * _MARGIN)
    ends = [(float(a), float(b)) for a, b in zip(low - margins, high + margins, strict=True)]
    if not all(a < b for a, b in ends):
        raise UsageError("what there is to see is too small and too far from the origin; give a window")
    return tuple((rational(a), rational(b)) for a, b in ends)


# -------------------------------------------------------------------- windows that are given


def given_window(window: Any, dim: int) -> Window:
    """A window as a user gives it: (low, high) for every input, a pair for each, an array of them, or a polyhedron.

    Examples
    --------
    >>> given_window((-1, 1), 2) == given_window([(-1, 1), ("-1", "1")], 2)
    True
    """
    if isinstance(window, Polyhedron):
        if window.dim != dim or not window.is_bounded() or not window.is_full_dimensional():
            raise UsageError(f"a window is a bounded polyhedron in R^{dim} with an interior, or a box")
        return tuple((min(values), max(values)) for values in zip(*window.vertices(), strict=True))
    if _is_made(window) and len(window) == dim:
        return tuple(window)  # of this module: pairs, where a user's tuples could be the ends of a box
    return intervals_of(window, dim, "a window")


def _is_made(window: Any) -> bool:
    """Whether a value is a tuple of pairs of exact numbers, as this module makes them."""
    return isinstance(window, tuple) and all(
        isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(end, fmpq) for end in pair) for pair in window
    )


def parse_window(text: str, dim: int) -> str | Window:
    """A window as on the command line: ``all``, ``core``, or ``LO,HI;LO,HI`` (one interval serves all inputs)."""
    if text in (ALL, CORE):
        return text
    # tuples in a list are pairs in every dialect of a box
    parts = [tuple(part.split(",")) for part in text.removeprefix("box:").split(";")]
    if any(len(part) != 2 for part in parts):
        raise UsageError(f"the window {quoted(text)} is none of {ALL}, {CORE}, LO,HI or LO1,HI1;LO2,HI2")
    return given_window(parts[0] if len(parts) == 1 else parts, dim)
