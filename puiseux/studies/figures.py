"""Functions that the figures of all studies share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from polyhedra.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#777777")
"""Paul Tol's bright scheme: readers with any colour vision tell them apart."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def new_figure() -> Figure:
    """An empty figure that needs no display."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("a figure", "plot") from None
    figure = Figure()
    FigureCanvasAgg(figure)
    return figure


def panels(figure: Figure, columns: int, rows: int = 1, *, width: float = 4.6, height: float = 3.6) -> list[Axes]:
    """Axes side by side on an empty figure, row by row."""
    figure.set_size_inches(width * columns, height * rows)
    figure.set_layout_engine("constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax in axes.flat:
        ax.spines[["top", "right"]].set_visible(False)
    return list(axes.flat)


def mean_line(
    ax: Axes,
    xs: Sequence[float],
    samples: Sequence[Sequence[float]],
    number: int,
    label: str | None = None,
    **style: Any,
) -> None:
    """A line through the means with a band from the smallest to the largest sample; the colour goes by number."""
    colour = COLOURS[number % len(COLOURS)]
    middle = [sum(values) / len(values) for values in samples]
    options = {"marker": MARKERS[number % len(MARKERS)], "markersize": 4, "linewidth": 1.4, **style}
    ax.plot(xs, middle, color=colour, label=label or None, **options)
    ax.fill_between(xs, list(map(min, samples)), list(map(max, samples)), color=colour, alpha=0.15, linewidth=0)


def drawn(counts: Sequence[int]) -> str:
    """How many random draws each point of a figure stands for, to be said in a title.

    Examples
    --------
    >>> drawn([1, 1]), drawn([8, 8]), drawn([5, 30])
    ('one network each', '8 networks each', '5 to 30 networks each')
    """
    low, high = min(counts, default=0), max(counts, default=0)
    if low == high:
        return "one network each" if low == 1 else f"{low} networks each"
    return f"{low} to {high} networks each"


def readable_logarithms(ax: Axes, names: str = "xy") -> None:
    """Ticks 1, 2, 5, 10, .. in plain numbers on the logarithmic axes among ``names`` that span a decade or two.

    Over more decades the ticks are powers of ten, so that no two of them run into each other.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for name in names:
        axis = getattr(ax, f"{name}axis")
        low, high = axis.get_view_interval()
        few = 0 < low < high and high / low <= 300
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,), numticks=12 if few else 7))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if value >= 1e-3 else f"{value:.0e}"))
        axis.set_minor_formatter(NullFormatter())
