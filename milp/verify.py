"""Properties of a network on a domain: proved, refuted by an exact counterexample, or open.

* `verify_class`: one class has the highest score everywhere in an L-infinity, L1 or Euclidean ball;
* `verify_upper`: a linear function of the outputs stays at or below a number.

Output ranges and bounds of the reachable set are in `milp.optimize`, what concerns the gradient in
`milp.sensitivity`, properties in VNN-LIB files in `milp.properties`. Proofs and counterexamples are exact. A limit
leaves a property open, with what is known of it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from flint import fmpq

from milp.arguments import index_below, of_any_model
from milp.bounding import network_bounds
from milp.bounds import Bounds, OutOfRange, text_above
from milp.box_search import search_boxes
from milp.branching import Objective, SearchResult, search_maximum
from milp.choice import MOST_BOXES, boxes_can_win
from milp.domain import BoundedDomain, DomainLike, OutOfTime, bounded, l1_domain, lift_network, linf_ball
from milp.euclidean_ball import Ball, Finding, decided_at_once, first_violation
from milp.norm_names import NormLike, norm_name
from milp.optimize import objective_of
from milp.solvers import deadline_after, third_of
from nn_bridge.network.network import AffineStage, Network, Row
from polyhedra.errors import FormulationError
from polyhedra.option_types import checked_options
from polyhedra.plurals import counted
from polyhedra.progress import Steps, with_steps
from polyhedra.rounding import round_up
from polyhedra.scalars import ONE, ZERO, rational
from polyhedra.values import Value

POLYHEDRAL_NORMS = ("inf", "1")
NORMS = (*POLYHEDRAL_NORMS, "2")


class Status(Enum):
    """A property that is proven, refuted, or open."""

    PROVEN = "proven"
    VIOLATED = "violated"
    OPEN = "open"


@dataclass(frozen=True, slots=True, repr=False)
class Verdict(Value):
    """The answer to a question about a network on a domain.

    Attributes
    ----------
    status : Status
    counterexample : tuple of fmpq or None
        An input of the domain that breaks the property, exactly.
    outputs : tuple of fmpq or None
        The exact outputs there.
    label : int or None
        For classes: the class that the property is about.
    other : int or None
        For classes: the class that wins at the counterexample.
    seconds : float
    reason : str or None
        Why a property is open.
    """

    status: Status
    counterexample: Row | None
    outputs: Row | None
    seconds: float
    label: int | None = None
    other: int | None = None
    reason: str | None = None


@checked_options
@of_any_model
@with_steps("Verifying")
def verify_upper(
    network: Network,
    domain: DomainLike,
    weights: int | Sequence[Any],
    limit: Any,
    *,
    tightening: str = "lp",
    time_limit: float | None = 60.0,
    node_limit: int = 1_000_000,
    progress: Steps = None,
) -> Verdict:
    """Decide whether ``weights . f(x) <= limit`` on the whole domain.

    Parameters
    ----------
    network : Network
    domain : Polyhedron or pair (lower, upper)
    weights : int or sequence of numbers
        One output by number, or weights for all.
    limit : number
        Exact.
    tightening : {"interval", "deeppoly", "lp", "milp"}
        The method of `milp.bounds`.
    time_limit : float or None
        Seconds.
    node_limit : int
        Branch-and-bound nodes.
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.

    Examples
    --------
    >>> net = Network.from_layers([[[1], [-1]], [[1, 1]]])  # |x|
    >>> verify_upper(net, ([-1], [2]), 0, 2).status, verify_upper(net, ([-1], [2]), 0, 1).counterexample
    (<Status.PROVEN: 'proven'>, (2,))
    """
    start = time.monotonic()
    deadline = deadline_after(time_limit)
    objective = objective_of(network, weights)
    try:
        region = bounded(domain, network.input_dim, deadline)
    except OutOfTime as error:
        return Verdict(Status.OPEN, None, None, time.monotonic() - start, reason=str(error))
    quick = by_boxes(network, region, objective, rational(limit), start, deadline, node_limit)
    if quick is not None:
        return quick
    known = network_bounds(network, region, tightening, time_limit=third_of(deadline))
    result = search_maximum(
        network,
        region,
        known,
        objective.as_stage(network),
        threshold=rational(limit),
        node_limit=node_limit,
        deadline=deadline,
    )
    return verdict_of(network, result, rational(limit), start)


def by_boxes(
    network: Network,
    region: BoundedDomain,
    objective: Objective,
    limit: fmpq,
    start: float,
    deadline: float | None,
    node_limit: int,
) -> Verdict | None:
    """Whether an objective stays at or below a limit, by splitting the domain into boxes; None where that is open."""
    if node_limit < 1 or not boxes_can_win(region):
        return None
    above = replace(objective, constant=objective.constant - limit)
    half = None if deadline is None else time.monotonic() + 0.5 * (deadline - time.monotonic())
    try:
        found = search_boxes(
            network,
            region,
            network_bounds(network, region, "deeppoly"),
            [above.as_stage(network), *wall_stages(network, region)],
            lambda point: bool(above.value(network, point) > 0),
            deadline=half,
            max_boxes=min(MOST_BOXES, node_limit),
        )
    except OutOfRange:
        return None
    seconds = time.monotonic() - start
    if found.point is not None:
        return Verdict(Status.VIOLATED, found.point, network.evaluate(found.point), seconds)
    return Verdict(Status.PROVEN, None, None, seconds) if found.proven else None


def wall_stages(network: Network, region: BoundedDomain) -> list[AffineStage]:
    """The slacks of the rows of a domain that are no ends of its box, each as a stage of one row."""
    nothing = (ZERO,) * network.output_dim
    rows = [*region.inequalities, *region.equalities]
    rows += [tuple(-v for v in row) for row in region.equalities]
    return [Objective(nothing, tuple(-a for a in row[:-1]), row[-1]).as_stage(network) for row in rows]


def verdict_of(network: Network, result: SearchResult, limit: fmpq, start: float) -> Verdict:
    """The verdict that a search for a value above the limit, begun at the time ``start``, has reached."""
    seconds = time.monotonic() - start
    if result.value is not None and result.value > limit:
        assert result.point is not None
        return Verdict(Status.VIOLATED, result.point, network.evaluate(result.point), seconds)
    if result.proven:
        return Verdict(Status.PROVEN, None, None, seconds)
    known = "" if result.bound is None else f"; the left side is at most {text_above(round_up(result.bound))}"
    return Verdict(Status.OPEN, None, None, seconds, reason=f"stopped after {counted(result.nodes, 'node')}{known}")


@checked_options
@of_any_model
@with_steps("Verifying")
def verify_class(
    network: Network,
    center: Sequence[Any],
    radius: Any,
    norm: NormLike = "inf",
    *,
    label: int | None = None,
    clip: DomainLike | None = None,
    tightening: str = "lp",
    time_limit: float | None = 60.0,
    node_limit: int = 1_000_000,
    progress: Steps = None,
) -> Verdict:
    """Decide whether one class keeps the highest score in a whole ball.

    Parameters
    ----------
    network : Network
        Its outputs are the scores.
    center, radius
        Exact numbers.
    norm : {"inf", "1", "2"}, or the number
    label : int, optional
        The class; by default the one with the highest score at the centre.
    clip : Polyhedron or pair (lower, upper), optional
        Inputs outside it do not count (pixels in [0, 1]).
    tightening, time_limit, node_limit
        As in `verify_upper`; the limits hold for all classes together.
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.

    Returns
    -------
    Verdict
        Violated: at the counterexample class ``other`` has a strictly higher score. Proven: nowhere has another class a
        strictly higher score (ties may happen).
    """
    norm = norm_name(norm)
    if norm not in NORMS:
        raise FormulationError(f"there is no norm {norm!r} here; use one of {', '.join(NORMS)}")
    if network.output_dim < 2:
        raise FormulationError("a network with one output has no classes to compare")
    start = time.monotonic()
    deadline = deadline_after(time_limit)
    scores = network.evaluate(center)
    if label is None:
        label = max(range(network.output_dim), key=lambda i: scores[i])
    label = index_below(label, network.output_dim, "class")
    n = network.input_dim
    lifted = network if norm != "1" else lift_network(network, n)
    try:
        inner = None if clip is None else bounded(clip, n, deadline)
        if norm == "1":
            region = l1_domain(network.point(center), radius, inner)
        else:
            box = linf_ball(center, radius)
            region = bounded(box if inner is None else box.intersection(inner.polyhedron), n, deadline)
    except OutOfTime as error:
        return Verdict(Status.OPEN, None, None, time.monotonic() - start, label, None, str(error))
    found: Finding | None = None
    if norm == "2":
        ball = Ball(network.point(center), rational(radius))
        found = first_violation(
            network, ball, region, label, tightening=tightening, node_limit=node_limit, deadline=deadline
        )
    elif norm == "inf" and region.is_box and not boxes_can_win(region):
        around = Ball(network.point(center), rational(radius) * n)
        found = decided_at_once(network, around, region, label, deadline)
    if found is not None:
        seconds = time.monotonic() - start
        if found.point is not None:
            outputs = network.evaluate(found.point)
            return Verdict(Status.VIOLATED, found.point, outputs, seconds, label, found.other)
        status = Status.PROVEN if found.reason is None else Status.OPEN
        return Verdict(status, None, None, seconds, label, None, found.reason)
    known: Bounds | None = None
    open_reason = None
    for other in range(network.output_dim):
        if other == label:
            continue
        weights = tuple(ONE if i == other else -ONE if i == label else ZERO for i in range(network.output_dim))
        objective = Objective(weights, (ZERO,) * lifted.input_dim)
        left = None if deadline is None else time.monotonic() + (deadline - time.monotonic()) / (network.output_dim - 1)
        verdict = by_boxes(lifted, region, objective, ZERO, start, left, node_limit)
        if verdict is not None:
            if verdict.status is Status.VIOLATED and verdict.counterexample is not None:
                return replace(verdict, counterexample=verdict.counterexample[:n], label=label, other=other)
            continue
        if known is None:
            known = network_bounds(lifted, region, tightening, time_limit=third_of(deadline))
        result = search_maximum(
            lifted,
            region,
            known,
            objective.as_stage(lifted),
            threshold=ZERO,
            node_limit=node_limit,
            deadline=deadline,
        )
        verdict = verdict_of(lifted, result, ZERO, start)
        if verdict.status is Status.VIOLATED and verdict.counterexample is not None:
            return replace(verdict, counterexample=verdict.counterexample[:n], label=label, other=other)
        if verdict.status is Status.OPEN:
            open_reason = f"class {other}: {verdict.reason}"
    status = Status.PROVEN if open_reason is None else Status.OPEN
    return Verdict(status, None, None, time.monotonic() - start, label, None, open_reason)
