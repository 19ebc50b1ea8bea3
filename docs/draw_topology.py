"""Draws the images of docs/topology.md: ``python docs/draw_topology.py``, from the root of the repository."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nn_bridge.network.network import Network
from puiseux import plot_decision_region, plot_persistence, random_network, topology
from puiseux.pictures.figures import new_figure
from puiseux.pictures.pages import small_png
from puiseux.pictures.palettes import class_colour, tinted

IMAGES = Path(__file__).resolve().parent / "images"

HORSESHOE = Network.from_layers(
    [
        [[1, 0], [-1, 0], [0, 1], [0, -1]],
        [[1, 1, 1, -1], [0, 0, 1, 0], [0, 0, 0, 1]],
        [[1, -1, 1], [-1, 1, -1]],
        [[-1, -1]],
    ],
    [[0] * 4, [0] * 3, [-3, 3], ["1/2"]],
)
"""1/2 - |max(|x|, -y) - 3|: at least 0 on a band like a U, whose arms go up to infinity."""


def keep(name: str, figure: Any, colours: int = 96) -> None:
    """Store a figure small."""
    path = IMAGES / f"topology-{name}.png"
    path.write_bytes(small_png(figure, dpi=95, colours=colours))
    print(path.name, path.stat().st_size // 1000, "kB")


def conventions() -> None:
    """The same set as it is, with one point at infinity, and cut by a box."""
    figure = new_figure((5, 4.4))
    ax = plot_decision_region(HORSESHOE, window="-6,6", ax=figure.add_subplot())
    ax.set_title(f"the set itself: b0, b1 = {told(topology(HORSESHOE).betti)}", fontsize="medium")
    keep("set", figure)

    figure = new_figure((5, 4.4))
    ax = figure.add_subplot()
    side = np.linspace(-0.995, 0.995, 900)
    u, v = np.meshgrid(side, side)
    radius = np.hypot(u, v)
    with np.errstate(all="ignore"):
        scale = 4 / np.maximum(1 - radius, 1e-9)
        x, y = scale * u, scale * v
    inside = np.abs(np.maximum(np.abs(x), -y) - 3) <= 0.5
    shown = np.where(radius < 0.985, inside, np.nan)
    ax.imshow(
        np.where(shown == 1, 1.0, np.where(shown == 0, 0.0, np.nan)),
        extent=(-1, 1, -1, 1),
        origin="lower",
        cmap=colour_map(),
        vmin=0,
        vmax=1,
    )
    angle = np.linspace(0, 2 * np.pi, 300)
    ax.plot(np.cos(angle), np.sin(angle), color="#222222", linewidth=1.2)
    arrow = {"arrowstyle": "-|>"}
    ax.annotate("the whole circle\nis one point", (0, 1), (0.55, 1.12), arrowprops=arrow, fontsize="small")
    ax.set(aspect="equal", xticks=[], yticks=[], xlim=(-1.1, 1.35), ylim=(-1.1, 1.3))
    closed = topology(HORSESHOE, compactify=True).betti
    ax.set_title(f"with a point at infinity: b0, b1 = {told(closed)}", fontsize="medium")
    keep("infinity", figure)

    figure = new_figure((5, 4.4))
    ax = plot_decision_region(HORSESHOE, "box:-4,4;-2,2", window="-6,6", ax=figure.add_subplot())
    boxed = topology(HORSESHOE, "box:-4,4;-2,2").betti
    ax.set_title(f"cut by a box: b0, b1 = {told(boxed)}", fontsize="medium")
    keep("box", figure)


def told(betti: tuple[int, ...] | None) -> str:
    """The first two Betti numbers."""
    assert betti is not None
    return f"{betti[0]}, {betti[1]}"


def colour_map() -> Any:
    """Grey outside of the set, the colour of its component inside."""
    from matplotlib.colors import ListedColormap

    return ListedColormap(["#F4F4F4", tinted(class_colour(0), 0.35)])


def main() -> None:
    """Draw them all."""
    conventions()
    network = random_network([2, 12, 12, 1], rng=13)
    figure = new_figure((5, 4.4))
    plot_decision_region(network, level=topology_level(network), ax=figure.add_subplot())
    keep("region", figure)
    pairs = topology(network, persistence=True).pairs
    assert pairs is not None
    keep("persistence", plot_persistence(pairs))


def topology_level(network: Network) -> Any:
    """A level in the middle of the longest finite bar, so that the region has a component or hole to see."""
    pairs = topology(network, persistence=True).pairs or ()
    finite = [pair for pair in pairs if pair.birth is not None and pair.death is not None]
    longest = max(finite, key=lambda pair: pair.death - pair.birth)
    return (longest.birth + longest.death) / 2


if __name__ == "__main__":
    main()
