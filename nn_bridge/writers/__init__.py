"""Networks out: one module a format, chosen by the suffix of the path."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network
from polyhedra.quoting import quoted, shown_path

SUFFIXES = {
    ".npz": ("nn_bridge.writers.npz", "write_npz"),
    ".json": ("nn_bridge.writers.json", "write_json"),
    ".onnx": ("nn_bridge.writers.onnx", "write_onnx"),
    ".pt": ("nn_bridge.writers.torch", "write_torch"),
    ".pth": ("nn_bridge.writers.torch", "write_torch"),
}
"""The module and function that write files of each suffix."""


def write_network(network: Network, path: str | os.PathLike[str]) -> None:
    """Write a network to a file that reads back to an equal one; on failure nothing is written.

    Raises
    ------
    NetworkError
        The suffix is unknown, the format cannot hold this network exactly, or the place cannot be written.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise NetworkError(
            f"{shown_path(path)}: puiseux does not write files of type {quoted(suffix, 20)}; use {', '.join(SUFFIXES)}"
        )
    module, function = SUFFIXES[suffix]
    getattr(import_module(module), function)(network, path)


__all__ = ["SUFFIXES", "write_network"]
