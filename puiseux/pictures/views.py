"""`View`: the part of the input space that a picture shows, and the cells in it.

The window is part of the subdivision: cells are cut at its sides by the exact engine, in coordinates in which it is the
cube [-1, 1]^n.  So nothing has to be clipped, and pictures far from the origin or at tiny scales come out like others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import fmpq

from nn_bridge.network.network import Network, float_matrix
from polyhedra.errors import PuiseuxError, UsageError
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational, to_float
from puiseux.domains import Problem
from puiseux.pictures.arrangement import Arrangement, Floats, Integers, arrange

Window = tuple[tuple[fmpq, fmpq], ...]
"""One interval per input."""

ALL, CORE = "all", "core"
_MARGIN = 1 / 6
_CORE_SHARE = 0.1  # of the vertices, on each side, that the core leaves out
_SQUEEZED = 3
"""How many times larger than the core a window must be for the picture to be worth two windows."""
_SQUARE = 2.5
"""Chosen windows are made square where one side is no more than this many times the other."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A window on a network's input space.

    Attributes
    ----------
    problem : Problem
    window : Window
    network : Network
        In the coordinates t of the window, x = centre + t * half width.
    cells : Arrangement
        In the same coordinates.
    outline : float array of shape (corners, n)
        The vertices of the part of the domain that is seen.
    everything : bool
        Whether all bounded regions are in the window.
    """

    problem: Problem
    window: Window
    network: Network
    cells: Arrangement
    outline: Floats
    everything: bool

    @property
    def dim(self) -> int:
        """The number of inputs."""
        return self.network.input_dim

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the coordinates: inputs, or parameters of a slice."""
        letter = "t" if self.problem.text.startswith("slice") else "x"
        return tuple(f"{letter}{k + 1}" for k in range(self.dim))

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """The window in floats."""
        return tuple((to_float(low), to_float(high)) for low, high in self.window)

    def shown(self, points: Floats) -> Floats:
        """Points of the cube [-1, 1]^n where they are in the window."""
        low, high = np.array(self.bounds).T
        inside: Floats = low + (high - low) * (np.asarray(points) + 1) / 2
        return inside

    def hidden(self, points: Floats) -> Floats:
        """Points of the window as points of the cube: the inverse of `shown`."""
        low, high = np.array(self.bounds).T
        inside: Floats = 2 * (np.asarray(points) - low) / (high - low) - 1
        return inside

    def values(self, points: Floats) -> Floats:
        """The outputs at points of the cube.

        Raises
        ------
        UsageError
            They are too large for a picture.
        """
        with np.errstate(all="ignore"):
            values = self.network.evaluate_float(points)
        if not np.isfinite(values).all() or (values.size and np.abs(values).max() > 1e300):
            raise UsageError("the values are too large for a picture of values; colour by map, or scale the network")
        return values


def look(problem: Problem, window: Any = None, *, kind: str = "regions") -> View:
    """The view through a window.

    Parameters
    ----------
    problem : Problem
    window : sequence of (low, high), "all", "core" or None
        ``"all"`` (and None) holds all bounded regions (with ``kind="cells"`` all bounded cells) with a margin, on a
        bounded domain all of it; ``"core"`` leaves out the outermost vertices.
    """
    everything = window is None or window == ALL
    if isinstance(window, str):
        if window not in (ALL, CORE):
            raise UsageError(f"there is no window {window!r}; take {ALL}, {CORE} or one interval LO,HI for each input")
        chosen = whole_window(problem, kind) if window == ALL else core_window(problem, kind)
    else:
        chosen = whole_window(problem, kind) if window is None else given_window(window, problem.network.input_dim)
    return _view(problem, chosen, everything)


def _view(problem: Problem, window: Window, everything: bool) -> View:
    centre = [(low + high) / 2 for low, high in window]
    half = [(high - low) / 2 for low, high in window]
    n = len(window)
    if n != problem.network.input_dim:
        raise UsageError(f"the window has {n} intervals, the network reads {problem.network.input_dim} inputs")
    diagonal = [[half[i] if i == j else fmpq(0) for j in range(n)] for i in range(n)]
    network = problem.network.restrict_to(diagonal, centre)
    cube = Polyhedron.box([-1] * n, [1] * n)
    seen = cube
    if problem.domain is not None:
        rows = problem.domain.inequalities
        moved = Polyhedron(
            [[a * h for a, h in zip(row[:-1], half, strict=True)] for row in rows],
            [row[-1] - sum((a * c for a, c in zip(row[:-1], centre, strict=True)), fmpq(0)) for row in rows],
            dim=n,
        )
        seen = moved.intersection(cube).irredundant()
        if not seen.is_full_dimensional():
            raise UsageError("nothing of the domain lies in the window")
    outline = float_matrix(tuple(seen.vertices()))
    return View(problem, window, network, arrange(network, seen), outline, everything)


# -------------------------------------------------------------------- which window


def whole_window(problem: Problem, kind: str = "regions") -> Window:
    """The bounding box of a bounded domain, else of all vertices of regions (or cells) with a margin around it."""
    if problem.domain is not None and problem.domain.is_bounded():
        return tuple((min(values), max(values)) for values in zip(*problem.domain.vertices(), strict=True))
    vertices = _vertices(problem, kind)
    if not len(vertices):
        return ((fmpq(-1), fmpq(1)),) * problem.network.input_dim
    return _around(vertices.min(axis=0), vertices.max(axis=0))


def core_window(problem: Problem, kind: str = "regions") -> Window:
    """Where most vertices are, in each coordinate; the whole window where there are few."""
    vertices = _vertices(problem, kind)
    if len(vertices) < 8:
        return whole_window(problem, kind)
    low, high = np.quantile(vertices, [_CORE_SHARE, 1 - _CORE_SHARE], axis=0)
    window = _around(low, high)
    if problem.domain is None or not problem.domain.is_bounded():
        return window
    whole = whole_window(problem, kind)
    kept = tuple((max(a, c), min(b, d)) for (a, b), (c, d) in zip(window, whole, strict=True))
    return kept if all(low < high for low, high in kept) else whole


def squeezed(problem: Problem, kind: str = "regions") -> bool:
    """Whether far vertices make most regions tiny in the window that holds all of them."""
    if problem.domain is not None and problem.domain.is_bounded():
        return False
    pairs = zip(whole_window(problem, kind), core_window(problem, kind), strict=True)
    return any((b - a) > _SQUEEZED * (d - c) for (a, b), (c, d) in pairs)


def given_window(window: Sequence[Sequence[Any]], dim: int) -> Window:
    """A window as a user gives it."""
    try:
        intervals = tuple((rational(low), rational(high)) for low, high in window)
    except (PuiseuxError, TypeError, ValueError) as error:
        raise UsageError(f"the window {window!r} is not a list of intervals (low, high): {error}") from None
    if len(intervals) != dim or not all(low < high for low, high in intervals):
        raise UsageError(f"a window has one interval (low, high) with low < high for each of the {dim} inputs")
    return intervals


def parse_window(text: str, dim: int) -> str | Window:
    """A window as on the command line: ``all``, ``core``, or ``LO,HI;LO,HI`` (one interval serves all inputs)."""
    if text in (ALL, CORE):
        return text
    parts = [part.split(",") for part in text.split(";")]
    if any(len(part) != 2 for part in parts):
        raise UsageError(f"the window {text!r} is none of {ALL}, {CORE}, LO,HI or LO1,HI1;LO2,HI2")
    return given_window(parts * dim if len(parts) == 1 else parts, dim)


def _vertices(problem: Problem, kind: str) -> Floats:
    """The vertices of the arrangement on the whole domain; of regions: those on borders between regions."""
    found = arrange(problem.network, problem.domain)
    wanted = ~found.rays
    if kind == "regions":
        on_border = np.zeros(len(found.points), bool)
        facets = found.inner_facets
        walls = np.flatnonzero(found.partner < 0)
        on_border[_members(found, np.concatenate([walls, facets[found.between_regions(facets)]]))] = True
        wanted &= on_border
    vertices = found.points[wanted]
    if not np.isfinite(vertices).all() or (vertices.size and np.abs(vertices).max() > 1e290):
        raise UsageError("some vertices lie beyond what a picture can hold; give a window")
    return vertices


def _members(found: Arrangement, facets: Integers) -> Integers:
    marked = np.zeros(len(found.partner), bool)
    marked[facets] = True
    counts = np.diff(found.facet_first)
    members: Integers = found.facet_members[np.repeat(marked, counts)]
    return members


def _around(low: Floats, high: Floats) -> Window:
    """A box with a margin; sides of no length get that of the longest, and so do those that are hardly shorter."""
    sides = high - low
    longest = float(sides.max()) or 2.0 / (1 + 2 * _MARGIN)
    alike = (sides == 0) | (sides * _SQUARE >= longest)
    margins = np.where(alike, (longest - sides) / 2 + longest * _MARGIN, sides * _MARGIN)
    return tuple((rational(float(a)), rational(float(b))) for a, b in zip(low - margins, high + margins, strict=True))
