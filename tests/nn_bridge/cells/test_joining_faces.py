"""The faces that may join cells of one map, and the units with which the output moves, against their definitions."""

import itertools

import numpy as np
import pytest

from nn_bridge.cells import _core as kernels
from nn_bridge.cells import joining
from nn_bridge.cells.counting.count import count_cells
from nn_bridge.cells.counting.plain_count import count_plain
from nn_bridge.cells.joining import Joiner, SignVectorKeys
from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.tree import FACES, JOINING_FACES, NEIGHBOURS, CellTree, tree_counters
from nn_bridge.cells.whole_weights import whole_numbers
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.network import AffineStage, Network
from nn_bridge.network.residues import IntegerMaps, packed
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ZERO, rational


def faces_of_leaves(leaves):
    """Of each leaf the sets of zeros of its vertices, and of its facets."""
    found = {number: (set(), set()) for number in leaves.numbers.tolist()}
    vertex = leaves.generator_ray == 0
    for number, zeros in zip(leaves.generator_leaf[vertex].tolist(), leaves.generator_zeros[vertex], strict=True):
        found[number][0].add(zeros.tobytes())
    for number, zeros in zip(leaves.facet_leaf.tolist(), leaves.facet_zeros, strict=True):
        found[number][1].add(zeros.tobytes())
    return found


def leaf_name(leaves, number):
    """A leaf by its pattern, since without cuts leaves come in another order."""
    return leaves.patterns[np.searchsorted(leaves.numbers, number)].tobytes()


def facets_within_maps(problem, words, batches):
    """The facets that lie between two leaves with equal residues, each with both leaves."""
    sides, found = {}, []
    for leaves in batches:
        rows = np.searchsorted(leaves.numbers, leaves.facet_leaf)
        keys = SignVectorKeys(problem, words).pack(leaves.patterns, rows, leaves.facet_zeros)
        for row, key, zeros in zip(rows.tolist(), keys, leaves.facet_zeros, strict=True):
            side = leaf_name(leaves, int(leaves.numbers[row])), int(leaves.residues[row])
            leaf, residue = sides.setdefault(key.tobytes(), side)
            if leaf != side[0] and residue == side[1]:
                found += [(leaf, zeros.tobytes()), (side[0], zeros.tobytes())]
    return found


def degenerate_problems(seeds):
    """Whole numbers, repeated and opposite units, units that nobody reads; generic ones; boxes; several outputs."""
    for seed in seeds:
        rng = np.random.default_rng(seed)
        sizes = [
            int(rng.integers(1, 5)),
            *rng.integers(2, 7, int(rng.integers(1, 4))).tolist(),
            int(rng.integers(1, 3)),
        ]
        shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
        weights = [rng.normal(size=s) if seed % 4 == 0 else rng.integers(-1, 2, s).astype(float) for s in shapes]
        if seed % 4 == 1:
            weights[0][-1], weights[-1][:, 0] = -weights[0][0], 0
        biases = [rng.integers(-1, 2, s[0]).astype(float) * (seed % 3 > 0) for s in shapes]
        domain = Polyhedron.box([-1] * sizes[0], [1] * sizes[0]) if seed % 5 == 0 else None
        problem = cell_problem(Network.from_layers(weights, biases), domain)
        if problem is not None:
            yield problem


def run_of(problem, emit, merge=False):
    """A tree that has been run, and its leaves."""
    tree = CellTree(problem, emit, merge=merge)
    return tree, [leaves for leaves in tree.run() if len(leaves.residues)]


def test_chosen_faces_are_those_that_join():
    chosen_facets = all_facets = chosen_vertices = all_vertices = 0
    for problem in degenerate_problems(range(60)):
        tree, everything = run_of(problem, FACES)
        found = [
            {leaf_name(leaves, k): own for leaves in batches for k, own in faces_of_leaves(leaves).items()}
            for batches in (everything, run_of(problem, JOINING_FACES)[1])
        ]
        for leaf, facet in facets_within_maps(problem, tree.words, everything):
            assert facet in found[1][leaf][1], "a facet between two cells of one map"
        for number, (vertices, facets) in found[1].items():
            assert vertices <= found[0][number][0]
            assert facets <= found[0][number][1]
        all_vertices += sum(len(own[0]) for own in found[0].values())
        all_facets += sum(len(own[1]) for own in found[0].values())
        chosen_vertices += sum(len(own[0]) for own in found[1].values())
        chosen_facets += sum(len(own[1]) for own in found[1].values())
    assert 0 < 2 * chosen_facets < all_facets
    assert 0 < chosen_vertices < all_vertices


def units_that_vanish_everywhere(network, tree):
    """The units all of whose numbers are zero, as a set of zeros."""
    found, word = np.zeros(tree.zero_words, np.uint64), 0
    for stage in network.stages:
        for unit, bias in enumerate(stage.bias):
            if not bias and not any(any(matrix[unit]) for _, matrix in stage.blocks):
                found[word + unit // 64] |= np.uint64(1 << unit % 64)
        word += -(-stage.units // 64)
    return found


def strip(zeros, units):
    """A set of zeros, as bytes, without some units."""
    return (np.frombuffer(zeros, np.uint64) & ~units).tobytes()


def test_neighbours_lie_across_facets():
    """Each unit that is told vanishes alone on a facet, behind which a cell with it switched came; many are told."""
    told = alone = saved = 0
    for problem in degenerate_problems(range(80)):
        tree, everything = run_of(problem, FACES)
        facets = {leaf_name(leaves, k): own[1] for leaves in everything for k, own in faces_of_leaves(leaves).items()}
        own, batches = run_of(problem, NEIGHBOURS)
        everywhere = units_that_vanish_everywhere(problem.network, tree)
        facets = {name: {strip(zeros, everywhere) for zeros in sets} for name, sets in facets.items()}
        saved += own.cells - tree_counters(own)["splits"]
        words = [s * tree.words + q for s, size in enumerate(problem.network.hidden) for q in range(-(-size // 64))]
        earlier = set()
        last_word = tree.wall_word - -(-problem.network.hidden[-1] // 64)
        for leaves in batches:
            assert not len(leaves.facet_leaf)
            assert not len(leaves.generator_leaf)
            for pattern, units in zip(leaves.patterns, leaves.neighbours, strict=True):
                name = pattern.tobytes()
                earlier.add(name)
                for place, column in enumerate(words):
                    for i in range(64):
                        if not int(units[column]) >> i & 1:
                            continue
                        zeros = np.zeros(tree.zero_words, np.uint64)
                        zeros[place] = np.uint64(1 << i)
                        assert zeros.tobytes() in facets[name]
                        behind = pattern.copy()
                        behind[column] ^= np.uint64(1 << i)
                        assert zeros.tobytes() in facets[behind.tobytes()]
                        assert place < last_word
                        between_start_cells = column == 0 and i in problem.start_rows
                        assert between_start_cells or behind.tobytes() in earlier
                        told += 1
        for sets in facets.values():
            for zeros in sets:
                units = np.frombuffer(zeros, np.uint64)[:last_word]
                alone += sum(int(word).bit_count() for word in np.frombuffer(zeros, np.uint64)) == 1 and units.any()
    assert saved > 1000  # leaves that needed no cut
    assert alone // 2 > told > alone // 6  # a facet has two cells; cells with new residues tell nothing


def brought_together(problem, few, merge, monkeypatch):
    """The four counts by neighbours, and by faces of what is left: of some of it where maps are small."""
    monkeypatch.setattr(joining, "_FEW", few)
    tree, batches = run_of(problem, NEIGHBOURS, merge)
    joiner = Joiner(problem, tree.words)
    for leaves in batches:
        joiner.add(leaves)
    joiner.settle(lambda: CellTree(problem, JOINING_FACES, merge=merge))
    return joiner.counts(tree.cells, tree.leaves)


def test_counts_by_neighbours_are_those_by_all_faces(monkeypatch):
    """Against a joiner that knows no neighbours but those of the last stage, so that nearly all is brought again."""
    several = 0
    for problem in degenerate_problems(range(60, 120)):
        counts = [
            brought_together(problem, few, merge, monkeypatch) for few in (0, 4, 1 << 8) for merge in (False, True)
        ]
        tree, everything = run_of(problem, JOINING_FACES)
        joiner = Joiner(problem, tree.words)
        for leaves in everything:
            joiner.add(leaves._replace(neighbours=np.zeros_like(leaves.patterns)))
        while len(unsettled := joiner.unsettled()):
            wanted = {row.tobytes() for row in unsettled}
            for leaves in everything:
                joiner.add_again(leaves.chosen(np.array([row.tobytes() in wanted for row in leaves.patterns])))
        assert set(counts) == {joiner.counts(tree.cells)}
        several += counts[0].regions > counts[0].regions_by_point
    assert several > 0


def test_a_multiple_of_a_unit_that_no_output_reads_is_a_wall_like_all_others():
    """Of unit 0 of the last stage, unread, unit 1 is a multiple: it tells leaves apart, and no corner may forget it."""
    input_rows = [[0, 1], [0, -1], [1, -1], [0, -1], [0, 0]]
    rows = [[2, 2], [-2, -2], [0, -1], [0, 0], [0, 0]]
    stages = (
        AffineStage(((0, exactly([[-2, 1], [1, 0]])),), exactly([[0, 1]])[0]),
        AffineStage(((0, exactly(input_rows)), (1, exactly(rows))), exactly([[0] * 5])[0]),
    )
    network = Network(2, stages, AffineStage(((2, exactly([[0, 1, -1, 1, 0]])),), exactly([[0]])[0]))
    assert count_cells(network).counts == count_plain(network).counts
    assert count_cells(network).regions == 9


def exactly(rows):
    return tuple(tuple(map(rational, row)) for row in rows)


@pytest.mark.parametrize(
    ("sizes", "domain"),
    [([2, 70, 4, 1], None), ([4, 6, 5, 2], "box"), ([3, 12, 9, 5, 1], "cone"), ([4, 5, 7, 1], None)],
)
def test_a_run_goes_to_named_leaves_alone(sizes, domain):
    """Some of all leaves, in any batches: these are met with the same faces, and few others are cut out."""
    rng = np.random.default_rng(sum(sizes))
    weights = [rng.integers(-2, 3, shape) for shape in zip(sizes[1:], sizes[:-1], strict=True)]
    network = Network.from_layers(weights, [rng.integers(-1, 2, len(w)) for w in weights])
    n = sizes[0]
    where = {"box": Polyhedron.box([-2] * n, [2] * n), "cone": Polyhedron([[1] * n], [0])}.get(domain)
    problem = cell_problem(network, where)
    tree = CellTree(problem, JOINING_FACES)
    batches = [leaves for leaves in tree.run() if len(leaves.residues)]
    patterns = np.concatenate([leaves.patterns for leaves in batches])
    everything = {leaf_name(leaves, k): own for leaves in batches for k, own in faces_of_leaves(leaves).items()}
    assert len(everything) == tree.cells > 100
    for share in (0.0, 0.02, 0.5, 1.0):
        wanted = patterns[rng.permutation(len(patterns))[: round(share * len(patterns))]]
        again = CellTree(problem, JOINING_FACES)
        again.go_to(wanted)
        again.batch_leaves = 7
        met = {leaf_name(leaves, k): own for leaves in again.run() for k, own in faces_of_leaves(leaves).items()}
        assert met == {row.tobytes(): everything[row.tobytes()] for row in wanted}
        assert again.cells == len(wanted)
    one = CellTree(problem, JOINING_FACES)
    one.go_to(patterns[:1])
    assert sum(len(leaves.residues) for leaves in one.run()) == 1
    assert tree_counters(one)["splits"] <= sum(network.hidden) < tree_counters(tree)["splits"]
    with pytest.raises(ValueError, match="another network"):
        tree.go_to(patterns[:, 1:])


def derivatives(network, active):
    """For each output, by stage and unit: its derivative by what the unit hands on, from the definition."""
    everything = []
    for output in range(network.output_dim):
        found = [[ZERO] * size for size in network.hidden]
        for number in range(len(network.hidden), -1, -1):
            last = number == len(network.hidden)
            for source, matrix in (network.output if last else network.stages[number]).blocks:
                for j, row in enumerate(matrix):
                    on = int(j == output) if last else int(active[number][j]) * found[number][j]
                    for i, weight in enumerate(row if source else ()):
                        found[source - 1][i] += on * weight
        everything.append(found)
    return everything


def test_units_with_which_the_output_moves():
    """By the definition; they determine the map; no derivative exceeds its bound."""
    same = still = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        sizes = [2, *rng.integers(2, 70 if seed == 3 else 6, 1 + seed % 3).tolist(), 1]
        weights = [rng.integers(-1, 2, (b, a)).astype(float) for a, b in itertools.pairwise(sizes)]
        network = Network.from_layers(weights, [rng.integers(-2, 3, len(w)).astype(float) for w in weights])
        words = -(-max(network.hidden) // 64)
        active = [rng.random((60, size)) < 0.7 for size in network.hidden]
        patterns = np.concatenate([packed(bits, words) for bits in active], axis=1)
        moving, maps = np.empty_like(patterns), IntegerMaps(network)
        one, two = np.array([[3, 5], [7, 11]], np.uint64)  # points that derivatives don't depend on
        kernels.moving(patterns, whole_numbers(network, []).residues(one, two, np.ones(1, np.uint64)), moving)
        expected = []
        for k in range(60):
            (own,) = derivatives(network, [bits[k] for bits in active])
            assert max(abs(int(v)) for row in own for v in row) <= whole_numbers(network, []).derivative_bound
            expected.append([[bool(v) for v in row] for row in own])
            for on, row in zip(active, own, strict=True):
                still += sum(bool(on[k][j]) and not v for j, v in enumerate(row))
        bits = [np.array(column) & on for column, on in zip(zip(*expected, strict=True), active, strict=True)]
        assert np.array_equal(moving, np.concatenate([packed(own, words) for own in bits], axis=1))
        _, first, which = np.unique(moving, axis=0, return_index=True, return_inverse=True)
        assert maps.equal(active, [own[first[which.ravel()]] for own in active]).all()
        same += 60 - len(first)
    assert same > 50
    assert still > 50


def pairs_nearby(rng, hidden, count, apart):
    """Pairs of patterns, as lists of booleans by stage, that differ in each unit with a chance."""
    one = [rng.random((count, size)) < 0.7 for size in hidden]
    return one, [own ^ (rng.random(own.shape) < apart) for own in one]


def _weights(network):
    """For derivatives of the size that they can have."""
    return whole_numbers(network, []).derivative_weights()


def found_alike(network, one, other):
    words = -(-max(network.hidden) // 64)
    rows = [np.concatenate([packed(bits, words) for bits in side], axis=1) for side in (one, other)]
    alike = np.zeros(len(rows[0]), bool)
    kernels.alike(*rows, _weights(network), alike)
    return alike


@pytest.mark.parametrize("limbs", [1, 2, 3, 4, 6, 8])
def test_patterns_that_differ_where_no_output_moves(limbs):
    """Weights of many bits, half of them negatives of others: sums cancel, products are large; one or two outputs."""
    rng = np.random.default_rng(limbs)
    size, same, largest = 2 ** (15 * limbs), 0, 0
    for seed in range(6):
        build = NetworkBuilder(2)
        units = build.relu(build.affine(build.input(), rng.integers(-9, 9, (5, 2)).tolist(), [1] * 5))
        for _ in range(2):
            rows = [[int(w) * size + int(w) for w in rng.integers(-1, 2, units.size)] for _ in range(3)]
            rows += [[-v for v in row] for row in rows]
            units = build.concatenate(build.relu(build.affine(units, rows, [seed] * 6)), units)
        network = build.finish(build.affine(units, rng.integers(-1, 2, (1 + seed % 2, units.size)).tolist()))
        one, other = pairs_nearby(rng, network.hidden, 400, 0.08)
        differ = np.array([any((a[k] != b[k]).any() for a, b in zip(one, other, strict=True)) for k in range(400)])
        maps = IntegerMaps(network)
        alike = found_alike(network, one, other)
        for k in np.flatnonzero(differ)[:150]:
            still = True
            for own in derivatives(network, [bits[k] for bits in one]):
                most = max(abs(int(v)) for row in own for v in row)
                assert most <= whole_numbers(network, []).derivative_bound
                largest = max(largest, most)
                for a, b, row in zip(one, other, own, strict=True):
                    still &= not any(v and a[k][j] != b[k][j] for j, v in enumerate(row))
            assert alike[k] == still
        assert alike[~differ].all()
        assert maps.equal([own[alike] for own in one], [own[alike] for own in other]).all()
        same += int((alike & differ).sum())
    assert same > 50
    assert largest >> 28 * limbs


@pytest.mark.parametrize("limbs", [1, 2, 3, 4, 6, 8])
def test_coefficients_of_maps(limbs):
    """Whole numbers of many bits, and negative ones, on the input and behind; patterns that no cell has, too."""
    rng = np.random.default_rng(limbs)
    size, largest = 2 ** (20 * limbs - 8), 0
    for seed in range(4):
        build = NetworkBuilder(2)
        rows = [[int(v) * size for v in row] for row in rng.integers(-9, 10, (4, 2))]
        units = build.relu(build.affine(build.input(), rows, [seed - 1] * 4))
        rows = [[int(v) * size + int(v) for v in row] for row in rng.integers(-2, 3, (3, 4))]
        units = build.concatenate(build.relu(build.affine(units, rows, [size] * 3)), units)
        network = build.finish(build.affine(units, rng.integers(-99, 99, (1 + seed % 2, units.size)).tolist()))
        numbers = whole_numbers(network, [])
        weights = numbers.weights(limbs, True)
        active = [rng.random((50, units)) < 0.6 for units in network.hidden]
        patterns = np.concatenate([packed(bits, 1) for bits in active], axis=1)
        found = np.empty((50, weights.size), np.uint64)
        kernels.whole_maps(patterns, weights, found)
        assert found.shape[1] == network.output_dim * 3 * limbs
        modulus = 1 << 64 * limbs
        for k, row in enumerate(found.reshape(50, -1, limbs).tolist()):
            forms = network.affine_forms(tuple(tuple(map(bool, bits[k])) for bits in active))[-1]
            expected = [int(value) for own in forms for value in own]
            assert max(map(abs, expected)) <= numbers.coefficient_bound < modulus // 2
            largest = max(largest, *map(abs, expected))
            values = [sum(word << 64 * place for place, word in enumerate(limb)) for limb in row]
            assert values == [value % modulus for value in expected]
    assert largest >> 32 * limbs


@pytest.mark.parametrize("pieces", [3, 4])
@pytest.mark.parametrize("whole", [True, False])
def test_units_of_maxima_move_nothing_where_a_later_one_is_active(pieces, whole):
    """A unit, and the one whose derivative makes up for its own: one unit switched, against the definition."""
    still = moved = 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        build = NetworkBuilder(2)
        signal = build.input()
        for units in (3, 2):
            shape = units * pieces, signal.size
            weights = rng.integers(-2, 3, shape) if whole else rng.normal(size=shape)
            signal = build.maxout(build.affine(signal, weights.tolist()), pieces)
        network = build.finish(build.affine(signal, rng.normal(size=(1 + seed % 2, 2)).tolist()))
        one = [rng.random((200, size)) < 0.6 for size in network.hidden]
        other = [own.copy() for own in one]
        stage = rng.integers(0, len(one), 200)
        unit = [int(rng.integers(0, network.hidden[s])) for s in stage]
        for k, (s, i) in enumerate(zip(stage, unit, strict=True)):
            other[s][k, i] ^= True
        alike = found_alike(network, one, other)
        for k, (s, i) in enumerate(zip(stage, unit, strict=True)):
            assert alike[k] == all(own[s][i] == ZERO for own in derivatives(network, [bits[k] for bits in one]))
        still, moved = still + int(alike.sum()), moved + int((~alike).sum())
    assert still > 100
    assert moved > 100


def test_a_derivative_that_is_zero_modulo_too_small_a_number():
    """The output moves by 2^64 with the first unit: with one limb that is zero, so the bound asks for two."""
    build = NetworkBuilder(1)
    first = build.relu(build.affine(build.input(), [[1]], [0]))
    network = build.finish(build.affine(build.relu(build.affine(first, [[2**32]], [1])), [[2**32]]))
    numbers = whole_numbers(network, [])
    assert 2**64 <= numbers.derivative_bound < 2**64 * (1 + 1e-12)
    one, other = np.array([[1, 1]], np.uint64), np.array([[0, 1]], np.uint64)
    found = []
    for weights in (numbers.derivative_weights(), numbers.weights(1, False)):
        alike = np.zeros(1, bool)
        kernels.alike(one, other, weights, alike)
        found += alike.tolist()
    assert found == [False, True]


def test_weights_that_fit_no_stage():
    block = (0, np.array([0], np.int32), np.array([1], np.int32), np.ones((1, 1), np.uint64))
    with pytest.raises(ValueError, match="does not fit"):
        kernels.whole_weights([(1, []), (1, [block])], 1)
    with pytest.raises(ValueError, match="does not fit"):
        kernels.whole_weights([(2, []), (0, [])], 1)
    for constants in (np.ones((3, 1), np.uint64), np.ones((4, 2), np.uint64)):
        with pytest.raises(ValueError, match="does not fit"):
            kernels.whole_weights([(2, [], constants), (1, [], constants[:2])], 1)
    with pytest.raises(ValueError, match="does not fit"):
        kernels.whole_weights([(2, [], np.ones((4, 1), np.uint64)), (1, [])], 1)
    with pytest.raises(ValueError, match="do not fit"):
        kernels.whole_maps(
            np.zeros((1, 1), np.uint64), kernels.whole_weights([(2, []), (1, [])], 1), np.zeros((1, 3), np.uint64)
        )
    with pytest.raises(ValueError, match="so many limbs"):
        kernels.whole_weights([(2, []), (1, [block])], 5)
    assert kernels.whole_weights([(2, []), (1, [block])], 1) is not None
