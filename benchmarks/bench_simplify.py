"""Monomials before and after simplification, for random and trained networks: the table of docs/simplify.md.

Run with ``python benchmarks/bench_simplify.py``; needs torch and scikit-learn.  Random networks have normal weights and
biases of variance 2 / fan-in; trained ones are fitted to scikit-learn's iris data (the first inputs, standardised; one
kind of flower against the others; Adam with step 0.01, 300 steps of all data).  Numbers of terms are means over the
networks, numerator + denominator; `minimal` counts the formulas that are proven to have the fewest terms.
"""

from __future__ import annotations

import itertools
import time

import numpy as np
import torch
from sklearn.datasets import load_iris

from nn_bridge.network.network import Network
from nn_bridge.symbolic.monomials import native_monomials
from nn_bridge.symbolic.tropicalize import tropicalize
from tropical.simplify import simplify

SIZES = (
    [2, 3, 1],
    [2, 6, 1],
    [3, 6, 1],
    [1, 4, 4, 1],
    [2, 3, 2, 1],
    [2, 4, 3, 1],
    [3, 4, 3, 1],
    [2, 6, 4, 1],
    [2, 8, 4, 1],
)
NETWORKS = 5


def random_network(sizes: list[int], seed: int) -> Network:
    rng = np.random.default_rng(seed)
    pairs = list(itertools.pairwise(sizes))
    weights = [rng.normal(size=(out, fan)) * np.sqrt(2 / fan) for fan, out in pairs]
    return Network.from_layers(weights, [rng.normal(size=out) * np.sqrt(2 / fan) for fan, out in pairs])


def trained_network(sizes: list[int], seed: int) -> Network:
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    data = load_iris()
    x = torch.tensor((data.data - data.data.mean(axis=0)) / data.data.std(axis=0), dtype=torch.float32)[:, : sizes[0]]
    y = torch.tensor((data.target == seed % 3).astype(np.float32))[:, None]
    layers: list[torch.nn.Module] = []
    for fan, out in itertools.pairwise(sizes):
        layers += [torch.nn.Linear(fan, out), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(300):
        optimizer.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(model(x), y).backward()
        optimizer.step()
    linear = [layer for layer in model if isinstance(layer, torch.nn.Linear)]
    return Network.from_layers(
        [layer.weight.detach().numpy() for layer in linear], [layer.bias.detach().numpy() for layer in linear]
    )


def main() -> None:
    print("| network | weights | native | pruned | simplified | minimal | seconds |")
    print("|---|---|---|---|---|---|---|")
    for sizes in SIZES:
        for kind, make in (("random", random_network), ("trained", trained_network)):
            rows = []
            for seed in range(NETWORKS):
                network = make(sizes, seed)
                start = time.process_time()
                (function,) = tropicalize(network)
                result = simplify(function)
                seconds = time.process_time() - start
                (native,) = native_monomials(network)[-1:]
                count = native[0] if isinstance(native, tuple) else native
                rows.append(
                    (
                        float(count.numerator + count.denominator),
                        *result.sizes["pruned"],
                        *result.sizes["simplified"],
                        result.minimal == "proven",
                        seconds,
                    )
                )
            mean = np.array(rows, dtype=float).mean(axis=0)
            proven = sum(bool(row[5]) for row in rows)
            print(
                f"| {sizes} | {kind} | {mean[0]:.3g} | {mean[1]:.1f} + {mean[2]:.1f} | {mean[3]:.1f} + {mean[4]:.1f} "
                f"| {proven} of {NETWORKS} | {mean[6]:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
