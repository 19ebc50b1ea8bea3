"""Convolutional networks of the kind of VNN-COMP's: memory and time to read, to explore, and to count on a plane.

    python benchmarks/bench_convolutions.py [--width 8] [--box 1/10]

Images [3, 32, 32]; convolutions 3 -> WIDTH -> 2 WIDTH with kernel 4, stride 2, padding 1; dense 100, 10; torch's own
random weights.  Images of the plane are random.  Seconds, CPU seconds, and the most memory so far.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import puiseux
from nn_bridge.network.network import Network
from nn_bridge.network.sparse_row import entries


def timed(label: str, task: Callable[[], Any]) -> Any:
    """The answer of a task; prints how long it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    answer = task()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    spent = f"{time.perf_counter() - wall:8.2f} s {time.process_time() - cpu:8.2f} CPU s"
    print(f"  {label:44} {spent}  {peak:6.0f} MB", flush=True)
    return answer


def model(width: int) -> torch.nn.Module:
    """The network."""
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, width, 4, stride=2, padding=1),
        torch.nn.ReLU(),
        torch.nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(128 * width, 100),
        torch.nn.ReLU(),
        torch.nn.Linear(100, 10),
    )


def slice_file(folder: Path, dim: int, box: str) -> str:
    """A slice through random images: the plane through three for ``dim`` 2."""
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (dim + 1, 3072))
    content = {
        "format": "puiseux-slice",
        "version": 1,
        "origin": [f"{v}/255" for v in images[0].tolist()],
        "directions": [[f"{v}/255" for v in (image - images[0]).tolist()] for image in images[1:]],
    }
    if dim == 2:
        content["domain"] = f"box:0,{box}"
    path = folder / f"slice{dim}.json"
    path.write_text(json.dumps(content))
    return f"slice:{path}"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--width", type=int, default=8)
    parser.add_argument("--box", default="1/10")
    options = parser.parse_args()
    torch_model = model(options.width)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        timed("imports", lambda: puiseux.as_network([[[1]]]))
        torch.onnx.export(torch_model, torch.zeros(1, 3, 32, 32), folder / "net.onnx", dynamo=False)
        network: Network = timed("read ONNX", lambda: puiseux.load(folder / "net.onnx"))
        again = timed("read the torch module", lambda: puiseux.as_network(torch_model, input_shape=(3, 32, 32)))
        assert again == network
        stages = (*network.stages, network.output)
        weights = [(len(m) * len(m[0]), sum(1 for r in m for _ in entries(r))) for s in stages for _, m in s.blocks]
        print(f"  {network}: {sum(w for _, w in weights):,} weights, {sum(d for d, _ in weights):,} with zeros")
        plane = slice_file(folder, 2, options.box)
        count = timed("count cells on the plane", lambda: puiseux.count_regions(network, plane, counts="cells"))
        print(f"  {count.cells:,} cells")
        count = timed("all four counts there", lambda: puiseux.count_regions(network, plane))
        print(f"  {count.counts}")
        for dim in (2, 8, 16):
            domain, start = slice_file(folder, dim, options.box), ["1/100"] * dim
            task = lambda domain=domain, start=start: next(iter(puiseux.explore(network, start, domain=domain))).cell  # noqa: E731
            cell = timed(f"{dim} dimensions: the cell at a point", task)
            print(f"  {timed('its facets', lambda cell=cell: len(cell.facets))} facets")
            timed("its neighbours", cell.neighbours)
        image = [f"{v}/255" for v in np.random.default_rng(1).integers(0, 256, 3072).tolist()]
        task = lambda: next(iter(puiseux.explore(network, image, 1, facets="some"))).cell  # noqa: E731
        ray_cell = timed("3,072 dimensions: the cell at an image", task)
        count = timed("facets that rays meet", lambda: ray_cell.facet_count)
        print(f"  {count:,} facets, at most {ray_cell.facets_at_most:,}; {ray_cell.rays:,} rays")
        (first, *_) = timed("the neighbours across them", ray_cell.neighbours)
        timed("a point inside of one", lambda: first.interior_point)
        print(f"  {timed('its facets', lambda: first.facet_count):,} facets")


if __name__ == "__main__":
    main()
