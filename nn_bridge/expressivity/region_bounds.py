"""Bounds on the number of linear regions: the lower and upper bounds of the literature, and what is expected.

An upper bound holds for every network of the architecture (for these very weights, where it reads them): it bounds the
activation cells on R^n, hence the regions by either gluing and the affine maps, on every domain.  A lower bound says
how many regions *some* network of the architecture has; a given one may have fewer.
`nn_bridge.expressivity.constructions` builds networks that attain them.

The numbers are those of tables 2 and 3 of Huchette, Munoz, Serra and Tsay (2025), with two corrections: the shallow
bound sums ``C(n_1, i)``, and in the weight-dependent bound ``k_l = A_l(k_{l-1}) - j_l``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from nn_bridge.errors import NetworkError
from nn_bridge.expressivity.bound_formulas import (
    Widths,
    arora_lower,
    arrangement,
    expected_pieces,
    generic_shallow,
    montufar_lower,
    montufar_upper,
    pascanu_lower,
    patterns_upper,
    raghu_upper,
    rank_upper,
    serra_lower,
    serra_ramalingam_upper,
    serra_upper,
    serra_zonotope_lower,
    shallow_upper,
    skip_reason,
    telgarsky_lower,
)
from nn_bridge.expressivity.histogram_bounds import hinz_upper, hinz_van_de_geer_upper, residual_upper
from nn_bridge.expressivity.maxout_bounds import layer_ranks, maxout_upper
from nn_bridge.expressivity.support_bounds import cai_upper, xiong_upper
from nn_bridge.network.network import Network
from polyhedra.values import Value


@dataclass(frozen=True, slots=True, repr=False)
class Bound(Value):
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


@dataclass(frozen=True, slots=True, repr=False)
class RegionBounds(Value):
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
    upper_regions : tuple of Bound
        Bounds on regions by either gluing and on affine maps, but not on activation cells: a maximum of three or more
        is folded into units that cut more than it does.
    """

    input_dim: int
    hidden: tuple[int, ...]
    lower: tuple[Bound, ...]
    upper: tuple[Bound, ...]
    expected: tuple[Bound, ...]
    upper_regions: tuple[Bound, ...] = ()

    @property
    def least_upper(self) -> Bound:
        """The smallest upper bound on cells."""
        return min((b for b in self.upper if b.value is not None), key=lambda b: b.value or 0)

    @property
    def greatest_lower(self) -> Bound | None:
        """The largest lower bound, if any applies."""
        return max((b for b in self.lower if b.value is not None), key=lambda b: b.value or 0, default=None)

    @property
    def not_applicable(self) -> tuple[tuple[str, str], ...]:
        """The bounds without a value, such as ``"lower serra-2018"``, and why; some names are on both sides."""
        groups = (("lower", self.lower), ("upper", self.upper), ("upper on regions", self.upper_regions))
        return tuple(
            (f"{side} {bound.name}", bound.reason or "")
            for side, bounds in groups
            for bound in bounds
            if bound.value is None
        )

    def to_json(self) -> dict[str, Any]:
        """``{"lower": {name: value}, "upper": {..}, "expected": {..}, "upper_regions": .., "not_applicable": ..}``."""
        groups = {
            "lower": self.lower,
            "upper": self.upper,
            "expected": self.expected,
            "upper_regions": self.upper_regions,
        }
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
        Most bounds read its sizes alone; ``rank`` and ``serra-ramalingam-2020`` read its weights, ``xiong-2020`` and
        ``cai-2023`` where they are zero, ``residual`` its skip connections.

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
    skips = skip_reason(network)
    if skips is not None:
        reason = f"{skips}; the bound is for chains of layers"
        lower = tuple(_missing(entry, reason) for entry in _LOWER)
        upper = tuple(_missing(entry, reason) if entry.chain else _evaluated(entry, n, hidden) for entry in _UPPER)
    else:
        lower, upper = (tuple(_evaluated(entry, n, hidden) for entry in table) for table in (_LOWER, _UPPER))
    by_weights = tuple(_attempted(about, partial(bound, network)) for about, bound in _BY_WEIGHTS)
    zero_bias = bool(hidden) and not any(b for stage in network.stages for b in stage.bias)
    expected = (
        (Bound(*_EXPECTED, None, f"{skips}; the formula is for one hidden layer"),)
        if skips is not None
        else (_expected(n, hidden, zero_bias),)
    )
    by_layers = _attempted(_BY_LAYERS, lambda: maxout_upper(n, layer_ranks(network)))
    return RegionBounds(n, hidden, lower, (*upper, *by_weights), expected, (by_layers,))


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
    >>> {bound.name: bound.value for bound in architecture_bounds(2, [3, 3, 3]).upper[1:5]}
    {'montufar-2014': 512, 'raghu-2017': 448, 'montufar-2017': 343, 'serra-2018': 208}
    """
    widths = tuple(hidden)
    if input_dim < 1 or any(width < 1 for width in widths):
        raise NetworkError(f"an architecture has sizes of at least 1, not {[input_dim, *widths]}")
    lower, upper = (tuple(_evaluated(entry, input_dim, widths) for entry in table) for table in (_LOWER, _UPPER))
    return RegionBounds(input_dim, widths, lower, upper, (_expected(input_dim, widths, zero_bias),))


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
    _Entry(
        "hinz-van-de-geer-2019",
        "histograms of dimensions, by serra-2018",
        "Hinz and van de Geer 2019",
        hinz_van_de_geer_upper,
        _always,
    ),
    _Entry("hinz-2021", "histograms of dimensions, sharper", "Hinz 2021", hinz_upper, _always),
)
_About = tuple[str, str, str]
_BY_WEIGHTS: tuple[tuple[_About, Callable[[Network], int]], ...] = (
    (
        ("serra-ramalingam-2020", "serra-2018 with units that can change", "Serra and Ramalingam 2020"),
        serra_ramalingam_upper,
    ),
    (("rank", "montufar-2017 with the exact ranks of the weights", "Zaslavsky 1975, stage by stage"), rank_upper),
    (("xiong-2020", "choices of filters in the first layer, montufar-2017 after", "Xiong et al. 2020"), xiong_upper),
    (("cai-2023", "serra-2018 with the ranks that the zeros leave", "after Cai et al. 2023"), cai_upper),
    (("residual", "hinz-2021 with the least cuts of skip connections", "after Xie, Chen and Li 2020"), residual_upper),
)
_BY_LAYERS: _About = (
    "montufar-2022",
    "prod_l sum_{j<=min(n_0..n_{l-1})} e_j(k_1-1,k_2-1,..)",
    "Montufar, Ren and Zhang 2022",
)
_EXPECTED = ("generic", "sum_{i<=n_0} C(n_1,i), without biases 2 sum_{i<n_0} C(n_1-1,i)", "Zaslavsky 1975")


def _evaluated(entry: _Entry, n: int, widths: Widths) -> Bound:
    reason = entry.condition(n, widths) if widths else None
    if not widths and (entry in _LOWER or entry.condition is _one_layer):
        reason = "needs hidden units"
    if reason is not None:
        return _missing(entry, reason)
    return _attempted((entry.name, entry.formula, entry.source), lambda: entry.value(n, widths))


def _attempted(about: _About, value: Callable[[], int]) -> Bound:
    """The bound, or why its formula refuses."""
    try:
        return Bound(*about, value())
    except NetworkError as error:
        return Bound(*about, None, str(error))


def _missing(entry: _Entry, reason: str) -> Bound:
    return Bound(entry.name, entry.formula, entry.source, None, reason)


def _expected(n: int, widths: Widths, zero_bias: bool) -> Bound:
    if len(widths) != 1:
        return Bound(*_EXPECTED, None, f"no closed form for {len(widths)} hidden layers")
    return Bound(*_EXPECTED, generic_shallow(n, widths[0], zero_bias=zero_bias))


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
