"""Whether a network is injective: no two inputs have the same outputs; exact, with a witness pair where it is not.

On each full-dimensional cell the network is affine and must have rank n. Then two inputs with the same outputs lie in
two different closed cells c and d. The pairs (x, y) with x in c, y in d and f(x) = f(y) are a polyhedron: the cells are
harmless if and only if x = y on all of it. The equations are solved first; then exact linear programs decide,
coordinate by coordinate. Most cells are put apart before that, by intervals of their images along some directions,
rounded outwards.

Sources: Puthawala, Kothari, Lassas, Dokmanic and de Hoop 2022 for layers; Froese, Grillo and Skutella 2025 for the
complexity.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from flint import fmpq

from nn_bridge.cells.cell import Cell, iterate_cells
from nn_bridge.network.network import Network, Row
from polyhedra.answers import Infeasible, Unbounded
from polyhedra.limits import OutOfTime, check_limits, time_limit
from polyhedra.linear_program import maximize
from polyhedra.matrix import AffineMap, Matrix, dot, identity, nullspace, solve
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ONE, ZERO, to_float
from polyhedra.values import Value

_DIRECTIONS = 24  # random directions in the space of outputs, beside the axes, along which images are put apart
_SEED = 5


@dataclass(frozen=True, slots=True, repr=False)
class Injectivity(Value):
    """Whether a network is injective on a domain.

    Attributes
    ----------
    injective : bool or None
        None where a limit came first.
    points : pair of rows or None
        Two different inputs with the same outputs.
    output : row or None
        Their outputs.
    cells : int
        Full-dimensional cells that were looked at.
    pairs : int
        Pairs of cells that linear programs decided.
    reason : str or None
        Why it is not injective, or why it is open.
    """

    injective: bool | None
    points: tuple[Row, Row] | None
    output: Row | None
    cells: int
    pairs: int
    reason: str | None = field(default=None)


def injectivity(
    network: Network, domain: Polyhedron | None = None, *, time_limit_seconds: float | None = None
) -> Injectivity:
    """Decide whether a network is injective on a full-dimensional domain (all of R^n by default), exactly.

    Examples
    --------
    >>> found = injectivity(Network.from_layers([[[1], [-1]], [[1, 1]]]))  # |x|
    >>> found.injective, found.points
    (False, ((-1,), (1,)))
    >>> injectivity(Network.from_layers([[[1], [-1]], [[1, 0], [0, 1]]])).injective  # (max(0, x), max(0, -x))
    True
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
        self.cells: list[Cell] = []
        self.pairs = 0

    def answer(self, injective: bool | None, points: tuple[Row, Row] | None, reason: str | None) -> Injectivity:
        output = None
        if points is not None:
            first, second = points
            output = self.network.evaluate(first)
            assert first != second
            assert output == self.network.evaluate(second)
        return Injectivity(injective, points, output, len(self.cells), self.pairs, reason)

    def run(self, domain: Polyhedron | None) -> Injectivity:
        for cell in iterate_cells(self.network, domain):
            check_limits()
            self.cells.append(cell)
            kernel = nullspace(cell.affine_map.matrix, self.network.input_dim)
            if kernel:
                points = _two_points(cell, kernel[0])
                return self.answer(False, points, "the network is constant in a direction within a cell")
        for one, two in self._close_pairs():
            check_limits()
            self.pairs += 1
            found = common_output(self.cells[one], self.cells[two])
            if found is not None:
                return self.answer(False, found, "two cells have outputs in common")
        return self.answer(True, None, None)

    def _close_pairs(self) -> list[tuple[int, int]]:
        """Pairs of cells with different maps whose images no direction puts apart; neighbours come first."""
        boxes = np.array([self._intervals(cell) for cell in self.cells])
        maps = [cell.affine_map for cell in self.cells]
        found = []
        for one in range(len(self.cells)):
            check_limits()
            apart = (boxes[one + 1 :, :, 0] > boxes[one, :, 1]) | (boxes[one + 1 :, :, 1] < boxes[one, :, 0])
            near = (one + 1 + np.flatnonzero(~apart.any(axis=1))).tolist()
            found += [(one, two) for two in near if maps[one] != maps[two]]
        return sorted(found, key=lambda pair: self._differences(*pair))

    def _differences(self, one: int, two: int) -> int:
        pairs = zip(self.cells[one].pattern, self.cells[two].pattern, strict=True)
        return sum(a != b for first, second in pairs for a, b in zip(first, second, strict=True))

    def _intervals(self, cell: Cell) -> list[tuple[float, float]]:
        """The interval of the cell's image along each direction, rounded outwards."""
        check_limits()
        parts, matrix = cell.generators, cell.affine_map.matrix
        linear = AffineMap(matrix, (ZERO,) * len(matrix), len(cell.interior_point))
        vertices = [cell.affine_map(x) for x in parts.vertices]
        rays = [linear(x) for x in parts.rays]
        rays += [tuple(sign * v for v in linear(x)) for x in parts.lines for sign in (1, -1)]
        found = []
        for direction in _directions(self.network.output_dim):
            values = [dot(direction, y) for y in vertices]
            slopes = [dot(direction, y) for y in rays]
            low = -math.inf if any(s < 0 for s in slopes) else math.nextafter(to_float(min(values)), -math.inf)
            high = math.inf if any(s > 0 for s in slopes) else math.nextafter(to_float(max(values)), math.inf)
            found.append((low, high))
        return found


def common_output(one: Cell, two: Cell) -> tuple[Row, Row] | None:
    """Different points x, y of two closed cells with the same outputs, or None: there are none.

    Each map has rank n on its cell.
    """
    first, second = one.affine_map, two.affine_map
    n = first.input_dim
    rows = tuple((*a, *(-v for v in b)) for a, b in zip(first.matrix, second.matrix, strict=True))
    start = solve(rows, [b - a for a, b in zip(first.offset, second.offset, strict=True)], 2 * n)
    if start is None:
        return None
    ways = nullspace(rows, 2 * n)
    A, b = [], []
    for cell, place in ((one, 0), (two, n)):
        for facet in cell.facets:
            *a, bound = facet.inequality
            A.append([dot(a, way[place : place + n]) for way in ways])
            b.append(bound - dot(a, start[place : place + n]))
    if not ways:
        return _different(start, n) if all(bound >= 0 for bound in b) else None
    for i in range(n):
        objective = [way[i] - way[n + i] for way in ways]
        constant = start[i] - start[n + i]
        for sign in (1, -1):
            answer = maximize([sign * value for value in objective], A, b)
            if isinstance(answer, Infeasible):
                return None
            z: Sequence[fmpq] = answer.point
            if isinstance(answer, Unbounded) and dot(objective, z) + constant == 0:
                z = [p + d for p, d in zip(z, answer.direction, strict=True)]
            both = [p + dot([way[j] for way in ways], z) for j, p in enumerate(start)]
            if both[:n] != both[n:]:
                return _different(both, n)
    return None


def _different(both: Sequence[fmpq], n: int) -> tuple[Row, Row] | None:
    first, second = tuple(both[:n]), tuple(both[n:])
    return (first, second) if first != second else None


def _two_points(cell: Cell, direction: Row) -> tuple[Row, Row]:
    """Two points of a cell, one inside, that differ by a multiple of a direction."""
    x = cell.interior_point
    step = ONE
    for facet in cell.facets:
        *a, bound = facet.inequality
        slope = abs(dot(a, direction))
        if slope != 0:
            step = min(step, (bound - dot(a, x)) / slope)
    return x, tuple(p + step * d for p, d in zip(x, direction, strict=True))


def _directions(dim: int) -> Matrix:
    """The axes, and some random directions of small integers."""
    rng = np.random.default_rng(_SEED)
    some = rng.integers(-9, 10, size=(_DIRECTIONS if dim > 1 else 0, dim))
    return (*identity(dim), *(tuple(fmpq(int(v)) for v in row) for row in some if row.any()))
