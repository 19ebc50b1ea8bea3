"""Bounds are valid, ordered, tight where they claim to be, and say no to what they cannot do."""

import itertools
import time

import numpy as np
import pytest
from flint import fmpq

from milp.bounding import METHODS, network_bounds, supplied
from milp.bounds import Stability
from milp.branching import Objective, search_maximum
from milp.domain import bounded, l1_ball, lift_network, linf_ball
from nn_bridge.network.network import AffineStage, Network
from polyhedra.errors import FormulationError
from polyhedra.polyhedron import Polyhedron
from polyhedra.rounding import round_down, round_up
from polyhedra.scalars import rational

SHAPES = [((1, 4, 1), "gaussian"), ((2, 3, 3, 1), "gaussian"), ((3, 4, 2, 2), "integer"), ((2, 3, 2, 1), "skip")]


def exact_range(network, domain, maximum, stage, unit):
    """The exact range of a pre-activation, by patterns of the stages before."""
    target = (*network.stages, network.output)[stage]
    part = Network(network.input_dim, network.stages[:stage], target).select_outputs([unit])
    return -maximum(part, domain, [fmpq(-1)]), maximum(part, domain, [fmpq(1)])


@pytest.mark.parametrize(("shape", "kind"), SHAPES)
def test_all_methods_contain_the_exact_range_and_get_tighter(shape, kind, random_network, unit_box, maximum_by_cells):
    rng = np.random.default_rng(sum(shape))
    network, box = random_network(rng, shape, kind), unit_box(shape[0])
    found = [network_bounds(network, box, method) for method in METHODS]
    for stage in range(len(network.stages) + 1):
        for unit in range(len(found[0].lower[stage])):
            low, high = exact_range(network, box, maximum_by_cells, stage, unit)
            for b in found:
                assert rational(b.lower[stage][unit]) <= low
                assert high <= rational(b.upper[stage][unit])
            for looser, tighter in itertools.pairwise(found):
                assert looser.lower[stage][unit] <= tighter.lower[stage][unit]
                assert tighter.upper[stage][unit] <= looser.upper[stage][unit]
            if found[-1].stability(stage, unit) is Stability.UNSTABLE or stage == len(network.stages):
                assert found[-1].upper[stage][unit] == round_up(high)  # branch and bound ends with the exact value
                assert found[-1].lower[stage][unit] == round_down(low)


def test_polyhedral_domain_tightens_what_its_box_does_not(random_network, maximum_by_cells):
    network = random_network(np.random.default_rng(5), (2, 4, 3, 1))
    triangle = Polyhedron([[1, 1], [-1, 0], [0, -1]], [1, 0, 0])
    low, high = exact_range(network, triangle, maximum_by_cells, 2, 0)
    b = network_bounds(network, triangle, "milp")
    assert (b.lower[2][0], b.upper[2][0]) == (round_down(low), round_up(high))
    square = network_bounds(network, ([0, 0], [1, 1]), "milp")
    assert square.lower[2][0] <= b.lower[2][0] <= b.upper[2][0] <= square.upper[2][0]


def test_domain_with_equality_is_a_slice(random_network, maximum_by_cells):
    network = random_network(np.random.default_rng(8), (3, 4, 1))
    plane = Polyhedron([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]], [1, 1, 1, 1], [[1, 1, 1]], ["1/3"])
    _, high = exact_range(network, plane, maximum_by_cells, 1, 0)
    region = bounded(plane, 3)
    b = network_bounds(network, region, "deeppoly")
    result = search_maximum(network, region, b, network.output)
    assert result.proven
    assert result.value == result.bound == high
    assert plane.contains(result.point)


def test_weights_that_are_no_floats_are_still_bounded_exactly(maximum_by_cells, unit_box):
    network = Network.from_layers(
        [[["1/3", "-1/7"], ["2/9", "5/11"]], [["1/13", "-3/17"], ["-1/19", "1/3"]], [["7/23", "-1/29"]]],
        [["1/31", "-1/37"], ["1/41", 0], ["1/43"]],
    )
    for stage, unit in ((0, 0), (1, 0), (1, 1), (2, 0)):
        low, high = exact_range(network, unit_box(2), maximum_by_cells, stage, unit)
        for method in METHODS:
            b = network_bounds(network, unit_box(2), method)
            assert rational(b.lower[stage][unit]) <= low
            assert high <= rational(b.upper[stage][unit])


def test_huge_and_tiny_weights_stay_valid(unit_box, maximum_by_cells):
    scale = 2.0**60
    network = Network.from_layers(
        [[[scale, 1.0], [-1.0, 1 / scale]], [[1 / scale, scale], [1.0, -1.0]], [[1.0, 1.0]]],
        [[0.5, 1 / scale], [-1.0, 0.25], [0.0]],
    )
    for stage, unit in ((1, 0), (1, 1), (2, 0)):
        low, high = exact_range(network, unit_box(2), maximum_by_cells, stage, unit)
        for method in METHODS:
            b = network_bounds(network, unit_box(2), method)
            assert rational(b.lower[stage][unit]) <= low
            assert high <= rational(b.upper[stage][unit])


def test_stability_classes():
    network = Network.from_layers([[[1], [-1], [1]], [[1, 1, 1]]], [[2, -3, 0], [0]])
    b = network_bounds(network, ([-1], [1]), "interval")
    assert [b.stability(0, i) for i in range(3)] == [Stability.ACTIVE, Stability.INACTIVE, Stability.UNSTABLE]
    assert b.unstable(0) == (2,)
    assert b.n_unstable == 1


def test_search_stops_for_a_question_and_at_a_limit(random_network, unit_box):
    network = random_network(np.random.default_rng(11), (4, 8, 8, 1))
    region = bounded(unit_box(4), 4)
    b = network_bounds(network, region)
    best = search_maximum(network, region, b, network.output)
    assert best.proven
    assert network.evaluate(best.point)[0] == best.value == best.bound
    settled = search_maximum(network, region, b, network.output, threshold=best.value + 1)
    assert settled.proven
    assert settled.bound <= best.value + 1
    assert settled.nodes < best.nodes
    beyond = search_maximum(network, region, b, network.output, threshold=best.value - 1)
    assert beyond.proven
    assert beyond.value > best.value - 1
    assert not search_maximum(network, region, b, network.output, threshold=best.value).value > best.value
    tie = search_maximum(network, region, b, network.output, threshold=best.value, strict=True)
    assert (tie.proven, tie.value) == (True, best.value)
    cut_short = search_maximum(network, region, b, network.output, node_limit=3)
    assert not cut_short.proven
    assert cut_short.value <= best.value <= cut_short.bound
    none = search_maximum(network, region, b, network.output, deadline=time.monotonic() - 1)
    assert none.nodes == 0
    assert best.value <= none.bound


def test_surely_active_units_that_touch_zero_pass_on_their_form():
    # relu(x) - x on [0, 1]: the unit is active throughout, and 0 at one end
    network = Network(
        1,
        Network.from_layers([[[1]], [[1]]]).stages,
        AffineStage(((0, ((fmpq(-1),),)), (1, ((fmpq(1),),))), (fmpq(0),)),
    )
    region = bounded(([0], [1]), 1)
    for sign in (1, -1):
        result = search_maximum(network, region, network_bounds(network, region), network.output, 0, sign)
        assert (result.value, result.bound, result.proven) == (0, 0, True)


def test_unproven_bounds_prove_nothing():
    network = Network.from_layers([[[1]], [[1]]])
    region = bounded(([-1], [1]), 1)
    wrong = supplied(network, region, [[-1], [0]], [[-0.5], [0]])
    result = search_maximum(network, region, wrong, network.output)
    assert not result.proven
    assert result.value == network.evaluate(result.point)[0]


def test_objective_reads_inputs_and_outputs(random_network, unit_box, maximum_by_cells):
    network = random_network(np.random.default_rng(12), (2, 3, 3, 2), "skip")
    objective = Objective((fmpq(1), fmpq(-2)), (fmpq(1, 3), fmpq(-1)), fmpq(5))
    region = bounded(unit_box(2), 2)
    result = search_maximum(network, region, network_bounds(network, region), objective.as_stage(network))
    expected = maximum_by_cells(network, unit_box(2), objective.weights, objective.input_weights) + 5
    assert result.value == result.bound == expected == objective.value(network, result.point)


def test_balls_and_lifting(random_network):
    network = random_network(np.random.default_rng(13), (2, 3, 1))
    ball = l1_ball([1, 2], "1/2")
    lifted = lift_network(network, 2)
    assert lifted.evaluate([1, 2, 7, 7]) == network.evaluate([1, 2])
    assert ball.contains([fmpq(5, 4), fmpq(9, 4), fmpq(1, 4), fmpq(1, 4)])
    assert not ball.contains([fmpq(3, 2), fmpq(9, 4), fmpq(1, 2), fmpq(1, 4)])
    region = bounded(ball, 4)
    assert region.lower[:2] == (fmpq(1, 2), fmpq(3, 2))
    assert linf_ball([0], 2).contains([2])
    with pytest.raises(FormulationError, match="negative"):
        linf_ball([0], -1)


@pytest.mark.parametrize(
    ("domain", "message"),
    [
        (None, "bounded domain"),
        (Polyhedron([[1, 0]], [1]), "unbounded in coordinate 0"),
        (Polyhedron([[1, 1], [-1, 0]], [1, 1]), "unbounded"),
        (([1, 1], [0, 2]), "empty"),
        (Polyhedron([[1, 1], [-1, -1]], [0, -1]), "empty"),
        (([0], [1]), "1 coordinate, for 2 inputs"),
        (5, "neither a polyhedron"),
        (([0, float("nan")], [1, 1]), "not finite"),
    ],
)
def test_bad_domains_say_what_is_wrong(domain, message):
    network = Network.from_layers([[[1, 1]], [[1]]])
    with pytest.raises(FormulationError, match=message):
        network_bounds(network, domain)


def test_bad_methods_and_supplied_bounds():
    network = Network.from_layers([[[1, 1]], [[1]]])
    with pytest.raises(FormulationError, match="no bounds 'guess'"):
        network_bounds(network, ([0, 0], [1, 1]), "guess")
    mine = supplied(network, ([0, 0], [1, 1]), [[0], [0]], [[2], [2]])
    assert not mine.proven
    with pytest.raises(FormulationError, match="sizes"):
        supplied(network, ([0, 0], [1, 1]), [[0]], [[2], [2]])
    with pytest.raises(FormulationError, match="exceeds"):
        supplied(network, ([0, 0], [1, 1]), [[3], [0]], [[2], [2]])
    with pytest.raises(FormulationError, match=r"stage 0, unit 0: .* leave the range of float64"):
        supplied(network, ([0, 0], [1, 1]), [[0], [0]], [[float("inf")], [2]])


@pytest.mark.parametrize(
    "value", [fmpq(1, 3), fmpq(-1, 3), fmpq(0), fmpq(1, 10), fmpq(2) ** 70 + 1, -(fmpq(2) ** 70) - 1]
)
def test_outward_rounding(value):
    assert rational(round_down(value)) <= value <= rational(round_up(value))
    assert round_up(value) - round_down(value) <= 2 * np.spacing(abs(round_up(value)))
