"""Networks side by side, their largest difference and their classes, against every cell of both."""

import itertools

import numpy as np
import pytest
from flint import fmpq

import milp.differences
from milp.differences import greatest_value
from nn_bridge.cells.cell import iterate_cells
from nn_bridge.network.joint import classes_apart, difference, joint
from nn_bridge.network.network import Network
from polyhedra.errors import FormulationError
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational

HALF_LINE = Polyhedron([[1]], [1])


def _pairs(random_network):
    rng = np.random.default_rng(21)
    for first, second in (((2, 3, 2), (2, 4, 3, 2)), ((2, 5, 3, 1), (2, 1)), ((1, 4, 2), (1, 3, 3, 2))):
        for kinds in (("gaussian", "skip"), ("integer", "integer"), ("skip", "gaussian")):
            yield random_network(rng, first, kinds[0]), random_network(rng, second, kinds[1])


def test_joint_networks_have_both_outputs(random_network):
    rng = np.random.default_rng(1)
    for one, other in _pairs(random_network):
        for pair in ((one, other), (other, one)):
            both = joint(*pair)
            apart = difference(*pair)
            for _ in range(5):
                x = [fmpq(int(v), 16) for v in rng.integers(-40, 40, size=one.input_dim)]
                first, second = (net.evaluate(x) for net in pair)
                assert both.evaluate(x) == (*first, *second)
                expected = [a - b for a, b in zip(first, second, strict=True)]
                assert apart.evaluate(x) == (*expected, *(-v for v in expected))
                if one.output_dim > 1:
                    shared = {i for i, v in enumerate(first) if v == max(first)} & {
                        i for i, v in enumerate(second) if v == max(second)
                    }
                    assert (classes_apart(*pair).evaluate(x)[0] > 0) == (not shared)
                    assert classes_apart(*pair).evaluate(x)[0] >= 0


@pytest.fixture(params=["cells", "boxes", "branching"])
def method(request, monkeypatch):
    if request.param != "cells":
        monkeypatch.setattr(milp.differences, "_FIRST_INPUTS", 0)
    if request.param == "branching":
        monkeypatch.setattr(milp.differences, "cells_can_win", lambda region: False)
        monkeypatch.setattr("milp.choice.cells_can_win", lambda region: False)
    return request.param


def test_the_largest_difference_on_a_box(method, random_network, unit_box):
    for one, other in itertools.islice(_pairs(random_network), 7):
        apart = difference(one, other)
        domain = unit_box(one.input_dim)
        most = max(
            value
            for cell in iterate_cells(apart, domain)
            for vertex in cell.generators.vertices
            for value in apart.evaluate(vertex)
        )
        found = greatest_value(apart, domain)
        assert found.proven
        assert found.value == found.bound == most == max(apart.evaluate(found.point))
        if one.output_dim > 1:
            classes = classes_apart(one, other)
            decided = greatest_value(classes, domain, stop_above=fmpq(0))
            worst = max(
                classes.evaluate(vertex)[0]
                for cell in iterate_cells(classes, domain)
                for vertex in cell.generators.vertices
            )
            if worst > 0:
                assert decided.value > 0
                assert classes.evaluate(decided.point)[0] == decided.value
            else:
                assert decided.bound <= 0


@pytest.mark.parametrize("shift", [0, "1/7"])
def test_boxes_are_cut_away_and_nothing_is_lost(shift, random_network, monkeypatch):
    monkeypatch.setattr(milp.differences, "_FIRST_INPUTS", 0)
    looked, regions = milp.differences._on_a_region, []

    def watched(network, region, *rest):
        regions.append(region)
        return looked(network, region, *rest)

    monkeypatch.setattr(milp.differences, "_on_a_region", watched)
    rng = np.random.default_rng(5)
    smaller = 0
    for _ in range(4):
        one, other = (random_network(rng, (2, 5, 4, 2), "gaussian") for _ in range(2))
        apart = difference(one, other)
        low = fmpq(-1) - rational(shift)
        domain = Polyhedron.box([low, -1], [2, 1])
        found = greatest_value(apart, domain)
        expected = milp.differences._on_all_cells(apart, domain, None, None)
        assert (found.value, found.bound, found.proven) == (expected.value, expected.value, True)
        assert max(apart.evaluate(found.point)) == found.value
        assert domain.contains(found.point)
        smaller += not regions or regions[-1].upper != (2, 1) or regions[-1].lower != (low, -1)
        regions.clear()
    assert smaller  # else nothing was tested


def test_unbounded_domains():
    absolute = Network.from_layers([[[1], [-1]], [[1, 1]]])
    # |x| - |x - 1| lies between -1 and 1
    shifted = Network.from_layers([[[1], [-1]], [[1, 1]]], [[-1, 1], [0]])
    found = greatest_value(difference(absolute, shifted), None)
    assert (found.value, found.proven, found.infinite) == (1, True, False)
    ray = greatest_value(difference(absolute, Network.from_layers([[[1]]])), None)
    assert (ray.infinite, ray.proven, ray.value) == (True, True, None)
    assert ray.ray == (-1,)
    half = greatest_value(difference(absolute, Network.from_layers([[[1]]])), Polyhedron([[-1]], [0]))
    assert half.value == 0
    # relu(x) - y grows along a line of the cells
    line = greatest_value(difference(Network.from_layers([[[1, 0]], [[1]]]), Network.from_layers([[[0, 1]]])), None)
    assert line.infinite
    assert greatest_value(difference(shifted, absolute), HALF_LINE).value == 1


def test_networks_that_do_not_fit():
    one, wide, two = (Network.from_layers([[[1] * n] * m]) for n, m in ((1, 1), (2, 1), (1, 2)))
    with pytest.raises(FormulationError, match="reads 1 input, the second 2"):
        difference(one, wide)
    with pytest.raises(FormulationError, match="has 1 output, the second 2"):
        difference(one, two)
    with pytest.raises(FormulationError, match="no classes"):
        classes_apart(one, one)
