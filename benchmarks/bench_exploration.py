"""Cells of a network that nobody can list: facets of one cell, its neighbours, and the cells of many points.

    python benchmarks/bench_exploration.py [--sizes 784,128,128,10] [--points 10000] [--seeds 3]

Times are of this process: wall-clock and CPU seconds.  Weights are He-normal, rounded to float32.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from nn_bridge.cells.location import patterns_of_points
from nn_bridge.exploration import LocalCells
from nn_bridge.network.network import Network


def network_of(sizes: list[int], rng: np.random.Generator) -> Network:
    """A random network whose numbers are those of float32."""

    def drawn(shape: tuple[int, ...], deviation: float) -> np.ndarray:
        return (rng.normal(size=shape) * deviation).astype(np.float32).astype(float)

    weights = [drawn((b, a), (2 / a) ** 0.5) for a, b in pairwise(sizes)]
    return Network.from_layers(weights, [drawn((len(w),), 0.1) for w in weights])


def timed(label: str, task: Callable[[], Any]) -> Any:
    """The answer of a task; prints how long it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    answer = task()
    print(f"  {label:28} {time.perf_counter() - wall:8.3f} s  {time.process_time() - cpu:8.3f} CPU s", flush=True)
    return answer


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="784,128,128,10")
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    for seed in range(options.seeds):
        rng = np.random.default_rng(seed)
        network = network_of(sizes, rng)
        print(f"seed {seed}:")
        home = timed("coordinates, once", lambda: LocalCells(network))  # noqa: B023
        (cell,) = timed("the cell at a point", lambda: home.at(rng.random(sizes[0])))  # noqa: B023
        timed("its forms", lambda: cell.affine_map)  # noqa: B023
        found = timed("its facets, proven", lambda: cell._facet_rows)  # noqa: B023
        timed("a neighbour", lambda: cell.neighbour(0))  # noqa: B023
        print(f"  {len(found)} facets of {sum(network.hidden)} units")
        points = rng.random((options.points, sizes[0]))
        cells = timed(f"the cells of {options.points:,} points", lambda: patterns_of_points(network, points))  # noqa: B023
        print(f"  {len(set(cells)):,} different cells")


if __name__ == "__main__":
    main()
