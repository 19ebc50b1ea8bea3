"""Draws the images of the README and of the questions in the gallery: ``python docs/draw_uses.py``, from the root."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.patches import Rectangle

import puiseux
from puiseux.pictures.figures import new_figure
from puiseux.pictures.pages import small_png
from puiseux.pictures.palettes import INK

IMAGES = Path(__file__).resolve().parent / "images"
EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
RED = "#CC3311"
PETALS = "box:3,7;0.5,2.5"
WINES = "box:11,15;0,6"


def keep(name: str, figure: Any, colours: int = 96) -> None:
    """Store a figure small."""
    path = IMAGES / f"{name}.png"
    path.write_bytes(small_png(figure, dpi=95, colours=colours))
    print(path.name, path.stat().st_size // 1000, "kB")


def polygon(cell: puiseux.Cell) -> np.ndarray:
    """The corners of a cell in the plane, in order."""
    points = np.array([[float(x) for x in vertex] for vertex in cell.generators.vertices])
    around = points - points.mean(axis=0)
    return points[np.argsort(np.arctan2(around[:, 1], around[:, 0]))]


def formula() -> None:
    """Symbolic simplification: the regions of a trained network, and the shortest formula below them."""
    net = puiseux.load(EXAMPLES / "iris_two_kinds.npz").round(digits=1)
    figure = new_figure((6.4, 4.6))
    ax = figure.add_subplot()
    puiseux.plot_regions(net, ax, domain=PETALS)
    found = puiseux.simplify(net, digits=1)
    above, below = str(found).split(" - max(")
    lines = [f"output = {above}", f"            $-$ max({below}"]
    ax.set(xlabel="petal length (cm)", ylabel="petal width (cm)", title="\n".join(map(wrapped, lines)))
    ax.title.set(fontsize=8, ha="left", x=0, family="monospace")
    keep("uses-formula", figure)


def wrapped(line: str, width: int = 78) -> str:
    """A line broken after commas."""
    parts, rows = line.split(", "), [""]
    for number, part in enumerate(parts):
        piece = part if number + 1 == len(parts) else f"{part}, "
        if len(rows[-1]) + len(piece) > width:
            rows.append("                 ")
        rows[-1] += piece
    return "\n".join(rows)


def missed() -> None:
    """Ground truth: the cells that a counter on a grid misses, and the witness that the cross-check names."""
    net = puiseux.load(EXAMPLES / "wine_2d.npz")
    steps = np.linspace(11, 15, 13), np.linspace(0, 6, 19)
    seen = {net.pattern((x, y)) for x in steps[0] for y in steps[1]}
    check = puiseux.crosscheck(net, WINES, Grid(seen), routes=["cells"])
    figure = new_figure((6.4, 4.6))
    ax = figure.add_subplot()
    for cell in puiseux.iterate_cells(net, WINES):
        colour = "none" if cell.pattern in seen else RED
        ax.fill(*polygon(cell).T, facecolor=colour, edgecolor=INK, linewidth=0.8)
    ax.plot(*map(np.ravel, np.meshgrid(*steps)), ".", color="0.6", markersize=4, label="points of the grid")
    assert check.witness is not None
    ax.plot(*map(float, check.witness.point), "k*", markersize=13, label="witness")
    number = puiseux.count_regions(net, WINES).cells
    ax.set(xlim=(11, 15), ylim=(0, 6), title=f"{number} cells; a grid of 247 points sees {len(seen)}")
    figure.legend(loc="outside lower center", ncols=2, fontsize="small")
    keep("uses-ground-truth", figure)


class Grid:
    """A counter that looks at the points of a grid."""

    name = "grid"

    def __init__(self, seen: set[Any]) -> None:
        self.seen = seen

    def patterns(self, network: Any, domain: Any) -> set[Any]:
        """The patterns that it has seen."""
        return self.seen

    def __call__(self, network: Any, domain: Any) -> int:
        return len(self.seen)


def monomials() -> None:
    """Monomial complexity: width against depth, before and after pruning."""
    figure = puiseux.run_study("depth").draw()
    figure.set_size_inches(6.4, 3.4)
    keep("uses-monomials", figure)


def boundary() -> None:
    """The decision boundary, exactly, with a colour for each pair of classes."""
    net = puiseux.load(EXAMPLES / "wine_2d.npz")
    figure = new_figure((6.4, 4.6))
    ax = figure.add_subplot()
    puiseux.plot_regions(net, ax, domain=WINES, color_by="class", legend=False)
    ax.set_aspect("auto")
    pairs: dict[tuple[int, int], str] = {}
    for piece, one, other in puiseux.decision_boundary(net, WINES).pieces:
        (first,), (second,) = one, other
        pair = (min(first, second), max(first, second))
        if pair not in pairs:
            pairs[pair] = ("#004488", RED, "#117733")[len(pairs)]
        colour = pairs[pair]
        ends = np.array([[float(v) for v in vertex] for vertex in piece.vertices()])
        ax.plot(*ends.T, color=colour, linewidth=3.2, solid_capstyle="round", zorder=9)
    handles = []
    for (first, second), colour in pairs.items():
        handles += ax.plot([], [], color=colour, linewidth=3, label=f"class {first} against class {second}")
    figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize="small")
    ax.set_title("the decision boundary, piece by piece", fontsize="medium")
    keep("question-boundary", figure)


def verified() -> None:
    """A property that is proven on one box and violated on another, with the exact counterexample."""
    net = puiseux.load(EXAMPLES / "iris_two_kinds.npz")
    figure = new_figure((6.4, 4.6))
    ax = figure.add_subplot()
    puiseux.plot_regions(net, ax, domain=PETALS, color_by="class")
    ax.set(aspect="auto", xlabel="petal length (cm)", ylabel="petal width (cm)")
    for low, high in (((3.2, 0.7), (4.6, 1.3)), ((4.4, 1.45), (5.6, 2.05))):
        found = puiseux.optimize(net, (np.array(low), np.array(high)), maximize=True)
        proven = found.value is not None and found.value <= 0
        colour = "#117733" if proven else RED
        size = (high[0] - low[0], high[1] - low[1])
        ax.add_patch(Rectangle(low, *size, fill=False, edgecolor=colour, linewidth=3, zorder=9))
        ax.text(low[0] + 0.05, high[1] + 0.03, "proven" if proven else "violated", color=colour, weight="bold")
        if not proven:
            ax.plot(*map(float, found.point), "*", color=colour, markersize=13, zorder=10)
    ax.get_legend().remove()
    ax.set_title('"the output is at most 0 in this box"; the star: the worst input', fontsize="medium")
    keep("question-property", figure)


def steepest() -> None:
    """The Lipschitz constant: the slope of every cell, and the steepest one."""
    net = puiseux.load(EXAMPLES / "wine_2d.npz").select_outputs([0])
    found = puiseux.lipschitz(net, WINES, norm="2")
    figure = new_figure((6.4, 4.6))
    ax = figure.add_subplot()
    cells = list(puiseux.iterate_cells(net, WINES))
    slopes = [np.hypot(*(float(a) for a in cell.affine_map.matrix[0])) for cell in cells]
    drawn = PolyCollection([polygon(cell) for cell in cells], array=slopes, edgecolor="white", linewidth=0.6)
    ax.add_collection(drawn)
    ax.fill(*polygon(cells[int(np.argmax(slopes))]).T, fill=False, edgecolor=RED, linewidth=2.5)
    ax.set(xlim=(11, 15), ylim=(0, 6), title=f"Lipschitz constant {found.upper:.4g}, attained in the red cell")
    figure.colorbar(drawn, label="norm of the gradient")
    keep("question-lipschitz", figure, 256)


def curve() -> None:
    """A tropical cubic and the dual subdivision of its Newton polygon."""
    f = puiseux.PuiseuxPolynomial("max(3x - 3, 2x + y - 1, x + 2y - 1, 3y - 3, 2x, x + y + 1, 2y, x + 1/2, y + 1/2, 0)")
    figure = new_figure((8.4, 4.2))
    puiseux.plot_dual_pair(f, figure.subplots(1, 2))
    keep("question-curve", figure)


if __name__ == "__main__":
    for draw in (formula, missed, monomials, boundary, verified, steepest, curve):
        draw()
