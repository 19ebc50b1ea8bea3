"""Networks as ONNX models: one ``Gemm`` and ``Relu`` a stage, over the stages that it reads."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from nn_bridge.network.network import INPUT, AffineStage, Network
from nn_bridge.writers.files import write_bytes
from nn_bridge.writers.floats import float64_matrix, float64_vector
from polyhedra.errors import MissingExtraError
from polyhedra.scalars import ZERO

_OPSET = 17
_IR_VERSION = 8  # what was current with this operator set, so that runtimes of that time take the model


def write_onnx(network: Network, path: str | os.PathLike[str]) -> None:
    """Write an ``.onnx`` file that `nn_bridge.readers.onnx.read_onnx` reads back to an equal network.

    Raises
    ------
    NetworkError
        An entry is not a float64.
    MissingExtraError
        The package ``onnx`` is not installed.
    """
    write_bytes(path, to_onnx(network).SerializeToString())


def to_onnx(network: Network) -> Any:
    """An ``onnx.ModelProto`` in double precision, with input ``x`` of shape (N, inputs) and output ``y``.

    The notes of the network are its ``doc_string``.

    Examples
    --------
    >>> model = to_onnx(Network.from_layers([[[1], [2]], [[1, -1]]]))
    >>> [node.op_type for node in model.graph.node]
    ['Gemm', 'Relu', 'Gemm']
    """
    try:
        import onnx
        from onnx import TensorProto, helper, numpy_helper
    except ImportError:
        raise MissingExtraError("writing an ONNX model", "onnx") from None
    nodes, constants = [], []
    last = len(network.stages)
    for number, stage in enumerate((*network.stages, _reading_all(network))):
        place = "the output" if number == last else f"stage {number + 1}"
        sources = [source for source, _ in stage.blocks] or [INPUT]
        matrices = [float64_matrix(matrix, place) for _, matrix in stage.blocks]
        weights = np.hstack(matrices) if matrices else np.zeros((stage.units, network.input_dim))
        constants.append(numpy_helper.from_array(weights, f"W{number}"))
        constants.append(numpy_helper.from_array(float64_vector(stage.bias, place), f"b{number}"))
        reads = [f"u{source}" if source else "x" for source in sources]
        name = reads[0]
        if len(reads) > 1:
            name = f"r{number + 1}"
            nodes.append(helper.make_node("Concat", reads, [name], axis=1))
        result = "y" if number == last else f"g{number + 1}"
        nodes.append(helper.make_node("Gemm", [name, f"W{number}", f"b{number}"], [result], transB=1))
        if number < last:
            nodes.append(helper.make_node("Relu", [result], [f"u{number + 1}"]))
    inputs = [helper.make_tensor_value_info("x", TensorProto.DOUBLE, ["N", network.input_dim])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.DOUBLE, ["N", network.output_dim])]
    graph = helper.make_graph(nodes, "network", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], producer_name="puiseux")
    model.ir_version = _IR_VERSION
    model.doc_string = "\n".join(network.notes).encode("utf-8", "backslashreplace").decode()
    onnx.checker.check_model(model)
    return model


def _reading_all(network: Network) -> AffineStage:
    """The outputs, reading stages that nothing else reads with weights 0: readers leave out what is not read."""
    stages = (*network.stages, network.output)
    read = {source for stage in stages for source, _ in stage.blocks}
    unread = [number for number in range(1, len(stages)) if number not in read]
    zeros = [(n, ((ZERO,) * network.stages[n - 1].units,) * network.output_dim) for n in unread]
    return AffineStage(tuple(sorted((*network.output.blocks, *zeros), key=lambda block: block[0])), network.output.bias)
