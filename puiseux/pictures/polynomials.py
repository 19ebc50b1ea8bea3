"""Pictures for two and three variables: curves and surfaces, Newton polytopes with their subdivisions, side by side.

Matplotlib draws the plane (``ax=None`` makes a new figure; the artist's axes come back), plotly the space.  Both are
looked up when a picture is drawn, so the algebra works without them.  Shapes are clipped and measured exactly; only
the finished points become floats.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyhedra.box_text import box_intervals
from polyhedra.errors import AlgebraError, MissingExtraError, UsageError
from polyhedra.option_types import checked_options
from polyhedra.polyhedron import Polyhedron
from polyhedra.quoting import quoted, shown
from polyhedra.scalars import to_float
from puiseux.pictures.figures import session_axes
from tropical.hypersurface import TropicalHypersurface, hypersurface
from tropical.newton import DualSubdivision, dual_subdivision, newton_vertices
from tropical.polynomial import PuiseuxPolynomial
from tropical.printing import affine_text, default_names

Window = Sequence[tuple[float, float]] | str

FILLS = ("#BBCCEE", "#CCEEFF", "#CCDDAA", "#EEEEBB", "#FFCCCC", "#DDDDDD", "#E7D4E8", "#FDDBC7")
"""Pale fills, told apart with any colour vision; the line colours are dark."""
LINE = "#222255"
MARK = "#AA3377"


def plot_curve(
    polynomial: PuiseuxPolynomial, ax: Any = None, *, window: Window | None = None, labels: bool = True
) -> Any:
    """The tropical curve of a polynomial in two variables, its dominance regions labelled by their terms.

    Parameters
    ----------
    polynomial : PuiseuxPolynomial
    ax : matplotlib axes, optional
        A new figure by default.
    window : ((xmin, xmax), (ymin, ymax)) or text such as "-1,1;0,2", optional
        By default all vertices with a margin.
    labels : bool
        Write the terms into their regions and the weights that are not 1 beside their edges.

    Returns
    -------
    matplotlib axes
    """
    _needs(polynomial, 2)
    ax = drawing_axes(ax)
    curve = hypersurface(polynomial)
    bounds = window_of(curve, window)
    box = window_box(bounds)
    for number, cell in enumerate(curve.refinement.cells):
        polygon = polygon_corners(cell.polyhedron.intersection(box))
        if len(polygon) < 3:
            continue
        ax.fill(*polygon.T, color=FILLS[number % len(FILLS)], linewidth=0)
        if labels:
            term = curve.polynomial.terms[cell.terms[0]]
            x, y = _centre(polygon)
            ax.text(
                x, y, affine_text(*term, names=polynomial.names), ha="center", va="center", fontsize=8, clip_on=True
            )
    for facet in curve.facets:
        segment = polygon_corners(facet.polyhedron.intersection(box))
        if len(segment) < 2:
            continue
        ax.plot(*segment.T, color=LINE, linewidth=1.2 + 0.8 * min(to_float(facet.weight), 4.0), solid_capstyle="round")
        if labels and facet.weight != 1:
            x, y = segment.mean(axis=0)
            ax.annotate(str(facet.weight), (x, y), xytext=(4, 4), textcoords="offset points", color=MARK, fontsize=8)
    for vertex in curve.vertices():
        ax.plot(*[to_float(v) for v in vertex], marker="o", markersize=4, color=LINE)
    ax.set_xlim(*bounds[0])
    ax.set_ylim(*bounds[1])
    ax.set_aspect("equal")
    label_axes(ax, polynomial)
    return ax


def plot_newton(polynomial: PuiseuxPolynomial, ax: Any = None, *, labels: bool = True) -> Any:
    """The Newton polygon with the regular subdivision of the support.

    A support point has the colour of its term's region in `plot_curve`, or is hollow where its term is redundant; with
    ``labels`` the coefficients stand beside them.

    Returns
    -------
    matplotlib axes
    """
    _needs(polynomial, 2)
    ax = drawing_axes(ax)
    subdivision = dual_subdivision(polynomial)
    for cell in subdivision.cells:
        corners = polygon_corners(cell.polytope)
        closed = np.vstack([corners, corners[:1]])
        ax.plot(*closed.T, color=LINE, linewidth=1.2)
    refinement = hypersurface(polynomial).refinement
    order = {refinement.terms(cell)[0][0]: number for number, cell in enumerate(refinement.cells)}
    for exponent, coefficient in polynomial.terms:
        x, y = map(to_float, exponent)
        fill = FILLS[order[exponent] % len(FILLS)] if exponent in order else "white"
        size = 9 if exponent in order else 6
        ax.plot(x, y, marker="o", markersize=size, color=LINE, markerfacecolor=fill, zorder=3)
        if labels:
            text = str(coefficient) if len(str(coefficient)) <= 8 else f"{to_float(coefficient):.3g}"
            ax.annotate(text, (x, y), xytext=(7, 6), textcoords="offset points", fontsize=8, color=MARK)
    ax.set_aspect("equal")
    ax.margins(0.15)
    label_axes(ax, polynomial, "exponent of ")
    return ax


@checked_options
def plot_dual_pair(
    polynomial: PuiseuxPolynomial | str,
    axes: Sequence[Any] | None = None,
    *,
    window: Window | None = None,
    labels: bool = True,
) -> tuple[Any, Any]:
    """The curve and, beside it, the Newton polygon with the dual subdivision.

    Parameters
    ----------
    polynomial : PuiseuxPolynomial, or its formula
    axes : two matplotlib axes, optional
    window, labels : as in `plot_curve`

    Returns
    -------
    the two axes

    Examples
    --------
    >>> left, right = plot_dual_pair("max(0, x, y, x + y - 1)")
    >>> left.get_title(), right.get_title()
    ('tropical curve', 'Newton polygon, dual subdivision')
    """
    if isinstance(polynomial, str):
        polynomial = PuiseuxPolynomial(polynomial)
    _needs(polynomial, 2)
    if axes is None:
        _, axes = _pyplot().subplots(1, 2, figsize=(10, 5), layout="constrained")
    if isinstance(axes, str) or len(axes) != 2:
        raise UsageError(f"axes are two axes of matplotlib, not {shown(axes, 60)}; for a window write window=..")
    left, right = axes
    plot_curve(polynomial, left, window=window, labels=labels)
    plot_newton(polynomial, right, labels=labels)
    left.set_title("tropical curve")
    right.set_title("Newton polygon, dual subdivision")
    return left, right


def plot_surface_pair(polynomial: PuiseuxPolynomial, *, window: Window | None = None) -> Any:
    """The surface of a polynomial in three variables beside its Newton polytope with the dual subdivision (plotly).

    Returns
    -------
    plotly Figure
        ``figure.show()`` or ``figure.write_html(path)``.
    """
    _needs(polynomial, 3)
    graph = _library("plotly.graph_objects", "plotly pictures")
    subplots = _library("plotly.subplots", "plotly pictures")
    surface = hypersurface(polynomial)
    bounds = window_of(surface, window)
    box = window_box(bounds)
    figure = subplots.make_subplots(
        rows=1,
        cols=2,
        specs=[[{"type": "scene"}, {"type": "scene"}]],
        subplot_titles=("tropical surface", "Newton polytope, dual subdivision"),
    )
    for number, facet in enumerate(surface.facets):
        corners = polygon_corners(facet.polyhedron.intersection(box))
        if len(corners) >= 3:
            colour = FILLS[number % len(FILLS)]
            figure.add_trace(_sheet(graph, corners, colour, f"weight {facet.weight}"), row=1, col=1)
            figure.add_trace(_outline(graph, corners), row=1, col=1)
    for edge in _edges(dual_subdivision(polynomial)):
        figure.add_trace(_outline(graph, edge), row=1, col=2)
    points = np.array([[to_float(v) for v in exponent] for exponent in polynomial.exponents])
    corners_of_hull = set(newton_vertices(polynomial))
    figure.add_trace(
        graph.Scatter3d(
            x=points[:, 0],
            y=points[:, 1],
            z=points[:, 2],
            mode="markers",
            marker={
                "size": 5,
                "color": [LINE if e in corners_of_hull else MARK for e in polynomial.exponents],
            },
            text=[affine_text(*term, names=polynomial.names) for term in polynomial.terms],
            hoverinfo="text",
            showlegend=False,
        ),
        row=1,
        col=2,
    )
    names = polynomial.names or default_names(3)
    axes = {f"{axis}axis": {"title": name} for axis, name in zip("xyz", names, strict=True)}
    exponents = {f"{axis}axis": {"title": f"exponent of {name}"} for axis, name in zip("xyz", names, strict=True)}
    away = {"eye": {"x": 1.6, "y": 1.6, "z": 1.1}}  # far enough that long polytopes are not cut off
    figure.update_layout(
        scene={**axes, "aspectmode": "cube", "camera": away},
        scene2={**exponents, "aspectmode": "cube", "camera": away},
        showlegend=False,
    )
    return figure


def _edges(subdivision: DualSubdivision) -> list[NDArray[np.float64]]:
    """The edges of all cells, each once: pairs of vertices that share at least n - 1 facets of full rank."""
    found: dict[tuple[Any, Any], NDArray[np.float64]] = {}
    for cell in subdivision.cells:
        polytope = cell.polytope.irredundant()
        vertices = polytope.vertices()
        tight = [frozenset(i for i, row in enumerate(polytope.inequalities) if _tight(row, v)) for v in vertices]
        for i, one in enumerate(vertices):
            for k in range(i):
                common = tight[i] & tight[k]
                # an edge: no third vertex lies on all common facets
                if any(common <= tight[j] for j in range(len(vertices)) if j not in (i, k)):
                    continue
                key = (min(one, vertices[k]), max(one, vertices[k]))
                found[key] = np.array([[to_float(v) for v in point] for point in key])
    return list(found.values())


def _tight(row: Sequence[Any], point: Sequence[Any]) -> bool:
    return bool(sum((a * v for a, v in zip(row[:-1], point, strict=True)), -row[-1]) == 0)


def _sheet(graph: Any, corners: NDArray[np.float64], colour: str, text: str) -> Any:
    count = len(corners)
    return graph.Mesh3d(
        x=corners[:, 0],
        y=corners[:, 1],
        z=corners[:, 2],
        i=[0] * (count - 2),
        j=list(range(1, count - 1)),
        k=list(range(2, count)),
        color=colour,
        opacity=0.7,
        hovertext=text,
        hoverinfo="text",
    )


def _outline(graph: Any, corners: NDArray[np.float64]) -> Any:
    closed = np.vstack([corners, corners[:1]])
    return graph.Scatter3d(
        x=closed[:, 0],
        y=closed[:, 1],
        z=closed[:, 2],
        mode="lines",
        line={"color": LINE, "width": 3},
        hoverinfo="skip",
        showlegend=False,
    )


def _needs(polynomial: PuiseuxPolynomial, dim: int) -> None:
    if not isinstance(polynomial, PuiseuxPolynomial):
        raise AlgebraError(
            f"this picture is of a polynomial, not {shown(repr(polynomial), 60)}; of a network: the numerator and the "
            "denominator of each of puiseux.tropicalize(network)"
        )
    if polynomial.dim != dim:
        raise AlgebraError(f"this picture needs {dim} variables; the polynomial has {polynomial.dim}")
    if polynomial.is_zero:
        raise AlgebraError("the tropical zero (-inf) has no picture")


def window_of(surface: TropicalHypersurface, window: Window | None) -> list[tuple[float, float]]:
    """The window that is given, checked, or one around all vertices with a margin."""
    if isinstance(window, str):
        return [(to_float(low), to_float(high)) for low, high in box_intervals(window, surface.dim)]
    if window is not None:
        try:
            bounds = [(float(low), float(high)) for low, high in window]
        except (TypeError, ValueError):
            raise AlgebraError(f"window={quoted(window)}: give ((xmin, xmax), (ymin, ymax)), or text") from None
        if len(bounds) != surface.dim or any(not low < high for low, high in bounds):
            raise AlgebraError(f"the window needs {surface.dim} intervals (low, high) with low < high")
        return bounds
    points = [[to_float(v) for v in vertex] for vertex in surface.vertices()]
    if not points:
        points = [[to_float(v) for v in facet.polyhedron.interior_point() or ()] for facet in surface.facets]
    cloud = np.array(points or [[0.0] * surface.dim])
    margin = 0.35 * float(np.ptp(cloud, axis=0).max()) or 1.0
    return [(float(column.min()) - margin, float(column.max()) + margin) for column in cloud.T]


def window_box(bounds: Sequence[tuple[float, float]]) -> Polyhedron:
    """The window as a polyhedron."""
    return Polyhedron.box([low for low, _ in bounds], [high for _, high in bounds])


def polygon_corners(polyhedron: Polyhedron) -> NDArray[np.float64]:
    """The vertices of a bounded polygon (in any dimension) or segment, in cyclic order, as floats."""
    points = np.array([[to_float(v) for v in vertex] for vertex in polyhedron.vertices()])
    if len(points) <= 2:
        return points
    centred = points - points.mean(axis=0)
    _, _, axes = np.linalg.svd(centred)
    flat = centred @ axes[:2].T
    return points[np.argsort([math.atan2(y, x) for x, y in flat])]


def _centre(polygon: NDArray[np.float64]) -> NDArray[np.float64]:
    """The centroid of a convex polygon."""
    x, y = polygon.T
    cross = x * np.roll(y, -1) - np.roll(x, -1) * y
    area = cross.sum()
    if area == 0:
        return np.asarray(polygon.mean(axis=0))
    return np.array([((v + np.roll(v, -1)) * cross).sum() / (3 * area) for v in (x, y)])


def label_axes(ax: Any, polynomial: PuiseuxPolynomial, before: str = "") -> None:
    """Write the names of two variables beside the axes."""
    first, second = polynomial.names or default_names(2)
    ax.set_xlabel(f"{before}{first}")
    ax.set_ylabel(f"{before}{second}")


def drawing_axes(ax: Any) -> Any:
    """The axes that are given, or those of a new figure."""
    return _pyplot().subplots(figsize=(6, 6), layout="constrained")[1] if ax is None else session_axes(ax)


def _pyplot() -> Any:
    return _library("matplotlib.pyplot", "matplotlib pictures")


def _library(name: str, what: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise MissingExtraError(what, "plot") from None


__all__ = [
    "FILLS",
    "LINE",
    "MARK",
    "Window",
    "drawing_axes",
    "label_axes",
    "plot_curve",
    "plot_dual_pair",
    "plot_newton",
    "plot_surface_pair",
    "polygon_corners",
    "window_box",
    "window_of",
]
