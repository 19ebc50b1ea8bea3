"""Pictures of tropical convex hulls in the plane with their covector decomposition."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyhedra.errors import AlgebraError
from polyhedra.plurals import counted
from polyhedra.scalars import to_float
from puiseux.pictures.polynomials import FILLS, LINE, MARK, drawing_axes
from tropical.convexity import Covector, Point, TropicalPolytope


def plot_tropical_hull(polytope: TropicalPolytope, ax: Any = None, *, labels: bool = True) -> Any:
    """The tropical convex hull of points with three coordinates, in the plane where the first one is 0.

    Each cell of two dimensions has a fill of its own, segments that stick out are thick; pseudovertices are small dots,
    the given points discs with their numbers.

    Parameters
    ----------
    polytope : TropicalPolytope
    ax : matplotlib axes, optional
        A new figure by default.
    labels : bool
        Write the covectors into the cells of two dimensions: for each coordinate the numbers of its points.

    Returns
    -------
    matplotlib axes

    Raises
    ------
    AlgebraError
        Points with another number of coordinates than three.
    """
    coordinates = len(polytope.points[0])
    if coordinates != 3:
        raise AlgebraError(f"this picture needs points with 3 coordinates, not {coordinates}")
    ax = drawing_axes(ax)
    flat = 0
    for cell in polytope.cells():
        corners = np.array([_in_plane(v) for v in cell.vertices])
        if cell.dimension == 2:
            polygon = _in_order(corners)
            ax.fill(*polygon.T, facecolor=FILLS[flat % len(FILLS)], edgecolor=LINE, linewidth=0.6, gid="cell")
            flat += 1
            if labels:
                x, y = polygon.mean(axis=0)
                ax.text(x, y, covector_text(cell.covector), ha="center", va="center", fontsize=7, clip_on=True)
        elif cell.dimension == 1:
            ax.plot(*corners.T, color=LINE, linewidth=2.2, zorder=1, solid_capstyle="round", gid="segment")
        else:
            ax.plot(*corners[0], marker="o", markersize=3, color=LINE, gid="pseudovertex")
    for number, point in enumerate(polytope.points):
        x, y = _in_plane(point)
        ax.plot(x, y, marker="o", markersize=12, color=MARK, zorder=4, gid="point")
        ax.annotate(str(number), (x, y), ha="center", va="center", color="white", fontsize=7, zorder=5)
    ax.set_aspect("equal")
    ax.margins(0.12)
    count = len(polytope.points)
    ax.set_title(
        f"tropical hull of {counted(count, 'point')}, {counted(flat, 'cell')} of two dimensions",
        fontsize="medium",
    )
    ax.set_xlabel("second coordinate")
    ax.set_ylabel("third coordinate")
    return ax


def covector_text(covector: Covector) -> str:
    """A covector as the numbers of the points of each coordinate.

    Examples
    --------
    >>> covector_text((frozenset({0, 2}), frozenset({1}), frozenset({1, 3})))
    '0 2 | 1 | 1 3'
    """
    return " | ".join(" ".join(map(str, sorted(numbers))) for numbers in covector)


def _in_plane(point: Point) -> tuple[float, float]:
    return to_float(point[1]), to_float(point[2])


def _in_order(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = corners - corners.mean(axis=0)
    return corners[np.argsort([math.atan2(y, x) for x, y in centred])]


__all__ = ["covector_text", "plot_tropical_hull"]
