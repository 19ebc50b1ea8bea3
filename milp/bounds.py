"""Bounds of every pre-activation on a domain: the m and M of big-M, valid for certain.

Four methods, each at least as tight as the one before and slower:

* ``interval``: interval arithmetic in exact rationals, rounded outwards once a stage; exact for the first stage on a
  box;
* ``deeppoly``: linear lower and upper lines pushed back to the input (DeepPoly, CROWN; `milp.deeppoly`);
* ``lp``: two linear programs a neuron over the triangle relaxation (`milp.relaxation`), read off their dual solutions;
* ``milp``: the exact range by branch and bound (`milp.branching`), or what is proved of it when a limit strikes.

All four are proofs: they hold for the network whose weights are the given numbers, whatever the floating point did.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from flint import fmpq

from milp.domain import BoundedDomain, DomainLike, bounded
from milp.solvers import deadline_after
from nn_bridge.network.network import INPUT, AffineStage, Network, check_dense
from polyhedra.errors import FormulationError
from polyhedra.scalars import ZERO, rational, to_float

Floats = tuple[float, ...]

METHODS = ("interval", "deeppoly", "lp", "milp")


class Stability(Enum):
    """What the bounds say about a unit on the whole domain."""

    INACTIVE = "inactive"
    ACTIVE = "active"
    UNSTABLE = "unstable"


@dataclass(frozen=True, slots=True)
class Bounds:
    """Valid bounds of all pre-activations and outputs of one network on one domain.

    Attributes
    ----------
    input : pair of tuples of float
        A box around the domain.
    lower, upper : tuples of tuples of float
        One tuple per stage of units, and the outputs last.
    method : str
        Where they come from.
    proven : bool
        Whether they are proved for the exact network (False for bounds that a user supplied).
    """

    input: tuple[Floats, Floats]
    lower: tuple[Floats, ...]
    upper: tuple[Floats, ...]
    method: str
    proven: bool = True

    def __post_init__(self) -> None:
        for stage, (low, high) in enumerate(zip(self.lower, self.upper, strict=True)):
            for unit, (m, M) in enumerate(zip(low, high, strict=True)):
                if not (math.isfinite(m) and math.isfinite(M)):
                    raise FormulationError(f"stage {stage + 1}, unit {unit}: the bounds {m}, {M} are not finite")
                if m > M:
                    raise FormulationError(
                        f"stage {stage + 1}, unit {unit}: the lower bound {m} exceeds the upper bound {M}; "
                        "check the bounds that were supplied"
                    )

    def stability(self, stage: int, unit: int) -> Stability:
        """What is known of one unit (stages counted from 0): inactive where M <= 0, active where m >= 0."""
        if self.upper[stage][unit] <= 0:
            return Stability.INACTIVE
        return Stability.ACTIVE if self.lower[stage][unit] >= 0 else Stability.UNSTABLE

    def unstable(self, stage: int) -> tuple[int, ...]:
        """The units of a stage that may be active at one point of the domain and inactive at another."""
        return tuple(i for i in range(len(self.lower[stage])) if self.stability(stage, i) is Stability.UNSTABLE)

    @property
    def n_unstable(self) -> int:
        """The number of units that need a binary variable."""
        return sum(len(self.unstable(stage)) for stage in range(len(self.lower) - 1))

    def value_box(self, source: int) -> tuple[Floats, Floats]:
        """The box of a source's values: source 0 the input, source k the units of stage k after their ReLU."""
        if source == INPUT:
            return self.input
        low, high = self.lower[source - 1], self.upper[source - 1]
        return tuple(max(0.0, v) for v in low), tuple(max(0.0, v) for v in high)


def round_down(value: fmpq) -> float:
    """The largest float64 that is at most an exact number, or the one below."""
    result = to_float(value)
    return result if rational(result) <= value else math.nextafter(result, -math.inf)


def round_up(value: fmpq) -> float:
    """The smallest float64 that is at least an exact number, or the one above."""
    return -round_down(-value)


def network_bounds(
    network: Network,
    domain: DomainLike,
    method: str = "deeppoly",
    *,
    time_limit: float | None = 60.0,
    node_limit: int = 2000,
) -> Bounds:
    """Valid bounds of every pre-activation and output.

    Parameters
    ----------
    network : Network
    domain : Polyhedron or pair (lower, upper)
        Must be bounded.
    method : {"interval", "deeppoly", "lp", "milp"}
    time_limit : float or None
        Seconds for ``lp`` and ``milp``; neurons whose turn does not come keep the bounds of the cheaper method.
    node_limit : int
        Branch-and-bound nodes a neuron and side for ``milp``.

    Raises
    ------
    FormulationError
        The domain is empty or unbounded, or there is no such method.

    Examples
    --------
    >>> net = Network.from_layers([[[1], [-1]], [[1, 1]]])
    >>> box = network_bounds(net, ([-1], [2]), "interval")
    >>> box.lower[0], box.upper[0], box.upper[1]
    ((-1.0, -2.0), (2.0, 1.0), (3.0,))
    """
    check_dense(network)
    if method not in METHODS:
        raise FormulationError(f"there are no bounds {method!r}; use one of {', '.join(METHODS)}")
    region = bounded(domain, network.input_dim)
    result = interval_bounds(network, region)
    if method == "interval":
        return result
    from milp.deeppoly import deeppoly_bounds

    result = deeppoly_bounds(network, result)
    if method == "deeppoly":
        return result
    from milp.tightening import tighten

    deadline = deadline_after(time_limit)
    result = tighten(network, region, result, node_limit=0, deadline=deadline)
    if method == "lp":
        return result
    return tighten(network, region, result, node_limit=node_limit, deadline=deadline)


def interval_bounds(network: Network, region: BoundedDomain) -> Bounds:
    """Interval arithmetic: m = W+ L + W- U + b, M = W+ U + W- L + b, exact and rounded outwards once a stage."""
    check_dense(network)
    boxes = [(region.lower, region.upper)]
    lower: list[Floats] = []
    upper: list[Floats] = []
    for stage in (*network.stages, network.output):
        low, high = _interval_stage(stage, boxes)
        lower.append(tuple(round_down(v) for v in low))
        upper.append(tuple(round_up(v) for v in high))
        boxes.append(
            (
                tuple(rational(v) if v > 0 else ZERO for v in lower[-1]),
                tuple(rational(v) if v > 0 else ZERO for v in upper[-1]),
            )
        )
    around = tuple(round_down(v) for v in region.lower), tuple(round_up(v) for v in region.upper)
    return Bounds(around, tuple(lower), tuple(upper), "interval")


def _interval_stage(
    stage: AffineStage, boxes: list[tuple[tuple[fmpq, ...], tuple[fmpq, ...]]]
) -> tuple[list[fmpq], list[fmpq]]:
    low, high = list(stage.bias), list(stage.bias)
    for source, matrix in stage.blocks:
        least, greatest = boxes[source]
        for i, row in enumerate(matrix):
            for w, small, large in zip(row, least, greatest, strict=True):
                if w > 0:
                    low[i] += w * small
                    high[i] += w * large
                elif w < 0:
                    low[i] += w * large
                    high[i] += w * small
    return low, high


def supplied(network: Network, domain: DomainLike, lower: object, upper: object) -> Bounds:
    """Bounds that a user brings, one sequence per stage and the outputs last; trusted, and labelled as not proven.

    Raises
    ------
    FormulationError
        Their number does not fit the network, or a lower bound exceeds its upper bound.
    """
    region = bounded(domain, network.input_dim)
    sizes = [*network.hidden, network.output_dim]
    rows = []
    for name, values in (("lower", lower), ("upper", upper)):
        try:
            table = tuple(tuple(float(v) for v in stage) for stage in values)  # type: ignore[attr-defined]
        except (TypeError, ValueError):
            raise FormulationError(f"the {name} bounds are not lists of numbers, one list a stage") from None
        if [len(stage) for stage in table] != sizes:
            raise FormulationError(f"the {name} bounds have sizes {[len(s) for s in table]}, the network {sizes}")
        rows.append(table)
    around = tuple(round_down(v) for v in region.lower), tuple(round_up(v) for v in region.upper)
    return Bounds(around, rows[0], rows[1], "supplied", proven=False)
