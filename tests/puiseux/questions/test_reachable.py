"""Reachable sets: membership against a linear program a pattern, samples, bounds, and sets that are known."""

from __future__ import annotations

import numpy as np
import pytest
from flint import fmpq

import puiseux
from nn_bridge.network.network import Network, Row
from polyhedra.errors import PuiseuxError
from polyhedra.linear_program import Infeasible, maximize
from polyhedra.polyhedron import Polyhedron
from puiseux import optimize, reachable_set
from tests.milp.conftest import closed_cell, patterns_of

TRIANGLE = Polyhedron([[1, 1], [-1, 0], [0, -1]], [1, 0, 0])


def reached(network: Network, domain: Polyhedron, outputs: Row) -> bool:
    """Whether some input of the domain has these outputs: one exact linear program for each activation pattern."""
    for pattern in patterns_of(network):
        rows, right, forms = closed_cell(network, pattern, domain)
        equal = [row[:-1] for row in forms]
        values = [y - row[-1] for y, row in zip(outputs, forms, strict=True)]
        if not isinstance(maximize([0] * network.input_dim, rows, right, equal, values), Infeasible):
            return True
    return False


@pytest.mark.parametrize("seed", range(4))
def test_membership_is_that_of_one_program_a_pattern(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = [rng.integers(-2, 3, size=(3, 2)), rng.integers(-2, 3, size=(2, 3)), rng.integers(-2, 3, size=(2, 2))]
    network = Network.from_layers(weights, [rng.integers(-1, 2, size=len(w)) for w in weights])
    for domain in (Polyhedron.box([-1, -1], [1, 1]), TRIANGLE):
        found = reachable_set(network, domain)
        assert found.complete
        points = [network.evaluate([fmpq(int(a), 7), fmpq(int(b), 7)]) for a, b in rng.integers(0, 4, size=(6, 2))]
        assert all(found.contains(point) for point in points)
        points += [
            tuple(v + fmpq(int(d), 5) for v, d in zip(points[0], step, strict=True))
            for step in rng.integers(-6, 7, size=(8, 2))
        ]
        answers = [found.contains(point) for point in points]
        assert answers == [reached(network, domain, point) for point in points]
        for output, (low, high) in enumerate(found.bounds()):
            assert low == optimize(network, domain, output).value
            assert high == optimize(network, domain, output, maximize=True).value
        for piece in found.pieces:
            assert all(reached(network, domain, vertex) for vertex in piece.outputs.vertices())


def test_samples_lie_in_the_set() -> None:
    network = puiseux.random_network([3, 6, 5, 2], rng=4)
    found = reachable_set(network, "box:-1,1")
    rng = np.random.default_rng(0)
    for point in rng.uniform(-1, 1, size=(60, 3)).tolist():
        assert found.contains(network.evaluate(point))


def test_sets_that_are_known() -> None:
    assert reachable_set([[[0], [0]], [[1, 1]]], "box:-1,1").bounds() == ((0, 0),)
    whole = reachable_set([[[1], [-1]], [[1, 1]]])
    assert whole.bounds() == ((0, None),)
    assert [whole.contains([v]) for v in (-1, 0, 10**30)] == [False, True, True]
    plane = reachable_set([[[1, 0]], [[1], [2]]])  # (t, 2 t), t >= 0
    assert [plane.contains(v) for v in ([1, 2], [1, 3], [-1, -2])] == [True, False, False]
    sliced = reachable_set([[[1, 1]], [[1]]], Polyhedron.box([0, 0], [1, 1]))
    assert sliced.bounds() == ((0, 2),)


def test_limits_and_refusals() -> None:
    network = puiseux.random_network([2, 8, 8, 1], rng=1)
    part = reachable_set(network, "box:-1,1", max_cells=3)
    assert not part.complete
    assert part.reason == "more than 3 cells"
    assert reachable_set(network, "box:-1,1", time_limit=1e-6).reason == "time limit"
    with pytest.raises(PuiseuxError, match="dimension 1"):
        reachable_set(network, Polyhedron.box([0, 0], [1, 0]))
