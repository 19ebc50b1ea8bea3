"""The four counts through the cell tree: against the naive oracle, on domains, and where residues lie."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.cells import _core as kernels
from nn_bridge.cells import joining
from nn_bridge.cells.core_problem import CoreProblem
from nn_bridge.cells.counting.count import count_from_tree
from nn_bridge.cells.joining import FourCounts, Joiner, SignVectorKeys
from nn_bridge.cells.map_classes import MapComparison
from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.repeated_maps import duplicates, repeats
from nn_bridge.cells.tree import FACES, JOINING_FACES, NEIGHBOURS, PATTERNS, CellTree, CellTreeError
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.network import Network
from nn_bridge.network.residues import IntegerMaps, unpacked
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ZERO, rational, to_fraction
from tests.families import BY_NAME as ENTRIES
from tests.families import COUNTS, network_of
from tests.oracles.naive_cells import cells, four_counts


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


EVERY_BIT = np.uint64(2**64 - 1)


def joined(network, domain=None, *, mask=EVERY_BIT, everything=True):
    """A joiner with the leaves, all or those whose residues repeat, and how the leaves with some residues are brought.

    Only the bits of ``mask`` are kept of the residues, so that different maps get equal ones.
    """
    problem = cell_problem(network, domain)
    tree = CellTree(problem, PATTERNS)
    residues = np.concatenate([leaves.residues & mask for leaves in tree.run()])
    joiner = Joiner(problem, tree.words)

    def bring(select, take, emit):
        for leaves in CellTree(problem, emit, select=select.astype(np.uint8)).run():
            take(leaves._replace(residues=leaves.residues & mask))

    bring(np.ones(len(residues)) if everything else duplicates([residues]).select, joiner.add, NEIGHBOURS)

    def bring_again(patterns):
        again = CellTree(problem, JOINING_FACES)
        again.go_to(patterns)
        for leaves in again.run():
            joiner.add_again(leaves._replace(residues=leaves.residues & mask))
        assert again.cells == len(patterns)

    return joiner, len(residues), bring_again


def counts_by_passes(network, domain=None, *, everything=True):
    """The counts, and the numbers of leaves that were brought again."""
    joiner, cells, again = joined(network, domain, everything=everything)
    brought = settle(joiner, again)
    return joiner.counts(cells), brought


def settle(joiner, again):
    """Bring leaves until nothing is unsettled; returns how many each time."""
    brought = []
    while len(unsettled := joiner.unsettled()):
        again(unsettled)
        brought.append(len(unsettled))
    return brought


@pytest.mark.parametrize("everything", [True, False])
@pytest.mark.parametrize("few", [0, 4, 1 << 8])
def test_leaves_that_are_brought_again(everything, few, monkeypatch):
    """Those outside the largest piece of their map, and then, where maps in pieces are large, all cells of these."""
    monkeypatch.setattr(joining, "_FEW", few)
    times = []
    for name in sample()[::2]:
        counts, brought = counts_by_passes(network_of(ENTRIES[name]), everything=everything)
        assert counts._asdict() == COUNTS[name]
        assert brought or counts.regions == counts.affine_maps
        times.append(len(brought))
    counts, brought = counts_by_passes(three_regions_by_point(), everything=everything)
    assert (counts.regions, counts.regions_by_point, brought) == (6, 3, [3] if few else [3, 6])
    assert set(times) == ({0, 1} if few > 4 else {0, 1, 2})


def test_forgotten_leaves_are_missed(monkeypatch):
    joiner, cells, _ = joined(three_regions_by_point())
    with pytest.raises(CellTreeError, match="unsettled"):
        joiner.counts(cells)
    assert len(joiner.unsettled())
    with pytest.raises(CellTreeError, match="other cells"):
        joiner.counts(cells)
    joiner = joined(three_regions_by_point())[0]
    with pytest.raises(CellTreeError, match="no leaves were to be brought again"):
        joiner.add_again(
            next(leaves for leaves in CellTree(joiner_problem(), JOINING_FACES).run() if len(leaves.residues))
        )
    for few in (0, 16):
        monkeypatch.setattr(joining, "_FEW", few)
        joiner, cells, _ = joined(three_regions_by_point())
        assert len(joiner.unsettled()) == 3
        with pytest.raises(CellTreeError, match="other cells"):
            joiner.unsettled()


def joiner_problem():
    return cell_problem(three_regions_by_point())


@pytest.mark.parametrize("name", sample()[::9])
@pytest.mark.parametrize("mask", [0, 1])
@pytest.mark.parametrize("everything", [True, False])
def test_equal_residues_prove_nothing(name, mask, everything):
    network = network_of(ENTRIES[name])
    joiner, cells, again = joined(network, mask=np.uint64(mask), everything=everything)
    settle(joiner, again)
    assert joiner.counts(cells)._asdict() == COUNTS[name]


def test_batches_in_any_order():
    network = network_of(ENTRIES[max(COUNTS, key=lambda name: COUNTS[name]["cells"] - COUNTS[name]["affine_maps"])])
    problem = cell_problem(network)
    (batch,) = [leaves for leaves in CellTree(problem, NEIGHBOURS).run() if len(leaves.patterns)]
    numbers = batch.numbers
    expected = count_from_tree(problem)
    joiner = Joiner(problem, -(-max(problem.network.hidden) // 64))
    for third in (slice(1, None, 3), slice(2, None, 3), slice(0, None, 3)):
        joiner.add(batch.chosen(np.isin(numbers, numbers[third])))
    assert joiner.leaves == len(numbers)
    (faces,) = [leaves for leaves in CellTree(problem, FACES).run() if len(leaves.patterns)]
    while len(unsettled := joiner.unsettled()):
        wanted = {row.tobytes() for row in unsettled}
        for third in (slice(2, None, 3), slice(0, None, 3), slice(1, None, 3)):
            own = np.isin(faces.numbers, faces.numbers[third])
            joiner.add_again(faces.chosen(own & np.array([row.tobytes() in wanted for row in faces.patterns])))
    assert joiner.counts(len(numbers)) == expected


def test_when_residues_repeat():
    assert not repeats(np.zeros(0, np.uint64))
    assert not repeats(np.arange(16, dtype=np.uint64))
    assert not repeats(np.array([*range(300), 0], dtype=np.uint64))
    assert repeats(np.array([*range(300), 0, 1], dtype=np.uint64))
    assert repeats(np.array([*range(300), 0], dtype=np.uint64), joining=True)
    assert not repeats(np.array([*range(2000), 0], dtype=np.uint64), joining=True)


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


def key_plainly(pattern, zeros, sizes, words, walls):
    """The key of a face as one number: positive units from bit 0 on, then units that vanish, then walls that do."""
    bits = []
    for only_positive in (True, False):
        column = 0
        for s, size in enumerate(sizes):
            for i in range(size):
                vanishes = zeros[column + i // 64] >> (i % 64) & 1
                bits.append(pattern[s * words + i // 64] >> (i % 64) & 1 & ~vanishes if only_positive else vanishes)
            column += -(-size // 64)
    bits += [zeros[column + i // 64] >> (i % 64) & 1 for i in range(walls)]
    return sum(bit << k for k, bit in enumerate(bits))


@given(st.integers(0, 10**6))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_packed_keys_against_their_bits(seed):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 140, 2).tolist()
    shapes = [(sizes[0], 2), sizes[::-1], (1, sizes[1])]
    network = Network.from_layers([rng.normal(size=shape) for shape in shapes])
    problem = cell_problem(network, Polyhedron.box([-1, -1], [1, 1]))
    words = CellTree(problem).words

    def word(bits, count):
        return rng.integers(0, 2**64, count, dtype=np.uint64) >> np.uint64(64 - bits)

    places = [(s * words + q, min(64, size - 64 * q)) for s, size in enumerate(sizes) for q in range(-(-size // 64))]
    patterns = np.zeros((3, 2 * words), np.uint64)
    for column, bits in places:
        patterns[:, column] = word(bits, 3)
    zeros = np.stack([word(bits, 5) for _, bits in [*places, (0, 4)]], axis=1)
    rows = rng.integers(0, 3, 5)
    keys = SignVectorKeys(problem, words).pack(patterns, rows, zeros)
    for key, row, zero in zip(keys.tolist(), rows.tolist(), zeros.tolist(), strict=True):
        expected = key_plainly(patterns[row].tolist(), zero, sizes, words, 4)
        assert sum(word << 64 * c for c, word in enumerate(key)) == expected
    joined = kernels.Components(CoreProblem(problem).numbers, words, 9)
    joined.add(patterns, np.arange(3, dtype=np.uint64), None)
    assert np.array_equal(joined.patterns_of(np.arange(3)), patterns)


@given(st.integers(0, 10**6))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_numbers_of_rows_against_a_dictionary(seed):
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 4, (60, rng.integers(1, 4))).astype(np.uint64)
    table, bearer = np.zeros((4, rows.shape[1]), np.uint64), np.full(4, -1, np.int32)
    state, numbers, fresh = np.array([0, 7]), np.empty(60, np.int64), np.empty(60, np.int64)
    done = 0, 0
    while done[0] < len(rows):
        done = kernels.number(rows, table, bearer, state, numbers, fresh, done)
        if done[0] < len(rows):
            larger = np.zeros((2 * len(bearer), rows.shape[1]), np.uint64), np.full(2 * len(bearer), -1, np.int32)
            kernels.rehash(table, bearer, *larger)
            table, bearer = larger
    known = {}
    for row in map(tuple, rows.tolist()):
        known.setdefault(row, 7 + len(known))
    assert numbers.tolist() == [known[row] for row in map(tuple, rows.tolist())]
    assert [known[tuple(rows[k].tolist())] for k in fresh[: done[1]]] == list(known.values())
    assert state.tolist() == [len(known), 7 + len(known)]


@given(built_networks(), st.integers(0, 10**6))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_relevant_units_against_paths(network, seed):
    """A unit is relevant iff it is active and an output, or a relevant unit, reads it."""
    problem = cell_problem(network)
    if problem is None:
        return
    sizes = problem.network.hidden
    active = [np.random.default_rng(seed).integers(0, 2, (4, size)).astype(bool) for size in sizes]
    patterns = np.concatenate([np.packbits(a, axis=1, bitorder="little").astype(np.uint64) for a in active], axis=1)
    found = unpacked(MapComparison(problem, 1).relevant(patterns), sizes, 1)
    for k in range(4):
        relevant = [set() for _ in sizes]
        for stage in range(len(sizes), 0, -1):
            for reader in range(stage, len(sizes) + 1):
                where = problem.network.output if reader == len(sizes) else problem.network.stages[reader]
                block = where.block(stage)
                readers = range(where.units) if reader == len(sizes) else relevant[reader]
                for i in range(sizes[stage - 1]):
                    if block and active[stage - 1][k, i] and any(block[j][i] != ZERO for j in readers):
                        relevant[stage - 1].add(i)
        assert [set(np.flatnonzero(bits[k]).tolist()) for bits in found] == relevant
