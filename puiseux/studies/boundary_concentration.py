"""How dense the linear regions are near the decision boundary, compared with a whole rectangle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import distance_transform_edt

from nn_bridge.cells.complex import cell_complex
from nn_bridge.network.network import Network
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import to_float

NEAR = 0.03
"""The strip around the boundary: this share of the rectangle's diagonal to either side."""
GRID = 500


def boundary_concentration(network: Network, box: Polyhedron, volumes: Sequence[float]) -> float | None:
    """Regions per area near the set where the output vanishes, over regions per area in the whole rectangle.

    A region that lies partly in the strip counts there with the share of its area, so that a strip anywhere in a
    rectangle of equal regions has density 1.

    Parameters
    ----------
    network : Network
        With two inputs and one output.
    box : Polyhedron
        A rectangle.
    volumes : sequence of float
        The areas of the network's regions in the rectangle, in the order of `region_statistics`.

    Returns
    -------
    float or None
        None where the output has one sign on the grid.

    Examples
    --------
    >>> stripes = Network.from_layers([[[1, 0], [1, 0], [1, 0]], [[1, 1, 1]]], [[0, -1, -2], [-1]])
    >>> round(boundary_concentration(stripes, Polyhedron.box([-1, 0], [3, 1]), [1.0, 1.0, 1.0, 1.0]), 3)
    1.0
    """
    found = cell_complex(network, box)
    corners = np.array([[to_float(v) for v in vertex] for vertex in box.vertices()])
    low, high = corners.min(axis=0), corners.max(axis=0)
    steps = (high - low) / GRID
    axes = [low[k] + (np.arange(GRID) + 0.5) * steps[k] for k in range(2)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    positive = (network.evaluate_float(points)[:, 0] > 0).reshape(GRID, GRID)
    if positive.all() or not positive.any():
        return None  # no boundary to be near to
    distance = np.maximum(
        distance_transform_edt(positive, sampling=steps), distance_transform_edt(~positive, sampling=steps)
    )
    near = distance.reshape(-1) <= NEAR * float(np.linalg.norm(high - low))
    rows = np.concatenate([np.zeros((found.cells, 0), dtype=bool), *found.patterns], axis=1)
    region_of = {row.tobytes(): region for row, region in zip(rows, found.regions.tolist(), strict=True)}
    patterns, times = np.unique(_patterns(network, points[near]), axis=0, return_counts=True)
    total = weight = 0.0
    for row, count in zip(patterns, times.tolist(), strict=True):
        region = region_of.get(row.tobytes())
        if region is not None:  # else a point next to a border, on the wrong side by rounding
            total += count
            weight += count / volumes[region]
    return weight / total / (len(volumes) / float(np.prod(high - low)))


def _patterns(network: Network, points: np.ndarray) -> np.ndarray:
    """The active units at each point, all stages in a row, in floats."""
    values = [points]
    active = []
    for stage in network.stages:
        before = np.array([to_float(v) for v in stage.bias])
        for source, block in stage.blocks:
            before = before + values[source] @ np.array([[to_float(v) for v in row] for row in block]).T
        active.append(before > 0)
        values.append(np.maximum(before, 0.0))
    return np.concatenate(active, axis=1)


__all__ = ["GRID", "NEAR", "boundary_concentration"]
