"""Reader of ``.safetensors`` files: named arrays and nothing else, read as a state dictionary.

The format keeps no order of its own, so layers are taken in the order of their names, numbers in them by value
(``fc2`` before ``fc10``), and the notes of the network say so.
"""

from __future__ import annotations

import os
import re
from typing import Any

import numpy as np

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network
from nn_bridge.readers.files import MAX_BYTES, read_bytes
from nn_bridge.readers.state_dictionaries import DenseSizes, network_of_state_dict
from polyhedra.errors import MissingExtraError
from polyhedra.quoting import shown, shown_path

_MAX_HEADER = 4 * 2**20  # bytes of names and shapes
_TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U64": "<u8",
    "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip


def read_safetensors(path: str | os.PathLike[str]) -> Network:
    """Read a ``.safetensors`` file that holds the parameters of linear layers.

    Raises
    ------
    NetworkError
        The file is damaged, or its parameters are no chain of linear layers.
    MissingExtraError
        The package safetensors is not installed.
    """
    content = read_bytes(path, MAX_BYTES)
    try:
        from safetensors import deserialize
    except ImportError:
        raise MissingExtraError("reading a .safetensors file", "safetensors") from None
    header = int.from_bytes(content[:8], "little")
    if header > min(_MAX_HEADER, len(content)):
        raise NetworkError(f"{shown_path(path)} is no .safetensors file, or is cut off; save it again")
    try:
        tensors = dict(deserialize(content))
    except Exception as error:  # the package raises whatever its compiled side brings up
        raise NetworkError(
            f"{shown_path(path)} is a damaged .safetensors file ({shown(error)}); save it again"
        ) from None
    sizes = DenseSizes()

    def convert(value: Any, place: str) -> np.ndarray:
        kind, shape = str(value["dtype"]), tuple(value["shape"])
        if kind not in _TYPES and kind != "BF16":
            raise NetworkError(f"{place} has type {shown(kind)}; convert it to float32 or float64 before saving")
        sizes.check(int(np.prod(shape, dtype=object)), place)
        if kind == "BF16":  # the upper half of a float32
            wide = np.frombuffer(value["data"], dtype="<u2").astype("<u4") << 16
            return wide.view("<f4").reshape(shape)
        return np.frombuffer(value["data"], dtype=_TYPES[kind]).reshape(shape) + np.zeros((), dtype="i1")

    ordered = {name: tensors[name] for name in sorted(tensors, key=_natural)}
    try:
        return network_of_state_dict(ordered, convert, order="of their names")
    except NetworkError as error:
        raise NetworkError(f"{shown_path(path)}: {error}") from None


def _natural(name: str) -> list[tuple[int, int, str]]:
    """A key that sorts numbers inside names by value."""
    parts = re.split(r"(\d{1,18})", name, flags=re.ASCII)
    return [(1, int(part), "") if k % 2 else (0, 0, part) for k, part in enumerate(parts)]
