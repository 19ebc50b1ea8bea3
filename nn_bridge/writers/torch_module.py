"""The torch modules of a layer, and of a network that is no chain of layers."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from nn_bridge.network.network import INPUT, Network
from nn_bridge.writers.floats import float64_matrix, float64_vector


def linear(weights: np.ndarray, bias: np.ndarray | None) -> torch.nn.Linear:
    """A ``Linear`` module with these float64 parameters."""
    module = torch.nn.Linear(weights.shape[1], weights.shape[0], bias=bias is not None, dtype=torch.float64)
    with torch.no_grad():
        module.weight.copy_(torch.from_numpy(weights))
        if bias is not None:
            module.bias.copy_(torch.from_numpy(bias))
    return module


class StagedNetwork(torch.nn.Module):
    """Stages of ReLU units over the input and all earlier units, with float64 parameters.

    ``stages[k]`` holds one ``Linear`` for each source that stage ``k`` reads (the last entry: the outputs).

    Examples
    --------
    >>> network = Network.from_layers([[[1]], [[1]]], None, ["leaky:1/4", "linear"])
    >>> StagedNetwork(network)(torch.tensor([[-2.0]], dtype=torch.float64))
    tensor([[-0.5000]], dtype=torch.float64, grad_fn=<AddBackward0>)
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.sources: list[list[int]] = []
        stages: list[torch.nn.ModuleList] = []
        for number, stage in enumerate((*network.stages, network.output)):
            place = f"stage {number + 1}"
            bias = float64_vector(stage.bias, place)
            blocks = [(source, float64_matrix(matrix, place)) for source, matrix in stage.blocks]
            if not blocks:  # constants still need a batch to be repeated over
                blocks = [(INPUT, np.zeros((stage.units, network.input_dim)))]
            self.sources.append([source for source, _ in blocks])
            parts = [linear(weights, None if k else bias) for k, (_, weights) in enumerate(blocks)]
            stages.append(torch.nn.ModuleList(parts))
        self.stages = torch.nn.ModuleList(stages)

    def forward(self, x: Tensor) -> Tensor:
        """The outputs at points of shape (N, n)."""
        values = [x]
        for number in range(len(self.sources) - 1):
            values.append(torch.relu(self._affine(number, values)))
        return self._affine(-1, values)

    def _affine(self, number: int, values: list[Tensor]) -> Tensor:
        parts = list(self.stages[number].children())
        result: Tensor = parts[0](values[self.sources[number][0]])
        for source, part in zip(self.sources[number][1:], parts[1:], strict=True):
            result = result + part(values[source])
        return result
