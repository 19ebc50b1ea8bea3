"""Pictures of a decision region with its components and holes in colours, for two and three inputs.

Components and holes are those of the whole set on its domain, found exactly; a window shows a part of them.  In two
inputs a hole is a bounded component of the complement that touches no wall of the domain; in three inputs such a
component is a cavity, and tunnels are shown by cycles around them.
"""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from nn_bridge.topology.sets import Cycle, FaceSet
from polyhedra.arrays import Floats, Integers
from polyhedra.errors import UsageError
from polyhedra.option_types import checked_options
from polyhedra.plurals import counted
from polyhedra.scalars import to_float
from puiseux.domains import Problem, pose
from puiseux.pictures.figures import add_legend, new_figure, session_axes
from puiseux.pictures.pages import save_figure
from puiseux.pictures.palettes import INK, class_colour, rgb, tinted
from puiseux.pictures.plane import draw_frame, polygons, segments
from puiseux.pictures.space import Solid, draw_solid, facet_polygons, plotly_figure
from puiseux.pictures.views import View, look
from puiseux.questions.input_sets import Boundary, cut_network, face_set, input_set, set_text
from puiseux.reading import as_network

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OUTSIDE = "#F4F4F4"
_MOST_KEYS = 8


@dataclass(frozen=True, slots=True, eq=False)
class RegionPicture:
    """A decision region in a window.

    Attributes
    ----------
    view : View
    members : FaceSet
    component, hole : integer arrays of shape (cells of the view,)
        The number of the component of the set that holds the cell, and of the hole; -1 elsewhere.
    facet_component : integer array of shape (facets of the view,)
        The number of the component that holds the facet, -1 elsewhere; for sets without cells.
    cycles : tuple of Cycle
        Of degree 1, in three inputs.
    title : str
    """

    view: View
    members: FaceSet
    component: Integers
    hole: Integers
    facet_component: Integers
    cycles: tuple[Cycle, ...]
    title: str


def region_picture(
    network: Any,
    domain: Any = None,
    window: Any = None,
    *,
    output: int | None = None,
    level: Any = None,
    which: str | None = None,
    open: bool = False,
    of_class: int | None = None,
    boundary: Boundary | None = None,
    unit: tuple[int, int] | None = None,
) -> RegionPicture:
    """Everything that a picture of a decision region shows; the parameters are those of `plot_decision_region`."""
    exact = as_network(network)
    question = input_set(exact, output, level, which, open, of_class, boundary, unit)
    problem = pose(exact, domain)
    if problem.network.input_dim not in (2, 3):
        raise UsageError(
            f"a decision region is drawn in two or three inputs, not {problem.network.input_dim}; give a slice:FILE "
            "as the domain"
        )
    members = face_set(problem.network, problem.domain, question)
    cut = Problem(cut_network(problem.network, question), problem.domain, problem.text)
    view = look(cut, window, kind="cells")
    component, facet_component = _labels(members, members.components, view)
    unseen = _unseen(members, component, facet_component, view)
    if unseen and window is None:  # what there is to see lies beside most vertices
        view = look(cut, kind="cells", points=_with_parts(members, unseen, view))
        component, facet_component = _labels(members, members.components, view)
        unseen = _unseen(members, component, facet_component, view)
    hole, _ = _labels(members, _holes(members), view)
    betti = members.homology.rational
    numbers = ", ".join(f"b{degree} = {number}" for degree, number in enumerate(betti[: problem.network.input_dim]))
    cycles = tuple(c for c in members.cycles("2") if c.dimension == 1) if problem.network.input_dim == 3 else ()
    title = f"{set_text(question)}: {numbers}"
    if unseen:
        title += f"\n{counted(len(unseen), 'component')} outside this window"
    return RegionPicture(view, members, component, hole, facet_component, cycles, title)


def _unseen(members: FaceSet, component: Integers, facet_component: Integers, view: View) -> list[int]:
    """The components of which no cell, no facet and no point of a largest face is seen."""
    seen = {*component.tolist(), *facet_component.tolist()}
    missing = []
    for number in sorted(set(range(len(members.components))) - seen):
        point = map(to_float, members.complex.point(_largest(members, number)[0]))
        if not all(low <= value <= high for value, (low, high) in zip(point, view.bounds, strict=True)):
            missing.append(number)
    return missing


def _largest(members: FaceSet, number: int) -> list[int]:
    """The faces of the highest dimension of a component."""
    dimensions, part = members.complex.dimensions, members.components[number]
    highest = max(dimensions[face] for face in part)
    return [face for face in part if dimensions[face] == highest]


def _with_parts(members: FaceSet, numbers: list[int], view: View) -> Floats:
    """The corners of a view, and points of some components with the vertices of their largest faces."""
    faces = members.complex
    found: list[list[float]] = [list(corner) for corner in zip(*view.bounds, strict=True)]
    for number in numbers:
        largest = _largest(members, number)
        points = [faces.point(largest[0]), *(vertex for face in largest for vertex in faces.vertices(face))]
        found += [[to_float(value) for value in point] for point in points]
    return np.array(found)


def _holes(members: FaceSet) -> list[list[int]]:
    """The components of the complement that are bounded and touch no wall."""
    faces = members.complex
    rest = FaceSet(faces, frozenset(range(len(faces))) - members.members, not members.closed)
    return [
        part for part in rest.components if all(faces.is_bounded(face) and not faces.on_boundary(face) for face in part)
    ]


def _labels(members: FaceSet, parts: list[list[int]], view: View) -> tuple[Integers, Integers]:
    """For each cell and each facet of the view the number of the part that holds it, -1 where none does."""
    faces = members.complex
    part_of = {face: number for number, part in enumerate(parts) for face in part}
    known = _keys(faces.cells.patterns, faces.cells.cells)
    label = {known[faces.carriers[face][0]]: part_of.get(face, -1) for face in faces.of_dimension(faces.dim)}
    cells = np.array([label[key] for key in _keys(view.cells.patterns, view.cells.cells)])
    walls = {}
    for face in faces.of_dimension(faces.dim - 1):
        around = faces.cofacets[face]
        if face in part_of and len(around) == 2:
            walls[frozenset(known[faces.carriers[cell][0]] for cell in around)] = part_of[face]
    keys = _keys(view.cells.patterns, view.cells.cells)
    facets = np.full(len(view.cells.partner), -1)
    for facet in view.cells.inner_facets.tolist() if walls else ():
        ends = view.cells.facet_cell[facet], view.cells.facet_cell[view.cells.partner[facet]]
        facets[facet] = walls.get(frozenset(keys[end] for end in ends), -1)
    return cells, facets


def _keys(patterns: Any, cells: int) -> list[bytes]:
    """The activation pattern of each cell as bytes."""
    if not patterns:
        return [b""] * cells
    packed = np.packbits(np.concatenate(patterns, axis=1), axis=1)
    return [row.tobytes() for row in packed]


@checked_options
def plot_decision_region(
    network: Any,
    domain: Any = None,
    window: Any = None,
    *,
    output: int | None = None,
    level: Any = None,
    which: str | None = None,
    open: bool = False,
    of_class: int | None = None,
    boundary: Boundary | None = None,
    unit: tuple[int, int] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a decision region of two or three inputs with its components and holes in colours.

    Parameters
    ----------
    network : whatever `as_network` takes
    domain : str or Polyhedron, optional
        As in `count_regions`.
    window : optional
        As in `plot_regions`.
    output, level, which, open, of_class, boundary, unit
        The set, as in `topology`.
    ax : matplotlib Axes, optional
        For three inputs with ``projection="3d"``.

    Returns
    -------
    Axes

    Raises
    ------
    UsageError
        There are other numbers of inputs than two or three.
    """
    picture = region_picture(
        network,
        domain,
        window,
        output=output,
        level=level,
        which=which,
        open=open,
        of_class=of_class,
        boundary=boundary,
        unit=unit,
    )
    return draw_region(picture, ax)


def draw_region(picture: RegionPicture, ax: Axes | None = None) -> Axes:
    """Paint it on matplotlib axes."""
    if picture.view.dim == 2:
        target = session_axes(ax)
        _draw_flat(target, picture)
    else:
        target = session_axes(ax, (7, 6), projection="3d")
        handles = draw_solid(target, _solid(picture), picture.view)  # type: ignore[arg-type]
        for line in _cycle_lines(picture):
            target.plot(*line.T, color=INK, linewidth=1.6)
        add_legend(target, handles)
    target.set_title(picture.title, fontsize="medium")
    return target


@checked_options
def save_decision_region(
    path: str | PathLike[str],
    network: Any,
    domain: Any = None,
    window: Any = None,
    *,
    output: int | None = None,
    level: Any = None,
    which: str | None = None,
    open: bool = False,
    of_class: int | None = None,
    boundary: Boundary | None = None,
    unit: tuple[int, int] | None = None,
) -> None:
    """Draw a decision region into a file: .png, .svg, .pdf or .html (three inputs: to turn with the mouse).

    Parameters
    ----------
    path : path
    network, domain, window, output, level, which, open, of_class, boundary, unit
        As in `plot_decision_region`.

    Raises
    ------
    UsageError
        The file has another ending, or the region cannot be drawn.
    """
    from nn_bridge.writers.files import write_bytes
    from puiseux.pictures.plot import PICTURE_ENDINGS, checked_path

    name = checked_path(path, PICTURE_ENDINGS)
    picture = region_picture(
        network,
        domain,
        window,
        output=output,
        level=level,
        which=which,
        open=open,
        of_class=of_class,
        boundary=boundary,
        unit=unit,
    )
    if picture.view.dim == 3 and name.lower().endswith(".html"):
        figure = plotly_figure(_solid(picture), picture.view, picture.title)
        for line in _cycle_lines(picture):
            x, y, z = line.T
            figure.add_scatter3d(x=x, y=y, z=z, mode="lines", line={"color": INK, "width": 5}, showlegend=False)
        write_bytes(name, figure.to_html(include_plotlyjs=True).encode("utf-8", "backslashreplace"))
        return
    figure = new_figure((7, 6) if picture.view.dim == 3 else (6.6, 5.4))
    draw_region(picture, figure.add_subplot(projection="3d" if picture.view.dim == 3 else None))
    save_figure(figure, name)


# -------------------------------------------------------------------- two inputs


def _draw_flat(ax: Axes, picture: RegionPicture) -> None:
    from matplotlib.collections import LineCollection, PolyCollection
    from matplotlib.patches import Patch

    view = picture.view
    shapes = [view.shown(polygon) for polygon in polygons(view.cells)]
    for label, colour in _colours(picture):
        own = [shapes[cell] for cell in label]
        ax.add_collection(PolyCollection(own, facecolors=colour, edgecolors=colour, linewidths=0.3), autolim=False)
    holes = [shapes[cell] for cell in np.flatnonzero(picture.hole >= 0).tolist()]
    if holes:
        ax.add_collection(
            PolyCollection(holes, facecolors="white", edgecolors="#999999", linewidths=0, hatch="///"), autolim=False
        )
    facets = view.cells.inner_facets
    ends = view.cells.facet_cell[facets], view.cells.facet_cell[view.cells.partner[facets]]
    border = facets[picture.component[ends[0]] != picture.component[ends[1]]]
    ax.add_collection(LineCollection(list(segments(view, border)), colors=INK, linewidths=1.0), autolim=False)
    for number in np.unique(picture.facet_component[picture.facet_component >= 0]).tolist():
        if (picture.component == number).any():
            continue
        own_facets = np.flatnonzero(picture.facet_component == number)
        lines = LineCollection(list(segments(view, own_facets)), colors=class_colour(number), linewidths=2.0)
        ax.add_collection(lines, autolim=False)
    draw_frame(ax, view)
    handles = [Patch(facecolor=colour, label=name) for name, colour in _legend(picture)]
    if holes:
        count = len(np.unique(picture.hole[picture.hole >= 0]))
        name = "hole" if count == 1 else f"{count} holes"
        handles.append(Patch(facecolor="white", edgecolor="#999999", hatch="///", label=name))
    add_legend(ax, handles)


def _colours(picture: RegionPicture) -> list[tuple[list[int], Any]]:
    """The cells of each component and their colour; the rest first."""
    rest: tuple[list[int], Any] = np.flatnonzero(picture.component < 0).tolist(), OUTSIDE
    return [
        rest,
        *(
            (np.flatnonzero(picture.component == number).tolist(), tinted(class_colour(number), 0.35))
            for number in np.unique(picture.component[picture.component >= 0]).tolist()
        ),
    ]


def _legend(picture: RegionPicture) -> list[tuple[str, str]]:
    labels = np.concatenate([picture.component, picture.facet_component])
    numbers = np.unique(labels[labels >= 0]).tolist()
    shown = [(f"component {number + 1}", class_colour(number)) for number in numbers[:_MOST_KEYS]]
    if len(numbers) > _MOST_KEYS:
        shown.append((f"and {len(numbers) - _MOST_KEYS} more", "#FFFFFF"))
    return shown


# -------------------------------------------------------------------- three inputs


def _solid(picture: RegionPicture) -> Solid:
    """The walls between the set and the rest, coloured by component; those around a cavity in ink."""
    view, cells = picture.view, picture.view.cells
    own, other = picture.component[cells.facet_cell], cells.neighbours
    beyond = np.where(other >= 0, picture.component[np.maximum(other, 0)], -1)
    cavity = np.where(other >= 0, picture.hole[np.maximum(other, 0)], -1)
    flat = picture.facet_component
    drawn = np.flatnonzero(((own >= 0) & (beyond != own) & (other >= 0)) | ((flat >= 0) & (own < 0)))
    paint = []
    for facet in drawn.tolist():
        number = int(own[facet] if own[facet] >= 0 else flat[facet])
        paint.append(rgb("#555555") if cavity[facet] >= 0 else rgb(class_colour(number)))
    legend = tuple(_legend(picture))
    if (picture.hole >= 0).any():
        legend += (("around a cavity", "#555555"),)
    faces = [view.shown(face) for face in facet_polygons(cells, drawn)]
    return Solid(faces, paint, 0.5, view.axes, legend)


def _cycle_lines(picture: RegionPicture) -> list[Floats]:
    """The edges of the cycles around tunnels as far as the window holds them."""
    low, high = np.array(picture.view.bounds).T
    lines = []
    for cycle in picture.cycles:
        for _, points in cycle.simplices:
            line = np.array([[to_float(v) for v in point] for point in points])
            if ((line >= low) & (line <= high)).all():
                lines.append(line)
    return lines


__all__ = ["RegionPicture", "draw_region", "plot_decision_region", "region_picture", "save_decision_region"]
