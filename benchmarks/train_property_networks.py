"""Train the networks of the property benchmark: named smooth maps, shapes as in verification competitions, seeds.

``python benchmarks/train_property_networks.py FOLDER`` writes ``friedman.npz`` (5-50-50-50-50-50-50-5, the shape of the
ACAS Xu networks) and ``ishigami.npz`` (3-32-32-3) into the folder.  The maps are Friedman's first function and
Ishigami's function, one output for each cyclic exchange of the inputs, shifted and scaled to mean 0 and deviation 1;
inputs lie in [-1/2, 1/2].  Weights are float32 numbers.  Needs torch.

Sources: Friedman 1991; Ishigami and Homma 1990.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from nn_bridge.network.network import Network
from nn_bridge.writers.npz import write_npz

SHAPES = {"friedman": (5, 50, 50, 50, 50, 50, 50, 5), "ishigami": (3, 32, 32, 3)}


def friedman(x: torch.Tensor) -> torch.Tensor:
    """10 sin(pi a b) + 20 (c - 1/2)^2 + 10 d + 5 e for inputs in [0, 1]."""
    a, b, c, d, e = x.T
    return 10 * torch.sin(np.pi * a * b) + 20 * (c - 0.5) ** 2 + 10 * d + 5 * e


def ishigami(x: torch.Tensor) -> torch.Tensor:
    """sin(a) + 7 sin(b)^2 + c^4 sin(a) / 10 for inputs in [0, 1], stretched to [-pi, pi]."""
    a, b, c = (2 * np.pi * (x - 0.5)).T
    return torch.sin(a) + 7 * torch.sin(b) ** 2 + 0.1 * c**4 * torch.sin(a)


MAPS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {"friedman": friedman, "ishigami": ishigami}


def target(name: str, x: torch.Tensor) -> torch.Tensor:
    """The map with one output for each cyclic exchange of the inputs, of mean 0 and deviation 1 on the cube."""
    outputs = torch.stack([MAPS[name](torch.roll(x + 0.5, -k, 1)) for k in range(x.shape[1])], 1)
    mean, deviation = {"friedman": (14.41, 4.9), "ishigami": (3.5, 3.72)}[name]
    return (outputs - mean) / deviation


def train(name: str, seed: int = 0, steps: int = 6000) -> Network:
    """A network of the shape, trained on fresh uniform points by Adam."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    sizes = SHAPES[name]
    layers = [torch.nn.Linear(a, b) for a, b in itertools.pairwise(sizes)]
    steps_of = [part for layer in layers for part in (layer, torch.nn.ReLU())][:-1]
    model = torch.nn.Sequential(*steps_of)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        x = torch.rand(512, sizes[0]) - 0.5
        loss = ((model(x) - target(name, x)) ** 2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        rate.step()
    x = torch.rand(20000, sizes[0]) - 0.5
    with torch.no_grad():
        error = ((model(x) - target(name, x)) ** 2).mean().sqrt().item()
    print(f"{name}: {'-'.join(map(str, sizes))}, seed {seed}, root mean square error {error:.3f}")
    return Network.from_layers(
        [layer.weight.detach().numpy().astype(float) for layer in layers],
        [layer.bias.detach().numpy().astype(float) for layer in layers],
    )


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in SHAPES:
        write_npz(train(name), folder / f"{name}.npz")
