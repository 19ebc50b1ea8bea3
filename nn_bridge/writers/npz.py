"""Writer of ``.npz`` networks: plain chains of ReLU layers whose entries are float64 numbers exactly."""

from __future__ import annotations

import io
import os
import zipfile

import numpy as np

from nn_bridge.network.network import Network
from nn_bridge.writers.files import write_bytes
from nn_bridge.writers.floats import float64_layers
from polyhedra.quoting import shown_path

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same network gives the same bytes on every day


def write_npz(network: Network, path: str | os.PathLike[str]) -> None:
    """Write arrays ``W0, b0, W1, b1, ...`` that `nn_bridge.readers.npz.read_npz` reads back to an equal network.

    Raises
    ------
    NetworkError
        The network has skip connections (leaky ReLU, maxout and the like give some), or an entry is not a float64.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for index, (weights, bias) in enumerate(float64_layers(network, shown_path(path))):
            for name, array in ((f"W{index}", weights), (f"b{index}", bias)):
                member = io.BytesIO()
                np.lib.format.write_array(member, array, version=(1, 0), allow_pickle=False)
                archive.writestr(zipfile.ZipInfo(f"{name}.npy", _EPOCH), member.getvalue(), zipfile.ZIP_DEFLATED)
    write_bytes(path, buffer.getvalue())
