"""Count thousands of random small networks by every engine and compare: a nightly check.

    python tools/stress.py [--families all|random|hard] [--seconds 1200] [--networks 10000] [--seed 1] [--keep FOLDER]

The hard families (`stress_families`) are small networks with numbers at the ends of the float range and beyond, long
fractions and whole numbers around 2**53, on slices, boxes up to 1e320 and domains with rows of zeros, by every engine
and mode against the naive oracle; polyhedra with rows that say nothing; and damaged certificates.  Figures by family
come at the end.

Of the random ones each network has a family of weights (generic or degenerate) and one of activations, 1 to 4 inputs,
and is counted on all of R^n or in a box.  The cell engine and the symbolic route (on small ones) must agree in all
four counts, the MILP route (a sample) in the cells, and the sign vectors (in boxes) must agree or say that they cannot
vouch.  The same seed gives the same networks, each of which has a number and can be made again alone:
``--only NUMBER``.  A disagreement is kept as a network file, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
import traceback
from collections import Counter, defaultdict
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
from puiseux.reading import save

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
    """The network of this number."""
    rng = np.random.default_rng([seed, number])
    weights = list(WEIGHTS)[rng.integers(len(WEIGHTS))]
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


def disagreements(chosen: Case, number: int, seconds: Counter[str], outcomes: Counter[str]) -> list[str]:
    """What the engines say differently of one network."""

    def by(engine: str) -> RegionCount:
        begun = time.process_time()
        try:
            return count_regions(chosen.network, chosen.domain, engine)
        finally:
            seconds[engine] += time.process_time() - begun

    cells = by("cells")
    found: list[str] = []
    if cells.cells is None or not cells.complete or not cells.exact:
        return [f"cells: {cells}"]
    outcomes["cells"] += 1
    terms = sum(count.numerator + count.denominator for count in native_monomials(chosen.network)[-1])
    if cells.cells <= SYMBOLIC_CELLS and terms <= SYMBOLIC_TERMS:
        symbolic = by("tropical")
        outcomes["tropical equal"] += symbolic.counts == cells.counts
        if symbolic.counts != cells.counts:
            found.append(f"tropical {symbolic.counts}, cells {cells.counts}")
    if chosen.domain != "all":
        for engine in ["sign-vectors", *(["milp"] if number % MILP_EVERY == 0 and cells.cells <= MILP_CELLS else [])]:
            result = by(engine)
            if result.cells is None:
                outcomes[f"{engine} refused"] += 1
            elif result.cells == cells.cells:
                outcomes[f"{engine} equal"] += 1
            else:
                found.append(f"{engine} {result.cells} cells, cells {cells.cells}")
    return found


def random_networks(options: argparse.Namespace, end: float) -> int:
    """Count random networks until all are counted or the time is up; returns the number of disagreements."""
    families: dict[str, Counter[str]] = defaultdict(Counter)
    seconds: Counter[str] = Counter()
    wrong = 0
    for number in range(options.networks) if options.only is None else [options.only]:
        if time.monotonic() > end:
            break
        chosen = case(options.seed, number)
        outcomes = families[chosen.weights]
        outcomes["networks"] += 1
        for text in disagreements(chosen, number, seconds, outcomes):
            wrong += 1
            options.keep.mkdir(parents=True, exist_ok=True)
            path = options.keep / f"seed{options.seed}-{number}.json"
            save(chosen.network, path)
            print(f"{path} ({chosen.weights}, {chosen.activation}, {chosen.domain}): {text}", flush=True)
        if sys.stderr.isatty():
            print(f"\r{number + 1:,} of {options.networks:,}", end="", file=sys.stderr)
    columns = ["networks", "cells", "tropical equal", "sign-vectors equal", "sign-vectors refused"]
    columns += ["milp equal", "milp refused"]
    print(f"seed {options.seed}, CPU seconds: " + ", ".join(f"{name} {value:.0f}" for name, value in seconds.items()))
    print("| family | " + " | ".join(columns) + " |")
    print("| --- |" + " --- |" * len(columns))
    total: Counter[str] = sum(families.values(), Counter())
    for family, outcomes in [*sorted(families.items()), ("all", total)]:
        print(f"| {family} | " + " | ".join(f"{outcomes[column]:,}" for column in columns) + " |")
    return wrong


def other_families(options: argparse.Namespace, end: float) -> int:
    """Try the families of `stress_families` in turn; returns the number of disagreements."""
    from stress_families import FAMILIES

    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    wrong = 0
    for number in range(max(1, options.networks // 20)) if options.only is None else [options.only]:
        if time.monotonic() > end:
            break
        for family, trial in FAMILIES.items():
            try:
                found = trial(random.Random(f"{options.seed} {family} {number}"), outcomes[family])
            except Exception:  # whatever it is: the engines raise nothing on such input
                found = [traceback.format_exc()]
            wrong += len(found)
            for text in found:
                print(f"seed {options.seed}, number {number}, {family}: {text}", flush=True)
    for family, counts in outcomes.items():
        print(f"{family}: {counts.pop('examples', 0):,}")
        print("".join(f"    {name} {count:,}\n" for name, count in sorted(counts.items())), end="")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=10_000, help="a twentieth as many trials a hard family")
    parser.add_argument("--families", choices=("all", "random", "hard"), default="all")
    parser.add_argument("--seconds", type=float, default=math.inf, help="when to stop, whatever is left")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, metavar="NUMBER")
    parser.add_argument("--keep", type=Path, default=Path("stress-failures"), metavar="FOLDER")
    options = parser.parse_args()
    begun = time.monotonic()
    wrong = 0
    if options.families != "random":
        share = options.seconds if options.families == "hard" else options.seconds / 2
        wrong += other_families(options, begun + share)
    if options.families != "hard":
        wrong += random_networks(options, begun + options.seconds)
    print(f"{wrong} disagreements in {time.monotonic() - begun:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
