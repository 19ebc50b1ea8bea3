"""Histograms, zeros, skip connections, maxout: formulas by their definitions, and no exact count beyond its bound."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations, pairwise, product
from typing import Any

import numpy as np
import pytest

from nn_bridge.cells.counting.count import count_cells
from nn_bridge.cells.plain_tree import leaf_tree
from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.tree import PATTERNS
from nn_bridge.errors import NetworkError
from nn_bridge.expressivity.bound_formulas import montufar_upper, serra_upper
from nn_bridge.expressivity.histogram_bounds import (
    HinzCells,
    hinz_upper,
    hinz_van_de_geer_upper,
    residual_upper,
    serra_cells,
)
from nn_bridge.expressivity.maxout_bounds import layer_ranks, maxout_upper
from nn_bridge.expressivity.region_bounds import region_bounds
from nn_bridge.expressivity.support_bounds import cai_upper, expected_sparse_upper, largest_rank, xiong_upper
from nn_bridge.network.network import AffineStage, Network
from polyhedra.scalars import rationals
from puiseux import count_regions


def cells_by_inactive_units(weights: np.ndarray, bias: np.ndarray) -> list[int]:
    """How many cells of one layer have at most 0, 1, .. inactive units, by the exact engine."""
    units = len(weights)
    problem = cell_problem(Network.from_layers([weights, np.zeros((1, units))], [bias, [0]]))
    assert problem is not None
    found: list[int] = []
    for leaves in leaf_tree(problem, PATTERNS).run():
        bits = np.unpackbits(leaves.patterns.view(np.uint8), axis=1, bitorder="little")[:, :units]
        found += (units - bits.sum(axis=1)).tolist()
    return [sum(number <= k for number in found) for k in range(units + 1)]


@pytest.mark.parametrize("family", ["generic", "round", "integers"])
def test_no_layer_has_more_cells_with_few_inactive_units(family: str) -> None:
    rng = np.random.default_rng(7)
    attained = set()
    for _ in range(120):
        units, n = int(rng.integers(2, 9)), int(rng.integers(1, 5))
        weights = rng.normal(size=(units, n)) if family != "integers" else rng.integers(-3, 4, (units, n)).astype(float)
        bias = rng.normal(size=units) if family == "generic" else rng.integers(-2, 3, units).astype(float)
        if family == "round":
            weights /= np.linalg.norm(weights, axis=1, keepdims=True)
            bias = np.full(units, rng.choice([-1.0, 1.0]))
        if not weights.any():
            continue
        cells, counted = HinzCells(n, units), cells_by_inactive_units(weights, bias)
        for k, number in enumerate(counted):
            assert number <= cells(n, units, k) <= serra_cells(n, units, k)
        if n == 2 and counted == [cells(n, units, k) for k in range(units + 1)]:
            attained.add(units)
    assert family != "round" or attained >= {2, 3, 4}


def test_on_the_line_and_in_the_plane_the_histograms_are_attained() -> None:
    # half-lines that all contain 0, as many to each side; half-planes around 0, bounded by the sides of a polygon
    line = cells_by_inactive_units(np.array([[1.0], [1], [1], [-1], [-1], [-1]]), np.array([1.0, 2, 3, 1, 2, 3]))
    assert line == [HinzCells(1, 6)(1, 6, k) for k in range(7)] == [1, 3, 5, 7, 7, 7, 7]
    angles = 2 * np.pi * np.arange(7) / 7
    polygon = cells_by_inactive_units(np.column_stack([np.cos(angles), np.sin(angles)]), np.ones(7))
    assert polygon == [HinzCells(2, 7)(2, 7, k) for k in range(8)]
    assert polygon[:4] == [1, 8, 15, 22]


def test_the_steps_of_the_proof_for_half_planes() -> None:
    """The counts of the sweep on the page on expressivity, against their bounds and the exact cells."""
    rng = np.random.default_rng(11)
    attained = 0
    for trial in range(60):
        m = 2 * int(rng.integers(0, 4)) + 1
        slopes, heights, upper = rng.normal(size=m), rng.normal(size=m), rng.random(m) < rng.random()
        if trial % 2:  # tangents of a circle, no two parallel, which attain the bound
            angles = 2 * np.pi * (np.arange(m) + rng.random()) / m
            slopes, heights, upper = -1 / np.tan(angles), -1 / np.sin(angles), np.sin(angles) > 0
        a, b = int(upper.sum()), int(m - upper.sum())
        counts = swept(slopes, heights, upper)
        right, left, above, below, ups, downs = (np.array(depths) for depths in counts)
        signs = np.where(upper, 1.0, -1.0)
        cells = cells_by_inactive_units(np.column_stack([-slopes * signs, signs]), -heights * signs)
        for k in range(m + 1):
            n, n_below, few = max(0, k - a), max(0, k - b), math.comb(k + 1, 2)
            from_right = int(a <= k) + (ups <= k).sum() + (right <= k).sum()
            from_left, pairs = (left <= k - 2).sum(), ((above <= k - 1).sum(), (below <= k - 1).sum())
            assert (downs <= k - 1).sum() == (ups <= k - 1).sum() + n - n_below
            assert from_right <= math.comb(k + 2, 2) - math.comb(n + 2, 2) + 1 - (ups <= k - 1).sum()
            assert from_left <= math.comb(k, 2) - math.comb(n_below, 2)
            assert pairs[0] <= k * a - few + math.comb(n + 1, 2)
            assert pairs[1] <= k * b - few + math.comb(n_below + 1, 2)
            assert cells[k] == from_right + (downs <= k - 1).sum() + from_left + sum(pairs) <= 1 + m * k
            attained += 0 < k < m / 2 and cells[k] == 1 + m * k
    assert attained > 20


def swept(slopes: np.ndarray, heights: np.ndarray, upper: np.ndarray) -> tuple[list[int], ...]:
    """The depths of the vertices R, L, P, Q, and of the crossings U, D far left."""
    right, left, above, below, ups, downs = found = ([], [], [], [], [], [])
    start = 0.0
    for i, j in combinations(range(len(slopes)), 2):
        x = (heights[j] - heights[i]) / (slopes[i] - slopes[j])
        start = min(start, x - 1)
        outside = np.where(upper, 1, -1) * (slopes * x + heights - (slopes[i] * x + heights[i])) > 0
        outside[[i, j]] = False
        if upper[i] == upper[j]:
            kind = above if upper[i] else below
        else:
            u, d = (i, j) if upper[i] else (j, i)
            kind = right if slopes[d] > slopes[u] else left
        kind.append(int(outside.sum()))
    depth = int(upper.sum())
    for i in np.argsort(slopes * start + heights):
        (ups if upper[i] else downs).append(depth - 1 if upper[i] else depth)
        depth += -1 if upper[i] else 1
    return found


@pytest.mark.parametrize(
    ("n", "widths"), [(2, (3, 3, 3)), (1, (4, 2)), (3, (2, 5)), (4, (3,)), (2, (1, 4, 2, 3)), (5, (9, 9))]
)
def test_histograms_of_serra_give_the_bound_of_serra(n: int, widths: tuple[int, ...]) -> None:
    assert hinz_van_de_geer_upper(n, widths) == serra_upper(n, widths)
    assert hinz_upper(n, widths) <= serra_upper(n, widths)


def test_too_wide_for_the_table() -> None:
    with pytest.raises(NetworkError, match="300 units in dimension 300 need more than"):
        hinz_upper(300, [300])


def residual_network(rng: np.random.Generator, n: int, blocks: list[int], bottleneck: int | None) -> Network:
    """x, or the units of a bottleneck, plus the affine image of the ReLU of each block in turn."""
    stages: list[AffineStage] = []
    carried: list[tuple[int, np.ndarray]] = [(0, np.eye(n))]
    size = n
    if bottleneck is not None:
        stages.append(stage([(0, rng.integers(-3, 4, (bottleneck, n)))], rng.integers(-2, 3, bottleneck)))
        carried, size = [(1, np.eye(bottleneck))], bottleneck
    for width in blocks:
        inner = rng.integers(-2, 3, (width, size))
        stages.append(stage([(k, inner @ matrix) for k, matrix in carried], rng.integers(-2, 3, width)))
        carried.append((len(stages), rng.integers(-2, 3, (size, width))))
    head = rng.integers(-2, 3, (1, size))
    return Network(n, tuple(stages), stage([(k, head @ matrix) for k, matrix in carried], np.zeros(1)))


def stage(blocks: list[tuple[int, Any]], bias: Any) -> AffineStage:
    exact = tuple((k, tuple(rationals(row) for row in np.asarray(m, dtype=float).tolist())) for k, m in blocks)
    return AffineStage(exact, rationals(np.asarray(bias, dtype=float).tolist()))


@pytest.mark.parametrize("bottleneck", [None, 1, 2])
def test_residual_networks_stay_below_their_bound(bottleneck: int | None) -> None:
    rng = np.random.default_rng(3 if bottleneck is None else bottleneck)
    sharper = 0
    for _ in range(40):
        n = int(rng.integers(1, 4))
        blocks = rng.integers(1, 5, int(rng.integers(1, 4))).tolist()
        network = residual_network(rng, n, blocks, bottleneck)
        bound = residual_upper(network)
        assert count_cells(network).cells <= bound <= 2 ** sum(network.hidden)
        # what a bottleneck lets through, later stages see at most, however often they read it again
        sharper += bound < montufar_upper(n, network.hidden)
    assert bottleneck is None or sharper > 10


def test_skip_connections_with_too_many_states() -> None:
    rng = np.random.default_rng(0)
    stages = []
    for number in range(12):
        reads = [(k, rng.normal(size=(6, 6))) for k in range(number + 1)]
        stages.append(stage(reads, rng.normal(size=6)))
    network = Network(6, tuple(stages), stage([(12, np.ones((1, 6)))], [0]))
    found = region_bounds(network).to_json()
    assert "more than 60,000 dimensions" in found["not_applicable"]["upper residual"]


def convolution(filters: int, taps: int, inputs: int, stride: int, rng: np.random.Generator) -> np.ndarray:
    positions = range(0, inputs - taps + 1, stride)
    rows = []
    for kernel in rng.normal(size=(filters, taps)):
        for start in positions:
            row = np.zeros(inputs)
            row[start : start + taps] = kernel
            rows.append(row)
    return np.array(rows)


def naive_choices(rows: np.ndarray) -> int:
    """Sets of rows of which each subset reads at least as many inputs as it has members."""
    supports = [frozenset(np.nonzero(row)[0].tolist()) for row in rows]

    def fits(chosen: tuple[int, ...]) -> bool:
        subsets = (part for size in range(1, len(chosen) + 1) for part in combinations(chosen, size))
        return all(len(frozenset().union(*(supports[i] for i in part))) >= len(part) for part in subsets)

    return sum(fits(chosen) for size in range(len(rows) + 1) for chosen in combinations(range(len(rows)), size))


@pytest.mark.parametrize(
    ("filters", "taps", "inputs", "stride"), [(1, 2, 4, 1), (2, 2, 3, 1), (3, 2, 4, 2), (2, 3, 4, 1)]
)
def test_a_convolution_has_as_many_cells_as_choices_of_filters(
    filters: int, taps: int, inputs: int, stride: int
) -> None:
    rng = np.random.default_rng(filters)
    rows = convolution(filters, taps, inputs, stride, rng)
    network = Network.from_layers([rows, np.ones((1, len(rows)))], [rng.normal(size=len(rows)), [0]])
    bound = xiong_upper(network)
    assert bound == naive_choices(rows)
    assert count_cells(network).cells == bound  # Xiong et al.: the bound of one layer is attained by generic weights
    assert bound <= montufar_upper(inputs, [len(rows)])


def test_sparse_networks_stay_below_the_bounds_that_read_their_zeros() -> None:
    rng = np.random.default_rng(11)
    below_serra = 0
    for _ in range(60):
        sizes = [int(rng.integers(1, 4)), *rng.integers(1, 6, 2).tolist(), 1]
        weights = [rng.normal(size=(b, a)) * (rng.random((b, a)) < 0.5) for a, b in pairwise(sizes)]
        network = Network.from_layers(weights, [rng.normal(size=b) for b in sizes[1:]])
        cells = count_cells(network).cells
        assert cells <= cai_upper(network) <= serra_upper(sizes[0], sizes[1:-1])
        assert cells <= xiong_upper(network) <= montufar_upper(sizes[0], sizes[1:-1])
        below_serra += cai_upper(network) < serra_upper(sizes[0], sizes[1:-1])
    assert below_serra > 20


def test_the_largest_rank_is_attained_by_random_weights() -> None:
    rng = np.random.default_rng(5)
    for _ in range(50):
        mask = rng.random((int(rng.integers(1, 7)), int(rng.integers(1, 7)))) < 0.4
        supports = [frozenset(np.nonzero(row)[0].tolist()) for row in mask]
        assert largest_rank(supports) == np.linalg.matrix_rank(mask * rng.normal(size=mask.shape))


def test_the_expectation_is_the_mean_over_all_zeros() -> None:
    n, widths, density = 2, (2, 2), Fraction(1, 3)

    def cells(masks: list[np.ndarray], dim: int) -> int:
        if not masks:
            return 1
        moving = int(masks[0].any(axis=1).sum())
        return sum(math.comb(moving, j) * cells(masks[1:], min(moving - j, dim)) for j in range(min(dim, moving) + 1))

    total = Fraction(0)
    for bits in product((0, 1), repeat=8):
        masks = [np.array(bits[:4]).reshape(2, 2), np.array(bits[4:]).reshape(2, 2)]
        total += density ** sum(bits) * (1 - density) ** (8 - sum(bits)) * cells(masks, n)
    found = expected_sparse_upper(n, widths, ["1/3", "1/3"])
    assert Fraction(int(found.p), int(found.q)) == total
    assert expected_sparse_upper(n, widths, [1, 1]) == serra_upper(n, widths)
    with pytest.raises(NetworkError, match="one density for each layer: 2"):
        expected_sparse_upper(2, [2, 2], [1])


def test_maxout_bounds_hold_for_regions_and_not_for_cells() -> None:
    one = Network.from_layers([[[0, 0], [1, 0], [0, 1]]], activations=["maxout:3"])
    counted = count_regions(one)
    assert (counted.regions, counted.cells, maxout_upper(2, layer_ranks(one))) == (3, 4, 3)
    found = region_bounds(one).to_json()
    assert found["upper_regions"] == {"montufar-2022": 3}
    assert all(value >= 4 for value in found["upper"].values())


@pytest.mark.parametrize("ranks", [[3], [3, 3], [2, 4], [3, 2, 2]])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_maxout_formula_is_the_published_one(ranks: list[int], n: int) -> None:
    """With signs as in the theorem of Montufar, Ren and Zhang, where there are more units than inputs."""
    m = len(ranks)
    if m <= n:
        assert maxout_upper(n, [ranks]) == math.prod(ranks)
        return
    total = 0
    for j in range(n + 1):
        symmetric = sum(math.prod(chosen) for chosen in combinations(ranks, j))
        total += (-1) ** (n - j) * math.comb(m - 1 - j, n - j) * symmetric
    assert maxout_upper(n, [ranks]) == total


def test_maxout_networks_have_no_more_regions_and_maps() -> None:
    rng = np.random.default_rng(2)
    largest = 0.0
    for _ in range(40):
        n, pieces = int(rng.integers(1, 4)), int(rng.integers(2, 4))
        units = [int(rng.integers(1, 4)) for _ in range(int(rng.integers(1, 3)))]
        sizes = [n, *units, 1]
        weights = [rng.normal(size=(b * pieces, a)) for a, b in pairwise(sizes[:-1])]
        weights.append(rng.normal(size=(1, units[-1])))
        activations = [f"maxout:{pieces}"] * len(units) + ["linear"]
        network = Network.from_layers(weights, [rng.normal(size=len(w)) for w in weights], activations)
        counted, bound = count_regions(network), maxout_upper(n, layer_ranks(network))
        assert counted.regions is not None
        assert counted.affine_maps is not None
        assert counted.affine_maps <= bound
        assert counted.regions <= bound
        largest = max(largest, counted.regions / bound)
    assert largest == 1.0


def test_why_maxout_bounds_do_not_apply() -> None:
    network = Network(1, (stage([(0, [[1.0]])], [0]),), stage([(1, [[1.0]])], [0]))
    found = region_bounds(network).to_json()["not_applicable"]
    assert found["upper_regions montufar-2022"] == "the layers that the network was made from are not known"
