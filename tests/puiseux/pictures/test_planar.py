"""Exact planar clipping, and colours of neighbours."""

from __future__ import annotations

from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from polyhedra.polyhedron import Polyhedron
from puiseux.pictures.planar import HalfPlane, Polygon, clip, colouring, twice_area

small = st.integers(-3, 3).map(fmpq)
half_planes = st.tuples(st.tuples(small, small).filter(any), small)


def polygon(*points: tuple[int, int]) -> Polygon:
    return tuple((fmpq(x), fmpq(y)) for x, y in points)


SQUARE = polygon((-2, -2), (2, -2), (2, 2), (-2, 2))


@given(st.lists(half_planes, max_size=6))
@settings(deadline=None, max_examples=60)
def test_clipping_gives_the_vertices_and_the_area_of_the_intersection(cuts: list[HalfPlane]) -> None:
    exact = Polyhedron.box([-2, -2], [2, 2]).intersection(Polyhedron([a for a, _ in cuts], [b for _, b in cuts], dim=2))
    clipped = clip(SQUARE, cuts)
    assert twice_area(clipped) / 2 == exact.volume()
    if clipped:
        assert set(exact.vertices()) == set(clipped)
        assert len(set(clipped)) == len(clipped)


def test_touching_is_empty() -> None:
    assert clip(SQUARE, [((fmpq(1), fmpq(0)), fmpq(-2))]) == ()
    assert clip(SQUARE, [((fmpq(1), fmpq(1)), fmpq(-4))]) == ()


def test_neighbours_get_different_colours() -> None:
    cycle = [(i, (i + 1) % 7) for i in range(7)]
    colours = colouring(range(7), [*cycle, (3, 3)], 3)
    assert all(colours[one] != colours[other] for one, other in cycle)
    assert set(colours.values()) <= {0, 1, 2}
    assert set(colouring(range(5), [(i, j) for i in range(5) for j in range(i)], 2)) == set(range(5))


def test_a_wanted_colour_is_kept_unless_a_neighbour_has_it() -> None:
    path = [(0, 1), (1, 2)]
    assert colouring(range(3), path, 4, {0: 3, 2: 2}) == {1: 0, 0: 3, 2: 2}
    clash = colouring(range(3), path, 4, {0: 3, 1: 3, 2: 3})
    assert clash[1] == 3
    assert clash[0] != 3
    assert clash[2] != 3
