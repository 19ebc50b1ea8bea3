"""Max-plus matrices as integer arrays: the arithmetic behind large Kleene stars, cycle means and assignments.

A matrix of rationals and minus infinity is held as integers over one common denominator.  Minus infinity is a number so
low that sums with it stay below every finite value: where finite values are at least -B, and values that are added to
minus infinity at most B, it is -3 B, and whatever is below -B counts as minus infinity.  The array is int64 where 6 B
fits, and of Python integers otherwise, so the results are exact in both cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from polyhedra.scalars import common_denominator
from tropical._policy_iteration import largest_ratio
from tropical._two_limbs import LARGEST, star
from tropical.semiring import MINUS_INFINITY, Scalar, is_finite

_HOWARD = 40  # vertices of a component from which on policy iteration is faster


class IntegerArray(NamedTuple):
    """Numerators (int64 or object, -3 B for minus infinity), their common denominator, and B."""

    values: NDArray[Any]
    denominator: int
    bound: int

    def scalars(self) -> list[list[Scalar]]:
        """The rows as numbers of the semiring."""
        d, lowest = self.denominator, -self.bound
        return [[fmpq(v, d) if v >= lowest else MINUS_INFINITY for v in row] for row in self.values.tolist()]


def integer_array(rows: Sequence[Sequence[Scalar]], length: int) -> IntegerArray:
    """The integer array of a matrix, wide enough for sums of ``length`` entries."""
    finite_entries = [v for row in rows for v in row if is_finite(v)]
    d = common_denominator(finite_entries)
    numerators = [[int(v.p) * (d // int(v.q)) if is_finite(v) else None for v in row] for row in rows]
    largest = max((abs(v) for row in numerators for v in row if v is not None), default=0)
    bound = length * largest + 1
    low = -3 * bound
    kind: Any = np.int64 if 6 * bound < 2**63 else object
    values = np.array([[low if v is None else v for v in row] for row in numerators], dtype=kind)
    return IntegerArray(values, d, bound)


def floyd_warshall(array: IntegerArray) -> int | None:
    """Replace the values by the Kleene star; return the first vertex on a positive cycle, if there is one.

    The array must be wide enough for n entries: without positive cycles the best walks are paths, so finite values stay
    within B; the step that closes a positive cycle joins two paths, which is at most 2 B, and is the last one.
    """
    values, bound = array.values, array.bound
    if values.dtype == object and bound <= LARGEST:
        return star(values, bound)
    n = len(values)
    places = np.arange(n)
    values[places, places] = np.maximum(values[places, places], 0)
    for k in range(n):
        through = values[:, k, np.newaxis] + values[np.newaxis, k]
        np.maximum(values, through, out=values)
        values[values < -bound] = -3 * bound
        positive = values[places, places] > 0
        if positive.any():
            return int(np.flatnonzero(positive)[0])
    return None


def cycle_mean(array: IntegerArray) -> Scalar:
    """The largest cycle mean of a strongly connected matrix, minus infinity where it has no edge.

    Karp's formula takes n^3 steps whatever the matrix, Howard's algorithm fewer in practice, but with a start of its
    own.  The array must be wide enough for n entries.
    """
    n = len(array.values)
    if n < _HOWARD:
        return karp_cycle_mean(array)
    edges = array.values >= -array.bound
    found = largest_ratio(array.values, edges, np.ones((n, n), dtype=np.int64))
    return fmpq(found.p, found.q * array.denominator)


def karp_cycle_mean(array: IntegerArray) -> Scalar:
    """The largest cycle mean by max_v min_k (D_n(v) - D_k(v)) / (n - k) (Karp 1978); as `cycle_mean`."""
    values, d, bound = array
    low, n = -3 * bound, len(array.values)
    walks = np.full((n + 1, n), low, dtype=values.dtype)
    walks[0, 0] = 0
    for k in range(n):
        longer = (values + walks[k]).max(axis=1)
        longer[longer < -bound] = low
        walks[k + 1] = longer
    best: Scalar = MINUS_INFINITY
    table = walks.T.tolist()
    for column in table:
        if column[n] < -bound:
            continue
        mean = min(fmpq(column[n] - w, (n - k) * d) for k, w in enumerate(column[:n]) if w >= -bound)
        if not is_finite(best) or mean > best:
            best = mean
    return best


def row_potentials(array: IntegerArray, permutation: Sequence[int]) -> NDArray[Any] | None:
    """Potentials r that prove that a permutation s is an optimal assignment, or None where it is not.

    ``r_i - r_k >= a[i, s(k)] - a[k, s(k)]`` for all i and k: with the column potentials ``a[k, s(k)] - r_k`` they bound
    every entry, tightly on the assignment.  They are longest paths (Bellman and Ford); a cycle of positive weight is an
    exchange that improves the assignment.  The array must be wide enough for 2 n + 4 entries.
    """
    chosen = array.values[:, list(permutation)]
    matched = chosen.diagonal()
    if (matched < -array.bound).any():
        return None
    exchange = chosen - matched[np.newaxis]
    potentials = np.zeros_like(matched)
    for _ in range(len(matched) + 1):
        longer = np.maximum(potentials, (exchange + potentials[np.newaxis]).max(axis=1))
        if (longer == potentials).all():
            return potentials
        potentials = longer
    return None
