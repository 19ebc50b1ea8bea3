"""The domain of a formulation: bounded, with an exact box around it.

Big-M needs bounds, so every formulation is written for a bounded polyhedron. `bounded` checks that once, exactly, and
keeps the bounding box; the rows that the box does not imply stay as constraints.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flint import fmpq

from nn_bridge.network.network import Network, Row
from polyhedra.bounding_box import bounded_coordinate, coordinate_bounds
from polyhedra.box_pairs import intervals_of_box
from polyhedra.box_text import box_intervals
from polyhedra.errors import FormulationError, GeometryError
from polyhedra.linear_program import Infeasible, Unbounded, maximize_over
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron
from polyhedra.quoting import quoted, shown
from polyhedra.scalars import ONE, ZERO, rational, rationals, to_text


class OutOfTime(FormulationError):
    """A time limit came before there was anything to say."""


class UnboundedDomainError(FormulationError):
    """A domain has no lower or no upper bound in one ``coordinate``."""

    def __init__(self, coordinate: int) -> None:
        super().__init__(
            f"the domain is unbounded in coordinate {coordinate}: big-M needs bounds, intersect it with a box"
        )
        self.coordinate = coordinate

    def __reduce__(self) -> tuple[type[UnboundedDomainError], tuple[int]]:
        return UnboundedDomainError, (self.coordinate,)


@dataclass(frozen=True, slots=True)
class BoundedDomain:
    """A non-empty bounded polyhedron with its bounding box.

    Attributes
    ----------
    polyhedron : Polyhedron
    lower, upper : tuple of rationals
        The smallest box around it.
    inequalities, equalities : tuples of rows (a_1, .., a_n, b)
        The rows that are not bounds of one coordinate.
    """

    polyhedron: Polyhedron
    lower: Row
    upper: Row
    inequalities: tuple[Row, ...]
    equalities: tuple[Row, ...]

    @property
    def dim(self) -> int:
        """The number of inputs."""
        return self.polyhedron.dim

    @property
    def is_box(self) -> bool:
        """Whether the bounding box is all there is."""
        return not self.inequalities and not self.equalities

    @property
    def text(self) -> str:
        """The domain as the command line would name it."""
        if not self.is_box:
            return f"polyhedron in R^{self.dim}"
        pairs = [f"{to_text(low)},{to_text(high)}" for low, high in zip(self.lower, self.upper, strict=True)]
        return "box:" + (pairs[0] if len(set(pairs)) == 1 else ";".join(pairs))

    def contains(self, x: Sequence[fmpq]) -> bool:
        """Whether a point lies in the domain, exactly."""
        return self.polyhedron.contains(x)


DomainLike = str | Polyhedron | BoundedDomain | Sequence[Any]
"""A domain as functions take it: a polyhedron, a pair (lower, upper) of vectors or numbers, or text, "box:-1,1"."""


def bounded(domain: DomainLike | None, dim: int, deadline: float | None = None) -> BoundedDomain:
    """Check a domain and find its bounding box, exactly.

    Parameters
    ----------
    domain : Polyhedron, pair (lower, upper), or text such as "box:-1,1"
    dim : int
        The number of the network's inputs.
    deadline : float, optional
        A value of ``time.monotonic`` from which on no linear program is begun.

    Raises
    ------
    FormulationError
        No domain, an empty or unbounded one, or one of another dimension than the network's input.
    OutOfTime
        The deadline came before all coordinates had bounds.

    Examples
    --------
    >>> bounded(Polyhedron([[1, 1], [-1, 0], [0, -1]], [1, 0, 0]), 2).upper
    (1, 1)
    """
    if isinstance(domain, BoundedDomain):
        _check_dim(domain.dim, dim)
        return domain
    if domain is None:
        raise FormulationError("a mixed-integer formulation needs a bounded domain: give a box such as ([-1]*n, [1]*n)")
    if isinstance(domain, Polyhedron):
        polyhedron = domain
    else:
        try:
            polyhedron = Polyhedron.box(*_ends(domain, dim))
        except (GeometryError, TypeError, ValueError) as error:
            raise FormulationError(
                f"the domain is neither a polyhedron nor a pair (lower, upper) nor a text 'box:LO,HI': {shown(error)}"
            ) from None
    _check_dim(polyhedron.dim, dim)
    polyhedron = _without_zero_rows(polyhedron)
    inequalities = tuple(row for row in polyhedron.inequalities if bounded_coordinate(row) is None)
    equalities = polyhedron.equalities
    if inequalities or equalities:
        low, high = _extent(polyhedron, deadline)
    else:
        low, high = _box(polyhedron)
    for j, (a, b) in enumerate(zip(low, high, strict=True)):
        if a > b:
            raise FormulationError(f"the domain is empty: coordinate {j} would lie between {shown(a)} and {shown(b)}")
    return BoundedDomain(polyhedron, low, high, inequalities, equalities)


def _ends(domain: Any, dim: int) -> tuple[Any, Any]:
    """The lower and the upper ends of a box; a number stands for all coordinates."""
    if isinstance(domain, str):
        if not domain.strip().startswith("box:"):
            raise FormulationError(f"the domain {quoted(domain)} is no box; write box:LO,HI, or give a Polyhedron")
        low, high = zip(*box_intervals(domain, dim, f"the domain {quoted(domain)}"), strict=True)
        return low, high
    low, high = zip(*intervals_of_box(domain, dim, thin=True), strict=True)
    return low, high


def _without_zero_rows(polyhedron: Polyhedron) -> Polyhedron:
    """The same set without rows that have no coordinate: solvers refuse them, and 0 < 0 holds nowhere inside."""
    for kind, rows in (("row", polyhedron.inequalities), ("equality", polyhedron.equalities)):
        for index, row in enumerate(rows):
            if not any(row[:-1]) and (row[-1] < 0 or (kind == "equality" and row[-1] != 0)):
                sign = "=" if kind == "equality" else "<="
                raise FormulationError(f"the domain is empty: its {kind} {index} reads 0 {sign} {shown(row[-1])}")
    inequalities = [row for row in polyhedron.inequalities if any(row[:-1])]
    equalities = [row for row in polyhedron.equalities if any(row[:-1])]
    if (len(inequalities), len(equalities)) == (len(polyhedron.inequalities), len(polyhedron.equalities)):
        return polyhedron
    return Polyhedron(
        [row[:-1] for row in inequalities],
        [row[-1] for row in inequalities],
        [row[:-1] for row in equalities],
        [row[-1] for row in equalities],
        dim=polyhedron.dim,
    )


def _check_dim(found: int, wanted: int) -> None:
    if found != wanted:
        raise FormulationError(f"the domain lies in R^{found}, the network reads {counted(wanted, 'input')}")


def _box(polyhedron: Polyhedron) -> tuple[Row, Row]:
    low, high = coordinate_bounds(polyhedron)
    for j, (a, b) in enumerate(zip(low, high, strict=True)):
        if a is None or b is None:
            raise UnboundedDomainError(j)
    return tuple(v for v in low if v is not None), tuple(v for v in high if v is not None)


def _extent(polyhedron: Polyhedron, deadline: float | None) -> tuple[Row, Row]:
    ends: list[list[fmpq]] = []
    for sign in (fmpq(-1), ONE):
        side = []
        for j in range(polyhedron.dim):
            if deadline is not None and time.monotonic() > deadline:
                raise OutOfTime("the time limit was reached before the domain was known to be bounded: raise it")
            objective = [ZERO] * polyhedron.dim
            objective[j] = sign
            answer = maximize_over(polyhedron.system, objective)
            if isinstance(answer, Infeasible):
                raise FormulationError("the domain is empty: its rows contradict each other")
            if isinstance(answer, Unbounded):
                raise UnboundedDomainError(j)
            side.append(sign * answer.value)
        ends.append(side)
    return tuple(ends[0]), tuple(ends[1])


def l1_domain(center: Sequence[Any], radius: Any, clip: BoundedDomain | None = None) -> BoundedDomain:
    """The lifted L1 ball (`l1_ball`), where a clip is given only its part over that domain, with a box around it.

    The box is read off: no linear program is needed for it, but one for the question whether anything is left.

    Raises
    ------
    FormulationError
        The radius is negative, or no point of the ball lies in the clip.
    """
    ball, r = l1_ball(center, radius), _radius(radius)
    point = rationals(center)
    low, high = [c - r for c in point], [c + r for c in point]
    if clip is not None:
        ball = ball.intersection(lifted_polyhedron(clip.polyhedron, len(point)))
        low = [max(a, b) for a, b in zip(low, clip.lower, strict=True)]
        high = [min(a, b) for a, b in zip(high, clip.upper, strict=True)]
        if not clip.contains(point) and isinstance(maximize_over(ball.system, (ZERO,) * ball.dim), Infeasible):
            raise FormulationError("no point of the ball lies in the clip: check the centre and the radius")
    inequalities = tuple(row for row in ball.inequalities if bounded_coordinate(row) is None)
    zeros = (ZERO,) * len(point)
    return BoundedDomain(ball, (*low, *zeros), (*high, *(r for _ in point)), inequalities, ball.equalities)


def lifted_polyhedron(polyhedron: Polyhedron, extra: int) -> Polyhedron:
    """The same set with ``extra`` further coordinates, which are free."""
    zeros = (ZERO,) * extra
    return Polyhedron(
        [(*row[:-1], *zeros) for row in polyhedron.inequalities],
        [row[-1] for row in polyhedron.inequalities],
        [(*row[:-1], *zeros) for row in polyhedron.equalities],
        [row[-1] for row in polyhedron.equalities],
        dim=polyhedron.dim + extra,
    )


def linf_ball(center: Sequence[Any], radius: Any) -> Polyhedron:
    """{x : |x_j - c_j| <= r for all j}, exact.

    Raises
    ------
    FormulationError
        The radius is negative.
    """
    point, r = rationals(center), _radius(radius)
    return Polyhedron.box([c - r for c in point], [c + r for c in point])


def l1_ball(center: Sequence[Any], radius: Any) -> Polyhedron:
    """{(x, t) : |x_j - c_j| <= t_j, t_1 + .. + t_n <= r}: the L1 ball with one extra coordinate each.

    The ball has 2^n facets, this lifted form 2 n + 1; read the network through `lift_network` to use it.
    """
    point, r = rationals(center), _radius(radius)
    n = len(point)
    rows, right = [], []
    for j, c in enumerate(point):
        for sign in (ONE, -ONE):
            row = [ZERO] * (2 * n)
            row[j], row[n + j] = sign, -ONE
            rows.append(row)
            right.append(sign * c)
    rows.append([ZERO] * n + [ONE] * n)
    right.append(r)
    return Polyhedron(rows, right, dim=2 * n)


def lift_network(network: Network, extra: int) -> Network:
    """The same network reading ``extra`` further inputs that it ignores."""
    n = network.input_dim
    directions = [[ONE if i == j else ZERO for j in range(n + extra)] for i in range(n)]
    return network.restrict_to(directions, [ZERO] * n)


def _radius(radius: Any) -> fmpq:
    r = rational(radius)
    if r < 0:
        raise FormulationError(f"the radius {shown(radius)} is negative")
    return r
