"""Listing the cells of networks in special position, beside one with normal weights: best CPU microseconds a cell.

Run ``python benchmarks/bench_degenerate.py``.  What costs time is a sign that rounded values leave open and that whole
numbers decide; the column `exact` has their number for a thousand cells.
"""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np

from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.tree import PATTERNS, CellTree
from nn_bridge.network.network import Network

SIZES = ([2, 20, 20, 1], [4, 14, 12, 1], [3, 10, 10, 10, 1])
ROUNDS = 3
Arrays = list[np.ndarray]


def families(sizes: list[int]) -> dict[str, tuple[Arrays, Arrays]]:
    """Weights and biases by the name of the family, all made of one set of normal numbers."""
    rng = np.random.default_rng(3)
    weights = [rng.normal(size=(after, before)) for before, after in pairwise(sizes)]
    biases = [rng.normal(size=after) for after in sizes[1:]]
    nothing = [np.zeros_like(bias) for bias in biases]
    first, rest = weights[0], weights[1:]

    def halves(factor: float, noise: float) -> Arrays:
        """The second half of the units of each hidden stage is the first half times a factor, nearly."""
        found = [matrix.copy() for matrix in weights]
        for matrix in found[:-1]:
            half = len(matrix) // 2
            copied = factor * matrix[:half]
            matrix[half : 2 * half] = copied * (1 + noise * rng.normal(size=copied.shape))
        return found

    return {
        "normal": (weights, biases),
        "no biases": (weights, nothing),
        "ternary": ([np.sign(np.round(matrix)) for matrix in weights], [np.sign(np.round(bias)) for bias in biases]),
        "decimals": ([matrix.round(1) for matrix in weights], [bias.round(1) for bias in biases]),
        "sparse": ([matrix * (rng.random(matrix.shape) < 0.3) for matrix in weights], biases),
        "through a point": (weights, [-first.sum(axis=1), *biases[1:]]),
        "parallel": (halves(1, 0), biases),
        "parallel, rounded": (halves(-3, 0), biases),
        "nearly parallel": (halves(1, 1e-12), biases),
        "layers of rank one": ([first, *(np.outer(m[:, 0], m[0]) for m in rest)], biases),
        "layers of rank two": ([first, *(np.outer(m[:, 0], m[0]) + np.outer(m[:, 1], m[-1]) for m in rest)], biases),
        "24 orders": ([matrix * 10.0 ** rng.integers(-12, 12, matrix.shape) for matrix in weights], biases),
    }


def main() -> None:
    """Print the table."""
    print(f"{'network':18}{'family':20}{'cells':>8}{'us a cell':>11}{'to normal':>11}{'exact':>8}")
    for sizes in SIZES:
        normal = 0.0
        for name, (weights, biases) in families(sizes).items():
            problem = cell_problem(Network.from_layers(weights, biases))
            assert problem is not None
            best = float("inf")
            for _ in range(ROUNDS):
                begun = time.process_time()
                tree = CellTree(problem, PATTERNS, maps=False)
                for _ in tree.run():
                    pass
                best = min(best, time.process_time() - begun)
            a_cell = 1e6 * best / tree.cells
            normal = normal or a_cell
            exact = 1000 * tree.exact_decisions / tree.cells
            label = "-".join(map(str, sizes))
            print(f"{label:18}{name:20}{tree.cells:8}{a_cell:11.2f}{a_cell / normal:11.1f}{exact:8.0f}", flush=True)


if __name__ == "__main__":
    main()
