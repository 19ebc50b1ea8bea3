"""The smallest box around a polyhedron, exactly."""

from __future__ import annotations

from flint import fmpq

from polyhedra.linear_program import Optimal, maximize_over
from polyhedra.polyhedron import Polyhedron


def bounding_box(domain: Polyhedron) -> tuple[tuple[fmpq, fmpq], ...] | None:
    """The smallest box around a polyhedron that is not empty, or None where it is unbounded.

    Returns
    -------
    tuple of (low, high), one for each coordinate

    Examples
    --------
    >>> bounding_box(Polyhedron([[1, 1], [-1, 0], [0, -1]], [1, 0, 0]))
    ((0, 1), (0, 1))
    """
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
