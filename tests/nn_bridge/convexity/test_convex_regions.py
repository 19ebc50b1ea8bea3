"""The fewest convex pieces: numbers known by hand, witnesses checked by polyhedra and points alone, and the order."""

from __future__ import annotations

import pytest

from nn_bridge.convexity.regions import ConvexRegions, convex_regions
from nn_bridge.network.network import Network
from polyhedra.polyhedron import Polyhedron
from puiseux import count_regions, random_network
from tests.families import COUNTS, network_of
from tests.oracles.naive_convexity import are_apart, is_partition, without

layers = Network.from_layers

LEAST = layers([[[0, 1], [-1, 1], [0, -1]], [[1, -1, -1]], [[1]]], [[0, 0, 0], [0], [0]])
"""max(0, min(x, y)): it vanishes on an L of three quadrants."""
WEDGES = layers(
    [
        [[0, 1], [0, -1], [0, 1], [0, -1], [1, 0], [-1, 0]],
        [[-1, -1, 0, 0, 1, -1], [0, 0, -1, -1, -1, 1]],
        [[1, 1]],
    ],
    [[0, 0, 1, -1, 0, 0], [-1, -1], [0]],
)
"""max(0, x - 1 - |y|) + max(0, -x - 1 - |y + 1|): it vanishes outside two wedges with apexes (1, 0) and (-1, -1)."""
DIAMOND = layers([[[1, 0], [-1, 0], [0, 1], [0, -1]], [[-1] * 4], [[1]]], [[0] * 4, [1], [0]])
"""max(0, 1 - |x| - |y|): it vanishes outside a square, whose four sides need a piece each."""
OCTAHEDRON = layers(
    [[[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], [[-1] * 6], [[1]]], [[0] * 6, [1], [0]]
)


def check(network: Network, found: ConvexRegions, domain: Polyhedron | None = None) -> None:
    """Both witnesses, and the order of the counts."""
    regions = list(found)
    counts = count_regions(network, domain)
    assert (found.cells, found.regions) == (counts.cells, counts.regions) == (counts.cells, len(regions))
    assert found.regions <= found.lower <= found.upper <= found.upper_face_to_face <= found.cells
    pieces = [piece for region in regions for piece in region.pieces]
    assert len(pieces) == found.upper
    assert sum(len(region.points) for region in regions) == found.lower
    assert is_partition(network, domain, pieces)
    for region in regions:
        assert are_apart(network, region.points)
        for point in region.points:
            assert sum(piece.contains(point) for piece in region.pieces) >= 1


@pytest.mark.parametrize(
    ("network", "regions", "fewest"),
    [(LEAST, 3, 4), (WEDGES, 5, 6), (DIAMOND, 5, 8), (OCTAHEDRON, 9, 16)],
    ids=["an L", "two wedges", "around a square", "around an octahedron"],
)
def test_numbers_known_by_hand(network: Network, regions: int, fewest: int) -> None:
    found = convex_regions(network)
    assert (found.regions, found.lower, found.upper, found.exact) == (regions, fewest, fewest, True)
    check(network, found)


def test_the_smallest_partition_may_cut_along_no_units_hyperplane() -> None:
    (region,) = [region for region in convex_regions(WEDGES) if len(region.pieces) > 1]
    lines = {piece.inequalities for piece in region.pieces}
    through_both = {(-1, 2, -1), (1, -2, 1)}  # x - 2y = 1 through both apexes
    assert all(any(row in through_both for row in rows) for rows in lines)
    # with unions of cells alone there are more: each cell is one side of every unit's line
    assert len(region.cells) > len(region.pieces) == 2


def test_in_a_box_that_cuts_the_region_to_a_convex_one() -> None:
    corner = Polyhedron.box([-3, -2], ["-1/2", 5])
    found = convex_regions(LEAST, corner)
    assert (found.regions, found.lower, found.upper) == (1, 1, 1)
    square = Polyhedron.box([-2, -2], [2, 2])
    check(DIAMOND, convex_regions(DIAMOND, square), square)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    ("shape", "init"), [([2, 4, 3, 2, 1], "he"), ([2, 4, 4, 1], "integers"), ([3, 3, 3, 1], "ternary")]
)
def test_witnesses_of_random_networks(shape: list[int], init: str, seed: int) -> None:
    network = random_network(shape, rng=seed, init=init)
    check(network, convex_regions(network, cuts=200))


@pytest.mark.parametrize("seed", range(6))
def test_with_one_input_every_region_is_one_piece(seed: int) -> None:
    network = random_network([1, 4, 3, 1], rng=seed, init="integers" if seed % 2 else "he")
    found = convex_regions(network)
    assert found.exact
    assert found.upper == found.upper_face_to_face == count_regions(network).regions


@pytest.mark.parametrize("name", [name for name in sorted(COUNTS) if COUNTS[name]["cells"] <= 30][::4])
def test_the_definitions_are_ordered(name: str) -> None:
    network = network_of(name)
    found = convex_regions(network, cuts=0)
    counts = [COUNTS[name][count] for count in ("affine_maps", "regions_by_point", "regions")]
    ordered = [*counts, found.lower, found.upper, found.upper_face_to_face, COUNTS[name]["cells"]]
    assert ordered == sorted(ordered)
    assert found.regions == COUNTS[name]["regions"]


def test_lines_in_the_cells_do_no_harm() -> None:
    """A network that sees one direction of three only."""
    network = layers([[[1, 2, 0], [1, 2, 0]], [[1, -2]]], [[0, -1], [0]])
    found = convex_regions(network)
    assert (found.lower, found.upper) == (3, 3)
    check(network, found)


def test_a_network_without_units_is_one_piece() -> None:
    found = convex_regions(layers([[[1, 2]]]))
    assert (found.lower, found.upper, found.cells) == (1, 1, 1)
    (region,) = found
    assert region.pieces[0].inequalities == ()


def test_a_time_limit_leaves_bounds() -> None:
    network = random_network([3, 6, 5, 1], rng=1)
    found = convex_regions(network, time_limit=0)
    assert found.reason == "stopped at the time limit of 0 s"
    assert found.regions <= found.lower <= found.upper <= found.upper_face_to_face == found.cells
    assert not found.exact
    assert len(found.pieces_face_to_face) == found.cells
    assert is_partition(
        LEAST, None, [piece for region in convex_regions(LEAST, time_limit=0) for piece in region.pieces]
    )


def test_the_check_of_a_partition_finds_gaps_and_overlaps() -> None:
    pieces = [piece for region in convex_regions(LEAST) for piece in region.pieces]
    assert is_partition(LEAST, None, pieces)
    assert not is_partition(LEAST, None, pieces[1:])
    assert not is_partition(LEAST, None, [*pieces, pieces[0]])
    assert not is_partition(LEAST, None, [Polyhedron.space(2)])
    assert without(Polyhedron.box([0], [3]), [Polyhedron.box([1], [2])])
