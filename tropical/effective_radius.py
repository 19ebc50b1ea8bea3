"""Hoffman constants of tropical maps, and the balls that meet every linear region.

On a cell of a map one term of each polynomial is maximal: the cell is ``{x : (e_j - e_i) . x <= c_i - c_j for all j}``,
stacked for numerator and denominator, and its Hoffman constant is that of the rows ``e_j - e_i``.  The constant of the
map is the largest over its full-dimensional cells.  A centre z violates a row by at most the range of the values
``c_j + e_j . z`` of one polynomial, so

    effective radius about z = H times the largest such range

is a radius whose closed ball (a cube, in the infinity norm) meets the closure of every cell, and so of every linear
region; any larger one meets every interior.  The smallest radius with this property is the largest distance from z to
a region, which linear programs over the regions give exactly.

Lezeau et al., "Tropical expressivity of neural networks" (2024), section 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from flint import fmpq

from polyhedra.errors import AlgebraError
from polyhedra.former_names import former_keywords
from polyhedra.linear_program import Optimal, maximize
from polyhedra.matrix import Matrix, Vector, dot
from polyhedra.option_types import checked_options
from polyhedra.polyhedron import Polyhedron
from polyhedra.quoting import quoted, shown
from polyhedra.randomness import generator_and_seed
from polyhedra.scalars import ONE, ZERO
from polyhedra.values import Value
from tropical.hoffman import MAX_PROGRAMS, hoffman_lower, hoffman_over, hoffman_upper
from tropical.polynomial import PuiseuxPolynomial
from tropical.pruning import prune
from tropical.rational import PuiseuxRational
from tropical.regions import common_refinement, linear_regions

MAX_BASES, MIN_BASES = 3_000_000, 10_000
"""How many bases the upper bound looks at in all, and for each cell at least (see `hoffman_upper`)."""

MAX_SAMPLES = 2_000
"""How many bases are drawn in all for the lower bound, if there are not more cells."""

Map = PuiseuxPolynomial | PuiseuxRational | Sequence[PuiseuxPolynomial | PuiseuxRational]


@dataclass(frozen=True, slots=True, repr=False)
class EffectiveRadius(Value):
    """The Hoffman constant of a map, bounds on it, and the effective radius about a centre.

    Attributes
    ----------
    exact : fmpq or None
        None where it would take too many linear programs, or was not asked for.
    lower, upper : fmpq
        Proven bounds.
    range : fmpq
        The largest difference between values of terms of one polynomial at the centre; about the origin the range of
        the coefficients.
    centre : tuple of fmpq
    cells : int
        The number of full-dimensional cells, the largest of whose constants it is.
    seed : int or None
        The seed of the bases that were drawn for ``lower``; None where a generator was given.
    """

    exact: fmpq | None
    lower: fmpq
    upper: fmpq
    range: fmpq
    centre: Vector
    cells: int
    seed: int | None = field(default=None, compare=False)

    @property
    def radius(self) -> fmpq:
        """The effective radius: by the exact constant, or by the upper bound where that is unknown."""
        return (self.upper if self.exact is None else self.exact) * self.range


@checked_options
@former_keywords(samples="n_samples", centre="center")
def effective_radius(
    f: Map,
    center: Iterable[Any] | None = None,
    *,
    pruned: bool = True,
    exact: bool = True,
    n_samples: int = 20,
    rng: int | np.random.Generator | None = None,
    limit: int = MAX_PROGRAMS,
) -> EffectiveRadius:
    """The Hoffman constant of a map with bounds on both sides, and its effective radius about a centre.

    Parameters
    ----------
    f : PuiseuxPolynomial, PuiseuxRational or a sequence of them
        Several maps are taken together: their cells are those of the common refinement.
    center : sequence of n numbers, optional
        The origin by default.
    pruned : bool
        Remove redundant terms first.  Without that they count in the rows and in the range, as they stand.
    exact : bool
        Without it only the bounds are computed.
    n_samples : int
        How many bases of rows are drawn for each cell for the lower bound; fewer where that would be more than
        `MAX_SAMPLES` in all.
    rng : int or numpy Generator, optional
        Draws the bases.  A seed is drawn where none is given; the result remembers it.
    limit : int
        How many linear programs the exact constant may take; beyond it ``exact`` is None.

    Examples
    --------
    >>> x, = PuiseuxPolynomial.variables(1)
    >>> f = PuiseuxPolynomial([((0,), 0), ((1,), -1), ((2,), 0)])
    >>> before, after = effective_radius(f, pruned=False), effective_radius(f)
    >>> before.exact, before.radius, after.exact, after.radius
    (1, 1, 1/2, 0)
    """
    found = refined_radius(f, center, pruned=pruned, n_samples=n_samples, rng=rng, limit=limit)
    bounds = next(found)
    return next(found) if exact else bounds


@former_keywords(samples="n_samples", centre="center")
def refined_radius(
    f: Map,
    center: Iterable[Any] | None = None,
    *,
    pruned: bool = True,
    n_samples: int = 20,
    rng: int | np.random.Generator | None = None,
    limit: int = MAX_PROGRAMS,
) -> Iterator[EffectiveRadius]:
    """The same in two steps, for those who may stop after the first: the bounds alone, then the exact constant too.

    The arguments are those of `effective_radius`.

    Examples
    --------
    >>> f = PuiseuxPolynomial([((0,), 0), ((1,), -1), ((2,), 0)])
    >>> [known.exact for known in refined_radius(f)]
    [None, 1/2]
    """
    polynomials = _polynomials(f)
    cells = tuple(_cell_rows(polynomials, pruned))
    generator, seed = generator_and_seed(rng)
    n_samples = max(1, min(n_samples, MAX_SAMPLES // len(cells)))
    lower = max(hoffman_lower(rows, n_samples=n_samples, rng=generator).value for rows in cells)
    bases = max(MIN_BASES, MAX_BASES // len(cells))
    upper = max(hoffman_upper(rows, limit=bases) for rows in cells)
    z = _centre(polynomials, center)
    bounds = EffectiveRadius(None, lower, upper, coefficient_range(f, z, pruned=pruned), z, len(cells), seed)
    yield bounds
    try:
        yield replace(bounds, exact=hoffman_over(cells, limit=limit).value)
    except AlgebraError:
        yield bounds  # the limit is the only thing that it refuses


@former_keywords(centre="center")
def coefficient_range(f: Map, center: Iterable[Any] | None = None, *, pruned: bool = True) -> fmpq:
    """The largest difference between the values at a centre of two terms of one numerator or denominator.

    The arguments are those of `effective_radius`.
    """
    polynomials = _polynomials(f)
    z = _centre(polynomials, center)
    spread = ZERO
    for p in polynomials:
        values = [c + dot(e, z) for e, c in (prune(p) if pruned else p).terms]
        spread = max(spread, max(values) - min(values))
    return spread


def hoffman_constant_of(f: Map, *, pruned: bool = True, limit: int = MAX_PROGRAMS) -> fmpq:
    """The exact Hoffman constant of a map.

    The arguments are those of `effective_radius`.

    Raises
    ------
    AlgebraError
        It takes more than ``limit`` linear programs.

    Examples
    --------
    >>> x, y = PuiseuxPolynomial.variables(2)
    >>> hoffman_constant_of((x + y) ** "1/3" + PuiseuxPolynomial.constant(0, 2))
    3
    """
    return hoffman_over(_cell_rows(_polynomials(f), pruned), limit=limit).value


@dataclass(frozen=True, slots=True, repr=False)
class MinimalRadius(Value):
    """The smallest radius about a centre whose closed ball meets every set of a family.

    Attributes
    ----------
    value : fmpq
        The largest distance, in the infinity norm.
    points : tuple of points
        For each set a point of it at its distance from the centre.
    """

    value: fmpq
    points: tuple[Vector, ...]


@checked_options
@former_keywords(centre="center")
def minimal_effective_radius(
    f: Map, center: Iterable[Any] | None = None, *, over: Literal["regions", "cells"] = "regions"
) -> MinimalRadius:
    """The smallest radius whose ball about a centre meets the closure of every linear region, exactly.

    Parameters
    ----------
    f : PuiseuxPolynomial, PuiseuxRational or a sequence of them
    center : sequence of n numbers, optional
        The origin by default.
    over : "regions" or "cells"
        A region is a union of cells, so its radius is at most that for the cells.

    Examples
    --------
    >>> f = PuiseuxPolynomial([((0,), 0), ((1,), -1), ((2,), -5)])
    >>> minimal_effective_radius(f).value, effective_radius(f).radius
    (4, 5)
    """
    polynomials = _polynomials(f)
    z = _centre(polynomials, center)
    if over == "cells":
        families = [[cell.polyhedron] for cell in common_refinement(polynomials).cells]
    elif over == "regions":
        families = [list(region.polyhedra) for region in linear_regions(f)]
    else:
        raise AlgebraError(f"there are no radii over {quoted(over)}; take 'regions' or 'cells'")
    nearest = [min(_nearest_points(family, z), key=lambda found: found[0]) for family in families]
    return MinimalRadius(max((d for d, _ in nearest), default=ZERO), tuple(point for _, point in nearest))


def nearest_point(polyhedron: Polyhedron, centre: Sequence[fmpq]) -> tuple[fmpq, Vector]:
    """The distance from a point to a polyhedron in the infinity norm, and a point where it is attained.

    Raises
    ------
    AlgebraError
        The polyhedron is empty.

    Examples
    --------
    >>> nearest_point(Polyhedron([[-1, -1]], [-3]), [fmpq(0), fmpq(0)])
    (3/2, (3/2, 3/2))
    """
    n = polyhedron.dim
    rows = [(*row[:-1], ZERO) for row in polyhedron.inequalities]
    bounds = [row[-1] for row in polyhedron.inequalities]
    for j in range(n):
        for sign in (ONE, -ONE):
            rows.append((*(sign if i == j else ZERO for i in range(n)), -ONE))
            bounds.append(sign * centre[j])
    equal = [(*row[:-1], ZERO) for row in polyhedron.equalities]
    answer = maximize((*(ZERO,) * n, -ONE), rows, bounds, equal, [row[-1] for row in polyhedron.equalities])
    if not isinstance(answer, Optimal):
        raise AlgebraError("no point of an empty polyhedron is nearest")
    return -answer.value, answer.point[:-1]


def _nearest_points(family: Iterable[Polyhedron], centre: Vector) -> Iterator[tuple[fmpq, Vector]]:
    for polyhedron in family:
        yield nearest_point(polyhedron, centre)


def _polynomials(f: Map) -> tuple[PuiseuxPolynomial, ...]:
    """All numerators and denominators of a map."""
    maps: list[Any] = list(f) if isinstance(f, Iterable) and not isinstance(f, PuiseuxPolynomial) else [f]
    for each in maps:
        if not isinstance(each, PuiseuxPolynomial | PuiseuxRational):
            raise AlgebraError(
                f"the maps are polynomials or rational maps, not {shown(repr(each), 60)}; of a network: "
                "tropicalize(network), or effective_radii(network)"
            )
    found: list[PuiseuxPolynomial] = []
    for each in maps:
        found += [each] if isinstance(each, PuiseuxPolynomial) else [each.numerator, each.denominator]
    if not found:
        raise AlgebraError("no maps: give at least one")
    if any(p.is_zero for p in found):
        raise AlgebraError("the tropical zero (-inf) has no linear regions")
    if len({p.dim for p in found}) > 1:
        raise AlgebraError("the maps have different numbers of variables; embed the smaller ones")
    return tuple(found)


def _cell_rows(polynomials: Sequence[PuiseuxPolynomial], pruned: bool) -> Iterator[Matrix]:
    """The rows ``e_j - e_i`` of each full-dimensional cell, for all polynomials together."""
    short = [prune(p) for p in polynomials]
    rows_of = [p.exponents for p in (short if pruned else polynomials)]
    if len(short) == 1:
        # of an irredundant polynomial every term has its cell
        cells: list[tuple[int, ...]] = [(i,) for i in range(len(short[0]))]
    else:
        refinement = common_refinement(short)
        short = list(refinement.polynomials)
        cells = [cell.terms for cell in refinement.cells]
    for terms in cells:
        rows: list[Vector] = []
        for p, exponents, i in zip(short, rows_of, terms, strict=True):
            own = p.exponents[i]
            rows += [tuple(a - b for a, b in zip(e, own, strict=True)) for e in exponents if e != own]
        yield tuple(rows)


def _centre(polynomials: Sequence[PuiseuxPolynomial], centre: Iterable[Any] | None) -> Vector:
    if centre is None:
        return (ZERO,) * polynomials[0].dim
    return polynomials[0].point(centre)


__all__ = [
    "EffectiveRadius",
    "MinimalRadius",
    "coefficient_range",
    "effective_radius",
    "hoffman_constant_of",
    "minimal_effective_radius",
    "nearest_point",
    "refined_radius",
]
