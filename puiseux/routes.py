"""The table of counting routes: each counts, can name the cells that it counted, and says which options it knows.

Whoever needs a route looks here: `puiseux.questions.count` for engines, the cross-check for oracles, help texts for
names.  The routes share nothing but `Network` and `polyhedra`, so that their agreement proves something.  Each is
imported when it runs.  To add a route, write its two functions and its row of `ROUTES`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from nn_bridge.network.network import Network, Pattern
from nn_bridge.region_count import RegionCount
from polyhedra.bounding_box import bounding_box
from polyhedra.errors import UsageError
from polyhedra.polyhedron import Polyhedron
from polyhedra.quoting import quoted
from polyhedra.scalars import to_float

if TYPE_CHECKING:
    from nn_bridge.symbolic.count import SymbolicCells

ON_DEGENERATE = ("report", "raise", "exact")
"""The choices of the route ``sign-vectors`` where it cannot vouch for a number."""


@dataclass(frozen=True, slots=True)
class Route:
    """A counting route; called with a network and a domain it is an oracle of the cross-check.

    Attributes
    ----------
    name : str
    exact : bool
        Whether its numbers are proven in exact arithmetic.
    count : callable
        From network, domain (None: all of R^n) and options to a `RegionCount`.
    cells : callable
        From network and domain to the pattern of each cell.
    options : frozenset of str, optional
        The options of `puiseux.count_regions` that it knows; None where it is no engine of ``puiseux count``.
    bounded : bool
        Whether it needs a bounded domain.
    has_clock : bool
        Whether it keeps a time limit itself, and then gives lower bounds.
    unlimited : mapping
        The options that lift the limits that it sets itself, for the cross-check, which has its own.
    """

    name: str
    exact: bool
    count: Callable[..., RegionCount]
    cells: Callable[[Network, Polyhedron | None], Iterable[Pattern | str]]
    options: frozenset[str] | None = None
    bounded: bool = False
    has_clock: bool = True
    unlimited: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def __call__(self, network: Network, domain: Polyhedron | None) -> RegionCount:
        """Count the network on the domain (None: all of R^n)."""
        return self.count(network, self._checked(domain), **self.unlimited)

    def patterns(self, network: Network, domain: Polyhedron | None) -> Iterable[Pattern | str]:
        """The pattern of each cell."""
        return self.cells(network, self._checked(domain))

    def _checked(self, domain: Polyhedron | None) -> Polyhedron | None:
        if self.bounded and domain is None:
            raise UsageError("unbounded domain: this route needs a box, such as --domain 'box:-10,10'")
        return domain


# ---------------------------------------------------------------- cells


def _count_by_cells(network: Network, domain: Polyhedron | None, **options: Any) -> RegionCount:
    from nn_bridge.cells.counting.count import count_cells

    return count_cells(network, domain, **options)


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


def _count_by_sign_vectors(
    network: Network, domain: Polyhedron | None, on_degenerate: str = "report", **options: Any
) -> RegionCount:
    from nn_bridge.sign_vectors import count_sign_vectors

    if on_degenerate not in ON_DEGENERATE:
        raise UsageError(f"on-degenerate is one of {', '.join(ON_DEGENERATE)}, not {quoted(on_degenerate)}")
    result = count_sign_vectors(network, domain, **options)
    if result.cells is not None or on_degenerate == "report":
        return result
    if on_degenerate == "raise":
        raise UsageError(f"the sign vectors cannot vouch for a number: {result.reason}; take --engine cells")
    exact = _count_by_cells(network, domain)
    return replace(exact, reason=f"{result.reason}; counted by the exact engine")


def _patterns_by_sign_vectors(network: Network, domain: Polyhedron | None) -> Iterator[Pattern]:
    from nn_bridge.sign_vectors import extract

    positive = extract(network, domain).cells().signs() > 0
    for row in positive.tolist():
        bits = iter(row)
        yield tuple(tuple(next(bits) for _ in range(size)) for size in network.hidden)


# ---------------------------------------------------------------- mixed-integer programming


def _count_by_milp(network: Network, domain: Polyhedron | None, **options: Any) -> RegionCount:
    from milp.count import count_milp

    assert domain is not None  # the table says that this route needs one
    return count_milp(network, domain, **options)


def _patterns_by_milp(network: Network, domain: Polyhedron | None) -> Iterator[Pattern]:
    from milp.count import search_patterns

    assert domain is not None
    return iter(search_patterns(network, domain, audit=False, time_limit=None).patterns)


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
        sample = sample_patterns(network, n_samples=_SAMPLES // len(cubes), cube=cube, rng=seed)
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


_ROUTES = (
    Route(
        "cells",
        True,
        _count_by_cells,
        _patterns_by_cells,
        frozenset(("counts", "workers", "executor", "time_limit", "max_cells", "memory", "checkpoint", "progress")),
    ),
    Route("tropical", True, _count_by_algebra, _patterns_by_algebra, frozenset(("time_limit",)), has_clock=False),
    Route(
        "sign-vectors",
        False,
        _count_by_sign_vectors,
        _patterns_by_sign_vectors,
        frozenset(("memory", "on_degenerate", "time_limit")),
        bounded=True,
        has_clock=False,
    ),
    Route(
        "milp",
        False,
        _count_by_milp,
        _patterns_by_milp,
        frozenset(("time_limit", "max_cells")),
        bounded=True,
        unlimited=MappingProxyType({"time_limit": None}),
    ),
    Route("sampling", False, _count_by_sampling, _sampled),
)

ROUTES: dict[str, Route] = {route.name: route for route in _ROUTES}
"""The routes by name, in the order in which a cross-check asks them."""

ENGINES: dict[str, Route] = {name: route for name, route in ROUTES.items() if route.options is not None}
"""Those that ``puiseux count --engine`` takes."""
