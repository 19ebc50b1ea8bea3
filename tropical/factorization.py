"""Factorisation into linear factors: ``f = a.x + c + sum_i m_i max(u_i.x, r_i)``.

In one variable every polynomial factors so; the roots r_i are its kinks and the multiplicities m_i the jumps of the
slope.  In several variables a factorisation exists iff the walls of f are whole hyperplanes with one weight each (its
Newton polytope is then a zonotope); it is unique.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from flint import fmpq

from polyhedra.errors import AlgebraError
from tropical.polynomial import Exponent, PuiseuxPolynomial
from tropical.pruning import prune, pruned_product
from tropical.regions import common_refinement


@dataclass(frozen=True, slots=True)
class LinearFactor:
    """``multiplicity * max(direction.x, root)``, with a primitive integer direction."""

    direction: Exponent
    root: fmpq
    multiplicity: fmpq

    def polynomial(self) -> PuiseuxPolynomial:
        """The factor as a polynomial of two terms."""
        zero = (fmpq(0),) * len(self.direction)
        return PuiseuxPolynomial([(self.direction, 0), (zero, self.root)]) ** self.multiplicity


@dataclass(frozen=True, slots=True)
class LinearFactorization:
    """A product of linear factors times a monomial: ``exponent.x + coefficient + sum of the factors``."""

    exponent: Exponent
    coefficient: fmpq
    factors: tuple[LinearFactor, ...]

    @property
    def roots(self) -> tuple[tuple[fmpq, fmpq], ...]:
        """In one variable: the roots with their multiplicities, in increasing order."""
        if len(self.exponent) != 1:
            raise AlgebraError(f"in {len(self.exponent)} variables there are hyperplanes, not roots: see factors")
        return tuple((factor.root, factor.multiplicity) for factor in self.factors)

    def expand(self) -> PuiseuxPolynomial:
        """The product, pruned."""
        product = PuiseuxPolynomial.monomial(self.exponent, self.coefficient)
        for factor in self.factors:
            product = pruned_product(product, factor.polynomial())
        return product


def roots(polynomial: PuiseuxPolynomial) -> tuple[tuple[fmpq, fmpq], ...]:
    """The roots (kinks) of a polynomial in one variable with their multiplicities, in increasing order.

    Examples
    --------
    >>> roots(PuiseuxPolynomial({(0,): 1, (1,): 0, (2,): -5}))
    ((1, 1), (5, 1))
    """
    if polynomial.dim != 1:
        raise AlgebraError(f"roots belong to one variable; this polynomial has {polynomial.dim} (see hypersurface)")
    factored = factor_linear(polynomial)
    assert factored is not None
    return factored.roots


def factor_linear(polynomial: PuiseuxPolynomial) -> LinearFactorization | None:
    """The factorisation into linear factors, or None where there is none.

    Raises
    ------
    AlgebraError
        The tropical zero, which has no factorisation.

    Examples
    --------
    >>> x, y = PuiseuxPolynomial.variables(2)
    >>> factored = factor_linear((x + y) * (x + y) * (x + PuiseuxPolynomial.constant(3, 2)))
    >>> [(f.direction, f.root, f.multiplicity) for f in factored.factors]
    [((1, -1), 0, 2), ((1, 0), 3, 1)]
    >>> factor_linear(x + y + PuiseuxPolynomial.constant(0, 2)) is None
    True
    """
    if polynomial.is_zero:
        raise AlgebraError("the tropical zero has no factorisation")
    f = prune(polynomial)
    if f.dim == 1:
        return _univariate(f)
    refinement = common_refinement([f])
    weights: dict[tuple[int, ...], fmpq] = {}
    for cell in refinement.cells:
        here = f.terms[cell.terms[0]]
        for row, behind in cell.neighbours:
            assert behind is not None
            first = next(k for k, v in enumerate(row) if v)
            if row[first] < 0:
                continue
            there = f.terms[refinement.cells[behind].terms[0]]
            weight = (there[0][first] - here[0][first]) / row[first]
            if weights.setdefault(tuple(row), weight) != weight:
                return None
    factors = tuple(_factor(row, weight) for row, weight in sorted(weights.items()))
    trial = LinearFactorization((fmpq(0),) * f.dim, fmpq(0), factors)
    product = trial.expand()
    if len(product) != len(f):
        return None
    exponent = tuple(a - b for a, b in zip(f.terms[0][0], product.terms[0][0], strict=True))
    coefficient = f.terms[0][1] - product.terms[0][1]
    # both are sorted by exponent, so they differ by a monomial iff their first terms tell which
    if product.shift(exponent, coefficient) != f:
        return None
    return LinearFactorization(exponent, coefficient, factors)


def _factor(row: tuple[int, ...], weight: fmpq) -> LinearFactor:
    divisor = math.gcd(*row[:-1])
    return LinearFactor(tuple(fmpq(v // divisor) for v in row[:-1]), fmpq(row[-1], divisor), weight * divisor)


def _univariate(f: PuiseuxPolynomial) -> LinearFactorization:
    factors = []
    for ((a,), c), ((b,), d) in zip(f.terms, f.terms[1:], strict=False):
        factors.append(LinearFactor((fmpq(1),), (c - d) / (b - a), b - a))
    return LinearFactorization(f.terms[0][0], f.terms[-1][1], tuple(factors))


__all__ = ["LinearFactor", "LinearFactorization", "factor_linear", "roots"]
