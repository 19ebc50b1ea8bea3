"""Counting linear regions: one question, several independent engines, and the choice between them.

The engines share only `Network` and `polyhedra`, so that their agreement proves something.  Choosing one and handing
over from one to another happens here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from os import PathLike
from typing import Any

from nn_bridge.network import Network
from nn_bridge.region_count import RegionCount
from polyhedra.errors import UsageError
from polyhedra.polyhedron import Polyhedron
from puiseux.domains import Problem, pose
from puiseux.reading import as_network

AUTO = "auto"
Engine = Callable[[Problem], RegionCount]


def _tropical(problem: Problem) -> RegionCount:
    from nn_bridge.symbolic_count import count_symbolic

    return count_symbolic(problem.network, problem.domain)


ENGINES: dict[str, Engine] = {"tropical": _tropical}
"""The engines by name; each imports its code when it runs."""


def choose_engine(problem: Problem) -> str:
    """The engine that ``auto`` stands for on this problem: the symbolic route, the only one for now."""
    return "tropical"


def count_problem(problem: Problem, engine: str = AUTO) -> RegionCount:
    """Count on a problem that is already posed (see `count_regions`)."""
    if engine != AUTO and engine not in ENGINES:
        raise UsageError(f"there is no engine {engine!r}; take one of {', '.join((AUTO, *ENGINES))}")
    name = choose_engine(problem) if engine == AUTO else engine
    return replace(ENGINES[name](problem), domain=problem.text, engine=name)


def count_regions(
    network: Network | str | PathLike[str] | Any,
    domain: str | Polyhedron | None = None,
    engine: str = AUTO,
    *,
    output: int | None = None,
) -> RegionCount:
    """Count the cells and linear regions of a network, exactly.

    Parameters
    ----------
    network : Network, path or torch module
        What to count; a path is read by its ending (.npz, .json, .pt, .pth).
    domain : str, Polyhedron or None
        Where to count: text as on the command line (``"box:-1,1"``), a full-dimensional polyhedron, or all of R^n.
    engine : str
        ``"auto"`` or one of `ENGINES`.
    output : int, optional
        Take one output alone; by default the affine map of all outputs together tells regions apart.

    Returns
    -------
    RegionCount
        Four counts: ``cells``, ``regions``, ``regions_by_point``, ``affine_maps``.

    Raises
    ------
    PuiseuxError
        The network, the domain or the engine is not usable; the message says why.

    Examples
    --------
    >>> tent = Network.from_layers([[[2], [4]], [[1, -1]]], [[0, -2], [0]])
    >>> count_regions(tent).counts
    {'cells': 3, 'regions': 3, 'regions_by_point': 3, 'affine_maps': 3}
    """
    return count_problem(pose(as_network(network, output=output), domain), engine)
