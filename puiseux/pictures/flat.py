"""Pictures of one or two inputs on matplotlib axes: one window, or the whole beside the core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from puiseux.pictures.figures import add_legend, painted, session_axes, title_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from puiseux.data import Data
    from puiseux.pictures.views import View


def draw_flat(view: View, ax: Axes | None, kind: str, color_by: str, data: Data | None, legend: bool) -> Axes:
    """Draw a view, with title and legend; on new axes by default."""
    ax = session_axes(ax, (6.6, 4.2) if view.dim == 1 else (6.6, 5.4))
    add_legend(ax, paint_flat(ax, view, kind, color_by, data), legend, inside=view.dim == 1 and data is None)
    ax.set_title(title_of(view, kind), fontsize="medium")
    return ax


def paint_flat(ax: Axes, view: View, kind: str, color_by: str, data: Data | None) -> list[Any]:
    """Paint one or two inputs; returns the handles for a legend."""
    if view.dim == 1:
        from puiseux.pictures.line import draw_line

        return draw_line(ax, view, kind, data)
    from puiseux.pictures.plane import draw_plane
    from puiseux.pictures.slices import mark_parameters

    handles = draw_plane(ax, view, kind, color_by, data)
    painted(ax, view)
    if view.problem.directions is not None:
        mark_parameters(ax, view)
    return handles


def draw_pair(figure: Figure, whole: View, part: View, kind: str, color_by: str, data: Data | None) -> None:
    """All bounded regions on the left, with a frame around the part that is drawn on the right; one legend for both."""
    from puiseux.pictures.plane import OUTSIDE

    left, right = figure.subplots(1, 2)
    handles: dict[str, Any] = {}
    for ax, view in ((left, whole), (right, part)):
        # the right one says how much data it leaves out
        for handle in paint_flat(ax, view, kind, color_by, data):
            handles[handle.get_label().split(OUTSIDE)[0]] = handle
    (low, high), *rest = part.bounds
    if rest:
        from matplotlib.patches import Rectangle

        ((bottom, top),) = rest
        frame = Rectangle((low, bottom), high - low, top - bottom, fill=False, linewidth=1.6, zorder=8)
        left.add_patch(frame)
    else:
        for end in (low, high):
            left.axvline(end, color="black", linewidth=1.2, linestyle="--", zorder=8)
    add_legend(right, list(handles.values()))
    left.set_title(f"{title_of(whole, kind)}\nthe frame is the part on the right", fontsize="medium")
    right.set_title(f"the core: {title_of(part, kind)}" if data is None else title_of(part, kind), fontsize="medium")


__all__ = ["draw_flat", "draw_pair", "paint_flat"]
