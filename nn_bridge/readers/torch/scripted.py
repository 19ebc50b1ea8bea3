"""TorchScript modules that are chains of layers, as the ordinary modules that they were made from.

The graph of a scripted or traced module says which operators it applies, one after another; nothing of it is run here.
"""

from __future__ import annotations

from typing import Any

_IDENTITY = ("aten::dropout", "aten::feature_dropout", "aten::detach")


def ordinary_module(scripted: Any) -> Any:
    """The ``nn.Sequential`` that does what a scripted module does; None where it is no chain of known layers.

    Linear layers, ReLU, leaky ReLU, flattening and dropout (the identity in evaluation mode) are known.
    """
    from torch import nn

    graph = scripted.inlined_graph
    inputs = [each.debugName() for each in graph.inputs()]
    if len(inputs) != 2:
        return None
    known: dict[str, Any] = {inputs[0]: scripted}
    current, layers = inputs[1], []
    for node in graph.nodes():
        read = [each.debugName() for each in node.inputs()]
        made = [each.debugName() for each in node.outputs()]
        if node.kind() == "prim::GetAttr":
            known[made[0]] = getattr(known[read[0]], node.s("name"))
        elif node.kind() == "prim::Constant":
            known[made[0]] = node.output().toIValue()
        elif not read or read[0] != current or not all(name in known for name in read[1:]):
            return None
        else:
            layer = _layer(node.kind(), [known[name] for name in read[1:]])
            if layer is None:
                return None
            layers.append(layer)
            current = made[0]
    ends = [each.debugName() for each in graph.outputs()]
    return nn.Sequential(*layers) if ends == [current] and layers else None


def _layer(kind: str, values: list[Any]) -> Any:
    """The layer of an operator with these values after its input; None where it is not known."""
    from torch import nn

    if kind == "aten::linear":
        weight, bias = values
        layer = nn.Linear(weight.shape[1], weight.shape[0], bias is not None, dtype=weight.dtype)
        layer.weight = nn.Parameter(weight.detach().clone(), requires_grad=False)
        if bias is not None:
            layer.bias = nn.Parameter(bias.detach().clone(), requires_grad=False)
        return layer
    if kind in ("aten::relu", "aten::relu_"):
        return nn.ReLU()
    if kind in ("aten::leaky_relu", "aten::leaky_relu_"):
        return nn.LeakyReLU(float(values[0]))
    if kind == "aten::flatten" and values[0] == 1:
        return nn.Flatten(1, int(values[1]))
    return nn.Identity() if kind in _IDENTITY else None


__all__ = ["ordinary_module"]
