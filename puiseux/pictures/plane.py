"""Painters for two inputs: regions, cells, dual graph and bent hyperplanes on matplotlib axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from nn_bridge.network.float_values import output_values
from nn_bridge.network.network import Matrix, Pattern
from polyhedra.arrays import Floats
from polyhedra.scalars import rational, to_float
from puiseux.data import Data
from puiseux.pictures.arrangement import WALL, Arrangement
from puiseux.pictures.figures import label_of
from puiseux.pictures.palettes import (
    INK,
    MARKERS,
    REGION_COLOURS,
    TINTS,
    VALUE_MAP,
    class_colour,
    fills,
    layer_colour,
    map_colours,
    tinted,
)
from puiseux.pictures.planar import HalfPlane, clip
from puiseux.pictures.views import View

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OUTSIDE = " ("
"""Between a label and the number of points outside."""
_ON_EDGE = 1e-9  # of the size of a cell: how near to a cell's edge counts as on it, in a drawing
_GRID = 400  # samples a side for the shading of values
_MANY = 3000  # cells; from here on vector formats get fills and lines as an image
_EQUAL = 2.5  # axes have one scale where the sides of the window differ by no more than this factor


def draw_plane(
    ax: Axes, view: View, kind: str, color_by: str, data: Data | None = None, colours: Any = None
) -> list[Any]:
    """Paint a view of two inputs; returns the handles for a legend.

    Parameters
    ----------
    ax : matplotlib Axes
    view : View
    kind : {"regions", "cells", "dual", "hyperplanes"}
    color_by : {"map", "value", "class"}
    data : Data, optional
        Points to draw over it.
    colours : integer array, optional
        Region colour numbers for the cells, in place of a choice made here.
    """
    handles: list[Any] = []
    if kind == "dual":
        _paint_maps(ax, view, colours, pale=True)
    elif kind != "hyperplanes":
        painters: dict[str, Callable[..., list[Any]]] = {
            "map": _paint_maps,
            "value": _paint_values,
            "class": _paint_classes,
        }
        handles += painters[color_by](ax, view, colours)
    if kind in ("regions", "cells"):
        if kind == "cells":
            _draw_cell_walls(ax, view)
        _draw_borders(ax, view, pale=color_by == "class")
    elif kind == "dual":
        _draw_cell_walls(ax, view, colour="#888888")
        _draw_dual(ax, view)
    else:
        handles += _draw_hyperplanes(ax, view)
    _draw_outline(ax, view)
    if data is not None:
        filled = kind in ("regions", "cells")
        handles += draw_points(ax, data, view, color_by if filled else "map")
    draw_frame(ax, view)
    return handles


def polygons(cells: Arrangement) -> list[Floats]:
    """The vertices of each cell in cyclic order."""
    owner = np.repeat(np.arange(cells.cells), np.diff(cells.first))
    away = cells.points - cells.centres()[owner]
    order = np.lexsort((np.arctan2(away[:, 1], away[:, 0]), owner))
    return np.split(cells.points[order], cells.first[1:-1])


def segments(view: View, facets: Any) -> Floats:
    """Two ends for each facet, shape (facets, 2, 2)."""
    begin = view.cells.facet_first[facets]
    members = view.cells.facet_members
    return view.shown(np.stack([view.cells.points[members[begin]], view.cells.points[members[begin + 1]]], axis=1))


def _width(view: View, widest: float) -> float:
    """Thinner lines where there are many cells."""
    return max(0.15, widest * min(1.0, (200 / view.cells.cells) ** 0.4))


def _add(ax: Axes, view: View, collection: Any) -> None:
    collection.set_rasterized(view.cells.cells > _MANY)
    ax.add_collection(collection, autolim=False)


# -------------------------------------------------------------------- fills


def _paint_maps(ax: Axes, view: View, colours: Any = None, pale: bool = False) -> list[Any]:
    from matplotlib.collections import PolyCollection

    numbers = map_colours(view.cells) if colours is None else colours
    shapes = [view.shown(polygon) for polygon in polygons(view.cells)]
    paint: Any = [tinted(colour, 0.6) for colour in fills(numbers)] if pale else fills(numbers)
    _add(ax, view, PolyCollection(shapes, facecolors=paint, edgecolors=paint, linewidths=0.3, zorder=1))
    return []


def _paint_values(ax: Axes, view: View, colours: Any = None) -> list[Any]:
    from matplotlib.patches import Polygon as Patch

    steps = np.linspace(-1, 1, _GRID)
    points = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    values = view.values(points)[:, 0].reshape(_GRID, _GRID)
    (left, right), (bottom, top) = view.bounds
    image = ax.imshow(
        values,
        extent=(left, right, bottom, top),
        origin="lower",
        aspect="auto",
        cmap=VALUE_MAP,
        interpolation="bilinear",
        zorder=1,
    )
    corners = view.shown(_cyclic(view.outline))
    image.set_clip_path(Patch(corners, closed=True, transform=ax.transData))
    ax.figure.colorbar(image, ax=ax, label="output" if view.network.output_dim == 1 else "output 0")
    return []


def _paint_classes(ax: Axes, view: View, colours: Any = None) -> list[Any]:
    from matplotlib.collections import LineCollection, PolyCollection
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    tints = map_colours(view.cells, len(TINTS)) if colours is None else np.asarray(colours) % len(TINTS)
    shapes, paint = [], []
    boundary: dict[tuple[float, ...], Floats] = {}
    winners: dict[int, set[int]] = {}
    whole = _clear_winners(view)
    for number, polygon in enumerate(polygons(view.cells)):
        parts = [(int(whole[number]), polygon)] if whole[number] >= 0 else _split_by_class(view, number, polygon)
        for winner, part in parts:
            shapes.append(view.shown(part))
            paint.append(tinted(class_colour(winner), TINTS[int(tints[number])]))
            winners.setdefault(winner, set()).add(int(tints[number]))
            if len(parts) > 1:
                # both of its parts have an edge
                boundary |= {_name_of(edge): view.shown(edge) for edge in _inner_edges(part, polygon)}
        if len(parts) == 1:
            whole[number] = parts[0][0]
    _add(ax, view, PolyCollection(shapes, facecolors=paint, edgecolors=paint, linewidths=0.3, zorder=1))
    single = view.network.output_dim == 1
    names = {w: ("output <= 0", "output > 0")[w] if single else f"class {w}" for w in sorted(winners)}
    facets = view.cells.inner_facets
    one, two = (whole[view.cells.facet_cell[ends]] for ends in (facets, view.cells.partner[facets]))
    lines = [*boundary.values(), *segments(view, facets[(one >= 0) & (two >= 0) & (one != two)])]
    handles: list[Any] = [Patch(facecolor=tinted(class_colour(w), TINTS[1]), label=name) for w, name in names.items()]
    if lines:
        look: dict[str, Any] = {"linewidths": max(1.2, _width(view, 2.2)), "capstyle": "round", "zorder": 3}
        _add(ax, view, LineCollection(lines, colors=INK, label="decision boundary", **look))
        handles.append(Line2D([], [], color=INK, linewidth=2.2, label="decision boundary"))
    if max(map(len, winners.values())) > 1:
        handles.append(Line2D([], [], linestyle="", label="shades of a colour: linear regions"))
    return handles


def _name_of(edge: Floats) -> tuple[float, ...]:
    """The same for an edge from either side."""
    return tuple(round(value, 9) for end in sorted(edge.tolist()) for value in end)


def _inner_edges(part: Floats, polygon: Floats) -> list[Floats]:
    """The edges of a part of a convex polygon that are no part of the polygon's own edges, for the eye."""
    ends = np.stack([part, np.roll(part, -1, axis=0)], axis=1)
    middles = ends.mean(axis=1)
    begin, side = polygon, np.roll(polygon, -1, axis=0) - polygon
    length = np.linalg.norm(side, axis=1)
    begin, side, length = begin[length > 0], side[length > 0], length[length > 0]
    away = middles[:, None, :] - begin[None, :, :]
    distance = np.abs(away[..., 0] * side[:, 1] - away[..., 1] * side[:, 0]) / length
    return list(ends[distance.min(axis=1) > _ON_EDGE * np.abs(polygon).max()])


def _clear_winners(view: View) -> Any:
    """For each cell the class that wins on all of it where floating point proves so, else -1."""
    values, errors, _ = output_values(view.network, view.cells.points)
    if values.shape[1] == 1:
        values, errors = np.hstack([np.zeros_like(values), values]), np.hstack([np.zeros_like(errors), errors])
    best = values.argmax(axis=1)
    rows = np.arange(len(values))
    with np.errstate(all="ignore"):
        lead = (values[rows, best] - errors[rows, best])[:, None] > values + errors
    lead[rows, best] = True
    sure = lead.all(axis=1) & np.isfinite(values).all(axis=1)
    begins = view.cells.first[:-1]
    low = np.minimum.reduceat(np.where(sure, best, -1), begins)
    high = np.maximum.reduceat(np.where(sure, best, values.shape[1]), begins)
    return np.where(low == high, low, -1)


def _split_by_class(view: View, cell: int, polygon: Floats) -> list[tuple[int, Floats]]:
    """The parts of one cell where each class wins, by the exact affine map."""
    pattern: Pattern = tuple(tuple(stage[cell].tolist()) for stage in view.cells.patterns)
    affine_map = view.network.affine_forms(pattern)[-1]
    corners = tuple((rational(x), rational(y)) for x, y in polygon.tolist())
    found = []
    for winner, half_planes in class_conditions(affine_map):
        part = clip(corners, half_planes)
        if part:
            found.append((winner, np.array([[to_float(v) for v in point] for point in part])))
    return found


def class_conditions(affine_map: Matrix) -> list[tuple[int, list[HalfPlane]]]:
    """For each class the half-planes of a cell on which it wins; of equal outputs the first wins.

    A single output has two classes: not positive (0) and positive (1).
    """
    if len(affine_map) == 1:
        *gradient, constant = affine_map[0]
        if not any(gradient):
            return [(int(constant > 0), [])]
        return [(0, [(gradient, -constant)]), (1, [([-v for v in gradient], constant)])]
    result: list[tuple[int, list[HalfPlane]]] = []
    for k, winner in enumerate(affine_map):
        if winner in affine_map[:k]:
            continue
        differences = [[q - p for p, q in zip(winner, other, strict=True)] for other in affine_map if other != winner]
        result.append((k, [(row[:-1], -row[-1]) for row in differences]))
    return result


# -------------------------------------------------------------------- lines


def _draw_borders(ax: Axes, view: View, pale: bool = False) -> None:
    """Borders between regions; thin and pale beside a decision boundary."""
    from matplotlib.collections import LineCollection

    facets = view.cells.inner_facets
    lines = list(segments(view, facets[view.cells.between_regions(facets)]))
    width, colour = (0.5, "#77777799") if pale else (0.9, INK)
    _add(
        ax, view, LineCollection(lines, colors=colour, linewidths=_width(view, width), capstyle="round", label="border")
    )


def _draw_cell_walls(ax: Axes, view: View, colour: str = "#FFFFFF") -> None:
    from matplotlib.collections import LineCollection

    facets = view.cells.inner_facets
    inside = facets[~view.cells.between_regions(facets)] if colour == "#FFFFFF" else facets
    lines = segments(view, inside)
    _add(ax, view, LineCollection(list(lines), colors=colour, linewidths=_width(view, 0.9), label="cell wall"))


def _draw_dual(ax: Axes, view: View) -> None:
    """A node in each cell; an edge passes through the facet that two cells share."""
    from matplotlib.collections import LineCollection

    cells = view.cells
    centres = view.shown(cells.centres())
    facets = cells.inner_facets
    through = segments(view, facets).mean(axis=1)
    ends = cells.facet_cell[facets], cells.facet_cell[cells.partner[facets]]
    lines = np.stack([centres[ends[0]], through, centres[ends[1]]], axis=1)
    _add(ax, view, LineCollection(list(lines), colors=INK, linewidths=_width(view, 1.1), label="dual edge", zorder=3))
    size = max(0.5, 36 * min(1.0, (60 / cells.cells)))
    nodes = ax.scatter(centres[:, 0], centres[:, 1], s=size, color=fills(map_colours(cells)), edgecolors=INK, zorder=4)
    nodes.set_linewidth(_width(view, 0.9))
    nodes.set_rasterized(cells.cells > _MANY)


def _draw_hyperplanes(ax: Axes, view: View) -> list[Any]:
    """Where units vanish, one colour a layer."""
    from matplotlib.collections import LineCollection
    from matplotlib.lines import Line2D

    cells = view.cells
    facets = cells.inner_facets
    stage = facet_stages(cells)[facets]
    handles = []
    depth = len(view.network.stages)
    for layer in range(depth):
        lines = segments(view, facets[stage == layer])
        width = _width(view, 2.0) * (1 - 0.35 * layer / max(depth - 1, 1))
        # early layers lie over late ones: their lines are long and must not look broken
        style: dict[str, Any] = {"colors": layer_colour(layer), "linewidths": width, "zorder": 3 - layer / depth}
        _add(ax, view, LineCollection(list(lines), capstyle="round", label=f"layer {layer + 1}", **style))
        handles.append(Line2D([], [], color=layer_colour(layer), linewidth=2, label=f"layer {layer + 1}"))
    return handles


def facet_stages(cells: Arrangement) -> Any:
    """The first stage with a unit that vanishes on a facet, as either of its two cells knows it."""
    other = np.where(cells.partner >= 0, cells.facet_stage[cells.partner], WALL)
    return np.minimum(cells.facet_stage, np.where(other == WALL, cells.facet_stage, other))


def _cyclic(points: Floats) -> Floats:
    away = points - points.mean(axis=0)
    return points[np.argsort(np.arctan2(away[:, 1], away[:, 0]))]


def _draw_outline(ax: Axes, view: View) -> None:
    """The boundary of a domain that is not the whole window."""
    from matplotlib.patches import Polygon as Patch

    if len(view.outline) == 4 and np.abs(view.outline).min() == 1:
        return
    ax.add_patch(Patch(view.shown(_cyclic(view.outline)), closed=True, fill=False, edgecolor=INK, linewidth=1.2))


# -------------------------------------------------------------------- data and frame


def draw_points(ax: Axes, data: Data, view: View, color_by: str = "map") -> list[Any]:
    """Training points over a picture, one marker a class; those outside the window are counted in the legend.

    Over a picture coloured by class a point has the colour of the output that stands for its class, and none where no
    output is known to.  Points with values have the colour of their value: over a picture of values the colour that the
    picture has for it.
    """
    from matplotlib.lines import Line2D

    data.require_inputs(view.dim)
    (left, right), (bottom, top) = view.bounds
    x, y = data.points.T
    inside = (x >= left) & (x <= right) & (y >= bottom) & (y <= top)
    size = float(np.clip(3000 / max(inside.sum(), 1), 5, 30))
    if data.target is not None and not data.classes:
        return [_draw_values(ax, data, inside, size, color_by)]
    handles = []
    for number, name in enumerate(data.classes or ("data",)):
        own = data.labels == number if data.classes else np.ones(len(inside), bool)
        chosen = inside & own
        colour = class_marker_colour(data, number, view.network.output_dim, color_by == "class")
        look: dict[str, Any] = {"marker": MARKERS[number % len(MARKERS)], "color": colour}
        ax.scatter(x[chosen], y[chosen], s=size, edgecolors=INK, linewidths=0.5, zorder=6, **look)
        label = (f"data: {label_of(name)}" if data.classes else "data") + outside_words(int((own & ~inside).sum()))
        handles.append(Line2D([], [], linestyle="", markeredgecolor=INK, markeredgewidth=0.5, label=label, **look))
    return handles


def outside_words(count: int) -> str:
    """How many points a window leaves out, as the end of a label."""
    return f"{OUTSIDE}{count:,} outside)" if count else ""


def _draw_values(ax: Axes, data: Data, inside: Any, size: float, color_by: str) -> Any:
    """Points in the colours of their values; returns the handle for the legend."""
    from matplotlib.colors import Normalize
    from matplotlib.lines import Line2D

    assert data.target is not None
    images = ax.get_images()
    if color_by == "value" and images:  # the same colours as the picture's, which therefore has to span the data too
        (low, high), shared = images[0].get_clim(), True
    else:
        low, high, shared = float(data.target.min()), float(data.target.max()), False
    norm = Normalize(min(low, float(data.target.min())), max(high, float(data.target.max())))
    x, y = data.points[inside].T
    look: dict[str, Any] = {"s": size, "edgecolors": INK, "linewidths": 0.5, "zorder": 6, "cmap": VALUE_MAP}
    points = ax.scatter(x, y, c=data.target[inside], norm=norm, **look)
    if shared:
        images[0].set_norm(norm)
    else:
        # below, since the legend stands on the right; in a pair the bars of both say the same
        ax.figure.colorbar(points, ax=ax, location="bottom", label="value of the data")
    label = "data, by value" + outside_words(int((~inside).sum()))
    style: dict[str, Any] = {"marker": "o", "color": "#999999", "markeredgecolor": INK, "markeredgewidth": 0.5}
    return Line2D([], [], linestyle="", label=label, **style)


def class_marker_colour(data: Data, number: int, outputs: int, by_class: bool) -> str:
    """The colour for the points of a class; white where a colour would claim a class of the network."""
    if not data.classes:
        return INK
    standing = data.outputs(outputs)
    if standing is None:
        return "#FFFFFF" if by_class else class_colour(number)
    return class_colour(standing[number])


def draw_frame(ax: Axes, view: View) -> None:
    """The limits, scales and names of the axes."""
    ax.set_xlim(*view.bounds[0])
    ax.set_ylim(*view.bounds[1])
    sides = [high - low for low, high in view.bounds]
    ax.set_aspect("equal" if max(sides) <= _EQUAL * min(sides) else "auto")
    ax.set_xlabel(view.axes[0])
    ax.set_ylabel(view.axes[1])


__all__ = [
    "REGION_COLOURS",
    "class_conditions",
    "class_marker_colour",
    "draw_frame",
    "draw_plane",
    "draw_points",
    "facet_stages",
    "outside_words",
    "polygons",
    "segments",
]
