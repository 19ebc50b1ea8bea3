"""Betti numbers of decision regions by width and depth, of random, folded and trained networks, beside the claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from nn_bridge.network.network import Network
from nn_bridge.topology.sets import FaceSet
from puiseux.questions.input_sets import face_set, input_set
from puiseux.random_networks import random_network
from puiseux.studies.data import Data, disk_and_ring, gaussian_clusters, spirals, two_moons
from puiseux.studies.figures import drawn, mean_line, panels, readable_logarithms
from puiseux.studies.study import Plain, Study, Summary, Trial, groups, mean, verdict
from puiseux.studies.training import train

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTHS, DEPTHS = (4, 8, 12), (1, 2, 3)
NARROW = ([2, 2, 2, 1], [2, 2, 2, 2, 1], [3, 3, 3, 1])
ONE_MORE = ([2, 3, 1], [3, 4, 1])
FOLDS = (1, 2, 3)
DATA: dict[str, Callable[[np.random.Generator], Data]] = {
    "clusters": gaussian_clusters,
    "ring": disk_and_ring,
    "moons": two_moons,
    "spirals": spirals,
}
EPOCHS = [0, 5, 10, 20, 40]

NARROW_CLAIM = "no bounded component where no layer is wider than the inputs"
ONE_MORE_CLAIM = "at most one bounded component with one layer of n + 1 units"
SHALLOW_CLAIM = "one layer: polynomial in its units, of degree n at most"
DEEP_CLAIM = "exponential in the depth at fixed width"


def cases(full: bool) -> list[Plain]:
    """Twenty networks of each shape, five trained ones of each data set; five and one in the quick form."""
    count = 20 if full else 5
    random = [
        {"kind": "random", "shape": [2, *[width] * depth, 1], "trial": k}
        for width in WIDTHS
        for depth in DEPTHS
        for k in range(count)
    ]
    bounded = [
        {"kind": kind, "shape": shape, "trial": k}
        for kind, shapes in (("narrow", NARROW), ("n + 1", ONE_MORE))
        for shape in shapes
        for k in range(count)
    ]
    folds = [{"kind": "folds", "shape": [2, *[4] * depth, 1], "trial": 0} for depth in FOLDS]
    trained = [{"kind": name, "shape": [2, 8, 8, 1], "trial": k} for name in DATA for k in range(5 if full else 1)]
    return [*random, *bounded, *folds, *trained]


def folded(depth: int) -> Network:
    """The sum of two tent maps, folded so many times, one of each input: at most 2, on 4^(depth - 1) peaks.

    Examples
    --------
    >>> folded(2).evaluate(["1/4", "3/4"])
    (2,)
    """
    first = [[1, 0], [1, 0], [0, 1], [0, 1]]
    again = [[2, -4, 0, 0], [2, -4, 0, 0], [0, 0, 2, -4], [0, 0, 2, -4]]
    bias = [0, "-1/2", 0, "-1/2"]
    return Network.from_layers([first, *[again] * (depth - 1), [[2, -4, 2, -4]]], [bias] * depth + [[0]])


def trial(parameters: Plain, rng: np.random.Generator) -> Plain:
    """The Betti numbers and bounded components of {f >= t}, of one network or of one while it is trained."""
    kind, shape = parameters["kind"], parameters["shape"]
    if kind in DATA:
        data = DATA[kind](rng)
        found = train(shape, data.inputs, data.targets, rng=rng, epochs=EPOCHS[-1], at=EPOCHS)
        regions = [region(snapshot.network, 0) for snapshot in found]
        return {
            "accuracy": [snapshot.accuracy for snapshot in found],
            "betti": [list(each.homology.rational) for each in regions],
            "bounded": [bounded_components(each) for each in regions],
        }
    if kind == "folds":
        members = region(folded(len(shape) - 2), "3/2")
    else:
        network = random_network(shape, rng=rng)
        # the level of a random point, so that the set and its complement are not empty
        members = region(network, network.evaluate(rng.normal(size=shape[0]).tolist())[0])
    return {"betti": list(members.homology.rational), "bounded": bounded_components(members)}


def region(network: Network, level: object) -> FaceSet:
    """The set {f >= level} of the first output."""
    return face_set(network, None, input_set(network, 0, level, "above", False, None, None))


def bounded_components(members: FaceSet) -> int:
    """How many components of a set are bounded."""
    return sum(all(map(members.complex.is_bounded, part)) for part in members.components)


def summarize(trials: Sequence[Trial]) -> Summary:
    """Means by shape, and what becomes of each claim."""
    rows = []
    for (kind, shape), found in groups(trials, "kind", "shape").items():
        for place, when in ((0, "before"), (-1, "after")) if kind in DATA else ((None, None),):
            betti = [t["betti"] if place is None else t["betti"][place] for t in found]
            bounded = [t["bounded"] if place is None else t["bounded"][place] for t in found]
            name = kind if when is None else f"{kind}, {when} training"
            columns = [mean([each[k] for each in betti]) for k in range(3)]
            claim, holds = _claim(kind, shape, betti, bounded, trials)
            mark = None if claim is None else verdict(holds)
            rows.append((name, shape, len(found), *columns, mean(bounded), max(map(sum, betti)), claim, mark))
    remarks = (
        "All numbers are exact, on all of R^n: nothing is cut off. b0, b1, b2 are means, the last number is the "
        "greatest sum of Betti numbers seen. Random: He-normal, the level that of a random point.",
        "Narrow layers: Hanin and Sellke (2017), Johnson (2019). n + 1 units: Grigsby and Lindsey (2022). Polynomial "
        "for one layer, exponential for several: Bianchini and Scarselli (2014), Ergen and Grillo (2024); the folded "
        "networks reach 4^(L - 1) components with 4 L units. Random networks stay far below what is possible. "
        "Confirmed: no network here contradicts the claim.",
        "Nothing is claimed of random deep networks and of these data sets; {f >= 0} of a network that has learned the "
        "ring has a hole around the disk. Not tested: the bounds of Guss and Salakhutdinov (2018) and the figures of "
        "Masden (2022), which are estimates from samples and distributions without a claim.",
    )
    columns_ = ("networks", "shape", "trials", "b0", "b1", "b2", "bounded components", "greatest sum")
    return Summary((*columns_, "published", "verdict"), tuple(rows), remarks)


def _claim(
    kind: str, shape: tuple[int, ...], betti: list[list[int]], bounded: list[int], trials: Sequence[Trial]
) -> tuple[str | None, bool | None]:
    """The published claim that a row is about (None: there is none), and whether it holds in these trials."""
    if kind == "narrow":
        return NARROW_CLAIM, not any(bounded)
    if kind == "n + 1":
        return ONE_MORE_CLAIM, max(bounded) <= 1
    if kind == "folds":
        return DEEP_CLAIM, betti[0][0] == 4 ** (len(shape) - 3)
    if kind in DATA or len(shape) > 3:
        return None, None
    return SHALLOW_CLAIM, _degree(trials)


def _degree(trials: Sequence[Trial]) -> bool | None:
    """Whether the greatest sums of Betti numbers of one layer grow no faster than its units to the power n."""
    own = [t for t in trials if t["kind"] == "random" and len(t["shape"]) == 3]
    sums = {shape[1]: max(sum(t["betti"]) for t in found) for (shape,), found in groups(own, "shape").items()}
    if len(sums) < 2:
        return None
    small, large = min(sums), max(sums)
    return sums[large] <= sums[small] * (large / small) ** 2


def draw(trials: Sequence[Trial], figure: Figure) -> None:
    """Sums of Betti numbers by width and depth, folded networks, and Betti numbers over training.

    Lines of whole numbers that would hide one another are drawn a little apart.
    """
    left, middle, right = panels(figure, 3)
    random = [t for t in trials if t["kind"] == "random"]
    for number, depth in enumerate(DEPTHS):
        own = {width: [t for t in random if t["shape"] == [2, *[width] * depth, 1]] for width in WIDTHS}
        there = [width for width in WIDTHS if own[width]]
        if there:
            sums = [[sum(t["betti"]) for t in own[w]] for w in there]
            mean_line(left, there, sums, number, f"{depth} layer{'s' * (depth > 1)}")
    folds = [t for t in trials if t["kind"] == "folds"]
    if folds:
        depths = [len(t["shape"]) - 2 for t in folds]
        mean_line(middle, depths, [[sum(t["betti"])] for t in folds], 0, "folded")
        middle.plot(depths, [4 ** (depth - 1) for depth in depths], "k:", label="4^(L - 1)")
        middle.set_yscale("log")
        middle.set_xticks(depths)
        readable_logarithms(middle, "y")
        middle.legend(frameon=False, fontsize="small")
    trained = [[t for t in trials if t["kind"] == name] for name in DATA]
    for number, (name, own_data) in enumerate(zip(DATA, trained, strict=True)):
        for degree, style in ((0, "-"), (1, "--")):
            if own_data:
                apart = 0.02 * (number - (len(DATA) - 1) / 2)
                samples = [[t["betti"][k][degree] + apart for t in own_data] for k in range(len(EPOCHS))]
                label = f"{name}, b{degree}"
                mean_line(right, EPOCHS, samples, number, label, linestyle=style, markevery=(number, len(DATA)))
    of_shape = list(Counter(tuple(t["shape"]) for t in random).values())
    left.set(xlabel="units a layer", ylabel="sum of Betti numbers of {f >= t}", title=f"random, {drawn(of_shape)}")
    left.set_xticks(WIDTHS)
    middle.set(xlabel="layers of 4 units", title="folded tents, one network each")
    counts = [len(own_data) for own_data in trained if own_data]
    right.set(xlabel="epoch", ylabel="Betti number", title=f"trained [2, 8, 8, 1], {drawn(counts)}")
    for ax in (left, right):
        if ax.lines:
            ax.legend(frameon=False, fontsize="x-small", loc="upper left", bbox_to_anchor=(1, 1), handlelength=3.5)


STUDY = Study(
    name="topology",
    title="Betti numbers of decision regions by width and depth, random, folded and trained",
    source="Bianchini and Scarselli (2014), Grigsby and Lindsey (2022), Johnson (2019), Ergen and Grillo (2024)",
    about="Published: no bounded components where no layer is wider than the inputs, at most one with a layer of n + 1 "
    "units, polynomial growth for one layer and exponential growth with depth. Here: 20 random networks of each shape, "
    "networks folded to the exponential rate, and five trained ones of four data sets, all exact on R^n; quick: 5, "
    "and 1 trained.",
    cases=cases,
    trial=trial,
    summarize=summarize,
    draw=draw,
    aliases=("betti",),
)
