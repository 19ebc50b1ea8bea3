"""The engine ``cells`` where no compiled core is: the four counts by `nn_bridge.cells.plain`."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from importlib.util import find_spec
from typing import Any

from flint import fmpq

from nn_bridge.cells.counting.budget import INTERRUPTED, Budget, Stop, check_options
from nn_bridge.cells.plain import WALL, Leaf, PlainNetwork, Regions, Unit, Vector, cells
from nn_bridge.errors import NetworkError
from nn_bridge.network.network import AffineStage, Network
from nn_bridge.network.sparse_row import entries
from nn_bridge.region_count import RegionCount
from polyhedra.compiled_core import REMEDY, pure, say_plain
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import primitive

_EACH = 1.0  # seconds between reports of progress


def runs_plain() -> bool:
    """Whether cells are counted by the plain engine: on request, and where there is no compiled core."""
    return pure() or find_spec("nn_bridge.cells._core") is None


def plain_network(network: Network) -> PlainNetwork:
    """The same network as fractions, for the plain engine.

    Examples
    --------
    >>> plain_network(Network.from_layers([[[1, 0]], [["1/2"]]])).outputs
    (Unit(weights=((2, Fraction(1, 2)),), bias=Fraction(0, 1)),)
    """
    begins = [0, network.input_dim]  # of the sources, in the numbering of all inputs and units
    for stage in network.stages:
        begins.append(begins[-1] + stage.units)

    def units(stage: AffineStage) -> tuple[Unit, ...]:
        weights: list[list[tuple[int, Fraction]]] = [[] for _ in range(stage.units)]
        for source, matrix in stage.blocks:
            for found, row in zip(weights, matrix, strict=True):
                found += [(begins[source] + i, _fraction(w)) for i, w in entries(row)]
        return tuple(Unit(tuple(found), _fraction(b)) for found, b in zip(weights, stage.bias, strict=True))

    return PlainNetwork(network.input_dim, tuple(map(units, network.stages)), units(network.output))


def plain_walls(domain: Polyhedron | None) -> tuple[Vector, ...]:
    """The walls of a domain as integer forms that are nonnegative on it."""
    if domain is None:
        return ()
    rows = [(*(-a for a in row[:-1]), row[-1]) for row in domain.inequalities]
    return tuple(tuple(map(int, primitive(row))) for row in rows)


def _fraction(value: fmpq) -> Fraction:
    return Fraction(int(value.p), int(value.q))


def count_plain(
    network: Network,
    domain: Polyhedron | None = None,
    *,
    counts: str = "all",
    workers: int | None = None,
    time_limit: float | None = None,
    max_cells: int | None = None,
    progress: Callable[[int, float], None] | None = None,
    domain_text: str = "all",
    **others: Any,
) -> RegionCount:
    """Count cells and linear regions exactly in plain Python; see `nn_bridge.cells.counting.count.count_cells`.

    Parameters
    ----------
    network : Network
    domain : Polyhedron, optional
        Full-dimensional; all of R^n by default.
    counts : {"all", "cells"}
    workers : int, optional
        Makes no difference: one process works.
    time_limit : float, optional
        Seconds.
    max_cells : int, optional
    progress : callable, optional
        Called with the number of cells and the share of the tree done, about once a second.
    domain_text : str
        The name of the domain in the result.
    **others
        Options of `count_cells` that the plain engine lacks: refused unless None.

    Raises
    ------
    NetworkError
        An option makes no sense or is missing here, or the domain does not fit.

    Examples
    --------
    >>> count_plain(Network.from_layers([[[1, 0], [0, 1]], [[1, -1]]])).counts
    {'cells': 4, 'regions': 4, 'regions_by_point': 4, 'affine_maps': 4}
    """
    for name, value in others.items():
        if value is not None:
            raise NetworkError(f"the plain engine has no option {name}; {REMEDY}")
    check_options(counts, time_limit, max_cells)
    if domain is not None and domain.dim != network.input_dim:
        raise NetworkError(f"the domain has {counted(domain.dim, 'coordinate')}, the network reads {network.input_dim}")
    if domain is not None and not domain.is_full_dimensional():
        raise NetworkError("the domain has no interior; to count on a plane give it as a slice instead")
    say_plain()
    budget = Budget(time_limit, max_cells, None)
    all_four = counts == "all"
    regions = Regions(joined=all_four)
    reason = _enumerate(network, domain, regions, budget, progress)
    complete = reason is None
    found, joined, by_point, maps = regions.counts()
    if not complete:  # lower bounds: pieces with one map may turn out to be joined; a domain has a cell
        found = max(found, 1)
        joined = by_point = maps = max(maps, 1)
    elif not all_four:
        reason = "only cells were asked for"
    return RegionCount(
        found,
        joined if all_four else None,
        by_point if all_four else None,
        maps if all_four else None,
        engine="cells",
        domain=domain_text,
        exact=True,
        complete=complete,
        seconds=time.monotonic() - budget.begun,
        reason=reason,
    )


def _enumerate(
    network: Network,
    domain: Polyhedron | None,
    regions: Regions,
    budget: Budget,
    progress: Callable[[int, float], None] | None,
) -> str | None:
    """Add all cells to the regions; returns why this ended early, None where it did not."""
    done, told = 0.0, budget.begun

    def check() -> None:
        nonlocal told
        now = time.monotonic()
        if budget.remaining < 0:
            raise budget.out_of_time()
        if progress is not None and now - told > _EACH:
            told = now
            progress(regions.cells, done)

    try:
        for leaf in cells(plain_network(network), plain_walls(domain), check):
            regions.add(leaf)
            done += _share(leaf)
            budget.check_cells(regions.cells)
    except Stop as stop:
        return str(stop)
    except KeyboardInterrupt:
        return INTERRUPTED
    return None


def _share(leaf: Leaf) -> float:
    """The leaf's share of the tree, where either side of a split has half of it."""
    return 0.5 ** sum(stage > WALL for stage, _ in leaf.cell.facets)


__all__ = ["count_plain", "plain_network", "plain_walls", "runs_plain"]
