"""Entering a stage: its values at all vertices of the complex, their error bounds, and the signs that these prove."""

from __future__ import annotations

import numpy as np

from nn_bridge import _edge_kernels as kernels
from nn_bridge.errors import NetworkError
from nn_bridge.network import INPUT
from nn_bridge.sign_vectors.plan import Floats, FloatStage
from nn_bridge.sign_vectors.skeleton import EPS, HEAD, SIZE, Layout, Skeleton, layout_of

CHUNK = 1024
SAMPLE = 64
SHALLOW = 4
"""Up to so many stages the plainer of the two error bounds is good enough."""
UNIT = 2.0**-53
FLOOR = 1e-250
"""Absolute slack for anything that underflow can do to numbers that started within the range of `plan.SMALLEST`."""


class StageValues:
    """The values of a stage at vertices, without its bias, and how much of the rows' residuals they can take over.

    Where the numbers that were read are off by ``e`` times their scale, value j at row i is off by ``e`` times the gain
    ``base[j] + most * part[i, j]``; its own rounding is at most ``gamma`` times (SIZE times the gain plus the bias).

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
    """

    def __init__(
        self, stage: FloatStage, old: Layout, previous: int, d: int, scaled: Floats, sharp: bool, rows: int
    ) -> None:
        self.d, self.sharp = d, sharp
        self.gamma = (sum(weights.shape[1] for _, weights in stage.reads) + 16) * UNIT
        self.base = np.full(stage.units, FLOOR)
        self.most = FLOOR
        self.values = np.zeros((rows, stage.units))
        self.part = np.zeros((rows, stage.units), dtype=np.float32)
        self._reads: list[tuple[int, Floats, np.ndarray]] = []
        weighed: list[Floats] = []
        for source, weights in stage.reads:
            start = HEAD if source == INPUT else old.column if source == previous else old.carried[source]
            weighed.append(np.abs(weights) / scaled[start : start + weights.shape[1]])
            if source == INPUT or not sharp:
                self.base += weighed[-1].sum(axis=1) * (1 + 1e-9)
            else:
                self.most = max(self.most, float(weighed[-1].max(initial=FLOOR)))
            self._reads.append((-1 if source == INPUT else start, np.ascontiguousarray(weights.T), weighed[-1]))
        # only a bound is wanted, so single precision will do, with room for its rounding and underflow
        self._reads = [
            (start, matrix, (np.minimum(gain / self.most, 1.0)).T.astype(np.float32))
            for start, matrix, gain in self._reads
        ]
        widest = max((len(matrix) for _, matrix, _ in self._reads), default=0)
        self._inputs = np.empty((rows, widest))
        self._active = np.empty((rows, widest), dtype=np.float32)

    def evaluate(self, rows: Floats) -> Floats:
        """The values at the first so many rows; ``part`` goes with them."""
        count = len(rows)
        values, part = self.values[:count], self.part[:count]
        fresh = True
        summed = False
        for start, matrix, gain in self._reads:
            if start < 0:
                inputs = rows[:, HEAD : HEAD + self.d]
            else:
                # an inactive unit is exactly zero around the vertex: its sign is proven
                inputs, active = self._inputs[:count, : len(matrix)], self._active[:count, : len(matrix)]
                kernels.read_units(rows, start, inputs, active)
                if self.sharp:
                    if summed:
                        part += active @ gain
                    else:
                        np.matmul(active, gain, out=part)
                    summed = True
            if fresh:
                np.matmul(inputs, matrix, out=values)
            else:
                values += inputs @ matrix
            fresh = False
        return values

    def gains(self, count: int) -> Floats:
        """The gains at the first so many rows."""
        return self.base + (self.part[:count].astype(np.float64) * (1 + 1e-4) + 1e-30) * self.most


def enter_stage(skeleton: Skeleton, index: int, before: FloatStage | None, new: Layout) -> list[tuple[int, int]]:
    """Rewrite all vertex rows in the layout of stage ``index``; returns the signs left open (vertex, neuron)."""
    plan, d = skeleton.plan, skeleton.d
    stage = plan.stages[index]
    old = layout_of(plan, before)
    rows = skeleton.rows[: skeleton.vertices]
    scaled = skeleton.scaled
    kept = {HEAD: slice(HEAD, HEAD + d)}
    for source, place in new.carried.items():
        units = plan.stages[source - 1].units
        start = old.column if source == index else old.carried[source]
        kept[place] = slice(start, start + units)
    sharp = len(plan.stages) > SHALLOW
    stage_values = StageValues(stage, old, index, d, scaled, sharp, max(CHUNK, 4 * SAMPLE))
    new_scaled = _scales(skeleton, stage, stage_values, new, kept)

    # what a residual of the old row weighs in the scales of the columns that stay
    fade = max(float((new_scaled[p : p + w.stop - w.start] / scaled[w]).max()) for p, w in kept.items())
    doubts = np.empty((CHUNK * stage.units, 2), dtype=np.int64)
    open_signs: list[tuple[int, int]] = []
    vertices = skeleton.vertex_arrays()
    rounding = stage_values.gamma * np.abs(stage.bias)
    for low in range(0, len(rows), CHUNK):
        part = rows[low : low + CHUNK]
        values = stage_values.evaluate(part)
        if not np.isfinite(values.sum()):
            raise NetworkError(f"the values of stage {index + 1} leave the range of float64; use engine 'cells'")
        copies = {place: part[:, where].copy() for place, where in kept.items() if place != where.start}
        for place, values_kept in copies.items():
            part[:, place : place + values_kept.shape[1]] = values_kept
        found = kernels.settle_rows(
            vertices, low, len(part), stage_values.values, stage.bias, stage_values.part, stage_values.most,
            stage_values.base, stage_values.gamma, rounding, new_scaled, new.column, fade, doubts,
        )  # fmt: skip
        open_signs += [(v, j) for v, j in doubts[:found].tolist()]
    skeleton.scaled = new_scaled
    return open_signs


def _scales(
    skeleton: Skeleton, stage: FloatStage, stage_values: StageValues, new: Layout, kept: dict[int, slice]
) -> Floats:
    """1 / scale of each column of the new layout: scales in proportion to how much the columns vary along edges.

    Any positive scales are right; these keep the amplification of residuals near the cosecant of an angle.
    """
    scaled = skeleton.scaled
    chosen = skeleton.e32[: skeleton.edges : max(1, skeleton.edges // SAMPLE), :2].T.reshape(-1)
    sample = skeleton.rows[chosen]
    eps, size = sample[:, EPS, None], skeleton.row32[chosen, SIZE, None]
    moved = np.zeros((len(sample), new.columns))
    residual = np.full((len(sample), new.columns), FLOOR)
    moved[:, new.column :] = stage_values.evaluate(sample)
    gains = stage_values.gains(len(sample))
    residual[:, new.column :] = eps * gains + stage_values.gamma * (size * gains + np.abs(stage.bias))
    for place, where in kept.items():
        to = slice(place, place + where.stop - where.start)
        moved[:, to] = sample[:, where]
        residual[:, to] = eps / scaled[where]
    half = len(sample) // 2
    worst = np.maximum(residual[:half], residual[half:])[:, HEAD:].mean(axis=0)
    slope = np.abs(moved[:half] - moved[half:])[:, HEAD:].mean(axis=0)
    varies = slope > 0
    unit = float(np.median(worst[varies] / slope[varies])) if varies.any() else 1.0
    result = np.ones(skeleton.width)
    result[HEAD : new.columns] = 1 / np.maximum(slope * unit, np.maximum(worst, FLOOR))
    return result
