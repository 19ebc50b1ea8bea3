"""`PuiseuxPolynomial`: a maximum of finitely many affine functions with rational coefficients.

A tropical Puiseux polynomial in n variables is ``f(x) = max_j (a_j . x + c_j)`` with rational exponents ``a_j`` of any
sign and rational coefficients ``c_j``.  No term at all is the tropical zero, the function minus infinity.

Two polynomials are ``==`` when they have the same terms; `PuiseuxPolynomial.same_function` asks whether they are the
same function.  The terms are held as integer rows over one common denominator of the exponents and one of the
coefficients, because a product of polynomials with thousands of terms is then a few machine additions a term.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from polyhedra.errors import AlgebraError
from polyhedra.plurals import counted
from polyhedra.quoting import shown
from polyhedra.scalars import ZERO, common_denominator
from tropical.float_values import float_values
from tropical.operands import common_names, is_list_of_points, is_number
from tropical.semiring import MINUS_INFINITY, Scalar, finite, is_finite, is_minus_infinity
from tropical.substitution import compose, substitute_affine
from tropical.term_rows import Exponent, Row, Term, divisors, ratio, read_term, scaled


class PuiseuxPolynomial:
    """A tropical polynomial, immutable and hashable.

    Parameters
    ----------
    terms : mapping from exponent to coefficient, iterable of (exponent, coefficient), or text
        Text is a formula such as ``"max(2x1 - x2, 0)"``, in x1, x2, .. or in any names, in alphabetical order, which
        are kept.  An exponent is a sequence of ``dim`` numbers.  Floats stand for their exact values, strings for
        exact decimals and fractions.  Equal exponents are merged (the larger coefficient wins); a coefficient of
        minus infinity is left out.
    dim : int, optional
        The number of variables; by default the length of the first exponent.

    Raises
    ------
    AlgebraError
        An exponent of another length, a number that is not finite, or no terms and no ``dim``.

    Examples
    --------
    >>> f = PuiseuxPolynomial({(2, -1): "1/3", (0, 0): 0})
    >>> print(f, "|", f([1, 1]), "|", f ** "1/2")
    max(2x1 - x2 + 1/3, 0) | 4/3 | max(x1 - 1/2x2 + 1/6, 0)
    >>> print(PuiseuxPolynomial("max(0, x, y, x + y - 1)") * 2)
    max(x + y + 1, x + 2, y + 2, 2)
    """

    __slots__ = (
        "_coefficient_denominator",
        "_dim",
        "_exponent_denominator",
        "_floats",
        "_hash",
        "_names",
        "_rows",
        "_terms",
    )

    _dim: int
    _exponent_denominator: int
    _coefficient_denominator: int
    _rows: tuple[Row, ...]
    _terms: tuple[Term, ...] | None
    _floats: tuple[NDArray[np.float64], NDArray[np.float64]] | None
    _hash: int | None
    _names: tuple[str, ...] | None

    def __init__(
        self, terms: Mapping[Any, Any] | Iterable[tuple[Sequence[Any], Any]] | str = (), dim: int | None = None
    ) -> None:
        names = None
        if isinstance(terms, str):
            from tropical.free_names import read_formula  # parsing makes polynomials

            terms, dim, names = read_formula(terms, dim)
        pairs = list(terms.items() if isinstance(terms, Mapping) else terms)
        exact: list[tuple[Exponent, fmpq]] = []
        for number, pair in enumerate(pairs):
            exponent, coefficient = read_term(pair, number)
            if dim is None:
                dim = len(exponent)
            if len(exponent) != dim:
                raise AlgebraError(f"term {number} has {len(exponent)} exponents, not {dim}")
            if is_finite(coefficient):
                exact.append((exponent, coefficient))
        if dim is None:
            raise AlgebraError("a polynomial without terms needs the number of variables: give dim")
        if dim < 0:
            raise AlgebraError(f"a polynomial cannot have {dim} variables")
        e = common_denominator(v for exponent, _ in exact for v in exponent)
        c = common_denominator(coefficient for _, coefficient in exact)
        rows = [(*(scaled(v, e) for v in exponent), scaled(coefficient, c)) for exponent, coefficient in exact]
        self._fill(rows, e, c, dim)
        object.__setattr__(self, "_names", names)

    def _fill(self, rows: Iterable[Row], e: int, c: int, dim: int) -> None:
        best: dict[Row, int] = {}
        for row in rows:
            exponent, coefficient = row[:-1], row[-1]
            known = best.get(exponent)
            if known is None or known < coefficient:
                best[exponent] = coefficient
        merged = sorted((*exponent, coefficient) for exponent, coefficient in best.items())
        e_divisor, c_divisor = divisors(merged, e, c)
        if e_divisor > 1 or c_divisor > 1:
            merged = [(*(a // e_divisor for a in row[:-1]), row[-1] // c_divisor) for row in merged]
        put = object.__setattr__
        put(self, "_dim", dim)
        put(self, "_exponent_denominator", e // e_divisor)
        put(self, "_coefficient_denominator", c // c_divisor)
        put(self, "_rows", tuple(merged))
        put(self, "_terms", None)
        put(self, "_floats", None)
        put(self, "_hash", None)
        put(self, "_names", None)

    @classmethod
    def of_rows(
        cls,
        rows: Iterable[Row],
        exponent_denominator: int,
        coefficient_denominator: int,
        dim: int,
        names: tuple[str, ...] | None = None,
    ) -> PuiseuxPolynomial:
        """Trust integer rows (a_1, ..., a_n, c) over two positive denominators (for the algorithms of this package)."""
        polynomial = cls.__new__(cls)
        polynomial._fill(rows, exponent_denominator, coefficient_denominator, dim)
        object.__setattr__(polynomial, "_names", names)
        return polynomial

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a PuiseuxPolynomial is immutable: {name} cannot be set")

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        rows = self._rows, self._exponent_denominator, self._coefficient_denominator, self._dim
        return PuiseuxPolynomial.of_rows, rows if self._names is None else (*rows, self._names)

    # ---------------------------------------------------------------- construction

    @classmethod
    def zero(cls, dim: int) -> PuiseuxPolynomial:
        """The tropical zero in ``dim`` variables: no terms, the function minus infinity."""
        return cls((), dim)

    @classmethod
    def constant(cls, value: Any, dim: int) -> PuiseuxPolynomial:
        """The constant function (minus infinity gives the tropical zero)."""
        return cls([((0,) * dim, value)], dim)

    @classmethod
    def monomial(cls, exponent: Sequence[Any], coefficient: Any = 0) -> PuiseuxPolynomial:
        """One affine function ``a . x + c``."""
        return cls([(exponent, coefficient)], len(exponent))

    linear = monomial

    @classmethod
    def variable(cls, index: int, dim: int) -> PuiseuxPolynomial:
        """The coordinate ``x_(index+1)`` of ``dim`` variables."""
        if not 0 <= index < dim:
            raise AlgebraError(f"there is no variable {index}; there are variables 0..{dim - 1}")
        return cls.monomial([int(i == index) for i in range(dim)])

    @classmethod
    def variables(cls, dim: int) -> tuple[PuiseuxPolynomial, ...]:
        """All coordinates ``x1, ..., xn`` as polynomials."""
        return tuple(cls.variable(i, dim) for i in range(dim))

    # ---------------------------------------------------------------- reading

    @property
    def dim(self) -> int:
        """The number of variables."""
        return self._dim

    @property
    def names(self) -> tuple[str, ...] | None:
        """The names of the variables in the formula that this was read from; None for x1, x2, .."""
        return self._names

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms (exponent, coefficient), sorted by exponent."""
        if self._terms is None:
            e, c = self._exponent_denominator, self._coefficient_denominator
            terms = tuple((tuple(fmpq(a, e) for a in row[:-1]), fmpq(row[-1], c)) for row in self._rows)
            object.__setattr__(self, "_terms", terms)
        assert self._terms is not None
        return self._terms

    @property
    def rows(self) -> tuple[Row, ...]:
        """The terms as integer rows (a_1, ..., a_n, c) over `denominators`, in the order of `terms`."""
        return self._rows

    @property
    def denominators(self) -> tuple[int, int]:
        """The common denominator of all exponents, and that of all coefficients."""
        return self._exponent_denominator, self._coefficient_denominator

    @property
    def exponents(self) -> tuple[Exponent, ...]:
        """The exponents, sorted."""
        return tuple(exponent for exponent, _ in self.terms)

    @property
    def coefficients(self) -> tuple[fmpq, ...]:
        """The coefficients, in the order of the exponents."""
        return tuple(coefficient for _, coefficient in self.terms)

    @property
    def is_zero(self) -> bool:
        """Whether this is the tropical zero (no terms)."""
        return not self._rows

    def coefficient(self, exponent: Sequence[Any]) -> Scalar:
        """The coefficient of an exponent (minus infinity where there is no such term)."""
        wanted = tuple(finite(v, "exponent") for v in exponent)
        return dict(self.terms).get(wanted, MINUS_INFINITY)

    def select(self, indices: Iterable[int]) -> PuiseuxPolynomial:
        """The polynomial with only the terms of these positions in `terms`."""
        return PuiseuxPolynomial.of_rows((self._rows[i] for i in indices), *self.denominators, self._dim, self._names)

    def __len__(self) -> int:
        return len(self._rows)

    def __bool__(self) -> bool:
        return bool(self._rows)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PuiseuxPolynomial):
            return NotImplemented
        return self._dim == other._dim and self.denominators == other.denominators and self._rows == other._rows

    def __hash__(self) -> int:
        if self._hash is None:
            object.__setattr__(self, "_hash", hash((self._dim, self.denominators, self._rows)))
        assert self._hash is not None
        return self._hash

    def __str__(self) -> str:
        from tropical.printing import polynomial_text  # printing knows polynomials, not the other way round

        return polynomial_text(self, self._names)

    def __repr__(self) -> str:
        shown = text if len(text := str(self)) <= 200 else f"{text[:180]}... {len(self)} terms"
        return f"PuiseuxPolynomial({shown!r}, dim={self._dim})"

    def _repr_latex_(self) -> str:
        from tropical.printing import polynomial_latex

        return f"${polynomial_latex(self, self._names)}$"

    # ---------------------------------------------------------------- algebra

    def _matched(self, other: PuiseuxPolynomial) -> tuple[tuple[Row, ...], tuple[Row, ...], int, int]:
        """The rows of both over common denominators."""
        if self._dim != other._dim:
            raise AlgebraError(
                f"polynomials of dim {self._dim} and of dim {other._dim} do not combine; embed the smaller one"
            )
        e = math.lcm(self._exponent_denominator, other._exponent_denominator)
        c = math.lcm(self._coefficient_denominator, other._coefficient_denominator)
        return self._over(e, c), other._over(e, c), e, c

    def _over(self, e: int, c: int) -> tuple[Row, ...]:
        p, q = e // self._exponent_denominator, c // self._coefficient_denominator
        if p == 1 and q == 1:
            return self._rows
        return tuple((*(a * p for a in row[:-1]), row[-1] * q) for row in self._rows)

    def __add__(self, other: PuiseuxPolynomial) -> PuiseuxPolynomial:
        """The tropical sum: the maximum of the two functions."""
        if not isinstance(other, PuiseuxPolynomial):
            return NotImplemented
        left, right, e, c = self._matched(other)
        return PuiseuxPolynomial.of_rows((*left, *right), e, c, self._dim, common_names(self, other))

    def __mul__(self, other: Any) -> PuiseuxPolynomial:
        """The tropical product: the sum of the two functions (all pairs of terms; see `pruning.pruned_product`).

        A number stands for a constant: ``f * 2`` is f plus 2.
        """
        if is_number(other):
            other = PuiseuxPolynomial.constant(other, self._dim)
        if not isinstance(other, PuiseuxPolynomial):
            return NotImplemented
        left, right, e, c = self._matched(other)
        rows = (tuple(map(int.__add__, p, q)) for p in left for q in right)
        return PuiseuxPolynomial.of_rows(rows, e, c, self._dim, common_names(self, other))

    __rmul__ = __mul__

    def __pow__(self, power: Any) -> PuiseuxPolynomial:
        """The function times a rational number r >= 0, term by term.

        For r > 0 this is the tropical power; r = 0 gives the constant 0.

        Raises
        ------
        AlgebraError
            A negative power, which is no polynomial: use `PuiseuxRational`.
        """
        r = finite(power, "power")
        if r < 0:
            raise AlgebraError(f"the power {r} of a polynomial is not a polynomial; use PuiseuxRational(f) ** {r}")
        if r == 0:
            return PuiseuxPolynomial.constant(0, self._dim)
        p, q = int(r.p), int(r.q)
        rows = (tuple(a * p for a in row) for row in self._rows)
        e, c = self._exponent_denominator * q, self._coefficient_denominator * q
        return PuiseuxPolynomial.of_rows(rows, e, c, self._dim, self._names)

    def shift(self, exponent: Sequence[Any], coefficient: Any = 0) -> PuiseuxPolynomial:
        """The function plus one affine function ``a . x + c``."""
        return self * PuiseuxPolynomial.monomial(exponent, coefficient)

    def embed(self, dim: int, variables: Sequence[int] | None = None) -> PuiseuxPolynomial:
        """The same polynomial in ``dim`` variables; variable i becomes ``variables[i]`` (the first ones by default).

        Raises
        ------
        AlgebraError
            ``variables`` does not name one new variable for each old one.
        """
        chosen = list(range(self._dim)) if variables is None else list(variables)
        if len(chosen) != self._dim or len(set(chosen)) != len(chosen) or any(not 0 <= v < dim for v in chosen):
            raise AlgebraError(f"{chosen} does not name {self._dim} different variables among 0..{dim - 1}")

        def moved(row: Row) -> Row:
            new = [0] * dim
            for value, place in zip(row[:-1], chosen, strict=True):
                new[place] = value
            return (*new, row[-1])

        return PuiseuxPolynomial.of_rows(map(moved, self._rows), *self.denominators, dim)

    def substitute_affine(self, matrix: Sequence[Sequence[Any]], offset: Sequence[Any]) -> PuiseuxPolynomial:
        """The polynomial ``y -> f(M y + v)``; M has one row per variable of f."""
        return substitute_affine(self, matrix, offset)

    def compose(self, inner: Sequence[Any]) -> PuiseuxPolynomial:
        """The polynomial ``f(g_1, ..., g_n)``; a number stands for a constant (numbers alone: in 0 variables).

        Raises
        ------
        AlgebraError
            Not one polynomial per variable, or a negative exponent meets a polynomial of several terms (that is a
            rational function: `PuiseuxRational.compose`).
        """
        return compose(self, inner)

    # ---------------------------------------------------------------- evaluation

    def point(self, x: Iterable[Any]) -> Exponent:
        """An exact point of the right length (floats stand for their exact values)."""
        try:
            point = tuple(finite(v, "point") for v in x)
        except TypeError:
            raise AlgebraError(f"{shown(x)} is no point: give {counted(self._dim, 'number')}") from None
        if len(point) != self._dim:
            raise AlgebraError(f"the point has {counted(len(point), 'coordinate')}, the polynomial is in R^{self._dim}")
        return point

    def scaled_values(self, x: Iterable[Any]) -> tuple[list[int], int]:
        """The exact values of all terms at a point: integers over one positive denominator."""
        point = self.point(x)
        d = common_denominator(point)
        e, c = self.denominators
        scale = math.lcm(d * e, c)
        weights = [scaled(v, d) * (scale // (d * e)) for v in point]
        factor = scale // c
        weights.append(factor)
        return [sum(map(int.__mul__, row, weights)) for row in self._rows], scale

    def __call__(self, x: Iterable[Any]) -> Scalar:
        """The exact value at a point (minus infinity for the tropical zero); a tuple of them for a list of points.

        A coordinate may be minus infinity: then only the terms without that variable count.

        Raises
        ------
        AlgebraError
            No point, or a negative exponent meets minus infinity.
        """
        if not isinstance(x, Iterable):
            x = [x] if self._dim == 1 else self.point(x)  # in one variable a number will do
        coordinates = list(x)
        if is_list_of_points(coordinates):
            return tuple(map(self, coordinates))  # type: ignore[return-value]
        infinite = [i for i, v in enumerate(coordinates) if is_minus_infinity(v)]
        for i in infinite:
            coordinates[i] = ZERO
        values, scale = self.scaled_values(coordinates)
        if infinite:
            if any(row[i] < 0 for row in self._rows for i in infinite):
                raise AlgebraError("a negative exponent meets minus infinity, where the function has no value")
            values = [v for row, v in zip(self._rows, values, strict=True) if not any(row[i] for i in infinite)]
        return fmpq(max(values), scale) if values else MINUS_INFINITY

    def argmax_terms(self, x: Iterable[Any]) -> tuple[int, ...]:
        """The positions in `terms` of all terms that are maximal at a point, decided exactly."""
        values, _ = self.scaled_values(x)
        best = max(values, default=0)
        return tuple(i for i, value in enumerate(values) if value == best)

    def float_terms(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Exponents, shape (terms, dim), and coefficients, each entry rounded once; read-only arrays."""
        if self._floats is None:
            e, c = self.denominators
            exponents = np.array([[ratio(a, e) for a in row[:-1]] for row in self._rows], dtype=float)
            coefficients = np.array([ratio(row[-1], c) for row in self._rows], dtype=float)
            exponents = exponents.reshape(len(self._rows), self._dim)
            exponents.flags.writeable = coefficients.flags.writeable = False
            object.__setattr__(self, "_floats", (exponents, coefficients))
        assert self._floats is not None
        return self._floats

    def evaluate_float(self, points: Any) -> NDArray[np.float64]:
        """Values at many points in float64: shape (N, dim) in, (N,) out.  For pictures and sampling, not for proofs."""
        return float_values(*self.float_terms(), points, self._dim)

    # ---------------------------------------------------------------- equality as functions

    def same_function(self, other: PuiseuxPolynomial) -> bool:
        """Whether both are the same function on R^n, decided exactly."""
        return self.point_of_difference(other) is None

    def point_of_difference(self, other: PuiseuxPolynomial) -> Exponent | None:
        """A rational point at which the two functions differ, or None where they are equal everywhere."""
        from tropical.equality import point_of_difference  # needs pruning, which needs polynomials

        return point_of_difference(self, other)


__all__ = ["Exponent", "PuiseuxPolynomial", "Row", "Term"]
