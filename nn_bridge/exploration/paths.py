"""Paths between two cells: the fewest facets that one has to cross, bounded from both sides.

*From above* by the segment between two interior points, moved a little until it crosses facets one at a time: the
facets crossed are a path.  *From below* by the hyperplanes of the first stage: they are whole hyperplanes, so a path
from one side to the other crosses each one that separates the cells, and one facet lies in one hyperplane.  The Hamming
distance of the patterns is no bound, since one facet may switch several units.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.exploration.local_cell import LocalCell
from nn_bridge.exploration.ray_cell import RayCell
from nn_bridge.network.segments import Segment, segment
from polyhedra.limits import check_limits
from polyhedra.polyhedron import Polyhedron

_LONGEST_SEARCH = 2000  # cells that the search for a shortest path may visit


@dataclass(frozen=True)
class PathBounds:
    """The length of a shortest path between two cells, in facets crossed.

    Attributes
    ----------
    lower, upper : int
        Proven; equal where the length is known.
    path : tuple of LocalCell
        A path of length ``upper``, from the first cell to the second.
    """

    lower: int
    upper: int
    path: tuple[LocalCell, ...]


def path_bounds(start: LocalCell, end: LocalCell, *, max_cells: int = _LONGEST_SEARCH) -> PathBounds:
    """Bound the length of a shortest path between two cells of one network and domain.

    Parameters
    ----------
    start, end : LocalCell
    max_cells : int
        Where the bounds differ, a search from the start visits at most so many cells; it makes the bounds equal, or
        raises the lower one.

    Raises
    ------
    NetworkError
        The cells belong to two networks or domains, or only some of their facets are known (`RayCell`).
    """
    if start.home is not end.home:
        raise NetworkError("the two cells belong to two networks or domains; take both from one LocalCells")
    if isinstance(start, RayCell):
        raise NetworkError("a path needs all facets of the cells on it; take the two cells from LocalCells")
    if start == end:
        return PathBounds(0, 0, (start,))
    lower = max(1, _separating_hyperplanes(start, end))
    path = _along_segment(start, end)
    if lower < len(path) - 1 and max_cells > 0:
        lower, shorter = _search(start, end, lower, len(path) - 1, max_cells)
        path = shorter or path
    return PathBounds(lower, len(path) - 1, path)


def _separating_hyperplanes(start: LocalCell, end: LocalCell) -> int:
    """The number of distinct hyperplanes of the first stage with the two cells on different sides."""
    planes = set()
    changed = start.active[0] ^ end.active[0]
    for unit, row in enumerate(start.home.reduced_forms.forms(()).table()):
        if changed >> unit & 1:
            values = [fmpq(v) for v in row]
            pivot = next(v for v in values if v)
            planes.add(tuple(v / pivot for v in values))
    return len(planes)


def _along_segment(start: LocalCell, end: LocalCell) -> tuple[LocalCell, ...]:
    """The cells along a segment between interior points that meets no face of dimension n - 2 or less."""
    home = start.home
    first, last = start.interior_point, end.interior_point
    target = end.polyhedron
    shift = Fraction(1, 7)
    while True:
        check_limits()
        cells = _pieces(segment(home.network, first, last), start)
        if cells is not None:
            return cells
        shift /= 3
        last = _moved(target, end.interior_point, shift)


def _pieces(line: Segment, start: LocalCell) -> tuple[LocalCell, ...] | None:
    """The cells of the pieces; None where two that follow one another are no neighbours."""
    path = [start]
    for piece in line.pieces[1:]:
        active = tuple(sum(int(on) << i for i, on in enumerate(stage)) for stage in piece.pattern)
        following = [cell for cell in path[-1].neighbours() if cell.active == active]
        if active == path[-1].active:
            continue
        if not following:
            return None
        path.append(following[0])
    return tuple(path)


def _moved(target: Polyhedron, point: tuple[fmpq, ...], shift: Fraction) -> tuple[fmpq, ...]:
    """Another interior point: each coordinate moved by its own small amount, halved until it stays inside."""
    step = fmpq(shift.numerator, shift.denominator)
    while True:
        check_limits()
        moved = tuple(value + step / (3 + 2 * i) ** 2 for i, value in enumerate(point))
        if target.contains(moved, strict=True):
            return moved
        step /= 2


def _search(
    start: LocalCell, end: LocalCell, lower: int, upper: int, max_cells: int
) -> tuple[int, tuple[LocalCell, ...] | None]:
    """A breadth-first search for a path shorter than ``upper``: a better lower bound, and the path if there is one."""
    came_from: dict[tuple[int, ...], LocalCell | None] = {start.active: None}
    layer, length = [start], 0
    while layer and length + 1 < upper:
        following = []
        for cell in layer:
            check_limits()
            if len(came_from) > max_cells:
                return max(lower, length + 1), None
            for neighbour in cell.neighbours():
                if neighbour.active not in came_from:
                    came_from[neighbour.active] = cell
                    following.append(neighbour)
                    if neighbour == end:
                        path: list[LocalCell] = [neighbour]
                        while (before := came_from[path[-1].active]) is not None:
                            path.append(before)
                        return length + 1, tuple(reversed(path))
        layer, length = following, length + 1
    return upper, None


__all__ = ["PathBounds", "path_bounds"]
