"""The fewest convex pieces of a network, as an interval with two witnesses, exact where they meet.

Stargalla, Hertrich and Reichman (2025) count "convex regions": the fewest convex sets, together all of the domain, on
each of which the network is affine.  The number is hard to find, and a smallest partition may cut along no unit's
hyperplane.  Here it lies between two proven numbers: pieces, which are a partition (and so a cover), and
points, each two of which are in different pieces of any cover (and so of any partition).  Where both numbers are equal
it is exact, by either reading.  With one input every region is an interval, so it is the number of regions.

Their pieces are those of a polyhedral complex: they meet face to face.  Of such partitions there are fewer, so the
points bound them too, and pieces that meet face to face are looked for apart (`nn_bridge.convexity.face_to_face`).
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

from nn_bridge.cells.complex import CellComplex, cell_complex
from nn_bridge.convexity.face_to_face import coarsened, is_face_to_face, new_rows, refined
from nn_bridge.convexity.parts import Part, hull, part_of_cell
from nn_bridge.convexity.search import CUTS, Pieces, Search
from nn_bridge.convexity.witness import points_apart
from nn_bridge.network.network import Network
from nn_bridge.network.network import Row as Point
from polyhedra import limits
from polyhedra.limits import OutOfTime, check_limits
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import to_text

_MOST_PLANES = 6
"""Hyperplanes that are no unit's, along which all cells are cut for pieces that meet face to face."""


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
    upper_face_to_face : int
        So many pieces that meet face to face: with ``lower`` an interval for polyhedral complexes,
        ``upper <= upper_face_to_face <= cells``.
    """

    lower: int
    upper: int
    cells: int
    regions: int
    seconds: float
    reason: str | None = None
    upper_face_to_face: int = 0
    _complex: CellComplex | None = field(default=None, repr=False, compare=False)
    _regions: tuple[_Region, ...] = field(default=(), repr=False, compare=False)
    _face_to_face: Pieces = field(default_factory=list, repr=False, compare=False)

    @property
    def exact(self) -> bool:
        """Whether both bounds are equal."""
        return self.lower == self.upper

    @property
    def exact_face_to_face(self) -> bool:
        """Whether the bounds for pieces that meet face to face are equal."""
        return self.lower == self.upper_face_to_face

    @property
    def pieces_face_to_face(self) -> tuple[Polyhedron, ...]:
        """Pieces that meet face to face: the witness of ``upper_face_to_face``."""
        found = self._complex
        assert found is not None, "made by convex_regions"
        if not self._face_to_face:
            return tuple(found.cell(k).polyhedron for k in range(found.cells))
        return tuple(hull(piece, found.network.input_dim) for piece in self._face_to_face)

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
            "face_to_face": {"upper": self.upper_face_to_face, "exact": self.exact_face_to_face},
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
    together: Pieces = []
    meeting = found.cells
    try:
        with limits.time_limit(time_limit):
            for together in _joined_cells(found, regions):
                _take_smaller(regions, together)
                meeting = len(together)
            for region in regions:
                region.look(found)
            for region in regions:
                region.improve(cuts)
            for better in _face_to_face(found, regions, meeting, cuts):
                _take_smaller(regions, better)
                together, meeting = better, len(better)
            check_limits()
    except OutOfTime:
        reason = f"stopped at the time limit of {time_limit:g} s"
    lower, upper = sum(region.lower for region in regions), sum(region.upper for region in regions)
    seconds = time.monotonic() - begun
    if lower == meeting:
        reason = None
    return ConvexRegions(
        lower, upper, found.cells, len(regions), seconds, reason, meeting, found, tuple(regions), together
    )


def _parts(found: CellComplex) -> list[Part]:
    check_limits()
    return [part_of_cell(found, k) for k in range(found.cells)]


def _joined_cells(found: CellComplex, regions: list[_Region]) -> Iterator[Pieces]:
    """Cells joined in one order, which is fast: fewer pieces for the regions to begin with."""
    if len(regions) < found.cells:
        yield from coarsened(_parts(found), found.regions.tolist(), orders=1)


def _face_to_face(found: CellComplex, regions: list[_Region], fewest: int, cuts: int) -> Iterator[Pieces]:
    """Fewer pieces that meet face to face: those of the regions if they do, else joined cells, also of more planes."""
    if sum(region.lower for region in regions) == fewest:
        return
    parts = _parts(found)
    pieces = [piece for region in regions for piece in region.pieces or [[parts[k]] for k in region.cells]]
    if len(pieces) < fewest and is_face_to_face(pieces):
        yield pieces
        return
    numbers = found.regions.tolist()
    planes = new_rows(pieces, parts)[: cuts and _MOST_PLANES]
    for rows in ([], planes) if planes else ([],):
        for better in coarsened(*refined(parts, numbers, rows)):
            if len(better) < fewest:
                fewest = len(better)
                yield better


def _take_smaller(regions: list[_Region], together: Pieces) -> None:
    """Let regions have those pieces of a complex that are fewer than their own."""
    home: dict[Hashable, _Region] = {cell: region for region in regions for cell in region.cells}
    mine: dict[int, Pieces] = {}
    for piece in together:
        mine.setdefault(home[piece[0].cell].cells[0], []).append(piece)
    for region in regions:
        pieces = mine[region.cells[0]]
        if len(pieces) < region.upper:
            region.pieces = pieces


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
        """Points apart, and pieces by the best cuts at sight where the bounds are apart."""
        if len(self.cells) == 1 or len(self.pieces) == 1:
            return
        check_limits()
        self.parts = [part_of_cell(found, k) for k in self.cells]
        self.points = points_apart(found.network, self.parts, self.upper)
        if self.lower < self.upper:
            self.pieces = min(self.pieces or [[part] for part in self.parts], Search(0).pieces(self.parts), key=len)

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
