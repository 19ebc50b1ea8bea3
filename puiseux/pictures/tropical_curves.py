"""Pictures of tropical plane curves that mark multiplicities, weights, crossings, cycles and weight vectors."""

from __future__ import annotations

from typing import Any

from polyhedra.plurals import counted
from polyhedra.scalars import to_float
from puiseux.pictures.polynomials import (
    FILLS,
    LINE,
    MARK,
    Window,
    drawing_axes,
    label_axes,
    polygon_corners,
    window_box,
    window_of,
)
from tropical.hypersurface import hypersurface
from tropical.plane_curve import CurveVertex, PlaneCurve, plane_curve
from tropical.polynomial import PuiseuxPolynomial


def plot_plane_curve(
    polynomial: PuiseuxPolynomial, ax: Any = None, *, window: Window | None = None, weight_vectors: bool = False
) -> Any:
    """The curve of a polynomial with integer exponents, and in the title what `plane_curve` knows of it.

    A vertex of multiplicity 1 is a dot, a larger one a disc with its multiplicity, and a crossing a hollow square;
    weights that are not 1 stand beside the edges; the regions that cycles of the curve bound are tinted.

    Parameters
    ----------
    polynomial : PuiseuxPolynomial
        In two variables.
    ax : matplotlib axes, optional
        A new figure by default.
    window : ((xmin, xmax), (ymin, ymax)), optional
        By default all vertices with a margin.
    weight_vectors : bool
        Draw the weight vectors at each vertex as arrows.

    Returns
    -------
    matplotlib axes

    Raises
    ------
    AlgebraError
        As `plane_curve.plane_curve`.
    """
    curve = plane_curve(polynomial)
    ax = drawing_axes(ax)
    surface = hypersurface(polynomial)
    bounds = window_of(surface, window)
    box = window_box(bounds)
    for cell in surface.refinement.cells:
        if cell.polyhedron.is_bounded():
            polygon = polygon_corners(cell.polyhedron.intersection(box))
            if len(polygon) >= 3:
                ax.fill(*polygon.T, color=FILLS[3], linewidth=0, gid="cycle")
    for facet in surface.facets:
        segment = polygon_corners(facet.polyhedron.intersection(box))
        if len(segment) < 2:
            continue
        ax.plot(*segment.T, color=LINE, linewidth=1.2 + 0.8 * min(to_float(facet.weight), 4.0), solid_capstyle="round")
        if facet.weight != 1:
            x, y = segment.mean(axis=0)
            ax.annotate(str(facet.weight), (x, y), xytext=(4, 4), textcoords="offset points", color=MARK, fontsize=8)
    length = 0.12 * min(high - low for low, high in bounds)
    for vertex in curve.vertices:
        _draw_vertex(ax, vertex)
        if weight_vectors:
            x, y = (to_float(v) for v in vertex.point)
            for u in vertex.weight_vectors:
                tip = (x + length * u[0], y + length * u[1])
                ax.annotate("", tip, (x, y), arrowprops={"arrowstyle": "->", "color": MARK}, annotation_clip=True)
    ax.set_xlim(*bounds[0])
    ax.set_ylim(*bounds[1])
    ax.set_aspect("equal")
    label_axes(ax, polynomial)
    ax.set_title(curve_caption(curve), fontsize=10)
    return ax


def curve_caption(curve: PlaneCurve) -> str:
    """Degree, kind, genus and number of cycles of a plane curve, in words.

    Examples
    --------
    >>> x, y = PuiseuxPolynomial.variables(2)
    >>> curve_caption(plane_curve(x + y + PuiseuxPolynomial.constant(0, 2)))
    'degree 1, smooth, genus 0'
    """
    kind = "smooth" if curve.is_smooth else "nodal" if curve.is_nodal else "simple" if curve.is_simple else "not simple"
    parts = [f"degree {curve.degree}", kind]
    if curve.is_simple:
        parts.append(f"genus {curve.genus}")
    if not curve.is_simple or curve.cycles != curve.genus:
        parts.append(counted(curve.cycles, "cycle"))
    return ", ".join(parts)


def _draw_vertex(ax: Any, vertex: CurveVertex) -> None:
    point = [to_float(v) for v in vertex.point]
    if vertex.is_crossing:
        ax.plot(*point, marker="s", markersize=7, color=LINE, markerfacecolor="white", gid="crossing")
    elif vertex.multiplicity == 1:
        ax.plot(*point, marker="o", markersize=4, color=LINE, gid="vertex")
    else:
        ax.plot(*point, marker="o", markersize=12, color=LINE, gid="vertex")
        ax.annotate(str(vertex.multiplicity), point, ha="center", va="center", color="white", fontsize=7, zorder=5)


__all__ = ["curve_caption", "plot_plane_curve"]
