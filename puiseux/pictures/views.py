"""`View`: the part of the input space that a picture shows, and the cells in it.

The window is part of the subdivision: cells are cut at its sides by the exact engine, in coordinates in which it is the
cube [-1, 1]^n.  So nothing has to be clipped, and pictures far from the origin or at tiny scales come out like others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import fmpq

from nn_bridge.network.network import Network, float_matrix
from polyhedra.arrays import Floats
from polyhedra.errors import UsageError
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import to_float
from puiseux.domains import Problem
from puiseux.pictures.arrangement import Arrangement
from puiseux.pictures.windows import ALL, LARGEST, Arrangements, Landscape, Window, given_window, parse_window


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
    outside : int or None
        How many regions (or cells, whatever is drawn) have no part in the window; None where the window was given.
    arrangements : Arrangements
        On the whole domain and in other windows, each made once.
    """

    problem: Problem
    window: Window
    network: Network
    cells: Arrangement
    outline: Floats
    outside: int | None
    arrangements: Arrangements

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


def look(
    problem: Problem,
    window: Any = None,
    *,
    kind: str = "regions",
    points: Floats | None = None,
    landscape: Landscape | None = None,
) -> View:
    """The view through a window.

    Parameters
    ----------
    problem : Problem
    window : "all", "core", None or what `puiseux.pictures.windows.given_window` takes
        ``"all"`` holds all bounded regions (with ``kind="cells"`` all bounded cells) with a margin, on a bounded domain
        all of it; ``"core"`` leaves out the outermost vertices; None is `Landscape.default`.
    kind : {"regions", "cells"}
        The sets that the window has to show.
    points : float array of shape (points, n), optional
        The data, which the default window shows.
    landscape : Landscape, optional
        Of this problem and kind, where it is known already.
    """
    land = landscape or Landscape(problem, kind)
    if isinstance(window, str):
        window = parse_window(window, problem.network.input_dim)
    if window is None:
        chosen = land.default(points)
    elif isinstance(window, str):
        chosen = land.whole if window == ALL else land.core
    else:
        return _view(problem, given_window(window, problem.network.input_dim), land)
    if land.bounded and chosen == land.whole:
        return _view(problem, chosen, land, 0)
    return _view(problem, chosen, land, land)


def _view(problem: Problem, window: Window, land: Landscape, outside: int | Landscape | None = None) -> View:
    centre = [(low + high) / 2 for low, high in window]
    half = [(high - low) / 2 for low, high in window]
    n = len(window)
    ends = [(to_float(low), to_float(high)) for low, high in window]
    if not all(-LARGEST < low < high < LARGEST and high - low > 1 / LARGEST for low, high in ends):
        raise UsageError("floats cannot hold this window, and so no picture can; give another window or domain")
    if n != problem.network.input_dim:
        raise UsageError(
            f"the window has {counted(n, 'interval')}, the network reads {counted(problem.network.input_dim, 'input')}"
        )
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
    cells = land.arrangements.within(window, network, seen)
    left_out = outside.outside(cells) if isinstance(outside, Landscape) else outside
    return View(problem, window, network, cells, outline, left_out, land.arrangements)
