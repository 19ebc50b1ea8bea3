"""Boxes around polyhedra: read off rows, or found by linear programs; both say the same."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from polyhedra import Polyhedron
from polyhedra.bounding_box import bounding_box, box_of_rows, coordinate_bounds

SIDES = st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 9)), min_size=2, max_size=4)


@settings(deadline=None)  # the first linear program compiles its kernels
@given(SIDES, st.integers(1, 3))
def test_rows_and_linear_programs_agree(sides, scale):
    low = [a for a, _ in sides]
    high = [a + width for a, width in sides]
    n = len(sides)
    rows = [[scale * sign * (i == j) for j in range(n)] for i in range(n) for sign in (1, -1)]
    ends = [scale * end for a, b in zip(low, high, strict=True) for end in (b, -a)]
    box = Polyhedron(rows, ends)
    expected = tuple(zip(low, high, strict=True))
    assert box_of_rows(box) == bounding_box(box) == expected
    slanted = Polyhedron([*rows, [1] * n], [*ends, sum(high)])  # a row that the others imply
    assert box_of_rows(slanted) is None
    assert bounding_box(slanted) == expected


def test_unbounded_and_slanted():
    assert bounding_box(Polyhedron([[1, 0], [-1, 0]], [1, 1])) is None
    assert coordinate_bounds(Polyhedron([[2, 0], [1, 0], [0, -1], [1, 1]], [1, 3, 0, 5])) == (
        [None, 0],
        [box_end(1, 2), None],
    )
    assert bounding_box(Polyhedron([[1, 1], [-1, 0], [0, -1]], [1, 0, 0])) == ((0, 1), (0, 1))


def box_end(p, q):
    return Polyhedron([[q]], [p]).inequalities[0][-1] / q


def test_the_tightest_of_several_rows():
    box = Polyhedron([[1], [1], [-1], [-2]], [5, 3, 1, 0])
    assert box_of_rows(box) == ((0, 3),)
    assert box_of_rows(Polyhedron([[1], [-1]], [0, -1])) == ((1, 0),)  # empty, and its ends say so
