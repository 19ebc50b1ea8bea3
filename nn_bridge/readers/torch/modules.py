"""Reader of torch modules of any nesting: the module's graph, run on arrays of exact signals.

``torch.fx`` writes down what the module does to its input; where Python code in the way cannot be traced,
``torch.export`` does, on an example.  The graph is then run once, with signals in place of tensors.  A copy of the
module in evaluation mode and double precision is read, which changes no parameter's value, and in the end both are
compared at random points.
"""

from __future__ import annotations

import contextlib
import io
import logging
import math
import operator
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nn_bridge.errors import NetworkError
from nn_bridge.network.budget import Budget
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.network import Network
from nn_bridge.network.signals import Arrays, SignalArray, checked_shape
from nn_bridge.readers import endings
from nn_bridge.readers.torch import (
    shapes,  # noqa: F401  (its functions enter FUNCTIONS when it is imported)
    upsampling,  # noqa: F401  (the same)
)
from nn_bridge.readers.torch.layers import MODULES, reason
from nn_bridge.readers.torch.operations import FUNCTIONS, Tracer
from nn_bridge.readers.torch.tensors import line
from nn_bridge.readers.verification import NOT_COMPARED, verify
from polyhedra.errors import GeometryError
from polyhedra.plurals import counted
from polyhedra.quoting import shown
from polyhedra.rounding import UNIT_ROUNDOFF

_ADVICE = "docs/networks.md lists what puiseux reads"
_SHAPE_ADVICE = "give input_shape, the shape of one input without the batch, such as (1, 28, 28)"
_SHAPE_KEEPING = frozenset(
    (
        "ReLU", "LeakyReLU", "PReLU", "Hardtanh", "ReLU6", "Hardsigmoid", "Threshold", "Identity", "Dropout", "Flatten",
        "Softshrink", "relu", "leaky_relu", "hardtanh", "relu6", "flatten", "view", "reshape", "dropout", "clamp",
        "abs", "float", "double", "contiguous", "to", "squeeze",
    )
)  # fmt: skip
_GUARDS = "_guards_fn"  # what torch.export adds to check the shapes of later inputs
_IN_PLACE = frozenset(("iadd", "isub", "imul", "itruediv"))
_MODULES_SEEN_FIRST = {"Linear": "in_features", "BatchNorm1d": "num_features"}


def network_of_module(module: Any, input_shape: Sequence[int] | None = None, notes: tuple[str, ...] = ()) -> Network:
    """The exact network of a torch module.

    Parameters
    ----------
    module : torch.nn.Module
        A copy in evaluation mode (`nn_bridge.readers.torch.unwrapping`), which is changed to double precision; it takes
        one tensor of shape (batch, *input_shape) and gives one.
    input_shape : sequence of int, optional
        Needed where the first layer does not tell it, as a convolution does not.
    notes : tuple of str
        Of what was done to the copy.

    Raises
    ------
    NetworkError
        A layer is not piecewise linear or not known (the message names it), or the network read is not the same
        function as the module.
    """
    import torch

    try:
        twin = module.double()
    except Exception as error:  # a tensor without data, or a module that forbids it
        raise NetworkError(f"the module cannot be put into double precision ({line(error)})") from None
    if type(twin).__module__.startswith("torch.nn.modules") and not isinstance(twin, torch.nn.Sequential):
        twin = torch.nn.Sequential(twin)
    graph, shape = _traced(twin, input_shape)
    budget = Budget()
    budget.spend_operators(len(graph.graph.nodes), "the graph of the module")
    build = NetworkBuilder(math.prod(shape), budget)
    tracer = Tracer(Arrays(build))
    tracer.notes.extend(notes)
    result = _Run(graph, tracer, type(module).__name__).of(tracer.ops.input((1, *shape)))
    ending = None
    if isinstance(result, endings.Ending):
        ending = result
        tracer.note(ending.note)
        result = ending.array
    if not isinstance(result, SignalArray):
        raise NetworkError(
            f"the module returns a {type(result).__name__}, not one tensor; wrap it in a module that returns one"
        )
    if len(shape) > 1:
        tracer.note(f"input of shape {tuple(shape)}, flattened in C order")
    network = build.finish(result.signal, notes=tuple(tracer.notes))
    return _compared(network, twin, shape, ending)


def check_module(network: Network, module: Any) -> Network:
    """Compare a network with the chain of layers that it was read from (see `nn_bridge.readers.verification`).

    The module is a copy that may be changed to double precision.
    """
    return _compared(network, module.double(), (network.input_dim,), None)


# ---------------------------------------------------------------- graphs


def _traced(module: Any, input_shape: Sequence[int] | None) -> tuple[Any, tuple[int, ...]]:
    """The graph module and the shape of one input."""
    import torch

    try:
        graph = torch.fx.symbolic_trace(module)
    except Exception as error:  # tracing runs the user's code on placeholders, which may fail in any way
        if input_shape is None:
            raise NetworkError(
                f"{type(module).__name__} cannot be traced without an example ({line(error)}); {_SHAPE_ADVICE}"
            ) from None
        shape = checked_shape(input_shape)
        return _exported(module, shape, error), shape
    _refuse_unknown(graph)
    inputs = [node for node in graph.graph.nodes if node.op == "placeholder"]
    needed = [node for node in inputs if not node.args]
    if len(needed) != 1:
        raise NetworkError(
            f"{type(module).__name__} takes {counted(len(needed), 'input')}; wrap it in a module that takes one "
            "tensor and splits "
            "it"
        )
    if input_shape is None:
        return graph, _shape_from_graph(graph, needed[0])
    return graph, checked_shape(input_shape)


def _refuse_unknown(graph: Any) -> None:
    """Name the first layer that cannot be read, before anything is computed."""
    import torch

    modules = dict(graph.named_modules())
    for node in graph.graph.nodes:
        if node.op == "call_module" and node.target != _GUARDS:
            module = modules[node.target]
            name = type(module).__name__
            standard = type(module) is getattr(torch.nn, name, None)
            if not standard or name not in MODULES:
                why = reason(name) if standard else "it is a layer of another library, or of a new version of torch"
                raise NetworkError(f"module {shown(node.target)} ({shown(name)}) is not read: {why}; {_ADVICE}")


def _exported(module: Any, shape: tuple[int, ...], reason: Exception) -> Any:
    import torch

    example = torch.zeros((1, *shape), dtype=torch.float64)
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # torch logs pages about a program that it cannot export; the error says enough
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            return torch.export.export(module, (example,)).module()
    except Exception as error:  # the same
        raise NetworkError(
            f"{type(module).__name__} cannot be traced by torch.fx ({line(reason)}) nor exported ({line(error)}); "
            "its code must do the same for every input"
        ) from None
    finally:
        logging.disable(before)


def _shape_from_graph(graph: Any, start: Any) -> tuple[int, ...]:
    """The size of the input, where a linear layer tells it before anything else could change it."""
    import torch

    modules = dict(graph.named_modules())
    waiting, seen = [start], set()
    while waiting:
        node = waiting.pop(0)
        for user in node.users:
            if user in seen:
                continue
            seen.add(user)
            if user.op == "call_module":
                module = modules[user.target]
                name = type(module).__name__
                if name in _MODULES_SEEN_FIRST:
                    return (int(getattr(module, _MODULES_SEEN_FIRST[name])),)
            else:
                name = _name_of(user)
            if user.target is torch.nn.functional.linear and user.args[1:] and user.args[1].op == "get_attr":
                return (int(operator.attrgetter(user.args[1].target)(graph).shape[1]),)
            if name in _SHAPE_KEEPING:
                waiting.append(user)
    raise NetworkError(f"the module does not tell the shape of its input; {_SHAPE_ADVICE}")


def _name_of(node: Any) -> str:
    """Torch's name of the function or method that a node calls."""
    schema = getattr(node.target, "_schema", None)
    name = schema.name if schema is not None else getattr(node.target, "__name__", str(node.target))
    if name in FUNCTIONS:
        return str(name)
    plain = str(name).rpartition("::")[2]
    return plain if plain.startswith("__") else plain.rstrip("_")


# ---------------------------------------------------------------- running


class _Run:
    """A graph, run on values of our own."""

    def __init__(self, graph: Any, tracer: Tracer, name: str) -> None:
        self.graph, self.tracer, self.name = graph, tracer, name
        self.modules = dict(graph.named_modules())
        self.values: dict[Any, Any] = {}

    def of(self, x: SignalArray) -> Any:
        """The result for this input."""
        given = False
        for node in self.graph.graph.nodes:
            if node.op == "placeholder":
                self.values[node] = node.args[0] if given or node.args else x
                given = given or not node.args
            elif node.op == "get_attr":
                self.values[node] = operator.attrgetter(node.target)(self.graph)
            elif node.op == "output":
                result = self._value(node.args[0])
                return result[0] if isinstance(result, (tuple, list)) and len(result) == 1 else result
            elif node.target != _GUARDS:
                self._step(node)
        raise NetworkError("the module returns nothing")

    def _value(self, argument: Any) -> Any:
        if isinstance(argument, (tuple, list)):
            values = [self._value(part) for part in argument]
            return values if isinstance(argument, list) else tuple(values)
        if isinstance(argument, slice):
            return slice(*map(self._value, (argument.start, argument.stop, argument.step)))
        if isinstance(argument, dict):
            return {key: self._value(part) for key, part in argument.items()}
        return self.values[argument] if hasattr(argument, "op") and argument in self.values else argument

    def _step(self, node: Any) -> None:
        arguments = [self._value(argument) for argument in node.args]
        named = {key: self._value(argument) for key, argument in node.kwargs.items()}
        try:
            if node.op == "call_module":
                result, in_place = self._module(node, arguments, named)
            else:
                result, in_place = self._function(node, arguments, named)
        except (NetworkError, GeometryError) as error:
            raise NetworkError(f"{self._place(node)}: {error}") from None
        except (TypeError, ValueError, AttributeError, IndexError, KeyError) as error:
            raise NetworkError(f"{self._place(node)} is used in a way that is not known here ({line(error)})") from None
        self.values[node] = result
        if in_place:
            self.values[node.args[0]] = result

    def _module(self, node: Any, arguments: list[Any], named: dict[str, Any]) -> tuple[Any, bool]:
        module = self.modules[node.target]
        name = type(module).__name__
        if len(arguments) + len(named) != 1:
            raise NetworkError("this layer takes one input here")
        value = (*arguments, *named.values())[0]
        if name != "Identity":
            value = self.tracer.array(value)
        return MODULES[name](self.tracer, module, value), bool(getattr(module, "inplace", False))

    def _function(self, node: Any, arguments: list[Any], named: dict[str, Any]) -> tuple[Any, bool]:
        name = _name_of(node)
        if not any(_holds_signal(value) for value in (*arguments, *named.values())):
            return self._on_constants(node, arguments, named), False
        if name not in FUNCTIONS:
            raise NetworkError(f"this function is not piecewise linear, or not known; {_ADVICE}")
        raw = getattr(node.target, "__name__", str(node.target)).partition(".")[0]
        in_place = raw in _IN_PLACE or (raw.endswith("_") and not raw.endswith("__")) or named.get("inplace") is True
        return FUNCTIONS[name](self.tracer, *arguments, **named), in_place

    @staticmethod
    def _on_constants(node: Any, arguments: list[Any], named: dict[str, Any]) -> Any:
        """Values that do not depend on the input are computed by torch, in double precision."""
        if node.op == "call_method":
            return getattr(arguments[0], node.target)(*arguments[1:], **named)
        return node.target(*arguments, **named)

    def _place(self, node: Any) -> str:
        """The layer by name and type, as the user knows it."""
        if node.op == "call_module":
            return f"module {shown(node.target)} ({type(self.modules[node.target]).__name__})"
        stack = list((node.meta.get("nn_module_stack") or {}).values())
        where = f" in {self.name}"
        if stack:
            path, kind = stack[-1][0], stack[-1][1]
            label = kind if isinstance(kind, str) else kind.__name__
            where = f" in {f'module {shown(path)}' if path else self.name} ({shown(label.rpartition('.')[2])})"
        return f"{_name_of(node)}{where}"


def _holds_signal(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return any(map(_holds_signal, value))
    return isinstance(value, (SignalArray, endings.Ending))


# ---------------------------------------------------------------- comparing


def _compared(network: Network, module: Any, shape: tuple[int, ...], ending: endings.Ending | None) -> Network:
    """The network, with a note where nothing could be compared."""
    import torch

    def source(x: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            result = module(torch.tensor(x, dtype=torch.float64).reshape(1, *shape))
        tensor = result[0] if isinstance(result, (tuple, list)) else result
        values: np.ndarray = tensor.cpu().numpy()
        return values

    try:
        compared = verify(network, source, unit=UNIT_ROUNDOFF, finish=None if ending is None else ending.function)
    except RuntimeError as error:
        raise NetworkError(
            f"the module does not run in double precision ({line(error)}); leave fixed types out of its code"
        ) from None
    return network if compared else replace(network, notes=(*network.notes, NOT_COMPARED))
