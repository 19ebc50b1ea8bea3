"""Figure 8 of Lezeau et al. (2024): how many monomials one wide layer gives, and a narrow one before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nn_bridge.cells.tropical_map import tropicalize_by_cells
from nn_bridge.symbolic.monomials import native_monomials
from puiseux.random_networks import random_network
from puiseux.studies.figures import drawn, mean_line, panels
from puiseux.studies.study import Plain, Study, Summary, Trial, groups, mean, verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INPUTS = (2, 4)
SHALLOW = [[w] for w in (2, 4, 6, 8, 10)]
CLAIM = "curves without numbers"
DEEP = [[2, w] for w in (2, 3, 4, 5, 6, 7)]


def cases(full: bool) -> list[Plain]:
    """Ten networks of each shape; three in the quick form."""
    return [
        {"inputs": n, "hidden": hidden, "trial": k}
        for n in INPUTS
        for hidden in (*SHALLOW, *DEEP)
        for k in range(10 if full else 3)
    ]


def trial(parameters: Plain, rng: np.random.Generator) -> Plain:
    """The monomials of one random network, numerator and denominator together."""
    network = random_network([parameters["inputs"], *parameters["hidden"], 1], rng=rng)
    (native,) = native_monomials(network)[-1]
    (output,) = tropicalize_by_cells(network)
    return {
        "native": native.numerator + native.denominator,
        "pruned": len(output.numerator) + len(output.denominator),
    }


def summarize(trials: Sequence[Trial]) -> Summary:
    """Means by shape."""
    rows = []
    for (inputs, hidden), found in groups(trials, "inputs", "hidden").items():
        native, pruned = ([trial[name] for trial in found] for name in ("native", "pruned"))
        rate = 1 - mean([a / b for a, b in zip(pruned, native, strict=True)])
        rows.append(((inputs, *hidden, 1), sum(hidden), mean(native), mean(pruned), rate, CLAIM, verdict(None)))
    remarks = (
        "Published: curves of monomials against units, without numbers, so there is nothing to test value by value.",
        "Native numbers grow exponentially with the width, with a narrow layer in front far faster still. Pruned ones "
        "grow slowly behind the narrow layer, which lets only two directions of the input through.",
    )
    columns = ("network", "units", "native", "pruned", "share pruned", "published", "verdict")
    return Summary(columns, tuple(rows), remarks)


def draw(trials: Sequence[Trial], figure: Figure) -> None:
    """Monomials against units, for 2 and 4 inputs."""
    axes = panels(figure, len(INPUTS))
    for ax, inputs in zip(axes, INPUTS, strict=True):
        number = 0
        for layers, shape in ((1, "[n, w, 1]"), (2, "[n, 2, w, 1]")):
            for name in ("native", "pruned"):
                own = [t for t in trials if t["inputs"] == inputs and len(t["hidden"]) == layers]
                by_units = {sum(hidden): found for (hidden,), found in groups(own, "hidden").items()}
                style = "--" if name == "native" else "-"
                samples = [[t[name] for t in found] for found in by_units.values()]
                mean_line(ax, list(by_units), samples, number, f"{shape} {name}", linestyle=style)
                number += 1
        counts = [len(own) for own in groups([t for t in trials if t["inputs"] == inputs], "hidden").values()]
        ax.set(xlabel="hidden units", ylabel="monomials above and below", yscale="log")
        ax.set_title(f"{inputs} inputs, {drawn(counts)}")
    axes[0].legend(fontsize="small", frameon=False)


STUDY = Study(
    name="depth",
    title="width against depth: monomials of [n, w, 1] and [n, 2, w, 1]",
    source="Lezeau et al. (2024), figure 8",
    about="Published: 10 random networks of each shape with 2 and 4 inputs, widths 2 to 10 and 2 to 7. "
    "Here: the same, He-normal weights and biases; quick: 3 of each.",
    cases=cases,
    trial=trial,
    summarize=summarize,
    draw=draw,
    aliases=("figure8",),
)
