"""The max-plus semiring: tropical addition is the maximum, tropical multiplication is the ordinary sum.

This is the one place that fixes the convention.  The tropical zero (neutral for the maximum, absorbing for the sum) is
minus infinity, the tropical one is the number 0.  A min-plus reader converts at the border: negate the coefficients on
the way in, negate the values on the way out (`tropical.min_plus`).

Numbers are exact rationals; minus infinity is the value `MINUS_INFINITY`.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeGuard

from flint import fmpq

from polyhedra.errors import AlgebraError, GeometryError
from polyhedra.scalars import ZERO, rational, to_float


class MinusInfinity:
    """The tropical zero: below every rational number, absorbing under addition.  Use the value `MINUS_INFINITY`."""

    __slots__ = ()
    _instance: MinusInfinity | None = None

    def __new__(cls) -> MinusInfinity:
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __reduce__(self) -> tuple[type[MinusInfinity], tuple[()]]:
        return MinusInfinity, ()

    def __repr__(self) -> str:
        return "-inf"

    def __float__(self) -> float:
        return float("-inf")

    def __hash__(self) -> int:
        return hash(float("-inf"))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MinusInfinity) or (isinstance(other, float) and other == float("-inf"))

    def __lt__(self, other: object) -> bool:
        return self != other

    def __le__(self, other: object) -> bool:
        return True

    def __gt__(self, other: object) -> bool:
        return False

    def __ge__(self, other: object) -> bool:
        return self == other

    def __add__(self, other: object) -> MinusInfinity:
        return self

    __radd__ = __add__


MINUS_INFINITY = MinusInfinity()
"""The tropical zero."""

Scalar = fmpq | MinusInfinity
"""A number of the max-plus semiring."""


def is_finite(value: Scalar) -> TypeGuard[fmpq]:
    """Whether a tropical number is a rational, not minus infinity."""
    return not isinstance(value, MinusInfinity)


def is_minus_infinity(value: Any) -> bool:
    """Whether a value stands for the tropical zero: ``MINUS_INFINITY``, ``-inf`` or ``"-inf"``."""
    if isinstance(value, Tropical):
        value = value.value
    if isinstance(value, str):
        return value.strip() == "-inf"
    return isinstance(value, MinusInfinity) or (isinstance(value, float) and value == float("-inf"))


def scalar(value: Any) -> Scalar:
    """Convert to a number of the semiring: a rational, or minus infinity (``MINUS_INFINITY``, ``-inf`` or ``"-inf"``).

    Raises
    ------
    AlgebraError
        The value is NaN, plus infinity, or no number.
    """
    if is_minus_infinity(value):
        return MINUS_INFINITY
    if isinstance(value, Tropical):
        return value.value
    try:
        return rational(value)
    except GeometryError as error:
        raise AlgebraError(f"not a max-plus number: {error}") from None


def finite(value: Any, what: str = "number") -> fmpq:
    """Convert to a rational; anything else is refused by name.

    Raises
    ------
    AlgebraError
        The value is infinite, NaN, or no number.
    """
    if isinstance(value, Tropical):
        value = value.value
    if isinstance(value, MinusInfinity):
        raise AlgebraError(f"{what}: minus infinity is not finite")
    try:
        return rational(value)
    except GeometryError as error:
        raise AlgebraError(f"{what}: {error}") from None


def tropical_sum(values: Iterable[Scalar]) -> Scalar:
    """The maximum (minus infinity of no values)."""
    best: Scalar = MINUS_INFINITY
    for value in values:
        if is_finite(value) and (not is_finite(best) or value > best):
            best = value
    return best


def tropical_product(values: Iterable[Scalar]) -> Scalar:
    """The ordinary sum (0 of no values, minus infinity as soon as one of them is)."""
    total: fmpq = ZERO
    for value in values:
        if not is_finite(value):
            return MINUS_INFINITY
        total = total + value
    return total


@dataclass(frozen=True, slots=True, eq=False)
class Tropical:
    """A number with tropical operators: ``+`` is the maximum, ``*`` the sum, ``/`` the difference, ``**`` a multiple.

    The other operand may be an ordinary number, which stands for the tropical number with that value.  ``sum(values)``
    starts with the number 0, not with minus infinity, so it is refused where that would change the result:
    ``sum(values, Tropical.zero())`` always works.

    Examples
    --------
    >>> Tropical.of(2) + Tropical.of(3), Tropical.of(2) * Tropical.of(3)
    (Tropical(3), Tropical(5))
    >>> Tropical.of(1) + 0, 2 * Tropical.of(1), 5 / Tropical.of(2), Tropical.of(1) < 3
    (Tropical(1), Tropical(3), Tropical(3), True)
    >>> sum([Tropical.of(1), Tropical.of(2)]), sum([Tropical.of(-1), Tropical.of(-2)], Tropical.zero())
    (Tropical(2), Tropical(-1))
    """

    value: Scalar

    @classmethod
    def of(cls, value: Any) -> Tropical:
        """The tropical number of an ordinary one (exact; ``-inf`` is the tropical zero)."""
        return cls(scalar(value))

    @classmethod
    def zero(cls) -> Tropical:
        """Minus infinity."""
        return cls(MINUS_INFINITY)

    @classmethod
    def one(cls) -> Tropical:
        """The number 0."""
        return cls(ZERO)

    def __repr__(self) -> str:
        return f"Tropical({self.value})"

    def __float__(self) -> float:
        return to_float(self.value) if is_finite(self.value) else float("-inf")

    def __add__(self, other: Any) -> Tropical:
        return Tropical(tropical_sum((self.value, scalar(other))))

    def __radd__(self, other: Any) -> Tropical:
        total = self + other
        if type(other) is int and other == 0 and total.value != self.value:
            raise AlgebraError(
                f"0 + {self} is 0, which sum() of negative numbers is not: write sum(values, Tropical.zero()), or "
                "Tropical.of(0) + .. for the maximum with 0"
            )
        return total

    def __mul__(self, other: Any) -> Tropical:
        return Tropical(tropical_product((self.value, scalar(other))))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Tropical:
        divisor = scalar(other)
        if not is_finite(divisor):
            raise AlgebraError("division by the tropical zero (-inf); divide by a finite number")
        return self * -divisor

    def __rtruediv__(self, other: Any) -> Tropical:
        return Tropical.of(other) / self

    def __pow__(self, exponent: Any) -> Tropical:
        power = finite(exponent, "exponent")
        if is_finite(self.value):
            return Tropical(power * self.value)
        if power == 0:
            return Tropical(ZERO)
        if power < 0:
            raise AlgebraError("the tropical zero (-inf) has no negative power")
        return self

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Tropical):
            return self.value == other.value
        if isinstance(other, MinusInfinity | fmpq | numbers.Real):
            try:
                return self.value == scalar(other)
            except AlgebraError:  # plus infinity or NaN
                return False
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.value)

    def __lt__(self, other: Any) -> bool:
        return bool(self.value < scalar(other))

    def __le__(self, other: Any) -> bool:
        return bool(self.value <= scalar(other))

    def __gt__(self, other: Any) -> bool:
        return bool(self.value > scalar(other))

    def __ge__(self, other: Any) -> bool:
        return bool(self.value >= scalar(other))
