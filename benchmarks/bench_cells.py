"""Counting cells on R^n: cells/s, exact fallbacks, memory, the price of the other three counts, and two other programs.

    python benchmarks/bench_cells.py [FOLDER] [--only PART-OF-NAME ..] [--rounds 5] [--seconds 20]
                                     [--relucent-python PYTHON] [--peers-only | --no-peers]

FOLDER holds .npz networks.  Every network is worked on by a process of its own, which first counts a tiny network (so
that no compilation is measured), then enumerates the cells, counts them without enumerating the last stage, and finds
all four counts, in turn, ``--rounds`` times.  Times are medians of CPU seconds of one core; setting a problem up
(exact arithmetic on the weights) is a column of its own.  Memory is the largest resident set.  Networks on which one
count takes longer than ``--seconds`` are left there.

regioncam and relucent are compared where they are installed (``pip install puiseux[bench]``): regioncam in this
process, alternating with us on the same box; relucent in an environment of its own, which suits its many dependencies,
if ``--relucent-python`` names one.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from nn_bridge.cells.counting.count import count_from_tree
from nn_bridge.cells.problem import CellProblem, cell_problem
from nn_bridge.cells.tree import PATTERNS, CellTree, tree_counters
from nn_bridge.network.network import Network
from nn_bridge.readers import read_network
from polyhedra.polyhedron import Polyhedron

KNOWN = {
    "bunny_d2_2x50": 3673, "bunny_d2_4x32": 6467, "bunny_d3_3x16": 37122,
    "d2_32_32_1_s0": 2064, "d2_32_32_1_s1": 1908, "d2_32_32_1_s2": 2434,
    "d3_16_16_1_s0": 4279, "d3_16_16_1_s1": 7572, "d3_16_16_1_s2": 5451,
    "d4_16_16_1_s0": 34463, "d4_16_16_1_s1": 33339, "d4_16_16_1_s2": 47896,
    "d5_20_1_s0": 21700, "d5_20_1_s1": 21700, "d5_20_1_s2": 21700,
    "d6_12_12_1_s0": 135801, "d6_12_12_1_s1": 156836, "d6_12_12_1_s2": 275532,
    "d8_10_10_1_s0": 110012, "d8_10_10_1_s1": 148049, "d8_10_10_1_s2": 137377,
}  # fmt: skip
"""Cells on R^n, found by programs that share nothing with this one."""

BARS = {
    "d2_32_32_1": 0.6, "d3_16_16_1": 0.6, "d4_16_16_1": 0.6, "d5_20_1": 0.6, "d6_12_12_1": 0.25, "d8_10_10_1": 0.5,
}  # fmt: skip
"""Million cells a second that the better of the two exact routes has to reach; the goal is twice that."""

REGIONCAM = (
    ("d2_32_32_1_s0", 10), ("d2_32_32_1_s0", 1000), ("d2_32_32_1_s1", 10), ("d2_32_32_1_s2", 10),
    ("bunny_d2_2x100", 0.5), ("bunny_d2_2x100", 10), ("bunny_d2_4x32", 0.5), ("bunny_d2_4x32", 10),
)  # fmt: skip
"""Networks and half the side of the square."""

RELUCENT = ("d2_32_32_1_s0", "d3_16_16_1_s0", "d4_16_16_1_s0", "d5_20_1_s0")

RELUCENT_PROGRAM = """
import json, os, sys
import numpy as np, relucent, torch
torch.set_num_threads(1)
data = np.load(sys.argv[1])
pairs = [(data[f"W{i}"], data[f"b{i}"]) for i in range(len(data.files) // 2)]
parts = []
for W, b in pairs:
    linear = torch.nn.Linear(W.shape[1], W.shape[0], dtype=torch.float64)
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(W))
        linear.bias.copy_(torch.from_numpy(b))
    parts += [linear, torch.nn.ReLU()]
relu = torch.nn.Sequential(*parts[:-1])

def search(most):
    complex_ = relucent.Complex(relu)
    before = os.times()
    complex_.bfs(max_polys=most, nworkers=1, verbose=0)
    after = os.times()
    return len(complex_), sum(after[:4]) - sum(before[:4])

most = int(sys.argv[2])
(few, least), (many, longest) = search(most // 6), search(most)
print(json.dumps([many - few, longest - least, relucent.__version__]))
"""


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU seconds of this process."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def peak_bytes() -> int:
    """The largest resident set of this process so far.

    Linux passes on to ``ru_maxrss`` what the parent occupied when it started us, so its own line comes first.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 1024
        return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def walk(problem: CellProblem, count_last_stage: bool, seconds: float = float("inf")) -> tuple[CellTree, float, bool]:
    """Go through the tree: the tree, CPU seconds (but for laying it out), whether it came to its end in time."""
    tree = CellTree(problem, count_last_stage=count_last_stage)
    begun = time.process_time()
    for _ in tree.run():
        if time.process_time() - begun > seconds:
            return tree, time.process_time() - begun, False
    return tree, time.process_time() - begun, True


def warm_up() -> None:
    """Have all kernels compiled or loaded."""
    tiny = cell_problem(Network.from_layers([[[1, 0], [0, 1]], [[1, -1]]], relu_on_output=True))
    assert tiny is not None
    walk(tiny, False)
    walk(tiny, True)
    count_from_tree(tiny)


def measure(path: Path, rounds: int, seconds: float) -> dict[str, Any]:
    """All figures of one network; memory means something in a fresh process only."""
    warm_up()
    network = read_network(path)
    before = peak_bytes()
    begun = time.process_time()
    problem = cell_problem(network)
    assert problem is not None
    CellTree(problem)
    set_up = time.process_time() - begun
    times: dict[str, list[float]] = {"count": [], "enumerate": [], "laid_out": [], "four": []}
    tree, spent, done = walk(problem, True, seconds)
    found: dict[str, Any] = {"set_up": set_up, "done": done, "cells": tree.cells, "rounds": 0}
    times["count"].append(spent)
    found["count_requests"] = tree.exact_decisions
    if done:
        begun = time.process_time()
        listing, spent, done = walk(problem, False, 4 * seconds)
        times["laid_out"].append(time.process_time() - begun)
        counters = tree_counters(listing)
        found.update(requests=listing.exact_decisions, gens=counters["most_generators"])
        found.update(enumerated=listing.cells, full=done)
        times["enumerate"].append(spent)
        found["peak"] = peak_bytes()
        if done:
            times["four"].append(cpu_seconds(lambda: found.update(four=list(count_from_tree(problem)))))
            found["peak_four"] = peak_bytes()
            once = sum(map(sum, times.values()))
            found["rounds"] = max(rounds, min(40, int(0.5 / once))) if once < seconds else 1
            for _ in range(found["rounds"] - 1):
                times["laid_out"].append(cpu_seconds(lambda: times["enumerate"].append(walk(problem, False)[1])))
                times["count"].append(walk(problem, True)[1])
                times["four"].append(cpu_seconds(lambda: count_from_tree(problem)))
    found.setdefault("peak", peak_bytes())
    found["before"] = before
    found["seconds"] = {name: median(column) for name, column in times.items() if column}
    return found


def measured_apart(path: Path, rounds: int, seconds: float) -> dict[str, Any]:
    """The same from a process that does nothing else."""
    command = [sys.executable, __file__, "--one", str(path), "--rounds", str(rounds), "--seconds", str(seconds)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def cells_table(paths: list[Path], rounds: int, seconds: float) -> dict[str, float]:
    """Print one line a network; returns the better rates, cells a second."""
    print(
        f"{'network':16}{'cells':>11} {'known':6}{'list':>6}{'count':>7}  {'best':6}{'bar':>5} {'':5}"
        f"{'exact':>6}{'gens':>6}{'set-up':>8}{'peak':>7}{'own':>7}{'four/list':>10}{'bytes/cell':>11}"
    )
    print(
        f"{'':16}{'':>11} {'':6}{'M/s':>6}{'M/s':>7}  {'':6}{'M/s':>5} {'':5}"
        f"{'':>6}{'':>6}{'ms':>8}{'MB':>7}{'MB':>7}{'':>10}{'':>11}"
    )
    rates = {}
    for path in paths:
        name = path.stem
        found = measured_apart(path, rounds, seconds)
        cells, spent = found["cells"], found["seconds"]
        count = cells / spent["count"]
        if not found["done"]:
            print(f"{name:16}{cells:>11,} {'':6}  .. left there after {spent['count']:.1f} s at {count / 1e6:.2f} M/s")
            continue
        listed = found["enumerated"] / spent["enumerate"]
        rates[name] = best = max(count, listed)
        bar = next((value for key, value in BARS.items() if name.startswith(key)), None)
        verdict = "" if bar is None else "goal" if best >= 2e6 * bar else "met" if best >= 1e6 * bar else "below"
        known = "ok" if KNOWN.get(name) == cells else "WRONG" if name in KNOWN else "-"
        if found["full"] and (found["enumerated"] != cells or found["four"][0] != cells):
            known = "WRONG"
        line = (
            f"{name:16}{cells:>11,} {known:6}{listed / 1e6:6.2f}{count / 1e6:7.2f}  "
            f"{'count' if count > listed else 'list':6}{'' if bar is None else bar:>5} {verdict:5}"
            f"{found['requests'] + found['count_requests']:>6}{found['gens']:>6}{1e3 * found['set_up']:>8.1f}"
            f"{found['peak'] / 1e6:>7.0f}{(found['peak'] - found['before']) / 1e6:>7.1f}"
        )
        if found["full"]:
            line += f"{spent['four'] / spent['laid_out']:>10.2f}"
            line += f"{(found['peak_four'] - found['peak']) / cells:>11.0f}" if cells > 20_000 else f"{'-':>11}"
        print(line, flush=True)
    return rates


def regioncam_faces(layers: list[tuple[np.ndarray, np.ndarray]], half: float) -> int:
    """Faces of the hidden layers on the square, by regioncam."""
    import regioncam

    plane = regioncam.Regioncam(size=half)
    for weight, bias in layers:
        plane.linear(weight, bias)
        plane.relu()
    return int(plane.num_faces)


def regioncam_table(folder: Path, rounds: int) -> None:
    """Our cells/s against regioncam's faces/s, alternating."""
    if importlib.util.find_spec("regioncam") is None:
        print("regioncam is not installed: pip install puiseux[bench]")
        return
    print(
        f"{'network':16}{'square':>8}{'cells':>9}{'faces':>9}{'cells/s':>9}{'faces/s':>9}{'ratio':>7}"
        f"{'with set-up':>13}{'for all of R^2':>16}"
    )
    rounds = max(rounds, 15)
    for name, half in REGIONCAM:
        path = folder / f"{name}.npz"
        if not path.exists():
            print(f"{name:16} is not in {folder.name}")
            continue
        network = read_network(path)
        with np.load(path) as data:
            depth = len(data.files) // 2 - 1
            layers = [
                (np.ascontiguousarray(data[f"W{i}"].T, np.float32), data[f"b{i}"].astype(np.float32))
                for i in range(depth)
            ]
        square = Polyhedron.box([-half] * 2, [half] * 2)
        inside, everywhere = cell_problem(network, square), cell_problem(network)
        assert inside is not None
        assert everywhere is not None
        tree, _, _ = walk(inside, False)
        faces = regioncam_faces(layers, half)
        ours: dict[bool, list[float]] = {False: [], True: []}
        free: dict[bool, list[float]] = {False: [], True: []}
        whole, theirs = [], []
        for _ in range(rounds):
            theirs.append(cpu_seconds(lambda a=layers, h=half: regioncam_faces(a, h)))
            for last in (False, True):
                ours[last].append(walk(inside, last)[1])
                free[last].append(walk(everywhere, last)[1])
            begun = time.process_time()
            fresh = cell_problem(network, square)
            assert fresh is not None
            walk(fresh, True)
            whole.append(time.process_time() - begun)
        faces_rate = faces / median(theirs)
        rate = tree.cells / min(map(median, ours.values()))
        free_rate = walk(everywhere, True)[0].cells / min(map(median, free.values()))
        print(
            f"{name:16}{f'+-{half:g}':>8}{tree.cells:>9,}{faces:>9,}{rate / 1e3:>8.0f}k{faces_rate / 1e3:>8.0f}k"
            f"{rate / faces_rate:>7.2f}{tree.cells / median(whole) / faces_rate:>13.2f}{free_rate / faces_rate:>16.2f}",
            flush=True,
        )


def relucent_table(folder: Path, python: str | None, rates: dict[str, float], most: int, limit: float) -> None:
    """Our cells/s against relucent's regions/s, measured on a few hundred regions, without the start of its worker."""
    if python is None and importlib.util.find_spec("relucent") is None:
        print("relucent is not installed: pip install puiseux[bench], or name a Python that has it: --relucent-python")
        return
    print(
        f"{'network':16}{'regions':>9}{'CPU s':>8}{'regions/s':>11}{'cells/s':>11}{'ratio':>9}"
        f"{'set-up ms':>11}{'with set-up':>13}"
    )
    for name in RELUCENT:
        path = (folder / f"{name}.npz").resolve()
        if not path.exists():
            print(f"{name:16} is not in {folder.name}")
            continue
        command = [python or sys.executable, "-c", RELUCENT_PROGRAM, str(path), str(most)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": ""}
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=limit, env=environment)
        except subprocess.TimeoutExpired:
            print(f"{name:16} relucent found fewer than {most} regions in {limit:g} s")
            continue
        if done.returncode:
            print(f"{name:16} relucent failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
            continue
        regions, cpu, version = json.loads(done.stdout.strip().splitlines()[-1])
        rate, set_up, with_set_up = measured_rate(path)
        rate = rates.get(name) or rate
        theirs = regions / cpu
        print(
            f"{name:16}{regions:>9,}{cpu:>8.2f}{theirs:>11.1f}{rate:>11,.0f}{rate / theirs:>9,.0f}"
            f"{1e3 * set_up:>11.2f}{with_set_up / theirs:>13,.0f}  (relucent {version})",
            flush=True,
        )


def measured_rate(path: Path) -> tuple[float, float, float]:
    """Cells a second of the better route, seconds of set-up, and cells a second with it."""
    network = read_network(path)
    problem = cell_problem(network)
    assert problem is not None
    runs = [[walk(problem, last) for _ in range(3)] for last in (False, True)]
    cells = runs[0][0][0].cells
    spent = min(median(seconds for _, seconds, _ in tries) for tries in runs)

    def lay_out() -> None:
        fresh = cell_problem(network)
        assert fresh is not None
        CellTree(fresh, PATTERNS)

    set_up = median(cpu_seconds(lay_out) for _ in range(9))
    return cells / spent, set_up, cells / (spent + set_up)


def main() -> None:
    """Print the tables."""
    home = Path(__file__).resolve().parent.parent
    folders = [home.parent / "shared" / "data" / "nets", home / "tests" / "data" / "nets"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=next((f for f in folders if f.is_dir()), folders[-1]))
    parser.add_argument("--only", nargs="*", default=[""], help="parts of names")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20.0, help="of one count, after which a network is left")
    parser.add_argument("--regions", type=int, default=300, help="that relucent has to find")
    parser.add_argument("--relucent-python", help="an interpreter that has relucent")
    parser.add_argument("--peers-only", action="store_true")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options.rounds, options.seconds)))
        return
    paths = [p for p in sorted(options.folder.glob("*.npz")) if any(part in p.stem for part in options.only)]
    print(f"load average {' '.join(f'{load:.1f}' for load in os.getloadavg())}, {os.cpu_count()} cores")
    rates = {} if options.peers_only else cells_table(paths, options.rounds, options.seconds)
    if not options.no_peers:
        warm_up()
        print()
        regioncam_table(options.folder, options.rounds)
        print()
        relucent_table(options.folder, options.relucent_python, rates, options.regions, 120.0)


if __name__ == "__main__":
    main()
