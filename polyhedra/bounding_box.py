"""The smallest box around a polyhedron, exactly."""

from __future__ import annotations

from flint import fmpq

from polyhedra.linear_program import Optimal, maximize_over
from polyhedra.polyhedron import Polyhedron

Box = tuple[tuple[fmpq, fmpq], ...]
"""The ends (low, high) of each coordinate."""


def coordinate_bounds(domain: Polyhedron) -> tuple[list[fmpq | None], list[fmpq | None]]:
    """The lower and the upper bounds that rows with one coordinate state, None where a coordinate has none.

    Examples
    --------
    >>> coordinate_bounds(Polyhedron([[2, 0], [0, -1], [1, 1]], [1, 0, 5]))
    ([None, 0], [1/2, None])
    """
    low: list[fmpq | None] = [None] * domain.dim
    high: list[fmpq | None] = [None] * domain.dim
    for row in domain.inequalities:
        axis = bounded_coordinate(row)
        if axis is None:
            continue
        end = row[-1] / row[axis]
        if row[axis] > 0:
            known = high[axis]
            high[axis] = end if known is None else min(known, end)
        else:
            known = low[axis]
            low[axis] = end if known is None else max(known, end)
    return low, high


def bounded_coordinate(row: tuple[fmpq, ...]) -> int | None:
    """The one coordinate that a row ``(a_1, .., a_n, b)`` bounds, or None."""
    axes = [axis for axis, a in enumerate(row[:-1]) if a]
    return axes[0] if len(axes) == 1 else None


def box_of_rows(domain: Polyhedron) -> Box | None:
    """The box that a polyhedron is, where each row bounds one coordinate and each coordinate has both ends, else None.

    The ends are those of the rows: an empty box has a lower end above its upper end.
    """
    if domain.equalities or any(bounded_coordinate(row) is None for row in domain.inequalities):
        return None
    sides = [(a, b) for a, b in zip(*coordinate_bounds(domain), strict=True) if a is not None and b is not None]
    return tuple(sides) if len(sides) == domain.dim else None


def bounding_box(domain: Polyhedron) -> Box | None:
    """The smallest box around a polyhedron that is not empty, or None where it is unbounded.

    Returns
    -------
    tuple of (low, high), one for each coordinate

    Examples
    --------
    >>> bounding_box(Polyhedron([[1, 1], [-1, 0], [0, -1]], [1, 0, 0]))
    ((0, 1), (0, 1))
    """
    stated = box_of_rows(domain)
    if stated is not None and all(low <= high for low, high in stated):
        return stated
    sides = []
    for axis in range(domain.dim):
        ends = []
        for sign in (-1, 1):
            answer = maximize_over(domain.system, [fmpq(sign if i == axis else 0) for i in range(domain.dim)])
            if not isinstance(answer, Optimal):
                return None
            ends.append(sign * answer.value)
        sides.append((ends[0], ends[1]))
    return tuple(sides)
