"""What the cell engine works on: a network and a domain in the coordinates that matter, exactly and as float arrays.

* Directions that neither the units nor the domain see (the lineality space) are divided out: cells are products
  with it.
* The subdivision starts from the domain's generators; on all of R^n from the orthants that well-pivoted independent
  rows of the first stage cut around their common point.  There are no artificial walls.
* Directions that only later stages see (skip connections), or that the domain leaves free, stay as *lines* until a unit
  cuts them.  Coordinates are chosen such that line ``c`` is coordinate axis ``c``, and generators have coordinate 0
  there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from flint import fmpq, fmpq_mat, fmpz, fmpz_mat

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
from nn_bridge.network.forms import ExactForms, integer_stages_modulo
from nn_bridge.network.network import INPUT, AffineStage, Matrix, Network, check_dense
from nn_bridge.network.rows import float_matrix
from polyhedra.independence import independent, kernel
from polyhedra.limits import check_limits
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ONE, ZERO, primitive, rational, to_float

TINY = 1e-150
"""Float entries of forms and generators are 0 or at least this large (the kernels rely on it)."""


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
    check_dense(network)
    n = network.input_dim
    walls: Matrix = ()
    if domain is not None:
        if domain.dim != n:
            raise NetworkError(f"the domain has {domain.dim} coordinates, the network reads {n}")
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


# -------------------------------------------------------------------------- float and modular arrays


@dataclass(frozen=True)
class CellArrays:
    """A problem as arrays for the kernels; see `nn_bridge.cells._kernels` for the layouts."""

    sizes: np.ndarray
    weights: np.ndarray
    offset: np.ndarray
    direct: np.ndarray
    direct_err: np.ndarray
    bias: np.ndarray
    bias_err: np.ndarray
    chain_stage: np.ndarray
    integer: bool
    padded: int
    network: Network

    @cached_property
    def residues(self) -> Residues:
        """The network modulo a prime; only where affine maps are asked for."""
        return _residues(self.network, self.offset, self.weights.size, self.padded)


class Residues(NamedTuple):
    """Residues of the constant parts of all stages, of the weights on units, and of the outputs."""

    base: np.ndarray
    weights: np.ndarray
    out: np.ndarray
    constants: np.ndarray
    reads: np.ndarray


PRIME = 2**31 - 1


def cell_arrays(problem: CellProblem) -> CellArrays:
    """Round a problem's network to float64 with error bounds."""
    network = problem.network
    dim, stages = problem.dim, network.stages
    sizes = np.array([stage.units for stage in stages], dtype=np.int64)
    padded = int(-(-max(sizes) // 8) * 8)
    count = len(stages)
    direct = np.zeros((count, dim, padded))
    direct_err = np.zeros((count, padded))
    bias = np.zeros((count, padded))
    bias_err = np.zeros((count, padded))
    offset = np.full((count, count), -1, dtype=np.int64)
    chain_stage = np.zeros(count, dtype=np.int64)
    blocks: list[np.ndarray] = []
    total = 0
    integer = True
    for s, stage in enumerate(stages):
        chain_stage[s] = int([source for source, _ in stage.blocks] == [s]) if s else 0
        for j, b in enumerate(stage.bias):
            bias[s, j], bias_err[s, j] = _rounded(b)
            integer = integer and b.q == 1 and abs(b.p) < 2**53
        for source, matrix in stage.blocks:
            check_limits()
            integer = integer and all(v.q == 1 and abs(v.p) < 2**53 for row in matrix for v in row)
            if source == INPUT:
                for j, row in enumerate(matrix):
                    for c, v in enumerate(row):
                        direct[s, c, j], err = _rounded(v)
                        direct_err[s, j] = max(direct_err[s, j], err)
                continue
            block = np.zeros((stages[source - 1].units, padded))
            block[:, : stage.units] = _weights(matrix).T
            offset[s, source - 1] = total
            total += block.size
            blocks.append(block.ravel())
    return CellArrays(
        sizes=sizes,
        weights=np.concatenate(blocks) if blocks else np.zeros(1),
        offset=offset,
        direct=direct,
        direct_err=direct_err,
        bias=bias,
        bias_err=bias_err,
        chain_stage=chain_stage,
        integer=integer,
        padded=padded,
        network=network,
    )


def _residues(network: Network, offset: np.ndarray, total: int, padded: int) -> Residues:
    """The network modulo a prime, in the integer form that clears denominators stage by stage.

    Forms are evaluated at two random points and outputs combined at random.  Equal affine maps have equal residues (all
    of it is a ring homomorphism applied to integers); equal residues are confirmed exactly elsewhere.
    """
    count = len(network.stages)
    points = [np.random.default_rng(seed).integers(1, PRIME, network.input_dim) for seed in (20011, 70001)]
    mix = np.random.default_rng(31337).integers(1, PRIME, network.output_dim)
    base = np.zeros((count, 2, padded), dtype=np.uint64)
    weights = np.zeros(max(total, 1), dtype=np.uint64)
    out = np.zeros((count, padded), dtype=np.uint64)
    reads = np.zeros(count, dtype=np.int64)
    *stages, (output_blocks, output_bias) = integer_stages_modulo(network, PRIME)

    def combined(factors: np.ndarray, rows: np.ndarray) -> np.ndarray:
        # products are below 2**62, and so many residues don't add up to 2**63
        result: np.ndarray = (factors * rows % PRIME).sum(axis=-1) % PRIME
        return result

    def at_points(blocks: dict[int, list[list[int]]], bias: list[int]) -> np.ndarray:
        shift = np.array(bias)
        if INPUT not in blocks:
            return np.array([shift, shift])
        rows = np.array(blocks[INPUT])
        return np.array([(shift + combined(point, rows)) % PRIME for point in points])

    for s, (blocks, bias) in enumerate(stages):
        base[s, :, : len(bias)] = at_points(dict(blocks), bias)
        for source, matrix in blocks:
            if source != INPUT:
                residues = np.array(matrix, dtype=np.uint64).T
                start = int(offset[s, source - 1])
                weights[start : start + residues.shape[0] * padded].reshape(-1, padded)[:, : len(bias)] = residues
    constants = combined(mix, at_points(dict(output_blocks), output_bias))
    for source, matrix in output_blocks:
        if source != INPUT:
            reads[source - 1] = 1
            out[source - 1, : len(matrix[0])] = combined(mix, np.array(matrix).T)
    return Residues(base, weights, out, constants.astype(np.uint64), reads)


def _weights(matrix: Matrix) -> np.ndarray:
    """The nearest floats to hidden weights; nan, about which no sign is ever certain, where floats are too coarse."""
    nearest = float_matrix(matrix)
    for j, i in np.argwhere(np.abs(nearest) <= 1e-290).tolist():
        nearest[j, i] = math.nan if matrix[j][i] else 0.0
    return nearest


def _rounded(value: fmpq) -> tuple[float, float]:
    """The nearest float and a bound on the difference; tiny values become 0."""
    nearest = to_float(value)
    if abs(nearest) < TINY:
        return 0.0, (TINY if value else 0.0)
    if not math.isfinite(nearest):
        return nearest, math.inf
    return nearest, (0.0 if rational(nearest) == value else 1.2e-16 * abs(nearest))


def exact_signs(forms: ExactForms, generators: tuple[Generator, ...]) -> np.ndarray:
    """The exact signs of the first stage's forms at the start generators: shape (generators, units)."""
    table = forms.forms(()) * fmpz_mat([list(row) for row in zip(*(g.vector for g in generators), strict=True)])
    units, count = table.nrows(), table.ncols()
    entries = table.entries()
    signs = np.zeros((count, units), dtype=np.int8)
    zero = fmpz(0)
    for k, value in enumerate(entries):
        if k & 1023 == 0:
            check_limits()
        if value > zero:
            signs[k % count, k // count] = 1
        elif value < zero:
            signs[k % count, k // count] = -1
    return signs
