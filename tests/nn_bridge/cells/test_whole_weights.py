"""The weights for derivatives by operations on whole arrays: those of the integer network, number by number."""

import itertools

import numpy as np
import pytest

from nn_bridge.cells import whole_weights as subject
from nn_bridge.cells.dyadic import Dyadic, dyadic_stages
from nn_bridge.cells.whole_weights import paths_of, whole_weights, whole_weights_of, whole_weights_of_arrays
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.network import Network
from nn_bridge.network.residues import IntegerMaps


@pytest.fixture
def given(monkeypatch):
    """Every pair of arguments that the core would be given."""
    calls = []

    class Recorder:
        @staticmethod
        def whole_weights(stages, limbs):
            calls.append(
                (
                    limbs,
                    [
                        (units, [(source, *(array.tolist() for array in arrays)) for source, *arrays in blocks])
                        for units, blocks in stages
                    ],
                )
            )
            return len(calls)

    monkeypatch.setattr(subject, "core", lambda name: Recorder)
    return calls


def network_of_doubles(seed):
    """Weights with many digits, of any size, or few whole numbers; zeros; biases with deep denominators; skips."""
    rng = np.random.default_rng(seed)
    sizes = [2, *rng.integers(1, 6, 1 + seed % 4).tolist(), 1 + seed % 2]

    def numbers(*shape):
        kinds = rng.normal(size=shape), rng.integers(-3, 4, shape).astype(float)
        kinds += (np.ldexp(rng.normal(size=shape), rng.integers(-60, 40, shape)),)
        return kinds[seed % 3] * (rng.random(shape) < 0.8)

    weights = [numbers(b, a) for a, b in itertools.pairwise(sizes)]
    return Network.from_layers(weights, [numbers(len(w)) for w in weights])


@pytest.mark.parametrize("seed", range(24))
def test_arrays_give_the_weights_of_the_integer_network(seed, given):
    network = network_of_doubles(seed)
    arrays, maps = dyadic_stages(network), IntegerMaps(network)
    bound = maps.derivative_bound()
    assert arrays is not None
    found = whole_weights_of(network, arrays), whole_weights(maps.stages, bound)
    if bound >> 512:
        assert found == (None, None)
    else:
        assert given[0] == given[1]


def test_both_ways_are_taken(given):
    """A bias that is no double leaves the long way alone; the sizes that the seeds above reach."""
    build = NetworkBuilder(1)
    hidden = build.relu(build.affine(build.input(), [[1], [2]], ["1/3", 0]))
    network = build.finish(build.affine(hidden, [[1, 5]]))
    assert dyadic_stages(network) is None
    assert whole_weights_of(network, []) == 1
    assert given == [(1, [(2, []), (1, [(0, [0, 0], [0, 1], [[1], [5]])])])]
    for seed in range(24):
        whole_weights_of_arrays(dyadic_stages(network_of_doubles(seed)))
    assert {limbs for limbs, _ in given} >= {1, 2, 3, 4, 6}


def test_paths_are_where_weights_are_not_zero(given):
    for seed in range(12):
        network = network_of_doubles(seed)
        arrays = dyadic_stages(network)
        for known in range(len(arrays) + 1):
            paths_of(network, arrays[:known])
        expected = [
            (
                len(stage.bias),
                [
                    (
                        source - 1,
                        [j for j, row in enumerate(matrix) for value in row if value],
                        [i for row in matrix for i, value in enumerate(row) if value],
                        [[] for row in matrix for value in row if value],
                    )
                    for source, matrix in stage.blocks
                    if source
                ],
            )
            for stage in (*network.stages, network.output)
        ]
        assert given == [(0, expected)] * (len(arrays) + 1)
        given.clear()


def test_the_bound_is_hardly_more_than_the_exact_one(monkeypatch, given):
    found = []
    monkeypatch.setattr(subject, "_limbs_for", lambda bound: found.append(bound))
    for seed in range(60):
        network = network_of_doubles(seed)
        exact = IntegerMaps(network).derivative_bound()
        whole_weights_of_arrays(dyadic_stages(network))
        assert exact <= found[-1] < exact * (1 + 1e-12) + 1
    assert len(found) == 60


def test_numbers_in_twos_complement():
    """Of every place in a word, and of words: against Python's integers."""
    rng = np.random.default_rng(1)
    numerators = np.concatenate([rng.integers(-(2**53) + 1, 2**53, 200), [0, 1, -1, 2**53 - 1, 1 - 2**53]])
    halvings = rng.integers(0, 100, len(numerators))
    for scale in (100, 128, 150, 164):
        for limbs in (1, 2, 4):
            found = subject._modulo(Dyadic(numerators, halvings), scale, limbs)
            for number, own, row in zip(numerators.tolist(), halvings.tolist(), found.tolist(), strict=True):
                expected = (number << scale - own) % (1 << 64 * limbs)
                assert sum(word << 64 * place for place, word in enumerate(row)) == expected
