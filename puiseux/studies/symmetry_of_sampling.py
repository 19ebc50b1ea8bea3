"""Figure 6 of Lezeau et al. (2024): permutation-invariant networks sampled in full and in a fundamental domain."""

from __future__ import annotations

import time
from collections.abc import Sequence
from math import factorial
from typing import TYPE_CHECKING

import numpy as np

from nn_bridge.cells.counting.count import count_cells
from nn_bridge.expressivity.sampling import sample_regions
from nn_bridge.expressivity.symmetry import permutation_symmetry, regions_by_symmetry, sample_by_symmetry
from polyhedra.errors import AlgebraError
from puiseux.random_networks import random_invariant_network
from puiseux.studies.figures import mean_line, panels
from puiseux.studies.study import Plain, Study, Summary, Trial, groups, mean

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RADIUS = 20.0
CHANNELS = [2]


def cases(full: bool) -> list[Plain]:
    """Ten networks for each number of inputs, 2 to 6; three for 2 to 5 in the quick form."""
    most, count = (6, 10) if full else (5, 3)
    return [{"inputs": n, "channels": CHANNELS, "trial": k} for n in range(2, most + 1) for k in range(count)]


def trial(parameters: Plain, rng: np.random.Generator) -> Plain:
    """One network: two estimates and two exact counts."""
    n = parameters["inputs"]
    network = random_invariant_network(n, parameters["channels"], rng=rng)
    symmetry = permutation_symmetry(network)
    if not symmetry.is_full:
        raise AlgebraError(f"the network is not invariant: {symmetry.blocks}; please report {parameters}")
    sample_regions(network, samples=1, cube=RADIUS, rng=0)
    exact = count_cells(network).regions  # once without a clock: libraries load when they are first used
    clock = [time.process_time()]
    everywhere = sample_regions(network, samples=10**n, cube=RADIUS, rng=rng).regions
    clock.append(time.process_time())
    samples = max(1, 10**n // factorial(n))
    domain = sample_by_symmetry(network, samples=samples, cube=RADIUS, rng=rng, symmetry=symmetry).regions
    clock.append(time.process_time())
    count_cells(network)
    clock.append(time.process_time())
    if exact != regions_by_symmetry(network, symmetry):
        raise AlgebraError(f"the exact count by symmetry differs from {exact}: please report {parameters}")
    clock.append(time.process_time())
    names = ("sampling seconds", "domain seconds", "exact seconds", "exact by symmetry seconds")
    seconds = {name: after - before for name, before, after in zip(names, clock, clock[1:], strict=False)}
    return {"exact": exact, "sampled": everywhere, "sampled in the domain": domain, **seconds}


def summarize(trials: Sequence[Trial]) -> Summary:
    """Means by the number of inputs."""
    rows = []
    for (n,), found in groups(trials, "inputs").items():
        exact, sampled, domain = (
            mean([t[name] for t in found]) for name in ("exact", "sampled", "sampled in the domain")
        )
        ratio = mean([t["sampled in the domain"] / t["sampled"] for t in found])
        seconds = (mean([t[name] for t in found]) for name in ("sampling seconds", "domain seconds", "exact seconds"))
        rows.append((n, len(found), exact, sampled, domain, ratio, *seconds, None))
    remarks = (
        "The published values are a figure whose numbers are not known here.",
        f"Sampled: 10^n points in [-{RADIUS:g}, {RADIUS:g}]^n; in the domain: 10^n / n! points with decreasing "
        "coordinates, each piece counted as often as its Jacobian has arrangements.",
        "Exact: on all of R^n, a second time from the fundamental domain alone, with the same result.",
    )
    columns = ("n", "networks", "exact", "sampled", "in the domain", "ratio", "sampling s", "domain s", "exact s")
    return Summary((*columns, "published"), tuple(rows), remarks)


def draw(trials: Sequence[Trial], figure: Figure) -> None:
    """Estimates over exact counts, and times."""
    left, right = panels(figure, 2)
    by_inputs = {n: found for (n,), found in groups(trials, "inputs").items()}
    for number, (name, label) in enumerate((("sampled", "in the cube"), ("sampled in the domain", "in the domain"))):
        samples = [[t[name] / t["exact"] for t in found] for found in by_inputs.values()]
        mean_line(left, list(by_inputs), samples, number, label)
    left.axhline(1.0, color="k", linewidth=0.8, linestyle=":")
    names = {"sampling seconds": "in the cube", "domain seconds": "in the domain", "exact seconds": "exact"}
    for number, (name, label) in enumerate(names.items()):
        mean_line(right, list(by_inputs), [[t[name] for t in found] for found in by_inputs.values()], number, label)
    left.set(xlabel="inputs n", ylabel="estimate over exact number of regions", xticks=list(by_inputs))
    right.set(xlabel="inputs n", ylabel="seconds", yscale="log", xticks=list(by_inputs))
    left.legend(frameon=False)
    right.legend(frameon=False)


STUDY = Study(
    name="symmetry",
    title="permutation-invariant networks: sampling a fundamental domain",
    source="Lezeau et al. (2024), figure 6",
    about="Published: invariant networks with 2 to 6 inputs, 10^d points in [-20, 20]^d against 10^d / d! in the "
    "fundamental domain, 10 networks each. Here: the same with one equivariant layer of two channels, beside the exact "
    "count by two routes; quick: up to 5 inputs, three networks each.",
    cases=cases,
    trial=trial,
    summarize=summarize,
    draw=draw,
    aliases=("figure6",),
)
