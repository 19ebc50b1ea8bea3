"""Exact entries as floats, for the formats that hold floats; what is none is refused, and rounded on request."""

from __future__ import annotations

import numpy as np

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import AffineStage, Matrix, Network, Row
from polyhedra.scalars import ZERO, rational, to_float


def float64_matrix(matrix: Matrix, place: str) -> np.ndarray:
    """The entries as float64, exactly.

    Raises
    ------
    NetworkError
        An entry is no float64; ``place`` names its matrix.
    """
    rows = [[to_float(value) for value in row] for row in matrix]
    for i, (row, exact) in enumerate(zip(rows, matrix, strict=True)):
        for value, entry in zip(row, exact, strict=True):
            if value in (np.inf, -np.inf) or rational(value) != entry:
                shown = str(entry) if len(str(entry)) <= 40 else "an entry"
                raise NetworkError(
                    f"{place}, row {i}: {shown} is not a float64, which this format needs; write .json, or ask for "
                    "rounding (--precision float64, precision='float64')"
                )
    return np.array(rows, dtype=np.float64)


def float64_vector(row: Row, place: str) -> np.ndarray:
    """The same for one row."""
    vector: np.ndarray = float64_matrix((row,), f"{place}, bias")[0]
    return vector


def float64_layers(network: Network, place: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights and biases of a plain chain, in which a stage reads only the stage before it.

    Raises
    ------
    NetworkError
        The network has skip connections, or entries that are no float64.
    """
    layers = []
    width = network.input_dim
    for index, stage in enumerate((*network.stages, network.output)):
        where = f"{place}: layer {index}"
        layers.append(
            (float64_matrix(_only_block(stage, index, width, where), where), float64_vector(stage.bias, where))
        )
        width = stage.units
    return layers


def is_chain(network: Network) -> bool:
    """Whether every stage reads only the stage before it."""
    return all(
        source == index for index, stage in enumerate((*network.stages, network.output)) for source, _ in stage.blocks
    )


def _only_block(stage: AffineStage, index: int, width: int, place: str) -> Matrix:
    """The weights of a stage that reads only the stage before it, which has number ``index``."""
    if any(source != index for source, _ in stage.blocks):
        raise NetworkError(
            f"{place} reads more than the layer before it (units of leaky ReLU and maxout do), which this format "
            "cannot hold; write .json or .onnx"
        )
    return stage.block(index) or ((ZERO,) * width,) * stage.units
