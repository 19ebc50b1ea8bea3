"""The MNIST-sized network of Lezeau et al. (2024): [784, 4, 10] on real digits, every output, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nn_bridge.cells.counting.count import count_cells
from nn_bridge.cells.tropical_map import tropicalize_by_cells
from nn_bridge.symbolic.monomials import native_monomials
from puiseux.studies.data import large_digits
from puiseux.studies.figures import COLOURS, drawn, panels
from puiseux.studies.study import Plain, Study, Summary, Trial, groups, mean, verdict
from puiseux.studies.training import train

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EPOCHS = 30
PUBLISHED_ACCURACY = 0.85
CLAIM = "a region of several small bounded polyhedra and one unbounded"


def cases(full: bool) -> list[Plain]:
    """Five networks; one in the quick form."""
    return [{"hidden": [4], "epochs": EPOCHS, "trial": k} for k in range(5 if full else 1)]


def trial(parameters: Plain, rng: np.random.Generator) -> Plain:
    """One trained network: the monomials and regions of each output, and the regions of all together."""
    data = large_digits()
    shape = [784, *parameters["hidden"], 10]
    (last,) = train(shape, data.inputs, data.targets, rng=rng, epochs=parameters["epochs"])
    network = last.network
    native = native_monomials(network)[-1]
    pruned = tropicalize_by_cells(network)
    together = count_cells(network)
    return {
        "accuracy": last.accuracy,
        "cells": together.cells,
        "regions": together.regions,
        "regions by output": [count_cells(network.select_outputs([k])).regions for k in range(10)],
        "native": [count.numerator + count.denominator for count in native],
        "pruned": [len(output.numerator) + len(output.denominator) for output in pruned],
        "positive weights": [sum(bool(w > 0) for w in row) for row in network.output.blocks[0][1]],
    }


def summarize(trials: Sequence[Trial]) -> Summary:
    """One row an output, and one for all outputs together."""
    rows: list[tuple[object, ...]] = []
    for (hidden,), found in groups(trials, "hidden").items():
        shape = (784, *hidden, 10)
        for k in range(10):
            values = [mean([t[name][k] for t in found]) for name in ("native", "pruned", "regions by output")]
            rows.append((shape, str(k), *values, None, None, None))
        together = mean([t["regions"] for t in found])
        rows.append((shape, "all", None, None, together, None, CLAIM, verdict(False)))
        accuracy = mean([t["accuracy"] for t in found])
        rows.append((shape, "all", None, None, None, accuracy, PUBLISHED_ACCURACY, verdict(None)))
    remarks = (
        "Published accuracy: 85 % on MNIST, for training and for test. scikit-learn's 1797 digits enlarged to 28 x 28 "
        "stand in for MNIST here, so the accuracies stand side by side and test nothing.",
        "Published: one linear region consists of several very small bounded polyhedra and an unbounded one. On "
        "R^784 that is impossible: the first layer has rank at most 4, so every cell and region is a product with a "
        "780-dimensional space and nothing is bounded. It can be true only within a box.",
        "Four units in general position have 16 cells, whatever the data.",
        "With p positive and 4 - p negative weights an output has 2^p + 2^(4 - p) monomials, and none is redundant: "
        "the four rows of the first layer are linearly independent.",
    )
    return Summary(
        ("network", "output", "native", "pruned", "regions", "accuracy", "published", "verdict"), tuple(rows), remarks
    )


def draw(trials: Sequence[Trial], figure: Figure) -> None:
    """Monomials and regions by output."""
    left, right = panels(figure, 2)
    outputs = np.arange(10)
    for ax, names in ((left, ("native", "pruned")), (right, ("regions by output",))):
        for number, name in enumerate(names):
            heights = np.mean([t[name] for t in trials], axis=0)
            shift = 0.4 * number - 0.2 * (len(names) - 1)
            ax.bar(outputs + shift, heights, 0.4, color=COLOURS[number], label=name)
        ax.set(xlabel="output (digit)", xticks=outputs)
    left.set_title(drawn([len(trials)]).removesuffix(" each") + " of shape [784, 4, 10]")
    left.set_ylabel("monomials above and below")
    left.legend(frameon=False, loc="upper center", ncols=2)
    left.set_ylim(0, 1.2 * left.get_ylim()[1])
    right.set_ylabel("linear regions")


STUDY = Study(
    name="digits",
    title="a network of MNIST's shape, [784, 4, 10], on real digits",
    source="Lezeau et al. (2024), the MNIST experiment",
    about="Published: [784, 4, 10] trained for 30 epochs, accuracy 85 %, monomials and linear regions of one output. "
    "Here: of all ten "
    "outputs and of all together, on scikit-learn's digits enlarged to 28 x 28; quick: one network, full: five.",
    cases=cases,
    trial=trial,
    summarize=summarize,
    draw=draw,
    aliases=("mnist",),
)
