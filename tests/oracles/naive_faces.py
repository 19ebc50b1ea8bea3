"""A naive exact oracle: all faces of the arrangement of a small network, by trying three signs of every unit.

Each face is the set of points with one sign vector.  Whether it has points is decided by exact linear programs on the
affine space in which its zeros lie; so is whether it is bounded.  Like `naive_cells` it uses nothing of the project.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product

from tests.oracles.naive_cells import combine, is_full_dimensional, is_nonempty


def _solved(equations, dim):
    """Affine forms of the coordinates in the free ones on the common zeros of some forms; None where there are none."""
    rows = []
    pivots = []
    for form in equations:
        row = [Fraction(v) for v in form]
        for pivot, other in zip(pivots, rows, strict=True):
            row = [a - row[pivot] * b for a, b in zip(row, other, strict=True)]
        place = next((j for j in range(dim) if row[j]), None)
        if place is None:
            if row[-1]:
                return None
            continue
        row = [v / row[place] for v in row]
        rows = [[a - other[place] * b for a, b in zip(other, row, strict=True)] for other in rows] + [row]
        pivots.append(place)
    free = [j for j in range(dim) if j not in pivots]
    result = []
    for j in range(dim):
        if j in free:
            result.append([Fraction(int(j == k)) for k in free] + [Fraction(0)])
        else:
            row = rows[pivots.index(j)]
            result.append([-row[k] for k in free] + [-row[-1]])
    return result, len(free)


def _within(form, coordinates, free):
    """A form of all coordinates as a form of the free ones."""
    total = [Fraction(0)] * free + [Fraction(form[-1])]
    for factor, coordinate in zip(form[:-1], coordinates, strict=True):
        total = [t + factor * v for t, v in zip(total, coordinate, strict=True)]
    return tuple(total)


def _has_points(zero, positive, dim):
    """Whether some point has these forms zero and those positive."""
    solved = _solved(zero, dim)
    if solved is None:
        return False
    coordinates, free = solved
    moved = [_within(form, coordinates, free) for form in positive]
    if not free:
        return all(form[-1] > 0 for form in moved)
    return is_full_dimensional(moved, free)


def _is_bounded(zero, positive, dim):
    """Whether the points with these forms zero and those positive, of which there are some, form a bounded set."""
    coordinates, free = _solved(zero, dim)
    cone = [(*_within(form, coordinates, free)[:-1], Fraction(0)) for form in positive]
    for j, sign in product(range(free), (1, -1)):
        far = tuple(Fraction(sign * int(k == j)) for k in range(free)) + (Fraction(-1),)
        if is_nonempty([*cone, far], free):
            return False
    return True


def faces(stages, dim, walls=()):
    """All faces: for each sign vector its dimension, and whether it is bounded.

    Sign vectors have the signs of all units, stage by stage, then those of the walls.  ``stages`` as from
    `naive_cells.plain`, without the outputs; ``walls``: forms >= 0 on the domain.
    """
    identity = [tuple(Fraction(int(i == j)) for j in range(dim + 1)) for i in range(dim)]
    found = {}

    def visit(stage, unit, values, new, signs, zero, positive, on):
        if stage == len(stages):
            found[(*signs, *on)] = (_solved(zero, dim)[1], _is_bounded(zero, positive, dim))
            return
        if unit == len(stages[stage]):
            visit(stage + 1, 0, values + new, [], signs, zero, positive, on)
            return
        form = combine(*stages[stage][unit], values, dim)
        negative = tuple(-v for v in form)
        for sign in (1, 0, -1):
            nulls = [*zero, form] if sign == 0 else zero
            above = [*positive, form if sign > 0 else negative] if sign else positive
            if _has_points(nulls, above, dim):
                visit(stage, unit + 1, values, [*new, form if sign > 0 else None], (*signs, sign), nulls, above, on)

    for on in product((1, 0), repeat=len(walls)):
        nulls = [wall for wall, sign in zip(walls, on, strict=True) if sign == 0]
        inside = [wall for wall, sign in zip(walls, on, strict=True) if sign]
        if _has_points(nulls, inside, dim):
            visit(0, 0, identity, [], (), nulls, inside, on)
    return found
