"""The fewest convex pieces of a network, as an interval with two witnesses, exact where they meet.

Stargalla, Hertrich and Reichman (2025) count "convex regions": the fewest convex sets, together all of the domain, on
each of which the network is affine.  The number is hard to find, and a smallest partition may cut along no unit's
hyperplane.  Here it lies between two proven numbers: pieces, which are a partition (and so a cover), and
points, each two of which are in different pieces of any cover (and so of any partition).  Where both numbers are equal
it is exact, by either reading.  With one input every region is an interval, so it is the number of regions.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from nn_bridge.cells.complex import CellComplex, cell_complex
from nn_bridge.convexity.parts import Part, hull, part_of_cell
from nn_bridge.convexity.search import CUTS, Search
from nn_bridge.convexity.witness import points_apart
from nn_bridge.network.network import Network
from nn_bridge.network.network import Row as Point
from polyhedra import limits
from polyhedra.limits import OutOfTime, check_limits
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import to_text


@dataclass(frozen=True)
class ConvexRegion:
    """One linear region and its convex pieces.

    Attributes
    ----------
    cells : tuple of int
        Their numbers in the complex.
    pieces : tuple of Polyhedron
        Convex, without common inner points, together the region.
    points : tuple of points
        Inside the region; no two in one convex piece.
    """

    cells: tuple[int, ...]
    pieces: tuple[Polyhedron, ...]
    points: tuple[Point, ...]


@dataclass(frozen=True)
class ConvexRegions:
    """An interval that holds the fewest convex pieces on which a network is affine.

    Attributes
    ----------
    lower, upper : int
    cells, regions : int
        ``regions <= lower <= upper <= cells``.
    seconds : float
    reason : str or None
        Why the search ended early: the bounds hold, but may be far apart.
    """

    lower: int
    upper: int
    cells: int
    regions: int
    seconds: float
    reason: str | None = None
    _complex: CellComplex | None = field(default=None, repr=False, compare=False)
    _regions: tuple[_Region, ...] = field(default=(), repr=False, compare=False)

    @property
    def exact(self) -> bool:
        """Whether both bounds are equal."""
        return self.lower == self.upper

    def __iter__(self) -> Iterator[ConvexRegion]:
        """The regions one after another, with pieces and points: the witnesses of both bounds."""
        found = self._complex
        assert found is not None, "made by convex_regions"
        return (region.told(found) for region in self._regions)

    def to_json(self) -> dict[str, Any]:
        """The bounds; with witnesses only where a region needs or has several pieces."""
        return {
            "lower": self.lower,
            "upper": self.upper,
            "exact": self.exact,
            "divided": [
                {
                    "pieces": [[[to_text(v) for v in row] for row in piece.inequalities] for piece in region.pieces],
                    "points": [[to_text(v) for v in point] for point in region.points],
                }
                for region in self
                if len(region.pieces) > 1
            ],
        }


def convex_regions(
    network: Network,
    domain: Polyhedron | None = None,
    *,
    cuts: int = CUTS,
    time_limit: float | None = None,
) -> ConvexRegions:
    """Bounds on the fewest convex pieces on each of which a network is affine.

    Parameters
    ----------
    network : Network
    domain : Polyhedron, optional
        None is all of R^n.
    cuts : int
        The budget of cells cut on trial, for each region whose bounds are apart at first.
    time_limit : float, optional
        Seconds, from when the cells are listed; then the bounds are those found so far.

    Raises
    ------
    NetworkError
        The domain has another dimension than the input, or no interior.

    Examples
    --------
    Where the smaller of x and y is negative the function is 0: an L of three quadrants, two convex pieces.

    >>> least = Network.from_layers([[[0, 1], [-1, 1], [0, -1]], [[1, -1, -1]], [[1]]], [[0, 0, 0], [0], [0]])
    >>> found = convex_regions(least)
    >>> found.regions, found.lower, found.upper, found.exact
    (3, 4, 4, True)
    """
    begun = time.monotonic()
    found = cell_complex(network, domain)
    members: dict[int, list[int]] = {}
    for cell, region in enumerate(found.regions.tolist()):
        members.setdefault(region, []).append(cell)
    regions = [_Region(tuple(own)) for own in members.values()]
    reason = None
    try:
        with limits.time_limit(time_limit):
            for region in regions:
                region.look(found)
            for region in regions:
                region.improve(cuts)
            check_limits()
    except OutOfTime:
        reason = f"stopped at the time limit of {time_limit:g} s"
    lower, upper = sum(region.lower for region in regions), sum(region.upper for region in regions)
    seconds = time.monotonic() - begun
    if lower == upper:
        reason = None
    return ConvexRegions(lower, upper, found.cells, len(regions), seconds, reason, found, tuple(regions))


class _Region:
    """The cells of one region, and what is known of its convex pieces.

    Before anything is known each cell is a piece.
    """

    def __init__(self, cells: tuple[int, ...]) -> None:
        self.cells = cells
        self.parts: list[Part] = []
        self.pieces: list[list[Part]] = []
        self.points: list[Point] = []

    @property
    def lower(self) -> int:
        return max(1, len(self.points))

    @property
    def upper(self) -> int:
        return len(self.pieces) or len(self.cells)

    def look(self, found: CellComplex) -> None:
        """Pieces by the best cuts at sight, and points apart."""
        if len(self.cells) == 1:
            return
        check_limits()
        self.parts = [part_of_cell(found, k) for k in self.cells]
        self.pieces = Search(0).pieces(self.parts)
        if len(self.pieces) > 1:
            self.points = points_apart(found.network, self.parts, len(self.pieces))

    def improve(self, cuts: int) -> None:
        """Search for fewer pieces where the bounds are apart."""
        if cuts > 0 and self.lower < self.upper:
            self.pieces = min(self.pieces, Search(cuts).pieces(self.parts), key=len)

    def told(self, found: CellComplex) -> ConvexRegion:
        """The region with its witnesses."""
        dim = found.network.input_dim
        points = tuple(self.points) or (found.cell(self.cells[0]).interior_point,)
        if self.pieces:
            return ConvexRegion(self.cells, tuple(hull(piece, dim) for piece in self.pieces), points)
        return ConvexRegion(self.cells, tuple(found.cell(k).polyhedron for k in self.cells), points)


__all__ = ["ConvexRegion", "ConvexRegions", "convex_regions"]
