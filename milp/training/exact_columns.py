"""The choices of exact training: patterns of data, the columns that a unit with a pattern can put together, exact sums.

A ReLU unit whose parameters lie in the closed cone of one activation pattern of the data is, on the data, a
non-negative combination of the outputs of the cone's rays. A linear threshold unit with a pattern is a multiple of the
pattern itself.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from flint import fmpq, fmpq_mat

from milp.training.activation_patterns import patterns_of_rows
from polyhedra.answers import NoInterior
from polyhedra.errors import FormulationError
from polyhedra.independence import independent
from polyhedra.linear_program import interior
from polyhedra.matrix import Vector
from polyhedra.scalars import ONE, ZERO

_AT_ONCE = 64  # rays or columns multiplied between two looks at the clock


@dataclass(frozen=True, slots=True)
class Choice:
    """One pattern for a unit.

    Attributes
    ----------
    pattern : tuple of bool
        The samples where it is active.
    columns : tuple of int
        Its outputs are combinations of these columns.
    basis : tuple of int
        Those among them that span the same space.
    """

    pattern: tuple[bool, ...]
    columns: tuple[int, ...]
    basis: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Columns:
    """All columns with their exact scalar products.

    Attributes
    ----------
    outputs : tuple of vectors
        One number for each sample.
    parameters : tuple of vectors
        (w, b) of the unit, b last where there are biases.
    gram : list of lists
        The scalar products of the columns.
    target : list
        The scalar products with y.
    choices : tuple of Choice
    """

    outputs: tuple[Vector, ...]
    parameters: tuple[Vector, ...]
    gram: list[list[fmpq]]
    target: list[fmpq]
    choices: tuple[Choice, ...]


def exact_patterns(rows: Sequence[Vector], limit: int, deadline: float | None) -> list[tuple[bool, ...]]:
    """The activation patterns of full-dimensional cells of parameters, exactly; sorted."""
    return sorted(patterns_of_rows(rows, limit, deadline))


def relu_columns(rows: Sequence[Vector], y: Vector, limit: int, deadline: float | None = None) -> Columns:
    """The columns of ReLU units: the outputs of the rays of the cones of parameters.

    Parameters
    ----------
    rows : sequence of vectors
        The samples, with a 1 at the end where units have biases.
    y : vector
    limit : int
        The most patterns.
    deadline : float, optional
    """
    kept = _independent_columns(rows)
    reduced = [tuple(row[j] for j in kept) for row in rows]
    patterns = exact_patterns(reduced, limit, deadline)
    rays = _rays(reduced, len(kept), deadline)
    values = _values(reduced, rays, deadline)
    signs = [tuple(map(_sign, found)) for found in values]
    outputs = [tuple(max(value, ZERO) for value in found) for found in values]
    choices = []
    for pattern in patterns:
        _check(deadline, "the columns of the patterns")
        if not any(pattern):
            continue  # the unit is zero
        inside = [
            r
            for r, sign in enumerate(signs)
            if any(outputs[r]) and all((s >= 0) if on else (s <= 0) for s, on in zip(sign, pattern, strict=True))
        ]
        basis = independent([outputs[r] for r in inside]).rows
        choices.append(Choice(pattern, tuple(inside), tuple(inside[i] for i in basis)))
    width = len(rows[0])
    parameters = tuple(_spread(ray, kept, width) for ray in rays)
    return _with_products(outputs, parameters, y, choices, deadline)


def threshold_columns(rows: Sequence[Vector], y: Vector, limit: int, deadline: float | None = None) -> Columns:
    """The columns of linear threshold units: the patterns themselves, with parameters that have them."""
    kept = _independent_columns(rows)
    reduced = [tuple(row[j] for j in kept) for row in rows]
    outputs: list[Vector] = []
    parameters: list[Vector] = []
    choices: list[Choice] = []
    for pattern, middle in sorted(_threshold_patterns(reduced, limit, deadline).items()):
        if not any(pattern):
            continue
        index = len(outputs)
        outputs.append(tuple(ONE if on else ZERO for on in pattern))
        parameters.append(_spread(middle, kept, len(rows[0])))
        choices.append(Choice(pattern, (index,), (index,)))
    return _with_products(outputs, tuple(parameters), y, choices, deadline)


def _threshold_patterns(rows: Sequence[Vector], limit: int, deadline: float | None) -> dict[tuple[bool, ...], Vector]:
    """All patterns [r . w > 0] of rows, with a w for each; w may lie on walls.

    Where some direction is negative on all rows that are not zero (with a bias: minus the bias), a step along it leaves
    a wall and changes no pattern, so the full-dimensional cells have all patterns. Else, as for a row and its opposite
    without a bias, the faces of the cells have more. The sum of the rays of a face lies inside it.
    """
    moving = [row for row in rows if any(row)]
    if not moving:
        return {(False,) * len(rows): ()}
    of_faces = isinstance(interior(moving, [ZERO] * len(moving), dim=len(moving[0])), NoInterior)
    patterns = exact_patterns(rows, limit, deadline)  # those of faces are no fewer
    rays = _rays(rows, len(rows[0]), deadline)
    signs = [tuple(map(_sign, found)) for found in _values(rows, rays, deadline)]
    if of_faces:
        return _patterns_of_faces(signs, rays, limit, deadline)
    found = {}
    for pattern in patterns:
        _check(deadline, "the columns of the patterns")
        inside = [
            ray
            for ray, sign in zip(rays, signs, strict=True)
            if all((s >= 0) if on else (s <= 0) for s, on in zip(sign, pattern, strict=True))
        ]
        found[pattern] = _sum(inside)
    return found


def _patterns_of_faces(
    signs: Sequence[tuple[int, ...]], rays: Sequence[Vector], limit: int, deadline: float | None
) -> dict[tuple[bool, ...], Vector]:
    """The patterns inside all faces: each face is reached from a ray by adding rays whose signs do not contradict."""
    size = len(signs[0])
    table = [
        (sum(1 << n for n in range(size) if sign[n] > 0), sum(1 << n for n in range(size) if sign[n] < 0), ray)
        for sign, ray in zip(signs, rays, strict=True)
    ]
    faces = {(on, off): ray for on, off, ray in table}
    found = {on: ray for on, _, ray in table}
    waiting = list(faces)
    while waiting:
        on, off = waiting.pop()
        if deadline is not None and time.monotonic() > deadline:
            raise FormulationError(
                f"the time limit was reached at {len(found)} activation patterns: raise it, or use fewer samples"
            )
        for more_on, more_off, ray in table:
            face = (on | more_on, off | more_off)
            if face[0] & face[1] or face in faces:
                continue
            faces[face] = _sum([faces[on, off], ray])
            found.setdefault(face[0], faces[face])
            waiting.append(face)
        if len(found) > limit:
            raise FormulationError(
                f"the data have more than {limit} activation patterns: use fewer samples or fewer features"
            )
    return {tuple(bool(on >> n & 1) for n in range(size)): ray for on, ray in found.items()}


def _sum(vectors: Sequence[Vector]) -> Vector:
    return tuple(sum(entries, ZERO) for entries in zip(*vectors, strict=True))


def _values(rows: Sequence[Vector], rays: Sequence[Vector], deadline: float | None) -> list[list[fmpq]]:
    """The products of all rays with all rows, a list for each ray."""
    table = fmpq_mat([list(row) for row in rows]).transpose()
    found: list[list[fmpq]] = []
    for start in range(0, len(rays), _AT_ONCE):
        _check(deadline, "the columns of the patterns")
        found += (fmpq_mat([list(ray) for ray in rays[start : start + _AT_ONCE]]) * table).tolist()
    return found


def _with_products(
    outputs: Sequence[Vector],
    parameters: tuple[Vector, ...],
    y: Vector,
    choices: Sequence[Choice],
    deadline: float | None,
) -> Columns:
    if not outputs:
        return Columns((), (), [], [], tuple(choices))
    gram: list[list[fmpq]] = []
    table = fmpq_mat([list(column) for column in outputs]).transpose()
    for start in range(0, len(outputs), _AT_ONCE):
        _check(deadline, "the products of the columns")
        gram += (fmpq_mat([list(column) for column in outputs[start : start + _AT_ONCE]]) * table).tolist()
    target = [row[0] for row in (fmpq_mat([list(y)]) * table).transpose().tolist()]
    return Columns(tuple(outputs), parameters, gram, target, tuple(choices))


def _check(deadline: float | None, place: str) -> None:
    if deadline is not None and time.monotonic() > deadline:
        raise FormulationError(f"the time limit was reached at {place}: raise it, or use fewer samples")


def _independent_columns(rows: Sequence[Vector]) -> list[int]:
    """Features that determine the others on the data: weights on the rest add nothing there."""
    return list(independent(list(zip(*rows, strict=True))).rows)


def _rays(rows: Sequence[Vector], rank: int, deadline: float | None) -> list[Vector]:
    """The directions on which ``rank - 1`` independent rows vanish, both ways, each once."""
    found: dict[Vector, None] = {}
    distinct = list(dict.fromkeys(rows))
    if rank == 0:
        return []
    for chosen in combinations(distinct, rank - 1):
        _check(deadline, "the rays of the patterns")
        direction = _null_direction(chosen, rank)
        if direction is not None:
            found.setdefault(direction)
            found.setdefault(tuple(-v for v in direction))
    return list(found)


def _null_direction(rows: Sequence[Vector], dim: int) -> Vector | None:
    """The one direction, up to its length, that is orthogonal to all rows; None where there are more."""
    if not rows:
        return (ONE,)
    reduced, rank = fmpq_mat([list(row) for row in rows]).rref()
    if rank < dim - 1:
        return None
    table = reduced.tolist()
    pivots = [next(j for j, v in enumerate(row) if v) for row in table[:rank]]
    free = next(j for j in range(dim) if j not in pivots)
    direction = [ZERO] * dim
    direction[free] = ONE
    for row, pivot in zip(table[:rank], pivots, strict=True):
        direction[pivot] = -row[free]
    largest = max(abs(v) for v in direction)
    return tuple(v / largest for v in direction)


def _sign(value: fmpq) -> int:
    return (value > 0) - (value < 0)


def _spread(values: Sequence[fmpq], places: Sequence[int], size: int) -> Vector:
    result = [ZERO] * size
    for place, value in zip(places, values, strict=True):
        result[place] = value
    return tuple(result)
