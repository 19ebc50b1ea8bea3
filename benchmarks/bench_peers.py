"""Set-up and listing of all cells in a box, beside regioncam and the naive edge subdivision, in one alternating run.

    python benchmarks/bench_peers.py [--rounds 5] [NETWORK.npz ..]

All times are CPU milliseconds of this process, the least of all rounds.  regioncam (float32, two inputs only) and the
naive subdivision (float32, see naive_edge_subdivision.py) have no set-up of their own; relucent works in worker
processes and is measured by ``bench_cells.py --relucent-python``.  Cells of the naive subdivision are not counted:
it finds vertices and edges, here of the hidden layers alone.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from naive_edge_subdivision import subdivide

from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.tree import PATTERNS, CellTree
from nn_bridge.readers import read_network
from polyhedra.polyhedron import Polyhedron

NETS = Path(__file__).resolve().parents[1] / "tests" / "data" / "nets"
NETWORKS = ("d2_10_5_1_s0", "d2_16_16_1_s0", "d2_32_32_1_s0", "bunny_d2_4x32", "d3_16_16_1_s0")
HALF = 10.0


def regioncam_faces(layers: list[tuple[np.ndarray, np.ndarray]]) -> int:
    """The faces of the hidden layers on the square, by regioncam."""
    import regioncam

    plane = regioncam.Regioncam(size=HALF)
    for weight, bias in layers:
        plane.linear(np.ascontiguousarray(weight.T, np.float32), bias.astype(np.float32))
        plane.relu()
    return int(plane.num_faces)


def tasks_of(path: Path) -> dict[str, Callable[[], int]]:
    """What is measured for one network, each with the number that it finds."""
    network = read_network(path)
    box = Polyhedron.box([-HALF] * network.input_dim, [HALF] * network.input_dim)
    with np.load(path) as data:
        layers = [(data[f"W{k}"], data[f"b{k}"]) for k in range(len(data.files) // 2 - 1)]
    weights = [torch.tensor(w, dtype=torch.float32) for w, _ in layers]
    biases = [torch.tensor(b, dtype=torch.float32) for _, b in layers]

    def laid_out() -> CellTree:
        problem = cell_problem(network, box)
        assert problem is not None
        return CellTree(problem, PATTERNS)

    ready = laid_out()

    def listed(tree: CellTree) -> int:
        return sum(len(leaves.patterns) for leaves in tree.run())

    tasks: dict[str, Callable[[], int]] = {
        "set-up": lambda: laid_out().words,
        "listing": lambda: listed(ready),
        "both": lambda: listed(laid_out()),
        "naive": lambda: len(subdivide(weights, biases, -HALF, HALF)[0]),
    }
    if importlib.util.find_spec("regioncam") is not None and network.input_dim == 2:
        tasks["regioncam"] = lambda: regioncam_faces(layers)
    return tasks


def main() -> None:
    """Print one line a network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"load {os.getloadavg()[0]:.1f}; CPU ms in the box [-{HALF:g}, {HALF:g}]^n")
    print(f"{'network':16}{'cells':>8}{'set-up':>9}{'listing':>9}{'both':>9}{'regioncam':>11}{'faces':>8}{'naive':>10}")
    for path in options.networks or [NETS / f"{name}.npz" for name in NETWORKS]:
        tasks = tasks_of(path)
        best: dict[str, float] = {}
        found: dict[str, int] = {}
        for _ in range(options.rounds):
            for name, task in tasks.items():
                begun = time.process_time()
                found[name] = task()
                best[name] = min(best.get(name, float("inf")), 1e3 * (time.process_time() - begun))
        plane = f"{best['regioncam']:>11.2f}{found['regioncam']:>8}" if "regioncam" in best else f"{'-':>11}{'-':>8}"
        print(
            f"{path.stem:16}{found['listing']:>8}{best['set-up']:>9.2f}{best['listing']:>9.2f}{best['both']:>9.2f}"
            f"{plane}{best['naive']:>10.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
