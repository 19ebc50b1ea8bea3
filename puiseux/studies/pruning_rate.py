"""Figure 9 of Lezeau et al. (2024): the share of monomials that pruning removes, before and after training."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from nn_bridge.cells.tropical_map import tropicalize_by_cells
from nn_bridge.network.network import Network
from nn_bridge.symbolic.monomials import native_monomials
from puiseux.studies.data import gaussian_clusters
from puiseux.studies.figures import mean_line, panels
from puiseux.studies.study import Plain, Study, Summary, Trial, groups, mean, standard_error
from puiseux.studies.training import train

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EPOCHS = 20
WHEN = ("random", "trained")


def cases(full: bool) -> list[Plain]:
    """25 networks of each width; 8 in the quick form."""
    return [{"width": w, "trial": k} for w in (2, 3, 4, 5, 6) for k in range(25 if full else 8)]


def trial(parameters: Plain, rng: np.random.Generator) -> Plain:
    """One network before and after training."""
    data = gaussian_clusters(rng)
    shape = [2, parameters["width"], 1]
    before, after = train(shape, data.inputs, data.targets, rng=rng, epochs=EPOCHS, at=(0, EPOCHS))
    record = {"accuracy": after.accuracy}
    for when, snapshot in zip(WHEN, (before, after), strict=True):
        native, pruned = _monomials(snapshot.network)
        record |= {f"{when} native": native, f"{when} pruned": pruned, f"{when} share": 1 - pruned / native}
    return record


def _monomials(network: Network) -> tuple[int, int]:
    (native,) = native_monomials(network)[-1]
    (output,) = tropicalize_by_cells(network)
    return native.numerator + native.denominator, len(output.numerator) + len(output.denominator)


def expected_share(width: int) -> float:
    """The mean share for weights in general position and output weights of either sign, equally likely.

    With p positive and q negative output weights there are 2^p + 2^q native monomials, and the zonotopes in R^3 that
    they lift to keep 1 + p + C(p, 2) and 1 + q + C(q, 2).

    Examples
    --------
    >>> expected_share(2), round(expected_share(3), 6)
    (0.0, 0.027778)
    """
    total = 0.0
    for p in range(width + 1):
        q = width - p
        kept = sum(1 + k + comb(k, 2) for k in (p, q))
        total += comb(width, p) / 2**width * (1 - kept / (2**p + 2**q))
    return total


def summarize(trials: Sequence[Trial]) -> Summary:
    """Means by width."""
    rows = []
    for (width,), found in groups(trials, "width").items():
        for when in WHEN:
            shares = [t[f"{when} share"] for t in found]
            native, pruned = (mean([t[f"{when} {kind}"] for t in found]) for kind in ("native", "pruned"))
            rows.append(
                ((2, width, 1), when, native, pruned, mean(shares), standard_error(shares), expected_share(width), None)
            )
    remarks = (
        "The published values are a figure whose numbers are not known here.",
        "Expected: in general position the share depends on the signs of the output weights alone, so training changes "
        "it only where such a sign changes.",
    )
    columns = ("network", "weights", "native", "pruned", "share pruned", "error", "expected", "published")
    return Summary(columns, tuple(rows), remarks)


def draw(trials: Sequence[Trial], figure: Figure) -> None:
    """The share against the width."""
    (ax,) = panels(figure, 1, width=5.2)
    by_width = {width: found for (width,), found in groups(trials, "width").items()}
    for number, when in enumerate(WHEN):
        samples = [[t[f"{when} share"] for t in found] for found in by_width.values()]
        mean_line(ax, list(by_width), samples, number, when)
    widths = sorted(by_width)
    ax.plot(widths, [expected_share(w) for w in widths], "k:", label="expected in general position")
    ax.set(xlabel="width w of [2, w, 1]", ylabel="share of monomials pruned", xticks=widths)
    ax.legend(frameon=False)


STUDY = Study(
    name="pruning",
    title="the share of monomials pruned, random against trained networks",
    source="Lezeau et al. (2024), figure 9",
    about="Published: 25 networks [2, w, 1] of each width 2 to 6, random and trained on Gaussian clusters with Adam "
    "(learning rate 0.01, 20 epochs). Here: each network before and after such a training, on 200 points in 4 "
    "clusters; quick: 8 of each.",
    cases=cases,
    trial=trial,
    summarize=summarize,
    draw=draw,
    aliases=("figure9",),
)
