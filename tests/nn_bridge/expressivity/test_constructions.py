"""Constructions with known numbers of regions: each is counted, by two engines where it is small."""

from __future__ import annotations

from itertools import pairwise
from math import comb

import pytest

from nn_bridge.cells.cell import iterate_cells
from nn_bridge.cells.counting.count import count_cells
from nn_bridge.errors import NetworkError
from nn_bridge.expressivity.constructions import (
    Construction,
    arora,
    deep_sets,
    general_arrangement,
    montufar,
    serra,
    serra_zonotope,
    survey_example_1,
    survey_example_2,
    survey_example_3,
    telgarsky,
    tent,
)
from nn_bridge.expressivity.copies import side_by_side
from nn_bridge.expressivity.zigzags import Zigzag, dense_zigzag, plain_zigzag
from nn_bridge.symbolic.count import count_symbolic
from polyhedra.matrix import determinant, inverse, rank
from polyhedra.scalars import rational

# with the numbers of regions on the construction's own domain and on all of R^n
CONSTRUCTIONS = [
    (montufar(1, [2, 3]), 2 * 4, 9),
    (montufar(2, [4, 4]), 4 * 11, 55),
    (montufar(2, [5, 3]), 4 * 7, 37),  # 5 = 2 * 2 + 1: one unit is spare
    (montufar(2, [4, 4, 3]), 4 * 4 * 7, 148),
    (montufar(3, [6, 4]), 8 * 15, 203),
    (montufar(2, [5]), 16, 16),
    (serra(1, [3, 3]), 4 * 4, 16),
    (serra(1, [4, 3, 3]), 5 * 4 * 4, 80),
    (serra(2, [6, 6]), 16 * 22, 352),
    (serra(2, [7, 6]), 16 * 22, 352),
    (arora(2, 4, 2, 1), 8, 8),
    (arora(2, 4, 3, 3), 8 * 9, 72),
    (arora(3, 4, 2, 2), 14 * 2, 28),
    (arora(1, 2, 3, 2), 2 * 3, 6),
    (serra_zonotope(2, 3, 4, 3), 6 * 25, 150),
    (serra_zonotope(1, 1, 3, 3), 2 * 16, 32),
    (telgarsky(3), 8, 10),
    (tent(1), 2, 3),
    (tent(5), 32, 34),
    (survey_example_1(1), 4, 5),
    (survey_example_1(3), 64, 66),
    (survey_example_2(), 7, 7),
    (survey_example_3(), 9, 9),
    (deep_sets(1), 2, 2),
    (deep_sets(4), 16, 16),
    (deep_sets(3, own=1, shared=1, shift=0), 8, 8),
    (deep_sets(4, own=4, shared=-1), 15, 15),
    (deep_sets(4, own=4, shared=-1, shift=0), 14, 14),
    (deep_sets(1, own=1, shared=-1), 1, 1),
    (side_by_side(tent(2), 3), 4**3, 216),
    (side_by_side(survey_example_1(), 2), 16, 25),
    (side_by_side(deep_sets(2), 2), 16, 16),
]


@pytest.mark.parametrize(
    ("construction", "expected", "everywhere"), CONSTRUCTIONS, ids=[f"{c.name}-{c.network}" for c, *_ in CONSTRUCTIONS]
)
def test_the_count_on_its_own_domain_is_the_formula(construction: Construction, expected: int, everywhere: int) -> None:
    counted = count_cells(construction.network, construction.domain)
    assert construction.regions == expected
    assert (counted.regions, counted.cells) == (construction.regions, construction.cells)
    assert count_cells(construction.network).regions == everywhere >= expected


@pytest.mark.parametrize("construction", [montufar(1, [2, 2, 2]), serra(1, [3, 3]), arora(2, 2, 2, 2), tent(3)])
def test_the_symbolic_engine_agrees(construction: Construction) -> None:
    counted = count_symbolic(construction.network, construction.domain)
    assert counted.cells == construction.cells
    if construction.regions is not None:
        assert counted.regions == construction.regions
    assert count_symbolic(construction.network).counts == count_cells(construction.network).counts


def test_a_last_layer_as_narrow_as_the_input_joins_flat_cells() -> None:
    construction = montufar(2, [4, 2])
    counted = count_cells(construction.network, construction.domain)
    assert construction.regions is None
    assert counted.cells == construction.cells == 16
    assert counted.regions == 14  # the four flat corners around each inner vertex of the fold are one region


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_the_tent_map_on_the_whole_line(depth: int) -> None:
    counted = count_cells(tent(depth).network)
    assert counted.regions == (3 if depth == 1 else 2**depth + 2)
    assert counted.affine_maps == (3 if depth == 1 else 2**depth + 1)


def test_the_second_layer_of_example_3_cuts_each_cell_of_the_first() -> None:
    pieces: dict[tuple[bool, ...], int] = {}
    for cell in iterate_cells(survey_example_3().network):
        pieces[cell.pattern[0]] = pieces.get(cell.pattern[0], 0) + 1
    assert pieces == {(True, True): 4, (False, True): 3, (True, False): 2, (False, False): 1}


@pytest.mark.parametrize("zigzag", [*map(plain_zigzag, range(1, 7)), *map(dense_zigzag, range(3, 9))])
def test_every_piece_of_a_zigzag_is_onto(zigzag: Zigzag) -> None:
    def value(t: object) -> object:
        x = rational(t)
        units = (max(rational(0), s * x + b) for s, b in zip(zigzag.slopes, zigzag.shifts, strict=True))
        return zigzag.constant + sum((w * u for w, u in zip(zigzag.weights, units, strict=True)), rational(0))

    kinks = [-b / s for s, b in zip(zigzag.slopes, zigzag.shifts, strict=True)]
    ends = sorted({rational(0), *kinks, rational(1)})
    assert len(ends) == zigzag.pieces + 1
    assert all({value(p), value(q)} == {0, 1} for p, q in pairwise(ends))


@pytest.mark.parametrize(("dim", "planes"), [(1, 4), (2, 5), (3, 5), (4, 6)])
def test_the_arrangement_is_in_general_position_inside_the_cube(dim: int, planes: int) -> None:
    from itertools import combinations

    normals, offsets = general_arrangement(dim, planes)
    for chosen in combinations(range(planes), dim):
        inverted = inverse(tuple(normals[i] for i in chosen))
        vertex = [sum((r * offsets[i] for r, i in zip(row, chosen, strict=True)), rational(0)) for row in inverted]
        assert all(0 < x < 1 for x in vertex)
    for chosen in combinations(range(planes), dim + 1):
        assert determinant(tuple((*normals[i], offsets[i]) for i in chosen)) != 0


def test_the_cones_of_a_zonotope_are_all_there() -> None:
    construction = arora(3, 5, 1, 1)
    assert construction.domain is not None
    assert len(construction.domain.irredundant().inequalities) == 2 * (1 + comb(4, 1) + comb(4, 2))
    assert rank(construction.domain.A) == 3


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: montufar(2, [4, 1]), "layers of at least 2 units; layer 2 has 1"),
        (lambda: montufar(2, []), "at least 1 hidden layers"),
        (lambda: serra(2, [5, 6]), "layers of at least 6 units; layer 1 has 5"),
        (lambda: arora(2, 0, 2, 2), "at least 1 planes"),
        (lambda: serra_zonotope(2, 3, 2, 2), "at least 3 width"),
        (lambda: deep_sets(3, own=0), "take own other than 0"),
        (lambda: tent(0), "at least 1 hidden layers"),
        (lambda: side_by_side(tent(1), 0), "at least 1 copies"),
    ],
)
def test_requests_that_cannot_be_built(build: object, message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        build()  # type: ignore[operator]
