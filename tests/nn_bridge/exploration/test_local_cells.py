"""Cells known by their patterns, their neighbours, walks and paths, as in the whole complex; eight families."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, pairwise

import networkx as nx
import numpy as np
import pytest

from nn_bridge.cells.complex import CellComplex, cell_complex
from nn_bridge.errors import NetworkError
from nn_bridge.exploration import ORDERS, LocalCells, path_bounds, walk
from nn_bridge.network.network import Network
from polyhedra.errors import UsageError
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ZERO
from tests.families import ENTRIES, network_of
from tropical.effective_radius import nearest_point

SMALL = [entry for entry in ENTRIES if entry["cells"] <= 40]


def cases() -> Iterator[tuple[str, Network, Polyhedron | None]]:
    """Every eighth small network, on all of R^n and on a box."""
    for entry in SMALL[::8]:
        network = network_of(entry)
        box = Polyhedron.box([-1] * network.input_dim, ["1/2"] * network.input_dim)
        yield from ((entry["name"], network, None), (entry["name"], network, box))


def neighbours_in(found: CellComplex, number: int) -> list[object]:
    """The patterns of the neighbours of a cell."""
    first, last = found.facet_begin[number : number + 2]
    return sorted(found.pattern(int(k)) for k in found.neighbours[first:last] if k >= 0)


def test_a_walk_finds_all_cells_with_the_facets_and_neighbours_of_the_complex() -> None:
    rng = np.random.default_rng(5)
    families = set()
    for turn, (name, network, domain) in enumerate(cases()):
        families.add(name.split("_")[0])
        found, home = cell_complex(network, domain), LocalCells(network, domain)
        # starts at 0 lie on facets of most degenerate networks
        start = network.point([0] * network.input_dim if turn % 4 < 2 else rng.integers(-8, 5, network.input_dim) / 8)
        cells = {visit.cell.pattern: visit.cell for visit in walk(home, start, order=ORDERS[turn % 3], rng=rng)}
        numbers = {found.pattern(number): number for number in range(len(found))}
        assert set(cells) == set(numbers), name
        for pattern, number in numbers.items():
            cell, known = cells[pattern], found.cell(number)
            assert {facet.inequality for facet in cell.facets} == {facet.inequality for facet in known.facets}, name
            assert {(f.units, f.walls) for f in cell.facets} == {(f.units, f.walls) for f in known.facets}, name
            assert sorted(other.pattern for other in cell.neighbours()) == neighbours_in(found, number), name
            assert cell.bounded == known.bounded
            assert cell.affine_map == known.affine_map
            assert home.of(pattern) == cell
            assert network.pattern(cell.interior_point) == pattern
    assert len(families) == 8


def test_breadth_first_crosses_as_few_facets_as_possible() -> None:
    network = network_of(max(SMALL, key=lambda entry: entry["cells"]))
    found = cell_complex(network)
    start = found.cell(0).interior_point
    lengths = nx.single_source_shortest_path_length(found.dual_graph, 0)
    distances = {visit.cell.pattern: visit.distance for visit in walk(LocalCells(network), start)}
    assert distances == {found.pattern(node): length for node, length in lengths.items()}
    near = [visit.cell.pattern for visit in walk(LocalCells(network), start, max_distance=2)]
    assert sorted(near) == sorted(pattern for pattern, length in distances.items() if length <= 2)


def test_nearest_first_goes_by_the_distance_in_the_maximum_norm() -> None:
    network = network_of(max(SMALL, key=lambda entry: entry["cells"]))
    start = network.point(["1/3"] * network.input_dim)
    visits = list(walk(LocalCells(network), start, order="nearest"))
    away = [visit.norm_distance for visit in visits]
    assert away == sorted(away, key=lambda value: value or ZERO)
    for visit, value in zip(visits, away, strict=True):
        inside = visit.cell.polyhedron.contains(start)
        assert value == (0 if inside else nearest_point(visit.cell.polyhedron, start)[0])


def test_cells_that_meet_a_box_are_those_with_common_interior_points() -> None:
    for name, network, _ in islice(cases(), 0, None, 6):
        n = network.input_dim
        box = Polyhedron.box(["-1/3"] * n, ["2/5"] * n)
        met = {visit.cell.pattern for visit in walk(LocalCells(network), network.point([0] * n), meeting=box)}
        found = cell_complex(network)
        assert met == {
            found.pattern(k)
            for k in range(len(found))
            if found.cell(k).polyhedron.intersection(box).is_full_dimensional()
        }, name


def test_paths_are_bounded_from_both_sides_and_exact_after_a_search() -> None:
    rng = np.random.default_rng(2)
    for entry in SMALL[::11]:
        network = network_of(entry)
        found, home = cell_complex(network), LocalCells(network)
        one, two = (int(k) for k in rng.integers(len(found), size=2))
        length = nx.shortest_path_length(found.dual_graph, one, two)
        start, end = home.of(found.pattern(one)), home.of(found.pattern(two))
        rough, exact = path_bounds(start, end, max_cells=0), path_bounds(start, end)
        assert rough.lower <= length <= rough.upper
        assert exact.lower == exact.upper == length
        for bounds in (rough, exact):
            assert (bounds.path[0], bounds.path[-1]) == (start, end)
            assert len(bounds.path) == bounds.upper + 1
            assert all(after in before.neighbours() for before, after in pairwise(bounds.path))


def test_the_hamming_distance_is_no_bound_where_one_facet_switches_several_units() -> None:
    tripled = Network.from_layers([[[1], [2], [-1]], [[1, 1, 1]]])
    left, right = sorted(
        (visit.cell for visit in walk(LocalCells(tripled), tripled.point([0]))), key=lambda c: c.pattern
    )
    assert path_bounds(left, right).upper == 1


def test_many_inputs_are_explored_in_the_values_of_the_first_units() -> None:
    rng = np.random.default_rng(0)
    weights = [rng.integers(-9, 10, shape) for shape in ((40, 90), (12, 40), (2, 12))]
    network = Network.from_layers([w.tolist() for w in weights], [[1] * len(w) for w in weights])
    home = LocalCells(network)
    assert home.coordinates is not None
    (cell,) = home.at([k % 7 - 3 for k in range(90)])
    assert network.pattern(cell.interior_point) == cell.pattern
    assert not cell.bounded
    for facet, other in zip(cell.facets, cell.neighbours(), strict=True):
        (_, *_), b = facet.inequality[:-1], facet.inequality[-1]
        inside = sum(a * x for a, x in zip(facet.inequality, cell.interior_point, strict=False))
        beyond = sum(a * x for a, x in zip(facet.inequality, other.interior_point, strict=False))
        assert inside < b < beyond
        assert network.pattern(other.interior_point) == other.pattern
        assert cell in other.neighbours()


def test_narrow_first_layers_are_explored_in_their_values_too() -> None:
    rng = np.random.default_rng(1)
    weights = [rng.integers(-9, 10, shape) for shape in ((3, 30), (4, 3), (2, 4))]
    weights[0][2] = weights[0][0] - 2 * weights[0][1]  # two directions
    network = Network.from_layers([w.tolist() for w in weights], [[1] * len(w) for w in weights])
    home = LocalCells(network)
    assert home.reduced.input_dim == 2
    found = cell_complex(network)
    cells = {visit.cell.pattern: visit.cell for visit in walk(home, network.point([0] * 30))}
    assert set(cells) == {found.pattern(number) for number in range(len(found))}
    for number in range(len(found)):
        cell = cells[found.pattern(number)]
        assert {facet.inequality for facet in cell.facets} == {f.inequality for f in found.cell(number).facets}
        assert network.pattern(cell.interior_point) == cell.pattern


def test_a_network_without_hidden_units_is_one_cell() -> None:
    affine = Network.from_layers([[[1, 2]]])
    (visit,) = walk(LocalCells(affine), affine.point([3, 4]))
    assert visit.cell.facets == ()
    assert not visit.cell.bounded
    box = LocalCells(affine, Polyhedron.box([0, 0], [1, 1]))
    (visit,) = walk(box, affine.point([0, 1]))
    assert len(visit.cell.facets) == 4
    assert visit.cell.bounded


def test_bad_input_is_named() -> None:
    bent = Network.from_layers([[[1], [1]], [[1, 1]]], [[0, -1], [0]])
    home = LocalCells(bent, Polyhedron.box([0], [2]))
    with pytest.raises(NetworkError, match="outside the domain"):
        home.at([3])
    with pytest.raises(NetworkError, match="no full-dimensional cell"):
        home.of([[False, True]])
    with pytest.raises(NetworkError, match=r"\[1\] units"):
        home.of([[True]])
    with pytest.raises(UsageError, match="there is no order 'deep'"):
        next(walk(home, bent.point([1]), order="deep"))
    with pytest.raises(UsageError, match="give rng"):
        next(walk(home, bent.point([1]), order="random"))
    with pytest.raises(NetworkError, match="coordinates"):
        LocalCells(bent, Polyhedron.box([0, 0], [1, 1]))
