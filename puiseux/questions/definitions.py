"""The six definitions of a linear region side by side (Stargalla, Hertrich and Reichman 2025)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from polyhedra.option_types import checked_options
from polyhedra.progress import Steps, with_steps
from polyhedra.values import Value
from puiseux.domains import DomainLike, Problem, pose
from puiseux.reading import as_network
from puiseux.time_limit import Stopped, check_time_limit, within

if TYPE_CHECKING:
    from nn_bridge.convexity.regions import ConvexRegions
    from nn_bridge.region_count import RegionCount

NAMES = (
    ("patterns_any_dimension", "activation regions: patterns of inputs, on sets of any dimension"),
    ("cells", "proper activation regions: full-dimensional cells"),
    ("convex", "convex regions: the fewest convex pieces"),
    ("regions", "open connected regions: joined across facets"),
    ("regions_by_point", "closed connected regions: joined where they share any point"),
    ("affine_maps", "affine regions: distinct affine maps"),
)
"""Our names, from the largest number to the least, and theirs."""


@dataclass(frozen=True, slots=True, repr=False)
class Definitions(Value):
    """The six numbers of a network on a domain, each at most the one before.

    Attributes
    ----------
    counts : RegionCount
        Cells, regions by facet and by point, and affine maps.
    patterns_any_dimension : int or None
        None where the time was over before.
    convex : ConvexRegions or None
        An interval with both witnesses; None where the time was over before the cells were listed.
    seconds : float
    reason : str or None
        Why a number is missing or a bound not sharp.
    """

    counts: RegionCount
    patterns_any_dimension: int | None
    convex: ConvexRegions | None
    seconds: float
    reason: str | None = None

    @property
    def complete(self) -> bool:
        """Whether no limit ended a count."""
        return self.reason is None and self.counts.complete

    @property
    def cells(self) -> int | None:
        """As `RegionCount.cells`."""
        return self.counts.cells

    @property
    def regions(self) -> int | None:
        """As `RegionCount.regions`."""
        return self.counts.regions

    @property
    def regions_by_point(self) -> int | None:
        """As `RegionCount.regions_by_point`."""
        return self.counts.regions_by_point

    @property
    def affine_maps(self) -> int | None:
        """As `RegionCount.affine_maps`."""
        return self.counts.affine_maps

    def to_dict(self) -> dict[str, Any]:
        """The six numbers, bounds on the last of them, by name."""
        convex = self.convex
        return {
            "patterns_any_dimension": self.patterns_any_dimension,
            **self.counts.counts,
            "convex": None if convex is None else convex.lower if convex.exact else (convex.lower, convex.upper),
            "reason": self.reason,
        }

    def to_json(self) -> dict[str, Any]:
        """The object that ``puiseux count --definitions --json`` prints under ``definitions``."""
        convex = None if self.convex is None else self.convex.to_json()
        found = {"patterns_any_dimension": self.patterns_any_dimension, **self.counts.counts, "convex": convex}
        return {name: found[name] for name, _ in NAMES}

    def to_text(self) -> str:
        """A line for each definition."""
        shown, more = {}, {}
        for name, _ in NAMES:
            value = self.patterns_any_dimension if name == NAMES[0][0] else self.counts.counts.get(name)
            shown[name] = "-" if value is None else f"{value:,}"
        if self.convex is not None:
            low, high = self.convex.lower, self.convex.upper
            shown["convex"] = _interval(low, high)
            if self.convex.upper_face_to_face != high:
                more["convex"] = f" (face to face: {_interval(low, self.convex.upper_face_to_face)})"
        width = max(map(len, shown.values()))
        return "\n".join(
            f"  {name:<22} {shown[name]:>{width}}  {meaning}{more.get(name, '')}" for name, meaning in NAMES
        )


def _interval(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


@checked_options
@with_steps("Counting by every definition")
def count_definitions(
    network: Any,
    domain: DomainLike = None,
    *,
    output: int | None = None,
    time_limit: float | None = None,
    progress: Steps = None,
) -> Definitions:
    """Count by all six definitions; for networks whose cells, with all of their faces, fit into memory.

    Parameters
    ----------
    network : whatever `puiseux.as_network` takes
    domain : str, Polyhedron, (low, high), list of pairs, or None
        As in `count_regions`.
    output : int, optional
        Take one output alone.
    time_limit : float, optional
        Seconds; then numbers are missing, or the convex pieces are bounded only.
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.

    Raises
    ------
    PuiseuxError
        The network or the domain is not usable.

    Examples
    --------
    >>> found = count_definitions([[[0, 1], [-1, 1], [0, -1]], [[1, -1, -1]], [[1]]])  # max(0, min(x, y))
    >>> found.patterns_any_dimension, found.counts.cells, found.convex.upper, found.counts.regions
    (7, 5, 4, 3)
    """
    return definitions_of(pose(as_network(network, output=output), domain), time_limit=time_limit)


def definitions_of(
    problem: Problem,
    counts: RegionCount | None = None,
    time_limit: float | None = None,
    begun: float | None = None,
) -> Definitions:
    """The six definitions on a problem that is already posed, and possibly counted; ``begun`` is when the limit did."""
    from nn_bridge.convexity.regions import convex_regions
    from nn_bridge.topology.patterns import patterns_of_any_dimension
    from puiseux.questions.count import count_problem

    check_time_limit(time_limit)
    begun = time.monotonic() if begun is None else begun

    def left() -> float | None:
        return None if time_limit is None else max(0.05, time_limit - (time.monotonic() - begun))

    if counts is None:
        counts = count_problem(problem, time_limit=time_limit)
    patterns, convex, reason = None, None, counts.reason
    if counts.complete:
        try:
            patterns = within(left(), lambda: len(patterns_of_any_dimension(problem.network, problem.domain)), "")
            convex = convex_regions(problem.network, problem.domain, time_limit=left())
            reason = convex.reason
        except Stopped as stopped:
            reason = str(stopped).removesuffix(": ")
        if reason is not None and time_limit is not None and time.monotonic() - begun >= time_limit:
            reason = f"stopped at the time limit of {time_limit:g} s"  # of both together, not of what was left
    return Definitions(counts, patterns, convex, time.monotonic() - begun, reason)


__all__ = ["NAMES", "Definitions", "count_definitions", "definitions_of"]
