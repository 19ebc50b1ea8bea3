"""The symbolic route: monomials and counts of single networks, and the seven shapes of a published table.

Run: ``python benchmarks/bench_symbolic.py [networks per shape]``.  Times are CPU seconds of one core.

The table is that of Lezeau et al. (2024): [2,6,1] [3,5,1] [4,4,1] [5,3,1] [6,2,1] [3,2,2,1] [3,3,2,1], in two settings:
affine output with W, b ~ N(0, 2/fan_in), and ReLU on the output with standard deviation sqrt(2/inputs) in every layer.
"""

from __future__ import annotations

import sys
import time
from itertools import pairwise

import numpy as np

from nn_bridge.network.network import Network
from nn_bridge.symbolic.count import count_symbolic
from nn_bridge.symbolic.monomials import MonomialCount, native_monomials
from nn_bridge.symbolic.tropicalize import tropicalize

SINGLE = [[2, k, 1] for k in range(6, 11)] + [[3, 8, 1], [3, 4, 4, 1], [4, 6, 4, 1]]
TABLE = {  # shape: mean regions with an affine output, and with a ReLU on it in the published setting
    (2, 6, 1): (22, 15.0),
    (3, 5, 1): (26, 22.5),
    (4, 4, 1): (16, 15.2),
    (5, 3, 1): (8, 7.7),
    (6, 2, 1): (4, 4.0),
    (3, 2, 2, 1): (6.2, 4.2),
    (3, 3, 2, 1): (15, 10.4),
}


def gaussian(sizes, seed, relu_on_output=False):
    """A random network in one of the two settings."""
    rng = np.random.default_rng(seed)
    weights, biases = [], []
    for a, b in pairwise(sizes):
        deviation = (2 / (sizes[0] if relu_on_output else a)) ** 0.5
        weights.append((rng.standard_normal((b, a)) * deviation).tolist())
        biases.append((rng.standard_normal(b) * deviation).tolist())
    return Network.from_layers(weights, biases, relu_on_output=relu_on_output)


def timed(function, *arguments):
    """The result and the CPU seconds."""
    start = time.process_time()
    result = function(*arguments)
    return result, time.process_time() - start


def main(per_shape):
    """Print both tables."""
    timed(count_symbolic, gaussian([3, 3, 2, 1], 0))  # compile
    print("| network | native | pruned | formula s | cells | regions | count s |")
    print("|---|---|---|---|---|---|---|")
    for sizes in SINGLE:
        network = gaussian(sizes, 1)
        (native,) = native_monomials(network)[-1]
        maps, formula = timed(tropicalize, network)
        short = MonomialCount.of(maps[0])
        count, seconds = timed(count_symbolic, network)
        print(
            f"| {sizes} | {native.numerator:.3g} + {native.denominator:.3g} | {short.numerator} + {short.denominator} "
            f"| {formula:.3f} | {count.cells} | {count.regions} | {seconds:.3f} |",
            flush=True,
        )
    print()
    print("| network | affine output: mean regions (expected) | slowest s | ReLU output: mean (expected) | slowest s |")
    print("|---|---|---|---|---|")
    for sizes, expected in TABLE.items():
        columns = []
        for relu, mean in zip((False, True), expected, strict=True):
            runs = [timed(count_symbolic, gaussian(sizes, seed, relu)) for seed in range(per_shape)]
            regions = [count.regions for count, _ in runs]
            error = np.std(regions, ddof=1) / len(regions) ** 0.5
            columns.append(f"{np.mean(regions):.1f} +- {error:.1f} ({mean}) | {max(s for _, s in runs):.3f}")
        print(f"| {list(sizes)} | {' | '.join(columns)} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 25)
