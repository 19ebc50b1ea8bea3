"""Pictures of the linear regions of networks with one or two inputs, from exact polyhedra.

matplotlib is imported when a picture is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from flint import fmpq

from nn_bridge.network import Matrix, Network
from polyhedra.errors import MissingExtraError, UsageError
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational, to_float
from puiseux.domains import Problem, pose
from puiseux.pieces import Piece, linear_pieces
from puiseux.planar import Edge, HalfPlane, Point, Polygon, clip, colouring, shared_edges
from puiseux.reading import as_network

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Window = tuple[tuple[fmpq, fmpq], ...]
"""One interval per input."""

REGION_COLOURS = ("#77AADD", "#EEDD88", "#FFAABB", "#99DDFF", "#BBCC33", "#EE8866", "#44BB99", "#DDDDDD")
"""Paul Tol's light scheme: eight fills that readers with any colour vision tell apart."""
CLASS_COLOURS = (
    "#4477AA",
    "#EE6677",
    "#228833",
    "#DDCC77",
    "#88CCEE",
    "#AA4499",
    "#44AA99",
    "#882255",
    "#999933",
    "#777777",
)
"""Ten from Paul Tol's bright and muted schemes."""
_TINTS = (0.25, 0.4, 0.55, 0.7)  # shares of white, so that neighbouring regions of one class can be told apart
COLOURINGS = ("map", "value", "class")
PICTURE_ENDINGS = (".png", ".svg", ".pdf")
_MARGIN = fmpq(1, 6)
_GRID = 300  # samples a side for the shading of values


@dataclass(frozen=True, slots=True)
class _Drawing:
    """What the painters need: the network on the window, its pieces, and the polygon of each."""

    network: Network
    window: Window
    pieces: tuple[Piece, ...]
    polygons: tuple[Polygon, ...]


def plot_regions(
    network: Network | str | PathLike[str] | Any,
    ax: Axes | None = None,
    window: Sequence[Sequence[Any]] | None = None,
    color_by: str = "map",
    *,
    domain: str | Polyhedron | None = None,
    output: int | None = None,
) -> Axes:
    """Draw the linear regions of a network with one or two inputs.

    Parameters
    ----------
    network : Network, path or torch module
        With one input its graph is drawn, region by region; with two inputs the plane.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.
    window : sequence of (low, high), optional
        What to show of each input; by default all vertices of the regions, with a margin.
    color_by : str
        ``"map"``: neighbouring affine maps get different colours; ``"value"``: the first output as shading;
        ``"class"``: the output that is largest (for one output: its sign), with exact borders.
    domain : str, Polyhedron, optional
        Where to look; a slice makes networks with many inputs drawable.
    output : int, optional
        Take one output alone.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    UsageError
        Neither one nor two inputs, or an unknown colouring.
    MissingExtraError
        matplotlib is not installed.
    """
    if color_by not in COLOURINGS:
        raise UsageError(f"there is no colouring {color_by!r}; take one of {', '.join(COLOURINGS)}")
    problem = pose(as_network(network, output=output), domain)
    if problem.network.input_dim > 2:
        raise UsageError(
            f"a network with {problem.network.input_dim} inputs cannot be drawn; draw a plane through it: slice:FILE"
        )
    if ax is None:
        _, ax = _new_figure()
    pieces = linear_pieces(problem.network, problem.domain)
    shown = _window(problem, pieces) if window is None else _given_window(window, problem.network.input_dim)
    if problem.network.input_dim == 1:
        _draw_graph(ax, problem.network, pieces, shown)
        return ax
    corners = _corners(shown)
    polygons = tuple(clip(corners, _half_planes(piece.polyhedron)) for piece in pieces)
    visible = [index for index, polygon in enumerate(polygons) if polygon]
    drawing = _Drawing(problem.network, shown, tuple(pieces[i] for i in visible), tuple(polygons[i] for i in visible))
    painters: dict[str, Callable[[Axes, _Drawing], None]] = {
        "map": _paint_maps,
        "value": _paint_values,
        "class": _paint_classes,
    }
    painters[color_by](ax, drawing)
    _draw_borders(ax, drawing)
    ax.set_xlim(*map(to_float, shown[0]))
    ax.set_ylim(*map(to_float, shown[1]))
    ax.set_xlabel("x1")
    ax.set_ylabel("x2")
    return ax


def save_picture(
    network: Network | str | PathLike[str] | Any,
    path: str | PathLike[str],
    *,
    domain: str | Polyhedron | None = None,
    color_by: str = "map",
    window: Sequence[Sequence[Any]] | None = None,
) -> None:
    """Draw the regions (see `plot_regions`) and save the picture as .png, .svg or .pdf."""
    name = fspath(path)
    if Path(name).suffix.lower() not in PICTURE_ENDINGS:
        raise UsageError(f"{name}: a picture ends in {', '.join(PICTURE_ENDINGS)}")
    if not Path(name).absolute().parent.is_dir():
        raise UsageError(f"{name}: cannot be written: its folder does not exist; make it first")
    figure, ax = _new_figure()
    plot_regions(network, ax, window=window, domain=domain, color_by=color_by)
    try:
        figure.savefig(name, dpi=150, bbox_inches="tight")
    except OSError as error:
        raise UsageError(f"{name}: cannot be written: {error.strerror or error}") from None


def _new_figure() -> tuple[Figure, Axes]:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("a picture", "plot") from None
    figure = Figure(figsize=(6.4, 5.2))
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


# -------------------------------------------------------------------- what to show


def _window(problem: Problem, pieces: Sequence[Piece]) -> Window:
    """The bounding box of a bounded domain, else of all vertices of the pieces with a margin around it."""
    bounded = problem.domain is not None and problem.domain.is_bounded()
    sources = [problem.domain] if bounded and problem.domain is not None else [piece.polyhedron for piece in pieces]
    vertices = [vertex for polyhedron in sources for vertex in polyhedron.vertices()]
    if not vertices:
        return ((fmpq(-1), fmpq(1)),) * problem.network.input_dim
    intervals = []
    for values in zip(*vertices, strict=True):
        low, high = min(values), max(values)
        margin = fmpq(0) if bounded else (high - low) * _MARGIN or fmpq(1)
        intervals.append((low - margin, high + margin))
    return tuple(intervals)


def _given_window(window: Sequence[Sequence[Any]], dim: int) -> Window:
    intervals = tuple((rational(low), rational(high)) for low, high in window)
    if len(intervals) != dim or not all(low < high for low, high in intervals):
        raise UsageError(f"a window has one interval (low, high) with low < high for each of the {dim} inputs")
    return intervals


def _corners(window: Window) -> Polygon:
    (left, right), (bottom, top) = window
    return ((left, bottom), (right, bottom), (right, top), (left, top))


def _half_planes(polyhedron: Polyhedron) -> list[HalfPlane]:
    return list(zip(polyhedron.A, polyhedron.b, strict=True))


def _floats(points: Sequence[Point]) -> np.ndarray:
    return np.array([[to_float(v) for v in point] for point in points])


# -------------------------------------------------------------------- two inputs


def _colours_of_maps(drawing: _Drawing, colours: int) -> list[int]:
    """A colour number for each piece: equal for equal affine maps, different across borders where that can be."""
    numbers: dict[Matrix, int] = {}
    labels = [numbers.setdefault(piece.affine_map, len(numbers)) for piece in drawing.pieces]
    owners = shared_edges(drawing.polygons).values()
    pairs = [(labels[both[0]], labels[both[1]]) for both in owners if len(both) == 2]
    chosen = colouring(range(len(numbers)), pairs, colours)
    return [chosen[label] for label in labels]


def _paint_maps(ax: Axes, drawing: _Drawing) -> None:
    from matplotlib.collections import PolyCollection

    fills = [REGION_COLOURS[colour] for colour in _colours_of_maps(drawing, len(REGION_COLOURS))]
    ax.add_collection(
        PolyCollection([_floats(p) for p in drawing.polygons], facecolors=fills, edgecolors=fills, linewidths=0.3)
    )


def _paint_values(ax: Axes, drawing: _Drawing) -> None:
    (left, right), (bottom, top) = (tuple(map(to_float, interval)) for interval in drawing.window)
    xs, ys = np.linspace(left, right, _GRID), np.linspace(bottom, top, _GRID)
    points = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    values = drawing.network.evaluate_float(points)[:, 0].reshape(_GRID, _GRID)
    image = ax.imshow(
        values,
        extent=(left, right, bottom, top),
        origin="lower",
        aspect="auto",
        cmap="cividis",
        interpolation="bilinear",
    )
    ax.figure.colorbar(image, ax=ax, label="output 0")


def _paint_classes(ax: Axes, drawing: _Drawing) -> None:
    from matplotlib.collections import PolyCollection
    from matplotlib.patches import Patch

    parts, fills = [], []
    winners: set[int] = set()
    tints = _colours_of_maps(drawing, len(_TINTS))
    for piece, polygon, tint in zip(drawing.pieces, drawing.polygons, tints, strict=True):
        for winner, half_planes in _class_conditions(piece.affine_map):
            part = clip(polygon, half_planes)
            if part:
                parts.append(_floats(part))
                fills.append(_tinted(winner, _TINTS[tint]))
                winners.add(winner)
    ax.add_collection(PolyCollection(parts, facecolors=fills, edgecolors=fills, linewidths=0.3))
    single = drawing.network.output_dim == 1
    names = {w: ("output <= 0", "output > 0")[w] if single else f"class {w}" for w in sorted(winners)}
    handles = [Patch(color=_tinted(w, _TINTS[1]), label=name) for w, name in names.items()]
    ax.legend(handles=handles, loc="upper right", framealpha=0.9)


def _tinted(winner: int, white: float) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    red, green, blue = (white + (1 - white) * v for v in to_rgb(CLASS_COLOURS[winner % len(CLASS_COLOURS)]))
    return red, green, blue


def _class_conditions(affine_map: Matrix) -> list[tuple[int, list[HalfPlane]]]:
    """For each class the half-planes of a piece on which it wins; of equal outputs the first wins."""
    if len(affine_map) == 1:
        *gradient, constant = affine_map[0]
        return [(0, [(gradient, -constant)]), (1, [([-v for v in gradient], constant)])]
    result: list[tuple[int, list[HalfPlane]]] = []
    for k, winner in enumerate(affine_map):
        if winner in affine_map[:k]:
            continue
        differences = [[q - p for p, q in zip(winner, other, strict=True)] for other in affine_map if other != winner]
        result.append((k, [(row[:-1], -row[-1]) for row in differences]))
    return result


def _draw_borders(ax: Axes, drawing: _Drawing) -> None:
    from matplotlib.collections import LineCollection

    def is_border(edge: Edge, owners: list[int]) -> bool:
        return len(owners) == 2 and drawing.pieces[owners[0]].affine_map != drawing.pieces[owners[1]].affine_map

    lines = [_floats(tuple(edge)) for edge, owners in shared_edges(drawing.polygons).items() if is_border(edge, owners)]
    ax.add_collection(LineCollection(lines, colors="#222222", linewidths=0.7))


# -------------------------------------------------------------------- one input


def _draw_graph(ax: Axes, network: Network, pieces: Sequence[Piece], window: Window) -> None:
    ((low, high),) = window
    spans: list[tuple[fmpq, fmpq, Matrix]] = []
    for piece in pieces:
        left, right = _interval(piece.polyhedron, low, high)
        if left < right:
            spans.append((left, right, piece.affine_map))
    spans.sort(key=lambda span: span[0])
    merged: list[tuple[fmpq, fmpq, Matrix]] = []
    for left, right, affine_map in spans:
        if merged and merged[-1][2] == affine_map and merged[-1][1] == left:
            merged[-1] = (merged[-1][0], right, affine_map)
        else:
            merged.append((left, right, affine_map))
    for index, (left, right, _) in enumerate(merged):
        ax.axvspan(to_float(left), to_float(right), color=REGION_COLOURS[index % 2], alpha=0.35, linewidth=0)
    for output in range(network.output_dim):
        xs = [merged[0][0], *(right for _, right, _ in merged)] if merged else [low, high]
        ys = [to_float(network.evaluate([x])[output]) for x in xs]
        colour = CLASS_COLOURS[output % len(CLASS_COLOURS)]
        ax.plot([to_float(x) for x in xs], ys, color=colour, label=f"output {output}", marker="o", markersize=3)
    ax.set_xlim(to_float(low), to_float(high))
    ax.set_xlabel("x1")
    if network.output_dim > 1:
        ax.legend()
    else:
        ax.set_ylabel("output")


def _interval(polyhedron: Polyhedron, low: fmpq, high: fmpq) -> tuple[fmpq, fmpq]:
    for (slope,), bound in zip(polyhedron.A, polyhedron.b, strict=True):
        if slope > 0:
            high = min(high, bound / slope)
        elif slope < 0:
            low = max(low, bound / slope)
    return low, high
