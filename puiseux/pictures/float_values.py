"""Values of units and outputs in float64 with rigorous error bounds (running error analysis).

Weights are rounded, products and sums too; an entry with ``k`` terms errs by at most ``(k + 4) u`` times the sum of the
absolute values of its terms, beside what its inputs bring along.  ReLU makes no error larger.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from nn_bridge.network import Network, float_matrix
from polyhedra.scalars import to_float
from puiseux.pictures.arrangement import Floats

_UNIT_ROUNDOFF = 2.0**-53


class StageValues(NamedTuple):
    """What one stage (or the outputs) has before its ReLU, at each point.

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
            for source, matrix in stage.blocks:
                weights = float_matrix(matrix).T
                known, bound = sources[source]
                value = value + known @ weights
                size = size + np.abs(known) @ np.abs(weights)
                carried = carried + bound @ np.abs(weights)
                terms += len(weights)
            error = 1.0001 * (carried + terms * _UNIT_ROUNDOFF * size) + 1e-300
            sources.append((np.maximum(value, 0.0), error))
        yield StageValues(value, error, size)


def output_values(network: Network, points: Floats) -> StageValues:
    """The outputs alone."""
    *_, outputs = stage_values(network, points)
    return outputs
