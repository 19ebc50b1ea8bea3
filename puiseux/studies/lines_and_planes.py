"""Through a digits classifier along lines and planes: exact transitions between images, and regions around three."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nn_bridge.cells.counting.count import count_cells
from nn_bridge.network.network import Network
from nn_bridge.network.segments import segment
from nn_bridge.readers.json import network_from_document
from nn_bridge.writers.json import document_of
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational, to_float, to_text
from puiseux.pictures.plot import plot_regions
from puiseux.pictures.slices import slice_through, window_around
from puiseux.studies.data import Data, large_digits
from puiseux.studies.figures import COLOURS, drawn, panels
from puiseux.studies.study import Plain, Study, Summary, Trial, mean
from puiseux.studies.training import train

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WHEN = ("before", "after")
PAIRS = ("same digit", "different digits")


def cases(full: bool) -> list[Plain]:
    """One network with 20 segments of either kind; in the full form five with 200."""
    if full:
        return [{"hidden": [32, 32], "epochs": 10, "segments": 100, "trial": k} for k in range(5)]
    return [{"hidden": [32, 32], "epochs": 10, "segments": 20, "trial": 0}]


def trial(parameters: Plain, rng: np.random.Generator) -> Plain:
    """One network before and after training: transitions on segments, and a plane through three digits."""
    data = large_digits()
    shape = [784, *parameters["hidden"], 10]
    last = parameters["epochs"]
    found = train(shape, data.inputs, data.targets, rng=rng, epochs=last, at=(0, last))
    pairs = {kind: _pairs(data, kind, parameters["segments"], rng) for kind in PAIRS}
    three = [int(rng.choice(np.flatnonzero(data.targets == digit))) for digit in rng.permutation(10)[:3]]
    record: dict[str, Any] = {"accuracy": found[-1].accuracy, "digits": [int(data.targets[i]) for i in three]}
    for kind in PAIRS:
        record[f"{kind}: distance"] = [float(np.linalg.norm(data.inputs[i] - data.inputs[j])) for i, j in pairs[kind]]
    plane = slice_through(data.inputs[three].tolist(), 784)
    window = window_around(plane)
    box = Polyhedron.box([low for low, _ in window], [high for _, high in window])
    for when, snapshot in zip(WHEN, found, strict=True):
        for kind in PAIRS:
            walks = [
                segment(snapshot.network, data.inputs[i].tolist(), data.inputs[j].tolist()) for i, j in pairs[kind]
            ]
            record[f"{kind}: transitions {when}"] = [len(walk.transitions) for walk in walks]
        restricted = snapshot.network.restrict_to(plane.columns, plane.origin)
        record[f"regions of the plane {when}"] = count_cells(restricted, box).regions
    record["plane"] = {
        "network": document_of(restricted),
        "anchors": [[to_text(v) for v in anchor] for anchor in plane.anchors],
        "window": [[to_text(low), to_text(high)] for low, high in window],
        "aspect": plane.aspect,
    }
    return record


def _pairs(data: Data, kind: str, count: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Different images, of one digit or of two."""
    found: list[tuple[int, int]] = []
    while len(found) < count:
        i, j = map(int, rng.integers(len(data.targets), size=2))
        if i != j and (data.targets[i] == data.targets[j]) == (kind == PAIRS[0]):
            found.append((i, j))
    return found


def plane_network(record: Plain) -> Network:
    """The trained network on the plane through three digits."""
    return network_from_document(record["plane"]["network"])


def summarize(trials: Sequence[Trial]) -> Summary:
    """Means over segments, before and after training; and the regions of the planes."""
    rows: list[tuple[Any, ...]] = []
    for kind in PAIRS if trials else ():
        distance = mean([v for t in trials for v in t[f"{kind}: distance"]])
        values = [mean([v for t in trials for v in t[f"{kind}: transitions {when}"]]) for when in WHEN]
        rows.append((f"segments, {kind}", distance, *values, None))
    for t in trials:
        digits = ", ".join(map(str, t["digits"]))
        rows.append((f"plane through {digits}", None, *(t[f"regions of the plane {when}"] for when in WHEN), None))
    remarks = (
        "Transitions of a segment, linear regions of a plane (in a window around the three digits): all exact, in "
        "rational arithmetic on the images and the float32 weights.",
        "Neither the paper nor the survey gives numbers for such lines and planes.",
    )
    columns = ("where", "mean distance", "before training", "after training", "published")
    return Summary(columns, tuple(rows), remarks)


def draw(trials: Sequence[Trial], figure: Figure) -> None:
    """Transitions against distance, and the classes on one plane."""
    left, right = panels(figure, 2, width=5.6, height=4.6)
    for number, kind in enumerate(PAIRS):
        for when, fill in zip(WHEN, ("none", COLOURS[number]), strict=True):
            distance = [v for t in trials for v in t[f"{kind}: distance"]]
            steps = [v for t in trials for v in t[f"{kind}: transitions {when}"]]
            label = f"{kind}, {when} training"
            left.plot(distance, steps, "o", markersize=4, color=COLOURS[number], markerfacecolor=fill, label=label)
    left.set(xlabel="distance between two images", ylabel="transitions on the segment")
    left.legend(fontsize="small", frameon=False)
    left.set_title(drawn([len(trials)]).removesuffix(" each"))
    first = trials[0]
    window = [[rational(v) for v in interval] for interval in first["plane"]["window"]]
    plot_regions(plane_network(first.record), right, window=window, color_by="class")
    for anchor, digit in zip(first["plane"]["anchors"], first["digits"], strict=True):
        x, y = (to_float(rational(v)) for v in anchor)
        box = {"boxstyle": "circle", "facecolor": "white", "edgecolor": "black"}
        right.text(x, y, str(digit), ha="center", va="center", bbox=box, zorder=9)
    right.set(aspect=first["plane"]["aspect"], xlabel="", ylabel="", xticks=[], yticks=[])
    right.set_title(f"the plane through {', '.join(map(str, first['digits']))}: {_on_plane(first)} linear regions")


def _on_plane(trial: Trial) -> int:
    return int(trial["regions of the plane after"])


STUDY = Study(
    name="lines",
    title="lines and planes between real digits: exact transitions and regions",
    source="beyond Lezeau et al. (2024)",
    about="Published: nothing like it; counts along lines are usually sampled. Here: [784, 32, 32, 10] on "
    "scikit-learn's digits enlarged to 28 x 28, segments between images of one digit and of two, and a plane through "
    "three; quick: one network, 40 segments.",
    cases=cases,
    trial=trial,
    summarize=summarize,
    draw=draw,
)
