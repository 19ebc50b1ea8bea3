"""The figure of the study ``geometry``: facets, neighbours, diameters, and how large the cells are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from puiseux.studies.cell_sizes import draw_sizes, known
from puiseux.studies.figures import COLOURS, MARKERS, mean_line, panels
from puiseux.studies.study import Plain, Trial, groups

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RANDOM, TRAINED = "random", "trained"
_DRAWN = ("inradius", "volume", "norm")


def weights_of(parameters: Plain) -> str:
    """Random, or trained as published."""
    return str(parameters.get("weights", RANDOM))


def draw(trials: Sequence[Trial], figure: Figure) -> None:
    """Mean facets, neighbours and diameters above; inradius, volume and norm of cells below."""
    axes = panels(figure, 3, 2, width=4.8)
    facets, neighbours, diameters = axes[:3]
    by_inputs = groups(trials, "inputs")
    for number, ((inputs,), found) in enumerate(by_inputs.items()):
        colour, marker = COLOURS[number], MARKERS[number]
        for weights, inside in ((RANDOM, "none"), (TRAINED, colour)):
            own = [t for t in found if weights_of(t.parameters) == weights]
            xs, ys = [t["cells"] for t in own], [t["mean facets"] for t in own]
            facets.plot(xs, ys, marker, color=colour, markersize=4, markerfacecolor=inside)
        facets.axhline(2 * inputs, color=colour, linewidth=0.8, linestyle=":")
        neighbours.axvline(2 * inputs, color=colour, linewidth=0.8, linestyle=":")
        for weights in _kinds(found):
            own = [t for t in found if weights_of(t.parameters) == weights]
            largest = max(own, key=lambda t: t["cells"])
            shares = np.array(largest["cells by facets"]) / largest["cells"]
            style = _style(weights, marker, colour)
            neighbours.plot(largest["facets"], shares, color=colour, marker=marker, markersize=4, **style)
            for ax, name in zip(axes[3:], _DRAWN, strict=True):
                values = [v for t in own if name in t.record for v in known(t[name])]
                draw_sizes(ax, name, values, color=colour, linestyle=style["linestyle"])
        neurons: dict[int, list[int]] = {}
        for t in found:
            if t["diameter"] is not None:
                neurons.setdefault(t["width"] * t["depth"], []).append(t["diameter"])
        if neurons:
            mean_line(diameters, sorted(neurons), [neurons[x] for x in sorted(neurons)], number)
    facets.set(xlabel="cells", ylabel="mean facets (dotted: published bound 2n)", xscale="log")
    neighbours.set(xlabel="neighbours (dotted: 2n)", ylabel="share of the cells", title="largest network of each n")
    diameters.set(xlabel="neurons", ylabel="diameter of the dual graph")
    for ax in axes[3:]:
        ax.set_ylabel("share of the measured cells")
    _legend(facets, [inputs for (inputs,) in by_inputs], _kinds(trials))


def _kinds(trials: Sequence[Trial]) -> list[str]:
    there = {weights_of(t.parameters) for t in trials}
    return [weights for weights in (TRAINED, RANDOM) if weights in there]


def _style(weights: str, marker: str, colour: str) -> dict[str, Any]:
    if weights == TRAINED:
        return {"linestyle": "-", "markerfacecolor": colour}
    return {"linestyle": "--", "markerfacecolor": "none"}


def _legend(ax: Axes, inputs: Sequence[int], kinds: Sequence[str]) -> None:
    """One entry for each number of inputs and for each kind of weights, below the points."""
    from matplotlib.lines import Line2D

    entries = [
        Line2D([], [], color=COLOURS[k], marker=MARKERS[k], linestyle="none", label=f"n = {n}")
        for k, n in enumerate(inputs)
    ]
    for weights in kinds:
        style = _style(weights, "o", "k")
        entries.append(Line2D([], [], color="k", marker="o", label=weights, **style))
    ax.set_ylim(0, ax.get_ylim()[1])
    ax.legend(handles=entries, fontsize="small", frameon=False, loc="lower right", ncols=2)


__all__ = ["RANDOM", "TRAINED", "draw", "weights_of"]
