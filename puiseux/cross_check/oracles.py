"""The counting routes of the package as oracles: each counts, and can name the cells that it counted.

They share nothing but `Network` and `polyhedra`.  Every route is imported when it runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from nn_bridge.network.network import Network, Pattern
from nn_bridge.region_count import PatternOracle, RegionCount, RegionOracle
from polyhedra.errors import UsageError
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import to_float
from puiseux.cross_check.disagreement import bounding_box
from puiseux.cross_check.peer_oracles import RegioncamOracle, RelucentOracle

if TYPE_CHECKING:
    from nn_bridge.symbolic.count import SymbolicCells


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the package, as an oracle.

    Attributes
    ----------
    name : str
    exact : bool
        Whether its numbers are proven in exact arithmetic.
    """

    name: str
    exact: bool
    _count: Callable[[Network, Polyhedron | None], RegionCount]
    _patterns: Callable[[Network, Polyhedron | None], Iterable[Pattern | str]]

    def __call__(self, network: Network, domain: Polyhedron | None) -> RegionCount:
        """Count the network on the domain (None: all of R^n)."""
        return self._count(network, domain)

    def patterns(self, network: Network, domain: Polyhedron | None) -> Iterable[Pattern | str]:
        """The pattern of each cell."""
        return self._patterns(network, domain)


# ---------------------------------------------------------------- cells


def _count_by_cells(network: Network, domain: Polyhedron | None) -> RegionCount:
    from nn_bridge.cells.counting.count import count_cells

    return count_cells(network, domain)


def _patterns_by_cells(network: Network, domain: Polyhedron | None) -> Iterator[str]:
    from nn_bridge.cells.cell import iterate_cells

    return (cell.pattern_text for cell in iterate_cells(network, domain))


# ---------------------------------------------------------------- tropical


def _count_by_algebra(network: Network, domain: Polyhedron | None) -> RegionCount:
    from nn_bridge.symbolic.count import count_symbolic

    if domain is not None and not domain.is_full_dimensional():
        return count_symbolic(network, domain)
    return count_symbolic(network, domain, known=_cells_by_algebra(network, domain))


def _patterns_by_algebra(network: Network, domain: Polyhedron | None) -> Iterator[Pattern]:
    return (cell.pattern for cell in _cells_by_algebra(network, domain).cells)


@lru_cache(maxsize=1)
def _cells_by_algebra(network: Network, domain: Polyhedron | None) -> SymbolicCells:
    """They are wanted twice in a row: counted, then named."""
    from nn_bridge.symbolic.count import symbolic_cells

    return symbolic_cells(network, domain)


# ---------------------------------------------------------------- sign vectors


def _bounded(domain: Polyhedron | None) -> Polyhedron:
    if domain is None:
        raise UsageError("unbounded domain: this route needs a box, such as --domain 'box:-10,10'")
    return domain


def _count_by_sign_vectors(network: Network, domain: Polyhedron | None) -> RegionCount:
    from nn_bridge.sign_vectors import count_sign_vectors

    return count_sign_vectors(network, _bounded(domain))


def _patterns_by_sign_vectors(network: Network, domain: Polyhedron | None) -> Iterator[Pattern]:
    from nn_bridge.sign_vectors import extract

    positive = extract(network, _bounded(domain)).cells().signs() > 0
    for row in positive.tolist():
        bits = iter(row)
        yield tuple(tuple(next(bits) for _ in range(size)) for size in network.hidden)


# ---------------------------------------------------------------- mixed-integer programming


def _count_by_milp(network: Network, domain: Polyhedron | None) -> RegionCount:
    from milp.count import count_milp

    return count_milp(network, _bounded(domain), time_limit=None)


def _patterns_by_milp(network: Network, domain: Polyhedron | None) -> Iterator[Pattern]:
    from milp.count import search_patterns

    return iter(search_patterns(network, _bounded(domain), audit=False, time_limit=None).patterns)


# ---------------------------------------------------------------- sampling

_SAMPLES = 8192
_RADII = (1.0, 10.0, 100.0, 1000.0)  # of the cubes around the origin where the domain is unbounded


def _sampled(network: Network, domain: Polyhedron | None) -> frozenset[Pattern]:
    """Cells that random points of the domain lie in, each confirmed by exact evaluation."""
    from nn_bridge.expressivity.sampling import sample_patterns

    around = None if domain is None else bounding_box(domain)
    cubes: list[Any] = list(_RADII)
    if around is not None:
        cubes = [tuple(list(map(to_float, ends)) for ends in zip(*around, strict=True))]
    found: set[Pattern] = set()
    for seed, cube in enumerate(cubes):
        sample = sample_patterns(network, samples=_SAMPLES // len(cubes), cube=cube, rng=seed)
        if domain is not None:
            inside = tuple(point for point in sample.points if domain.contains(point, strict=True))
            sample = replace(sample, points=inside)
        found |= sample.confirmed()
    return frozenset(found)


def _count_by_sampling(network: Network, domain: Polyhedron | None) -> RegionCount:
    begun = time.perf_counter()
    patterns = _sampled(network, domain)
    maps = len({network.affine_forms(pattern)[-1] for pattern in patterns})
    seconds = time.perf_counter() - begun
    reason = f"cells met by {_SAMPLES} random points"
    return RegionCount(len(patterns), maps, maps, maps, "sampling", "", False, False, seconds, reason)


ROUTES: dict[str, PatternOracle] = {
    "cells": Route("cells", True, _count_by_cells, _patterns_by_cells),
    "tropical": Route("tropical", True, _count_by_algebra, _patterns_by_algebra),
    "sign-vectors": Route("sign-vectors", False, _count_by_sign_vectors, _patterns_by_sign_vectors),
    "milp": Route("milp", False, _count_by_milp, _patterns_by_milp),
    "sampling": Route("sampling", False, _count_by_sampling, _sampled),
}
"""The routes of the package, in the order in which a cross-check asks them."""

_COMPILED = ("cells", "tropical", "sign-vectors")

PEERS: dict[str, RegionOracle] = {"relucent": RelucentOracle(), "regioncam": RegioncamOracle()}
"""Other programs that count, asked by name where they are installed (the extra [bench])."""


def warm_up(names: Iterable[str]) -> None:
    """Load, and after an installation compile, what these routes need, before they run under a time limit.

    Processes that are forked afterwards find everything ready.
    """
    generic = Network.from_layers([[[1, 2], [3, -1]], [[1, -2], [2, 1]], [[1, 1]]], [["1/3", "1/5"], ["1/7", 1], [0]])
    joined = Network.from_layers([[[1, 0], [0, 1], [1, 1]], [[1, 0, 0]]])
    square = Polyhedron.box([-2, -2], [2, 2])
    for name in names:
        if name in _COMPILED:
            for network in (generic, joined):
                ROUTES[name](network, square)
            for _ in ROUTES[name].patterns(generic, square):
                continue
