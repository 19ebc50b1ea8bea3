"""The cell tree against the reference data, closed forms, an independent enumeration, and its own other mode."""

import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.tree import (
    COUNT_ONLY,
    FACES,
    FACES_WITHOUT_COORDINATES,
    PATTERNS,
    CellTree,
    CellTreeError,
    Leaves,
    NoRoom,
    Subtree,
    tree_counters,
)
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.network import Network
from nn_bridge.readers import read_network
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational
from polyhedra.subdivision import arrangement_cells
from tests.families import DATA, ENTRIES


def run(network, domain=None, emit=COUNT_ONLY, last=False):
    """Cells, and the patterns as text where they are written."""
    problem = cell_problem(network, domain)
    if problem is None:
        return 1, {"|".join("".join("01"[on] for on in stage) for stage in network.pattern([0] * network.input_dim))}
    tree = CellTree(problem, emit, count_last_stage=last)
    patterns = set()
    for leaves in tree.run():
        for row in leaves.patterns.tolist():
            patterns.add("|".join(as_text(row, s, m, tree.words) for s, m in enumerate(network.hidden)))
    return tree.cells, patterns


def as_text(row, stage, units, words):
    return "".join("01"[row[stage * words + (i >> 6)] >> (i & 63) & 1] for i in range(units))


def naive_patterns(network, domain=None):
    """Patterns of the full-dimensional cells by subdividing with one unit after another, in exact arithmetic."""
    found = [((), domain or Polyhedron.space(network.input_dim))]
    for _ in network.stages:
        deeper = []
        for prefix, cell in found:
            forms = network.affine_forms(prefix)[len(prefix)]
            parts = arrangement_cells(cell, forms)
            deeper += [((*prefix, tuple(sign > 0 for sign in part.signs)), part.polyhedron) for part in parts]
        found = deeper
    return {"|".join("".join("01"[on] for on in stage) for stage in prefix) for prefix, _ in found}


def random_network(rng, dims, scale=1.0):
    weights = [rng.standard_normal((b, a)) for a, b in itertools.pairwise(dims)]
    biases = [scale * rng.standard_normal(b) for b in dims[1:]]
    return Network.from_layers([w.tolist() for w in weights], [b.tolist() for b in biases])


def test_all_reference_networks_in_every_mode():
    for entry in ENTRIES:
        network = Network.from_layers(entry["weights"], entry["biases"])
        cells, patterns = run(network, emit=PATTERNS)
        assert (cells, patterns) == (entry["cells"], set(entry["patterns"])), entry["name"]
        assert run(network, last=True)[0] == cells, entry["name"]
        assert run(network, emit=FACES)[0] == cells, entry["name"]


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("d2_10_5_1_s0", None),
        ("d2_32_32_1_s0", 2064),
        ("d3_16_16_1_s0", 4279),
        ("d4_16_16_1_s0", 34463),
        ("d5_20_1_s0", 21700),
        ("d6_12_12_1_s0", 135801),
        ("d8_10_10_1_s0", 110012),
        ("bunny_d2_2x50", 3673),
        ("bunny_d2_4x32", 6467),
        ("bunny_d3_3x16", 37122),
    ],
)
def test_known_counts_on_the_whole_space(name, cells):
    network = read_network(DATA / "nets" / f"{name}.npz")
    counted = run(network, last=True)[0]
    if cells is not None:
        assert counted == cells
    if counted < 40_000:
        assert run(network)[0] == counted


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("d2_32_32_1_s0", 1844),
        ("d3_16_16_1_s0", 3684),
        ("d4_16_16_1_s0", 27339),
        ("d5_20_1_s0", 20127),
        ("d6_12_12_1_s0", 76820),
        ("d8_10_10_1_s0", 59969),
    ],
)
def test_known_counts_in_a_box(name, cells):
    network = read_network(DATA / "nets" / f"{name}.npz")
    box = Polyhedron.box([-10] * network.input_dim, [10] * network.input_dim)
    assert run(network, box, last=True)[0] == cells
    if cells < 40_000:
        assert run(network, box)[0] == cells


@pytest.mark.parametrize("dims", [(2, 9, 9, 1), (3, 8, 6, 4, 1), (4, 7, 7, 1), (5, 7, 6, 1), (6, 8, 1), (7, 7, 5, 1)])
@pytest.mark.parametrize("in_a_box", [False, True])
def test_all_modes_agree(dims, in_a_box):
    rng = np.random.default_rng(sum(dims))
    network = random_network(rng, dims)
    domain = Polyhedron.box([-3] * dims[0], [3] * dims[0]) if in_a_box else None
    problem = cell_problem(network, domain)
    listed = CellTree(problem, PATTERNS)
    patterns = np.concatenate([leaves.patterns for leaves in listed.run()])
    for emit, last in MODES:
        tree = CellTree(problem, emit, count_last_stage=last)
        found = [leaves.patterns for leaves in tree.run()]
        assert tree.cells == listed.cells
        if emit != COUNT_ONLY:
            assert np.array_equal(np.concatenate(found), patterns), "the order is the same in every mode"


MODES = ((COUNT_ONLY, False), (COUNT_ONLY, True), (PATTERNS, False), (FACES_WITHOUT_COORDINATES, False), (FACES, False))


@pytest.mark.parametrize("last", [False, True])
def test_a_divided_run_names_what_is_left(last):
    problem = cell_problem(random_network(np.random.default_rng(5), (3, 8, 6, 4, 1)))
    whole = CellTree(problem, PATTERNS)
    expected = np.unique(np.concatenate([leaves.patterns for leaves in whole.run()]), axis=0)
    tree, lister = CellTree(problem, COUNT_ONLY, count_last_stage=last), CellTree(problem, PATTERNS)
    waiting, done, cells = [Subtree(0, (), problem.roots)], [], 0
    while waiting:
        subtree = waiting.pop()
        before = tree.cells
        tree.start(subtree)
        finished = tree.work(0.0, cells=40)
        parts = tree.divided()
        assert finished == (parts.rest == [])
        if not last:
            listed = sum(len(leaves.patterns) for part in parts.done for leaves in lister.run(part))
            assert listed == tree.cells - before
        done += parts.done
        waiting += reversed(parts.rest)
        cells += tree.cells - before
    assert cells == len(expected) == whole.cells
    found = np.concatenate([leaves.patterns for part in done for leaves in lister.run(part)])
    assert np.array_equal(np.unique(found, axis=0), expected)
    assert len(found) == len(expected)


def test_a_run_that_was_left_begins_anew():
    network = random_network(np.random.default_rng(5), (5, 7, 6, 1))
    tree = CellTree(cell_problem(network), PATTERNS)
    expected = np.concatenate([leaves.patterns for leaves in tree.run()])
    tree.batch_leaves = 3
    for stops in range(1, 60, 7):
        run = tree.run()
        for _ in range(stops):
            next(run)
        run.close()
    assert np.array_equal(np.concatenate([leaves.patterns for leaves in tree.run()]), expected)


def test_storage_grows_only_as_far_as_there_is_room():
    network = random_network(np.random.default_rng(4), (9, 3, 2, 1))
    tree = CellTree(cell_problem(network, Polyhedron.box([-1] * 9, [1] * 9)))
    tree.room = 1 << 15
    with pytest.raises(NoRoom):
        list(tree.run())
    assert tree.cells == 0
    assert 0 <= tree.room <= 1 << 15
    tree.room = None
    list(tree.run())
    assert tree.cells > 1


def test_depth_alone_asks_for_no_exact_decisions():
    """Errors of generators that did no harm in early stages are mended where later ones need it."""
    rng = np.random.default_rng(1)
    dims = [3, *[10] * 7, 1]
    weights = [rng.standard_normal((b, a)) * np.sqrt(2 / a) for a, b in itertools.pairwise(dims)]
    biases = [0.3 * rng.standard_normal(b) for b in dims[1:]]
    tree = CellTree(cell_problem(Network.from_layers(weights, biases)))
    for _ in tree.run():
        pass
    assert (tree.cells, tree.exact_decisions) == (58106, 0)


def test_joins_are_faces_without_coordinates_and_rays():
    for entry in ENTRIES[::23]:
        problem = cell_problem(Network.from_layers(entry["weights"], entry["biases"]))
        if problem is None:
            continue
        found = []
        for emit in (FACES, FACES_WITHOUT_COORDINATES):
            batches = [leaves for leaves in CellTree(problem, emit).run() if len(leaves.patterns)]
            found.append(Leaves(*(np.concatenate(column) for column in zip(*batches, strict=True))))
        faces, joins = found
        assert len(faces.generator_coordinates) == len(faces.generator_leaf) > 0 == len(joins.generator_coordinates)
        for name in ("patterns", "residues", "begins", "facet_leaf", "facet_zeros"):
            assert np.array_equal(getattr(faces, name), getattr(joins, name)), entry["name"]
        for name in ("generator_leaf", "generator_ray", "generator_zeros"):
            vertices = getattr(faces, name)[faces.generator_ray == 0]
            assert np.array_equal(vertices, getattr(joins, name)), entry["name"]


def test_one_layer_in_general_position():
    rng = np.random.default_rng(3)
    for n, units in [(1, 9), (2, 70), (3, 32), (4, 12), (7, 9), (9, 11), (12, 12), (12, 13)]:
        network = random_network(rng, [n, units, 1])
        expected = sum(math.comb(units, k) for k in range(n + 1))
        assert run(network)[0] == expected == run(network, last=True)[0]


def test_one_layer_through_the_origin():
    rng = np.random.default_rng(4)
    for n, units in [(1, 5), (2, 40), (3, 12), (4, 9), (5, 8)]:
        network = Network.from_layers([rng.standard_normal((units, n)).tolist(), [[1] * units]])
        assert run(network)[0] == 2 * sum(math.comb(units - 1, k) for k in range(n))


def test_a_thousand_units_a_layer():
    rng = np.random.default_rng(5)
    network = random_network(rng, [1, 1000, 20, 1])
    cells, patterns = run(network, emit=PATTERNS)
    assert cells == len(patterns) == run(network, last=True)[0] > 1001
    for x in rng.standard_normal(50).tolist():
        assert "|".join("".join("01"[on] for on in stage) for stage in network.pattern([x])) in patterns
    below = random_network(rng, [1, 3, 1000, 1])
    assert run(below)[0] == run(below, last=True)[0] > 500
    assert run(random_network(rng, [2, 300, 1]), last=True)[0] == 1 + 300 + math.comb(300, 2)


def test_five_hidden_layers_and_a_bottleneck():
    rng = np.random.default_rng(6)
    for dims in ([2, 4, 3, 4, 2, 3, 1], [3, 5, 1, 6, 2, 4, 2], [4, 3, 2, 3, 2, 2, 1]):
        network = random_network(rng, dims)
        assert run(network, emit=PATTERNS) == (run(network, last=True)[0], naive_patterns(network))


def test_scaling_all_biases_changes_no_count():
    rng = np.random.default_rng(7)
    for dims in ([2, 6, 5, 1], [3, 5, 4, 1]):
        weights = [rng.standard_normal((b, a)).tolist() for a, b in itertools.pairwise(dims)]
        biases = [rng.standard_normal(b).tolist() for b in dims[1:]]
        counts = set()
        for factor in (1, rational(2) ** 20, 1 / rational(2) ** 40, 1 / rational(2) ** 400):
            scaled = [[rational(b) * factor for b in bias] for bias in biases]
            counts.add(run(Network.from_layers(weights, scaled))[0])
        assert len(counts) == 1


def test_weights_over_many_orders_of_magnitude():
    rng = np.random.default_rng(8)
    for trial in range(6):
        dims = ([2, 5, 4, 1], [3, 4, 3, 1])[trial % 2]
        weights = [
            (rng.standard_normal((b, a)) * 10.0 ** rng.integers(-12, 12, (b, a))).tolist()
            for a, b in itertools.pairwise(dims)
        ]
        biases = [(rng.standard_normal(b) * 10.0 ** rng.integers(-12, 12, b)).tolist() for b in dims[1:]]
        network = Network.from_layers(weights, biases)
        assert run(network, emit=PATTERNS)[1] == naive_patterns(network)


def test_numbers_beyond_float_range():
    weights = [[["1e400", 1], [1, "1e-400"], ["1/3", "-1/7"]], [["1e300", "-1e300", 1], [1, 1, "1e-330"]], [[1, 1]]]
    network = Network.from_layers(weights, [["1e-350", 1, "1e350"], [1, "-1/3"], [0]])
    assert run(network, emit=PATTERNS)[1] == naive_patterns(network)


small = st.integers(-3, 3)


@st.composite
def degenerate_networks(draw):
    """Small networks of small integers (ties everywhere), of any depth, with or without skip connections."""
    n = draw(st.integers(1, 3))
    build = NetworkBuilder(n)
    x = build.input()
    signals = [x]
    for _ in range(draw(st.integers(1, 3))):
        units = draw(st.integers(1, 4))
        parts = [signals[-1]]
        if len(signals) > 1 and draw(st.booleans()):
            parts.append(signals[draw(st.integers(0, len(signals) - 2))])
        source = build.concatenate(*parts)
        rows = [[draw(small) for _ in range(source.size)] for _ in range(units)]
        signals.append(build.relu(build.affine(source, rows, [draw(small) for _ in range(units)])))
    last = signals[-1]
    return build.finish(build.affine(last, [[draw(small) for _ in range(last.size)]]))


@settings(max_examples=150, deadline=None)
@given(degenerate_networks())
def test_degenerate_networks_with_skip_connections(network):
    expected = naive_patterns(network)
    assert run(network, emit=PATTERNS) == (len(expected), expected)
    assert run(network, last=True)[0] == len(expected)


@settings(max_examples=80, deadline=None)
@given(degenerate_networks(), st.data())
def test_degenerate_networks_on_polyhedra(network, data):
    n = network.input_dim
    rows = data.draw(st.lists(st.tuples(*[small] * n, small), min_size=1, max_size=4))
    domain = Polyhedron([row[:n] for row in rows], [row[n] for row in rows], dim=n)
    if not domain.is_full_dimensional():
        return
    expected = naive_patterns(network, domain)
    assert run(network, domain, emit=PATTERNS) == (len(expected), expected)
    assert run(network, domain, last=True)[0] == len(expected)


@pytest.mark.parametrize("side", [0.1, 0.3, 2.0**-60, 3.0**40])
@pytest.mark.parametrize("weight", [-2, 1])
def test_integer_weights_on_domains_of_long_numbers(side, weight):
    # the second unit vanishes where the first does: a corner's coordinates have more than 53 bits together
    network = Network.from_layers([[[weight]], [[2]], [[1]]], [[0], [0], [1]])
    domain = Polyhedron.box([-side], [side])
    assert run(network, domain, emit=PATTERNS) == (2, {"0|0", "1|1"})
    assert run(network, domain, last=True)[0] == 2


@settings(max_examples=60, deadline=None, derandomize=True)
@given(degenerate_networks(), st.sampled_from([0.1, 0.3, 1e-20, 3.0**40]), st.booleans())
def test_degenerate_networks_on_boxes_of_long_numbers(network, side, shifted):
    n = network.input_dim
    domain = Polyhedron.box([-side] * n, [2 * side if shifted else side] * n)
    expected = naive_patterns(network, domain)
    assert run(network, domain, emit=PATTERNS) == (len(expected), expected)
    assert run(network, domain, last=True)[0] == len(expected)


def test_a_direction_that_only_a_later_stage_sees():
    build = NetworkBuilder(3)
    x = build.input()
    first = build.relu(build.affine(x, [[1, 0, 0], [1, 0, 0]], [0, -1]))
    second = build.relu(build.affine(build.concatenate(first, x), [[1, 1, 0, 1, 0], [0, 1, 1, -1, 0]], [0, 1]))
    third = build.relu(build.affine(build.concatenate(second, x), [[1, -1, 0, 0, 1]], [2]))
    network = build.finish(build.affine(third, [[1]]))
    expected = naive_patterns(network)
    assert run(network, emit=PATTERNS) == (len(expected), expected)
    assert run(network, last=True)[0] == len(expected)
    assert run(network, emit=FACES)[0] == len(expected)


def test_a_wide_input_has_the_rank_of_its_first_layer():
    rng = np.random.default_rng(9)
    problem = cell_problem(random_network(rng, [784, 4, 10]))
    assert problem.dim == 4
    assert CellTree(problem).problem.lifted([1, 0, 0, 0])[0] is not None
    assert run(random_network(rng, [784, 4, 10]))[0] == 16


def test_nothing_to_cut_is_one_cell():
    assert cell_problem(Network.from_layers([[[0, 0]], [[1]]], [[1], [0]])) is None
    assert cell_problem(Network.from_layers([[[1, 2]]])) is None


def test_a_path_of_another_network_is_refused():
    problem = cell_problem(read_network(DATA / "nets" / "d2_10_5_1_s0.npz"))
    with pytest.raises(CellTreeError, match="does not exist"):
        list(CellTree(problem).run(Subtree(0, ((1, 0, 1),))))


def test_memory_is_bounded_by_the_depth():
    tree = CellTree(cell_problem(read_network(DATA / "nets" / "d5_20_1_s0.npz")))
    tree.room = 1 << 18  # bytes, about 2,000 generators in five dimensions
    for _ in tree.run():
        pass
    assert tree_counters(tree)["cells"] == 21700


def test_the_most_vertices_of_a_cell():
    """A cube without a corner has 10 vertices, and is met with faces alone: in a count only the cube itself."""
    corner = cell_problem(Network.from_layers([[[1, 1, 1]], [[1]]], [[-2], [0]]), Polyhedron.box([-1] * 3, [1] * 3))
    for emit, most in ((FACES, 10), (COUNT_ONLY, 8)):
        tree = CellTree(corner, emit)
        assert list(tree.run())
        assert tree.most_generators == tree_counters(tree)["most_generators"] == most


@settings(max_examples=60, deadline=None)
@given(degenerate_networks())
def test_every_face_is_exact(network):
    problem = cell_problem(network)
    if problem is None:
        return
    tree = CellTree(problem, FACES)
    facets = {}
    for leaves in tree.run():
        for leaf, zeros in zip(leaves.facet_leaf.tolist(), leaves.facet_zeros.tolist(), strict=True):
            offset = 0
            key = []
            for s in range(len(network.hidden)):
                for q in range(-(-network.hidden[s] // 64)):
                    word = int(leaves.patterns[leaf - (tree.cells - len(leaves.patterns))][s * tree.words + q])
                    key += [word & ~zeros[offset], zeros[offset]]
                    offset += 1
            facets[tuple(key)] = facets.get(tuple(key), 0) + 1
    # on all of R^n every facet is a wall between exactly two cells
    assert set(facets.values()) <= {2}


@pytest.mark.parametrize("units", [4000])
def test_a_tree_as_deep_as_a_layer_is_wide(units):
    """Each unit splits off one cell: the recursion is as deep as there are units."""
    network = Network.from_layers([[[1]] * units, [[1] * units]], [list(range(units)), [0]])
    assert run(network)[0] == units + 1


def test_rays_whose_direction_only_later_signs_tell():
    """Counting gave rays a direction by signs that were inherited where a parent did not know them."""
    for case in json.loads((DATA / "cases" / "ray_orientation.json").read_text()):
        network = Network.from_layers(case["weights"], case["biases"])
        assert run(network, last=True)[0] == run(network)[0]
