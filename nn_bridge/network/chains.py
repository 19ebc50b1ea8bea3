"""Chains of layers, the networks of most files: weights, a bias and an activation by name, one after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nn_bridge.errors import NetworkError
from nn_bridge.network.builder import NetworkBuilder, Signal
from nn_bridge.network.network import LayerRecord, Network, exact_row
from nn_bridge.network.rows import MatrixOfDoubles
from nn_bridge.network.sparse_row import normal_row
from polyhedra.errors import GeometryError
from polyhedra.plurals import counted
from polyhedra.quoting import quoted
from polyhedra.scalars import ZERO, rational, to_text

if TYPE_CHECKING:
    from nn_bridge.network.budget import Budget


def chain(
    weights: Sequence[Any], biases: Sequence[Any], activations: Sequence[str], budget: Budget | None = None
) -> Network:
    """A chain of layers (see `Network.from_layers`); readers of files give the budget of the file."""
    if not len(weights):
        raise NetworkError("the network has no layers")
    if not len(weights) == len(biases) == len(activations):
        raise NetworkError(
            f"{counted(len(weights), 'weight matrix', 'weight matrices')}, "
            f"{counted(len(biases), 'bias', 'biases')} and {counted(len(activations), 'activation')} do not match"
        )
    try:
        build = NetworkBuilder(len(weights[0][0]), budget)
    except (TypeError, IndexError):
        raise NetworkError("layer 0: the weights are not a matrix with rows and columns") from None
    signal: Signal | None = None  # None: the units of the last stage, or the input
    records: list[LayerRecord] = []
    for index, (matrix, bias, activation) in enumerate(zip(weights, biases, activations, strict=True)):
        place = f"layer {index}"
        try:
            exact = isinstance(matrix, MatrixOfDoubles)
            rows = tuple(
                normal_row(row if exact else exact_row(row, f"{place}, row {i}")) for i, row in enumerate(matrix)
            )
        except TypeError:
            raise NetworkError(f"{place}: the weights are not a matrix with rows and columns") from None
        shift = (ZERO,) * len(rows) if bias is None else exact_row(bias, f"{place}, bias")
        kind = canonical_activation(activation, place)
        records.append(LayerRecord(rows, shift, kind))
        if signal is None and kind == "linear" and index == len(weights) - 1:
            return build.finish_with(build.dense_stage(rows, shift, place, matrix), tuple(records))
        if signal is None and kind == "relu":
            build.relu_of(build.dense_stage(rows, shift, place, matrix))
            continue
        inner = build.units() if signal is None else signal
        signal = activate(build, build.affine(inner, rows, shift, place), activation, place)
        if kind == "relu":
            signal = None
    return build.finish(build.units() if signal is None else signal, tuple(records))


def canonical_activation(activation: str, place: str) -> str:
    """The one spelling of an activation: ``relu``, ``linear``, ``leaky:p/q``, ``maxout:k``."""
    kind, _, argument = activation.partition(":")
    try:
        if kind in ("relu", "linear") and not argument:
            return kind
        if kind == "leaky":
            return f"leaky:{to_text(rational(argument))}"
        if kind == "maxout" and argument.isascii() and argument.isdigit() and 1 <= len(argument) <= 6:
            return f"maxout:{int(argument)}"
    except GeometryError as error:
        raise NetworkError(f"{place}: activation {quoted(activation)}: {error}") from None
    raise NetworkError(
        f"{place}: activation {quoted(activation)} is not one of relu, linear, leaky:SLOPE, maxout:PIECES; "
        "puiseux reads piecewise linear networks only"
    )


def activate(build: NetworkBuilder, signal: Signal, activation: str, place: str) -> Signal:
    """Apply an activation, given by name, to a signal."""
    kind, _, argument = canonical_activation(activation, place).partition(":")
    if kind == "relu":
        return build.relu(signal)
    if kind == "leaky":
        return build.leaky_relu(signal, rational(argument))
    if kind == "maxout":
        return build.maxout(signal, int(argument), place)
    return signal
