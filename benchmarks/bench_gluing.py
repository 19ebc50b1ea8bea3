"""The cost of the other three counts: all four counts against plain enumeration of the cells, best CPU seconds.

Run ``python benchmarks/bench_gluing.py [FOLDER]`` with a folder of .npz networks (by default tests/data/nets).  Each
network is counted as it is and with a ReLU on its output, which makes many maps equal; the last rows are degenerate:
most of their cells share their map.  Units that repeat others are left out first, as a count does.  The bar is a ratio
of 1.6.  With ``--memory`` instead: what all four counts of a network with 1,369,701 cells take, of which 77 % share
their map (bar: 80 bytes a cell).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from nn_bridge.cells.counting.count import count_cells, count_from_tree
from nn_bridge.cells.problem import CellProblem, cell_problem
from nn_bridge.cells.tree import CellTree
from nn_bridge.network.network import Network
from nn_bridge.network.repeated_units import unrepeated
from nn_bridge.readers import read_network

NAMES = (
    "d2_32_32_1_s0", "d3_16_16_1_s0", "d4_16_16_1_s0", "d5_20_1_s0", "d6_12_12_1_s0", "bunny_d2_4x32", "bunny_d3_3x16",
)  # fmt: skip

ROUNDS_SECONDS = 0.5
"""A network is counted at least so long, and three times."""


def random_network(sizes: list[int], seed: int, pieces: int = 1) -> Network:
    """Whole-number weights; with several pieces, normal weights and maxout layers."""
    rng = np.random.default_rng(seed)
    weights, biases, activations = [], [], []
    for index, (before, after) in enumerate(pairwise(sizes)):
        hidden = index < len(sizes) - 2
        rows = after * pieces if hidden else after
        if pieces > 1:
            weights.append(rng.normal(size=(rows, before)))
            biases.append(rng.normal(size=rows))
        else:
            weights.append(rng.integers(-2, 3, (rows, before)))
            biases.append(rng.integers(-2, 3, rows))
        activations.append("linear" if not hidden else f"maxout:{pieces}" if pieces > 1 else "relu")
    return Network.from_layers(weights, biases, activations)


def network_with_repeats(sizes: list[int], seed: int) -> Network:
    """Half of the units of each stage repeat the other half, and the outputs of half of these cancel."""
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(after, before)) for before, after in pairwise(sizes)]
    biases = [rng.normal(size=after) for after in sizes[1:]]
    for stage, units in enumerate(sizes[1:-1]):
        half, quarter = units // 2, units // 4
        weights[stage][half:], biases[stage][half:] = weights[stage][:half], biases[stage][:half]
        weights[stage + 1][:, half : half + quarter] = -weights[stage + 1][:, :quarter]
    return Network.from_layers(weights, biases)


def networks(folder: Path) -> Iterator[tuple[str, Network]]:
    """Names and networks."""
    for name in NAMES:
        network = read_network(folder / f"{name}.npz")
        yield name, network
        assert network.layers is not None
        weights, biases = [r.weights for r in network.layers], [r.bias for r in network.layers]
        yield f"{name} + relu", Network.from_layers(weights, biases, relu_on_output=True)
    yield "whole numbers 2-16-16-1", random_network([2, 16, 16, 1], 0)
    yield "whole numbers 5-11-10-1", random_network([5, 11, 10, 1], 3)
    yield "whole numbers 4-14-12-1", random_network([4, 14, 12, 1], 1)
    yield "whole numbers 3-60-60-1", random_network([3, 60, 60, 1], 1)
    yield "repeated units 4-28-24-1", network_with_repeats([4, 28, 24, 1], 4)
    yield "maxout of 3 pieces 3-9-6-1", random_network([3, 9, 6, 1], 1, pieces=3)
    yield "maxout of 3 pieces 4-16-10-1", random_network([4, 16, 10, 1], 1, pieces=3)
    yield "maxout of 2 pieces 2-12-8-1", random_network([2, 12, 8, 1], 2, pieces=2)


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def enumerate_cells(problem: CellProblem) -> None:
    """Visit all cells."""
    for _ in CellTree(problem).run():
        pass


def peak_bytes() -> int:
    """The largest resident set of this process so far (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def memory() -> None:
    """Print what the four counts of a large degenerate network take."""
    count_cells(random_network([2, 4, 4, 1], 0))
    before = peak_bytes()
    found = count_cells(random_network([5, 20, 26, 1], 1))
    taken = peak_bytes() - before
    print(f"{found.cells:,} cells, {found.regions:,} regions, {found.affine_maps:,} maps in {found.seconds:.1f} s")
    print(f"{taken / 1e6:.0f} MB beyond what the libraries take, {taken / found.cells:.0f} bytes a cell")


def main() -> None:
    """Print the table."""
    if "--memory" in sys.argv:
        memory()
        return
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent / "tests" / "data" / "nets"
    count_from_tree(cell_problem(random_network([2, 4, 4, 1], 0)))  # kernels are compiled or loaded here
    print(
        f"{'network':28}{'cells':>9}{'regions':>9}{'by point':>9}{'maps':>9}{'cells ms':>10}{'four ms':>10}{'ratio':>7}"
    )
    for name, network in networks(folder):
        problem = cell_problem(unrepeated(network))
        assert problem is not None
        enumerate_cells(problem)
        pairs: list[tuple[float, float]] = []
        while len(pairs) < 3 or sum(map(sum, pairs)) < ROUNDS_SECONDS:
            alone = seconds(lambda p=problem: enumerate_cells(p))
            pairs.append((alone, seconds(lambda p=problem: count_from_tree(p))))
        alone, all_four = (min(column) for column in zip(*pairs, strict=True))
        counts = "".join(f"{number:9}" for number in count_from_tree(problem))
        print(f"{name:28}{counts}{1e3 * alone:10.1f}{1e3 * all_four:10.1f}{all_four / alone:7.2f}", flush=True)


if __name__ == "__main__":
    main()
