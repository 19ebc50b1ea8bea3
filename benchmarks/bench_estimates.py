"""Estimates of the number of cells: how often their intervals hold the true number, beside plain Knuth.

``python benchmarks/bench_estimates.py [RUNS] [--fresh]``: RUNS (200) runs with fixed seeds on each of seven families
whose cells can be counted, with so few visits that a small part of the cells is counted.  Plain Knuth (1975) goes down
by fair coins until it has made as many visits; its interval is the usual one, of the same nominal level.

The level of the quantile, and by how much intervals are wider than the usual ones, was settled with these seven at
hand.  ``--fresh`` takes six others, with one number of visits for all but the smallest, that were written down
before any of them was estimated: other widths, depths and seeds, and trained networks.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
from scipy.stats import t

from nn_bridge.cells.core_problem import CoreProblem
from nn_bridge.cells.counting.count import count_cells
from nn_bridge.cells.counting.estimate import CONFIDENCE, Allowance, Visitor, sample_cells
from nn_bridge.cells.problem import CellProblem, cell_problem
from nn_bridge.cells.tree import Subtree
from nn_bridge.network.network import Network
from polyhedra.polyhedron import Polyhedron
from puiseux.random_networks import random_network
from puiseux.reading import load

AT_ONCE = 16
"""Cells that a visit counts: fewer than usual, since these networks have few."""

FAMILIES: dict[str, tuple[Callable[[], tuple[Network, Polyhedron | None]], int]] = {
    "two layers": (lambda: (random_network([3, 40, 40, 1], rng=1), None), 1500),
    "three layers": (lambda: (random_network([4, 14, 14, 14, 1], rng=2), None), 1500),
    "deep": (lambda: (random_network([3, 12, 12, 12, 12, 12, 12, 1], rng=7), None), 1500),
    "six inputs": (lambda: (random_network([6, 12, 12, 1], rng=1), None), 1000),
    "zero biases": (lambda: (random_network([4, 24, 24, 1], rng=5, zero_bias=True), None), 1000),
    "whole numbers": (lambda: (random_network([4, 18, 18, 1], rng=4, init="integers"), None), 1000),
    "a box": (lambda: (random_network([4, 24, 24, 1], rng=6), Polyhedron.box([-1] * 4, [1] * 4)), 800),
}
"""By name: the network and the domain, and the visits of an estimate."""

NETS = Path(__file__).parents[1] / "tests" / "data" / "nets"

FRESH: dict[str, tuple[Callable[[], tuple[Network, Polyhedron | None]], int]] = {
    "trained, plane": (lambda: (load(NETS / "bunny_d2_4x32.npz"), None), 200),
    "trained, space": (lambda: (load(NETS / "bunny_d3_3x16.npz"), None), 1000),
    "wide, plane": (lambda: (random_network([2, 160, 160, 1], rng=101), None), 1000),
    "very deep": (lambda: (random_network([3, *[14] * 9, 1], rng=102), None), 1000),
    "narrowing": (lambda: (random_network([5, 20, 12, 6, 1], rng=103), Polyhedron.box([-2] * 5, [2] * 5)), 1000),
    "eight inputs": (lambda: (random_network([8, 11, 10, 1], rng=104), None), 1000),
}
"""The same, of families that nothing was settled with."""


@dataclass
class Runs:
    """The outcome of many runs of one method."""

    covered: int = 0
    runs: int = 0
    exact: int = 0
    errors: float = 0.0
    widths: list[float] = field(default_factory=list)

    def add(self, truth: int, estimate: float, low: float, high: float, exact: bool = False) -> None:
        """Note one run."""
        self.runs += 1
        self.covered += low <= truth <= high
        self.exact += exact
        self.errors += (estimate / truth - 1) ** 2
        self.widths.append((high - low) / truth)

    @property
    def text(self) -> str:
        """The share covered, the root mean square of the relative errors, and the median relative width."""
        error = math.sqrt(self.errors / self.runs)
        return f"{self.covered / self.runs:6.1%} | {error:6.1%} | {median(self.widths):6.2f}"


def problem_of(
    make: Callable[[], tuple[Network, Polyhedron | None]],
) -> tuple[Network, Polyhedron | None, CellProblem, CoreProblem]:
    """The network, the domain and the problem of a family."""
    network, domain = make()
    problem = cell_problem(network, domain)
    assert problem is not None
    problem = problem.for_counting()
    return network, domain, problem, CoreProblem(problem)


def plain_knuth(visitor: Visitor, rng: np.random.Generator, visits: int) -> tuple[float, float, float]:
    """The mean of descents by fair coins, each to one leaf, and the usual interval."""
    values: list[float] = []
    while visitor.allowance.visits < visits:
        subtree, weight = Subtree(0, (), visitor.problem.roots), 1.0
        while True:
            while subtree.roots > 1:
                half = subtree.roots // 2
                side = int(rng.integers(2))
                subtree = Subtree(subtree.root + side * half, (), (half, subtree.roots - half)[side])
                weight *= 2
            counted, rest = visitor.count(subtree, 1)
            # the leaf reached, and the subtrees beside the way to it: each step halves the chances
            depths = [len(part.path) - len(subtree.path) for part in rest]
            chances = np.array([2.0**-depth for depth in depths])
            coin = rng.random() - np.cumsum(chances)
            missed = np.flatnonzero(coin < 0)
            if not len(missed):
                values.append(weight * counted / max(1.0 - chances.sum(), 2.0**-1000))
                break
            chosen = int(missed[0])
            subtree, weight = rest[chosen], weight / chances[chosen]
    found = np.array(values)
    mean = float(found.mean())
    half_width = float(t.ppf((1 + CONFIDENCE) / 2, len(found) - 1) * found.std(ddof=1) / math.sqrt(len(found)))
    return mean, mean - half_width, mean + half_width


def main(runs: int, families: dict[str, tuple[Callable[[], tuple[Network, Polyhedron | None]], int]]) -> None:
    """Print a table."""
    print(
        "| family | cells | visits | counted | covered | error | width | plain Knuth: covered | error | width | s/run |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, (make, visits) in families.items():
        network, domain, problem, arrays = problem_of(make)
        truth = count_cells(network, domain, counts="cells").cells
        assert truth is not None
        ours, plain = Runs(), Runs()
        counted, begun = 0, time.perf_counter()
        for seed in range(runs):
            sample = sample_cells(
                problem, Allowance(visits=visits), np.random.default_rng(seed), arrays, at_once=AT_ONCE
            )
            assert sample.estimate is not None
            assert sample.low is not None
            assert sample.high is not None
            ours.add(truth, sample.estimate, sample.low, sample.high, sample.exact)
            counted += sample.counted
        seconds = (time.perf_counter() - begun) / runs
        for seed in range(runs):
            visitor = Visitor(problem, Allowance(visits=visits), arrays)
            plain.add(truth, *plain_knuth(visitor, np.random.default_rng(seed), visits))
        share = counted / runs / truth
        print(
            f"| {name} | {truth:,} | {visits} | {share:.1%} | {ours.text} | {plain.text} | {seconds:.3f} |", flush=True
        )


if __name__ == "__main__":
    numbers = [argument for argument in sys.argv[1:] if argument != "--fresh"]
    main(int(numbers[0]) if numbers else 200, FRESH if "--fresh" in sys.argv else FAMILIES)
