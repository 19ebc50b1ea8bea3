"""Cells of a network that nobody can list: facets of one cell, its neighbours, and the cells of many points.

    python benchmarks/bench_exploration.py [--sizes 784,128,128,10] [--points 10000] [--cells 2] [--workers 2]
    python benchmarks/bench_exploration.py --relucent PYTHON [--sizes 784,32,32,10] [--seeds 3]

With ``--relucent`` the facets of the same cells are found here and by relucent in another Python, in turn.
Times: wall-clock seconds, and CPU seconds of this process and its workers.  Weights are He-normal, rounded to float32.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from nn_bridge.cells.location import patterns_of_points
from nn_bridge.exploration import LocalCells
from nn_bridge.network.network import Network
from puiseux.questions.exploring import Visits, explore


def arrays_of(sizes: list[int], rng: np.random.Generator) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Random weights and biases whose numbers are those of float32."""

    def drawn(shape: tuple[int, ...], deviation: float) -> np.ndarray:
        return (rng.normal(size=shape) * deviation).astype(np.float32).astype(float)

    weights = [drawn((b, a), (2 / a) ** 0.5) for a, b in pairwise(sizes)]
    return weights, [drawn((len(w),), 0.1) for w in weights]


def timed(label: str, task: Callable[[], Any]) -> Any:
    """The answer of a task; prints how long it took."""
    wall, cpu = time.perf_counter(), cpu_time()
    answer = task()
    print(f"  {label:28} {time.perf_counter() - wall:8.3f} s  {cpu_time() - cpu:8.3f} CPU s", flush=True)
    return answer


def cpu_time() -> float:
    """CPU seconds of this process and of those that it has started and that have ended."""
    return sum(os.times()[:4])


def walked(network: Network, start: np.ndarray, cells: int, workers: int) -> Visits:
    """The cells around a point; each of them with its facets and neighbours once it is asked for."""
    return explore(network, start.tolist(), cells, workers=workers)


def beside_relucent(python: str, sizes: list[int], seeds: int) -> None:
    """Facets of the same cells, here and with relucent, in turn: CPU seconds, and whether they are the same."""
    program = Path(__file__).with_name("facets_relucent.py")
    starts = np.cumsum([0, *sizes[1:-1]])
    ratios = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        weights, biases = arrays_of(sizes, rng)
        network = Network.from_layers(weights, biases)
        points = rng.random((1, sizes[0]))
        with TemporaryDirectory() as folder:
            path = Path(folder, "net.npz")
            arrays = {
                f"{name}{k}": found for name, all_ in (("W", weights), ("b", biases)) for k, found in enumerate(all_)
            }
            np.savez(path, points=points, **arrays)
            begun = time.process_time()
            (cell,) = LocalCells(network).at(points[0])
            ours = sorted(int(starts[facet.units[0][0]]) + facet.units[0][1] for facet in cell.facets)
            mine = time.process_time() - begun
            answer = subprocess.run([python, str(program), str(path), "0"], capture_output=True, text=True, check=True)
        theirs = json.loads(answer.stdout.splitlines()[-1])
        ratios.append(theirs["seconds"] / mine)
        same = "the same facets" if ours == theirs["facets"] else f"other facets: {len(theirs['facets'])}"
        beside = f"relucent {theirs['seconds']:.2f} s ({ratios[-1]:.1f}x)"
        print(f"seed {seed}: {len(ours)} facets in {mine:.2f} s, {beside}, {same}")
    print(f"median ratio {np.median(ratios):.1f}")


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="784,128,128,10")
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cells", type=int, default=2, help="of the walk around a point")
    parser.add_argument("--workers", type=int, default=2, help="processes of a second walk over the same cells")
    parser.add_argument("--relucent", metavar="PYTHON", help="a Python that has relucent: compare with it")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    if options.relucent:
        return beside_relucent(options.relucent, sizes, options.seeds)
    for seed in range(options.seeds):
        rng = np.random.default_rng(seed)
        network = Network.from_layers(*arrays_of(sizes, rng))
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
        start = rng.random(sizes[0])
        for workers in sorted({1, options.workers}):
            label = f"{options.cells} cells of a walk, {workers} at work"
            timed(label, lambda: [visit.cell.facet_count for visit in walked(network, start, options.cells, workers)])  # noqa: B023
    return None


if __name__ == "__main__":
    main()
