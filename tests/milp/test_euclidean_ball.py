"""Classes in Euclidean balls, against every activation pattern and a slow independent quadratic program."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from flint import fmpq

import milp.euclidean_ball
from milp import nearest
from milp.bounding import network_bounds
from milp.choice import cells_can_win
from milp.domain import bounded
from milp.euclidean_ball import Ball, _Search
from milp.nearest import nearest_point
from milp.verify import Status, verify_class
from nn_bridge.network.network import Network
from polyhedra.matrix import dot, solve
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational
from puiseux import load
from tests.milp.conftest import closed_cell, patterns_of

LARGE = fmpq(10)
EXAMPLES = Path(__file__).parents[2] / "examples"


def nearest_by_all_rows(center, rows, right):
    """The least squared distance over all sets of rows that may hold with equality; None where the set is empty."""
    best = None
    for size in range(len(center) + 1):
        for chosen in itertools.combinations(range(len(rows)), size):
            point = center
            if chosen:
                gram = tuple(tuple(dot(rows[i], rows[j]) for j in chosen) for i in chosen)
                weights = solve(gram, tuple(dot(rows[i], center) - right[i] for i in chosen))
                if weights is None:
                    continue
                point = tuple(
                    c - sum((u * rows[i][j] for i, u in zip(chosen, weights, strict=True)), fmpq(0))
                    for j, c in enumerate(center)
                )
            if all(dot(row, point) <= b for row, b in zip(rows, right, strict=True)):
                step = tuple(x - c for x, c in zip(point, center, strict=True))
                best = dot(step, step) if best is None else min(best, dot(step, step))
    return best


@pytest.mark.parametrize("proposals", [True, False])
def test_nearest_points_against_all_active_sets(proposals, monkeypatch):
    if not proposals:
        monkeypatch.setattr(nearest, "_proposed", lambda center, rows, right: None)
    rng = np.random.default_rng(3)
    empty = inside = 0
    for _ in range(60):
        n, m = int(rng.integers(1, 4)), int(rng.integers(0, 7))
        rows = [tuple(fmpq(int(v)) for v in row) for row in rng.integers(-2, 3, size=(m, n))]
        right = [fmpq(int(v), 2) for v in rng.integers(-4, 5, size=m)]
        center = tuple(fmpq(int(v), 3) for v in rng.integers(-6, 7, size=n))
        expected = nearest_by_all_rows(center, rows, right)
        found = nearest_point(center, rows, right)
        assert (None if found is None else found.squared) == expected
        if found is None:
            empty += 1
            continue
        inside += found.squared == 0
        assert all(dot(row, found.point) <= b for row, b in zip(rows, right, strict=True))
        moved = [x - c for x, c in zip(found.point, center, strict=True)]
        for i, u in found.multipliers.items():
            assert u > 0
            assert dot(rows[i], found.point) == right[i]
            moved = [v + u * a for v, a in zip(moved, rows[i], strict=True)]
        assert not any(moved)
    assert empty
    assert inside


def test_sets_that_lie_beyond_a_distance():
    rng = np.random.default_rng(4)
    excluded = 0
    for _ in range(60):
        n, m = int(rng.integers(1, 4)), int(rng.integers(1, 7))
        rows = [tuple(fmpq(int(v)) for v in row) for row in rng.integers(-2, 3, size=(m, n))]
        right = [fmpq(int(v), 2) for v in rng.integers(-4, 5, size=m)]
        center = tuple(fmpq(int(v), 3) for v in rng.integers(-6, 7, size=n))
        exact = nearest_by_all_rows(center, rows, right)
        for squared in (fmpq(0), fmpq(1), *([] if exact is None else [exact, exact * fmpq(99, 100)])):
            found = nearest_point(center, rows, right, within=squared)
            assert exact is None or exact > squared or found.squared == exact
            assert found is None or found.squared == exact
            excluded += found is None and exact is not None
    assert excluded


def test_nearest_points_at_the_ends_of_the_float_range():
    tiny = fmpq(1, 10**400)
    found = nearest_point((fmpq(0), fmpq(0)), [(tiny, tiny), (-tiny, fmpq(0))], [-tiny, fmpq(10) ** 40 * tiny])
    assert found.point == (fmpq(-1, 2), fmpq(-1, 2))


def least_distance(network, center, label, other):
    """The least squared distance to the closed set where another class wins, on cells where it does win somewhere."""
    n = network.input_dim
    box = Polyhedron.box([c - LARGE for c in center], [c + LARGE for c in center])
    best = None
    for pattern in patterns_of(network):
        rows, right, outputs = closed_cell(network, pattern, box)
        *gain, constant = (p - q for p, q in zip(outputs[other], outputs[label], strict=True))
        if not any(gain) and constant <= 0:
            continue
        rows, right = [*map(tuple, rows), tuple(-v for v in gain)], [*right, constant]
        kept = [k for k in range(len(rows)) if k >= 2 * n]  # the walls of the box are far away
        found = nearest_by_all_rows(center, [rows[k] for k in kept], [right[k] for k in kept])
        if found is not None:
            best = found if best is None else min(best, found)
    return best


@pytest.fixture
def search_alone(monkeypatch):
    """Without gradient steps and linear bounds, so that cells or phases decide."""
    monkeypatch.setattr(milp.euclidean_ball._Search, "at_once", lambda self: None)


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("by_cells", [True, False])
def test_class_in_a_ball_is_decided_by_the_exact_distance(at_once, by_cells, random_network, monkeypatch, request):
    if not at_once:
        request.getfixturevalue("search_alone")
    monkeypatch.setattr(milp.euclidean_ball, "cells_can_win", lambda region: by_cells and cells_can_win(region))
    rng = np.random.default_rng(29)
    seen = []
    for kind in ("gaussian", "integer", "skip"):
        network = random_network(rng, (2, 3, 2), kind)
        center = tuple(fmpq(int(v), 4) for v in rng.integers(-4, 5, size=2))
        scores = network.evaluate(center)
        label = max(range(2), key=lambda i: scores[i])
        squared = least_distance(network, center, label, 1 - label)
        root = 1.0 if squared is None else float(squared.p) ** 0.5 / float(squared.q) ** 0.5
        for factor in (0.5, 0.999, 1.001, 2.0):
            radius = min(fmpq(*float(root * factor).as_integer_ratio()), LARGE)
            verdict = verify_class(network, center, radius, "2", label=label)
            assert verdict.status is (
                Status.VIOLATED if squared is not None and squared < radius * radius else Status.PROVEN
            )
            seen.append(verdict.status)
            if verdict.status is Status.VIOLATED:
                step = [x - c for x, c in zip(verdict.counterexample, center, strict=True)]
                assert dot(step, step) <= radius * radius
                assert verdict.outputs == network.evaluate(verdict.counterexample)
                assert verdict.outputs[verdict.other] > verdict.outputs[label]
    assert {Status.PROVEN, Status.VIOLATED} <= set(seen)


def test_the_border_of_a_ball_is_decided_exactly():
    # scores 5 and 3 x + 4 y: the tie is at distance 1, so no radius up to 1 is violated, and every larger one is
    network = Network.from_layers([[[0, 0], [3, 4]]], [[5, 0]])
    tiny = fmpq(1, 10**40)
    for radius, status in ((1, Status.PROVEN), (1 + tiny, Status.VIOLATED), (1 - tiny, Status.PROVEN)):
        assert verify_class(network, [0, 0], radius, "2", label=0).status is status
    assert verify_class(network, [0, 0], 2, "2", label=0, clip=([-2, -2], [0, 0])).status is Status.PROVEN
    assert verify_class(network, [0, 0], 0, "2", label=0).status is Status.PROVEN
    assert verify_class(network, [3, 4], 0, "2", label=0).status is Status.VIOLATED
    # a point is between the ball and its box: (1, 1) * 0.72 violates only outside of the ball
    corner = Network.from_layers([[[0, 0], [1, 1]]], [["1.42", 0]])
    assert verify_class(corner, [0, 0], 1, "inf", label=0).status is Status.VIOLATED
    assert verify_class(corner, [0, 0], 1, "2", label=0).status is Status.PROVEN


@pytest.mark.parametrize("clip", [None, ([-1] * 5, [0.5] * 5)])
def test_phases_and_cells_agree(clip, random_network, monkeypatch, search_alone):
    rng = np.random.default_rng(31)
    network = random_network(rng, (5, 6, 3), "gaussian")
    center = [fmpq(int(v), 8) for v in rng.integers(-2, 3, size=5)]
    seen = set()
    for radius in (fmpq(k, 8) for k in (1, 2, 3, 4, 6, 9)):
        verdicts = []
        for by_cells in (True, False):
            monkeypatch.setattr(milp.euclidean_ball, "cells_can_win", lambda region, wanted=by_cells: wanted)
            verdicts.append(verify_class(network, center, radius, "2", clip=clip).status)
        assert verdicts[0] is verdicts[1]
        seen.add(verdicts[0])
    assert seen == {Status.PROVEN, Status.VIOLATED}


def test_bounds_on_a_ball_hold_and_are_exact_for_a_linear_network(random_network):
    rng = np.random.default_rng(12)
    for kind in ("gaussian", "integer", "skip"):
        network = random_network(rng, (4, 6, 5, 2), kind)
        ball = Ball(tuple(fmpq(int(v), 4) for v in rng.integers(-4, 5, size=4)), fmpq(3, 4))
        region = bounded(([c - fmpq(3, 4) for c in ball.center], [c + fmpq(3, 4) for c in ball.center]), 4)
        search = _Search(network, ball, region, 0, None)
        found = search.bounds_on_ball(network)
        box = network_bounds(network, region, "deeppoly")
        assert sum(map(sum, found.upper)) < sum(map(sum, box.upper))
        for step in rng.normal(size=(50, 4)):
            step = step / np.linalg.norm(step) * (1 - 1e-12)
            point = tuple(
                c + fmpq(3, 4) * fmpq(*float(v).as_integer_ratio()) for c, v in zip(ball.center, step, strict=True)
            )
            assert ball.holds(point)
            values = [*network.preactivations(point)]
            for stage, row in enumerate(values):
                for unit, value in enumerate(row):
                    assert rational(found.lower[stage][unit]) <= value <= rational(found.upper[stage][unit])
    line = Network.from_layers([[[3, 4]]], [[1]])
    ball = Ball((fmpq(1), fmpq(2)), fmpq(1, 3))
    region = bounded(([0, 1], [2, 3]), 2)
    found = _Search(line, ball, region, 0, None).bounds_on_ball(line)
    greatest = 12 + fmpq(5, 3)
    assert greatest <= rational(found.upper[0][0]) <= greatest + fmpq(1, 10**12)
    assert 12 - fmpq(5, 3) - fmpq(1, 10**12) <= rational(found.lower[0][0]) <= 12 - fmpq(5, 3)


def test_bounds_on_a_ball_of_any_size():
    for exponent in (-300, -30, 30, 100):
        size = fmpq(10) ** exponent
        network = Network.from_layers([[[3, 4], [1, -1]], [[1, 0], [0, 1]]], [[0, 0], [0, 0]])
        ball = Ball((size, -size), size / 3)
        region = bounded(([size * 2 / 3, -size * 4 / 3], [size * 4 / 3, -size * 2 / 3]), 2)
        found = _Search(network, ball, region, 0, None).bounds_on_ball(network)
        assert -size + size * fmpq(5, 3) <= rational(found.upper[0][0])
        assert rational(found.upper[1][1]) ** 2 >= (2 * size + size * fmpq(47, 100)) ** 2


def test_digits_are_decided_at_once(monkeypatch):
    from sklearn.datasets import load_digits

    network = load(EXAMPLES / "digits.npz")
    center = load_digits().data[0]

    def refuse(self, *arguments):
        raise AssertionError("the search was not needed")

    monkeypatch.setattr(milp.euclidean_ball._Search, "by_phases", refuse)
    assert verify_class(network, center, 0.25, "2").status is Status.PROVEN
    broken = verify_class(network, center, 1, "2")
    assert broken.status is Status.VIOLATED
    step = [x - fmpq(*float(c).as_integer_ratio()) for x, c in zip(broken.counterexample, center, strict=True)]
    assert dot(step, step) <= 1
    assert network.evaluate(broken.counterexample)[broken.other] > network.evaluate(broken.counterexample)[broken.label]


def test_a_domain_that_misses_the_ball():
    network = Network.from_layers([[[0, 0], [1, 1]]], [[0, 1]])
    corner = ([0.75, 0.75], [2, 2])  # within the box around the ball
    assert verify_class(network, [0, 0], 1, "2", label=0, clip=corner).status is Status.PROVEN
    assert verify_class(network, [0, 0], "1.0607", "2", label=0, clip=corner).status is Status.VIOLATED
    above = Polyhedron([[-1, -1]], ["-1.5"])
    assert verify_class(
        network, [0, 0], 1, "2", label=0, clip=Polyhedron.box([0, 0], [1, 1]).intersection(above)
    ).status is (Status.PROVEN)


def test_many_inputs_and_a_limit():
    rng = np.random.default_rng(8)
    layers = [rng.normal(size=(10, 30)) / 5, rng.normal(size=(3, 10))]
    network = Network.from_layers(layers, [rng.normal(size=10), [0, 0, 0]])
    center = rng.normal(size=30).tolist()
    verdicts = [verify_class(network, center, radius, "2", time_limit=20).status for radius in (0.01, 20)]
    assert verdicts == [Status.PROVEN, Status.VIOLATED]
    stopped = verify_class(network, center, 1, "2", time_limit=1e-9)
    assert stopped.status in (Status.OPEN, Status.VIOLATED)
    if stopped.status is Status.OPEN:
        assert stopped.reason


def test_an_open_ball_says_how_much_a_class_may_gain(random_network, monkeypatch):
    rng = np.random.default_rng(6)
    network = random_network(rng, (9, 8, 8, 2), "gaussian")
    monkeypatch.setattr(milp.euclidean_ball, "attack", lambda *_: None)
    found = verify_class(network, [0] * 9, 2, "2", node_limit=0, time_limit=None)
    assert found.status is Status.OPEN
    assert found.reason is not None
    text, most = found.reason.removesuffix(" at most").rsplit(" ", 1)
    assert text.endswith("stopped after 0 nodes; it gains")
    greatest = max(_gain(network, found.label, rng.normal(size=9)) for _ in range(200))
    assert float(most) >= greatest


def _gain(network, label, direction):
    point = tuple(rational(float(v)) for v in direction / np.linalg.norm(direction) * (2 - 1e-12))
    scores = network.evaluate(point)
    return float((scores[1 - label] - scores[label]).p) / float((scores[1 - label] - scores[label]).q)
