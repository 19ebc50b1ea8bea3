"""Networks in: files, torch modules, state dictionaries, lists of arrays.

`read_network` takes whatever a user has; one module a format does the work.  To add a format, write its module and
enter its suffix in `SUFFIXES`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from nn_bridge.errors import NetworkError
from nn_bridge.network import Network

SUFFIXES = {
    ".npz": ("nn_bridge.readers.npz", "read_npz"),
    ".json": ("nn_bridge.readers.json", "read_json"),
    ".pt": ("nn_bridge.readers.torch", "read_torch"),
    ".pth": ("nn_bridge.readers.torch", "read_torch"),
}
"""The module and function that read files of each suffix."""


def read_network(source: Any) -> Network:
    """The exact network of a file, a torch module, a state dictionary, or a list of layers.

    Parameters
    ----------
    source : path, torch.nn.Module, mapping, sequence or Network
        A path's suffix tells its format.  A mapping is a torch state dictionary.  A sequence holds one weight matrix,
        or one tuple ``(weights, bias)``, per layer, with ReLU after every layer but the last.

    Raises
    ------
    NetworkError
        There is nothing to read there, or it is no piecewise linear network.
    MissingExtraError
        It needs torch, which is not installed.

    Examples
    --------
    >>> read_network([([[1], [2]], [0, -1]), ([[1, -1]], [0])]).evaluate([1])
    (0,)
    """
    if isinstance(source, Network):
        return source
    if isinstance(source, (str, os.PathLike)):
        return _read_file(source)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(source, torch.nn.Module):
        from nn_bridge.readers.torch import network_from_module

        return network_from_module(source)
    if isinstance(source, Mapping):
        from nn_bridge.readers.torch import network_from_state_dict

        return network_from_state_dict(source)
    if isinstance(source, Sequence) and not isinstance(source, (bytes, bytearray)):
        pairs = [layer if isinstance(layer, tuple) and len(layer) == 2 else (layer, None) for layer in source]
        return Network.from_layers([weights for weights, _ in pairs], [bias for _, bias in pairs])
    raise NetworkError(
        f"cannot read a network from a {type(source).__name__}; "
        "give a path, a torch module, a state dictionary or a list of layers"
    )


def _read_file(source: str | os.PathLike[str]) -> Network:
    suffix = Path(source).suffix.lower()
    if suffix not in SUFFIXES:
        kind = f"files of type {suffix[:20]!r}" if suffix else "files without a suffix"
        raise NetworkError(f"{source}: puiseux does not read {kind}; give one of {', '.join(SUFFIXES)}")
    module, function = SUFFIXES[suffix]
    network: Network = getattr(import_module(module), function)(source)
    return network


__all__ = ["SUFFIXES", "read_network"]
