"""`explore`: the cells around a point, across facets, for networks with too many cells to list."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from os import PathLike
from typing import Any

import numpy as np

from nn_bridge.exploration import Expander, ExplorationRecord, LocalCell, LocalCells, RayCells, Visit, walk
from nn_bridge.network.network import INPUT, Network, Row
from polyhedra.errors import UsageError
from polyhedra.limits import OutOfTime
from polyhedra.limits import time_limit as limited
from polyhedra.option_types import checked_options
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron
from polyhedra.quoting import quoted
from polyhedra.randomness import generator_and_seed
from polyhedra.scalars import rational
from polyhedra.values import Value
from puiseux.domains import DomainLike, pose
from puiseux.processes import ProcessPool
from puiseux.questions.answers import readable_domain, readable_point, sizes, texts
from puiseux.questions.walk_tally import Tally, end_of_line, line_of
from puiseux.reading import as_network
from puiseux.time_limit import check_time_limit

_LARGE = 256  # inputs, beyond which one linear program may take minutes
_MOST_PROVEN = 512
"""Inputs, and units that read them, beyond which facets are found by rays where nothing else is asked for."""

FACETS = ("auto", "all", "some")

_SHOWN = 6  # coordinates of the start that are printed


@checked_options
def explore(
    network: Any,
    start: Any,
    max_cells: int | None = None,
    max_distance: int | None = None,
    *,
    order: str = "breadth",
    domain: DomainLike = None,
    meeting: Polyhedron | None = None,
    rng: int | np.random.Generator | None = None,
    workers: int = 1,
    checkpoint: str | PathLike[str] | None = None,
    full: bool = False,
    facets: str = "all",
    rays: int | None = None,
) -> Visits:
    """The cells of a network around a point, exactly, one after another, for any number of inputs.

    Parameters
    ----------
    network : whatever `as_network` takes
    start : sequence of n numbers, or text such as "1/2,0.25"
        On a slice, the parameters.  A start on a facet begins in every cell that holds it.
    max_cells : int, optional
        The greatest number of cells.
    max_distance : int, optional
        The greatest number of facets crossed.
    order : {"breadth", "random", "nearest"}
        See `nn_bridge.exploration.walk`.
    domain : str, Polyhedron, (low, high), list of pairs, or None
        As in `count_regions`.
    meeting : Polyhedron, optional
        Only cells whose interior meets the interior of this set, uncut.
    rng : int or numpy Generator, optional
        For the order "random"; a seed is drawn where there is none.
    workers : int
        Processes that find the facets of the cells that come next.  The cells and their order do not depend on them.
    checkpoint : path, optional
        A folder to which each cell is written, and from which a walk goes on after being stopped or killed, in any
        order and with other limits.
    full : bool
        Let the workers find boundedness and an interior point of each cell too.
    facets : {"all", "some", "auto"}
        With "some" cells are `nn_bridge.exploration.RayCell`: their facets are those that rays are proven to meet, and
        there may be more, of the cells too.  Thousands of inputs and units are possible so.  "auto" takes this where
        more than 512 inputs are read by more than 512 units, else "all".
    rays : int, optional
        Rays for each cell, for "some"; see `nn_bridge.exploration.RayCells`.

    Returns
    -------
    Visits
        An iterator over `Visit`: ``cell`` (pattern, facets, neighbours, affine map, an interior point, each on demand)
        and ``distance``; its ``seed`` makes a random walk repeatable.

    Raises
    ------
    PuiseuxError
        The start is no point of the domain, or a number is out of range.

    Examples
    --------
    >>> bent = Network.from_layers([[[1], [1], [1]], [[1, 1, 1]]], [[0, -1, -2], [0]])
    >>> [visit.cell.bounded for visit in explore(bent, "1/2", max_distance=1)]
    [True, False, True]
    """
    return _visits(
        network,
        start,
        max_cells,
        max_distance,
        order=order,
        domain=domain,
        meeting=meeting,
        rng=rng,
        workers=workers,
        checkpoint=checkpoint,
        full=full,
        facets=facets,
        rays=rays,
    )


def _visits(
    network: Any,
    start: Any,
    max_cells: int | None,
    max_distance: int | None,
    *,
    order: str,
    domain: DomainLike,
    meeting: Polyhedron | None = None,
    rng: int | np.random.Generator | None,
    workers: int,
    checkpoint: str | PathLike[str] | None,
    full: bool,
    facets: str,
    rays: int | None,
    note: Callable[[LocalCell], str] | None = None,
) -> Visits:
    """The cells; workers make a ``note`` of each of them, too."""
    least = {"max_cells": (max_cells, 1), "max_distance": (max_distance, 0), "workers": (workers, 1), "rays": (rays, 1)}
    for name, (value, low) in least.items():
        if value is not None and value < low:
            raise UsageError(f"{name} is {value}; give a whole number from {low} on")
    problem = pose(as_network(network), domain)
    some = by_rays(problem.network, facets, rays, workers=workers, checkpoint=checkpoint, order=order)
    home = RayCells(problem.network, problem.domain, rays) if some else LocalCells(problem.network, problem.domain)
    point = _point(problem.network, start)
    generator, seed = generator_and_seed(rng) if order == "random" else (None, None)
    most = None if max_cells is None else min(max_cells, sys.maxsize)
    options: dict[str, Any] = {
        "max_distance": max_distance,
        "order": order,
        "rng": generator,
        "meeting": meeting,
        "most": most,
    }
    if workers == 1 and checkpoint is None:
        return Visits(islice(walk(home, point, **options), most), seed)
    return Visits(_helped(home, point, options, most, workers, checkpoint, full, note), seed)


def by_rays(
    network: Network,
    facets: str,
    rays: int | None,
    *,
    workers: int,
    checkpoint: str | PathLike[str] | None,
    order: str,
) -> bool:
    """Whether facets are found by rays.

    Raises
    ------
    UsageError
        There is no such choice, or rays do not go with the other options.
    """
    if facets not in FACETS:
        raise UsageError(f"there are no facets {quoted(facets)}; use {', '.join(FACETS)}")
    read_by = sum(stage.units for stage in network.stages if stage.block(INPUT) is not None)
    large = min(network.input_dim, read_by) > _MOST_PROVEN
    alone = workers == 1 and checkpoint is None and order != "nearest"
    if facets == "some" and not alone:
        taken = "order nearest" if order == "nearest" else "a checkpoint" if checkpoint is not None else "workers"
        raise UsageError(f"some facets, found by rays, do not go with {taken}; leave it out, or take all facets")
    some = facets == "some" or (facets == "auto" and large and alone)
    if rays is not None and not some:
        raise UsageError("a number of rays goes with some facets; all facets are found without rays")
    return some


def _helped(
    home: LocalCells,
    start: Row,
    options: dict[str, Any],
    most: int | None,
    workers: int,
    checkpoint: str | PathLike[str] | None,
    full: bool,
    note: Callable[[LocalCell], str] | None,
) -> Iterator[Visit]:
    """A walk with workers and a record."""
    with ExitStack() as stack:
        record = None if checkpoint is None else stack.enter_context(ExplorationRecord(checkpoint, home))
        pool = stack.enter_context(ProcessPool(workers))
        expander = Expander(home, pool, record, full=full, most=most, note=note)
        stack.callback(expander.close)
        yield from islice(walk(home, start, **options, expander=expander), most)


class Visits(Iterator[Visit]):
    """The cells of a walk, one after another.

    Attributes
    ----------
    seed : int or None
        Of a random walk; None for a walk in another order, and where the caller gave a generator.
    """

    def __init__(self, visits: Iterator[Visit], seed: int | None) -> None:
        self._visits = visits
        self.seed = seed

    def __repr__(self) -> str:
        seed = "" if self.seed is None else f", seed {self.seed}"
        return f"<Visits: cells one after another, to iterate over{seed}>"

    def __next__(self) -> Visit:
        return next(self._visits)


def _point(network: Network, start: Any) -> Row:
    if isinstance(start, str):
        start = [rational(part.strip()) for part in start.split(",")]
        if len(start) != network.input_dim:
            raise UsageError(f"the start has {counted(len(start), 'number')}, the network reads {network.input_dim}")
    return network.point(start)


@dataclass(frozen=True, slots=True, repr=False)
class Exploration(Value):
    """The cells around a point in numbers, as `summarize` finds them.

    Attributes
    ----------
    cells : int
        Cells found.
    facets : int
        Their distinct facets.
    regions : int
        Distinct affine maps among them: never more than the linear regions of the network on the domain; where all
        cells are found, their linear regions.
    exhausted : bool
        Whether there are no other cells.
    farthest : int
        The greatest number of facets crossed.
    reason : str or None
        Why the walk was stopped, if by a limit in time.
    facets_at_most : int or None
        Where facets were found by rays: their number is a lower bound, as that of the cells is, and this an upper one
        for the facets of the cells found.  None where all facets of the cells are known.
    rays : int or None
        Rays looked at, where facets were found by rays.
    start : point
    order, domain : str
    seed : int or None
        Of the order "random".
    seconds : float
    network : Network
        On a slice, the restricted one.
    """

    cells: int
    facets: int
    regions: int
    exhausted: bool
    farthest: int
    reason: str | None
    facets_at_most: int | None
    rays: int | None
    start: Row
    order: str
    domain: str
    seed: int | None
    seconds: float
    network: Network

    def to_json(self) -> dict[str, Any]:
        """The object that ``puiseux explore --json`` prints."""
        return {
            "network": sizes(self.network),
            "domain": self.domain,
            "start": texts(self.start),
            "order": self.order,
            "seed": self.seed,
            "cells": self.cells,
            "facets": self.facets,
            "regions": self.regions,
            "facets_found": "all" if self.rays is None else "some",
            "facets_at_most": self.facets_at_most,
            "rays": self.rays,
            "exhausted": self.exhausted,
            "distance": self.farthest,
            "seconds": round(self.seconds, 3),
            "complete": self.reason is None,
            "reason": self.reason,
        }


def summarize(
    network: Any,
    start: Any,
    max_cells: int | None = None,
    max_distance: int | None = None,
    *,
    order: str = "breadth",
    domain: DomainLike = None,
    rng: int | None = None,
    time_limit: float | None = None,
    write: Callable[[str], object] | None = None,
    watch: Callable[[], object] | None = None,
    workers: int = 1,
    checkpoint: str | PathLike[str] | None = None,
    facets: str = "auto",
    rays: int | None = None,
) -> Exploration:
    """Explore the cells around a point and count cells, facets and affine maps.

    Parameters
    ----------
    network, start, max_cells, max_distance, order, domain
        As in `explore`.
    rng : int, optional
        The seed of the order "random".
    time_limit : float, optional
        Seconds.
    write : callable, optional
        Receives a line of JSON for each cell: ``pattern``, ``distance``, ``facets`` (rows ``a``, ``b`` with
        ``a . x <= b``), ``bounded`` and ``point``.
    watch : callable, optional
        Called for each cell, once its facets are found.
    workers, checkpoint, facets, rays
        As in `explore`.  Facets found by rays come in the lines by ``units`` and ``walls`` alone.
    """
    begun = time.monotonic()
    check_time_limit(time_limit)
    seed = generator_and_seed(rng)[1] if order == "random" else None
    posed = pose(as_network(network), domain)
    some = by_rays(posed.network, facets, rays, workers=workers, checkpoint=checkpoint, order=order)
    if not some and time_limit is not None and posed.network.input_dim > _LARGE:
        workers = max(workers, 2)  # a compiled linear program hears of no limit, but a process can be ended
    tally = Tally()
    if some and watch is not None:
        watch()  # a cell takes no linear program
    reason = None
    try:
        with limited(time_limit):
            for visit in _visits(
                posed.network,
                start,
                max_cells,
                max_distance,
                order=order,
                domain=posed.domain,
                rng=seed,
                workers=workers,
                checkpoint=checkpoint,
                full=write is not None,
                facets="some" if some else "all",
                rays=rays,
                note=None if write is None else end_of_line,
            ):
                tally.add(visit)
                if watch is not None:
                    watch()
                if write is not None:
                    write(line_of(visit))
    except OutOfTime:
        reason = f"stopped at the time limit of {time_limit:g} s"
        last = tally.add_unfinished()
        if last is not None and write is not None:
            write(line_of(last))
    return Exploration(
        cells=len(tally.found),
        facets=tally.facets,
        regions=tally.regions,
        exhausted=reason is None and tally.exhausted,
        farthest=tally.farthest,
        reason=reason,
        facets_at_most=tally.at_most if some else None,
        rays=tally.rays if some else None,
        start=_point(posed.network, start),
        order=order,
        domain=posed.text,
        seed=seed,
        seconds=time.monotonic() - begun,
        network=posed.network,
    )


def describe(found: Exploration, name: str) -> str:
    """The answer for people."""
    order = {"breadth": "breadth first", "random": f"in random order (seed {found.seed})", "nearest": "nearest first"}
    away = counted(found.farthest, "facet")
    end = "these are all" if found.exhausted else f"up to {away} away; there are more"
    start = readable_point(found.start[:_SHOWN])
    if len(found.start) > _SHOWN:
        start = f"{start[:-1]}, ..)"
    kind = "linear regions" if found.exhausted else "linear regions at least"
    facets = f"{found.facets:,}"
    if found.rays is not None:
        most = found.facets_at_most
        what = f"at least, met by rays; at most {most:,}" if most != found.facets else "met by rays, these are all"
        facets = f"{facets} ({what})"
    domain = readable_domain(found.domain, found.network.input_dim)
    return "\n".join(
        [
            f"{name}: cells around {start} on {domain}, {order[found.order]}:",
            f"  cells    {found.cells:,} ({end})",
            f"  facets   {facets}",
            f"  regions  {found.regions:,} ({kind})",
            f"  {found.seconds:.2f} s",
        ]
    )


__all__ = ["Exploration", "Visits", "describe", "explore", "summarize"]
