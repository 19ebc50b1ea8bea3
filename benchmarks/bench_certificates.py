"""The cost of certificates: size, and cells a second of writing and of checking, CPU time, better of two.

Run ``python benchmarks/bench_certificates.py [FOLDER [NAME ..]]`` with a folder of .npz networks (by default
tests/data/nets).  The last four rows have many equal maps: whole numbers, a ReLU on the output, and a sum of ridges,
each 0 on both sides.
"""

from __future__ import annotations

import gzip
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from nn_bridge.network.network import Network
from nn_bridge.readers import read_network
from puiseux.certificates import checker as certificate_checker
from puiseux.certificates.certificate import certify
from puiseux.domains import pose

NAMES = ("d2_32_32_1_s0", "d3_16_16_1_s0", "d4_16_16_1_s0", "bunny_d2_2x50", "bunny_d2_4x32")
BARS = (2000, 200)  # cells a second, written and checked, for up to four inputs


def whole_numbers(sizes: list[int], seed: int) -> Network:
    """Small whole numbers: many hyperplanes through one point, parallel, equal and opposite units."""
    rng = np.random.default_rng(seed)
    shapes = list(pairwise(sizes))
    return Network.from_layers(
        [rng.integers(-2, 3, (after, before)) for before, after in shapes],
        [rng.integers(-1, 2, after) for _, after in shapes],
    )


def with_relu(network: Network) -> Network:
    """The same with a ReLU on the output."""
    layers = network.layers
    assert layers is not None
    return Network.from_layers(
        [layer.weights for layer in layers], [layer.bias for layer in layers], relu_on_output=True
    )


def ridges(count: int) -> Network:
    """A sum of ridges in the plane, each 0 on both sides: pieces of the map 0 that meet in points only."""
    rng = np.random.default_rng(1)
    directions = rng.normal(size=(count, 2))
    rows = np.repeat(directions, 3, axis=0)
    bias = (rng.normal(size=(count, 1)) - 0.1 * np.arange(3)).ravel()
    return Network.from_layers([rows, [[1, -2, 1] * count]], [bias, [0]])


def networks(folder: Path) -> Iterator[tuple[str, Network]]:
    """Names and networks."""
    for name in NAMES:
        yield name, read_network(folder / f"{name}.npz")
    yield "integers 2-16-16-1", whole_numbers([2, 16, 16, 1], 1)
    yield "integers 3-12-12-1", whole_numbers([3, 12, 12, 1], 2)
    yield "d2_32_32_1, ReLU last", with_relu(read_network(folder / "d2_32_32_1_s0.npz"))
    yield "20 ridges", ridges(20)


def row(name: str, network: Network, folder: Path) -> str:
    """One line of the table: the better of two."""
    path = folder / "net.cert"
    problem = pose(network)
    write = check = float("inf")
    for _ in range(2):
        begun = time.process_time()
        proven = certify(problem, path)
        write = min(write, time.process_time() - begun)
        begun = time.process_time()
        certificate_checker.check(str(path))
        check = min(check, time.process_time() - begun)
    cells = proven.cells
    assert cells is not None
    text = path.read_bytes()
    sizes = f"{len(text) / cells:.0f} | {len(gzip.compress(text, 6)) / cells:.0f}"
    speeds = f"{cells / write:.0f} | {cells / check:.0f} | {1e6 * write / cells:.0f} | {1e6 * check / cells:.0f}"
    return f"| {name} | {cells} | {proven.regions} | {sizes} | {speeds} |"


def checker_memory(path: Path) -> float:
    """The most memory, in MB, of a process that runs the checker alone."""
    # what the kernel counts for a process includes, before it starts a program, the memory of the one that forked it
    program = (
        "import runpy, sys; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__');"
        "print([line for line in open('/proc/self/status') if line.startswith('VmHWM')][0].split()[1])"
    )
    command = [sys.executable, "-I", "-S", "-c", program, str(certificate_checker.__file__), str(path)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return int(printed.splitlines()[-1]) / 1024


def main() -> None:
    """Print the table."""
    default = Path(__file__).parent.parent / "tests" / "data" / "nets"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    print(f"bars: {BARS[0]} cells/s written, {BARS[1]} checked, for up to four inputs\n")
    print("| network | cells | regions | bytes/cell | gzip | written/s | checked/s | us/cell written | checked |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as scratch:
        certify(pose(ridges(2)), Path(scratch) / "net.cert")  # compiles what is compiled at its first use
        for name, network in networks(folder):
            if not sys.argv[2:] or name in sys.argv[2:]:
                print(row(name, network, Path(scratch)), flush=True)
        for name in ("d2_32_32_1_s0", "d4_16_16_1_s0"):
            path = Path(scratch) / name
            certify(pose(read_network(folder / f"{name}.npz")), path)
            size, memory = path.stat().st_size / 1e6, checker_memory(path)
            print(f"\nthe checker alone on {name}: file of {size:.1f} MB, {memory:.0f} MB memory")


if __name__ == "__main__":
    main()
