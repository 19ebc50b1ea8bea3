"""A chain of layers with the activations as they were written, each by its own formulation rule.

A `Network` knows ReLU units only; here leaky ReLU, hard tanh, hard sigmoid, threshold, maxout and max-pooling keep
their own rules, which need fewer binaries than their ReLU units. ``network.layers`` of a network built from layers
can be used as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import fmpq

from milp.domain import BoundedDomain, DomainLike, bounded
from milp.formulations import argmax, hard_sigmoid, hard_tanh, leaky_relu, maxout, relu, threshold
from milp.formulations.network import NetworkModel, input_variable
from milp.formulations.rule import Encoded, Preactivation
from nn_bridge.network.network import Matrix, Row, exact_row, float_matrix
from polyhedra.errors import FormulationError, GeometryError
from polyhedra.option_types import checked_options
from polyhedra.plurals import counted
from polyhedra.quoting import quoted
from polyhedra.rounding import round_down, round_up
from polyhedra.scalars import ONE, ZERO, rational, rationals, to_float

_SIXTH, _HALF = fmpq(1, 6), fmpq(1, 2)

ACTIVATIONS = (
    "relu",
    "linear",
    "leaky:SLOPE[,SLOPE..]",
    "hardtanh",
    "clip:LOW,HIGH",
    "hardsigmoid",
    "threshold",
    "maxout:PIECES",
    "argmax",
)


@dataclass(frozen=True, slots=True)
class Layer:
    """activation(W h + b), exact.

    Attributes
    ----------
    weights, bias : exact matrix and vector
    activation : str
        One of ``relu``, ``linear``, ``leaky:SLOPE`` (or one slope an entry, separated by commas), ``hardtanh``,
        ``clip:LOW,HIGH``, ``hardsigmoid`` (slope 1/6), ``threshold``, ``maxout:PIECES`` (consecutive groups of rows),
        ``argmax`` (1 for a greatest value, 0 for the others; the first of equal ones in `evaluate_layers`).
    """

    weights: Matrix
    bias: Row
    activation: str

    @classmethod
    def make(cls, weights: Any, bias: Any = None, activation: str = "relu") -> Layer:
        """From numbers of any kind; a missing bias is zero."""
        rows = tuple(exact_row(row, f"row {i}") for i, row in enumerate(weights))
        shift = (ZERO,) * len(rows) if bias is None else exact_row(bias, "bias")
        return cls(rows, shift, activation)

    @classmethod
    def max_pool(cls, windows: Sequence[Sequence[int]], size: int) -> Layer:
        """Max-pooling of ``size`` values over windows of equal length."""
        length = len(windows[0]) if windows else 0
        if not length or any(len(window) != length for window in windows):
            raise FormulationError("max-pooling windows must be non-empty and of equal length")
        rows = [[ONE if j == place else ZERO for j in range(size)] for window in windows for place in window]
        return cls.make(rows, None, f"maxout:{length}")


@checked_options
def formulate_layers(
    layers: Sequence[Any],
    domain: DomainLike,
    formulation: str = "big-m",
    *,
    margin: float = 0.0,
    x: Any = None,
) -> NetworkModel:
    """Encode a chain of layers on a bounded domain, with interval bounds.

    Parameters
    ----------
    layers : sequence of `Layer` or of ``nn_bridge.network.network.LayerRecord``
    domain : Polyhedron or pair (lower, upper)
    formulation : str
        The rule for the ReLUs, as in `formulate`; ``extended`` makes maxout ideal as well.
    margin : float
        The d of threshold units (`milp.formulations.threshold`).
    x : cvxpy expression, optional
        The input, where it is part of a larger model.
    """
    if not isinstance(layers, Iterable):
        raise FormulationError(f"layers={quoted(layers)}: give a list of milp.Layer")
    if not len(layers):
        raise FormulationError("there are no layers")
    for index, layer in enumerate(layers):
        if not hasattr(layer, "weights"):
            raise FormulationError(f"layer {index} is {quoted(layer)}: give values of milp.Layer")
    relu.relu_rule(formulation)
    if margin < 0:
        raise FormulationError(f"the margin {margin} is negative")
    dim = len(layers[0].weights[0])
    region = bounded(domain, dim)
    h, constraints = input_variable(region, x)
    point = h
    low, high = list(region.lower), list(region.upper)
    integrality: list[Any] = []
    units: list[Any] = []
    binaries: list[Any] = []
    for index, layer in enumerate(layers):
        _check_width(layer, len(low), index)
        pre, exact_low, exact_high = _preactivation(layer, h, low, high)
        encoded = _encode(layer, pre, formulation, margin, f"layer {index}")
        constraints += encoded.constraints
        integrality += encoded.integrality
        h = encoded.output
        units.append(h)
        binaries.append(encoded.binaries)
        low, high = _box_after(layer, exact_low, exact_high, f"layer {index}")
    return NetworkModel(point, h, tuple(units), tuple(binaries), constraints, integrality)


def evaluate_layers(layers: Sequence[Any], x: Sequence[Any]) -> Row:
    """The exact forward pass of a chain of layers (a threshold unit is 1 iff g > 0)."""
    values = rationals(x)
    for index, layer in enumerate(layers):
        g = []
        for row, bias in zip(layer.weights, layer.bias, strict=True):
            total = bias
            for w, v in zip(row, values, strict=True):
                total += w * v
            g.append(total)
        values = _apply(layer, g, f"layer {index}")
    return values


def _box_after(layer: Any, low: list[fmpq], high: list[fmpq], place: str) -> tuple[list[fmpq], list[fmpq]]:
    """A box around the values after the activation, from one around those before."""
    if layer.activation == "argmax":
        return [ZERO] * len(low), [ONE] * len(low)
    ends = list(zip(_apply(layer, low, place), _apply(layer, high, place), strict=True))
    least, greatest = [min(a, b) for a, b in ends], [max(a, b) for a, b in ends]
    if layer.activation.startswith("leaky"):  # a negative slope is not monotone: the kink may be the least value
        least = [min(a, ZERO) if m < 0 < M else a for a, m, M in zip(least, low, high, strict=True)]
        greatest = [max(a, ZERO) if m < 0 < M else a for a, m, M in zip(greatest, low, high, strict=True)]
    return least, greatest


def layer_bounds(layers: Sequence[Any], region: BoundedDomain) -> list[Preactivation]:
    """The weights and interval bounds of each layer of a chain on a domain, without variables.

    Raises
    ------
    FormulationError
        A layer does not read what comes in, or has an unknown activation.
    """
    low, high = list(region.lower), list(region.upper)
    found = []
    for index, layer in enumerate(layers):
        _check_width(layer, len(low), index)
        pre, exact_low, exact_high = _preactivation(layer, None, low, high)
        low, high = _box_after(layer, exact_low, exact_high, f"layer {index}")
        found.append(pre)
    return found


def _check_width(layer: Any, width: int, index: int) -> None:
    if len(layer.weights[0]) != width:
        raise FormulationError(f"layer {index} reads {counted(len(layer.weights[0]), 'value')}, its input has {width}")


def _preactivation(
    layer: Any, h: Any, low: Sequence[fmpq], high: Sequence[fmpq]
) -> tuple[Preactivation, list[fmpq], list[fmpq]]:
    least, greatest = list(layer.bias), list(layer.bias)
    for i, row in enumerate(layer.weights):
        for w, a, b in zip(row, low, high, strict=True):
            least[i] += w * (a if w > 0 else b)
            greatest[i] += w * (b if w > 0 else a)
    pre = Preactivation(
        h,
        float_matrix(layer.weights),
        np.array([to_float(b) for b in layer.bias]),
        np.array([round_down(v) for v in least]),
        np.array([round_up(v) for v in greatest]),
        np.array([round_down(v) for v in low]),
        np.array([round_up(v) for v in high]),
    )
    exact_low = [rational(float(v)) for v in pre.lower]
    exact_high = [rational(float(v)) for v in pre.upper]
    return pre, exact_low, exact_high


def parse_activation(activation: str, size: int, place: str) -> tuple[str, Row]:
    """The kind of an activation and its numbers."""
    kind, _, argument = activation.partition(":")
    try:
        numbers = rationals(argument.split(",")) if argument else ()
    except GeometryError as error:
        raise FormulationError(f"{place}: activation {activation!r}: {error}") from None
    fits = {
        "relu": not numbers,
        "linear": not numbers,
        "leaky": len(numbers) in (1, size),
        "hardtanh": not numbers,
        "clip": len(numbers) == 2 and numbers[0] < numbers[1],
        "hardsigmoid": not numbers,
        "threshold": not numbers,
        "argmax": not numbers,
        "maxout": len(numbers) == 1 and numbers[0].q == 1 and numbers[0] >= 1 and size % int(numbers[0].p) == 0,
    }
    if not fits.get(kind, False):
        raise FormulationError(
            f"{place}: activation {activation!r} for {counted(size, 'value')} is not one of {', '.join(ACTIVATIONS)}"
        )
    if kind == "leaky" and len(numbers) == 1:
        numbers = numbers * size
    return ("clip", (-ONE, ONE)) if kind == "hardtanh" else (kind, numbers)


def _apply(layer: Any, g: Sequence[fmpq], place: str) -> Row:
    """The activation at exact pre-activations."""
    kind, numbers = parse_activation(layer.activation, len(g), place)
    if kind == "relu":
        return tuple(max(v, ZERO) for v in g)
    if kind == "leaky":
        return tuple(v if v > 0 else a * v for v, a in zip(g, numbers, strict=True))
    if kind == "clip":
        return tuple(min(max(v, numbers[0]), numbers[1]) for v in g)
    if kind == "hardsigmoid":
        return tuple(min(max(_SIXTH * v + _HALF, ZERO), ONE) for v in g)
    if kind == "threshold":
        return tuple(ONE if v > 0 else ZERO for v in g)
    if kind == "argmax":
        first = max(range(len(g)), key=lambda i: g[i])
        return tuple(ONE if i == first else ZERO for i in range(len(g)))
    if kind == "maxout":
        k = int(numbers[0].p)
        return tuple(max(g[i : i + k]) for i in range(0, len(g), k))
    return tuple(g)


def _encode(layer: Any, pre: Preactivation, formulation: str, margin: float, place: str) -> Encoded:
    kind, numbers = parse_activation(layer.activation, pre.size, place)
    if kind == "relu":
        return relu.encode(pre, formulation)[0]
    if kind == "leaky":
        return leaky_relu.encode(pre, np.array([to_float(v) for v in numbers]), formulation)
    if kind == "clip":
        return hard_tanh.encode(pre, to_float(numbers[0]), to_float(numbers[1]), formulation)
    if kind == "hardsigmoid":
        return hard_sigmoid.encode(pre, rule=formulation)
    if kind == "threshold":
        return threshold.encode(pre, margin)
    if kind == "argmax":
        return argmax.encode(pre)
    if kind == "maxout":
        rule = maxout.encode_ideal if formulation == "extended" else maxout.encode
        return rule(pre, int(numbers[0].p))
    return Encoded(pre.value, None)
