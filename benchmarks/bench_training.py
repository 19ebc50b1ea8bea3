"""Exact training: K ReLU or threshold units for three losses, on one noisy and one random data set.

``python benchmarks/bench_training.py``
"""

from __future__ import annotations

import time

import numpy as np

from milp.training.exact_training import LOSSES, train_exactly
from polyhedra.scalars import to_float


def main() -> None:
    """Print a line for each data set, activation and loss."""
    rng = np.random.default_rng(0)
    line = np.sort(rng.normal(size=(20, 1)), axis=0)
    sets = [("d=1 N=20", line, np.sin(2 * line[:, 0]) + 0.2 * rng.normal(size=20), 3)]
    sets.append(("d=2 N=10", rng.normal(size=(10, 2)), rng.normal(size=10), 2))
    for name, X, y, units in sets:
        for activation in ("relu", "threshold"):
            for loss in LOSSES:
                start = time.perf_counter()
                fit = train_exactly(X, y, units, loss=loss, activation=activation, time_limit=120)
                seconds = time.perf_counter() - start
                print(
                    f"{name} {units} {activation:<9} {loss:<8} loss {to_float(fit.loss):.6f} proven {fit.proven} "
                    f"patterns {fit.patterns} choices {fit.choices} programs {fit.looked_at} {seconds:.1f} s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
