"""Writer of ``.json`` networks, the format that holds every network exactly.

A network that is a chain of layers::

    {"format": "puiseux-network", "version": 1, "input_dim": 2,
     "layers": [{"weights": [["1/2", "1"]], "bias": ["0"], "activation": "linear"}]}

with the activations ``relu``, ``linear``, ``leaky:SLOPE`` and ``maxout:PIECES``.  Any other network is written in
normal form, by its stages of ReLU units::

    {"format": "puiseux-network", "version": 1, "input_dim": 1,
     "stages": [{"blocks": [{"source": 0, "weights": [["1"], ["2"]]}], "bias": ["0", "-1"]}],
     "output": {"blocks": [{"source": 0, "weights": [["1/10"]]},
                           {"source": 1, "weights": [["1", "-1"]]}],
                "bias": ["0"]}}

where a block holds the weights on one source: source 0 is the input, source ``k`` the units of stage ``k`` (from 1), in
increasing order; blocks of zeros are left out.  ``"notes"``, a list of strings, is optional: what was done to the
network (rounding, for instance).  In all of them a string is the exact rational or decimal that it denotes, an integer
token the integer, another number token the float64 that it denotes.  The writer writes every number as a string.
"""

from __future__ import annotations

import json
import os
from typing import Any

from nn_bridge.network.chains import chain
from nn_bridge.network.network import AffineStage, Matrix, Network, Row
from nn_bridge.readers.json import FORMAT, VERSION
from nn_bridge.writers.files import write_bytes
from polyhedra.scalars import to_text


def write_json(network: Network, path: str | os.PathLike[str]) -> None:
    """Write a network so that `nn_bridge.readers.json.read_json` gives an equal one, layers and notes included."""
    write_bytes(path, (json.dumps(document_of(network)) + "\n").encode())


def document_of(network: Network) -> dict[str, Any]:
    """The JSON document of a network."""
    document: dict[str, Any] = {"format": FORMAT, "version": VERSION, "input_dim": network.input_dim}
    if network.notes:
        document["notes"] = list(network.notes)
    layers = network.layers
    if layers is not None:
        weights, biases = [layer.weights for layer in layers], [layer.bias for layer in layers]
        if chain(weights, biases, [layer.activation for layer in layers]) != network:
            layers = None  # the record no longer tells the whole network
    if layers is None:
        document["stages"] = [_stage(stage) for stage in network.stages]
        document["output"] = _stage(network.output)
    else:
        document["layers"] = [
            {"weights": _matrix(layer.weights), "bias": _row(layer.bias), "activation": layer.activation}
            for layer in layers
        ]
    return document


def _row(row: Row) -> list[str]:
    return [to_text(value) for value in row]


def _matrix(matrix: Matrix) -> list[list[str]]:
    return [_row(row) for row in matrix]


def _stage(stage: AffineStage) -> dict[str, Any]:
    blocks = [{"source": source, "weights": _matrix(matrix)} for source, matrix in stage.blocks]
    return {"blocks": blocks, "bias": _row(stage.bias)}
