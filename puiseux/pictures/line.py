"""The graph of a network with one input, its kinks marked and its regions as bands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from puiseux.data import Data
from puiseux.pictures.figures import label_of
from puiseux.pictures.palettes import INK, MARKERS, REGION_COLOURS, class_colour
from puiseux.pictures.plane import class_marker_colour, outside_words
from puiseux.pictures.views import View

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_BANDS = 400  # beyond that bands are finer than pixels
_LINES = ("-", "--", "-.", ":")


def draw_line(ax: Axes, view: View, kind: str, data: Data | None = None) -> list[Any]:
    """Paint the graph of every output; returns the handles for a legend."""
    cells = view.cells
    ends = np.sort(cells.points[:, 0].reshape(-1, 2), axis=1)
    order = np.argsort(ends.mean(axis=1))
    ends, regions = ends[order], cells.regions[order]
    breaks = np.append(ends[:, 0], ends[-1, 1])
    xs, values = view.shown(breaks[:, None])[:, 0], view.values(breaks[:, None])
    kinks = np.flatnonzero(regions[1:] != regions[:-1]) + 1
    bands = np.arange(1, cells.cells) if kind == "cells" else kinks
    edges = xs[np.concatenate([[0], bands, [len(xs) - 1]])]
    if len(edges) <= _MOST_BANDS:
        for number, (left, right) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)):
            ax.axvspan(left, right, color=REGION_COLOURS[number % 2], alpha=0.35, linewidth=0)
    handles = []
    size = float(np.clip(60 / max(len(kinks), 1), 1.0, 4.0))
    single = values.shape[1] == 1
    for output in range(values.shape[1]):
        (line,) = ax.plot(
            xs,
            values[:, output],
            color=class_colour(output),
            linestyle=_LINES[output // 10 % len(_LINES)],
            linewidth=1.6,
            label=f"output {output}",
            marker="o",
            markersize=size,
            markevery=kinks.tolist() if len(kinks) else [],
        )
        handles += [] if single else [line]
    if data is not None:
        handles += _draw_data(ax, data, view, single)
    ax.set_xlim(*view.bounds[0])
    ax.set_xlabel(view.axes[0])
    ax.set_ylabel("output" if single else "outputs")
    return handles


def _draw_data(ax: Axes, data: Data, view: View, single: bool) -> list[Any]:
    """Points at their values; where there are only classes, on the axis."""
    data.require_inputs(1)
    x = data.points[:, 0]
    low, high = view.bounds[0]
    inside = (x >= low) & (x <= high)
    if data.target is not None and single:
        label = "data" + outside_words(int((~inside).sum()))
        return [ax.scatter(x[inside], data.target[inside], s=12, color=INK, zorder=4, label=label)]
    handles = []
    for number, name in enumerate(data.classes or ("data",)):
        own = data.labels == number if data.classes else np.ones(len(inside), bool)
        chosen = inside & own
        label = (f"data: {label_of(name)}" if data.classes else "data") + outside_words(int((own & ~inside).sum()))
        handles.append(
            ax.scatter(
                x[chosen],
                np.zeros(int(chosen.sum())) + 0.03,
                s=18,
                color=class_marker_colour(data, number, view.network.output_dim, by_class=not single),
                edgecolors=INK,
                linewidths=0.5,
                marker=MARKERS[number % len(MARKERS)],
                transform=ax.get_xaxis_transform(),
                zorder=4,
                label=label,
            )
        )
    return handles
