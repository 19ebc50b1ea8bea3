"""Entering a stage: its values at all vertices of the complex, their error bounds, and the signs that these prove."""

from __future__ import annotations

import math

import numpy as np

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import INPUT
from nn_bridge.sign_vectors import kernels
from nn_bridge.sign_vectors.plan import FloatStage
from nn_bridge.sign_vectors.skeleton import HEAD, Layout, Skeleton, layout_of
from polyhedra.arrays import Floats
from polyhedra.rounding import UNIT_ROUNDOFF

CHUNK = 1024
"""Rows that are worked on at once at least; more where they are short."""
CACHE = 1 << 19
"""Bytes that the arrays of so many rows may take."""
SAMPLE = 64
"""Edges that tell the scales; fewer than twice as many."""
SHALLOW = 4
"""Up to so many stages the plainer of the two error bounds is good enough."""
SMALLEST_SCALE = 1e-260
FLOOR = 1e-250
"""Absolute slack for anything that underflow can do to numbers that started within the range of `plan.SMALLEST`."""


class StageValues:
    """The values of a stage at vertices, without its bias, and how much of the rows' residuals they can take over.

    Where the numbers that were read are off by ``e`` times their scale, value j at row i is off by ``e`` times the gain
    ``base[j] + most * part[i, j]`` (without the part where it is not ``sharp``); its own rounding is at most ``gamma``
    times (SIZE times the gain plus the bias).

    Parameters
    ----------
    old : Layout
        The layout of the rows, in which ``previous`` (a source number) is the stage just cut.
    scaled : float64 array
        1 / scale of each column of the rows.
    sharp : bool
        Whether the gain leaves inactive units out: half as large, for one more product of matrices.
    rows : int
        The most rows that are asked for at once.

    Raises
    ------
    NetworkError
        A gain is larger than any float64.
    """

    def __init__(self, stage: FloatStage, old: Layout, previous: int, scaled: Floats, sharp: bool, rows: int) -> None:
        self.gamma = (sum(weights.shape[1] for _, weights in stage.reads) + 16) * UNIT_ROUNDOFF
        self.base = np.full(stage.units, FLOOR)
        self.most = FLOOR
        self.values = np.zeros((rows, stage.units))
        self._reads: list[tuple[int, bool, Floats]] = []
        weighed: list[tuple[int, Floats]] = []
        for source, weights in stage.reads:
            start = HEAD if source == INPUT else old.column if source == previous else old.carried[source]
            self._reads.append((start, source != INPUT, np.ascontiguousarray(weights.T)))
            with np.errstate(over="ignore"):  # checked below
                gain = np.abs(weights) / scaled[start : start + weights.shape[1]]
                if source == INPUT or not sharp:
                    self.base += gain.sum(axis=1) * (1 + 1e-9)
                else:
                    self.most = max(self.most, float(gain.max(initial=FLOOR)))
                    weighed.append((start, gain))
        if not (np.isfinite(self.base).all() and math.isfinite(self.most)):
            raise _out_of_range(previous)
        # only a bound is wanted, so single precision will do, with room for its rounding and underflow
        self._gains = [(start, (gain / self.most).T.astype(np.float32)) for start, gain in weighed]
        self.part = np.zeros((rows, stage.units if sharp else 0), dtype=np.float32)
        widest = max((len(gain) for _, gain in self._gains), default=0)
        self._active = np.empty((rows, widest), dtype=np.float32)
        widest = max((weights.shape[1] for source, weights in stage.reads if source != INPUT), default=0)
        self._inputs = np.empty((rows, widest))

    def gains(self, bias: Floats) -> kernels.Gains:
        """The values last computed and what goes with them, as the compiled loops take them."""
        return kernels.Gains(self.values, self.part, self.most, self.base, self.gamma, self.gamma * np.abs(bias))

    def evaluate(self, rows: Floats) -> Floats:
        """The values at the first so many rows; ``part`` goes with them."""
        count = len(rows)
        values, part = self.values[:count], self.part[:count]
        if not self._reads:
            values[:] = 0
        fresh = True
        for start, positive, matrix in self._reads:
            inputs = rows[:, start : start + len(matrix)]
            if positive:  # an inactive unit is exactly zero around the vertex: its sign is proven
                inputs = self._inputs[:count, : len(matrix)]
                kernels.read_units(rows, start, inputs)
            if fresh:
                np.matmul(inputs, matrix, out=values)
            else:
                values += inputs @ matrix
            fresh = False
        summed = False
        for start, gain in self._gains:
            active = self._active[:count, : len(gain)]
            kernels.read_active(rows, start, active)
            if summed:
                part += active @ gain
            else:
                np.matmul(active, gain, out=part)
            summed = True
        return values


def enter_stage(skeleton: Skeleton, index: int, before: FloatStage | None, new: Layout) -> list[tuple[int, int]]:
    """Rewrite all vertex rows in the layout of stage ``index``; returns the signs left open (vertex, neuron)."""
    plan, d = skeleton.plan, skeleton.d
    stage = plan.stages[index]
    old = layout_of(plan, before)
    rows = skeleton.rows[: skeleton.vertices]
    scaled = skeleton.scaled
    # the columns that stay: new place, old place, number
    kept = [(HEAD, HEAD, d)]
    for source, place in new.carried.items():
        kept.append((place, old.column if source == index else old.carried[source], plan.stages[source - 1].units))
    sharp = len(plan.stages) > SHALLOW
    widest = max((weights.shape[1] for _, weights in stage.reads), default=0)
    at_once = max(CHUNK, CACHE // (12 * (stage.units + widest)))
    at_once = min(at_once, max(len(rows), 4 * SAMPLE))
    stage_values = StageValues(stage, old, index, scaled, sharp, at_once)
    with np.errstate(all="ignore"):
        new_scaled = _scales(skeleton, stage, stage_values, new, kept)
    # one beyond this range (NaN is) would take errors out of the range of floats, or to nothing
    if not ((new_scaled > SMALLEST_SCALE) & (new_scaled < 1 / SMALLEST_SCALE)).all():
        raise _out_of_range(index)

    # what a residual of the old row weighs in the scales of the columns that stay
    fade = max(float((new_scaled[to : to + n] / scaled[start : start + n]).max()) for to, start, n in kept)
    doubts = np.empty((at_once * stage.units, 2), dtype=np.int64)
    open_signs: list[tuple[int, int]] = []
    vertices, gains = skeleton.vertex_arrays(), stage_values.gains(stage.bias)
    for low in range(0, len(rows), at_once):
        part = rows[low : low + at_once]
        with np.errstate(all="ignore"):
            stage_values.evaluate(part)
        copies = [(place, part[:, start : start + n].copy()) for place, start, n in kept if place != start]
        for place, columns in copies:
            part[:, place : place + columns.shape[1]] = columns
        found = kernels.settle_rows(vertices, low, len(part), gains, stage.bias, new_scaled, new.column, fade, doubts)
        if found < 0:
            raise _out_of_range(index)
        open_signs += [(v, j) for v, j in doubts[:found].tolist()]
    skeleton.scaled = new_scaled
    return open_signs


def _out_of_range(index: int) -> NetworkError:
    return NetworkError(f"the values of stage {index + 1} leave the range of float64; use engine 'cells'")


def _scales(
    skeleton: Skeleton, stage: FloatStage, stage_values: StageValues, new: Layout, kept: list[tuple[int, int, int]]
) -> Floats:
    """1 / scale of each column of the new layout: scales in proportion to how much the columns vary along edges.

    Any positive scales are right; these keep the amplification of residuals near the cosecant of an angle.
    """
    ends = skeleton.e32[: skeleton.edges : max(1, skeleton.edges // SAMPLE), :2].T.reshape(-1)
    stage_values.evaluate(skeleton.rows[ends])
    slope, worst = np.empty(new.columns), np.empty(new.columns)
    kernels.column_variation(
        skeleton.rows, ends, np.array(kept, dtype=np.int64), stage_values.gains(stage.bias), skeleton.scaled,
        new.column, slope, worst,
    )  # fmt: skip
    slope, worst = slope[HEAD:], np.maximum(worst[HEAD:], FLOOR)
    varies = slope > 0
    ratios = np.sort(worst[varies] / slope[varies])
    unit = float(ratios[len(ratios) // 2]) if len(ratios) else 1.0
    result = np.ones(skeleton.width)
    result[HEAD : new.columns] = 1 / np.maximum(slope * unit, worst)
    return result
