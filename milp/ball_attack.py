"""Points of a Euclidean ball where an output of a network is positive, proposed by gradient steps and judged exactly.

From the centre and random points of the ball, the gradient of one output is followed and the point is moved back into
the ball and the box, in floating point. A point counts only if it lies in the ball and the domain, and the output is
positive there, in rationals.

Source: Madry et al. 2018 (projected gradient steps).
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import numpy as np

from milp.deeppoly import FloatStage, float_stage
from milp.domain import BoundedDomain
from nn_bridge.network.network import INPUT, Network, Row
from polyhedra.arrays import Floats
from polyhedra.scalars import rational, to_float

if TYPE_CHECKING:
    from milp.euclidean_ball import Ball

STEPS = 60
STARTS = 8
"""Points, beside the centre, from which each output is tried."""

MOST_OUTPUTS = 16
"""Only so many outputs are tried, those that are greatest at the centre."""


def attack(
    network: Network, ball: Ball, region: BoundedDomain, deadline: float | None = None
) -> tuple[Row, int] | None:
    """A point of the ball and the domain where some output is positive, and the output; None where none was found."""
    stages = [float_stage(stage) for stage in (*network.stages, network.output)]
    center = np.array([to_float(v) for v in ball.center])
    low, high = (np.array([to_float(v) for v in side]) for side in (region.lower, region.upper))
    with np.errstate(all="ignore"):
        radius = to_float(ball.radius)
        outputs = np.argsort(-values_at(stages, center[None])[-1][0], kind="stable")[:MOST_OUTPUTS]
        targets = np.repeat(outputs, STARTS + 1)
        random = np.random.default_rng(0)
        moves = random.normal(size=(len(targets), len(center)))
        moves *= radius / np.linalg.norm(moves, axis=1, keepdims=True)
        moves[:: STARTS + 1] = 0.0
        points = _inside(center + moves, center, radius, low, high)
        for step in radius * 0.25 * 0.94 ** np.arange(STEPS):
            if deadline is not None and time.monotonic() > deadline:
                return None
            values = values_at(stages, points)
            reached = values[-1][np.arange(len(points)), targets]
            best = int(np.argmax(np.nan_to_num(reached, nan=-np.inf)))
            if reached[best] > 0:
                point = moved_inside(points[best], ball, region)
                if point is not None and network.evaluate(point)[int(targets[best])] > 0:
                    return point, int(targets[best])
            gradient = _gradient(stages, values, targets)
            length = np.linalg.norm(gradient, axis=1, keepdims=True)
            points = points + step * gradient / np.where(length > 0, length, 1.0)
            points = _inside(points, center, radius, low, high)
    return None


def moved_inside(point: Floats, ball: Ball, region: BoundedDomain) -> Row | None:
    """A point near another one that lies in the ball and the domain, exactly; None where that one does not."""
    center = np.array([to_float(v) for v in ball.center])
    radius = to_float(ball.radius)
    step = point - center
    length = float(np.linalg.norm(step))
    if not math.isfinite(length):
        return None
    if length > radius * (1 - 1e-12):
        point = center + step * (radius / length * (1 - 1e-12))
    ends = zip(point, region.lower, region.upper, strict=True)
    inside = tuple(min(max(rational(float(v)), a), b) for v, a, b in ends)
    return inside if ball.holds(inside) and (region.is_box or region.contains(inside)) else None


def values_at(stages: list[FloatStage], points: Floats) -> list[Floats]:
    """The points, the values of the units of each stage, and the outputs."""
    values = [points]
    for number, stage in enumerate(stages, 1):
        total = np.tile(stage.bias, (len(points), 1))
        for source, matrix in stage.blocks:
            total = total + values[source] @ matrix.T
        values.append(total if number == len(stages) else np.maximum(total, 0.0))
    return values


def _gradient(stages: list[FloatStage], values: list[Floats], targets: np.ndarray) -> Floats:
    """The gradient of one output for each point."""
    found: dict[int, Floats] = {source: matrix[targets] for source, matrix in stages[-1].blocks}
    for k in range(len(stages) - 1, INPUT, -1):
        asked = found.pop(k, None)
        if asked is None:
            continue
        asked = asked * (values[k] > 0)
        for source, matrix in stages[k - 1].blocks:
            found[source] = found.get(source, 0.0) + asked @ matrix
    return found.get(INPUT, np.zeros_like(values[INPUT]))


def _inside(points: Floats, center: Floats, radius: float, low: Floats, high: Floats) -> Floats:
    """The points moved into the ball, then into the box; where the centre lies in the box, they stay in the ball."""
    step = points - center
    length = np.linalg.norm(step, axis=1, keepdims=True)
    return np.clip(center + step * np.minimum(1.0, radius / np.where(length > 0, length, 1.0)), low, high)
