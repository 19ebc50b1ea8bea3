"""Pruning methods against each other on random monomials: m = 100 .. 5000, n = 2 .. 5.

Run with ``python benchmarks/bench_pruning.py [--quick]``.  Exponents and coefficients are standard normal 53-bit
floats, so almost nothing ties; one integer lattice, where almost everything does, is added for each n.  Times are CPU
seconds, one after the other on the same polynomial; every pair of methods must return the same terms.  pycddlib decides
one full-dimensionality a term, so it is asked up to 200 terms; Qhull's hull explodes with the dimension, so it is asked
where the lifted points are fewer than 2000 in more than four dimensions.
"""

from __future__ import annotations

import itertools
import sys
import time

import numpy as np

from tropical import PuiseuxPolynomial, prune
from tropical.pruning import Method


def random_polynomial(count: int, dim: int, seed: int) -> PuiseuxPolynomial:
    rng = np.random.default_rng(seed)
    return PuiseuxPolynomial(list(zip(rng.standard_normal((count, dim)), rng.standard_normal(count), strict=True)), dim)


def lattice_polynomial(count: int, dim: int) -> PuiseuxPolynomial:
    """About `count` lattice points under a paraboloid of small slope: long faces with many points on them."""
    side = max(2, round(count ** (1 / dim)))
    support = itertools.product(range(side), repeat=dim)
    return PuiseuxPolynomial([(a, -sum(abs(2 * v - side + 1) // 3 for v in a)) for a in support], dim)


def timed(polynomial: PuiseuxPolynomial, method: Method) -> tuple[float, PuiseuxPolynomial]:
    # a fresh copy, so that no method profits from floats that another has prepared
    copy = PuiseuxPolynomial.of_rows(polynomial.rows, *polynomial.denominators, polynomial.dim)
    start = time.process_time()
    result = prune(copy, method=method)
    return time.process_time() - start, result


def main(quick: bool) -> None:
    sizes = (100, 500) if quick else (100, 200, 500, 1000, 2000, 5000)
    prune(random_polynomial(50, 3, 0), method="hull")  # imports and first calls
    print(f"{'n':>2} {'monomials':>9} {'':>8} {'kept':>5} {'certified':>10} {'hull':>9} {'cdd':>9}   cdd / certified")
    for dim in (2, 3, 4, 5):
        for count in sizes:
            for name, polynomial in (
                ("random", random_polynomial(count, dim, count)),
                ("lattice", lattice_polynomial(count, dim)),
            ):
                seconds, kept = timed(polynomial, "certified")
                cells = [f"{seconds:>9.3f}s"]
                ratio = ""
                for method, asked in (("hull", dim < 4 or len(polynomial) < 2000), ("cdd", len(polynomial) <= 200)):
                    if not asked:
                        cells.append(f"{'-':>9}")
                        continue
                    other_seconds, other = timed(polynomial, method)  # type: ignore[arg-type]
                    if other != kept:
                        raise SystemExit(f"{method} disagrees on n = {dim}, {len(polynomial)} monomials ({name})")
                    cells.append(f"{other_seconds:>8.3f}s")
                    if method == "cdd":
                        ratio = f"{other_seconds / max(seconds, 1e-4):.0f}"
                print(f"{dim:>2} {len(polynomial):>9} {name:>8} {len(kept):>5} {' '.join(cells)}   {ratio}", flush=True)


if __name__ == "__main__":
    main("--quick" in sys.argv[1:])
