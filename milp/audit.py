"""Was a cell missed? An exact check of a set of cells by their common facets.

Every facet of a cell inside the domain has one cell behind it, and the domain is connected; so a set of cells that
holds, with each cell, all the cells behind its facets, is all of them or none. The check takes linear programs only
where flipping one unit does not lead to a known cell: there either the unit's hyperplane misses the cell, or a facet
is found and the pattern behind it is read off exactly, to first order, by stepping across.
"""

from __future__ import annotations

import time
from collections.abc import Sequence, Set
from dataclasses import dataclass

from flint import fmpq

from milp.domain import BoundedDomain
from nn_bridge.network.network import Network, Pattern, Row
from polyhedra.linear_program import InteriorPoint, Optimal, interior, maximize
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ONE, ZERO, primitive, rational
from polyhedra.system import without_zero_rows


@dataclass(frozen=True, slots=True)
class MissedCell:
    """A full-dimensional cell that is not in the set, and a point on one of its facets."""

    pattern: Pattern
    point: Row


def cell_rows(network: Network, pattern: Pattern) -> list[tuple[int, int, Row]]:
    """The rows (stage, unit, (a, b)) with a.x <= b of a cell; forms that are constant are left out."""
    rows = []
    for k, (stage, phases) in enumerate(zip(network.affine_forms(pattern), pattern, strict=False)):
        for i, ((*a, b), active) in enumerate(zip(stage, phases, strict=True)):
            if any(a):
                rows.append((k, i, (*(-v for v in a), b) if active else (*a, -b)))
    return rows


def is_cell(network: Network, region: BoundedDomain | Polyhedron | None, pattern: Pattern) -> bool:
    """Whether a pattern has a full-dimensional cell in the domain; a unit that vanishes there must be inactive."""
    for stage, phases in zip(network.affine_forms(pattern), pattern, strict=False):
        for (*a, b), active in zip(stage, phases, strict=True):
            if not any(a) and (b > 0) != active:
                return False
    rows = [row for _, _, row in cell_rows(network, pattern)]
    polyhedron = region.polyhedron if isinstance(region, BoundedDomain) else region
    rows += [] if polyhedron is None else without_zero_rows(polyhedron.inequalities)
    answer = interior([r[:-1] for r in rows], [r[-1] for r in rows], dim=network.input_dim)
    return isinstance(answer, InteriorPoint)


def has_inside(network: Network, pattern: Pattern, x: Row) -> bool:
    """Whether a point lies strictly inside the cell of a pattern (units may vanish identically)."""
    forms = None
    for k, (values, phases) in enumerate(zip(network.preactivations(x)[:-1], pattern, strict=False)):
        for i, (value, active) in enumerate(zip(values, phases, strict=True)):
            if value == 0:
                forms = network.affine_forms(pattern) if forms is None else forms
                if active or any(forms[k][i]):
                    return False
            elif (value > 0) != active:
                return False
    return True


def a_cell(network: Network, region: BoundedDomain) -> Pattern:
    """Some full-dimensional cell of a full-dimensional domain: behind an interior point in a direction that is general.

    The direction (1, e, e^2, ..) with e small enough leaves no hyperplane of a unit on both sides at once; powers of a
    fixed small number are tried until the pattern has a cell.
    """
    rows = region.polyhedron.inequalities
    answer = interior([r[:-1] for r in rows], [r[-1] for r in rows], dim=region.dim)
    assert isinstance(answer, InteriorPoint)
    small = ONE
    while True:
        small /= 16
        pattern = pattern_behind(network, answer.point, [small**j for j in range(region.dim)])
        if is_cell(network, region, pattern):
            return pattern


def find_missed(
    network: Network, region: BoundedDomain, cells: Set[Pattern], deadline: float | None = None
) -> MissedCell | None:
    """A cell behind some facet of the given cells that is not among them, or None where there is none.

    The domain must be full-dimensional and every pattern given must be a cell of it.

    Raises
    ------
    TimeoutError
        The deadline, a value of ``time.monotonic``, has passed.
    """
    domain = without_zero_rows(region.polyhedron.inequalities)
    walls = {_plane(row) for row in domain}
    for pattern in cells:
        if deadline is not None and time.monotonic() > deadline:
            raise TimeoutError
        rows = cell_rows(network, pattern)
        planes = [_plane(row) for _, _, row in rows]
        tried = set()
        for (k, i, row), plane in zip(rows, planes, strict=True):
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError
            if plane in walls or plane in tried or _flipped(pattern, k, i) in cells:
                continue
            tried.add(plane)
            others = [other for (_, _, other), p in zip(rows, planes, strict=True) if p != plane]
            strict = [*others, *domain]
            answer = interior([r[:-1] for r in strict], [r[-1] for r in strict], [row[:-1]], [row[-1]], dim=region.dim)
            if isinstance(answer, InteriorPoint):
                behind = pattern_behind(network, answer.point, row[:-1])
                if behind not in cells:
                    return MissedCell(behind, answer.point)
    return None


def pattern_behind(network: Network, x: Row, direction: Sequence[fmpq]) -> Pattern:
    """The pattern at x + t direction for all small t > 0: values and derivatives, stage by stage."""
    values: list[list[tuple[fmpq, fmpq]]] = [list(zip(x, direction, strict=True))]
    pattern = []
    for stage in network.stages:
        result = [(b, ZERO) for b in stage.bias]
        for source, matrix in stage.blocks:
            for i, row in enumerate(matrix):
                value, slope = result[i]
                for w, (v, s) in zip(row, values[source], strict=True):
                    if w:
                        value, slope = value + w * v, slope + w * s
                result[i] = value, slope
        phases = tuple(bool(v > 0 or (v == 0 and s > 0)) for v, s in result)
        pattern.append(phases)
        values.append([pair if on else (ZERO, ZERO) for pair, on in zip(result, phases, strict=True)])
    return tuple(pattern)


def largest_slack(network: Network, region: BoundedDomain, pattern: Pattern, sizes: Sequence[Sequence[float]]) -> fmpq:
    """The exact maximum over a cell of the least |g| / size over the units that do not vanish there."""
    rows: list[Sequence[fmpq]] = []
    right: list[fmpq] = []
    for k, i, (*a, b) in cell_rows(network, pattern):
        rows.append([*a, _exact(sizes[k][i])])
        right.append(b)
    for row in region.polyhedron.inequalities:
        rows.append([*row[:-1], ZERO])
        right.append(row[-1])
    rows.append([ZERO] * region.dim + [ONE])
    right.append(ONE)
    answer = maximize([ZERO] * region.dim + [ONE], rows, right)
    constant = [
        abs(b) / rational(sizes[k][i])
        for k, stage in enumerate(network.affine_forms(pattern)[:-1])
        for i, (*a, b) in enumerate(stage)
        if b != 0 and not any(a) and sizes[k][i]  # below the float range a size is 0: such a slack is no minimum
    ]
    return min([answer.value, *constant]) if isinstance(answer, Optimal) else ZERO


def _exact(size: float) -> fmpq:
    return rational(size)


def _flipped(pattern: Pattern, stage: int, unit: int) -> Pattern:
    phases = pattern[stage]
    return (*pattern[:stage], (*phases[:unit], not phases[unit], *phases[unit + 1 :]), *pattern[stage + 1 :])


def _plane(row: Sequence[fmpq]) -> tuple[int, ...]:
    """The hyperplane of a row, the same for both of its sides and all its multiples."""
    integers = primitive(row)
    first = next((v for v in integers if v), 0)
    return tuple(-v for v in integers) if first < 0 else integers
