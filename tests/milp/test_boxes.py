"""Bounds on boxes are bounds, whatever the rounding did; the search by boxes says what brute force over cells says."""

import itertools
import time

import numpy as np
import pytest
from flint import fmpq

from milp.bounding import network_bounds
from milp.bounds import OutOfRange
from milp.box_bounds import BoxBounds
from milp.box_search import search_boxes
from milp.branching import Objective
from milp.choice import BOXES
from milp.domain import bounded
from milp.properties import decide
from milp.verify import Status
from milp.vnnlib import parse_vnnlib
from nn_bridge.network.network import Network
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ONE, ZERO, rational, to_text


def row(network, weights, constant):
    """weights . f(x) + constant as a stage."""
    return Objective(tuple(map(fmpq, weights)), (ZERO,) * network.input_dim, constant).as_stage(network)


@pytest.mark.parametrize("kind", ["gaussian", "integer", "skip"])
def test_bounds_hold_at_exact_values_of_points(kind, random_network):
    rng = np.random.default_rng(5)
    for _ in range(10):
        net = random_network(rng, (3, 5, 4, 2), kind)
        region = bounded(([-1] * 3, [1] * 3), 3)
        bounds = network_bounds(net, region, "deeppoly")
        rows = BoxBounds(net, row(net, (1, -2), ZERO), bounds)
        ends = np.sort(rng.uniform(-1, 1, (6, 2, 3)), axis=1)
        found = rows.bound(ends[:, 0], ends[:, 1])
        again = rows.bound(ends[:, 0], ends[:, 1], found.known)  # bounds that are known make nothing looser
        assert (again.upper <= found.upper).all()
        for box, (low, high) in enumerate(ends):
            for x in (low, high, low + (high - low) * rng.random(3)):
                exact = net.evaluate(x.tolist())
                assert exact[0] - 2 * exact[1] <= rational(float(found.upper[box, 0]))


def test_bounds_of_points_are_their_values_up_to_rounding(random_network):
    rng = np.random.default_rng(6)
    net = random_network(rng, (3, 8, 8, 1), "gaussian")
    region = bounded(([-1] * 3, [1] * 3), 3)
    rows = BoxBounds(net, row(net, (1,), ZERO), network_bounds(net, region, "interval"))
    x = rng.uniform(-1, 1, (20, 3))
    upper = rows.bound(x, x).upper[:, 0]
    for point, end in zip(x, upper.tolist(), strict=True):
        gap = rational(end) - net.evaluate(point.tolist())[0]
        assert 0 <= gap < fmpq(1, 10**9)


def search(network, region, rows, **limits):
    def holds(point):
        outputs = (*network.evaluate(point), ONE)
        return all(sum((a * v for a, v in zip(r, outputs, strict=True)), ZERO) >= 0 for r in rows)

    stages = [row(network, r[:-1], r[-1]) for r in rows]
    return search_boxes(network, region, network_bounds(network, region, "deeppoly"), stages, holds, **limits)


def test_the_tree_covers_the_box_and_every_closed_box_fails_a_row(random_network, maximum_by_cells, unit_box):
    rng = np.random.default_rng(7)
    for kind in ("gaussian", "integer", "skip"):
        net = random_network(rng, (2, 6, 4, 1), kind)
        region = bounded(unit_box(2), 2)
        most = maximum_by_cells(net, unit_box(2), [ONE])
        found = search(net, region, [(ONE, -most - fmpq(1, 1000))])
        assert found.proven
        assert sorted([0, *(half for cut in found.cuts.values() for half in (cut.below, cut.above))]) == sorted(
            [*found.cuts, *found.closed]
        )
        assert found.boxes == len(found.cuts) + len(found.closed)
        violated = search(net, region, [(ONE, -most + fmpq(1, 1000))])
        assert violated.point is not None
        assert net.evaluate(violated.point)[0] >= most - fmpq(1, 1000)


def test_equality_at_best_is_left_to_others_at_once():
    net = Network.from_layers([[[1, 1], [-1, 0]], [[1, 1]]])
    region = bounded(([-1, -1], [1, 1]), 2)
    start = time.monotonic()
    found = search(net, region, [(ONE, fmpq(-2)), (-ONE, 2 - fmpq(1, 3**80))])  # f >= 2 and f <= 2 - tiny
    assert not found.proven
    assert found.point is None
    assert time.monotonic() - start < 5


def test_limits():
    net = Network.from_layers([[[1], [-1]], [[1, 1]]])
    region = bounded(([-1], [1]), 1)
    far = [(ONE, fmpq(-10))]
    assert search(net, region, far).proven
    late = search(net, region, far, deadline=time.monotonic() - 1)
    assert (late.proven, late.point) == (False, None)
    few = search(net, region, [(ONE, fmpq(-11, 10)), (-ONE, fmpq(11, 10) - fmpq(1, 10**9))], max_boxes=0)
    assert (few.proven, few.point) == (False, None)


def test_weights_out_of_range_are_left_to_others():
    net = Network.from_layers([[["1e200"]], [["1e200"]], [["1e-300"]]])
    region = bounded(([-1], [1]), 1)
    with pytest.raises(OutOfRange):
        BoxBounds(net, row(net, (1,), ZERO), network_bounds(net, region, "interval"))


def test_a_domain_that_is_no_box(random_network, maximum_by_cells):
    # x + y <= 1/3 and x = 2 y are walls of the property
    net = random_network(np.random.default_rng(9), (2, 5, 3, 1), "integer")
    wall = Polyhedron([[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1]], [1, 1, 1, 1, fmpq(1, 3)], dim=2)
    most = maximum_by_cells(net, wall, [ONE])
    text = (
        "(declare-const X_0 Real) (declare-const X_1 Real) (declare-const Y_0 Real) (assert (<= X_0 1))"
        "(assert (>= X_0 -1)) (assert (<= X_1 1)) (assert (>= X_1 -1)) (assert (<= (+ X_0 X_1) (/ 1 3)))"
    ).replace("(+ X_0 X_1) (/ 1 3)", "(+ (* 3 X_0) (* 3 X_1)) 1")
    for shift, status in ((fmpq(1, 100), Status.PROVEN), (-fmpq(1, 100), Status.VIOLATED)):
        found = decide(net, parse_vnnlib(text + f"(assert (>= Y_0 {to_text(most + shift)}))"))
        assert (found.verdict.status, found.method) == (status, BOXES)


def test_a_network_with_very_many_cells_within_seconds():
    # a random 5-20-20-20-5 network: not closed in 40 s by branching on units or by its cells
    rng = np.random.default_rng(0)
    shape = (5, 20, 20, 20, 5)
    weights = [rng.normal(size=(o, i)) * np.sqrt(2 / i) for i, o in itertools.pairwise(shape)]
    net = Network.from_layers(weights, [0.5 * rng.normal(size=o) for o in shape[1:]])
    points = rng.uniform(-1, 1, (20000, 5))
    values = net(points)[:, 0]
    threshold = values.max() + 0.1 * (values.max() - values.min())
    box = "".join(f"(declare-const X_{i} Real) (assert (<= X_{i} 1)) (assert (>= X_{i} -1))" for i in range(5))
    outputs = "".join(f"(declare-const Y_{i} Real)" for i in range(5))
    found = decide(net, parse_vnnlib(f"{box}{outputs}(assert (>= Y_0 {threshold}))"), time_limit=60)
    assert (found.verdict.status, found.method) == (Status.PROVEN, BOXES)
