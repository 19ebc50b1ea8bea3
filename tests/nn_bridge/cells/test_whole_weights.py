"""The integer form of a network by operations on whole arrays: that of the network, number by number."""

import itertools

import numpy as np
import pytest

from nn_bridge.cells import whole_weights as subject
from nn_bridge.cells.dyadic import dyadic_stages
from nn_bridge.cells.joining import FourCounts, Joiner
from nn_bridge.cells.map_classes import MapComparison
from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.tree import JOINING_FACES, NEIGHBOURS, CellTree
from nn_bridge.cells.whole_weights import coefficient_bound, derivative_bound, integer_form, paths_of
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.forms import integer_stages
from nn_bridge.network.network import Network


@pytest.fixture
def given(monkeypatch):
    """All arguments that the core would be given, as lists."""
    calls = []

    class Recorder:
        @staticmethod
        def whole_weights(stages, limbs):
            read = []
            for units, blocks, *constants in stages:
                own = [(source, *(array.tolist() for array in arrays)) for source, *arrays in blocks]
                read.append((units, own, *(array.tolist() for array in constants)))
            calls.append((limbs, read))

    monkeypatch.setattr(subject, "core", lambda name: Recorder)
    return calls


def network_of_doubles(seed):
    """Weights with many digits, of any size, or few whole numbers; zeros; biases with deep denominators."""
    rng = np.random.default_rng(seed)
    sizes = [2, *rng.integers(1, 6, 1 + seed % 4).tolist(), 1 + seed % 2]

    def numbers(*shape):
        kinds = rng.normal(size=shape), rng.integers(-3, 4, shape).astype(float)
        kinds += (np.ldexp(rng.normal(size=shape), rng.integers(-60, 40, shape)),)
        return kinds[seed % 3] * (rng.random(shape) < 0.8)

    weights = [numbers(b, a) for a, b in itertools.pairwise(sizes)]
    return Network.from_layers(weights, [numbers(len(w)) for w in weights])


def network_of_long_numbers(seed, denominator):
    """Numbers with more digits than doubles have; with 3 as denominator no powers of two."""
    build = NetworkBuilder(2)
    rng = np.random.default_rng(seed)
    signal = build.relu(build.affine(build.input(), rng.normal(size=(4, 2)).tolist(), ["1/2", 0, 1, 0]))
    rows = [[f"{int(v) * 2**70 + seed}/{denominator}" for v in row] for row in rng.integers(-2, 3, (3, 4))]
    units = build.concatenate(build.relu(build.affine(signal, rows, [0, 1, f"1/{denominator}"])), signal)
    return build.finish(build.affine(units, rng.normal(size=(1, units.size)).tolist()))


def entries_of(stage, limbs):
    """The blocks of a stage with denominators cleared, and its constants, as the core is given them."""

    def words(value):
        return [value % (1 << 64 * limbs) >> 64 * place & (1 << 64) - 1 for place in range(limbs)]

    blocks, bias = stage
    found = []
    for source, matrix in blocks:
        kept = [(j, i, words(int(v))) for j, row in enumerate(matrix) for i, v in enumerate(row) if v]
        found.append((source - 1, *map(list, zip(*kept, strict=True))) if kept else (source - 1, [], [], []))
    on_input = next((matrix for source, matrix in blocks if not source), [[0, 0]] * len(bias))
    constants = [words(int(v)) for row, own in zip(on_input, bias, strict=True) for v in (*row, own)]
    return [block for block in found if block[0] >= 0], constants


NETWORKS = [network_of_doubles(seed) for seed in range(24)]
NETWORKS += [network_of_long_numbers(seed, denominator) for seed in range(3) for denominator in (1, 8, 3)]


@pytest.mark.parametrize("number", range(len(NETWORKS)))
def test_the_core_is_given_the_integer_network(number, given):
    """By all arrays that are there, and by some: numbers, one by one; those of few limbs and of many."""
    network = NETWORKS[number]
    arrays = dyadic_stages(network) or []
    assert (len(arrays) > 0) == (number < 24)
    whole = integer_stages(network)
    for known in {len(arrays), len(arrays) // 2, 0}:
        form = integer_form(network, arrays[:known])
        for limbs in (1, 3, 8):
            for inputs in (None, 2):
                subject._packed(form, limbs, inputs)
                own = [(len(stage[1]), *entries_of(stage, limbs)) for stage in whole]
                expected = own if inputs else [(units, blocks) for units, blocks, _ in own]
                assert given.pop() == (limbs, expected)


def exact_derivative_bound(network):
    """The same bound in integers."""
    stages = integer_stages(network)
    flow = [*([0] * len(bias) for _, bias in stages[:-1]), [1] * network.output_dim]
    for number in range(len(stages) - 1, -1, -1):
        for source, matrix in stages[number][0]:
            for size, weights in zip(flow[number], matrix if source else [], strict=bool(source)):
                own = flow[source - 1]
                flow[source - 1] = [known + size * abs(int(w)) for known, w in zip(own, weights, strict=True)]
    return max((size for own in flow[:-1] for size in own), default=0)


def exact_coefficient_bound(network):
    """The same for coefficients."""
    sizes = []
    for blocks, bias in integer_stages(network):
        tables = dict(blocks)
        on_input = tables.pop(0, [[0]] * len(bias))
        own = [max(abs(int(v)) for v in (*row, b)) for row, b in zip(on_input, bias, strict=True)]
        for source, matrix in tables.items():
            below = sizes[source - 1]
            own = [
                v + sum(abs(int(w)) * b for w, b in zip(row, below, strict=True))
                for v, row in zip(own, matrix, strict=True)
            ]
        sizes.append(own)
    return max(sizes[-1])


def test_bounds_are_hardly_more_than_exact_ones():
    for network in NETWORKS:
        form = integer_form(network, dyadic_stages(network) or [])
        exact, found = exact_derivative_bound(network), derivative_bound(form)
        assert exact <= found < exact * (1 + 1e-12) + 1
        exact, found = exact_coefficient_bound(network), coefficient_bound(form)
        assert exact <= found < exact * (1 + 1e-12) + 1


def test_limbs_are_chosen_by_the_bounds():
    """So that the modulus exceeds what derivatives can be, and twice what coefficients can be."""
    chosen = set()
    for network in NETWORKS:
        problem = cell_problem(network)
        if problem is None:
            continue
        comparison, network = MapComparison(problem, 1), problem.network
        exact = exact_derivative_bound(network), 2 * exact_coefficient_bound(network)
        for weights, bound in zip((comparison.weights, comparison._weights_of_maps), exact, strict=True):
            limbs = 9 if weights is None else weights.limbs
            assert limbs == 9 or bound < 1 << 64 * limbs
            assert limbs == 1 or bound * (1 + 1e-12) + 1 >= 1 << 64 * {2: 1, 3: 2, 4: 3, 6: 4, 8: 6, 9: 8}[limbs]
            chosen.add(limbs)
    assert chosen >= {1, 2, 3, 4, 6, 8}


def test_numbers_of_many_digits_are_compared_modulo_primes():
    """Weights with which nothing is proven by the core: by size, and beyond the range of doubles."""
    for factor, count in ((2**60, 9), (2**1100, 1)):
        build = NetworkBuilder(1)
        signal = build.relu(build.affine(build.input(), [[1], [1], [-1]], [0, 1, 2]))
        for _ in range(count):
            signal = build.relu(build.affine(signal, [[factor, 0, 0], [0, factor, 0], [0, 0, factor]]))
        problem = cell_problem(build.finish(build.affine(signal, [[1, 0, 1]])))
        comparison = MapComparison(problem, 1)
        assert comparison.weights is comparison._weights_of_maps is None
        (leaves,) = [leaves for leaves in CellTree(problem, NEIGHBOURS).run() if len(leaves.residues)]
        joiner = Joiner(problem, 1)
        joiner.add(leaves._replace(residues=np.zeros_like(leaves.residues)))
        joiner.settle(lambda problem=problem: CellTree(problem, JOINING_FACES))
        # the zeros of units that are read, 0 and 2, make three maps; those of the others cut the cell of one in two
        assert joiner.counts(joiner.leaves) == FourCounts(4, 3, 3, 3)


def test_paths_are_where_weights_are_not_zero(given):
    for network in NETWORKS[:12]:
        arrays = dyadic_stages(network)
        for known in range(len(arrays) + 1):
            paths_of(network, arrays[:known])
        expected = [
            (units, [(source, row, column, [[] for _ in row]) for source, row, column, _ in blocks])
            for units, blocks in ((len(stage[1]), entries_of(stage, 1)[0]) for stage in integer_stages(network))
        ]
        assert given == [(0, expected)] * (len(arrays) + 1)
        given.clear()
