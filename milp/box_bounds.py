"""Proven bounds of rows over many boxes at once: DeepPoly (CROWN) with numpy.

The method is that of `milp.deeppoly`, for a batch of boxes within one root box, and with the bounds of the parent box
taken over where they are tighter.  The rounding error is bounded once for all of them: lines have slopes in [0, 1], so
no coefficient exceeds what the absolute weights give, and no unit the size that it has on the root box.

Which coordinate is worth splitting comes with the bounds: where a unit's line lies above its ReLU the gap is shared
among the coordinates in the proportion in which they move the unit.

Sources: Zhang et al. 2018 (CROWN); Higham 2002, section 3.1, for gamma.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from milp.bounds import Bounds, OutOfRange
from milp.deeppoly import UNDERFLOW, FloatStage, float_stage, growth
from nn_bridge.network.network import INPUT, AffineStage, Network
from polyhedra.arrays import Floats
from polyhedra.rounding import UNIT_ROUNDOFF

Known = list[tuple[Floats, Floats]]
"""Lower and upper bounds of the pre-activations of each stage, arrays of shape (boxes, units)."""


@dataclass(frozen=True, slots=True)
class BoxBound:
    """Bounds over some boxes.

    Attributes
    ----------
    upper : array of shape (boxes, rows)
        No point of the box has more, for certain.
    slopes : array of shape (boxes, n)
        The linear function of the inputs that bounds the row with the least bound.
    score : array of shape (boxes, n)
        How much of that row's bound each coordinate accounts for.
    known : list of pairs of arrays
        The bounds of all units.
    """

    upper: Floats
    slopes: Floats
    score: Floats
    known: Known


@dataclass(frozen=True, slots=True)
class _Lines:
    upper_slope: Floats
    upper_offset: Floats
    lower_slope: Floats


class BoxBounds:
    """Bounds of the rows of an affine stage over the inputs and units of a network, on boxes within a root box.

    Parameters
    ----------
    network : Network
    rows : AffineStage
    bounds : Bounds
        Of the units on the root box, proven.
    grain : int, optional
        Give bounds that a certificate can hold: multiples of 2^-grain, with a margin for lines whose slopes are such
        multiples too. Bounds of the root box are not taken over then.

    Raises
    ------
    OutOfRange
        Weights or values out of the range in which the bound of the rounding error is a proof.
    """

    def __init__(self, network: Network, rows: AffineStage, bounds: Bounds, grain: int | None = None) -> None:
        self.n = network.input_dim
        self.stages = [float_stage(stage) for stage in (*network.stages, rows)]
        self.root = [
            (np.array(low), np.array(high))
            for low, high in zip(bounds.lower[: len(network.stages)], bounds.upper, strict=False)
        ]
        with np.errstate(all="ignore"):
            loss = UNDERFLOW * growth(self.stages, bounds)
            self.errors = [self._error(stage, bounds) + loss for stage in self.stages]
        self.grain = grain
        if grain is not None:
            self.errors = [(1.0 + 2.0 ** (53 - grain)) * error for error in self.errors]
        if not all(np.isfinite(error).all() for error in self.errors):
            raise OutOfRange("weights or values leave the range of float64 in products; rescale them")

    def _error(self, target: FloatStage, bounds: Bounds) -> Floats:
        """How far the computed bound of each row can be below the true one, on any box within the root box."""
        sizes = [np.maximum(*np.abs(np.array(bounds.input)))]
        sizes += [np.maximum(np.abs(low), np.abs(high)) for low, high in self.root]
        products = max(len(size) for size in sizes)
        # 12 counts the roundings beside the inner product, those of the lines among them
        gamma = 2.0 * (products + 12) * UNIT_ROUNDOFF
        rows: dict[int, Floats] = {source: np.abs(matrix) for source, matrix in target.blocks}
        constant = np.abs(target.bias)
        error = gamma * constant
        for source, matrix in rows.items():
            error = error + gamma * (matrix @ sizes[source])
        for source in range(len(self.root), INPUT, -1):
            row = rows.pop(source, None)
            if row is None:
                continue
            stage = self.stages[source - 1]
            constant = constant + row @ (sizes[source] + np.abs(stage.bias))
            error = error + gamma * constant
            for earlier, matrix in stage.blocks:
                added = row @ np.abs(matrix) + rows.get(earlier, 0.0)
                rows[earlier] = added
                error = error + gamma * (added @ sizes[earlier])
        if INPUT in rows:
            error = error + gamma * (constant + rows[INPUT] @ sizes[INPUT])
        return np.asarray(4.0 * error)

    def bound(self, low: Floats, high: Floats, known: Known | None = None) -> BoxBound:
        """Bound the rows on the boxes between ``low`` and ``high``, arrays of shape (boxes, n).

        ``known`` are bounds that hold already, of a box around each.
        """
        lines: list[_Lines] = []
        shares: list[Floats] = []
        found: Known = []
        for k in range(len(self.root)):
            least, greatest, moved = self._stage_bounds(k, low, high, lines)
            if self.grain is not None:
                unit = 2.0**-self.grain
                least, greatest = np.floor(least / unit) * unit, np.ceil(greatest / unit) * unit
            if known is not None or self.grain is None:
                before = self.root[k] if known is None else known[k]
                least, greatest = np.maximum(least, before[0]), np.minimum(greatest, before[1])
            found.append((least, greatest))
            lines.append(_lines(least, greatest))
            moved *= (high - low)[:, None, :]
            shares.append(moved / (moved.sum(axis=2, keepdims=True) + 1e-300))
        upper, forms, losses = self._pushed_back(self.stages[-1], len(self.root), low, high, lines)
        upper = np.nextafter(upper + self.errors[-1], math.inf)
        upper = np.where(np.isnan(upper), np.inf, upper)
        boxes = np.arange(len(low))
        worst = np.argmin(upper, axis=1)
        slopes = forms[boxes, worst]
        score = np.abs(slopes) * (high - low)
        for loss, share in zip(losses, shares, strict=True):
            if loss is not None:
                score = score + np.matmul(loss[boxes, worst][:, None, :], share)[:, 0, :]
        return BoxBound(upper, slopes, score, found)

    def values(self, points: Floats) -> Floats:
        """The rows at points, in floating point, with no bound on the error: an array (points, rows)."""
        values = [points]
        for stage in self.stages:
            total = np.tile(stage.bias, (len(points), 1))
            for source, matrix in stage.blocks:
                total += values[source] @ matrix.T
            values.append(np.maximum(total, 0.0))
        return total

    def _stage_bounds(self, k: int, low: Floats, high: Floats, lines: list[_Lines]) -> tuple[Floats, Floats, Floats]:
        """Lower and upper bounds of a stage's pre-activations, and how much each input moves each unit."""
        stage = self.stages[k]
        both = FloatStage(
            tuple((source, np.concatenate([matrix, -matrix])) for source, matrix in stage.blocks),
            np.concatenate([stage.bias, -stage.bias]),
        )
        upper, forms, _ = self._pushed_back(both, k, low, high, lines)
        units = len(stage.bias)
        # adding the error and stepping outward: the sum is rounded too
        greatest = np.nextafter(upper[:, :units] + self.errors[k], math.inf)
        least = -np.nextafter(upper[:, units:] + self.errors[k], math.inf)
        return least, greatest, np.abs(forms[:, :units]) + np.abs(forms[:, units:])

    def _pushed_back(
        self, target: FloatStage, depth: int, low: Floats, high: Floats, lines: list[_Lines]
    ) -> tuple[Floats, Floats, list[Floats | None]]:
        """Upper bounds of rows, their forms in the inputs, and what each unit's line loses; not rounded outward."""
        boxes = len(low)
        rows: dict[int, Floats] = {
            source: np.broadcast_to(matrix, (boxes, *matrix.shape)) for source, matrix in target.blocks
        }
        constant = np.broadcast_to(target.bias, (boxes, len(target.bias)))
        losses: list[Floats | None] = [None] * depth
        for source in range(depth, INPUT, -1):
            row = rows.pop(source, None)
            if row is None:
                continue
            line, stage = lines[source - 1], self.stages[source - 1]
            positive = np.maximum(row, 0.0)
            losses[source - 1] = np.abs(row) * line.upper_offset[:, None, :]
            slopes = positive * line.upper_slope[:, None, :]
            slopes += (row - positive) * line.lower_slope[:, None, :]
            constant = constant + np.matmul(positive, line.upper_offset[:, :, None])[:, :, 0] + slopes @ stage.bias
            for earlier, matrix in stage.blocks:
                shape = (boxes, len(target.bias), matrix.shape[1])
                added = (slopes.reshape(-1, len(matrix)) @ matrix).reshape(shape)
                rows[earlier] = added if earlier not in rows else rows[earlier] + added
        forms = rows.get(INPUT)
        if forms is None:
            return np.array(constant), np.zeros((boxes, len(target.bias), self.n)), losses
        ends = np.matmul(np.maximum(forms, 0.0), high[:, :, None]) + np.matmul(np.minimum(forms, 0.0), low[:, :, None])
        return constant + ends[:, :, 0], forms, losses


def _lines(least: Floats, greatest: Floats) -> _Lines:
    """Valid lines around the ReLU of units between two bounds: see `milp.lines`, here a hair steeper."""
    unstable = (least < 0.0) & (greatest > 0.0)
    width = np.where(unstable, greatest - least, 1.0)
    steeper = 1.0 + 8.0 * UNIT_ROUNDOFF
    upper = np.where(unstable, np.minimum(greatest / width * steeper, 1.0), (least >= 0.0) * 1.0)
    offset = np.where(unstable, -upper * least * steeper, 0.0)
    lower = np.where(unstable, (greatest >= -least) * 1.0, upper)
    return _Lines(upper, offset, lower)
