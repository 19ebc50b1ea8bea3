"""Injective, and onto: CPU seconds on random networks, on bijections, and on layers.

Run with ``python benchmarks/bench_injectivity.py``; a minute at most for each question.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence

import numpy as np

from nn_bridge.expressivity.injectivity import injectivity
from nn_bridge.expressivity.surjectivity import surjectivity
from nn_bridge.network.network import Network

LIMIT = 60.0


def network(sizes: Sequence[int], seed: int, activation: str = "relu") -> Network:
    """Gaussian weights and biases."""
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(o, i)) for i, o in itertools.pairwise(sizes)]
    biases = [rng.normal(size=o) for o in sizes[1:]]
    return Network.from_layers(weights, biases, [activation] * (len(weights) - 1) + ["linear"])


CASES = [
    ((2, 16, 16, 2), "relu"),
    ((2, 16, 16, 4), "relu"),
    ((2, 16, 16, 20), "relu"),
    ((3, 12, 12, 8), "relu"),
    ((2, 24, 40), "relu"),
    ((2, 2, 2, 2, 2), "leaky:1/10"),
    ((3, 3, 3, 3), "leaky:1/10"),
    ((4, 4, 4), "leaky:1/10"),
    ((3, 16, 1), "relu"),
]


if __name__ == "__main__":
    print(f"{'network':26}{'cells':>7}{'injective':>11}{'pairs':>8}{'CPU s':>8}{'onto':>8}{'pieces':>8}{'CPU s':>8}")
    for sizes, activation in CASES:
        net = network(sizes, 1, activation)
        begun = time.process_time()
        one = injectivity(net, time_limit_seconds=LIMIT)
        middle = time.process_time()
        onto = surjectivity(net, time_limit_seconds=LIMIT)
        ended = time.process_time()
        name = "-".join(map(str, sizes)) + ("" if activation == "relu" else f" {activation}")
        print(
            f"{name:26}{onto.cells:7,}{one.injective!s:>11}{one.pairs:8,}{middle - begun:8.2f}"
            f"{onto.surjective!s:>8}{onto.pieces:8,}{ended - middle:8.2f}",
            flush=True,
        )
