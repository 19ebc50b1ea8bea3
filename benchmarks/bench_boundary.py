"""A level set alone against the whole complex: the same pieces, CPU seconds, both sides in turn.

    python benchmarks/bench_boundary.py [--repeat 3] [--large]

Random networks (He-normal, biases of deviation 0.3, seed 1) on the box [-1, 1]^n, at a quantile of the values of the
first output.  *list*: `level_pieces` against `cell_complex` of the network cut by the level, of which the facets at the
level are taken.  *count*: `count_pieces` against the same stream of all leaves, of which nothing is kept.  Both sides
set the network up, once in each measurement: "set-up" tells how long that takes.
``--large`` counts pieces of networks whose cells nobody lists.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from nn_bridge.cells.complex import cell_complex
from nn_bridge.cells.cuts import with_level
from nn_bridge.cells.pieces import count_pieces, level_pieces
from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.tree import FACES, CellTree
from nn_bridge.network.network import Network
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational

CASES = [
    ((2, 64, 64, 1), 0.9),
    ((2, 128, 128, 1), 0.9),
    ((2, 48, 48, 48, 1), 0.97),
    ((3, 32, 32, 1), 0.9),
    ((3, 32, 32, 1), 0.995),
    ((3, 48, 48, 1), 0.9),
    ((3, 24, 24, 24, 1), 0.995),
    ((4, 20, 20, 1), 0.995),
    ((4, 24, 24, 1), 0.97),
]
LARGE = [((4, 64, 64, 1), 0.9999), ((4, 128, 128, 1), 0.9999), ((6, 24, 24, 1), 0.9999)]


def network_of(sizes: tuple[int, ...]) -> Network:
    rng = np.random.default_rng(1)
    weights = [rng.normal(size=(b, a)) * (2 / a) ** 0.5 for a, b in pairwise(sizes)]
    return Network.from_layers(weights, [rng.normal(size=b) * 0.3 for b in sizes[1:]])


def cut_at(network: Network, quantile: float) -> Network:
    """The network cut at a quantile of its values."""
    points = np.random.default_rng(0).uniform(-1, 1, (20000, network.input_dim))
    return with_level(network, 0, rational(round(float(np.quantile(network(points)[:, 0], quantile)), 3)))


def facets_at_level(cut: Network, domain: Polyhedron, keep: bool) -> tuple[int, int]:
    """All cells, and the pieces among their facets."""
    word = sum(-(-size // 64) for size in cut.hidden[:-1])
    if keep:
        found = cell_complex(cut, domain)
        at = (found.facet_zeros[:, word] & np.uint64(1)).astype(bool)
        on_wall = found.facet_partner < 0
        return found.cells, (int(at.sum()) + int((at & on_wall).sum())) // 2
    problem = cell_problem(cut, domain)
    assert problem is not None
    tree = CellTree(problem, FACES)
    cells = twice = 0
    for leaves in tree.run():
        at = (leaves.facet_zeros[:, word] & np.uint64(1)).astype(bool)
        on_wall = (leaves.facet_zeros[:, tree.wall_word :] != 0).any(axis=1)
        cells += len(leaves.patterns)
        twice += int(at.sum()) + int((at & on_wall).sum())
    return cells, twice // 2


def set_up(cut: Network, domain: Polyhedron) -> None:
    """What every enumeration begins with."""
    problem = cell_problem(cut, domain)
    assert problem is not None
    CellTree(problem, FACES)


def in_turn(tasks: list[Callable[[], Any]], repeat: int) -> tuple[list[Any], list[float]]:
    """The answers of tasks, and the least CPU seconds of each, measured in turn."""
    answers, best = [task() for task in tasks], [float("inf")] * len(tasks)
    for _ in range(repeat):
        for number, task in enumerate(tasks):
            begun = time.process_time()
            task()
            best[number] = min(best[number], time.process_time() - begun)
    return answers, best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--large", action="store_true")
    options = parser.parse_args()
    if options.large:
        for sizes, quantile in LARGE:
            domain = Polyhedron.box([-1] * sizes[0], [1] * sizes[0])
            begun = time.process_time()
            counts = count_pieces(cut_at(network_of(sizes), quantile), domain, ((0,),))
            print(f"{list(sizes)} at {quantile}: {counts}, {time.process_time() - begun:.1f} s", flush=True)
        return
    print(f"{'network':<20}{'at':>6}{'cells':>9}{'meet':>7}{'pieces':>8}{'set-up':>8}{'list: all':>11}{'alone':>8}"
          f"{'ratio':>7}{'count: all':>12}{'alone':>8}{'ratio':>7}")  # fmt: skip
    for sizes, quantile in CASES:
        cut, domain = cut_at(network_of(sizes), quantile), Polyhedron.box([-1] * sizes[0], [1] * sizes[0])
        tasks: list[Callable[[], Any]] = [
            lambda: facets_at_level(cut, domain, True),  # noqa: B023
            lambda: level_pieces(cut, domain, ((0,),)),  # noqa: B023
            lambda: facets_at_level(cut, domain, False),  # noqa: B023
            lambda: count_pieces(cut, domain, ((0,),)),  # noqa: B023
            lambda: set_up(cut, domain),  # noqa: B023
        ]
        (whole, alone, streamed, counted, _), seconds = in_turn(tasks, options.repeat)
        assert whole == streamed
        assert whole[1] == len(alone) == counted.pieces
        meet = alone.cells.cells / whole[0]
        print(f"{list(sizes)!s:<20}{quantile:>6}{whole[0]:>9,}{meet:>7.1%}{len(alone):>8,}{seconds[4]:>8.3f}"
              f"{seconds[0]:>11.3f}{seconds[1]:>8.3f}"
              f"{seconds[0] / seconds[1]:>7.1f}{seconds[2]:>12.3f}{seconds[3]:>8.3f}{seconds[2] / seconds[3]:>7.1f}",
              flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
