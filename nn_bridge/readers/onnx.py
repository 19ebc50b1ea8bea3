"""Reader of ONNX models: the graph, run on arrays of exact signals.

A model file comes from somebody else: it is parsed and its operators are interpreted here, none of its content is run,
and tensors that it wants to fetch from other files are refused.  In the end the network is compared with the model, as
ONNX's own reference evaluator computes it in double precision, at random points.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from nn_bridge.errors import NetworkError
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.network import Network
from nn_bridge.network.signals import Arrays, SignalArray, checked_shape
from nn_bridge.readers import endings
from nn_bridge.readers.files import MAX_BYTES, read_bytes
from nn_bridge.readers.onnx_operations import OPERATORS, Node, Session, Value
from nn_bridge.readers.verification import verify
from polyhedra.errors import GeometryError, MissingExtraError

_DOMAINS = ("", "ai.onnx")
_FLOATS = ("FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16")
_ADVICE = "export the model again with torch.onnx.export or a converter of its framework"
_MAX_NODES = 100_000


def _onnx() -> Any:
    try:
        import onnx
    except ImportError:
        raise MissingExtraError("reading an ONNX model", "onnx") from None
    return onnx


def read_onnx(path: str | os.PathLike[str], input_shape: Sequence[int] | None = None) -> Network:
    """Read an ``.onnx`` file.

    Raises
    ------
    NetworkError
        The file is no ONNX model, keeps tensors elsewhere, or holds an operator that is not piecewise linear.
    MissingExtraError
        The package ``onnx`` is not installed.
    """
    content = read_bytes(path, MAX_BYTES)
    onnx = _onnx()
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except Exception:  # the protobuf library has several errors of its own, by version
        raise NetworkError(f"{path} is no ONNX model, or is damaged; {_ADVICE}") from None
    try:
        return network_from_onnx(model, input_shape)
    except NetworkError as error:
        raise NetworkError(f"{path}: {error}") from None


def network_from_onnx(model: Any, input_shape: Sequence[int] | None = None) -> Network:
    """The exact network of an ``onnx.ModelProto``.

    Parameters
    ----------
    model : onnx.ModelProto
        With one input and one output.  The first axis of the input may have any size: it is read as a batch of one.
    input_shape : sequence of int, optional
        The shape of the input (with or without its first axis) where the model leaves other axes open.

    Raises
    ------
    NetworkError
        An operator is not piecewise linear or not known, the model is malformed, or the network read is not the same
        function.
    """
    onnx = _onnx()
    graph = model.graph
    _check_model(model)
    tensors = {tensor.name: _constant(onnx, tensor) for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in tensors]
    if len(inputs) != 1 or len(graph.output) != 1:
        raise NetworkError(
            f"the model has {len(inputs)} inputs and {len(graph.output)} outputs; cut it to one of each, with "
            "onnx.utils.extract_model for example"
        )
    shape = _input_shape(onnx, inputs[0], input_shape)
    build = NetworkBuilder(math.prod(shape))
    session = Session(Arrays(build), _opset(model))
    values: dict[str, Value] = dict(tensors)
    values[inputs[0].name] = session.ops.input(shape)
    for number, node in enumerate(graph.node):
        _run(onnx, session, node, number, values)
    result = values.get(graph.output[0].name)
    ending = None
    if isinstance(result, endings.Ending):
        ending = result
        session.note(ending.note)
        result = ending.array
    if not isinstance(result, SignalArray):
        raise NetworkError(f"the output {graph.output[0].name!r:.60} is not computed by the model; {_ADVICE}")
    if len(shape) > 2 or (len(shape) == 2 and shape[0] != 1):
        session.note(f"input of shape {shape}, flattened in C order")
    network = build.finish(result.signal, notes=tuple(session.notes))
    return _compared(onnx, network, model, inputs[0].name, shape, ending)


# ---------------------------------------------------------------- the model


def _check_model(model: Any) -> None:
    graph = model.graph
    if not graph.node and not graph.output:
        raise NetworkError(f"this is no ONNX model: it has no graph; {_ADVICE}")
    if len(graph.node) > _MAX_NODES:
        raise NetworkError(f"the model has {len(graph.node)} operators, more than a network for exact engines has")
    if any(isinstance(text, bytes) for text in _texts(graph)):  # so protobuf gives strings that are not UTF-8
        raise NetworkError(f"the model is damaged: a name is not UTF-8 text; {_ADVICE}")
    if graph.sparse_initializer:
        raise NetworkError("the model keeps sparse weights, which are not read; convert them to dense ones")
    for tensor in _tensors(graph):
        # the path of an external tensor is the author's choice, and could be any file of this machine
        if tensor.data_location == tensor.EXTERNAL or tensor.external_data:
            raise NetworkError(
                f"the tensor {tensor.name!r:.60} is kept in another file, which is never opened; save the model in one "
                "file with onnx.save(model, FILE, save_as_external_data=False)"
            )


def _tensors(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors


def _texts(graph: Any) -> Iterator[Any]:
    """Every name that reading looks at."""
    for named in (*graph.initializer, *graph.input, *graph.output):
        yield named.name
    for value in graph.input:
        yield from (dim.dim_param for dim in value.type.tensor_type.shape.dim)
    for node in graph.node:
        yield from (node.op_type, node.name, node.domain, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)


def _opset(model: Any) -> int:
    versions = [entry.version for entry in model.opset_import if entry.domain in _DOMAINS]
    return max(versions, default=1)


def _constant(onnx: Any, tensor: Any) -> np.ndarray:
    """A tensor's values, checked before any memory of the declared size is taken."""
    name = f"the tensor {tensor.name!r:.60}"
    try:
        checked = checked_shape(tensor.dims)
        kind = onnx.TensorProto.DataType.Name(tensor.data_type)
        if kind in ("STRING", "COMPLEX64", "COMPLEX128", "UNDEFINED"):
            raise NetworkError(f"it holds {kind.lower()}, not real numbers")
        array: np.ndarray = onnx.numpy_helper.to_array(tensor).reshape(checked)
    except NetworkError as error:
        raise NetworkError(f"{name}: {error}") from None
    except Exception as error:  # the decoder has no error of its own for damaged content
        raise NetworkError(f"{name} is damaged ({_line(error)}); {_ADVICE}") from None
    if kind in _FLOATS:
        array = array.astype(np.float64)  # exact from every narrower type
    return array


def _input_shape(onnx: Any, value: Any, given: Sequence[int] | None) -> tuple[int, ...]:
    name = f"the input {value.name!r:.60}"
    kind = onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type)
    if kind not in _FLOATS:
        raise NetworkError(f"{name} holds {kind.lower()}, not real numbers")
    declared = list(value.type.tensor_type.shape.dim) if value.type.tensor_type.HasField("shape") else None
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
        shown = "no shape" if declared is None else f"shape {_declared(declared)}"
        raise NetworkError(f"{name} has {shown}; give input_shape, its sizes from the second on")
    return checked_shape([max(sizes[0], 1), *sizes[1:]] if sizes else [])


def _declared(dims: Sequence[Any]) -> str:
    shown = [str(dim.dim_value) if dim.HasField("dim_value") else (dim.dim_param or "?")[:20] for dim in dims]
    return f"({', '.join(shown)})"


# ---------------------------------------------------------------- running


def _run(onnx: Any, session: Session, node: Any, number: int, values: dict[str, Value]) -> None:
    place = f"operator {number} ({node.op_type:.40}{f' {node.name!r:.60}' if node.name else ''})"
    known = OPERATORS.get(node.op_type) if node.domain in _DOMAINS else None
    if known is None:
        origin = "" if node.domain in _DOMAINS else f" of the domain {node.domain!r:.40}"
        raise NetworkError(
            f"{place}{origin}: this operator is not piecewise linear, or not known; docs/networks.md lists what is read"
        )
    try:
        inputs: list[Value | None] = []
        for name in node.input:
            if name and name not in values:
                raise NetworkError(f"it reads {name!r:.60}, which nothing before it makes")
            inputs.append(values[name] if name else None)
        attributes = {a.name: _attribute(onnx, a) for a in node.attribute}
        wanted = sum(1 for name in node.output if name)
        result = known(session, Node(attributes, len(node.output)), *inputs)
    except (NetworkError, GeometryError) as error:
        raise NetworkError(f"{place}: {error}") from None
    except (TypeError, ValueError, AttributeError, IndexError, KeyError, OverflowError, ZeroDivisionError) as error:
        raise NetworkError(f"{place} is malformed or used in a way that is not known here ({_line(error)})") from None
    results = result if isinstance(result, tuple) else (result,)
    if wanted > len(results):
        raise NetworkError(f"{place}: only its first output is read, and the model uses {wanted}")
    values.update((name, value) for name, value in zip(node.output, results, strict=False) if name)


def _attribute(onnx: Any, attribute: Any) -> Any:
    if attribute.HasField("g") or attribute.graphs:
        raise NetworkError("it holds a graph of its own, which is not read")
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, onnx.TensorProto):
        return _constant(onnx, value)
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split())[:120]
    return text or type(error).__name__


# ---------------------------------------------------------------- comparing


def _compared(
    onnx: Any, network: Network, model: Any, name: str, shape: tuple[int, ...], ending: endings.Ending | None
) -> Network:
    """The network, compared with the model; where the reference evaluator cannot run it, the notes say so."""
    try:
        from onnx.reference import ReferenceEvaluator

        evaluator = ReferenceEvaluator(_in_double_precision(onnx, model))

        def source(x: np.ndarray) -> np.ndarray:
            results: Any = evaluator.run(None, {name: x.reshape(shape)})
            first: np.ndarray = results[0]
            return first

        source(np.zeros(network.input_dim))
    except Exception as error:  # the evaluator is a library of examples and fails in many ways
        note = f"not compared with its source: the reference evaluator cannot run it ({_line(error)})"
        return Network(network.input_dim, network.stages, network.output, network.layers, (*network.notes, note))
    verify(network, source, unit=2.0**-53, finish=None if ending is None else ending.function)
    return network


def _in_double_precision(onnx: Any, model: Any) -> Any:
    """The same model with float64 in place of every other floating-point type."""
    kinds = onnx.TensorProto
    narrow = (kinds.FLOAT, kinds.FLOAT16, kinds.BFLOAT16)

    def widened(tensor: Any) -> Any:
        if tensor.data_type not in narrow:
            return tensor
        return onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor).astype(np.float64), tensor.name)

    twin = onnx.ModelProto()
    twin.CopyFrom(model)
    graph = twin.graph
    del graph.value_info[:]
    del graph.initializer[:]
    graph.initializer.extend(widened(tensor) for tensor in model.graph.initializer)
    for value in (*graph.input, *graph.output):
        if value.type.tensor_type.elem_type in narrow:
            value.type.tensor_type.elem_type = kinds.DOUBLE
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.name == "to" and attribute.i in narrow:
                attribute.i = kinds.DOUBLE
            if attribute.HasField("t"):
                attribute.t.CopyFrom(widened(attribute.t))
            if node.op_type == "Constant" and attribute.name in ("value_float", "value_floats"):
                numbers = np.array(attribute.f if attribute.name == "value_float" else list(attribute.floats))
                attribute.CopyFrom(onnx.helper.make_attribute("value", onnx.numpy_helper.from_array(numbers)))
    return twin
