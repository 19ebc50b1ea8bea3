"""Frames of an animation: how the regions of one network after another fill the same window."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nn_bridge.writers.files import write_bytes
from polyhedra.arrays import Integers
from polyhedra.errors import UsageError
from polyhedra.plurals import counted
from polyhedra.quoting import shown
from puiseux.data import as_data
from puiseux.domains import Problem
from puiseux.pictures.arrangement import Arrangement
from puiseux.pictures.pages import frames_page, png_of
from puiseux.pictures.palettes import map_colours
from puiseux.pictures.views import View, look
from puiseux.pictures.windows import CORE, Landscape, parse_window

GROWTH_ENDINGS = (".gif", ".html")
_LONGEST = 3600  # seconds for a frame
_DOTS = 2000  # an inch


def draw_frames(
    problems: Sequence[Problem],
    window: Any,
    kind: str,
    color_by: str,
    data: Any,
    names: Sequence[str] | None,
    dpi: int,
    classes: Sequence[str] | None = None,
) -> list[tuple[str, bytes]]:
    """One PNG a network, with its name."""
    from puiseux.pictures.figures import add_legend, label_of, new_figure

    last = problems[-1]
    dim = last.network.input_dim
    points = as_data(data, dim, classes)
    if isinstance(window, str):
        window = parse_window(window, dim)
    if window is None or isinstance(window, str):
        land = Landscape(last, "cells" if kind in ("cells", "dual", "hyperplanes") else "regions")
        if window is None:
            window = (
                land.core
                if points is None and not land.bounded
                else land.default(None if points is None else points.points)
            )
        else:
            window = land.core if window == CORE else land.whole
    labels = list(names) if names is not None else [f"{k + 1} of {len(problems)}" for k in range(len(problems))]
    if len(labels) != len(problems):
        raise UsageError(
            f"there are {counted(len(problems), 'network')} but {counted(len(labels), 'name')} for the frames"
        )
    if not 0 < dpi <= _DOTS:
        raise UsageError(f"dpi={dpi}: give a positive number of dots an inch, at most {_DOTS:,}")
    views = [look(problem, window) for problem in problems]
    limits = _value_limits(views) if dim == 1 else None
    memory: dict[bytes, int] = {}
    frames = []
    for view, label in zip(views, labels, strict=True):
        figure = new_figure((6.4, 5.2 if dim == 2 else 4))
        ax = figure.add_subplot()
        if dim == 1:
            from puiseux.pictures.line import draw_line

            handles = draw_line(ax, view, kind, points)
            ax.set_ylim(limits)
        else:
            from puiseux.pictures.plane import draw_plane

            handles = draw_plane(ax, view, kind, color_by, points, _steady_colours(view.cells, memory))
        add_legend(ax, handles, inside=dim == 1 and points is None)
        regions = int(view.cells.regions.max()) + 1
        ax.set_title(
            f"{label_of(label)}: {counted(regions, 'region')}, {counted(view.cells.cells, 'cell')} in this window",
            fontsize="medium",
        )
        frames.append((label, png_of(figure, dpi, cropped=False)))
    return frames


def _steady_colours(cells: Arrangement, memory: dict[bytes, int]) -> Integers:
    """Colours for the cells; a map keeps the colour that a cell with its pattern had in the frame before."""
    packed = np.packbits(np.concatenate(cells.patterns, axis=1), axis=1) if cells.patterns else np.zeros((1, 1))
    keys = [row.tobytes() for row in packed]
    wanted = {number: memory[key] for number, key in zip(cells.maps.tolist(), keys, strict=True) if key in memory}
    colours = map_colours(cells, wanted=wanted)
    memory.update(zip(keys, colours.tolist(), strict=True))
    return colours


def _value_limits(views: Sequence[View]) -> tuple[float, float]:
    values = np.concatenate([view.values(view.cells.points).ravel() for view in views])
    low, high = float(values.min()), float(values.max())
    margin = 0.05 * (high - low) or 0.5
    return low - margin, high + margin


def write_frames(frames: Sequence[tuple[str, bytes]], name: str, seconds: float) -> None:
    """Write them as one .gif or .html file."""
    if not 0 < seconds <= _LONGEST:
        raise UsageError(f"a frame cannot be shown for {seconds} seconds; give a positive number, at most {_LONGEST:,}")
    if name.lower().endswith(".html"):
        page = frames_page(
            [image for _, image in frames], [label for label, _ in frames], shown(Path(name).stem), seconds
        )
        write_bytes(name, page.encode("utf-8", "backslashreplace"))
        return
    from PIL import Image  # comes with matplotlib

    pictures = [Image.open(io.BytesIO(image)).convert("RGB").quantize(64) for _, image in frames]
    size = max(p.width for p in pictures), max(p.height for p in pictures)
    even = [p if p.size == size else p.resize(size) for p in pictures]
    content = io.BytesIO()
    even[0].save(content, "gif", save_all=True, append_images=even[1:], duration=round(1000 * seconds), loop=0)
    write_bytes(name, content.getvalue())
