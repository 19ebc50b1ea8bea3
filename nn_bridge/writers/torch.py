"""Networks as torch modules, and ``.pt`` files that hold the parameters of a chain."""

from __future__ import annotations

import io
import os
from typing import Any

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network
from nn_bridge.writers.files import write_bytes
from nn_bridge.writers.floats import float64_layers, is_chain
from polyhedra.errors import MissingExtraError
from polyhedra.quoting import shown_path


def to_torch(network: Network) -> Any:
    """A torch module with float64 parameters that computes the network: an ``nn.Sequential`` where it is a chain.

    Other networks become a `nn_bridge.writers.torch_module.StagedNetwork`.  Reading the module gives an equal network.

    Raises
    ------
    NetworkError
        An entry is not a float64 (`nn_bridge.writers.rounding.rounded_to` rounds on request).
    MissingExtraError
        Torch is not installed.

    Examples
    --------
    >>> to_torch(Network.from_layers([[[1], [2]], [[1, -1]]]))
    Sequential(
      (0): Linear(in_features=1, out_features=2, bias=True)
      (1): ReLU()
      (2): Linear(in_features=2, out_features=1, bias=True)
    )
    """
    nn = _torch().nn
    from nn_bridge.writers.torch_module import StagedNetwork, linear  # needs torch

    if not is_chain(network):
        return StagedNetwork(network)
    parts: list[Any] = []
    for weights, bias in float64_layers(network, "the network"):
        if parts:
            parts.append(nn.ReLU())
        parts.append(linear(weights, bias))
    return nn.Sequential(*parts)


def write_torch(network: Network, path: str | os.PathLike[str]) -> None:
    """Write a ``.pt`` file: the state dictionary of an ``nn.Sequential`` of linear layers with ReLU between them.

    Raises
    ------
    NetworkError
        The network has skip connections, which a list of parameters cannot tell, or an entry is not a float64.
    """
    torch = _torch()
    if not is_chain(network):
        raise NetworkError(
            f"{shown_path(path)}: a file of parameters cannot tell skip connections (leaky ReLU, maxout and the like "
            "give some); write .onnx or .json, or take nn_bridge.writers.torch.to_torch in Python"
        )
    buffer = io.BytesIO()
    torch.save(to_torch(network).state_dict(), buffer)
    write_bytes(path, buffer.getvalue())


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        raise MissingExtraError("writing a torch network", "torch") from None
    return torch
