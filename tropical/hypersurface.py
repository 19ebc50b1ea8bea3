"""Tropical hypersurfaces as weighted polyhedral complexes, and decision boundaries inside them.

The hypersurface of f is where its maximum is attained by at least two terms.  Its facets separate the dominance regions
of two terms i and k; the weight of a facet is the lattice length of a_i - a_k (a rational number for rational
exponents).  Every hypersurface is balanced: around each ridge the primitive vectors into the facets, times the weights,
add up to nothing modulo the ridge.  `WeightedComplex.is_balanced` checks that from polyhedra and weights alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

from flint import fmpq

from polyhedra.errors import AlgebraError
from polyhedra.matrix import Vector, solve
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron
from polyhedra.values import Value
from tropical.polynomial import PuiseuxPolynomial, Term
from tropical.pruning import prune, pruned_product
from tropical.rational import PuiseuxRational
from tropical.regions import Refinement, common_refinement


@dataclass(frozen=True, slots=True)
class WeightedComplex:
    """A pure polyhedral complex of dimension n - 1 in R^n, given by its facets with their weights.

    Attributes
    ----------
    dim : int
        n.
    facets : tuple of (Polyhedron, weight)
        Of dimension n - 1, meeting face to face.
    """

    dim: int
    facets: tuple[tuple[Polyhedron, fmpq], ...]

    def is_balanced(self) -> bool:
        """Whether the balancing condition holds at every ridge, decided exactly."""
        return self.unbalanced_ridge() is None

    def unbalanced_ridge(self) -> Polyhedron | None:
        """A face of dimension n - 2 at which the balancing condition fails, or None."""
        ridges: dict[Polyhedron, list[fmpq]] = {}
        for polyhedron, weight in self.facets:
            facet = polyhedron.irredundant()
            (normal,) = (row[:-1] for row in facet.equalities)
            for row in facet.inequalities:
                others = [r for r in facet.inequalities if r is not row]
                ridge = Polyhedron(
                    [r[:-1] for r in others],
                    [r[-1] for r in others],
                    [normal, row[:-1]],
                    [facet.equalities[0][-1], row[-1]],
                    self.dim,
                ).irredundant()
                inward = _primitive_inward(normal, row[:-1])
                total = ridges.setdefault(ridge, [fmpq(0)] * self.dim)
                for k, v in enumerate(inward):
                    total[k] += weight * v
        for ridge, total in ridges.items():
            # the sum must lie in the span of the ridge, where all its equalities vanish
            if any(sum((a * v for a, v in zip(row, total, strict=True)), fmpq(0)) for row in ridge.A_eq):
                return ridge
        return None


def _primitive_inward(normal: Vector, boundary: Vector) -> Vector:
    """A vector with normal.v = 0 that generates the lattice of the facet modulo that of the ridge, pointing inside."""
    integers = [[int(v.p) for v in row] for row in (normal, boundary)]
    minors = [
        integers[0][i] * integers[1][k] - integers[0][k] * integers[1][i]
        for i, k in combinations(range(len(normal)), 2)
    ]
    # the boundary row takes the multiples of this number on the lattice points with normal.v = 0
    step = math.gcd(*minors) // math.gcd(*integers[0])
    vector = solve((normal, boundary), (fmpq(0), fmpq(-step)))
    assert vector is not None
    return vector


@dataclass(frozen=True, slots=True)
class HypersurfaceFacet:
    """Where exactly two terms of the pruned polynomial are maximal.

    Attributes
    ----------
    terms : (Term, Term)
        The two terms (exponent, coefficient).
    polyhedron : Polyhedron
        The closed facet.
    weight : fmpq
        The lattice length of the difference of the exponents.
    """

    terms: tuple[Term, Term]
    polyhedron: Polyhedron
    weight: fmpq


@dataclass(frozen=True, slots=True)
class TropicalHypersurface:
    """The hypersurface of a polynomial, with the refinement that it bounds.

    Attributes
    ----------
    polynomial : PuiseuxPolynomial
        In pruned form.
    facets : tuple of HypersurfaceFacet
    refinement : Refinement
        The dominance regions, one cell a term.
    """

    polynomial: PuiseuxPolynomial
    facets: tuple[HypersurfaceFacet, ...]
    refinement: Refinement = field(repr=False)

    @property
    def dim(self) -> int:
        """The dimension of the ambient space."""
        return self.polynomial.dim

    def complex(self) -> WeightedComplex:
        """The facets with their weights, nothing else."""
        return WeightedComplex(self.dim, tuple((f.polyhedron, f.weight) for f in self.facets))

    def is_balanced(self) -> bool:
        """The balancing condition, which every hypersurface satisfies: a test of this library."""
        return self.complex().is_balanced()

    def vertices(self) -> tuple[Vector, ...]:
        """The vertices of the complex, sorted (none where it contains lines)."""
        found: set[Vector] = set()
        for facet in self.facets:
            if not facet.polyhedron.lineality_space():
                found.update(facet.polyhedron.vertices())
        return tuple(sorted(found))

    def contains(self, x: Sequence[object]) -> bool:
        """Whether the maximum is attained at least twice at a point."""
        return len(self.polynomial.argmax_terms(x)) > 1


def hypersurface(polynomial: PuiseuxPolynomial, *, domain: Polyhedron | None = None) -> TropicalHypersurface:
    """The tropical hypersurface of a polynomial (inside a full-dimensional domain).

    Raises
    ------
    AlgebraError
        As `regions.common_refinement`.

    Examples
    --------
    >>> x, y = PuiseuxPolynomial.variables(2)
    >>> line = hypersurface(x + y + PuiseuxPolynomial.constant(0, 2))
    >>> len(line.facets), line.vertices(), line.is_balanced()
    (3, ((0, 0),), True)
    """
    refinement = common_refinement([polynomial], domain=domain)
    f = refinement.polynomials[0]
    facets = []
    for i, k, facet in _facets(refinement):
        one, other = f.terms[refinement.cells[i].terms[0]], f.terms[refinement.cells[k].terms[0]]
        difference = [b - a for a, b in zip(one[0], other[0], strict=True)]
        facets.append(HypersurfaceFacet((one, other), facet, _lattice_length(difference)))
    return TropicalHypersurface(f, tuple(facets), refinement)


def dominance_regions(
    polynomial: PuiseuxPolynomial, *, domain: Polyhedron | None = None
) -> tuple[tuple[Term, Polyhedron], ...]:
    """The closed full-dimensional regions in which one term is maximal, labelled by that term."""
    refinement = common_refinement([polynomial], domain=domain)
    f = refinement.polynomials[0]
    return tuple((f.terms[cell.terms[0]], cell.polyhedron) for cell in refinement.cells)


@dataclass(frozen=True, slots=True, repr=False)
class DecisionBoundary(Value):
    """Where a classifier's largest scores tie.

    Attributes
    ----------
    pieces : tuple of (Polyhedron, classes, classes)
        Polyhedra of dimension n - 1 with the classes that win on either side.
    undecided : tuple of (Polyhedron, classes)
        Full-dimensional cells in which several classes have the same largest score.
    polynomial : PuiseuxPolynomial
        The polynomial whose hypersurface contains the boundary.
    """

    pieces: tuple[tuple[Polyhedron, frozenset[int], frozenset[int]], ...]
    undecided: tuple[tuple[Polyhedron, frozenset[int]], ...]
    polynomial: PuiseuxPolynomial

    def __repr__(self) -> str:
        kinds = {frozenset((min(one), min(other))) for _, one, other in self.pieces}
        between = f" between {len(kinds)} pairs of classes" if len(kinds) > 1 else ""
        tied = f", {counted(len(self.undecided), 'cell')} undecided" if self.undecided else ""
        return f"<DecisionBoundary: {counted(len(self.pieces), 'piece')}{between}{tied}>"


def decision_boundary(
    scores: PuiseuxRational | Sequence[PuiseuxRational], *, domain: Polyhedron | None = None
) -> DecisionBoundary:
    """The decision boundary of a piecewise linear classifier, as a part of a tropical hypersurface.

    With scores ``f_i - g_i``, the class i wins where ``p_i = f_i + sum of the g_k, k != i`` is largest, so the boundary
    consists of the facets of the hypersurface of max_i p_i between terms of different p_i (Zhang, Naitzat and Lim
    2018, Proposition 6.1, for two classes).

    Parameters
    ----------
    scores : PuiseuxRational or a sequence of them
        One function decides class 1 (positive) against class 0 (negative).
    domain : Polyhedron, optional

    Examples
    --------
    >>> x, y = PuiseuxRational.variables(2)
    >>> len(decision_boundary([x, y, PuiseuxRational.constant(0, 2)]).pieces)
    3
    """
    if isinstance(scores, PuiseuxRational):
        products = [prune(scores.denominator), prune(scores.numerator)]
    else:
        products = _class_polynomials(list(scores))
    labels: dict[Term, set[int]] = {}
    best: dict[tuple[fmpq, ...], fmpq] = {}
    for number, product in enumerate(products):
        for exponent, coefficient in product.terms:
            labels.setdefault((exponent, coefficient), set()).add(number)
            best[exponent] = max(best.get(exponent, coefficient), coefficient)
    total = PuiseuxPolynomial(best, products[0].dim)
    refinement = common_refinement([total], domain=domain)
    f = refinement.polynomials[0]
    classes = [frozenset(labels[f.terms[cell.terms[0]]]) for cell in refinement.cells]
    pieces = tuple((facet, classes[i], classes[k]) for i, k, facet in _facets(refinement) if classes[i] != classes[k])
    undecided = tuple(
        (cell.polyhedron, chosen) for cell, chosen in zip(refinement.cells, classes, strict=True) if len(chosen) > 1
    )
    return DecisionBoundary(pieces, undecided, f)


def _class_polynomials(scores: list[PuiseuxRational]) -> list[PuiseuxPolynomial]:
    if len(scores) < 2:
        raise AlgebraError("a classifier needs two scores, or one function whose sign decides")
    dims = {score.dim for score in scores}
    if len(dims) > 1:
        raise AlgebraError(f"the scores have different numbers of variables: {sorted(dims)}")
    products = []
    for i, score in enumerate(scores):
        product = prune(score.numerator)
        for k, other in enumerate(scores):
            if k != i:
                product = pruned_product(product, other.denominator)
        products.append(product)
    return products


def _facets(refinement: Refinement) -> list[tuple[int, int, Polyhedron]]:
    """The inner facets of a refinement: the two cells, and the polyhedron between them."""
    result = []
    for i, cell in enumerate(refinement.cells):
        rows = cell.polyhedron.system.rows()
        for row, k in cell.neighbours:
            if k is not None and k > i:
                dim = cell.polyhedron.dim
                facet = Polyhedron.of_integer_rows([r for r in rows if r != row], [row], dim=dim)
                result.append((i, k, facet))
    return result


def _lattice_length(vector: Sequence[fmpq]) -> fmpq:
    denominator = math.lcm(*(int(v.q) for v in vector))
    return fmpq(math.gcd(*(int((v * denominator).p) for v in vector)), denominator)


__all__ = [
    "DecisionBoundary",
    "HypersurfaceFacet",
    "TropicalHypersurface",
    "WeightedComplex",
    "decision_boundary",
    "dominance_regions",
    "hypersurface",
]
