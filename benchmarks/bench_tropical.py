"""Tropical algebra: products, pruning, evaluation and matrices, against SymPy, tropix and mplusa where they can.

Run with ``python benchmarks/bench_tropical.py``.  The peers are used if they are installed (``pip install tropix
mplusa``); both compute in floating point, tropix in the min-plus convention with exponents that are natural numbers.
Times are CPU seconds, the least of three rounds in which the things compared take turns.
"""

from __future__ import annotations

import importlib
import itertools
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from tropical import PuiseuxPolynomial, prune
from tropical.matrix import TropicalMatrix, float_product
from tropical.newton import dual_subdivision
from tropical.pruning import pruned_product

ROUNDS = 3


def compare(title: str, contestants: dict[str, Callable[[], Any]]) -> None:
    """Print the least CPU time of each, and how many times the first is faster."""
    best = dict.fromkeys(contestants, float("inf"))
    for _ in range(ROUNDS):
        for name, work in contestants.items():
            start = time.process_time()
            work()
            best[name] = min(best[name], time.process_time() - start)
    print(title)
    first = next(iter(best.values()))
    for name, seconds in best.items():
        print(f"    {name:<46} {seconds * 1e3:>11.3f} ms   {seconds / max(first, 1e-9):>9.1f}")


def bowl(count: int, dim: int, rng: np.random.Generator) -> PuiseuxPolynomial:
    """A polynomial all of whose terms stay: normal exponents on a paraboloid."""
    exponents = rng.standard_normal((count, dim))
    return PuiseuxPolynomial([(a, -a @ a / 2) for a in exponents], dim)


def peer(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except (ImportError, NameError) as error:  # mplusa 0.0.5 fails with a NameError of its own
        print(f"({name} cannot be used: {error})")
        return None


def main() -> None:
    rng = np.random.default_rng(1)
    tropix, mplusa = peer("tropix"), peer("mplusa")

    f, g = prune(bowl(300, 3, rng)), prune(bowl(300, 3, rng))
    product = pruned_product(f, g)
    compare(
        f"product of two pruned polynomials of 300 terms in 3 variables: {len(product)} of 90000 terms stay (bar: 2 s)",
        {"pruned_product": lambda: pruned_product(f, g), "expand, then prune": lambda: prune(f * g)},
    )
    many = PuiseuxPolynomial(list(zip(rng.standard_normal((10_000, 3)), rng.standard_normal(10_000), strict=True)), 3)
    compare(
        f"10000 random monomials in 3 variables, {len(prune(many))} stay (bar: 5 s)", {"prune": lambda: prune(many)}
    )

    support = list(itertools.product(range(3), repeat=3))
    heights = [-float(sum(v * v for v in a)) + 0.1 * float(rng.standard_normal()) for a in support]
    small = PuiseuxPolynomial(list(zip(support, heights, strict=True)), 3)
    points = rng.standard_normal((200, 3))
    symbols = sympy.symbols("x1 x2 x3", real=True)
    pieces = [c + sum(v * x for v, x in zip(a, symbols, strict=True)) for a, c in zip(support, heights, strict=True)]
    expression = sympy.Max(*pieces, evaluate=False)
    compiled = sympy.lambdify(symbols, expression)
    few = [tuple(map(float, x)) for x in points[:5]]
    contestants: dict[str, Callable[[], Any]] = {
        "evaluate_float, all points at once (float)": lambda: small.evaluate_float(points[:5]),
        "call (exact)": lambda: [small(x) for x in few],
        "sympy Max, subs": lambda: [expression.subs(dict(zip(symbols, x, strict=True))) for x in few],
        "sympy Max, lambdify": lambda: [compiled(*x) for x in few],
    }
    if tropix is not None:
        theirs = tropix.TropicalPolynomial({a: -c for a, c in zip(support, heights, strict=True)}, nvars=3)
        contestants["tropix (float)"] = lambda: [theirs(tuple(-v for v in x)) for x in few]
    if mplusa is not None:
        cube = mplusa.maxplus.MultivariatePolynomial(np.array(heights).reshape(3, 3, 3))
        contestants["mplusa (float)"] = lambda: [cube(*x) for x in few]
    compare("27 terms in 3 variables at 5 points", contestants)
    compare(
        "the same at 200 points",
        {
            "evaluate_float (float)": lambda: small.evaluate_float(points),
            "call (exact)": lambda: [small(x) for x in points],
        },
    )

    if tropix is not None:
        a = {e: -float(c) for e, c in zip(support, heights, strict=True)}
        left = tropix.TropicalPolynomial(a, nvars=3)
        ours = PuiseuxPolynomial([(e, -c) for e, c in a.items()], 3)
        compare(
            "product of two polynomials of 27 terms, not pruned",
            {"here (exact)": lambda: ours * ours, "tropix (float)": lambda: left * left},
        )
        plane = {(i, k): float(i * i + k * k) for i in range(8) for k in range(8) if i + k < 8}
        flat = tropix.TropicalPolynomial(plane, nvars=2)
        mine = PuiseuxPolynomial([(e, -c) for e, c in plane.items()], 2)
        compare(
            "regular subdivision of 36 lattice points in the plane",
            {
                "dual_subdivision (exact)": lambda: dual_subdivision(mine),
                "tropix.regular_subdivision (float)": lambda: tropix.regular_subdivision(flat),
            },
        )

    matrix = rng.integers(-9, 9, (30, 30)).astype(float)
    exact = TropicalMatrix(matrix.tolist())
    contestants = {"float_product (float)": lambda: float_product(matrix, matrix), "@ (exact)": lambda: exact @ exact}
    if mplusa is not None:
        contestants["mplusa (float)"] = lambda: mplusa.maxplus.mult_matrices(matrix, matrix)
    compare("product of 30 x 30 matrices", contestants)
    part, exact_part = matrix[:8, :8], TropicalMatrix(matrix[:8, :8].tolist())
    contestants = {"determinant (exact)": exact_part.determinant}
    if mplusa is not None and hasattr(mplusa.maxplus, "tdet"):
        contestants["mplusa.tdet (float)"] = lambda: mplusa.maxplus.tdet(part)
    compare("determinant of an 8 x 8 matrix", contestants)
    compare("the same, 30 x 30", {"determinant (exact)": exact.determinant})
    contestants = {"eigenvalue (exact)": exact.eigenvalue}
    if mplusa is not None and hasattr(mplusa.maxplus, "karp_algorithm"):
        contestants["mplusa.karp_algorithm (float)"] = lambda: mplusa.maxplus.karp_algorithm(matrix)
    compare("eigenvalue of a 30 x 30 matrix", contestants)


if __name__ == "__main__":
    main()
