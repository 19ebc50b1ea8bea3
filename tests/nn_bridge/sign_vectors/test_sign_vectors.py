"""The sign-vector route: never a wrong count that claims to be right, and a complex that is one."""

import importlib.util
import itertools
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.cells.counting.count import count_cells
from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network
from nn_bridge.sign_vectors import count_sign_vectors, extract
from nn_bridge.sign_vectors.memory import memory_budget
from polyhedra.polyhedron import Polyhedron

TESTS = Path(__file__).parents[2]
SMALL = json.loads((TESTS / "data" / "cell_counts.json").read_text())


def _oracle():
    spec = importlib.util.spec_from_file_location("naive_cells_oracle", TESTS / "oracles" / "naive_cells.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ORACLE = _oracle()


def naive_count(weights, biases, rows):
    """The exact number of cells on {x : a . x <= b for (a, b) in rows}."""
    domain = [(*(-Fraction(v) for v in a), Fraction(b)) for a, b in rows]
    return len(ORACLE.cells(ORACLE.plain(weights, biases), len(weights[0][0]), domain))


def box_rows(lower, upper):
    n = len(lower)
    unit = [[int(i == j) for j in range(n)] for i in range(n)]
    return [([-v for v in unit[i]], -lower[i]) for i in range(n)] + [(unit[i], upper[i]) for i in range(n)]


def load(name):
    data = np.load(TESTS / "data" / "nets" / f"{name}.npz")
    depth = len(data.files) // 2
    return Network.from_layers([data[f"W{i}"] for i in range(depth)], [data[f"b{i}"] for i in range(depth)])


def random_layers(seed, widths, scale=1.0):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(b, a)) for a, b in itertools.pairwise(widths)]
    return weights, [scale * rng.normal(size=b) for b in widths[1:]]


FAMILIES = sorted({entry["family"] for entry in SMALL})


@pytest.mark.parametrize("family", FAMILIES)
def test_every_small_network_is_right_or_not_generic(family):
    right = 0
    entries = [entry for entry in SMALL if entry["family"] == family]
    for entry in entries:
        weights, biases = entry["weights"], entry["biases"]
        n = len(weights[0][0])
        result = count_sign_vectors(Network.from_layers(weights, biases), (-10, 10))
        if result.cells is None:
            assert result.reason.startswith("not generic")
        else:
            assert result.cells == naive_count(weights, biases, box_rows([-10] * n, [10] * n)), entry["name"]
            right += 1
    # zero biases put every hyperplane of the first layer through one point; Gaussian weights are generic
    assert right == {"Gaussian": len(entries)}.get(family, right)
    assert right == 0 or "zero biases" not in family


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("d2_32_32_1_s0", 1844),
        ("d3_16_16_1_s0", 3684),
        ("d4_16_16_1_s0", 27339),
        ("d5_20_1_s0", 20127),
        ("d6_12_12_1_s0", 76820),
    ],
)
def test_known_counts_in_the_box_of_ten(name, cells):
    result = count_sign_vectors(load(name), (-10, 10))
    assert (result.cells, result.engine, result.exact, result.complete) == (cells, "sign-vectors", False, True)
    assert result.domain == "box:-10,10"


@pytest.mark.parametrize("side", [1, 10])
@pytest.mark.parametrize("name", ["d2_10_5_1_s0", "d3_16_16_1_s0", "bunny_d2_2x50"])
def test_the_cell_engine_counts_the_same(name, side):
    network = load(name)
    n = network.input_dim
    exact = count_cells(network, Polyhedron.box([-side] * n, [side] * n))
    assert count_sign_vectors(network, (-side, side)).cells == exact.cells


def test_trained_network_in_its_box():
    assert count_sign_vectors(load("bunny_d2_2x50"), (-1, 1)).cells == 1103


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    shape=st.sampled_from([[1, 4, 3, 1], [2, 4, 3, 1], [2, 3, 3, 2], [3, 4, 1], [3, 3, 2, 1]]),
    corners=st.lists(st.tuples(st.integers(-8, 8), st.integers(1, 9)), min_size=3, max_size=3),
)
def test_boxes_with_different_sides(seed, shape, corners):
    weights, biases = random_layers(seed, shape)
    n = shape[0]
    lower = [Fraction(low, 4) for low, _ in corners[:n]]
    upper = [Fraction(low + width, 4) for low, width in corners[:n]]
    result = count_sign_vectors(Network.from_layers(weights, biases), (lower, upper))
    assert result.cells == naive_count(weights, biases, box_rows(lower, upper))


POLYTOPES = {
    "simplex": (3, [([-1, 0, 0], 1), ([0, -1, 0], 1), ([0, 0, -1], 1), ([1, 1, 1], 1)]),
    "octahedron": (3, [(list(signs), 2) for signs in itertools.product((1, -1), repeat=3)]),
    "cross-polytope": (4, [(list(signs), 2) for signs in itertools.product((1, -1), repeat=4)]),
    "pentagon, redundant and repeated rows": (
        2,
        [([-1, 0], 1), ([0, -1], 1), ([1, 0], 1), ([0, 1], 1), ([1, 1], Fraction(3, 2)), ([1, 1], 9), ([2, 0], 2)],
    ),
}


@pytest.mark.parametrize("name", POLYTOPES)
@pytest.mark.parametrize("seed", [0, 1])
def test_polytopes_also_where_they_are_not_simple(name, seed):
    n, rows = POLYTOPES[name]
    weights, biases = random_layers(seed, [n, 4, 2, 1], 0.5)
    domain = Polyhedron([a for a, _ in rows], [b for _, b in rows])
    complex_ = extract(Network.from_layers(weights, biases), domain)
    assert complex_.generic
    assert complex_.count_cells() == complex_.count_cells_by_sign_vectors() == naive_count(weights, biases, rows)
    faces = complex_.f_vector()
    assert sum((-1) ** k * count for k, count in enumerate(faces)) == 1
    assert faces[n] == complex_.count_cells()


@pytest.mark.parametrize("name", ["d2_16_16_1_s0", "d3_16_16_1_s0", "bunny_d3_3x16"])
def test_two_ways_to_count_cells_agree(name):
    complex_ = extract(load(name), (-1, 1), output_hyperplanes=True)
    faces = complex_.f_vector()
    assert complex_.count_cells() == complex_.count_cells_by_sign_vectors() == faces[-1]
    assert sum((-1) ** k * count for k, count in enumerate(faces)) == 1


def test_vertices_lie_on_their_hyperplanes_and_signs_are_the_networks():
    network = load("d2_10_5_1_s0")
    complex_ = extract(network, (-3, 3), output_hyperplanes=True)
    signs = complex_.vertex_signs()
    for vertex in range(0, len(complex_.vertices), 7):
        exact = complex_.exact_vertex(vertex)
        values = [v for stage in network.preactivations(exact.point) for v in stage]
        assert signs[vertex].tolist() == [(v > 0) - (v < 0) for v in values]
        error = max(abs(float(p) - x) for p, x in zip(exact.point, complex_.vertices[vertex], strict=True))
        assert error <= complex_.vertex_error[vertex]


def test_faces_know_their_vertices_and_signs():
    network = load("d2_10_5_1_s0")
    complex_ = extract(network, (-2, 2))
    cells = complex_.cells()
    assert len(cells) == complex_.count_cells() == len({tuple(row) for row in cells.signs().tolist()})
    for index in range(0, len(cells), 5):
        corners = complex_.vertices[cells.vertices_of(index)]
        pattern = network.pattern(corners.mean(axis=0))
        assert [v > 0 for v in cells.signs(index)[0]] == [on for stage in pattern for on in stage]
    edges = complex_.faces(1)
    assert {tuple(sorted(edges.vertices_of(i).tolist())) for i in range(len(edges))} == {
        tuple(sorted(edge)) for edge in complex_.edges.tolist()
    }
    assert len(complex_.faces(0)) == len(complex_.vertices)


def test_output_is_a_hyperplane_only_when_asked():
    network = load("d3_16_16_1_s0")
    without, with_output = (extract(network, (-1, 1), output_hyperplanes=ask) for ask in (False, True))
    assert with_output.neurons == without.neurons + 1
    assert with_output.count_cells() > without.count_cells()


def test_leaky_units_and_skip_connections():
    weights, biases = random_layers(5, [2, 5, 4, 1])
    plain = Network.from_layers(weights, biases)
    leaky = Network.from_layers(weights, biases, ["leaky:1/10", "leaky:1/10", "linear"])
    assert any(source == 0 for source, _ in leaky.stages[1].blocks)  # a stage that reads the input again
    for network in (plain, leaky):
        result = count_sign_vectors(network, (-2, 2))
        complex_ = extract(network, (-2, 2))
        assert result.cells == complex_.count_cells_by_sign_vectors()
        grid = np.random.default_rng(0).uniform(-2, 2, size=(4000, 2))
        patterns = {network.pattern(point) for point in grid[:600]}
        assert len(patterns) <= result.cells
        found = {tuple(v > 0 for v in row) for row in complex_.cells().signs().tolist()}
        assert {tuple(on for stage in pattern for on in stage) for pattern in patterns} <= found


def test_more_than_64_neurons_in_a_stage():
    weights, biases = random_layers(3, [2, 90, 70, 1])
    network = Network.from_layers(weights, biases)
    complex_ = extract(network, (-1, 1))
    assert complex_.generic
    # Euler's formula for a connected planar complex, and both counts
    v, e, f = complex_.f_vector()
    assert v - e + f == 1
    assert complex_.count_cells() == complex_.count_cells_by_sign_vectors() == f


def test_counts_do_not_depend_on_the_order_or_scale_of_neurons():
    weights, biases = random_layers(11, [3, 7, 6, 1])
    first = count_sign_vectors(Network.from_layers(weights, biases), (-1, 1)).cells
    rng = np.random.default_rng(1)
    one, two = rng.permutation(7), rng.permutation(6)
    scale = 2.0 ** rng.integers(-20, 20, size=7)
    moved = [
        (weights[0] * scale[:, None])[one],
        (weights[1] / scale[None, :])[:, one][two],
        weights[2][:, two],
    ]
    shifted = [(biases[0] * scale)[one], biases[1][two], biases[2]]
    assert count_sign_vectors(Network.from_layers(moved, shifted), (-1, 1)).cells == first


@pytest.mark.parametrize("memory", ["5MB", "10MB"])
def test_pieces_give_the_same_complex(memory):
    network = load("bunny_d3_3x16")
    whole = extract(network, (-0.25, 0.25), output_hyperplanes=True)
    parts = extract(network, (-0.25, 0.25), output_hyperplanes=True, memory=memory)
    assert parts.pieces > whole.pieces == 1
    assert parts.f_vector() == whole.f_vector()
    assert parts.count_cells() == whole.count_cells() == parts.count_cells_by_sign_vectors()
    hidden = count_sign_vectors(network, (-0.25, 0.25))
    assert count_sign_vectors(network, (-0.25, 0.25), memory=memory).cells == hidden.cells


def test_pieces_of_a_polytope():
    rows = [(list(signs), "0.4") for signs in itertools.product((1, -1), repeat=3)]
    domain = Polyhedron([a for a, _ in rows], [b for _, b in rows])
    network = load("bunny_d3_3x16")
    whole, parts = extract(network, domain), extract(network, domain, memory="3MB")
    assert parts.pieces > 1
    assert parts.f_vector() == whole.f_vector()
    assert count_sign_vectors(network, domain, memory="1MB").cells == whole.count_cells()


def test_a_budget_that_cannot_hold_the_result_is_refused():
    with pytest.raises(NetworkError, match="too small"):
        extract(load("d4_16_16_1_s0"), (-10, 10), memory="20KB")


def test_memory_budgets_are_read():
    assert memory_budget("4GiB") == 4 << 30
    assert memory_budget("0.5 MB") == 500_000
    assert memory_budget(1000) == 1000
    assert memory_budget(None) > 0
    for wrong in ("4 bananas", "0", 0, -3, True, ""):
        with pytest.raises(NetworkError, match="not a size"):
            memory_budget(wrong)


# ---------------------------------------------------------------- degenerate position

THIRD = Fraction(1, 3)
DEGENERATE = {
    "hyperplane through a corner": ([[[1, 1], [1, -3]], [[1, 1]]], [[2, 0], [0]]),
    "hyperplane along a wall": ([[[1, 0]], [[1]]], [[1], [0]]),
    "duplicate neurons": ([[[1, 2], [1, 2]], [[1, 1]]], [["1/3", "1/3"], [0]]),
    "opposite neurons": ([[[1, 2], [-1, -2]], [[1, 1]]], [["1/3", "-1/3"], [0]]),
    "three lines through a point": ([[[1, 0], [0, 1], [1, 1]], [[1, 1, 1]]], [["1/3", "1/5", "8/15"], [0]]),
    "a unit that vanishes on a cell": ([[[1, 0]], [[1], [-1]], [[1, 1]]], [["1/3"], [0, "1/7"], [0]]),
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_networks_are_recognised(name):
    weights, biases = DEGENERATE[name]
    network = Network.from_layers(weights, biases)
    complex_ = extract(network, (-1, 1))
    assert not complex_.generic
    assert complex_.doubtful > 0
    result = count_sign_vectors(network, (-1, 1))
    assert result.cells is None
    noun = "vertex" if complex_.doubtful == 1 else "vertices"
    assert result.reason == f"not generic: {complex_.doubtful} doubtful {noun}"
    assert len(complex_.vertices) >= 4  # the complex of the hyperplanes before the trouble stays readable
    for question in (complex_.count_cells, complex_.count_cells_by_sign_vectors, complex_.cells, complex_.vertex_signs):
        with pytest.raises(NetworkError, match="not generic"):
            question()
    with pytest.raises(NetworkError, match="not generic"):
        extract(network, (-1, 1), on_degenerate="raise")


@pytest.mark.parametrize("power", [40, 60, 200, 1200])
def test_near_degenerate_networks_are_decided_exactly(power):
    # three lines that almost meet in a point: the third misses it by a power of two, far below rounding
    tiny = fmpq(1, 2**power)
    network = Network.from_layers([[[1, 2], [3, -1], [4, 1]], [[1, 1, 1]]], [["1/3", "1/5", fmpq(8, 15) + tiny], [0]])
    result = count_sign_vectors(network, (-1, 1))
    assert result.cells == 7
    complex_ = extract(network, (-1, 1))
    assert complex_.decided > 0 or power < 50


def test_neurons_that_read_nothing_do_not_cut():
    dead = Network.from_layers([[[1, 2], [0, 0], [0, 0]], [[1, 1, 1]]], [["1/3", 0, "-1/7"], [0]])
    assert count_sign_vectors(dead, (-1, 1)).cells == 2
    affine = Network.from_layers([[[1, 2]]], [[0]])
    assert count_sign_vectors(affine, (-1, 1)).cells == 1


# ---------------------------------------------------------------- refusals


def test_refusals_name_the_remedy():
    network = Network.from_layers([[[1, 2]], [[1]]], [["1/3"], [0]])
    half_plane = Polyhedron([[1, 0], [-1, 0], [0, 1]], [1, 1, 1])
    segment = Polyhedron([[1, 0], [-1, 0], [0, 1], [0, -1]], [1, 1, 0, 0])
    cases = [
        (None, "needs a bounded domain"),
        ((1, -1), "empty in coordinate 0"),
        (([0, 0, 0], [1, 1, 1]), "have 3 coordinates"),
        (half_plane, "unbounded"),
        (Polyhedron([[1, 1], [-1, 1], [0, -1]], [0, 0, 0]), "dimension 0"),
        (Polyhedron.box([0], [1]), "dimension 1"),
        (7, "neither a polyhedron nor a pair"),
        (("a", 1), "neither a polyhedron nor a pair"),
    ]
    for domain, message in cases:
        with pytest.raises(NetworkError, match=message):
            extract(network, domain)
    with pytest.raises(NetworkError):
        extract(network, segment)
    with pytest.raises(NetworkError, match="float64 only"):
        extract(network, (-1, 1), dtype=np.float32)
    with pytest.raises(NetworkError, match="on_degenerate"):
        extract(network, (-1, 1), on_degenerate="ignore")
    with pytest.raises(NetworkError, match="backend"):
        extract(network, (-1, 1), backend="jax")
    with pytest.raises(NetworkError, match="runs on the CPU"):
        extract(network, (-1, 1), backend="core", device="cuda")
    assert extract(network, (-1, 1), backend="numba").count_cells() == extract(network, (-1, 1)).count_cells()
    wide = Network.from_layers([[[1] * 13], [[1]]], [["1/3"], [0]])
    with pytest.raises(NetworkError, match="up to 12 inputs"):
        extract(wide, (-1, 1))
    huge = Network.from_layers([[[1, "1e200"]], [[1]]], [["1/3"], [0]])
    with pytest.raises(NetworkError, match="too small or too large"):
        extract(huge, (-1, 1))
