"""How many cells a picture is about, told before it is drawn, and pictures that stop at a time limit."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from nn_bridge.network.network import Network
from nn_bridge.region_count import RegionCount
from nn_bridge.writers.files import write_bytes
from polyhedra.polyhedron import Polyhedron
from puiseux.cross_check.isolation import run_isolated
from puiseux.domains import Problem, box_of, pose
from puiseux.pictures.slices import slice_through, window_around
from puiseux.pictures.windows import given_window, parse_window
from puiseux.questions.count import count_problem

MANY = 50_000
"""Cells beyond which a picture takes a while (a thousand cells take about half a second) and shows little."""


def looked_at(
    network: Network, domain: str | Polyhedron | None = None, window: Any = None, through: Any = None
) -> Problem:
    """The part of a network that a picture has to go through: on a domain or a slice, in a window given by numbers.

    The arguments are those of `puiseux.save_picture`.  To find the windows ``"all"`` and ``"core"`` takes the whole.

    Examples
    --------
    >>> looked_at(Network.from_layers([[[1, 0], [0, 1]], [[1, 1]]]), window="-1,1").domain.vertices()[0]
    (-1, -1)
    """
    if through is None:
        problem = pose(network, domain)
    else:
        plane = slice_through(through, network.input_dim)
        problem = Problem(network.restrict_to(plane.columns, plane.origin), None, plane.text)
        window = window_around(plane) if window is None else window
    if isinstance(window, str):
        window = parse_window(window, problem.network.input_dim)
    if window is None or isinstance(window, str):
        return problem
    seen = box_of(given_window(window, problem.network.input_dim))
    return Problem(problem.network, seen if problem.domain is None else problem.domain.intersection(seen), problem.text)


def count_before_drawing(
    problem: Problem,
    *,
    time_limit: float | None = None,
    max_cells: int | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> RegionCount | None:
    """The number of cells that a picture is about, which takes a small part of the time of drawing them.

    None where there is nothing to count: what cannot be drawn is left for drawing to refuse.
    """
    empty = problem.domain is not None and not problem.domain.is_full_dimensional()
    if not 1 <= problem.network.input_dim <= 3 or empty:
        return None
    return count_problem(
        problem, "cells", counts="cells", time_limit=time_limit, max_cells=max_cells, progress=progress
    )


def draw_within(seconds: float, draw: Callable[[Path], None], path: Path) -> None:
    """Draw into a file in a process of its own, which is ended when the time is over; then there is no file.

    Raises
    ------
    polyhedra.limits.OutOfTime
    """
    with tempfile.TemporaryDirectory() as folder:
        drawn = Path(folder, path.name)

        def task() -> Iterator[None]:
            draw(drawn)
            yield None

        list(run_isolated(task, seconds))
        write_bytes(path, drawn.read_bytes())
