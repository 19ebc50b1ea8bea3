"""The formulas of the bounds on the number of linear regions, one function each.

``n`` is the number of inputs, ``widths`` are the numbers of units of the layers.  Which formula applies to a network is
decided in `nn_bridge.expressivity.region_bounds`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from math import comb, prod

from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.expressivity.maximum_coverage import largest_unions
from nn_bridge.network.network import INPUT, Network
from polyhedra.matrix import rank

Widths = Sequence[int]


def pascanu_lower(n: int, widths: Widths) -> int:
    """``prod_{l<L} floor(n_l/n_0) sum_{i<=n_0} C(n_L, i)``."""
    return prod(w // n for w in widths[:-1]) * arrangement(widths[-1], n)


def montufar_lower(n: int, widths: Widths) -> int:
    """``prod_{l<L} floor(n_l/n_0)^n_0 sum_{i<=n_0} C(n_L, i)``, for layers of at least ``n_0``."""
    return prod((w // n) ** n for w in widths[:-1]) * arrangement(widths[-1], n)


def telgarsky_lower(n: int, widths: Widths) -> int:
    """``2^((L-3)/2)``, for one input and widths that alternate between 1 and 2, L odd."""
    return 2 ** ((len(widths) - 3) // 2)


def arora_lower(n: int, widths: Widths) -> int:
    """``2 sum_{j<n_0} C(m-1, j) w^(L-1)``, for ``n_1 = 2m`` and ``n_l = w`` from the second layer on."""
    return 2 * arrangement(widths[0] // 2 - 1, n - 1) * prod(widths[1:])


def serra_lower(n: int, widths: Widths) -> int:
    """``prod_{l<L} (floor(n_l/n_0)+1)^n_0 sum_{i<=n_0} C(n_L, i)``, for layers of at least ``3 n_0``."""
    return prod((w // n + 1) ** n for w in widths[:-1]) * arrangement(widths[-1], n)


def serra_zonotope_lower(n: int, widths: Widths) -> int:
    """``2 sum_{j<n_0} C(m-1, j) (w+1)^(L-1)``, for ``n_1 = 2m`` and ``n_l = w >= 3 n_0`` from the second layer on."""
    return 2 * arrangement(widths[0] // 2 - 1, n - 1) * prod(w + 1 for w in widths[1:])


def arrangement(planes: int, dim: int) -> int:
    """``sum_{i<=dim} C(planes, i)``: the cells that so many hyperplanes make in R^dim at most (Zaslavsky).

    Examples
    --------
    >>> arrangement(3, 2), arrangement(20, 5)
    (7, 21700)
    """
    return sum(comb(planes, i) for i in range(min(planes, dim) + 1))


def shallow_upper(n: int, widths: Widths) -> int:
    """``sum_{i<=n_0} C(n_1, i)``, for one hidden layer."""
    return arrangement(widths[0], n)


def patterns_upper(n: int, widths: Widths) -> int:
    """``2^(n_1 + .. + n_L)``: the activation patterns."""
    return 1 << sum(widths)


def raghu_upper(n: int, widths: Widths) -> int:
    """``prod_l sum_{j<=n_{l-1}} C(n_l, j)``."""
    return prod(map(arrangement, widths, (n, *widths[:-1])))


def montufar_upper(n: int, widths: Widths) -> int:
    """``prod_l sum_{j<=d_l} C(n_l, j)`` with ``d_l = min(n_0, .., n_{l-1})``."""
    result, smallest = 1, n
    for width in widths:
        result *= arrangement(width, smallest)
        smallest = min(smallest, width)
    return result


def serra_upper(n: int, widths: Widths) -> int:
    """The sum of ``prod_l C(n_l, j_l)`` over ``0 <= j_l <= min(n_0, n_1 - j_1, .., n_{l-1} - j_{l-1}, n_l)``.

    Examples
    --------
    >>> serra_upper(2, [3, 3, 3])
    208
    """
    rest = dict.fromkeys(range(n + 1), 1)
    for width in reversed(widths):
        rest = {
            d: sum(comb(width, j) * rest[min(d, width - j)] for j in range(min(d, width) + 1)) for d in range(n + 1)
        }
    return rest[n]


def rank_upper(network: Network) -> int:
    """``prod_l sum_{j<=r_l} C(n_l, j)``, where ``r_l`` bounds the rank of what stage ``l`` sees, by its exact weights.

    It holds for networks with skip connections too, and is at most `montufar_upper` on chains.

    Examples
    --------
    >>> rank_upper(Network.from_layers([[[1, 1], [2, 2], [3, 3]], [[1, 1, 1]]], [[0, 1, 2], [0]]))
    4
    """
    ranks, result = [network.input_dim], 1
    for stage in network.stages:
        rows = tuple(sum((matrix[i] for _, matrix in stage.blocks), ()) for i in range(stage.units))
        reach = min(network.input_dim, sum(ranks[source] for source, _ in stage.blocks))
        seen = min(reach, rank(rows) if reach else 0)
        # units without weights never change their state
        moving = sum(any(row) for row in rows)
        result *= arrangement(moving, seen)
        ranks.append(seen)
    return result


def serra_ramalingam_upper(network: Network) -> int:
    """The weight-dependent bound of Serra and Ramalingam (2020), for chains of layers.

    Like `serra_upper`, with the units that can change their state in place of all units: where at most ``k`` units of
    the layer before are active, ``A_l(k)`` units can be active and ``I_l(k)`` can change their state.  Both are maxima
    over sets of ``k`` units; the first layer reads inputs of any sign.

    Raises
    ------
    NetworkError
        The network has skip connections.

    Examples
    --------
    >>> positive = Network.from_layers([[[1, 0], [0, 1]], [[1, 1], [1, 2]], [[1, 1]]], [[0, 0], [1, 1], [0]])
    >>> serra_upper(2, [2, 2]), serra_ramalingam_upper(positive)
    (11, 4)
    """
    skips = skip_reason(network)
    if skips is not None:
        raise NetworkError(f"{skips}; the bound of Serra and Ramalingam is for chains of layers")
    reaches = [_reach(network, number) for number in range(len(network.stages))]

    @cache
    def cells(layer: int, active: int, moving: int, dim: int) -> int:
        """The largest number of cells below, where so many units of the layer can be active, and change."""
        total = 0
        for j in range(min(dim, moving) + 1):
            below = 1
            if layer + 1 < len(reaches):
                k = active - j
                can_act, can_change = reaches[layer + 1]
                below = cells(layer + 1, _at(can_act, k), _at(can_change, k), min(dim, k))
            total += comb(moving, j) * below
        return total

    if not reaches:
        return 1
    (*_, active), (*_, moving) = reaches[0]
    return cells(0, active, moving, network.input_dim)


def _at(sizes: tuple[int, ...], k: int) -> int:
    return sizes[min(k, len(sizes) - 1)]


def _reach(network: Network, number: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """``A_l(k)`` and ``I_l(k)`` for k = 0, 1, ..; the last entry holds for all larger k."""
    stage = network.stages[number]
    matrix = stage.block(number)
    if matrix is None:
        matrix = ((fmpq(0),),) * stage.units
    positive = sum(1 << i for i, b in enumerate(stage.bias) if b > 0)
    always = positive.bit_count()
    if number == INPUT:
        moving = sum(1 << i for i, row in enumerate(matrix) if any(row))
        return ((moving | positive).bit_count(),), (moving.bit_count(),)
    up = [sum(1 << i for i, w in enumerate(column) if w > 0) for column in zip(*matrix, strict=True)]
    down = [sum(1 << i for i, w in enumerate(column) if w < 0) for column in zip(*matrix, strict=True)]
    can_act = tuple(always + size for size in largest_unions([u & ~positive for u in up]))
    can_change = largest_unions([(d & positive) | (u & ~positive) for u, d in zip(up, down, strict=True)])
    return can_act, can_change


def generic_shallow(n: int, width: int, *, zero_bias: bool = False) -> int:
    """The cells of one hidden layer with weights in general position, as random ones are with probability one.

    Examples
    --------
    >>> generic_shallow(3, 32), generic_shallow(2, 5, zero_bias=True)
    (5489, 10)
    """
    return 2 * arrangement(width - 1, n - 1) if zero_bias else arrangement(width, n)


def expected_pieces(
    start: Sequence[float], end: Sequence[float], units: int, *, weight_deviation: float, bias_deviation: float
) -> float:
    """The expected number of pieces along a segment of a random network with one hidden layer.

    Weights and biases are independent normal variables with mean zero.  The values of a unit at the two ends are then
    jointly normal, with correlation ``r``, and it changes its state on the way with probability ``arccos(r)/pi``.

    Examples
    --------
    >>> expected_pieces([1, 0], [0, 1], 10, weight_deviation=1, bias_deviation=0)
    6.0
    """
    w, b = weight_deviation**2, bias_deviation**2
    inner = w * math.fsum(p * q for p, q in zip(start, end, strict=True)) + b
    sizes = [w * math.fsum(p * p for p in x) + b for x in (start, end)]
    if min(sizes) <= 0:
        raise NetworkError("without biases every unit vanishes at the origin; take a segment whose ends are not 0")
    correlation = inner / math.sqrt(sizes[0] * sizes[1])
    return 1 + units * math.acos(max(-1.0, min(1.0, correlation))) / math.pi


def skip_reason(network: Network) -> str | None:
    """How a network's stages are no chain of layers, or None if they are."""
    for number, stage in enumerate(network.stages, 1):
        for source, _ in stage.blocks:
            if source != number - 1:
                read = "the input" if source == INPUT else f"stage {source}"
                return f"stage {number} reads {read}"
    return None
