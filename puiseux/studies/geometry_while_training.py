"""Gaines and Bi (2026): the geometry of the cells while networks are trained, epoch by epoch, by exact cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nn_bridge.cells.adjacency import adjacency_of
from nn_bridge.cells.complex import CellComplex, cell_complex
from nn_bridge.cells.graph_distances import Neighbours, diameter
from nn_bridge.cells.location import cells_with_points
from polyhedra.arrays import Floats
from puiseux.studies.cell_sizes import LABELS, cell_sizes, chosen_cells, known
from puiseux.studies.data import blobs
from puiseux.studies.figures import COLOURS, mean_line, panels, readable_logarithms
from puiseux.studies.geometry import BLOBS, CLASSES, EPOCHS, POINTS
from puiseux.studies.study import Plain, Study, Summary, Trial, groups, mean, verdict
from puiseux.studies.training import train

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOOKED_AT = (0, 1, 2, 5, 10, 15, EPOCHS)
MEASURED = 300
BOUND, CONNECTED = "mean facets at most 2n", "data-bearing cells better connected"


def cases(full: bool) -> list[Plain]:
    """Networks of two layers of 16 with 2 to 4 inputs, five each; two layers of 8, 2 and 3 inputs, one each."""
    if not full:
        return [{"inputs": n, "width": 8, "trial": 0} for n in (2, 3)]
    return [{"inputs": n, "width": 16, "trial": k} for n in (2, 3, 4) for k in range(5)]


def trial(parameters: Plain, rng: np.random.Generator) -> Plain:
    """One network while it is trained: its cells at some epochs."""
    data = blobs(rng, BLOBS, parameters["inputs"], CLASSES)
    shape = [parameters["inputs"], *[parameters["width"]] * 2, CLASSES]
    record: dict[str, list[Any]] = {}
    for snapshot in train(shape, data.inputs, data.targets, rng=rng, epochs=EPOCHS, at=LOOKED_AT):
        record.setdefault("epoch", []).append(snapshot.epoch)
        record.setdefault("accuracy", []).append(snapshot.accuracy)
        for name, value in _look(cell_complex(snapshot.network), data.inputs[:POINTS], rng).items():
            record.setdefault(name, []).append(value)
    return record


def _look(found: CellComplex, points: Floats, rng: np.random.Generator) -> dict[str, Any]:
    adjacency = adjacency_of(found)
    graph = Neighbours.of_edges(found.cells, adjacency.edges)
    bearing = cells_with_points(found.network, adjacency, points.tolist())
    sizes = cell_sizes(found, chosen_cells(found, MEASURED, rng))
    return {
        "cells": found.cells,
        "bounded": float(adjacency.bounded.mean()),
        "mean facets": adjacency.mean_facets,
        "diameter": diameter(graph),
        "data-bearing": len(bearing),
        "mean neighbours of data-bearing": float(graph.degrees[bearing].mean()),
        **{f"median {name}": _median(known(values)) for name, values in sizes.items()},
    }


def _median(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if values else None


def summarize(trials: Sequence[Trial]) -> Summary:
    """By shape, before, after one epoch and after training."""
    rows: list[tuple[Any, ...]] = []
    names = ("accuracy", "cells", "bounded", "mean facets", "diameter", "mean neighbours of data-bearing")
    medians = ("median inradius", "median volume", "median norm")
    for (inputs, width), found in groups(trials, "inputs", "width").items():
        for epoch in (0, 1, EPOCHS):
            place = found[0]["epoch"].index(epoch)
            values = [_mean_of([t[name][place] for t in found]) for name in (*names, *medians)]
            holds = all(t["mean facets"][place] <= 2 * inputs for t in found)
            rows.append(((inputs, width, width, CLASSES), epoch, *values, 2 * inputs, BOUND, verdict(holds)))
    better = sum(t["mean neighbours of data-bearing"][-1] > t["mean facets"][-1] for t in trials)
    remarks = (
        "Published: figures of the cells' numbers while networks are trained, without numbers; the claims on facets "
        f"and neighbours hold for trained networks. {CONNECTED.capitalize()}: after training in {better} of "
        f"{len(trials)} networks here.",
        f"Blobs of {CLASSES} classes, {EPOCHS} epochs of Adam. Cells, facets and diameters are exact; inradius, volume "
        f"and norm are medians over at most {MEASURED} cells of a network, each computed exactly and rounded; volumes "
        "are of bounded cells.",
    )
    columns = ("network", "epoch", "accuracy", "cells", "bounded", "mean facets", "diameter", "neighbours of data")
    return Summary((*columns, "inradius", "volume", "norm", "2n", "published", "verdict"), tuple(rows), remarks)


def _mean_of(values: Sequence[float | None]) -> float | None:
    there = [v for v in values if v is not None]
    return mean(there) if there else None


def draw(trials: Sequence[Trial], figure: Figure) -> None:
    """Cells, facets and sizes against the epoch, by the number of inputs."""
    axes = panels(figure, 3, 2)
    shown = {
        "cells": "cells",
        "mean facets": "mean facets of a cell (dotted: 2n)",
        "mean neighbours of data-bearing": "mean neighbours of data-bearing cells",
        "median inradius": LABELS["inradius"] + ", median",
        "median volume": LABELS["volume"] + ", median",
        "median norm": LABELS["norm"] + ", median",
    }
    for number, ((inputs, width), found) in enumerate(groups(trials, "inputs", "width").items()):
        label = f"[{inputs}, {width}, {width}, {CLASSES}]" + (", one network" if len(found) == 1 else "")
        for ax, name in zip(axes, shown, strict=True):
            places = [i for i in range(len(found[0]["epoch"])) if all(t[name][i] is not None for t in found)]
            samples = [[t[name][i] for t in found] for i in places]
            mean_line(ax, [found[0]["epoch"][i] for i in places], samples, number, label)
        axes[1].axhline(2 * inputs, color=COLOURS[number], linewidth=0.8, linestyle=":")
    for ax, text in zip(axes, shown.values(), strict=True):
        ax.set(xlabel="epoch", ylabel=text)
    for ax in (axes[0], *axes[3:]):
        ax.set_yscale("log")
        readable_logarithms(ax, "y")
    axes[0].legend(fontsize="small", frameon=False)


STUDY = Study(
    name="geometry-training",
    title="facets, neighbours and sizes of cells while networks are trained",
    source="Gaines and Bi (2026)",
    about="Published: cell geometry while a network is trained. Here: networks trained on blobs of three classes for "
    "20 epochs, all cells on all of R^n at seven epochs; five [n, 16, 16, 3] for n = 2, 3, 4; quick: one [n, 8, 8, 3] "
    "for n = 2, 3.",
    cases=cases,
    trial=trial,
    summarize=summarize,
    draw=draw,
)
