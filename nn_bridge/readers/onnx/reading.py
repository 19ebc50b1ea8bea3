"""Reader of ONNX models: the graph, run on arrays of exact signals.

A model file is untrusted: it is parsed and its operators are interpreted here, none of its content is run,
and all that it makes is paid from one budget.  In the end the network is compared with the model, as other programs
evaluate it, at random points.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nn_bridge.errors import NetworkError
from nn_bridge.network.budget import Budget
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.network import Network
from nn_bridge.network.signals import Arrays, checked_shape
from nn_bridge.readers.endings import Ending
from nn_bridge.readers.files import MAX_BYTES, read_bytes
from nn_bridge.readers.onnx import graph
from nn_bridge.readers.onnx.comparison import Source, compared
from nn_bridge.readers.onnx.running import Runner
from nn_bridge.readers.onnx.session import MAX_AXES, Session, Value
from nn_bridge.readers.onnx.tensors import ADVICE, FLOATS, Tensors
from nn_bridge.readers.onnx.wire import check_parts
from polyhedra.errors import MissingExtraError
from polyhedra.plurals import counted
from polyhedra.quoting import quoted, shown


def _onnx() -> Any:
    try:
        import onnx
    except ImportError:
        raise MissingExtraError("reading an ONNX model", "onnx") from None
    return onnx


def read_onnx(path: str | os.PathLike[str], input_shape: Sequence[int] | None = None) -> Network:
    """Read an ``.onnx`` file, and the file of weights beside it where there is one.

    Raises
    ------
    NetworkError
        The file is no ONNX model, keeps tensors elsewhere than beside it, or holds an operator that is not piecewise
        linear.
    MissingExtraError
        The package ``onnx`` is not installed.
    """
    content = read_bytes(path, MAX_BYTES)
    onnx = _onnx()
    model = onnx.ModelProto()
    try:
        check_parts(content, onnx.ModelProto.DESCRIPTOR)
        try:
            model.ParseFromString(content)
        except Exception:  # the protobuf library has several errors of its own, by version
            raise NetworkError(f"this is no ONNX model, or it is damaged; {ADVICE}") from None
        del content
        return _network(onnx, model, input_shape, Path(path).parent)
    except NetworkError as error:
        raise NetworkError(f"{path}: {error}") from None


def network_from_onnx(model: Any, input_shape: Sequence[int] | None = None) -> Network:
    """The exact network of an ``onnx.ModelProto``.

    Parameters
    ----------
    model : onnx.ModelProto
        With one input and one output of real numbers; labels of classes beside it are left out.  The first axis of the
        input may have any size: it is read as a batch of one.
    input_shape : sequence of int, optional
        The shape of the input (with or without its first axis) where the model leaves other axes open.

    Raises
    ------
    NetworkError
        An operator is not piecewise linear or not known, the model is malformed, or the network read is not the same
        function.
    """
    return _network(_onnx(), model, input_shape, None)


def _network(onnx: Any, model: Any, input_shape: Sequence[int] | None, folder: Path | None) -> Network:
    graph.check_model(model)
    budget = Budget()
    nodes = graph.written_out(onnx, model, budget)
    output, left_out = graph.chosen_output(onnx, model)
    output = graph.without_names(nodes, output)
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes, wanted = graph.needed(nodes, [output] if output else [o.name for o in model.graph.output])
    inputs = [value for value in model.graph.input if value.name not in weights]
    if len(inputs) > 1:
        inputs = [value for value in inputs if value.name in wanted]
    if len(inputs) != 1 or not output:
        raise NetworkError(
            f"the model has {counted(len(inputs), 'input')} and {counted(len(model.graph.output), 'output')}; "
            "cut it to one of each, with "
            "onnx.utils.extract_model for example"
        )
    tensors = Tensors(onnx, budget, folder)
    shape = _input_shape(tensors, inputs[0], input_shape)
    version = graph.opset(model)
    budget.spend_entries(2 * math.prod(shape), "the input")  # an input weighs more than an entry
    build = NetworkBuilder(math.prod(shape), budget)
    session = Session(Arrays(build), version, budget)
    runner = Runner(onnx, session, tensors)
    values: dict[str, Value] = {name: tensors.array(t) for name, t in weights.items() if name in wanted}
    values[inputs[0].name] = session.ops.input(shape)
    runner.run(nodes, wanted, values, output)
    if output not in values:
        raise NetworkError(f"the output {quoted(output, 60)} is not computed by the model; {ADVICE}")
    result, ending, scores = values[output], None, output
    if left_out:
        session.note(left_out)
    if isinstance(result, Ending):
        ending, scores = result, runner.scores.get(output, "")
        session.note(ending.note)
        result = ending.array
    if len(shape) > 2 or (len(shape) == 2 and shape[0] != 1):
        session.note(f"input of shape {shape}, flattened in C order")
    network = build.finish(session.array(result).signal, notes=tuple(session.notes))
    source = Source(model, nodes, inputs[0].name, scores or output, shape, version)
    return compared(onnx, network, source, tensors, None if ending is None or scores else ending.function)


def _input_shape(tensors: Tensors, value: Any, given: Sequence[int] | None) -> tuple[int, ...]:
    name = f"the input {quoted(value.name, 60)}"
    kind = tensors.kind(value.type.tensor_type.elem_type)
    if kind not in FLOATS:
        raise NetworkError(f"{name} holds {kind.lower()}, not real numbers")
    declared = list(value.type.tensor_type.shape.dim) if value.type.tensor_type.HasField("shape") else None
    if len(declared or ()) > MAX_AXES or (given is not None and len(given) > MAX_AXES):
        raise NetworkError(f"{name} has more than the {MAX_AXES} axes that are read")
    sizes = [dim.dim_value if dim.HasField("dim_value") else 0 for dim in declared or ()]
    if given is not None:
        shape = checked_shape(given)
        if declared is not None and len(shape) == len(declared) - 1:
            shape = (max(sizes[0], 1), *shape)
        elif declared is None:
            shape = (1, *shape)
        if declared is not None and (
            len(shape) != len(sizes) or any(s not in (0, g) for s, g in zip(sizes, shape, strict=True))
        ):
            raise NetworkError(f"{name} has shape {_declared(declared)}, which input_shape {tuple(given)} does not fit")
        return shape
    if declared is None or any(size < 1 for size in sizes[1:]):
        text = "no shape" if declared is None else f"shape {_declared(declared)}"
        raise NetworkError(f"{name} has {text}; give input_shape, its sizes from the second on")
    return checked_shape([max(sizes[0], 1), *sizes[1:]] if sizes else [])


def _declared(dims: Sequence[Any]) -> str:
    texts = [str(dim.dim_value) if dim.HasField("dim_value") else shown(dim.dim_param or "?", 20) for dim in dims[:20]]
    return f"({', '.join(texts)})"
