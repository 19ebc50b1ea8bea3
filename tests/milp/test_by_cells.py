"""Answers by all cells against exact programs over every pattern, and the enclosures against exact vertices."""

import itertools
import time

import numpy as np
import pytest
from flint import fmpq

import milp
from milp.by_cells import cell_system, greatest_by_cells, maximum_by_cells, meet_by_cells
from milp.cell_batches import TooManyCells, cell_batches
from milp.cell_bounds import box_of, estimates, upper_bounds
from milp.choice import cells_can_win
from milp.domain import OutOfTime, bounded
from milp.optimize import objective_of
from nn_bridge.cells.cell import iterate_cells
from nn_bridge.network.network import Network
from polyhedra.linear_program import maximize
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational, to_float

TRIANGLE = Polyhedron([[1, 1], [-1, 0], [0, -1]], [2, 1, 1])


def _networks(random_network):
    rng = np.random.default_rng(11)
    for shape in ((1, 5, 1), (2, 4, 3, 1), (2, 6, 2), (3, 5, 1)):
        for kind in ("gaussian", "integer", "skip"):
            yield random_network(rng, shape, kind)


def test_enclosures_hold_the_exact_vertices_and_maps(random_network, unit_box):
    for net in _networks(random_network):
        domain = unit_box(net.input_dim)
        cells = {cell.pattern: cell for cell in iterate_cells(net, domain)}
        seen = 0
        for batch in cell_batches(net, domain):
            low, high = batch.values()
            for c in range(batch.size):
                cell = cells[batch.pattern(c)]
                exact_rows = net.affine_forms(cell.pattern)[-1]
                for r, row in enumerate(exact_rows):
                    for j, v in enumerate(row):
                        assert abs(rational(float(batch.rows[c, r, j])) - v) <= rational(
                            float(batch.rows_error[c, r, j])
                        )
                own = np.nonzero(batch.vertex_cell == c)[0]
                exact = cell.generators.vertices
                assert len(own) == len(exact)
                for v, point in zip(own, exact, strict=True):
                    radius = rational(float(batch.radius[v]))
                    assert radius < fmpq(1, 10**9)
                    for x, y in zip(batch.vertices[v], point, strict=True):
                        assert abs(rational(float(x)) - y) <= radius
                    for r, value in enumerate(net.evaluate(point)):
                        assert rational(float(low[v, r])) <= value <= rational(float(high[v, r]))
                seen += 1
        assert seen == len(cells)


def test_the_maximum_over_all_cells_is_the_exact_one(random_network, unit_box):
    for net in _networks(random_network):
        domain = unit_box(net.input_dim) if net.input_dim != 2 else TRIANGLE
        region = bounded(domain, net.input_dim)
        for sign in (1, -1):
            found = maximum_by_cells(net, region, objective_of(net, 0).as_stage(net), 0, sign)
            other = milp.optimize_network(net, domain, 0, sense="max" if sign > 0 else "min", solver="none")
            assert found.proven
            assert found.value == found.bound == sign * net.evaluate(found.point)[0]
            assert sign * found.value == other.value


def test_the_maximum_is_that_of_a_naive_oracle(random_network, unit_box, request):
    oracle = request.getfixturevalue("maximum_by_cells")
    for net in itertools.islice(_networks(random_network), 9):
        domain = unit_box(net.input_dim)
        weights = [fmpq(1)] + [fmpq(-2)] * (net.output_dim - 1)
        stage = objective_of(net, weights).as_stage(net)
        assert maximum_by_cells(net, bounded(domain, net.input_dim), stage).value == oracle(net, domain, weights)


def test_a_network_of_many_cells_is_closed_within_seconds():
    rng = np.random.default_rng(0)
    sizes = (3, 32, 32, 3)
    net = Network.from_layers(
        [rng.normal(size=(b, a)) * np.sqrt(2 / a) for a, b in itertools.pairwise(sizes)],
        [0.5 * rng.normal(size=b) for b in sizes[1:]],
    )
    best = milp.optimize_network(net, ([-1] * 3, [1] * 3), time_limit=60)
    assert best.proven
    assert best.value == best.bound == net.evaluate(best.point)[0]


def test_limits_of_time_and_number():
    net = Network.from_layers([[[1], [1], [1]], [[1, -1, 1]]], [[0, -1, 1], [0]])
    region = bounded(([-3], [3]), 1)
    stage = objective_of(net, 0).as_stage(net)
    with pytest.raises(OutOfTime):
        list(cell_batches(net, region.polyhedron, deadline=time.monotonic() - 1))
    with pytest.raises(TooManyCells):
        list(cell_batches(net, region.polyhedron, max_cells=2))
    cut = maximum_by_cells(net, region, stage, max_cells=2)
    assert not cut.proven
    assert cut.bound is None
    huge = Network.from_layers([[[1e200]], [[1e200]]])  # the product is beyond float64
    found = maximum_by_cells(huge, bounded(([0], [1]), 1), objective_of(huge, 0).as_stage(huge))
    assert found.proven
    assert found.value == rational(1e200) ** 2


def test_meeting_points_have_the_greatest_least_output():
    # the outputs x and 1/2 - x are both >= 0 between 0 and 1/2, and equal in the middle
    net = Network.from_layers([[[1], [-1]], [[1, -1], [-1, 1]]], [[0, 0], [0, "1/2"]])
    region = bounded(([-1], [2]), 1)
    assert meet_by_cells(net, region).point == (fmpq(1, 4),)
    never = Network.from_layers([[[1], [-1]], [[1, -1], [-1, 1]]], [[0, 0], [0, "-1/2"]])
    assert meet_by_cells(never, region) == milp.by_cells.Meeting(None, True, 2)


def test_domains_that_are_not_for_cells():
    assert cells_can_win(bounded(([0, 0], [1, 1]), 2))
    assert not cells_can_win(bounded(([0, 0], [1, 0]), 2))
    assert not cells_can_win(bounded(([0] * 20, [1] * 20), 20))


def test_a_network_without_units_has_one_cell_with_sharp_bounds():
    network = Network.from_layers([[[3, 4], [-1, 0]]], [[5, "1/3"]])
    region = bounded(([-1, -1], [1, 2]), 2)
    (batch,) = cell_batches(network, region.polyhedron)
    assert batch.extremes()[1].tolist() == [[pytest.approx(16), pytest.approx(4 / 3)]]
    upper = upper_bounds(batch, estimates(batch), box_of(region))
    assert upper.tolist() == [[pytest.approx(16), pytest.approx(4 / 3)]]
    assert greatest_by_cells(network, region).value == 16


def test_bounds_by_multipliers_hold_and_are_nearly_reached(random_network, unit_box):
    rng = np.random.default_rng(14)
    for kind in ("gaussian", "integer", "skip", "zero-bias"):
        network = (
            random_network(rng, (2, 5, 4, 2), kind)
            if kind != "zero-bias"
            else Network.from_layers([rng.normal(size=(5, 2)), rng.normal(size=(4, 5)), rng.normal(size=(2, 4))])
        )
        region = bounded(unit_box(2), 2)
        for batch in cell_batches(network, region.polyhedron):
            upper = upper_bounds(batch, estimates(batch), box_of(region))
            for cell in range(batch.size):
                rows, right = cell_system(network, region, batch.pattern(cell))
                for output, (*goal, constant) in enumerate(network.affine_forms(batch.pattern(cell))[-1]):
                    most = maximize(goal, rows, right).value + constant
                    assert upper[cell, output] == np.inf or rational(float(upper[cell, output])) >= most
                    if kind == "gaussian":
                        assert float(upper[cell, output]) <= to_float(most) + 1e-9
