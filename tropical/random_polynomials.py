"""Random polynomials and rational functions, reproducible from a seed."""

from __future__ import annotations

import math

import numpy as np

from polyhedra.errors import AlgebraError
from polyhedra.plurals import counted
from tropical.polynomial import PuiseuxPolynomial
from tropical.rational import PuiseuxRational

MAX_SUPPORT = 1_000_000
"""How many terms a random polynomial has at most."""


def random_polynomial(
    dim: int,
    terms: int | None = None,
    *,
    degree: int = 3,
    spread: int = 10,
    denominator: int = 1,
    rng: int | np.random.Generator | None = None,
) -> PuiseuxPolynomial:
    """A polynomial with random integer coefficients on a random set of exponents of bounded degree.

    Parameters
    ----------
    dim : int
        The number of variables.
    terms : int, optional
        How many of the exponents have a term, chosen at random; all of them by default.
    degree : int
        The exponents are the vectors of non-negative integers whose sum is at most this.
    spread : int
        The coefficients are drawn from -spread, .., spread.
    denominator : int
        By which exponents and coefficients are divided.
    rng : int or numpy Generator, optional
        A seed, which always gives the same polynomial, or the generator to draw from.

    Raises
    ------
    AlgebraError
        No variables, a negative number, more terms than exponents, or more than `MAX_SUPPORT` terms.

    Examples
    --------
    >>> print(random_polynomial(2, 4, rng=0))
    max(2x1 + 3, x1 + x2 + 7, x1 - 7, 2x2 - 10)
    >>> random_polynomial(2, 4, rng=0) == random_polynomial(2, 4, rng=0)
    True
    """
    if dim < 1 or degree < 0 or spread < 0 or denominator < 1:
        raise AlgebraError(
            "a random polynomial needs dim and denominator at least 1, degree and spread at least 0, not "
            f"{dim}, {denominator}, {degree} and {spread}"
        )
    support = math.comb(dim + degree, dim)
    count = support if terms is None else terms
    if not 1 <= count <= min(support, MAX_SUPPORT):
        raise AlgebraError(
            f"{counted(count, 'term')} of degree at most {degree} in {counted(dim, 'variable')} cannot be drawn: "
            f"give at least 1 and at most {min(support, MAX_SUPPORT):,}"
        )
    generator = np.random.default_rng(rng)
    chosen = _positions(support, count, generator)
    coefficients = generator.integers(-spread, spread + 1, size=count).tolist()
    rows = [(*_exponent(place, dim, degree), c) for place, c in zip(chosen, coefficients, strict=True)]
    return PuiseuxPolynomial.of_rows(rows, denominator, denominator, dim)


def random_rational(
    dim: int,
    terms: int | None = None,
    *,
    degree: int = 3,
    spread: int = 10,
    denominator: int = 1,
    rng: int | np.random.Generator | None = None,
) -> PuiseuxRational:
    """A difference of two polynomials, each as from `random_polynomial`, whose parameters these are.

    Examples
    --------
    >>> print(random_rational(1, 2, rng=1))
    max(2x1 - 10, x1 + 9) - max(3x1 - 4, -5)
    """
    generator = np.random.default_rng(rng)
    numerator, divisor = (
        random_polynomial(dim, terms, degree=degree, spread=spread, denominator=denominator, rng=generator)
        for _ in range(2)
    )
    return PuiseuxRational(numerator, divisor)


def _positions(support: int, count: int, generator: np.random.Generator) -> list[int]:
    """Different numbers below ``support``, which may exceed the range of machine integers."""
    if support <= MAX_SUPPORT:
        return sorted(generator.choice(support, size=count, replace=False).tolist())
    found: set[int] = set()
    while len(found) < count:
        found.add(int.from_bytes(generator.bytes((support.bit_length() + 15) // 8), "big") % support)
    return sorted(found)


def _exponent(place: int, dim: int, degree: int) -> list[int]:
    """The exponent number ``place`` among those of at most this degree, in lexicographic order."""
    exponent = []
    for left in range(dim - 1, -1, -1):
        value = 0
        # how many exponents have this value here: those of the other variables with what is left of the degree
        while place >= (block := math.comb(left + degree - value, left)):
            place -= block
            value += 1
        exponent.append(value)
        degree -= value
    return exponent


__all__ = ["MAX_SUPPORT", "random_polynomial", "random_rational"]
