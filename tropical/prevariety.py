"""The tropical prevariety of several polynomials: the intersection of their hypersurfaces, as a set.

The cells of the hypersurfaces meet face to face, and so do their intersections; hence one cell contains another as soon
as it contains a point of its relative interior.

D. Maclagan and B. Sturmfels, *Introduction to Tropical Geometry* (2015), definition 3.2.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from polyhedra.errors import AlgebraError
from polyhedra.limits import check_limits
from polyhedra.matrix import Vector
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron
from tropical.hypersurface import hypersurface
from tropical.polynomial import PuiseuxPolynomial


@dataclass(frozen=True, slots=True)
class Prevariety:
    """A union of polyhedra that meet face to face.

    Attributes
    ----------
    polynomials : tuple of PuiseuxPolynomial
    cells : tuple of Polyhedron
        The maximal cells in canonical description, those of larger dimension first; none where the set is empty.
    """

    polynomials: tuple[PuiseuxPolynomial, ...]
    cells: tuple[Polyhedron, ...]

    @property
    def dimension(self) -> int:
        """The largest dimension of a cell; -1 for the empty set."""
        return max((cell.dimension() for cell in self.cells), default=-1)

    @property
    def is_pure(self) -> bool:
        """Whether all maximal cells have the same dimension."""
        return len({cell.dimension() for cell in self.cells}) <= 1

    def contains(self, x: Sequence[Any]) -> bool:
        """Whether every polynomial attains its maximum at least twice at a point."""
        return all(len(polynomial.argmax_terms(x)) > 1 for polynomial in self.polynomials)


def prevariety(polynomials: Iterable[PuiseuxPolynomial]) -> Prevariety:
    """The points at which each polynomial attains its maximum at least twice.

    Raises
    ------
    AlgebraError
        No polynomials, different numbers of variables, or the tropical zero.

    Examples
    --------
    >>> x, y = PuiseuxPolynomial.variables(2)
    >>> one = PuiseuxPolynomial.constant(0, 2)
    >>> found = prevariety([x + y + one, x + y + one.shift([0, 0], 1)])
    >>> [(cell.dimension(), cell.vertices()) for cell in found.cells]
    [(1, ((1, 1),))]
    """
    given = tuple(polynomials)
    if not given:
        raise AlgebraError("a prevariety needs at least one polynomial")
    for number, polynomial in enumerate(given):
        if polynomial.dim != given[0].dim:
            raise AlgebraError(
                f"polynomial {number} has {counted(polynomial.dim, 'variable')}, polynomial 0 has {given[0].dim}"
            )
        if polynomial.is_zero:
            raise AlgebraError(f"polynomial {number} is the tropical zero, which has no hypersurface")
    cells = [Polyhedron.space(given[0].dim)]
    for polynomial in given:
        facets = [facet.polyhedron for facet in hypersurface(polynomial).facets]
        cells = _maximal(cell.intersection(facet) for cell in cells for facet in facets)
    return Prevariety(given, tuple(sorted(cells, key=_order)))


def _maximal(candidates: Iterable[Polyhedron]) -> list[Polyhedron]:
    """The non-empty cells that no other one contains, each once."""
    kept: list[tuple[Polyhedron, Vector]] = []
    for cell in candidates:
        check_limits()
        point = cell.interior_point()
        if point is None or any(other.contains(point) for other, _ in kept):
            continue
        kept = [(other, inner) for other, inner in kept if not cell.contains(inner)]
        kept.append((cell.irredundant(), point))
    return [cell for cell, _ in kept]


def _order(cell: Polyhedron) -> tuple[Any, ...]:
    return -cell.dimension(), cell.equalities, cell.inequalities


__all__ = ["Prevariety", "prevariety"]
