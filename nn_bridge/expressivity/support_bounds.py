"""Bounds on the number of cells that read where the weights of a network are zero: convolutions and sparse layers.

Any weights with the same zeros have at most so many cells, so the bounds do not depend on the weights' values.

Sources: Xiong, Huang, Yu, Liu, Zhu and Shao 2020 (convolutions); Cai, Nguyen, Shrestha, Good, Tu, Yu, Zhe and Serra
2023 (sparse layers).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from functools import cache
from math import comb

from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.expressivity.bound_formulas import Widths, arrangement, skip_reason
from nn_bridge.network.network import Network
from nn_bridge.network.sparse_row import Row, SparseRow, entries
from polyhedra.scalars import rational

MAX_CHOICES = 50_000
"""The most sets of filters that `xiong_upper` looks at."""

_MANY = f"the first layer has more than {MAX_CHOICES:,} choices of filters"

Support = frozenset[int]


def xiong_upper(network: Network) -> int:
    """The bound of Xiong et al. (2020): the choices of hyperplanes in the first layer, then a full bound of each layer.

    The hyperplanes of the first layer have at most as many cells as they have sets of independent normals (Zaslavsky,
    Whitney).  A set of independent normals has, by Hall's theorem, for each of its subsets at least as many inputs that
    it reads as it has members.  So with ``g_s`` units that read the inputs ``s`` it is at most the sum of
    ``prod_s C(g_s, t_s)`` over all ``t`` with ``sum_{s in J} t_s <= |union of J|`` for all J.  In a convolution ``g_s``
    is the number of filters at one position.  The later layers are bounded as in `montufar_upper`.

    Raises
    ------
    NetworkError
        The network has skip connections, or more than `MAX_CHOICES` choices.

    Examples
    --------
    One filter of two taps on three inputs has no triangle, two filters have four planes in R^3 with two parallel pairs.

    >>> rows = [[1, 1, 0], [0, 1, 1], [1, 2, 0], [0, 1, 2]]
    >>> xiong_upper(Network.from_layers([rows[:2], [[1, 1]]])), xiong_upper(Network.from_layers([rows, [[1] * 4]]))
    (4, 15)
    """
    _refuse_skips(network, "Xiong et al.")
    if not network.stages:
        return 1
    groups = Counter(filter(None, _supports(network, 0)))
    result, smallest = 1, min(network.input_dim, network.hidden[0])
    for part in _components(groups):
        result *= _choices(part)
    for width in network.hidden[1:]:
        result *= arrangement(width, smallest)
        smallest = min(smallest, width)
    return result


def cai_upper(network: Network) -> int:
    """The recursion of Cai et al. (2023) with the zeros of this network; never above `serra_upper`.

    ``R(l, d) = sum_{j<=min(d, k_l)} C(m_l, j) R(l+1, min(m_l - j, d, k_l))``, where ``m_l`` units of layer ``l`` have
    weights at all, and ``k_l`` is the largest rank of any matrix with these zeros (a maximum matching of units and
    inputs).  A unit without weights is constant, so it cuts nothing and adds nothing to a dimension.

    Raises
    ------
    NetworkError
        The network has skip connections.

    Examples
    --------
    >>> net = Network.from_layers([[[1, 1], [1, 0], [2, 0]], [[0, 1, 0], [0, 2, 0], [0, 0, 0]], [[1, 1, 1]]])
    >>> cai_upper(net)
    21
    """
    _refuse_skips(network, "Cai et al.")
    layers = []
    for number in range(len(network.stages)):
        supports = [s for s in _supports(network, number) if s]
        layers.append((len(supports), largest_rank(supports)))

    @cache
    def cells(layer: int, dim: int) -> int:
        if layer == len(layers):
            return 1
        moving, rank = layers[layer]
        seen = min(dim, rank)
        return sum(comb(moving, j) * cells(layer + 1, min(moving - j, seen)) for j in range(min(seen, moving) + 1))

    return cells(0, network.input_dim)


def expected_sparse_upper(n: int, widths: Widths, densities: Sequence[object]) -> fmpq:
    """A bound on the expected greatest number of cells of networks whose weights are zero at random.

    Each weight of layer ``l`` may be non-zero with probability ``densities[l]``, all independently; the greatest number
    is over all weights with these zeros.  As in Cai et al. (2023) the recursion of Serra et al. takes the mean over
    what a layer's zeros leave; here that is the number ``m`` of units with weights, which is binomial with the chance
    ``1 - (1 - density)^(n_{l-1})`` each.  (They also estimate the rank, which has no closed form; so this is a
    proven bound, and a little larger.)

    Parameters
    ----------
    n : int
        Inputs.
    widths : sequence of int
    densities : sequence of numbers in [0, 1]
        One for each layer; text such as "1/10" is exact.

    Examples
    --------
    >>> expected_sparse_upper(2, [3], [1]), expected_sparse_upper(2, [3], ["1/2"])
    (7, 79/16)
    """
    shares = [rational(share) for share in densities]
    if len(shares) != len(widths):
        raise NetworkError(f"there is one density for each layer: {len(widths)}, not {len(shares)}")
    if any(not 0 <= share <= 1 for share in shares):
        raise NetworkError("a density lies between 0 and 1")
    chances = [1 - (1 - share) ** size for share, size in zip(shares, (n, *widths[:-1]), strict=True)]

    @cache
    def cells(layer: int, dim: int) -> fmpq:
        if layer == len(widths):
            return fmpq(1)
        width, chance = widths[layer], chances[layer]
        total = fmpq(0)
        for moving in range(width + 1):
            probability = comb(width, moving) * chance**moving * (1 - chance) ** (width - moving)
            if probability:
                below = (comb(moving, j) * cells(layer + 1, min(moving - j, dim)) for j in range(min(dim, moving) + 1))
                total += probability * sum(below, fmpq(0))
        return total

    return cells(0, n)


def largest_rank(supports: Iterable[Support]) -> int:
    """The largest rank of any matrix whose rows are zero outside these columns: a maximum matching.

    Examples
    --------
    >>> largest_rank([frozenset({0}), frozenset({0}), frozenset({0, 2})])
    2
    """
    matched: dict[int, Support] = {}
    return sum(_matched(support, matched) for support in supports)


def _matched(new: Support, matched: dict[int, Support]) -> bool:
    """Give a row a column of its own, by moving others where that is needed; False where none is left."""
    unused = next((column for column in new if column not in matched), None)
    if unused is not None:
        matched[unused] = new
        return True
    came_from: dict[int, int | None] = {}
    waiting: deque[tuple[Support, int | None]] = deque([(new, None)])
    while waiting:
        support, source = waiting.popleft()
        for column in support:
            if column in came_from:
                continue
            came_from[column] = source
            if column in matched:
                waiting.append((matched[column], column))
                continue
            place: int | None = column
            while place is not None:
                before = came_from[place]
                matched[place] = new if before is None else matched[before]
                place = before
            return True
    return False


def _components(groups: Counter[Support]) -> list[list[tuple[Support, int]]]:
    """The groups of units, in parts that read no common input."""
    parts: list[tuple[set[int], list[tuple[Support, int]]]] = []
    for support, size in sorted(groups.items(), key=lambda item: sorted(item[0])):
        inputs, members = set(support), [(support, size)]
        apart = []
        for other in parts:
            if inputs.isdisjoint(other[0]):
                apart.append(other)
            else:
                inputs |= other[0]
                members = other[1] + members
        parts = [*apart, (inputs, members)]
    return [members for _, members in parts]


def _choices(groups: list[tuple[Support, int]]) -> int:
    """The sum of ``prod C(g_s, t_s)`` over the numbers ``t`` that Hall's condition admits."""
    if len(groups) == 1:
        ((support, size),) = groups
        return arrangement(size, len(support))
    looked_at = 0
    if len(groups) > MAX_CHOICES // 100:  # each has two choices at least
        raise NetworkError(_MANY)

    def below(index: int, matched: dict[int, Support]) -> int:
        nonlocal looked_at
        looked_at += 1
        if looked_at > MAX_CHOICES:
            raise NetworkError(_MANY)
        if index == len(groups):
            return 1
        support, size = groups[index]
        total, current = 0, dict(matched)
        for chosen in range(size + 1):
            if chosen and not _matched(support, current):
                break
            total += comb(size, chosen) * below(index + 1, current)
        return total

    return below(0, {})


def _supports(network: Network, number: int) -> list[Support]:
    stage = network.stages[number]
    matrix = stage.block(number)
    return [frozenset() if matrix is None else _columns(matrix[i]) for i in range(stage.units)]


def _columns(row: Row) -> Support:
    if isinstance(row, SparseRow):
        return frozenset(j for j, _ in entries(row))
    return frozenset(j for j, w in enumerate(row) if w)


def _refuse_skips(network: Network, authors: str) -> None:
    skips = skip_reason(network)
    if skips is not None:
        raise NetworkError(f"{skips}; the bound of {authors} is for chains of layers")


__all__ = ["cai_upper", "expected_sparse_upper", "largest_rank", "xiong_upper"]
