"""Gaines and Bi (2026) on images of 784 pixels: cells around an image, and cells that hold images, by exploration."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from nn_bridge.cells.location import patterns_of_points
from nn_bridge.cells.statistics import counted
from nn_bridge.exploration import LocalCells, walk
from puiseux.studies.data import large_digits
from puiseux.studies.figures import COLOURS, MARKERS, drawn, panels
from puiseux.studies.study import Plain, Study, Summary, Trial, groups, mean, rank_sum_deviation, verdict
from puiseux.studies.training import train

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EPOCHS = 20
EXPLORED, HOLDING = {"few": 5, "quick": 40, "full": 200}, {"few": 5, "quick": 40, "full": 100}
"""Cells around an image, and of those that hold images, whose facets are found."""


def cases(full: bool) -> list[Plain]:
    """One narrow network; or three of each of two widths."""
    quick: list[Plain] = [{"hidden": [12, 12, 12], "cells": "quick", "trial": 0}]
    if not full:
        return quick
    return [{"hidden": [w] * 3, "cells": "full", "trial": k} for w in (16, 24) for k in range(3)]


def trial(parameters: Plain, rng: np.random.Generator) -> Plain:
    """One trained network: facets of cells around an image, breadth first, and of cells that hold images."""
    data = large_digits()
    shape = [data.inputs.shape[1], *parameters["hidden"], data.outputs]
    (last,) = train(shape, data.inputs, data.targets, rng=rng, epochs=EPOCHS)
    network = last.network
    holders: dict[tuple[tuple[bool, ...], ...], int] = {}
    for patterns in patterns_of_points(network, data.inputs):
        for pattern in patterns:
            holders[pattern] = holders.get(pattern, 0) + 1
    home = LocalCells(network)
    image = data.inputs[int(rng.integers(len(data.inputs)))]
    around = list(islice(walk(home, network.point(image)), EXPLORED[parameters["cells"]]))
    bearing = list(holders)
    chosen = rng.permutation(len(bearing))[: HOLDING[parameters["cells"]]]
    holding = [home.of(bearing[k]).facet_count for k in chosen.tolist()]
    found = [visit.cell.facet_count for visit in around]
    return {
        "accuracy": last.accuracy,
        "directions": home.reduced.input_dim,
        "units": sum(network.hidden),
        "images": len(data.inputs),
        "data-bearing": len(holders),
        "most images in a cell": max(holders.values()),
        "explored": len(around),
        "distance": max(visit.distance for visit in around),
        "explored that hold images": sum(visit.cell.pattern in holders for visit in around),
        "facets": found,
        "facets of data-bearing": holding,
    }


def summarize(trials: Sequence[Trial]) -> Summary:
    """By width."""
    rows = []
    for (hidden,), found in groups(trials, "hidden").items():
        around = [v for t in found for v in t["facets"]]
        bearing = [v for t in found for v in t["facets of data-bearing"]]
        directions = max(t["directions"] for t in found)
        rows.append(
            (
                (784, *hidden, 10),
                mean([t["accuracy"] for t in found]),
                mean([t["data-bearing"] for t in found]),
                len(around),
                mean(around),
                mean(bearing),
                2 * directions,
                sum(hidden),
                rank_sum_deviation(bearing, around),
                "data-bearing higher",
                verdict(mean(bearing) > mean(around)),
            )
        )
    below = sum(mean(t["facets"]) <= 2 * t["directions"] for t in trials)
    remarks = [
        "Published: at most 2n facets on average over all cells. Nobody lists these here; of the cells around an image "
        f"the mean is at most 2r in {below} of {len(trials)} networks. 2r stands for 2n: a first layer of r neurons "
        "sees r directions. A cell has no more facets than there are neurons, so 2n = 1568 itself says nothing.",
        "The cells around an image are those first found across facets, breadth first, so they are near data too; the "
        "rank sum of both samples is given in standard deviations.",
    ]
    if trials:
        bearing = [t["data-bearing"] for t in trials]
        most = max(t["most images in a cell"] for t in trials)
        remarks.append(
            f"The {trials[0]['images']:,} images lie in {min(bearing)} to {max(bearing)} cells, at most {most} in one; "
            "scikit-learn's digits enlarged to 28 x 28 stand in for MNIST."
        )
    columns = (
        "network",
        "accuracy",
        "data-bearing",
        "explored",
        "facets",
        "of data-bearing",
        "2r",
        "neurons",
        "rank sum",
    )
    return Summary((*columns, "published", "verdict"), tuple(rows), tuple(remarks))


def draw(trials: Sequence[Trial], figure: Figure) -> None:
    """The distribution of the number of facets, one panel a width."""
    by_width = groups(trials, "hidden")
    for ax, ((hidden,), found) in zip(
        panels(figure, len(by_width), width=4.2, height=3.2), by_width.items(), strict=True
    ):
        for number, (name, label) in enumerate(
            (("facets", "around an image"), ("facets of data-bearing", "holding images"))
        ):
            shares = counted(np.array([v for t in found for v in t[name]]))
            total = sum(shares.values())
            ax.plot(
                list(shares),
                [times / total for times in shares.values()],
                MARKERS[number] + "-",
                markersize=3,
                color=COLOURS[number],
                label=f"{label} ({total:,})",
            )
        ax.axvline(2 * max(t["directions"] for t in found), color="k", linewidth=0.8, linestyle=":")
        ax.set(xlabel="facets (dotted: 2r)", title=f"{[784, *hidden, 10]}, {drawn([len(found)]).removesuffix(' each')}")
        ax.locator_params(axis="x", integer=True)
        ax.set_ylim(0, 1.25 * ax.get_ylim()[1])
        ax.legend(fontsize="small", frameon=False, loc="upper left")
        if hidden == next(iter(by_width))[0]:
            ax.set_ylabel("share of the cells")


STUDY = Study(
    name="geometry-digits",
    title="cells around images of 784 pixels, and cells that hold images, by exploration",
    source="Gaines and Bi (2026)",
    about="Published: networks on MNIST. Here: networks [784, w, w, w, 10] trained for 20 epochs on scikit-learn's "
    "digits enlarged to 28 x 28; the cells around an image are found across exact facets, those that hold images from "
    "the images; quick: one network of width 12, full: three each of widths 16 and 24.",
    cases=cases,
    trial=trial,
    summarize=summarize,
    draw=draw,
)
