"""Figure 4 of Lezeau et al. (2024): linear regions and data while a network is trained, and the volumes of regions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nn_bridge.cells.counting.count import count_cells
from nn_bridge.cells.statistics import region_statistics
from nn_bridge.network.network import Network
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import to_float
from puiseux.studies.boundary_concentration import NEAR, boundary_concentration
from puiseux.studies.data import Data, gaussian_clusters, spirals, two_moons
from puiseux.studies.figures import COLOURS, mean_line, panels, readable_logarithms
from puiseux.studies.study import Plain, Study, Summary, Trial, groups, mean, standard_error, verdict
from puiseux.studies.training import train

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DATA: dict[str, Callable[[np.random.Generator], Data]] = {
    "clusters": gaussian_clusters,
    "moons": two_moons,
    "spirals": spirals,
}
CLAIM = "regions concentrate at the decision boundary"
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


def cases(full: bool) -> list[Plain]:
    """Three data sets; five networks each and 80 epochs in the full form, one and 40 in the quick one."""
    shape, epochs = ([16, 16], 80) if full else ([8, 8], 40)
    return [
        {"data": name, "hidden": shape, "epochs": epochs, "trial": k} for name in DATA for k in range(5 if full else 1)
    ]


def looked_at(epochs: int) -> list[int]:
    """Before training, then at doubling intervals: 0, 1, 2, 5, 10, 20, 40, ..

    Examples
    --------
    >>> looked_at(40)
    [0, 1, 2, 5, 10, 20, 40]
    """
    return [0, *(e for e in (1, 2, 5, *(10 * 2**k for k in range(20))) if e < epochs), epochs]


def trial(parameters: Plain, rng: np.random.Generator) -> Plain:
    """One network while it is trained, counted on the plane and in the box around the data."""
    data = DATA[parameters["data"]](rng)
    shape = [2, *parameters["hidden"], data.outputs]
    epochs = looked_at(parameters["epochs"])
    found = train(shape, data.inputs, data.targets, rng=rng, epochs=parameters["epochs"], at=epochs)
    box = Polyhedron.box(data.inputs.min(axis=0).tolist(), data.inputs.max(axis=0).tolist())
    record: dict[str, list[Any]] = {"epoch": epochs, "accuracy": [s.accuracy for s in found]}
    for snapshot in found:
        for name, value in _look(snapshot.network, box, data).items():
            record.setdefault(name, []).append(value)
    return record


def _look(network: Network, box: Polyhedron, data: Data) -> dict[str, Any]:
    regions = list(region_statistics(network, box))
    volumes = np.array([to_float(region.volume) for region in regions if region.volume is not None])
    share = volumes / volumes.sum()
    return {
        "regions": count_cells(network).regions,
        "regions in the box": len(regions),
        "data-bearing": len({network.affine_forms(network.pattern(point))[-1] for point in data.inputs.tolist()}),
        "volume quantiles": np.quantile(share, QUANTILES).tolist(),
        "concentration": boundary_concentration(network, box, volumes.tolist()),
    }


def summarize(trials: Sequence[Trial]) -> Summary:
    """Before and after training, by data set."""
    rows = []
    for (data, hidden), found in groups(trials, "data", "hidden").items():
        for place, when in ((0, "before"), (-1, "after")):
            values = {
                name: mean([t[name][place] for t in found])
                for name in ("accuracy", "regions", "regions in the box", "data-bearing")
            }
            median = mean([t["volume quantiles"][place][QUANTILES.index(0.5)] for t in found])
            near = _known(found, place)
            density = (mean(near) if near else None, standard_error(near) if near else None)
            claim = (CLAIM, verdict(_concentrated(found))) if when == "after" else (None, None)
            rows.append((data, (2, *hidden, 1), when, *values.values(), median, *density, *claim))
    remarks = (
        "Published: a figure without numbers, and the observation that regions concentrate at the decision boundary.",
        f"Near the boundary: regions per area within {NEAR:.0%} of the box's diagonal of the set where the output "
        "vanishes, over regions per area in the whole box; a region counts there with the share of its area. Areas are "
        "exact, the strip is measured on a grid. Confirmed where the mean over the networks after training is over "
        "two standard errors above 1, contradicted where it is as far below, else not tested for lack of networks.",
        "All counts are exact. Data-bearing: distinct affine maps at the 200 points. The median volume is the median "
        "region's share of the box around the data.",
    )
    columns = ("data", "network", "training", "accuracy", "regions of R^2", "in the box", "data-bearing")
    more = ("median volume", "near the boundary", "error", "published", "verdict")
    return Summary((*columns, *more), tuple(rows), remarks)


def _known(found: Sequence[Trial], place: int) -> list[float]:
    """The concentrations at one epoch, of the networks whose output changes its sign in the box."""
    return [t["concentration"][place] for t in found if t["concentration"][place] is not None]


def _concentrated(found: Sequence[Trial]) -> bool | None:
    """Whether regions are denser near the boundary after training; None within two standard errors."""
    near = _known(found, -1)
    error = standard_error(near)
    if error is None or abs(mean(near) - 1) <= 2 * error:
        return None
    return mean(near) > 1


def draw(trials: Sequence[Trial], figure: Figure) -> None:
    """Regions, data-bearing regions, concentration at the boundary and the spread of volumes, against the epoch."""
    regions, bearing, near, volumes = panels(figure, 2, 2, width=5.0)
    for number, ((data,), found) in enumerate(groups(trials, "data").items()):
        epochs = found[0]["epoch"]
        label = data + (" (one network)" if len(found) == 1 else f" ({len(found)} networks)")
        for ax, name in ((regions, "regions in the box"), (bearing, "data-bearing")):
            samples = [[t[name][i] for t in found] for i in range(len(epochs))]
            mean_line(ax, epochs, samples, number, label)
        there = [i for i in range(len(epochs)) if _known(found, i)]
        mean_line(near, [epochs[i] for i in there], [_known(found, i) for i in there], number)
        quantiles = np.mean([t["volume quantiles"] for t in found], axis=0)
        colour = COLOURS[number % len(COLOURS)]
        for place, style in ((0, ":"), (QUANTILES.index(0.5), "-"), (-1, ":")):
            volumes.plot(epochs, quantiles[:, place], color=colour, linestyle=style, linewidth=1.4)
    near.axhline(1.0, color="k", linewidth=0.8, linestyle=":")
    regions.set(ylabel="linear regions in the box of the data")
    bearing.set(ylabel="regions that hold data")
    near.set(ylabel="density near the decision boundary", title="1: as dense as the whole box", yscale="log")
    readable_logarithms(near, "y")
    volumes.set(ylabel="share of the box", title="volumes: median, 10 % and 90 % (dotted)", yscale="log")
    readable_logarithms(volumes, "y")
    for ax in (regions, bearing, near, volumes):
        ax.set(xlabel="epoch")
    regions.legend(frameon=False, fontsize="small")


STUDY = Study(
    name="training",
    title="regions, data-bearing regions and their volumes while networks are trained",
    source="Lezeau et al. (2024), figure 4",
    about="Published: the number of linear regions against the data during training; regions are said to concentrate "
    "at the decision boundary. Here: three data sets of 200 points in the plane, [2, 16, 16, 1] for 80 epochs of Adam, "
    "five networks each, counted exactly on the plane and in the box around the data, and their density near the "
    "boundary measured; quick: one [2, 8, 8, 1] each, 40 epochs.",
    cases=cases,
    trial=trial,
    summarize=summarize,
    draw=draw,
    aliases=("figure4", "volumes"),
)
