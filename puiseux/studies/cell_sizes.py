"""How large cells are: inradius, volume, norm of the affine map and distance from the origin, of a sample of cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nn_bridge.cells.complex import CellComplex
from nn_bridge.cells.statistics import cell_inradius, cell_volume
from polyhedra.scalars import to_float
from puiseux.studies.study import Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZES = ("inradius", "volume", "norm", "distance")
LABELS = {
    "inradius": "inradius of a cell",
    "volume": "volume of a bounded cell",
    "norm": "norm of the affine map on a cell",
    "distance": "distance of an inner point from the origin",
}


def chosen_cells(found: CellComplex, most: int, rng: np.random.Generator) -> list[int]:
    """All cells by number, or a random choice where there are more than ``most``."""
    if found.cells <= most:
        return list(range(found.cells))
    return sorted(rng.choice(found.cells, most, replace=False).tolist())


def cell_sizes(found: CellComplex, chosen: Sequence[int]) -> dict[str, list[float | None]]:
    """The sizes of some cells, computed exactly and then rounded to floats.

    Returns
    -------
    dict
        ``inradius``: of the largest Euclidean ball inside (None where balls of any size fit); ``volume`` (None where it
        is infinite); ``norm``: the root of the sum of squares of the slopes of all outputs; ``distance``: of the exact
        interior point from the origin.

    Examples
    --------
    >>> from nn_bridge.cells.complex import cell_complex
    >>> from nn_bridge.network.network import Network
    >>> tent = cell_complex(Network.from_layers([[[2], [4]], [[1, -1]]], [[0, -2], [0]]))
    >>> sizes = cell_sizes(tent, range(3))
    >>> sorted(sizes["norm"]), [v for v in sizes["volume"] if v is not None]
    ([0.0, 2.0, 2.0], [0.5])
    """
    sizes: dict[str, list[float | None]] = {name: [] for name in SIZES}
    for number in chosen:
        cell = found.cell(number)
        volume, radius = cell_volume(cell), cell_inradius(cell)
        slopes = [to_float(v) for row in cell.affine_map.matrix for v in row]
        inner = [to_float(v) for v in cell.interior_point]
        sizes["volume"].append(None if volume is None else to_float(volume))
        sizes["inradius"].append(None if radius is None else to_float(radius[0]))
        sizes["norm"].append(float(np.linalg.norm(slopes)))
        sizes["distance"].append(float(np.linalg.norm(inner)))
    return sizes


def known(values: Sequence[float | None]) -> list[float]:
    """The finite values."""
    return [v for v in values if v is not None]


def median_size(trials: Sequence[Trial], name: str) -> float | None:
    """The median of one size over the measured cells of several trials; None where there are none."""
    values = [v for trial in trials if name in trial.record for v in known(trial[name])]
    return float(np.median(values)) if values else None


def draw_sizes(ax: Axes, name: str, values: Sequence[float], **style: Any) -> None:
    """A histogram over powers of ten, as a line, in shares of the cells."""
    positive = np.log10([v for v in values if v > 0])
    if not len(positive):
        return
    low, high = np.floor(np.quantile(positive, [0.005, 0.995]))
    step = 0.25 if high - low < 7 else 0.5
    edges = np.arange(low, high + 1 + step / 2, step)
    counts, _ = np.histogram(positive, edges)
    ax.stairs(counts / len(positive), 10.0**edges, **style)
    ax.set(xscale="log", xlabel=LABELS[name])


__all__ = ["LABELS", "SIZES", "cell_sizes", "chosen_cells", "draw_sizes", "known", "median_size"]
