"""Pruning: the terms of ``max_j (a_j . x + c_j)`` that can be left out without changing the function.

A term is redundant iff its lifted point (a_j, c_j) lies on or under the convex hull of the others; it is irredundant
iff at some point it alone is maximal.  Three methods, one answer:

* ``"certified"`` (default): points at which one term provably wins alone propose the irredundant set; every other term
  is compared with that set by a linear program (Clarkson).  All programs of a round run together in floating point, a
  redundancy counts when its multipliers are enclosed rigorously or recomputed exactly, and what stays doubtful is
  decided by an exact program.  In one variable (after removing directions that no term sees) the upper hull is built
  exactly.
* ``"hull"``: the same, with proposals from the convex hull of the lifted points (Qhull).  Wins in two and three
  variables with thousands of terms; explodes in more than five.
* ``"cdd"``: a second witness: the dimension of each dominance polyhedron by pycddlib, with checked certificates.

With a domain, a term is kept iff it alone is maximal at some point of the domain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, overload

import numpy as np

from polyhedra.arrays import Floats
from polyhedra.errors import AlgebraError
from polyhedra.linear_program import InteriorPoint, interior_of
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron
from polyhedra.quoting import quoted
from polyhedra.system import System
from tropical._hull_kernels import COMPILED, first_vertex, locate, proven_redundant, winners
from tropical._triangulation_kernels import qhull_upper, triangulate, walk
from tropical.lifted import Irredundant, LiftedPoints, Redundant
from tropical.polynomial import PuiseuxPolynomial, Row

Method = Literal["certified", "hull", "cdd"]

PIVOTS = 60  # simultaneous simplex steps before a term goes to the exact program
TRIANGULATED = 10_000_000 if COMPILED else 200_000  # pairs of terms from which on a triangulation is worth its time
LOCATED_A_ROUND = 2000  # terms located by pivoting in one round, where the others were located in a triangulation
POINTS_A_ROUND = 400  # points at which all terms are evaluated after a round


@dataclass(frozen=True, slots=True)
class Pruning:
    """The result of `prune`, with a proof for every term.

    Attributes
    ----------
    original, polynomial : PuiseuxPolynomial
        Before and after.
    kept : tuple of int
        The positions in ``original.terms`` of the terms that were kept.
    certificates : tuple of Irredundant or Redundant
        One per term of ``original``.
    domain : Polyhedron or None
        None for R^n.
    """

    original: PuiseuxPolynomial
    polynomial: PuiseuxPolynomial
    kept: tuple[int, ...]
    certificates: tuple[Irredundant | Redundant, ...]
    domain: Polyhedron | None = None

    def verify(self) -> bool:
        """Check every certificate by exact arithmetic alone."""
        if self.original.select(self.kept) != self.polynomial or len(self.certificates) != len(self.original):
            return False
        return all(self._holds(i, certificate) for i, certificate in enumerate(self.certificates))

    def _holds(self, position: int, certificate: Irredundant | Redundant) -> bool:
        terms = self.original.terms
        if isinstance(certificate, Irredundant):
            x = certificate.point
            if position not in self.kept or (self.domain is not None and not self.domain.contains(x)):
                return False
            values, _ = self.original.scaled_values(x)
            return all(values[position] > values[i] for i in self.kept if i != position)
        weights = certificate.multipliers
        if (
            position in self.kept
            or any(w < 0 or i not in self.kept for i, w in weights)
            or sum(w for _, w in weights) != 1
        ):
            return False
        rest = list(terms[position][0])
        height = terms[position][1]
        for i, w in weights:
            rest = [v - w * a for v, a in zip(rest, terms[i][0], strict=True)]
            height -= w * terms[i][1]
        if self.domain is not None:
            walls = zip(
                (*self.domain.inequalities, *self.domain.equalities),
                (*certificate.walls, *certificate.equalities),
                strict=True,
            )
            if any(mu < 0 for mu in certificate.walls):
                return False
            for row, mu in walls:
                rest = [v - mu * a for v, a in zip(rest, row[:-1], strict=True)]
                height += mu * row[-1]
        return not any(rest) and height <= 0


@overload
def prune(
    polynomial: PuiseuxPolynomial,
    *,
    domain: Polyhedron | None = ...,
    method: Method = ...,
    certificates: Literal[False] = ...,
) -> PuiseuxPolynomial: ...
@overload
def prune(
    polynomial: PuiseuxPolynomial, *, domain: Polyhedron | None = ..., method: Method = ..., certificates: Literal[True]
) -> Pruning: ...
def prune(
    polynomial: PuiseuxPolynomial,
    *,
    domain: Polyhedron | None = None,
    method: Method = "certified",
    certificates: bool = False,
) -> PuiseuxPolynomial | Pruning:
    """Remove every redundant term; exact whatever the method.

    Parameters
    ----------
    polynomial : PuiseuxPolynomial
    domain : Polyhedron, optional
        Where the function is to stay the same; R^n by default.
    method : "certified", "hull" or "cdd"
        See the module; all give the same polynomial.  (On a domain of lower dimension several terms can be equal;
        which of them is kept does not depend on the method.)
    certificates : bool
        Return a `Pruning` with a proof for every term, instead of the polynomial alone.

    Raises
    ------
    AlgebraError
        An empty domain, a domain of another dimension, or an unknown method.

    Examples
    --------
    >>> print(prune(PuiseuxPolynomial({(0,): 0, (1,): 0, (2,): 1})))
    max(2x1 + 1, 0)
    """
    if method not in ("certified", "hull", "cdd"):
        raise AlgebraError(f"there is no pruning method {quoted(method)}; use 'certified', 'hull' or 'cdd'")
    if domain is not None:
        if domain.dim != polynomial.dim:
            raise AlgebraError(
                f"the domain lies in R^{domain.dim}, the polynomial has {counted(polynomial.dim, 'variable')}"
            )
        if domain.is_empty():
            raise AlgebraError("the domain is empty: there is nothing to prune on")
        if not domain.inequalities and not domain.equalities:
            domain = None
    if polynomial.is_zero:
        return Pruning(polynomial, polynomial, (), (), domain) if certificates else polynomial
    points = LiftedPoints.of(polynomial)
    kept = _by_cdd(points) if method == "cdd" else irredundant_positions(points, use_hull=method == "hull")
    unreduced = LiftedPoints.of(polynomial, reduce=False)
    if domain is not None:
        kept = _on_domain(unreduced, kept, domain)
    pruned = polynomial.select(kept)
    if not certificates:
        return pruned
    proofs = _certificates(points, kept) if domain is None else _domain_certificates(unreduced, kept, domain)
    return Pruning(polynomial, pruned, tuple(kept), proofs, domain)


def pruned_product(first: PuiseuxPolynomial, second: PuiseuxPolynomial) -> PuiseuxPolynomial:
    """``prune(first * second)``, faster: where the product is large is known from the factors.

    At a point the maximal term of a product is the product of the maximal terms, so candidates are found by
    evaluating the factors; the rest of the pairs is pruned as always.

    Examples
    --------
    >>> x, y = PuiseuxPolynomial.variables(2)
    >>> print(pruned_product(x + y, x + y))
    max(2x1, 2x2)
    """
    left, right = prune(first), prune(second)
    product = left * right
    if left.is_zero or right.is_zero or len(product) < 2000:
        return prune(product)
    points = LiftedPoints.of(product)
    if points.rank not in (2, 3) or points.rank < product.dim:
        return prune(product)
    chosen = _product_winners(left, right, product)
    if chosen is None:
        return prune(product)
    return product.select(_complete(points, dict.fromkeys(chosen, False)))


def _product_winners(left: PuiseuxPolynomial, right: PuiseuxPolynomial, product: PuiseuxPolynomial) -> list[int] | None:
    """Positions of the terms of the product that win at the vertices of its own complex, found in rounds."""
    (A, c), (B, d) = left.float_terms(), right.float_terms()
    if not all(_moderate(part) for part in (A, c, B, d)):
        return None
    start = [triangulate(A, c), triangulate(B, d)]
    points = [_sample_points(A, c), _sample_points(B, d)]
    points += [t.vertices for t in start if t is not None]
    width = len(d)
    pairs = np.empty(0, dtype=np.intp)
    fresh = np.concatenate([p + s for p in points for s in (0.0, 1e-3 * np.ptp(p, axis=0))])
    for _ in range(12):
        fresh = fresh[np.isfinite(fresh).all(axis=1)]
        best = winners(A, c, fresh)[0] * width + winners(B, d, fresh)[0]
        grown = np.union1d(pairs, best)
        if len(grown) == len(pairs):
            break
        pairs = grown
        i, k = pairs // width, pairs % width
        triangulation = triangulate(A[i] + B[k], c[i] + d[k])
        if triangulation is None:
            return None
        fresh = triangulation.vertices
    e = product.denominators[0]
    ours = [[int((v * e).p) for v in exponent] for exponent in left.exponents]
    theirs = [[int((v * e).p) for v in exponent] for exponent in right.exponents]
    place = {row[:-1]: position for position, row in enumerate(product.rows)}
    return [place[tuple(map(int.__add__, ours[q // width], theirs[q % width]))] for q in pairs.tolist()]


def _moderate(numbers: Floats) -> bool:
    """Whether all numbers are 0 or far from the ends of the float range, so that proposals are worth their time."""
    size = np.abs(numbers[numbers != 0])
    return bool(((size > 1e-80) & (size < 1e80)).all())


def irredundant_positions(points: LiftedPoints, use_hull: bool = False) -> list[int]:
    """The positions of the irredundant terms, sorted."""
    if points.rank == 0:
        return [0]
    if points.rank == 1:
        return upper_hull(points.rows)
    return _clarkson(points, *points.floats(), use_hull)


def upper_hull(rows: Sequence[Row]) -> list[int]:
    """Positions of the strict vertices of the upper hull of points (a, c) in the plane, distinct a, exactly."""
    hull: list[int] = []
    for i in sorted(range(len(rows)), key=lambda k: rows[k]):
        while len(hull) > 1:
            (a, p), (b, q), (d, s) = rows[hull[-2]], rows[hull[-1]], rows[i]
            # the middle point stays iff it is strictly above the line through its neighbours
            if (q - p) * (d - a) > (s - p) * (b - a):
                break
            hull.pop()
        hull.append(i)
    return sorted(hull)


def _clarkson(points: LiftedPoints, A: Floats, c: Floats, use_hull: bool) -> list[int]:
    proposals = _hull_points(A, c) if use_hull else None
    if proposals is None:
        proposals = _sample_points(A, c)
    chosen: dict[int, bool] = {}  # term -> known to be irredundant
    _record(chosen, *winners(A, c, proposals))
    return _complete(points, chosen)


def _complete(points: LiftedPoints, chosen: dict[int, bool]) -> list[int]:
    """Compare all other terms with the chosen ones, which grow until nothing rises above them."""
    A, c = points.floats()
    count, rank = A.shape
    pending = np.array([i for i in range(count) if i not in chosen], dtype=np.intp)
    doubtful: list[int] = []
    while len(pending):
        members = np.fromiter(chosen, dtype=np.intp)
        settled, candidates = _round(points, members, pending)
        before = len(chosen)
        if len(candidates):
            _record(chosen, *winners(A, c, candidates))
        settled |= np.isin(pending, np.fromiter(chosen, dtype=np.intp))
        pending = pending[~settled]
        if len(chosen) == before and not settled.any():
            doubtful = pending.tolist()
            break
    proven = {i for i, sure in chosen.items() if sure}
    placed = _placed(points, list(chosen), doubtful)
    if rank <= 4 and len(placed) - len(proven) > 5:
        # only now: a doubtful term that has joined may rise above a member that was alone without it
        proven |= _alone_among(A, c, np.array(placed, dtype=np.intp))
    return _irredundant_among(points, placed, proven)


def _alone_among(A: Floats, c: Floats, members: np.ndarray) -> set[int]:
    """The members that are proven to win alone among the members, at the middle of their regions."""
    middle = _hull_points(A[members], c[members])
    if middle is None:
        return set()
    winner, alone = winners(A[members], c[members], middle)
    return set(members[winner[alone]].tolist())


def _round(points: LiftedPoints, members: np.ndarray, pending: np.ndarray) -> tuple[np.ndarray, Floats]:
    """Compare pending terms with the members: which are proven redundant, and points where others rise above."""
    A, c = points.floats()
    own_A, own_c = A[members], c[members]
    rank = A.shape[1]
    settled = np.zeros(len(pending), dtype=bool)
    basis = np.zeros((len(pending), rank + 1), dtype=np.intp)
    optimal = np.zeros(len(pending), dtype=bool)
    candidates = [np.empty((0, rank))]
    triangulation = triangulate(own_A, own_c) if rank <= 3 and len(pending) * len(members) > TRIANGULATED else None
    left = np.arange(len(pending))
    if triangulation is not None:
        simplex, status = walk(triangulation, own_A, A[pending])
        basis[:] = triangulation.simplices[simplex]
        optimal = status == 1
        x = triangulation.vertices[simplex]
        above = np.flatnonzero(
            optimal & (np.einsum("qk,qk->q", A[pending] - own_A[basis[:, 0]], x) + c[pending] > own_c[basis[:, 0]])
        )
        candidates.append(x[_spread(above)])
        optimal[above] = False
        left = np.flatnonzero(status != 1)[:LOCATED_A_ROUND]
    if len(left):
        start = first_vertex(own_A, own_c, np.zeros(rank))
        if start is not None:
            queries = pending[left]
            found, point, direction, status = locate(own_A, own_c, A[queries], c[queries], start, PIVOTS)
            basis[left] = found
            optimal[left] = status == 1
            candidates.append(point[_spread(np.flatnonzero(status == 3))])
            candidates += _far(point, direction, _spread(np.flatnonzero(status == 2)))
    chosen = np.flatnonzero(optimal)
    proven = proven_redundant(own_A, own_c, A[pending[chosen]], c[pending[chosen]], basis[chosen])
    settled[chosen[proven]] = True
    for q in chosen[~proven]:
        settled[q] = points.combination(int(pending[q]), members[basis[q]].tolist()) is not None
    return settled, np.concatenate(candidates)


def _record(chosen: dict[int, bool], winner: np.ndarray, alone: np.ndarray) -> None:
    for i, sure in zip(winner.tolist(), alone.tolist(), strict=True):
        chosen[i] = chosen.get(i, False) or sure


def _spread(indices: np.ndarray) -> np.ndarray:
    """At most `POINTS_A_ROUND` of them, evenly taken."""
    return indices[:: max(1, -(-len(indices) // POINTS_A_ROUND))]


def _far(point: Floats, direction: Floats, indices: np.ndarray) -> list[Floats]:
    x, u = point[indices], direction[indices]
    size = 1.0 + np.abs(x).max(axis=1, keepdims=True, initial=0.0)
    length = np.abs(u).max(axis=1, keepdims=True, initial=0.0)
    u = np.divide(u, length, out=np.zeros_like(u), where=length > 0)
    return [x + factor * size * u for factor in (1.0, 30.0, 1000.0)]


def _placed(points: LiftedPoints, members: list[int], doubtful: list[int]) -> list[int]:
    """The members and those of the doubtful terms that exact programs find above them."""
    known = set(members)
    for query in doubtful:
        if query not in known and isinstance(points.decide(query, members), Irredundant):
            members = [*members, query]
            known.add(query)
    return members


def _irredundant_among(points: LiftedPoints, members: list[int], proven: set[int]) -> list[int]:
    """Remove the members that exact programs find redundant among the others."""
    for i in sorted(set(members) - proven):
        others = [k for k in members if k != i]
        if isinstance(points.decide(i, others), Redundant):
            members = others
    return sorted(members)


def _sample_points(A: Floats, c: Floats) -> Floats:
    """Points at all scales, near which terms change places; the result of pruning does not depend on them."""
    count, rank = A.shape
    rng = np.random.default_rng(20240522)
    spread = A.std(axis=0)
    height = float(c.std()) or float(np.abs(c).max()) or 1.0
    scale = np.minimum(height / np.maximum(spread, 1e-100), 1e100)
    number = int(min(4 * count + 50, 2000, max(200, 20_000_000 // count)))
    directions = rng.standard_normal((number, rank))
    radii = 10.0 ** rng.uniform(-1.5, 1.5, (number, 1))
    return directions * radii * scale


def _hull_points(A: Floats, c: Floats) -> Floats | None:
    """The points at which the facets of the upper hull tie, moved a little inside each of their terms' regions."""
    count, rank = A.shape
    hull = qhull_upper(A, c)
    if hull is None:
        return None
    with np.errstate(all="ignore"):
        length = np.abs(hull.normals).max(axis=1, keepdims=True, initial=0.0)
        normals = hull.normals / length
        steep = normals[:, -1] > 1e-12
        # a term's region is spanned by the normals of its facets, so their sum points into its interior
        total = np.zeros((count, rank + 1))
        np.add.at(total, hull.simplices[steep], normals[steep][:, np.newaxis, :])
        inside = total[total[:, -1] > 0]
        points = inside[:, :-1] / inside[:, -1:]
    return points if len(points) and np.isfinite(points).all() else None


def _by_cdd(points: LiftedPoints) -> list[int]:
    """Every dominance polyhedron by pycddlib: a term stays iff its polyhedron is full-dimensional."""
    kept = []
    for i, own in enumerate(points.rows):
        rows = [
            (*(a - b for a, b in zip(row[:-1], own[:-1], strict=True)), own[-1] - row[-1])
            for k, row in enumerate(points.rows)
            if k != i
        ]
        # the variables are scaled by the quotient of the denominators, which does not change the answer
        system = System.of_integer_rows(rows, 0, points.rank)
        if not rows or isinstance(interior_of(system, backend="cdd"), InteriorPoint):
            kept.append(i)
    return kept


def _on_domain(points: LiftedPoints, members: list[int], domain: Polyhedron) -> list[int]:
    for i in list(members):
        others = [k for k in members if k != i]
        if others and isinstance(points.compare(i, others, domain), Redundant):
            members = others
    return members


def _certificates(points: LiftedPoints, kept: list[int]) -> tuple[Irredundant | Redundant, ...]:
    chosen = set(kept)
    proofs: list[Irredundant | Redundant] = []
    for i in range(len(points.rows)):
        proof = points.decide(i, [k for k in kept if k != i])
        assert isinstance(proof, Irredundant) == (i in chosen)
        proofs.append(Irredundant(points.full_point(proof.point)) if isinstance(proof, Irredundant) else proof)
    return tuple(proofs)


def _domain_certificates(
    points: LiftedPoints, kept: list[int], domain: Polyhedron
) -> tuple[Irredundant | Redundant, ...]:
    return tuple(points.compare(i, [k for k in kept if k != i], domain) for i in range(len(points.rows)))


__all__ = ["Irredundant", "Method", "Pruning", "Redundant", "prune"]
