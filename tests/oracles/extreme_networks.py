"""Small networks with numbers that floating point finds hard, and what every engine says of them beside the oracle.

The numbers lie at the ends of the float range or beyond it, are nearly equal, or are long fractions.  The domains are
all of R^n, boxes from 1e-320 to 1e320, and polyhedra with rows of zeros, repeated rows and rows that follow from
others.  The tests and ``tools/stress.py`` draw from here.
"""

from __future__ import annotations

import math
import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from flint import fmpq

from nn_bridge.cells.cell import iterate_cells
from nn_bridge.network.network import Network
from polyhedra.errors import PuiseuxError
from polyhedra.polyhedron import Polyhedron
from puiseux.certificates.certificate import verify_certificate, write_certificate
from puiseux.questions.count import count_regions
from tests.oracles import naive_cells

LARGE = (1e300, 1e305, 1.5e308, 1.7e308, sys.float_info.max, 2.0**1023)
TINY = (5e-324, 1e-323, 1e-310, sys.float_info.min, 1e-300, 1e-290)
PLAIN = (0.0, 1.0, -1.0, 2.0, 0.5, 3.0)


def _signed(rng: random.Random, value: float) -> Fraction:
    return Fraction(rng.choice((value, -value)))


def _ends(rng: random.Random) -> Fraction:
    return _signed(rng, rng.choice(rng.choice((LARGE, TINY, PLAIN))))


def _large(rng: random.Random) -> Fraction:
    return _signed(rng, rng.choice(rng.choice((LARGE, LARGE, PLAIN))))


def _tiny(rng: random.Random) -> Fraction:
    return _signed(rng, rng.choice(rng.choice((TINY, TINY, PLAIN))))


def _combined(rng: random.Random) -> Fraction:
    """Sums and products of numbers from the ends, which floats can't hold."""
    one, two = _ends(rng), _ends(rng)
    return rng.choice((one, one + two, one * two))


def _near_ties(rng: random.Random) -> Fraction:
    """A few large numbers and their neighbours."""
    value = rng.choice((1.5e308, 1.0, 1e300, 5e-324, 0.0))
    return _signed(rng, rng.choice((value, math.nextafter(value, 1.0), math.nextafter(value, 0.0))))


def _whole(rng: random.Random) -> Fraction:
    """Whole numbers around 2**53, up to which floats hold all of them."""
    value = rng.choice((0, 1, 1, 2, 3, 2**26, 2**31 - 1, 2**52, 2**53 - 1, 2**53, 2**53 + 1, 2**54 + 2))
    return Fraction(rng.choice((value, -value)))


def _long(rng: random.Random) -> Fraction:
    """Fractions of 17 digits and more around simple numbers."""
    return Fraction(rng.randint(-3, 3)) + Fraction(rng.randint(-2, 2), 10 ** rng.choice((16, 17, 30))) / rng.choice(
        (1, 3, 10**17 - 1)
    )


def _far(rng: random.Random) -> Fraction:
    """As far out as the float engine of sign vectors goes: sums over a layer or two overflow."""
    value = rng.choice((1e119, 3e100, 1e80, 1e-119, 1e-100, 1.0, 2.0, 0.0))
    return _signed(rng, rng.choice((value, rng.uniform(0.5, 2.0) * value)) if value < 1e119 else value)


FAMILIES: dict[str, Callable[[random.Random], Fraction]] = {
    "both ends of the float range": _ends,
    "upper end of the float range": _large,
    "lower end of the float range": _tiny,
    "sums and products of the ends": _combined,
    "neighbouring floats": _near_ties,
    "whole numbers around 2**53": _whole,
    "long fractions": _long,
    "far from one": _far,
}
SHAPES = ((1, (2,)), (1, (3,)), (1, (3, 2)), (1, (2, 2, 2)), (2, (2,)), (2, (3,)), (2, (3, 2)), (2, (4,)), (3, (3,)))
HALF_WIDTHS = (
    Fraction(1),
    Fraction(10) ** 90,
    Fraction(1, 10**90),
    Fraction(3, 2),
    Fraction(10) ** 320,
    Fraction(10) ** 308,
    Fraction(1, 10**320),
    Fraction(7),
)


@dataclass(frozen=True)
class Example:
    """A network as plain fractions, and a domain ``A x <= b`` (no rows: all of R^n) as it is given to the engines.

    ``slice_of`` is the origin and the directions of the slice where the engines get a network in more inputs.
    """

    weights: tuple[tuple[tuple[Fraction, ...], ...], ...]
    biases: tuple[tuple[Fraction, ...], ...]
    rows: tuple[tuple[tuple[Fraction, ...], Fraction], ...] = ()
    slice_of: tuple[tuple[Fraction, ...], tuple[tuple[Fraction, ...], ...]] | None = None

    @property
    def dim(self) -> int:
        """The number of inputs that the counts are about."""
        return len(self.weights[0][0]) if self.slice_of is None else len(self.slice_of[1])

    def network(self) -> Network:
        """The network for the engines, restricted where there is a slice."""
        whole = Network.from_layers(
            [[[_exact(v) for v in row] for row in matrix] for matrix in self.weights],
            [[_exact(v) for v in bias] for bias in self.biases],
        )
        if self.slice_of is None:
            return whole
        origin, directions = self.slice_of
        columns = [[_exact(d[i]) for d in directions] for i in range(len(origin))]
        return whole.restrict_to(columns, [_exact(v) for v in origin])

    def domain(self) -> Polyhedron | None:
        """The domain for the engines, with all its rows."""
        if not self.rows:
            return None
        return Polyhedron([[_exact(v) for v in a] for a, _ in self.rows], [_exact(b) for _, b in self.rows])

    def bounded(self) -> bool:
        """Whether the domain is a bounded one (here: whether there is any)."""
        return bool(self.rows)

    def naive(self) -> list[tuple[tuple[tuple[int, ...], ...], list[tuple[Fraction, ...]], object]]:
        """The cells by the oracle."""
        weights, biases = list(self.weights), list(self.biases)
        if self.slice_of is not None:
            origin, directions = self.slice_of
            first = weights[0]
            weights[0] = tuple(tuple(_dot(row, d) for d in directions) for row in first)
            biases[0] = tuple(b + _dot(row, origin) for row, b in zip(first, biases[0], strict=True))
        walls = [(*(-v for v in a), b) for a, b in self.rows if any(a)]
        return naive_cells.cells(naive_cells.plain(weights, biases), self.dim, walls)


def _exact(value: Fraction) -> fmpq:
    return fmpq(value.numerator, value.denominator)


def _dot(row: Sequence[Fraction], vector: Sequence[Fraction]) -> Fraction:
    return sum((a * b for a, b in zip(row, vector, strict=True)), Fraction(0))


def draw(family: str, rng: random.Random) -> Example:
    """One example whose numbers belong to a family."""
    number = FAMILIES[family]
    dim, hidden = rng.choice(SHAPES)
    sizes = (dim, *hidden, rng.choice((1, 1, 2)))
    weights, biases = [], []
    for columns, count in pairwise(sizes):
        matrix = [tuple(number(rng) for _ in range(columns)) for _ in range(count)]
        bias = [number(rng) if rng.random() < 0.6 else Fraction(0) for _ in range(count)]
        for i in range(1, count):
            if rng.random() < 0.25:  # nearly or exactly proportional units
                factor = rng.choice((Fraction(1), Fraction(-1), Fraction(2), number(rng)))
                matrix[i] = tuple(factor * v for v in matrix[i - 1])
                bias[i] = factor * bias[i - 1] + (number(rng) if rng.random() < 0.3 else 0)
        weights.append(tuple(matrix))
        biases.append(tuple(bias))
    slice_of = None
    if dim > 1 and rng.random() < 0.2:
        origin = tuple(number(rng) for _ in range(dim))
        direction = tuple(number(rng) for _ in range(dim))
        if any(direction):
            slice_of, dim = (origin, (direction,)), 1
    return Example(tuple(weights), tuple(biases), _rows(dim, rng), slice_of)


def _rows(dim: int, rng: random.Random) -> tuple[tuple[tuple[Fraction, ...], Fraction], ...]:
    """A domain: none, a box, or a box with rows that say nothing new."""
    if rng.random() < 0.4:
        return ()
    rows: list[tuple[tuple[Fraction, ...], Fraction]] = []
    for i in range(dim):
        low, high = -rng.choice(HALF_WIDTHS), rng.choice(HALF_WIDTHS)
        if rng.random() < 0.3:
            low = -high / rng.choice((1, 2, 10**17))
        unit = tuple(Fraction(int(i == j)) for j in range(dim))
        rows += [(unit, high), (tuple(-v for v in unit), -low)]
    if rng.random() < 0.5:
        zero = (Fraction(0),) * dim
        a, b = rng.choice(rows)
        more = [
            (zero, Fraction(0)),
            (zero, Fraction(rng.choice((1, 5e-324, 1e308)))),
            (a, b),
            (tuple(3 * v for v in a), 3 * b),
            (a, b + 1),
            (tuple(u + v for u, v in zip(a, rows[0][0], strict=True)), b + rows[0][1]),
        ]
        for row in rng.sample(more, rng.randint(1, 4)):
            rows.insert(rng.randint(0, len(rows)), row)
    return tuple(rows)


def disagreements(
    example: Example, outcomes: Counter[str], *, milp: bool = False, folder: Path | None = None, four: int = 14
) -> list[str]:
    """All that engines and modes say differently from the oracle about one example.

    Parameters
    ----------
    example : Example
    outcomes : Counter
        Counts what was compared, and which engine withdrew.
    milp : bool
        Whether to ask the engine ``milp`` too, which takes longest.
    folder : path, optional
        Where to write a certificate, which is then checked.
    four : int
        Up to how many cells the oracle joins them into regions.
    """
    truth = example.naive()
    network, domain = example.network(), example.domain()
    patterns = sorted(naive_cells.pattern_text(pattern) for pattern, _, _ in truth)
    counts = naive_cells.four_counts(truth, example.dim) if len(truth) <= four else {"cells": len(truth)}
    found: list[str] = []

    def compare(name: str, said: object, right: object) -> None:
        outcomes[f"{name}: equal"] += said == right
        if said != right:
            found.append(f"{name}: {said}, the oracle {right}")

    outcomes["examples"] += 1
    result = count_regions(network, domain, "cells", workers=1)
    compare("cells", {k: result.counts[k] for k in counts}, counts)
    compare("cells, only cells", count_regions(network, domain, "cells", counts="cells").cells, len(truth))
    listed = list(iterate_cells(network, domain))
    compare("cells, listed", sorted(cell.pattern_text for cell in listed), patterns)
    inside = all(all(_slack(row, cell.interior_point) > 0 for row in cell.inequalities) for cell in listed)
    compare("cells, points inside", inside, True)
    result = count_regions(network, domain, "tropical")
    compare("tropical", {k: result.counts[k] for k in counts}, counts)
    if folder is not None:
        write_certificate(network, folder / "extreme.cert", domain)
        verdict = verify_certificate(folder / "extreme.cert", network, domain)
        proven = verdict.counts or {}
        compare("certificate", verdict.reason if not verdict.valid else proven.get("cells"), len(truth))
        if verdict.valid and "regions" in counts:
            compare("certificate, regions", proven.get("regions"), counts["regions"])
    for engine in ("sign-vectors", "milp") if milp else ("sign-vectors",):
        if not example.bounded():
            break
        try:
            result = count_regions(network, domain, engine)
        except PuiseuxError:
            outcomes[f"{engine}: withdrew"] += 1
            continue
        if result.cells is None or not result.complete:
            outcomes[f"{engine}: withdrew"] += 1
            if not result.reason:
                found.append(f"{engine}: no number and no reason")
        else:
            compare(engine, result.cells, len(truth))
    return found


def _slack(row: Sequence[fmpq], point: Sequence[fmpq]) -> fmpq:
    """``b - a . x`` of a cell's inequality, positive inside."""
    return sum((-a * x for a, x in zip(row[:-1], point, strict=True)), row[-1])
