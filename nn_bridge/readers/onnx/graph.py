"""The graph of an ONNX model: checked, its functions written out, and cut to what makes the chosen output."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from nn_bridge.errors import NetworkError
from nn_bridge.network.budget import Budget
from nn_bridge.readers.onnx.tensors import ADVICE, FLOATS
from polyhedra.quoting import quoted

DOMAINS = ("", "ai.onnx")
LEARNING = "ai.onnx.ml"
_DEEPEST = 50  # calls of functions inside functions


def check_model(model: Any) -> None:
    """Refuse what is no model, or damaged in a way that later steps do not notice."""
    graph = model.graph
    if not graph.node and not graph.output:
        raise NetworkError(f"this is no ONNX model: it has no graph; {ADVICE}")
    if any(isinstance(text, bytes) for text in _texts(model)):  # so protobuf gives strings that are not UTF-8
        raise NetworkError(f"the model is damaged: a name is not UTF-8 text; {ADVICE}")
    if graph.sparse_initializer:
        raise NetworkError("the model keeps sparse weights, which are not read; convert them to dense ones")


def _texts(model: Any) -> Iterator[Any]:
    """Every name that reading looks at."""
    graphs = [model.graph]
    while graphs:
        graph = graphs.pop()
        for tensor in graph.initializer:
            yield from _tensor_texts(tensor)
        for value in (*graph.input, *graph.output):
            yield value.name
            yield from (dim.dim_param for dim in value.type.tensor_type.shape.dim)
        yield from _node_texts(graph.node, graphs)
    for function in model.functions:
        yield from (function.name, function.domain, *function.input, *function.output, *function.attribute)
        yield from _node_texts(function.node, graphs)
    while graphs:
        graph = graphs.pop()
        yield from _node_texts(graph.node, graphs)
    yield from (entry.domain for entry in model.opset_import)


def _node_texts(nodes: Iterable[Any], graphs: list[Any]) -> Iterator[Any]:
    for node in nodes:
        yield from (node.op_type, node.name, node.domain, *node.input, *node.output)
        for attribute in node.attribute:
            yield from (attribute.name, attribute.ref_attr_name)
            if attribute.HasField("t"):
                yield from _tensor_texts(attribute.t)
            graphs.extend([attribute.g] if attribute.HasField("g") else [])
            graphs.extend(attribute.graphs)


def _tensor_texts(tensor: Any) -> Iterator[Any]:
    yield tensor.name
    for entry in tensor.external_data:
        yield from (entry.key, entry.value)


def opset(model: Any) -> int:
    """The version of ONNX's own operators."""
    versions = [entry.version for entry in model.opset_import if entry.domain in DOMAINS]
    version = max(versions, default=1)
    if not 1 <= version < 1000:
        raise NetworkError(f"there is no version {version} of the operators; {ADVICE}")
    return int(version)


# ---------------------------------------------------------------- functions


def written_out(onnx: Any, model: Any, budget: Budget) -> list[Any]:
    """The nodes of the graph, calls of the model's own functions replaced by their nodes."""
    functions = {(f.domain, f.name, getattr(f, "overload", "")): f for f in model.functions}
    version = opset(model)
    result: list[Any] = []

    def visit(nodes: Iterable[Any], rename: Callable[[str], str] | None, values: dict[str, Any], depth: int) -> None:
        for node in nodes:
            budget.spend_operators()
            function = functions.get((node.domain, node.op_type, getattr(node, "overload", "")))
            if rename is not None:
                node = _renamed(onnx, node, rename, values)
            if function is None:
                result.append(node)
                continue
            if depth >= _DEEPEST:
                raise NetworkError(f"the function {quoted(function.name, 60)} calls itself, or too many others")
            if any(e.domain in DOMAINS and e.version != version for e in function.opset_import):
                raise NetworkError(
                    f"the function {quoted(function.name, 60)} uses another version of the operators; "
                    "write it out with onnx.inliner.inline_local_functions"
                )
            prefix = f"{len(result)}/{function.name}/"
            names = dict(zip(function.input, node.input, strict=False))
            names |= {formal: "" for formal in function.input if formal not in names}
            names |= {formal: actual for formal, actual in zip(function.output, node.output, strict=False) if actual}
            given = {a.name: a for a in (*function.attribute_proto, *node.attribute)}
            visit(function.node, lambda n, m=names, p=prefix: m.get(n, p + n) if n else "", given, depth + 1)  # type: ignore[misc]

    visit(model.graph.node, None, {}, 0)
    return result


def _renamed(onnx: Any, node: Any, rename: Callable[[str], str], values: dict[str, Any]) -> Any:
    """A node of a function with the names and attribute values of its call."""
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.input[:] = [rename(name) for name in node.input]
    copy.output[:] = [rename(name) for name in node.output]
    copy.ClearField("attribute")
    for attribute in node.attribute:
        if attribute.ref_attr_name:
            if attribute.ref_attr_name in values:
                new = copy.attribute.add()
                new.CopyFrom(values[attribute.ref_attr_name])
                new.name = attribute.name
            continue
        new = copy.attribute.add()
        new.CopyFrom(attribute)
        if attribute.HasField("g"):
            if any(a.HasField("g") for inner in attribute.g.node for a in inner.attribute):
                raise NetworkError("a function of the model holds graphs in graphs, which are not read")
            for tensor in new.g.initializer:
                tensor.name = rename(tensor.name)
            for value in (*new.g.input, *new.g.output):
                value.name = rename(value.name)
            inner_nodes = [_renamed(onnx, inner, rename, values) for inner in attribute.g.node]
            del new.g.node[:]
            new.g.node.extend(inner_nodes)
    return copy


# ---------------------------------------------------------------- the output, and what it needs


def reads(node: Any) -> Iterator[str]:
    """The names that a node reads, also inside the graphs that it holds."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield from (name for name in current.input if name)
        for attribute in current.attribute:
            if attribute.HasField("g"):
                waiting.extend(attribute.g.node)
                yield from (value.name for value in attribute.g.output)


def needed(nodes: list[Any], outputs: Iterable[str]) -> tuple[list[Any], set[str]]:
    """The nodes that make these outputs, in their order, and every name that something reads."""
    wanted = set(outputs)
    kept = []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            kept.append(node)
            wanted.update(reads(node))
    return kept[::-1], wanted


def chosen_output(onnx: Any, model: Any) -> tuple[str, str]:
    """The name of the output that is read, and a note on the others.

    Labels of classes are integers or texts, which jump; probabilities by class (a sequence of maps) are real numbers.
    """
    outputs = list(model.graph.output)
    if len(outputs) > 1:
        real = [o for o in outputs if _is_real(onnx, o)]
        real = real or [o for o in outputs if o.type.HasField("sequence_type")]
        if len(real) == 1:
            others = ", ".join(quoted(o.name, 40) for o in outputs[:4] if o.name != real[0].name)
            return real[0].name, f"read for its output {quoted(real[0].name, 40)}; {others} left out"
    if len(outputs) != 1:
        return "", ""
    return outputs[0].name, ""


def without_names(nodes: list[Any], output: str) -> str:
    """The array behind an output that gives it as a map by class."""
    makers = {name: node for node in nodes for name in node.output if node.op_type == "ZipMap"}
    while output in makers and makers[output].domain == LEARNING and makers[output].input:
        output = makers.pop(output).input[0]
    return output


def _is_real(onnx: Any, value: Any) -> bool:
    if value.type.HasField("sequence_type") or value.type.HasField("map_type"):
        return False
    kind = value.type.tensor_type.elem_type
    try:
        return kind == 0 or onnx.TensorProto.DataType.Name(kind) in FLOATS
    except ValueError:
        return False
