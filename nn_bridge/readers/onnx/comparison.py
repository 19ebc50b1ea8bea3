"""Is the network the function of the model?  Other programs evaluate the model, at the points of `verify`.

The first that can is asked: onnxruntime, then ONNX's reference evaluator.  The model is cut before a dropped softmax or
sigmoid, whose values underflow.  Only a model of operators that were read reaches these programs, with all tensors in
it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network
from nn_bridge.readers.onnx.graph import LEARNING, needed
from nn_bridge.readers.onnx.tensors import Tensors, is_external, line
from nn_bridge.readers.verification import SAMPLES, verify
from polyhedra.quoting import shown
from polyhedra.rounding import SINGLE_ROUNDOFF, UNIT_ROUNDOFF

EVALUATOR_FAULTS: dict[str, tuple[int, int, str]] = {
    "BatchNormalization": (1, 13, "it takes momentum for epsilon's place, or normalises by the batch"),
    "Add": (1, 6, "it ignores axis"),
    "Sub": (1, 6, "it ignores axis"),
    "Mul": (1, 6, "it ignores axis"),
    "Div": (1, 6, "it ignores axis"),
    "PRelu": (1, 6, "it does not align slopes with channels"),
}
"""Operators that ONNX's reference evaluator computes wrongly: the first and last version of the operators with the
fault, and what it does.  A model that holds one of them is not compared with that evaluator."""

_IR_VERSION = 10
_LEAST_SAMPLES, _MANY_RUNS = 6, 20_000  # points, and operators that are run in all


@dataclass(frozen=True)
class Source:
    """What is compared: the nodes that make the output, in the order of the graph, and the shape of the input."""

    model: Any
    nodes: list[Any]
    input: str
    output: str
    shape: tuple[int, ...]
    opset: int


def compared(
    onnx: Any, network: Network, source: Source, tensors: Tensors, finish: Callable[[np.ndarray], np.ndarray] | None
) -> Network:
    """The network after the comparison; where nothing can run the model, the notes say so.

    Raises
    ------
    NetworkError
        They differ by more than rounding explains.
    """
    reasons: list[str] = []
    refusal: NetworkError | None = None
    # operators of ai.onnx.ml round to float32 inside, whatever they are given
    learning = any(node.domain == LEARNING for node in source.nodes)
    for name, unit, make in _programs():
        if learning and unit == UNIT_ROUNDOFF:
            continue
        try:
            with _quiet():
                run = make(onnx, source, tensors)
                if not np.isfinite(run(np.zeros(network.input_dim))).all():
                    raise ArithmeticError("its values leave the range of floats")
        except Exception as error:  # libraries of other people, which fail in many ways
            reasons.append(f"{name}: {shown(line(error), 60)}")
            continue
        try:
            with _quiet():
                samples = max(_LEAST_SAMPLES, min(SAMPLES, _MANY_RUNS // len(source.nodes)))
                compared = verify(network, run, unit=unit, finish=finish, samples=samples)
        except NetworkError as error:
            if unit == UNIT_ROUNDOFF:
                raise
            refusal = error  # single precision may overflow or underflow: the next program decides
        except Exception as error:
            reasons.append(f"{name}: {shown(line(error), 60)}")
        else:
            if compared:
                return network
            reasons.append(f"{name}: its values leave the range of floats")
    if refusal is not None:
        raise refusal
    note = f"not compared with its source: no program can run it ({'; '.join(reasons)})"
    return replace(network, notes=(*network.notes, note))


def _programs() -> Iterator[tuple[str, float, Callable[[Any, Source, Tensors], Callable[[np.ndarray], np.ndarray]]]]:
    yield "onnxruntime in double precision", UNIT_ROUNDOFF, _runtime_in_double
    yield "onnxruntime in single precision", SINGLE_ROUNDOFF, _runtime_in_single
    yield "the reference evaluator", UNIT_ROUNDOFF, partial(_evaluator, double=True)
    yield "the reference evaluator in single precision", SINGLE_ROUNDOFF, partial(_evaluator, double=False)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without warnings of libraries, which are not the user's."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


# ---------------------------------------------------------------- programs


def _runtime_in_double(onnx: Any, source: Source, tensors: Tensors) -> Callable[[np.ndarray], np.ndarray]:
    return _runtime(onnx, twin(onnx, source, tensors, double=True), source, np.float64)


def _runtime_in_single(onnx: Any, source: Source, tensors: Tensors) -> Callable[[np.ndarray], np.ndarray]:
    return _runtime(onnx, twin(onnx, source, tensors, double=False), source, np.float32)


def _runtime(onnx: Any, model: Any, source: Source, kind: type) -> Callable[[np.ndarray], np.ndarray]:
    runtime = _import_runtime()
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = runtime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def run(x: np.ndarray) -> np.ndarray:
        results = session.run(None, {source.input: x.astype(kind).reshape(source.shape)})
        return np.asarray(results[0], dtype=np.float64)

    return run


def _import_runtime() -> Any:
    """The module; what its start writes to the standard error stream (about graphics cards) is not the user's."""
    if "onnxruntime" in sys.modules:
        return sys.modules["onnxruntime"]
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        import onnxruntime

        onnxruntime.set_default_logger_severity(4)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
    return onnxruntime


def _evaluator(onnx: Any, source: Source, tensors: Tensors, double: bool) -> Callable[[np.ndarray], np.ndarray]:
    for node in source.nodes:
        first, last, fault = EVALUATOR_FAULTS.get(node.op_type, (1, 0, ""))
        if first <= source.opset <= last:
            raise NotImplementedError(f"{node.op_type} of version {source.opset} is known to be wrong there: {fault}")
    from onnx.reference import ReferenceEvaluator

    evaluator = ReferenceEvaluator(twin(onnx, source, tensors, double=double))
    kind = np.float64 if double else np.float32

    def run(x: np.ndarray) -> np.ndarray:
        results: Any = evaluator.run(None, {source.input: x.astype(kind).reshape(source.shape)})
        return np.asarray(results[0], dtype=np.float64)

    return run


# ---------------------------------------------------------------- the model that is run


def twin(onnx: Any, source: Source, tensors: Tensors, *, double: bool) -> Any:
    """The part of the model that makes the output, with all its tensors; on request with float64 for other floats.

    Outputs that nothing uses are not named, so that programs without them can run it.
    """
    kinds = onnx.TensorProto
    nodes, wanted = needed(source.nodes, [source.output])
    graph = onnx.GraphProto(name="graph")
    for tensor in source.model.graph.initializer:
        if tensor.name in wanted:
            graph.initializer.append(_tensor(onnx, tensor, tensors, double))
    kind = kinds.DOUBLE if double else kinds.FLOAT
    graph.input.append(onnx.helper.make_tensor_value_info(source.input, kind, source.shape))
    graph.output.append(onnx.helper.make_tensor_value_info(source.output, kind, None))
    for node in nodes:
        new = graph.node.add()
        new.CopyFrom(node)
        names = list(node.output)
        while len(names) > 1 and names[-1] not in wanted:
            names.pop()
        new.output[:] = names
        _prepare(onnx, [new], tensors, double)
    imports = [onnx.helper.make_opsetid("", source.opset)]
    imports += [e for e in source.model.opset_import if e.domain == LEARNING]
    model = onnx.helper.make_model(graph, opset_imports=imports)
    model.ir_version = _IR_VERSION
    return model


def _tensor(onnx: Any, tensor: Any, tensors: Tensors, double: bool) -> Any:
    kinds = onnx.TensorProto
    if is_external(tensor):
        tensor = tensors.complete(tensor)
    if not double or tensor.data_type not in (kinds.FLOAT, kinds.FLOAT16, kinds.BFLOAT16):
        return tensor
    return onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor).astype(np.float64), tensor.name)


def _prepare(onnx: Any, nodes: Iterable[Any], tensors: Tensors, double: bool) -> None:
    """Bring tensors of nodes into the model, and widen the types that they name."""
    kinds = onnx.TensorProto
    narrow = (kinds.FLOAT, kinds.FLOAT16, kinds.BFLOAT16)
    for node in nodes:
        for attribute in node.attribute:
            if double and attribute.name in ("to", "dtype", "output_dtype") and attribute.i in narrow:
                attribute.i = kinds.DOUBLE
            if attribute.HasField("t"):
                attribute.t.CopyFrom(_tensor(onnx, attribute.t, tensors, double))
            if attribute.HasField("g"):
                weights = [_tensor(onnx, t, tensors, double) for t in attribute.g.initializer]
                del attribute.g.initializer[:]
                attribute.g.initializer.extend(weights)
                del attribute.g.value_info[:]
                for value in attribute.g.output:
                    value.ClearField("type")
                _prepare(onnx, attribute.g.node, tensors, double)
            if double and node.op_type == "Constant" and attribute.name in ("value_float", "value_floats"):
                numbers = np.array(attribute.f if attribute.name == "value_float" else list(attribute.floats))
                attribute.CopyFrom(onnx.helper.make_attribute("value", onnx.numpy_helper.from_array(numbers)))
        if double and node.op_type == "ConstantOfShape" and not node.attribute:
            node.attribute.append(onnx.helper.make_attribute("value", onnx.numpy_helper.from_array(np.zeros(1))))
