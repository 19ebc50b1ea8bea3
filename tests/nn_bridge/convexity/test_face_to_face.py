"""Convex pieces that meet face to face: numbers known by hand, and every witness checked by polyhedra alone."""

from __future__ import annotations

import pytest

from nn_bridge.cells.complex import cell_complex
from nn_bridge.convexity.face_to_face import is_face_to_face, refined
from nn_bridge.convexity.parts import Facet, Part, boundary, cut, is_convex, part_of_cell
from nn_bridge.convexity.regions import ConvexRegions, convex_regions
from nn_bridge.network.network import Network
from polyhedra.polyhedron import Polyhedron
from puiseux import count_definitions, random_network
from tests.nn_bridge.convexity.test_convex_regions import DIAMOND, LEAST, OCTAHEDRON, WEDGES
from tests.oracles.naive_convexity import is_partition, meet_face_to_face

STEPS = Network.from_layers([[[0, 1], [1, 0]], [[1, 0], [1, -1]], [[2, -1]]])
"""relu(y) + min(relu(y), relu(x)): 0 below, then y, y + x and 2y from left to right; three regions meet the half-plane.

Four convex regions, and so a partition into four; but the half-plane's line is a facet of no single region beyond, so a
complex divides the half-plane at the origin, and the five cells do.
"""


def check(network: Network, found: ConvexRegions, domain: Polyhedron | None = None) -> None:
    pieces = found.pieces_face_to_face
    assert len(pieces) == found.upper_face_to_face
    assert meet_face_to_face(pieces)
    assert is_partition(network, domain, pieces)


@pytest.mark.parametrize(
    ("network", "fewest"),
    [(LEAST, 4), (WEDGES, 6), (DIAMOND, 8), (OCTAHEDRON, 16), (STEPS, 5)],
    ids=["an L", "two wedges", "around a square", "around an octahedron", "steps beside a half-plane"],
)
def test_numbers_known_by_hand(network: Network, fewest: int) -> None:
    found = convex_regions(network)
    assert found.upper_face_to_face == fewest
    check(network, found)


def test_a_partition_may_be_smaller_than_any_complex() -> None:
    found = convex_regions(STEPS)
    assert (found.regions, found.lower, found.upper, found.cells) == (4, 4, 4, 5)
    assert found.exact
    assert not found.exact_face_to_face
    pieces = [piece for region in found for piece in region.pieces]
    assert is_partition(STEPS, None, pieces)
    assert not meet_face_to_face(pieces)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(("shape", "init"), [([2, 4, 3, 1], "he"), ([2, 4, 4, 1], "integers"), ([3, 3, 2, 1], "he")])
def test_witnesses_of_random_networks(shape: list[int], init: str, seed: int) -> None:
    network = random_network(shape, rng=seed, init=init)
    check(network, convex_regions(network, cuts=200))


def test_in_a_box() -> None:
    square = Polyhedron.box([-2, -2], [2, 2])
    check(DIAMOND, convex_regions(DIAMOND, square), square)


def test_cells_that_are_cut_along_a_plane_stay_a_complex() -> None:
    complex_ = cell_complex(DIAMOND)
    parts = [part_of_cell(complex_, k) for k in range(complex_.cells)]
    more, regions = refined(parts, complex_.regions.tolist(), [(1, 2, 1)])
    assert len(more) == len(regions) > len(parts)
    assert is_face_to_face([[part] for part in more])
    inner, outer = cut(parts, (1, 2, 1), "one side")
    assert is_face_to_face([[part] for part in (*inner, *outer)])
    assert not is_face_to_face(
        [[part] for part in (*cut(parts[:1], (1, 2, 1), 0)[0], *outer)] + [[p] for p in parts[1:]]
    )


def test_facets_of_parts_that_come_from_several_cuts_stay_apart() -> None:
    """Of two boxes side by side the first is cut across, then both along: the new facets of the two are different."""
    left, _ = cut([_box(1, 0, 2), _box(3, -2, 0)], (1, 0, 1), "x <= 1")
    lower, upper = cut(left, (0, 1, 0), "y <= 0")
    for side in (lower, upper):
        assert len({facet.key for part in side for facet in part.facets if facet.row in {(0, 1, 0), (0, -1, 0)}}) == 2
        assert len([facet for _, facet in boundary(side) if facet.row in {(0, 1, 0), (0, -1, 0)}]) == 2
        assert is_convex(side)


def _box(number: int, left: int, right: int) -> Part:
    """The box [left, right] x [-1, 1]; the line x = 0 is a common facet."""
    rows = [(-1, 0, -left), (1, 0, right), (0, -1, 1), (0, 1, 1)]
    keys = [("x", left), ("x", right), ("bottom", number), ("top", number)]
    corners = tuple((x, y, 1) for x in (left, right) for y in (-1, 1))
    return Part(number, tuple(map(Facet, rows, keys)), corners)


def test_the_definitions_name_both() -> None:
    found = count_definitions(STEPS)
    assert found.convex is not None
    assert found.to_json()["convex"]["face_to_face"] == {"upper": 5, "exact": False}
    assert "face to face: 4 to 5" in found.to_text()
    assert "face to face" not in count_definitions(LEAST).to_text()
