"""Writer of ``.npz`` networks: plain chains of ReLU layers whose entries are float64 numbers exactly."""

from __future__ import annotations

import io
import os
import zipfile

import numpy as np

from nn_bridge.errors import NetworkError
from nn_bridge.network import AffineStage, Matrix, Network
from nn_bridge.writers.files import write_bytes
from polyhedra.scalars import ZERO, rational, to_float

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same network gives the same bytes on every day


def write_npz(network: Network, path: str | os.PathLike[str]) -> None:
    """Write arrays ``W0, b0, W1, b1, ...`` that `nn_bridge.readers.npz.read_npz` reads back to an equal network.

    Raises
    ------
    NetworkError
        The network has skip connections (leaky ReLU, maxout and the like give some), or an entry is not a float64.
    """
    arrays: dict[str, np.ndarray] = {}
    width = network.input_dim
    for index, stage in enumerate((*network.stages, network.output)):
        place = f"{path}: layer {index}"
        arrays[f"W{index}"] = _float64(_only_block(stage, index, width, place), place)
        arrays[f"b{index}"] = _float64((stage.bias,), f"{place}, bias")[0]
        width = stage.units
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, version=(1, 0), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _EPOCH), member.getvalue(), zipfile.ZIP_DEFLATED)
    write_bytes(path, buffer.getvalue())


def _only_block(stage: AffineStage, index: int, width: int, place: str) -> Matrix:
    """The weights of a stage that reads only the stage before it, which has number ``index``."""
    if any(source != index for source, _ in stage.blocks):
        raise NetworkError(f"{place} reads more than the layer before it, which .npz cannot hold; write .json")
    return stage.block(index) or ((ZERO,) * width,) * stage.units


def _float64(matrix: Matrix, place: str) -> np.ndarray:
    rows = [[to_float(value) for value in row] for row in matrix]
    for i, (row, exact) in enumerate(zip(rows, matrix, strict=True)):
        for value, entry in zip(row, exact, strict=True):
            if value in (np.inf, -np.inf) or rational(value) != entry:
                shown = str(entry) if len(str(entry)) <= 40 else "an entry"
                raise NetworkError(f"{place}, row {i}: {shown} is not a float64, which .npz needs; write .json")
    return np.array(rows, dtype=np.float64)
