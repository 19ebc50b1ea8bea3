"""Figure 9 of Lezeau et al. (2024): the share of monomials that pruning removes, before and after training."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from nn_bridge.cells.tropical_map import tropicalize_by_cells
from nn_bridge.network.network import Network
from nn_bridge.symbolic.monomials import native_monomials
from puiseux.studies.data import gaussian_clusters, two_clusters
from puiseux.studies.figures import drawn, mean_line, panels
from puiseux.studies.study import Plain, Study, Summary, Trial, mean, standard_error, verdict
from puiseux.studies.training import train

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EPOCHS = 20
WHEN = ("random", "trained")
CLAIM = "trained networks prune more"


def cases(full: bool) -> list[Plain]:
    """25 networks of each width on either data; 8 in the quick form."""
    sizes = [{"width": w, "trial": k} for w in (2, 3, 4, 5, 6) for k in range(25 if full else 8)]
    return [*sizes, *({**size, "clusters": 2} for size in sizes)]


def clusters_of(parameters: Plain) -> int:
    """Four clusters in two classes by turns, or the two clusters of the public code."""
    return int(parameters.get("clusters", 4))


def trial(parameters: Plain, rng: np.random.Generator) -> Plain:
    """One network before and after training."""
    published = clusters_of(parameters) == 2
    data = two_clusters(rng) if published else gaussian_clusters(rng)
    shape, batch = [2, parameters["width"], 1], 8 if published else 32
    before, after = train(shape, data.inputs, data.targets, rng=rng, epochs=EPOCHS, at=(0, EPOCHS), batch=batch)
    signs = [[w > 0 for w in snapshot.network.output.blocks[0][1][0]] for snapshot in (before, after)]
    record = {"accuracy": after.accuracy, "signs changed": sum(a != b for a, b in zip(*signs, strict=True))}
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
    """Means by data and width."""
    rows = []
    for (clusters, width), found in _groups(trials).items():
        for when in WHEN:
            shares = [t[f"{when} share"] for t in found]
            native, pruned = (mean([t[f"{when} {kind}"] for t in found]) for kind in ("native", "pruned"))
            values = (native, pruned, mean(shares), standard_error(shares), expected_share(width))
            claim = (CLAIM, verdict(_prune_more(found))) if when == "trained" else (None, None)
            rows.append((clusters, (2, width, 1), when, *values, *claim))
    remarks = [
        "Published: curves without numbers, and the statement that trained networks prune more. Tested for each width "
        "by the difference of both shares in the same networks: confirmed or contradicted where it is more than two "
        "standard errors from zero, else not tested for lack of networks.",
    ]
    for clusters in dict.fromkeys(c for c, _ in _groups(trials)):
        own = [t for t in trials if clusters_of(t.parameters) == clusters]
        remarks.append(f"{clusters} clusters: training changes the share pruned by {_difference_text(own)}.")
    remarks += [
        "What decides it: in general position the share depends on the signs of the output weights alone (expected), "
        "so training changes it only where such a sign changes. The more one sign prevails, the more is pruned.",
        "Two clusters, 128 points, batches of 8: as in the public code, which begins its training from another "
        "distribution than that of its random networks; here both are the same networks, before and after.",
    ]
    columns = ("clusters", "network", "weights", "native", "pruned", "share pruned", "error", "expected")
    return Summary((*columns, "published", "verdict"), tuple(rows), tuple(remarks))


def _groups(trials: Sequence[Trial]) -> dict[tuple[int, int], list[Trial]]:
    found: dict[tuple[int, int], list[Trial]] = {}
    for t in trials:
        found.setdefault((clusters_of(t.parameters), t["width"]), []).append(t)
    return found


def _differences(found: Sequence[Trial]) -> list[float]:
    return [t["trained share"] - t["random share"] for t in found]


def _prune_more(found: Sequence[Trial]) -> bool | None:
    """Whether training raises the share; None within two standard errors."""
    differences = _differences(found)
    error = standard_error(differences)
    if error is None or abs(mean(differences)) <= 2 * error:
        return None
    return mean(differences) > 0


def _difference_text(found: Sequence[Trial]) -> str:
    """The mean difference with its error, and how many output weights changed sign."""
    differences = _differences(found)
    error = standard_error(differences)
    spread = "" if error is None else f" (standard error {100 * error:.1f})"
    text = f"{100 * mean(differences):+.1f} percentage points{spread}, on average over all widths"
    counted = [t for t in found if "signs changed" in t.record]
    if not counted:
        return text
    changed, weights = sum(t["signs changed"] for t in counted), sum(t["width"] for t in counted)
    return f"{text}; {changed} of {weights} output weights changed sign"


def draw(trials: Sequence[Trial], figure: Figure) -> None:
    """The share against the width, a panel for each data."""
    by_data: dict[int, dict[int, list[Trial]]] = {}
    for (clusters, width), found in _groups(trials).items():
        by_data.setdefault(clusters, {})[width] = found
    for ax, (clusters, by_width) in zip(panels(figure, len(by_data), width=5.2), by_data.items(), strict=True):
        for number, when in enumerate(WHEN):
            samples = [[t[f"{when} share"] for t in found] for found in by_width.values()]
            mean_line(ax, list(by_width), samples, number, when)
        widths = sorted(by_width)
        ax.plot(widths, [expected_share(w) for w in widths], "k:", label="expected in general position")
        ax.set(xlabel="width w of [2, w, 1]", ylabel="share of monomials pruned", xticks=widths)
        ax.set_title(f"{clusters} clusters, {drawn([len(found) for found in by_width.values()])}")
        ax.legend(frameon=False)


STUDY = Study(
    name="pruning",
    title="the share of monomials pruned, random against trained networks",
    source="Lezeau et al. (2024), figure 9",
    about="Published: 25 networks [2, w, 1] of each width 2 to 6, random and trained on Gaussian clusters with Adam "
    "(learning rate 0.01, 20 epochs), and the statement that trained ones prune more. Here: each network before and "
    "after such a training, on 200 points in 4 clusters and on the two clusters of the public code; quick: 8 of each.",
    cases=cases,
    trial=trial,
    summarize=summarize,
    draw=draw,
    aliases=("figure9",),
)
