"""Does one class keep the highest score in a Euclidean ball?  Exactly: the ball is no polyhedron, the violations are.

On each cell another class wins on a polyhedron; the square of its distance to the centre (`milp.nearest`) is compared
with r^2 in rationals. Gradient steps look for a violation and linear bounds on the ball (`milp.deeppoly`) for a proof
first. With few inputs all cells of the box around the ball are looked at then. With many, a polyhedron around the ball
bounds what branching over the phases of units can reach: the box, the range of each unit of the first stage on the
ball, and the tangent plane wherever a point of the relaxation leaves the ball (outer approximation, Kelley 1960).
Where all phases are fixed, the distance of the cell decides.
"""

from __future__ import annotations

import contextlib
import math
import time
from dataclasses import dataclass, replace

import numpy as np
from flint import fmpq, fmpz

from milp.ball_attack import attack, moved_inside, values_at
from milp.bounding import check_method, interval_bounds
from milp.bounds import Bounds, OutOfRange, Stability, text_above
from milp.branching import Objective
from milp.by_cells import cell_system
from milp.cell_batches import cell_batches, exact_cells
from milp.choice import cells_can_win
from milp.deeppoly import FloatBall, FloatStage, deeppoly_bounds, float_stage
from milp.domain import BoundedDomain, OutOfTime
from milp.nearest import nearest_point
from milp.relaxation import Relaxation
from milp.solvers import third_of
from milp.tightening import tighten
from nn_bridge.network.joint import combined
from nn_bridge.network.network import INPUT, Network, Pattern, Row
from polyhedra.arrays import Floats
from polyhedra.bounding_box import bounded_coordinate
from polyhedra.linear_program import Optimal, maximize
from polyhedra.matrix import dot
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron
from polyhedra.rounding import round_up
from polyhedra.scalars import ONE, ZERO, rational, to_float

TANGENTS_AT_ROOT, TANGENTS_AT_NODE, MOST_TANGENTS = 30, 2, 150
"""Tangent planes that are added at most: before the first branch, at each node, and of one class in all."""

MILP_NODES = 2000
"""Nodes for each end of a unit's range, where exact ranges are asked for."""

CUTS = 1e-4
"""A tangent plane is added where a point is further from the centre than the radius by more than this share."""


@dataclass(frozen=True, slots=True)
class Ball:
    """{x : |x - c| <= r} in the Euclidean norm."""

    center: Row
    radius: fmpq

    def holds(self, point: Row) -> bool:
        """Whether a point lies in it, exactly."""
        return self.excess(point) <= 0

    def excess(self, point: Row) -> fmpq:
        """|x - c|^2 - r^2."""
        step = tuple(x - c for x, c in zip(point, self.center, strict=True))
        return dot(step, step) - self.radius * self.radius

    def half_space(self, normal: Row) -> tuple[Row, fmpq]:
        """A row a.x <= b that holds in the ball and nearly touches it; b is a float, for short numbers.

        Examples
        --------
        >>> row, right = Ball((fmpq(1),), fmpq(2)).half_space((fmpq(3),))
        >>> row, right
        ((3,), 9)
        """
        right = dot(normal, self.center) + self.radius * root_above(dot(normal, normal))
        short = round_up(right)
        return normal, rational(short) if math.isfinite(short) else right


def root_above(value: fmpq) -> fmpq:
    """A rational at or above the square root, to 64 bits; exact for squares.

    Examples
    --------
    >>> root_above(fmpq(9, 4)), root_above(fmpq(2)) ** 2 > 2
    (3/2, True)
    """
    if value == 0:
        return ZERO
    extra = max(0, 128 - int(value.p).bit_length() - int(value.q).bit_length())
    shift = fmpz(1) << (extra // 2 + 1)
    scaled = value.p * value.q * shift * shift
    root = scaled.isqrt()
    if root * root < scaled:
        root += 1
    return fmpq(root, value.q * shift)


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer for a ball: a point where another class wins, or that there is none, or why it is open."""

    point: Row | None
    other: int | None
    reason: str | None


def first_violation(
    network: Network,
    ball: Ball,
    region: BoundedDomain,
    label: int,
    *,
    tightening: str = "lp",
    node_limit: int = 1_000_000,
    deadline: float | None = None,
) -> Finding:
    """A point of the ball in a domain where another class has a strictly higher score, or the proof that there is none.

    Parameters
    ----------
    network : Network
    ball : Ball
    region : BoundedDomain
        The inputs that count; within the box around the ball.
    label : int
        The class.
    tightening, node_limit, deadline
        As elsewhere; without cells the limit of nodes is that of each class.
    """
    check_method(tightening)
    search = _Search(network, ball, region, label, deadline)
    try:
        if not search.meets():
            return Finding(None, None, None)
        found = search.at_once()
        if found is not None:
            return found
        if cells_can_win(region):
            return search.by_cells()
        return search.by_phases(tightening, node_limit)
    except OutOfTime as error:
        known = "" if search.most is None else f"; no score gains more than {text_above(search.most)}"
        return Finding(None, None, f"{error}{known}")


def decided_at_once(
    network: Network, ball: Ball, region: BoundedDomain, label: int, deadline: float | None
) -> Finding | None:
    """A violation by gradient steps, or a proof by linear bounds, where either suffices; else None.

    The domain counts where it lies in the ball; a ball around a box leaves the box alone.
    """
    try:
        return _Search(network, ball, region, label, deadline).at_once()
    except OutOfTime:
        return None


class _Search:
    def __init__(self, network: Network, ball: Ball, region: BoundedDomain, label: int, deadline: float | None) -> None:
        self.network, self.ball, self.region, self.deadline = network, ball, region, deadline
        self.label = label
        self.others = [k for k in range(network.output_dim) if k != label]
        self.most: float | None = None  # no gain of another class is above this

    # ---------------------------------------------------------------- at once

    def at_once(self) -> Finding | None:
        """A violation by gradient steps, or a proof by linear bounds; classes that cannot win are left out."""
        gains = self._gains()
        with contextlib.suppress(OutOfRange):
            hit = attack(gains, self.ball, self.region, self.deadline)
            if hit is not None:
                return Finding(hit[0], self.others[hit[1]], None)
            ends = self.bounds_on_ball(gains).upper[-1]
            self.most = max(ends)
            self.others = [k for k, end in zip(self.others, ends, strict=True) if end > 0]
        return None if self.others else Finding(None, None, None)

    def meets(self) -> bool:
        """Whether the ball and the domain have a common point: the nearest one of the domain lies in the ball."""
        center, region = self.ball.center, self.region
        near: Row | None = tuple(min(max(c, a), b) for c, a, b in zip(center, region.lower, region.upper, strict=True))
        if not region.is_box:
            polyhedron = region.polyhedron
            rows, right = list(polyhedron.A), list(polyhedron.b)
            for row, b in zip(polyhedron.A_eq, polyhedron.b_eq, strict=True):
                rows += [row, tuple(-v for v in row)]
                right += [b, -b]
            found = nearest_point(center, rows, right, self.deadline)
            near = None if found is None else found.point
        return near is not None and self.ball.holds(near)

    def bounds_on_ball(self, network: Network) -> Bounds:
        """Linear bounds on the ball and the domain, which meet."""
        center = np.array([to_float(v) for v in self.ball.center])
        ball = FloatBall(center, round_up(self.ball.radius))
        return deeppoly_bounds(network, interval_bounds(network, self.region), ball=ball)

    # ---------------------------------------------------------------- one cell

    def in_cell(self, pattern: Pattern, other: int) -> tuple[Row | None, Row | None]:
        """A point of the ball in a closed cell where another class wins, or None; and the nearest point of that set."""
        rows, right = cell_system(self.network, self.region, pattern)
        polyhedron = self.region.polyhedron
        for row, b in zip(polyhedron.A_eq, polyhedron.b_eq, strict=True):
            rows += [row, tuple(-v for v in row)]
            right += [b, -b]
        forms = self.network.affine_forms(pattern)[-1]
        *gain, constant = (p - q for p, q in zip(forms[other], forms[self.label], strict=True))
        rows.append(tuple(-v for v in gain))
        right.append(constant)
        squared = self.ball.radius * self.ball.radius
        found = nearest_point(self.ball.center, rows, right, self.deadline, within=squared)
        if found is None:
            return None, None
        excess = self.ball.excess(found.point)
        if excess > 0:
            return None, found.point
        if dot(gain, found.point) + constant > 0:
            return found.point, found.point
        best = maximize(gain, rows, right)
        if excess == 0 or not isinstance(best, Optimal) or best.value + constant <= 0:
            return None, found.point  # a tie: at the only point of the ball there, or in the whole cell
        step = ONE
        while True:  # the nearest point lies strictly inside of the ball, so a short step stays in it
            point = tuple(x + step * (y - x) for x, y in zip(found.point, best.point, strict=True))
            if self.ball.holds(point):
                return point, found.point
            step /= 2

    # ---------------------------------------------------------------- all cells

    def by_cells(self) -> Finding:
        """Look at every cell of the domain in which another class can win."""
        try:
            for batch in cell_batches(self._gains(), self.region.polyhedron, deadline=self.deadline):
                high = batch.extremes()[1]
                for cell, row in np.argwhere(high > 0).tolist():
                    found = self._judge(batch.pattern(cell), row)
                    if found is not None:
                        return found
        except OutOfRange:
            for exact in exact_cells(self.network, self.region.polyhedron, self.deadline):
                for row in range(len(self.others)):
                    found = self._judge(exact.pattern, row)
                    if found is not None:
                        return found
        return Finding(None, None, None)

    def _judge(self, pattern: Pattern, row: int) -> Finding | None:
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise OutOfTime("time limit")
        point, _ = self.in_cell(pattern, self.others[row])
        return None if point is None else Finding(point, self.others[row], None)

    def _gains(self) -> Network:
        """The network whose outputs are the gains of the other classes over the label."""
        m = self.network.output_dim
        rows = [[ONE if j == k else -ONE if j == self.label else ZERO for j in range(m)] for k in self.others]
        return combined(self.network, [tuple(row) for row in rows])

    # ---------------------------------------------------------------- phases of units

    def by_phases(self, tightening: str, node_limit: int) -> Finding:
        """Branch over the phases of units, with bounds on a polyhedron around the ball."""
        region = self._with_rows(self.region, [self.ball.half_space(row) for row in self._first_rows()])
        known = self.bounds_on_ball(self.network)
        if tightening in ("lp", "milp"):
            share = third_of(self.deadline)
            end = None if share is None else time.monotonic() + share
            known = tighten(self.network, region, known, node_limit=0, deadline=end)
            if tightening == "milp":
                known = tighten(self.network, region, known, node_limit=MILP_NODES, deadline=end)
        reason = None
        for other in self.others:
            found = self._class_by_phases(region, known, other, node_limit)
            if found.point is not None:
                return found
            reason = reason or found.reason
        return Finding(None, None, reason)

    def _first_rows(self) -> list[Row]:
        """The rows over the inputs, of the first stage and of the outputs, with both signs."""
        rows: list[Row] = []
        for stage in (*self.network.stages[:1], self.network.output):
            rows += stage.block(INPUT) or ()
        return [tuple(sign * v for v in row) for row in dict.fromkeys(rows) if any(row) for sign in (ONE, -ONE)]

    def _with_rows(self, region: BoundedDomain, rows: list[tuple[Row, fmpq]]) -> BoundedDomain:
        if not rows:
            return region
        cut = region.polyhedron.intersection(Polyhedron([a for a, _ in rows], [b for _, b in rows]))
        kept = [(*a, b) for a, b in rows if bounded_coordinate((*a, b)) is None]
        return replace(region, polyhedron=cut, inequalities=(*region.inequalities, *kept))

    def _class_by_phases(self, region: BoundedDomain, known: Bounds, other: int, node_limit: int) -> Finding:
        """Fix the phases of one unstable unit after another; where all are fixed, the distance of the cell decides."""
        weights = tuple(
            ONE if k == other else -ONE if k == self.label else ZERO for k in range(self.network.output_dim)
        )
        question = Network(
            self.network.input_dim,
            self.network.stages,
            Objective(weights, (ZERO,) * self.network.input_dim).as_stage(self.network),
        )
        relaxation = Relaxation(question, region, known)
        relaxation.set_objective(question.output, 0, 1)
        relaxation.deadline = self.deadline
        floats = [float_stage(stage) for stage in (*question.stages, question.output)]
        unstable = [(k, i) for k in range(len(question.stages)) for i in known.unstable(k)]
        fixed: Phases = {}
        stack: list[tuple[Phases, float]] = [({}, relaxation.objective_end)]
        nodes = tangents = 0
        while stack:
            if nodes >= node_limit or (self.deadline is not None and time.monotonic() > self.deadline):
                most = text_above(max(end for _, end in stack))
                return Finding(
                    None, None, f"class {other}: stopped after {counted(nodes, 'node')}; it gains {most} at most"
                )
            wanted, inherited = stack.pop()
            for unit in {*fixed, *wanted}:
                if fixed.get(unit) != wanted.get(unit):
                    relaxation.set_phase(*unit, wanted.get(unit))
            fixed = wanted
            nodes += 1
            bound, columns = relaxation.bound()
            rounds = TANGENTS_AT_NODE if nodes > 1 else TANGENTS_AT_ROOT
            while bound > 0 and rounds > 0 and tangents < MOST_TANGENTS:
                row = self._tangent(columns)
                if row is None:
                    break
                relaxation.add_rows([(dict(enumerate(row[0])), row[1])])
                bound, columns = relaxation.bound()
                rounds, tangents = rounds - 1, tangents + 1
            if bound <= 0:
                continue
            point = self._candidate(question, floats, columns)
            if point is not None:
                return Finding(point, other, None)
            free = [unit for unit in unstable if unit not in fixed]
            if not free:
                point, _ = self.in_cell(_pattern(question, known, fixed), other)
                if point is not None:
                    return Finding(point, other, None)
                continue
            unit, first = _most_relaxed(relaxation, free, columns)
            end = min(bound, inherited)
            stack += [({**fixed, unit: not first}, end), ({**fixed, unit: first}, end)]
        return Finding(None, None, None)

    def _candidate(self, question: Network, floats: list[FloatStage], columns: Floats | None) -> Row | None:
        """The point of a relaxation moved into the ball and the domain, if the other class wins there."""
        if columns is None:
            return None
        point = np.array(columns[: question.input_dim], dtype=float)
        if not values_at(floats, self._pulled(point)[None])[-1][0, 0] > 0:
            return None  # floats see no violation there
        inside = moved_inside(point, self.ball, self.region)
        return inside if inside is not None and question.evaluate(inside)[0] > 0 else None

    def _pulled(self, point: Floats) -> Floats:
        """A point moved into the ball, in floating point."""
        center = np.array([to_float(v) for v in self.ball.center])
        length = float(np.linalg.norm(point - center))
        radius = to_float(self.ball.radius)
        return point if length <= radius else center + (point - center) * (radius / length)

    def _tangent(self, columns: Floats | None) -> tuple[Row, fmpq] | None:
        """The half-space of the ball in the direction of a point, if the point lies outside of it."""
        if columns is None:
            return None
        step = columns[: len(self.ball.center)] - np.array([to_float(v) for v in self.ball.center])
        length = float(np.linalg.norm(step))
        if not math.isfinite(length) or length <= to_float(self.ball.radius) * (1 + CUTS):
            return None
        return self.ball.half_space(tuple(rational(float(v)) for v in step / length))


Phases = dict[tuple[int, int], bool]
"""Units, by stage and number, that are fixed to be active or not."""


def _pattern(network: Network, known: Bounds, fixed: Phases) -> Pattern:
    """The pattern of fixed phases; stable units have the phase that is proved."""
    return tuple(
        tuple(fixed.get((k, i), known.stability(k, i) is Stability.ACTIVE) for i in range(stage.units))
        for k, stage in enumerate(network.stages)
    )


def _most_relaxed(
    relaxation: Relaxation, free: list[tuple[int, int]], columns: Floats | None
) -> tuple[tuple[int, int], bool]:
    """The unit furthest from its ReLU at the point of a relaxation, and the phase that this point suggests."""
    if columns is None:
        return free[0], True
    gaps = {}
    for unit in free:
        before, after = float(columns[relaxation.pre(*unit)]), float(columns[relaxation.unit(*unit)])
        gaps[unit] = after - max(0.0, before)
    unit = max(free, key=lambda u: gaps[u])
    return unit, float(columns[relaxation.pre(*unit)]) > 0
