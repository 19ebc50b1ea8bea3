"""Figures for pictures: made, labelled, saved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from polyhedra.errors import MissingExtraError, UsageError
from polyhedra.plurals import counted
from polyhedra.quoting import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from puiseux.pictures.views import View


_PAINTED: WeakKeyDictionary[Any, list[tuple[Any, Any]]] = WeakKeyDictionary()


def painted(ax: Axes, view: View) -> None:
    """Remember that axes show a view, for the layer that answers to the pointer."""
    _PAINTED.setdefault(ax.figure, []).append((ax, view))


def views_of(figure: Any) -> list[tuple[Axes, View]]:
    """The axes of a figure that show a view, with it."""
    return _PAINTED.get(figure, [])


def new_figure(size: tuple[float, float] = (6.6, 5.4)) -> Figure:
    """A figure that belongs to no window system.

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("a picture", "plot") from None
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def session_figure(size: tuple[float, float] = (6.6, 5.4)) -> Figure:
    """A figure of the session, for functions that return axes: a notebook shows it, ``plt.show()`` opens it.

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot
    except ImportError:
        raise MissingExtraError("a picture", "plot") from None
    return pyplot.figure(figsize=size, layout="constrained")


def session_axes(ax: Any, size: tuple[float, float] = (6.6, 5.4), **options: Any) -> Axes:
    """The axes that are given, or those of a new figure of the session.

    Raises
    ------
    UsageError
        Something else is given, such as a domain or a window in its place.
    """
    if ax is None:
        return session_figure(size).add_subplot(**options)
    if not hasattr(ax, "add_collection"):
        raise UsageError(f"ax is axes of matplotlib, not {shown(ax, 60)}; for a window write window=..")
    given: Axes = ax
    return given


def add_legend(ax: Axes, handles: Sequence[Any], wanted: bool = True, *, inside: bool = False) -> None:
    """A legend beside the picture, where it hides nothing; ``inside`` where curves leave room.

    Beside axes that stand among others, in a figure without a layout that makes room, it would cover a neighbour:
    there it goes inside too.
    """
    if not handles or not wanted:
        return
    figure = ax.figure
    crowded = len(figure.axes) > 1 and getattr(figure, "get_layout_engine", lambda: None)() is None
    if inside or crowded:
        ax.legend(handles=list(handles), loc="best", framealpha=0.9, fontsize="small")
    else:
        ax.legend(handles=list(handles), loc="upper left", bbox_to_anchor=(1.02, 1), fontsize="small", borderaxespad=0)


def label_of(name: object) -> str:
    """A name from the user as a label: one short line, in which matplotlib finds no formulas.

    Examples
    --------
    >>> label_of("$x^2$")
    '\\\\$x^2\\\\$'
    """
    return shown(name, 40).replace("$", "\\$")


def title_of(view: View, kind: str, note: str = "") -> str:
    """The counts for the title of a picture, exact like every count, and on a second line a note."""
    return f"{_counted(view, kind)}\n{note}" if note else _counted(view, kind)


def _counted(view: View, kind: str) -> str:
    cells, regions = view.cells.cells, int(view.cells.regions.max()) + 1
    numbers = {
        "cells": f"{counted(cells, 'cell')}, {counted(regions, 'region')}",
        "dual": f"dual graph: {counted(cells, 'cell')}, {counted(len(view.cells.inner_facets), 'common facet')}",
        "hyperplanes": f"bent hyperplanes of {counted(sum(view.network.hidden), 'unit')}, {counted(cells, 'cell')}",
    }
    title = numbers.get(kind, counted(regions, "linear region"))
    if view.outside is None:
        return f"{title} in this window"
    if view.outside:
        return f"{title} in this window, {view.outside:,} outside"
    where = view.problem.text
    return f"{title} on {label_of(where)}" if where.startswith("box:") and len(where) <= 40 else title
