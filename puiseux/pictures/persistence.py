"""Persistence pairs as a diagram and a barcode, and Betti numbers from one network to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from polyhedra.errors import UsageError
from polyhedra.option_types import checked_options
from polyhedra.plurals import counted
from polyhedra.progress import Steps, with_steps
from polyhedra.quoting import shown
from polyhedra.scalars import to_float
from puiseux.pictures.figures import label_of, new_figure, session_axes
from puiseux.pictures.palettes import INK, MARKERS, layer_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from nn_bridge.topology.persistence import PersistencePair
    from puiseux.domains import DomainLike
    from puiseux.questions.input_sets import Boundary
    from puiseux.questions.topology_answers import Topology

_MOST_BARS = 400


def plot_persistence(pairs: Sequence[PersistencePair] | Topology, figure: Figure | None = None) -> Figure:
    """Draw persistence pairs as a diagram (birth against death) beside a barcode.

    Ends at infinity lie on dashed lines at the sides, as far out as the picture reaches.

    Parameters
    ----------
    pairs : sequence of PersistencePair, or an answer that holds them
        Such as ``puiseux.topology(net, persistence=True)``.
    figure : matplotlib Figure, optional
        An empty one; a new one by default.

    Returns
    -------
    Figure

    Raises
    ------
    UsageError
        There are no pairs.
    """
    found = getattr(pairs, "pairs", pairs)
    if not isinstance(found, Sequence) or isinstance(found, str):
        raise UsageError(f"pairs: {shown(pairs)} holds none; give puiseux.topology(net, persistence=True)")
    target = new_figure((9, 4.2)) if figure is None else figure
    diagram, barcode = target.subplots(1, 2)
    ends = [to_float(value) for pair in found for value in (pair.birth, pair.death) if value is not None]
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    room = 0.15 * (high - low) or 0.5
    bottom, top = low - room, high + room
    bars = [
        (
            pair.dimension,
            bottom if pair.birth is None else to_float(pair.birth),
            top if pair.death is None else to_float(pair.death),
        )
        for pair in found
    ]
    _draw_diagram(diagram, bars, bottom, top)
    _draw_bars(barcode, bars, bottom, top)
    return target


def _draw_diagram(ax: Axes, bars: Sequence[tuple[int, float, float]], bottom: float, top: float) -> None:
    edge = 0.04 * (top - bottom)
    ax.plot([bottom, top], [bottom, top], color=INK, linewidth=0.8, label="_diagonal")
    ax.axhline(top, color=INK, linewidth=0.8, linestyle="--")
    ax.axvline(bottom, color=INK, linewidth=0.8, linestyle="--")
    for degree in sorted({bar[0] for bar in bars}):
        own = [bar for bar in bars if bar[0] == degree]
        ax.scatter(
            [birth for _, birth, _ in own],
            [death for *_, death in own],
            color=layer_colour(degree),
            marker=MARKERS[degree % len(MARKERS)],
            label=f"degree {degree}",
            alpha=0.8,
            zorder=3,
        )
    ax.set(xlim=(bottom - edge, top + edge), ylim=(bottom - edge, top + edge), xlabel="birth", ylabel="death")
    ax.set_title(f"{counted(len(bars), 'pair')}; dashed: infinite", fontsize="medium")
    if bars:
        ax.legend(loc="lower right", fontsize="small")


def _draw_bars(ax: Axes, bars: Sequence[tuple[int, float, float]], bottom: float, top: float) -> None:
    longest = sorted(bars, key=lambda bar: bar[2] - bar[1], reverse=True)[:_MOST_BARS]
    for place, (degree, birth, death) in enumerate(sorted(longest)):
        ax.plot([birth, death], [place, place], color=layer_colour(degree), linewidth=2.2, solid_capstyle="butt")
        for end, infinite in ((birth, birth <= bottom), (death, death >= top)):
            if infinite:
                ax.plot([end], [place], marker="<" if end == birth else ">", color=layer_colour(degree), markersize=5)
    ax.set(xlim=(bottom, top), xlabel="level", yticks=[])
    shown = f"the longest {_MOST_BARS} of {len(bars):,} bars" if len(bars) > _MOST_BARS else "barcode"
    ax.set_title(shown, fontsize="medium")


@checked_options
@with_steps("Computing the topology")
def plot_betti_growth(
    networks: Sequence[Any],
    *,
    names: Sequence[str] | None = None,
    ax: Axes | None = None,
    domain: DomainLike = None,
    output: int | None = None,
    level: Any = None,
    which: str | None = None,
    open: bool = False,
    of_class: int | None = None,
    boundary: Boundary | None = None,
    unit: tuple[int, int] | None = None,
    compactify: bool = False,
    field: str | int = "Q",
    time_limit: float | None = None,
    progress: Steps = None,
) -> Axes:
    """Draw how the Betti numbers of a decision region change from one network to the next, such as over training.

    Parameters
    ----------
    networks : sequence of whatever `puiseux.topology` takes
    names : sequence of str, optional
        One for each network; their numbers by default.
    ax : matplotlib Axes, optional
    domain, output, level, which, open, of_class, boundary, unit, compactify, field, time_limit
        As in `puiseux.topology`; the limit is for each network.
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.

    Returns
    -------
    Axes

    Raises
    ------
    UsageError
        There are no networks, or not as many names.
    """
    from matplotlib.ticker import MaxNLocator

    from puiseux.questions.set_topology import topology

    if not isinstance(networks, Sequence) or isinstance(networks, str):
        raise UsageError(f"growth is drawn from a list of networks, not from {shown(networks)}")
    if not networks:
        raise UsageError("growth is drawn from one network or more, in their order")
    labels = [str(k) for k in range(len(networks))] if names is None else [label_of(name) for name in names]
    if len(labels) != len(networks):
        raise UsageError(f"there are {counted(len(networks), 'network')} but {counted(len(labels), 'name')}")
    found = [
        topology(
            network,
            domain,
            output=output,
            level=level,
            which=which,
            open=open,
            of_class=of_class,
            boundary=boundary,
            unit=unit,
            compactify=compactify,
            field=field,
            time_limit=time_limit,
        ).betti
        for network in networks
    ]
    ax = session_axes(ax, (6.4, 4))
    places = [(k, betti) for k, betti in enumerate(found) if betti is not None]  # a limit may leave gaps
    for degree in range(max((len(betti) for _, betti in places), default=0)):
        values = [betti[degree] for _, betti in places]
        if degree and not any(values):
            continue
        line: dict[str, Any] = {
            "color": layer_colour(degree),
            "marker": MARKERS[degree % len(MARKERS)],
            "markersize": 4,
        }
        ax.plot([k for k, _ in places], values, label=f"$b_{degree}$", **line)
    ax.set_xticks(range(len(labels)), labels, rotation=90 if max(map(len, labels)) > 3 else 0)
    ax.set_ylabel("Betti number")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(fontsize="small")
    return ax


__all__ = ["plot_betti_growth", "plot_persistence"]
