"""Bounds on the number of linear regions: the lower and upper bounds of the literature, and what is expected.

An upper bound holds for every network of the architecture (for these very weights, where it reads them): it bounds the
activation cells on R^n, hence the regions by either gluing and the affine maps, on every domain.  A lower bound says
how many regions *some* network of the architecture has; a given one may have fewer.
`nn_bridge.expressivity.constructions` builds networks that attain them.

The numbers are those of tables 2 and 3 of Huchette, Munoz, Serra and Tsay (2025), with two corrections: the shallow
bound sums ``C(n_1, i)``, and in the weight-dependent bound ``k_l = A_l(k_{l-1}) - j_l``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import comb, prod
from typing import Any

from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.expressivity.maximum_coverage import largest_unions
from nn_bridge.network.network import INPUT, Network
from polyhedra.matrix import rank

Widths = Sequence[int]


@dataclass(frozen=True, slots=True)
class Bound:
    """One bound, or the reason why it does not apply.

    Attributes
    ----------
    name, formula, source : str
    value : int or None
    reason : str or None
        Why there is no value.
    """

    name: str
    formula: str
    source: str
    value: int | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RegionBounds:
    """All bounds for one network or architecture.

    Attributes
    ----------
    input_dim : int
    hidden : tuple of int
    lower : tuple of Bound
        Some network of this architecture has at least so many.
    upper : tuple of Bound
        No network of this architecture (with these weights, where they are used) has more.
    expected : tuple of Bound
        The number that random weights with a density have with probability one, where a formula gives it.
    """

    input_dim: int
    hidden: tuple[int, ...]
    lower: tuple[Bound, ...]
    upper: tuple[Bound, ...]
    expected: tuple[Bound, ...]

    @property
    def least_upper(self) -> Bound:
        """The smallest upper bound."""
        return min((b for b in self.upper if b.value is not None), key=lambda b: b.value or 0)

    @property
    def greatest_lower(self) -> Bound | None:
        """The largest lower bound, if any applies."""
        return max((b for b in self.lower if b.value is not None), key=lambda b: b.value or 0, default=None)

    def to_json(self) -> dict[str, Any]:
        """``{"lower": {name: value}, "upper": {..}, "expected": {..}, "not_applicable": {name: reason}}``."""
        groups = {"lower": self.lower, "upper": self.upper, "expected": self.expected}
        result: dict[str, Any] = {
            kind: {b.name: b.value for b in bounds if b.value is not None} for kind, bounds in groups.items()
        }
        result["not_applicable"] = {
            f"{kind} {b.name}": b.reason for kind, bounds in groups.items() for b in bounds if b.value is None
        }
        return result


def region_bounds(network: Network) -> RegionBounds:
    """All bounds that apply to a network.

    Parameters
    ----------
    network : Network
        Most bounds read its sizes alone; ``rank`` and ``serra-ramalingam-2020`` read its weights.

    Returns
    -------
    RegionBounds
        Lower bounds that some network of these sizes attains, upper bounds that none exceeds, and what random weights
        have with probability one.  A bound that does not apply has no value and says why.

    Examples
    --------
    >>> bounds = region_bounds(Network.from_layers([[[1, 0], [0, 1], [1, 1]], [[1, 1, 1]]]))
    >>> bounds.to_json()["upper"]["pascanu-2014"], bounds.least_upper.value
    (7, 7)
    """
    n, hidden = network.input_dim, network.hidden
    skips = _skips(network)
    if skips is not None:
        reason = f"{skips}; the bound is for chains of layers"
        lower = tuple(_missing(entry, reason) for entry in _LOWER)
        upper = tuple(_missing(entry, reason) if entry.chain else _evaluated(entry, n, hidden) for entry in _UPPER)
        by_weights = Bound(*_BY_WEIGHTS, None, reason)
    else:
        lower, upper = (tuple(_evaluated(entry, n, hidden) for entry in table) for table in (_LOWER, _UPPER))
        by_weights = Bound(*_BY_WEIGHTS, serra_ramalingam_upper(network))
    ranks = Bound(*_BY_RANK, rank_upper(network))
    zero_bias = bool(hidden) and not any(b for stage in network.stages for b in stage.bias)
    expected = (
        (Bound(*_EXPECTED, None, f"{skips}; the formula is for one hidden layer"),)
        if skips is not None
        else (_expected(n, hidden, zero_bias),)
    )
    return RegionBounds(n, hidden, lower, (*upper, by_weights, ranks), expected)


def architecture_bounds(input_dim: int, hidden: Widths, *, zero_bias: bool = False) -> RegionBounds:
    """All bounds that the sizes of a plain multilayer perceptron give.

    Parameters
    ----------
    input_dim : int
    hidden : sequence of int
    zero_bias : bool
        What is expected of random networks without biases.

    Examples
    --------
    >>> {bound.name: bound.value for bound in architecture_bounds(2, [3, 3, 3]).upper if bound.value}
    {'montufar-2014': 512, 'raghu-2017': 448, 'montufar-2017': 343, 'serra-2018': 208}
    """
    widths = tuple(hidden)
    if input_dim < 1 or any(width < 1 for width in widths):
        raise NetworkError(f"an architecture has sizes of at least 1, not {[input_dim, *widths]}")
    lower, upper = (tuple(_evaluated(entry, input_dim, widths) for entry in table) for table in (_LOWER, _UPPER))
    return RegionBounds(input_dim, widths, lower, upper, (_expected(input_dim, widths, zero_bias),))


# ---------------------------------------------------------------- lower bounds


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


# ---------------------------------------------------------------- upper bounds


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
    skips = _skips(network)
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


# ---------------------------------------------------------------- expectations


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


# ---------------------------------------------------------------- which applies


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    formula: str
    source: str
    value: Callable[[int, Widths], int]
    condition: Callable[[int, Widths], str | None]
    chain: bool = True


def _always(n: int, widths: Widths) -> str | None:
    return None


def _layers_of_at_least(factor: int) -> Callable[[int, Widths], str | None]:
    def condition(n: int, widths: Widths) -> str | None:
        for number, width in enumerate(widths, 1):
            if width < factor * n:
                needed = "n_0" if factor == 1 else f"{factor} n_0"
                return f"needs n_l >= {needed} = {factor * n}, layer {number} has {width}"
        return None

    return condition


def _one_layer(n: int, widths: Widths) -> str | None:
    return None if len(widths) == 1 else f"needs one hidden layer, not {len(widths)}"


def _alternating(n: int, widths: Widths) -> str | None:
    alternate = set(widths[::2]) | {3 - width for width in widths[1::2]}
    if n != 1 or len(widths) < 3 or len(widths) % 2 == 0 or alternate not in ({1}, {2}):
        return "needs one input and an odd number >= 3 of layers of widths 1 and 2 in turn"
    return None


def _zonotope_and_equal(n: int, widths: Widths) -> str | None:
    if widths[0] % 2 or len(set(widths[1:])) > 1:
        return "needs an even first layer and equal widths after it"
    return None


def _zonotope_and_wide(n: int, widths: Widths) -> str | None:
    return _zonotope_and_equal(n, widths) or _layers_of_at_least(3)(n, (3 * n, *widths[1:]))


_SUM = "sum_{i<=n_0} C(n_L,i)"
_LOWER = (
    _Entry(
        "pascanu-2014",
        f"prod_{{l<L}} floor(n_l/n_0) {_SUM}",
        "Pascanu, Montufar and Bengio 2014",
        pascanu_lower,
        _layers_of_at_least(1),
    ),
    _Entry(
        "montufar-2014",
        f"prod_{{l<L}} floor(n_l/n_0)^n_0 {_SUM}",
        "Montufar et al. 2014",
        montufar_lower,
        _layers_of_at_least(1),
    ),
    _Entry("telgarsky-2015", "2^((L-3)/2)", "Telgarsky 2015", telgarsky_lower, _alternating),
    _Entry("arora-2018", "2 sum_{j<n_0} C(n_1/2-1,j) w^(L-1)", "Arora et al. 2018", arora_lower, _zonotope_and_equal),
    _Entry(
        "serra-2018",
        f"prod_{{l<L}} (floor(n_l/n_0)+1)^n_0 {_SUM}",
        "Serra et al. 2018",
        serra_lower,
        _layers_of_at_least(3),
    ),
    _Entry(
        "serra-2018-zonotope",
        "2 sum_{j<n_0} C(n_1/2-1,j) (w+1)^(L-1)",
        "Serra et al. 2018",
        serra_zonotope_lower,
        _zonotope_and_wide,
    ),
)
_UPPER = (
    _Entry("pascanu-2014", "sum_{i<=n_0} C(n_1,i)", "Pascanu et al. 2014", shallow_upper, _one_layer),
    _Entry("montufar-2014", "2^(n_1+..+n_L)", "Montufar et al. 2014", patterns_upper, _always, chain=False),
    _Entry("raghu-2017", "prod_l sum_{j<=n_{l-1}} C(n_l,j)", "Raghu et al. 2017", raghu_upper, _always),
    _Entry("montufar-2017", "prod_l sum_{j<=min(n_0..n_{l-1})} C(n_l,j)", "Montufar 2017", montufar_upper, _always),
    _Entry("serra-2018", "sum_{(j_1..j_L)} prod_l C(n_l,j_l)", "Serra et al. 2018", serra_upper, _always),
)
_BY_WEIGHTS = ("serra-ramalingam-2020", "serra-2018 with units that can change", "Serra and Ramalingam 2020")
_BY_RANK = ("rank", "montufar-2017 with the exact ranks of the weights", "Zaslavsky 1975, stage by stage")
_EXPECTED = ("generic", "sum_{i<=n_0} C(n_1,i), without biases 2 sum_{i<n_0} C(n_1-1,i)", "Zaslavsky 1975")


def _evaluated(entry: _Entry, n: int, widths: Widths) -> Bound:
    reason = entry.condition(n, widths) if widths else None
    if not widths and (entry in _LOWER or entry.condition is _one_layer):
        reason = "needs hidden units"
    if reason is not None:
        return _missing(entry, reason)
    return Bound(entry.name, entry.formula, entry.source, entry.value(n, widths))


def _missing(entry: _Entry, reason: str) -> Bound:
    return Bound(entry.name, entry.formula, entry.source, None, reason)


def _expected(n: int, widths: Widths, zero_bias: bool) -> Bound:
    if len(widths) != 1:
        return Bound(*_EXPECTED, None, f"no closed form for {len(widths)} hidden layers")
    return Bound(*_EXPECTED, generic_shallow(n, widths[0], zero_bias=zero_bias))


def _skips(network: Network) -> str | None:
    """How a network's stages are no chain of layers, or None if they are."""
    for number, stage in enumerate(network.stages, 1):
        for source, _ in stage.blocks:
            if source != number - 1:
                read = "the input" if source == INPUT else f"stage {source}"
                return f"stage {number} reads {read}"
    return None


__all__ = [
    "Bound",
    "RegionBounds",
    "architecture_bounds",
    "arora_lower",
    "arrangement",
    "expected_pieces",
    "generic_shallow",
    "montufar_lower",
    "montufar_upper",
    "pascanu_lower",
    "patterns_upper",
    "raghu_upper",
    "rank_upper",
    "region_bounds",
    "serra_lower",
    "serra_ramalingam_upper",
    "serra_upper",
    "serra_zonotope_lower",
    "shallow_upper",
    "telgarsky_lower",
]
