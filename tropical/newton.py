"""Newton polytopes, regular (dual) subdivisions and zonotopes, exactly.

The Newton polytope of f is the convex hull of its exponents; that of a product is the Minkowski sum, that of a sum the
hull of the union.  The regular subdivision of the support is the projection of the upper hull of the lifted points
(a_j, c_j); its maximal cells are dual to the vertices of the tropical hypersurface.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flint import fmpq

from polyhedra.errors import AlgebraError
from polyhedra.matrix import dot
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron
from tropical.division import lifted_hull
from tropical.polynomial import Exponent, PuiseuxPolynomial
from tropical.pruning import prune, pruned_product
from tropical.semiring import finite


@dataclass(frozen=True, slots=True)
class DualCell:
    """A maximal cell of the regular subdivision.

    Attributes
    ----------
    terms : tuple of int
        The positions in ``polynomial.terms`` of all terms whose lifted points lie on the cell's facet of the upper hull
        (marked points inside the cell included).
    point : tuple of fmpq
        A point at which exactly these terms tie for the maximum: the dual vertex of the hypersurface (where the
        exponents do not span R^n, one point of the dual affine space).
    polytope : Polyhedron
        The convex hull of their exponents.
    """

    terms: tuple[int, ...]
    point: Exponent
    polytope: Polyhedron

    @property
    def volume(self) -> fmpq | None:
        """The exact volume (0 where the exponents do not span R^n)."""
        return self.polytope.volume()


@dataclass(frozen=True, slots=True)
class DualSubdivision:
    """The regular subdivision of the support of a polynomial by its coefficients."""

    polynomial: PuiseuxPolynomial
    cells: tuple[DualCell, ...]

    @property
    def is_triangulation(self) -> bool:
        """Whether every cell is a simplex without further marked points."""
        dimension = newton_polytope(self.polynomial).dimension()
        return all(len(cell.terms) == dimension + 1 for cell in self.cells)


def newton_vertices(polynomial: PuiseuxPolynomial) -> tuple[Exponent, ...]:
    """The vertices of the Newton polytope, sorted (none for the tropical zero).

    An exponent is a vertex iff its term stays when all coefficients are 0.

    Examples
    --------
    >>> newton_vertices(PuiseuxPolynomial({(0, 0): 5, (2, 0): 0, (1, 0): 0, (0, 2): -1}))
    ((0, 0), (0, 2), (2, 0))
    """
    rows = [(*row[:-1], 0) for row in polynomial.rows]
    e, _ = polynomial.denominators
    return prune(PuiseuxPolynomial.of_rows(rows, e, 1, polynomial.dim)).exponents


def newton_polytope(polynomial: PuiseuxPolynomial) -> Polyhedron:
    """The Newton polytope (the empty set for the tropical zero)."""
    return Polyhedron.from_generators(newton_vertices(polynomial), dim=polynomial.dim)


def dual_subdivision(polynomial: PuiseuxPolynomial) -> DualSubdivision:
    """The regular subdivision of the support by the coefficients.

    Raises
    ------
    AlgebraError
        The tropical zero, which has no support.

    Examples
    --------
    >>> x, y = PuiseuxPolynomial.variables(2)
    >>> inner = (x * y + x + y).shift([0, 0], 1)
    >>> f = x * x + y * y + PuiseuxPolynomial.constant(0, 2) + inner
    >>> [len(cell.terms) for cell in dual_subdivision(f).cells]
    [3, 3, 3, 3]
    """
    if polynomial.is_zero:
        raise AlgebraError("the tropical zero has no support to subdivide")
    terms = polynomial.terms
    cells = []
    for row in lifted_hull(polynomial).inequalities:
        *normal, upwards, height = row
        if upwards <= 0:
            continue
        tied = tuple(i for i, (a, c) in enumerate(terms) if dot(normal, a) + upwards * c == height)
        polytope = Polyhedron.from_generators([terms[i][0] for i in tied], dim=polynomial.dim)
        cells.append(DualCell(tied, tuple(v / upwards for v in normal), polytope))
    return DualSubdivision(polynomial, tuple(sorted(cells, key=lambda cell: cell.point)))


def minkowski_sum(first: Iterable[Sequence[Any]], second: Iterable[Sequence[Any]]) -> tuple[Exponent, ...]:
    """The vertices of the Minkowski sum of the convex hulls of two point sets, sorted."""
    return pruned_product(_flat(first), _flat(second)).exponents


def zonotope(generators: Sequence[Sequence[Any]], *, dim: int | None = None) -> tuple[Exponent, ...]:
    """The vertices of the zonotope ``sum_i [0, g_i]``, sorted.

    Parameters
    ----------
    generators : sequence of vectors
    dim : int, optional
        The number of coordinates, needed where there are no generators: then the zonotope is the point 0.

    Raises
    ------
    AlgebraError
        Generators of different lengths or not of length ``dim``, or neither generators nor ``dim``.

    The numerator of a network with one hidden layer, ``sum_i v_i max(0, w_i.x + b_i)`` over v_i > 0, has this Newton
    polytope for ``g_i = v_i w_i``; the denominator for v_i < 0 (Zhang, Naitzat and Lim 2018).

    Examples
    --------
    >>> zonotope([[1, 0], [0, 1], [1, 1]])
    ((0, 0), (0, 1), (1, 0), (1, 2), (2, 1), (2, 2))
    >>> zonotope([], dim=2)
    ((0, 0),)
    """
    if dim is None:
        if len(generators) == 0:
            raise AlgebraError("a zonotope without generators needs the number of coordinates: give dim")
        dim = len(generators[0])
    if dim < 0:
        raise AlgebraError(f"a zonotope cannot have {dim} coordinates")
    total = PuiseuxPolynomial.constant(0, dim)
    for number, generator in enumerate(generators):
        vector = [finite(v, f"generator {number}") for v in generator]
        if len(vector) != dim:
            raise AlgebraError(f"generator {number} has {counted(len(vector), 'coordinate')}, not {dim}")
        total = pruned_product(total, PuiseuxPolynomial([(vector, 0), ([0] * dim, 0)], dim))
    return total.exponents


def _flat(points: Iterable[Sequence[Any]]) -> PuiseuxPolynomial:
    terms = [(point, 0) for point in points]
    if not terms:
        raise AlgebraError("a Minkowski sum needs points on both sides")
    return PuiseuxPolynomial(terms)


__all__ = [
    "DualCell",
    "DualSubdivision",
    "dual_subdivision",
    "minkowski_sum",
    "newton_polytope",
    "newton_vertices",
    "zonotope",
]
