"""Running the nodes of an ONNX graph on exact values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from nn_bridge.errors import NetworkError
from nn_bridge.readers.endings import Ending
from nn_bridge.readers.onnx.graph import DOMAINS, LEARNING, needed, reads
from nn_bridge.readers.onnx.operations import CONSTANT_OPERATORS, LEARNING_OPERATORS, OPERATORS
from nn_bridge.readers.onnx.session import Node, Operator, Session, Value, is_constant, is_plain, size_of
from nn_bridge.readers.onnx.tensors import Tensors, line
from polyhedra.errors import GeometryError
from polyhedra.quoting import quoted, shown

NOT_LINEAR = frozenset(
    """Acos Acosh Asin Asinh Atan Atanh Attention Celu Cos Cosh Elu Erf Exp GRU Gelu GroupNormalization HardSwish
    InstanceNormalization LRN LSTM LayerNormalization Log LpNormalization MeanVarianceNormalization Mish
    RMSNormalization RNN ReduceL2 ReduceLogSum ReduceLogSumExp ReduceProd ReduceSumSquare Selu Sin Sinh Softplus
    Softsign Sqrt Swish Tan Tanh""".split()  # noqa: SIM905
)
"""Operators of values that depend on the input that are known not to be piecewise linear."""

_TOUCHED = 16  # entries that an operator looks at, each of which costs a sixteenth of one that it makes

_NAMED = 200  # entries that one input of an operator costs at least, so that a million inputs are too many


class Runner:
    """Runs nodes; remembers which constants were rounded, and where a function at the very end begins.

    Attributes
    ----------
    scores : dict
        By the name of a value after a dropped function: the name of the value before it, where it is in the graph.
    """

    def __init__(self, onnx: Any, session: Session, tensors: Tensors) -> None:
        self._onnx, self._session, self._tensors = onnx, session, tensors
        self._rounded: set[str] = set()
        self.scores: dict[str, str] = {}

    def run(self, nodes: Iterable[Any], wanted: set[str], values: dict[str, Value], output: str | None = None) -> None:
        """Run nodes in their order; the values that they make are entered in ``values``.

        Parameters
        ----------
        nodes : iterable of onnx.NodeProto
            Without those that nothing needs.
        wanted : set of str
            Every name that something reads.
        values : dict
            The values known so far, by name.
        output : str, optional
            The output of the main graph, whose other values are forgotten after their last use; None inside a branch.
        """
        listed = list(nodes)
        last: dict[str, int] = {}
        if output is not None:
            for number, node in enumerate(listed):
                last.update(dict.fromkeys(reads(node), number))
        for number, node in enumerate(listed):
            self._run(node, number, wanted, values)
            for name in {*reads(node)} if output is not None else ():
                if last.get(name) == number and name != output:
                    values.pop(name, None)

    def _run(self, node: Any, number: int, wanted: set[str], values: dict[str, Value]) -> None:
        name = f" {quoted(node.name, 60)}" if node.name else ""
        place = f"operator {number} ({shown(node.op_type, 40)}{name})"
        try:
            inputs: list[Value | None] = []
            for source in node.input:
                if source and source not in values:
                    raise NetworkError(f"it reads {quoted(source, 60)}, which nothing before it makes")
                inputs.append(values[source] if source else None)
            self._session.budget.spend_entries(sum(map(size_of, inputs)) // _TOUCHED + _NAMED * len(inputs))
            used = tuple(k for k, output in enumerate(node.output) if output in wanted)
            if node.op_type == "If" and node.domain in DOMAINS:
                results = self._branch(node, inputs, values)
            else:
                results = self._results(node, inputs, used)
        except (NetworkError, GeometryError) as error:
            raise NetworkError(f"{place}: {error}") from None
        except (TypeError, ValueError, AttributeError, IndexError, KeyError, OverflowError, ZeroDivisionError,
                StopIteration) as error:  # fmt: skip
            raise NetworkError(
                f"{place} is malformed or used in a way that is not known here ({line(error)})"
            ) from None
        if any(k >= len(results) for k in used):
            raise NetworkError(f"{place}: only its first output is read, and the model uses {len(used)}")
        for k in used:
            self._enter(node, node.output[k], results[k], inputs, values)

    def _results(self, node: Any, inputs: list[Value | None], used: tuple[int, ...]) -> tuple[Value, ...]:
        constant = all(map(is_constant, inputs))
        operator = self._operator(node, constant)
        attributes = {a.name: self._attribute(a) for a in node.attribute}
        self._session.rounded = False
        with np.errstate(all="ignore"):
            result = operator(self._session, Node(attributes, len(node.output), used), *inputs)
        results = result if isinstance(result, tuple) else (result,)
        rounded = self._session.rounded or not self._rounded.isdisjoint(node.input)
        if constant and inputs:
            results = tuple(self._tidy(r, inputs, rounded) for r in results)
        if constant and rounded:
            self._rounded.update(node.output)
            self._session.note("constants that are computed by functions such as square roots are rounded to float64")
        return results

    def _tidy(self, result: Value, inputs: list[Value | None], rounded: bool) -> Value:
        """A constant in its plainest form: float64 after rounding, integers where all inputs are integers."""
        if isinstance(result, Ending):
            return result
        if isinstance(result, np.ndarray) and result.dtype.kind == "O":
            result = self._session.ops.constant(result)
        if rounded and not is_plain(result):
            result = self._session.floats(result)
            if not np.isfinite(result).all():
                raise NetworkError("its result is not a finite number")
        return result

    def _operator(self, node: Any, constant: bool) -> Operator:
        kind = node.op_type
        if node.domain in DOMAINS:
            found = (CONSTANT_OPERATORS.get(kind) if constant else None) or OPERATORS.get(kind)
        elif node.domain == LEARNING:
            found = LEARNING_OPERATORS.get(kind)
        else:
            found = None
        if found is not None:
            return found
        if node.domain not in DOMAINS:
            origin = f" of the domain {quoted(node.domain, 40)}"
        elif kind in NOT_LINEAR or kind in CONSTANT_OPERATORS:
            raise NetworkError("this operator is not piecewise linear; docs/networks.md lists what is read")
        else:
            origin = ""
        raise NetworkError(f"this operator{origin} is not known; docs/networks.md lists what is read")

    def _branch(self, node: Any, inputs: list[Value | None], values: dict[str, Value]) -> tuple[Value, ...]:
        """The outputs of the branch that a constant condition takes."""
        if not is_constant(inputs[0]):
            raise NetworkError("it takes one of two branches by the input, which jumps")
        taken = "then_branch" if any(self._session.integers(inputs[0], "the condition")) else "else_branch"
        graph = next(a.g for a in node.attribute if a.name == taken)
        names = [output.name for output in graph.output]
        nodes, wanted = needed(list(graph.node), names)
        self._session.budget.spend_operators(len(graph.node))
        inner = dict(values)
        for tensor in graph.initializer:
            if tensor.name in wanted:
                inner[tensor.name] = self._tensors.array(tensor)
        self.run(nodes, wanted, inner)
        missing = [name for name in names if name not in inner]
        if missing:
            raise NetworkError(f"its branch does not make {quoted(missing[0], 60)}")
        return tuple(inner[name] for name in names)

    def _enter(self, node: Any, name: str, result: Value, inputs: list[Value | None], values: dict[str, Value]) -> None:
        if not name:
            return
        values[name] = result
        if isinstance(result, Ending) and node.domain in DOMAINS and node.input:
            before = [source for source, value in zip(node.input, inputs, strict=True) if isinstance(value, Ending)]
            started = [self.scores.get(source, "") for source in before]
            if not before:
                self.scores[name] = node.input[0]
            elif len(set(started)) == 1 and started[0]:
                self.scores[name] = started[0]
        elif isinstance(result, Ending) and node.input and node.input[0] in self.scores:
            self.scores[name] = self.scores[node.input[0]]

    def _attribute(self, attribute: Any) -> Any:
        if attribute.HasField("g") or attribute.graphs:
            raise NetworkError("it holds a graph of its own, which is not read")
        value = self._onnx.helper.get_attribute_value(attribute)
        if isinstance(value, self._onnx.TensorProto):
            return self._tensors.array(value)
        if isinstance(value, bytes):
            return value.decode(errors="replace")
        return value
