"""The sign-vector engine against the published algorithm: CPU seconds on one thread, both in one run.

    python benchmarks/bench_sign_vectors.py [--quick] [--whole] [--device cuda] [--torch-only] [--nets DIR]

``--quick`` leaves out the larger networks, ``--whole`` adds all eight layers of bunny_d3_8x32 (for puiseux alone),
``--device`` times the torch backend on that device as well, ``--torch-only`` nothing else.  Each program runs several
times, in turn; the best time counts.  The ratio is that of vertices and edges alone, since the published program does
not count cells; "with count" includes our count.

The lines of the torch backend have the bytes that were read from and written to the tables of vertices and edges (the
least that its steps can move; temporaries come on top), and on a GPU the time of the kernels alone: what is missing to
the whole time is the host, which launches them.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch
from naive_edge_subdivision import subdivide

from nn_bridge.network.network import Network
from nn_bridge.sign_vectors import count_sign_vectors, extract
from nn_bridge.sign_vectors.domain import as_domain
from nn_bridge.sign_vectors.plan import plan_of
from nn_bridge.sign_vectors.skeleton import OverBudget
from nn_bridge.sign_vectors.torch.skeleton import TorchSkeleton
from nn_bridge.sign_vectors.torch.subdivide import device_limit
from nn_bridge.sign_vectors.torch.subdivide import subdivide as subdivide_in_torch

NETS = Path(__file__).resolve().parents[2] / "shared" / "data" / "nets"
CASES = [
    ("bunny_d2_2x100", None, 1.0, 15, 0.27),
    ("bunny_d3_3x16", None, 0.5, 15, 0.19),
    ("bunny_d3_8x32", 3, 0.5, 4, 2.8),
    ("bunny_d3_8x32", 4, 0.5, 2, 14.3),
    ("bunny_d3_8x32", 5, 0.5, 1, 51.0),
]


def load(folder: Path, name: str, layers: int | None) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The first layers of a network; where it is cut short its last layer is the output."""
    with np.load(folder / f"{name}.npz") as data:
        depth = layers or len(data.files) // 2
        return [data[f"W{i}"] for i in range(depth)], [data[f"b{i}"] for i in range(depth)]


def cpu_seconds(run: object) -> tuple[float, object]:
    """CPU seconds of one call, and what it returned."""
    start = time.process_time()
    result = run()  # type: ignore[operator]
    return time.process_time() - start, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--device")
    parser.add_argument("--torch-only", action="store_true")
    parser.add_argument("--nets", type=Path, default=NETS)
    options = parser.parse_args()
    torch.set_num_threads(1)

    cases = CASES[: 2 if options.quick else None]
    if options.torch_only:
        whole = [("bunny_d3_8x32", None, 0.5, 1, 0.0)] if options.whole else []
        for name, layers, side, _, _ in cases + whole:
            print(name + (f" layers 1-{layers}" if layers else ""), flush=True)
            _on_device(Network.from_layers(*load(options.nets, name, layers)), side, options.device or "cpu")
        return
    warm = Network.from_layers(*load(options.nets, "d2_10_5_1_s0", None))
    extract(warm, (-1, 1)).count_cells()  # compiles or loads the kernels
    print(f"{'network':<24}{'vertices':>10}{'edges':>10}{'cells':>10}{'naive s':>10}{'puiseux s':>11}{'ratio':>8}"
          f"{'with count':>12}{'published s':>13}")  # fmt: skip
    for name, layers, side, repeats, published in cases:
        weights, biases = load(options.nets, name, layers)
        tensors = [[torch.tensor(a, dtype=torch.float32) for a in arrays] for arrays in (weights, biases)]
        network = Network.from_layers(weights, biases)
        naive, ours = [], []
        for _ in range(repeats):
            ours.append(cpu_seconds(lambda net=network, s=side: _count(net, s)))
            naive.append(cpu_seconds(lambda t=tensors, s=side: subdivide(t[0], t[1], -s, s)))
        both, (complex_, cells, seconds) = min(ours, key=lambda pair: pair[0])
        slow, (vertices, edges, _) = min(naive, key=lambda pair: pair[0])
        label = name + (f" layers 1-{layers}" if layers else "")
        print(
            f"{label:<24}{len(complex_.vertices):>10}{len(complex_.edges):>10}{cells:>10}{slow:>10.3f}{seconds:>11.4f}"
            f"{slow / seconds:>8.1f}{slow / both:>12.1f}{published:>13.2f}",
            flush=True,
        )
        if (len(vertices), len(edges)) != (len(complex_.vertices), len(complex_.edges)):
            print(f"    in single precision: {len(vertices)} vertices, {len(edges)} edges")
        if options.device:
            _on_device(network, side, options.device)
    if options.whole:
        _whole(options.nets)


def _count(network: Network, side: float) -> tuple[object, int, float]:
    """The complex, the number of its cells, and the seconds without counting (the published program does not count)."""
    seconds, complex_ = cpu_seconds(lambda: extract(network, (-side, side), output_hyperplanes=True))
    return complex_, complex_.count_cells(), seconds


def _on_device(network: Network, side: float, device: str) -> None:
    """The torch backend in one piece: seconds (of the processor, on the CPU), bytes moved, peak memory."""
    place = torch.zeros(1, device=device).device  # with its number
    gpu = place.type == "cuda"
    plan, domain = plan_of(network, True), as_domain((-side, side), network.input_dim)

    def run() -> TorchSkeleton:
        skeleton = TorchSkeleton(plan, domain, device_limit(place, None), place)
        subdivide_in_torch(skeleton)
        if gpu:
            torch.cuda.synchronize(place)
        return skeleton

    extract(network, (-0.01, 0.01), output_hyperplanes=True, device=device, backend="torch")
    clock = time.perf_counter if gpu else time.process_time
    best = np.inf
    try:
        for _ in range(2):
            start = clock()
            storage = run().storage
            best = min(best, clock() - start)
    except OverBudget:
        print(f"    torch on {device}: does not fit into its memory in one piece")
        return
    moved = storage.moved / 1e9
    where = torch.cuda.get_device_name(place) if gpu else f"the CPU, {torch.get_num_threads()} thread"
    peak = torch.cuda.max_memory_allocated(place) if gpu else storage.peak
    line = f"    torch on {where}: {storage.vertices.used} vertices, {storage.edges.used} edges, {best:.3f} s, "
    line += f"{moved:.3f} GB moved: {moved / best:.1f} GB/s, peak {peak / 1e9:.2f} GB"
    if gpu:
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
            run()
        kernels = sum(event.self_device_time_total for event in profile.key_averages()) / 1e6
        line += f"; kernels alone {kernels:.3f} s: {moved / kernels:.0f} GB/s"
    print(line, flush=True)


def _whole(folder: Path) -> None:
    """All layers of bunny_d3_8x32 with the output as a hyperplane: time and peak memory."""
    network = Network.from_layers(*load(folder, "bunny_d3_8x32", None))
    seconds, (complex_, cells, _) = cpu_seconds(lambda: _count(network, 0.5))
    print(f"bunny_d3_8x32, whole: {complex_!r}, {cells} cells, {complex_.decided} exact decisions, "
          f"{complex_.pieces} pieces: {seconds:.1f} s CPU, peak {peak():.2f} GB")  # fmt: skip
    seconds, count = cpu_seconds(lambda: count_sign_vectors(network, (-0.5, 0.5)))
    print(f"bunny_d3_8x32, hidden units only, counted in pieces: {count.cells} cells: {seconds:.1f} s CPU")


def peak() -> float:
    """Peak resident memory in GB (0 where the system does not tell)."""
    try:
        import resource
    except ImportError:
        return 0.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform != "darwin" else 1e9)


if __name__ == "__main__":
    main()
