"""Time the topology of random networks: faces, Betti numbers, cycles, persistence and critical points.

``python benchmarks/bench_topology.py`` prints CPU seconds of one core as a Markdown table; ``--full`` adds larger ones.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable

from nn_bridge.cells.faces import face_complex
from nn_bridge.network.network import Network
from nn_bridge.topology.morse import critical_points
from nn_bridge.topology.persistence import sublevel_persistence
from puiseux import random_network
from puiseux.questions.input_sets import face_set, input_set

SHAPES = ([2, 8, 8, 1], [2, 16, 16, 1], [2, 32, 32, 1], [3, 8, 8, 1], [3, 12, 12, 1], [3, 16, 16, 1], [4, 8, 8, 1])
LARGE = ([2, 64, 64, 1], [3, 20, 20, 1], [4, 10, 10, 1], [5, 8, 8, 1])


def seconds(task: Callable[[], object]) -> float:
    """CPU seconds of a task."""
    begun = time.process_time()
    task()
    return time.process_time() - begun


def row(shape: list[int], seed: int) -> str:
    """One line of the table."""
    network: Network = random_network(shape, rng=seed)
    members = []

    def betti() -> None:
        found = face_set(network, None, input_set(network, 0, 0, "above", False, None, None))
        members.append(found)
        assert found.homology.rational

    taken = [seconds(betti), seconds(lambda: members[0].cycles())]
    taken += [seconds(lambda: sublevel_persistence(network)), seconds(lambda: sublevel_persistence(network, field="2"))]
    taken.append(seconds(lambda: critical_points(network)))
    faces = face_complex(network)
    numbers = " | ".join(f"{value:.2f}" for value in taken)
    shown = ", ".join(map(str, members[0].homology.rational))
    return f"| {shape} | {faces.f_vector[-1]:,} | {len(faces):,} | {shown} | {numbers} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="larger networks too")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}, seed {given.seed}")
    print(
        "| network | cells | faces | Betti numbers | their time | cycles | persistence, Q | GF(2) | critical points |"
    )
    print("| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: |")
    for shape in (*SHAPES, *(LARGE if given.full else ())):
        print(row(shape, given.seed), flush=True)


if __name__ == "__main__":
    main()
