"""How cells and the time to count them grow with width and with depth: a table and a picture with log axes.

    python benchmarks/bench_cells_growth.py [-o benchmarks/images/cells-growth.png] [--most 400000] [--seeds 3]

Random networks as in `bench_cells.py` reads them: per layer weights normal / sqrt(inputs), biases normal / 2.  With one
hidden layer in general position the cells are known, 1 + m + .. + binomial(m, n), and compared.  A line ends where the
next network would probably have more than ``--most`` cells, or a count took half a second.  Times are CPU seconds,
setting up included, by the route that does not enumerate the last stage.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from math import comb
from pathlib import Path
from statistics import median

import numpy as np

from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.tree import CellTree
from nn_bridge.network.network import Network

WIDTHS = (4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
DEPTHS = (1, 2, 3, 4, 5, 6, 8, 10, 12)

_LONG = 0.5  # seconds of one count, after which a line ends

Line = tuple[str, list[int], list[float], list[float]]
"""A name, widths or depths, medians of cells and of seconds."""


def random_network(sizes: Sequence[int], seed: int) -> Network:
    """A random network with the given sizes of its layers, the input's first."""
    rng = np.random.default_rng(seed)
    weights, biases = [], []
    for i in range(len(sizes) - 1):
        weights.append(rng.standard_normal((sizes[i + 1], sizes[i])) / np.sqrt(sizes[i]))
        biases.append(0.5 * rng.standard_normal(sizes[i + 1]))
    return Network.from_layers(weights, biases)


def counted(sizes: Sequence[int], seed: int) -> tuple[int, float, int]:
    """Cells, CPU seconds, and how often floating point could not decide."""
    begun = time.process_time()
    problem = cell_problem(random_network(sizes, seed))
    assert problem is not None
    tree = CellTree(problem, count_last_stage=True)
    for _ in tree.run():
        pass
    return tree.cells, time.process_time() - begun, tree.exact_decisions


def line(name: str, steps: Sequence[int], sizes: Sequence[Sequence[int]], seeds: int, most: float) -> Line:
    """One line of the picture, printed on the way."""
    result: Line = (name, [], [], [])
    for step, shape in zip(steps, sizes, strict=True):
        found = [counted(shape, seed) for seed in range(seeds)]
        if len(shape) == 3 and any(n != sum(comb(shape[1], i) for i in range(shape[0] + 1)) for n, *_ in found):
            raise AssertionError(f"{shape}: {found} is not the number of cells of an arrangement in general position")
        cells, seconds, exact = (median(column) for column in zip(*found, strict=True))
        result[1].append(step)
        result[2].append(cells)
        result[3].append(seconds)
        rate = cells / seconds / 1e6
        print(f"{name:28}{step:>5}{cells:>12,.0f}{1e3 * seconds:>10.1f}{rate:>7.2f}{exact:>8.0f}", flush=True)
        if len(result[1]) > 1 and (cells * cells / result[2][-2] > most or seconds > _LONG):
            break
    return result


def draw(wider: list[Line], deeper: list[Line], path: Path) -> None:
    """Four panels: cells and seconds against width and depth."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6.5), layout="constrained")
    axes = figure.subplots(2, 2, sharex="col", sharey="row")
    for column, (lines, label) in enumerate(((wider, "units in each hidden layer"), (deeper, "hidden layers"))):
        for name, steps, cells, seconds in lines:
            for row, values in enumerate((cells, seconds)):
                axes[row, column].loglog(steps, values, "o-", markersize=3, linewidth=1.2, label=name)
        axes[1, column].set_xlabel(label)
        ticks = WIDTHS[::2] if column == 0 else DEPTHS
        axes[1, column].set_xticks(ticks, [str(tick) for tick in ticks])
        axes[1, column].minorticks_off()
        axes[0, column].legend(fontsize=7)
    axes[0, 0].set_ylabel("cells on $R^n$")
    axes[1, 0].set_ylabel("CPU seconds")
    for ax in axes.flat:
        ax.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)


def main() -> None:
    """Print the table and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parent / "images" / "cells-growth.png")
    parser.add_argument("--most", type=float, default=4e5, help="cells of the largest network of a line")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    counted([2, 3, 2, 1], 0)  # kernels are compiled or loaded here
    begun = time.process_time()
    print(f"{'networks':28}{'step':>5}{'cells':>12}{'CPU ms':>10}{'M/s':>7}{'exact':>8}")
    wider = [
        line(f"n = {n}, {depth} hidden", WIDTHS, [[n, *[m] * depth, 1] for m in WIDTHS], options.seeds, options.most)
        for n, depth in ((2, 1), (2, 2), (2, 3), (3, 2), (4, 1), (4, 2), (6, 2))
    ]
    deeper = [
        line(f"n = {n}, {m} units a layer", DEPTHS, [[n, *[m] * d, 1] for d in DEPTHS], options.seeds, options.most)
        for n, m in ((2, 8), (2, 16), (2, 32), (3, 8), (3, 16), (4, 8))
    ]
    draw(wider, deeper, options.output)
    print(f"{time.process_time() - begun:.0f} CPU seconds; picture: {options.output}")


if __name__ == "__main__":
    main()
