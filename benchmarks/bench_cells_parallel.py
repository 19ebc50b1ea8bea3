"""Counting cells with one process and with several: wall-clock times, alternating, and what dividing the work costs.

    python benchmarks/bench_cells_parallel.py [--width 64] [--workers 2] [--rounds 2] [--counts cells]

The network is random, with 4 inputs and two hidden layers.  ``speed-up`` is the ratio of wall-clock times, which means
something on an idle machine only; ``work`` is the ratio of the CPU seconds of all processes together, 1 where dividing
the work costs nothing, which means something on any machine.
"""

from __future__ import annotations

import argparse
import os
from statistics import median

import numpy as np

from nn_bridge.cells.counting.count import count_cells
from nn_bridge.network.network import Network


def network(width: int, seed: int = 0) -> Network:
    """A random network [4, width, width, 1]."""
    rng = np.random.default_rng(seed)
    shapes = [(width, 4), (width, width), (1, width)]
    return Network.from_layers([rng.normal(size=s) for s in shapes], [rng.normal(size=s[0]) for s in shapes])


def measured(net: Network, counts: str, workers: int) -> tuple[int, float, float]:
    """Cells, wall-clock seconds, and CPU seconds of this process and its children."""
    before = os.times()
    result = count_cells(net, counts=counts, workers=workers)
    after = os.times()
    assert result.complete
    assert result.cells is not None
    return result.cells, after.elapsed - before.elapsed, sum(after[:4]) - sum(before[:4])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--counts", choices=["cells", "all"], default="cells")
    options = parser.parse_args()
    count_cells(network(4))  # compiles, or loads what is compiled
    net = network(options.width)
    times: dict[int, list[tuple[float, float]]] = {1: [], options.workers: []}
    print(f"{net}, counts={options.counts}")
    print(f"{'workers':>8} {'cells':>12} {'wall s':>8} {'CPU s':>8} {'M cells/s':>10}")
    for _ in range(options.rounds):
        for workers in times:
            cells, wall, cpu = measured(net, options.counts, workers)
            times[workers].append((wall, cpu))
            print(f"{workers:>8} {cells:>12,} {wall:>8.2f} {cpu:>8.2f} {cells / wall / 1e6:>10.2f}")
    one_wall, one_cpu = (median(column) for column in zip(*times[1], strict=True))
    wall, cpu = (median(column) for column in zip(*times[options.workers], strict=True))
    print(f"speed-up {one_wall / wall:.2f}, work {cpu / one_cpu:.2f}")


if __name__ == "__main__":
    main()
