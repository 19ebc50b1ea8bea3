"""Large exact linear systems solved in short steps, so that a limit can end them: p-adic lifting.

The solution is found modulo a prime and lifted to higher powers of it, one digit a step, until a bound on its size says
that the digits determine it (Dixon 1982).  A library call would be about as fast, but nothing could end it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import gcd

from flint import fmpq, fmpz, fmpz_mat, nmod_mat

from polyhedra.limits import check_limits

AT_ONCE = 100
"""Systems of at most so many rows are solved by one library call: a tenth of a second."""

FIRST_PRIME = 2**61 - 1


def primes() -> Iterator[int]:
    """Primes from `FIRST_PRIME` on, which fit a machine word."""
    prime = fmpz(FIRST_PRIME)
    while True:
        yield int(prime)
        prime += 2
        while not prime.is_prime():
            prime += 2


class Solver:
    """An invertible square integer matrix, to be solved for several right-hand sides.

    Examples
    --------
    >>> Solver(fmpz_mat([[1, 2], [0, 4]])).solve([1, 1])
    [1/2, 1/4]
    """

    def __init__(self, matrix: fmpz_mat, at_once: int = AT_ONCE) -> None:
        self._matrix, self._size = matrix, matrix.nrows()
        self._in_steps = self._size > at_once
        if not self._in_steps:
            return
        for prime in primes():
            check_limits()
            try:
                self._inverse = nmod_mat(matrix, prime).inv()
            except ZeroDivisionError:
                continue
            self._prime = prime
            break
        # Hadamard: the product of the lengths of the rows (or columns) bounds the determinant and every cofactor
        self._bits = min(_hadamard(matrix), _hadamard(matrix.transpose()))

    def solve(self, right: Sequence[int | fmpz]) -> list[fmpq]:
        """The solution for one right-hand side.

        Raises
        ------
        OutOfTime
            A limit was reached (see `polyhedra.limits`).
        """
        if not self._in_steps:
            check_limits()
            found = self._matrix.solve(fmpz_mat([[v] for v in right]))
            return [found[i, 0] for i in range(self._size)]
        prime = self._prime
        # Cramer: the denominator is a determinant, the numerators are combinations of cofactors
        enough = 2 * self._bits + _bits(sum((abs(fmpz(v)) for v in right), fmpz(1))) + 3
        residue = fmpz_mat([[v] for v in right])
        digits = [fmpz(0)] * self._size
        power = fmpz(1)
        while _bits(power) <= enough:
            check_limits()
            step = [int(v) for v in (self._inverse * nmod_mat(residue, prime)).entries()]
            moved = residue - self._matrix * fmpz_mat([[v] for v in step])
            residue = fmpz_mat([[v // prime] for v in moved.entries()])
            digits = [d + power * v for d, v in zip(digits, step, strict=True)]
            power *= prime
        return _rationals(digits, power, fmpz(1) << self._bits)


def _rationals(digits: Sequence[fmpz], modulus: fmpz, largest: fmpz) -> list[fmpq]:
    """The rationals with these residues whose common denominator is at most ``largest``."""
    denominator = fmpz(1)
    numerators: list[fmpz] = []
    for digit in digits:
        check_limits()
        value = digit * denominator % modulus
        if value > modulus // 2:
            value -= modulus
        if abs(value) * largest * 2 > modulus:  # the denominator known so far is not that of this entry
            factor = _denominator(digit * denominator % modulus, modulus, largest)
            numerators = [v * factor for v in numerators]
            denominator *= factor
            value = digit * denominator % modulus
            if value > modulus // 2:
                value -= modulus
        numerators.append(value)
    return [fmpq(v, denominator) for v in numerators]


def _denominator(residue: fmpz, modulus: fmpz, largest: fmpz) -> fmpz:
    """The denominator of the fraction with a residue: by Euclid's algorithm, ended half-way."""
    bound = modulus // (2 * largest)
    r0, r1 = int(modulus), int(residue)
    t0, t1 = 0, 1
    while r1 > bound:
        quotient = r0 // r1
        r0, r1 = r1, r0 - quotient * r1
        t0, t1 = t1, t0 - quotient * t1
    common = gcd(r1, t1)
    return fmpz(abs(t1) // common)


def _hadamard(matrix: fmpz_mat) -> int:
    """Bits of the product of the lengths of the rows, at least."""
    return sum(_bits(sum((v * v for v in row), fmpz(0))) // 2 + 1 for row in matrix.table())


def _bits(value: fmpz) -> int:
    return int(value.bit_length())
