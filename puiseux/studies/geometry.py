"""Gaines and Bi (2026): facets, neighbours, dual-graph diameters of random and trained networks, by exact adjacency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nn_bridge.cells.adjacency import adjacency_of
from nn_bridge.cells.complex import cell_complex
from nn_bridge.cells.counting.count import count_cells
from nn_bridge.cells.graph_distances import Neighbours, diameter
from nn_bridge.cells.location import cells_with_points
from nn_bridge.cells.plain_tree import leaf_tree
from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.statistics import counted
from nn_bridge.cells.tree import FACES
from nn_bridge.network.network import Network
from polyhedra.arrays import Floats
from puiseux.random_networks import random_network
from puiseux.studies.cell_sizes import cell_sizes, chosen_cells, median_size
from puiseux.studies.data import blobs
from puiseux.studies.geometry_figure import RANDOM, TRAINED, draw, weights_of
from puiseux.studies.study import Plain, Study, Summary, Trial, mean, verdict
from puiseux.studies.training import train

POINTS = 100
"""Standard normal points that stand for data in random networks."""
MOST_NODES = 60_000
"""Cells up to which the diameter is computed; the search grows with their square at worst."""
MEASURED = 200
"""Cells of a network whose inradius, volume and norms are measured: a random choice where there are more."""

BLOBS, CLASSES, EPOCHS = 300, 3, 20
"""The published setting: networks with three outputs, trained on blobs of three classes for twenty epochs."""


def cases(full: bool) -> list[Plain]:
    """All 240 networks, random and trained, or the small ones: two random ones and (up to 3 inputs) a trained one."""
    found = _sizes(full)
    trained = [case for case in found if full or (case["inputs"] < 4 and case["trial"] == 0)]
    return [*found, *({**case, "weights": TRAINED} for case in trained)]


def _sizes(full: bool) -> list[Plain]:
    if full:
        return [_case(n, w, d, k) for n in (2, 3, 4, 5) for w in (4, 8, 16) for d in (1, 2, 3, 4) for k in range(5)]
    return [
        _case(n, w, d, k)
        for n in (2, 3, 4, 5)
        for w, deepest in ((4, 4), (8, 2 if n < 5 else 1), (16, 2 if n < 4 else 0))
        for d in range(1, deepest + 1)
        for k in range(2)
    ]


def _case(inputs: int, width: int, depth: int, number: int) -> Plain:
    return {"inputs": inputs, "width": width, "depth": depth, "trial": number}


def trial(parameters: Plain, rng: np.random.Generator) -> Plain:
    """One network: its cells by number of facets, the diameter of its dual graph, and the cells that hold points."""
    network, data = _network(parameters, rng)
    cells = count_cells(network, counts="cells").cells
    assert cells is not None
    record: dict[str, Any] = {"diameter": None}
    if cells <= MOST_NODES:
        complex_ = cell_complex(network)
        found = adjacency_of(complex_)
        facets = counted(found.facets)
        graph = Neighbours.of_edges(found.cells, found.edges)
        points = rng.normal(size=(POINTS, network.input_dim)) if data is None else data
        bearing = cells_with_points(network, found, points.tolist())
        record = {
            "diameter": diameter(graph),
            "data-bearing": len(bearing),
            "mean neighbours of data-bearing": float(graph.degrees[bearing].mean()),
            "bounded": int(found.bounded.sum()),
            **cell_sizes(complex_, chosen_cells(complex_, MEASURED, rng)),
        }
    else:
        facets = facet_numbers(network)
    return {
        "cells": cells,
        "facets": list(facets),
        "cells by facets": list(facets.values()),
        "mean facets": sum(k * v for k, v in facets.items()) / cells,
        **record,
    }


def _network(parameters: Plain, rng: np.random.Generator) -> tuple[Network, Floats | None]:
    """The network, and the points that it was trained on."""
    hidden = [parameters["width"]] * parameters["depth"]
    if weights_of(parameters) == RANDOM:
        return random_network([parameters["inputs"], *hidden, 1], rng=rng), None
    data = blobs(rng, BLOBS, parameters["inputs"], CLASSES)
    (last,) = train([parameters["inputs"], *hidden, CLASSES], data.inputs, data.targets, rng=rng, epochs=EPOCHS)
    return last.network, data.inputs[:POINTS]


def facet_numbers(network: Network) -> dict[int, int]:
    """How many cells have how many facets, on all of R^n, without keeping the cells.

    On all of R^n every facet lies in two cells, so these are numbers of neighbours as well.

    Examples
    --------
    >>> facet_numbers(Network.from_layers([[[1, 0], [0, 1], [1, 1]], [[1, 1, 1]]], [[0, 0, -1], [0]]))
    {2: 3, 3: 4}
    """
    problem = cell_problem(network)
    if problem is None:
        return {0: 1}
    total = np.zeros(1, dtype=np.int64)
    before = 0
    for leaves in leaf_tree(problem, FACES).run():
        count = len(leaves.patterns)
        if count:
            more = np.bincount(np.bincount(leaves.facet_leaf - before, minlength=count))
            longer, shorter = (total, more) if len(total) >= len(more) else (more, total)
            total = longer.copy()
            total[: len(shorter)] += shorter
        before += count
    return {number: times for number, times in enumerate(total.tolist()) if times}


def summarize(trials: Sequence[Trial]) -> Summary:
    """By weights, inputs, width and depth."""
    rows = []
    for (weights, inputs, width, depth), found in _groups(trials).items():
        across = [t["diameter"] for t in found if t["diameter"] is not None]
        facets = [t["mean facets"] for t in found]
        peaks = [_peak(t) for t in found]
        rows.append(
            (
                (inputs, *[width] * depth, 1 if weights == RANDOM else CLASSES),
                weights,
                mean([t["cells"] for t in found]),
                mean(facets),
                2 * inputs,
                f"{min(peaks)}-{max(peaks)}" if min(peaks) < max(peaks) else str(peaks[0]),
                max(across, default=None),
                width * depth,
                *(median_size(found, name) for name in ("inradius", "volume", "norm")),
                "mean facets at most 2n",
                verdict(max(facets) <= 2 * inputs),
            )
        )
    remarks = [remark for weights in (TRAINED, RANDOM) for remark in _remarks(trials, weights)]
    remarks.append(
        "The published networks are trained (three classes of blobs, three outputs, 20 epochs), as the trained ones "
        "here; the random ones, with one output, are a setting of ours. The authors join cells by sign differences, "
        "here cells are joined by exact facets."
    )
    remarks.append(
        f"Inradius, volume (of bounded cells) and norm of the affine map: medians over at most {MEASURED} cells of "
        "each network, computed exactly and rounded. Published: histograms without numbers."
    )
    columns = ("network", "weights", "cells", "mean facets", "2n", "peak", "largest diameter", "neurons")
    return Summary((*columns, "inradius", "volume", "norm", "published", "verdict"), tuple(rows), tuple(remarks))


def _remarks(trials: Sequence[Trial], weights: str) -> list[str]:
    """The published claims on the networks with such weights, one sentence each."""
    own = [t for t in trials if weights_of(t.parameters) == weights]
    if not own:
        return []
    number, noun = len(own), f"{weights} networks"
    below = sum(t["mean facets"] <= 2 * t["inputs"] for t in own)
    unimodal = sum(_unimodal(t["cells by facets"]) for t in own)
    peaked = sum(_peak(t) <= 2 * t["inputs"] for t in own)
    remarks = [
        f"Published: at most 2n facets on average; so in {below} of {number} {noun}.",
        f"Published: numbers of neighbours are unimodal with a peak just below 2n; {unimodal} of {number} "
        f"distributions of {noun} are unimodal, {peaked} have their peak at 2n or below.",
    ]
    bearing = [t for t in own if "mean neighbours of data-bearing" in t.record]
    if bearing:
        better = sum(t["mean neighbours of data-bearing"] > t["mean facets"] for t in bearing)
        points = "training" if weights == TRAINED else "standard normal"
        remarks.append(
            f"Published: data-bearing cells are better connected; so for the cells that hold {POINTS} {points} "
            f"points in {better} of {len(bearing)} {noun}."
        )
    longest = [t["diameter"] / (t["width"] * t["depth"]) for t in own if t["diameter"] is not None]
    if longest:
        remarks.append(
            "Published: the diameter is O(m^L) for L layers of m neurons, whatever n; it is at most "
            f"{max(longest):.2f} times the number of neurons in {noun}."
        )
    if len(longest) < number:
        remarks.append(
            f"{number - len(longest)} diameters of {noun} were not computed: they have more than {MOST_NODES:,} "
            "cells; their facets are all counted."
        )
    return remarks


def _groups(trials: Sequence[Trial]) -> dict[tuple[str, int, int, int], list[Trial]]:
    found: dict[tuple[str, int, int, int], list[Trial]] = {}
    for t in trials:
        found.setdefault((weights_of(t.parameters), t["inputs"], t["width"], t["depth"]), []).append(t)
    return found


def _peak(trial: Trial) -> int:
    """The number of neighbours that most cells have."""
    counts = trial["cells by facets"]
    return int(trial["facets"][counts.index(max(counts))])


def _unimodal(counts: Sequence[int]) -> bool:
    top = counts.index(max(counts))
    rising, falling = counts[: top + 1], counts[top:]
    return list(rising) == sorted(rising) and list(falling) == sorted(falling, reverse=True)


STUDY = Study(
    name="geometry",
    title="facets, neighbours and dual-graph diameters of random and trained networks",
    source="Gaines and Bi (2026)",
    about="Published: 240 networks with 2 to 5 inputs, layers of 4, 8 or 16 neurons, 1 to 4 of them, five of each, "
    "trained on blobs of three classes for 20 epochs. Here: the same shapes trained so, and with random He-normal "
    "weights and biases, every facet exact; quick: the smaller shapes, two random ones of each and fewer trained ones.",
    cases=cases,
    trial=trial,
    summarize=summarize,
    draw=draw,
    aliases=("gaines-bi",),
)
