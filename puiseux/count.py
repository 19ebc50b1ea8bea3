"""Counting linear regions: one question, several independent engines, and the choice between them.

The engines share only `Network` and `polyhedra`, so that their agreement proves something.  Choosing one and handing
over from one to another happens here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any

from nn_bridge.network.network import Network
from nn_bridge.region_count import RegionCount
from polyhedra.errors import UsageError
from polyhedra.polyhedron import Polyhedron
from puiseux.domains import Problem, pose
from puiseux.reading import as_network

AUTO = "auto"


@dataclass(frozen=True)
class Engine:
    """A counting route: what runs it, and the options of `count_regions` that it understands."""

    run: Callable[..., RegionCount]
    options: frozenset[str] = frozenset()


def _cells(problem: Problem, **options: Any) -> RegionCount:
    from nn_bridge.cells.counting.count import count_cells

    return count_cells(problem.network, problem.domain, **options)


def _tropical(problem: Problem) -> RegionCount:
    from nn_bridge.symbolic.count import count_symbolic

    return count_symbolic(problem.network, problem.domain)


def _sign_vectors(problem: Problem, on_degenerate: str = "report", **options: Any) -> RegionCount:
    from nn_bridge.sign_vectors import count_sign_vectors

    if on_degenerate not in ON_DEGENERATE:
        raise UsageError(f"on-degenerate is one of {', '.join(ON_DEGENERATE)}, not {on_degenerate!r}")
    result = count_sign_vectors(problem.network, _bounded(problem, "sign-vectors"), **options)
    if result.cells is not None or on_degenerate == "report":
        return result
    if on_degenerate == "raise":
        raise UsageError(f"the sign vectors cannot vouch for a number: {result.reason}; take --engine cells")
    exact = _cells(problem)
    return replace(exact, reason=f"{result.reason}; counted by the exact engine")


def _milp(problem: Problem, **options: Any) -> RegionCount:
    from milp.count import count_milp

    return count_milp(problem.network, _bounded(problem, "milp"), **options)


def _bounded(problem: Problem, engine: str) -> Polyhedron:
    if problem.domain is None:
        raise UsageError(f"the engine {engine!r} needs a bounded domain: give a box, such as --domain 'box:-1,1'")
    return problem.domain


ON_DEGENERATE = ("report", "raise", "exact")
"""What the engine ``sign-vectors`` does where it cannot vouch for a number."""

ENGINES: dict[str, Engine] = {
    "cells": Engine(
        _cells,
        frozenset(
            ("counts", "workers", "executor", "time_limit", "max_cells", "memory", "checkpoint", "progress"),
        ),
    ),
    "tropical": Engine(_tropical),
    "milp": Engine(_milp, frozenset(("time_limit", "max_cells"))),
    "sign-vectors": Engine(_sign_vectors, frozenset(("memory", "on_degenerate"))),
}
"""The engines by name; each imports its code when it runs."""


def choose_engine(problem: Problem) -> str:
    """The engine that ``auto`` stands for on this problem: cells, which can do all of them and is the fastest."""
    return "cells"


def count_problem(problem: Problem, engine: str = AUTO, **options: Any) -> RegionCount:
    """Count on a problem that is already posed; options that are None don't count as given (see `count_regions`)."""
    if engine != AUTO and engine not in ENGINES:
        raise UsageError(f"there is no engine {engine!r}; take one of {', '.join((AUTO, *ENGINES))}")
    name = choose_engine(problem) if engine == AUTO else engine
    given = {option: value for option, value in options.items() if value is not None}
    for option in given:
        if option not in ENGINES[name].options:
            knows = [other for other, entry in ENGINES.items() if option in entry.options]
            raise UsageError(
                f"the engine {name!r} has no option {option.replace('_', '-')}; it belongs to {', '.join(knows)}"
            )
    return replace(ENGINES[name].run(problem, **given), domain=problem.text, engine=name)


def count_regions(
    network: Network | str | PathLike[str] | Any,
    domain: str | Polyhedron | None = None,
    engine: str = AUTO,
    *,
    output: int | None = None,
    counts: str | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
    time_limit: float | None = None,
    max_cells: int | None = None,
    memory: int | str | None = None,
    checkpoint: str | PathLike[str] | None = None,
    on_degenerate: str | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> RegionCount:
    """Count the cells and linear regions of a network, exactly.

    Parameters
    ----------
    network : Network, path, or a model that `puiseux.as_network` takes
        What to count; a path is read by its ending (.npz, .json, .onnx, .pt, .pth, .nnet).
    domain : str, Polyhedron or None
        Where to count: text as on the command line (``"box:-1,1"``), a full-dimensional polyhedron, or all of R^n.
    engine : str
        ``"auto"`` or one of `ENGINES`.
    output : int, optional
        Take one output alone; by default the affine map of all outputs together tells regions apart.
    counts : {"all", "cells"}, optional
        With "cells" only the cells are counted, which is faster.
    workers, executor : optional
        Processes to work with, or any ``concurrent.futures.Executor`` to work in (a Dask cluster's, for example).
    time_limit, max_cells, memory : optional
        Seconds, cells, and bytes (or ``"2GiB"``), at which the count ends incomplete, with lower bounds.
    checkpoint : path, optional
        A folder from which the same count goes on after being stopped or killed.
    on_degenerate : {"report", "raise", "exact"}, optional
        What the engine "sign-vectors" does where it cannot vouch for a number: leave it out and say why (the default),
        refuse, or hand over to the engine "cells".
    progress : callable, optional
        Called with the number of cells found and the share of the work done.

    Returns
    -------
    RegionCount
        Four counts: ``cells``, ``regions``, ``regions_by_point``, ``affine_maps``.  Where a limit or Ctrl-C ended the
        run, ``complete`` is False and ``reason`` says why.

    Raises
    ------
    PuiseuxError
        The network, the domain, the engine or an option is not usable; the message says why.

    Examples
    --------
    >>> tent = Network.from_layers([[[2], [4]], [[1, -1]]], [[0, -2], [0]])
    >>> count_regions(tent).counts
    {'cells': 3, 'regions': 3, 'regions_by_point': 3, 'affine_maps': 3}
    """
    return count_problem(
        pose(as_network(network, output=output), domain),
        engine,
        counts=counts,
        workers=workers,
        executor=executor,
        time_limit=time_limit,
        max_cells=max_cells,
        memory=memory,
        checkpoint=checkpoint,
        on_degenerate=on_degenerate,
        progress=progress,
    )
