"""The exact set of outputs of a network on a domain, as a union of polyhedra: one for each cell."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flint import fmpq

from milp.cell_batches import TooManyCells, exact_cells
from milp.domain import OutOfTime
from nn_bridge.network.network import Network, Pattern, Row
from polyhedra.option_types import checked_options
from polyhedra.polyhedron import Polyhedron
from polyhedra.progress import Steps, with_steps
from polyhedra.scalars import rationals
from polyhedra.values import Value
from puiseux.domains import DomainLike, pose
from puiseux.reading import as_network
from puiseux.time_limit import check_time_limit


@dataclass(frozen=True, slots=True, repr=False)
class ReachablePiece(Value):
    """The outputs on one cell.

    Attributes
    ----------
    outputs : Polyhedron
        The image of the closed cell, irredundant; it may have a lower dimension than the space of outputs.
    pattern : Pattern
        The cell: for each unit whether it is active.
    """

    outputs: Polyhedron
    pattern: Pattern


@dataclass(frozen=True, slots=True, repr=False)
class ReachableSet(Value):
    """The set of all outputs of a network on a domain.

    Attributes
    ----------
    pieces : tuple of ReachablePiece
        Its union is the set; equal images of several cells are there once.
    complete : bool
        Whether all cells were looked at; else the pieces are a part of the set.
    cells : int
    domain : str
    seconds : float
    reason : str or None
        Why it is not complete.
    network : Network
    """

    pieces: tuple[ReachablePiece, ...]
    complete: bool
    cells: int
    domain: str
    seconds: float
    reason: str | None
    network: Network

    def contains(self, outputs: Iterable[Any]) -> bool:
        """Whether some input of the domain has exactly these outputs (of an incomplete set: is known to have)."""
        point = rationals(outputs)
        return any(piece.outputs.contains(point) for piece in self.pieces)

    def bounds(self) -> tuple[tuple[fmpq | None, fmpq | None], ...]:
        """The least and greatest value of each output, None where there is none: the smallest box around the set.

        Examples
        --------
        >>> reachable_set([[[1], [-1]], [[1, 1], [1, -1]]], "box:-1,2").bounds()  # |x| and x
        ((0, 2), (-1, 2))
        """
        found: list[tuple[fmpq | None, fmpq | None]] = []
        for k in range(self.network.output_dim):
            values = [vertex[k] for piece in self.pieces for vertex in piece.outputs.vertices()]
            ways = [ray[k] for piece in self.pieces for ray in piece.outputs.rays()]
            ways += [sign * line[k] for piece in self.pieces for line in piece.outputs.lines() for sign in (1, -1)]
            low = None if any(v < 0 for v in ways) else min(values, default=None)
            high = None if any(v > 0 for v in ways) else max(values, default=None)
            found.append((low, high))
        return tuple(found)


@checked_options
@with_steps("Listing the cells")
def reachable_set(
    network: Network | Any,
    domain: DomainLike = None,
    *,
    max_cells: int | None = None,
    time_limit: float | None = None,
    progress: Steps = None,
) -> ReachableSet:
    """The exact set of outputs that a network has on a domain, as a union of polyhedra.

    Parameters
    ----------
    network : whatever `as_network` takes
        Small: there is one polyhedron for each cell.
    domain : str, Polyhedron, (low, high), list of pairs, or None
        As in `count_regions`.
    max_cells : int, optional
        Stop after so many cells.
    time_limit : float, optional
        Seconds.
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.

    Raises
    ------
    PuiseuxError
        The domain does not fit the network, or has no interior.

    Examples
    --------
    >>> found = reachable_set([[[1], [-1]], [[1, 1], [1, -1]]], "box:-1,2")  # the graph of |x|, turned
    >>> [piece.outputs.vertices() for piece in found.pieces]
    [((0, 0), (1, -1)), ((0, 0), (2, 2))]
    >>> found.contains([1, -1]), found.contains([1, 0])
    (True, False)
    """
    start = time.monotonic()
    check_time_limit(time_limit)
    problem = pose(as_network(network), domain)
    deadline = None if time_limit is None else start + time_limit
    found: dict[Polyhedron, ReachablePiece] = {}
    cells, reason = 0, None
    try:
        for cell in exact_cells(problem.network, problem.domain, deadline, max_cells):
            cells += 1
            image = _image(problem.network, cell.pattern, cell.generators)
            found.setdefault(image, ReachablePiece(image, cell.pattern))
    except (OutOfTime, TooManyCells) as error:
        reason = str(error)
    seconds = time.monotonic() - start
    return ReachableSet(tuple(found.values()), reason is None, cells, problem.text, seconds, reason, problem.network)


def _image(network: Network, pattern: Pattern, generators: Any) -> Polyhedron:
    """The outputs on a cell with these vertices, rays and lines."""
    forms = network.affine_forms(pattern)[-1]

    def value(point: Row, constant: bool) -> Row:
        return tuple(
            sum((a * v for a, v in zip(row[:-1], point, strict=True)), row[-1] if constant else fmpq(0))
            for row in forms
        )

    vertices = dict.fromkeys(value(point, True) for point in generators.vertices)
    rays = [image for ray in generators.rays if any(image := value(ray, False))]
    lines = [image for line in generators.lines if any(image := value(line, False))]
    return Polyhedron.from_generators(vertices, rays, lines, dim=network.output_dim)
