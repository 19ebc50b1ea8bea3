"""The random networks of `tools/stress.py`: families of weights and activations, counted by every engine."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from nn_bridge.network.builder import NetworkBuilder, Signal
from nn_bridge.network.network import Network
from nn_bridge.region_count import RegionCount
from nn_bridge.symbolic.monomials import native_monomials
from polyhedra.scalars import rational
from puiseux.questions.count import count_regions

Rng = np.random.Generator
Layer = tuple[np.ndarray, np.ndarray]

SYMBOLIC_CELLS, SYMBOLIC_TERMS = 60, 300  # the symbolic route takes seconds and more beyond
MILP_EVERY, MILP_CELLS = 25, 60
BOXES = ("box:-1,1", "box:-10,10", "box:-1/3,2")


# -------------------------------------------------------------------------- weights


def _gaussian(rng: Rng, rows: int, columns: int) -> Layer:
    return rng.normal(size=(rows, columns)), rng.normal(size=rows)


def _gaussian_zero_bias(rng: Rng, rows: int, columns: int) -> Layer:
    return rng.normal(size=(rows, columns)), np.zeros(rows)


def _integer(rng: Rng, rows: int, columns: int) -> Layer:
    return rng.integers(-3, 4, (rows, columns)).astype(float), rng.integers(-2, 3, rows).astype(float)


def _ternary_zero_bias(rng: Rng, rows: int, columns: int) -> Layer:
    return rng.integers(-1, 2, (rows, columns)).astype(float), np.zeros(rows)


def _decimal(rng: Rng, rows: int, columns: int) -> Layer:
    return rng.integers(-9, 10, (rows, columns)) * 0.1, rng.integers(-9, 10, rows) * 0.1


def _repeated(rng: Rng, rows: int, columns: int) -> Layer:
    """Duplicate, opposite, proportional and dead neurons."""
    weights, bias = _integer(rng, rows, columns)
    for row in range(1, rows):
        factor = rng.choice([1.0, -1.0, 2.0, -0.5, 0.0, np.nan])
        if not np.isnan(factor):
            weights[row], bias[row] = factor * weights[row - 1], factor * bias[row - 1]
    return weights, bias


def _nearly_equal(rng: Rng, rows: int, columns: int) -> Layer:
    weights, bias = _gaussian(rng, rows, columns)
    for row in range(1, rows, 2):
        weights[row], bias[row] = weights[row - 1], np.nextafter(bias[row - 1], np.inf)
    return weights, bias


def _low_rank(rng: Rng, rows: int, columns: int) -> Layer:
    return np.outer(rng.integers(-2, 3, rows), rng.integers(-2, 3, columns)).astype(float), rng.integers(
        -2, 3, rows
    ) * 1.0


def _spread(rng: Rng, rows: int, columns: int) -> Layer:
    """Weights over 24 orders of magnitude."""
    return rng.normal(size=(rows, columns)) * 10.0 ** rng.integers(-12, 13, (rows, columns)), rng.normal(size=rows)


WEIGHTS: dict[str, Callable[[Rng, int, int], Layer]] = {
    "Gaussian": _gaussian,
    "Gaussian, zero biases": _gaussian_zero_bias,
    "integer": _integer,
    "ternary, zero biases": _ternary_zero_bias,
    "decimal": _decimal,
    "repeated, opposite, dead": _repeated,
    "nearly equal": _nearly_equal,
    "rank one": _low_rank,
    "spread over 24 orders": _spread,
}

# -------------------------------------------------------------------------- activations


def _leaky(builder: NetworkBuilder, signal: Signal, rng: Rng) -> Signal:
    return builder.leaky_relu(signal, rational(["1/10", "0.01", "-1", 2][rng.integers(4)]))


def _hard_tanh(builder: NetworkBuilder, signal: Signal, rng: Rng) -> Signal:
    return builder.clip(signal, rational(-1), rational(1))


def _maximum_of_pairs(builder: NetworkBuilder, signal: Signal, rng: Rng) -> Signal:
    return builder.maxout(signal, 2) if signal.size % 2 == 0 else builder.relu(signal)


def _residual(builder: NetworkBuilder, signal: Signal, rng: Rng) -> Signal:
    return builder.add(signal, builder.relu(signal))


def _dense(builder: NetworkBuilder, signal: Signal, rng: Rng) -> Signal:
    return builder.concatenate(builder.relu(signal), builder.take(signal, [0]))


ACTIVATIONS: dict[str, Callable[[NetworkBuilder, Signal, Rng], Signal]] = {
    "ReLU": lambda builder, signal, rng: builder.relu(signal),
    "leaky ReLU": _leaky,
    "hard tanh": _hard_tanh,
    "absolute value": lambda builder, signal, rng: builder.absolute(signal),
    "maximum": _maximum_of_pairs,
    "residual": _residual,
    "concatenated": _dense,
}


@dataclass(frozen=True)
class Case:
    """One network, what it is, and where to count it."""

    weights: str
    activation: str
    network: Network
    domain: str


def case(seed: int, number: int) -> Case:
    """The network of this number; the families of weights take turns."""
    rng = np.random.default_rng([seed, number])
    weights = list(WEIGHTS)[number % len(WEIGHTS)]
    activation = "ReLU" if rng.random() < 0.5 else list(ACTIVATIONS)[rng.integers(len(ACTIVATIONS))]
    inputs, depth = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    builder = NetworkBuilder(inputs)
    signal = builder.input()
    for _ in range(depth):
        width = int(rng.integers(1, {1: 7, 2: 5, 3: 4}[depth] + 1))
        signal = ACTIVATIONS[activation](builder, _affine(builder, signal, WEIGHTS[weights], width, rng), rng)
    outputs = int(rng.choice([1, 1, 2]))
    network = builder.finish(_affine(builder, signal, WEIGHTS[weights], outputs, rng))
    return Case(weights, activation, network, "all" if rng.random() < 0.5 else BOXES[rng.integers(len(BOXES))])


def _affine(
    builder: NetworkBuilder, signal: Signal, draw: Callable[[Rng, int, int], Layer], rows: int, rng: Rng
) -> Signal:
    matrix, bias = draw(rng, rows, signal.size)
    return builder.affine(signal, matrix.tolist(), bias.tolist())


# -------------------------------------------------------------------------- comparison


def disagreements(chosen: Case, number: int, outcomes: Counter[str]) -> list[str]:
    """What the engines say differently of one network."""

    def by(engine: str) -> RegionCount:
        return count_regions(chosen.network, chosen.domain, engine)

    cells = by("cells")
    found: list[str] = []
    outcomes["examples"] += 1
    if cells.cells is None or not cells.complete or not cells.exact:
        return [f"cells: {cells}"]
    outcomes["cells: counted"] += 1
    terms = sum(count.numerator + count.denominator for count in native_monomials(chosen.network)[-1])
    if cells.cells <= SYMBOLIC_CELLS and terms <= SYMBOLIC_TERMS:
        symbolic = by("tropical")
        outcomes["tropical: equal"] += symbolic.counts == cells.counts
        if symbolic.counts != cells.counts:
            found.append(f"tropical {symbolic.counts}, cells {cells.counts}")
    if chosen.domain != "all":
        for engine in ["sign-vectors", *(["milp"] if number % MILP_EVERY == 0 and cells.cells <= MILP_CELLS else [])]:
            result = by(engine)
            if result.cells is None:
                outcomes[f"{engine}: withdrew"] += 1
            elif result.cells == cells.cells:
                outcomes[f"{engine}: equal"] += 1
            else:
                found.append(f"{engine} {result.cells} cells, cells {cells.cells}")
    return found
