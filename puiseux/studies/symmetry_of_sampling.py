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
from nn_bridge.network.network import Network
from polyhedra.errors import AlgebraError
from puiseux.random_networks import random_invariant_network
from puiseux.studies.figures import drawn, mean_line, panels
from puiseux.studies.study import Plain, Study, Summary, Trial, mean, verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RADIUS = 20.0
CHANNELS = [2]
EQUATION, LAYER = "equation (2)", "two channels"
NOTEBOOK_RATIOS = {2: 1.0, 3: 1.025, 4: 1.18125, 5: 1.2601293103448277, 6: 2.3078125}
"""Estimate in the domain over estimate in the cube by the number of inputs, means over ten networks: what the authors'
public notebook printed, for a cube of radius 5."""


def cases(full: bool) -> list[Plain]:
    """Ten networks of both forms for each number of inputs, 2 to 6; three for 2 to 5 in the quick form."""
    most, count = (6, 10) if full else (5, 3)
    sizes = range(2, most + 1)
    return [
        *({"inputs": n, "form": EQUATION, "trial": k} for n in sizes for k in range(count)),
        *({"inputs": n, "channels": CHANNELS, "trial": k} for n in sizes for k in range(count)),
    ]


def form_of(parameters: Plain) -> str:
    """Equation (2) of the paper, or one equivariant layer with several channels and biases."""
    return str(parameters.get("form", LAYER))


def network_of_equation(inputs: int, rng: np.random.Generator) -> Network:
    """``sum_i max(0, alpha x_i + gamma sum_j x_j)`` with alpha and gamma uniform on [-1, 1]: equation (2).

    In general position it has ``2^n`` linear regions, all of them cones.

    Examples
    --------
    >>> str(network_of_equation(3, np.random.default_rng(0)))
    'Network [3, 3, 1]'
    """
    alpha, gamma = rng.uniform(-1.0, 1.0, 2)
    layer = alpha * np.eye(inputs) + gamma * np.ones((inputs, inputs))
    return Network.from_layers([layer, np.ones((1, inputs))], [np.zeros(inputs), np.zeros(1)])


def trial(parameters: Plain, rng: np.random.Generator) -> Plain:
    """One network: two estimates and two exact counts."""
    n = parameters["inputs"]
    if form_of(parameters) == EQUATION:
        network = network_of_equation(n, rng)
    else:
        network = random_invariant_network(n, parameters["channels"], rng=rng)
    symmetry = permutation_symmetry(network)
    if not symmetry.is_full:
        raise AlgebraError(f"the network is not invariant: {symmetry.blocks}; please report {parameters}")
    sample_regions(network, n_samples=1, cube=RADIUS, rng=0)
    exact = count_cells(network).regions  # once without a clock: libraries load when they are first used
    clock = [time.process_time()]
    everywhere = sample_regions(network, n_samples=10**n, cube=RADIUS, rng=rng).regions
    clock.append(time.process_time())
    samples = max(1, 10**n // factorial(n))
    domain = sample_by_symmetry(network, n_samples=samples, cube=RADIUS, rng=rng, symmetry=symmetry).regions
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
    """Means by form and number of inputs."""
    rows = []
    for (form, n), found in _groups(trials).items():
        exact, sampled, domain = (
            mean([t[name] for t in found]) for name in ("exact", "sampled", "sampled in the domain")
        )
        ratio = mean([t["sampled in the domain"] / t["sampled"] for t in found])
        seconds = (mean([t[name] for t in found]) for name in ("sampling seconds", "domain seconds", "exact seconds"))
        too_few = any(t["sampled in the domain"] < t["exact"] for t in found)
        claim = "does not undercount"
        rows.append((form, n, len(found), exact, sampled, domain, ratio, *seconds, claim, verdict(not too_few)))
    ratios = ", ".join(f"{ratio:.4g}" for ratio in NOTEBOOK_RATIOS.values())
    remarks = (
        "Published: the estimate from the fundamental domain is an upper bound and does not undercount."
        + _worst(trials),
        f"The authors' public notebook prints mean ratios of {ratios} for 2 to 6 inputs (equation (2), cube of radius "
        "5), and in it too one estimate of 12 where the cube gave 29. Ratios above 1 arise there from rounding: equal "
        "entries of a Jacobian that differ in the last digits are counted as arrangements. Here entries are compared "
        "exactly, and no estimate is too large.",
        "Equation (2): sum_i max(0, alpha x_i + gamma sum_j x_j), which has 2^n regions. Two channels: an equivariant "
        "layer with biases, beyond the paper.",
        f"Sampled: 10^n points in [-{RADIUS:g}, {RADIUS:g}]^n; in the domain: 10^n / n! points with decreasing "
        "coordinates, each piece counted as often as its Jacobian has arrangements.",
        "Exact: on all of R^n, a second time from the fundamental domain alone, with the same result.",
    )
    columns = ("network", "n", "networks", "exact", "sampled", "in the domain", "ratio", "sampling s", "domain s")
    return Summary((*columns, "exact s", "published", "verdict"), tuple(rows), remarks)


def _groups(trials: Sequence[Trial]) -> dict[tuple[str, int], list[Trial]]:
    found: dict[tuple[str, int], list[Trial]] = {}
    for t in trials:
        found.setdefault((form_of(t.parameters), t["inputs"]), []).append(t)
    return found


def _worst(trials: Sequence[Trial]) -> str:
    """The largest undercount among the trials as a sentence; nothing where there is none."""
    low = [t for t in trials if t["sampled in the domain"] < t["exact"]]
    if not low:
        return ""
    worst = min(low, key=lambda t: t["sampled in the domain"] / t["exact"])
    return (
        f" Contradicted: it is too small in {len(low)} of {len(trials)} trials here, at worst "
        f"{worst['sampled in the domain']} for {worst['exact']} regions, since points miss regions."
    )


def draw(trials: Sequence[Trial], figure: Figure) -> None:
    """Estimates over exact counts for each form, and times."""
    left, right = panels(figure, 2, width=5.2)
    by_inputs: dict[int, list[Trial]] = {}
    for (_, n), found in _groups(trials).items():
        by_inputs.setdefault(n, []).extend(found)
    kinds = (("sampled", "in the cube"), ("sampled in the domain", "in the domain"))
    for place, form in enumerate(dict.fromkeys(form for form, _ in _groups(trials))):
        own = {n: found for (other, n), found in _groups(trials).items() if other == form}
        for number, (name, label) in enumerate(kinds):
            samples = [[t[name] / t["exact"] for t in found] for found in own.values()]
            style = "-" if form == EQUATION else "--"
            options = {"linestyle": style, "markersize": 7 - 3 * number}  # both may lie on one line
            mean_line(left, list(own), samples, number + 2 * place, f"{form}, {label}", **options)
    ratios = {n: NOTEBOOK_RATIOS[n] for n in by_inputs if n in NOTEBOOK_RATIOS}
    label = "equation (2), published: domain over cube"
    left.plot(list(ratios), list(ratios.values()), "kx", markersize=6, label=label)
    left.axhline(1.0, color="k", linewidth=0.8, linestyle=":")
    left.set_title(drawn([len(found) for found in _groups(trials).values()]))
    names = {"sampling seconds": "in the cube", "domain seconds": "in the domain", "exact seconds": "exact"}
    for number, (name, label) in enumerate(names.items()):
        mean_line(right, list(by_inputs), [[t[name] for t in found] for found in by_inputs.values()], number, label)
    left.set(xlabel="inputs n", ylabel="estimate over exact number of regions", xticks=list(by_inputs))
    right.set(xlabel="inputs n", ylabel="seconds", yscale="log", xticks=list(by_inputs))
    low, high = left.get_ylim()
    left.set_ylim(low, high + 0.55 * (high - low))
    left.legend(fontsize="small", frameon=False, loc="upper left")
    right.legend(frameon=False)


STUDY = Study(
    name="symmetry",
    title="permutation-invariant networks: sampling a fundamental domain",
    source="Lezeau et al. (2024), figure 6",
    about="Published: invariant networks with 2 to 6 inputs, 10^d points in [-20, 20]^d against 10^d / d! in the "
    "fundamental domain, 10 networks each; the estimate is said to be an upper bound. Here: the same by the paper's "
    "equation (2), and with one equivariant layer of two channels, beside the exact count by two routes; quick: up to "
    "5 inputs, three networks each.",
    cases=cases,
    trial=trial,
    summarize=summarize,
    draw=draw,
    aliases=("figure6",),
)
