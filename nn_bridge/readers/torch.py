"""Reader of torch networks: modules, state dictionaries of linear layers, ``.pt`` and ``.pth`` files.

Torch is imported only when something of torch's has to be read.  Parameters enter by their exact values, whatever their
precision; arithmetic inside torch rounds, the network read here does not.
"""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network
from nn_bridge.readers.files import MAX_BYTES, read_bytes
from polyhedra.errors import MissingExtraError
from polyhedra.scalars import rational, to_text

_STATE_KEYS = ("state_dict", "model_state_dict", "model")
_SAVE_ADVICE = "save the parameters alone with torch.save(model.state_dict(), FILE)"
_READABLE = "a state dictionary is read as a chain of linear layers; give other networks as a module or as .onnx"


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        raise MissingExtraError("reading a torch network", "torch") from None
    return torch


# ---------------------------------------------------------------- files


def read_torch(path: str | os.PathLike[str]) -> Network:
    """Read a ``.pt`` or ``.pth`` file that holds a state dictionary; no code in it is ever run.

    Raises
    ------
    NetworkError
        The file is no torch file, would need to run code, or its parameters are no chain of linear layers.
    MissingExtraError
        Torch is not installed.
    """
    content = read_bytes(path, MAX_BYTES)
    torch = _torch()
    _check_archive(content, path)
    try:
        value = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise NetworkError(
            f"{path} holds more than tensors and could run code when it is loaded, so it is refused; {_SAVE_ADVICE}"
        ) from None
    except Exception as error:  # torch raises whatever its C++ side and a damaged pickle bring up
        reason = str(error).strip().split("\n")[0][:120] or type(error).__name__
        raise NetworkError(f"{path} is a damaged torch file ({reason}); {_SAVE_ADVICE}") from None
    try:
        return network_from_state_dict(value)
    except NetworkError as error:
        raise NetworkError(f"{path}: {error}") from None


def _check_archive(content: bytes, path: object) -> None:
    """Refuse, before anything is inflated, what is no archive of tensors or would inflate beyond the limit."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
    except Exception:
        if content.startswith(b"PK"):
            raise NetworkError(f"{path} is a truncated or damaged torch file; {_SAVE_ADVICE}") from None
        raise NetworkError(f"{path} is no torch file of version 1.6 or later; {_SAVE_ADVICE}") from None
    declared = sum(member.file_size for member in members)
    if declared > MAX_BYTES:
        raise NetworkError(f"{path} inflates to {declared} bytes, more than the {MAX_BYTES} that a network may have")
    names = {member.filename.rpartition("/")[2] for member in members}
    if "constants.pkl" in names:
        raise NetworkError(f"{path} is a TorchScript program, which would run code, so it is refused; {_SAVE_ADVICE}")
    if "data.pkl" not in names:
        raise NetworkError(f"{path} is an archive but no torch file; {_SAVE_ADVICE}")


# ---------------------------------------------------------------- state dictionaries


def network_from_state_dict(state: Any) -> Network:
    """The chain of linear layers in a state dictionary, with ReLU after every layer but the last.

    A state dictionary lists parameters, not activations: ReLU is the convention, and the network's notes say so.
    """
    if isinstance(state, Mapping):
        for key in _STATE_KEYS:
            if isinstance(state.get(key), Mapping):
                state = state[key]
                break
    if not isinstance(state, Mapping) or not state:
        raise NetworkError(f"this is no state dictionary of a network; {_SAVE_ADVICE}")
    weights: dict[str, Any] = {}
    biases: dict[str, Any] = {}
    for key, value in state.items():
        prefix, _, kind = str(key).rpartition(".")
        if kind not in ("weight", "bias"):
            raise NetworkError(f"the state dictionary holds {key!s:.60}, which is no weight or bias; {_READABLE}")
        (weights if kind == "weight" else biases)[prefix] = _entries(value, f"parameter {key!s:.60}")
    for prefix in biases:
        if prefix not in weights:
            raise NetworkError(f"the state dictionary holds {prefix}.bias but no {prefix}.weight; {_READABLE}")
    for prefix, weight in weights.items():
        if not weight or not isinstance(weight[0], list) or (weight[0] and isinstance(weight[0][0], list)):
            raise NetworkError(f"parameter {prefix}.weight is not the matrix of a linear layer; {_READABLE}")
    network = Network.from_layers(list(weights.values()), [biases.get(prefix) for prefix in weights])
    note = "read from a state dictionary: ReLU assumed after every layer but the last"
    return Network(network.input_dim, network.stages, network.output, network.layers, (note,))


def _entries(tensor: Any, place: str) -> list[Any]:
    """A tensor's exact entries as nested lists."""
    torch = _torch()
    if not isinstance(tensor, torch.Tensor):
        raise NetworkError(f"{place} is not a tensor but a {type(tensor).__name__}; {_SAVE_ADVICE}")
    if tensor.numel() * 8 > MAX_BYTES:  # a tensor may be larger than the storage that it repeats
        raise NetworkError(f"{place} has {tensor.numel()} entries, more than a network may have")
    if tensor.ndim == 0 or tensor.is_meta or tensor.is_complex() or tensor.is_quantized or tensor.is_sparse:
        raise NetworkError(f"{place} is not a dense real vector or matrix; convert it to float64")
    return tensor.detach().cpu().tolist()


# ---------------------------------------------------------------- modules


def network_from_module(module: Any, input_shape: Sequence[int] | None = None) -> Network:
    """The network of a torch module of any nesting, exactly and checked against the module at random points.

    Dropout and batch normalisation are read as in evaluation mode.  A slope such as ``LeakyReLU(0.01)`` is the exact
    value of that float.

    Parameters
    ----------
    module : torch.nn.Module
    input_shape : sequence of int, optional
        The shape of one input, without the batch; needed where the first layer does not tell it.

    Raises
    ------
    NetworkError
        A layer cannot be read (the message names it and says why), or the shapes do not fit.
    """
    from nn_bridge.readers.torch_modules import check_module, network_of_module

    if not isinstance(module, _torch().nn.Module):
        raise NetworkError(f"{type(module).__name__} is not a torch module; {_READABLE}")
    chain = _chain(module) if input_shape is None else None
    if chain is None:
        return network_of_module(module, input_shape)
    check_module(chain, module)
    return chain


def _chain(module: Any) -> Network | None:
    """The network of an `nn.Sequential` of linear layers and ReLUs, which remembers its layers; None for others."""
    layers: list[tuple[list[Any], list[Any] | None, str]] = []
    leading: list[str] = []
    notes: list[str] = []
    for name, part in _parts(module, "", _torch().nn):
        kind = type(part).__name__
        if kind == "Linear":
            weight = _entries(part.weight, f"parameter {name}weight")
            bias = None if part.bias is None else _entries(part.bias, f"parameter {name}bias")
            while leading:
                layers.append((_unit_matrix(len(weight[0])), None, leading.pop(0)))
            layers.append((weight, bias, "linear"))
            continue
        if kind not in _ACTIVATIONS:
            return None
        activation = _ACTIVATIONS[kind](part)
        if kind == "Dropout" and part.p:
            notes.append("dropout read as the identity (evaluation mode)")
        if activation is None:
            continue
        if not layers:
            leading.append(activation)
        elif layers[-1][2] == "linear":
            layers[-1] = (*layers[-1][:2], activation)
        else:
            layers.append((_unit_matrix(_width(layers[-1])), None, activation))
    if not layers:
        return None
    network = Network.from_layers(*map(list, zip(*layers, strict=True)))
    return Network(network.input_dim, network.stages, network.output, network.layers, tuple(dict.fromkeys(notes)))


_ACTIVATIONS: dict[str, Callable[[Any], str | None]] = {
    "ReLU": lambda part: "relu",
    "LeakyReLU": lambda part: f"leaky:{to_text(rational(part.negative_slope))}",
    "Flatten": lambda part: None,
    "Identity": lambda part: None,
    "Dropout": lambda part: None,
}


def _parts(module: Any, prefix: str, nn: Any) -> Iterator[tuple[str, Any]]:
    """The modules in the order in which they are applied; a subclass counts only where it keeps the ``forward``."""
    if isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward:
        for name, child in module.named_children():
            yield from _parts(child, f"{prefix}{name}.", nn)
        return
    # a user's own class of a known name is not the known layer
    known = type(module) is getattr(nn, type(module).__name__, None)
    yield prefix, module if known else object()


def _unit_matrix(size: int) -> list[list[int]]:
    return [[int(i == j) for j in range(size)] for i in range(size)]


def _width(layer: tuple[list[Any], list[Any] | None, str]) -> int:
    return len(layer[0])
