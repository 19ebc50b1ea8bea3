"""Bounds on the number of cells that push a histogram of dimensions through the layers.

A *histogram* ``v`` says how many cells have an image of dimension ``j``: ``v[j]``.  It is below ``w`` if for every
``j`` it has at most as many cells of dimension ``j`` or more.  A layer of ``m`` units on a piece of dimension ``n`` has
at most some histogram of cells by active units; it depends on which bound on that histogram is used:

* Serra et al. 2018: of the cells of ``m`` hyperplanes in R^n with at most ``k`` inactive units there are at most
  ``sum_{i<=min(n,k)} C(m, i)``;
* Hinz 2021: fewer, see `hinz_cells`.

Sources: Hinz and van de Geer 2019 (the framework), Hinz 2021, and for networks with skip connections, in the manner of
Xie, Chen and Li 2020, `residual_upper`, whose proof is written out there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from itertools import accumulate, combinations
from math import comb

from nn_bridge.errors import NetworkError
from nn_bridge.expressivity.bound_formulas import Widths, arrangement
from nn_bridge.network.network import INPUT, Network

Cells = Callable[[int, int, int], int]
"""``cells(n, m, k)``: a bound on the cells of ``m`` half-spaces in R^n with at most ``k`` inactive ones."""

MAX_STEPS = 4_000_000
"""The most additions that one table of `hinz_cells` takes."""

MAX_DIMENSIONS = 60_000
"""The most dimensions of sets of stages that `residual_upper` computes."""


def serra_cells(n: int, m: int, k: int) -> int:
    """``sum_{i<=min(n,k)} C(m, i)``."""
    top = min(n, m)
    return _sums(m, top)[min(k, top)]


@lru_cache(maxsize=1024)
def _sums(m: int, top: int) -> tuple[int, ...]:
    """The sums of the first entries of a row of Pascal's triangle, up to one."""
    return tuple(accumulate(comb(m, i) for i in range(top + 1)))


class HinzCells:
    """At most so many cells of ``m`` half-spaces in R^n lie outside at most ``k`` of them.

    * In R^1 it is ``min(1 + 2 k, m + 1)``.  A unit is active on a half-line, so along the line the active units that
      point left leave one by one, and those that point right come one by one.  Walk from the leftmost of these cells
      to the rightmost: a unit that is active in both is active between them, for it is active on an interval.  So only
      those change that are inactive in one of the two, at most ``2 k``, each once.
    * In R^2 it is at most ``min(1 + m k, 1 + m + C(m, 2))`` (Hinz 2021); the page on expressivity has a proof, by a
      sweep, whose steps the tests check one by one.  Regular polygons attain it.
    * Leave one half-space out: a cell of the others that it cuts has a part inside, with as many inactive units, and
      one outside, with one more; the cut is a cell of the others in its boundary, R^(n-1).  So the number for (n, m, k)
      is at most that for (n, m-1, k) and that for (n-1, m-1, k-1) together.

    Parameters
    ----------
    n, m : int
        The largest dimension and the largest number of half-spaces that are asked for.

    Examples
    --------
    >>> cells = HinzCells(3, 6)
    >>> [cells(1, 6, k) for k in range(5)], [cells(2, 4, k) for k in range(5)]
    ([1, 3, 5, 7, 7], [1, 5, 9, 11, 11])
    """

    def __init__(self, n: int, m: int) -> None:
        n = min(n, m)
        self._tables: list[list[list[int]]] = []  # from dimension 2 on; below there is a closed form
        if n < 3:
            return
        if n * m * m > 2 * MAX_STEPS:
            raise NetworkError(f"{m} units in dimension {n} need more than {MAX_STEPS:,} steps")
        self._tables = [[[_flat_cells(2, units, k) for k in range(units + 1)] for units in range(m + 1)]]
        for dim in range(3, n + 1):
            below, table = self._tables[-1], [[1]]
            for units in range(1, m + 1):
                if units <= dim:
                    table.append([serra_cells(units, units, k) for k in range(units + 1)])
                    continue
                old, cut = table[-1], below[units - 1]
                # T(n-1, m-1, -1) = 0, and more inactive units than there are change nothing
                table.append([1] + [old[min(k, units - 1)] + cut[k - 1] for k in range(1, units + 1)])
            self._tables.append(table)

    def __call__(self, n: int, m: int, k: int) -> int:
        if n >= m:
            return serra_cells(n, m, k)
        if n < 3:
            return _flat_cells(n, m, min(k, m))
        return self._tables[n - 2][m][min(k, m)]


def _flat_cells(n: int, m: int, k: int) -> int:
    return min(1 + (0, 2, m)[n] * k, arrangement(m, n))


def histogram(cells: Cells, n: int, m: int) -> tuple[int, ...]:
    """How many cells of a layer of ``m`` units in R^n have an image of dimension ``0, .., min(n, m)``, at most.

    Examples
    --------
    >>> histogram(serra_cells, 2, 3), histogram(HinzCells(2, 4), 1, 4)
    ((0, 3, 4), (0, 5))
    """
    result = [0] * (min(n, m) + 1)
    most, before = arrangement(m, n), 0
    for inactive in range(m + 1):
        if before == most:
            break
        total = cells(n, m, inactive)
        result[min(n, m - inactive)] += total - before
        before = total
    return tuple(result)


def hinz_van_de_geer_upper(n: int, widths: Widths, cells: Cells = serra_cells) -> int:
    """The sum of the last histogram, pushed through the layers from one piece of dimension ``n``.

    With `serra_cells` it is equal to `serra_upper`.

    Examples
    --------
    >>> hinz_van_de_geer_upper(2, [3, 3, 3])
    208
    """
    current = {n: 1}
    for width in widths:
        pushed: dict[int, int] = {}
        for dim, pieces in current.items():
            for image, number in enumerate(histogram(cells, dim, width)):
                if number:
                    pushed[image] = pushed.get(image, 0) + pieces * number
        current = pushed
    return sum(current.values())


def hinz_upper(n: int, widths: Widths) -> int:
    """The bound of Hinz and van de Geer with the histograms of Hinz (2021); never above `serra_upper`.

    Raises
    ------
    NetworkError
        The layers are so wide that the table of histograms would take more than `MAX_STEPS` additions.

    Examples
    --------
    >>> hinz_upper(3, [6, 6, 6]), hinz_van_de_geer_upper(3, [6, 6, 6])
    (60228, 74088)
    """
    return hinz_van_de_geer_upper(n, widths, HinzCells(n, max(widths, default=1)))


def residual_upper(network: Network) -> int:
    """The bound of `hinz_upper` for networks with skip connections, residual ones among them.

    On a cell of the first stages let ``a_t`` be the number of active units of stage ``t``, and ``a_0`` the number of
    inputs.  Let T be sources such that every path from the input to the sources S passes T.  On the cell, S is an
    affine function of the active units of T, so the image of the cell in S has dimension at most
    ``sum_{t in T} a_t``; let d(S) be the least such sum.  A stage that reads S sees the cell as a piece of dimension
    d(S), and has the histogram of such a piece.  With it,
    ``d(S + new) = min(d(S) + a_new, d(S + what the new stage reads))``, so the values of d on the sets of stages that
    are still read are all there is to remember.  d grows with each ``a_t``, so the histograms may be replaced by
    larger ones.

    Raises
    ------
    NetworkError
        So many stages are read later that the sets of them need more than `MAX_DIMENSIONS`, or the stages are too wide.

    Examples
    --------
    >>> kinds = ["leaky:1/2", "leaky:1/2", "linear"]
    >>> leaky = Network.from_layers([[[1], [2]], [[1, 1], [1, 2]], [[1, 1]]], activations=kinds)
    >>> residual_upper(leaky)
    9
    """
    if not network.stages:
        return 1
    reads = [tuple(source for source, _ in stage.blocks) for stage in network.stages]
    last = {source: number for number, sources in enumerate(reads) for source in sources}
    cells = HinzCells(network.input_dim, max(network.hidden))
    computed = 0

    @cache
    def pieces(number: int, known: tuple[tuple[frozenset[int], int], ...]) -> int:
        nonlocal computed
        dims = dict(known)
        read = frozenset(reads[number])
        dim, width, new = dims[read], network.stages[number].units, number + 1
        if new == len(reads):
            return cells(dim, width, width)
        live = [source for source in (*_members(dims), new) if last.get(source, -1) > number]
        total = before = 0
        for inactive in range(width + 1):
            number_of_cells = cells(dim, width, inactive)
            if number_of_cells > before:
                computed += 1 << len(live)
                if computed > MAX_DIMENSIONS:
                    raise NetworkError(f"the skip connections need more than {MAX_DIMENSIONS:,} dimensions of images")
                later = _grown(dims, live, new, read, width - inactive)
                total += (number_of_cells - before) * pieces(new, later)
            before = number_of_cells
        return total

    # a stage that reads nothing sees a point
    return pieces(0, ((frozenset(), 0), (frozenset((INPUT,)), network.input_dim)))


def _members(dims: dict[frozenset[int], int]) -> Sequence[int]:
    return sorted(frozenset().union(*dims))


def _grown(
    dims: dict[frozenset[int], int], live: Sequence[int], new: int, read: frozenset[int], active: int
) -> tuple[tuple[frozenset[int], int], ...]:
    """The values of d on all sets of live sources, after a stage that reads ``read`` and has so many active units."""
    result = []
    for size in range(len(live) + 1):
        for chosen in combinations(live, size):
            rest = frozenset(chosen) - {new}
            value = min(dims[rest] + active, dims[rest | read]) if new in chosen else dims[rest]
            result.append((frozenset(chosen), value))
    return tuple(result)


__all__ = [
    "HinzCells",
    "hinz_upper",
    "hinz_van_de_geer_upper",
    "histogram",
    "residual_upper",
    "serra_cells",
]
