"""`Subject`: the network of a report with what its parts have found so far, and the time that is left."""

from __future__ import annotations

import html
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nn_bridge.network.network import Network
from nn_bridge.region_count import RegionCount
from polyhedra.cached_values import cached_property
from puiseux.domains import Problem

if TYPE_CHECKING:
    from nn_bridge.cells.complex import CellComplex
    from puiseux.pictures.windows import Arrangements


_KEPT_CELLS = 100_000
"""More cells are counted without being kept."""


class LeftOut(Exception):
    """A part of the page cannot or should not be made; the text says why."""


@dataclass
class Subject:
    """The subject of a report, the findings so far, and the time that is left.

    Attributes
    ----------
    problem : Problem
    original : Network
        Before a slice restricted it.
    name : str
        What to call it: the file, or a description.
    path : Path or None
        The file it was read from.
    data : points to draw over the pictures, or None
    command : str or None
        The command line that makes this page.
    time_limit : float
    count : RegionCount or None
        Known once the counts are made.
    found : CellComplex or None
        All cells, where they were kept while they were counted.
    proven, not_proven : list of str
        The statements that the parts of the page have proven, and those that they could not prove.
    begun : float
        The value of ``time.monotonic`` at the start.
    """

    problem: Problem
    original: Network
    name: str
    path: Path | None
    data: Any
    command: str | None
    time_limit: float
    count: RegionCount | None = None
    found: CellComplex | None = None
    proven: list[str] = field(default_factory=list)
    not_proven: list[str] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)

    def counted(self, part: float) -> RegionCount:
        """Count in a part of the time that is left; keep the cells for the other parts where they are not too many."""
        from puiseux.questions.count import count_and_keep, count_problem

        begun = self.seconds
        limit = round(self.share(part), 1)
        self.count, self.found = count_and_keep(self.problem, time_limit=limit, max_cells=_KEPT_CELLS)
        if not self.count.complete and (self.count.cells or 0) > _KEPT_CELLS:
            left = max(0.1, round(limit - (self.seconds - begun), 1))
            self.count = count_problem(self.problem, time_limit=left)
        return self.count

    @cached_property
    def cells(self) -> CellComplex:
        """All cells, enumerated now where they were not kept."""
        from nn_bridge.cells.complex import cell_complex

        return cell_complex(self.problem.network, self.problem.domain) if self.found is None else self.found

    @cached_property
    def arrangements(self) -> Arrangements:
        """The arrangements that the pictures draw, each made once."""
        from puiseux.pictures.windows import Arrangements

        return Arrangements(self.problem, self.found)

    @property
    def seconds(self) -> float:
        """The seconds spent so far."""
        return time.monotonic() - self.begun

    def share(self, part: float) -> float:
        """A part of the time that is left.

        Raises
        ------
        LeftOut
            None is left.
        """
        left = self.time_limit - self.seconds
        if left <= 0:
            raise LeftOut(f"the time limit of {self.time_limit:g} s was reached before; give more with --time-limit")
        return left * part


def left_out(reason: str) -> str:
    """The note that stands in place of a part."""
    return f'<p class="left-out">Left out: {html.escape(reason)}.</p>'
