"""Figure 7 of Lezeau et al. (2024): linear regions of random tropical rational functions against their monomials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from puiseux.studies.figures import drawn, mean_line, panels, readable_logarithms
from puiseux.studies.study import Plain, Study, Summary, Trial, groups, mean, verdict
from tropical.polynomial import PuiseuxPolynomial
from tropical.pruning import prune
from tropical.rational import PuiseuxRational
from tropical.regions import linear_regions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PUBLISHED_SIZES = (20, 50, 100, 200, 350, 500, 800, 1000)
PUBLISHED_FUNCTIONS = 30
CLAIM = "curves without numbers"
QUICK = {
    ("uniform", 3): (20, 50, 100, 200),
    ("uniform", 4): (20, 50),
    ("normal", 3): (20, 50, 100, 200),
    ("normal", 4): (20, 50),
    ("convex position", 3): (20, 50),
}
FULL = {
    ("uniform", 3): PUBLISHED_SIZES,
    ("uniform", 4): PUBLISHED_SIZES,
    ("normal", 3): (20, 50, 100, 200, 500, 1000),
    ("normal", 4): (20, 50, 100, 200, 500, 1000),
    ("convex position", 3): (20, 50, 100, 200),
    ("convex position", 4): (20, 50),
}


def cases(full: bool) -> list[Plain]:
    """Thirty functions of each published size, five of each other one; one in the quick form, and fewer sizes."""
    return [
        {"kind": kind, "inputs": n, "monomials": m, "trial": k}
        for (kind, n), sizes in (FULL if full else QUICK).items()
        for m in sizes
        for k in range(1 if not full else PUBLISHED_FUNCTIONS if kind == "uniform" else 5)
    ]


def trial(parameters: Plain, rng: np.random.Generator) -> Plain:
    """The regions of one random f - g."""
    f, g = (_polynomial(parameters, rng) for _ in range(2))
    regions = linear_regions(PuiseuxRational(f, g))
    return {
        "pruned": len(prune(f)) + len(prune(g)),
        "regions": len(regions),
        "affine maps": len({region.affine_map for region in regions}),
        "polyhedra": sum(len(region.polyhedra) for region in regions),
    }


def _polynomial(parameters: Plain, rng: np.random.Generator) -> PuiseuxPolynomial:
    """Exponents and coefficients uniform on [0, 1] or normal, or coefficients with which every monomial stays.

    These are minus half the squares of normal exponents: "convex position".
    """
    n, m = int(parameters["inputs"]), int(parameters["monomials"])
    kind = parameters["kind"]
    exponents = rng.uniform(size=(m, n)) if kind == "uniform" else rng.normal(size=(m, n))
    if kind == "uniform":
        coefficients = rng.uniform(size=m)
    elif kind == "normal":
        coefficients = rng.normal(size=m)
    else:
        coefficients = -(exponents**2).sum(axis=1) / 2
    terms = zip(exponents.tolist(), coefficients.tolist(), strict=True)
    return PuiseuxPolynomial({tuple(exponent): coefficient for exponent, coefficient in terms}, n)


def summarize(trials: Sequence[Trial]) -> Summary:
    """Means by kind, inputs and monomials."""
    rows = []
    for (kind, inputs, m), found in groups(trials, "kind", "inputs", "monomials").items():
        means = [mean([t[name] for t in found]) for name in ("pruned", "regions", "polyhedra")]
        rows.append((kind, inputs, m, *means, *((CLAIM, verdict(None)) if kind == "uniform" else (None, None))))
    remarks = (
        "Published: curves without numbers, means of 30 functions with exponents and coefficients uniform on [0, 1]; m "
        "monomials above and m below are drawn. The other kinds are beyond the paper.",
        *_growth(trials),
    )
    columns = ("coefficients", "n", "m", "monomials kept", "regions", "polyhedra", "published", "verdict")
    return Summary(columns, tuple(rows), remarks)


def _growth(trials: Sequence[Trial]) -> list[str]:
    """The exponent of m in the number of regions, fitted on logarithmic scales."""
    found = []
    for (kind, inputs), own in groups(trials, "kind", "inputs").items():
        sizes = {m: mean([t["regions"] for t in same]) for (m,), same in groups(own, "monomials").items()}
        if len(sizes) > 1:
            slope = float(np.polyfit(np.log(list(sizes)), np.log(list(sizes.values())), 1)[0])
            found.append(f"Coefficients {kind}, n = {inputs}: the regions grow about like m^{slope:.2f}.")
    return found


def draw(trials: Sequence[Trial], figure: Figure) -> None:
    """Regions against monomials as drawn, and against monomials kept."""
    left, right = panels(figure, 2)
    for number, ((kind, inputs), found) in enumerate(groups(trials, "kind", "inputs").items()):
        sizes = {m: own for (m,), own in groups(found, "monomials").items()}
        samples = [[t["regions"] for t in own] for own in sizes.values()]
        mean_line(left, list(sizes), samples, number, f"n = {inputs}, {kind}")
        kept = [mean([t["pruned"] for t in own]) for own in sizes.values()]
        mean_line(right, kept, samples, number)
    left.set(xlabel="monomials above, and below", ylabel="linear regions", xscale="log", yscale="log")
    right.set(xlabel="monomials left after pruning", xscale="log", yscale="log")
    for ax in (left, right):
        readable_logarithms(ax)
    left.legend(fontsize="small", frameon=False)
    counts = [len(own) for own in groups(trials, "kind", "inputs", "monomials").values()]
    left.set_title(drawn(counts).replace("network", "function"))


STUDY = Study(
    name="monomials",
    title="linear regions of random rational functions against their monomials",
    source="Lezeau et al. (2024), figure 7",
    about="Published: random tropical rational functions in 3 and 4 variables with 20 to 1000 monomials, 30 of each "
    "size, exponents and coefficients uniform on [0, 1]. Here: the same, normal ones, and a kind in which no "
    "monomial is redundant; quick: one of each size up to 200.",
    cases=cases,
    trial=trial,
    summarize=summarize,
    draw=draw,
    aliases=("figure7",),
)
