"""How far two networks are apart on a domain, exactly, and whether they name the same class everywhere."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from flint import fmpq

from milp.differences import Greatest, greatest_value
from nn_bridge.network.joint import classes_apart, difference
from nn_bridge.network.network import Network, Row
from polyhedra.errors import UsageError
from polyhedra.linear_program import InteriorPoint, interior
from polyhedra.option_types import checked_options
from polyhedra.polyhedron import Polyhedron
from polyhedra.progress import Steps, with_steps
from polyhedra.quoting import shown_path
from polyhedra.scalars import ZERO, rational, to_text
from polyhedra.values import Value
from puiseux.domains import DomainLike, pose
from puiseux.questions.answers import readable, readable_point, readable_value, sizes, text_or_null, texts
from puiseux.reading import as_network
from puiseux.time_limit import check_time_limit

INFINITE = "inf"


@dataclass(frozen=True, slots=True, repr=False)
class Difference(Value):
    """The largest difference of the outputs of two networks, in the maximum norm.

    Attributes
    ----------
    value : fmpq or None
        Exact where it is proven; None where it is infinite or not known.
    infinite : bool
    point : tuple of fmpq or None
        Where it is reached; where it is infinite, the start of the ray (on a slice, parameters). Without proof the
        point with the largest difference that was found.
    ray : tuple of fmpq or None
    lower, upper : fmpq or None
        Proved bounds; equal where it is proven.
    within : bool or None
        Whether the difference is at most the one that was asked for; None where this is not decided or not asked.
    same_class : bool or None
        Whether everywhere some output is highest in both; None where this is not decided or not asked.
    class_point : tuple of fmpq or None
        Where no output is highest in both.
    outputs : pair of tuples of fmpq or None
        The exact outputs of both networks at the point.
    domain : str
    seconds : float
    reason : str or None
        Why something is not decided.
    networks : pair of Network
    """

    value: fmpq | None
    infinite: bool
    point: Row | None
    ray: Row | None
    lower: fmpq
    upper: fmpq | None
    within: bool | None
    same_class: bool | None
    class_point: Row | None
    outputs: tuple[Row, Row] | None
    domain: str
    seconds: float
    reason: str | None
    networks: tuple[Network, Network]

    @property
    def proven(self) -> bool:
        """Whether the largest difference is known."""
        return self.infinite or self.value is not None

    @property
    def same_function(self) -> bool | None:
        """Whether the networks are the same function on the domain; None where this is not known."""
        if self.infinite or self.lower > 0:
            return False
        return True if self.upper == 0 else None

    def to_json(self, by_class: bool = False) -> dict[str, Any]:
        """The object that ``puiseux compare --json`` prints; with ``by_class`` the point is that of the classes."""
        witness = None
        if self.same_function is False and self.point is not None and self.outputs is not None:
            witness = {"point": texts(self.point), "outputs": [texts(row) for row in self.outputs]}
        found: dict[str, Any] = {
            "same_function": self.same_function,
            "witness": witness,
            "network": [sizes(network) for network in self.networks],
            "domain": self.domain,
            "difference": INFINITE if self.infinite else text_or_null(self.value),
            "point": texts(self.class_point) if by_class else texts(self.point),
            "within": self.within,
            "lower": INFINITE if self.infinite else to_text(self.lower),
            "upper": INFINITE if self.infinite else text_or_null(self.upper),
            "seconds": round(self.seconds, 3),
            "complete": self.reason is None,
            "reason": self.reason,
        }
        if self.ray is not None:
            found["ray"] = texts(self.ray)
        if by_class:
            found["same_class"] = self.same_class
        return found


@checked_options
@with_steps("Looking for the largest difference")
def largest_difference(
    first: Network | Any,
    second: Network | Any,
    domain: DomainLike = None,
    *,
    within: Any = None,
    same_class: bool = False,
    time_limit: float | None = None,
    progress: Steps = None,
) -> Difference:
    """The largest difference of the outputs of two networks on a domain (by default all of R^n), exactly.

    Parameters
    ----------
    first, second : whatever `as_network` takes
        With the same numbers of inputs and outputs.
    domain : str, Polyhedron, (low, high), list of pairs, or None
        As in `count_regions`.
    within : number, optional
        Decide whether the difference is at most this; text is an exact decimal or fraction.
    same_class : bool
        Decide too whether everywhere some output is highest in both.
    time_limit : float, optional
        Seconds; at the limit proven bounds are given.
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.

    Raises
    ------
    PuiseuxError
        The networks do not fit each other or the domain, or have one output where classes are asked for.

    Examples
    --------
    >>> absolute, identity = [[[1], [-1]], [[1, 1]]], [[[1]]]
    >>> largest_difference(absolute, identity, "box:-1,2", within=2).value
    2
    >>> largest_difference(absolute, identity).ray
    (-1,)
    """
    start = time.monotonic()
    check_time_limit(time_limit)
    limit = None if within is None else rational(within)
    if limit is not None and limit < 0:
        raise UsageError(f"a difference is never within {readable(limit)}; give a number that is not negative")
    problems = [pose(as_network(network), domain) for network in (first, second)]
    one, other = (problem.network for problem in problems)
    apart = difference(one, other)
    classes = classes_apart(one, other) if same_class else None
    deadline = None if time_limit is None else start + time_limit
    region = problems[0].domain
    half = deadline if classes is None or deadline is None else start + 0.5 * (deadline - start)
    reasons = []
    if one == other:
        found = Greatest(ZERO, _some_point(region, one.input_dim), None, ZERO, True)
    else:
        found = greatest_value(apart, region, deadline=half)
    if not found.proven:
        reasons.append(found.reason or "time limit")
    lower = ZERO if found.value is None else max(found.value, ZERO)
    upper = found.value if found.proven else found.bound
    decided: bool | None = None
    if limit is not None:
        if found.infinite or lower > limit:
            decided = False
        elif upper is not None and upper <= limit:
            decided = True
    same, class_point = None, None
    if classes is not None:
        same, class_point = _same_class(classes, region, one == other, deadline)
        if same is None:
            reasons.append("time limit")
    point = _beyond(apart, found) if found.infinite else found.point
    return Difference(
        value=found.value if found.proven and not found.infinite else None,
        infinite=found.infinite,
        point=point,
        ray=found.ray,
        lower=lower,
        upper=None if found.infinite else upper,
        within=decided,
        same_class=same,
        class_point=class_point,
        outputs=None if point is None else (one.evaluate(point), other.evaluate(point)),
        domain=problems[0].text,
        seconds=time.monotonic() - start,
        reason=reasons[0] if reasons else None,
        networks=(one, other),
    )


def _some_point(domain: Polyhedron | None, dim: int) -> Row:
    if domain is None:
        return (ZERO,) * dim
    rows = [row for row in domain.inequalities if any(row[:-1])]
    answer = interior([row[:-1] for row in rows], [row[-1] for row in rows], dim=dim)
    assert isinstance(answer, InteriorPoint)
    return answer.point


def _beyond(network: Network, found: Greatest) -> Row | None:
    """A point of the ray at which the value is positive already."""
    if found.point is None or found.ray is None:
        return found.point
    point, step = found.point, rational(1)
    while max(network.evaluate(point)) <= 0:
        point = tuple(x + step * v for x, v in zip(point, found.ray, strict=True))
        step *= 2
    return point


def _same_class(
    classes: Network, region: Polyhedron | None, equal: bool, deadline: float | None
) -> tuple[bool | None, Row | None]:
    """Whether everywhere some output is highest in both, else a point where none is."""
    if equal:
        return True, None
    found = greatest_value(classes, region, stop_above=ZERO, deadline=deadline)
    if found.infinite:
        return False, _beyond(classes, found)
    if found.value is not None and found.value > 0:
        return False, found.point
    top = found.value if found.proven else found.bound
    return (True, None) if top is not None and top <= 0 else (None, None)


def describe(found: Difference, first: str, second: str) -> str:
    """The answer for people."""
    where = "" if found.domain == "all" else f" on {shown_path(found.domain)}"
    lines = [f"{first} and {second}{where}:"]
    if found.infinite:
        lines.append("  largest difference  infinite")
        if found.ray is not None:
            lines.append(f"  along               {readable_point(found.ray)}")
    elif found.value is not None:
        lines.append(f"  largest difference  {readable_value(found.value)}")
    else:
        upper = "no upper bound is known" if found.upper is None else f"at most {readable_value(found.upper)}"
        lines.append(f"  largest difference  at least {readable_value(found.lower)}, {upper}")
    if found.point is not None and found.outputs is not None and found.lower + found.infinite > 0:
        lines.append(f"  at                  {readable_point(found.point)}")
        lines.append(f"  outputs             {readable_point(found.outputs[0])} and {readable_point(found.outputs[1])}")
    if found.within is not None:
        lines.append(f"  {'within' if found.within else 'not within'} the bound")
    if found.same_class is not None:
        lines.append(f"  {'the same class everywhere' if found.same_class else 'different classes'}")
        if found.class_point is not None:
            lines.append(f"  for example at      {readable_point(found.class_point)}")
    state = "proven" if found.reason is None else f"not decided ({found.reason})"
    return "\n".join([*lines, f"  {state}, {found.seconds:.2f} s"])
