"""Two versions of the cell engine side by side: this checkout and another one, alternating, in processes of their own.

    python benchmarks/bench_core.py --other CHECKOUT [--rounds 3] [--networks d2_32_32_1_s0 ..]

The other checkout (the last version with numba, say) is put on PYTHONPATH with the same interpreter, which must have
what it needs.  Each process reads one network, does each task once to warm up, and then measures CPU seconds: the
set-up, listing all cells, counting with the last stage not enumerated (both without set-up), and the four counts (with
it).  Printed are million cells per second and the ratio of the versions, by the best of all rounds; and the wall time
of a whole ``puiseux count``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NETS = ROOT / "tests" / "data" / "nets"
NETWORKS = (
    "d2_32_32_1_s0",
    "d3_16_16_1_s0",
    "d4_16_16_1_s0",
    "d5_20_1_s0",
    "d6_12_12_1_s0",
    "d8_10_10_1_s0",
    "bunny_d3_3x16",
    "bunny_d2_4x32",
)
WORKER = """
import json, sys, time
from nn_bridge.readers import read_network
from nn_bridge.cells.counting.count import count_cells
from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells import tree
network = read_network(sys.argv[1])
problem = cell_problem(network)

arrays = tree.CellTree(problem, tree.PATTERNS).arrays

def listed():
    found = tree.CellTree(problem, tree.PATTERNS, arrays=arrays)
    return sum(len(leaves.patterns) for leaves in found.run())

def counted():
    found = tree.CellTree(problem, tree.COUNT_ONLY, count_last_stage=True, arrays=arrays)
    for _ in found.run():
        pass
    return found.cells

def four():
    return count_cells(network).cells

def set_up():
    tree.CellTree(cell_problem(network), tree.PATTERNS)
    return 1

set_up()
begun = time.process_time()
for _ in range(20):
    set_up()
result = {"set-up": (time.process_time() - begun) / 20}
for name, task in (("listing", listed), ("counting", counted), ("four counts", four)):
    cells = task()
    begun, times = time.process_time(), 0
    while time.process_time() - begun < SECONDS or not times:
        task()
        times += 1
    result[name] = cells * times / (time.process_time() - begun) / 1e6
result["cells"] = cells
print(json.dumps(result))
"""


def measured(checkout: Path, network: Path, seconds: float) -> dict[str, float]:
    """One process of one version: million cells per CPU second, by task."""
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    program = WORKER.replace("SECONDS", str(seconds))
    done = subprocess.run(
        [sys.executable, "-c", program, str(network)],
        env=environment,
        cwd=checkout,
        capture_output=True,
        text=True,
        check=True,
    )
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def whole_command(checkout: Path, network: Path) -> float:
    """Wall seconds of one ``puiseux count``."""
    begun = time.perf_counter()
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    subprocess.run(
        [sys.executable, "-m", "puiseux", "count", str(network)],
        env=environment,
        cwd=checkout,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - begun


def main() -> None:
    """Print one line a network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--other", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--networks", nargs="*", default=NETWORKS)
    options = parser.parse_args()
    sides = {"here": ROOT, "other": options.other.resolve()}
    print(f"load {os.getloadavg()[0]:.1f}; million cells/s in CPU time, here / other (ratio)")
    for name in options.networks:
        best: dict[str, dict[str, float]] = {side: {} for side in sides}
        for _ in range(options.rounds):
            for side, checkout in sides.items():
                path = Path(name).resolve() if name.endswith(".npz") else NETS / f"{name}.npz"
                for task, rate in measured(checkout, path, options.seconds).items():
                    better = min if task == "set-up" else max
                    best[side][task] = better(best[side].get(task, rate), rate)
        if best["here"]["cells"] != best["other"]["cells"]:
            raise SystemExit(f"{name}: {best['here']['cells']:.0f} cells here, {best['other']['cells']:.0f} there")
        columns = []
        for task in ("listing", "counting", "four counts"):
            here, there = best["here"][task], best["other"][task]
            columns.append(f"{task} {here:.2f} / {there:.2f} ({here / there:.1f}x)")
        columns.append("set-up " + " / ".join(f"{1e3 * best[side]['set-up']:.2f}" for side in sides) + " ms")
        share = best["here"]["listing"] / best["here"]["four counts"]
        print(
            f"{Path(name).stem}: {best['here']['cells']:.0f} cells; {'; '.join(columns)}; "
            f"four counts {share:.2f} x listing",
            flush=True,
        )
    small = NETS / "d2_10_5_1_s0.npz"
    times = {
        side: min(whole_command(checkout, small) for _ in range(options.rounds)) for side, checkout in sides.items()
    }
    print(f"puiseux count of a small network, whole process: {times['here']:.2f} s here, {times['other']:.2f} s there")


if __name__ == "__main__":
    main()
