"""Counts of ten billion cells: growth, memory, checkpoints, and a cluster that loses a worker.

    python benchmarks/bench_long_counts.py [--inputs 4] [--from 1e5] [--to 1e10] [--workers 2]
    python benchmarks/bench_long_counts.py --dask [--to 1e9]
    python benchmarks/bench_long_counts.py --four 64 [--memory 2GiB] [--workers 2]

The networks are ``[inputs, N, 1]`` with random weights, whose cells are known: sum of C(N, k) over k <= inputs.  The
first command prints a row for each power of ten: N, cells, wall-clock seconds, nanoseconds a cell, the most memory that
the process has occupied so far, and the bytes of the checkpoint.  With ``--dask`` one count runs on a cluster of two
processes of this machine, of which one is killed on the way.  With ``--four W`` all four counts of a random
``[4, W, W, 1]`` are made within a limit of memory.  A count that is not the closed form ends with exit code 1.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from math import comb
from pathlib import Path

import numpy as np

from nn_bridge.cells.counting.count import count_cells
from nn_bridge.network.network import Network


def closed_form(inputs: int, units: int) -> int:
    """The cells of so many hyperplanes in general position."""
    return sum(comb(units, k) for k in range(inputs + 1))


def units_for(inputs: int, cells: float) -> int:
    """The fewest units with at least so many cells."""
    units = inputs
    while closed_form(inputs, units) < cells:
        units += 1 + units // 1000
    return units


def network(*sizes: int, seed: int = 0) -> Network:
    """A random network."""
    rng = np.random.default_rng(seed)
    shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
    return Network.from_layers([rng.normal(size=s) for s in shapes], [rng.normal(size=s[0]) for s in shapes])


def peak_bytes() -> int:
    """The largest resident set of this process so far (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def grow(inputs: int, least: float, most: float, workers: int) -> None:
    """The table of growth."""
    count_cells(network(inputs, inputs + 1, 1), counts="cells")
    print(f"{'N':>8} {'cells':>15} {'wall s':>9} {'ns/cell':>8} {'peak MB':>8} {'checkpoint kB':>14}")
    target = least
    while target <= most * 1.001:
        units = units_for(inputs, target)
        with tempfile.TemporaryDirectory() as folder:
            found = count_cells(network(inputs, units, 1), counts="cells", workers=workers, checkpoint=folder)
            written = sum(path.stat().st_size for path in Path(folder).iterdir())
        if found.cells != closed_form(inputs, units) or not found.complete:
            sys.exit(f"[{inputs},{units},1]: {found.cells} cells, the closed form says {closed_form(inputs, units)}")
        print(
            f"{units:>8} {found.cells:>15,} {found.seconds:>9.3f} {1e9 * found.seconds / found.cells:>8.2f}"
            f" {peak_bytes() / 1e6:>8.0f} {written / 1e3:>14.1f}",
            flush=True,
        )
        target *= 10


def on_a_cluster(inputs: int, cells: float) -> None:
    """Count on two processes of Dask, and kill one when a third is done."""
    from distributed import Client, LocalCluster

    units = units_for(inputs, cells)
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, worker_dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
        client.get_executor() as executor,
    ):
        pids = client.run(os.getpid)
        killed: list[int] = []

        def progress(_: int, share: float) -> None:
            if share > 1 / 3 and not killed:
                killed.append(next(iter(pids.values())))
                os.kill(killed[0], signal.SIGKILL)
                print(f"worker process killed at {share:.0%}", flush=True)

        found = count_cells(network(inputs, units, 1), counts="cells", executor=executor, workers=4, progress=progress)
        after = client.run(os.getpid)
    if found.cells != closed_form(inputs, units) or not found.complete or not killed:
        sys.exit(f"[{inputs},{units},1]: {found}")
    print(
        f"[{inputs},{units},1]: {found.cells:,} cells in {found.seconds:.1f} s; "
        f"processes {pids.values()}, then {after.values()}"
    )


def four_counts(width: int, memory: str, workers: int) -> None:
    """All four counts within a limit of memory."""
    found = count_cells(network(4, width, width, 1), memory=memory, workers=workers)
    print(found)
    print(f"{found.seconds:.1f} s, at most {peak_bytes() / 1e6:.0f} MB, {peak_bytes() / found.cells:.1f} bytes a cell")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=4)
    parser.add_argument("--from", type=float, default=1e5, dest="least")
    parser.add_argument("--to", type=float, default=None)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--dask", action="store_true")
    parser.add_argument("--four", type=int, metavar="WIDTH")
    parser.add_argument("--memory", default="2GiB")
    options = parser.parse_args()
    if options.four:
        four_counts(options.four, options.memory, options.workers)
    elif options.dask:
        on_a_cluster(options.inputs, options.to or 1e9)
    else:
        grow(options.inputs, options.least, options.to or 1e10, options.workers)


if __name__ == "__main__":
    main()
