"""Region bounds: the formulas by hand and by enumeration, and no exact count beyond an upper bound."""

from __future__ import annotations

import json
import math
from itertools import combinations, pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.cells.counting.count import count_cells
from nn_bridge.errors import NetworkError
from nn_bridge.expressivity.bound_formulas import (
    arora_lower,
    arrangement,
    expected_pieces,
    generic_shallow,
    montufar_lower,
    montufar_upper,
    pascanu_lower,
    patterns_upper,
    raghu_upper,
    rank_upper,
    serra_lower,
    serra_ramalingam_upper,
    serra_upper,
    serra_zonotope_lower,
    telgarsky_lower,
)
from nn_bridge.expressivity.constructions import arora, montufar, serra, serra_zonotope, telgarsky
from nn_bridge.expressivity.maximum_coverage import largest_unions
from nn_bridge.expressivity.region_bounds import architecture_bounds, region_bounds
from nn_bridge.network.network import Network

COUNTED = json.loads((Path(__file__).parents[2] / "data" / "cell_counts.json").read_text())


def random_network(sizes: list[int], seed: int) -> Network:
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(b, a)) for a, b in pairwise(sizes)]
    return Network.from_layers(weights, [rng.normal(size=b) for b in sizes[1:]])


def test_every_counted_network_stays_below_every_upper_bound() -> None:
    assert len(COUNTED) == 412
    for entry in COUNTED:
        bounds = region_bounds(Network.from_layers(entry["weights"], entry["biases"]))
        for bound in bounds.upper:
            assert bound.value is None or entry["cells"] <= bound.value, (entry["name"], bound)
        by_name = {bound.name: bound.value for bound in bounds.upper}
        chain = ["serra-ramalingam-2020", "serra-2018", "montufar-2017", "raghu-2017", "montufar-2014"]
        values = [by_name[name] for name in chain]
        assert values == sorted(values)
        assert by_name["rank"] <= by_name["montufar-2017"]
        assert by_name["hinz-2021"] <= by_name["hinz-van-de-geer-2019"] == by_name["serra-2018"]
        assert by_name["cai-2023"] <= by_name["serra-2018"]
        assert by_name["xiong-2020"] <= by_name["montufar-2017"]
        assert by_name["residual"] <= by_name["hinz-2021"]


def test_the_example_of_three_layers_of_three_units() -> None:
    bounds = {b.name: b.value for b in architecture_bounds(2, [3, 3, 3]).upper}
    assert bounds == {
        "pascanu-2014": None,
        "montufar-2014": 512,
        "raghu-2017": 448,
        "montufar-2017": 343,
        "serra-2018": 208,
        "hinz-van-de-geer-2019": 208,
        "hinz-2021": 208,
    }
    network = random_network([2, 3, 3, 3, 1], 3)
    assert count_cells(network).cells <= serra_ramalingam_upper(network) < 208


@pytest.mark.parametrize(("n", "widths"), [(2, (3, 3, 3)), (1, (4, 2)), (3, (2, 5)), (4, (3,)), (2, (1, 4, 2, 3))])
def test_serra_by_enumeration(n: int, widths: tuple[int, ...]) -> None:
    total = 0
    for js in product(*(range(w + 1) for w in widths)):
        smallest, term = n, 1
        for j, width in zip(js, widths, strict=True):
            term *= math.comb(width, j) if j <= min(smallest, width) else 0
            smallest = min(smallest, width - j)
        total += term
    assert serra_upper(n, widths) == total


def naive_serra_ramalingam(network: Network) -> int:
    """The definition word for word: all sets of units, all vectors j."""
    layers = [[[*row] for row in stage.blocks[0][1]] if stage.blocks else [] for stage in network.stages]
    biases = [list(stage.bias) for stage in network.stages]

    def reach(layer: int, k: int) -> tuple[int, int]:
        units = range(len(biases[layer]))
        if layer == 0:
            return len(units), len(units)
        best_act = best_change = 0
        width = len(biases[layer - 1])
        weights = layers[layer] or [[0] * width for _ in units]
        for size in range(min(k, width) + 1):
            for chosen in combinations(range(width), size):
                up = [any(weights[i][j] > 0 for j in chosen) for i in units]
                down = [any(weights[i][j] < 0 for j in chosen) for i in units]
                on = [biases[layer][i] > 0 for i in units]
                best_act = max(best_act, sum(on[i] or up[i] for i in units))
                best_change = max(best_change, sum(down[i] if on[i] else up[i] for i in units))
        return best_act, best_change

    def below(layer: int, k: int, dim: int) -> int:
        if layer == len(biases):
            return 1
        act, change = reach(layer, k)
        return sum(
            math.comb(change, j) * below(layer + 1, act - j, min(dim, act - j)) for j in range(min(dim, change) + 1)
        )

    return below(0, network.input_dim, network.input_dim)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    seed=st.integers(0, 10**6),
    dim=st.integers(1, 3),
    widths=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    sparse=st.booleans(),
)
def test_serra_and_ramalingam_by_the_definition(seed: int, dim: int, widths: list[int], sparse: bool) -> None:
    rng = np.random.default_rng(seed)
    sizes = [dim, *widths, 1]
    density = 0.4 if sparse else 1.0
    weights = [rng.integers(-2, 3, (b, a)) * (rng.random((b, a)) < density) for a, b in pairwise(sizes)]
    weights[0] = np.where(weights[0] == 0, 1, weights[0])  # the definition takes the first layer as moving
    network = Network.from_layers(weights, [rng.integers(-2, 3, b) for b in sizes[1:]])
    bound = serra_ramalingam_upper(network)
    assert bound == naive_serra_ramalingam(network)
    assert count_cells(network).cells <= min(bound, rank_upper(network))


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.lists(st.integers(0, 2**9 - 1), max_size=8))
def test_largest_unions_by_trying_all(sets: list[int]) -> None:
    expected = []
    for k in range(len(sets) + 1):
        unions = [0]
        for chosen in combinations(sets, k):
            union = 0
            for members in chosen:
                union |= members
            unions.append(union)
        expected.append(max(u.bit_count() for u in unions))
    sizes = largest_unions(sets)
    assert [sizes[min(k, len(sizes) - 1)] for k in range(len(sets) + 1)] == expected
    rough = largest_unions(sets, nodes=1)
    assert all(rough[min(k, len(rough) - 1)] >= value for k, value in enumerate(expected))


@pytest.mark.parametrize("n", [1, 2])
def test_the_constructions_attain_the_lower_bounds(n: int) -> None:
    assert montufar(n, [4, 5]).regions == montufar_lower(n, [4, 5])
    assert serra(n, [6, 7]).regions == serra_lower(n, [6, 7])
    assert arora(n, 3, 4, 3).regions == arora_lower(n, [6, 4, 4])
    assert serra_zonotope(n, 3, 6, 2).regions == serra_zonotope_lower(n, [6, 6])
    built = telgarsky(2)
    assert built.regions is not None
    assert built.regions >= telgarsky_lower(1, [1, 2, 1, 2, 1]) == 2
    assert pascanu_lower(2, [5, 6]) == 2 * 22 <= montufar_lower(2, [5, 6]) == 4 * 22


def test_lower_bounds_stay_below_upper_bounds() -> None:
    for n, widths in product((1, 2, 3), ([6], [6, 9], [9, 9, 9], [4, 9, 9])):
        bounds = architecture_bounds(n, widths)
        assert bounds.greatest_lower is not None
        assert (bounds.greatest_lower.value or 0) <= (bounds.least_upper.value or 0)


def test_formulas_by_hand() -> None:
    assert raghu_upper(2, (3, 3, 3)) == 7 * 8 * 8
    assert montufar_upper(3, (2, 5)) == 4 * 16
    assert patterns_upper(1, (3, 4)) == 128
    assert arrangement(2, 7) == 4
    assert (generic_shallow(5, 20), generic_shallow(3, 9)) == (21700, 130)


@pytest.mark.parametrize("zero_bias", [False, True])
@pytest.mark.parametrize(("n", "width"), [(1, 4), (2, 5), (3, 5), (4, 3)])
def test_what_is_expected_of_one_layer(n: int, width: int, zero_bias: bool) -> None:
    network = random_network([n, width, 1], n + width)
    if zero_bias:
        (layer,) = network.stages
        network = Network.from_layers([layer.blocks[0][1], [[1] * width]])
    (expected,) = region_bounds(network).expected
    assert expected.value == count_cells(network).cells


def test_expected_pieces_on_a_segment_by_drawing() -> None:
    start, end, units = np.array([1.0, -2.0]), np.array([2.0, 0.5]), 5
    expected = expected_pieces(start.tolist(), end.tolist(), units, weight_deviation=0.7, bias_deviation=1.3)
    rng = np.random.default_rng(0)
    w, b = rng.normal(0, 0.7, (40_000, units, 2)), rng.normal(0, 1.3, (40_000, units))
    pieces = 1 + ((w @ start + b > 0) != (w @ end + b > 0)).sum(axis=1)
    assert pieces.mean() == pytest.approx(expected, abs=5 * pieces.std() / 200)
    with pytest.raises(NetworkError, match="vanishes at the origin"):
        expected_pieces([0], [1], 3, weight_deviation=1, bias_deviation=0)


def test_rank_counts_what_dependent_weights_leave() -> None:
    parallel = Network.from_layers([[[1, 2], [2, 4], [-1, -2]], [[1, 0, 1]]], [[0, 1, 2], [0]])
    assert rank_upper(parallel) == 4 == count_cells(parallel).cells
    dead = Network.from_layers([[[1, 2], [0, 0]], [[1, 1]]], [[0, 1], [0]])
    assert rank_upper(dead) == 2 == count_cells(dead).cells


def test_networks_with_skips_keep_the_bounds_that_hold() -> None:
    leaky = Network.from_layers([np.eye(2), np.ones((3, 2)), [[1, 1, 1]]], activations=["leaky:1/2"] * 2 + ["linear"])
    bounds = region_bounds(leaky)
    found: dict[str, Any] = bounds.to_json()
    assert set(found["upper"]) == {"montufar-2014", "rank", "residual"}
    assert found["lower"] == {}
    assert "stage 2 reads the input" in found["not_applicable"]["upper serra-2018"]
    assert count_cells(leaky).cells <= bounds.least_upper.value
    with pytest.raises(NetworkError, match="stage 2 reads the input"):
        serra_ramalingam_upper(leaky)


def test_a_network_without_units_has_one_cell() -> None:
    bounds = region_bounds(Network.from_layers([[[1, 2]]]))
    assert {b.value for b in bounds.upper} == {1, None}
    assert bounds.greatest_lower is None
    assert bounds.to_json()["not_applicable"]["lower montufar-2014"] == "needs hidden units"


def test_why_a_bound_does_not_apply() -> None:
    missing = architecture_bounds(2, [3, 4]).to_json()["not_applicable"]
    assert missing["lower serra-2018"] == "needs n_l >= 3 n_0 = 6, layer 1 has 3"
    assert missing["lower arora-2018"] == "needs an even first layer and equal widths after it"
    assert missing["upper pascanu-2014"] == "needs one hidden layer, not 2"
    assert missing["expected generic"] == "no closed form for 2 hidden layers"
    alternating = architecture_bounds(1, [2, 1, 2, 1, 2]).to_json()["lower"]
    assert alternating["telgarsky-2015"] == 2
    with pytest.raises(NetworkError, match="sizes of at least 1"):
        architecture_bounds(2, [3, 0])
