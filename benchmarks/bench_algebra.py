"""Growth of the algebra: vertices of polyhedra, determinants, stars, eigenvalues, mixed volumes, stable intersections.

Run with ``python benchmarks/bench_algebra.py``.  CPU seconds, the least of three rounds where a round is short.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from polyhedra import Polyhedron
from polyhedra.faces import f_vector
from tropical import random_polynomial
from tropical.convexity import TropicalPolytope
from tropical.cycle_ratio import critical_cycle
from tropical.matrix import TropicalMatrix
from tropical.mixed_volume import mixed_volume
from tropical.stable_product import stable_complete_intersection


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """The least CPU time of up to three runs, and the result."""
    times: list[float] = []
    while len(times) < 3 and sum(times) < 1.0:
        start = time.process_time()
        result = work()
        times.append(time.process_time() - start)
    return min(times), result


def show(what: str, work: Callable[[], Any], about: Callable[[Any], Any] = lambda result: "") -> None:
    """Print one line: the case, the seconds, and a word on the result."""
    least, result = seconds(work)
    print(f"{what:<58} {least:>9.3f} s   {about(result)}", flush=True)


def system(rows: int, dim: int, kind: str, seed: int = 0) -> Polyhedron:
    """A system of so many inequalities: all random, or x >= 0 and the others random (positive: bounded)."""
    rng = np.random.default_rng(seed)
    free = rows if kind == "all random" else rows - dim
    a = rng.integers(1, 10, (free, dim)) if kind == "positive" else rng.integers(-9, 10, (free, dim))
    b = rng.integers(50, 100, free) if kind == "positive" else rng.integers(5, 20, free)
    if kind != "all random":
        a, b = np.vstack([a, -np.eye(dim, dtype=int)]), np.concatenate([b, np.zeros(dim, dtype=int)])
    return Polyhedron(a.tolist(), b.tolist())


def cyclic(n: int) -> list[list[tuple[int, ...]]]:
    """The supports of the cyclic n-roots system."""
    sums = [[tuple(int((k - i) % n < d) for k in range(n)) for i in range(n)] for d in range(1, n)]
    return [*sums, [(0,) * n, (1,) * n]]


def main() -> None:
    for rows, dim in [(16, 9), (20, 12), (24, 14), (30, 20)]:
        for kind in ["positive", "x >= 0", "all random"]:
            if (rows, kind) != (30, "all random"):
                show(
                    f"vertices, {rows} x {dim}, {kind}",
                    lambda rows=rows, dim=dim, kind=kind: system(rows, dim, kind)._generators(),
                    lambda found: f"{sum(bool(r[0]) for r in found.rays)} vertices, {len(found.rays)} with rays",
                )
    for dim in [4, 6, 8]:
        cube = Polyhedron.box([0] * dim, [1] * dim)
        show(f"f-vector of the {dim}-cube", lambda cube=cube: f_vector(cube), sum)
    rng = np.random.default_rng(0)
    for n in [50, 100, 200]:
        whole = rng.integers(-1000, 1000, (n, n))
        matrix = TropicalMatrix(whole.tolist())
        show(f"determinant {n} x {n}, integers", matrix.determinant)
        rows = whole.astype(float)
        rows[: n // 2 + 1, : n // 2] = -np.inf
        singular = TropicalMatrix(rows.tolist())
        show(f"determinant {n} x {n}, minus infinity", singular.determinant)
    for n in [75, 150, 300]:
        show(f"star {n} x {n}, integers", TropicalMatrix((-rng.integers(0, 1000, (n, n))).tolist()).kleene_star)
        show(f"star {n} x {n}, normal floats", TropicalMatrix((-abs(rng.normal(size=(n, n)))).tolist()).kleene_star)
    for n in [100, 200, 400]:
        for kind, values in [("integers", rng.integers(-1000, 1000, (n, n))), ("floats", rng.normal(size=(n, n)))]:
            matrix = TropicalMatrix(values.tolist())
            show(f"eigenvalue with proof {n} x {n}, {kind}", lambda m=matrix, n=n: critical_cycle(m, range(n)))
    for n in [5, 6, 7, 8]:
        show(f"mixed volume of cyclic-{n}", lambda n=n: mixed_volume(cyclic(n)), str)
    for n, degrees in [(3, (2, 2)), (3, (3, 3)), (4, (2, 2)), (4, (2, 2, 2))]:
        surfaces = [random_polynomial(n, degree=d, rng=k) for k, d in enumerate(degrees)]
        show(
            f"stable intersection in R^{n}, degrees {degrees}",
            lambda s=surfaces: stable_complete_intersection(s),
            lambda cycle: f"{len(cycle.cells)} cells",
        )
    for n, d in [(6, 3), (12, 3), (6, 4), (8, 4)]:
        points = np.random.default_rng(n).integers(-1000, 1000, (n, d)).tolist()
        show(f"covector cells of {n} points, {d} coordinates", lambda p=points: TropicalPolytope(p).cells(), len)


if __name__ == "__main__":
    main()
