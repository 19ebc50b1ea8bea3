"""The exact Lipschitz constant of all outputs on a domain: the greatest norm of an affine map among its cells.

Where the cells can be listed (`milp.choice`) float enclosures of all their maps leave few, which are compared exactly.
Elsewhere, for one output and the norms 1 and infinity, a mixed-integer model of the gradient proposes cells
(`milp.sensitivity`). In any case intervals of the gradient give a certified upper bound.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from flint import fmpq

from milp.audit import is_cell, pattern_behind
from milp.bounding import network_bounds
from milp.bounds import Bounds, OutOfRange
from milp.cell_batches import TooManyCells, cell_batches, exact_cells
from milp.choice import MAX_INPUTS
from milp.domain import OutOfTime, bounded
from milp.gradient import gradient_interval
from milp.matrix_norms import NormPair, Size
from milp.sensitivity import local_lipschitz
from milp.solvers import third_of, time_left
from nn_bridge.network.network import Matrix, Network, Pattern, Row
from polyhedra.errors import FormulationError
from polyhedra.linear_program import InteriorPoint, interior
from polyhedra.polyhedron import Polyhedron
from polyhedra.rounding import round_up
from polyhedra.scalars import ONE, ZERO

_FEW_UNITS = 16
"""A network of so few units has few cells on R^n, however many inputs it has."""


@dataclass(frozen=True, slots=True)
class Steepest:
    """The steepest cell that is known, and what is known of the others.

    Attributes
    ----------
    size : Size or None
        The exact norm of its map: the constant is at least this.
    pattern : pattern or None
    upper : float or None
        Proved: the constant is at most this; None where no bound is known.
    proven : bool
        Whether no cell is steeper.
    method : {"cells", "milp", "intervals"}
    reason : str or None
    """

    size: Size | None
    pattern: Pattern | None
    upper: float | None
    proven: bool
    method: str
    reason: str | None = None


def steepest_cell(
    network: Network, domain: Polyhedron | None, norms: NormPair, *, deadline: float | None = None
) -> Steepest:
    """The cell of a full-dimensional domain (None: all of R^n) on which the affine map has the greatest norm."""
    upper = interval_bound(network, domain, norms, deadline)
    best: Steepest | None = None
    few = domain is None and sum(network.hidden) <= _FEW_UNITS
    rational = norms.inner in ("1", "inf") and norms.directions is None
    one_by_one = network.output_dim == 1 or norms.outer == "inf"
    solvable = rational and one_by_one and domain is not None and domain.is_bounded()
    if network.input_dim <= MAX_INPUTS or few:
        now = time.monotonic()
        share = now + 0.6 * (deadline - now) if deadline is not None and solvable else deadline
        best = _by_cells(network, domain, norms, share)
        if best.proven:
            return best
    if solvable and domain is not None:
        found = _by_solver(network, domain, norms, deadline)
        if best is None or (found.size is not None and (best.size is None or found.size.exceeds(best.size))):
            best = found
        if found.upper is not None:
            upper = found.upper if upper is None else min(upper, found.upper)
        if found.proven:
            return found
    if best is None:
        best = Steepest(None, None, None, False, "intervals", "too many inputs for the list of cells")
    size, pattern = best.size, best.pattern
    if size is None:
        pattern = _some_cell(network, domain)
        size = norms.size(gradient_of(network, pattern))
    if upper is not None and size.enclosure()[0] >= upper:
        return Steepest(size, pattern, upper, True, "intervals", None)
    return Steepest(size, pattern, upper, False, best.method, best.reason)


def gradient_of(network: Network, pattern: Pattern) -> Matrix:
    """The exact matrix of the affine map on the cell of a pattern."""
    return tuple(row[:-1] for row in network.affine_forms(pattern)[-1])


def _by_cells(network: Network, domain: Polyhedron | None, norms: NormPair, deadline: float | None) -> Steepest:
    floor = -1.0
    best: Size | None = None
    at: Pattern | None = None
    seen: set[Matrix] = set()
    open_cells: list[tuple[float, Pattern]] = []
    reason = None

    def look(pattern: Pattern) -> None:
        nonlocal best, at, floor
        J = gradient_of(network, pattern)
        if J in seen:
            return
        seen.add(J)
        size = norms.size(J)
        if best is None or size.exceeds(best):
            best, at, floor = size, pattern, size.enclosure()[0]

    try:
        for batch in cell_batches(network, domain, vertices=False, deadline=deadline):
            low, high = norms.float_sizes(batch.rows[:, :, :-1], batch.rows_error[:, :, :-1])
            if not batch.size:
                continue
            first = int(np.argmax(low))
            if best is None or low[first] > floor:
                look(batch.pattern(first))
            open_cells += [(float(high[c]), batch.pattern(int(c))) for c in np.nonzero(high > floor)[0]]
            if len(open_cells) > 8192:
                open_cells = [cell for cell in open_cells if cell[0] > floor]
    except (OutOfTime, TooManyCells) as error:
        reason = str(error)
    except OutOfRange:  # weights that floats cannot hold
        try:
            for cell in exact_cells(network, domain, deadline):
                look(cell.pattern)
        except OutOfTime as error:
            reason = str(error)
    open_cells.sort(key=lambda cell: -cell[0])
    for high_end, pattern in open_cells:
        if not high_end > floor:
            break
        if deadline is not None and time.monotonic() > deadline:
            reason = "time limit"
            break
        look(pattern)
    upper = None if best is None or reason is not None else best.enclosure()[1]
    return Steepest(best, at, upper, reason is None, "cells", reason)


def _by_solver(network: Network, domain: Polyhedron, norms: NormPair, deadline: float | None) -> Steepest:
    """To the norm infinity, or with one output: the steepest of the outputs, each with its share of the time."""
    best: Steepest | None = None
    upper, proven = 0.0, True
    for k in range(network.output_dim):
        if best is not None and deadline is not None and time.monotonic() > deadline:
            return replace(best, upper=None, proven=False, reason="time limit")
        left = time_left(deadline)
        share = None if left is None else left / (network.output_dim - k)
        found = local_lipschitz(network, domain, norms.inner, k, time_limit=share)
        upper, proven = max(upper, round_up(found.bound)), proven and found.proven
        size = None if found.pattern is None else norms.size(gradient_of(network, found.pattern))
        if best is None or (size is not None and (best.size is None or size.exceeds(best.size))):
            best = Steepest(size, found.pattern, None, False, "milp", found.reason)
    assert best is not None
    # each output's own constant is at most the greatest one, which is reached
    done = proven and best.size is not None and best.size.enclosure()[1] >= upper
    return replace(best, upper=upper, proven=done, reason=None if done else best.reason or "time limit")


def interval_bound(
    network: Network, domain: Polyhedron | None, norms: NormPair, deadline: float | None = None
) -> float | None:
    """An upper bound of the constant from intervals of the gradient, rounded upwards."""
    known = _nothing_known(network)
    if domain is not None and domain.is_bounded():
        try:
            region = bounded(domain, network.input_dim, deadline)
            known = network_bounds(network, region, "deeppoly", time_limit=third_of(deadline))
        except FormulationError:  # values out of the range of float64, or no time: any unit may be active or not
            known = _nothing_known(network)
    largest = []
    for k in range(network.output_dim):
        weights = tuple(ONE if i == k else ZERO for i in range(network.output_dim))
        low, high = gradient_interval(network, known, weights)
        largest.append(tuple(max(abs(a), abs(b)) for a, b in zip(low, high, strict=True)))
    if norms.directions is None:  # these norms depend on absolute values only and grow with them
        return norms.size(tuple(largest)).enclosure()[1]
    reach = norms.reach()
    rows = [sum((v * r for v, r in zip(row, reach, strict=True)), ZERO) for row in largest]
    return round_up(max(rows) if norms.outer == "inf" else sum(rows, ZERO))


def _nothing_known(network: Network) -> Bounds:
    """Bounds that leave every unit unstable."""
    sizes = (*network.hidden, network.output_dim)
    ends = (0.0,) * network.input_dim
    return Bounds((ends, ends), tuple((-1.0,) * m for m in sizes), tuple((1.0,) * m for m in sizes), "none")


def _some_cell(network: Network, domain: Polyhedron | None) -> Pattern:
    """A full-dimensional cell of a domain."""
    start: Row = (ZERO,) * network.input_dim
    if domain is not None:
        start = _inside([(row[:-1], row[-1]) for row in domain.inequalities], network.input_dim)
    small = ONE
    while True:
        small /= 16
        pattern = pattern_behind(network, start, [small**j for j in range(network.input_dim)])
        if is_cell(network, domain, pattern):
            return pattern


def inner_point(network: Network, domain: Polyhedron | None, pattern: Pattern) -> Row:
    """A point strictly inside the cell of a pattern."""
    rows = [] if domain is None else [(row[:-1], row[-1]) for row in domain.inequalities if any(row[:-1])]
    for forms, phases in zip(network.affine_forms(pattern), pattern, strict=False):
        for (*a, b), active in zip(forms, phases, strict=True):
            if any(a):
                rows.append((tuple(-v for v in a), b) if active else (tuple(a), -b))
    return _inside(rows, network.input_dim)


def _inside(rows: list[tuple[Row, fmpq]], dim: int) -> Row:
    kept = [(a, b) for a, b in rows if any(a)]
    answer = interior([a for a, _ in kept], [b for _, b in kept], dim=dim)
    assert isinstance(answer, InteriorPoint)
    return answer.point
