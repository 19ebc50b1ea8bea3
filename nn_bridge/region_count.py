"""`Count` (the definitions), `RegionCount` (the result of every counting route), and the protocol of a route."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from polyhedra.quoting import shown
from polyhedra.values import Value, html_table

if TYPE_CHECKING:
    from nn_bridge.network.network import Network, Pattern
    from polyhedra.polyhedron import Polyhedron


class Count(StrEnum):
    """The definitions that are counted side by side.

    On the domain, with full-dimensional cells only, and with the affine map of all outputs together.

    Attributes
    ----------
    short : str
        The meaning in a few words, for a table.
    meaning : str
        The meaning in one sentence, for a page.

    Examples
    --------
    >>> [str(count) for count in Count]
    ['cells', 'regions', 'regions_by_point', 'affine_maps']
    """

    short: str
    meaning: str

    def __new__(cls, name: str, short: str, meaning: str) -> Count:
        self = str.__new__(cls, name)
        self._value_ = name
        self.short, self.meaning = short, meaning
        return self

    CELLS = (
        "cells",
        "activation cells: full-dimensional, one pattern each",
        "activation cells: full-dimensional sets of inputs on which the same units are active; a unit that is zero on "
        "all of a cell counts as inactive",
    )
    REGIONS = (
        "regions",
        "linear regions: equal affine maps joined across facets",
        "linear regions: cells with the same affine map of all outputs together, joined where they share a facet",
    )
    REGIONS_BY_POINT = (
        "regions_by_point",
        "the same, joined where closures share any point",
        "the same, joined where their closures share any point",
    )
    AFFINE_MAPS = ("affine_maps", "distinct affine maps", "distinct affine maps of all outputs together")


@dataclass(frozen=True, slots=True, repr=False)
class RegionCount(Value):
    """The counts of one network on one domain by one engine.

    Attributes
    ----------
    cells, regions, regions_by_point, affine_maps : int or None
        None where the route does not compute this count or cannot vouch for it (then see ``reason``).
    engine, domain : str
        The route and the domain, as a user names them ("cells", "all", "box:-1,1").
    exact : bool
        Whether the numbers are proven in exact arithmetic to be the counts; never for a run that was stopped.
    complete : bool
        False for a run that was stopped; its numbers are lower bounds.
    seconds : float
        Wall-clock time of the count.
    reason : str or None
        Why a count is missing or the run incomplete.
    """

    cells: int | None
    regions: int | None
    regions_by_point: int | None
    affine_maps: int | None
    engine: str
    domain: str
    exact: bool
    complete: bool
    seconds: float
    reason: str | None = None

    def __post_init__(self) -> None:
        if not self.complete:  # lower bounds may be proven, but they are not the counts
            object.__setattr__(self, "exact", False)

    @property
    def counts(self) -> dict[str, int | None]:
        """The four counts by name."""
        return {str(count): getattr(self, count) for count in Count}

    def _repr_html_(self) -> str:
        at_least = "" if self.complete else ">= "
        rows = [
            (str(count), "-" if value is None else f"{at_least}{value:,}", count.short)
            for count, value in zip(Count, self.counts.values(), strict=True)
        ]
        certainty = "exact" if self.exact else "not proven" if self.complete else "incomplete: lower bounds only"
        reason = "" if self.reason is None else f" ({self.reason})"
        caption = f"on {self.domain}, engine {self.engine}: {certainty}{reason}"
        return html_table(rows, caption=shown(caption, 240))

    def to_json(self, network: Network) -> dict[str, Any]:
        """The object that ``puiseux count --json`` prints (``reason`` only where there is one)."""
        result: dict[str, Any] = {
            "network": {
                "input_dim": network.input_dim,
                "hidden": list(network.hidden),
                "output_dim": network.output_dim,
            },
            "domain": self.domain,
            "engine": self.engine,
            "exact": self.exact,
            "complete": self.complete,
            "counts": self.counts,
            "seconds": self.seconds,
        }
        if self.reason is not None:
            result["reason"] = self.reason
        return result


class RegionOracle(Protocol):
    """Anything that counts: the package's routes, and a user's own counter in a cross-check."""

    def __call__(self, network: Network, domain: Polyhedron | None) -> RegionCount:
        """Count the network on the domain (None: all of R^n)."""
        ...


@runtime_checkable
class PatternOracle(RegionOracle, Protocol):
    """An oracle that can also name the cells it counted, so that a cross-check can point at the one that is wrong."""

    def patterns(self, network: Network, domain: Polyhedron | None) -> Iterable[Pattern | str]:
        """The activation pattern of each full-dimensional cell, once each.

        A pattern is given stage by stage (``((True, False), (True,))``) or as text, ``"10|1"``; a unit that is
        identically zero on the cell counts as inactive.
        """
        ...
