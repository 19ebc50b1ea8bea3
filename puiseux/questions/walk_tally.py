"""`Tally`: counts the cells, facets and affine maps of a walk; `line_of`: a cell as a line of JSON."""

from __future__ import annotations

import json
from typing import Any

import networkx as nx

from nn_bridge.exploration import LocalCell, RayCell, Visit
from puiseux.questions.answers import texts


class Tally:
    """The patterns, facets and maps of the cells found; the cells themselves are not kept."""

    def __init__(self) -> None:
        self.found: dict[tuple[int, ...], int] = {}  # with the number of the affine map
        self.farthest = self.rays = 0
        self._last: Visit | None = None
        self._unmet = 0  # facets that cells may have beside
        self._between: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()
        self._outer = 0
        self._maps: dict[Any, int] = {}

    def add(self, visit: Visit) -> None:
        """Count a cell."""
        self._last = visit
        cell = visit.cell
        beyond = [cell.neighbour(number) for number in range(cell.facet_count)]
        outputs = cell.output_rows
        for other in beyond:
            if other is None:
                self._outer += 1
            else:  # two cells share one facet at most
                self._between.add((min(cell.active, other.active), max(cell.active, other.active)))
        if isinstance(cell, RayCell):
            self._unmet += cell.facets_at_most - cell.facet_count
            self.rays += cell.rays
        self.found[cell.active] = self._maps.setdefault(outputs, len(self._maps))
        self.farthest = max(self.farthest, visit.distance)

    def add_unfinished(self) -> Visit | None:
        """Count the cell that a limit in time has interrupted, with the facets that rays have met before, if any."""
        last = self._last
        if last is None or last.cell.active in self.found:
            return None
        if not isinstance(last.cell, RayCell) or not last.cell.keep_found():
            return None
        self.add(last)
        return last

    @property
    def facets(self) -> int:
        """The distinct facets."""
        return self._outer + len(self._between)

    @property
    def at_most(self) -> int:
        """A bound on the number of distinct facets of the cells; their number where all facets of each are known."""
        return self.facets + self._unmet

    @property
    def exhausted(self) -> bool:
        """Whether no facet leads to a cell that was not found."""
        return not self._unmet and all(one in self.found and two in self.found for one, two in self._between)

    @property
    def regions(self) -> int:
        """Distinct affine maps; where all cells are found, cells of one map joined across facets."""
        if not self.exhausted:
            return len(self._maps)
        graph = nx.Graph()
        graph.add_nodes_from(self.found)
        graph.add_edges_from(pair for pair in self._between if self.found[pair[0]] == self.found[pair[1]])
        return int(nx.number_connected_components(graph))


def line_of(visit: Visit) -> str:
    """The line that ``puiseux explore -o`` writes for a cell: an object of JSON."""
    cell = visit.cell
    begin = json.dumps({"pattern": cell.pattern_text, "distance": visit.distance})
    if isinstance(cell, RayCell):
        end = _text({"facets": _named(cell), **_inside(cell), "facets_at_most": cell.facets_at_most})
    else:
        end = cell.note or end_of_line(cell)
    return f"{begin[:-1]}, {end}\n"


def end_of_line(cell: LocalCell) -> str:
    """The part of the line about the cell alone, which workers make, too."""
    return _text({"facets": _rows(cell), **_inside(cell)})


def _text(end: dict[str, Any]) -> str:
    return json.dumps(end)[1:]


def _inside(cell: LocalCell) -> dict[str, Any]:
    return {"bounded": cell.bounded, "point": texts(cell.interior_point)}


def _rows(cell: LocalCell) -> list[dict[str, Any]]:
    rows = [(texts(facet.inequality[:-1]), texts(facet.inequality[-1:])) for facet in cell.facets]
    return [{"a": a, "b": b[0]} for a, b in rows if a is not None and b]


def _named(cell: RayCell) -> list[dict[str, Any]]:
    return [
        {"units": [list(name) for name in names if name[0] >= 0], "walls": [k for stage, k in names if stage < 0]}
        for names in cell.facet_names
    ]


__all__ = ["Tally", "end_of_line", "line_of"]
