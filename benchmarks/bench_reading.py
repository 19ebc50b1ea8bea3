"""How long conversion takes, comparison with the source included: CPU seconds by kind of model.

Run: python benchmarks/bench_reading.py
"""

from __future__ import annotations

import io
import time
import warnings
from collections.abc import Callable
from typing import Any

import onnx
import torch
from torch import nn

from nn_bridge.network.network import Network
from nn_bridge.readers import read_network
from nn_bridge.writers.onnx import to_onnx

torch.set_num_threads(1)
warnings.simplefilter("ignore")


def models() -> dict[str, tuple[nn.Module, tuple[int, ...]]]:
    torch.manual_seed(0)
    return {
        "dense 784-128-128-10": (
            nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10)),
            (784,),
        ),
        "the same, leaky": (
            nn.Sequential(nn.Linear(784, 128), nn.LeakyReLU(), nn.Linear(128, 128), nn.LeakyReLU(), nn.Linear(128, 10)),
            (784,),
        ),
        "28x28: conv 8, norm, ReLU, pool, conv 8, ReLU, mean pool": (
            nn.Sequential(
                nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
                nn.Conv2d(8, 8, 3, stride=2, padding=1), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(72, 10),
            ),
            (1, 28, 28),
        ),
        "28x28: conv 16, pool 3x3, conv 16, ReLU": (
            nn.Sequential(
                nn.Conv2d(1, 16, 3, stride=2), nn.MaxPool2d(3, stride=2), nn.Conv2d(16, 16, 3), nn.ReLU(), nn.Flatten(),
                nn.Linear(256, 10),
            ),
            (1, 28, 28),
        ),
    }  # fmt: skip


def measured(run: Callable[[], Network]) -> tuple[float, Network]:
    best, network = float("inf"), None
    for _ in range(2):
        start = time.process_time()
        network = run()
        best = min(best, time.process_time() - start)
    assert network is not None
    return best, network


def exported(module: nn.Module, shape: tuple[int, ...]) -> Any:
    buffer = io.BytesIO()
    torch.onnx.export(module, torch.zeros(1, *shape), buffer, dynamo=False)
    return onnx.load_from_string(buffer.getvalue())


def main() -> None:
    print("| model | units per stage | torch | ONNX | written as ONNX |\n| --- | --- | --- | --- | --- |")
    for name, (module, shape) in models().items():
        module.eval()
        proto = exported(module, shape)
        by_torch, network = measured(lambda m=module, s=shape: read_network(m, s))  # type: ignore[misc]
        by_onnx, _ = measured(lambda p=proto: read_network(p))  # type: ignore[misc]
        try:
            start = time.process_time()
            to_onnx(network)
            written = f"{time.process_time() - start:.1f}"
        except ValueError as error:
            written = "not float64" if "float64" in str(error) else str(error)
        units = ", ".join(map(str, network.hidden))
        print(f"| {name} | {units} | {by_torch:.1f} | {by_onnx:.1f} | {written} |", flush=True)


if __name__ == "__main__":
    main()
