"""Networks compared by probes, likely points, cells and formulas: one answer, and points where they do differ."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from flint import fmpq

import nn_bridge.reduction.same_function
from nn_bridge.errors import NetworkError
from nn_bridge.expressivity.maximum import maximum_of_five, maximum_tree
from nn_bridge.network.network import Network, Row
from nn_bridge.reduction.same_function import difference_by_cells, formulas_win, likely_difference
from nn_bridge.symbolic.equality import difference_at_probes, difference_of_formulas
from puiseux import compare
from tests.pace import Stopwatch, slowness

Decide = Callable[[Network, Network], Row | None]


def pairs(seed: int) -> list[tuple[Network, Network, bool]]:
    """Networks with the same function, and pairs that differ by one changed weight or bias."""
    rng = np.random.default_rng(seed)
    W = [rng.integers(-2, 3, size=shape) for shape in ((4, 2), (3, 4), (2, 3))]
    b = [rng.integers(-2, 3, size=k) for k in (4, 3, 2)]
    network = Network.from_layers(W, b)
    order, scale = rng.permutation(4), rng.integers(1, 4, size=4)
    first, bias = (scale[:, None] * W[0])[order], (scale * b[0])[order]
    second = [[fmpq(int(W[1][i, j]), int(scale[j])) for j in order] for i in range(3)]
    same = Network.from_layers([first, second, W[2]], [bias, *b[1:]])
    shifted = Network.from_layers(W, [b[0], b[1], b[2] + np.array([0, 1])])
    return [(network, same, True), (same, shifted, False)]


BUMP = Network.from_layers([[[1], [1], [1]], [[1, -2, 1]]], [[-77777, "-77777.00001", "-77777.00002"], [0]])
"""Zero but for a bump of width 1/50,000 far away, which no probe meets."""

ZERO = Network.from_layers([[[0]]], [[0]])


@pytest.mark.parametrize("decide", [difference_by_cells, difference_of_formulas])
def test_both_ways_decide_alike_and_their_points_are_right(decide: Decide) -> None:
    for seed in range(3):
        for first, second, same in pairs(seed):
            point = decide(first, second)
            assert (point is None) == same
            if point is not None:
                assert first.evaluate(point) != second.evaluate(point)
    point = decide(BUMP, ZERO)
    assert point is not None
    assert BUMP.evaluate(point) != ZERO.evaluate(point)
    assert decide(ZERO, Network.from_layers([[[1], [-1]], [[0, 0]]])) is None


@pytest.mark.parametrize("formulas", [True, False])
def test_the_answer_does_not_depend_on_the_way(formulas: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nn_bridge.reduction.same_function, "formulas_win", lambda one, other: formulas)
    for first, second, same in [*pairs(7), (BUMP, ZERO, False)]:
        found = compare(first, second)
        assert found.same == same
        if found.point is not None:
            assert found.outputs == (first.evaluate(found.point), second.evaluate(found.point))
            assert found.outputs[0] != found.outputs[1]


def test_a_likely_point_is_judged_exactly() -> None:
    wide = Network.from_layers([[[1], [1]], [[1, -1]]], [["-1/1000", "-1/999"], [0]])
    assert difference_at_probes(BUMP, ZERO) is None
    assert likely_difference(BUMP, ZERO) is None
    point = likely_difference(wide, ZERO)
    assert point is not None
    assert wide.evaluate(point) != ZERO.evaluate(point)
    rounded = Network.from_layers([[[0.1]], [[3]]]), Network.from_layers([[[3 * 0.1]], [[1]]])  # differ by rounding
    exact = Network.from_layers([[[fmpq(1, 10)]], [[3]]]), Network.from_layers([[[fmpq(3, 10)]], [[1]]])
    assert not compare(*rounded).same
    assert likely_difference(*exact) is None
    assert compare(*exact).same


def test_formulas_are_taken_where_they_are_short_and_cells_many(monkeypatch: pytest.MonkeyPatch) -> None:
    weights, last = np.random.default_rng(1).integers(-9, 10, size=(10, 8)), [1, -1] * 5
    network = Network.from_layers([weights, [last]])
    turned = Network.from_layers([2 * weights[::-1], [[fmpq(v, 2) for v in reversed(last)]]])
    assert formulas_win(network, turned)
    monkeypatch.setattr(nn_bridge.reduction.same_function, "difference_by_cells", None)
    assert compare(network, turned).same
    assert not formulas_win(*pairs(0)[0][:2])


def test_the_maximum_of_five_is_compared_within_seconds() -> None:
    watch = Stopwatch()
    assert compare(maximum_of_five(), maximum_tree(5)).same
    assert watch.seconds < 20 * slowness()
    assert not formulas_win(maximum_of_five(), maximum_tree(5))


def test_sizes_that_do_not_fit() -> None:
    with pytest.raises(NetworkError, match="1 and 2 inputs"):
        compare(ZERO, Network.from_layers([[[1, 1]]]))
