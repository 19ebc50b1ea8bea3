"""Are two networks the same function?  By all cells of both together, after a search for a point where they differ.

On each cell the difference is one affine map, which must vanish: the first that does not gives a point. Formulas
(`nn_bridge.symbolic.equality`) are better where they are short and the cells many: one layer and many inputs.
"""

from __future__ import annotations

import math

import numpy as np
from flint import fmpq

from nn_bridge.cells.cell import iterate_cells
from nn_bridge.network.joint import difference
from nn_bridge.network.network import Network, Row
from nn_bridge.symbolic.equality import difference_at_probes, difference_of_formulas
from nn_bridge.symbolic.monomials import native_monomials
from polyhedra.scalars import rational

_FEW_CELLS = 1000
_SHORT = 100  # terms, before any pruning
_MANY_UNITS = 64  # with more, formulas are never short
_SCALES = tuple(10.0**k for k in range(-3, 4))
_DRAWN = 500  # points for each scale
_TRIED = 12  # points that are evaluated exactly


def point_of_difference(first: Network, second: Network) -> Row | None:
    """A rational point at which two networks have different outputs, or None where they are the same function.

    Decided by the first way that can: a few points, points at which float64 sees a difference, and then all formulas or
    all cells.

    Raises
    ------
    NetworkError
        The numbers of inputs or outputs differ.

    Examples
    --------
    >>> identity = Network.from_layers([[[1]]])
    >>> split = Network.from_layers([[[1], [-1]], [[1, -1]]])
    >>> print(point_of_difference(identity, split))
    None
    >>> point_of_difference(identity, Network.from_layers([[[1], [-1]], [[1, 0]]])) is None
    False
    """
    point = difference_at_probes(first, second)
    if point is not None or first == second:
        return point
    point = likely_difference(first, second)
    if point is not None:
        return point
    return difference_of_formulas(first, second) if formulas_win(first, second) else difference_by_cells(first, second)


def formulas_win(first: Network, second: Network) -> bool:
    """Whether formulas decide sooner than cells: they are short, and the units could make many cells.

    Examples
    --------
    >>> from nn_bridge.expressivity.maximum import maximum_of_five, maximum_tree
    >>> wide = Network.from_layers([[[int(i == j) for j in range(10)] for i in range(10)], [[1] * 5 + [-1] * 5]])
    >>> formulas_win(wide, wide), formulas_win(maximum_of_five(), maximum_tree(5))
    (True, False)
    """
    units = max(sum(first.hidden), sum(second.hidden))  # equal functions have kinks at the same places
    cells = sum(math.comb(units, i) for i in range(first.input_dim + 1))
    if cells <= _FEW_CELLS or units > _MANY_UNITS:
        return False
    sizes = [size for network in (first, second) for size in native_monomials(network)[-1]]
    return max(max(size.numerator, size.denominator) for size in sizes) <= _SHORT


def likely_difference(first: Network, second: Network) -> Row | None:
    """A point where two networks differ, if floating point sees one among many; judged exactly. None proves nothing."""
    rng = np.random.default_rng(0)
    n = first.input_dim
    points = np.concatenate([scale * rng.normal(size=(_DRAWN, n)) for scale in _SCALES])
    with np.errstate(all="ignore"):
        one, other = first.evaluate_float(points), second.evaluate_float(points)
        size = np.abs(one).max(axis=1, initial=0.0) + np.abs(other).max(axis=1, initial=0.0)
        apart = np.abs(one - other).max(axis=1, initial=0.0) / np.where(size > 0, size, 1.0)
    apart = np.where(np.isfinite(apart), apart, 0.0)
    for number in np.argsort(-apart)[:_TRIED].tolist():
        if not apart[number] > 0:
            break
        point = tuple(rational(float(v)) for v in points[number])
        if first.evaluate(point) != second.evaluate(point):
            return point
    return None


def difference_by_cells(first: Network, second: Network) -> Row | None:
    """A point where two networks differ; None proves that they are the same function on all of R^n.

    Examples
    --------
    >>> split = Network.from_layers([[[1], [-1]], [[1, -1]]])
    >>> print(difference_by_cells(Network.from_layers([[[1]]]), split))
    None
    """
    both = difference(first, second)
    for cell in iterate_cells(both):
        for *slope, constant in both.affine_forms(cell.pattern)[-1]:
            if any(slope) or constant != 0:
                return _where_it_is_not_zero(first, second, cell.interior_point, slope)
    return None


def _where_it_is_not_zero(first: Network, second: Network, inside: Row, slope: list[fmpq]) -> Row:
    """A point near an interior point of a cell: an affine map that is not zero is not so there, or along its slope."""
    point, step = inside, fmpq(1)
    while first.evaluate(point) == second.evaluate(point):
        point = tuple(x + step * a for x, a in zip(inside, slope, strict=True))
        step /= 2
    return point
