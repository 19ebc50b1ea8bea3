"""The problem of the cell engine: a network and a domain in the coordinates that matter, exactly.

* Directions that neither the units nor the domain see (the lineality space) are divided out: cells are products
  with it.
* The subdivision starts from the domain's generators; on all of R^n from the orthants that well-pivoted independent
  rows of the first stage cut around their common point.  There are no artificial walls.
* Directions that only later stages see (skip connections), or that the domain leaves free, stay as *lines* until a unit
  cuts them.  Coordinates are chosen such that line ``c`` is coordinate axis ``c``, and generators have coordinate 0
  there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from flint import fmpq, fmpq_mat

from nn_bridge.cells.start_cells import (
    AXIS,
    INFINITY_SLOT,
    Generator,
    UnitCoordinates,
    domain_generators,
    orthants,
    require_few_vertices,
    unit_coordinates,
)
from nn_bridge.errors import NetworkError
from nn_bridge.network.dense_sizes import check_forms
from nn_bridge.network.network import INPUT, AffineStage, Matrix, Network
from polyhedra.independence import independent, kernel
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ONE, ZERO, primitive

MOST_PLAIN_DIMENSIONS = 40
"""Above, hyperplanes are not counted without cells: there are over 2**40, and rows restricted so often fill memory."""


@dataclass(frozen=True)
class StartCell:
    """A cell from which the subdivision starts: indices of generators, and the first-stage units already split."""

    generators: tuple[int, ...]
    decided: tuple[int, ...]


@dataclass(frozen=True)
class CellProblem:
    """A network on a domain, reduced.

    Attributes
    ----------
    network : Network
        In ``dim`` reduced coordinates ``t``; the original input is ``x = lift t``.
    basis : matrix of shape (n, dim), UnitCoordinates, or None for the identity
        How coordinates are lifted; see `lift`.
    walls : tuple of integer rows
        ``(a, b)`` with ``a . t + b >= 0`` on the domain.
    lines : tuple of int
        The coordinates of ``t`` that no start generator uses.
    slots : tuple of (kind, number)
        What each facet slot of the start cells is: infinity, an axis (a line's coordinate is 0), or a wall.
    generators : tuple of Generator
        Empty where cells are counted without a start cell (`for_counting`).
    start_rows : tuple of int
        The units of the first stage whose orthants the start cells are; empty where there is one start cell.
    input_dim : int
        The dimension of the original input.
    unbounded_lineality : bool
        Whether the domain is unbounded along a direction that no unit sees, which the reduction left out.
    """

    network: Network
    basis: Matrix | UnitCoordinates | None
    walls: tuple[tuple[int, ...], ...]
    lines: tuple[int, ...]
    slots: tuple[tuple[int, int], ...]
    generators: tuple[Generator, ...]
    start_rows: tuple[int, ...]
    input_dim: int
    unbounded_lineality: bool

    @property
    def dim(self) -> int:
        """The number of reduced coordinates."""
        return self.network.input_dim

    @property
    def lift(self) -> Matrix | None:
        """The matrix with ``x = lift t``; None for the identity."""
        return self.basis.lift if isinstance(self.basis, UnitCoordinates) else self.basis

    @property
    def roots(self) -> int:
        """The number of start cells."""
        return 2 ** len(self.start_rows)

    def for_counting(self) -> CellProblem:
        """The problem whose cells are the same in number, for a tree that only counts.

        The hyperplanes of one stage on all of R^n are counted without any cell, so there is no start cell.
        """
        one_stage = len(self.network.stages) == 1 and not (self.walls or self.lines)
        if not (one_stage and self.start_rows and self.dim <= MOST_PLAIN_DIMENSIONS):
            return self
        return replace(self, generators=(), start_rows=())

    def start_cells(self, begin: int, end: int) -> Iterator[StartCell]:
        """The start cells with numbers ``begin .. end - 1``."""
        if not self.start_rows:
            if begin <= 0 < end:
                yield StartCell(tuple(range(len(self.generators))), ())
            return
        count = len(self.start_rows)
        for number in range(begin, min(end, self.roots)):
            rays = tuple(1 + 2 * i + (number >> i & 1) for i in range(count))
            yield StartCell((0, *rays), self.start_rows)

    def lifted(self, point: Any) -> tuple[fmpq, ...]:
        """The original input of reduced coordinates."""
        if self.basis is None:
            return tuple(point)
        if isinstance(self.basis, UnitCoordinates):
            return self.basis.lifted(point)
        return tuple(sum((a * t for a, t in zip(row, point, strict=True)), ZERO) for row in self.basis)


def cell_problem(network: Network, domain: Polyhedron | None = None) -> CellProblem | None:
    """Reduce a network on a domain (None: all of R^n); None where there is nothing to cut (one cell).

    Raises
    ------
    NetworkError
        The domain has another dimension than the input, or no interior.
    """
    check_forms(network)
    n = network.input_dim
    walls: Matrix = ()
    if domain is not None:
        if domain.dim != n:
            raise NetworkError(f"the domain has {counted(domain.dim, 'coordinate')}, the network reads {n}")
        require_few_vertices(domain.inequalities, n)
        if not domain.is_full_dimensional():
            raise NetworkError("the domain has no interior; to count on a plane give it as a slice instead")
        walls = tuple((*(-a for a in row[:-1]), row[-1]) for row in domain.irredundant().inequalities)
    if network.stages and not walls:
        found = independent(network.stages[0].block(INPUT) or ())
        in_units = unit_coordinates(network, found)
        if in_units is not None:
            return _in_units(network, *in_units, found.rows)
    direct = tuple(row for stage in network.stages for row in (stage.block(INPUT) or ()))
    wall_rows = tuple(row[:-1] for row in walls)
    bounded = bool(walls) and len(walls) == 2 * n and all(sum(map(bool, row[:-1])) == 1 for row in walls)
    pivots = tuple(range(n)) if bounded else independent((*direct, *wall_rows)).columns
    if not pivots:
        return None
    if not network.stages:  # the walls alone make one cell; a unit that is 0 everywhere lets the tree find it
        network = replace(network, stages=(AffineStage((), (ZERO,)),), layers=None)
    start = wall_rows if walls else (network.stages[0].block(INPUT) or ())
    reduced = _pick(n, pivots)
    lift: Matrix = reduced
    start_reduced = tuple(tuple(row[c] for c in pivots) for row in start)
    lines: tuple[int, ...] = ()
    if len(start) < len(direct) + len(wall_rows) and not bounded:
        seen_at_start = independent(start_reduced)
        held = seen_at_start.columns
        free = kernel(start_reduced, seen_at_start) if start_reduced else _pick(len(pivots), range(len(pivots)))
    else:
        free = []
    if free:
        columns = [[ONE if i == c else ZERO for i in range(len(pivots))] for c in held] + [list(v) for v in free]
        change = fmpq_mat([list(row) for row in zip(*columns, strict=True)])
        lift = tuple(map(tuple, (fmpq_mat([list(r) for r in reduced]) * change).tolist()))
        lines = tuple(range(len(held), len(pivots)))
    identity = len(pivots) == n and (not lines or lift == reduced)
    inner = network if identity else network.restrict_to(lift, [0] * n)
    slots = [INFINITY_SLOT, *((AXIS, c) for c in lines)]
    integer_walls: tuple[tuple[int, ...], ...] = ()
    start_rows: tuple[int, ...] = ()
    if walls:
        integer_walls = _moved(walls, None if identity else lift)
        generators, slots = domain_generators(integer_walls, len(pivots), lines, slots)
    else:
        generators, start_rows = orthants(inner, len(pivots) - len(lines), len(pivots), len(lines))
    return CellProblem(
        network=inner,
        basis=None if identity else lift,
        walls=integer_walls,
        lines=lines,
        slots=tuple(slots),
        generators=tuple(generators),
        start_rows=start_rows,
        input_dim=n,
        unbounded_lineality=len(pivots) < n,
    )


def _in_units(network: Network, inner: Network, coordinates: UnitCoordinates, units: tuple[int, ...]) -> CellProblem:
    """The problem on all of R^n in the values of first-stage units: the start cells are orthants."""
    dim = inner.input_dim
    generators, start_rows = orthants(inner, dim, dim, 0, units)
    return CellProblem(
        network=inner,
        basis=coordinates,
        walls=(),
        lines=(),
        slots=(INFINITY_SLOT,),
        generators=tuple(generators),
        start_rows=start_rows,
        input_dim=network.input_dim,
        unbounded_lineality=dim < network.input_dim,
    )


def _moved(walls: Matrix, lift: Matrix | None) -> tuple[tuple[int, ...], ...]:
    """The walls in reduced coordinates, as primitive integer rows."""
    if lift is None:
        return tuple(primitive(row) for row in walls)
    moved = fmpq_mat([list(row[:-1]) for row in walls]) * fmpq_mat([list(row) for row in lift])
    return tuple(primitive([*row, wall[-1]]) for row, wall in zip(moved.tolist(), walls, strict=True))


def _pick(n: int, columns: Any) -> Matrix:
    return tuple(tuple(ONE if i == c else ZERO for c in columns) for i in range(n))
