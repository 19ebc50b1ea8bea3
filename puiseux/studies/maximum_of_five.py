"""Bakaev et al. (2025): the maximum of five numbers needs two hidden layers only, decided exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nn_bridge.cells.counting.count import count_cells
from nn_bridge.expressivity.maximum import FIVE, maximum_of_five, maximum_tree
from nn_bridge.network.network import Network
from polyhedra.scalars import rational, to_text
from puiseux.pictures.plot import plot_regions
from puiseux.questions.differences import largest_difference
from puiseux.studies.figures import panels
from puiseux.studies.study import Plain, Study, Summary, Trial, verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WHOLE, BROKEN = "two layers", "two layers, one weight changed"
CLAIM = "two hidden layers compute the maximum of five numbers"
PLANE = ([[3, 0], [0, 3], [-2, 1], [-1, -2], [1, -1]], [0, 1, "3/2", "-1/2", "1/4"])
"""Directions and origin of the plane in which the figure shows the networks; it meets all five regions."""


def cases(full: bool) -> list[Plain]:
    """The network of two layers, and a control with one weight changed; in the full form every output weight."""
    broken = range(maximum_of_five().hidden[-1]) if full else (0, 20, 110)
    return [{"network": WHOLE, "weight": None}, *({"network": BROKEN, "weight": k} for k in broken)]


def network_of(parameters: Plain) -> Network:
    """The network with two hidden layers, its output weight number ``weight`` larger by 1/60 where there is one.

    Examples
    --------
    >>> network_of({"network": BROKEN, "weight": 0}).evaluate([1, 0, 0, 0, 0])
    (61/60,)
    """
    right = maximum_of_five()
    if parameters["weight"] is None:
        return right
    first, second = (stage.blocks[0][1] for stage in right.stages)
    (output,) = right.output.blocks[0][1]
    changed = list(output)
    changed[parameters["weight"]] += rational("1/60")
    sizes = (len(first), len(second), 1)
    return Network.from_layers([first, second, [changed]], [[0] * size for size in sizes])


def trial(parameters: Plain, rng: np.random.Generator) -> Plain:
    """Compare a network with the tree of comparisons, which has three hidden layers."""
    network, tree = network_of(parameters), maximum_tree(FIVE)
    found = largest_difference(network, tree)
    counts = count_cells(network)
    return {
        "hidden": list(network.hidden),
        "tree": list(tree.hidden),
        "same function": found.same_function,
        "point": None if found.same_function or found.point is None else [to_text(v) for v in found.point],
        "cells": counts.cells,
        "regions": counts.regions,
        "affine maps": counts.affine_maps,
    }


def summarize(trials: Sequence[Trial]) -> Summary:
    """The comparison of the network, and of the controls together."""
    rows = []
    for name in (WHOLE, BROKEN):
        found = [t for t in trials if t["network"] == name]
        if not found:
            continue
        same = sum(t["same function"] is True for t in found)
        claim = (CLAIM, verdict(same == len(found))) if name == WHOLE else (None, None)
        first = found[0]
        sizes = ((FIVE, *first["hidden"], 1), max(t["cells"] for t in found), max(t["regions"] for t in found))
        rows.append((name, *sizes, len(found), same, *claim))
    remarks = (
        "Published: a rational identity, proved by hand; before it was conjectured that three hidden layers are "
        "needed. Decided here by the largest difference from the tree of comparisons (three hidden layers) on all of "
        "R^5, as by puiseux compare --within 0: it is 0.",
        "The identity used here has 95 maxima of two sums of two maxima, with weights 3/20, 1/30, 1/60 and -1/60; it "
        "is symmetric in the five numbers and was found by linear equations, so it need not be the published one.",
        "Controls: one output weight changed by 1/60, and the comparison finds a point where the networks differ.",
        "That two layers suffice for five numbers says nothing about six: the published bound is ceil(log3(n - 2)) + 1 "
        "hidden layers for n numbers.",
    )
    columns = ("network", "sizes", "cells", "regions", "compared", "same function", "published", "verdict")
    return Summary(columns, tuple(rows), remarks)


def draw(trials: Sequence[Trial], figure: Figure) -> None:
    """The regions of the maximum in a plane, and the cells by which two layers compute it."""
    left, right = panels(figure, 2, width=5.2, height=4.4)
    network = network_of({"network": WHOLE, "weight": None}).restrict_to(*PLANE)
    plot_regions(network, left, window=(-3, 3))
    left.set_title("max of five numbers in a plane: regions")
    plot_regions(network, right, window=(-3, 3), kind="cells")
    right.set_title("cells of the network with two hidden layers")
    for ax in (left, right):
        ax.set(xlabel="first direction of the plane", ylabel="second direction of the plane")


STUDY = Study(
    name="maximum",
    title="the maximum of five numbers with two hidden layers",
    source="Bakaev, Brunck, Hertrich, Stade and Yehudayoff (2025)",
    about="Published: the maximum of five numbers is computed by two hidden layers, against a conjecture that it needs "
    "three. Here: such a network, [5, 16, 111, 1] with rational weights, compared exactly with a tree of comparisons, "
    "and controls with one weight changed; quick: three controls, full: all.",
    cases=cases,
    trial=trial,
    summarize=summarize,
    draw=draw,
    aliases=("max5",),
)
