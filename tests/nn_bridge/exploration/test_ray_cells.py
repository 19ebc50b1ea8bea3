"""Facets that rays meet: facets of the whole complex, of degenerate networks too; with many rays nearly all of them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from flint import fmpq

import puiseux
from nn_bridge.errors import NetworkError
from nn_bridge.exploration import LocalCells, RayCell, RayCells, path_bounds, walk
from nn_bridge.exploration.linear_parts import LinearParts, flags_of
from nn_bridge.exploration.unit_forms import Form, unit_form
from nn_bridge.network.network import Network
from polyhedra.arrays import Flags, Floats
from polyhedra.limits import OutOfTime, time_limit
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational
from tests.nn_bridge.exploration.test_local_cells import cases


def drawn(sizes: list[int], seed: int) -> Network:
    rng = np.random.default_rng(seed)
    weights = [rng.integers(-9, 10, (b, a)) for a, b in pairwise(sizes)]
    return Network.from_layers(weights, [rng.integers(-5, 6, len(w)) for w in weights])


def test_facets_by_rays_are_those_of_the_cells() -> None:
    found = known = 0
    families = set()
    for name, network, domain in list(cases())[::4]:
        families.add(name.split("_")[0])
        start = network.point([0] * network.input_dim)  # on facets of most degenerate networks
        whole = {visit.cell.active: visit.cell for visit in walk(LocalCells(network, domain), start)}
        for visit in walk(RayCells(network, domain), start):
            cell, full = visit.cell, whole[visit.cell.active]
            assert isinstance(cell, RayCell)
            numbers = {facet: k for k, facet in enumerate(full.facets)}
            for k, facet in enumerate(cell.facets):
                assert facet in numbers, name
                beyond, other = cell.neighbour(k), full.neighbour(numbers[facet])
                assert (beyond is None) == (other is None)
                assert beyond is None or other is None or beyond.active == other.active, name
            assert list(cell.facets) == sorted(cell.facets, key=lambda facet: (facet.units or ((99, 0),), facet.walls))
            assert len(full.facets) <= cell.facets_at_most
            assert cell.complete <= (len(full.facets) == cell.facet_count)
            assert cell.bounded in (None, full.bounded)
            assert cell.affine_map == full.affine_map
            assert network.pattern(cell.interior_point) == cell.pattern
            assert full.polyhedron.contains(cell.interior_point, strict=True)
            found, known = found + cell.facet_count, known + len(full.facets)
    assert len(families) >= 6
    assert known > 300
    assert found > 0.9 * known


def test_all_facets_are_met_where_none_is_tiny() -> None:
    for network in (drawn([2, 8, 4, 1], 0), drawn([5, 9, 4, 1], 1), drawn([20, 12, 1], 2)):
        start = [fmpq(1, 3 + k) for k in range(network.input_dim)]
        (cell,), (full,) = RayCells(network, rays=3000).at(start), LocalCells(network).at(start)
        assert cell.facets == full.facets
        assert [other.active for other in cell.neighbours()] == [other.active for other in full.neighbours()]


def test_units_on_one_hyperplane_are_one_facet() -> None:
    rows = [[1, 2], [2, 4], [-1, -2], [0, 1]]
    network = Network.from_layers([rows, [[1, 1, 1, 1]], [[1]]], [[1, 2, -1, 0], [0], [0]])
    (cell,) = RayCells(network).at([3, 4])
    assert [facet.units for facet in cell.facets] == [((0, 0), (0, 1), (0, 2)), ((0, 3),)]
    assert cell.neighbours()[0].pattern_text == "0011|1"
    # a unit that is 0 on the cell and not beyond it: the second stage reads what is inactive here
    gate = Network.from_layers([[[1]], [[1]], [[1]]])
    (low,) = RayCells(gate).at([-1])
    assert [facet.units for facet in low.facets] == [((0, 0),)]
    assert [other.pattern_text for other in low.neighbours()] == ["1|1"]
    assert low.neighbours()[0].neighbours() == (low,)


def test_starts_on_faces_and_on_walls() -> None:
    network = Network.from_layers([[[1, 0], [0, 1], [1, 1]], [[1, 1, 1]]])
    corner = {cell.pattern_text for cell in RayCells(network).at([0, 0])}
    assert corner == {cell.pattern_text for cell in LocalCells(network).at([0, 0])}
    square = RayCells(network, Polyhedron.box([0, 0], [1, 1]))
    (cell,) = square.at([0, 0])
    assert cell.pattern_text == "111"
    assert square.walls
    assert [(facet.units, facet.walls != ()) for facet in cell.facets] == [
        (((0, 0),), True),
        (((0, 1),), True),
        ((), True),
        ((), True),
    ]
    assert cell.neighbours() == ()
    assert cell.bounded is True
    with pytest.raises(NetworkError, match="outside the domain"):
        square.at([2, 0])
    with pytest.raises(NetworkError, match="has 1 coordinate, the network reads 2"):
        RayCells(network, Polyhedron.box([0], [1]))


def test_unbounded_cells_and_networks_without_facets() -> None:
    (only,) = RayCells(Network.from_layers([[[1, 2]]])).at([1, 1])
    assert (only.facets, only.bounded, only.complete) == ((), False, True)
    constant = Network.from_layers([[[0, 0]], [[1]]], [[-1], [0]])
    (only,) = RayCells(constant).at([1, 1])
    assert (only.facets, only.bounded) == ((), False)
    wedge = Network.from_layers([[[1, 1], [-1, 2]], [[1, 1]]])
    (cell,) = RayCells(wedge).at([3, 5])
    assert (cell.facet_count, cell.bounded) == (2, False)
    assert all(other.interior_point != cell.interior_point for other in cell.neighbours())


def test_speeds_are_within_their_bounds() -> None:
    network = drawn([6, 9, 7, 1], 4)
    x = network.point([fmpq(k, 7) for k in range(6)])
    active = tuple(sum(int(on) << i for i, on in enumerate(stage)) for stage in network.pattern(x))
    directions = np.random.default_rng(0).normal(size=(5, 6))
    parts = LinearParts(network, [Form({k: fmpq(-k - 1) for k in range(6)}, fmpq(7))])
    values, errors = parts.speeds(flags_of(active, network.hidden), directions)
    gradients = parts.gradients(flags_of(active, network.hidden)).toarray()
    names = [(s, i) for s, size in enumerate(network.hidden) for i in range(size)]
    forms = network.affine_forms(network.pattern(x))
    for number, (stage, unit) in enumerate(names):
        form, known = unit_form(network, active, stage, unit), forms[stage][unit]
        assert [form.slope.get(j, 0) for j in range(6)] == list(known[:-1])
        assert form.constant == known[-1]
        assert gradients[number] == pytest.approx([float(v.p) / float(v.q) for v in known[:-1]])
        for k, direction in enumerate(directions):
            off = form.along(list(map(rational, direction.tolist()))) - rational(float(values[number, k]))
            assert abs(off) <= rational(float(errors[number, k]))
    assert values[-1] == pytest.approx(-directions @ np.arange(1, 7))


def test_a_planted_error_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    network, start = drawn([2, 20, 8, 1], 1), [fmpq(1, 3), fmpq(1, 4)]
    (full,) = LocalCells(network).at(start)

    def wrong(self: LinearParts, active: list[Flags], directions: Floats) -> tuple[Floats, Floats]:
        values = np.random.default_rng(0).normal(size=(self.count, len(directions)))
        return values, np.zeros_like(values)

    monkeypatch.setattr(LinearParts, "speeds", wrong)
    (misled,) = RayCells(network).at(start)
    assert not set(misled.facets) <= set(full.facets)


def test_a_limit_keeps_the_facets_found() -> None:
    (cell,) = RayCells(drawn([60, 50, 1], 3)).at([fmpq(1, 9)] * 60)
    with pytest.raises(OutOfTime), time_limit(0.0):
        cell.facet_count  # noqa: B018
    assert not cell.keep_found()
    assert cell.facet_count > 0
    assert cell.keep_found()


def test_convolutions_are_explored_in_all_dimensions() -> None:
    rng = np.random.default_rng(6)
    image, stencil = np.zeros((49, 8, 8)), rng.integers(1, 9, (2, 2))
    for k, (i, j) in enumerate(np.ndindex(7, 7)):
        image[k, i : i + 2, j : j + 2] = stencil
    second = rng.integers(-4, 5, (10, 49))
    network = Network.from_layers(
        [image.reshape(49, 64), second, rng.integers(-3, 4, (3, 10))], [rng.integers(-90, 90, 49), [1] * 10, [0] * 3]
    )
    (visit,) = puiseux.explore(network, rng.integers(0, 9, 64).tolist(), 1, facets="some")
    full = LocalCells(network).of(visit.cell.pattern)
    assert isinstance(visit.cell, RayCell)
    assert set(visit.cell.facets) <= set(full.facets)
    assert visit.cell.facet_count > 0.8 * full.facet_count


def test_what_needs_all_facets_is_refused() -> None:
    network = drawn([3, 5, 1], 0)
    home = RayCells(network)
    (cell,) = home.at([fmpq(1, 3), fmpq(1, 5), fmpq(1, 7)])
    with pytest.raises(NetworkError, match="take the two cells from LocalCells"):
        path_bounds(cell, cell.neighbours()[0])
    with pytest.raises(NetworkError, match="not exchanged"):
        cell.facts()
    with pytest.raises(NetworkError, match=r"RayCells\.at"):
        _ = RayCell(home, cell.active).interior_point
