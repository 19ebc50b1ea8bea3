"""Estimates of the number of cells: unbiased, exact where all is counted, with intervals that hold the number."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nn_bridge.cells.counting.estimate import (
    Allowance,
    Frontier,
    Sample,
    Visitor,
    _drawn,
    _lognormal_ends,
    descend,
    explore_first_levels,
    interval,
    planned,
    sample_cells,
)
from nn_bridge.cells.problem import CellProblem, cell_problem
from nn_bridge.cells.tree import Subtree
from nn_bridge.network.network import Network
from polyhedra.polyhedron import Polyhedron
from puiseux.random_networks import random_network
from tests.families import ENTRIES, network_of

SAMPLED = ENTRIES[::9]
MEDIUM = [entry for entry in ENTRIES if entry["cells"] >= 30][::12]


def posed(network: Network, domain: Polyhedron | None = None) -> CellProblem | None:
    found = cell_problem(network, domain)
    return None if found is None else found.for_counting()


@pytest.mark.parametrize("entry", SAMPLED, ids=lambda entry: str(entry["name"]))
def test_small_networks_are_counted_exactly(entry: dict[str, object]) -> None:
    sample = sample_cells(posed(network_of(entry)), Allowance(visits=200), np.random.default_rng(0))
    assert sample.exact
    assert sample.counted == entry["cells"] == sample.estimate == sample.low == sample.high


@pytest.mark.parametrize("entry", MEDIUM, ids=lambda entry: str(entry["name"]))
@pytest.mark.parametrize("representatives", [1, 3])
def test_the_mean_of_descents_is_the_number_of_cells(entry: dict[str, int], representatives: int) -> None:
    problem = posed(network_of(entry))
    assert problem is not None
    visitor = Visitor(problem, Allowance(visits=10**9), at_once=1)
    frontier = Frontier(0, (Subtree(0, (), problem.roots),))
    rng = np.random.default_rng(3)
    descents = [descend(visitor, frontier, rng, representatives) for _ in range(150)]
    values = np.array([descent.estimate for descent in descents])
    error = values.std(ddof=1) / math.sqrt(len(values))
    assert abs(values.mean() - entry["cells"]) <= 4.5 * error + 1e-9
    assert all(descent.counted <= entry["cells"] for descent in descents)


def test_each_subtree_is_drawn_as_often_as_its_weight_says() -> None:
    class Fixed:
        """A generator that gives the numbers of a grid."""

        def __init__(self) -> None:
            self.number = 0

        def random(self) -> float:
            self.number += 1
            return (self.number - 0.5) / 3000

    weights = [3.0, 0.5, 8.0, 1.0, 2.5, 5.0]
    members = [(Subtree(root), weight) for root, weight in enumerate(weights)]
    totals = dict.fromkeys(range(len(weights)), 0.0)
    fixed = Fixed()
    for _ in range(3000):
        drawn = _drawn(list(members), fixed, 4)  # type: ignore[arg-type]
        assert math.isclose(sum(each for _, each in drawn), sum(weights))
        for subtree, each in drawn:
            totals[subtree.root] += each / 3000
    assert np.allclose(list(totals.values()), weights, rtol=0.01)


def test_a_pilot_counts_what_the_frontier_leaves_out() -> None:
    network = random_network([3, 30, 30, 1], rng=2)
    problem = posed(network)
    assert problem is not None
    visitor = Visitor(problem, Allowance(visits=40), at_once=64)
    frontier = explore_first_levels(visitor)
    assert frontier.rest
    everything = Visitor(problem, Allowance(visits=10**9))
    whole, nothing = everything.count(Subtree(0, (), problem.roots), None)
    assert not nothing
    assert frontier.counted + sum(everything.count(part, None)[0] for part in frontier.rest) == whole


@pytest.mark.parametrize(
    ("network", "domain", "cells"),
    [
        (random_network([4, 30, 1], rng=1), None, 31_931),
        (random_network([3, 40, 40, 1], rng=1), None, 102_525),
        (random_network([4, 24, 24, 1], rng=6), Polyhedron.box([-1] * 4, [1] * 4), None),
    ],
    ids=["one layer", "two layers", "a box"],
)
def test_intervals_hold_the_number(network: Network, domain: Polyhedron | None, cells: int | None) -> None:
    problem = posed(network, domain)
    assert problem is not None
    whole, _ = Visitor(problem, Allowance(visits=1)).count(Subtree(0, (), problem.roots), None)
    assert cells in (None, whole)
    for seed in range(4):
        sample = sample_cells(problem, Allowance(visits=150), np.random.default_rng(seed), at_once=64)
        assert sample.estimate is not None
        assert sample.low is not None
        assert sample.high is not None
        assert sample.counted <= whole
        assert sample.low <= whole <= sample.high
        assert sample.low <= sample.estimate <= sample.high


def test_a_run_by_visits_is_repeatable() -> None:
    problem = posed(random_network([3, 40, 40, 1], rng=1))

    def run(seed: int) -> Sample:
        return sample_cells(problem, Allowance(visits=150), np.random.default_rng(seed))

    assert run(5) == run(5)
    assert run(5).estimate != run(6).estimate
    assert not run(5).exact


def test_the_interval_of_a_skewed_sample_allows_for_a_tail() -> None:
    rng = np.random.default_rng(8)
    plain = covered = 0
    for _ in range(300):
        values = np.exp(rng.normal(0, 1.2, 12))
        low, high = interval(values)
        covered += low <= math.exp(1.2**2 / 2) <= high
        half = 3.106 * values.std(ddof=1) / math.sqrt(12)  # the quantile of Student's distribution for 99 %
        plain += values.mean() - half <= math.exp(1.2**2 / 2) <= values.mean() + half
    assert covered >= 290
    assert plain < covered


def test_the_lognormal_interval_has_the_quantiles_of_its_pivot() -> None:
    rng = np.random.default_rng(3)
    for size, deviation in ((4, 0.5), (12, 1.2), (12, 3.0)):
        normal, share = rng.normal(size=400_000), rng.chisquare(size - 1, 400_000) / (size - 1)
        pivots = 2 + normal * deviation / np.sqrt(size * share) + deviation**2 / (2 * share)
        for end, level in zip(_lognormal_ends(2.0, deviation, size), (0.001, 0.999), strict=True):
            assert abs((pivots < end).mean() - level) < 5 * math.sqrt(0.001 / 400_000)
    assert _lognormal_ends(2.0, 0.0, 4) == (2.0, 2.0)


def test_the_interval_keeps_its_level_where_logarithms_are_spread() -> None:
    rng = np.random.default_rng(9)
    for size, deviation in ((5, 1.5), (12, 2.5)):
        covered = 0
        for _ in range(200):
            low, high = interval(np.exp(rng.normal(0, deviation, size)))
            covered += low <= math.exp(deviation**2 / 2) <= high
        assert covered >= 197


def test_descents_and_representatives_fill_what_is_left() -> None:
    allowance = Allowance(visits=1000)
    assert planned(allowance, 0.005) == (12, 15)
    assert planned(allowance, 0.09) == (10, 1)
    allowance.visits = 990
    assert planned(allowance, 0.5) == (4, 1)


def test_nothing_to_cut_is_one_cell() -> None:
    sample = sample_cells(None, Allowance(visits=1), np.random.default_rng(0))
    assert (sample.exact, sample.estimate) == (True, 1.0)


def test_cells_too_large_for_the_time_have_no_estimate() -> None:
    problem = posed(random_network([30, 40, 40, 1], rng=1))
    sample = sample_cells(problem, Allowance(seconds=0.01), np.random.default_rng(0))
    assert sample.estimate is None
    assert sample.reason is not None
    assert "30 dimensions" in sample.reason
