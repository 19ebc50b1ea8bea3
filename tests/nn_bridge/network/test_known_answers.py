"""Networks whose answers are known on paper, through the symbolic route."""

import math
from itertools import pairwise, product

import numpy as np
import pytest
from flint import fmpq

from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.network import Network
from nn_bridge.symbolic.count import count_symbolic, refine, without_lineality
from nn_bridge.symbolic.monomials import MonomialCount, native_monomials
from nn_bridge.symbolic.tropicalize import tropical_preactivations, tropicalize
from polyhedra.polyhedron import Polyhedron
from tests.families import BY_NAME as ENTRIES
from tests.families import COUNTS as ORACLE
from tests.oracles.naive_cells import pattern_text


def gaussian(sizes, seed, *, zero_biases=False, relu_on_output=False, published=False):
    """A random network; ``published``: the standard deviation sqrt(2 / inputs) in every layer."""
    rng = np.random.default_rng(seed)
    weights, biases = [], []
    for a, b in pairwise(sizes):
        deviation = math.sqrt(2 / (sizes[0] if published else a))
        weights.append((rng.standard_normal((b, a)) * deviation).tolist())
        biases.append([0.0] * b if zero_biases else (rng.standard_normal(b) * deviation).tolist())
    return Network.from_layers(weights, biases, relu_on_output=relu_on_output)


def up_to(count, dim):
    return sum(math.comb(count, k) for k in range(dim + 1))


# ---------------------------------------------------------------- one hidden layer


@pytest.mark.parametrize(("n", "width"), [(1, 7), (2, 6), (2, 10), (3, 6), (4, 4), (5, 3), (6, 2)])
def test_general_position(n, width):
    counts = count_symbolic(gaussian([n, width, 1], seed=n))
    assert counts.cells == counts.regions == up_to(width, n)
    assert counts.exact
    assert counts.complete


@pytest.mark.parametrize(("n", "width"), [(1, 4), (2, 7), (3, 5), (4, 4)])
def test_zero_biases(n, width):
    counts = count_symbolic(gaussian([n, width, 1], seed=n, zero_biases=True))
    assert counts.cells == 2 * up_to(width - 1, n - 1)


def test_parallel_repeated_opposite_and_dead_units():
    rows = [[1, 0], [2, 0], [1, 0], [-1, 0], [0, 0], [0, 1]]
    net = Network.from_layers([rows, [[1, 1, 1, 1, 1, 1]]], [[0, 0, -1, 0, 3, 0], [0]])
    assert count_symbolic(net).cells == 3 * 2


@pytest.mark.parametrize(("p", "q"), [(0, 3), (2, 3), (4, 2), (3, 0), (5, 5)])
@pytest.mark.parametrize("n", [2, 3])
def test_monomials_of_one_hidden_layer(p, q, n):
    if n == 3 and p + q > 7:
        return
    rng = np.random.default_rng(10 * p + q)
    hidden = rng.standard_normal((p + q, n)).tolist()
    last = [[*np.abs(rng.standard_normal(p)), *-np.abs(rng.standard_normal(q))]]
    net = Network.from_layers([hidden, last], [rng.standard_normal(p + q).tolist(), [0.5]])
    assert native_monomials(net)[-1] == (MonomialCount(2**p, 2**q),)
    assert MonomialCount.of(tropicalize(net)[0]) == MonomialCount(up_to(p, n), up_to(q, n))


@pytest.mark.parametrize("n", [2, 3, 4])
def test_permutation_invariant_layers(n):
    def invariant(a, b, c):
        rows = [[a * (i == j) + b for j in range(n)] for i in range(n)]
        return Network.from_layers([rows, [[1] * n]], [[c] * n, [0]])

    assert count_symbolic(invariant(fmpq(1), fmpq(1, 3), 1)).cells == 2**n
    assert count_symbolic(invariant(fmpq(n), fmpq(-1), 1)).cells == 2**n - 1  # rank n - 1


# ---------------------------------------------------------------- deep networks in one variable


def composed(first, second, depth):
    """``second(relu(first(.)))`` applied ``depth`` times to the input; layers of plain numbers."""
    build = NetworkBuilder(1)
    signal = build.input()
    for _ in range(depth):
        signal = build.affine(build.relu(build.affine(signal, *first)), *second)
    return build.finish(signal)


UNIT_INTERVAL = Polyhedron.box([0], [1])


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_tent_maps(depth):
    tent = composed(([[2], [4]], [0, -2]), ([[1, -1]], [0]), depth)
    inside, everywhere = count_symbolic(tent, UNIT_INTERVAL), count_symbolic(tent)
    assert inside.regions == 2**depth
    assert everywhere.regions == (3 if depth == 1 else 2**depth + 2)
    assert everywhere.affine_maps == (3 if depth == 1 else 2**depth + 1)


@pytest.mark.parametrize("depth", [1, 2])
def test_survey_example_with_four_slopes(depth):
    first = ([[4], [8], ["6.5"], ["12.5"]], [0, -2, "-3.25", "-11.25"])
    zigzag = composed(first, ([[1, -1, 1, -1]], [0]), depth)
    counts = count_symbolic(zigzag, UNIT_INTERVAL)
    assert counts.regions == 4**depth


def test_coordinates_side_by_side_multiply():
    build = NetworkBuilder(2)
    units = build.relu(build.affine(build.input(), [[2, 0], [4, 0], [0, 2], [0, 4]], [0, -2, 0, -2]))
    net = build.finish(build.affine(units, [[1, -1, 0, 0], [0, 0, 1, -1]]))
    assert count_symbolic(net, Polyhedron.box([0, 0], [1, 1])).regions == 2**2
    assert count_symbolic(net).regions == 3**2


def test_one_input():
    net = Network.from_layers([[[1], [-1], [2]], [[1, -1, 1]]], [[0, 1, -1], [0]])
    # kinks at 0, 1 and 1/2
    assert count_symbolic(net).counts == {"cells": 4, "regions": 4, "regions_by_point": 4, "affine_maps": 4}


# ---------------------------------------------------------------- examples of the survey and of the paper


def test_survey_example_two():
    net = Network.from_layers([[["2.3", "-1.9"], ["-0.9", "-0.7"], [0, 3]], [[1, 1, 1]]], [["0.6", "4.8", -5], [0]])
    assert count_symbolic(net).cells == 7


def test_survey_example_three():
    first, second = [["2.3", "-1.9"], ["-0.9", "-0.7"]], [["0.4", "-3.1"], ["-0.6", "-1.6"]]
    net = Network.from_layers([first, second, [[1, 1]]], [["1.5", 5], [4, 5], [0]])
    cells = refine(tropical_preactivations(net)[:-1], 2)
    within = {bits: sum(cell.pattern[0] == bits for cell in cells) for bits in product((False, True), repeat=2)}
    assert within[False, True] == 3
    assert within[False, False] == 1


def test_six_regions_by_facet_and_three_by_point():
    build = NetworkBuilder(2)
    x = build.input()
    pieces = build.affine(x, [[1, 0], [0, 1], [1, 1], [0, 0], [1, 0], [0, 1]])
    largest = build.maxout(pieces, 3)
    counts = count_symbolic(build.finish(build.affine(largest, [[1, -1]])))
    assert (counts.regions, counts.regions_by_point, counts.affine_maps) == (6, 3, 3)


@pytest.mark.parametrize(("sizes", "mean"), [([3, 2, 2, 1], 6.2), ([3, 3, 2, 1], 15)])
def test_mean_numbers_of_regions_of_deep_networks(sizes, mean):
    """The standard error of the mean of 25 networks is up to 1, that of 12 up to 1.5."""
    assert abs(np.mean([count_symbolic(gaussian(sizes, seed)).regions for seed in range(12)]) - mean) < 4


@pytest.mark.parametrize(
    ("sizes", "mean"),
    [([2, 6, 1], 15.0), ([3, 5, 1], 22.5), ([4, 4, 1], 15.2), ([5, 3, 1], 7.7), ([6, 2, 1], 4.0), ([3, 2, 2, 1], 4.2)],
)
def test_mean_numbers_of_regions_with_relu_on_the_output(sizes, mean):
    """The published setting of the table of Lezeau et al. (2024)."""
    counts = [count_symbolic(gaussian(sizes, seed, relu_on_output=True, published=True)) for seed in range(8)]
    assert abs(np.mean([count.regions for count in counts]) - mean) < 4


# ---------------------------------------------------------------- lineality, domains, several outputs


def test_many_inputs_that_few_units_see():
    net = gaussian([40, 3, 2], seed=1)
    assert without_lineality(net).input_dim == 3
    assert count_symbolic(net).counts == {"cells": 8, "regions": 8, "regions_by_point": 8, "affine_maps": 8}


def test_no_units_and_units_that_see_nothing():
    one = {"cells": 1, "regions": 1, "regions_by_point": 1, "affine_maps": 1}
    assert count_symbolic(Network.from_layers([[[1, 2]]])).counts == one
    assert count_symbolic(Network.from_layers([[[0, 0], [0, 0]], [[1, 1]]], [[1, -1], [0]])).counts == one


def test_domains():
    net = Network.from_layers([[[1, 0], [0, 1]], [[1, 1]]], [[0, 0], [0]])
    assert count_symbolic(net).cells == 4
    assert count_symbolic(net, Polyhedron.box([0, -1], [1, 1])).cells == 2
    assert count_symbolic(net, Polyhedron.box([0, 0], [1, 1])).counts == {
        "cells": 1, "regions": 1, "regions_by_point": 1, "affine_maps": 1
    }  # fmt: skip
    diagonal = Polyhedron([], [], [[1, -1]], [0])
    assert count_symbolic(net, diagonal).cells == 0


def test_outputs_together_and_alone():
    net = Network.from_layers([[[1, 0], [0, 1]], [[1, 0], [0, 1]]])
    assert count_symbolic(net).regions == 4
    assert [count_symbolic(net.select_outputs([k])).regions for k in range(2)] == [2, 2]


# ---------------------------------------------------------------- the oracle


@pytest.mark.parametrize(
    "name",
    [name if ORACLE[name]["cells"] <= 25 else pytest.param(name, marks=pytest.mark.slow) for name in ORACLE],
)
def test_all_four_counts_and_the_patterns_are_the_oracles(name):
    entry = ENTRIES[name]
    network = Network.from_layers(entry["weights"], entry["biases"])
    assert count_symbolic(network).counts == ORACLE[name]
    if ORACLE[name]["cells"] <= 25:
        cells = refine(tropical_preactivations(network)[:-1], network.input_dim)
        found = [pattern_text([list(map(int, bits)) for bits in cell.pattern]) for cell in cells]
        assert sorted(found) == sorted(entry["patterns"])
