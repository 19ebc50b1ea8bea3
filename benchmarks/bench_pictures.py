"""Seconds and bytes of pictures with thousands of cells.

Run ``python benchmarks/bench_pictures.py``.  The trained networks are read from ``--nets`` where they are; a random one
with some 20,000 cells is made.  CPU seconds of one process, after a first run that compiles and imports.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from nn_bridge.network.network import Network
from puiseux.pictures.arrangement import arrange
from puiseux.pictures.plot import save_picture
from puiseux.random_networks import random_network
from puiseux.reading import load

PICTURES = (
    ("regions", "map", ".png"),
    ("regions", "class", ".png"),
    ("regions", "value", ".png"),
    ("cells", "map", ".png"),
    ("dual", "map", ".png"),
    ("hyperplanes", "map", ".png"),
    ("regions", "map", ".svg"),
)


def cpu(task: Callable[[], object]) -> float:
    """The CPU seconds of a task."""
    begun = time.process_time()
    task()
    return time.process_time() - begun


def networks(folder: Path) -> dict[str, Network]:
    """The networks to draw, by name."""
    found = {name: load(folder / f"{name}.npz") for name in ("bunny_d2_4x32", "bunny_d2_2x100") if folder.is_dir()}
    found["random 2,100,100,1"] = random_network([2, 100, 100, 1], rng=1)
    return found


def main() -> None:
    """Print a row for each network and picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nets", type=Path, default=Path(__file__).resolve().parents[1] / "tests" / "data" / "nets")
    nets = networks(parser.parse_args().nets)
    with tempfile.TemporaryDirectory() as folder:
        warm = Path(folder, "warm.png")
        save_picture(random_network([2, 4, 1], rng=0), warm, kind="dual")
        print("| network | cells | picture | cells found, s | whole picture, s | file, kB |")
        print("| --- | --- | --- | --- | --- | --- |")
        for name, network in nets.items():
            finding = min(cpu(partial(arrange, network)) for _ in range(3))
            cells = arrange(network).cells
            for kind, color_by, ending in PICTURES:
                path = Path(folder, f"picture{ending}")
                draw = partial(save_picture, network, path, kind=kind, color_by=color_by, window="core")
                seconds = cpu(draw)
                size = path.stat().st_size // 1000
                row = (name, f"{cells:,}", f"{kind} {color_by} {ending}", f"{finding:.2f}", f"{seconds:.1f}", str(size))
                print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
