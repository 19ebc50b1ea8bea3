"""How bounds of pre-activations are found, and the choice among the methods.

Four methods, each at least as tight as the one before and slower:

* ``interval``: interval arithmetic in exact rationals, rounded outwards once a stage; exact for the first stage on a
  box;
* ``deeppoly``: linear lower and upper lines pushed back to the input (DeepPoly, CROWN; `milp.deeppoly`);
* ``lp``: two linear programs a neuron over the triangle relaxation (`milp.relaxation`), read off their dual solutions;
* ``milp``: the exact range of every unstable unit and every output by branch and bound (`milp.branching`), or what is
  proved of it when a limit strikes; a unit whose sign is proved keeps the bounds of ``lp``.

Three more stand beside them: ``fast-lin`` is ``deeppoly`` with parallel lines, ``wong-kolter`` the same bounds from a
dual network, ``lagrangian`` improves ``deeppoly`` by subgradient steps towards ``lp`` (`milp.dual_bounds`).

All are proofs: they hold for the network whose weights are the given numbers, whatever the floating point did.
"""

from __future__ import annotations

from flint import fmpq

from milp.arguments import of_any_model
from milp.bounds import Bounds, FloatRow, place_of, require_finite
from milp.deeppoly import deeppoly_bounds
from milp.domain import BoundedDomain, DomainLike, bounded
from milp.dual_bounds import lagrangian_bounds, wong_kolter_bounds
from milp.solvers import deadline_after
from milp.tightening import tighten
from nn_bridge.network.network import AffineStage, Network, check_dense
from polyhedra.errors import FormulationError
from polyhedra.option_types import checked_options
from polyhedra.progress import Steps, with_steps
from polyhedra.rounding import round_down, round_up
from polyhedra.scalars import ZERO, rational

METHODS = ("interval", "deeppoly", "lp", "milp")
"""Each at least as tight as the one before."""

DUAL_METHODS = ("fast-lin", "wong-kolter", "lagrangian")


@checked_options
@of_any_model
@with_steps("Tightening the bounds")
def network_bounds(
    network: Network,
    domain: DomainLike,
    method: str = "deeppoly",
    *,
    time_limit: float | None = 60.0,
    node_limit: int = 2000,
    progress: Steps = None,
) -> Bounds:
    """Valid bounds of every pre-activation and output.

    Parameters
    ----------
    network : Network
    domain : Polyhedron or pair (lower, upper)
        Must be bounded.
    method : {"interval", "deeppoly", "lp", "milp", "fast-lin", "wong-kolter", "lagrangian"}
    time_limit : float or None
        Seconds for ``lp``, ``milp`` and ``lagrangian``; neurons whose turn does not come keep the bounds of the cheaper
        method.
    node_limit : int
        Branch-and-bound nodes a neuron and side for ``milp``.
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.

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
    check_method(method)
    region = bounded(domain, network.input_dim)
    result = interval_bounds(network, region)
    if method == "interval":
        return result
    if method == "wong-kolter":
        return wong_kolter_bounds(network, result)
    result = deeppoly_bounds(network, result, parallel=method == "fast-lin")
    if method in ("deeppoly", "fast-lin"):
        return result
    deadline = deadline_after(time_limit)
    if method == "lagrangian":
        return lagrangian_bounds(network, result, deadline=deadline)
    result = tighten(network, region, result, node_limit=0, deadline=deadline)
    if method == "lp":
        return result
    return tighten(network, region, result, node_limit=node_limit, deadline=deadline)


def check_method(method: str) -> None:
    """Refuse a name that is no method of bounds.

    Raises
    ------
    FormulationError
        There are no such bounds.
    """
    if method not in METHODS + DUAL_METHODS:
        raise FormulationError(f"there are no bounds {method!r}; use one of {', '.join(METHODS + DUAL_METHODS)}")


def interval_bounds(network: Network, region: BoundedDomain) -> Bounds:
    """Interval arithmetic: m = W+ L + W- U + b, M = W+ U + W- L + b, exact and rounded outwards once a stage."""
    check_dense(network)
    boxes = [(region.lower, region.upper)]
    lower: list[FloatRow] = []
    upper: list[FloatRow] = []
    for stage in (*network.stages, network.output):
        low, high = _interval_stage(stage, boxes)
        lower.append(tuple(round_down(v) for v in low))
        upper.append(tuple(round_up(v) for v in high))
        for unit, (m, M) in enumerate(zip(lower[-1], upper[-1], strict=True)):
            require_finite(m, M, place_of(len(lower) - 1, unit, len(network.stages) + 1))
        boxes.append(
            (
                tuple(rational(v) if v > 0 else ZERO for v in lower[-1]),
                tuple(rational(v) if v > 0 else ZERO for v in upper[-1]),
            )
        )
    return Bounds(_around(region), tuple(lower), tuple(upper), "interval")


def _around(region: BoundedDomain) -> tuple[FloatRow, FloatRow]:
    """The box of a domain in float64, rounded outwards."""
    low, high = tuple(round_down(v) for v in region.lower), tuple(round_up(v) for v in region.upper)
    for j, (a, b) in enumerate(zip(low, high, strict=True)):
        require_finite(a, b, f"coordinate {j} of the domain")
    return low, high


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


@of_any_model
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
    return Bounds(_around(region), rows[0], rows[1], "supplied", proven=False)
