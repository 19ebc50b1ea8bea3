"""Two programs that share no counting code, asked the same: do the sign vectors agree with the cell engine?

    python benchmarks/agree_sign_vectors.py [--most 1000000] [--large] [--nets DIR]

Every network of the folder in the boxes [-1, 1]^n and [-10, 10]^n, unless it has more cells there than ``--most``;
``--large`` adds bunny_d3_8x32 in [-0.5, 0.5]^3 (close to ten million cells). The cell engine counts in two ways: it
enumerates all cells, or all but the last stage. Prints a row for each and exits with 1 if a number differs. A network
that the sign vectors call not generic counts as refused, not as different.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from nn_bridge.cells.counting.count import count_cells
from nn_bridge.network.network import Network
from nn_bridge.readers import read_network
from nn_bridge.region_count import RegionCount
from nn_bridge.sign_vectors import count_sign_vectors
from polyhedra.polyhedron import Polyhedron

NETS = Path(__file__).resolve().parents[2] / "shared" / "data" / "nets"
LARGE = "bunny_d3_8x32"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most", type=int, default=1_000_000)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--nets", type=Path, default=NETS)
    options = parser.parse_args()
    print(f"{'network':<18}{'box':>5}{'cells':>11}{'s':>8}{'shorter way':>13}{'s':>8}{'sign vectors':>14}{'s':>8}")
    verdicts = []
    for path in sorted(options.nets.glob("*.npz")):
        network = read_network(path)
        sides = [1, 10] if path.stem != LARGE else [0.5] * options.large
        for side in sides:
            most = options.most if path.stem != LARGE else 10 * options.most
            verdicts.append(compare(path.stem, network, side, most))
    print(", ".join(f"{verdicts.count(name)} {name}" for name in ("equal", "refused", "too many cells", "DIFFERENT")))
    return 1 if "DIFFERENT" in verdicts else 0


def timed(run: Callable[[], RegionCount]) -> tuple[RegionCount, float]:
    """The result of a call, and its CPU seconds."""
    start = time.process_time()
    result = run()
    return result, time.process_time() - start


def compare(name: str, network: Network, side: float, most: int) -> str:
    """One row of the table, and the verdict."""
    n = network.input_dim
    box = Polyhedron.box([-side] * n, [side] * n)
    short, short_seconds = timed(lambda: count_cells(network, box, counts="cells", max_cells=most))
    if not short.complete:
        print(f"{name:<18}{side:>5}{'> ' + str(most):>11}", flush=True)
        return "too many cells"
    exact, seconds = timed(lambda: count_cells(network, box, max_cells=most))
    found, float_seconds = timed(lambda: count_sign_vectors(network, (-side, side)))
    numbers = {exact.cells, short.cells} | ({found.cells} - {None})
    verdict = "DIFFERENT" if len(numbers) > 1 else "refused" if found.cells is None else "equal"
    text = found.cells if found.cells is not None else "not generic"
    print(
        f"{name:<18}{side:>5}{exact.cells:>11}{seconds:>8.2f}{short.cells:>13}{short_seconds:>8.2f}{text:>14}"
        f"{float_seconds:>8.2f}  {verdict}",
        flush=True,
    )
    return verdict


if __name__ == "__main__":
    sys.exit(main())
