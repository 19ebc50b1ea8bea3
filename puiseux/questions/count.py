"""Counting linear regions: one question, several independent engines, and the choice between them.

The engines are rows of `puiseux.routes`; choosing one happens here and nowhere else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any

from nn_bridge.cells.counting.plain_count import runs_plain
from nn_bridge.network.network import Network, check_dense
from nn_bridge.region_count import RegionCount
from polyhedra.errors import UsageError
from polyhedra.option_types import checked_options
from polyhedra.quoting import quoted
from puiseux.console.waiting import shown_counts
from puiseux.domains import DomainLike, Problem, pose
from puiseux.reading import as_network
from puiseux.routes import ENGINES
from puiseux.time_limit import Stopped, check_time_limit, within

if TYPE_CHECKING:
    from nn_bridge.cells.complex import CellComplex

AUTO = "auto"

_SHOW_PROGRESS = tuple(name for name, route in ENGINES.items() if "progress" in (route.options or ()))
_MOST_CELLS = 2**62  # more do not fit into a machine's integers, and no count gets there


def choose_engine(problem: Problem) -> str:
    """The engine that ``auto`` stands for on this problem: cells, which can do all of them and is the fastest."""
    return "cells"


def count_problem(problem: Problem, engine: str = AUTO, **options: Any) -> RegionCount:
    """Count on a problem that is already posed; options that are None don't count as given (see `count_regions`)."""
    name, given = _checked(problem, engine, options)
    limit = None if ENGINES[name].has_clock else given.pop("time_limit", None)
    result = _in_time(limit, lambda: ENGINES[name].count(problem.network, problem.domain, **given))
    return replace(result, domain=problem.text, engine=name)


_STREAMED = {
    "counts": "cells alone are counted without the others",
    "workers": "workers count without keeping the cells",
    "executor": "an executor counts without keeping the cells",
    "memory": "a count keeps fewer bytes a cell than a proof",
    "checkpoint": "a checkpoint keeps a count, not the cells",
}
"""Options with which a count streams on its own, and why."""


def why_twice(options: Mapping[str, Any]) -> str | None:
    """Why the cells are enumerated once more for a proof: the option, and the reason; None where once is enough."""
    for option, why in _STREAMED.items():
        if options.get(option) not in ((None, 1) if option == "workers" else (None, "all")):
            return f"{option.replace('_', '-')}: {why}"
    return "without the compiled core" if runs_plain() else None


def count_and_keep(problem: Problem, engine: str = AUTO, **options: Any) -> tuple[RegionCount, CellComplex | None]:
    """Count by the engine ``cells`` and keep the complex of all cells, which one enumeration gives.

    The options are those of `count_regions`.  The complex is None where the count is not complete, or streams on its
    own (`why_twice`).
    """
    from nn_bridge.cells.counting.with_complex import count_with_complex

    name, given = _checked(problem, engine, options)
    if why_twice(given) is not None:
        return count_problem(problem, engine, **options), None
    kept = {option: given[option] for option in ("time_limit", "max_cells", "progress") if option in given}
    result, found = count_with_complex(problem.network, problem.domain, **kept)
    return replace(result, domain=problem.text, engine=name), found


def _checked(problem: Problem, engine: str, options: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The name of the engine and the options that are given, refused where they do not fit together."""
    if engine != AUTO and engine not in ENGINES:
        raise UsageError(f"there is no engine {quoted(engine)}; take one of {', '.join((AUTO, *ENGINES))}")
    name = choose_engine(problem) if engine == AUTO else engine
    given = {option: value for option, value in options.items() if value is not None}
    check_time_limit(given.get("time_limit"))
    if type(given.get("max_cells")) is int:
        given["max_cells"] = min(given["max_cells"], _MOST_CELLS)
    for option in given:
        if option not in (ENGINES[name].options or ()):
            knows = [other for other, route in ENGINES.items() if option in (route.options or ())]
            raise UsageError(
                f"the engine {quoted(name)} has no option {option.replace('_', '-')}; it belongs to {', '.join(knows)}"
            )
    if ENGINES[name].bounded and problem.domain is None:
        raise UsageError(f"the engine {quoted(name)} needs a bounded domain: give a box, such as --domain 'box:-1,1'")
    if not (name == "cells" and given.get("counts") == "cells"):  # weights between units stay sparse there
        check_dense(problem.network)
    return name, given


def _in_time(seconds: float | None, count: Callable[[], RegionCount]) -> RegionCount:
    """A count by an engine without a clock of its own; no numbers where the time is over before."""
    begun = time.monotonic()
    try:
        return within(seconds, count, "")
    except Stopped as stopped:
        reason = str(stopped).removesuffix(": ")
        return RegionCount(None, None, None, None, "", "", False, False, time.monotonic() - begun, reason)


def _shown(
    problem: Problem,
    progress: bool | Callable[[int, float], None] | None,
    engine: str,
    counts: str | None,
    memory: int | str | None,
) -> AbstractContextManager[Callable[[int, float], None] | None]:
    """The progress function of a count: with True it shows lines or a bar, and the memory that all four counts take."""
    by_cells = (choose_engine(problem) if engine == AUTO else engine) == "cells"
    if progress is not True or not by_cells or counts == "cells":
        return shown_counts(progress)
    from puiseux.questions.outlook import MemoryLimit, shown_outlook

    return shown_outlook(problem, MemoryLimit.of(memory, in_python=True), everywhere=True)


@checked_options
def count_regions(
    network: Network | str | PathLike[str] | Any,
    domain: DomainLike = None,
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
    progress: bool | Callable[[int, float], None] | None = None,
) -> RegionCount:
    """Count the cells and linear regions of a network, exactly.

    Parameters
    ----------
    network : Network, path, or a model that `puiseux.as_network` takes
        What to count; a path is read by its ending (.npz, .json, .onnx, .pt, .pth, .nnet).
    domain : str, Polyhedron, (low, high), list of pairs, or None
        Where to count: text as on the command line (``"box:-1,1"``), a full-dimensional polyhedron, a box as arrays
        ``(low, high)`` or as one interval for each input, or all of R^n.
    engine : str
        ``"auto"`` or one of `ENGINES`.
    output : int, optional
        Take one output alone; by default the affine map of all outputs together tells regions apart.
    counts : {"all", "cells"}, optional
        With "cells" only the cells are counted, which is faster.
    workers, executor : optional
        Threads to work with, or any ``concurrent.futures.Executor`` to work in (processes, or a Dask cluster's).
    time_limit, max_cells, memory : optional
        Seconds, cells, and bytes (or ``"2GiB"``), at which the count ends incomplete, with lower bounds.
    checkpoint : path, optional
        A folder from which the same count goes on after being stopped or killed.
    on_degenerate : {"report", "raise", "exact"}, optional
        What the engine "sign-vectors" does where it cannot vouch for a number: leave it out and say why (the default),
        refuse, or hand over to the engine "cells".
    progress : bool or callable, optional
        True shows it on stderr, and after some seconds the memory that all four counts are expected to take; a callable
        gets the number of cells found and the share of the work done.

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
    problem = pose(as_network(network, output=output), domain)
    known = (choose_engine(problem) if engine == AUTO else engine) in _SHOW_PROGRESS
    with _shown(problem, progress if known or callable(progress) else None, engine, counts, memory) as shown:
        return count_problem(
            problem,
            engine,
            counts=counts,
            workers=workers,
            executor=executor,
            time_limit=time_limit,
            max_cells=max_cells,
            memory=memory,
            checkpoint=checkpoint,
            on_degenerate=on_degenerate,
            progress=shown,
        )
