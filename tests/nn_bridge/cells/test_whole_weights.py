"""The integer form of a network in the core: that of the network, number by number."""

import itertools

import numpy as np
import pytest

from nn_bridge.cells.core_problem import PRIME
from nn_bridge.cells.dyadic import dyadic_stages, first_dyadic_stages
from nn_bridge.cells.joining import FourCounts, Joiner
from nn_bridge.cells.map_classes import MapComparison
from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.tree import JOINING_FACES, NEIGHBOURS, CellTree
from nn_bridge.cells.whole_weights import whole_numbers
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.forms import integer_stages
from nn_bridge.network.network import Network
from nn_bridge.network.residues import packed, unpacked
from polyhedra.compiled_core import core

kernels = core("nn_bridge.cells._core")


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


def weights_of(network, limbs, maps):
    """The weights of the integer network, given to the core number by number."""

    def words(values):
        rows = [[value % (1 << 64 * limbs) >> 64 * place & (1 << 64) - 1 for place in range(limbs)] for value in values]
        return np.array(rows, np.uint64).reshape(len(rows), limbs)

    stages = []
    for blocks, bias in integer_stages(network):
        found = []
        for source, matrix in blocks:
            kept = [(j, i, int(v)) for j, row in enumerate(matrix) for i, v in enumerate(row) if v]
            rows, columns, values = zip(*kept, strict=True) if kept else ((), (), ())
            if source:
                found.append((source - 1, np.array(rows, np.int32), np.array(columns, np.int32), words(values)))
        on_input = next((matrix for source, matrix in blocks if not source), [[0, 0]] * len(bias))
        constants = [int(v) for row, own in zip(on_input, bias, strict=True) for v in (*row, own)]
        stages.append((len(bias), found, words(constants)) if maps else (len(bias), found))
    return kernels.whole_weights(stages, limbs)


NETWORKS = [network_of_doubles(seed) for seed in range(24)]
NETWORKS += [network_of_long_numbers(seed, denominator) for seed in range(3) for denominator in (1, 8, 3)]


@pytest.mark.parametrize("number", range(len(NETWORKS)))
def test_weights_are_those_of_the_integer_network(number):
    """By all arrays that are there, and by some; those of few limbs and of many, and of none, which tell paths."""
    network = NETWORKS[number]
    arrays = dyadic_stages(network) or []
    assert (len(arrays) > 0) == (number < 24)
    arrays = first_dyadic_stages(network)
    for known in {len(arrays), len(arrays) // 2, 0}:
        numbers = whole_numbers(network, arrays[:known])
        for limbs in (0, 1, 3, 8):
            for maps in (False, True) if limbs else (False,):
                assert numbers.weights(limbs, maps) == weights_of(network, limbs, maps)
    assert numbers.weights(1, True) != numbers.weights(1, False)


@pytest.mark.parametrize("number", range(len(NETWORKS)))
def test_residues_of_derivatives(number):
    """The units that move the outputs, combined at random, modulo the prime."""
    network = NETWORKS[number]
    *stages, (blocks, _) = integer_stages(network)
    rng = np.random.default_rng(number)
    points = rng.integers(0, PRIME, (2, network.input_dim)).astype(np.uint64)
    mix = rng.integers(0, PRIME, network.output_dim).astype(np.uint64)
    arrays = first_dyadic_stages(network)
    active = [rng.random((40, size)) < 0.6 for size in network.hidden]
    patterns = np.concatenate([packed(bits, 1) for bits in active], axis=1)
    found = []
    for known in (0, len(arrays)):
        moving = np.empty_like(patterns)
        kernels.moving(patterns, whole_numbers(network, arrays[:known]).residues(*points, mix), moving)
        found.append(moving)
    assert np.array_equal(*found)
    for k, row in enumerate(np.concatenate(unpacked(found[0], network.hidden, 1), axis=1).tolist()):
        flow = [[0] * size for size in network.hidden]
        for source, matrix in blocks:
            for m, weights in zip(mix.tolist(), matrix if source else [], strict=bool(source)):
                flow[source - 1] = [f + m * int(w) for f, w in zip(flow[source - 1], weights, strict=True)]
        for stage in range(len(stages) - 1, -1, -1):
            flow[stage] = [f * int(on) for f, on in zip(flow[stage], active[stage][k], strict=True)]
            for source, matrix in stages[stage][0]:
                for f, weights in zip(flow[stage], matrix if source else [], strict=bool(source)):
                    flow[source - 1] = [own + f * int(w) for own, w in zip(flow[source - 1], weights, strict=True)]
        assert row == [f % PRIME != 0 for own in flow for f in own]


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
        numbers = whole_numbers(network, first_dyadic_stages(network))
        exact, found = exact_derivative_bound(network), numbers.derivative_bound
        assert exact <= found < exact * (1 + 1e-12) + 1
        exact, found = exact_coefficient_bound(network), numbers.coefficient_bound
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


def test_numbers_that_fit_no_stage():
    """Of one unit that reads two inputs; and the outputs, which read it."""
    halved = np.array([3, -5]), np.array([1, 0])
    bias = np.array([7]), np.array([0])
    begin, columns = np.array([0, 2]), np.array([0, 1], np.int32)
    unit, output = (*bias, [(0, begin, columns, *halved)]), (*bias, [(1, np.array([0, 1]), columns[:1], *bias)])
    assert kernels.whole_numbers(2, [unit, output]).coefficient_bound >= 7 * 14 + 14
    wrong = [
        [(0, begin + 1, columns, *halved)],
        [(0, begin[:1], columns, *halved)],
        [(0, np.array([0, 1]), columns, *halved)],
        [(0, begin, columns + 1, *halved)],
        [(0, begin, columns - 1, *halved)],
        [(1, begin, columns, *halved)],
        [(0, begin, columns, halved[0][:1], halved[1])],
        [(0, begin, columns, halved[0], -halved[1])],
        [(0, begin, columns, [6, -10], None)],
    ]
    for blocks in wrong:
        with pytest.raises(ValueError, match="do not fit"):
            kernels.whole_numbers(2, [(*bias, blocks), output])
    for stages in ([], [(*bias[:1], np.array([0, 0]), [])], [([7], None, []), unit]):
        with pytest.raises(ValueError, match="do not fit"):
            kernels.whole_numbers(2, stages)
    numbers, one = kernels.whole_numbers(2, [unit, output]), np.ones(1, np.uint64)
    with pytest.raises(ValueError, match="do not fit"):
        numbers.residues(one, one, one)
    with pytest.raises(ValueError, match="so many limbs"):
        numbers.weights(5, False)
