"""Units that are multiples of others of their stage: networks with and without them, best CPU seconds.

Run ``python benchmarks/bench_multiples.py``.  Half of the units of each stage are the other half times a factor, and
what some of them add is taken away again.  The same cells are listed, and all four counts found, with all units and
with the multiples left out (`unrepeated`), in turn.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from nn_bridge.cells.counting.count import count_from_tree
from nn_bridge.cells.problem import CellProblem, cell_problem
from nn_bridge.cells.tree import PATTERNS, CellTree
from nn_bridge.network.network import Network
from nn_bridge.network.repeated_units import unrepeated

SIZES = ([2, 32, 32, 1], [3, 24, 24, 1], [4, 28, 24, 1])
FACTORS = (1.0, -1.0, -2.0)
ROUNDS = 5


def network_with_multiples(sizes: list[int], factor: float, seed: int = 4) -> Network:
    """Normal weights; the second half of the units of a stage repeat the first half, times the factor."""
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(after, before)) for before, after in pairwise(sizes)]
    biases = [rng.normal(size=after) for after in sizes[1:]]
    for stage, units in enumerate(sizes[1:-1]):
        half, quarter = units // 2, units // 4
        weights[stage][half:], biases[stage][half:] = factor * weights[stage][:half], factor * biases[stage][:half]
        weights[stage + 1][:, half : half + quarter] = -weights[stage + 1][:, :quarter]
    return Network.from_layers(weights, biases)


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def list_cells(problem: CellProblem) -> int:
    """Visit all cells and write their patterns; their number."""
    tree = CellTree(problem, PATTERNS, maps=False)
    for _ in tree.run():
        pass
    return tree.cells


def main() -> None:
    """Print the table."""
    names = ("listed ms", "without", "ratio", "four ms", "without")
    print(f"{'network':16}{'factor':>7}{'cells':>8}" + "".join(f"{name:>11}" for name in names))
    for sizes in SIZES:
        for factor in FACTORS:
            network = network_with_multiples(sizes, factor)
            every, fewer = cell_problem(network), cell_problem(unrepeated(network))
            assert every is not None
            assert fewer is not None
            cells = list_cells(every)
            assert cells == list_cells(fewer)
            assert count_from_tree(every) == count_from_tree(fewer)
            times = [
                [seconds(lambda p=p, w=work: w(p)) for work in (list_cells, count_from_tree) for p in (every, fewer)]
                for _ in range(ROUNDS)
            ]
            listed, listed_fewer, four, four_fewer = (1e3 * min(column) for column in zip(*times, strict=True))
            name = "-".join(map(str, sizes))
            row = (listed, listed_fewer, listed / listed_fewer, four, four_fewer)
            print(f"{name:16}{factor:7g}{cells:8}" + "".join(f"{number:11.1f}" for number in row))


if __name__ == "__main__":
    main()
