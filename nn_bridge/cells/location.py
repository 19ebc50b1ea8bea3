"""Data and cells: which cells hold which points, and how far a cell is from the nearest point, exactly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat

from nn_bridge.cells.adjacency import CellAdjacency
from nn_bridge.cells.cell import Cell
from nn_bridge.errors import NetworkError
from nn_bridge.network.float_values import certain_signs
from nn_bridge.network.network import Network, Pattern, Row
from nn_bridge.network.point_cells import cells_at
from polyhedra.arrays import Floats
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ZERO
from tropical.effective_radius import nearest_point


def patterns_of_points(network: Network, points: Iterable[Iterable[Any]]) -> list[tuple[Pattern, ...]]:
    """For each point the patterns of the full-dimensional cells whose closure it lies in: one, or all that it borders.

    Of an array of float64 most points are decided in floating point with a proven bound; the others, and points of
    exact numbers, are decided exactly.

    Examples
    --------
    >>> bent = Network.from_layers([[[1]], [[1]]])
    >>> patterns_of_points(bent, [[2], [0]])
    [(((True,),),), (((False,),), ((True,),))]
    """
    if isinstance(points, np.ndarray) and points.dtype == np.float64 and points.ndim == 2:
        return _patterns_of_floats(network, points)
    return [_patterns_of(network, point) for point in points]


def _patterns_of_floats(network: Network, points: Floats) -> list[tuple[Pattern, ...]]:
    if len(points):
        network.point(points[0])  # refuses a wrong length
    found: list[tuple[Pattern, ...]] = []
    for stages, certain in certain_signs(network, points):
        rows = list(zip(*(stage.tolist() for stage in stages), strict=True)) or [()] * len(certain)
        for row, sure in zip(rows, certain.tolist(), strict=True):
            point = points[len(found)]
            found.append((tuple(map(tuple, row)),) if sure else _patterns_of(network, point.tolist()))
    return found


def _patterns_of(network: Network, point: Iterable[Any]) -> tuple[Pattern, ...]:
    *stages, _ = network.preactivations(point)
    if all(value != 0 for stage in stages for value in stage):
        return (tuple(tuple(bool(value > 0) for value in stage) for stage in stages),)
    return tuple(cell.pattern for cell in cells_at(network, point))


def points_by_cell(cells: Sequence[Cell], points: Sequence[Iterable[Any]]) -> list[list[int]]:
    """For each cell of one network and domain the numbers of the points in it (in its closure).

    Points outside the domain are in no cell.
    """
    holders: list[list[int]] = [[] for _ in cells]
    if not cells:
        return holders
    network, domain = cells[0].network, cells[0].domain
    number = {cell.pattern: k for k, cell in enumerate(cells)}
    for i, (point, patterns) in enumerate(zip(points, patterns_of_points(network, points), strict=True)):
        for pattern in patterns:
            k = number.get(pattern)
            # at a facet of the domain the cell of the pattern may lie outside, or not reach the point: test containment
            if k is not None and (domain is None or cells[k].polyhedron.contains(network.point(point))):
                holders[k].append(i)
    return holders


def cells_with_points(network: Network, found: CellAdjacency, points: Iterable[Iterable[Any]]) -> list[int]:
    """The numbers, increasing, of the cells on all of R^n that hold points (in their closure).

    Parameters
    ----------
    network : Network
    found : CellAdjacency
        That of the network, on all of R^n.
    points : iterable of points

    Examples
    --------
    >>> from nn_bridge.cells.adjacency import cell_adjacency
    >>> bent = Network.from_layers([[[1], [1]], [[1, 1]]], [[0, -1], [0]])
    >>> len(cells_with_points(bent, cell_adjacency(bent), [[5], [7], [0]]))
    3
    """
    rows = np.concatenate([np.zeros((found.cells, 0), dtype=bool), *found.patterns], axis=1)
    number = {row.tobytes(): k for k, row in enumerate(rows)}
    return sorted(
        {
            number[np.array([on for stage in pattern for on in stage], dtype=bool).tobytes()]
            for patterns in patterns_of_points(network, points)
            for pattern in patterns
        }
    )


def distance_to_points(polyhedron: Polyhedron, points: Sequence[Row]) -> fmpq:
    """The least distance, in the maximum norm, from a polyhedron to one of the points, exactly.

    A linear program a point, nearest first by a bound from the violated inequalities, so that few are solved.

    Raises
    ------
    NetworkError
        No points.

    Examples
    --------
    >>> distance_to_points(Polyhedron.box([0, 0], [1, 1]), [(fmpq(3), fmpq(2)), (fmpq(0), fmpq(5))])
    2
    """
    if not points:
        raise NetworkError("there are no points to be distant from")
    best: fmpq | None = None
    for bound, i in sorted(zip(_lower_bounds(polyhedron, points), range(len(points)), strict=True)):
        if best is not None and bound >= best:
            break
        distance = ZERO if bound == 0 else nearest_point(polyhedron, points[i])[0]
        best = distance if best is None else min(best, distance)
    assert best is not None
    return best


def _lower_bounds(polyhedron: Polyhedron, points: Sequence[Row]) -> list[fmpq]:
    """For each point the largest a . x - b over |a|_1: 0 exactly where the point is in the polyhedron."""
    pairs = list(zip(polyhedron.A, polyhedron.b, strict=True))
    for a, b in zip(polyhedron.A_eq, polyhedron.b_eq, strict=True):
        pairs += [(a, b), (tuple(-v for v in a), -b)]
    rows = [(a, b) for a, b in pairs if any(a)]
    if not rows:
        return [ZERO] * len(points)
    scaled = [[*(v / sum(map(abs, a)) for v in a), -b / sum(map(abs, a))] for a, b in rows]
    values = (fmpq_mat([[*point, fmpq(1)] for point in points]) * fmpq_mat(scaled).transpose()).tolist()
    return [max(ZERO, *row) for row in values]
