"""Gaines and Bi (2026) on real data: are cells that hold data better connected than others?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nn_bridge.cells.adjacency import cell_adjacency
from nn_bridge.cells.graph_distances import Neighbours, diameter
from nn_bridge.cells.location import cells_with_points
from puiseux.studies.data import from_scikit_learn
from puiseux.studies.figures import COLOURS, MARKERS, drawn, panels
from puiseux.studies.study import Plain, Study, Summary, Trial, groups, mean, verdict
from puiseux.studies.training import train

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHAPES = {
    "iris": [8, 8],
    "wine": [6, 6],
    "breast-cancer": [6, 6],
    "diabetes": [6, 6],
    "digits": [6, 6],
}
EPOCHS = 40


def cases(full: bool) -> list[Plain]:
    """Five networks for each data set, or one for three of them."""
    names = tuple(SHAPES) if full else ("iris", "wine", "breast-cancer")
    return [{"data": name, "trial": k} for name in names for k in range(5 if full else 1)]


def trial(parameters: Plain, rng: np.random.Generator) -> Plain:
    """One trained network: neighbours of all its cells, and of those that hold data."""
    data = from_scikit_learn(parameters["data"])
    hidden = SHAPES[parameters["data"]]
    shape = [data.inputs.shape[1], *hidden, data.outputs]
    (last,) = train(shape, data.inputs, data.targets, rng=rng, epochs=EPOCHS, loss=data.loss)
    network = last.network
    found = cell_adjacency(network)
    graph = Neighbours.of_edges(found.cells, found.edges)
    bearing = cells_with_points(network, found, data.inputs.tolist())
    steps = graph.distances(bearing)
    return {
        "inputs": network.input_dim,
        "directions": min(network.input_dim, hidden[0]),
        "outputs": data.outputs,
        "loss": last.loss,
        "accuracy": last.accuracy,
        "cells": found.cells,
        "data-bearing": len(bearing),
        "mean neighbours": float(graph.degrees.mean()),
        "neighbours": graph.degrees.tolist(),
        "neighbours of data-bearing": graph.degrees[bearing].tolist(),
        "diameter": diameter(graph),
        "farthest from data": int(steps.max()),
    }


def summarize(trials: Sequence[Trial]) -> Summary:
    """By data set."""
    rows = []
    for (data,), found in groups(trials, "data").items():
        first = found[0]
        bearing = [mean(t["neighbours of data-bearing"]) for t in found]
        accuracies = [t["accuracy"] for t in found if t["accuracy"] is not None]
        rows.append(
            (
                data,
                (first["inputs"], *SHAPES[data], first["outputs"]),
                mean(accuracies) if accuracies else None,
                mean([t["cells"] for t in found]),
                mean([t["data-bearing"] for t in found]),
                mean([t["mean neighbours"] for t in found]),
                mean(bearing),
                2 * first["directions"],
                mean([t["diameter"] for t in found]),
                mean([t["farthest from data"] for t in found]),
                "data-bearing higher",
                verdict(mean(bearing) > mean([t["mean neighbours"] for t in found])),
            )
        )
    better = sum(mean(t["neighbours of data-bearing"]) > t["mean neighbours"] for t in trials)
    remarks = (
        f"Published: data-bearing cells are better connected; so in {better} of {len(trials)} networks here.",
        "2r stands for 2n: a first layer of r neurons, fewer than inputs, sees r directions only, and every cell is a "
        "product with the others.",
        "The published networks on MNIST, CIFAR-10 and California housing are larger; these sets need no download.",
    )
    columns = ("data", "network", "accuracy", "cells", "data-bearing", "neighbours", "of data-bearing", "2r")
    return Summary((*columns, "diameter", "farthest from data", "published", "verdict"), tuple(rows), remarks)


def draw(trials: Sequence[Trial], figure: Figure) -> None:
    """How many neighbours all cells have, and the data-bearing ones, one panel a data set."""
    by_data = groups(trials, "data")
    for ax, ((data,), found) in zip(panels(figure, len(by_data), width=3.4, height=3.0), by_data.items(), strict=True):
        for number, name in enumerate(("neighbours", "neighbours of data-bearing")):
            values, times = np.unique([v for t in found for v in t[name]], return_counts=True)
            label = "all cells" if number == 0 else "data-bearing"
            style = MARKERS[number] + "-"
            ax.plot(values, times / times.sum(), style, markersize=3, color=COLOURS[number], label=label)
        ax.axvline(2 * found[0]["directions"], color="k", linewidth=0.8, linestyle=":")
        ax.set(xlabel="neighbours (dotted: 2r)", title=f"{data}, {drawn([len(found)]).removesuffix(' each')}")
        if data == next(iter(by_data))[0]:
            ax.set_ylabel("share of the cells")
            ax.legend(fontsize="small", framealpha=1, edgecolor="none", loc="upper left")


STUDY = Study(
    name="geometry-data",
    title="neighbours of cells that hold data, in networks trained on real data",
    source="Gaines and Bi (2026)",
    about="Published: networks on MNIST, CIFAR-10 and California housing. Here: small networks on the data sets that "
    "scikit-learn brings along, all cells on all of R^n, facets exact; quick: three sets, one network each.",
    cases=cases,
    trial=trial,
    summarize=summarize,
    draw=draw,
)
