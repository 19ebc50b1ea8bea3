"""The four counts through the cell tree: against the naive oracle, on domains, and where residues lie."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge import _gluing_kernels as kernels
from nn_bridge.builder import NetworkBuilder
from nn_bridge.cell_problem import cell_problem
from nn_bridge.cell_tree import FACES, PATTERNS, CellTree, CellTreeError
from nn_bridge.gluing import Duplicates, FourCounts, Gluer, count_from_tree, duplicates
from nn_bridge.integer_maps import IntegerMaps, unpacked
from nn_bridge.network import Network
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ZERO, rational, to_fraction

sys.path.insert(0, str(Path(__file__).parent.parent / "oracles"))
from naive_cells import cells, four_counts

DATA = Path(__file__).parent.parent / "data"
ENTRIES = {entry["name"]: entry for entry in json.loads((DATA / "cell_counts.json").read_text())}
COUNTS = json.loads((DATA / "oracle_counts.json").read_text())


def network_of(entry):
    return Network.from_layers(entry["weights"], entry["biases"])


def oracle(network, forms=()):
    """The naive oracle's four counts of any network in normal form."""
    sizes = [network.input_dim, *network.hidden]
    stages = []
    for number, stage in enumerate((*network.stages, network.output)):
        rows = []
        for j, bias in enumerate(stage.bias):
            row = []
            for source in range(number + 1):
                block = stage.block(source)
                row += [to_fraction(v) for v in (block[j] if block else [ZERO] * sizes[source])]
            rows.append((tuple(row), to_fraction(bias)))
        stages.append(rows)
    return four_counts(cells(stages, network.input_dim, list(forms)), network.input_dim)


def counted(network, domain=None):
    return count_from_tree(cell_problem(network, domain))._asdict()


def sample():
    """One network of every family and shape."""
    chosen = {}
    for name in COUNTS:
        entry = ENTRIES[name]
        shape = tuple(len(bias) for bias in entry["biases"])
        chosen.setdefault((entry["family"], len(entry["weights"][0][0]), shape), name)
    return sorted(chosen.values())


def test_the_oracles_counts():
    wrong = {name: counted(network_of(ENTRIES[name])) for name in sample()}
    assert {name: counts for name, counts in wrong.items() if counts != COUNTS[name]} == {}


def test_nothing_to_cut():
    assert count_from_tree(None) == FourCounts(1, 1, 1, 1)
    dead = Network.from_layers([[[0, 0]], [[3]]], [[1], [0]])
    assert cell_problem(dead) is None


def three_regions_by_point():
    """max(x, y, x + y) - max(0, x, y)."""
    build = NetworkBuilder(2)
    x = build.input()
    left = build.maxout(build.affine(x, [[1, 0], [0, 1], [1, 1]]), 3)
    right = build.maxout(build.affine(x, [[0, 0], [1, 0], [0, 1]]), 3)
    return build.finish(build.add(left, build.scale(right, rational(-1))))


def test_joined_by_facet_and_by_point():
    found = count_from_tree(cell_problem(three_regions_by_point()))
    assert (found.regions, found.regions_by_point) == (6, 3)


small = st.integers(-2, 2)


def matrices(rows, columns):
    return st.lists(st.lists(small, min_size=columns, max_size=columns), min_size=rows, max_size=rows)


@st.composite
def built_networks(draw):
    """Networks with leaky units, maxout, skip connections and one or two outputs, mostly degenerate."""
    dim = draw(st.integers(1, 3))
    build = NetworkBuilder(dim)
    x = build.input()
    width = draw(st.integers(1, 3 if dim < 3 else 2))
    first = build.affine(
        x, draw(matrices(2 * width, dim)), draw(st.lists(small, min_size=2 * width, max_size=2 * width))
    )
    kind = draw(st.sampled_from(["relu", "leaky", "maxout"]))
    if kind == "maxout":
        hidden = build.maxout(first, 2)
    else:
        first = build.take(first, range(width))
        hidden = build.relu(first) if kind == "relu" else build.leaky_relu(first, rational("1/3"))
    if draw(st.booleans()):
        hidden = build.concatenate(hidden, x)
    second = build.relu(
        build.affine(hidden, draw(matrices(2, hidden.size)), draw(st.lists(small, min_size=2, max_size=2)))
    )
    if draw(st.booleans()):
        second = build.concatenate(second, hidden)
    outputs = draw(st.integers(1, 2))
    return build.finish(build.affine(second, draw(matrices(outputs, second.size))))


@given(built_networks(), st.booleans())
@settings(max_examples=50, deadline=None, derandomize=True)
def test_degenerate_networks_against_the_oracle(network, in_a_half_space):
    domain, forms = None, []
    if in_a_half_space:
        # x_1 + .. + x_n <= 1
        domain = Polyhedron([[1] * network.input_dim], [1])
        forms = [(*[-1] * network.input_dim, 1)]
    assert counted(network, domain) == oracle(network, forms)


@given(st.integers(0, 10**6))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_boxes_against_the_oracle(seed):
    rng = np.random.default_rng(seed)
    network = Network.from_layers(
        [rng.integers(-2, 3, (4, 2)), rng.integers(-2, 3, (3, 4)), rng.integers(-1, 2, (1, 3))],
        [rng.integers(-1, 2, 4), rng.integers(-1, 2, 3), [0]],
    )
    walls = [(1, 0, 1), (-1, 0, 1), (0, 1, 1), (0, -1, 1)]
    assert counted(network, Polyhedron.box([-1, -1], [1, 1])) == oracle(network, walls)


@pytest.mark.parametrize("scale", [1, 2**40])
def test_tiny_biases_change_nothing(scale):
    rng = np.random.default_rng(5)
    weights = [rng.normal(size=(6, 3)), rng.normal(size=(5, 6)), rng.normal(size=(1, 5))]
    biases = [rng.normal(size=6), rng.normal(size=5), [0.0]]
    found = counted(Network.from_layers(weights, [np.array(b) / scale for b in biases]))
    assert found == counted(Network.from_layers(weights, biases))


# -------------------------------------------------------------------------- residues that lie


def both_passes(network, mask):
    """The counts when only some bits of the residues are kept, so that different maps get equal residues."""
    problem = cell_problem(network)
    tree = CellTree(problem, PATTERNS)
    prints = np.concatenate([leaves.prints & mask for leaves in tree.run()])
    found = duplicates(prints)
    gluer = Gluer(problem, tree.words, found)
    for leaves in CellTree(problem, FACES, select=found.select).run():
        gluer.add(leaves._replace(prints=leaves.prints & mask))
    return gluer.counts()


def passes_without_room(network, domain=None):
    """The counts and the number of passes when no points fit in memory."""
    problem = cell_problem(network, domain)
    tree = CellTree(problem, PATTERNS)
    gluer = Gluer(
        problem, tree.words, duplicates(np.concatenate([leaves.prints for leaves in tree.run()])), point_memory=0
    )
    passes = 1
    while (wanted := gluer.wanted()) is not None:
        passes += 1
        assert gluer.wanted() == wanted
        for leaves in CellTree(problem, FACES, select=wanted.select).run():
            gluer.add(leaves)
    return gluer.counts(), passes


def test_points_in_a_third_pass():
    seen = set()
    for name in sample()[::2]:
        counts, passes = passes_without_room(network_of(ENTRIES[name]))
        assert counts._asdict() == COUNTS[name]
        assert (
            passes == 1 if counts.cells == counts.affine_maps else passes == 2 + (counts.regions > counts.affine_maps)
        )
        seen.add(passes)
    counts, passes = passes_without_room(three_regions_by_point())
    assert (counts.regions, counts.regions_by_point, passes) == (6, 3, 3)
    assert seen >= {1, 2}


def test_forgotten_points_are_missed():
    problem = cell_problem(three_regions_by_point())
    tree = CellTree(problem, PATTERNS)
    found = duplicates(np.concatenate([leaves.prints for leaves in tree.run()]))
    gluer = Gluer(problem, tree.words, found, point_memory=0)
    for leaves in CellTree(problem, FACES, select=found.select).run():
        gluer.add(leaves)
    with pytest.raises(CellTreeError, match="wanted"):
        gluer.counts()


@pytest.mark.parametrize("name", sample()[::9])
@pytest.mark.parametrize("mask", [0, 1])
def test_equal_residues_prove_nothing(name, mask):
    network = network_of(ENTRIES[name])
    assert both_passes(network, np.uint64(mask))._asdict() == COUNTS[name]


def test_batches_in_any_order():
    network = network_of(ENTRIES[max(COUNTS, key=lambda name: COUNTS[name]["cells"] - COUNTS[name]["affine_maps"])])
    problem = cell_problem(network)
    tree = CellTree(problem, PATTERNS)
    found = duplicates(np.concatenate([leaves.prints for leaves in tree.run()]))
    (batch,) = [leaves for leaves in CellTree(problem, FACES, select=found.select).run() if len(leaves.patterns)]
    expected = count_from_tree(problem)
    numbers = np.unique(batch.generator_leaf)
    middle = len(numbers) // 2
    gluer = Gluer(problem, tree.words, found)
    for half in (slice(middle, None), slice(0, middle)):
        wanted = numbers[half]
        of, facet = np.isin(batch.generator_leaf, wanted), np.isin(batch.facet_leaf, wanted)
        part = batch._replace(
            patterns=batch.patterns[half],
            prints=batch.prints[half],
            generator_leaf=batch.generator_leaf[of],
            generator_ray=batch.generator_ray[of],
            generator_coordinates=batch.generator_coordinates[of],
            generator_zeros=batch.generator_zeros[of],
            facet_leaf=batch.facet_leaf[facet],
            facet_zeros=batch.facet_zeros[facet],
        )
        with_half = half.start or 0
        gluer.add(part, with_half)
    assert gluer.counts() == expected


def test_batches_of_another_run_are_refused():
    problem = cell_problem(three_regions_by_point())
    tree = CellTree(problem, PATTERNS)
    found = duplicates(np.concatenate([leaves.prints for leaves in tree.run()]))
    other = Duplicates(found.select, found.prints ^ np.uint64(1))
    (batch,) = [leaves for leaves in CellTree(problem, FACES, select=found.select).run() if len(leaves.patterns)]
    with pytest.raises(CellTreeError, match="other cells"):
        Gluer(problem, tree.words, other).add(batch)
    with pytest.raises(CellTreeError, match="fewer cells"):
        Gluer(problem, tree.words, found).counts()


@given(st.integers(0, 10**6), st.sampled_from([1, 2.0**-60, 1e12]))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_maps_modulo_primes_are_the_maps(seed, scale):
    rng = np.random.default_rng(seed)
    integer = rng.integers(0, 2) == 1
    draw = (lambda *size: rng.integers(-1, 2, size)) if integer else (lambda *size: rng.normal(size=size) * scale)
    network = Network.from_layers([draw(3, 2), draw(3, 3), draw(2, 3)], [draw(3), draw(3), draw(2)])
    patterns = rng.integers(0, 8, (12, 2)).astype(np.uint64)
    bits = unpacked(patterns, network.hidden, 1)
    chosen = [tuple(tuple(map(bool, stage[k])) for stage in bits) for k in range(len(patterns))]
    exact = [network.affine_forms(pattern)[-1] for pattern in chosen]
    equal = IntegerMaps(network).equal([b[:6] for b in bits], [b[6:] for b in bits])
    assert equal.tolist() == [exact[k] == exact[k + 6] for k in range(6)]


# -------------------------------------------------------------------------- the kernel against its plain twin


def joined_plainly(faces, leaf, label, pairs):
    """The partition of the leaves that `kernels.join` should find, by a dictionary."""
    component = list(range(len(label)))
    bearer = {}
    for key, own in zip(map(tuple, faces.tolist()), leaf.tolist(), strict=True):
        key = key if pairs else (*key, int(label[own]))
        other = bearer.setdefault(key, own)
        if other != own and label[other] == label[own]:
            old, new = component[other], component[own]
            component = [new if c == old else c for c in component]
        if pairs and other != own:
            del bearer[key]
    return component, len(bearer)


def partition(component):
    groups = {}
    for node, c in enumerate(component):
        groups.setdefault(c, set()).add(node)
    return sorted(map(sorted, groups.values()))


@given(st.integers(0, 10**6), st.booleans())
@settings(max_examples=30, deadline=None, derandomize=True)
def test_join_against_a_dictionary(seed, pairs):
    rng = np.random.default_rng(seed)
    leaves, faces = 40, 90
    keys = rng.integers(0, 12, (faces, 2)).astype(np.uint64)
    leaf = rng.integers(0, leaves, faces)
    # a leaf brings a key once only
    first = np.unique(np.column_stack([keys.astype(np.int64), leaf]), axis=0, return_index=True)[1]
    keys, leaf = keys[np.sort(first)], leaf[np.sort(first)]
    label = rng.integers(0, 3, leaves)
    table, bearer = np.zeros((4, 3 - pairs), np.uint64), np.full(4, -1, np.int64)
    seen, parent, scratch = np.zeros(1, np.int64), np.arange(leaves), np.zeros(3 - pairs, np.uint64)
    done = 0
    while done < len(keys):
        done = kernels.join(keys, leaf, label, pairs, scratch, table, bearer, seen, parent, done)
        if done < len(keys):
            larger, wider = np.zeros((2 * len(bearer), 3 - pairs), np.uint64), np.full(2 * len(bearer), -1, np.int64)
            kernels.rehash(table, bearer, larger, wider)
            table, bearer = larger, wider
    component, left = joined_plainly(keys, leaf, label, pairs)
    assert partition([kernels.find(parent, node) for node in range(leaves)]) == partition(component)
    assert int(seen[0]) == left == int((bearer >= 0).sum())
