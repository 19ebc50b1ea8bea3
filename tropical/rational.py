"""`PuiseuxRational`: a difference ``f - g`` of two tropical polynomials, the form of every ReLU network's output.

Tropically this is the quotient ``f / g``.  Powers are termwise for r >= 0, a negative power swaps numerator and
denominator.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from polyhedra.errors import AlgebraError
from polyhedra.plurals import counted
from polyhedra.quoting import quoted, shown
from tropical.operands import common_names, is_list_of_points, is_number
from tropical.polynomial import Exponent, PuiseuxPolynomial
from tropical.semiring import MINUS_INFINITY, Scalar, finite, is_finite


@dataclass(frozen=True, slots=True, init=False, repr=False)
class PuiseuxRational:
    """The function ``numerator - denominator``, immutable and hashable.

    Parameters
    ----------
    numerator : PuiseuxPolynomial
    denominator : PuiseuxPolynomial, optional
        The constant 0 by default.

    Raises
    ------
    AlgebraError
        Different numbers of variables, or a denominator without terms (a division by the tropical zero).

    Examples
    --------
    >>> x, = PuiseuxPolynomial.variables(1)
    >>> one = PuiseuxPolynomial.constant(1, 1)
    >>> print(PuiseuxRational(x + one, x ** 2), "|", PuiseuxRational(x + one) ** -1)
    max(x1, 1) - (2x1) | 0 - max(x1, 1)
    """

    numerator: PuiseuxPolynomial
    denominator: PuiseuxPolynomial

    def __init__(self, numerator: PuiseuxPolynomial, denominator: PuiseuxPolynomial | None = None) -> None:
        for part in (numerator, denominator):
            if part is not None and not isinstance(part, PuiseuxPolynomial):
                raise AlgebraError(
                    f"numerator and denominator are polynomials, not {shown(part)}; tropical.parse reads a formula"
                )
        if denominator is None:
            denominator = PuiseuxPolynomial.constant(0, numerator.dim)
        if numerator.dim != denominator.dim:
            raise AlgebraError(
                f"the numerator has {counted(numerator.dim, 'variable')}, the denominator {denominator.dim}; "
                "embed the smaller one"
            )
        if denominator.is_zero:
            raise AlgebraError("division by the tropical zero: the denominator has no terms")
        object.__setattr__(self, "numerator", numerator)
        object.__setattr__(self, "denominator", denominator)

    # ---------------------------------------------------------------- construction and reading

    @classmethod
    def constant(cls, value: Any, dim: int) -> PuiseuxRational:
        """A constant function."""
        return cls(PuiseuxPolynomial.constant(value, dim))

    @classmethod
    def affine(cls, exponent: Sequence[Any], coefficient: Any = 0) -> PuiseuxRational:
        """One affine function ``a . x + c``."""
        return cls(PuiseuxPolynomial.monomial(exponent, coefficient))

    @classmethod
    def variables(cls, dim: int) -> tuple[PuiseuxRational, ...]:
        """The coordinates as rational functions."""
        return tuple(map(cls, PuiseuxPolynomial.variables(dim)))

    @property
    def dim(self) -> int:
        """The number of variables."""
        return self.numerator.dim

    @property
    def is_zero(self) -> bool:
        """Whether the function is minus infinity everywhere (a numerator without terms)."""
        return self.numerator.is_zero

    @property
    def denominator_is_one(self) -> bool:
        """Whether the denominator is the constant 0, the tropical one."""
        return self.denominator == PuiseuxPolynomial.constant(0, self.dim)

    def __str__(self) -> str:
        from tropical.printing import rational_text

        return rational_text(self, common_names(self.numerator, self.denominator))

    def __repr__(self) -> str:
        text = str(self)
        sizes = f"{len(self.numerator)} and {counted(len(self.denominator), 'term')}"
        return f"PuiseuxRational({text if len(text) <= 200 else text[:180] + '... ' + sizes!r}, dim={self.dim})"

    def _repr_latex_(self) -> str:
        from tropical.printing import rational_latex

        return f"${rational_latex(self, common_names(self.numerator, self.denominator))}$"

    # ---------------------------------------------------------------- algebra

    def _factor(self, other: Any) -> PuiseuxRational | None:
        """The other factor; a polynomial stands for itself, a number for a constant, None for anything else."""
        if isinstance(other, PuiseuxRational):
            return other
        known = isinstance(other, PuiseuxPolynomial) or is_number(other)
        return _as_function(other, self.dim) if known else None

    def __add__(self, other: PuiseuxRational) -> PuiseuxRational:
        """The tropical sum: the maximum of the two functions."""
        if not isinstance(other, PuiseuxRational):
            return NotImplemented
        if self.denominator == other.denominator:
            return PuiseuxRational(self.numerator + other.numerator, self.denominator)
        top = self.numerator * other.denominator + other.numerator * self.denominator
        return PuiseuxRational(top, self.denominator * other.denominator)

    def __mul__(self, other: Any) -> PuiseuxRational:
        """The tropical product: the sum of the two functions."""
        other = self._factor(other)
        if other is None:
            return NotImplemented
        return PuiseuxRational(self.numerator * other.numerator, self.denominator * other.denominator)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> PuiseuxRational:
        """The tropical quotient: the difference of the two functions."""
        other = self._factor(other)
        if other is None:
            return NotImplemented
        if other.is_zero:
            raise AlgebraError("division by the tropical zero: the divisor has no terms")
        return PuiseuxRational(self.numerator * other.denominator, self.denominator * other.numerator)

    def __pow__(self, power: Any) -> PuiseuxRational:
        """The function times a rational number; a negative one swaps numerator and denominator."""
        r = finite(power, "power")
        if r >= 0:
            return PuiseuxRational(self.numerator**r, self.denominator**r)
        if self.is_zero:
            raise AlgebraError(f"the tropical zero has no power {r}")
        return PuiseuxRational(self.denominator**-r, self.numerator**-r)

    def compose(self, inner: Sequence[Any]) -> PuiseuxRational:
        """The function ``self(g_1, ..., g_n)`` for rational functions g_i in common variables.

        A polynomial stands for itself, a number for a constant (numbers alone: in 0 variables).

        Raises
        ------
        AlgebraError
            Not one function per variable, or one of them is the tropical zero.
        """
        if len(inner) != self.dim:
            raise AlgebraError(f"{counted(len(inner), 'function')} cannot replace {counted(self.dim, 'variable')}")
        if not inner:
            return self
        dim = next((g.dim for g in inner if isinstance(g, PuiseuxPolynomial | PuiseuxRational)), 0)
        inner = [_as_function(g, dim) for g in inner]
        if any(g.is_zero for g in inner):
            raise AlgebraError("the tropical zero (-inf) cannot be put in for a variable")
        return _compose(self.numerator, inner) / _compose(self.denominator, inner)

    # ---------------------------------------------------------------- evaluation

    def __call__(self, x: Iterable[Any]) -> Scalar:
        """The exact value at a point (floats stand for their exact values); a tuple of them for a list of points.

        Raises
        ------
        AlgebraError
            No point, or a coordinate is minus infinity and the function has no value there.
        """
        try:
            point = [x] if self.dim == 1 and not isinstance(x, Iterable) else list(x)
        except TypeError:
            raise AlgebraError(f"{quoted(x)} is no point: give {counted(self.dim, 'number')}") from None
        if is_list_of_points(point):
            return tuple(map(self, point))  # type: ignore[return-value]
        top, bottom = self.numerator(point), self.denominator(point)
        if not is_finite(bottom):
            raise AlgebraError("the denominator is minus infinity at this point, where the function has no value")
        return top - bottom if is_finite(top) else MINUS_INFINITY

    def evaluate_float(self, points: Any) -> NDArray[np.float64]:
        """Values at many points in float64: shape (N, dim) in, (N,) out.  For pictures and sampling, not for proofs."""
        with np.errstate(invalid="ignore"):  # a value out of range is infinite or NaN
            return np.asarray(self.numerator.evaluate_float(points) - self.denominator.evaluate_float(points))

    # ---------------------------------------------------------------- equality as functions

    def same_function(self, other: PuiseuxRational) -> bool:
        """Whether both are the same function on R^n, decided exactly."""
        return self.point_of_difference(other) is None

    def point_of_difference(self, other: PuiseuxRational) -> Exponent | None:
        """A rational point at which the two functions differ, or None where they are equal everywhere."""
        from tropical.equality import rational_point_of_difference

        return rational_point_of_difference(self, other)

    def pruned(self) -> PuiseuxRational:
        """The same function with every redundant term of numerator and denominator removed."""
        from tropical.pruning import prune

        return PuiseuxRational(prune(self.numerator), prune(self.denominator))


def _as_function(value: Any, dim: int) -> PuiseuxRational:
    if isinstance(value, PuiseuxRational):
        return value
    return PuiseuxRational(value if isinstance(value, PuiseuxPolynomial) else PuiseuxPolynomial.constant(value, dim))


def _compose(outer: PuiseuxPolynomial, inner: Sequence[PuiseuxRational]) -> PuiseuxRational:
    """Over the smallest common denominator that works for all terms: one positive and one negative part a variable."""
    dim = inner[0].dim
    above = [max((a[i] for a in outer.exponents), default=fmpq(0)) for i in range(outer.dim)]
    below = [max((-a[i] for a in outer.exponents), default=fmpq(0)) for i in range(outer.dim)]
    above, below = [max(v, fmpq(0)) for v in above], [max(v, fmpq(0)) for v in below]

    def product(powers: Iterable[tuple[PuiseuxPolynomial, fmpq]]) -> PuiseuxPolynomial:
        result = PuiseuxPolynomial.constant(0, dim)
        for base, power in powers:
            if power:
                result = result * base**power
        return result

    denominator = product(
        pair for g, p, m in zip(inner, above, below, strict=True) for pair in ((g.denominator, p), (g.numerator, m))
    )
    numerator = PuiseuxPolynomial.zero(dim)
    for exponent, coefficient in outer.terms:
        powers = []
        for a, g, p, m in zip(exponent, inner, above, below, strict=True):
            powers += [(g.numerator, a + m), (g.denominator, p - a)]
        numerator = numerator + product(powers).shift((0,) * dim, coefficient)
    return PuiseuxRational(numerator, denominator)


__all__ = ["PuiseuxRational"]
