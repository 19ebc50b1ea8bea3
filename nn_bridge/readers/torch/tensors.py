"""What readers of torch objects share: which tensors are read, and torch's warnings kept from the user."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nn_bridge.errors import NetworkError
from polyhedra.quoting import shown


@contextmanager
def quiet() -> Iterator[None]:
    """Torch's warnings (of sparse layouts, of deprecated names) say nothing about the network that is read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def check_dense(tensor: Any, place: str) -> None:
    """Refuse tensors whose entries cannot be listed, whatever their layout is called.

    Raises
    ------
    NetworkError
        The tensor is sparse, nested, quantised, complex, or has no data.
    """
    import torch

    if tensor.is_nested or tensor.layout is not torch.strided:
        layout = "nested" if tensor.is_nested else str(tensor.layout).removeprefix("torch.")
        raise NetworkError(f"{place} is not dense but {layout}; call .to_dense() on it and save again")
    if tensor.is_meta or tensor.is_complex() or tensor.is_quantized or _is_uninitialised(tensor):
        raise NetworkError(f"{place} is not a dense real tensor; convert it to float64")


def _is_uninitialised(tensor: Any) -> bool:
    from torch.nn.parameter import is_lazy

    return bool(is_lazy(tensor))


def line(error: BaseException) -> str:
    """The first line of a message, short."""
    return shown(str(error).strip().split("\n")[0], 160) or type(error).__name__
