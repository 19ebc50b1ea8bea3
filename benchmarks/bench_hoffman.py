"""Hoffman constants: two exact algorithms and the bounds, against brute force with one floating-point program a set.

Run with ``python benchmarks/bench_hoffman.py [--quick]``.  Rows are standard normal 53-bit floats, small integers, or
the differences ``e_j - e_i`` of lattice points at an inner point, where many sets are not surjective.  ``plain`` is the
textbook algorithm: for every set of at most min(m, n) independent rows one linear program in floating point (scipy's
HiGHS).  Times are CPU seconds, one after the other on the same matrix.  The exact constants must agree with each other,
and with the plain one to 6 digits.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from itertools import combinations, product
from typing import Any

import numpy as np
from scipy.optimize import linprog

from puiseux.random_networks import random_network
from tropical.hoffman import hoffman_constant, hoffman_lower, hoffman_upper


def plain(matrix: np.ndarray) -> float:
    """Every independent set, one program each: min |A_J^T v|_1 over v >= 0, sum v = 1."""
    m, n = matrix.shape
    best = 0.0
    for size in range(1, min(m, n) + 1):
        for chosen in combinations(range(m), size):
            rows = matrix[list(chosen)]
            if np.linalg.matrix_rank(rows) < size:
                continue
            equations = np.block([[rows.T, -np.eye(n), np.eye(n)], [np.ones(size), np.zeros(2 * n)]])
            answer = linprog([0] * size + [1] * (2 * n), A_eq=equations, b_eq=[0] * n + [1])
            best = max(best, 1 / answer.fun)
    return best


def matrices(quick: bool) -> list[tuple[str, np.ndarray]]:
    found = []
    for m, n in ((8, 3), (12, 7)) if quick else ((8, 3), (12, 3), (12, 7), (16, 4), (20, 5)):
        rng = np.random.default_rng(m * n)
        found.append((f"normal {m} x {n}", rng.normal(size=(m, n))))
        found.append((f"integers {m} x {n}", rng.integers(-3, 4, (m, n)).astype(float)))
    for side, dim in ((1, 2),) if quick else ((1, 2), (2, 2), (1, 3)):
        points = [p for p in product(range(-side, side + 1), repeat=dim) if any(p)]
        found.append((f"lattice {len(points)} x {dim}", np.array(points, dtype=float)))
    return found


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = run()
    return time.process_time() - start, result


def main(quick: bool) -> None:
    hoffman_constant([[1, 2], [3, 4]])  # imports and first calls
    columns = f"{'rows':<18} {'H':>9} {'bases':>9} {'pvz':>9} {'plain':>9}  {'lower':>8} {'upper':>9}"
    print(f"{columns} {'lower, upper / H':>17}")
    for name, matrix in matrices(quick):
        rows = matrix.tolist()
        bases, by_bases = timed(lambda rows=rows: hoffman_constant(rows, method="brute-force"))
        pvz, by_pvz = timed(lambda rows=rows: hoffman_constant(rows, method="pvz"))
        assert by_bases.value == by_pvz.value, name
        exact = float(by_bases.value.p) / float(by_bases.value.q)
        low_time, low = timed(lambda rows=rows: hoffman_lower(rows))
        up_time, up = timed(lambda rows=rows: hoffman_upper(rows))
        text = f"{'-':>9}"
        if len(rows) <= 12:
            seconds, value = timed(lambda matrix=matrix: plain(matrix))
            assert abs(value - exact) <= 1e-6 * exact, (name, value, exact)
            text = f"{seconds:>8.2f}s"
        ratios = f"{float(low.value.p) / float(low.value.q) / exact:.2f}, {float(up.p) / float(up.q) / exact:.1f}"
        print(
            f"{name:<18} {exact:>9.4g} {bases:>8.3f}s {pvz:>8.3f}s {text}  {low_time:>7.3f}s {up_time:>8.3f}s "
            f"{ratios:>17}",
            flush=True,
        )
    networks(quick)


def networks(quick: bool) -> None:
    """Maps of random networks: the exact constant, the effective radius, and the smallest one."""
    from nn_bridge.cells.tropical_map import tropicalize_by_cells
    from tropical.effective_radius import coefficient_range, hoffman_constant_of, minimal_effective_radius

    print(f"\n{'network':<14} {'terms':>9} {'H':>10} {'radius':>10} {'smallest':>10} {'H time':>8} {'smallest':>9}")
    for sizes in ([2, 6, 1], [3, 5, 1]) if quick else ([2, 6, 1], [3, 5, 1], [4, 4, 1], [2, 3, 3, 1], [2, 5, 5, 1]):
        (f,) = tropicalize_by_cells(random_network(sizes, rng=1))
        seconds, constant = timed(lambda f=f: hoffman_constant_of(f))
        smallest_time, smallest = timed(lambda f=f: minimal_effective_radius(f).value)
        radius = constant * coefficient_range(f)
        numbers = [float(v.p) / float(v.q) for v in (constant, radius, smallest)]
        terms = f"{len(f.numerator)} / {len(f.denominator)}"
        shown = " ".join(f"{v:>10.4g}" for v in numbers)
        print(f"{sizes!s:<14} {terms:>9} {shown} {seconds:>7.2f}s {smallest_time:>8.2f}s")


if __name__ == "__main__":
    main("--quick" in sys.argv)
