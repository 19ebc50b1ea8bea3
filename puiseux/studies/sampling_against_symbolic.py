"""Table 3 of Lezeau et al. (2024): linear regions counted symbolically against the sampling estimate."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nn_bridge.cells.counting.count import count_cells
from nn_bridge.expressivity.sampling import sample_regions
from nn_bridge.expressivity.sampling_box import sampling_box
from nn_bridge.symbolic.count import count_symbolic
from polyhedra.errors import AlgebraError
from polyhedra.scalars import to_float
from puiseux.random_networks import random_network
from puiseux.studies.figures import COLOURS, panels
from puiseux.studies.study import Plain, Study, Summary, Trial, groups, mean, standard_error, verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ARCHITECTURES = ([2, 6, 1], [3, 5, 1], [4, 4, 1], [5, 3, 1], [6, 2, 1], [3, 2, 2, 1], [3, 3, 2, 1])
KNOWN = {
    "ReLU on the output": (15.0, 22.5, 15.2, 7.7, 4.0, 4.2, 10.4),
    "affine output": (22.0, 26.0, 16.0, 8.0, 4.0, 6.2, 15.0),
}
"""Mean numbers of regions of 25 networks each, known beforehand.  A ReLU on the output and the standard deviation
sqrt(2/inputs) in every layer is the setting of the published numbers; an affine output and sqrt(2/fan-in) the usual."""
INITIALISATION = {"ReLU on the output": "he-input", "affine output": "he"}
KNOWN_NETWORKS = 25
SAMPLES = 20_000
RADIUS = 10.0
GRID = ((5.0, 1000), (5.0, 5000), (20.0, 1000), (20.0, 5000))
"""The published estimates: radius of the cube and number of points."""
THIN = {"linewidth": 0.7}


def cases(full: bool) -> list[Plain]:
    """25 networks of each shape and setting; 8 in the quick form."""
    return [
        {"setting": setting, "architecture": shape, "trial": k}
        for setting in KNOWN
        for shape in ARCHITECTURES
        for k in range(25 if full else 8)
    ]


def trial(parameters: Plain, rng: np.random.Generator) -> Plain:
    """One network: its regions by two exact routes, and the estimate."""
    setting = parameters["setting"]
    network = random_network(
        parameters["architecture"],
        rng=rng,
        init=INITIALISATION[setting],
        relu_on_output=setting == "ReLU on the output",
    )
    sample_regions(network, n_samples=1, cube=RADIUS, rng=0)  # without a clock: torch loads when it is first used
    begun = time.process_time()
    symbolic = count_symbolic(network).regions
    between = time.process_time()
    by_cells = count_cells(network).regions
    if by_cells != symbolic:
        raise AlgebraError(f"two exact routes disagree, {symbolic} and {by_cells} regions: please report {parameters}")
    box = sampling_box(network)
    start = time.process_time()
    sampled = sample_regions(network, n_samples=SAMPLES, cube=RADIUS, rng=rng)
    end = time.process_time()
    in_box = sample_regions(network, n_samples=SAMPLES, cube=box.bounds, rng=rng).regions
    grid = [sample_regions(network, n_samples=points, cube=radius, rng=rng).regions for radius, points in GRID]
    return {
        "symbolic": symbolic,
        "sampled": sampled.regions,
        "sampled in the box": in_box,
        "sampled on the grid": grid,
        "box radius": to_float(box.radius),
        "symbolic seconds": between - begun,
        "sampling seconds": end - start,
    }


def summarize(trials: Sequence[Trial]) -> Summary:
    """Means by setting and shape, beside the given means."""
    rows = []
    for (setting, shape), found in groups(trials, "setting", "architecture").items():
        exact = [t["symbolic"] for t in found]
        known = KNOWN[setting][ARCHITECTURES.index(list(shape))]
        rows.append(
            (
                setting,
                shape,
                len(found),
                mean(exact),
                standard_error(exact),
                known,
                verdict(_agrees(exact, known)),
                _difference(exact, known),
                *(mean([t["sampled on the grid"][k] for t in found]) for k in range(len(GRID))),
                mean([t["sampled"] for t in found]),
                sum(t["sampled"] < t["symbolic"] for t in found),
                sum(t["sampled"] > t["symbolic"] for t in found),
                mean([t["sampled in the box"] for t in found]),
                float(np.median([t["box radius"] for t in found])),
                mean([t["symbolic seconds"] for t in found]),
                mean([t["sampling seconds"] for t in found]),
            )
        )
    remarks = (
        "The known means with a ReLU on the output are those of the setting of the published table; with an affine "
        "output they are not published.",
        "The networks are other random ones than those 25, so the means differ by chance; the difference is given in "
        "standard errors of both means together, and up to three of them pass as chance.",
        _grid_text(trials),
        f"Sampled: {SAMPLES:,} points in [-{RADIUS:g}, {RADIUS:g}]^n. Regions that are thin or outside are missed, and "
        "one that is not convex can be counted twice: the networks with too small and too large an estimate.",
        "In box: as many points in a cube that provably meets the interior of every region, whose median radius is "
        "given: where it is much larger, more of the small regions near the origin are missed.",
        "Every symbolic number was counted a second time through the activation cells: the two exact routes agree.",
    )
    grid = [f"{radius:g}: {points}" for radius, points in GRID]
    columns = ("setting", "network", "networks", "exact", "error", "published or known", "verdict", "difference")
    return Summary(
        (*columns, *grid, "sampled", "too small", "too large", "in box", "box radius", "exact s", "sampling s"),
        tuple(rows),
        remarks,
    )


def _grid_text(trials: Sequence[Trial]) -> str:
    """Compare the estimates by the published radii and numbers of points."""
    found = []
    for k, (radius, points) in enumerate(GRID):
        low = sum(t["sampled on the grid"][k] < t["symbolic"] for t in trials)
        high = sum(t["sampled on the grid"][k] > t["symbolic"] for t in trials)
        found.append(f"{points} points in [-{radius:g}, {radius:g}]^n: too small {low} times, too large {high}")
    return (
        f"The published estimates take four cubes and numbers of points. Of {len(trials)} networks here, "
        f"{'; '.join(found)}. More points find more regions; a larger cube holds all of them, but thins the points out."
    )


def _difference(exact: Sequence[int], known: float) -> float | None:
    """How far the mean is from a known mean of 25, in standard errors of both; None where all are equal."""
    error = standard_error(exact)
    if not error:
        return None
    return (mean(exact) - known) / (error * (1 + len(exact) / KNOWN_NETWORKS) ** 0.5)


def _agrees(exact: Sequence[int], known: float) -> bool | None:
    """Whether the mean differs from a known one by at most three standard errors; None for a single network."""
    if len(exact) < 2:
        return None
    difference = _difference(exact, known)
    return mean(exact) == known if difference is None else abs(difference) <= 3


def draw(trials: Sequence[Trial], figure: Figure) -> None:
    """Exact, sampled and published means, a panel for each setting."""
    by_setting = groups(trials, "setting")
    axes = panels(figure, len(by_setting), width=6.2)
    for ax, ((setting,), found) in zip(axes, by_setting.items(), strict=True):
        by_shape = groups(found, "architecture")
        places = np.arange(len(by_shape))
        bars = [("exact", [[t["symbolic"] for t in own] for own in by_shape.values()])]
        for k, (radius, points) in enumerate(GRID):
            values = [[t["sampled on the grid"][k] for t in own] for own in by_shape.values()]
            bars.append((f"{points} points, radius {radius:g}", values))
        width = 0.8 / len(bars)
        for number, (label, values) in enumerate(bars):
            errors = [standard_error(own) or 0.0 for own in values]
            heights = [mean(own) for own in values]
            shift = width * (number - (len(bars) - 1) / 2)
            ax.bar(places + shift, heights, width, yerr=errors, color=COLOURS[number], label=label, error_kw=THIN)
        given = [KNOWN[setting][ARCHITECTURES.index(list(shape))] for (shape,) in by_shape]
        label = "published" if setting == "ReLU on the output" else "known beforehand"
        ax.plot(places, given, "k_", markersize=26, markeredgewidth=1.5, label=label)
        ax.set_xticks(places, [str(list(shape)) for (shape,) in by_shape], rotation=30, ha="right", fontsize="small")
        count = len(next(iter(by_shape.values())))
        ax.set(ylabel="linear regions, mean", title=f"{setting}, {count} networks each" if count > 1 else setting)
    for ax in axes:
        ax.legend(frameon=False, fontsize="small", ncols=2)
        ax.set_ylim(0, 1.25 * ax.get_ylim()[1])


STUDY = Study(
    name="sampling",
    title="linear regions: symbolic counts against sampling",
    source="Lezeau et al. (2024), table 3",
    about="Published: seven shapes, 25 random networks each, counted symbolically and estimated by sampling Jacobians "
    "at 1000 and 5000 points in cubes of radius 5 and 20. Here: the same with both readings of the published setting, "
    "each exact count by two routes; quick: 8 of each.",
    cases=cases,
    trial=trial,
    summarize=summarize,
    draw=draw,
    aliases=("table3",),
)
