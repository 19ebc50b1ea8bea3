"""Networks in: files, torch modules, ONNX models, scikit-learn models, state dictionaries, lists of arrays.

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
from nn_bridge.network.network import Network
from nn_bridge.readers.standard_input import StandardInput

SUFFIXES = {
    ".npz": ("nn_bridge.readers.npz", "read_npz"),
    ".json": ("nn_bridge.readers.json", "read_json"),
    ".pt": ("nn_bridge.readers.torch", "read_torch"),
    ".pth": ("nn_bridge.readers.torch", "read_torch"),
    ".ckpt": ("nn_bridge.readers.torch", "read_torch"),
    ".safetensors": ("nn_bridge.readers.safetensors", "read_safetensors"),
    ".onnx": ("nn_bridge.readers.onnx", "read_onnx"),
    ".nnet": ("nn_bridge.readers.nnet", "read_nnet"),
}
"""The module and function that read files of each suffix."""

_PICKLE = (
    "it runs code when it is loaded; load it in Python yourself and write the model with puiseux.save(MODEL, FILE)"
)
_THROUGH_ONNX = "export the model to .onnx"
_ADVICE = {
    ".pkl": _PICKLE, ".pickle": _PICKLE, ".joblib": _PICKLE, ".pt2": _THROUGH_ONNX, ".h5": _THROUGH_ONNX,
    ".keras": _THROUGH_ONNX, ".tflite": _THROUGH_ONNX, ".pb": _THROUGH_ONNX,
}  # fmt: skip


def read_network(source: Any, input_shape: Sequence[int] | None = None) -> Network:
    """The exact network of a file, a model of torch, ONNX or scikit-learn, a state dictionary, or a list of layers.

    Parameters
    ----------
    source : path, torch.nn.Module, onnx.ModelProto, scikit-learn model, mapping, sequence or Network
        A path's suffix tells its format; a file without one is told by its content.  A mapping is a torch state
        dictionary.  A sequence holds one weight matrix, or one tuple ``(weights, bias)``, per layer, with ReLU after
        every layer but the last.
    input_shape : sequence of int, optional
        The shape of one input of a torch module or an ONNX model that does not tell it.

    Raises
    ------
    NetworkError
        There is nothing to read there, or it is no piecewise linear network.
    MissingExtraError
        It needs torch or onnx, which is not installed.

    Examples
    --------
    >>> read_network([([[1], [2]], [0, -1]), ([[1, -1]], [0])]).evaluate([1])
    (0,)
    """
    shape = {} if input_shape is None else {"input_shape": tuple(input_shape)}
    if isinstance(source, (str, os.PathLike)):
        return _read_file(source, shape)
    if _is_a(source, "torch.nn", "Module"):
        from nn_bridge.readers.torch import network_from_module

        return network_from_module(source, **shape)
    if _is_a(source, "onnx", "ModelProto"):
        from nn_bridge.readers.onnx import network_from_onnx

        return network_from_onnx(source, **shape)
    if shape:
        raise NetworkError("input_shape belongs to torch modules and ONNX models; leave it out")
    if isinstance(source, Network):
        return source
    if _is_a(source, "sklearn.base", "BaseEstimator"):
        from nn_bridge.readers.sklearn import network_from_sklearn

        return network_from_sklearn(source)
    if isinstance(source, Mapping):
        from nn_bridge.readers.torch import network_from_state_dict

        return network_from_state_dict(source)
    if isinstance(source, Sequence) and not isinstance(source, (bytes, bytearray)):
        pairs = [layer if isinstance(layer, tuple) and len(layer) == 2 else (layer, None) for layer in source]
        return Network.from_layers([weights for weights, _ in pairs], [bias for _, bias in pairs])
    raise NetworkError(
        f"cannot read a network from an object of type {type(source).__name__}; "
        "give a path, a torch module, an ONNX or scikit-learn model, a state dictionary or a list of layers"
    )


def _is_a(source: Any, module: str, name: str) -> bool:
    """Whether it is of a class of a library; one that was never imported has no objects."""
    kind = getattr(sys.modules.get(module), name, None)
    return kind is not None and isinstance(source, kind)


def _read_file(source: str | os.PathLike[str], shape: dict[str, tuple[int, ...]]) -> Network:
    if isinstance(source, StandardInput):
        source.read()
    suffix = getattr(source, "suffix", Path(source).suffix).lower() or _suffix_by_content(source)
    if suffix in _ADVICE:
        raise NetworkError(f"{source}: puiseux does not read {suffix} files: {_ADVICE[suffix]}")
    if suffix not in SUFFIXES:
        kind = f"files of type {suffix[:20]!r}" if suffix else "files without a suffix"
        raise NetworkError(f"{source}: puiseux does not read {kind}; give one of {', '.join(SUFFIXES)}")
    if shape and suffix != ".onnx":
        raise NetworkError(f"{source}: input_shape belongs to ONNX models and torch modules; leave it out")
    module, function = SUFFIXES[suffix]
    network: Network = getattr(import_module(module), function)(source, **shape)
    return network


def _suffix_by_content(source: str | os.PathLike[str]) -> str:
    """Published networks often come as torch files without an ending; an archive of arrays tells itself too."""
    from nn_bridge.readers.files import MAX_BYTES, read_bytes

    content = read_bytes(source, MAX_BYTES)
    if not content.startswith(b"PK"):
        return ""
    return ".pt" if b"data.pkl" in content else ".npz"


__all__ = ["SUFFIXES", "read_network"]
