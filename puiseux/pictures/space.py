"""Pictures in space: the cells of three inputs, their bent hyperplanes, and the graph over two inputs.

A picture is first a list of coloured polygons (`Solid`); plotly makes it a page to turn with the mouse, matplotlib an
image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from polyhedra.arrays import Floats, Integers
from polyhedra.errors import MissingExtraError
from puiseux.pictures.arrangement import Arrangement
from puiseux.pictures.palettes import (
    INK,
    RGB,
    VALUE_MAP,
    class_colour,
    fills,
    layer_colour,
    map_colours,
    rgb,
)
from puiseux.pictures.plane import facet_stages, polygons
from puiseux.pictures.views import View

if TYPE_CHECKING:
    from mpl_toolkits.mplot3d.axes3d import Axes3D

_FEW = 150  # cells; so many can be seen apart, of more a corner is taken out
_APART = 0.16  # share of the way by which few cells are moved from the middle
_LIGHT = np.array([0.35, -0.5, 0.8]) / np.linalg.norm([0.35, -0.5, 0.8])
CUT = "the front corner is cut away"
_AZIMUTH, _ELEVATION = -55, 28  # degrees; the corner taken out is the one that looks at the viewer


@dataclass(frozen=True, slots=True, eq=False)
class Solid:
    """Polygons in space with a colour each.

    Attributes
    ----------
    faces : sequence of float arrays of shape (corners, 3)
    colours : sequence of RGB
    opacity : float
    axes : names of the three axes
    legend : pairs (name, colour)
    proportional : bool
        Whether the three axes measure the same thing, so that they get one scale.
    note : str
        What is not as it is in space, for the title.
    scale : (low, high, label) or None
        Of colours that stand for values.
    """

    faces: Sequence[Floats]
    colours: Sequence[RGB]
    opacity: float
    axes: tuple[str, ...]
    legend: tuple[tuple[str, str], ...] = ()
    proportional: bool = True
    note: str = ""
    scale: tuple[float, float, str] | None = None


# -------------------------------------------------------------------- what to show


def cells_in_space(view: View, color_by: str) -> Solid:
    """The cells of three inputs: apart from one another where they are few, else with one corner taken out."""
    cells = view.cells
    few = cells.cells <= _FEW
    centres = cells.centres()
    shown = np.ones(cells.cells, bool) if few else ~_in_front(centres)
    owner, neighbour = cells.facet_cell, cells.neighbours
    seen = shown[owner]
    if not few:
        seen = seen & ((neighbour < 0) | ~shown[np.maximum(neighbour, 0)])
    facets = np.flatnonzero(seen)
    faces = facet_polygons(cells, facets)
    if few and cells.cells > 1:
        faces = [face + _APART * centres[owner[f]] for face, f in zip(faces, facets.tolist(), strict=True)]
    legend: tuple[tuple[str, str], ...] = ()
    scale = None
    if color_by == "map":
        paint = [rgb(colour) for colour in fills(map_colours(cells)[owner[facets]])]
    else:
        middles = np.array([face.mean(axis=0) for face in facet_polygons(cells, facets)]).reshape(-1, 3)
        paint, legend, scale = _by_output(view, middles, color_by)
    note = "cells drawn apart" if few and cells.cells > 1 else "" if few else CUT
    return Solid([view.shown(face) for face in faces], paint, 1.0, view.axes, legend, note=note, scale=scale)


def _in_front(points: Floats) -> Any:
    """Which points of the cube lie in the corner that looks at the viewer."""
    x, y, z = points.T
    return (x > 0) & (y < 0) & (z > 0)


def hyperplanes_in_space(view: View) -> Solid:
    """Where units vanish among three inputs, one colour a layer; of many, those in the front corner are left out."""
    cells = view.cells
    facets = cells.inner_facets
    found = facet_polygons(cells, facets)
    cut = cells.cells > _FEW
    if cut:
        kept = ~_in_front(np.array([face.mean(axis=0) for face in found]))
        facets, found = facets[kept], [face for face, keep in zip(found, kept.tolist(), strict=True) if keep]
    stages = facet_stages(cells)[facets]
    faces = [view.shown(face) for face in found]
    paint = [rgb(layer_colour(stage)) for stage in stages.tolist()]
    legend = tuple((f"layer {s + 1}", layer_colour(s)) for s in range(len(view.network.stages)))
    return Solid(faces, paint, 1.0 if cut else 0.45, view.axes, legend, note=CUT if cut else "")


def graph_in_space(view: View, color_by: str) -> Solid:
    """The graph of the first output over two inputs: a flat polygon over each cell."""
    cells = view.cells
    flat = polygons(cells)
    heights = np.split(view.values(np.concatenate(flat))[:, 0], cells.first[1:-1])
    faces = [np.column_stack([view.shown(p), h]) for p, h in zip(flat, heights, strict=True)]
    legend: tuple[tuple[str, str], ...] = ()
    scale = None
    if color_by == "map":
        paint = [rgb(colour) for colour in fills(map_colours(cells))]
    else:
        paint, legend, scale = _by_output(view, cells.centres(), color_by)
    name = "output" if view.network.output_dim == 1 else "output 0"
    return Solid(faces, paint, 1.0, (*view.axes, name), legend, proportional=False, scale=scale)


def _by_output(
    view: View, points: Floats, color_by: str
) -> tuple[list[RGB], tuple[tuple[str, str], ...], tuple[float, float, str] | None]:
    """Colours by the first output, or by the class, at one point of each face; with the legend or the scale."""
    values = view.values(points)
    if color_by == "class":
        single = values.shape[1] == 1
        winners = (values[:, 0] > 0).astype(int) if single else values.argmax(axis=1)
        names = ("output <= 0", "output > 0") if single else tuple(f"class {k}" for k in range(values.shape[1]))
        legend = tuple((names[k], class_colour(k)) for k in np.unique(winners).tolist())
        return [rgb(class_colour(k)) for k in winners.tolist()], legend, None
    from matplotlib import colormaps

    first = values[:, 0]
    span = float(first.max() - first.min()) or 1.0
    red, green, blue, _ = colormaps[VALUE_MAP]((first - first.min()) / span).T
    label = "output" if values.shape[1] == 1 else "output 0"
    scale = (float(first.min()), float(first.min()) + span, label)
    return list(zip(red.tolist(), green.tolist(), blue.tolist(), strict=True)), (), scale


def facet_polygons(cells: Arrangement, facets: Integers) -> list[Floats]:
    """The corners of facets of three-dimensional cells in cyclic order."""
    if not len(facets):
        return []
    counts = np.diff(cells.facet_first)[facets]
    begins = np.cumsum(counts) - counts
    owner = np.repeat(np.arange(len(facets)), counts)
    place = np.arange(int(counts.sum())) - begins[owner] + cells.facet_first[facets][owner]
    points = cells.points[cells.facet_members[place]]
    away = points - (np.add.reduceat(points, begins, axis=0) / counts[:, None])[owner]
    along = away[begins]
    with np.errstate(all="ignore"):
        along = along / np.linalg.norm(along, axis=1)[:, None]
        level = (away * along[owner]).sum(axis=1)
        rest = away - level[:, None] * along[owner]
        far = np.lexsort((np.linalg.norm(rest, axis=1), owner))[begins + counts - 1]
        across = rest[far] / np.linalg.norm(rest[far], axis=1)[:, None]
        angle = np.arctan2((rest * across[owner]).sum(axis=1), level)
    return np.split(points[np.lexsort((angle, owner))], begins[1:])


# -------------------------------------------------------------------- who draws it


def padded_faces(faces: Sequence[Floats]) -> Floats:
    """The faces in one array of shape (faces, corners, 3), those with fewer corners with some of them repeated.

    matplotlib fills a list of faces up with unset memory: its warnings and the order in which it paints then depend on
    the numbers that happen to lie there.  Repeated corners change neither.
    """
    most = max((len(face) for face in faces), default=0)
    steps = np.arange(most)
    rows = [np.asarray(face, dtype=np.float64)[steps * len(face) // most] for face in faces]
    return np.array(rows, dtype=np.float64).reshape(len(rows), most, 3)


def draw_solid(ax: Axes3D, solid: Solid, view: View) -> list[Any]:
    """Paint it on three-dimensional matplotlib axes; returns the handles for a legend."""
    from matplotlib.patches import Patch
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    shade = _shades(solid, view)
    paint = [(*(s * v for v in colour), solid.opacity) for s, colour in zip(shade, solid.colours, strict=True)]
    width = float(np.clip(0.8 * (300 / max(len(solid.faces), 1)) ** 0.5, 0.1, 0.5))
    faces = padded_faces(solid.faces)
    ax.add_collection3d(Poly3DCollection(faces, facecolors=paint, edgecolors=INK, linewidths=width))
    limits = _limits(solid, view)
    for set_limits, bounds in zip((ax.set_xlim, ax.set_ylim, ax.set_zlim), limits, strict=True):
        set_limits(*bounds)
    ax.set_box_aspect(_aspect(solid, limits), zoom=1.05)  # labels beyond the figure are kept when it is saved
    ax.locator_params(nbins=5)
    ax.set_xlabel(solid.axes[0])
    ax.set_ylabel(solid.axes[1])
    ax.set_zlabel(solid.axes[2])
    ax.view_init(elev=_ELEVATION, azim=_AZIMUTH)
    if solid.scale is not None:
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize

        low, high, label = solid.scale
        mappable = ScalarMappable(Normalize(low, high), VALUE_MAP)
        ax.figure.colorbar(mappable, ax=ax, label=label, shrink=0.7, pad=0.1)
    return [Patch(facecolor=colour, label=name) for name, colour in solid.legend]


def plotly_figure(solid: Solid, view: View, title: str = "") -> Any:
    """A plotly figure to turn with the mouse.

    Raises
    ------
    MissingExtraError
        plotly is not installed.
    """
    try:
        from plotly import graph_objects
    except ImportError:
        raise MissingExtraError("a picture to turn", "plot") from None
    corners = np.concatenate([np.zeros((0, 3)), *solid.faces])
    triangles, paint, outline = [], [], [np.zeros((0, 3))]
    at = 0
    for face, colour in zip(solid.faces, solid.colours, strict=True):
        name = "rgb({:.0f},{:.0f},{:.0f})".format(*(255 * v for v in colour))
        triangles += [(at, at + corner, at + corner + 1) for corner in range(1, len(face) - 1)]
        paint += [name] * (len(face) - 2)
        outline += [face, face[:1], np.full((1, 3), np.nan)]
        at += len(face)
    i, j, k = np.array(triangles, dtype=int).reshape(-1, 3).T
    x, y, z = corners.T
    mesh = graph_objects.Mesh3d(
        x=x, y=y, z=z, i=i, j=j, k=k, facecolor=paint, opacity=solid.opacity, flatshading=True, hoverinfo="x+y+z"
    )
    mesh.lighting = {"ambient": 0.75, "diffuse": 0.5, "specular": 0.05}
    x, y, z = np.concatenate(outline).T
    edges = graph_objects.Scatter3d(
        x=x, y=y, z=z, mode="lines", line={"color": INK, "width": 1.5}, hoverinfo="skip", showlegend=False
    )
    keys = [
        graph_objects.Scatter3d(x=[None], y=[None], z=[None], mode="markers", name=name, marker={"color": colour})
        for name, colour in solid.legend
    ]
    if solid.scale is not None:
        low, high, label = solid.scale
        bar = {"title": {"text": label}, "len": 0.7}
        marker = {"color": [low, high], "colorscale": VALUE_MAP, "cmin": low, "cmax": high, "showscale": True}
        keys.append(
            graph_objects.Scatter3d(
                x=[None], y=[None], z=[None], mode="markers", showlegend=False, marker={**marker, "colorbar": bar}
            )
        )
    # plotly cuts off what lies at the very end of an axis
    limits = [(low - 0.01 * (high - low), high + 0.01 * (high - low)) for low, high in _limits(solid, view)]
    width, depth, height = _aspect(solid, limits)
    frame: dict[str, Any] = {
        f"{axis}axis": {"title": {"text": name}, "range": list(bounds), "showbackground": False}
        for axis, name, bounds in zip("xyz", solid.axes, limits, strict=True)
    }
    eye = {"x": 1.25, "y": -1.75, "z": 1.05}
    frame |= {"aspectmode": "manual", "aspectratio": {"x": width, "y": depth, "z": height}, "camera": {"eye": eye}}
    figure = graph_objects.Figure([mesh, edges, *keys])
    figure.update_layout(title={"text": title}, scene=frame, margin={"l": 0, "r": 0, "b": 0, "t": 50 if title else 10})
    return figure


def _shades(solid: Solid, view: View) -> Floats:
    """How bright each face is, seen as in a cube of the window."""
    if not solid.faces:
        return np.zeros(0)
    low, high = np.array(_limits(solid, view)).T
    scale = np.where(high > low, high - low, 1.0)
    normals = np.array([_normal((face - low) / scale) for face in solid.faces])
    bright: Floats = 0.72 + 0.28 * np.abs(normals @ _LIGHT)
    return bright


def _normal(face: Floats) -> Floats:
    following = np.roll(face, -1, axis=0)
    normal = np.cross(face - face[0], following - face[0]).sum(axis=0)
    length = float(np.linalg.norm(normal))
    return normal / length if length else normal


def _limits(solid: Solid, view: View) -> tuple[tuple[float, float], ...]:
    if view.dim == 2:
        heights = np.concatenate([np.zeros(0), *(face[:, 2] for face in solid.faces)])
        low, high = float(heights.min()), float(heights.max())
        margin = 0.05 * (high - low) or 0.5
        return (*view.bounds, (low - margin, high + margin))
    grow = 1 + (_APART if view.cells.cells <= _FEW else 0.0)
    middle = [(low + high) / 2 for low, high in view.bounds]
    half = [grow * (high - low) / 2 for low, high in view.bounds]
    return tuple((m - h, m + h) for m, h in zip(middle, half, strict=True))


def _aspect(solid: Solid, limits: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    sides = np.array([high - low for low, high in limits])
    if not solid.proportional or sides.max() > 3 * sides.min():
        return 1.0, 1.0, (0.7 if not solid.proportional else 1.0)
    x, y, z = (sides / sides.max()).tolist()
    return x, y, z
