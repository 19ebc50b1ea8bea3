"""DeepPoly (CROWN) bounds in floating point with a running bound on the rounding error.

Each unit lies between two lines of its pre-activation g: an unstable one above a g, with a = 1 where M >= -m and a =
0 otherwise, and below M (g - m) / (M - m). A row over the units of a stage is pushed back to earlier sources by
taking, for each coefficient, the line of the safe side, until only the input is left; there the row is bounded on the
box, and where a Euclidean ball is given, on the ball too: a . c + r |a| (the dual norm).

The lines need not be rounded correctly, they only need to be valid, which is easily had.  The rest is sums of products;
their rounding error is at most gamma times the same sum over absolute values, and that is added to the bound.

Sources: Zhang et al. 2018 (CROWN); Singh et al. 2019 (DeepPoly); Weng et al. 2018 (Fast-Lin); Higham 2002, section
3.1, for gamma.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from milp.bounds import Bounds, FloatRow
from milp.lines import upper_line
from nn_bridge.network.network import INPUT, AffineStage, Network, float_matrix
from polyhedra.arrays import Floats
from polyhedra.rounding import UNIT_ROUNDOFF
from polyhedra.scalars import to_float

UNDERFLOW = 1e-310
"""Times the growth of a network: more than all products of one bound lose by underflow together."""


@dataclass(frozen=True, slots=True)
class FloatStage:
    """A stage in floating point.

    Attributes
    ----------
    blocks : tuple of (source, matrix)
        The nearest weights.
    bias : array
        The nearest biases.
    """

    blocks: tuple[tuple[int, Floats], ...]
    bias: Floats


@dataclass(frozen=True, slots=True)
class _Lines:
    """Per unit of a stage: slope and offset of the line above, slope of the line below (through the origin)."""

    upper_slope: Floats
    upper_offset: Floats
    lower_slope: Floats


@dataclass(frozen=True, slots=True)
class FloatBall:
    """A Euclidean ball in floating point: the centre rounded to nearest, a radius that is not below the exact one."""

    center: Floats
    radius: float


def deeppoly_bounds(
    network: Network, start: Bounds, *, parallel: bool = False, ball: FloatBall | None = None
) -> Bounds:
    """Tighten given valid bounds stage by stage; never looser than they were.

    With ``parallel`` the line below an unstable unit has the slope of the line above, as in Fast-Lin. With a ball the
    bounds hold on the part of the domain in it, which must not be empty.

    Where weights or values leave the range in which the error bound is a proof, the bounds stay as they are.
    """
    stages = [float_stage(stage) for stage in (*network.stages, network.output)]
    with np.errstate(all="ignore"):  # a NaN or an infinity tightens nothing
        loss = UNDERFLOW * growth(stages, start)
        if ball is not None:
            loss *= max(1.0, ball.radius, float(np.max(np.abs(ball.center), initial=0.0)))
        return _tightened(network, start, stages, loss, parallel, ball) if loss < math.inf else start


def growth(stages: list[FloatStage], start: Bounds) -> float:
    """By what factor the back-substitution enlarges an error in one entry at most, times the number of its products."""
    factor = max(1.0, *(max(map(abs, ends), default=0.0) for ends in (*start.input, *start.lower, *start.upper)))
    products = 1.0
    for stage in stages:
        sums = sum((np.abs(matrix).sum(axis=1) for _, matrix in stage.blocks), np.abs(stage.bias))
        factor *= 1.0 + float(np.max(sums, initial=0.0))
        products += sum(matrix.size for _, matrix in stage.blocks) + len(stage.bias)
    return factor * products


def _tightened(
    network: Network,
    start: Bounds,
    stages: list[FloatStage],
    loss: float,
    parallel: bool,
    ball: FloatBall | None,
) -> Bounds:
    sizes = [network.input_dim, *network.hidden]
    lower, upper = list(start.lower), list(start.upper)
    name = "fast-lin" if parallel else "deeppoly"
    lines: list[_Lines] = []
    for k, stage in enumerate(stages):
        if k > 0 or ball is not None:  # on the box the first stage is exact already
            current = Bounds(start.input, tuple(lower), tuple(upper), name)
            boxes = [_box(current, source) for source in range(k + 1)]
            above = _upper_bounds(stage, 1.0, stages, lines, boxes, sizes, loss, ball)
            below = -_upper_bounds(stage, -1.0, stages, lines, boxes, sizes, loss, ball)
            lower[k] = tuple(max(a, float(b)) for a, b in zip(lower[k], below, strict=True))
            upper[k] = tuple(min(a, float(b)) for a, b in zip(upper[k], above, strict=True))
        lines.append(_unit_lines(lower[k], upper[k], parallel))
    return Bounds(start.input, tuple(lower), tuple(upper), name, start.proven)


def float_stage(stage: AffineStage) -> FloatStage:
    """A stage with the float64 numbers nearest to its entries."""
    blocks = tuple((source, float_matrix(matrix)) for source, matrix in stage.blocks)
    return FloatStage(blocks, np.array([to_float(b) for b in stage.bias]))


def _box(bounds: Bounds, source: int) -> tuple[Floats, Floats]:
    low, high = bounds.value_box(source)
    return np.array(low), np.array(high)


def _unit_lines(lower: FloatRow, upper: FloatRow, parallel: bool) -> _Lines:
    lines = []
    for m, M in zip(lower, upper, strict=True):
        if M <= 0:
            lines.append((0.0, 0.0, 0.0))
        elif m >= 0:
            lines.append((1.0, 0.0, 1.0))
        else:
            slope, offset = upper_line(m, M)
            lines.append((slope, offset, slope if parallel else float(m + M >= 0)))
    table = np.array(lines).reshape(-1, 3)
    return _Lines(table[:, 0], table[:, 1], table[:, 2])


def _upper_bounds(
    target: FloatStage,
    sign: float,
    stages: list[FloatStage],
    lines: list[_Lines],
    boxes: list[tuple[Floats, Floats]],
    sizes: list[int],
    loss: float,
    ball: FloatBall | None,
) -> Floats:
    """Upper bounds of sign * (pre-activations of the target stage), rounding errors included."""
    # 8 counts the roundings beside the inner product, the factor 2 those of computing the error bound itself
    gamma = 2.0 * (max(sizes) + 8) * UNIT_ROUNDOFF
    size = [np.maximum(np.abs(low), np.abs(high)) for low, high in boxes]
    if ball is not None:
        size[INPUT] = np.maximum(size[INPUT], np.abs(ball.center))
    rows: dict[int, Floats] = {source: sign * matrix for source, matrix in target.blocks}
    constant = sign * target.bias
    error = gamma * np.abs(constant) + loss
    for source, matrix in rows.items():
        error = error + gamma * (np.abs(matrix) @ size[source])
    for source in range(len(boxes) - 1, INPUT, -1):
        row = rows.pop(source, None)
        if row is None:
            continue
        line, stage = lines[source - 1], stages[source - 1]
        positive = np.maximum(row, 0.0)
        slopes = positive * line.upper_slope + np.minimum(row, 0.0) * line.lower_slope
        magnitude = np.abs(constant) + positive @ line.upper_offset + np.abs(slopes) @ np.abs(stage.bias)
        constant = constant + positive @ line.upper_offset + slopes @ stage.bias
        error = error + gamma * magnitude
        for earlier, matrix in stage.blocks:
            before = rows.get(earlier)
            added = slopes @ matrix
            spread = np.abs(slopes) @ np.abs(matrix)
            rows[earlier] = added if before is None else before + added
            if before is not None:
                spread = spread + np.abs(before)
            error = error + gamma * (spread @ size[earlier])
    low, high = boxes[INPUT]
    row = rows.get(INPUT)
    if row is not None:
        constant_magnitude = np.abs(constant) + np.abs(row) @ size[INPUT]
        greatest = np.maximum(row, 0.0) @ high + np.minimum(row, 0.0) @ low
        if ball is not None:
            reach = ball.radius * _lengths(row)
            on_ball = row @ ball.center + reach
            greatest = np.where(on_ball < greatest, on_ball, greatest)
            constant_magnitude = constant_magnitude + reach  # its relative error is below gamma too
        constant = constant + greatest
        error = error + gamma * constant_magnitude
    return np.nextafter(constant + 2.0 * error, math.inf)


def _lengths(rows: Floats) -> Floats:
    """The Euclidean length of each row, scaled so that no square leaves the range."""
    scale = np.max(np.abs(rows), axis=1, initial=0.0)
    scaled = rows / np.where(scale > 0.0, scale, 1.0)[:, None]
    return scale * np.sqrt(np.sum(scaled * scaled, axis=1))
