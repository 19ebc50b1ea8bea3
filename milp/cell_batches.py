"""The cells of a bounded domain in batches, with proven float64 enclosures of their vertices and affine maps.

The cell engine lists the cells exactly, but its float coordinates of vertices are estimates. Here they get an error
bound: a vertex v is the point where some rows A v + b vanish; with an estimate w, its residual r = A w + b and any
matrix R near a left inverse of A, v - w = -R r + (I - R A)(v - w), hence |v - w| <= |R r| / (1 - |I - R A|) in the
maximum norm. The rows are the forms of units and walls that vanish there; they are computed for all cells of a batch
at once, with a running bound on their rounding errors, as in `milp.deeppoly`.

Source: Rump 1983 for the residual bound.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milp.bounds import OutOfRange
from milp.domain import OutOfTime
from nn_bridge.cells.cell import Cell, CellSource
from nn_bridge.cells.plain_tree import LeafTree, leaf_tree
from nn_bridge.cells.problem import CellProblem
from nn_bridge.cells.tree import FACES, PATTERNS, Leaves
from nn_bridge.network.network import INPUT, Network, Pattern, float_matrix
from polyhedra.arrays import Floats, Integers, Words
from polyhedra.errors import FormulationError
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron
from polyhedra.progress import tell
from polyhedra.rounding import UNIT_ROUNDOFF
from polyhedra.scalars import to_float

_CELLS_AT_ONCE = 2048
_MULTIPLICATIONS = 1 << 17  # of one matrix product
_UNDERFLOW = 1e-310  # times the growth of the network: more than the products of one form lose by underflow


class TooManyCells(FormulationError):
    """More cells than were allowed."""


@dataclass(frozen=True, slots=True, eq=False)
class CellBatch:
    """Some cells of a network, and the rows of its output on each.

    Attributes
    ----------
    active : tuple of bool arrays of shape (cells, units)
        The patterns, stage by stage.
    rows, rows_error : arrays of shape (cells, outputs, n + 1)
        The affine maps (a, b), and how far each number may be from the true one.
    vertex_cell : array of shape (vertices,)
        The number of the cell, from 0 in this batch.
    vertices : array of shape (vertices, n)
    geometry : Geometry or None
        What is known of the vertices beyond their estimates; None without vertices.
    """

    active: tuple[NDArray[np.bool_], ...]
    rows: Floats
    rows_error: Floats
    vertex_cell: Integers
    vertices: Floats
    geometry: Geometry | None

    @property
    def radius(self) -> Floats:
        """How far each coordinate of each vertex may be from the true one; infinite where no bound was found."""
        return np.zeros(0) if self.geometry is None else self.geometry.radii()

    @property
    def size(self) -> int:
        """The number of cells."""
        return len(self.rows)

    def pattern(self, cell: int) -> Pattern:
        """The pattern of a cell."""
        return tuple(tuple(bool(v) for v in stage[cell]) for stage in self.active)

    def values(self) -> tuple[Floats, Floats]:
        """Proven lower and upper bounds of each output at each vertex, two arrays (vertices, outputs)."""
        with np.errstate(all="ignore"):
            rows, error = self.rows[self.vertex_cell], self.rows_error[self.vertex_cell]
            n = self.vertices.shape[1]
            value = np.einsum("vrn,vn->vr", rows[:, :, :n], self.vertices) + rows[:, :, n]
            size = np.abs(self.vertices) + self.radius[:, None]
            spread = np.einsum("vrn,vn->vr", error[:, :, :n], size) + error[:, :, n]
            spread += np.abs(rows[:, :, :n]).sum(axis=2) * self.radius[:, None]
            gamma = 2.0 * (n + 8) * UNIT_ROUNDOFF
            spread += gamma * (np.einsum("vrn,vn->vr", np.abs(rows[:, :, :n]), size) + np.abs(rows[:, :, n]))
            spread = 1.0001 * spread + 1e-290
            spread = np.where(np.isfinite(spread) & np.isfinite(value), spread, np.inf)
            value = np.where(np.isfinite(value), value, 0.0)
            return value - spread, value + spread

    def extremes(self) -> tuple[Floats, Floats]:
        """Proven bounds of each output over each cell, which lies between its vertices: two arrays (cells, outputs)."""
        low, high = self.values()
        shape = (self.size, self.rows.shape[1])
        least, greatest = np.full(shape, np.inf), np.full(shape, -np.inf)
        np.minimum.at(least, self.vertex_cell, low)
        np.maximum.at(greatest, self.vertex_cell, high)
        return least, greatest


def cell_batches(
    network: Network,
    domain: Polyhedron | None,
    *,
    vertices: bool = True,
    deadline: float | None = None,
    max_cells: int | None = None,
) -> Iterator[CellBatch]:
    """All cells of a network on a domain (with ``vertices``, a bounded one), in batches.

    Raises
    ------
    OutOfTime
        The deadline, a value of ``time.monotonic``, has passed; the batches so far are right but not all.
    TooManyCells
        More cells than ``max_cells``.
    OutOfRange
        Weights out of the range in which error bounds are proofs; `exact_cells` has no such limit.
    """
    forms = _Forms(network, domain)
    if forms.source.problem is None:
        pattern = network.pattern((0,) * network.input_dim)
        active = tuple(np.array([stage], dtype=bool) for stage in pattern)
        yield forms.batch(active, None, None, None)
        return
    tree = _tree(forms.source.problem, FACES if vertices else PATTERNS)
    seen = 0
    for leaves in tree.run():
        _in_time(deadline)
        for part in _parts(leaves, seen):
            active = _active(part.patterns, network, tree.words)
            if vertices:
                yield forms.batch(active, part.leaf, part.coordinates, part.zeros)
            else:
                yield forms.batch(active, None, None, None)
            _in_time(deadline)
        seen += len(leaves.patterns)
        tell(partial("Listing cells: {:,} so far".format, seen))
        if max_cells is not None and seen > max_cells:
            raise TooManyCells(f"more than {counted(max_cells, 'cell')}")


def exact_cells(
    network: Network, domain: Polyhedron | None, deadline: float | None = None, max_cells: int | None = None
) -> Iterator[Cell]:
    """The cells of a network, as `nn_bridge.cells.cell.iterate_cells` gives them, until a limit.

    Raises
    ------
    OutOfTime
        The deadline, a value of ``time.monotonic``, has passed.
    TooManyCells
        More cells than ``max_cells``.
    """
    source = CellSource(network, domain)
    if source.problem is None:
        yield from source.cells()
        return
    tree = _tree(source.problem, FACES)
    seen = 0
    for leaves in tree.run():
        _in_time(deadline)
        for cell in source.cells_of(leaves, tree.words):
            seen += 1
            if max_cells is not None and seen > max_cells:
                raise TooManyCells(f"more than {counted(max_cells, 'cell')}")
            tell(partial("Listing cells: {:,} so far".format, seen))
            yield cell
            _in_time(deadline)


def _tree(problem: CellProblem, emit: int) -> LeafTree:
    with np.errstate(all="ignore"):  # sums that overflow make the tree decide exactly
        return leaf_tree(problem, emit)


def _in_time(deadline: float | None) -> None:
    if deadline is not None and time.monotonic() > deadline:
        raise OutOfTime("time limit")


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    patterns: Words
    leaf: Integers
    coordinates: Floats
    zeros: Words


def _parts(leaves: Leaves, first: int) -> Iterator[_Part]:
    """A batch of leaves in parts of moderate size; generators come in the order of their leaves."""
    for begin in range(0, len(leaves.patterns), _CELLS_AT_ONCE):
        end = min(begin + _CELLS_AT_ONCE, len(leaves.patterns))
        a, b = np.searchsorted(leaves.generator_leaf, [first + begin, first + end])
        yield _Part(
            leaves.patterns[begin:end],
            leaves.generator_leaf[a:b] - (first + begin),
            leaves.generator_coordinates[a:b],
            leaves.generator_zeros[a:b],
        )


def _active(patterns: Words, network: Network, words: int) -> tuple[NDArray[np.bool_], ...]:
    bits = np.unpackbits(np.ascontiguousarray(patterns).view(np.uint8), axis=1, bitorder="little").astype(bool)
    return tuple(bits[:, 64 * words * s : 64 * words * s + size] for s, size in enumerate(network.hidden))


class _Forms:
    """The float weights of a network, and the forms of all units and outputs on cells given by patterns."""

    def __init__(self, network: Network, domain: Polyhedron | None) -> None:
        self.network, self.n = network, network.input_dim
        self.source = CellSource(network, domain)
        self.stages = [
            (
                [(source, float_matrix(matrix)) for source, matrix in stage.blocks],
                np.array([to_float(b) for b in stage.bias]),
            )
            for stage in (*network.stages, network.output)
        ]
        growth, fan = 1.0, network.input_dim + 1
        with np.errstate(all="ignore"):
            for blocks, bias in self.stages:
                sums = sum((np.abs(matrix).sum(axis=1) for _, matrix in blocks), np.abs(bias))
                growth *= 1.0 + float(np.max(sums))
                fan = max(fan, 1 + sum(matrix.shape[1] for _, matrix in blocks))
        if not growth < 1e250:
            raise OutOfRange("weights leave the range of float64 in products; rescale them")
        self.loss = _UNDERFLOW * growth * fan * (len(self.stages) + 1)
        self.gamma = 2.0 * (fan + 8) * UNIT_ROUNDOFF
        rows = domain.irredundant().inequalities if domain is not None else ()
        walls = np.array([[*(to_float(-a) for a in row[:-1]), to_float(row[-1])] for row in rows])
        self.walls = walls.reshape(len(rows), self.n + 1)
        problem = self.source.problem
        self.lift = None if problem is None or problem.lift is None else float_matrix(problem.lift)

    def batch(
        self,
        active: tuple[NDArray[np.bool_], ...],
        leaf: Integers | None,
        coordinates: Floats | None,
        zeros: Words | None,
    ) -> CellBatch:
        """The batch of some patterns, with the vertices of the cells, if there are any."""
        with np.errstate(all="ignore"):
            tables = self._forms(active)
            outputs, doubts = (
                np.swapaxes(part, 0, 1)[tables[-1].row] for part in (tables[-1].forms, tables[-1].errors)
            )
            if leaf is None or coordinates is None or zeros is None:
                nothing = np.zeros((0, self.n))
                return CellBatch(active, outputs, doubts, np.zeros(0, np.int64), nothing, None)
            points = coordinates[:, :-1] / coordinates[:, -1:]
            if self.lift is not None:
                points = points @ self.lift.T
            geometry = Geometry(self, active, tables[:-1], leaf, points, zeros)
            return CellBatch(active, outputs, doubts, leaf, points, geometry)

    def _forms(self, active: tuple[NDArray[np.bool_], ...]) -> list[_Table]:
        """The forms of each stage and of the outputs.

        Cells come depth first, so that many in a row have the same phases up to a stage: its forms are computed once.
        """
        cells = len(active[0]) if active else 1
        width = self.n + 1
        new = np.zeros(cells, dtype=bool)  # where the phases so far differ from those of the cell before
        new[0] = True
        tables: list[_Table] = []
        for k, (blocks, bias) in enumerate(self.stages):
            first = np.flatnonzero(new)
            form = np.zeros((len(bias), len(first), width))
            form[:, :, -1] = bias[:, None]
            error = np.abs(form)
            carried: Any = 0.0
            for source, matrix in blocks:
                size = np.abs(matrix)
                if source == INPUT:
                    form[:, :, :-1] += matrix[:, None, :]
                    error[:, :, :-1] += size[:, None, :]
                    continue
                table, phases = tables[source - 1], active[source - 1]
                row, mask = table.row[first], phases[first].T[:, :, None]
                value = np.where(mask, table.forms[:, row], 0.0).reshape(len(mask), -1)
                doubt = np.where(mask, table.errors[:, row], 0.0).reshape(len(mask), -1)
                form += _product(matrix, value).reshape(form.shape)
                error += _product(size, np.abs(value)).reshape(form.shape)
                carried = carried + _product(size, doubt).reshape(form.shape)
            error *= self.gamma
            error += 1.0001 * carried + self.loss
            tables.append(_Table(form, error, np.cumsum(new) - 1))
            if k < len(active):
                new = new.copy()
                new[1:] |= (active[k][1:] != active[k][:-1]).any(axis=1)
        return tables


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """The forms of one stage and their errors, (units, rows, n + 1), and the row of each cell."""

    forms: Floats
    errors: Floats
    row: Integers


def _product(matrix: Floats, wide: Floats) -> Floats:
    """matrix @ wide in pieces for which no library starts threads: they cost more than they bring here."""
    step = max(1, _MULTIPLICATIONS // max(1, matrix.size))
    if wide.shape[1] <= step:
        return matrix @ wide
    found = np.empty((len(matrix), wide.shape[1]))
    for first in range(0, wide.shape[1], step):
        np.matmul(matrix, wide[:, first : first + step], out=found[:, first : first + step])
    return found


class Geometry:
    """The rows that vanish at the vertices of a batch, and proven radii of the vertices, found when asked for."""

    def __init__(
        self,
        source: _Forms,
        active: tuple[NDArray[np.bool_], ...],
        tables: list[_Table],
        leaf: Integers,
        points: Floats,
        zeros: Words,
    ) -> None:
        self.walls, self.active, self.tables = source.walls, active, tables
        self.leaf, self.points, self.n = leaf, points, source.n
        places = source.source._places  # where the bits of each stage, and of the walls, begin
        places = places[-1 - len(tables) :]  # without that of the zero unit by which a network without units is listed
        self.zeros = zeros
        self.columns = np.concatenate([np.arange(at, at + size) for at, size in places])
        self._radii: Floats | None = None

    def radii(self) -> Floats:
        """For each vertex a bound on the distance, in the maximum norm, of its estimate."""
        if self._radii is None:
            with np.errstate(all="ignore"):
                self._radii = np.full(len(self.points), np.inf)
                for chosen, rows, error, _ in self.rows(np.arange(len(self.points))):
                    self._radii[chosen] = _distance(rows, error, self.points[chosen])
        return self._radii

    def rows(self, vertices: Integers) -> Iterator[tuple[Integers, Floats, Floats, Floats]]:
        """The rows that vanish at some vertices, their errors, and their signs on the cell.

        One answer for each number of rows, from n on; it begins with the vertices that have so many.
        """
        words = np.ascontiguousarray(self.zeros[vertices])
        bits = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")[:, self.columns]
        counts = bits.sum(axis=1)
        for count in np.flatnonzero(np.bincount(counts)):
            if count >= self.n:
                chosen = np.nonzero(counts == count)[0]
                numbers = np.nonzero(bits[chosen])[1].reshape(len(chosen), count)
                yield vertices[chosen], *self._gather(self.leaf[vertices[chosen]], numbers)

    def _gather(self, cells: Integers, numbers: Integers) -> tuple[Floats, Floats, Floats]:
        shape = (*numbers.shape, self.n + 1)
        rows, error, sign = np.empty(shape), np.empty(shape), np.ones(numbers.shape)
        first = 0
        every = np.broadcast_to(cells[:, None], numbers.shape)
        for table, active in zip(self.tables, self.active, strict=True):
            own = (numbers >= first) & (numbers < first + len(table.forms))
            unit, cell = numbers[own] - first, every[own]
            row = table.row[cell]
            rows[own], error[own] = table.forms[unit, row], table.errors[unit, row]
            sign[own] = np.where(active[cell, unit], 1.0, -1.0)
            first += len(table.forms)
        own = numbers >= first
        walls = self.walls[numbers[own] - first]
        rows[own], error[own] = walls, 1.1 * UNIT_ROUNDOFF * np.abs(walls)
        return rows, error, sign


def _distance(rows: Floats, error: Floats, points: Floats) -> Floats:
    """How far the solutions of rows . (x, 1) = 0 can be from estimates, infinite where nothing is proved."""
    n = points.shape[1]
    scale = np.ldexp(1.0, -np.frexp(np.abs(rows).max(axis=2, keepdims=True))[1])
    rows, error = rows * scale, error * scale
    A, b = rows[:, :, :n], rows[:, :, n]
    try:
        R = np.linalg.pinv(A) if A.shape[1] > n else np.linalg.inv(A)
    except np.linalg.LinAlgError:
        finite = np.isfinite(A).all(axis=(1, 2))
        R = np.zeros((len(A), n, A.shape[1]))
        R[finite] = np.linalg.pinv(A[finite])
    gamma = 2.0 * (A.shape[1] + n + 8) * UNIT_ROUNDOFF
    size = np.abs(points)
    residual = np.abs(np.einsum("vmn,vn->vm", A, points) + b)
    residual += gamma * (np.einsum("vmn,vn->vm", np.abs(A), size) + np.abs(b))
    residual += np.einsum("vmn,vn->vm", error[:, :, :n], size) + error[:, :, n]
    absolute = np.abs(R)
    step = np.einsum("vnm,vm->vn", absolute, residual).max(axis=1)
    product = np.abs(np.eye(n) - R @ A) + gamma * (absolute @ np.abs(A)) + absolute @ error[:, :, :n]
    contraction = 1.0001 * product.sum(axis=2).max(axis=1)
    bound = 1.0001 * step / (1.0 - contraction) + 1e-290
    return np.where((contraction < 0.5) & np.isfinite(bound), bound, np.inf)
