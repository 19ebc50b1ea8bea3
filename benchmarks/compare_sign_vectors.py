"""The sign vectors of two checkouts, in turn: CPU seconds on one thread, best of several runs each, and their ratio.

    python benchmarks/compare_sign_vectors.py BEFORE [AFTER] [--rounds N] [--nets DIR] [--only TEXT]

BEFORE and AFTER are roots of checkouts; AFTER is this one where it is left out.  Each runs in a process of its own,
which answers one question at a time, so that both see the same machine.  Ratios above 1 are gains.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NETS = ROOT.parent / "shared" / "data" / "nets"
EXTRACT, LEVEL = "extract", "level set"
CASES = [
    (EXTRACT, "d2_32_32_1_s0", None, 2.0),
    (EXTRACT, "bunny_d2_2x100", None, 1.0),
    (EXTRACT, "bunny_d2_4x32", None, 1.0),
    (EXTRACT, "d3_16_16_1_s0", None, 2.0),
    (EXTRACT, "bunny_d3_3x16", None, 0.5),
    (EXTRACT, "d4_16_16_1_s0", None, 2.0),
    (EXTRACT, "d6_12_12_1_s0", None, 1.0),
    (EXTRACT, "bunny_d3_8x32", 3, 0.5),
    (LEVEL, "bunny_d3_8x32", 4, 0.5),
]

ANSWER = """
import json, sys, time
import numpy as np
from nn_bridge.network.network import Network
from nn_bridge.sign_vectors import extract
from nn_bridge.sign_vectors.level_sets import level_set
for line in sys.stdin:
    kind, path, layers, side = json.loads(line)
    with np.load(path) as data:
        depth = layers or len(data.files) // 2
        network = Network.from_layers([data[f"W{i}"] for i in range(depth)], [data[f"b{i}"] for i in range(depth)])
    box = (-side, side)
    start = time.process_time()
    if kind == "extract":
        found = extract(network, box, output_hyperplanes=True)
        middle = time.process_time()
        cells = found.count_cells()
        sizes = [len(found.vertices), len(found.edges), cells]
    else:
        found = level_set(network, box)
        middle = time.process_time()
        sizes = [len(found.vertices)]
    print(json.dumps([middle - start, time.process_time() - start, sizes]), flush=True)
"""


class Checkout:
    """A process that answers from one checkout."""

    def __init__(self, root: Path) -> None:
        environment = os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", ANSWER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
            cwd=root,
        )  # fmt: skip

    def ask(self, question: list[object]) -> tuple[float, float, list[int]]:
        """Seconds without and with the count of cells, and the sizes of the result."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return tuple(json.loads(self.process.stdout.readline()))  # type: ignore[return-value]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path, nargs="?", default=ROOT)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--nets", type=Path, default=NETS)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    checkouts = [Checkout(options.before.resolve()), Checkout(options.after.resolve())]
    print(f"{'network':<34}{'vertices':>10}{'before s':>11}{'after s':>11}{'ratio':>8}{'with count':>12}")
    for kind, name, layers, side in CASES:
        label = f"{kind} {name}" + (f" layers 1-{layers}" if layers else "")
        if options.only not in label:
            continue
        question = [kind, str(options.nets / f"{name}.npz"), layers, side]
        best = [[float("inf")] * 2, [float("inf")] * 2]
        sizes: list[list[int]] = [[], []]
        for turn in range(options.rounds + 1):
            for place, checkout in enumerate(checkouts):
                *seconds, sizes[place] = checkout.ask(question)
                if turn:  # the first turn compiles or loads what there is to compile or load
                    best[place] = [min(pair) for pair in zip(best[place], seconds, strict=True)]
        if sizes[0] != sizes[1]:
            raise SystemExit(f"{label}: the results differ: {sizes[0]} and {sizes[1]}")
        (before, before_count), (after, after_count) = best
        print(f"{label:<34}{sizes[0][0]:>10}{before:>11.4f}{after:>11.4f}{before / after:>8.2f}"
              f"{before_count / after_count:>12.2f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
