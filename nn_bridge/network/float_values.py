"""Values of units and outputs in float64 with rigorous error bounds (running error analysis).

Weights are rounded, products and sums too; an entry with ``k`` terms errs by at most ``(k + 4) u`` times the sum of the
absolute values of its terms, beside what its inputs bring along.  ReLU makes no error larger.  Below the range of
floats a rounded weight or product errs by less than 2**-1074, which counts for each unit of its input, and once more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from nn_bridge.network.network import Network, float_matrix
from nn_bridge.network.sparse_row import Matrix, SparseRow, entries
from polyhedra.arrays import Flags, Floats
from polyhedra.rounding import UNIT_ROUNDOFF
from polyhedra.scalars import to_float

_AT_ONCE = 4096  # points


class StageValues(NamedTuple):
    """The values of one stage (or the outputs) before its ReLU, at each point.

    ``values`` and ``errors`` have shape (points, units); ``sizes`` are the sums of the absolute values of the terms.
    """

    values: Floats
    errors: Floats
    sizes: Floats


def stage_values(network: Network, points: Floats) -> Iterator[StageValues]:
    """The values of every stage in order, the outputs last; not finite where floats cannot hold them."""
    sources = [(np.asarray(points, dtype=float), np.zeros(np.shape(points)))]
    for stage in (*network.stages, network.output):
        with np.errstate(all="ignore"):
            bias = np.array([to_float(b) for b in stage.bias])
            value, size = np.tile(bias, (len(points), 1)), np.tile(np.abs(bias), (len(points), 1))
            carried, terms = np.zeros_like(value), 5
            tiny = np.ones((len(points), 1))
            for source, matrix in stage.blocks:
                weights = float_weights(matrix).T
                known, bound = sources[source]
                value = value + known @ weights
                size = size + np.abs(known) @ abs(weights)
                carried = carried + bound @ abs(weights)
                tiny = tiny + (np.abs(known) + bound).sum(axis=1, keepdims=True)
                terms += weights.shape[0]
            error = 1.0001 * (carried + terms * UNIT_ROUNDOFF * size) + 1e-300 * tiny
            sources.append((np.maximum(value, 0.0), error))
        yield StageValues(value, error, size)


def float_weights(matrix: Matrix) -> Any:
    """The nearest float64 matrix: an array, or a sparse array where all rows are kept by their entries."""
    if not all(isinstance(row, SparseRow) for row in matrix):
        return float_matrix(matrix)
    rows = [list(entries(row)) for row in matrix]
    starts = np.cumsum([0, *map(len, rows)])
    columns = np.array([column for row in rows for column, _ in row], dtype=np.int64)
    values = np.array([to_float(value) for row in rows for _, value in row], dtype=float)
    return sparse.csr_array((values, columns, starts), shape=(len(matrix), len(matrix[0])))


def certain_signs(network: Network, points: Floats) -> Iterator[tuple[list[Flags], Flags]]:
    """The signs of the units at points, a few thousand points at a time.

    Parameters
    ----------
    network : Network
    points : float array of shape (points, n)
        Exact as they are.

    Yields
    ------
    positive : list of bool arrays of shape (points, units), one a stage
    certain : bool array of shape (points,)
        At which points every unit is proven to be positive or negative as told.
    """
    for begin in range(0, len(points), _AT_ONCE):
        part = points[begin : begin + _AT_ONCE]
        *stages, _ = stage_values(network, part)
        certain = np.ones(len(part), bool)
        for stage in stages:
            with np.errstate(invalid="ignore"):  # NaN proves nothing
                certain &= (np.abs(stage.values) > stage.errors).all(axis=1) & np.isfinite(stage.values).all(axis=1)
        yield [stage.values > 0 for stage in stages], certain


def output_values(network: Network, points: Floats) -> StageValues:
    """The outputs alone, found for a few thousand points at a time, so that they stay in the cache."""
    parts = []
    for begin in range(0, max(len(points), 1), _AT_ONCE):
        *_, outputs = stage_values(network, points[begin : begin + _AT_ONCE])
        parts.append(outputs)
    values, errors, sizes = (np.concatenate(each) for each in zip(*parts, strict=True))
    return StageValues(values, errors, sizes)


def near_zero(network: Network, points: Floats, share: float) -> Iterator[tuple[int, list[Flags]]]:
    """For each stage at which points a unit's value is at most a share of the size of its terms.

    The size is that of the bias and of all weights with the largest value they meet.  Yields the number of the first
    point of each batch, and arrays of shape (points, units).
    """
    rows = []
    for stage in network.stages:
        blocks = [(source, float_matrix(matrix).T) for source, matrix in stage.blocks]
        bias = np.array([to_float(b) for b in stage.bias])
        rows.append((blocks, bias, [np.abs(weights).sum(axis=0) for _, weights in blocks]))
    for begin in range(0, len(points), _AT_ONCE):
        known = [points[begin : begin + _AT_ONCE]]
        found = []
        for blocks, bias, sums in rows:
            with np.errstate(all="ignore"):
                value, size = bias, np.abs(bias)
                for (source, weights), total in zip(blocks, sums, strict=True):
                    value = value + known[source] @ weights
                    size = size + np.abs(known[source]).max(axis=1)[:, None] * total
                value, size = np.broadcast_arrays(value + np.zeros((len(known[0]), 1)), size)
                found.append(np.abs(value) <= share * size)
                known.append(np.maximum(value, 0.0))
        yield begin, found
