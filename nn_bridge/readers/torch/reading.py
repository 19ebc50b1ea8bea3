"""Reader of torch networks: modules, state dictionaries of linear layers, ``.pt`` and ``.pth`` files.

Torch is imported only when something of torch's has to be read.  Parameters enter by their exact values, whatever their
precision; arithmetic inside torch rounds, the network read here does not.
"""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from nn_bridge.errors import NetworkError
from nn_bridge.network.chains import chain
from nn_bridge.network.network import Network
from nn_bridge.readers.files import MAX_BYTES, read_bytes
from nn_bridge.readers.state_dictionaries import READABLE, SAVE_ADVICE, DenseSizes, network_of_state_dict
from nn_bridge.readers.torch.tensors import check_dense, line, quiet
from polyhedra.errors import MissingExtraError
from polyhedra.quoting import shown, shown_path
from polyhedra.scalars import rational, to_text

_MAX_PICKLE = 4 * 2**20  # bytes of names and shapes; torch unpickles them one by one


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        raise MissingExtraError("reading a torch network", "torch") from None
    return torch


# ---------------------------------------------------------------- files


def read_torch(path: str | os.PathLike[str]) -> Network:
    """Read a ``.pt``, ``.pth`` or ``.ckpt`` file that holds a state dictionary; no code in it is ever run.

    Raises
    ------
    NetworkError
        The file is no torch file, would need to run code, or its parameters are no chain of linear layers.
    MissingExtraError
        Torch is not installed.
    """
    content = read_bytes(path, MAX_BYTES)
    torch = _torch()
    name = shown_path(path)
    _check_archive(content, name)
    try:
        with quiet():
            value = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise NetworkError(
            f"{name} holds more than tensors and could run code when it is loaded, so it is refused; {SAVE_ADVICE} "
            "(of a checkpoint whose author you trust: torch.load(FILE, weights_only=False)['state_dict'])"
        ) from None
    except Exception as error:  # torch raises whatever its C++ side and a damaged pickle bring up
        raise NetworkError(f"{name} is a damaged torch file ({line(error)}); {SAVE_ADVICE}") from None
    try:
        return network_from_state_dict(value)
    except NetworkError as error:
        raise NetworkError(f"{name}: {error}") from None


def _check_archive(content: bytes, path: str) -> None:
    """Refuse, before anything is inflated, what is no archive of tensors or would inflate beyond the limit."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
    except Exception:
        if content.startswith(b"PK"):
            raise NetworkError(f"{path} is a truncated or damaged torch file; {SAVE_ADVICE}") from None
        raise NetworkError(f"{path} is no torch file of version 1.6 or later; {SAVE_ADVICE}") from None
    declared = sum(member.file_size for member in members)
    if declared > MAX_BYTES:
        raise NetworkError(f"{path} inflates to {declared} bytes, more than the {MAX_BYTES} that a network may have")
    sizes = {member.filename.rpartition("/")[2]: member.file_size for member in members}
    if "constants.pkl" in sizes:
        raise NetworkError(f"{path} is a TorchScript program, which would run code, so it is refused; {SAVE_ADVICE}")
    if "data.pkl" not in sizes:
        raise NetworkError(f"{path} is an archive but no torch file; {SAVE_ADVICE}")
    if sizes["data.pkl"] > _MAX_PICKLE:
        raise NetworkError(f"{path} lists {sizes['data.pkl']:,} bytes of names and shapes; {SAVE_ADVICE}")


# ---------------------------------------------------------------- state dictionaries


def network_from_state_dict(state: Any) -> Network:
    """The chain of linear layers in a state dictionary, with ReLU after every layer but the last.

    A state dictionary lists parameters, not activations: ReLU is the convention, and the network's notes say so (see
    `nn_bridge.readers.state_dictionaries`).
    """
    sizes = DenseSizes()
    with quiet():
        return network_of_state_dict(state, lambda value, place: _array(value, place, sizes))


def _array(tensor: Any, place: str, sizes: DenseSizes) -> np.ndarray:
    """A tensor's exact entries."""
    torch = _torch()
    if isinstance(tensor, np.ndarray) and tensor.dtype.kind in "iufb":
        sizes.check(tensor.size, place)
        return tensor
    if not isinstance(tensor, torch.Tensor):
        raise NetworkError(f"{place} is not a tensor but a {type(tensor).__name__}; {SAVE_ADVICE}")
    check_dense(tensor, place)
    if tensor.ndim == 0:
        raise NetworkError(f"{place} is not a dense real vector or matrix; convert it to float64")
    sizes.check(tensor.numel(), place)
    plain = tensor.detach().cpu()
    array: np.ndarray = (plain.double() if plain.is_floating_point() else plain).numpy()
    return array


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
    from nn_bridge.readers.torch.modules import check_module, network_of_module
    from nn_bridge.readers.torch.unwrapping import readable_copy

    if not isinstance(module, _torch().nn.Module):
        raise NetworkError(f"{type(module).__name__} is not a torch module; {READABLE}")
    with quiet():
        try:
            twin, notes = readable_copy(module)
            network = _chain(twin, notes) if input_shape is None else None
            if network is None:
                return network_of_module(twin, input_shape, notes)
            check_module(network, twin)
        except RecursionError:
            raise NetworkError("the module is nested too deeply, or holds itself") from None
    return network


def _chain(module: Any, before: tuple[str, ...]) -> Network | None:
    """The network of an `nn.Sequential` of linear layers and ReLUs, which remembers its layers; None for others."""
    layers: list[tuple[np.ndarray, np.ndarray | None, str]] = []
    leading: list[str] = []
    notes = list(before)
    sizes = DenseSizes()
    for name, part in _parts(module, "", _torch().nn):
        kind = type(part).__name__
        if kind == "Linear":
            weight = _array(part.weight, f"parameter {shown(name)}weight", sizes)
            bias = None if part.bias is None else _array(part.bias, f"parameter {shown(name)}bias", sizes)
            while leading:
                layers.append((_unit_matrix(weight.shape[1]), None, leading.pop(0)))
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
            layers.append((_unit_matrix(len(layers[-1][0])), None, activation))
    if not layers:
        return None
    weights, biases, activations = zip(*layers, strict=True)
    network = chain(weights, biases, activations)
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
        for name, child in module._modules.items():  # named_children drops what occurs twice
            yield from _parts(child, f"{prefix}{name}.", nn)
        return
    # a user's own class of a known name is not the known layer
    known = type(module) is getattr(nn, type(module).__name__, None)
    yield prefix, module if known else object()


def _unit_matrix(size: int) -> np.ndarray:
    return np.eye(size, dtype=np.int8)
