"""Tables 1 and 2 of Lezeau et al. (2024) as published, and the same experiment with fresh random matrices."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from polyhedra.matrix import Matrix
from polyhedra.scalars import rational_rows, to_float
from puiseux.studies.study import Plain, Trial, groups, rank_sum_deviation, verdict
from tropical.hoffman import hoffman_lower, hoffman_over, hoffman_upper


class Published(NamedTuple):
    """One part of table 2: the sizes, and the eight samples with their bounds."""

    numerator: int
    denominator: int
    inputs: int
    lower: tuple[float, ...]
    exact: tuple[float, ...]
    upper: tuple[float, ...]


TABLE_2 = {
    "a": Published(
        2, 3, 6,
        (0.239, 0.153, 0.209, 0.316, 0.366, 0.361, 0.374, 0.399),
        (0.555, 0.621, 0.594, 1.105, 1.142, 0.649, 0.778, 1.876),
        (1.033, 0.906, 0.899, 1.966, 1.784, 1.183, 1.448, 2.728),
    ),
    "b": Published(
        3, 4, 9,
        (0.214, 0.271, 0.237, 0.222, 0.323, 0.145, 0.159, 0.371),
        (0.970, 0.901, 1.045, 0.555, 1.023, 1.402, 0.530, 0.843),
        (1.426, 1.437, 2.129, 1.058, 2.328, 2.607, 1.208, 1.748),
    ),
    "c": Published(
        5, 4, 8,
        (0.287, 0.180, 0.186, 0.243, 0.329, 0.304, 0.246, 0.177),
        (1.870, 1.219, 2.158, 1.287, 1.156, 1.075, 1.855, 2.138),
        (3.970, 3.098, 4.973, 3.727, 10.342, 1.960, 6.269, 5.535),
    ),
    "d": Published(
        7, 3, 12,
        (0.194, 0.229, 0.246, 0.194, 0.190, 0.216, 0.199, 0.231),
        (1.079, 0.768, 0.932, 0.797, 0.895, 0.826, 0.672, 0.985),
        (3.280, 1.679, 2.711, 4.417, 6.425, 2.642, 2.359, 2.016),
    ),
}  # fmt: skip
"""Table 2.  The sizes are those of the authors' later public code, which fit the published values."""

TABLE_1_ITERATIONS = (
    (94, 86, 67, 83, 99, 86, 75, 83),
    (2437, 1110, 1731, 1441, 1432, 1706, 1741, 1095),
    (2, 607, 525, 80, 194, 355, 78, 19),
)
"""Table 1: iterations of the algorithm of Pena, Vera and Zuluaga on eight matrices of three kinds."""

ENTRIES = ("normal", "uniform")
"""N(0, 2/n), which fits the published values, and uniform on [0, 1], which the paper's text and later code say."""

FARTHEST = 2.5
"""The largest deviation of the rank sum, in standard deviations, that passes as chance."""


def cases(full: bool) -> list[Plain]:
    """As many matrices of each size and distribution as published; three times as many in the full form."""
    return [
        {"kind": "table 2", "part": part, "entries": entries, "trial": k}
        for part, entries, k in product(TABLE_2, ENTRIES, range(24 if full else 8))
    ]


def trial(parameters: Plain, rng: np.random.Generator, samples: int) -> dict[str, Any]:
    """The constant of one random map, the largest over its cells, with both bounds and the number of programs."""
    sizes = TABLE_2[parameters["part"]]
    shapes = [(terms, sizes.inputs) for terms in (sizes.numerator, sizes.denominator)]
    if parameters["entries"] == "normal":
        exponents = [rng.normal(0.0, (2 / sizes.inputs) ** 0.5, shape) for shape in shapes]
    else:
        exponents = [rng.uniform(size=shape) for shape in shapes]
    matrices = cell_matrices(*(rational_rows(rows.tolist()) for rows in exponents))
    exact = hoffman_over(matrices)
    lower = max(hoffman_lower(matrix, n_samples=samples, rng=rng).value for matrix in matrices)
    upper = max(map(hoffman_upper, matrices))
    return {
        "exact": to_float(exact.value),
        "lower": to_float(lower),
        "upper": to_float(upper),
        "published upper": max(map(euclidean_bound, matrices)),
        "ordered": bool(lower <= exact.value <= upper),
        "programs": hoffman_over(matrices, method="pvz").programs,
    }


def cell_matrices(numerator: Matrix, denominator: Matrix) -> list[Matrix]:
    """For each pair of terms the rows ``e_j - e_i`` of the cell on which these two are largest.

    Every pair has a full-dimensional cell where the exponents are in general position and there are no more terms
    above and below together than inputs plus two, as in all parts of table 2.

    Examples
    --------
    >>> cell_matrices(rational_rows([[0], [2]]), rational_rows([[1]]))
    [((2,),), ((-2,),)]
    """
    return [
        tuple(
            tuple(a - b for a, b in zip(other, largest, strict=True))
            for terms, chosen in ((numerator, i), (denominator, j))
            for largest in (terms[chosen],)
            for k, other in enumerate(terms)
            if k != chosen
        )
        for i, j in product(range(len(numerator)), range(len(denominator)))
    ]


def euclidean_bound(matrix: Matrix) -> float:
    """The published upper bound, the largest 1/sigma_min over bases of rows: right for Euclidean norms only."""
    rows = np.array([[to_float(v) for v in row] for row in matrix])
    size = int(np.linalg.matrix_rank(rows))
    smallest = [
        np.linalg.svd(rows[list(basis)], compute_uv=False)[-1] for basis in combinations(range(len(rows)), size)
    ]
    return float(max(1 / s for s in smallest if s > 1e-9))


def label_of(parameters: Plain) -> str:
    """The part of the table, its sizes and the distribution.

    Examples
    --------
    >>> label_of({"part": "a", "entries": "normal"})
    'table 2 (a): 2 + 3 monomials, n = 6, normal'
    """
    m, k, n = TABLE_2[parameters["part"]][:3]
    return f"table 2 ({parameters['part']}): {m} + {k} monomials, n = {n}, {parameters['entries']}"


def agrees(trials: Sequence[Trial], part: str) -> bool | None:
    """Whether the constants and the published ones differ by no more than chance; None for fewer than eight."""
    exact = [t["exact"] for t in trials]
    published = TABLE_2[part].exact
    return abs(rank_sum_deviation(exact, published)) <= FARTHEST if len(exact) >= len(published) else None


def remarks(trials: Sequence[Trial]) -> list[str]:
    """The claims of the published tables as they stand, and the fresh matrices beside them."""
    found = []
    ordered = sum(a <= b <= c for p in TABLE_2.values() for a, b, c in zip(p.lower, p.exact, p.upper, strict=True))
    count = sum(len(p.exact) for p in TABLE_2.values())
    found.append(
        f"Table 2 has four parts of eight samples; lower <= exact <= upper in {ordered} of its {count}. For each part: "
        "the published median beside the median here, confirmed where the rank sums of both samples differ by at most "
        f"{FARTHEST:g} standard deviations."
    )
    iterations = "; ".join(f"{min(row):,} to {max(row):,}, median {median(row):,g}" for row in TABLE_1_ITERATIONS)
    here = [
        f"({part}) {min(n):,} to {max(n):,}, median {median(n):,g}"
        for (part,), own in groups([t for t in trials if t["entries"] == "normal"], "part").items()
        for n in ([t["programs"] for t in own],)
    ]
    if here:
        found.append(
            f"Table 1, iterations of the algorithm of Pena, Vera and Zuluaga: {iterations}. Linear programs here, over "
            f"all cells of a map of table 2: {'; '.join(here)}. The matrices of table 1 are others: not tested."
        )
    return found


def published_of(trials: Sequence[Trial]) -> tuple[float, str]:
    """The published median of a part, and how it fares."""
    part = trials[0]["part"]
    return median(TABLE_2[part].exact), verdict(agrees(trials, part))
