"""The bound by parity constraints against exact counts, its constraints against all exact patterns."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from milp.count import search_patterns
from milp.domain import bounded
from milp.parity import _Search, parity_bound, random_parities
from nn_bridge.network.network import Network
from polyhedra.errors import FormulationError
from puiseux import count_regions, random_network


def test_the_bound_stays_below_exact_counts() -> None:
    for seed in range(6):
        network = random_network([2, 5, 1], rng=seed)
        exact = count_regions(network, "box:-1,1").cells
        assert exact is not None
        bound = parity_bound(network, "box:-1,1", rng=seed, draws=6)
        assert bound.complete
        assert 1 <= bound.certain <= bound.cells <= exact
        assert bound.cells >= 2 ** (bound.parities - bound.loss)
        assert bound.seed == seed


def test_constraints_are_met_if_and_only_if_a_cell_meets_them() -> None:
    network = random_network([2, 6, 1], rng=1)
    region = bounded(([-1, -1], [1, 1]), 2, None)
    patterns = search_patterns(network, region).patterns
    search = _Search(network, region, 1e-6, None, None)
    rng, answers = np.random.default_rng(0), []
    for count in (1, 2, 3, 4) * 5:
        parities = random_parities(rng, count, search.units)
        search.found.clear()
        free = [[pattern[0][i] for i in search.model.free[0]] for pattern in patterns]
        expected = any(
            all(sum(b for b, c in zip(bits, chosen, strict=True) if c) % 2 == odd for chosen, odd in parities)
            for bits in free
        )
        assert search.meets(parities) == expected
        answers.append(expected)
    assert set(answers) == {True, False}


def test_each_pattern_meets_random_parities_with_the_stated_chance() -> None:
    rng = np.random.default_rng(4)
    patterns = list(itertools.product((False, True), repeat=4))
    hits = np.zeros(16)
    for _ in range(2000):
        parities = random_parities(rng, 2, 4)
        for index, bits in enumerate(patterns):
            hits[index] += all(sum(b and c for b, c in zip(bits, cs, strict=True)) % 2 == odd for cs, odd in parities)
    assert hits.min() > 2000 / 4 - 5 * np.sqrt(2000 * 3 / 16)
    assert hits.max() < 2000 / 4 + 5 * np.sqrt(2000 * 3 / 16)


def test_one_cell_and_bad_arguments() -> None:
    dead = Network.from_layers([[[1]], [[1]]], [[5], [0]])
    bound = parity_bound(dead, ([-1], [1]), rng=0)
    assert (bound.cells, bound.certain, bound.parities) == (1, 1, 0)
    with pytest.raises(FormulationError, match="confidence=1 is not between 0 and 1"):
        parity_bound(dead, ([-1], [1]), confidence=1)
    with pytest.raises(FormulationError, match="draws=0 is not at least 1"):
        parity_bound(dead, ([-1], [1]), draws=0)
    with pytest.raises(FormulationError, match="not full-dimensional"):
        parity_bound(dead, ([1], [1]))


def test_a_time_limit_leaves_a_bound() -> None:
    bound = parity_bound(random_network([6, 24, 24, 1], rng=0), "box:-1,1", rng=0, time_limit=1.0)  # takes hours
    assert not bound.complete
    assert bound.cells >= bound.certain >= 1
