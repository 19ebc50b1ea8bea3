"""Entering a stage on a torch device: its values at all vertices, with error bounds and the signs that these prove."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import INPUT
from nn_bridge.sign_vectors.plan import FloatStage
from nn_bridge.sign_vectors.skeleton import Layout, layout_of
from nn_bridge.sign_vectors.stage_entry import FLOOR, SMALLEST_SCALE
from nn_bridge.sign_vectors.start import HEAD
from nn_bridge.sign_vectors.subdivide import MAX_DOUBTS
from nn_bridge.sign_vectors.torch import kernels
from nn_bridge.sign_vectors.torch.exact import decide
from nn_bridge.sign_vectors.torch.skeleton import TorchSkeleton
from polyhedra.rounding import UNIT_ROUNDOFF

SAMPLE = 64


class StageValues:
    """The values of a stage at rows of the layout ``old``, in which ``previous`` is the stage just cut.

    Where the numbers that were read are off by ``e`` times their scale, a value is off by ``e`` times its gain; its own
    rounding is at most ``gamma`` times (the row's size times the gain, plus the bias).  The gains are summed in float64
    too: in single precision a CUDA device may be set to round its products to ten bits.
    """

    def __init__(self, skeleton: TorchSkeleton, stage: FloatStage, old: Layout, previous: int) -> None:
        self.gamma = (sum(weights.shape[1] for _, weights in stage.reads) + 16) * UNIT_ROUNDOFF
        self.bias = skeleton.tensor(stage.bias)
        self.rounding = self.gamma * self.bias.abs()
        self._base = torch.full_like(self.bias, FLOOR)
        self._reads: list[tuple[slice, Tensor, Tensor | None]] = []
        for source, weights in stage.reads:
            start = HEAD if source == INPUT else old.column if source == previous else old.carried[source]
            where = slice(start, start + weights.shape[1])
            matrix = skeleton.tensor(weights)
            weighed = matrix.abs() / skeleton.scaled[where]
            if source == INPUT:
                self._base = self._base + weighed.sum(dim=1) * (1 + 1e-9)
            self._reads.append((where, matrix.T, None if source == INPUT else weighed.T))

    def __call__(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Values and gains, shape (rows, units) each."""
        values = self.bias.repeat(len(rows), 1)
        gain = self._base.repeat(len(rows), 1)
        for where, matrix, weighed in self._reads:
            read = rows[:, where]
            if weighed is None:
                values.addmm_(read, matrix)
            else:
                values.addmm_(read.clamp(min=0.0), matrix)
                # an inactive unit is exactly zero around the vertex: its sign is proven
                gain.addmm_((read >= 0).to(torch.float64), weighed, alpha=1 + 1e-9)
        return values, gain


def enter_stage(skeleton: TorchSkeleton, index: int, before: FloatStage | None, new: Layout) -> None:
    """Rewrite all vertex rows in the layout of stage ``index`` and decide the signs that stay open.

    Raises
    ------
    NetworkError
        A value leaves the range of float64.
    OverBudget
        The temporaries do not fit the limit.
    """
    plan, vertices = skeleton.plan, skeleton.vertices
    stage, old = plan.stages[index], layout_of(plan, before)
    kept = [(HEAD, slice(HEAD, HEAD + skeleton.d))]
    for source, place in new.carried.items():
        start = old.column if source == index else old.carried[source]
        kept.append((place, slice(start, start + plan.stages[source - 1].units)))
    values_of = StageValues(skeleton, stage, old, index)
    scaled = stage_scales(skeleton, values_of, new, kept)
    fresh = scaled[new.column :]
    # what a residual of the old row weighs in the scales of the columns that stay
    ratios = [scaled[p : p + w.stop - w.start] / skeleton.scaled[w] for p, w in kept]
    fade = torch.cat(ratios).max()
    wider = max(old, new, key=lambda layout: layout.columns)
    chunk = skeleton.chunk(wider)
    skeleton.storage.reserve(vertices.used, skeleton.edges.used, skeleton.chunk_bytes(wider))
    found = []
    # a scale beyond this range (NaN is) would take errors out of the range of floats, or to nothing
    finite = ((scaled[HEAD:] > SMALLEST_SCALE) & (scaled[HEAD:] < 1 / SMALLEST_SCALE)).all()
    for low in range(0, vertices.used, chunk):
        high = min(low + chunk, vertices.used)
        rows = vertices.span("rows", low, high, old.columns)
        values, gain = values_of(rows)
        finite &= torch.isfinite(values).all()
        residual = rows[:, kernels.RESIDUAL]
        own = (values_of.gamma * rows[:, kernels.SIZE])[:, None]
        amplified = kernels.amplified(residual, vertices.span("steps", low, high))[:, None]
        bound = ((amplified + own) * gain + values_of.rounding) * (1 + 64 * UNIT_ROUNDOFF)
        found.append(torch.nonzero(~(values.abs() > bound)) + skeleton.tensor(np.array([low, 0])))
        error = (((residual[:, None] + own) * gain + values_of.rounding) * fresh).amax(dim=1)
        moved = [(place, rows[:, where].clone()) for place, where in kept if place != where.start]
        rows = vertices.span("rows", low, high, new.columns)  # the same again, in the new layout
        for place, columns in moved:
            rows[:, place : place + columns.shape[1]] = columns
        rows[:, new.column : new.columns] = values
        rows[:, kernels.RESIDUAL] = torch.maximum(residual * fade, error) * (1 + 64 * UNIT_ROUNDOFF)
        sizes = rows[:, HEAD : new.columns].abs() * scaled[HEAD:]
        rows[:, kernels.SIZE] = sizes.amax(dim=1) * (1 + 8 * UNIT_ROUNDOFF)
        if sum(map(len, found)) > MAX_DOUBTS * stage.units:
            break
    if not bool(finite):
        raise NetworkError(f"the values of stage {index + 1} leave the range of float64; use engine 'cells'")
    skeleton.scaled = scaled
    decide(skeleton, index, new, 0, torch.cat(found))


def stage_scales(skeleton: TorchSkeleton, values_of: StageValues, new: Layout, kept: list[tuple[int, slice]]) -> Tensor:
    """1 / scale of each column of the new layout: scales in proportion to how much the columns vary along edges.

    Any positive scales are right; these keep the amplification of residuals near the cosecant of an angle.
    """
    edges, vertices = skeleton.edges, skeleton.vertices
    sample = torch.arange(0, edges.used, max(1, edges.used // SAMPLE), device=skeleton.device)
    chosen = torch.cat([edges.take(name, sample) for name in ("a", "b")])
    rows = vertices.take("rows", chosen)
    values, gain = values_of(rows)
    residual = rows[:, kernels.RESIDUAL, None]
    own = residual * gain + values_of.gamma * rows[:, kernels.SIZE, None] * gain + values_of.rounding
    moved = torch.cat([rows[:, where] for _, where in kept] + [values], dim=1)
    errors = torch.cat([residual / skeleton.scaled[where] for _, where in kept] + [own], dim=1)
    half = len(chosen) // 2
    worst = torch.maximum(errors[:half], errors[half:]).mean(dim=0).clamp(min=FLOOR)
    slope = (moved[:half] - moved[half:]).abs().mean(dim=0)
    unit = torch.where(slope > 0, worst / slope, torch.nan).nanmedian().nan_to_num(1.0)
    result = torch.zeros(new.columns, dtype=torch.float64, device=skeleton.device)
    result[HEAD:] = 1 / torch.maximum(slope * unit, worst)
    return result
