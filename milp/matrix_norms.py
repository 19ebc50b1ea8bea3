"""Norms of linear maps between spaces with the norms 1, 2 and infinity, exactly.

The norm of J from a to b is the greatest ``|J u|_b`` with ``|D u|_a <= 1``; D is the identity, or the directions of a
slice, so that distances are those of its points. What is exact depends on the pair:

* to infinity (or one output): the greatest dual norm of a row;
* to 1: the greatest dual norm of a combination of rows with signs;
* from 1 or infinity to 2: the greatest length at a vertex of the unit ball, whose square is rational;
* from 2 to 2: the square is the largest eigenvalue of ``J (D'D)^-1 J'``, the largest root of its characteristic
  polynomial.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from flint import arb, ctx, fmpq, fmpq_mat, fmpz_poly

from nn_bridge.network.network import Matrix, Row
from polyhedra.arrays import Floats
from polyhedra.cached_values import cached_property
from polyhedra.errors import FormulationError
from polyhedra.matrix import nullspace
from polyhedra.polyhedron import Polyhedron
from polyhedra.rounding import round_down, round_up
from polyhedra.scalars import ONE, ZERO, to_float

NORMS = ("1", "2", "inf")
_MOST_SIGNS = 14  # 2^13 combinations of signs, or vertices of a cube, are looked at for each cell at most


@dataclass(frozen=True, slots=True)
class Size:
    """A norm: rational, the root of a rational, or the root of the largest root of a polynomial.

    Attributes
    ----------
    value, squared : fmpq or None
    polynomial : fmpz_poly or None
        Integer coefficients without common factor; its largest root is the square.
    """

    value: fmpq | None = None
    squared: fmpq | None = None
    polynomial: fmpz_poly | None = field(default=None, compare=False)

    def enclosure(self) -> tuple[float, float]:
        """Proven float64 bounds, a few units in the last place apart."""
        if self.value is not None:
            return round_down(self.value), round_up(self.value)
        if self.squared is not None:
            return _root_below(self.squared), _root_above(self.squared)
        low, high = _largest_root(self._polynomial, 128)
        return _root_below(max(low, ZERO)), _root_above(max(high, ZERO))

    @property
    def _polynomial(self) -> fmpz_poly:
        assert self.polynomial is not None
        return self.polynomial

    def exceeds(self, other: Size) -> bool:
        """Whether this is strictly greater than another size of the same kind, exactly."""
        if self.value is not None and other.value is not None:
            return bool(self.value > other.value)
        if self.squared is not None and other.squared is not None:
            return bool(self.squared > other.squared)
        first, second = self._polynomial, other._polynomial
        if first == second:
            return False
        for bits in (64, 256, 1024):
            low, high = _largest_root(first, bits)
            below, above = _largest_root(second, bits)
            if low > above:
                return True
            if high < below:
                return False
        # so close that they must be one number, unless they are roots of coprime polynomials
        common = first.gcd(second)
        bits = 4096
        while common.degree() < 1 or not _has_root_in(common, _largest_root(first, bits)):
            low, high = _largest_root(first, bits)
            below, above = _largest_root(second, bits)
            if low > above or high < below:
                return bool(low > above)
            bits *= 4
        return False


def _largest_root(polynomial: fmpz_poly, bits: int) -> tuple[fmpq, fmpq]:
    """Rational bounds of the largest root of a polynomial with real roots only."""
    before = ctx.prec
    try:
        ctx.prec = bits
        roots: list[Any] = polynomial.complex_roots()
        ends = [_ends(root) for root, _ in roots]
    finally:
        ctx.prec = before
    return max(low for low, _ in ends), max(high for _, high in ends)


def _ends(root: Any) -> tuple[fmpq, fmpq]:
    real: arb = root.real
    return _exact(real.lower()), _exact(real.upper())


def _exact(value: arb) -> fmpq:
    mantissa, exponent = value.man_exp()
    return fmpq(int(mantissa)) * fmpq(2) ** int(exponent)


def _has_root_in(polynomial: fmpz_poly, ends: tuple[fmpq, fmpq]) -> bool:
    low, high = _largest_root(polynomial, 4096)
    return bool(low <= ends[1] and high >= ends[0])


def _root_below(square: fmpq) -> float:
    root = round_down(_root_near(square))
    while root > 0 and fmpq(*root.as_integer_ratio()) ** 2 > square:
        root = math.nextafter(root, 0.0)
    return root


def _root_above(square: fmpq) -> float:
    root = round_up(_root_near(square))
    while math.isfinite(root) and fmpq(*root.as_integer_ratio()) ** 2 < square:
        root = math.nextafter(root, math.inf)
    return root


def _root_near(square: fmpq) -> fmpq:
    """A number within a few units in the last place of the root, also where the square is no float."""
    if square <= 0:
        return ZERO
    half = (int(square.p).bit_length() - int(square.q).bit_length()) // 2
    return fmpq(*math.sqrt(to_float(square / fmpq(4) ** half)).as_integer_ratio()) * fmpq(2) ** half


class NormPair:
    """The norm of linear maps from one normed space to another.

    Parameters
    ----------
    inner, outer : {"1", "2", "inf"}
        The norms of the inputs and of the outputs.
    inputs, outputs : int
        The dimensions.
    directions : matrix with ``inputs`` columns, optional
        D.

    Raises
    ------
    FormulationError
        There is no such norm, or the exact norm takes too many combinations of signs.
    """

    def __init__(self, inner: str, outer: str, inputs: int, outputs: int, directions: Matrix | None = None) -> None:
        for norm in (inner, outer):
            if norm not in NORMS:
                raise FormulationError(f"there is no norm {norm!r} here; use one of {', '.join(NORMS)}")
        self.inner, self.outer, self.inputs, self.outputs = inner, outer, inputs, outputs
        self.directions = directions
        if outer == "1" and outputs > _MOST_SIGNS:
            raise FormulationError(
                f"the norm 1 of {outputs} outputs takes 2^{outputs - 1} combinations of signs; "
                f"at most {_MOST_SIGNS} outputs, or another norm"
            )
        if self._by_vertices and directions is None and inner == "inf" and inputs > _MOST_SIGNS:
            raise FormulationError(
                f"from infinity to 2 takes the 2^{inputs - 1} vertices of a cube; at most {_MOST_SIGNS} inputs, "
                "or another norm"
            )

    @property
    def _by_vertices(self) -> bool:
        return self.outer == "2" and self.outputs > 1 and self.inner != "2"

    @property
    def is_root(self) -> bool:
        """Whether the square is the natural number: a norm 2 takes part."""
        return self.inner == "2" or self._by_vertices

    # ---------------------------------------------------------------- exact

    def size(self, J: Matrix) -> Size:
        """The exact norm of a matrix."""
        if self.outer == "2" and self.outputs > 1 and self.inner == "2":
            return Size(polynomial=self._characteristic(J))
        if self._by_vertices:
            return Size(squared=max(sum((_dot(row, u) ** 2 for row in J), ZERO) for u in self.vertices))
        best = max(self._dual(row) for row in self._rows(J))
        return Size(squared=best) if self.inner == "2" else Size(value=best)

    def _rows(self, J: Matrix) -> list[Row]:
        """The rows whose dual norm counts."""
        if self.outer != "1" or self.outputs == 1:
            return list(J)
        return [
            tuple(sum((s * row[j] for s, row in zip(signs, J, strict=True)), ZERO) for j in range(self.inputs))
            for signs in self._signs
        ]

    @cached_property
    def _signs(self) -> list[tuple[int, ...]]:
        return [(1, *rest) for rest in itertools.product((1, -1), repeat=self.outputs - 1)]

    def _dual(self, row: Row) -> fmpq:
        """The greatest value of a row on the unit ball; for the norm 2 its square."""
        if self.inner == "2":
            if self.directions is None:
                return sum((v * v for v in row), ZERO)
            moved = self._inverse_gram * fmpq_mat([[v] for v in row])
            return sum((v * moved[j, 0] for j, v in enumerate(row)), ZERO)
        if self.directions is None:
            return sum((abs(v) for v in row), ZERO) if self.inner == "inf" else max(abs(v) for v in row)
        return max(abs(_dot(row, u)) for u in self.vertices)

    def _characteristic(self, J: Matrix) -> fmpz_poly:
        matrix = fmpq_mat([list(row) for row in J])
        transposed = matrix.transpose()
        if self.directions is None:
            gram = matrix * transposed if self.outputs <= self.inputs else transposed * matrix
        elif self.outputs <= self.inputs:
            gram = matrix * self._inverse_gram * transposed
        else:
            gram = self._inverse_gram * transposed * matrix
        polynomial = gram.charpoly().numer()
        content = polynomial.content()
        return fmpz_poly([c // content for c in polynomial.coeffs()])

    @cached_property
    def _inverse_gram(self) -> fmpq_mat:
        assert self.directions is not None
        D = fmpq_mat([list(row) for row in self.directions])
        return (D.transpose() * D).inv()

    @cached_property
    def vertices(self) -> list[Row]:
        """The vertices of the unit ball of the norms 1 and infinity, one of each opposite pair at least."""
        n = self.inputs
        if self.directions is None:
            if self.inner == "1":
                return [tuple(ONE if i == j else ZERO for i in range(n)) for j in range(n)]
            return [(ONE, *(fmpq(s) for s in rest)) for rest in itertools.product((1, -1), repeat=n - 1)]
        rows = [row for row in self.directions if any(row)]
        if self.inner == "inf":
            both = [*rows, *(tuple(-v for v in row) for row in rows)]
            return list(Polyhedron(both, [1] * len(both), dim=n).vertices())
        # the vertices of {|D u|_1 <= 1} lie on the lines where n - 1 independent rows vanish
        found = set()
        for chosen in itertools.combinations(rows, n - 1):
            line = nullspace(chosen, n) if n > 1 else ((ONE,),)
            if len(line) == 1:
                length = sum((abs(_dot(row, line[0])) for row in rows), ZERO)
                found.add(tuple(v / length for v in line[0]))
        return sorted(found)

    def reach(self) -> Row:
        """The greatest coordinate of the unit ball, one by one (for the norm 2 an upper bound)."""
        result = []
        for j in range(self.inputs):
            value = self._dual(tuple(ONE if i == j else ZERO for i in range(self.inputs)))
            result.append(max(value, ONE) if self.inner == "2" else value)
        return tuple(result)

    # ---------------------------------------------------------------- floating point

    def float_sizes(self, J: Floats, error: Floats) -> tuple[Floats, Floats]:
        """Bounds of the norms of many matrices (k, outputs, inputs), each entry known up to an error."""
        with np.errstate(all="ignore"):
            value = self._float_size(J)
            reach = np.array([round_up(v) for v in self.reach()])
            # a norm of the errors is at most their sum; sums and singular values are right to far more than 1e-9
            slack = (error * reach).sum(axis=(1, 2)) + 1e-9 * value + 1e-280
            low, high = value - 1.0001 * slack, value + 1.0001 * slack
            bad = ~np.isfinite(low) | ~np.isfinite(high) | self._ill_conditioned
            return np.where(bad, 0.0, low), np.where(bad, np.inf, high)

    def _float_size(self, J: Floats) -> Floats:
        if self.outer == "2" and self.outputs > 1 and self.inner == "2":
            matrix = J if self.directions is None else J @ self._float_root
            finite = np.isfinite(matrix).all(axis=(1, 2))
            value = np.full(len(J), np.nan)
            value[finite] = np.linalg.norm(matrix[finite], 2, axis=(1, 2))
            return value
        if self._by_vertices:
            return np.sqrt((np.abs(J @ self._float_vertices.T) ** 2).sum(axis=1)).max(axis=1)
        if self.outer == "1" and self.outputs > 1:
            J = np.array(self._signs, dtype=float) @ J
        if self.inner == "2":
            rows = J if self.directions is None else J @ self._float_root
            return np.sqrt((rows**2).sum(axis=2)).max(axis=1)
        if self.directions is None:
            sizes = np.abs(J).sum(axis=2) if self.inner == "inf" else np.abs(J).max(axis=2)
            return sizes.max(axis=1)
        return np.abs(J @ self._float_vertices.T).max(axis=(1, 2))

    @cached_property
    def _float_vertices(self) -> Floats:
        return np.array([[to_float(v) for v in u] for u in self.vertices])

    @cached_property
    def _ill_conditioned(self) -> bool:
        """Whether lengths on a slice are too inaccurate in floating point to tell anything."""
        if self.inner != "2" or self.directions is None:
            return False
        return not np.linalg.cond(self._float_root) < 1e3

    @cached_property
    def _float_root(self) -> Floats:
        """L with L L' near (D'D)^-1."""
        inverse = np.array([[to_float(v) for v in row] for row in self._inverse_gram.tolist()])
        return np.linalg.cholesky(inverse)


def _dot(row: Sequence[fmpq], u: Sequence[fmpq]) -> fmpq:
    return sum((a * b for a, b in zip(row, u, strict=True)), ZERO)
