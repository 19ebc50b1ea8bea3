"""The sparsest exact fit on growing data: where the enumeration proves the optimum, and where it ends.

Run with ``python benchmarks/bench_sparse_fit.py [planted] [random] [units]``; 240 s an instance at most. CPU seconds
of this process; K = N units but for the part units. The last column is the independent checker of the certificate,
where the bound is not above 4 (it is plain Python).
"""

from __future__ import annotations

import sys
import time

from milp.training.fit_certificate import fit_certificate
from milp.training.fit_checker import check
from milp.training.sparse_data import SparseData, planted_data, random_data
from milp.training.sparse_fit import sparsest_fit

LIMIT = 240.0
HEAD = f"{'data':10}{'N':>4}{'d':>4}{'K':>4}{'found':>7}{'proven bound':>14}{'systems':>12}{'CPU s':>9}{'check s':>9}"


def row(name: str, data: SparseData, units: int) -> None:
    """One instance."""
    begun = time.process_time()
    fit = sparsest_fit(data.X, data.y, units, time_limit=LIMIT)
    seconds = time.process_time() - begun
    checked = ""
    if fit.proven and fit.proven_bound <= 4:
        begun = time.process_time()
        assert check(fit_certificate(fit)).lower_bound == fit.proven_bound
        checked = f"{time.process_time() - begun:9.2f}"
    samples, inputs = data.X.shape
    assert fit.search is not None
    print(
        f"{name:10}{samples:4d}{inputs:4d}{units:4d}{fit.nonzeros!s:>7}{fit.proven_bound:14d}{fit.search.systems:12,}"
        f"{seconds:9.2f}{checked}",
        flush=True,
    )


def planted() -> None:
    """Two units with two weights each: the optimum is at most 4."""
    for samples, inputs in ((7, 5), (10, 5), (15, 5), (20, 5), (10, 10), (20, 10), (15, 15)):
        row("planted", planted_data(samples, inputs, rng=1), samples)


def random() -> None:
    """General position: the optimum is N almost surely."""
    for samples, inputs in ((5, 5), (6, 5), (7, 5), (8, 3), (9, 2), (12, 1), (8, 5)):
        row("random", random_data(samples, inputs, rng=1), samples)


def units() -> None:
    """Few units for random data: more non-zeros than samples, or no network."""
    for samples, inputs, count in ((5, 2, 1), (5, 2, 2), (6, 2, 2), (6, 3, 2), (7, 5, 2)):
        row("random", random_data(samples, inputs, rng=1), count)


PARTS = {"planted": planted, "random": random, "units": units}


if __name__ == "__main__":
    print(HEAD)
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
