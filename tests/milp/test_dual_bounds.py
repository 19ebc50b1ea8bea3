"""Dual bounds: Wong and Kolter's against Fast-Lin, all methods against exact ranges, multipliers against the LP."""

from __future__ import annotations

import numpy as np
import pytest
from flint import fmpq

from milp.bounding import DUAL_METHODS, METHODS, interval_bounds, network_bounds
from milp.domain import bounded
from milp.dual_bounds import dual_values, lagrangian_bounds, wong_kolter_bounds
from milp.optimize import output_ranges
from nn_bridge.network.network import Network
from polyhedra.scalars import rational, to_float
from puiseux import random_network

pytest.importorskip("highspy")

SIZES = [[2, 6, 6, 1], [3, 5, 5, 5, 2], [4, 8, 1], [1, 4, 4, 2]]


def trained_like(sizes: list[int], seed: int) -> Network:
    return random_network(sizes, rng=seed)


@pytest.mark.parametrize("sizes", SIZES)
def test_wong_and_kolter_with_their_dual_are_fast_lin(sizes: list[int]) -> None:
    for seed in range(3):
        network = trained_like(sizes, seed)
        ours, lines = (network_bounds(network, "box:-1,1", name) for name in ("wong-kolter", "fast-lin"))
        for a, b in zip((*ours.lower, *ours.upper), (*lines.lower, *lines.upper), strict=True):
            assert np.allclose(a, b, rtol=1e-9, atol=1e-12)
        # the exact bounds are never looser than those with an error bound of floating point
        assert all(u <= v + 1e-15 for u, v in zip(ours.upper[1], lines.upper[1], strict=True))


@pytest.mark.parametrize("sizes", SIZES)
def test_every_method_contains_the_exact_range(sizes: list[int]) -> None:
    network = trained_like(sizes, 5)
    exact = output_ranges(network, "box:-1,1")
    rng = np.random.default_rng(0)
    points = [tuple(map(rational, x)) for x in rng.uniform(-1, 1, (50, sizes[0])).tolist()]
    values = [network.preactivations(x) for x in points]
    for method in METHODS + DUAL_METHODS:
        bounds = network_bounds(network, "box:-1,1", method)
        for k, (low, high) in enumerate(zip(bounds.lower, bounds.upper, strict=True)):
            for i in range(len(low)):
                assert all(rational(low[i]) <= v[k][i] <= rational(high[i]) for v in values)
        for i, (least, greatest) in enumerate(exact):
            assert least.proven
            assert greatest.proven
            assert rational(bounds.lower[-1][i]) <= least.value
            assert greatest.value <= rational(bounds.upper[-1][i])


def widths(bounds: object, stage: int = -1) -> float:
    return float(np.sum(np.array(bounds.upper[stage]) - np.array(bounds.lower[stage])))  # type: ignore[attr-defined]


@pytest.mark.parametrize("sizes", SIZES)
def test_the_lagrangian_dual_lies_between_deeppoly_and_the_triangle(sizes: list[int]) -> None:
    network = trained_like(sizes, 7)
    start = network_bounds(network, "box:-1,1", "deeppoly")
    none, some = (widths(lagrangian_bounds(network, start, steps=steps)) for steps in (1, 100))
    assert none <= widths(start) * (1 + 1e-9)
    assert some <= none
    lines = widths(start) - widths(network_bounds(network, "box:-1,1", "lp"))
    if len(sizes) > 3 and lines > 1e-6:
        assert some < none


def test_the_dual_reaches_the_triangle_of_one_hidden_layer() -> None:
    network = trained_like([3, 8, 2], 1)
    start = network_bounds(network, "box:-1,1", "deeppoly")
    found = lagrangian_bounds(network, start, steps=400)
    triangle = network_bounds(network, "box:-1,1", "lp")
    for a, b in zip((*found.upper[-1], *found.lower[-1]), (*triangle.upper[-1], *triangle.lower[-1]), strict=True):
        assert a == pytest.approx(b, abs=2e-2 * widths(start))


def test_any_multipliers_give_a_bound_and_a_hand_made_one_is_right() -> None:
    # |x| on [-1, 2] with m = (2/3, 1/3) l: above by the lines 2/3 (g + 1) and 1/3 (g + 2), together x/3 + 4/3
    network = Network.from_layers([[[1], [-1]], [[1, 1]]])
    bounds = interval_bounds(network, bounded(([-1], [2]), 1))
    third = fmpq(1, 3)
    assert dual_values(network, network.output, 1, bounds, [[[2 * third, third]]]) == [2]
    rng = np.random.default_rng(2)
    for _ in range(100):
        numbers = [[list(map(rational, rng.normal(size=2).tolist()))]]
        assert dual_values(network, network.output, 1, bounds, numbers)[0] >= 2
        assert dual_values(network, network.output, -1, bounds, numbers)[0] >= 0


def test_a_slope_of_ones_own_is_valid_and_skip_connections_are_read() -> None:
    leaky = Network.from_layers(
        [[[1, 2], [-1, 1]], [[1, -1], [2, 1]], [[1, 1]]], activations=["leaky:1/4", "leaky:1/4", "linear"]
    )
    exact = output_ranges(leaky, "box:-1,1")[0]
    start = interval_bounds(leaky, bounded(([-1, -1], [1, 1]), 2))
    for slope in (None, fmpq(0), fmpq(1), fmpq(1, 3)):
        found = wong_kolter_bounds(leaky, start, slope)
        assert found.lower[-1][0] <= to_float(exact[0].value)
        assert to_float(exact[1].value) <= found.upper[-1][0]
        assert found.method == "wong-kolter"
    lagrangian = network_bounds(leaky, "box:-1,1", "lagrangian")
    assert lagrangian.lower[-1][0] <= to_float(exact[0].value) <= to_float(exact[1].value) <= lagrangian.upper[-1][0]


def test_a_passed_deadline_leaves_the_bounds_of_deeppoly() -> None:
    network = trained_like([2, 6, 6, 1], 3)
    start = network_bounds(network, "box:-1,1", "deeppoly")
    late = lagrangian_bounds(network, start, deadline=0.0)
    assert late.upper[-1][0] == pytest.approx(start.upper[-1][0])
