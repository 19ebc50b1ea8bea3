"""Whether every output is reached: by a network onto R^m, or by one with a ReLU on its outputs onto the orthant; exact.

The outputs of a full-dimensional cell are a polyhedron. Only those of dimension m matter: finitely many closed ones
cover a set that is the closure of its interior if and only if they cover it without those of lower dimension. They are
taken away from the target one after another, always one that holds a point of what is left; a point of what is left
that lies in none of them is reached by no input, or by cells of lower dimension only, and then a point near it is not.

Source: Froese, Grillo and Skutella 2025 for the complexity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from flint import fmpq

from nn_bridge.cells.cell import Cell, iterate_cells
from nn_bridge.network.network import Network, Row
from polyhedra.answers import Infeasible, NoInterior
from polyhedra.limits import OutOfTime, check_limits, time_limit
from polyhedra.linear_program import interior, maximize
from polyhedra.matrix import AffineMap, dot, inverse, rank
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ONE, ZERO, rational
from polyhedra.values import Value

_SEED = 3

Rows = list[tuple[fmpq, ...]]
"""Inequalities ``(a, b)``: a . y <= b."""


@dataclass(frozen=True, slots=True, repr=False)
class Surjectivity(Value):
    """Whether every output is reached.

    Attributes
    ----------
    surjective : bool or None
        None where a limit came first.
    target : str
        "R^m" or "orthant", the set of all outputs that could be reached.
    unreached : row or None
        An output that no input has.
    cells : int
        Full-dimensional cells that were looked at.
    pieces : int
        Convex pieces of the target that were looked at.
    reason : str or None
        Why it is not surjective, or why it is open.
    """

    surjective: bool | None
    target: str
    unreached: Row | None
    cells: int
    pieces: int
    reason: str | None = field(default=None)


def surjectivity(
    network: Network, domain: Polyhedron | None = None, *, time_limit_seconds: float | None = None
) -> Surjectivity:
    """Decide whether the inputs of a full-dimensional domain (all of R^n by default) reach every output, exactly.

    The target is the orthant of all non-negative outputs where each output is that of a ReLU unit, else R^m.

    Examples
    --------
    >>> found = surjectivity(Network.from_layers([[[1], [-1]], [[1, 1]]]))  # |x|
    >>> found.surjective, found.target, found.unreached
    (False, 'R^m', (-2,))
    >>> surjectivity(Network.from_layers([[[1, 1], [0, 1]]], relu_on_output=True))
    Surjectivity(surjective=True, target='orthant', cells=4, pieces=3)
    """
    search = _Search(network)
    try:
        with time_limit(time_limit_seconds):
            return search.run(domain)
    except OutOfTime:
        return search.answer(None, None, "time limit")


class _Search:
    def __init__(self, network: Network) -> None:
        self.network = network
        self.orthant = ends_in_relu(network)
        self.cells: list[Cell] = []
        self.images: list[Rows] = []
        self.pieces = 0
        self.rng = np.random.default_rng(_SEED)

    def answer(self, surjective: bool | None, unreached: Row | None, reason: str | None) -> Surjectivity:
        target = "orthant" if self.orthant else "R^m"
        return Surjectivity(surjective, target, unreached, len(self.cells), self.pieces, reason)

    def run(self, domain: Polyhedron | None) -> Surjectivity:
        m = self.network.output_dim
        for cell in iterate_cells(self.network, domain):
            check_limits()
            self.cells.append(cell)
            if rank(cell.affine_map.matrix) == m:
                self.images.append(image_rows(cell))
        start: Rows = []
        if self.orthant:
            start = [tuple(rational(-1) if i == j else ZERO for j in range(m)) + (ZERO,) for i in range(m)]
        point = self._left(start)
        if point is None:
            return self.answer(True, None, None)
        reason = "no cell has outputs of full dimension" if not self.images else "outputs are missed"
        return self.answer(False, point, reason)

    def _left(self, rows: Rows) -> Row | None:
        """A point of a polyhedron's interior that no input has as its outputs, or None where the images cover it."""
        waiting = [rows]
        while waiting:
            check_limits()
            rows = waiting.pop()
            self.pieces += 1
            point = self._inside(rows)
            if point is None:
                continue
            holder = next((image for image in self.images if all(dot(r[:-1], point) <= r[-1] for r in image)), None)
            if holder is None:
                return self._missed(rows, point)
            kept = list(rows)
            for row in holder:
                waiting.append([*kept, tuple(-value for value in row)])
                kept.append(row)
        return None

    def _inside(self, rows: Rows) -> Row | None:
        if not rows:
            return (ZERO,) * self.network.output_dim
        found = interior([row[:-1] for row in rows], [row[-1] for row in rows], dim=self.network.output_dim)
        return None if isinstance(found, NoInterior) else tuple(found.point)

    def _missed(self, rows: Rows, point: Row) -> Row | None:
        """A point near one that no image of full dimension holds, outside all other images too."""
        while self._reached(point):
            check_limits()
            normal = tuple(fmpq(int(v)) for v in self.rng.integers(-99, 100, size=len(point)))
            around = [image for image in self.images if image]
            halves = [*rows, *(self._broken(image, point) for image in around), (*normal, dot(normal, point))]
            found = self._inside(halves)
            assert found is not None  # the point is inside of what is left, which is open
            point = tuple((p + 63 * q) / 64 for p, q in zip(found, point, strict=True))
        return point

    def _broken(self, image: Rows, point: Row) -> tuple[fmpq, ...]:
        """The inequality that keeps outside an image on the side of a point."""
        row = next(row for row in image if dot(row[:-1], point) > row[-1])
        return tuple(-value for value in row)

    def _reached(self, point: Row) -> bool:
        """Whether a cell has the outputs, whatever the dimension of its image."""
        for cell in self.cells:
            check_limits()
            affine = cell.affine_map
            equal = [value - k for value, k in zip(point, affine.offset, strict=True)]
            rows = [list(facet.inequality[:-1]) for facet in cell.facets]
            right = [facet.inequality[-1] for facet in cell.facets]
            if not isinstance(maximize([ZERO] * affine.input_dim, rows, right, affine.matrix, equal), Infeasible):
                return True
        return False


def image_rows(cell: Cell) -> Rows:
    """The outputs of a cell as inequalities, where they have full dimension."""
    affine = cell.affine_map
    if affine.input_dim == len(affine.matrix):
        back = inverse(affine.matrix)
        rows: Rows = []
        for facet in cell.facets:
            *a, bound = facet.inequality
            normal = [dot(a, column) for column in zip(*back, strict=True)]
            rows.append((*normal, bound + dot(normal, affine.offset)))
        return rows
    parts = cell.generators
    linear = AffineMap(affine.matrix, (ZERO,) * len(affine.matrix), affine.input_dim)
    image = Polyhedron.from_generators(
        [affine(x) for x in parts.vertices], [linear(x) for x in parts.rays], [linear(x) for x in parts.lines]
    )
    return [tuple(row) for row in image.inequalities]


def ends_in_relu(network: Network) -> bool:
    """Whether each output is one unit's, and different outputs are different units'."""
    if not network.stages or any(value != 0 for value in network.output.bias):
        return False
    used: list[tuple[int, int]] = []
    for i in range(network.output_dim):
        entries: list[tuple[int, int]] = []
        for source, block in network.output.blocks:
            row: Sequence[fmpq] = block[i]
            entries += [(source, j) for j, value in enumerate(row) if value != 0]
            if (source == 0 and any(row)) or any(value not in (ZERO, ONE) for value in row):
                return False
        if len(entries) != 1:
            return False
        used += entries
    return len(set(used)) == len(used)
