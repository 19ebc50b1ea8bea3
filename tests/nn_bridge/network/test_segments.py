"""Transitions along a segment, against exact evaluation and the cells that the segment runs through."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.cells.cell import iterate_cells
from nn_bridge.errors import NetworkError
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.network import Network
from nn_bridge.network.segments import segment


def integer_network(seed: int) -> Network:
    rng = np.random.default_rng(seed)
    return Network.from_layers(
        [rng.integers(-2, 3, (4, 3)), rng.integers(-2, 3, (4, 4)), rng.integers(-1, 2, (2, 4))],
        [rng.integers(-1, 2, 4), rng.integers(-1, 2, 4), [0, 1]],
    )


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.integers(0, 10**6), st.lists(st.integers(-5, 5), min_size=6, max_size=6))
def test_pieces_are_the_network(seed: int, ends: list[int]) -> None:
    start, end = ends[:3], ends[3:]
    if start == end:
        end[0] += 1
    network = integer_network(seed)
    found = segment(network, start, end)
    assert (found.pieces[0].begin, found.pieces[-1].end) == (0, 1)
    assert all(one.end == two.begin for one, two in pairwise(found.pieces))
    for piece in found.pieces:
        assert piece.begin < piece.end
        for share in (fmpq(0), fmpq(1, 3), fmpq(1)):
            t = piece.begin + share * (piece.end - piece.begin)
            values = network.evaluate(found.point(t))
            assert values == tuple(a * t + b for a, b in piece.outputs)
            assert values == found.affine_map(piece)(found.point(t))
            if share == fmpq(1, 3):
                assert network.pattern(found.point(t)) == piece.pattern
    transitions = found.transitions
    assert len(transitions) == len(found.pieces) - 1
    for step, (one, two) in zip(transitions, pairwise(found.pieces), strict=True):
        assert step.bends == (one.outputs != two.outputs)
        values = network.preactivations(found.point(step.t))
        first = min(s for s, _ in step.units)
        assert all(values[s][i] == 0 for s, i in step.units if s == first)


def test_the_breakpoints_are_where_the_segment_leaves_cells() -> None:
    rng = np.random.default_rng(4)
    network = Network.from_layers(
        [rng.normal(size=(6, 2)), rng.normal(size=(5, 6)), rng.normal(size=(1, 5))],
        [rng.normal(size=6), rng.normal(size=5), [0.0]],
    )
    found = segment(network, [-3, -2], [3, 4])
    met = {}
    for cell in iterate_cells(network):
        # the part of the segment in a convex cell is an interval
        low, high = fmpq(0), fmpq(1)
        for *normal, bound in cell.inequalities:
            at, along = (sum((a * x for a, x in zip(normal, p, strict=True)), fmpq(0)) for p in (found.start, (6, 6)))
            if along > 0:
                high = min(high, (bound - at) / along)
            elif along < 0:
                low = max(low, (bound - at) / along)
            elif at > bound:
                low, high = fmpq(1), fmpq(0)
        if low < high:
            met[cell.pattern] = (low, high)
    assert {piece.pattern: (piece.begin, piece.end) for piece in found.pieces} == met
    assert len(met) > 5


def test_a_segment_inside_a_hyperplane() -> None:
    # relu(y) vanishes along the x-axis and counts as inactive; relu(x) switches at 0
    network = Network.from_layers([[[1, 0], [0, 1]], [[1, 5]]])
    found = segment(network, [-1, 0], [1, 0])
    assert [piece.pattern for piece in found.pieces] == [((False, False),), ((True, False),)]
    assert [(step.t, step.units, step.bends) for step in found.transitions] == [(fmpq(1, 2), ((0, 0),), True)]


def test_skip_connections_and_no_units() -> None:
    build = NetworkBuilder(1)
    x = build.input()
    hidden = build.relu(build.affine(x, [[1]], [-1]))
    again = build.relu(build.affine(build.concatenate(hidden, x), [[1, -1]], [0]))
    network = build.finish(build.affine(build.concatenate(again, x), [[1, 1]], [0]))
    for t, bends in ((fmpq(1, 4), True), (fmpq(1, 2), True)):
        assert any(step.t == t and step.bends is bends for step in segment(network, [-2], [4]).transitions) == (
            network.evaluate([6 * t - 2 - fmpq(1, 9)])[0] + network.evaluate([6 * t - 2 + fmpq(1, 9)])[0]
            != 2 * network.evaluate([6 * t - 2])[0]
        )
    affine = Network.from_layers([[[2, 1]]], [[3]])
    (piece,) = segment(affine, [0, 0], [1, 1]).pieces
    assert (piece.pattern, piece.outputs) == ((), ((3, 3),))


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        ([0, 0, 0], [0, 0, 0], "one point"),
        ([0, 0], [1, 1], "2 coordinates"),
        ([0, 0, float("nan")], [1, 1, 1], "finite"),
    ],
)
def test_refusals(start: list[float], end: list[float], message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        segment(integer_network(0), start, end)
