"""Level sets followed by proven bounds, against the whole complex cut first: CPU seconds on one thread, peak memory.

    python benchmarks/bench_level_sets.py [--quick] [--nets DIR]

Every row runs in a process of its own, so that its peak of resident memory is its own; ``--quick`` leaves out the
network whose whole complex takes five gigabytes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench_sign_vectors import NETS, load, peak

from nn_bridge.network.network import Network
from nn_bridge.sign_vectors import level_sets

CASES = [("bunny_d2_4x32", 0.5), ("bunny_d3_3x16", 0.5), ("bunny_d3_8x32", 0.5)]
SMALL = {2: "bunny_d2_2x50", 3: "bunny_d3_3x16"}
WAYS = {"whole complex": (False, None), "followed": (True, None), "followed, 500 MiB": (True, "500MiB")}


def run(folder: Path, name: str, side: float, way: str) -> dict[str, object]:
    """One level set, after a small one that compiles or loads all kernels."""
    network = Network.from_layers(*load(folder, name, None))
    prune, memory = WAYS[way]
    usual, level_sets.PRUNE_FROM = level_sets.PRUNE_FROM, 0
    level_sets.level_set(Network.from_layers(*load(folder, SMALL[network.input_dim], None)), (-side, side), prune=prune)
    level_sets.PRUNE_FROM = usual
    start = time.process_time()
    surface = level_sets.level_set(network, (-side, side), prune=prune, memory=memory)
    seconds = time.process_time() - start
    return {"vertices": len(surface.vertices), "faces": len(surface), "area": surface.area(), "seconds": seconds,
            "peak": peak()}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--nets", type=Path, default=NETS)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        name, side, way = options.one
        print(json.dumps(run(options.nets, name, float(side), way)))
        return
    print(f"{'network':<16}{'way':<20}{'vertices':>10}{'faces':>10}{'area':>14}{'CPU s':>9}{'peak GB':>9}{'ratio':>7}")
    for name, side in CASES[: 2 if options.quick else None]:
        whole = None
        for way in WAYS:
            command = [sys.executable, __file__, "--nets", str(options.nets), "--one", name, str(side), way]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            whole = whole or found
            same = all(found[key] == whole[key] for key in ("vertices", "faces"))
            print(
                f"{name:<16}{way:<20}{found['vertices']:>10}{found['faces']:>10}{found['area']:>14.9f}"
                f"{found['seconds']:>9.2f}{found['peak']:>9.2f}{whole['seconds'] / found['seconds']:>7.1f}"
                + ("" if same else "   NOT THE SAME"),
                flush=True,
            )


if __name__ == "__main__":
    main()
