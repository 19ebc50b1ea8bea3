"""Tables 1 and 2 of Lezeau et al. (2024): exact Hoffman constants with bounds on both sides, and effective radii."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
from flint import fmpq

from nn_bridge.symbolic.tropicalize import tropicalize
from polyhedra.matrix import Matrix
from polyhedra.scalars import rational_rows, to_float
from puiseux.random_networks import random_network
from puiseux.studies import hoffman_published
from puiseux.studies.figures import COLOURS, MARKERS, panels
from puiseux.studies.study import Plain, Study, Summary, Trial, groups, mean, verdict
from tropical.effective_radius import effective_radius, minimal_effective_radius
from tropical.hoffman import hoffman_constant, hoffman_lower, hoffman_upper
from tropical.polynomial import PuiseuxPolynomial
from tropical.rational import PuiseuxRational

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SAMPLES = 20
KNOWN = {
    "rows of I3 and (-1, -1, -1)": {"exact": 3.0},
    "max(0, x - 1, 2x), unpruned": {"exact": 1.0, "radius": 1.0},
    "max(0, x - 1, 2x), pruned": {"exact": 0.5, "radius": 0.0},
}
"""Published values of single examples."""


def cases(full: bool) -> list[Plain]:
    """Known examples, table 2, random matrices, polynomials and networks; ten of each kind, or three small ones."""
    count = 10 if full else 3
    matrices = [(4, 2), (6, 3), (8, 4)] + ([(10, 5), (12, 7)] if full else [])
    polynomials = [(2, 6), (3, 6)] + ([(2, 10), (3, 10)] if full else [])
    networks = [[2, 3, 1]] + ([[2, 4, 1], [3, 3, 1], [2, 2, 2, 1]] if full else [])
    return [
        *({"kind": "known", "example": name} for name in KNOWN),
        *hoffman_published.cases(full),
        *({"kind": "matrix", "rows": m, "columns": n, "trial": k} for m, n in matrices for k in range(count)),
        *(
            {"kind": "polynomial", "inputs": n, "monomials": m, "trial": k}
            for n, m in polynomials
            for k in range(count)
        ),
        *({"kind": "network", "architecture": shape, "trial": k} for shape in networks for k in range(count)),
    ]


def trial(parameters: Plain, rng: np.random.Generator) -> Plain:
    """One constant with its bounds; for maps the effective radius and the smallest one, before and after pruning."""
    kind = parameters["kind"]
    if kind == "known":
        return _known(parameters["example"], rng)
    if kind == "table 2":
        return hoffman_published.trial(parameters, rng, SAMPLES)
    if kind == "matrix":
        return _of_matrix(rational_rows(_quarters(rng, parameters["rows"], parameters["columns"])), rng)
    if kind == "polynomial":
        terms = _quarters(rng, parameters["monomials"], parameters["inputs"] + 1)
        f: Any = PuiseuxPolynomial({tuple(row[:-1]): row[-1] for row in terms}, parameters["inputs"])
    else:
        (f,) = tropicalize(random_network(parameters["architecture"], rng=rng, init="integers"), prune="none")
    after = _of_map(f, True, rng)
    before = _of_map(f, False, rng)
    smallest = minimal_effective_radius(f)
    return {
        **after,
        **{f"{name} before pruning": value for name, value in before.items()},
        "smallest radius": to_float(smallest.value),
        "ordered": after["ordered"] and before["ordered"] and to_float(smallest.value) <= after["radius"],
    }


def _known(example: str, rng: np.random.Generator) -> Plain:
    if example.startswith("rows"):
        return _of_matrix(rational_rows([[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, -1, -1]]), rng)
    kink = PuiseuxPolynomial([((0,), 0), ((1,), -1), ((2,), 0)])
    return _of_map(kink, example.endswith(", pruned"), rng)


def _quarters(rng: np.random.Generator, rows: int, columns: int) -> list[list[fmpq]]:
    """Multiples of 1/4 up to 2: short, and not in general position."""
    return [[fmpq(int(v), 4) for v in row] for row in rng.integers(-8, 9, (rows, columns))]


def _of_matrix(matrix: Matrix, rng: np.random.Generator) -> dict[str, Any]:
    begun = time.process_time()
    exact = hoffman_constant(matrix).value
    seconds = time.process_time() - begun
    lower, upper = hoffman_lower(matrix, n_samples=SAMPLES, rng=rng).value, hoffman_upper(matrix)
    return {
        "exact": to_float(exact),
        "lower": to_float(lower),
        "upper": to_float(upper),
        "published upper": hoffman_published.euclidean_bound(matrix),
        "ordered": bool(lower <= exact <= upper),
        "exact seconds": seconds,
    }


def _of_map(f: PuiseuxPolynomial | PuiseuxRational, pruned: bool, rng: np.random.Generator) -> dict[str, Any]:
    begun = time.process_time()
    found = effective_radius(f, pruned=pruned, n_samples=SAMPLES, rng=rng)
    seconds = time.process_time() - begun
    return {
        "exact": None if found.exact is None else to_float(found.exact),
        "lower": to_float(found.lower),
        "upper": to_float(found.upper),
        "radius": to_float(found.radius),
        "ordered": bool(found.lower <= (found.upper if found.exact is None else found.exact) <= found.upper),
        "exact seconds": seconds,
    }


def label_of(trial: Trial) -> str:
    """The case of a trial, without its number."""
    parameters = trial.parameters
    return {
        "known": lambda: str(parameters["example"]),
        "table 2": lambda: hoffman_published.label_of(parameters),
        "matrix": lambda: f"matrix {parameters['rows']} x {parameters['columns']}",
        "polynomial": lambda: f"polynomial, {parameters['monomials']} monomials, n = {parameters['inputs']}",
        "network": lambda: f"network {parameters['architecture']}",
    }[parameters["kind"]]()


def summarize(trials: Sequence[Trial]) -> Summary:
    """Known examples one by one, the others as means by size, beside what was published."""
    by_label: dict[str, list[Trial]] = {}
    for t in trials:
        by_label.setdefault(label_of(t), []).append(t)
    bound_holds = not any(_above_published(t) for t in trials)
    rows = []
    for label, found in by_label.items():
        values = [_mean_of(found, name) for name in ("lower", "exact", "upper", "exact before pruning", "radius")]
        middle = median([t["exact"] for t in found if t["exact"] is not None])
        published = _published(label, found, bound_holds)
        rows.append((label, len(found), *values, _mean_of(found, "smallest radius"), middle, *published))
    matrices = [t for t in trials if "published upper" in t.record and t["kind"] != "known"]
    invalid = sum(_above_published(t) for t in matrices)
    ordered = sum(t["ordered"] for t in trials)
    remarks = (
        f"Lower <= exact <= upper, in exact arithmetic, in {ordered} of {len(trials)} trials.",
        f"The published upper bound 1/sigma_min is below the exact constant for {invalid} of {len(matrices)} random "
        "matrices and maps: it is one for Euclidean norms. For I3 and (-1, -1, -1) it is 1.932, the constant is 3.",
        *hoffman_published.remarks([t for t in trials if t["kind"] == "table 2"]),
        "Of max(0, x - 1, 2x) the effective radius is published as well: 1, and 0 after pruning.",
    )
    columns = ("what", "instances", "lower", "exact", "upper", "exact before pruning", "radius", "smallest radius")
    return Summary((*columns, "median exact", "published", "verdict"), tuple(rows), remarks)


def _published(label: str, found: Sequence[Trial], bound_holds: bool) -> tuple[float | str, str]:
    """The published number or claim about one row of the table, and how it fares."""
    kind = found[0]["kind"]
    if kind == "known":
        known = KNOWN[label]
        return known["exact"], verdict(all(t[name] == value for t in found for name, value in known.items()))
    if kind == "table 2":
        return hoffman_published.published_of(found)
    if kind == "matrix":
        return "exact <= 1/sigma_min", verdict(bound_holds)
    return "the ball of this radius meets every region", verdict(
        all(t["smallest radius"] <= t["radius"] for t in found)
    )


def _above_published(trial: Trial) -> bool:
    bound = trial.record.get("published upper")
    return bound is not None and bool(trial["exact"] > bound * (1 + 1e-9))


def _mean_of(found: Sequence[Trial], name: str) -> float | None:
    values = [t.record[name] for t in found if t.record.get(name) is not None]
    return mean(values) if values else None


def draw(trials: Sequence[Trial], figure: Figure) -> None:
    """Bounds against the exact constant, and radii before and after pruning."""
    left, right = panels(figure, 2, width=5.6, height=4.4)
    for number, ((kind,), found) in enumerate(groups(trials, "kind").items()):
        own = [t for t in found if t["exact"] is not None]
        exact = [t["exact"] for t in own]
        for name, filled in (("lower", False), ("upper", True)):
            left.plot(exact, [t[name] for t in own], label=f"{kind}: {name} bound", **_marker_style(number, filled))
        maps = [t for t in found if "smallest radius" in t.record]
        before = [t["radius before pruning"] for t in maps]
        for name, label in (("radius", "pruned"), ("smallest radius", "smallest possible")) if maps else ():
            style = _marker_style(number, name == "radius")
            right.plot(before, [t[name] for t in maps], label=f"{kind}: {label}", **style)
    for place, name in enumerate(("lower", "upper")):
        exact = [value for part in hoffman_published.TABLE_2.values() for value in part.exact]
        bounds = [value for part in hoffman_published.TABLE_2.values() for value in getattr(part, name)]
        text = "published in table 2: both bounds" if place else None
        left.plot(exact, bounds, "k+", markersize=5, label=text)
    for ax in (left, right):
        drawn = [np.asarray(part, dtype=float) for line in ax.get_lines() for part in line.get_data()]
        shown = [value for part in drawn for value in part.tolist() if value > 0]
        ends = [0.8 * min(shown, default=0.1), 1.25 * max(shown, default=1.0)]
        ax.plot(ends, ends, "k:", linewidth=0.8)
        ax.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
        ax.legend(fontsize="x-small", frameon=False, loc="upper left" if ax is right else "lower right")
    left.set(xlabel="exact Hoffman constant", ylabel="bounds (dotted: equal)")
    right.set(xlabel="effective radius before pruning", ylabel="after pruning, and the smallest")


def _marker_style(number: int, filled: bool) -> dict[str, Any]:
    colour = COLOURS[number]
    inside = colour if filled else "none"
    return {"linestyle": "none", "marker": MARKERS[number], "color": colour, "markerfacecolor": inside, "markersize": 4}


STUDY = Study(
    name="hoffman",
    title="Hoffman constants and effective radii: exact, lower and upper",
    source="Lezeau et al. (2024), tables 1 and 2",
    about="Published: 32 random instances of four sizes with exact values, sampled lower bounds and upper bounds, and "
    "iterations for 24 matrices. Here: the same four sizes with fresh instances, 24 of each (quick: 8), random "
    "matrices up to 12 x 7, polynomials and networks, exact constants by linear programs, bounds that are proven in "
    "the infinity norm, radii before and after pruning beside the smallest possible; quick: small sizes, three each.",
    cases=cases,
    trial=trial,
    summarize=summarize,
    draw=draw,
    aliases=("table1", "table2"),
)
