"""Figure 10 and appendix A of Lezeau et al. (2024): everything about one small network, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nn_bridge.cells.statistics import region_statistics
from nn_bridge.network.network import Network
from nn_bridge.readers.json import network_from_document
from nn_bridge.symbolic.monomials import native_monomials
from nn_bridge.symbolic.tropicalize import tropicalize
from nn_bridge.writers.json import document_of
from polyhedra.matrix import AffineMap
from polyhedra.scalars import rounded_text, to_text
from puiseux.pictures.plot import plot_regions
from puiseux.questions.formula import simplify
from puiseux.studies.data import gaussian_clusters
from puiseux.studies.figures import panels
from puiseux.studies.study import Plain, Study, Summary, Trial
from puiseux.studies.training import train
from tropical.polynomial import PuiseuxPolynomial

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHAPE = [2, 4, 1]
BITS = 4
PUBLISHED = (
    "Published (appendix A, another network): 13 linear maps on 14 linear regions, 6 of them unbounded; one region is "
    "a union that is not convex, and two regions share a map. Not tested on these networks."
)


def cases(full: bool) -> list[Plain]:
    """One network of four units; in the full form a second one with two layers."""
    shapes = [SHAPE, [2, 4, 3, 1]] if full else [SHAPE]
    return [{"architecture": shape} for shape in shapes]


def trial(parameters: Plain, rng: np.random.Generator) -> Plain:
    """The whole report of one trained network, its weights rounded to sixteenths so that it can be read."""
    data = gaussian_clusters(rng)
    (last,) = train(parameters["architecture"], data.inputs, data.targets, rng=rng, epochs=20)
    network = last.network.round(BITS)
    (native,) = native_monomials(network)[-1]
    (expanded,) = tropicalize(network, prune="none")
    (pruned,) = tropicalize(network)
    (shortest,) = simplify(network).outputs
    regions = list(region_statistics(network))
    return {
        "network": document_of(network),
        "native": native.numerator + native.denominator,
        "distinct": len(expanded.numerator) + len(expanded.denominator),
        "pruned": len(pruned.numerator) + len(pruned.denominator),
        "shortest": len(shortest.rational.numerator) + len(shortest.rational.denominator),
        "minimal": shortest.minimal,
        "native numerator": _terms(expanded.numerator),
        "native denominator": _terms(expanded.denominator),
        "pruned formula": str(pruned),
        "shortest formula": shortest.to_text(),
        "regions": [
            {
                "polyhedra": region.polyhedra,
                "affine map": _affine_text(region.affine_map),
                "volume": None if region.volume is None else to_text(region.volume),
                "facets": region.facets,
                "vertices": [[to_text(v) for v in vertex] for vertex in region.vertices],
                "neighbours": region.neighbours,
            }
            for region in regions
        ],
    }


def network_of(record: Plain) -> Network:
    """The network that a record reports on."""
    return network_from_document(record["network"])


def _terms(polynomial: PuiseuxPolynomial) -> list[str]:
    return [str(PuiseuxPolynomial({a: c}, polynomial.dim)) for a, c in polynomial.terms]


def _affine_text(affine_map: AffineMap) -> str:
    """The first output as text, by the printer of polynomials (of one term).

    Examples
    --------
    >>> _affine_text(AffineMap.of([[1, "-1/2"]], [3]))
    'x1 - 1/2x2 + 3'
    """
    return str(PuiseuxPolynomial({affine_map.matrix[0]: affine_map.offset[0]}, affine_map.input_dim))


def summarize(trials: Sequence[Trial]) -> Summary:
    """The regions of each network, one a row; the formulas below."""
    rows: list[tuple[Any, ...]] = []
    remarks = [PUBLISHED]
    for trial in trials:
        shape = tuple(trial["architecture"])
        for number, region in enumerate(trial["regions"]):
            volume = region["volume"]
            size = "unbounded" if volume is None else volume
            shown = size if len(size) < 24 else f"{_rounded(volume)} (rounded)"
            vertices = len(region["vertices"])
            rows.append((shape, number, region["affine map"], shown, region["facets"], vertices, region["neighbours"]))
        remarks += [
            f"{list(shape)}: {trial['native']} monomials in the native expansion, {trial['distinct']} with different "
            f"exponents, {trial['pruned']} after pruning, {trial['shortest']} in the shortest formula found "
            f"({trial['minimal']} to be the shortest of this form).",
            f"Pruned: {trial['pruned formula']}",
            f"Shortest: {trial['shortest formula']}",
        ]
    columns = ("network", "region", "affine map", "volume", "facets", "vertices", "neighbours")
    return Summary(columns, tuple(rows), tuple(remarks))


def _rounded(text: str) -> str:
    from polyhedra.scalars import rational

    return rounded_text(rational(text), 6)


def draw(trials: Sequence[Trial], figure: Figure) -> None:
    """The regions of each network, by affine map and by value."""
    axes = panels(figure, 2, len(trials), width=5.4, height=4.4)
    for row, trial in enumerate(trials):
        network = network_of(trial.record)
        left, right = axes[2 * row : 2 * row + 2]
        plot_regions(network, left)
        left.set_title(f"{trial['architecture']}: {len(trial['regions'])} linear regions")
        window = [left.get_xlim(), left.get_ylim()]
        plot_regions(network, right, window=window, color_by="value")


STUDY = Study(
    name="report",
    title="a full report of one network: formulas, regions, volumes, picture",
    source="Lezeau et al. (2024), figure 10 and appendix A",
    about="Published: a small network with two inputs, its native and pruned representation, linear maps, volumes and "
    "picture. Here: the same of [2, 4, 1] trained on clusters, weights rounded to sixteenths, all numbers exact; "
    "full: of [2, 4, 3, 1] as well.",
    cases=cases,
    trial=trial,
    summarize=summarize,
    draw=draw,
    aliases=("figure10", "appendix-a"),
)
