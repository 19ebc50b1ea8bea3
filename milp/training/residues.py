"""Determinants and null spaces of many small matrices modulo a prime, in float64 arrays.

All values are integers below the prime p, and N p^2 < 2^52 for N samples: sums of N products are exact, and the error
of the quotient by p is below 1/p, so that each remainder is exact too.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from polyhedra.arrays import Floats


class PrimeField:
    """Arithmetic modulo one prime.

    Parameters
    ----------
    samples : int
        N: how many products are added at most.
    below : int, optional
        Take the largest prime below this number (and below the bound of float64).

    Attributes
    ----------
    prime : int
    """

    def __init__(self, samples: int, below: int | None = None) -> None:
        most = math.isqrt(2**51 // max(samples, 4))
        self.prime = largest_prime_below(most if below is None else min(below, most))
        self._inverse = 1.0 / self.prime

    def reduce(self, values: Floats) -> Floats:
        """The remainders in [0, p) of integers of absolute value below 2^52; in place."""
        values -= np.floor(values * self._inverse) * self.prime
        values -= self.prime * (values >= self.prime)
        return values

    def of_integers(self, values: object) -> Floats:
        """The residues of an array of integers of any size."""
        return np.asarray(np.asarray(values, dtype=object) % self.prime, dtype=np.float64)

    def determinants(self, matrices: Floats) -> Floats:
        """The determinants (modulo p) of an array of shape (.., k, k), up to a factor that is not zero; k >= 1."""
        size = matrices.shape[-1]
        if size == 1:
            return np.array(matrices[..., 0, 0])
        if size == 2:
            return self.reduce(matrices[..., 0, 0] * matrices[..., 1, 1] - matrices[..., 0, 1] * matrices[..., 1, 0])
        if size == 3:
            a, b = matrices[..., 0, :], matrices[..., 1, :]
            total = np.zeros(matrices.shape[:-2])
            for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
                total += self.reduce(a[..., i] * b[..., j] - a[..., j] * b[..., i]) * matrices[..., 2, k]
            return self.reduce(total)
        return self._by_elimination(matrices)

    def _by_elimination(self, matrices: Floats) -> Floats:
        """By steps ``row_i = pivot row_i - a_i row_0``, which multiply the determinant by pivots that are not zero."""
        work = matrices.reshape(-1, *matrices.shape[-2:])
        size = work.shape[-1]
        regular = np.ones(len(work), dtype=bool)
        while size > 2:
            pivots = np.argmax(work[:, :, 0] != 0, axis=1)
            rows = np.arange(len(work))
            first = work[rows, pivots]
            regular &= first[:, 0] != 0
            others = np.array(work[:, 1:])
            moved = pivots > 0
            others[rows[moved], pivots[moved] - 1] = work[moved, 0]
            work = self.reduce(first[:, None, :1] * others[:, :, 1:] - others[:, :, :1] * first[:, None, 1:])
            size -= 1
        last = self.determinants(work)
        return np.where(regular, last, 0.0).reshape(matrices.shape[:-2])

    def left_kernels(self, matrices: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """For matrices (B, N, r), r < N: rows (B, N - r, N) that multiply them to zero, and which have full rank r.

        Where the rank is full the rows are a basis of the left kernel modulo p; elsewhere they mean nothing.
        """
        count, samples, width = matrices.shape
        work = np.concatenate([matrices, np.broadcast_to(np.eye(samples), (count, samples, samples))], axis=2)
        regular = np.ones(count, dtype=bool)
        rows = np.arange(count)
        for _ in range(width):
            pivots = np.argmax(work[:, :, 0] != 0, axis=1)
            first = work[rows, pivots]
            regular &= first[:, 0] != 0
            others = np.array(work[:, 1:])
            moved = pivots > 0
            others[rows[moved], pivots[moved] - 1] = work[moved, 0]
            work = self.reduce(first[:, None, :1] * others[:, :, 1:] - others[:, :, :1] * first[:, None, 1:])
        return work, regular


def largest_prime_below(most: int) -> int:
    """The largest prime below a number above 2, by trial division."""
    candidate = most - 1
    while any(candidate % divisor == 0 for divisor in range(2, math.isqrt(candidate) + 1)):
        candidate -= 1
    return candidate
