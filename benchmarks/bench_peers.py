"""Set-up and listing of all cells in a box, beside other programs, in one alternating run.

    python benchmarks/bench_peers.py [--rounds 5] [--other CHECKOUT] [--relucent-python PYTHON] [NETWORK.npz ..]

All times are CPU milliseconds, the least of all rounds.  Other programs: regioncam (float32, two inputs only) and the
naive subdivision (float32, see naive_edge_subdivision.py), which have no set-up of their own, in this process; another
checkout of this program, with the same interpreter, and relucent, in processes of their own, one a round.  relucent
searches all of R^n, and what it takes for a thousand regions more is measured.  Cells of the naive subdivision are not
counted: it finds vertices and edges, here of the hidden layers alone.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from bench_cells import RELUCENT_PROGRAM
from naive_edge_subdivision import subdivide

from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.tree import PATTERNS, CellTree
from nn_bridge.readers import read_network
from polyhedra.polyhedron import Polyhedron

NETS = Path(__file__).resolve().parents[1] / "tests" / "data" / "nets"
NETWORKS = ("d2_10_5_1_s0", "d2_16_16_1_s0", "d2_32_32_1_s0", "bunny_d2_4x32", "d3_16_16_1_s0")
HALF = 10.0
REGIONS = 120

OTHER_PROGRAM = """
import json, sys, time
from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.tree import PATTERNS, CellTree
from nn_bridge.readers import read_network
from polyhedra.polyhedron import Polyhedron
network = read_network(sys.argv[1])
box = Polyhedron.box([-float(sys.argv[2])] * network.input_dim, [float(sys.argv[2])] * network.input_dim)
best = [float("inf")] * 2
for _ in range(4):  # the first one also compiles, where that is needed
    begun = time.process_time()
    tree = CellTree(cell_problem(network, box), PATTERNS)
    ready = time.process_time()
    cells = sum(len(leaves.patterns) for leaves in tree.run())
    best = [min(best[0], ready - begun), min(best[1], time.process_time() - ready)]
print(json.dumps([cells, *best]))
"""


def regioncam_faces(layers: list[tuple[np.ndarray, np.ndarray]]) -> int:
    """The faces of the hidden layers on the square, by regioncam."""
    import regioncam

    plane = regioncam.Regioncam(size=HALF)
    for weight, bias in layers:
        plane.linear(np.ascontiguousarray(weight.T, np.float32), bias.astype(np.float32))
        plane.relu()
    return int(plane.num_faces)


def elsewhere(command: list[str], folder: Path, **environment: str) -> list[float]:
    """The numbers that a program, run in a folder, prints as JSON in its last line."""
    done = subprocess.run(command, env=os.environ | environment, cwd=folder, capture_output=True, text=True, check=True)
    found: list[float] = json.loads(done.stdout.splitlines()[-1])
    return found


def other_checkout(path: Path, checkout: Path) -> tuple[int, float, float]:
    """The cells, and CPU milliseconds of set-up and listing, of another checkout."""
    command = [sys.executable, "-c", OTHER_PROGRAM, str(path.resolve()), str(HALF)]
    cells, set_up, listing = elsewhere(command, checkout, PYTHONPATH=str(checkout.resolve()))
    return int(cells), 1e3 * set_up, 1e3 * listing


def relucent(path: Path, python: str) -> float:
    """CPU milliseconds of relucent for a thousand regions more."""
    command = [python, "-c", RELUCENT_PROGRAM, str(path.resolve()), str(REGIONS)]
    regions, seconds, _ = elsewhere(command, NETS, OMP_NUM_THREADS="1", PYTHONPATH="")
    return 1e6 * seconds / regions


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
    parser.add_argument("--other", type=Path, help="another checkout of this program")
    parser.add_argument("--relucent-python", help="a Python that has relucent")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(
        f"load {os.getloadavg()[0]:.1f}; CPU ms in the box [-{HALF:g}, {HALF:g}]^n; relucent: for 1000 regions of R^n"
    )
    print(
        f"{'network':16}{'cells':>8}{'set-up':>9}{'listing':>9}{'both':>9}{'other set-up':>14}{'listing':>9}"
        f"{'ratio':>7}{'regioncam':>11}{'faces':>8}{'naive':>10}{'relucent':>10}{'ratio':>9}"
    )
    for path in options.networks or [NETS / f"{name}.npz" for name in NETWORKS]:
        tasks = tasks_of(path)
        best: dict[str, float] = {}
        found: dict[str, int] = {}

        def took(name: str, milliseconds: float, best: dict[str, float] = best) -> None:
            best[name] = min(best.get(name, float("inf")), milliseconds)

        for _ in range(options.rounds):
            for name, task in tasks.items():
                begun = time.process_time()
                found[name] = task()
                took(name, 1e3 * (time.process_time() - begun))
            if options.other is not None:
                found["other"], set_up, listing = other_checkout(path, options.other)
                took("other set-up", set_up)
                took("other", listing)
            if options.relucent_python is not None:
                took("relucent", relucent(path, options.relucent_python))
        if found.get("other", found["listing"]) != found["listing"]:
            raise SystemExit(f"{path.stem}: {found['listing']} cells here, {found['other']} in the other checkout")
        cells = found["listing"]
        line = f"{path.stem:16}{cells:>8}{best['set-up']:>9.2f}{best['listing']:>9.2f}{best['both']:>9.2f}"
        if "other" in best:
            line += f"{best['other set-up']:>14.2f}{best['other']:>9.2f}{best['other'] / best['listing']:>6.1f}x"
        else:
            line += f"{'-':>14}{'-':>9}{'-':>7}"
        line += f"{best['regioncam']:>11.2f}{found['regioncam']:>8}" if "regioncam" in best else f"{'-':>11}{'-':>8}"
        line += f"{best['naive']:>10.1f}"
        if "relucent" in best:
            line += f"{best['relucent']:>10.0f}{best['relucent'] / (1000 * best['both'] / cells):>8.0f}x"
        print(line, flush=True)


if __name__ == "__main__":
    main()
