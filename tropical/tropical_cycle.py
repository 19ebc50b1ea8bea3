"""Tropical cycles: weighted polyhedral complexes of any dimension with a balancing check.

A cycle of dimension k in R^n is given by k-dimensional polyhedra with weights.  It is balanced if at each face of
dimension k - 1 the primitive vectors into the cells, times their weights, add up to a vector of the face's span.  Cells
may cross; where they overlap, weights add up.

D. Maclagan and B. Sturmfels, *Introduction to Tropical Geometry* (2015), section 3.3; L. Allermann and J. Rau, *First
steps in tropical intersection theory* (2010).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flint import fmpq, fmpz_mat

from polyhedra.errors import AlgebraError
from polyhedra.matrix import Vector
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ZERO
from tropical.hypersurface import hypersurface
from tropical.polynomial import PuiseuxPolynomial
from tropical.semiring import finite

IntegerVector = tuple[int, ...]


@dataclass(frozen=True, slots=True, init=False)
class TropicalCycle:
    """Polyhedra of one dimension in R^n with weights, immutable and hashable.

    Parameters
    ----------
    dim : int
        n.
    cells : iterable of (Polyhedron, weight)
        Equal polyhedra are merged and their weights added; what has the weight 0 is left out.

    Attributes
    ----------
    dim : int
    cells : tuple of (Polyhedron, fmpq)
        In canonical description, sorted; none for the cycle 0.

    Raises
    ------
    AlgebraError
        A cell that is empty, in another space, or of another dimension than the first; a weight that is not finite.

    Examples
    --------
    >>> ray = lambda u: Polyhedron.from_generators([(0, 0)], rays=[u])
    >>> line = TropicalCycle(2, [(ray((1, 1)), 1), (ray((-1, 0)), 1), (ray((0, -1)), 1)])
    >>> line.dimension, line.is_balanced(), TropicalCycle(2, line.cells[1:]).is_balanced()
    (1, True, False)
    """

    dim: int
    cells: tuple[tuple[Polyhedron, fmpq], ...]

    def __init__(self, dim: int, cells: Iterable[tuple[Polyhedron, Any]] = ()) -> None:
        totals: dict[Polyhedron, fmpq] = {}
        dimension: int | None = None
        for number, (polyhedron, weight) in enumerate(cells):
            if polyhedron.dim != dim:
                raise AlgebraError(f"cell {number} lies in R^{polyhedron.dim}, not in R^{dim}")
            own = polyhedron.dimension()
            if own < 0:
                raise AlgebraError(f"cell {number} is empty")
            dimension = own if dimension is None else dimension
            if own != dimension:
                raise AlgebraError(f"cell {number} has dimension {own}, cell 0 has {dimension}")
            plain = polyhedron.irredundant()
            totals[plain] = totals.get(plain, ZERO) + finite(weight, f"weight of cell {number}")
        kept = [(polyhedron, weight) for polyhedron, weight in totals.items() if weight]
        kept.sort(key=lambda cell: (cell[0].equalities, cell[0].inequalities))
        object.__setattr__(self, "dim", dim)
        object.__setattr__(self, "cells", tuple(kept))

    @classmethod
    def of_polynomial(cls, polynomial: PuiseuxPolynomial) -> TropicalCycle:
        """The hypersurface of a polynomial; 0 where it has one term only.

        Raises
        ------
        AlgebraError
            The tropical zero.
        """
        if polynomial.is_zero:
            raise AlgebraError("the tropical zero has no hypersurface")
        return cls(polynomial.dim, ((facet.polyhedron, facet.weight) for facet in hypersurface(polynomial).facets))

    @classmethod
    def space(cls, dim: int) -> TropicalCycle:
        """R^n with weight 1, the neutral element of stable intersection."""
        return cls(dim, [(Polyhedron.space(dim), 1)])

    @property
    def dimension(self) -> int | None:
        """The dimension of the cells; None for the cycle 0, which has any."""
        return self.cells[0][0].dimension() if self.cells else None

    def __add__(self, other: TropicalCycle) -> TropicalCycle:
        """The union, with weights added up."""
        if not isinstance(other, TropicalCycle):
            return NotImplemented
        return TropicalCycle(self.dim, (*self.cells, *other.cells))

    def weight(self, x: Sequence[Any]) -> fmpq:
        """The sum of the weights of the cells that contain a point."""
        return sum((weight for polyhedron, weight in self.cells if polyhedron.contains(x)), ZERO)

    @property
    def points(self) -> tuple[tuple[Vector, fmpq], ...]:
        """The points with their weights, sorted, of a cycle of dimension 0.

        Raises
        ------
        AlgebraError
            A cycle of another dimension.
        """
        if self.cells and self.dimension != 0:
            raise AlgebraError(f"a cycle of dimension {self.dimension} is no set of points")
        return tuple(sorted((polyhedron.vertices()[0], weight) for polyhedron, weight in self.cells))

    @property
    def degree(self) -> fmpq:
        """The sum of the weights of a cycle of dimension 0."""
        return sum((weight for _, weight in self.points), ZERO)

    def is_balanced(self) -> bool:
        """Whether the balancing condition holds at every face of codimension 1, decided exactly."""
        return self.unbalanced_ridge() is None

    def unbalanced_ridge(self) -> Polyhedron | None:
        """A face of codimension 1 at which the balancing condition fails, or None."""
        sums: dict[Polyhedron, list[fmpq]] = {}
        for polyhedron, weight in self.cells:
            lattice = lattice_basis(polyhedron)
            for k, row in enumerate(polyhedron.inequalities):
                others = [r for i, r in enumerate(polyhedron.inequalities) if i != k]
                ridge = Polyhedron(
                    [r[:-1] for r in others],
                    [r[-1] for r in others],
                    [*polyhedron.A_eq, row[:-1]],
                    [*polyhedron.b_eq, row[-1]],
                    self.dim,
                ).irredundant()
                inward = _primitive_inward(lattice, [int(v.p) for v in row[:-1]])
                total = sums.setdefault(ridge, [ZERO] * self.dim)
                for j, v in enumerate(inward):
                    total[j] += weight * v
        for ridge, total in sums.items():
            # the sum must lie in the span of the ridge, where all its equalities vanish
            if any(sum((a * v for a, v in zip(row, total, strict=True)), ZERO) for row in ridge.A_eq):
                return ridge
        return None


def lattice_basis(polyhedron: Polyhedron) -> tuple[IntegerVector, ...]:
    """A basis of the integer vectors of the linear space parallel to an irredundant polyhedron's affine hull."""
    n = polyhedron.dim
    rows = [[int(v.p) for v in row] for row in polyhedron.A_eq]
    m = len(rows)
    # unimodular row operations on [E^T | I]: where the left part is 0, the right part is a basis of the kernel
    table = [[row[j] for row in rows] + [int(i == j) for i in range(n)] for j in range(n)]
    if not n:
        return ()
    reduced = fmpz_mat(table).hnf().tolist()
    return tuple(tuple(int(v) for v in row[m:]) for row in reduced if not any(row[:m]))


def _primitive_inward(lattice: Sequence[IntegerVector], outward: Sequence[int]) -> IntegerVector:
    """An integer combination of the basis on which the row takes its smallest negative value."""
    values = [sum(a * v for a, v in zip(outward, vector, strict=True)) for vector in lattice]
    table = [[value, *vector] for value, vector in zip(values, lattice, strict=True)]
    first = [int(v) for v in fmpz_mat(table).hnf().tolist()[0]]
    # the first row of the Hermite form has the greatest common divisor, the others 0
    return tuple(-v for v in first[1:])


__all__ = ["IntegerVector", "TropicalCycle", "lattice_basis"]
