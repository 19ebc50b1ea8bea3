"""Mixed volumes by mixed cells, and Bernstein's bound on the number of roots of a polynomial system.

The mixed volume of n point sets in R^n is the coefficient of ``t_1 .. t_n`` in the volume of ``sum_i t_i conv(A_i)``.
A generic lifting subdivides the Minkowski sum; the mixed volume is the total volume of the mixed cells, the sums of one
edge from each set.

The proof that no mixed cell is missing: the cells are found together with those of larger sets, to which the vertices
of simplices around the A_i are added, very high.  The mixed volume of the larger sets is the product of the degrees
(Bezout), every cell is checked to lie strictly below all other points, and their volumes add up to that product.

B. Huber and B. Sturmfels, *A polyhedral method for solving sparse polynomial systems* (1995); A. Jensen, *Tropical
homotopy continuation* (2016).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import fmpq

from polyhedra.errors import AlgebraError
from polyhedra.plurals import counted
from polyhedra.quoting import quoted
from polyhedra.scalars import common_denominator
from tropical._mixed_cell_walk import Configuration, NotGeneric, TooManyCells, walk
from tropical.polynomial import Exponent, PuiseuxPolynomial
from tropical.semiring import finite

MAX_CELLS = 2_000_000
"""How many cells the walk visits at most by default."""

_LIFTINGS = 20  # random liftings that are tried


@dataclass(frozen=True, slots=True)
class MixedCell:
    """A mixed cell: the sum of one edge from each set.

    Attributes
    ----------
    edges : tuple of (int, int)
        For each set, the positions of the ends of the edge in `MixedCells.supports`.
    volume : fmpq
        The volume of the parallelepiped that they span.
    """

    edges: tuple[tuple[int, int], ...]
    volume: fmpq


@dataclass(frozen=True, slots=True)
class MixedCells:
    """All mixed cells of a generic lifting.

    Attributes
    ----------
    supports : tuple of tuples of points
        The sets, sorted, without repetitions.
    heights : tuple of tuples of int
        The height of each point; the cells belong to the lower hull.
    cells : tuple of MixedCell
    """

    supports: tuple[tuple[Exponent, ...], ...]
    heights: tuple[tuple[int, ...], ...]
    cells: tuple[MixedCell, ...]

    @property
    def mixed_volume(self) -> fmpq:
        """The total volume of the cells."""
        return sum((cell.volume for cell in self.cells), fmpq(0))


def mixed_cells(supports: Iterable[Any], *, rng: int | np.random.Generator = 0, limit: int = MAX_CELLS) -> MixedCells:
    """All mixed cells of n point sets in R^n for a random lifting, which is proven generic.

    Parameters
    ----------
    supports : n sequences of points, or n PuiseuxPolynomials
    rng : seed or Generator
        Chooses the heights.
    limit : int
        How many cells the walk may visit (at most a small multiple of the product of the degrees).

    Raises
    ------
    AlgebraError
        The number of sets is not the dimension, a set is empty, or the limit is reached.

    Examples
    --------
    >>> found = mixed_cells([[(0, 0), (1, 0), (0, 1)], [(0, 0), (2, 0), (0, 2)]])
    >>> found.mixed_volume, sorted(cell.volume for cell in found.cells) in ([2], [1, 1])
    (2, True)
    """
    return lifted_cells(_read(supports), np.random.default_rng(rng), limit)


def lifted_cells(
    sets: tuple[tuple[Exponent, ...], ...],
    generator: np.random.Generator,
    limit: int,
    base: Sequence[Sequence[int]] | None = None,
) -> MixedCells:
    """`mixed_cells` of sets that are read, for the heights ``base`` (0 by default) plus random ones."""
    n = len(sets)
    scales = [common_denominator(v for point in points for v in point) for points in sets]
    integers = [
        [[int(v.p) * (scale // int(v.q)) for v in point] for point in points]
        for points, scale in zip(sets, scales, strict=True)
    ]
    none = tuple((0,) * len(points) for points in sets)
    if any(len(points) == 1 for points in sets):
        return MixedCells(sets, none, ())
    arrays = _small([np.array(points, dtype=object) for points in integers])
    degrees = [int(points.sum(axis=1).max()) for points in arrays]
    if max(degrees) >= 2**60:
        raise AlgebraError(f"the exponents span {max(degrees)} units, more than 2^60: divide them by a common factor")
    for attempt in range(_LIFTINGS):
        configuration, starts = _configuration(arrays, degrees, base, generator, 20 + 2 * attempt)
        try:
            edges, volumes = walk(configuration, np.array([(s, s + i + 1) for i, s in enumerate(starts)]), limit)
        except NotGeneric:
            continue
        except TooManyCells:
            raise AlgebraError(f"the mixed volume needs more than {counted(limit, 'cell')}; raise limit") from None
        if sum(volumes.tolist()) != math.prod(degrees):
            raise AssertionError("the mixed cells do not fill the product of the degrees")
        pure = configuration.moving[edges].all(axis=(1, 2)) if n else np.ones(len(edges), dtype=bool)
        firsts = [s + n + 1 for s in starts]
        total = math.prod(scales)
        cells = sorted(
            (tuple((i - f, k - f) for (i, k), f in zip(cell, firsts, strict=True)), fmpq(volume, total))
            for cell, volume in zip(edges[pure].tolist(), volumes[pure].tolist(), strict=True)
        )
        heights = tuple(
            tuple(configuration.heights[f : f + len(points)].tolist()) for f, points in zip(firsts, sets, strict=True)
        )
        return MixedCells(sets, heights, tuple(MixedCell(cell, volume) for cell, volume in cells))
    raise AlgebraError(f"no lifting was generic in {_LIFTINGS} tries; give another rng")


def mixed_volume(supports: Iterable[Any], *, rng: int | np.random.Generator = 0, limit: int = MAX_CELLS) -> fmpq:
    """The mixed volume of n point sets in R^n; parameters as `mixed_cells`.

    Examples
    --------
    >>> square, triangle = [(0, 0), (1, 0), (0, 1), (1, 1)], [(0, 0), (1, 0), (0, 1)]
    >>> mixed_volume([square, square]), mixed_volume([square, triangle])
    (2, 2)
    """
    return mixed_cells(supports, rng=rng, limit=limit).mixed_volume


def bernstein_bound(polynomials: Iterable[Any], variables: Sequence[Any], *, limit: int = MAX_CELLS) -> int:
    """The largest number of isolated roots without zero coordinates: the mixed volume of the Newton polytopes.

    The bound is attained for generic coefficients.

    Parameters
    ----------
    polynomials : n sympy expressions with rational coefficients, or mappings from exponent to coefficient
    variables : n sympy symbols
    limit : int
        As `mixed_cells`.

    Examples
    --------
    >>> import sympy
    >>> x, y = sympy.symbols("x y")
    >>> bernstein_bound([x**2 + y + 1, x * y + x + 3], [x, y])
    3
    """
    from tropical.valuation import Trivial, valued_terms

    supports = [list(valued_terms(polynomial, Trivial(), variables)) for polynomial in polynomials]
    if any(v.q != 1 for points in supports for point in points for v in point):
        raise AlgebraError("Bernstein's bound needs integer exponents; substitute powers of the variables first")
    return int(mixed_volume(supports, limit=limit).p)


def _read(supports: Iterable[Any]) -> tuple[tuple[Exponent, ...], ...]:
    """The sets, sorted and without repetitions."""
    sets = []
    for number, support in enumerate(supports):
        points = support.exponents if isinstance(support, PuiseuxPolynomial) else support
        try:
            read = {tuple(finite(v, f"set {number}") for v in point) for point in points}
        except TypeError:
            raise AlgebraError(f"set {number}: {quoted(support)} is no sequence of points") from None
        if not read:
            raise AlgebraError(f"set {number} is empty; a mixed volume needs a point in each set")
        sets.append(tuple(sorted(read)))
    if not sets:
        raise AlgebraError("a mixed volume needs at least one set")
    for number, points in enumerate(sets):
        for point in points:
            if len(point) != len(sets):
                raise AlgebraError(f"set {number} has a point in R^{len(point)}, but there are {len(sets)} sets")
    return tuple(sets)


def _small(arrays: list[Any]) -> list[Any]:
    """The sets moved to the corner of the orthant, coordinates reflected where that makes the degrees smaller."""

    def cornered(sets: list[Any]) -> list[Any]:
        return [points - points.min(axis=0) for points in sets]

    def bezout(sets: list[Any]) -> int:
        return math.prod(int(points.sum(axis=1).max()) for points in sets)

    best = cornered(arrays)
    for k in range(len(arrays)):
        signs = np.array([-1 if i == k else 1 for i in range(len(arrays))], dtype=object)
        reflected = cornered([points * signs for points in best])
        if bezout(reflected) < bezout(best):
            best = reflected
    return best


def _configuration(
    arrays: list[Any],
    degrees: list[int],
    base: Sequence[Sequence[int]] | None,
    generator: np.random.Generator,
    bits: int,
) -> tuple[Configuration, list[int]]:
    """The sets with the vertices 0, d e_1, .., d e_n of the simplices before them, and where each set starts."""
    n = len(arrays)
    points: list[Any] = []
    owner: list[int] = []
    heights: list[int] = []
    moving: list[int] = []
    starts: list[int] = []
    for i, (own, degree) in enumerate(zip(arrays, degrees, strict=True)):
        starts.append(len(owner))
        simplex = np.concatenate([np.zeros((1, n), dtype=object), degree * np.eye(n, dtype=int).astype(object)])
        points += [simplex, own]
        owner += [i] * (n + 1 + len(own))
        moving += [0] * (n + 1) + [1] * len(own)
        lifted = generator.integers(1, 2**bits, size=n + 1 + len(own)).tolist()
        # the edge [0, d e_i] is the lowest one of simplex i
        lifted[0] = lifted[i + 1] = 0
        if base is not None:
            lifted[n + 1 :] = [h + b for h, b in zip(lifted[n + 1 :], base[i], strict=True)]
        heights += lifted
    whole = np.concatenate(points).astype(np.int64)
    kind: Any = np.int64 if max(map(abs, heights)) < 2**62 else object
    return Configuration(whole, np.array(owner), np.array(heights, dtype=kind), np.array(moving)), starts


__all__ = ["MAX_CELLS", "MixedCell", "MixedCells", "bernstein_bound", "lifted_cells", "mixed_cells", "mixed_volume"]
