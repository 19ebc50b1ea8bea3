"""The cells from which a subdivision starts: the domain, or the orthants around the common point of some units.

Coordinates ``t`` replace the inputs ``x`` where units and domain do not see all directions.  They are some of the
inputs, combinations of them, or the values of independent units of the first stage without their biases
(`UnitCoordinates`): then the start cells are plain orthants, however many inputs there are, and no matrix is inverted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from flint import fmpq, fmpq_mat

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import INPUT, AffineStage, Matrix, Network
from polyhedra.cached_values import cached_property
from polyhedra.generators import homogeneous_generators
from polyhedra.independence import Independent, independent, inverse_columns, is_invertible
from polyhedra.lifting import Solver
from polyhedra.limits import check_limits
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ONE, ZERO, primitive, to_float

INFINITY_SLOT, AXIS, WALL = (-1, -1), -2, -1

MOST_BOX_INPUTS = 20
"""A box in more dimensions has too many vertices to start from."""

_INVERTED_EASILY = 16


class TooManyVertices(NetworkError):
    """The domain has more vertices than a subdivision can start from."""


@dataclass(frozen=True)
class Generator:
    """A vertex or ray of a start cell: primitive integer homogeneous coordinates, and the facet slots it lies on."""

    vector: tuple[int, ...]
    slots: frozenset[int]

    @property
    def is_ray(self) -> bool:
        """Whether it lies at infinity."""
        return self.vector[-1] == 0


@dataclass(frozen=True)
class UnitCoordinates:
    """Coordinates ``t = B x``, where the rows of ``B`` are the weights of independent units of the first stage.

    Attributes
    ----------
    square : matrix of shape (dim, dim)
        The columns of ``B`` at ``columns``, invertible.
    columns : tuple of int
        The inputs that are taken to be 0 elsewhere when a point is lifted.
    input_dim : int
    """

    square: Matrix
    columns: tuple[int, ...]
    input_dim: int

    @cached_property
    def lift(self) -> Matrix:
        """The matrix with ``x = lift t``: large numbers, so it is only made where all of it is needed."""
        inverse = list(inverse_columns(self.square))
        lift = [(ZERO,) * len(self.columns)] * self.input_dim
        for place, row in zip(self.columns, zip(*inverse, strict=True), strict=True):
            lift[place] = row
        return tuple(lift)

    def lifted(self, point: Sequence[fmpq]) -> tuple[fmpq, ...]:
        """The input with these coordinates that is 0 beside `columns`."""
        numerators, denominator = fmpq_mat([list(row) for row in self.square]).numer_denom()
        entries, scale = fmpq_mat([[v] for v in point]).numer_denom()
        solution = Solver(numerators).solve([entries[i, 0] * denominator for i in range(len(self.columns))])
        found = [ZERO] * self.input_dim
        for place, value in zip(self.columns, solution, strict=True):
            found[place] = value / scale
        return tuple(found)


def unit_coordinates(
    network: Network, found: Independent, *, fewer: bool = False
) -> tuple[Network, UnitCoordinates] | None:
    """The network in the values of first-stage units, where that is better than in its inputs; else None.

    Parameters
    ----------
    network : Network
        With a first stage.
    found : Independent
        Independent rows and columns of the weights of the first stage on the input.
    fewer : bool
        Whether they are better wherever they are fewer than the inputs, however few.

    Notes
    -----
    Only the first stage may read the input, and hardly any of its units may depend on the others: each one that does
    costs the solution of a linear system, as each coordinate does otherwise.
    """
    size = len(found.rows)
    rest = (*network.stages[1:], network.output)
    block = network.stages[0].block(INPUT)
    wanted = 0 < size < network.input_dim if fewer else size > _INVERTED_EASILY
    if not wanted or block is None or any(stage.block(INPUT) is not None for stage in rest):
        return None
    chosen = {unit: place for place, unit in enumerate(found.rows)}
    dependent = [i for i, row in enumerate(block) if i not in chosen and any(row)]
    if 4 * len(dependent) > size and not fewer:
        return None
    square = tuple(tuple(block[i][c] for c in found.columns) for i in found.rows)
    combinations = {}
    if dependent:
        numerators, denominator = fmpq_mat([list(column) for column in zip(*square, strict=True)]).numer_denom()
        solver = Solver(numerators)
        for i in dependent:
            right, scale = fmpq_mat([[block[i][c]] for c in found.columns]).numer_denom()
            solution = solver.solve([right[k, 0] * denominator for k in range(size)])
            combinations[i] = tuple(v / scale for v in solution)
    nothing = (ZERO,) * size
    rows = tuple(
        _unit(size, chosen[i]) if i in chosen else combinations.get(i, nothing) for i in range(network.stages[0].units)
    )
    first = AffineStage(((INPUT, rows),), network.stages[0].bias)
    inner = Network(size, (first, *network.stages[1:]), network.output, None, network.notes)
    return inner, UnitCoordinates(square, found.columns, network.input_dim)


def orthants(
    network: Network, held: int, dim: int, n_lines: int, units: tuple[int, ...] | None = None
) -> tuple[list[Generator], tuple[int, ...]]:
    """The generators of the orthants around the common point of ``held`` independent rows of the first stage.

    ``units`` are these rows where they are known to be the unit vectors, in order.
    """
    block = network.stages[0].block(INPUT) or ()
    axis_slots = frozenset(range(1, 1 + n_lines))
    if held == 0:
        return [Generator((*([0] * dim), 1), axis_slots)], ()
    rows = units if units is not None else _independent_rows(tuple(row[:held] for row in block), held)
    shift = [network.stages[0].bias[i] for i in rows]
    if units is not None:
        columns, point = [_unit(held, c) for c in range(held)], shift
    else:
        columns = [tuple(column) for column in inverse_columns([block[i][:held] for i in rows])]
        moved = fmpq_mat([list(column) for column in columns]).transpose() * fmpq_mat([[b] for b in shift])
        point = [moved[i, 0] for i in range(held)]
    rest = [ZERO] * (dim - held)
    generators = [Generator(primitive([*(-v for v in point), *rest, ONE]), axis_slots)]
    at_infinity = axis_slots | {0}
    for column in columns:
        check_limits()
        ray = primitive([*column, *rest, ZERO])
        generators.append(Generator(tuple(-v for v in ray), at_infinity))
        generators.append(Generator(ray, at_infinity))
    return generators, rows


def _unit(size: int, place: int) -> tuple[fmpq, ...]:
    row = [ZERO] * size
    row[place] = ONE
    return tuple(row)


def _independent_rows(block: Matrix, held: int) -> tuple[int, ...]:
    """``held`` independent rows: by full pivoting in floating point, checked exactly, else by exact elimination."""
    work = np.array([[to_float(v) for v in row] for row in block])
    chosen: list[int] = []
    if np.isfinite(work).all():
        for _ in range(held):
            check_limits()
            i, c = np.unravel_index(int(np.argmax(np.abs(work))), work.shape)
            if work[i, c] == 0.0:
                break
            chosen.append(int(i))
            with np.errstate(all="ignore"):
                work = work - np.outer(work[:, c] / work[i, c], work[i])
            work[i] = 0.0
            work[:, c] = 0.0
    if len(set(chosen)) == held and is_invertible(tuple(block[i] for i in chosen)):
        return tuple(chosen)
    return independent(block).rows


def domain_generators(
    walls: tuple[tuple[int, ...], ...], dim: int, lines: tuple[int, ...], slots: list[tuple[int, int]]
) -> tuple[list[Generator], list[tuple[int, int]]]:
    """Vertices and rays of the domain in the section where the line coordinates are 0."""
    first_wall = len(slots)
    slots = [*slots, *((WALL, i) for i in range(len(walls)))]
    section = Polyhedron(
        [[-v for v in row[:-1]] for row in walls],
        [row[-1] for row in walls],
        [[int(i == c) for i in range(dim)] for c in lines],
        [0] * len(lines),
        dim=dim,
    )
    found = homogeneous_generators(section.system)
    axis_slots = range(1, 1 + len(lines))
    generators: list[Generator] = []
    for vector, zeros in zip(found.rays, found.incidences, strict=True):
        if len(generators) % 1024 == 0:
            check_limits()
        on = [first_wall + i for i in range(len(walls)) if zeros >> i & 1]
        if vector[0] == 0:
            on.append(0)
        generators.append(Generator((*vector[1:], vector[0]), frozenset((*on, *axis_slots))))
    one_scale = len({vector[0] for vector in found.rays}) == 1
    generators.sort(key=(lambda generator: generator.vector) if one_scale else _in_order)
    return generators, slots


def _in_order(generator: Generator) -> tuple[bool, tuple[fmpq, ...]]:
    """Vertices first, by their coordinates, then rays."""
    *x, w = generator.vector
    return w == 0, tuple(fmpq(v, w or 1) for v in x)


def require_few_vertices(walls: Matrix, dim: int) -> None:
    """Refuse a box with more vertices than memory could hold.

    Raises
    ------
    TooManyVertices
    """
    if dim > MOST_BOX_INPUTS and all(sum(map(bool, row[:-1])) == 1 for row in walls) and len(walls) == 2 * dim:
        raise TooManyVertices(
            f"a box in {dim} dimensions has 2^{dim} vertices, too many for this engine: count on a slice, or on all"
        )
